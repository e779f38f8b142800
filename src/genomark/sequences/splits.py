"""Set a validation part apart: by seed and sequence alone, and never parting a group."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

import numpy as np

from genomark.datasets.overlap import overlapping
from genomark.errors import UsageError
from genomark.sequences.labelled import LabelledSequences

#: Bases in common by which sequences overlap.
_STRETCH = 30
#: Share of the rows that one chain of overlaps may hold.
_LARGEST = 0.5
#: Classes a note names before it says "and so many more".
_NAMED = 5


def valid_part(
    train: LabelledSequences, *, share: float = 0.1, seed: int = 0
) -> tuple[LabelledSequences, LabelledSequences, str]:
    """Set part of the training sequences apart for validation.

    What stays together, rows of one group, rows of one sequence (U as T) and rows that share a
    stretch of 30 bases, along any chain of these, is a unit: of windows that overlap, one in
    training tells what another is asked in validation. Where such chains tie most rows together, as
    with variants of one element, overlaps are not heeded, and the note says so.

    Every unit has a place on a line, by a hash of the seed and its sequences. From the front of the
    line come as many units as make up the share, in each class its own; one that would exceed it is
    passed over. So the part is the same in every order of
    rows and under all ids.

    Parameters
    ----------
    train : LabelledSequences
    share : float
        Of the rows to set apart, above 0 and below 1.
    seed : int
        Another seed, another part.

    Returns
    -------
    train, valid : LabelledSequences
        In the order of the rows; neither is empty.
    note : str
        How `valid` was come by, in one line for people.

    Raises
    ------
    UsageError
        If the share is out of range, or there are fewer than two units.
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"the share of the validation part must be between 0 and 1, not {share}")
    overlaps = _overlaps(train)
    units = _units(train, overlaps)
    if len(units) < 2:
        raise UsageError(
            f"a validation part cannot be set apart: all {len(train):,} training sequences must "
            "stay together; give a file for validation"
        )
    place = [_place(train, rows, seed) for rows in units]
    strata = _strata(train, units)
    chosen: list[int] = []
    for members in strata.values():
        chosen += _taken(sorted(members, key=place.__getitem__), units, share)
    if not chosen:
        chosen = [min(range(len(units)), key=lambda unit: (len(units[unit]), place[unit]))]
    if len(chosen) == len(units):
        chosen.remove(max(chosen, key=lambda unit: (len(units[unit]), place[unit])))
    apart = np.zeros(len(train), dtype=bool)
    apart[[row for unit in chosen for row in units[unit]]] = True
    valid = train.take(np.flatnonzero(apart))
    note = _note(train, valid, seed, stratified=len(strata) > 1, overlaps_apart=overlaps is None)
    return train.take(np.flatnonzero(~apart)), valid, note


def _overlaps(train: LabelledSequences) -> list[int] | None:
    """Number what overlaps; None where most rows would be one unit."""
    rna = any("U" in sequence for sequence in train.sequences)
    groups = overlapping(train.sequences, k=_STRETCH, both_strands=not rna)
    if len(train) and np.bincount(groups).max() > _LARGEST * len(train):
        return None
    return groups.tolist()  # type: ignore[no-any-return]


def _units(train: LabelledSequences, overlaps: list[int] | None) -> list[list[int]]:
    """Rows that stay together, each unit in the order of its rows."""
    parent = list(range(len(train)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[tuple[str, str | int], int] = {}
    for row, sequence in enumerate(train.sequences):
        group = "" if train.groups is None else train.groups[row]
        ties: list[tuple[str, str | int]] = [("sequence", sequence.replace("U", "T"))]
        if group:
            ties.append(("group", group))
        if overlaps is not None:
            ties.append(("stretch", overlaps[row]))
        for tie in ties:
            parent[root(row)] = root(first.setdefault(tie, row))
    units = defaultdict(list)
    for row in range(len(train)):
        units[root(row)].append(row)
    return list(units.values())


def _place(train: LabelledSequences, rows: list[int], seed: int) -> bytes:
    """Place of a unit: that of the first of its sequences, which no other unit has."""
    salt = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
    return min(
        hashlib.blake2b(
            train.sequences[row].replace("U", "T").encode(), digest_size=16, salt=salt
        ).digest()
        for row in rows
    )


def _strata(train: LabelledSequences, units: list[list[int]]) -> dict[int, list[int]]:
    """Units by the class that most of their rows have; all in one where there are no classes."""
    if train.kind not in ("binary", "multi-class") or not isinstance(train.targets, np.ndarray):
        return {0: list(range(len(units)))}
    classes = (
        train.targets[:, 0].astype(int) if train.kind == "binary" else train.targets.argmax(axis=1)
    )
    strata = defaultdict(list)
    for unit, rows in enumerate(units):
        counts = Counter(int(classes[row]) for row in rows)
        strata[min(counts, key=lambda each: (-counts[each], each))].append(unit)
    return dict(sorted(strata.items()))


def _taken(members: list[int], units: list[list[int]], share: float) -> list[int]:
    """Take units from the front of the line, as near to the share as their sizes allow."""
    wanted = share * sum(len(units[unit]) for unit in members)
    taken = []
    held = 0
    for unit in members:
        size = len(units[unit])
        if held + size <= round(wanted):
            taken.append(unit)
            held += size
    return taken


def _note(
    train: LabelledSequences,
    valid: LabelledSequences,
    seed: int,
    *,
    stratified: bool,
    overlaps_apart: bool,
) -> str:
    together = "" if train.groups is None else "groups and "
    together += "equal sequences" if overlaps_apart else f"what shares {_STRETCH} bases"
    note = (
        f"no validation file: {len(valid):,} of {len(train):,} training sequences set apart by "
        f"hash (seed {seed}), {'by class, ' if stratified else ''}{together} together"
    )
    if overlaps_apart:
        note += f" (most overlap by {_STRETCH} bases, and are not kept together)"
    if train.kind == "multi-class" and isinstance(valid.targets, np.ndarray):
        missing = [
            f"'{label}'"
            for label, count in zip(train.labels, valid.targets.sum(axis=0), strict=True)
            if not count
        ]
        if missing:
            more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
            note += f"; it has none of {', '.join(missing[:_NAMED])}{more}"
    return note
