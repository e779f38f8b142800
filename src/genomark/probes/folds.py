"""Folds for cross-validation: by seed and name alone, stratified, and never parting an entity.

Every row has a place on a line, by a hash of the seed and its name, and a fold is a stretch of that
line in each stratum. So folds are the same on every machine and in every order of rows, and a row
that is left out moves few others. `docs/design/probe-folds.md` derives the rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.genes import Kind

Whole = NDArray[np.int64]

#: Strata of a measured value: enough to balance its tails, few enough to hold a row for each fold.
_QUANTILES = 10
_MOST_FOLDS = 127
#: Labels that a note names before it says "and so many more".
_NAMED = 5
#: A fold this much larger or smaller than its share is worth a note.
_UNEVEN = 0.2


@dataclass(frozen=True)
class Folds:
    """Which fold tests each row.

    Attributes
    ----------
    fold : ndarray of int8, shape (repeats, n)
        From 0 to `n_folds` - 1; every fold has rows.
    notes : tuple of str
        What could not be had, each in one line for people.
    """

    fold: NDArray[np.int8]
    notes: tuple[str, ...] = ()


def make_folds(
    kind: Kind,
    targets: NDArray[np.float64],
    *,
    n_folds: int = 5,
    seed: int = 0,
    repeats: int = 1,
    clusters: NDArray[np.int64] | None = None,
    groups: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
) -> Folds:
    """Cut rows into folds with like shares of every class, label or range of values.

    Classes and quantiles of values are met to within one row in every fold. Labels, of which a
    row may have several, are met one after another, the rarest first (Sechidis, Tsoumakas and
    Vlahavas 2011, "On the stratification of multi-label data"). What must not be parted goes first
    and whole, the largest before the smaller, each into the fold where it overlaps least.

    Parameters
    ----------
    kind : str
        ``binary``, ``multi-class``, ``multi-label`` or ``regression``.
    targets : ndarray of float64, shape (n, n_labels)
        0 or 1, one-hot, or values.
    n_folds : int
        2 to 127.
    seed : int
        Another seed, another cut.
    repeats : int
        Cuts to make, each independent of how many there are.
    clusters : ndarray of int64, shape (n,), optional
        Number of each row's entity; rows of one entity stay together.
    groups : sequence of str, optional
        For each row, what else stays together, such as its gene family or chromosome; an empty
        string is no group. Rows stay together along any chain of common clusters and groups.
    names : sequence of str, optional
        Name of each row; what its place hangs on. Without names it hangs on the row's number.
    labels : sequence of str, optional
        Names of the columns of `targets`, for notes.

    Returns
    -------
    Folds

    Raises
    ------
    genomark.errors.UsageError
        If there are fewer entities or groups than folds, or the arguments do not fit together.
    """
    _check(targets, n_folds, repeats, clusters=clusters, groups=groups, names=names, labels=labels)
    n = targets.shape[0]
    name_key = _hashes(names, n)
    key = name_key if groups is None else _group_key(groups, name_key)
    unit = _units(clusters, groups, n)
    size = np.bincount(unit)
    if size.size < n_folds:
        what = "rows" if size.size == n else "entities or groups that must stay together"
        raise UsageError(
            f"{n_folds} folds need at least {n_folds} {what}, and there are {size.size}: "
            "ask for fewer folds"
        )
    strata = _strata(kind, targets, name_key, n_folds)
    unit_key = np.full(size.size, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(unit_key, unit, key)
    fold = np.empty((repeats, n), dtype=np.int8)
    for repeat in range(repeats):
        place = _mixed(unit_key, seed, repeat)
        fold[repeat] = _cut(strata, unit, size, place, n_folds)[unit]
    called = labels or [f"column {column + 1}" for column in range(targets.shape[1])]
    notes = [
        *([] if kind == "regression" else _scarce(targets, called, fold, n_folds)),
        *_uneven(fold, n_folds),
    ]
    return Folds(fold, tuple(notes))


def labels_to_leave_out(
    targets: NDArray[np.float64],
    labels: Sequence[str],
    min_positives: int = 10,
    clusters: NDArray[np.int64] | None = None,
) -> list[tuple[str, str]]:
    """Name the labels with too few positives or negatives to fit and test a probe on.

    Parameters
    ----------
    targets : ndarray of float64, shape (n, n_labels)
        0 or 1.
    labels : sequence of str
    min_positives : int
        The least of either that will do.
    clusters : ndarray of int64, shape (n,), optional
        Number of each row's entity: an entity counts once, in however many rows it is.

    Returns
    -------
    list of (str, str)
        Label and reason, in the order of `labels`.
    """
    if len(labels) != targets.shape[1]:
        raise UsageError(f"{len(labels)} labels were given for {targets.shape[1]} columns")
    unit = _units(clusters, None, targets.shape[0])
    what = "row" if clusters is None else "entity"
    left_out = []
    for column, label in enumerate(labels):
        positive = targets[:, column] > 0
        for sign, rows in (("positive", positive), ("negative", ~positive)):
            count = np.unique(unit[rows]).size
            if count < min_positives:
                there_are = f"{count} {sign} {_plural(what, count)}"
                left_out.append((label, f"{there_are}, and at least {min_positives} are needed"))
                break
    return left_out


def _check(
    targets: NDArray[np.float64], n_folds: int, repeats: int, **columns: Sized | None
) -> None:
    if targets.ndim != 2:
        raise UsageError(f"targets must be rows by labels, not of {targets.ndim} dimensions")
    if not np.isfinite(targets).all():
        row = int(np.flatnonzero(~np.isfinite(targets).all(axis=1))[0])
        raise UsageError(f"row {row + 1} has a target that is not a number: leave it out first")
    if not 2 <= n_folds <= _MOST_FOLDS:
        raise UsageError(f"the number of folds must be from 2 to {_MOST_FOLDS}, not {n_folds}")
    if repeats < 1:
        raise UsageError(f"there must be at least 1 repeat, not {repeats}")
    for what, values in columns.items():
        expected = targets.shape[1 if what == "labels" else 0]
        if values is not None and len(values) != expected:
            raise UsageError(f"{len(values)} {what} were given, and {expected} are needed")


def _units(
    clusters: NDArray[np.int64] | None, groups: Sequence[str] | None, n: int
) -> NDArray[np.intp]:
    """Number what stays together: rows linked by any chain of common clusters and groups."""
    if clusters is None and groups is None:
        return np.arange(n)
    cluster = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    number: dict[str | int, int] = {}
    ties = range(n) if groups is None else (name or row for row, name in enumerate(groups))
    group = np.fromiter((number.setdefault(tie, len(number)) for tie in ties), np.intp, n)
    # Slow to import, and few tasks have groups.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(n, np.int8), (cluster, n + group)), shape=(2 * n, 2 * n))
    component = connected_components(links, directed=False)[1]
    return np.unique(component[cluster], return_inverse=True)[1]


def _strata(
    kind: Kind, targets: NDArray[np.float64], key: NDArray[np.uint64], n_folds: int
) -> NDArray[np.bool_]:
    """What is to have like shares in all folds, bool[n, n_strata]."""
    if kind == "regression":
        n = targets.shape[0]
        number = max(1, min(_QUANTILES, n // n_folds))
        strata = np.zeros((n, targets.shape[1], number), dtype=bool)
        for column in range(targets.shape[1]):
            order = np.lexsort((key, targets[:, column]))
            strata[order, column, np.arange(n) * number // n] = True
        return strata.reshape(n, -1)
    positive = targets > 0
    return np.hstack([positive, ~positive]) if kind == "binary" else positive


def _cut(
    strata: NDArray[np.bool_],
    unit: NDArray[np.intp],
    size: NDArray[np.intp],
    place: NDArray[np.uint64],
    n_folds: int,
) -> NDArray[np.int8]:
    """Fold of each unit."""
    fold = np.empty(size.size, dtype=np.int8)
    # How many rows of each stratum a fold still wants, in units of 1 / n_folds of a row: whole
    # numbers, which are the same on every machine. The last column counts all rows.
    counted = np.column_stack([strata, np.ones(strata.shape[0], dtype=bool)])
    wanted = np.tile(counted.sum(axis=0), (n_folds, 1)).astype(np.int64)
    several = np.flatnonzero(size > 1)
    if several.size:
        # By size to a power of two: exact sizes would leave the seed nothing to choose.
        magnitude = np.frexp(size[several])[1]
        several = several[np.lexsort((place[several], -magnitude))]
        held = _sums(counted, unit, several)
        fold[several] = _place_whole(held, wanted[0], n_folds)
        for each in range(n_folds):
            wanted[each] -= n_folds * held[fold[several] == each].sum(axis=0)
    single = np.flatnonzero(size == 1)
    single = single[np.argsort(place[single], kind="stable")]
    row = np.empty(size.size, dtype=np.intp)
    row[unit] = np.arange(unit.size)
    fold[single] = _deal(strata[row[single]], wanted)
    return fold


def _sums(counted: NDArray[np.bool_], unit: NDArray[np.intp], wanted: NDArray[np.intp]) -> Whole:
    """Add up the rows of each wanted unit, int64[n_wanted, n_columns]."""
    position = np.full(unit.max() + 1, -1)
    position[wanted] = np.arange(wanted.size)
    rows = np.flatnonzero(position[unit] >= 0)
    rows = rows[np.argsort(position[unit[rows]], kind="stable")]
    first = np.flatnonzero(np.diff(position[unit[rows]], prepend=-1))
    return np.add.reduceat(counted[rows], first, axis=0, dtype=np.int64)


def _place_whole(held: Whole, total: Whole, n_folds: int) -> NDArray[np.int8]:
    """Put each unit, in order, into the fold where it adds least to the unevenness of strata.

    The sum over strata of ``(count - ideal)**2 / total`` grows with a unit by twice its counts
    times those of the fold, over `total`, and by what is the same for all folds.
    """
    # The largest weights whose sums cannot overflow.
    weight = (1 << (62 - int(total.sum()).bit_length())) // np.maximum(total, 1)
    placed = np.zeros((n_folds, total.size), dtype=np.int64)
    fold = np.empty(held.shape[0], dtype=np.int8)
    for index, counts in enumerate(held):
        best = int((placed @ (weight * counts)).argmin())
        placed[best] += counts
        fold[index] = best
    return fold


def _deal(strata: NDArray[np.bool_], wanted: Whole) -> NDArray[np.int8]:
    """Cut rows, in order of their place, into one stretch a fold in each stratum.

    Rarest stratum first, counted in rows not yet dealt. One at a time to the fold that wants most
    of the stratum, ties to the one that wants most rows (iterative stratification), gives counts
    that do not hang on which row comes when; so they are worked out at once, and rows are dealt
    by place.
    """
    n_folds = wanted.shape[0]
    left = strata.sum(axis=0)
    free = np.ones(strata.shape[0], dtype=bool)
    fold = np.empty(strata.shape[0], dtype=np.int8)
    while left.any():
        rarest = int(np.where(left > 0, left, left.max() + 1).argmin())
        chosen = np.flatnonzero(free & strata[:, rarest])
        share = _shares(wanted[:, rarest], wanted[:, -1], chosen.size)
        for each, rows in enumerate(np.split(chosen, np.cumsum(share)[:-1])):
            fold[rows] = each
            dealt = strata[rows].sum(axis=0)
            wanted[each, :-1] -= n_folds * dealt
            wanted[each, -1] -= n_folds * rows.size
            left -= dealt
        free[chosen] = False
    rest = np.flatnonzero(free)
    share = _shares(wanted[:, -1], wanted[:, -1], rest.size)
    fold[rest] = np.repeat(np.arange(n_folds), share)
    return fold


def _shares(wanted: Whole, rows: Whole, amount: int) -> Whole:
    """Give `amount` rows, one at a time, to the fold that wants most; how many each gets.

    Wishes of folds differ by whole rows, so this is water poured on steps. What the last layer
    cannot cover goes to folds that want most `rows`, then to the first.
    """
    n_folds = wanted.size
    height = (wanted.max() - wanted) // n_folds
    steps = np.sort(height)
    level = 0
    for covered in range(1, n_folds + 1):
        level = (amount + int(steps[:covered].sum())) // covered
        if covered == n_folds or level <= steps[covered]:
            break
    share: Whole = np.maximum(level - height, 0)
    layer = np.flatnonzero(height <= level)
    still_wanted = rows[layer] - n_folds * share[layer]
    last = layer[np.lexsort((layer, -still_wanted))][: amount - int(share.sum())]
    share[last] += 1
    return share


def _hashes(names: Sequence[str] | None, n: int) -> NDArray[np.uint64]:
    """Hash names, or row numbers, uint64[n]."""
    if names is None:
        return np.arange(n, dtype=np.uint64)
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _group_key(groups: Sequence[str], name_key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash of the group, or of the name where there is no group."""
    lonely = np.fromiter((group == "" for group in groups), bool, len(groups))
    return np.where(lonely, name_key, _hashes(groups, len(groups)))


