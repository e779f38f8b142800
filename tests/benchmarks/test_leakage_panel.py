"""What a score owes to memory: shares, the score on what was not seen, and the curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, pearsonr

from genomark.benchmarks import Asking
from genomark.benchmarks.game.joint_scores import JointScores
from genomark.benchmarks.leakage_panel import (
    leakage_panel,
    share_interval,
    share_panel,
    steps_of,
)
from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_scores import PredictorScores
from genomark.benchmarks.scored import Scored
from genomark.benchmarks.seen_items import SEEN_COLUMNS, SeenItems, seen_items
from genomark.models.training_material import TrainingMaterial
from genomark.scoring import ScoringRule

RULE = ScoringRule(metrics=("pearson",), cluster="elements")
ASKING = Asking(seed=3)


def items(similarity: np.ndarray, seen: np.ndarray | None = None) -> SeenItems:
    n = len(similarity)
    flags = similarity >= 0.8 if seen is None else seen
    frame = pl.DataFrame(
        {
            "item_id": [str(row) for row in range(n)],
            "similarity": similarity,
            "identity": similarity,
            "coverage": np.ones(n),
            "train_id": ["t"] * n,
            "strand": ["+"] * n,
            "overlap": [None] * n,
            "exact": similarity == 1.0,
            "seen": flags,
        },
        schema=SEEN_COLUMNS,
    )
    return SeenItems(frame, np.arange(n), 0.8, 0.0, complete=True)


def answers(
    value: np.ndarray, truth: np.ndarray, clusters: np.ndarray | None = None
) -> PredictorScores:
    n = len(value)
    groups = np.arange(n) if clusters is None else clusters
    frame = pl.DataFrame(
        {
            "item_id": [str(row) for row in range(n)],
            "task": ["t"] * n,
            "cluster": [f"c{each:05d}" for each in groups],
            "truth": truth,
            "value": value,
            "reason": [None] * n,
        },
        schema_overrides={"reason": pl.String},
    ).with_columns(pl.col("value").fill_nan(None))
    return PredictorScores(frame, RULE)


def panel(scored: PredictorScores, seen: SeenItems):
    return leakage_panel(scored, ASKING, seen, "pearson", ["told"], "d")


@pytest.mark.parametrize(("count", "n"), [(0, 40), (1, 40), (13, 40), (39, 40), (40, 40)])
def test_the_interval_of_independent_items_is_that_of_wilson(count, n):
    flags = np.arange(n) < count
    expected = binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert share_interval(flags, np.arange(n)) == pytest.approx(tuple(expected), abs=1e-12)


def test_items_of_one_cluster_count_as_one():
    """Ten copies of each item tell no more than one: the interval stays as it is."""
    flags = np.arange(40) < 13
    once = share_interval(flags, np.arange(40))
    assert share_interval(np.repeat(flags, 10), np.repeat(np.arange(40), 10)) == pytest.approx(once)


def test_clusters_of_unequal_size_leave_less_to_go_by():
    sizes = np.array([100, *[1] * 39])
    flags = np.repeat(np.arange(40) < 13, sizes)
    low, high = share_interval(flags, np.repeat(np.arange(40), sizes))
    narrow = binomtest(int(flags.sum()), len(flags)).proportion_ci(0.95, method="wilson")
    assert high - low > 3 * (narrow.high - narrow.low)


def test_scores_are_those_of_scipy_on_their_items():
    random = np.random.default_rng(0)
    similarity = random.random(300)
    truth = random.normal(size=300)
    value = truth + random.normal(size=300)
    found = panel(answers(value, truth), items(similarity))
    clean = similarity < 0.8
    assert found.share == pytest.approx((~clean).mean())
    assert found.all.value == pytest.approx(pearsonr(value, truth)[0], abs=1e-12)
    assert found.clean.value == pytest.approx(pearsonr(value[clean], truth[clean])[0], abs=1e-12)
    assert found.clean.n == clean.sum()
    assert found.difference == pytest.approx(found.all.value - found.clean.value)
    for each in found.bins:
        inside = (similarity >= each.low) & (similarity < each.high)
        assert each.n == inside.sum()
        assert each.value == pytest.approx(pearsonr(value[inside], truth[inside])[0], abs=1e-12)
        assert each.interval[0] < each.value < each.interval[1]


def test_the_interval_of_the_difference_is_that_of_a_bootstrap_of_both_at_once():
    """Ends by drawing clusters in numpy: the same clusters for all and for what was not seen."""
    random = np.random.default_rng(5)
    n, per = 240, 3
    clusters = np.repeat(np.arange(n // per), per)
    truth = random.normal(size=n)
    seen = random.random(n // per)[clusters] < 0.4
    value = truth + random.normal(size=n) * np.where(seen, 0.2, 2.0)
    found = panel(answers(value, truth, clusters), items(np.where(seen, 0.9, 0.1)))
    drawn = []
    for _ in range(3000):
        rows = np.concatenate(
            [np.arange(per) + per * each for each in random.integers(0, n // per, n // per)]
        )
        left = rows[~seen[rows]]
        whole, clean = (np.corrcoef(value[r], truth[r])[0, 1] for r in (rows, left))
        drawn.append(whole - clean)
    assert found.difference_interval == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.03
    )


def test_the_two_are_drawn_together_and_not_each_by_itself():
    """With little that was seen both move as one: unpaired, the interval would be far wider."""
    random = np.random.default_rng(6)
    truth = random.normal(size=400)
    value = truth + random.normal(size=400)
    similarity = np.where(np.arange(400) < 8, 0.95, 0.2)
    found = panel(answers(value, truth), items(similarity))
    low, high = found.difference_interval
    assert low < found.difference < high
    alone = found.clean.interval[1] - found.clean.interval[0]
    assert high - low < 0.5 * alone


def test_where_nothing_was_seen_there_is_no_difference():
    random = np.random.default_rng(7)
    truth = random.normal(size=50)
    found = panel(answers(truth + 1.0, truth), items(np.full(50, 0.2)))
    assert (found.seen, found.share) == (0, 0.0)
    assert found.difference == 0.0
    assert found.difference_interval == (0.0, 0.0)


def test_too_few_items_are_told_and_not_scored():
    random = np.random.default_rng(8)
    truth = random.normal(size=40)
    found = panel(answers(truth.copy(), truth), items(np.where(np.arange(40) < 35, 0.95, 0.3)))
    assert found.clean.value is None
    assert found.clean.reason_if_null == "too few items (5): 10 are needed"
    assert found.difference is None
    assert found.difference_interval is None
    assert [each.reason_if_null for each in found.bins] == [
        "too few items (5): 10 are needed",
        None,
    ]


def test_undefined_is_null_with_a_reason():
    truth = np.random.default_rng(9).normal(size=40)
    found = panel(answers(np.ones(40), truth), items(np.full(40, 0.1)))
    assert found.all.value is None
    assert found.all.reason_if_null == "undefined on these items"


def test_items_without_an_answer_are_in_the_share_and_in_no_score():
    random = np.random.default_rng(10)
    truth = random.normal(size=60)
    value = truth + random.normal(size=60)
    value[:20] = np.nan
    found = panel(answers(value, truth), items(np.where(np.arange(60) < 30, 0.9, 0.1)))
    assert (found.n, found.share) == (60, 0.5)
    assert found.all.n == 40
    assert found.all.value == pytest.approx(pearsonr(value[20:], truth[20:])[0])
    assert found.clean.n == 30


def test_items_that_could_not_be_compared_are_in_neither():
    random = np.random.default_rng(11)
    truth = random.normal(size=60)
    seen = items(np.where(np.arange(60) < 30, 0.9, 0.1))
    half = pl.when(pl.int_range(60) < 45).then("seen")
    unknown = seen.items.with_columns(half.alias("seen"))
    found = panel(
        answers(truth.copy(), truth), SeenItems(unknown, np.arange(60), 0.8, 0.0, complete=True)
    )
    assert (found.n, found.seen, found.all.n, found.clean.n) == (45, 30, 45, 15)


def test_nothing_compared_is_no_share_and_says_why():
    nothing = items(np.full(5, 0.1)).items.with_columns(seen=pl.lit(None, pl.Boolean))
    seen = SeenItems(nothing, np.arange(5), 0.8, 0.0, complete=False, reason="other assemblies")
    found = share_panel(seen, "pearson", ["told"], "d")
    assert (found.share, found.interval, found.reason_if_null) == (None, None, "other assemblies")


def test_a_tenth_lies_in_the_step_that_begins_with_it():
    edges = np.arange(11) / 10
    assert steps_of(edges).tolist() == [*range(10), 9]
    assert steps_of(np.array([0.0999, 0.29999])).tolist() == [0, 2]


class DrawnApart(PredictorScores):
    """Scores that do not know how to draw a part as all are drawn."""

    part = Scored.part


@pytest.mark.parametrize(("per", "paired"), [(1, False), (4, True)])
def test_without_a_common_draw_there_is_no_interval_of_the_difference(per, paired):
    """Every other item was seen: of four in a cluster two are left, of one alone none."""
    random = np.random.default_rng(12)
    truth = random.normal(size=120)
    scored = answers(truth + random.normal(size=120), truth, np.arange(120) // per)
    apart = DrawnApart(scored.frame, RULE)
    found = panel(apart, items(np.where(np.arange(120) % 2 == 0, 0.95, 0.1)))
    together = panel(scored, items(np.where(np.arange(120) % 2 == 0, 0.95, 0.1)))
    assert found.difference == together.difference
    assert (found.difference_interval is not None) == paired
    if paired:
        assert found.difference_interval == pytest.approx(together.difference_interval)


def in_groups(kind: str) -> tuple[Scored, np.ndarray, np.ndarray]:
    """Answers to 3 groups of 40 items, better from one to the next, as either rule takes them."""
    random = np.random.default_rng(13)
    truth = random.normal(size=120)
    value = truth + random.normal(size=120) * np.repeat([0.3, 1.0, 3.0], 40)
    frame = pl.DataFrame(
        {
            "item_id": [str(row) for row in range(120)],
            "task": np.repeat(list("ABC"), 40),
            "group": np.repeat(list("ABC"), 40),
            "cluster": [f"{row // 4:03}" for row in range(120)],
            "subcluster": [str(row) for row in range(120)],
            "truth": truth,
            "value": value,
            "reason": pl.Series([None] * 120, dtype=pl.String),
        }
    )
    if kind == "tasks":
        rule = ScoringRule(("pearson",), "elements", grouped=True, subcluster="positions")
        frame = frame.with_columns(cluster="task")
        return PredictorScores(frame, rule), value, truth
    return JointScores(frame, ScoringRule(("pearson",), "families", grouped=True)), value, truth


@pytest.mark.parametrize("kind", ["tasks", "joint"])
def test_both_means_are_over_the_groups_that_have_items_left(kind):
    """All of A was seen, and half of the others: the two scores compare B and C with B and C."""
    seen = (np.arange(120) < 40) | (np.arange(120) % 2 == 0)
    scored, value, truth = in_groups(kind)
    found = panel(scored, items(np.where(seen, 0.9, 0.1)))

    def mean(chosen: np.ndarray) -> float:
        parts = [chosen & (np.arange(120) // 40 == each) for each in (1, 2)]
        return float(np.mean([pearsonr(value[part], truth[part])[0] for part in parts]))

    assert found.groups == (2, 3)
    assert found.all.value == pytest.approx(mean(np.ones(120, dtype=bool)), abs=1e-12)
    assert found.clean.value == pytest.approx(mean(~seen), abs=1e-12)
    assert (found.all.n, found.clean.n) == (80, 40)
    assert found.difference == pytest.approx(found.all.value - found.clean.value)
    low, high = found.difference_interval
    assert low < found.difference < high
    assert (found.n, found.seen) == (120, int(seen.sum()))


@pytest.mark.parametrize("kind", ["tasks", "joint"])
def test_nothing_left_of_any_group_is_no_score(kind):
    seen = np.arange(120) % 40 != 0
    scored, _, _ = in_groups(kind)
    found = panel(scored, items(np.where(seen, 0.9, 0.1)))
    assert found.groups == (0, 3)
    assert (found.all.n, found.clean.n) == (120, 3)
    assert found.clean.reason_if_null == "too few items (3): 10 are needed"
    assert found.difference is None


@pytest.mark.parametrize("kind", ["tasks", "joint"])
def test_groups_that_were_seen_whole_or_not_at_all_have_no_difference(kind):
    """It would be 0 whatever a model remembers."""
    seen = np.arange(120) < 40
    scored, _, _ = in_groups(kind)
    found = panel(scored, items(np.where(seen, 0.9, 0.1)))
    assert found.groups == (2, 3)
    assert found.all.value == found.clean.value
    assert (found.difference, found.difference_interval) == (None, None)


def test_scores_that_are_no_means_over_groups_tell_of_none():
    truth = np.random.default_rng(14).normal(size=60)
    assert panel(answers(truth + 1.0, truth), items(np.full(60, 0.2))).groups is None


# --- A memory shows a curve, and what knows shows none. ---


def planted(seed: int = 0) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Test sequences, training ones, and their truths: copies with 0 to 45 % of letters changed."""
    random = np.random.default_rng(seed)
    letters = np.array(list("ACGT"))
    test = letters[random.integers(0, 4, size=(300, 160))]
    truth = random.normal(size=300)
    train, known = [], []
    for row, rate in enumerate(np.tile([0.0, 0.05, 0.12, 0.25, 0.45, 0.75], 50)):
        copy = test[row].copy()
        hit = random.random(160) < rate
        copy[hit] = letters[random.integers(0, 4, size=int(hit.sum()))]
        train.append("".join(copy))
        known.append(truth[row])
    order = random.permutation(300)
    return (
        ["".join(each) for each in test],
        [train[place] for place in order],
        truth,
        np.array(known)[order],
    )


