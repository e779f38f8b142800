"""From a table of outcomes to the numbers a head is fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.errors import UnknownNameError, UsageError

Kind = Literal["binary", "multi-class", "multi-label", "regression"]
KINDS: tuple[Kind, ...] = ("binary", "multi-class", "multi-label", "regression")

Floats = NDArray[np.float64]

#: A cell without an outcome.
_EMPTY = 2

#: What a cell of a multi-label table may say, in small letters.
_TRUTHS = {
    **dict.fromkeys(("1", "true", "yes", "1.0"), 1),
    **dict.fromkeys(("0", "false", "no", "0.0"), 0),
    "": _EMPTY,
}
#: The same as tables mostly spell it, which is looked for first: it saves a second on a wide one.
_SPELLED = _TRUTHS | {word.title(): code for word, code in _TRUTHS.items()}

#: A gibibyte of one-hot columns: more is a column of names or numbers taken for classes.
_MOST_CELLS = 1 << 27

#: Characters shown of a value that is not what it should be.
_SHOWN = 60


@dataclass(frozen=True)
class Encoding:
    """What a table of outcomes says, in numbers.

    Attributes
    ----------
    kind : str
    labels : tuple of str
    targets : ndarray of float64, shape (n_kept, n_labels)
    negative : str or None
        As of a `GeneTask`.
    kept : ndarray of bool, shape (n,)
        Rows that have an outcome.
    """

    kind: Kind
    labels: tuple[str, ...]
    targets: Floats
    negative: str | None
    kept: NDArray[np.bool_]


def encode(outcomes: pl.DataFrame, kind: Kind | None, positive: str | None, where: str) -> Encoding:
    """Encode outcomes.

    Parameters
    ----------
    outcomes : polars.DataFrame, shape (n, n_columns)
        Text, numbers or truth values; an empty or null cell is no outcome.
    kind : str or None
        None for what the columns look like.
    positive : str or None
        Positive class of a binary task; the last in sorted order when not given.
    where : str
        What messages call the table.

    Raises
    ------
    UsageError
        As `genomark.genes.make_task`.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"{where}: kind is one of {', '.join(KINDS)}, not '{kind}'")
    if not outcomes.width:
        raise UsageError(f"{where}: expected at least one column of outcomes, found none")
    if outcomes.width > 1 and kind not in (None, "multi-label"):
        raise UsageError(
            f"{where}: a {kind} task has one column of outcomes, found {outcomes.width}; "
            f"leave out kind, or pick one of the columns"
        )
    texts = _as_text(outcomes)
    if outcomes.width > 1 or kind == "multi-label":
        encoding = _multi_label(texts, where)
    else:
        encoding = _one_column(texts.to_series(), kind, positive, where)
    if positive is not None and encoding.kind != "binary":
        raise UsageError(
            f"{where}: only a binary task has a positive class, and this one is {encoding.kind}"
        )
    return encoding


def _as_text(outcomes: pl.DataFrame) -> pl.DataFrame:
    spelled = [
        pl.col(name).replace_strict({True: "True", False: "False"}, return_dtype=pl.String)
        if kind == pl.Boolean
        else pl.col(name).cast(pl.String)
        for name, kind in outcomes.schema.items()
    ]
    return outcomes.select(spelled).fill_null("")


