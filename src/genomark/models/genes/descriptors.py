"""What text stands for a gene: its symbol, a table of descriptions, NCBI Gene, or its bases.

A gene without a description has none: it is missing, with a reason, and its symbol takes the place
of a description only where ``missing=symbol`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.models.genes import base_pairs, description_table
from genomark.models.genes.base_pairs import BasePairs
from genomark.models.genes.description_table import DescriptionTable
from genomark.models.genes.descriptions import SYMBOL, Descriptions, Descriptor
from genomark.models.genes.ncbi import NcbiGene

Missing = Literal["drop", "symbol"]


def descriptor(
    descriptions: str, *, id: str = "", text: str = "", missing: Missing = "drop"
) -> Descriptor:
    """Make the descriptor that the settings of a spec name.

    Parameters
    ----------
    descriptions : str
        ``symbol``, ``ncbi``, the path of a table (``.csv``, ``.tsv``) or of sequences (``.fa``,
        ``.fasta``, ``.fna``, each perhaps with ``.gz``); several with ``+`` between them, whose
        texts are joined.
    id : str
        Column of the symbols, where it is called neither ``symbol`` nor ``id``.
    text : str
        Column of the texts, where it is not called ``description``.
    missing : {"drop", "symbol"}
        Whether a name without a description is missing, or described by itself.

    Raises
    ------
    UsageError
        If there is no such file, or it lacks a column.
    """
    # A file may have a plus in its name.
    names = [descriptions] if Path(descriptions).is_file() else descriptions.split("+")
    parts = [_part(name, id, text) for name in names]
    tables = [part for part in parts if isinstance(part, DescriptionTable)]
    for key, column in (("id", id), ("text", text)):
        if column and not any(column in table.columns for table in tables):
            found = "; ".join(f"{table.path}: {', '.join(table.columns)}" for table in tables)
            raise UsageError(
                f"{key}={column}: expected a column of a table in descriptions=, "
                f"found {found or 'no table'}"
            )
    joined = parts[0] if len(parts) == 1 else Joined(parts)
    return joined if missing == "drop" else OrName(joined)


def _part(name: str, id: str, text: str) -> Descriptor:
    if name == SYMBOL:
        return BareSymbols()
    if name == "ncbi":
        return NcbiGene()
    endings = (*description_table.ENDINGS, *base_pairs.ENDINGS)
    if not name.endswith(endings):
        raise UsageError(
            f"descriptions={name}: expected symbol, ncbi or a file ending in {' '.join(endings)}; "
            "several with + between them"
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"descriptions={name}: no such file")
    return (
        BasePairs(path) if name.endswith(base_pairs.ENDINGS) else DescriptionTable(path, id, text)
    )


class BareSymbols:
    """The symbol is the text."""

    digest = digest_of(["symbol"])

    @property
    def notes(self) -> list[str]:
        """That no description was read."""
        return ["text: bare symbols"]

    def answers(self, kind: str) -> bool:
        """Only of genes: ids of other things say nothing."""
        return kind == SYMBOL

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Give each name itself."""
        texts = {name: name for name in names if name.strip()}
        return Descriptions(texts, {name: "a blank name" for name in names if name not in texts})


class Joined:
    """Texts of several descriptors, one after the other; missing where none has one.

    A descriptor that does not know a kind is passed over, so that a table of genes and one of
    diseases can stand side by side.
    """

    def __init__(self, parts: Sequence[Descriptor]) -> None:
        self._parts = parts

    @property
    def digest(self) -> str:
        """Of all of them, in their order."""
        return digest_of(["joined", *(part.digest for part in self._parts)])

    @property
    def notes(self) -> list[str]:
        """Those of all of them."""
        return [note for part in self._parts for note in part.notes]

    def answers(self, kind: str) -> bool:
        """Whether one of them does."""
        return any(part.answers(kind) for part in self._parts)

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Join what there is, with a blank between."""
        found = [part.describe(names, kind) for part in self._parts if part.answers(kind)]
        texts, reasons = {}, {}
        for name in names:
            if given := [each.texts[name] for each in found if name in each.texts]:
                texts[name] = " ".join(given)
            else:
                reasons[name] = "; ".join(each.reasons[name] for each in found)
        return Descriptions(texts, reasons)


class OrName:
    """The name itself where there is no description: a choice of the user, told in the notes."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor

    @property
    def digest(self) -> str:
        """Of the descriptor, and of the choice."""
        return digest_of(["or name", self._descriptor.digest])

    @property
    def notes(self) -> list[str]:
        """Those of the descriptor, and the choice."""
        return [*self._descriptor.notes, "text where there is no description: the bare symbol"]

    def answers(self, kind: str) -> bool:
        """Whether the descriptor does."""
        return self._descriptor.answers(kind)

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Describe, and fill in; a blank name still says nothing."""
        found = self._descriptor.describe(names, kind)
        filled = {name: name for name in found.reasons if name.strip()}
        left = {name: why for name, why in found.reasons.items() if name not in filled}
        return Descriptions({**filled, **found.texts}, left)