def memory(test: list[str], train: list[str], known: np.ndarray) -> np.ndarray:
    """Answer what the training sequence answers that shares most words of six letters."""
    words = [{each[k : k + 6] for k in range(len(each) - 5)} for each in train]
    found = []
    for each in test:
        own = {each[k : k + 6] for k in range(len(each) - 5)}
        found.append(int(np.argmax([len(own & other) for other in words])))
    return known[found]


def test_a_memory_shows_a_falling_curve_and_an_oracle_does_not():
    test, train, truth, known = planted()
    material = Material.of(
        pl.DataFrame({"item_id": [str(row) for row in range(300)], "sequence": test})
    )
    names = tuple(str(row) for row in range(300))
    seen = seen_items(material, TrainingMaterial(("planted",), names, tuple(train)))
    remembers = panel(answers(memory(test, train, known), truth), seen)
    knows = panel(answers(truth.copy(), truth), seen)
    by_step = {each.low: each.value for each in remembers.bins if each.value is not None}
    assert by_step[0.9] > 0.98
    assert by_step[0.0] < 0.3
    assert remembers.clean.value < remembers.all.value - 0.2
    assert remembers.difference_interval[0] > 0.1
    assert all(each.value == pytest.approx(1.0) for each in knows.bins if each.value is not None)
    assert knows.difference == pytest.approx(0.0, abs=1e-12)
    # Three of the six rates leave 80 % of the letters, or more, as they were.
    assert 0.48 < remembers.share < 0.68


