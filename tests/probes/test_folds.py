"""Folds against scikit-learn's splitters, a plain loop over Sechidis' algorithm, and by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from genomark.errors import UsageError
from genomark.probes.folds import labels_to_leave_out, make_folds


def one_hot(classes: np.ndarray) -> np.ndarray:
    return (classes[:, None] == np.unique(classes)).astype(np.float64)


def named(n: int) -> list[str]:
    return [f"GENE{number}" for number in range(n)]


def counts(fold: np.ndarray, targets: np.ndarray, n_folds: int) -> np.ndarray:
    """Positives of each label in each fold, int[n_folds, n_labels]."""
    return np.array([(targets[fold == each] > 0).sum(axis=0) for each in range(n_folds)])


def of_splitter(splitter, targets, groups=None) -> np.ndarray:
    fold = np.empty(len(targets), dtype=np.int64)
    classes = targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1)
    for number, (_, test) in enumerate(splitter.split(targets, classes, groups)):
        fold[test] = number
    return fold


@given(
    st.lists(st.integers(0, 4), min_size=7, max_size=120),
    st.integers(2, 7),
    st.integers(0, 10**9),
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_classes_are_shared_out_as_by_scikit_learns_stratified_folds(
    classes: list[int], n_folds: int, seed: int
) -> None:
    targets = one_hot(np.array(classes))
    fold = make_folds("multi-class", targets, n_folds=n_folds, seed=seed).fold[0]
    found = counts(fold, targets, n_folds)
    if targets.sum(axis=0).max() >= n_folds:
        expected = counts(of_splitter(StratifiedKFold(n_folds), targets), targets, n_folds)
        np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))
    assert np.ptp(found, axis=0).max() <= 1
    assert np.ptp(np.bincount(fold, minlength=n_folds)) <= 1


@given(st.integers(5, 200), st.floats(0.02, 0.98), st.integers(0, 10**9))
def test_both_sides_of_a_binary_task_are_met_to_within_a_row(
    n: int, share: float, seed: int
) -> None:
    targets = (np.random.default_rng(seed).random((n, 1)) < share).astype(np.float64)
    fold = make_folds("binary", targets, seed=seed).fold[0]
    assert np.ptp(counts(fold, targets, 5)) <= 1
    assert np.ptp(counts(fold, 1 - targets, 5)) <= 1
    assert np.ptp(np.bincount(fold, minlength=5)) <= 1


def test_every_tenth_of_the_values_is_met_to_within_a_row() -> None:
    values = np.random.default_rng(0).lognormal(size=(1003, 1))
    fold = make_folds("regression", values).fold[0]
    tenths = np.digitize(values[:, 0], np.quantile(values, np.arange(0.1, 1, 0.1)))
    # The quantiles of NumPy and ours may part at a row of each edge.
    assert np.ptp(counts(fold, one_hot(tenths), 5), axis=0).max() <= 3
    assert np.ptp(np.bincount(fold)) <= 1


def test_values_that_are_mostly_the_same_are_still_cut_evenly() -> None:
    values = np.zeros((100, 1))
    values[::20, 0] = np.arange(5.0)
    fold = make_folds("regression", values).fold[0]
    assert np.bincount(fold).tolist() == [20] * 5


@pytest.mark.parametrize("kind", ["binary", "multi-class", "multi-label", "regression"])
@pytest.mark.parametrize("n", range(2, 10))
def test_tiny_tasks_have_no_empty_fold(kind: str, n: int) -> None:
    targets = np.arange(2.0 * n).reshape(n, 2) % 2 if kind == "multi-label" else np.eye(n)[:, :1]
    if kind == "multi-class":
        targets = one_hot(np.arange(n) % 2)
    for n_folds in range(2, n + 1):
        for seed in range(3):
            fold = make_folds(kind, targets, n_folds=n_folds, seed=seed).fold[0]  # type: ignore[arg-type]
            assert sorted(set(fold)) == list(range(n_folds))


# Labels, of which a row may have several


def textbook(targets: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Iterative stratification, a row at a time, as Sechidis et al. (2011) print it."""
    random = np.random.default_rng(seed)
    has = targets > 0
    wanted = np.tile(has.sum(axis=0) / n_folds, (n_folds, 1))
    rows_wanted = np.full(n_folds, len(has) / n_folds)
    free = np.ones(len(has), dtype=bool)
    fold = np.empty(len(has), dtype=np.int64)

    def give(row: int, candidates: np.ndarray) -> None:
        most = candidates[np.isclose(rows_wanted[candidates], rows_wanted[candidates].max())]
        fold[row] = random.choice(most)
        wanted[fold[row]] -= has[row]
        rows_wanted[fold[row]] -= 1
        free[row] = False

    while (left := has[free].sum(axis=0)).any():
        label = np.where(left > 0, left, len(has) + 1).argmin()
        for row in random.permutation(np.flatnonzero(free & has[:, label])):
            give(row, np.flatnonzero(np.isclose(wanted[:, label], wanted[:, label].max())))
    for row in np.flatnonzero(free):
        give(row, np.arange(n_folds))
    return fold


