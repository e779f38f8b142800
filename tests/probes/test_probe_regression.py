"""Cross-validated least squares against scikit-learn, fold by fold."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge
from threadpoolctl import threadpool_info, threadpool_limits

from genomark.errors import UsageError
from genomark.probes import regression
from genomark.probes.regression import PENALTIES, cross_validated_linear

SIZES = {"primal": (200, 30), "dual": (60, 150), "barely primal": (115, 80), "tiny": (7, 3)}


def draw(rows: int, columns: int, seed: int, n_targets: int = 2) -> tuple[np.ndarray, ...]:
    """Vectors with a falling spectrum, each column with its own scale and offset, and targets."""
    random = np.random.default_rng(seed)
    rotation = scipy.linalg.qr(random.normal(size=(columns, columns)))[0]
    spectrum = np.arange(1, columns + 1) ** -0.5
    x = random.normal(size=(rows, columns)) * spectrum @ rotation
    x = x * random.uniform(0.5, 1.5, columns) + random.normal(size=columns) * 3
    y = (x - x.mean(axis=0)) @ random.normal(size=(columns, n_targets)) + 7
    y += random.normal(size=y.shape)
    return x.astype(np.float32), y, random.permutation(rows) % 5


def by_scikit_learn(
    x: np.ndarray, y: np.ndarray, fold: np.ndarray, make: Callable[[], object]
) -> np.ndarray:
    predicted = np.empty(y.shape)
    x = x.astype(np.float64)
    for number in np.unique(fold):
        train, test = fold != number, fold == number
        model = make().fit(x[train], y[train])  # type: ignore[attr-defined]
        predicted[test] = model.predict(x[test]).reshape(-1, y.shape[1])
    return predicted


def assert_same(found: np.ndarray, expected: np.ndarray, relative: float = 1e-8) -> None:
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * np.abs(expected).max())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("penalty", [1e-3, 1.0, 300.0])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_with_a_penalty_it_is_scikit_learns_ridge(
    size: tuple[int, int], penalty: float, n_targets: int
) -> None:
    x, y, fold = draw(*size, seed=1, n_targets=n_targets)
    found = cross_validated_linear(x, y, fold, penalty)
    assert_same(found.values, by_scikit_learn(x, y, fold, lambda: Ridge(penalty, solver="svd")))
    np.testing.assert_array_equal(found.penalties, np.full((5, n_targets), penalty))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("seed", range(3))
def test_without_a_penalty_it_is_scikit_learns_linear_regression(
    size: tuple[int, int], seed: int
) -> None:
    x, y, fold = draw(*size, seed=seed)
    found = cross_validated_linear(x, y, fold)
    assert_same(found.values, by_scikit_learn(x, y, fold, LinearRegression))
    np.testing.assert_array_equal(found.penalties, np.zeros((5, 2)))


@given(st.integers(3, 40), st.integers(1, 40), st.integers(0, 10**6), st.floats(1e-2, 1e3))
def test_a_prediction_is_that_of_the_fit_where_the_gradient_is_zero(
    rows: int, columns: int, seed: int, penalty: float
) -> None:
    x, y, _ = draw(rows, columns, seed, n_targets=1)
    fold = np.arange(rows) % 3
    found = cross_validated_linear(x, y, fold, penalty).values[fold == 0]
    # Normal equations of the training part, intercept and all, in one system.
    rows_of = np.column_stack([x[fold != 0].astype(np.float64), np.ones((fold != 0).sum())])
    shrink = penalty * np.diag([1.0] * columns + [0.0])
    weights = np.linalg.solve(rows_of.T @ rows_of + shrink, rows_of.T @ y[fold != 0])
    expected = x[fold == 0] @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(y).max())


def test_folds_of_uneven_size_some_below_the_number_of_columns() -> None:
    x, y, _ = draw(120, 50, seed=4)
    fold = np.repeat([7, 3, 5], [75, 40, 5])
    assert_same(
        cross_validated_linear(x, y, fold).values, by_scikit_learn(x, y, fold, LinearRegression)
    )


# What explodes


def awkward(name: str) -> np.ndarray:
    random = np.random.default_rng(8)
    x = random.normal(size=(300, 40)).astype(np.float32)
    extra = {
        "duplicate columns": x[:, :10],
        "duplicates on another scale": x[:, :10] * np.float32(1024),
        "constant columns": np.full((300, 3), 7.3),
        "zero columns": np.zeros((300, 3)),
        "columns of a single row": np.eye(300)[:, :3] * [1.0, 1e3, 1e-1],
        "sums that float32 has rounded": x[:, :10] + x[:, 10:20],
        "an offset that dwarfs the spread": x[:, :10] * 0 + x[:, 10:20] * np.float32(0.1) + 1000,
        "a row far out in one column": np.eye(300)[:, :1] * 1e9 + x[:, :1] ** 2,
    }
    return np.hstack([x, extra[name]]).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "relative"),
    [
        ("duplicate columns", 1e-8),
        ("duplicates on another scale", 1e-8),
        ("constant columns", 1e-8),
        ("zero columns", 1e-8),
        ("columns of a single row", 1e-8),
        ("sums that float32 has rounded", 1e-8),
        # The rounding of float32 is a direction of its own here, a 30,000th of the largest.
        ("an offset that dwarfs the spread", 1e-6),
        ("a row far out in one column", 1e-8),
    ],
)
def test_columns_that_say_nothing_new_do_no_harm(name: str, relative: float) -> None:
    x = awkward(name)
    random = np.random.default_rng(9)
    y = x[:, :5].sum(axis=1, keepdims=True) + random.normal(size=(300, 1))
    fold = random.permutation(300) % 5
    near = np.abs(x).max(axis=1) < 1e6
    for penalty, make in ((0.0, LinearRegression), (1.0, lambda: Ridge(1.0, solver="svd"))):
        found = cross_validated_linear(x, y, fold, penalty).values
        expected = by_scikit_learn(x, y, fold, make)
        assert_same(found[near], expected[near], relative)
        np.testing.assert_allclose(found[~near], expected[~near], rtol=relative)


def test_a_steep_spectrum_as_it_is_does_not_explode() -> None:
    random = np.random.default_rng(3)
    spectrum = np.arange(1, 301) ** -3.0
    x = (random.normal(size=(500, 300)) * spectrum @ random.normal(size=(300, 300))) * 50 + 1000
    x = x.astype(np.float32)
    y = random.normal(size=(500, 1)) + x[:, :1] / x[:, 0].std()
    fold = np.arange(500) % 5
    for penalty in (0.0, 1e-9):
        found = cross_validated_linear(x, y, fold, penalty).values
        assert np.abs(found - y).max() < 3 * np.abs(y).max()
    best = by_scikit_learn(x, y, fold, LinearRegression)
    errors = [
        np.mean((each - y) ** 2) for each in (cross_validated_linear(x, y, fold).values, best)
    ]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)


def test_repeated_rows_in_the_dual_form() -> None:
    x, y, _ = draw(40, 150, seed=2)
    x, y = np.repeat(x, 2, axis=0), np.repeat(y, 2, axis=0)
    fold = np.arange(80) // 2 % 5
    assert_same(
        cross_validated_linear(x, y, fold).values, by_scikit_learn(x, y, fold, LinearRegression)
    )


@pytest.mark.parametrize("penalty", [0.0, 1.0, "nested"])
@pytest.mark.parametrize("columns", [3, 200])
def test_training_vectors_that_are_all_the_same_predict_the_mean(
    penalty: float | str, columns: int
) -> None:
    random = np.random.default_rng(0)
    x = np.tile(random.normal(size=columns) * 10, (61, 1)).astype(np.float32)
    y, fold = random.normal(size=(61, 1)), np.arange(61) % 5
    x[fold == 0] += random.normal(size=(13, columns)).astype(np.float32) * 100
    found = cross_validated_linear(x, y, fold, penalty).values  # type: ignore[arg-type]
    np.testing.assert_allclose(found[fold == 0], y[fold != 0].mean(), rtol=0, atol=1e-6)


# The penalty chosen


def naive_choice(x: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Penalty of each fold and target, by a plain loop over folds, inner folds and penalties."""
    x = x.astype(np.float64)
    chosen = np.empty((5, y.shape[1]))
    for outer in range(5):
        errors = np.zeros((len(PENALTIES), y.shape[1]))
        for inner in set(range(5)) - {outer}:
            train, test = (fold != outer) & (fold != inner), fold == inner
            for place, penalty in enumerate(PENALTIES):
                model = Ridge(penalty, solver="svd").fit(x[train], y[train])
                errors[place] += ((model.predict(x[test]) - y[test]) ** 2).sum(axis=0)
        chosen[outer] = np.array(PENALTIES)[errors.argmin(axis=0)]
    return chosen


