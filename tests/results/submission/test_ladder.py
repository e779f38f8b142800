"""The Ladder: when a figure is told, and what an attacker gains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from genomark.results.submission.hidden import HiddenTruth
from genomark.results.submission.ladder import (
    Rung,
    climb,
    default_step,
    ground,
    rounded,
)
from genomark.results.submission.referee import Referee
from genomark.scoring import REPLICATES

#: Replicates around a score, all on one side of it or not.
SPREAD = np.linspace(-0.04, 0.04, 1000)
#: Clusters, so many that percentiles are those of a normal distribution.
MANY = 10**6


def test_a_model_begins_at_what_a_constant_is_worth():
    rung = climb(0.3, 0.3 + SPREAD, ground(1000), 0.01, MANY)
    assert rung.released == 0.3
    np.testing.assert_array_equal(rung.drawn, 0.3 + SPREAD)
    # Not beyond noise: 2.5 % of the replicates below 0 are the most there may be.
    assert climb(0.03, 0.03 + SPREAD, ground(1000), 0.01, MANY) is None
    assert climb(0.039, 0.039 + SPREAD, ground(1000), 0.01, MANY).released == 0.04
    assert climb(-0.3, -0.3 + SPREAD, ground(1000), 0.01, MANY) is None
    assert climb(None, np.full(1000, np.nan), ground(1000), 0.01, MANY) is None


def test_a_better_score_is_told_if_the_paired_difference_is_beyond_noise():
    last = Rung(0.3, 0.3 + SPREAD)
    # The noise is shared, hence the difference has none.
    assert climb(0.321, 0.321 + SPREAD, last, 0.01, MANY).released == 0.32
    # The same score with noise of its own is not shown to be better.
    assert climb(0.321, 0.321 + SPREAD[::-1], last, 0.01, MANY) is None


@pytest.mark.parametrize(("value", "told"), [(0.31, None), (0.310001, 0.31), (0.3049, None)])
def test_a_gain_below_the_step_is_not_told(value, told):
    rung = climb(value, value + SPREAD, Rung(0.3, 0.3 + SPREAD), 0.01, MANY)
    assert (rung and rung.released) == told


def test_replicates_that_hold_nothing_but_ties_count_as_nothing():
    drawn = np.where(np.arange(1000) < 30, np.nan, 0.5)
    assert climb(0.5, drawn, ground(1000), 0.01, MANY) is None
    drawn = np.where(np.arange(1000) < 20, np.nan, 0.5)
    assert climb(0.5, drawn, ground(1000), 0.01, MANY).released == 0.5


@pytest.mark.parametrize(
    ("clusters", "step"),
    # 0.5 / sqrt(n) = 0.0791, 0.05, 0.0158, 0.005, 0.00456, 0.000707
    [(40, 0.1), (100, 0.05), (1000, 0.02), (10_000, 0.005), (12_000, 0.005), (500_000, 0.001)],
)
def test_the_usual_step_is_half_the_noise(clusters, step):
    assert default_step(clusters) == step


def test_figures_are_multiples_of_the_step():
    assert rounded(0.3149, 0.01) == 0.31
    assert rounded(0.3151, 0.01) == 0.32
    assert rounded(0.33, 0.05) == 0.35
    assert rounded(-0.001, 0.01) == 0.0


class Referees:
    """A public and a private share, and two boards: one with the Ladder, one that tells all."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.truth = rng.integers(0, 25, n).astype(float)
        self.private = rng.permutation(n) % 2 == 0
        hidden = HiddenTruth(self.truth[:, None], np.arange(n), self.private)
        self.referee = Referee(hidden, ("y",), 7)
        self.step = default_step(n // 2)
        self.rungs = {}
        self.best = -np.inf

    def of(self, prediction, private):
        share = self.private == private
        return spearmanr(prediction[share], self.truth[share]).statistic

    @property
    def last(self):
        return self.rungs.get("key", ground(REPLICATES))

    def told(self, prediction, party="key"):
        """The figure that is released, if one is."""
        score = self.referee.headline(prediction[:, None], private=False)
        last = self.rungs.get(party, ground(REPLICATES))
        rung = climb(score.value, score.drawn, last, self.step, score.n_clusters)
        self.rungs[party] = rung or last
        return rung and rung.released

    def ladder(self, prediction):
        return self.told(prediction) is not None

    def naive(self, prediction):
        score = self.of(prediction, False)
        better, self.best = score > self.best, max(score, self.best)
        return better


def hill_climbing(board, answer, size, submissions, seed):
    """Keep every change of the predictions that the board says is better."""
    rng = np.random.default_rng(seed)
    best = board.truth + rng.normal(size=board.truth.size) * 18
    first = best
    for number in range(submissions):
        trial = best if number == 0 else best + size * rng.normal(size=best.size)
        if answer(trial):
            best = trial
    return first, best


@pytest.mark.parametrize("size", [1.0, 4.0])
def test_500_adaptive_submissions_gain_no_step_on_the_private_share(size):
    board = Referees(1000, 1)
    first, best = hill_climbing(board, board.ladder, size, 500, 2)
    assert board.of(best, True) - board.of(first, True) <= board.step
    # Nor is what was told far from what it is worth: one step, and the noise of 500 items.
    assert board.last.released - board.of(first, False) <= board.step
    assert board.last.released - board.of(best, True) <= board.step + 2 / np.sqrt(500)


def test_the_same_attack_climbs_a_board_that_tells_each_score():
    board = Referees(1000, 1)
    first, best = hill_climbing(board, board.naive, 1.0, 500, 2)
    assert board.best - board.of(first, False) > 3 * board.step
    assert board.best - board.of(best, True) > 3 * board.step


def boosting(board, answer, submissions, seed):
    """Add up all random predictions that the board says are better than nothing."""
    rng = np.random.default_rng(seed)
    total = np.zeros(board.truth.size)
    for _ in range(submissions):
        trial = rng.normal(size=total.size)
        if answer(trial):
            total += rankdata(trial)
    return total


def test_random_predictions_added_up_gain_nothing_on_the_private_share():
    board = Referees(1000, 3)
    total = boosting(board, board.ladder, 500, 4)
    gained = board.of(total, True) if total.any() else 0.0
    # What was told is one of 500 draws of nothing, and no sum of them: on other items it is worth
    # nothing, give or take the noise of 500 items.
    assert board.last.released <= 4 / np.sqrt(500)
    assert abs(gained) <= 3 / np.sqrt(500)


def test_random_predictions_added_up_climb_a_board_that_tells_each_score():
    board = Referees(1000, 3)
    total = boosting(board, lambda trial: board.of(trial, False) > 0, 500, 4)
    assert board.of(total, False) > 0.4
    assert abs(board.of(total, True)) < 4 / np.sqrt(500)


def standard(values):
    ranks = rankdata(values)
    return (ranks - ranks.mean()) / ranks.std()


def fresh_names(board, base, party, submissions, seed):
    """Ask of `base` with noise under a name of its own each time; weigh the noise by the answers.

    Gives the best sum of base and noise that a grid finds on the public share, which is kinder to
    the attacker than a board would be.
    """
    rng = np.random.default_rng(seed)
    answers = []
    for number in range(submissions):
        noise = standard(rng.normal(size=base.size))
        told = board.told(standard(base) + 0.5 * noise, party(number))
        if told is not None:
            answers.append((told, noise))
    mean = np.mean([told for told, _ in answers])
    found = np.sum([(told - mean) * noise for told, noise in answers], axis=0)
    if not found.any():
        return base, len(answers)
    tried = [standard(base) + weight * standard(found) for weight in (0.1, 0.2, 0.5, 1.0)]
    return max(tried, key=lambda each: board.of(each, False)), len(answers)


def known_in_part(board, seed):
    return board.truth + np.random.default_rng(seed).normal(size=board.truth.size) * 18


def test_500_fresh_names_under_one_key_gain_no_step():
    board = Referees(1000, 1)
    base = known_in_part(board, 2)
    best, told = fresh_names(board, base, lambda number: "key", 500, 3)
    # What the key was told once, no other name is told.
    assert 1 <= told <= 3
    assert board.of(best, False) - board.of(base, False) <= board.step
    assert board.of(best, True) - board.of(base, True) <= board.step
    assert board.last.released - board.of(base, False) <= board.step


def test_500_fresh_names_would_gain_many_steps_of_a_ladder_for_each_name():
    board = Referees(1000, 1)
    base = known_in_part(board, 2)
    best, told = fresh_names(board, base, lambda number: number, 500, 3)
    assert told > 450
    assert board.of(best, False) - board.of(base, False) > 3 * board.step
    assert board.of(best, True) - board.of(base, True) <= board.step


def climbing_from_below(board, base, submissions, seed):
    """Be told as often as one key can: ever less noise, and a direction to learn of each time."""
    rng = np.random.default_rng(seed)
    known = np.corrcoef(standard(base), standard(board.truth))[0, 1]
    junk = standard(rng.normal(size=base.size))
    found, releases, last = np.zeros(base.size), 0, 0.0
    for _ in range(submissions):
        noise = standard(rng.normal(size=base.size))
        aim = min(known, last + 2 * board.step)
        blur = max(0.0, (known / aim) ** 2 - 2)
        told = board.told(standard(base) + noise + np.sqrt(blur) * junk)
        if told is not None:
            found += (told - known / np.sqrt(2 + blur)) * noise
            last, releases = told, releases + 1
    tried = [standard(base) + weight * standard(found) for weight in (0.0, 0.1, 0.2, 0.5)]
    return max(tried, key=lambda each: board.of(each, False)), releases


def test_who_climbs_from_below_is_told_more_often_and_gains_no_step():
    board = Referees(1000, 1)
    base = known_in_part(board, 2)
    best, releases = climbing_from_below(board, base, 200, 3)
    assert releases >= 2
    assert board.of(best, False) - board.of(base, False) <= board.step
