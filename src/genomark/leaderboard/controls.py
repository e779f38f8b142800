"""What a reader can change of a page: its address with one parameter other than now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from genomark.leaderboard.links import Links
from genomark.leaderboard.query import SORTS

Order = Literal["asc", "desc"]
_ARIA = {"asc": "ascending", "desc": "descending"}


class Sorting(NamedTuple):
    """The head of a column that a table can be sorted by.

    Attributes
    ----------
    url : str
        The page, sorted by it; the other way round if it is so already.
    aria : {"ascending", "descending", "none"}
        How it is sorted by it now.
    """

    url: str
    aria: str


@dataclass(frozen=True)
class Place:
    """A page as it was asked for.

    Attributes
    ----------
    links : Links
    kind, slug : str
        As `Links.url` takes them.
    query : mapping of str to sequence of str
        Parameters of the address.
    """

    links: Links
    kind: str
    slug: str
    query: Mapping[str, Sequence[str]]

    def first(self, name: str) -> str:
        """Give a parameter; empty if it is not set."""
        return next(iter(self.query.get(name, ())), "")

    def again(self, twin: str = "", **changes: str | Sequence[str]) -> str:
        """Address this page with some parameters changed; an empty one is dropped."""
        asked: dict[str, str | Sequence[str]] = {**self.query, **changes}
        return self.links.url(self.kind, self.slug, twin=twin, **asked)

    def kept(self, *but: str) -> list[tuple[str, str]]:
        """List parameters that a form has to send along, but for those it asks itself."""
        return [
            (name, value)
            for name, values in self.query.items()
            if name not in but
            for value in values
            if value
        ]

    @property
    def narrowed(self) -> bool:
        """Whether lines may be missing, because something was asked that leaves some out."""
        return any(self.first(name) for name in ("search", "standing", "suite"))

    def sorting(self, name: str, order: Order) -> Sorting:
        """Tell how to sort by something.

        Parameters
        ----------
        name : str
            As the parameter ``sort`` takes it.
        order : {"asc", "desc"}
            That suits it.
        """
        now = self.first("sort") or next(iter(SORTS.get(self.kind, ())), "")
        if name != now:
            return Sorting(self.again(sort=name, order=order), "none")
        current = self.first("order") or order
        other = "asc" if current == "desc" else "desc"
        return Sorting(self.again(sort=name, order=other), _ARIA.get(current, "none"))
