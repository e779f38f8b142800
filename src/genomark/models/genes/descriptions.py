"""What a descriptor is: names of genes, or of other things, to texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: The kind of entity that genes are.
SYMBOL = "symbol"


@dataclass(frozen=True)
class Descriptions:
    """Texts of names, and for the others why they have none."""

    texts: Mapping[str, str]
    reasons: Mapping[str, str] = field(default_factory=dict)


class Descriptor(Protocol):
    """Names to texts."""

    @property
    def digest(self) -> str:
        """Of all the texts depend on."""
        ...

    @property
    def notes(self) -> list[str]:
        """What to say of the texts wherever scores are shown."""
        ...

    def answers(self, kind: str) -> bool:
        """Whether it has texts of entities of this kind."""
        ...

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Give the text of each name, or the reason why there is none.

        Parameters
        ----------
        names : sequence of str
            Unique.
        kind : str
            One that it answers.
        """
        ...
