"""Mutagenesis: against closed forms, counts made by hand, and a model asked directly."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from genomark.errors import ModelError, UsageError
from genomark.models.composition import gc
from genomark.models.explain import mutagenesis as module
from genomark.models.explain.mutagenesis import (
    cosine_less_one,
    count_questions,
    mutageneses,
    mutagenesis,
)

LENGTH = 12
WEIGHTS = np.random.default_rng(0).normal(size=(LENGTH, 4))


def linear(sequences: list[str]) -> np.ndarray:
    """A weight a position and base; N weighs nothing."""
    return np.array(
        [
            sum(WEIGHTS[i, "ACGT".index(x)] for i, x in enumerate(each) if x != "N")
            for each in sequences
        ]
    )


@given(st.text("ACGT", min_size=1, max_size=LENGTH))
def test_effects_of_a_linear_model_are_differences_of_its_weights(sequence) -> None:
    found = mutagenesis(linear, sequence)
    own = WEIGHTS[range(len(sequence)), ["ACGT".index(x) for x in sequence]]
    expected = WEIGHTS[: len(sequence)] - own[:, None]
    np.testing.assert_allclose(found.effects, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.importance, -expected.sum(axis=1) / 3, rtol=0, atol=1e-12)
    assert found.reference == linear([sequence])[0]
    assert found.deletions is None


def test_the_base_that_is_there_has_the_effect_zero_and_n_none() -> None:
    found = mutagenesis(linear, "ANC")
    assert found.effects[[0, 2], [0, 1]].tolist() == [0.0, 0.0]
    assert np.isnan(found.effects[1]).all()
    assert np.isnan(found.importance).tolist() == [False, True, False]


def test_each_mutant_is_asked_once_and_the_sequence_itself_first() -> None:
    asked: list[list[str]] = []

    def function(sequences: list[str]) -> np.ndarray:
        asked.append(sequences)
        return np.arange(len(sequences), dtype=float)

    found = mutagenesis(function, "ACN", deletions=True)
    assert asked == [["ACN", "CCN", "GCN", "TCN", "CN", "AAN", "AGN", "ATN", "AN"]]
    assert found.effects[:2].tolist() == [[0, 1, 2, 3], [5, 0, 6, 7]]
    assert found.deletions is not None
    np.testing.assert_array_equal(found.deletions, [4, 8, np.nan])
    assert count_questions(["ACN"], deletions=True) == 9
    assert count_questions(["ACN", "G"]) == 7 + 4


def test_mutants_of_many_sequences_share_batches(monkeypatch) -> None:
    sizes: list[int] = []

    def function(sequences: list[str]) -> np.ndarray:
        sizes.append(len(sequences))
        return linear(sequences)

    sequences = ["ACGTACGT", "GG", "TTTTT"]
    done: list[int] = []
    whole = list(mutageneses(function, sequences, progress=done.append))
    # 1 + 3 x length of each.
    assert sizes == done == [25 + 7 + 16]
    assert count_questions(sequences) == 48
    sizes.clear()
    monkeypatch.setattr(module, "_MUTANTS", 10)
    parted = list(mutageneses(function, sequences))
    assert sizes == [10, 10, 10, 10, 8]
    sizes.clear()
    monkeypatch.setattr(module, "_LETTERS", 24)
    lettered = list(mutageneses(function, sequences))
    assert sizes[:3] == [3, 3, 3]
    for parts in (parted, lettered):
        for one, other in zip(whole, parts, strict=True):
            assert one.effects.tobytes() == other.effects.tobytes()
    assert [each.sequence for each in whole] == sequences


def test_only_positions_asked_for_are_replaced() -> None:
    found = mutagenesis(linear, "ACGTACGT", positions=[5, 2, 5])
    assert found.positions.tolist() == [2, 5]
    assert np.flatnonzero(~np.isnan(found.importance)).tolist() == [2, 5]
    full = mutagenesis(linear, "ACGTACGT")
    assert np.array_equal(found.effects[[2, 5]], full.effects[[2, 5]])


def test_several_outputs_are_the_last_axis() -> None:
    def function(sequences: list[str]) -> np.ndarray:
        values = linear(sequences)
        return np.stack([values, -2 * values], axis=1)

    found = mutagenesis(function, "ACGT", deletions=True)
    one = mutagenesis(linear, "ACGT", deletions=True)
    assert found.effects.shape == (4, 4, 2)
    assert found.importance.shape == found.deletions.shape == (4, 2)
    np.testing.assert_allclose(found.effects[..., 0], one.effects)
    np.testing.assert_allclose(found.importance[:, 1], -2 * one.importance)


def test_rna_is_replaced_by_rna() -> None:
    asked: list[str] = []

    def function(sequences: list[str]) -> np.ndarray:
        asked.extend(sequences)
        return np.array([each.count("U") for each in sequences], dtype=float)

    found = mutagenesis(function, "AU")
    assert set("".join(asked)) == set("ACGU")
    assert found.effects.tolist() == [[0, 0, 0, 1], [-1, -1, -1, 0]]
    assert mutagenesis(function, "acgu").sequence == "ACGU"


def test_vectors_are_compared_by_their_cosine() -> None:
    def vectors(sequences: list[str]) -> np.ndarray:
        return np.array([[each.count(x) for x in "ACGT"] for each in sequences], np.float32)

    found = mutagenesis(vectors, "AAC", compare=cosine_less_one)
    assert found.effects.shape == (3, 4)
    assert found.effects[0, 0] == 0
    # AAC to CAC, and to AAA.
    np.testing.assert_allclose(found.effects[0, 1], -cosine([2, 1], [1, 2]), atol=1e-12)
    np.testing.assert_allclose(found.effects[2, 0], -cosine([2, 1], [3, 0]), atol=1e-12)
    assert (found.importance > 0).all()
    assert cosine_less_one(np.zeros((1, 2)), np.ones(2)).tolist() == [-1.0]


def test_a_single_base_is_not_left_out() -> None:
    found = mutagenesis(linear, "A", deletions=True)
    assert found.deletions is not None
    assert np.isnan(found.deletions).all()
    assert count_questions(["A"], deletions=True) == 4


@pytest.mark.parametrize(
    ("sequence", "positions", "message"),
    [
        ("", None, "A sequence is empty"),
        ("ACGT", [4], r"Position 4 \(from 0\) was asked for in a sequence of 4 bases"),
        ("ACGT", [-1], r"Position -1 "),
    ],
)
def test_what_is_not_there_cannot_be_replaced(sequence, positions, message) -> None:
    with pytest.raises(UsageError, match=message):
        mutagenesis(linear, sequence, positions=positions)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: np.zeros(n + 1), r"Asked 13 sequences, .* shape \(14,\)"),
        (lambda n: np.zeros((n, 2, 2)), r"shape \(13, 2, 2\)"),
        (lambda n: np.full(n, np.nan), "The answer to 'ACGT' is not finite"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(answer, message) -> None:
    with pytest.raises(ModelError, match=message):
        mutagenesis(lambda sequences: answer(len(sequences)), "ACGT")


def test_the_number_of_outputs_may_not_change(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MUTANTS", 4)
    widths = iter([1, 2])
    with pytest.raises(ModelError, match=r"arrays of shape \(1,\) and then of \(2,\)"):
        mutagenesis(lambda sequences: np.zeros((len(sequences), next(widths))), "ACGT")


def test_a_thousand_positions_take_no_time() -> None:
    readout = gc().readouts["point"]
    sequence = "".join(np.random.default_rng(1).choice(list("ACGT"), 1000))
    calls: list[int] = []

    def function(sequences: list[str]) -> np.ndarray:
        calls.append(len(sequences))
        return np.asarray(readout.function(sequences))

    began = time.perf_counter()
    found = mutagenesis(function, sequence)
    assert time.perf_counter() - began < 3
    assert calls == [3001]
    strong = np.array([x in "GC" for x in sequence])
    changed = (np.array([False, True, True, False]) != strong[:, None]).sum()
    assert np.count_nonzero(found.effects) == changed
