"""From what a file says of positions, and of pairs of them, to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.sequences.columns import Columns, checked_sequences
from genomark.sequences.labelled import UNTOLD
from genomark.sequences.records import Records

#: Labels, and one array a sequence.
Encoded = tuple[tuple[str, ...], tuple[NDArray[Any], ...]]

#: What a position of which nothing is told is marked with in files.
_NOTHING = ("", "-100")
_MOST_CLASSES = np.iinfo(np.int16).max


def as_class(cell: Any) -> str:
    """Name the class a cell tells; the empty string if it tells none."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def position_classes(
    records: Records,
    name: str,
    cells: list[Any],
    sequences: list[str],
    labels: Sequence[str] | None,
    sides: int,
    untold: tuple[str, ...] = (),
) -> Encoded:
    """Encode a class for each position, or pair of them.

    Parameters
    ----------
    cells : list
        For each sequence a text of one symbol a position, or a list of classes, in which None
        and -100 tell nothing; of pairs, a list of such.
    labels : sequence of str or None
        None for those the file has. Lists may tell their numbers, from 0, in place of them.
    sides : {1, 2}
        2 for pairs.
    untold : tuple of str
        Further classes that tell nothing.

    Returns
    -------
    labels : tuple of str
    targets : tuple of ndarray of int16, each of shape (length,) * sides

    Raises
    ------
    UsageError
        If a cell is not as long as its sequence, or a class is none of the labels.
    """
    for row, (cell, sequence) in enumerate(zip(cells, sequences, strict=True)):
        _check_length(records, row, name, cell, len(sequence))
        for side in cell if sides == 2 else ():
            _check_length(records, row, name, side, len(sequence))
    if sides == 1 and all(isinstance(cell, str) for cell in cells):
        return _symbols(records, name, cells, labels, untold)
    flat = [list(chain.from_iterable(cell)) if sides == 2 else list(cell) for cell in cells]
    nothing = {*_NOTHING, *untold}
    classes = {as_class(entry) for cell in flat for entry in cell} - nothing
    known = _known(records, name, classes, labels)
    places = {label: place for place, label in enumerate(known)}
    if not classes & set(known) and classes <= {str(place) for place in range(len(known))}:
        places = {str(place): place for place in range(len(known))}
    places |= dict.fromkeys(nothing, UNTOLD)
    targets = []
    for row, (cell, sequence) in enumerate(zip(flat, sequences, strict=True)):
        try:
            codes = [places[as_class(entry)] for entry in cell]
        except KeyError as error:
            raise _outside(records, row, name, error.args[0], known) from None
        targets.append(np.array(codes, dtype=np.int16).reshape((len(sequence),) * sides))
    return known, tuple(targets)


def position_values(
    records: Records,
    names: tuple[str, ...],
    told: list[list[Any]],
    sequences: list[str],
    labels: Sequence[str] | None,
    sides: int,
    scored: list[Any] | None,
) -> Encoded:
    """Encode measured values for each position, or pair of them.

    Parameters
    ----------
    names : tuple of str
        Columns, one a value; or one column of lists of several values.
    told : list of list
        For each column a list a sequence, of numbers or None (of lists of them, of pairs).
    scored : list or None
        How many of the first positions are told of, for each sequence; None for all.

    Returns
    -------
    labels : tuple of str
    targets : tuple of ndarray of float32, each of shape (length,) * sides + (n_labels,)
        NaN where nothing is told.

    Raises
    ------
    UsageError
        If a cell is not as long as it should be, or holds something else than numbers.
    """
    targets = []
    width: int | None = None
    for row, sequence in enumerate(sequences):
        length = len(sequence)
        count = length if scored is None else _count(records, row, scored[row], length)
        values = np.concatenate(
            [
                _cell_values(records, row, name, column[row], count, sides)
                for name, column in zip(names, told, strict=True)
            ],
            axis=-1,
        )
        width = values.shape[-1] if width is None else width
        if values.shape[-1] != width:
            raise records.fault(
                row, f"column '{names[0]}': {values.shape[-1]} values a position, not {width}"
            )
        target = np.full((*(length,) * sides, width), np.nan, dtype=np.float32)
        target[(slice(count),) * sides] = values
        targets.append(target)
    called = names
    if len(names) == 1 and width != 1:
        called = tuple(f"{names[0]}_{place + 1}" for place in range(width or 0))
    if labels is not None and len(labels) != len(called):
        raise UsageError(
            f"{records.where}: {len(labels)} labels were given, and it tells of {len(called)}"
        )
    return tuple(labels or called), tuple(targets)