def _one_column(texts: pl.Series, kind: Kind | None, positive: str | None, where: str) -> Encoding:
    kept = (texts.str.strip_chars() != "").to_numpy()
    said = texts.filter(pl.Series(kept))
    if not len(said):
        raise UsageError(f"{where}: column '{texts.name}': no row has an outcome")
    distinct = said.unique()
    numbers = _parsed(distinct)
    classes = _classes(distinct, numbers)
    names = list(dict.fromkeys(classes.values()))
    kind = kind or _kind_of(numbers, len(names))
    if kind == "regression":
        values = _numbers(texts, where)[kept]
        return Encoding(kind, (texts.name,), values[:, np.newaxis], None, kept)
    if len(names) < 2 or (kind == "binary" and len(names) > 2):
        raise UsageError(
            f"{where}: column '{texts.name}': expected {'' if kind == 'binary' else 'at least '}"
            f"two classes, found {len(names):,}: {_list(names)}"
        )
    if len(names) * len(said) > _MOST_CELLS:
        raise UsageError(
            f"{where}: column '{texts.name}': {len(names):,} classes in {len(said):,} rows; "
            f"expected a few: is this the right column?"
        )
    if kind == "binary":
        names = _positive_first(names, positive, where)
    places = {text: names.index(name) for text, name in classes.items()}
    codes = said.replace_strict(places, return_dtype=pl.Int64).to_numpy()
    if kind == "binary":
        targets = (codes == 0).astype(np.float64)[:, np.newaxis]
        return Encoding(kind, (names[0],), targets, names[1], kept)
    targets = np.zeros((len(codes), len(names)))
    targets[np.arange(len(codes)), codes] = 1.0
    return Encoding(kind, tuple(names), targets, None, kept)


def _classes(distinct: pl.Series, numbers: pl.Series) -> dict[str, str]:
    """Say for each text which class it names, classes in the order scikit-learn gives them.

    Numbers sort as numbers, and are one class where they are equal (``1`` and ``1.0``).
    """
    texts = distinct.to_list()
    if not _finite(numbers).all():
        return {text: text for text in sorted(texts)}
    pairs = sorted(zip(numbers, map(len, texts), texts, strict=True))
    names: dict[float, str] = {}
    return {text: names.setdefault(number, text) for number, _, text in pairs}


def _kind_of(numbers: pl.Series, n_classes: int) -> Kind:
    if numbers.null_count():
        return "binary" if n_classes == 2 else "multi-class"
    # Where some are not finite it is a column of numbers all the same, to be told of as such.
    if n_classes > 2 or not _finite(numbers).all():
        return "regression"
    return "binary" if n_classes == 2 else "multi-class"


def _positive_first(names: list[str], positive: str | None, where: str) -> list[str]:
    if positive is None:
        return names[::-1]
    if positive not in names:
        raise UnknownNameError(f"class in {where}", positive, names)
    return sorted(names, key=lambda name: name != positive)


def _parsed(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars().cast(pl.Float64, strict=False)


def _finite(numbers: pl.Series) -> pl.Series:
    return numbers.is_finite().fill_null(value=False)


def _numbers(texts: pl.Series, where: str) -> Floats:
    """Convert a column to numbers; NaN where a cell is empty."""
    numbers = _parsed(texts)
    wrong = ((texts.str.strip_chars() != "") & ~_finite(numbers)).arg_true()
    if len(wrong):
        raise _cell_error(where, texts, wrong, "a finite number")
    return numbers.fill_null(math.nan).to_numpy()


def _multi_label(texts: pl.DataFrame, where: str) -> Encoding:
    found = _truths(texts, _SPELLED)
    odd = [name for name in found.columns if found[name].null_count()]
    if odd:
        small = texts.select(pl.col(odd).str.strip_chars().str.to_lowercase())
        found = found.with_columns(_truths(small, _TRUTHS))
    for name in odd:
        wrong = found[name].is_null().arg_true()
        if len(wrong):
            raise _cell_error(where, texts[name], wrong, "0 or 1, True or False, Yes or No")
    codes = found.to_numpy()
    kept = (codes != _EMPTY).all(axis=1)
    if not kept.any():
        raise UsageError(f"{where}: no row has an outcome for every label")
    targets = codes[kept].astype(np.float64, order="C")
    return Encoding("multi-label", tuple(texts.columns), targets, None, kept)


def _truths(texts: pl.DataFrame, codes: dict[str, int]) -> pl.DataFrame:
    return texts.select(pl.all().replace_strict(codes, default=None, return_dtype=pl.UInt8))


def _cell_error(where: str, texts: pl.Series, rows: pl.Series, expected: str) -> UsageError:
    more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
    return UsageError(
        f"{where}: column '{texts.name}', row {rows[0] + 1}: expected {expected}, "
        f"found '{texts[rows[0]][:_SHOWN]}'{more}"
    )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name[:_SHOWN]}'" for name in names[:5])
    return shown + (", ..." if len(names) > 5 else "")
