"""Which part of a train split models are fitted on, and which of it decides between settings."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from genomark.benchmarks.guanine.split_rows import SplitRows
from genomark.errors import UsageError

Rows = NDArray[np.int64]

#: Of the rows that are learned from, what decides between settings.
VALID_SHARE = 0.1
#: With fewer rows nothing can be fitted and decided.
FEWEST = 20


def few_shot_order(train: SplitRows, published: SplitRows | None, seed: int) -> Rows:
    """Put the rows of the train split in an order of which every beginning is a few-shot split.

    Parameters
    ----------
    train : SplitRows
    published : SplitRows or None
        The few-shot split that is published: its rows come first.
    seed : int

    Returns
    -------
    ndarray of int64
        By a hash of seed and sequence: neither the order of the rows nor their ids change it.
    """
    places = np.array(
        [_place(each, seed) for each in train.labelled.sequences],
        dtype="S16",
    )
    known = set() if published is None else set(published.labelled.sequences)
    later = np.array([each not in known for each in train.labelled.sequences])
    return np.lexsort([places, later])


def learned_rows(train: SplitRows, order: Rows, share: float) -> Rows:
    """Take a share of the rows, in the order of the file.

    Raises
    ------
    UsageError
        If that is fewer than `FEWEST`.
    """
    count = round(share * len(order))
    if count < FEWEST:
        raise UsageError(
            f"{share:.1%} of {len(order):,} training rows are {count}: too few to fit on"
        )
    return np.sort(order[:count])


def parted(train: SplitRows, seed: int) -> tuple[Rows, Rows]:
    """Set rows apart that decide between settings: neighbours on the genome, and copies, together.

    Returns
    -------
    train, valid : ndarray of int64
        Rows; neither is empty.

    Raises
    ------
    UsageError
        If all rows must stay together.
    """
    labelled = train.labelled
    units = _units(labelled.sequences, labelled.groups)
    if len(units) < 2:
        raise UsageError(
            f"all {len(labelled):,} training rows lie in one stretch of a chromosome: none can be "
            "set apart to decide between settings"
        )
    wanted = max(1, round(VALID_SHARE * len(labelled)))
    valid: list[int] = []
    for unit in sorted(units, key=lambda each: _place(each, seed)):
        if len(valid) + len(units[unit]) <= wanted:
            valid += units[unit]
        if len(valid) == wanted:
            break
    if not valid:
        valid = min(units.values(), key=len)
    apart = np.zeros(len(labelled), dtype=bool)
    apart[valid] = True
    return np.flatnonzero(~apart), np.flatnonzero(apart)


def _units(sequences: tuple[str, ...], groups: tuple[str, ...] | None) -> dict[str, list[int]]:
    """Rows that stay together, by a name: of one group, or of one sequence, along any chain."""
    parent: dict[str, str] = {}

    def root(unit: str) -> str:
        parent.setdefault(unit, unit)
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    named = sequences if groups is None else tuple(f"group {each}" for each in groups)
    if groups is not None:
        for sequence, group in zip(sequences, named, strict=True):
            parent[root(sequence)] = root(group)
    units: dict[str, list[int]] = {}
    for row, unit in enumerate(named):
        units.setdefault(root(unit), []).append(row)
    # By the least of what they hold, so that the order of the rows changes nothing.
    return {min(named[row] for row in rows): rows for rows in units.values()}


def _place(text: str, seed: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16, salt=str(seed).encode()[:16]).digest()