def test_the_panel_of_a_task_pairs_what_was_not_seen_with_all(tmp_path: Path):
    """Sequences of a group are drawn together, whichever of them are in the part."""
    from genomark.benchmarks.sequences.sequence_scores import SequenceScores
    from genomark.sequences import LabelledSequences

    random = np.random.default_rng(1)
    n = 120
    targets = (np.arange(n)[:, np.newaxis] % 2).astype(np.float64)
    spelled = tuple("".join(random.choice(list("ACGT"), 20)) for _ in range(n))
    test = LabelledSequences(
        kind="binary",
        labels=("yes",),
        ids=tuple(map(str, range(n))),
        sequences=spelled,
        targets=targets,
        groups=tuple(f"g{row // 4}" for row in range(n)),
    )
    said = np.where(random.random(n) < 0.8, targets[:, 0], 1 - targets[:, 0]) * 2 - 1
    frame = pl.DataFrame(
        {
            "item_id": test.ids,
            "task": ["t"] * n,
            "fit": np.zeros(n, np.int8),
            "value": [[each] for each in said],
            "reason": [None] * n,
        },
        schema_overrides={"value": pl.List(pl.Float32), "reason": pl.String},
    )
    frame.write_parquet(tmp_path / "p.parquet")
    scored = SequenceScores(tmp_path / "p.parquet", test, ("accuracy",), None)
    seen = np.arange(n) < 40
    found = leakage_panel(
        scored, ASKING, items(np.where(seen, 0.95, 0.1)), "accuracy", ["told"], "d"
    )
    right = (said > 0) == (targets[:, 0] > 0.5)
    assert found.all.value == pytest.approx(right.mean())
    assert found.clean.value == pytest.approx(right[~seen].mean())
    assert (found.all.n_clusters, found.clean.n_clusters) == (30, 20)
    assert found.difference_interval[0] < found.difference < found.difference_interval[1]
