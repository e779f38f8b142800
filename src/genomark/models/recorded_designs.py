"""Designs of RNA that somebody has already made: what a file says, puzzle by puzzle.

A table has a row a sequence: columns `item_id` and `sequence`, the best first where a puzzle has
several. The JSON that OmniGenBench writes has a key a structure, and under it `best_sequence`, a
list. Sequences are read in upper case, T as U.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import polars as pl

from genomark.errors import PredictionFileError


class _Solved(msgspec.Struct):
    """What OmniGenBench writes of a structure; the file may say more."""

    best_sequence: Annotated[list[str], msgspec.Meta(max_length=1_000_000)]


def designs_of_table(table: pl.DataFrame, path: Path) -> dict[str, list[str]]:
    """Read a table with the columns `item_id` and `sequence`: sequences by puzzle.

    A row whose `sequence` is empty says that there is none.

    Raises
    ------
    PredictionFileError
        If a row has no `item_id`, or one of the two is no text.
    """
    found: dict[str, list[str]] = {}
    rows = table.select("item_id", "sequence").iter_rows()
    for row, (item, sequence) in enumerate(rows, start=1):
        if item is None:
            raise PredictionFileError(f"{path}: column 'item_id', row {row}: expected an id")
        if sequence is not None and not isinstance(sequence, str):
            raise PredictionFileError(
                f"{path}: column 'sequence', row {row}: expected a sequence, found '{sequence}'"
            )
        given = found.setdefault(str(item), [])
        if sequence:
            given.append(_as_rna(sequence))
    return found


def designs_of_json(raw: Any, path: Path) -> dict[str, list[str]] | None:
    """Read what OmniGenBench writes: sequences by structure; None if it is something else.

    Raises
    ------
    PredictionFileError
        If its first entry is of that kind, and another is not.
    """
    first = next(iter(raw.values()), None) if isinstance(raw, dict) else None
    if not isinstance(first, dict) or "best_sequence" not in first:
        return None
    try:
        solved = msgspec.convert(raw, dict[str, _Solved])
    except msgspec.ValidationError as error:
        raise PredictionFileError(
            f"{path}: expected lists `best_sequence`, one a structure: {error}"
        ) from error
    return {key: [_as_rna(each) for each in value.best_sequence] for key, value in solved.items()}


def check_designs(
    known: set[str], asked: pl.DataFrame, benchmark: str, path: Path, *, allow_missing: bool
) -> None:
    """Check that a file has designs for the puzzles of a benchmark, and no others.

    Parameters
    ----------
    known : set of str
        Ids of the puzzles that the file names.
    asked : polars.DataFrame
        Column `item_id`.

    Raises
    ------
    PredictionFileError
        Naming the first that is not of the benchmark, or that is missing.
    """
    ids = asked["item_id"].to_list()
    strange = sorted(known - set(ids))
    if strange:
        raise PredictionFileError(
            f"{path}: column 'item_id': '{benchmark}' has no puzzle '{strange[0]}' (and "
            f"{len(strange) - 1:,} more); its first is '{ids[0]}'"
        )
    missing = [each for each in ids if each not in known]
    if missing and not allow_missing:
        raise PredictionFileError(
            f"{path}: column 'item_id': {len(missing):,} of the {len(ids):,} puzzles of "
            f"'{benchmark}' are missing, first '{missing[0]}'. Allow that with --allow-missing; "
            "they then count as not solved"
        )


def _as_rna(sequence: str) -> str:
    return sequence.strip().upper().replace("T", "U")
