"""Scores that chance reaches, against random sequences and closed forms."""

from __future__ import annotations

import math

import numpy as np
import parasail
import pytest

from genomark.datasets.leakage.chance import Chance

UNGAPPED = parasail.matrix_create("ACGT", 1, -1)
EVEN = np.full(4, 0.25)


def test_long_random_sequences_need_the_score_of_karlin_and_altschul() -> None:
    m = n = 10_000_000
    chance = Chance(n, 1, EVEN)
    # lambda = log 3 and K = 1/3; the ends take next to nothing of sequences so long.
    expected = math.log(m * n / 3 / 5e-4) / math.log(3)
    test = ["ACGT" * (m // 4)]
    assert chance.passed_without_gaps(test)[0] == math.ceil(expected - 1e-4)
    assert chance.to_be_aligned(test)[0] == math.ceil(math.log(m * n / 3) / math.log(3) - 1e-4)
    # With gaps chance reaches more.
    assert chance.passed(test)[0] > chance.passed_without_gaps(test)[0] + 1


@pytest.mark.parametrize("at", [0.5, 0.7])
def test_random_stretches_are_as_frequent_as_expected(at: float) -> None:
    rng = np.random.default_rng(0)
    shares = [at / 2, (1 - at) / 2, (1 - at) / 2, at / 2]
    size, n = 400, 300
    best = []
    for _ in range(n):
        one, other = ("".join(rng.choice(list("ACGT"), size, p=shares)) for _ in range(2))
        # Gaps that cost more than any score gives.
        best.append(parasail.sw_striped_16(one, other, 1000, 1000, UNGAPPED).score)
    p = sum(share**2 for share in shares)
    decay, factor = math.log((1 - p) / p), (1 - 2 * p) ** 2 / (1 - p)
    needed = Chance(size, 1, np.array(shares))._score(
        np.array([size]), np.array([p]), np.array([decay]), np.array([factor]), expected=0.5
    )
    share = (np.array(best) >= needed[0]).mean()
    # Scores are whole, so that the one needed is reached less often: by up to one match.
    assert (1 - math.exp(-0.5 * math.exp(-decay))) - 0.1 < share < (1 - math.exp(-0.5)) + 0.06


def test_more_training_letters_need_a_higher_score() -> None:
    test = ["ACGTTGCAAGTCCATGACGT" * 10]
    few, many = Chance(10_000, 50, EVEN), Chance(10_000_000, 50_000, EVEN)
    assert few.passed(test)[0] + 5 < many.passed(test)[0]
    # A thousand times the letters: log(1000) / lambda, here with gaps.
    grown = many.passed_without_gaps(test)[0] - few.passed_without_gaps(test)[0]
    assert grown == pytest.approx(math.log(1000) / math.log(3), abs=1.5)


def test_letters_that_match_often_need_a_higher_score() -> None:
    even, rich = "ACGT" * 50, "AATTAATTAATTAATTACGT" * 10
    chance = Chance.of([even, rich], both_strands=True)
    needed = chance.passed_without_gaps([even, rich])
    assert needed[1] > needed[0] + 5


def test_letters_are_counted_on_both_strands() -> None:
    chance = Chance.of(["AAAC", "NNG"], both_strands=True)
    assert (chance.letters, chance.sequences) == (10, 4)
    assert chance.composition.tolist() == [0.3, 0.2, 0.2, 0.3]
    assert Chance.of(["AAAC"], both_strands=False).composition.tolist() == [0.75, 0.25, 0, 0]


def test_every_alignment_needs_a_match() -> None:
    assert Chance.of([""], both_strands=True).passed(["", "A"]).tolist() == [1, 1]
