"""Terms that were labelled by hand, and the names they are to be found among.

``terms.tsv`` lies beside this file. Its terms are spelled as people spell them; what they are to be
matched with are the cell types and molecules of the tracks of Borzoi and Enformer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import polars as pl

from genomark.errors import UsageError, one_line

DATASET = "matcher_vocabularies"
#: What was looked at while the built-in Matcher was made, and what never was.
SEEN, HELD = "seen", "held"

_COLUMNS = ("category", "vocabulary", "requested", "accept", "part")
#: Column of a vocabulary's file that holds the names of a category.
_NAMES = {"cell_type": "Cell Type", "binding_molecule": "Molecule"}
_ASSAY = "Assay"


@dataclass(frozen=True)
class LabelledTerm:
    """A term and the choices that mean the same.

    Attributes
    ----------
    category : {"cell_type", "binding_molecule"}
    vocabulary : str
        Beginning of the name of a file of the dataset, and the assay in it: ``"borzoi_human RNA"``.
    requested : str
        The term.
    accept : str
        Regular expression, case aside, that is found in every right choice; empty where none means
        the same.
    part : {"seen", "held"}
    """

    category: str
    vocabulary: str
    requested: str
    accept: str
    part: str

    @property
    def id(self) -> str:
        """What it is called as an item."""
        return f"{self.vocabulary}: {self.requested}"

    @property
    def has_match(self) -> bool:
        """Whether some choice means the same."""
        return bool(self.accept)

    @cached_property
    def _accepted(self) -> re.Pattern[str]:
        return re.compile(self.accept, re.IGNORECASE)

    def accepts(self, choice: str | None) -> bool:
        """Whether an answer is right; None says that no choice means the same."""
        if choice is None or not self.has_match:
            return choice is None and not self.has_match
        return self._accepted.search(choice) is not None


def shipped_terms() -> tuple[LabelledTerm, ...]:
    """Read the terms that are shipped."""
    file = resources.files(__package__) / "terms.tsv"
    return read_terms(file.read_text("utf-8"), file.name)


def read_terms(text: str, where: str) -> tuple[LabelledTerm, ...]:
    """Read labelled terms: tab-separated, five columns, a first row of their names.

    Parameters
    ----------
    text : str
    where : str
        Begins messages: which file.

    Raises
    ------
    UsageError
        If a row has other columns, a term is there twice, or `accept` is no regular expression.
    """
    head, *rows = text.splitlines() or [""]
    if tuple(head.split("\t")) != _COLUMNS:
        raise UsageError(f"{where}, row 1: expected the columns {', '.join(_COLUMNS)}")
    found: dict[str, LabelledTerm] = {}
    for row, line in enumerate(rows, start=2):
        term = _term(line, f"{where}, row {row}")
        if term.id in found:
            raise UsageError(f"{where}, row {row}: '{term.id}' is there twice")
        found[term.id] = term
    if not found:
        raise UsageError(f"{where}: no terms; expected a row each")
    return tuple(found.values())


def _term(line: str, where: str) -> LabelledTerm:
    cells = line.split("\t")
    if len(cells) != len(_COLUMNS):
        raise UsageError(
            f"{where}: {len(cells)} columns; expected {len(_COLUMNS)} with tabs between: "
            + ", ".join(_COLUMNS)
        )
    term = LabelledTerm(*cells)
    for what, value, known in (
        ("category", term.category, tuple(_NAMES)),
        ("part", term.part, (SEEN, HELD)),
    ):
        if value not in known:
            raise UsageError(f"{where}: {what} '{value}'; expected {' or '.join(known)}")
    if not term.requested:
        raise UsageError(f"{where}: an empty term")
    try:
        re.compile(term.accept)
    except re.error as error:
        raise UsageError(f"{where}: '{term.accept}' is no regular expression ({error})") from error
    return term


def vocabulary_file(vocabulary: str) -> tuple[str, str]:
    """Give the file of the dataset that holds a vocabulary, and the assay in it."""
    prefix, _, assay = vocabulary.partition(" ")
    return f"{prefix}_targets_simplified.txt", assay


def read_choices(path: Path, category: str, assay: str) -> tuple[str, ...]:
    """Read the names of an assay out of a table of targets.

    Parameters
    ----------
    path : Path
        Tab-separated, with the columns ``Assay``, ``Cell Type`` and ``Molecule``.
    category : {"cell_type", "binding_molecule"}
    assay : str
        As the file spells it.

    Returns
    -------
    tuple of str
        Each once, sorted.

    Raises
    ------
    UsageError
        If the file cannot be read, lacks a column, or has no name for that assay.
    """
    column = _NAMES[category]
    try:
        table = pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{path} is no table of targets: {one_line(error)}") from error
    for needed in (_ASSAY, column):
        if needed not in table.columns:
            raise UsageError(
                f"{path}, row 1: no column '{needed}'; found {one_line(', '.join(table.columns))}"
            )
    names = _distinct(table.filter(pl.col(_ASSAY) == assay)[column].to_list())
    if not names:
        raise UsageError(f"{path}: no name in '{column}' for the assay '{assay}'")
    return names


def _distinct(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))
