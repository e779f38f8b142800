"""Candidates of test sequences, against looking at every pair of places."""

from __future__ import annotations

import random

import numpy as np
import pytest
from planted_copies import family, random_sequence, substituted

from genomark.datasets.leakage.candidates import Candidates, join, looks
from genomark.datasets.leakage.chance import Chance
from genomark.datasets.leakage.search import Found, search
from genomark.datasets.leakage.seeds import SPAN, letters, seed_index, seeds
from genomark.datasets.words import encoded

PLACES = [place for place, used in enumerate("1101100011010111") if used == "1"]


def joined(test: list[str], train: list[str], kept: int, least: int) -> Candidates:
    ours, theirs = letters(*encoded(test)), letters(*encoded(train))
    index = seed_index(ours, seeds(ours, masked=True))
    their_seeds = seeds(theirs, masked=False)
    n = len(test)
    found = Candidates(
        np.full((n, kept), least - 1, dtype=np.int32),
        np.full((n, kept), -1, dtype=np.int64),
        np.zeros((n, kept), dtype=np.int64),
        np.full(n, least - 1, dtype=np.int32),
        np.diff(ours.offsets) + 1,
        1.0,
    )
    rows = np.arange(len(train))
    limits = looks(theirs, their_seeds, index)
    their_index = seed_index(theirs, their_seeds)
    join(ours, index, theirs, their_index, rows, 0, False, -1, limits, found)
    return found


def stretch(ours: str, theirs: str, place: int, their_place: int) -> int:
    """Score of the best stretch with both places in it, ended by a fall of 12."""
    total = 0
    for step, place_of, other in ((1, place, their_place), (-1, place - 1, their_place - 1)):
        score = best = 0
        while 0 <= place_of < len(ours) and 0 <= other < len(theirs) and score > best - 12:
            score += 1 if ours[place_of] == theirs[other] else -1
            best = max(best, score)
            place_of, other = place_of + step, other + step
        total += best
    return total


def by_hand(ours: str, theirs: str) -> tuple[int, set[int]]:
    """Score of the best stretch around a shared seed, and the diagonals that have it."""
    best, diagonals = 0, set()
    for place in range(len(ours) - SPAN + 1):
        for other in range(len(theirs) - SPAN + 1):
            if all(ours[place + each] == theirs[other + each] for each in PLACES):
                score = stretch(ours, theirs, place, other)
                if score > best:
                    best, diagonals = score, set()
                if score == best:
                    diagonals.add(other - place)
    return best, diagonals


def test_the_best_stretches_are_those_of_all_pairs_of_places() -> None:
    draw = random.Random(0)
    train = family(draw, 6, length=120, share=0.06) + [random_sequence(draw, 120) for _ in range(6)]
    test = [substituted(draw, draw.choice(train), 0.05)[draw.randint(0, 40) :] for _ in range(8)]
    found = joined(test, train, kept=4, least=25)
    for item, ours in enumerate(test):
        expected = {row: by_hand(ours, theirs) for row, theirs in enumerate(train)}
        ranked = sorted(
            (row for row in expected if expected[row][0] >= 25),
            key=lambda row: (-expected[row][0], row),
        )
        rows = (found.pieces[item] // 2)[found.pieces[item] >= 0].tolist()
        assert rows == ranked[:4]
        for place, row in enumerate(rows):
            assert found.scores[item, place] == expected[row][0]
            assert found.diagonals[item, place] in expected[row][1]


def test_what_does_not_reach_the_score_is_no_candidate() -> None:
    draw = random.Random(1)
    known = random_sequence(draw, 60)
    assert joined([known], [known], kept=2, least=60).pieces.tolist() == [[0, -1]]
    assert joined([known], [known], kept=2, least=61).pieces.tolist() == [[-1, -1]]


def test_of_frequent_seeds_only_some_places_are_looked_at() -> None:
    draw = random.Random(2)
    repeat, flank = random_sequence(draw, 100), random_sequence(draw, 60)
    test = [repeat] * 500 + [flank]
    ours, theirs = letters(*encoded(test)), letters(*encoded([repeat + flank, flank]))
    found = seeds(theirs, masked=False)
    limits = looks(theirs, found, seed_index(ours, seeds(ours, masked=True)))
    # Seeds of the repeat are in 500 sequences and all cannot be paid for; those of the flank can.
    n_frequent = 100 - SPAN + 1
    left = 160 + 64 - (60 - SPAN + 1)
    assert limits[0, 0] < 500
    assert limits[0, 1] == left // n_frequent
    assert limits[1, 0] >= 500


def test_rare_seeds_find_what_frequent_ones_would_hide() -> None:
    draw = random.Random(3)
    repeat = random_sequence(draw, 150)
    test = [repeat + random_sequence(draw, 50) for _ in range(600)]
    found = joined(test, test[::-1], kept=1, least=40)
    assert (found.pieces[:, 0] // 2).tolist() == list(range(599, -1, -1))


@pytest.mark.parametrize("is_same_set", [False, True])
def test_no_sequence_is_found_in_itself(is_same_set: bool) -> None:
    draw = random.Random(4)
    sequences = [each for _ in range(30) for each in family(draw, 2, length=100)]
    found = found_in(sequences, sequences, is_same_set=is_same_set)
    own = found.rows == np.arange(len(sequences))[:, None]
    assert own.any(axis=1).all() != is_same_set
    partner = np.arange(len(sequences)) ^ 1
    assert (found.rows == partner[:, None]).any(axis=1).all()


def found_in(test: list[str], train: list[str], *, is_same_set: bool = False) -> Found:
    return search(
        test,
        train,
        Chance.of(train, both_strands=True),
        asked=None,
        kept=3,
        is_same_set=is_same_set,
        both_strands=True,
        threads=1,
        progress=lambda done: None,
    )


def test_diagonals_are_of_whole_sequences_where_these_were_cut() -> None:
    draw = random.Random(5)
    region = random_sequence(draw, 1_300_000)
    other = region.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    starts = [0, 1_000_000, 1 << 20, 1_299_900]
    test = [text[start : start + 100] for text in (region, other) for start in starts]
    found = found_in(test, [region])
    assert found.rows[:, 0].tolist() == [0] * 8
    assert found.diagonals[:, 0].tolist() == starts * 2
    assert found.other_strand[:, 0].tolist() == [False] * 4 + [True] * 4
    assert found.scores[:, 0].tolist() == [100] * 8


def test_stretches_go_on_through_repeats_but_do_not_count_them() -> None:
    draw = random.Random(6)
    left, right = random_sequence(draw, 40), random_sequence(draw, 40)
    known = left + "CA" * 20 + right
    found = joined([known], [known], kept=1, least=20)
    # Not 120; at either end a few letters more or less are in windows that say little.
    assert 60 <= found.scores[0, 0] <= 92
    assert found.diagonals[0, 0] == 0


def test_unknown_letters_match_none_of_their_kind() -> None:
    draw = random.Random(7)
    known = random_sequence(draw, 40) + "NNNN" + random_sequence(draw, 40)
    assert joined([known], [known], kept=1, least=20).scores[0, 0] == 80 - 4