def draw_labels(n: int, n_labels: int, seed: int) -> np.ndarray:
    """Labels that go together, from rare to common."""
    random = np.random.default_rng(seed)
    latent = random.normal(size=(n, 4)) @ random.normal(size=(4, n_labels)) / 2
    latent += random.normal(size=latent.shape)
    shares = np.geomspace(0.01, 0.3, n_labels)
    cut = [np.quantile(latent[:, each], 1 - share) for each, share in enumerate(shares)]
    return (latent > cut).astype(np.float64)


def unevenness(fold: np.ndarray, targets: np.ndarray, n_folds: int = 5) -> float:
    """Mean distance of counts from their ideal, in rows."""
    return float(np.abs(counts(fold, targets, n_folds) - targets.sum(axis=0) / n_folds).mean())


def test_labels_are_shared_out_as_evenly_as_by_the_textbook_loop() -> None:
    ours, loop, shuffled = [], [], []
    for seed in range(6):
        targets = draw_labels(1500, 25, seed)
        ours.append(unevenness(make_folds("multi-label", targets, seed=seed).fold[0], targets))
        loop.append(unevenness(textbook(targets, 5, seed), targets))
        shuffled.append(unevenness(np.random.default_rng(seed).permutation(1500) % 5, targets))
    assert np.mean(ours) < 1.15 * np.mean(loop)
    assert np.mean(ours) < 0.4 * np.mean(shuffled)


def test_the_rarest_label_is_met_to_within_a_row() -> None:
    for seed in range(5):
        targets = draw_labels(800, 12, seed)
        fold = make_folds("multi-label", targets, seed=seed).fold[0]
        assert np.ptp(counts(fold, targets, 5)[:, targets.sum(axis=0).argmin()]) <= 1


def test_labels_by_hand() -> None:
    # b is rarer: its two rows part. Then a: each fold has one of {a b, a b} and gets two of the
    # four {a}. The two rows without a label even the folds out.
    rows = {"a": 4, "ab": 2, "": 2}
    targets = np.array([["a" in each, "b" in each] for each in rows for _ in range(rows[each])])
    fold = make_folds("multi-label", targets.astype(float), n_folds=2, seed=3).fold[0]
    for first, stop in ((0, 4), (4, 6), (6, 8)):
        assert np.ptp(np.bincount(fold[first:stop], minlength=2)) == 0


# What stays together