@pytest.mark.parametrize("size", [(120, 12), (60, 150)], ids=["primal", "dual"])
def test_nested_penalties_are_those_of_a_plain_loop(size: tuple[int, int]) -> None:
    x, y, fold = draw(*size, seed=6, n_targets=3)
    y[:, 1] += np.random.default_rng(1).normal(size=len(y)) * 30
    y[:, 2] = np.random.default_rng(2).normal(size=len(y))
    found = cross_validated_linear(x, y, fold, "nested")
    np.testing.assert_array_equal(found.penalties, naive_choice(x, y, fold))
    assert len(np.unique(found.penalties)) > 2
    for number, penalties in enumerate(found.penalties):
        rows = fold == number
        expected = by_scikit_learn(x, y, rows, lambda: Ridge(penalties, solver="svd"))  # noqa: B023
        assert_same(found.values[rows], expected[rows])


def test_a_held_out_fold_has_no_say_in_its_penalty() -> None:
    x, y, fold = draw(100, 20, seed=7, n_targets=1)
    before = cross_validated_linear(x, y, fold, "nested").penalties
    y[fold == 2] = np.random.default_rng(0).normal(size=(20, 1)) * 1e4
    after = cross_validated_linear(x, y, fold, "nested").penalties
    assert before[2] == after[2]
    assert (before != after).any()


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
@pytest.mark.parametrize("rows", range(60, 70))
def test_a_tie_goes_to_the_larger_penalty(value: float, rows: int) -> None:
    x, _, fold = draw(rows, 8, seed=1)
    found = cross_validated_linear(x, np.full((rows, 1), value), fold, "nested")
    np.testing.assert_array_equal(found.penalties, np.full((5, 1), PENALTIES[-1]))
    np.testing.assert_allclose(found.values, value, rtol=1e-12)


