"""``points:FILE`` against a benchmark that holds all of the same items."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

import genomark
from genomark.benchmarks import PredictorBenchmark, load_benchmark
from genomark.benchmarks.points import PointBenchmark, point_table
from genomark.errors import GenomarkError, UsageError
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ScoringRule

TASK = PredictionTask("points", "expression", "NA", "homo_sapiens", "log")
DECLARED = """
table = "points.tsv"
title = "activity of my library"
version = "3"
citation = "us"
type = "accessibility"
cell_type = "K562"
species = "mus_musculus"
scale = "linear"
metrics = ["spearman", "mse"]
clusters = "elements"

[columns]
truth = "activity"
"""


def gc_content(sequences: list[str]) -> list[float]:
    return [(each.count("G") + each.count("C")) / len(each) for each in sequences]


def made(n: int = 600) -> pl.DataFrame:
    random = np.random.default_rng(2)
    sequences = ["".join(row) for row in np.array(list("ACGT"))[random.integers(0, 4, (n, 20))]]
    content = np.array(gc_content(sequences))
    return pl.DataFrame(
        {
            "item_id": [f"item{number}" for number in range(n)],
            "sequence": sequences,
            "truth": content + random.normal(0.0, 0.1, n),
        }
    )


class Held(PredictorBenchmark):
    """The same, held in memory."""

    id = "held"
    version = "1"
    title = citation = "held"
    rule = ScoringRule(("pearson", "spearman"), "sequences")
    max_request_items = 100

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    @cached_property
    def items(self) -> pl.DataFrame:
        number = pl.int_range(pl.len())
        return self.frame.with_columns(task=pl.lit("points"), cluster=number)

    def request(self, items: pl.DataFrame) -> PredictRequest:
        return PredictRequest(
            "point", [TASK], dict(items.select("item_id", "sequence").iter_rows())
        )


@pytest.fixture
def frame() -> pl.DataFrame:
    return made()


@pytest.fixture
def benchmark_(frame, tmp_path, monkeypatch) -> PointBenchmark:
    monkeypatch.setattr(point_table, "_BLOCK_ROWS", 25)
    frame.write_parquet(tmp_path / "points.parquet")
    found = load_benchmark(f"points:{tmp_path / 'points.parquet'}")
    assert isinstance(found, PointBenchmark)
    return found


def run(benchmark, out, **options) -> genomark.Results:
    options = {"progress": False, "prediction_cache": "off", **options}
    return genomark.run(gc_content, benchmark, out=out, **options)


@pytest.mark.parametrize("limit", [None, 1, 77, 250, 600, 1000])
def test_numbers_are_those_of_items_held_in_memory(limit, benchmark_, frame, tmp_path):
    (found,) = run(benchmark_, tmp_path / "a", limit=limit)
    (held,) = run(Held(frame), tmp_path / "b", limit=limit)
    assert found.metrics == held.metrics
    assert found.predictions_digest == held.predictions_digest
    assert found.coverage == held.coverage


def test_numbers_are_those_of_scipy(benchmark_, frame, tmp_path):
    (result,) = run(benchmark_, tmp_path / "out")
    said, truth = gc_content(frame["sequence"].to_list()), frame["truth"].to_numpy()
    assert result.metric("pearson").value == pytest.approx(pearsonr(said, truth).statistic)
    assert result.metric("spearman").value == pytest.approx(spearmanr(said, truth).statistic)


def test_the_items_of_the_run_have_no_sequences(benchmark_):
    assert "sequence" not in benchmark_.items.columns
    assert all("sequence" not in part.columns for part in benchmark_.parts())


@pytest.mark.parametrize("limit", [None, 250])
def test_a_part_is_read_with_its_sequences_and_in_its_order(limit, benchmark_, frame):
    parts = list(benchmark_.parts(limit))
    for number, part in enumerate(parts):
        read = benchmark_.part_at(number, limit)
        assert read["item_id"].equals(part["item_id"])
        assert read.select(frame.columns).equals(
            part.select("item_id").join(frame, on="item_id", maintain_order="left")
        )
    assert sum(part.height for part in parts) == (limit or 600)


def test_material_is_the_sequences_that_are_asked(benchmark_, frame):
    material = benchmark_.material(250)
    assert material.items["item_id"].equals(benchmark_.selected(250)["item_id"])
    asked = dict(frame.select("item_id", "sequence").iter_rows())
    assert material.items["sequence"].to_list() == [
        asked[item] for item in material.items["item_id"]
    ]


def test_two_classes_are_judged_as_such(frame, tmp_path):
    classes = frame.with_columns(truth=(pl.col("truth") > 0.5).cast(pl.Int8))
    classes.write_csv(tmp_path / "classes.csv")
    (result,) = run(load_benchmark(f"points:{tmp_path / 'classes.csv'}"), tmp_path / "out")
    said, truth = gc_content(frame["sequence"].to_list()), classes["truth"].to_numpy()
    assert result.metric("auroc").value == pytest.approx(roc_auc_score(truth, said))
    assert result.metric("average_precision").value == pytest.approx(
        average_precision_score(truth, said)
    )


def test_a_declaration_says_what_cannot_be_guessed(frame, tmp_path):
    frame.rename({"truth": "activity"}).write_csv(tmp_path / "points.tsv", separator="\t")
    (tmp_path / "mine.toml").write_text(DECLARED)
    benchmark = load_benchmark(f"points:{tmp_path / 'mine.toml'}")
    assert isinstance(benchmark, PointBenchmark)
    assert (benchmark.id, benchmark.title) == ("points:mine", "activity of my library")
    assert (benchmark.version, benchmark.citation) == ("3", "us")
    assert benchmark.rule == ScoringRule(("spearman", "mse"), "elements")
    (asked,) = benchmark.request(benchmark.part_at(0)).prediction_tasks
    assert asked == PredictionTask("mine", "accessibility", "K562", "mus_musculus", "linear")
    (result,) = run(benchmark, tmp_path / "out")
    # What a function says is on a log2 scale, and a linear one was asked for.
    said = np.exp2(gc_content(frame["sequence"].to_list()))
    expected = np.mean((said - frame["truth"].to_numpy()) ** 2)
    assert result.metric("mse").value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("table = 3", "not a declaration of points: Expected `str`, got `int`"),
        ('table = "a.csv"\ncell = "K562"', "unknown field `cell`"),
        ("table = ", "not a declaration of points"),
        ('table = "a.csv"\nmetrics = ["auc"]', "No metric named 'auc'"),
    ],
)
def test_a_declaration_that_is_not_well_formed_is_refused(text, fault, tmp_path):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match=fault):
        load_benchmark(f"points:{tmp_path / 'mine.toml'}")


def test_a_declaration_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml: cannot be read"):
        load_benchmark(f"points:{tmp_path / 'none.toml'}")


def test_a_table_that_is_not_there_fails_in_its_own_name(tmp_path):
    results = run(load_benchmark(f"points:{tmp_path / 'none.csv'}"), tmp_path / "out")
    assert [each.benchmark for each in results.failed] == ["points:none"]
    assert "there is no such file" in results.failed[0].reason


def test_the_digest_tells_other_data_wording_and_metrics(frame, tmp_path):
    frame.rename({"truth": "activity"}).write_csv(tmp_path / "points.tsv", separator="\t")
    digests = set()
    for text in (
        DECLARED,
        DECLARED.replace("K562", "HepG2"),
        DECLARED.replace('"mse"', '"pearson"'),
    ):
        (tmp_path / "mine.toml").write_text(text)
        digests.add(load_benchmark(f"points:{tmp_path / 'mine.toml'}").digest)
    frame[:599].rename({"truth": "activity"}).write_csv(tmp_path / "points.tsv", separator="\t")
    digests.add(load_benchmark(f"points:{tmp_path / 'mine.toml'}").digest)
    assert len(digests) == 4


def test_a_run_goes_on_with_the_parts_it_has(benchmark_, tmp_path):
    asked: list[int] = []

    def counting(sequences: list[str]) -> list[float]:
        asked.append(len(sequences))
        if len(asked) == 4:
            raise GenomarkError("enough")
        return gc_content(sequences)

    counting.version = "1"
    options = {"out": tmp_path / "out", "progress": False, "prediction_cache": "off"}
    assert genomark.run(_Named(counting), benchmark_, **options).failed
    (result,) = genomark.run(_Named(counting), benchmark_, **options)
    assert len(asked) == 7
    assert result.coverage.answered == 600


class _Named:
    """A function whose digest does not change with what it closes over."""

    def __init__(self, function) -> None:
        from genomark.models.sequence_function import Readout, SequencePredictor
        from genomark.scoring import ModelIdentity

        self.info = ModelIdentity("named", "1", "named")
        self._model = SequencePredictor(self.info, "named", {"point": Readout(function, "log")})

    def predict(self, request):
        return self._model.predict(request)
