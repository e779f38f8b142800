"""From what a file says of whole sequences to the numbers a model is fitted to."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError, one_line
from genomark.sequences.columns import Columns, label_columns
from genomark.sequences.labelled import KINDS_OF_PAIRS, KINDS_OF_SEQUENCES, Kind, Targets
from genomark.sequences.positions import (
    as_class,
    derived,
    position_classes,
    position_values,
)
from genomark.sequences.records import Records

Floats = NDArray[np.float64]
#: Kind, labels and targets, as `LabelledSequences` has them.
Encoded = tuple[Kind, tuple[str, ...], Targets]

#: A list written as text. Structures may begin with a bracket, too, but hold no digit or quote.
_LIST_AS_TEXT = re.compile(r"\s*\[[^\[\]]*[\d\"]|\s*\[\s*\[[^\[\]]*[\d\"]")
_WHOLE = re.compile(r"[+-]?\d+")
_WHOLE_AS_DECIMAL = re.compile(r"([+-]?\d+)\.0+")
_SHOWN = 60


def encode(
    records: Records,
    columns: Columns,
    sequences: list[str],
    kind: Kind | None,
    labels: Sequence[str] | None,
) -> Encoded:
    """Encode the labels of a file.

    Parameters
    ----------
    records : Records
    columns : Columns
    sequences : list of str
        Of the rows.
    kind, labels
        As of `genomark.sequences.read_labelled`.

    Raises
    ------
    UsageError
        As `genomark.sequences.read_labelled`.
    """
    if kind is not None and kind not in get_args(Kind):
        raise UsageError(f"kind is one of {', '.join(get_args(Kind))}, not '{kind}'")
    names = label_columns(records, columns)
    if columns.derive is not None:
        if kind not in (None, "token-classes"):
            raise UsageError(
                f"{records.where}: what is derived from changes are token-classes, not {kind}"
            )
        return "token-classes", *derived(records, columns, names[0], sequences, labels)
    told = [_unpacked(records, name) for name in names]
    if kind is None:
        some_scored = columns.scored is not None
        kind = "token-regression" if some_scored else _kind_of(records, names, told, sequences)
        if labels is not None and kind in ("binary", "multi-class"):
            kind = "binary" if len(labels) <= 2 else "multi-class"
    if len(names) > 1 and kind in ("binary", "multi-class", "token-classes", "pair-classes"):
        raise UsageError(f"{records.where}: {kind} have one column of labels, not {len(names)}")
    if kind in ("binary", "multi-class"):
        return kind, *_classes(records, names[0], told[0], kind, labels)
    if kind in KINDS_OF_SEQUENCES:
        return kind, *_values(records, names, told, kind, labels)
    sides = 2 if kind in KINDS_OF_PAIRS else 1
    if kind in ("token-classes", "pair-classes"):
        classes = position_classes(
            records, names[0], told[0], sequences, labels, sides, columns.untold
        )
        return kind, *classes
    scored = None if columns.scored is None else records.column(columns.scored)
    return kind, *position_values(records, names, told, sequences, labels, sides, scored)


def _unpacked(records: Records, name: str) -> list[Any]:
    """Turn cells that are lists written as text into lists."""
    cells = records.column(name)
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and _LIST_AS_TEXT.match(cell):
            try:
                cells[row] = msgspec.json.decode(cell)
            except (msgspec.DecodeError, RecursionError) as error:
                raise records.fault(
                    row, f"column '{name}': a list that cannot be read: {_shown(cell)} ({error})"
                ) from error
    return cells


def _kind_of(
    records: Records, names: tuple[str, ...], told: list[list[Any]], sequences: list[str]
) -> Kind:
    """Say what the labels look like, as the documentation of `read_labelled` tells."""
    first = told[0]
    lists = [isinstance(cell, list) for cell in first]
    if any(lists) and not all(lists):
        raise records.fault(lists.index(False), f"column '{names[0]}': expected a list")
    if all(lists) and all(len(c) == len(s) for c, s in zip(first, sequences, strict=True)):
        entries = {type(entry) for cell in first for entry in cell}
        if list in entries:
            raise UsageError(f"{records.where}: lists of lists may be many things; give the kind")
        return "token-regression" if float in entries or len(names) > 1 else "token-classes"
    if len(names) > 1 or all(lists):
        values, _ = _matrix(records, names, told)
        return "multi-label" if np.isin(values, (0.0, 1.0)).all() else "regression"
    texts = [as_class(cell) for cell in first]
    found = set(_merged({text for text in texts if text}).values())
    if all(_number(text) is not None for text in found):
        whole = {int(text) for text in found if _WHOLE.fullmatch(text)}
        counted = whole == set(range(len(found)))
        if not counted and not len(whole) == len(found) == 2:
            return "regression"
    elif all(len(t) == len(s) for t, s in zip(texts, sequences, strict=True)):
        return "token-classes"
    return "binary" if len(found) == 2 else "multi-class"


def _classes(
    records: Records, name: str, cells: list[Any], kind: Kind, labels: Sequence[str] | None
) -> tuple[tuple[str, ...], Floats]:
    texts = [as_class(cell) for cell in cells]
    if "" in texts:
        raise records.fault(texts.index(""), f"column '{name}': no label")
    merged = _merged(set(texts))
    found = sorted(set(merged.values()), key=_by_number(merged.values()))
    known = _known_classes(records, name, found, kind, labels)
    for row, text in enumerate(texts):
        if merged[text] not in known:
            raise records.fault(
                row, f"column '{name}': label {_shown(text)} is none of {_listed(known)}"
            )
    place = {text: known.index(merged[text]) for text in merged}
    codes = np.array([place[text] for text in texts])
    if kind == "binary":
        return (known[-1],), (codes == len(known) - 1).astype(np.float64)[:, np.newaxis]
    return tuple(known), np.eye(len(known))[codes]


def _known_classes(
    records: Records, name: str, found: list[str], kind: Kind, labels: Sequence[str] | None
) -> list[str]:
    """Order the classes, the positive one of two last."""
    if labels is None:
        known = found
    elif kind == "binary" and len(labels) == 1:
        # Only the positive class is named: at most one other may be there.
        known = [*[each for each in found if each != labels[0]][:1], labels[0]]
    else:
        known = list(labels)
    least, most = 2, 2 if kind == "binary" else len(known)
    if labels is not None and len(labels) == 1:
        least = 1
    if not least <= len(known) <= most:
        raise UsageError(
            f"{records.where}: column '{name}': expected {'' if kind == 'binary' else 'at least '}"
            f"two classes, found {_listed(known)}"
        )
    return known


def _values(
    records: Records,
    names: tuple[str, ...],
    told: list[list[Any]],
    kind: Kind,
    labels: Sequence[str] | None,
) -> tuple[tuple[str, ...], Floats]:
    values, called = _matrix(records, names, told)
    if labels is not None and len(labels) != len(called):
        raise UsageError(
            f"{records.where}: {len(labels)} labels were given, and it tells of {len(called)}"
        )
    column = f"column '{names[0]}'" if len(names) == 1 else f"columns '{names[0]}', ..."
    if kind == "multi-label":
        wrong = ~np.isin(values, (0.0, 1.0)).all(axis=1)
        if wrong.any():
            raise records.fault(
                int(wrong.argmax()), f"{column}: expected 0 or 1 for each of {len(called)} labels"
            )
    empty = np.isnan(values).all(axis=1)
    if empty.any():
        raise records.fault(int(empty.argmax()), f"{column}: no label")
    return tuple(labels or called), values


def _matrix(
    records: Records, names: tuple[str, ...], told: list[list[Any]]
) -> tuple[Floats, tuple[str, ...]]:
    """Give numbers by row and label, and what the file calls the labels."""
    if len(names) > 1 or not any(isinstance(cell, list) for cell in told[0]):
        numbers = [_numbers(records, *each) for each in zip(names, told, strict=True)]
        return np.column_stack(numbers), names
    cells, name = told[0], names[0]
    width = next(len(cell) for cell in cells if isinstance(cell, list))
    for row, cell in enumerate(cells):
        if not isinstance(cell, list) or len(cell) != width:
            found = f"{len(cell)}" if isinstance(cell, list) else "none"
            raise records.fault(row, f"column '{name}': expected a list of {width}, found {found}")
    numbers = [_numbers(records, name, [cell[place] for cell in cells]) for place in range(width)]
    called = (name,) if width == 1 else tuple(f"{name}_{each}" for each in range(1, width + 1))
    return np.column_stack(numbers) if width else np.empty((len(cells), 0)), called


def _numbers(records: Records, name: str, cells: list[Any]) -> Floats:
    """Convert a column to finite numbers; NaN where a cell is empty."""
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        number = math.nan if cell is None or cell == "" else _number(cell)
        if number is None:
            raise records.fault(
                row, f"column '{name}': expected a finite number, found {_shown(cell)}"
            )
        numbers[row] = number
    return numbers


def _number(cell: Any) -> float | None:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _merged(texts: set[str]) -> dict[str, str]:
    """Say which class each text names: numbers that are equal (``1`` and ``1.0``) are one."""
    whole = {text: _WHOLE_AS_DECIMAL.fullmatch(text) for text in texts}
    return {text: match[1] if match else text for text, match in sorted(whole.items())}


def _by_number(texts: Any) -> Any:
    """Sort numbers as numbers, and everything else as text."""
    return float if all(_number(text) is not None for text in texts) else str


def _shown(cell: Any) -> str:
    text = one_line(cell)
    return f"'{text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}'"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_shown(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