def _mixed(key: NDArray[np.uint64], seed: int, repeat: int) -> NDArray[np.uint64]:
    """Places for one cut: splitmix64 (Steele, Lea and Flood 2014) of key and seed, uint64[n]."""
    start = hashlib.blake2b(f"{seed} {repeat}".encode(), digest_size=8).digest()
    word = key * np.uint64(0x9E3779B97F4A7C15) + np.uint64(int.from_bytes(start, "little"))
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _scarce(
    targets: NDArray[np.float64], labels: Sequence[str], fold: NDArray[np.int8], n_folds: int
) -> list[str]:
    """Say what some fold cannot be tested on, and what cannot be learned when it is held out."""
    notes = []
    for sign in ("positive", "negative"):
        untested, unfitted = [], []
        for column, label in enumerate(labels):
            rows = (targets[:, column] > 0) == (sign == "positive")
            counts = np.array([np.bincount(each[rows], minlength=n_folds) for each in fold])
            if counts.min() == 0:
                untested.append(label)
            if rows.any() and (np.count_nonzero(counts, axis=1) == 1).any():
                unfitted.append(label)
        if untested:
            notes.append(f"some folds have no {sign} rows of {_listed(untested)}")
        if unfitted:
            notes.append(f"all {sign} rows of {_listed(unfitted)} are in one fold")
    return notes


def _uneven(fold: NDArray[np.int8], n_folds: int) -> list[str]:
    sizes = np.array([np.bincount(each, minlength=n_folds) for each in fold])
    share = fold.shape[1] / n_folds
    if np.abs(sizes - share).max() <= max(1.0, _UNEVEN * share):
        return []
    return [
        f"folds hold from {sizes.min():,} to {sizes.max():,} rows, since what must stay together "
        "is not parted"
    ]


def _listed(names: list[str]) -> str:
    listed = ", ".join(repr(name) for name in names[:_NAMED])
    return listed + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")


def _plural(what: str, count: int) -> str:
    if count == 1:
        return what
    return what[:-1] + "ies" if what.endswith("y") else what + "s"
