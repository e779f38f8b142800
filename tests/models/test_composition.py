"""`gc` and `cpg` against their definitions, spelled out base by base."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models import Predictor
from genomark.models.composition import cpg, cpg_density, cpg_tracks, gc, gc_content, gc_tracks
from genomark.protocol import PredictionFailedError

Predictions = Callable[..., list[Any]]

any_case = st.text("ACGTNacgtn", min_size=1, max_size=160)
batches = st.lists(any_case, min_size=1, max_size=5)
#: Rich in CG, so that windows differ from each other.
cg_rich = st.lists(st.sampled_from(["CG", "C", "G", "A", "TN"]), min_size=1, max_size=90).map(
    "".join
)


def naive_gc(sequence: str) -> float:
    found = 0
    for base in sequence.upper():
        if base in "GC":
            found += 1
    return (found + 1e-9) / len(sequence)


def count_cg(sequence: str) -> int:
    found = 0
    for first, second in itertools.pairwise(sequence):
        if first in "Cc" and second in "Gg":
            found += 1
    return found


def naive_cpg(sequence: str) -> float:
    return (count_cg(sequence) + 1e-9) / len(sequence)


def naive_track(sequence: str) -> list[float]:
    track = []
    for position in range(len(sequence)):
        window = sequence[max(0, position - 25) : min(len(sequence), position + 25)]
        track.append(100 * count_cg(window) / len(window))
    return track


@given(batches)
def test_gc_is_the_share_of_g_and_c_whatever_the_case(
    predictions: Predictions, sequences: list[str]
) -> None:
    assert predictions(gc(), sequences, scale="linear") == pytest.approx(
        [naive_gc(sequence) for sequence in sequences], rel=1e-14
    )


@given(batches)
def test_cpg_is_the_number_of_cg_per_base_whatever_the_case(
    predictions: Predictions, sequences: list[str]
) -> None:
    assert predictions(cpg(), sequences, scale="linear") == pytest.approx(
        [naive_cpg(sequence) for sequence in sequences], rel=1e-14
    )


@given(st.lists(st.one_of(any_case, cg_rich), min_size=1, max_size=4))
def test_cpg_tracks_count_cg_in_windows_cut_at_the_ends(
    predictions: Predictions, sequences: list[str]
) -> None:
    tracks = predictions(cpg(), sequences, readout="track", scale="linear")
    for sequence, track in zip(sequences, tracks, strict=True):
        np.testing.assert_allclose(track, naive_track(sequence), rtol=1e-14, atol=0)


@pytest.mark.parametrize("length", [1, 2, 24, 25, 26, 49, 50, 51, 52, 74, 75, 76, 100, 1003])
def test_tracks_are_exact_at_every_length(length: int) -> None:
    random = np.random.default_rng(length)
    batch = ["".join(random.choice(list("CGCGATN"), length)) for _ in range(3)]
    for sequence, found, shares in zip(batch, cpg_tracks(batch), gc_tracks(batch), strict=True):
        assert found.tolist() == naive_track(sequence)
        windows = [sequence[max(0, i - 25) : i + 25] for i in range(length)]
        assert shares.tolist() == [
            100 * (window.count("G") + window.count("C")) / len(window) for window in windows
        ]


def test_the_end_of_one_sequence_and_the_begin_of_the_next_are_no_cg() -> None:
    batch = ["AC", "GC", "G", "C", "GAC", "", "G"]
    assert cpg_density([each for each in batch if each]).tolist() == [
        1e-9 / len(each) for each in batch if each
    ]
    assert [track.tolist() for track in cpg_tracks(batch)] == [[0.0] * len(each) for each in batch]
    assert [track.size for track in gc_tracks(batch)] == [len(each) for each in batch]


@given(st.lists(st.one_of(any_case, cg_rich), min_size=1, max_size=6))
def test_an_answer_does_not_depend_on_its_batch(batch: list[str]) -> None:
    for function in (gc_content, cpg_density, gc_tracks, cpg_tracks):
        together = function(batch)
        for sequence, answer in zip(batch, together, strict=True):
            np.testing.assert_array_equal(function([sequence])[0], answer)


def test_a_track_is_an_array_of_its_own() -> None:
    # A view would keep the tracks of the whole batch for as long as one of them is kept.
    assert all(track.base is None for track in cpg_tracks(["ACGT", "CGCG"]))


def test_nothing_asked_nothing_answered() -> None:
    assert gc_content([]).shape == cpg_density([]).shape == (0,)
    assert gc_tracks([]) == cpg_tracks([]) == []


@pytest.mark.parametrize("model", [gc(), cpg()], ids=["gc", "cpg"])
@given(sequences=batches)
def test_log_is_log2_of_linear(
    predictions: Predictions, model: Predictor, sequences: list[str]
) -> None:
    linear = predictions(model, sequences, scale="linear")
    log = predictions(model, sequences, scale="log")
    assert log == pytest.approx([math.log2(value) for value in linear], rel=1e-14)


@given(cg_rich)
def test_a_log_track_keeps_empty_windows_finite(predictions: Predictions, sequence: str) -> None:
    (log,) = predictions(cpg(), [sequence], readout="track", scale="log")
    expected = [math.log2(value + 1e-9) for value in naive_track(sequence)]
    np.testing.assert_allclose(log, expected, rtol=1e-13)


def test_known_values() -> None:
    # By hand: 6 of 10 bases are G or C, 2 CG; N counts as a base that is neither.
    assert gc_content(["ACGTCGGNAC"]) == pytest.approx([(6 + 1e-9) / 10], rel=1e-15)
    assert cpg_density(["ACGTCGGNAC"]) == pytest.approx([(2 + 1e-9) / 10], rel=1e-15)
    assert cpg_tracks(["ACGTCGGNAC"])[0].tolist() == [20.0] * 10


def test_a_track_window_reaches_25_to_the_left_and_24_to_the_right() -> None:
    sequence = "A" * 40 + "CG" + "A" * 40
    (track,) = cpg_tracks([sequence])
    # The CG at 40 and 41 is in s[i - 25 : i + 25] for i from 17 to 65.
    inside = [position for position in range(len(sequence)) if track[position] > 0]
    assert inside == list(range(17, 66))
    assert track[40] == pytest.approx(100 / 50)
    assert track[17] == pytest.approx(100 / 42)


@pytest.mark.parametrize(("base", "expected"), [("A", 1e-9), ("G", 1 + 1e-9), ("N", 1e-9)])
def test_one_base_is_a_sequence(predictions: Predictions, base: str, expected: float) -> None:
    assert predictions(gc(), [base], scale="linear") == pytest.approx([expected], rel=1e-15)
    assert predictions(cpg(), [base], scale="linear") == pytest.approx([1e-9], rel=1e-15)
    (track,) = predictions(cpg(), [base], readout="track", scale="linear")
    assert track.tolist() == [0.0]


def test_n_does_not_join_what_it_parts() -> None:
    assert cpg_density(["CNG"]) == pytest.approx([1e-9 / 3], rel=1e-15)


def test_neither_model_depends_on_the_cell_type(ask: Callable[..., Any]) -> None:
    for model in (gc(), cpg()):
        task = ask(model, ["ACGT"], scale="log")
        assert (task.type_actual, task.cell_type_actual, task.species_actual) == (
            ["NA"],
            "NA",
            "NA",
        )
        assert (task.scale_prediction_requested, task.scale_prediction_actual) == ("log", "log")


def test_without_a_scale_the_answer_is_linear(ask: Callable[..., Any]) -> None:
    task = ask(gc(), ["GGGG"])
    assert task.predictions["0"] == pytest.approx(1.0)
    assert (task.scale_prediction_requested, task.scale_prediction_actual) == (None, "linear")


def test_gc_track_is_the_share_in_the_window_of_cpg(ask: Callable[..., Any]) -> None:
    sequence = "ACGTGCCATTN" * 11
    (track,) = ask(gc(), [sequence], readout="track").predictions.values()
    windows = [sequence[max(0, i - 25) : i + 25] for i in range(len(sequence))]
    expected = [100 * sum(letter in "GC" for letter in w) / len(w) for w in windows]
    np.testing.assert_allclose(track, expected, rtol=1e-12)


def test_neither_model_has_interaction_matrices(ask: Callable[..., Any]) -> None:
    for model in (gc(), cpg()):
        with pytest.raises(PredictionFailedError, match="interaction_matrix"):
            ask(model, ["ACGT"], readout="interaction_matrix")


def test_identities_are_fixed_and_differ() -> None:
    assert gc().info == gc().info
    assert cpg().info.digest != gc().info.digest
    assert (gc().info.id, cpg().info.id) == ("gc", "cpg")


def test_real_enhancers_agree_with_the_definitions(
    predictions: Predictions, lentimpra: dict[str, Path]
) -> None:
    with lentimpra["test"].open() as table:
        sequences = [row["seq"] for row in csv.DictReader(table, delimiter="\t")]
    assert len(sequences) == 1000
    assert predictions(gc(), sequences, scale="linear") == pytest.approx(
        [naive_gc(sequence) for sequence in sequences], rel=1e-14
    )
    assert predictions(cpg(), sequences, scale="linear") == pytest.approx(
        [naive_cpg(sequence) for sequence in sequences], rel=1e-14
    )
