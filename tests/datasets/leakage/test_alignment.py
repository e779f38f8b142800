"""Local alignments, against parasail's and against a plain count of columns."""

from __future__ import annotations

import random

import numpy as np
import parasail
import pytest

from genomark.datasets.leakage.alignment import align, trace
from genomark.datasets.leakage.pairs import Pairs, alignments
from genomark.datasets.words import encoded

SCORES = parasail.matrix_create("ACGT", 1, -1)


def aligned(ours: str, theirs: str, diagonal: int, band: int) -> tuple[int, ...]:
    """Score, matches, columns, our start and end, their start and end."""
    one, other = encoded([ours])[0], encoded([theirs])[0]
    best, above = np.empty((2, 2 * band + 2), dtype=np.int32)
    moves = np.empty((one.size, 2 * band + 1), dtype=np.uint8)
    score, our_end, their_end = align(one, other, diagonal, band, best, above, moves)
    matches, columns, our_start, their_start = trace(
        one, other, diagonal, band, our_end, their_end, moves
    )
    return score, matches, columns, our_start, our_end, their_start, their_end


def edited(draw: random.Random, text: str, edits: int) -> str:
    letters = list(text)
    for _ in range(edits):
        place = draw.randrange(len(letters))
        kind = draw.random()
        if kind < 0.6:
            letters[place] = draw.choice("ACGT")
        elif kind < 0.8:
            letters.insert(place, draw.choice("ACGT"))
        elif len(letters) > 1:
            del letters[place]
    return "".join(letters)


def test_scores_and_ends_are_those_of_smith_and_waterman() -> None:
    draw = random.Random(0)
    for _ in range(300):
        ours = "".join(draw.choices("ACGT", k=draw.randint(1, 90)))
        theirs = edited(draw, ours[draw.randrange(len(ours)) :] + "ACGGT", draw.randint(0, 15))
        wide = len(ours) + len(theirs)
        score, matches, columns, start, end, their_start, their_end = aligned(ours, theirs, 0, wide)
        # parasail counts the first letter of a gap in what opens it.
        oracle = parasail.sw_stats(ours, theirs, 3, 1, SCORES)
        assert score == oracle.score
        if score:
            again = parasail.sw_stats(ours[start:end], theirs[their_start:their_end], 3, 1, SCORES)
            assert again.score == score
            assert matches <= columns
            assert columns >= max(end - start, their_end - their_start)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        # 20 matches, a mismatch, 20 matches.
        ("ACGTT" * 4 + "A" + "GGCAT" * 4, "ACGTT" * 4 + "C" + "GGCAT" * 4, (39, 40, 41)),
        # A gap of two letters: -(2 + 2).
        ("ACGTT" * 4 + "AC" + "GGCAT" * 4, "ACGTT" * 4 + "GGCAT" * 4, (36, 40, 42)),
        ("ACGTT" * 4 + "GGCAT" * 4, "ACGTT" * 4 + "AC" + "GGCAT" * 4, (36, 40, 42)),
        # N matches nothing, N neither.
        ("ACGTT" * 4 + "N" + "GGCAT" * 4, "ACGTT" * 4 + "N" + "GGCAT" * 4, (39, 40, 41)),
        ("NNNN", "NNNN", (0, 0, 0)),
    ],
)
def test_columns_are_counted_by_hand(
    ours: str, theirs: str, expected: tuple[int, int, int]
) -> None:
    assert aligned(ours, theirs, 0, 8)[:3] == expected


def test_nothing_is_found_outside_of_the_band() -> None:
    draw = random.Random(3)
    text = "".join(draw.choices("ACGT", k=60))
    other = "".join(draw.choices("ACGT", k=30)) + text
    assert aligned(text, other, 30, 4)[0] == 60
    assert aligned(text, other, 27, 4)[0] == 60
    assert aligned(text, other, 20, 4)[0] < 20


def test_places_on_the_other_strand_are_those_of_the_sequence_as_given() -> None:
    draw = random.Random(4)
    train = "".join(draw.choices("ACGT", k=300))
    other = train.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    test = other[40:140]
    pair = Pairs(np.array([0]), np.array([0]), np.array([True]), np.array([40]))
    found = alignments([test], [train], pair, traced=True)
    assert (found.score[0], found.matches[0], found.columns[0]) == (100, 100, 100)
    assert (found.train_start[0], found.train_end[0]) == (160, 260)
    assert (found.test_start[0], found.test_end[0]) == (0, 100)