# What it may depend on, and what it takes


@pytest.mark.parametrize("size", [(3000, 200), (250, 600)], ids=["primal", "dual"])
@pytest.mark.parametrize("penalty", [0.0, 1.0, "nested"])
def test_threads_do_not_change_a_bit(size: tuple[int, int], penalty: float | str) -> None:
    x, y, fold = draw(*size, seed=5)
    answers = []
    for threads, blas in ((1, 1), (2, 2), (3, 2)):
        with threadpool_limits(blas):
            before = [pool["num_threads"] for pool in threadpool_info()]
            found = cross_validated_linear(x, y, fold, penalty, threads)  # type: ignore[arg-type]
            assert [pool["num_threads"] for pool in threadpool_info()] == before
        answers.append(found.values.tobytes() + found.penalties.tobytes())
    assert len(set(answers)) == 1


def test_blocks_of_rows_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, fold = draw(500, 20, seed=5)
    whole = cross_validated_linear(x, y, fold).values
    monkeypatch.setattr(regression, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(regression, "_BLOCK_VALUES", 1)
    assert_same(cross_validated_linear(x, y, fold).values, whole, 1e-12)


def test_there_is_no_second_copy_of_the_vectors() -> None:
    x = np.random.default_rng(0).normal(size=(400_000, 16)).astype(np.float32)
    y, fold = x[:, :1].astype(np.float64), np.arange(len(x)) % 5
    tracemalloc.start()
    cross_validated_linear(x, y, fold, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A block in both precisions, and what answers and rows' numbers take: not the 51 MB.
    assert peak < 0.9 * x.size * 8


def test_vectors_on_disk_serve_as_they_are(tmp_path) -> None:
    x, y, fold = draw(100, 10, seed=5)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        cross_validated_linear(mapped, y, fold).values, cross_validated_linear(x, y, fold).values
    )


def test_nothing_is_warned_of() -> None:
    x = awkward("constant columns")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_validated_linear(x, x[:, :1].astype(np.float64), np.arange(300) % 5, 1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"y": np.zeros(10)}, r"not of shapes \(10, 3\), \(10,\) and \(10,\)"),
        ({"y": np.zeros((9, 1))}, "a row for each fold number"),
        ({"x": np.zeros((10, 0), np.float32)}, "a row for each fold number"),
        ({"fold": np.zeros((10, 1), int)}, "a row for each fold number"),
        ({"y": np.full((10, 1), np.nan)}, "a target is not a finite number"),
        ({"x": np.full((10, 3), np.inf, np.float32)}, "the vectors hold a number that is not"),
        ({"x": np.full((10, 30), np.nan, np.float32)}, "the vectors hold a number that is not"),
        ({"fold": np.zeros(10, int)}, "needs at least 2 folds, and there are 1"),
        ({"fold": np.arange(10) % 2, "penalty": "nested"}, "needs at least 3 folds, and there are"),
        ({"penalty": -1.0}, "'nested' or from 0, not -1.0"),
        ({"penalty": np.nan}, "'nested' or from 0, not nan"),
    ],
)
def test_what_cannot_be_fitted_is_refused(wrong: dict[str, object], message: str) -> None:
    arguments = {
        "x": np.eye(10, 3, dtype=np.float32),
        "y": np.zeros((10, 1)),
        "fold": np.arange(10) % 5,
        **wrong,
    }
    with pytest.raises(UsageError, match=message):
        cross_validated_linear(**arguments)  # type: ignore[arg-type]
