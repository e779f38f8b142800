"""Both strands of one sequence: points and tracks, against numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from array_models import ArrayModel
from scipy.stats import pearsonr
from test_consistency_sequences import other_strand, published, write

import genomark
from genomark.benchmarks import Benchmark
from genomark.benchmarks.game.consistency import (
    ConsistencyMouse,
    ConsistencyPoint,
    ConsistencyTrack,
    judge,
)
from genomark.benchmarks.game.consistency_sequences import BACKGROUNDS
from genomark.errors import DatasetUnavailableError
from genomark.results import Results

Made = Callable[[], Benchmark]
#: Not divided by bins of 32 bp.
LENGTH = 305
PEAKS = 12
ROWS = published(PEAKS, LENGTH)
#: As published, by hand: forward sequences with their backgrounds.
FORWARD = [sequence for name, sequence in ROWS if not name.endswith("_RC")]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consistency")
    write(folder / "consistency" / "all_consistency_data.csv", ROWS)
    return folder


@pytest.fixture
def at_hand(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))


def run(mirror: Path, out: Path, made: Made, *models: Any) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOMARK_MIRROR", str(mirror))
        results = genomark.run(list(models), [made()], out=out, progress=False)
    assert not results.failed
    return results


def of(results: Results, model: str) -> Any:
    return next(each for each in results.results if each.model.id == model)


def purines(sequence: str) -> float:
    """Differs between strands: what is A on one is T on the other."""
    return (sequence.count("A") + 0.3 * sequence.count("G")) / len(sequence)


def bins(sequence: str, bin_size: int, trim: int = 0) -> np.ndarray:
    """Purines by bins, of which the first begins before the sequence; A alone between strands."""
    marks = np.frombuffer(sequence.encode(), np.uint8)
    values = np.where(marks == ord("A"), 1.0, np.where(marks == ord("T"), 0.7, 0.0))
    count = -(-(values.size + trim) // bin_size)
    whole = np.zeros(count * bin_size)
    whole[trim : trim + values.size] = values
    return whole.reshape(count, bin_size).mean(axis=1)


@pytest.fixture(scope="module")
def points(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    lost = FORWARD[0]
    models = [
        ArrayModel(purines, "strands differ"),
        ArrayModel(lambda each: None if each == lost else purines(each), "one lost"),
        ArrayModel(lambda each: 0.25, "constant"),
    ]
    out = tmp_path_factory.mktemp("points")
    return run(mirror, out, ConsistencyPoint, "gc", "control:random", *models)


@pytest.fixture(scope="module")
def tracks(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    lost = FORWARD[0]
    models = [
        ArrayModel(lambda each: bins(each, 32, 5), "binned", bin_size=32, trim=5),
        ArrayModel(lambda each: bins(each, 1) * 0 + 1.0, "constant"),
        ArrayModel(lambda each: None if each == lost else bins(each, 1), "one lost"),
    ]
    return run(mirror, tmp_path_factory.mktemp("tracks"), ConsistencyTrack, "gc", *models)


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("made", [ConsistencyPoint, ConsistencyMouse, ConsistencyTrack])
def test_ids_tell_neither_strand_nor_background(made: Made) -> None:
    benchmark: Any = made()
    requests = [benchmark.request(part) for part in benchmark.parts()]
    asked = {name: each for request in requests for name, each in request.sequences.items()}

    assert sorted(asked.values()) == sorted(sequence for _, sequence in ROWS)
    assert all(name[0] == "s" and name[1:].isdigit() for name in asked)
    # Nor does the order: the twin of a sequence is not beside it, and not always behind it.
    order = list(asked.values())
    apart = np.array([order.index(other_strand(each)) - order.index(each) for each in FORWARD])
    assert np.abs(apart).mean() > 5
    assert 0.2 < (apart > 0).mean() < 0.8


@pytest.mark.usefixtures("at_hand")
def test_tasks_are_those_published() -> None:
    asked = {}
    for made in (ConsistencyPoint, ConsistencyMouse, ConsistencyTrack):
        benchmark: Any = made()
        request = benchmark.request(next(iter(benchmark.parts())))
        (task,) = request.prediction_tasks
        assert task.type == "accessibility"
        assert not task.scale
        asked[benchmark.id] = (request.readout, task.cell_type, task.species)

    assert asked == {
        "consistency-point": ("point", "K562", "homo_sapiens"),
        "consistency-mouse": ("point", "Astrocyte", "mus_musculus"),
        "consistency-track": ("track", "K562", "homo_sapiens"),
    }


def test_counting_letters_agrees_with_itself_in_every_background(points: Results) -> None:
    found = of(points, "gc")

    for background in BACKGROUNDS:
        row = found.metric("concordance", background)
        assert (row.value, row.n, row.n_clusters) == (1.0, PEAKS, PEAKS)
    assert found.metric("mean_concordance").value == 1.0
    assert found.metric("game_pearson_r", "Consistency_Point_K562").value == pytest.approx(1.0)


def test_backgrounds_are_judged_apart_and_published_together(points: Results) -> None:
    found = of(points, "strands differ")
    here = np.array([purines(each) for each in FORWARD])
    there = np.array([purines(other_strand(each)) for each in FORWARD])

    pooled = found.metric("game_pearson_r", "Consistency_Point_K562")
    assert pooled.value == pytest.approx(pearsonr(here, there).statistic)
    assert pooled.interval is None
    for number, background in enumerate(BACKGROUNDS):
        rows = slice(number * PEAKS, (number + 1) * PEAKS)
        expected = pearsonr(here[rows], there[rows]).statistic
        assert found.metric("pearson", background).value == pytest.approx(expected)


def test_pooling_backgrounds_hides_what_a_model_does(mirror: Path, tmp_path: Path) -> None:
    """A model that knows the background and nothing of strands: section 7.3, last sentence."""
    noise = np.random.default_rng(47)
    level = {sequence: number // PEAKS for number, sequence in enumerate(FORWARD)}
    level |= {other_strand(sequence): number for sequence, number in list(level.items())}
    said = {sequence: number + 0.01 * noise.normal() for sequence, number in level.items()}
    results = run(mirror, tmp_path, ConsistencyPoint, ArrayModel(said.__getitem__, "levels"))
    found = of(results, "levels")

    assert found.metric("game_pearson_r", "Consistency_Point_K562").value > 0.99
    assert found.metric("mean_concordance").value < 0.6
    assert found.metric("mean_concordance").interval[0] < 0.3


def test_random_answers_agree_in_nothing(points: Results) -> None:
    found = of(points, "control:random")

    assert abs(found.metric("mean_concordance").value) < 0.5


def test_a_lost_sequence_costs_its_pair_and_the_published_number(points: Results) -> None:
    found = of(points, "one lost")

    assert found.metric("concordance", "natural").n == PEAKS - 1
    assert found.metric("concordance", "dinucleotide").n == PEAKS
    assert [(each.reason, each.items) for each in found.coverage.failed] == [
        ("missing from the answer", 1)
    ]
    published = found.metric("game_pearson_r", "Consistency_Point_K562")
    assert published.value is None
    assert published.reason_if_null


def test_a_constant_model_has_no_agreement_and_a_published_zero(points: Results) -> None:
    found = of(points, "constant")

    row = found.metric("concordance", "natural")
    assert (row.value, row.reason_if_null) == (None, "constant prediction")
    assert found.metric("mean_concordance").value is None
    assert found.metric("game_pearson_r", "Consistency_Point_K562").value == 0.0


@pytest.mark.usefixtures("at_hand")
def test_there_is_no_truth_to_read(tmp_path: Path) -> None:
    for made in (ConsistencyPoint, ConsistencyTrack):
        results = genomark.run(["control:oracle"], [made()], out=tmp_path, progress=False)
        assert "cannot be asked" in results.skipped[0].reason


@pytest.mark.usefixtures("at_hand")
def test_a_limit_chooses_whole_peaks() -> None:
    chosen = ConsistencyPoint().selected(20)

    assert chosen.height == 18
    assert chosen["peak"].n_unique() == 3
    assert chosen.group_by("pair").len()["len"].to_list() == [2] * 9


def test_tracks_are_turned_round_base_by_base(tracks: Results) -> None:
    """Bins of 32 bp do not divide 305 bp, and begin 5 bp early: reversed bins lie elsewhere."""
    found = of(tracks, "binned")
    right, wrong = [], []
    for sequence in FORWARD:
        raw = [
            bins(each, 32, 5).astype(np.float32).astype(float)
            for each in (sequence, other_strand(sequence))
        ]
        here, there = (np.repeat(each, 32)[5 : 5 + LENGTH] for each in raw)
        right.append(pearsonr(here, there[::-1]).statistic)
        wrong.append(pearsonr(raw[0], raw[1][::-1]).statistic)

    assert found.metric("mean_pearson").value == pytest.approx(np.mean(right), rel=1e-6)
    published = found.metric("game_pearson_r", "Consistency_Track_K562")
    assert published.value == pytest.approx(np.mean(wrong), rel=1e-6)
    assert abs(np.mean(right) - np.mean(wrong)) > 0.01


def test_tracks_are_told_by_background(tracks: Results) -> None:
    found = of(tracks, "binned")
    groups = [found.metric("mean_concordance", each) for each in BACKGROUNDS]

    assert [each.n for each in groups] == [PEAKS] * 3
    mean = np.mean([each.value for each in groups])
    assert found.metric("mean_concordance").value == pytest.approx(mean)
    assert found.metric("mean_concordance").n_clusters == PEAKS


def test_a_window_that_is_not_centred_is_seen(tracks: Results) -> None:
    """The windows of `gc` reach 25 bases back and 24 on, so both strands differ by one base."""
    found = of(tracks, "gc")

    assert 0.9 < found.metric("mean_concordance").value < 1.0


def test_a_constant_track_has_a_reason_and_a_published_zero(tracks: Results) -> None:
    found = of(tracks, "constant")
    row = found.metric("mean_concordance")

    assert row.value is None
    assert row.reason_if_null == "none of 36 has one: constant prediction (36)"
    assert found.metric("game_pearson_r", "Consistency_Track_K562").value == 0.0


def test_a_lost_track_costs_its_pair_and_the_published_number(tracks: Results) -> None:
    found = of(tracks, "one lost")

    assert found.metric("mean_concordance").n == 3 * PEAKS - 1
    assert found.coverage.answered == 6 * PEAKS - 1
    published = found.metric("game_pearson_r", "Consistency_Track_K562")
    assert published.value is None
    assert published.reason_if_null.startswith("1 of 36 pairs")


def test_two_models_are_compared_on_the_pairs_of_both(tracks: Results) -> None:
    pairs = {(each.model_a, each.model_b): each for each in tracks.comparisons}
    compared = pairs["gc", "one lost"]

    assert compared.n == 6 * PEAKS - 1
    assert compared.metric == "mean_concordance"


def test_agreement_of_tracks_is_in_standard_deviations_of_them() -> None:
    random = np.random.default_rng(53)
    here = random.normal(size=400)
    there = here + 0.2 * random.normal(size=400)
    found = judge(here, there)

    variance = (here.var() + there.var()) / 2
    assert found["concordance"] == pytest.approx(1 - ((here - there) ** 2).mean() / 2 / variance)
    expected = np.abs(here - there).mean() / np.sqrt(variance)
    assert found["absolute_difference"] == pytest.approx(expected)


def test_the_missing_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))

    for made in (ConsistencyPoint, ConsistencyMouse, ConsistencyTrack):
        with pytest.raises(DatasetUnavailableError, match=r"all_consistency_data.csv is not at"):
            list(made().parts())


@pytest.mark.usefixtures("at_hand")
def test_questions_of_other_cells_are_other_questions() -> None:
    digests = {made().digest for made in (ConsistencyPoint, ConsistencyMouse, ConsistencyTrack)}

    assert len(digests) == 3
    assert ConsistencyPoint().digest in digests


def test_twins_of_different_lengths_have_no_published_number(mirror: Path, tmp_path: Path) -> None:
    """A bin more or less is what a trim of one strand alone makes."""
    first = FORWARD[0]

    class Trimmed(ArrayModel):
        def predict(self, request: Any) -> Any:
            response = super().predict(request)
            for task in response.prediction_tasks:
                task.trim_upstream = {
                    name: 16 if each == first else 0 for name, each in request.sequences.items()
                }
            return response

    model = Trimmed(lambda each: bins(each, 32, 16 if each == first else 0), "odd", bin_size=32)
    found = of(run(mirror, tmp_path, ConsistencyTrack, model), "odd")

    assert (LENGTH + 16) // 32 + 1 != LENGTH // 32 + 1
    assert found.metric("mean_pearson").n == 3 * PEAKS
    published_row = found.metric("game_pearson_r", "Consistency_Track_K562")
    assert published_row.value is None
    assert published_row.reason_if_null == "1 of 36 pairs have no two tracks of one length"
