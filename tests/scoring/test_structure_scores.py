"""Scores of structures against sets of pairs, scikit-learn, and scipy's matching."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from sklearn import metrics

from genomark.errors import UsageError
from genomark.rna.structure import pair_set, partners
from genomark.scoring import TaskAnswers, better, judge_task
from genomark.scoring.structure_scores import (
    CROSSING_METRICS,
    STRUCTURE_METRICS,
    Structures,
    structure_values,
)

LABELS = ("(", ")", ".")


def structures(texts: Sequence[str]) -> Structures:
    return Structures.of(
        (partners(text), np.array([symbol not in "()." for symbol in text])) for text in texts
    )


def values(said: str, known: str) -> dict[str, float]:
    found = structure_values(structures([said]), structures([known]))
    return {name: float(each[0]) for name, each in found.items()}


def random_partners(random: np.random.Generator, n: int, near: np.ndarray | None) -> np.ndarray:
    """Any pairs, crossing or not; half of them near those of another structure."""
    found = np.full(n, -1, np.int32)
    for _ in range(n // 2):
        if near is not None and random.random() < 0.7:
            a = int(random.integers(n))
            b = int(near[a]) + int(random.integers(-1, 2))
            if near[a] < 0:
                continue
            a += int(random.integers(-1, 2))
        else:
            a, b = (int(each) for each in random.integers(n, size=2))
        if 0 <= a < n and 0 <= b < n and a != b and found[a] < 0 and found[b] < 0:
            found[a], found[b] = b, a
    return found


def test_scores_of_a_worked_example() -> None:
    # Of 15 possible pairs of six bases 1-6 is right, 2-4 wrong and 2-5 missed: 12 are rightly none.
    found = values("((.).)", "((..))")
    assert found["base_pair_precision"] == found["base_pair_recall"] == 0.5
    assert found["base_pair_f1"] == 0.5
    assert found["base_pair_mcc"] == pytest.approx((1 * 12 - 1 * 1) / (2 * 2 * 13 * 13) ** 0.5)
    # With a slip of one base 2-4 is 2-5.
    assert found["base_pair_f1_slip"] == found["base_pair_mcc_slip"] == 1.0
    assert found["exact_match"] == 0.0


@pytest.mark.parametrize(
    ("said", "known", "expected"),
    [("......", "......", 1.0), ("(....)", "......", 0.0), ("......", "(....)", 0.0)],
)
def test_where_a_structure_has_no_pair_all_scores_say_whether_the_other_has_none(
    said: str, known: str, expected: float
) -> None:
    found = values(said, known)
    assert {found[name] for name in STRUCTURE_METRICS} == {expected}


def test_scores_are_those_of_sets_of_pairs_and_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    for _ in range(60):
        n = int(random.integers(6, 40))
        known = random_partners(random, n, None)
        said = np.where(random.random() < 0.5, random_partners(random, n, known), known)
        crossing = np.zeros(n, np.bool_)
        found = structure_values(
            Structures.of([(said, crossing)]), Structures.of([(known, crossing)])
        )
        told, real = pair_set(said), pair_set(known)
        if not told or not real:
            continue
        assert found["base_pair_precision"][0] == pytest.approx(len(told & real) / len(told))
        assert found["base_pair_recall"][0] == pytest.approx(len(told & real) / len(real))
        assert found["base_pair_f1"][0] == pytest.approx(
            2 * len(told & real) / (len(told) + len(real))
        )
        possible = list(itertools.combinations(range(n), 2))
        expected = metrics.matthews_corrcoef(
            [pair in real for pair in possible], [pair in told for pair in possible]
        )
        assert found["base_pair_mcc"][0] == pytest.approx(expected)
        assert found["exact_match"][0] == float(told == real)


def test_slipped_pairs_are_matched_one_to_one_and_as_many_as_can_be() -> None:
    random = np.random.default_rng(5)
    matched = []
    for _ in range(300):
        n = int(random.integers(4, 30))
        known = random_partners(random, n, None)
        said = random_partners(random, n, known)
        told, real = sorted(pair_set(said)), sorted(pair_set(known))
        if not told or not real:
            continue
        near = np.array([[abs(a - c) + abs(b - d) <= 1 for c, d in real] for a, b in told])
        most = int((maximum_bipartite_matching(csr_matrix(near)) >= 0).sum())
        crossing = np.zeros(n, np.bool_)
        found = structure_values(
            Structures.of([(said, crossing)]), Structures.of([(known, crossing)])
        )
        assert found["base_pair_recall_slip"][0] == pytest.approx(most / len(real))
        assert found["base_pair_precision_slip"][0] == pytest.approx(most / len(told))
        matched.append((most, int((near.any(axis=1)).sum())))
    # Counting every pair that has a neighbour would count some neighbours twice.
    assert any(most < counted for most, counted in matched)


def test_one_known_pair_stands_for_one_slipped_pair_only() -> None:
    # Both pairs said are one base from the only known one.
    found = values(".([.)]..", "..(.)...")
    assert found["base_pair_recall_slip"] == 1.0
    assert found["base_pair_precision_slip"] == 0.5
    assert found["base_pair_precision"] == 0.0


def test_crossing_pairs_are_told_apart() -> None:
    known = "((([[[)))]]]"
    nested = values("(((...)))...", known)
    assert nested["base_pair_recall"] == 0.5
    assert nested["base_pair_f1"] == pytest.approx(2 * 3 / (3 + 6))
    assert nested["nested_pair_f1"] == 1.0
    assert nested["crossing_pair_recall"] == 0.0
    # What is known to cross is right whatever its bracket, and no error among nested pairs.
    other = values("...(((...)))", known)
    assert other["base_pair_f1"] == nested["base_pair_f1"]
    assert other["crossing_pair_recall"] == 1.0
    assert other["nested_pair_f1"] == 0.0
    swapped = values("[[[(((]]])))", known)
    assert swapped["base_pair_f1"] == swapped["nested_pair_f1"] == 1.0
    assert swapped["crossing_pair_recall"] == swapped["exact_match"] == 1.0
    assert np.isnan(values("(....)", "(....)")["crossing_pair_recall"])


def test_more_is_better_of_all_of_them() -> None:
    assert {better(name) for name in (*STRUCTURE_METRICS, *CROSSING_METRICS)} == {"higher"}


def answers_of(said: list[str], known: list[str], clusters: Sequence[int]) -> TaskAnswers:
    symbols = [np.eye(3)[[LABELS.index(symbol) for symbol in text]] for text in said]
    truth = tuple(
        np.array([LABELS.index(s) if s in LABELS else -1 for s in text], np.int16) for text in known
    )
    return TaskAnswers(
        kind="token-classes",
        labels=LABELS,
        answers=(symbols,),
        truth=truth,
        clusters=np.array(clusters, np.int64),
        said=(structures(said),),
        known=structures(known),
        groups={"first two": np.arange(len(said)) < 2},
    )


def test_means_are_over_sequences_and_symbols_are_pooled() -> None:
    known = ["((...))", "(....).", "......"]
    said = ["(.....)", "(....).", "......"]
    rows, _ = judge_task(answers_of(said, known, [0, 1, 1]), ("base_pair_f1",), seed=0)
    found = {(row.name, row.group): row for row in rows}
    # By hand: 1 of 1 and 2 pairs; 1 of 1; nothing to find and nothing said.
    whole = found["base_pair_f1", None]
    assert whole.value == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert (whole.n, whole.n_clusters) == (3, 2)
    assert found["exact_match", None].value == pytest.approx(2 / 3)
    assert found["f1_macro", None].value == pytest.approx(
        metrics.f1_score(list("".join(known)), list("".join(said)), average="macro")
    )
    part = found["base_pair_f1", "first two"]
    assert part.value == pytest.approx((2 / 3 + 1) / 2)
    assert (part.n, part.n_clusters) == (2, 2)
    assert ("crossing_pair_recall", None) not in found


def test_crossing_metrics_rest_on_the_sequences_that_have_such_pairs() -> None:
    known = ["(([[))]]", "((....))", "((....))"]
    said = ["((..))..", "((....))", "........"]
    rows, _ = judge_task(answers_of(said, known, [0, 1, 2]), ("base_pair_f1",), seed=0)
    found = {(row.name, row.group): row for row in rows}
    crossing = found["crossing_pair_recall", None]
    assert crossing.value == 0.0
    assert (crossing.n, crossing.n_clusters, crossing.interval) == (1, 1, None)
    assert found["nested_pair_f1", None].value == pytest.approx(2 / 3)
    # Positions of crossing pairs are untold, and no symbol there counts.
    told = [
        (real, given)
        for real, given in zip("".join(known), "".join(said), strict=True)
        if real in LABELS
    ]
    assert found["accuracy", None].value == pytest.approx(np.mean([a == b for a, b in told]))


def test_the_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    random = np.random.default_rng(0)
    known = ["((((....))))"] * 400
    said = [("((((....))))", "............")[int(each)] for each in random.random(400) < 0.3]
    rows, (value, replicates, _) = judge_task(
        answers_of(said, known, range(400)), ("base_pair_f1",), seed=1
    )
    (row,) = (row for row in rows if row.name == "base_pair_f1" and row.group is None)
    single = np.array([each == known[0] for each in said], float)
    assert row.value == value == pytest.approx(single.mean())
    half = 1.96 * single.std() / 20
    assert row.interval == pytest.approx((value - half, value + half), abs=0.008)
    assert replicates.std() == pytest.approx(single.std() / 20, rel=0.1)
    threaded, _ = judge_task(
        answers_of(said, known, range(400)), ("base_pair_f1",), seed=1, threads=2
    )
    assert threaded == rows


def test_structures_of_too_few_fits_are_refused() -> None:
    whole = answers_of(["(...)"], ["(...)"], [0])
    with pytest.raises(UsageError, match="0 fits say structures, 1 answer"):
        TaskAnswers(
            whole.kind, whole.labels, whole.answers, whole.truth, whole.clusters, (), whole.known
        )