def derived(
    records: Records,
    columns: Columns,
    name: str,
    sequences: list[str],
    labels: Sequence[str] | None,
) -> Encoded:
    """Make labels of positions from where a sequence differs from an earlier state of it.

    Parameters
    ----------
    columns : Columns
        `derive` says what is told.
    name : str
        Column of the earlier state.
    sequences : list of str
        What models are shown.
    labels : sequence of str or None
        None for ``unchanged`` and ``changed``, or for the letters that were changed.

    Returns
    -------
    As `position_classes`.

    Raises
    ------
    UsageError
        If the two are not of the same length.
    """
    before = checked_sequences(records.column(name), records, name, columns.unknown)
    for row, (old, new) in enumerate(zip(before, sequences, strict=True)):
        _check_length(records, row, name, old, len(new))
    bounds = np.cumsum([len(each) for each in sequences])[:-1]
    earlier = _letters(before)
    differs = earlier != _letters(sequences)
    if columns.derive == "changed":
        known = tuple(labels or ("unchanged", "changed"))
        if len(known) != 2:
            raise UsageError(f"what is changed or not has two labels, not {len(known)}")
        return known, tuple(np.split(differs.astype(np.int16), bounds))
    known, codes = _coded(records, name, earlier, differs, bounds, labels)
    return known, tuple(np.split(codes, bounds))


def _symbols(
    records: Records,
    name: str,
    cells: list[str],
    labels: Sequence[str] | None,
    untold: tuple[str, ...],
) -> Encoded:
    """Encode texts of one symbol a position."""
    bounds = np.cumsum([len(cell) for cell in cells])[:-1]
    letters = _letters(cells)
    told = ~np.isin(letters, _letters(untold))
    known, codes = _coded(records, name, letters, told, bounds, labels)
    return known, tuple(np.split(codes, bounds))


def _coded(
    records: Records,
    name: str,
    letters: NDArray[np.uint32],
    told: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    labels: Sequence[str] | None,
) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    """Number the letters that are told by their label, int16 of the shape of `letters`."""
    numbers = np.unique(letters[told])
    found = [chr(number) for number in numbers]
    known = _known(records, name, set(found), labels)
    codes = np.full(letters.size, UNTOLD, dtype=np.int16)
    for letter, number in zip(found, numbers, strict=True):
        here = told & (letters == number)
        if letter not in known:
            row = int(np.searchsorted(bounds, here.argmax(), side="right"))
            raise _outside(records, row, name, letter, known)
        codes[here] = known.index(letter)
    return known, codes


def _letters(texts: Sequence[str]) -> NDArray[np.uint32]:
    return np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4").astype(np.uint32)


def _known(
    records: Records, name: str, found: set[str], labels: Sequence[str] | None
) -> tuple[str, ...]:
    if labels is not None:
        return tuple(labels)
    if not found or len(found) > _MOST_CLASSES:
        raise UsageError(
            f"{records.where}: column '{name}': {len(found):,} classes of positions; expected a few"
        )
    numbers = all(each.lstrip("-").isdecimal() for each in found)
    return tuple(sorted(found, key=int if numbers else str))


def _count(records: Records, row: int, cell: Any, length: int) -> int:
    text = as_class(cell)
    if not text.isdecimal() or int(text) > length:
        raise records.fault(
            row, f"expected how many of {length:,} positions are scored, found '{text}'"
        )
    return int(text)


def _cell_values(
    records: Records, row: int, name: str, cell: Any, count: int, sides: int
) -> NDArray[np.float32]:
    _check_length(records, row, name, cell, count)
    try:
        values = np.array(cell, dtype=np.float32)
    except (TypeError, ValueError):
        values = np.array(np.inf)
    if np.isinf(values).any():
        raise records.fault(row, f"column '{name}': expected finite numbers")
    if values.ndim == sides:
        values = values[..., np.newaxis]
    if values.ndim != sides + 1 or values.shape[:sides] != (count,) * sides:
        raise records.fault(row, f"column '{name}': expected values of {count:,} positions")
    return values


def _check_length(records: Records, row: int, name: str, cell: Any, length: int) -> None:
    if not isinstance(cell, str | list):
        raise records.fault(row, f"column '{name}': expected one label a position")
    if len(cell) != length:
        raise records.fault(
            row, f"column '{name}': {len(cell):,} labels for {length:,} positions of the sequence"
        )


def _outside(records: Records, row: int, name: str, label: str, known: Sequence[str]) -> UsageError:
    listed = ", ".join(f"'{each}'" for each in known[:8]) + (", ..." if len(known) > 8 else "")
    return records.fault(row, f"column '{name}': label '{label[:60]}' is none of {listed}")
