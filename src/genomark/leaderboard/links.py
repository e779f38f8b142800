"""Where pages, their twins and files are: one way to ask, whether served or written as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import quote, urlencode

#: Folder of each kind of page that there is one of for each slug.
FOLDERS: Mapping[str, str] = {
    "suite": "suites",
    "benchmark": "benchmarks",
    "model": "models",
    "submission": "submissions",
    "result": "results",
    "predictions": "predictions",
}
#: Pages below that of a benchmark.
BELOW_BENCHMARK = ("pairs", "items", "item")
#: Pages that there is one of.
SINGLE = ("compare", "submit", "submissions", "statistics", "openapi")


class Links(Protocol):
    """Writes addresses; templates know no other way to one."""

    @property
    def served(self) -> bool:
        """Whether a server answers queries; else sorting and filters are the browser's."""

    @property
    def submits(self) -> bool:
        """Whether there is a form to submit with."""

    def url(
        self, kind: str, slug: str = "", *, twin: str = "", **query: str | Sequence[str]
    ) -> str:
        """Write one.

        Parameters
        ----------
        kind : str
            ``front``, a key of `FOLDERS`, a member of `BELOW_BENCHMARK` or `SINGLE`, or ``static``.
        slug : str
            Of what the page shows; of ``static`` the name of the file, of ``result`` and
            ``predictions`` an id.
        twin : {"", "json", "csv", "parquet", "js"}
            The same as data; empty for the page. Only ``pairs`` that are not served have ``js``.
        **query : str or sequence of str
            Parameters; those that are empty are left out.
        """


@dataclass(frozen=True)
class ServedLinks:
    """Addresses on the server itself, from its root."""

    submits: bool = True
    served: ClassVar[bool] = True

    def url(
        self, kind: str, slug: str = "", *, twin: str = "", **query: str | Sequence[str]
    ) -> str:
        """Write one; see `Links.url`."""
        path = _path(kind, quote(slug, safe="/-._~@"), twin)
        given = {name: value for name, value in query.items() if value}
        # What is no text of Unicode never got into a store; somebody may still ask for it.
        asked = urlencode(given, doseq=True, errors="replace")
        return f"{path}?{asked}" if asked else path


def _path(kind: str, slug: str, twin: str) -> str:
    ending = f".{twin}" if twin else ""
    if kind == "front":
        return f"/index{ending}" if twin else "/"
    if kind == "static":
        return f"/static/{slug}"
    if kind in SINGLE:
        return f"/{kind}{ending}"
    if kind in BELOW_BENCHMARK:
        return f"/benchmarks/{slug}/{kind}{ending}"
    return f"/{FOLDERS[kind]}/{slug}{ending}"
