"""Numbers of designers against hand counts and closed forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import binom

from genomark.benchmarks import Asking
from genomark.benchmarks.rna.design_scores import DesignScores, length_groups
from genomark.benchmarks.rna.eterna100 import Puzzle
from genomark.scoring import MetricRow, better

LATE = "took longer than 60 s"


def puzzles(*lengths: int) -> list[Puzzle]:
    return [
        Puzzle(str(number), "", "", f"{number:b}".translate({48: ".", 49: ")"}).rjust(length, "."))
        for number, length in enumerate(lengths, start=1)
    ]


def scores(
    folder: Path, rows: Sequence[tuple[Any, ...]], asked: list[Puzzle], seconds: float = 60
) -> dict[tuple[str, str | None], MetricRow]:
    return {(row.name, row.group): row for row in judged(folder, rows, asked, seconds)}


def judged(
    folder: Path, rows: Sequence[tuple[Any, ...]], asked: list[Puzzle], seconds: float = 60
) -> list[MetricRow]:
    return written(folder, rows, asked, seconds).rows(Asking(seed=0))


def written(
    folder: Path, rows: Sequence[tuple[Any, ...]], asked: list[Puzzle], seconds: float = 60
) -> DesignScores:
    schema = {
        "value": pl.Float64,
        "reason": pl.String,
        "seconds": pl.Float64,
        "distance": pl.Int32,
        "ensemble_defect": pl.Float64,
    }
    path = folder / "predictions.parquet"
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
    return DesignScores(path, asked, seconds)


#: Two solved, one missed by 5 of 100 symbols, one too late, one without any sequence.
ROWS = [
    (1.0, None, 0.5, 0, 0.1),
    (1.0, None, 30.0, 0, 0.3),
    (0.0, None, 60.0, 5, 0.5),
    (None, LATE, 70.0, 0, 0.2),
    (None, "no sequence was given", 60.0, None, None),
]
ASKED = puzzles(20, 60, 100, 150, 400)


def test_counts_are_those_by_hand(tmp_path: Path) -> None:
    found = scores(tmp_path, ROWS, ASKED)
    assert found["solved", None].value == 2 / 5
    assert found["solved", None].n == 5
    assert found["median_seconds", None].value == (0.5 + 30.0) / 2
    assert found["median_seconds", None].unit == "s"
    assert found["mean_ensemble_defect", None].value == pytest.approx(0.2)
    # Where nothing counts, all symbols are wrong.
    assert found["mean_normalised_distance", None].value == pytest.approx((0.05 + 1 + 1) / 3)
    assert found["mean_normalised_distance", None].n == 3


def test_the_curve_ends_with_what_is_solved(tmp_path: Path) -> None:
    curve = [row for row in judged(tmp_path, ROWS, ASKED) if (row.group or "").startswith("within")]
    assert [(row.group, row.value) for row in curve] == [
        ("within 1 s", 0.2),
        ("within 10 s", 0.2),
        ("within 60 s", 0.4),
    ]


def test_a_little_over_time_is_still_solved(tmp_path: Path) -> None:
    found = scores(tmp_path, [(1.0, None, 61.0, 0, 0.1)], puzzles(20))
    assert found["solved", None].value == found["solved", "within 60 s"].value == 1.0


def test_of_ten_minutes_the_first_is_told_apart(tmp_path: Path) -> None:
    rows = [(1.0, None, 59.0, 0, 0.1), (1.0, None, 61.0, 0, 0.1)]
    found = scores(tmp_path, rows, puzzles(20, 30), seconds=600)
    assert found["solved", None].value == 1.0
    assert found["solved_within_60s", None].value == 0.5
    assert found["solved", "within 60 s"].value == 0.5
    assert found["solved", "within 600 s"].value == 1.0
    assert ("solved_within_60s", None) not in scores(tmp_path, rows, puzzles(20, 30))


def test_lengths_are_told_apart(tmp_path: Path) -> None:
    found = scores(tmp_path, ROWS, puzzles(50, 51, 100, 101, 201))
    by_length = {group: (row.value, row.n) for (_, group), row in found.items() if group}
    assert by_length["length 1 to 50"] == (1.0, 1)
    assert by_length["length 51 to 100"] == (0.5, 2)
    assert by_length["length 101 to 200"] == (0.0, 1)
    assert by_length["length 201 and more"] == (0.0, 1)
    assert list(length_groups(puzzles(10, 300))) == ["length 1 to 50", "length 201 and more"]


def test_what_nobody_measured_is_undefined_and_says_why(tmp_path: Path) -> None:
    rows = [(1.0, None, None, 0, 0.1), (0.0, None, None, 9, 0.5)]
    found = scores(tmp_path, rows, puzzles(20, 30), seconds=600)
    assert found["solved", None].value == 0.5
    for name in ("median_seconds", "solved_within_60s"):
        assert found[name, None].value is None
        assert found[name, None].reason_if_null is not None
        assert "made elsewhere" in found[name, None].reason_if_null
    assert not any(group and group.startswith("within") for _, group in found)


def test_nothing_solved_and_everything_solved_are_told(tmp_path: Path) -> None:
    none = scores(tmp_path, [(0.0, None, 1.0, 3, 0.5)] * 2, puzzles(30, 40))
    assert none["solved", None].value == 0.0
    assert none["median_seconds", None].reason_if_null == "no puzzle is solved"
    assert none["mean_ensemble_defect", None].reason_if_null == "no puzzle is solved"
    every = scores(tmp_path, [(1.0, None, 1.0, 0, 0.1)] * 2, puzzles(30, 40))
    assert every["mean_normalised_distance", None].reason_if_null == "every puzzle is solved"


def test_the_interval_is_that_of_a_share(tmp_path: Path) -> None:
    # The bootstrap of a share is binomial: its quantiles are known.
    rows = [(1.0, None, 1.0, 0, 0.1)] * 54 + [(0.0, None, 60.0, 9, 0.5)] * 46
    row = scores(tmp_path, rows, puzzles(*[40] * 100))["solved", None]
    assert row.interval is not None
    assert row.interval == pytest.approx(binom.ppf([0.025, 0.975], 100, 0.54) / 100, abs=0.015)
    assert row.method == "95 % bootstrap on the logit scale, 1000 replicates over puzzles"


def test_puzzles_with_the_same_structure_are_drawn_together(tmp_path: Path) -> None:
    twins = [puzzles(40)[0]] * 2
    rows = [(1.0, None, 1.0, 0, 0.1), (0.0, None, 60.0, 9, 0.5)]
    row = scores(tmp_path, rows, twins)["solved", None]
    assert (row.n, row.n_clusters, row.interval) == (2, 1, None)


def test_the_same_answers_give_the_same_numbers(tmp_path: Path) -> None:
    assert judged(tmp_path, ROWS, ASKED) == judged(tmp_path, ROWS, ASKED)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("solved", "higher"),
        ("solved_within_60s", "higher"),
        ("median_seconds", "lower"),
        ("mean_ensemble_defect", "lower"),
        ("mean_normalised_distance", "lower"),
    ],
)
def test_every_metric_says_which_way_is_better(name: str, way: str) -> None:
    assert better(name) == way
