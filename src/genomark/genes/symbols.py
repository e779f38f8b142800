"""Repair gene symbols, and say of every one what was done to it and why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from genomark.genes import spreadsheet
from genomark.genes.symbol_table import SymbolTable

#: What a missing value or a truth value looks like to programs. Somebody's gene may be called so,
#: and small letters do not tell.
_LOOK_MISSING = {"na", "nan", "none", "null", "true", "false"}

#: ``C1ORF54``, also as a part of ``C8ORF44-SGK3``.
_OPEN_READING_FRAME = re.compile(r"(?<![A-Z0-9])C(\d{1,2}|X|Y)ORF(?=\d)")

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


@dataclass(frozen=True)
class SymbolFinding:
    """What was found of one name.

    Attributes
    ----------
    name : str
        As it was given.
    repaired : str
        As it is in the repaired names.
    reason : str
        For people.
    """

    name: str
    repaired: str
    reason: str


@dataclass(frozen=True)
class SymbolReport:
    """Repaired names, and what was found.

    Attributes
    ----------
    names : tuple of str
        One for each name given, in order.
    changed : tuple of SymbolFinding
        Names that were repaired.
    ambiguous : tuple of SymbolFinding
        Names that may be those of several genes. They stay, but for blanks around them.
    unknown : tuple of SymbolFinding
        Names of no gene, withdrawn, or beyond repair. They stay, but for blanks around them.
    duplicates : tuple of SymbolFinding
        Different names given that are one after the repair, each but the first.
    """

    names: tuple[str, ...]
    changed: tuple[SymbolFinding, ...]
    ambiguous: tuple[SymbolFinding, ...]
    unknown: tuple[SymbolFinding, ...]
    duplicates: tuple[SymbolFinding, ...]


def repair_symbols(names: Sequence[str], table: SymbolTable | None = None) -> SymbolReport:
    """Give genes the names they have today.

    Blanks around a name go, letters become capital (but ``C1orf54``), what a spreadsheet made a
    date becomes a gene again. With a table, previous symbols, aliases and Ensembl ids become
    approved symbols where they name one gene only, and names that are not in it are told of.
    Nothing is guessed: ``1-Mar`` was MARCH1 or MARC1, and stays.

    Parameters
    ----------
    names : sequence of str
        Gene symbols. ``NA``, ``NAN``, ``None`` and ``TRUE`` are names like others, and without a
        table stay as they are.
    table : SymbolTable, optional

    Returns
    -------
    SymbolReport
        A name that occurs several times is told of once, in the order of its first occurrence.
    """
    found = {name: _repair(name, table) for name in dict.fromkeys(names)}
    lists: dict[str, list[SymbolFinding]] = defaultdict(list)
    first: dict[str, str] = {}
    for name, (what, finding) in found.items():
        if what:
            lists[what].append(finding)
        other = first.setdefault(finding.repaired, name)
        if other != name:
            reason = f"'{name}' and '{other}' are both {finding.repaired}"
            lists["duplicates"].append(SymbolFinding(name, finding.repaired, reason))
    return SymbolReport(
        names=tuple(found[name][1].repaired for name in names),
        changed=tuple(lists["changed"]),
        ambiguous=tuple(lists["ambiguous"]),
        unknown=tuple(lists["unknown"]),
        duplicates=tuple(lists["duplicates"]),
    )


def _repair(name: str, table: SymbolTable | None) -> tuple[str, SymbolFinding]:
    """Find out what one name is; the first of the pair is the list it belongs to, or empty."""
    bare = name.strip().strip(_INVISIBLE).strip()
    what, repaired, reason = _looked_up(bare, table)
    if not what and repaired != name:
        what = "changed"
        reason = reason if bare == name else f"blanks around it; {reason}".removesuffix("; ")
    return what, SymbolFinding(name, repaired, reason)


def _looked_up(name: str, table: SymbolTable | None) -> tuple[str, str, str]:
    """Give the list a name belongs to if it cannot be repaired, what it becomes, and why."""
    if not name:
        return "unknown", name, "empty"
    if table is not None and (spelled := table.spelled(name)):
        return _respelled(name, spelled)
    if (old := name.upper()) in spreadsheet.RENAMED:
        return "", _today(old, table), f"renamed, once {old}"
    if table is not None and (genes := table.other_names(name)):
        return _only(name, genes)
    if dates := spreadsheet.dates_in(name):
        return _from_dates(name, dates, table)
    if reason := spreadsheet.lost_number(name):
        return "unknown", name, reason
    if table is None:
        return _respelled(name, _capital(name))
    reason = "withdrawn" if name in table.withdrawn else "not in the table of symbols"
    return "unknown", name, reason


def _respelled(name: str, spelled: str) -> tuple[str, str, str]:
    return "", spelled, "" if spelled == name else "small and capital letters"


def _from_dates(
    name: str, dates: list[tuple[int, int]], table: SymbolTable | None
) -> tuple[str, str, str]:
    genes = {
        _today(old, table): f"once {old}"
        for month, day in dates
        for old in spreadsheet.symbols_of(month, day)
    }
    if not genes and table is not None:
        for short in (spreadsheet.abbreviated(month, day) for month, day in dates):
            spelled = table.spelled(short)
            others = {spelled: "symbol"} if spelled else table.other_names(short)
            genes |= {gene: f"{what} {short}" for gene, what in others.items()}
    if not genes:
        return "unknown", name, "a date, and no gene is known that became it"
    return _only(name, genes, "a date, ")


def _only(name: str, genes: dict[str, str], prefix: str = "") -> tuple[str, str, str]:
    """Take the gene if it is the only one."""
    if len(genes) == 1:
        [(gene, how)] = genes.items()
        return "", gene, prefix + how
    return "ambiguous", name, prefix + " or ".join(f"{gene} ({how})" for gene, how in genes.items())


def _today(old: str, table: SymbolTable | None) -> str:
    """Name a gene as the table does, which may be of a time before the renaming."""
    new = spreadsheet.RENAMED[old]
    return old if table is not None and old in table.approved and new not in table.approved else new


def _capital(name: str) -> str:
    if name.casefold() in _LOOK_MISSING:
        return name
    return _OPEN_READING_FRAME.sub(r"C\1orf", name.upper())