def draw_groups(seed: int, n_groups: int = 150, n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Groups of uneven size, each leaning to some classes."""
    random = np.random.default_rng(seed)
    group = random.choice(n_groups, n, p=random.dirichlet(np.ones(n_groups)))
    leaning = random.normal(size=(n_groups, 3)) + np.array([0.0, 0.7, 1.4])
    return group, one_hot((leaning[group] + random.gumbel(size=(n, 3))).argmax(axis=1))


def worst_share(fold: np.ndarray, targets: np.ndarray) -> float:
    return float(np.abs(counts(fold, targets, 5) / targets.sum(axis=0) - 0.2).max())


def test_groups_are_never_parted_and_shared_out_no_worse_than_by_scikit_learn() -> None:
    ours, theirs = [], []
    for seed in range(8):
        group, targets = draw_groups(seed)
        groups = [f"family {number}" for number in group]
        fold = make_folds("multi-class", targets, groups=groups, seed=seed).fold[0]
        for number in np.unique(group):
            assert len(set(fold[group == number])) == 1
        ours.append(worst_share(fold, targets))
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        theirs.append(worst_share(of_splitter(splitter, targets, group), targets))
        assert np.ptp(np.bincount(fold)) < 10
    assert np.mean(ours) <= np.mean(theirs)


@given(st.integers(0, 10**6), st.sampled_from(["binary", "multi-label", "regression"]))
def test_no_chain_of_clusters_and_groups_is_parted(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    clusters = random.integers(0, 40, 60)
    groups = [f"{number}" if number < 20 else "" for number in random.integers(0, 40, 60)]
    targets = random.integers(0, 2, (60, 1)).astype(float)
    try:
        fold = make_folds(kind, targets, clusters=clusters, groups=groups, seed=seed).fold[0]  # type: ignore[arg-type]
    except UsageError:  # all linked
        return
    for a in range(60):
        for b in range(a):
            if clusters[a] == clusters[b] or (groups[a] and groups[a] == groups[b]):
                assert fold[a] == fold[b]


def test_an_empty_group_is_none() -> None:
    targets = np.tile([[0.0], [1.0]], (10, 1))
    folds = make_folds("binary", targets, groups=[""] * 20, names=named(20))
    assert np.bincount(folds.fold[0]).tolist() == [4] * 5
    assert folds.notes == ()


def test_duplicates_among_single_rows_leave_classes_even() -> None:
    random = np.random.default_rng(4)
    targets = one_hot(random.integers(0, 3, 600))
    clusters = np.arange(600)
    clusters[:40:2] = clusters[1:40:2]
    targets[:40:2] = targets[1:40:2]
    fold = make_folds("multi-class", targets, clusters=clusters).fold[0]
    assert (fold[:40:2] == fold[1:40:2]).all()
    assert np.ptp(counts(fold, targets, 5), axis=0).max() <= 1
    # A pair may leave two classes a row over in the same fold.
    assert np.ptp(np.bincount(fold)) <= 2


# By seed and name alone


def place(seed: int, repeat: int, name: str) -> int:
    """A row's place on the line, in Python's whole numbers."""

    def hashed(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    word = (hashed(name) * 0x9E3779B97F4A7C15 + hashed(f"{seed} {repeat}")) % 2**64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)


def test_folds_are_stretches_of_a_line_that_is_the_same_on_every_machine() -> None:
    names = list("ABCDEFGHIJKL")
    targets = np.array([[1.0], [0.0]] * 6)
    folds = make_folds("binary", targets, n_folds=3, seed=7, repeats=2, names=names)
    assert folds.fold.dtype == np.int8
    assert ["".join(map(str, each)) for each in folds.fold] == ["200112122100", "100201222110"]
    for repeat, fold in enumerate(folds.fold):
        for own_class in (names[0::2], names[1::2]):
            line = sorted(own_class, key=lambda name: place(7, repeat, name))
            assert [fold[names.index(name)] for name in line] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("kind", ["binary", "multi-label", "regression"])
@pytest.mark.parametrize("together", ["rows", "clusters", "groups"])
def test_the_order_of_rows_does_not_matter(kind: str, together: str) -> None:
    targets = draw_labels(300, 6, seed=1)[:, : 6 if kind == "multi-label" else 1]
    if kind == "regression":
        targets = np.random.default_rng(2).integers(0, 4, (300, 1)).astype(float)
    groups = [f"family {number % 70}" for number in range(300)]
    clusters = np.arange(300) // 2
    fold = make_folds(
        kind,  # type: ignore[arg-type]
        targets,
        names=named(300),
        groups=groups if together == "groups" else None,
        clusters=clusters if together == "clusters" else None,
    ).fold[0]
    order = np.random.default_rng(3).permutation(300)
    shuffled = make_folds(
        kind,  # type: ignore[arg-type]
        targets[order],
        names=[named(300)[row] for row in order],
        groups=[groups[row] for row in order] if together == "groups" else None,
        clusters=clusters[order] if together == "clusters" else None,
    ).fold[0]
    np.testing.assert_array_equal(shuffled, fold[order])


def test_seeds_and_repeats_differ_and_a_repeat_does_not_hang_on_their_number() -> None:
    targets = draw_labels(200, 3, seed=1)
    one = make_folds("multi-label", targets, seed=1, repeats=2).fold
    many = make_folds("multi-label", targets, seed=1, repeats=6).fold
    other = make_folds("multi-label", targets, seed=2).fold
    np.testing.assert_array_equal(one, many[:2])
    assert len({each.tobytes() for each in [*many, *other]}) == 7


def test_a_seed_also_moves_groups_of_sizes_that_all_differ() -> None:
    groups = [f"chr{number}" for number in range(1, 23) for _ in range(10 * number)]
    targets = np.random.default_rng(0).integers(0, 2, (len(groups), 1)).astype(float)
    cuts = make_folds("binary", targets, groups=groups, repeats=10).fold
    assert len({each.tobytes() for each in cuts}) == 10
    sizes = np.array([np.bincount(each) for each in cuts])
    assert np.abs(sizes / len(groups) - 0.2).max() < 0.05


@pytest.mark.parametrize("n", [200, 20_000])
@pytest.mark.parametrize("dropped", [0, 77, 199])
def test_a_row_left_out_moves_few_others(n: int, dropped: int) -> None:
    targets = one_hot(np.arange(n) % 3)
    whole = make_folds("multi-class", targets, names=named(n)).fold[0]
    keep = np.arange(n) != dropped
    names = [name for name, kept in zip(named(n), keep, strict=True) if kept]
    rest = make_folds("multi-class", targets[keep], names=names).fold[0]
    # Each of the 4 borders of a class moves by 1 row, and by the rows left over before it: 1 or 2.
    assert (whole[keep] != rest).sum() <= 3 * (4 + 1 + 2 + 2 + 1)


def test_a_row_left_out_moves_a_minority_of_rows_with_labels() -> None:
    targets = draw_labels(3000, 20, seed=5)
    whole = make_folds("multi-label", targets, names=named(3000)).fold[0]
    moved = []
    for dropped in range(0, 3000, 300):
        keep = np.arange(3000) != dropped
        names = [name for name, kept in zip(named(3000), keep, strict=True) if kept]
        rest = make_folds("multi-label", targets[keep], names=names).fold[0]
        moved.append((whole[keep] != rest).mean())
    assert np.mean(moved) < 0.1


# Real tasks


def test_repeated_pairs_of_gene2gene_stay_together(real_data: Callable[[str, str], Path]) -> None:
    pairs = real_data("gene2gene", "train_text.txt").read_text(encoding="utf-8").splitlines()
    answers = real_data("gene2gene", "train_label.txt").read_text(encoding="utf-8").split()
    names = [" ".join(sorted(pair.split())) for pair in pairs]
    _, clusters = np.unique(names, return_inverse=True)
    targets = np.array(answers, dtype=np.float64)[:, None]
    fold = make_folds("binary", targets, clusters=clusters, names=names).fold[0]
    of_cluster = np.full(clusters.max() + 1, -1)
    of_cluster[clusters] = fold
    assert clusters.max() + 1 < len(pairs)
    np.testing.assert_array_equal(of_cluster[clusters], fold)
    assert np.ptp(counts(fold, targets, 5)) <= 1
    assert np.ptp(np.bincount(fold)) <= 1


def test_reactome_pathways_are_shared_out(real_data: Callable[[str, str], Path]) -> None:
    file = real_data("gene_sets", "c2.cp.reactome.v2023.1.Hs.symbols.gmt")
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    sets = {line[0]: set(line[2:]) for line in lines if 20 <= len(line) - 2 <= 500}
    genes = sorted(set().union(*sets.values()))
    targets = np.array([[gene in members for members in sets.values()] for gene in genes], float)
    fold = make_folds("multi-label", targets, names=genes).fold[0]
    shuffled = np.random.default_rng(0).permutation(len(genes)) % 5
    assert unevenness(fold, targets) < 0.6 * unevenness(shuffled, targets)
    assert np.abs(np.bincount(fold) / len(genes) - 0.2).max() < 0.01


# Refusals and notes


def test_fewer_rows_than_folds_are_refused() -> None:
    with pytest.raises(UsageError, match="5 folds need at least 5 rows, and there are 3"):
        make_folds("binary", np.array([[0.0], [1.0], [1.0]]))


@pytest.mark.parametrize("together", [{"groups": ["chr1"] * 9}, {"clusters": np.zeros(9, int)}])
def test_a_single_group_is_refused(together: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="must stay together, and there are 1: ask for fewer"):
        make_folds("binary", np.eye(9)[:, :1], **together)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_folds": 1}, "from 2 to 127, not 1"),
        ({"n_folds": 128}, "from 2 to 127, not 128"),
        ({"repeats": 0}, "at least 1 repeat, not 0"),
        ({"names": ["a"]}, "1 names were given, and 9 are needed"),
        ({"groups": ["a"] * 8}, "8 groups were given, and 9 are needed"),
        ({"clusters": np.arange(10)}, "10 clusters were given, and 9 are needed"),
        ({"labels": ["a", "b"]}, "2 labels were given, and 1 are needed"),
        ({"targets": np.arange(9.0)}, "rows by labels, not of 1 dimensions"),
        ({"targets": np.array([[0.0], [np.nan], [1.0]])}, "row 2 has a target that is not"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, object], message: str) -> None:
    arguments = {"targets": np.eye(9)[:, :1], **wrong}
    targets = arguments.pop("targets")
    with pytest.raises(UsageError, match=message):
        make_folds("binary", targets, **arguments)  # type: ignore[arg-type]


def test_a_class_with_fewer_rows_than_folds_is_noted() -> None:
    targets = one_hot(np.array([0] * 20 + [1] * 20 + [2] * 3 + [3]))
    folds = make_folds("multi-class", targets, labels=["alpha", "beta", "gamma", "delta"])
    assert folds.notes == (
        "some folds have no positive rows of 'gamma', 'delta'",
        "all positive rows of 'delta' are in one fold",
    )


def test_too_few_negatives_and_many_labels_are_noted() -> None:
    targets = np.ones((30, 8))
    targets[:2] = 0
    folds = make_folds("multi-label", targets)
    assert folds.notes == (
        "some folds have no negative rows of 'column 1', 'column 2', 'column 3', 'column 4', "
        "'column 5' and 3 more",
    )


def test_uneven_folds_are_noted() -> None:
    groups = ["chr1"] * 60 + [f"chr{number}" for number in range(2, 12) for _ in range(4)]
    targets = np.tile([[0.0], [1.0]], (50, 1))
    folds = make_folds("binary", targets, groups=groups)
    assert folds.notes == (
        "folds hold from 8 to 60 rows, since what must stay together is not parted",
    )


def test_measured_values_have_no_classes_to_note() -> None:
    assert make_folds("regression", np.zeros((10, 1))).notes == ()


# Labels to leave out


def test_labels_with_too_few_of_either_are_left_out() -> None:
    targets = np.zeros((30, 4))
    targets[:9, 0] = 1
    targets[:10, 1] = 1
    targets[:29, 2] = 1
    assert labels_to_leave_out(targets, ["nine", "ten", "all but one", "none"]) == [
        ("nine", "9 positive rows, and at least 10 are needed"),
        ("all but one", "1 negative row, and at least 10 are needed"),
        ("none", "0 positive rows, and at least 10 are needed"),
    ]


def test_an_entity_counts_once_in_however_many_rows() -> None:
    targets = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
    clusters = np.array([4, 4, 4, 7, 8, 9])
    assert labels_to_leave_out(targets, ["a"], 2) == []
    assert labels_to_leave_out(targets, ["a"], 2, clusters) == []
    assert labels_to_leave_out(targets, ["a"], 3, clusters) == [
        ("a", "2 positive entities, and at least 3 are needed")
    ]


def test_a_task_without_rows_has_no_label_left() -> None:
    reason = "0 positive rows, and at least 10 are needed"
    assert labels_to_leave_out(np.zeros((0, 1)), ["a"]) == [("a", reason)]


def test_labels_must_be_those_of_the_columns() -> None:
    with pytest.raises(UsageError, match="1 labels were given for 2 columns"):
        labels_to_leave_out(np.zeros((3, 2)), ["a"])
