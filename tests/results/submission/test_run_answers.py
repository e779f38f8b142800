"""What is packed of a run: points of Predictors, and labels of tasks on sequences."""

from __future__ import annotations

import io

import polars as pl
import pytest

from genomark import run
from genomark.benchmarks import load_benchmark
from genomark.errors import UsageError
from genomark.results.submission import read_answers


def table_of(answers):
    return pl.read_parquet(io.BytesIO(answers.predictions))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    run("gc", "simulated-enhancers", out=out, progress=False)
    return out


def test_points_are_one_value_an_item(folder):
    answers = read_answers([folder])
    found = table_of(answers)
    assert found.schema == {"item_id": pl.String, "label": pl.String, "value": pl.Float64}
    assert (answers.items, answers.labels, answers.fits) == (1000, ("y",), 1)
    (kept,) = (folder / "predictions").glob("*.parquet")
    expected = pl.read_parquet(kept).sort("item_id")
    assert found["item_id"].to_list() == expected["item_id"].to_list()
    assert found["value"].to_list() == expected["value"].to_list()
    assert answers.benchmark.id == answers.benchmark.asked == "simulated-enhancers"
    assert answers.dev == []


def test_points_that_were_changed_are_not_packed(folder, tmp_path):
    import shutil

    other = tmp_path / "copy"
    shutil.copytree(folder, other)
    (kept,) = (other / "predictions").glob("*.parquet")
    pl.read_parquet(kept).with_columns(value=pl.lit(0.5)).write_parquet(kept)
    with pytest.raises(UsageError, match="is not what"):
        read_answers([other])


@pytest.mark.parametrize("task", ["rgb/te.rice", "pgb/chromatin_access.setaria_italica"])
def test_labels_are_those_that_the_task_asks(task, tmp_path):
    """One number tells of two classes; classes that no file declares are those of the data."""
    run("control:random", task, out=tmp_path, progress=False, fits=1)
    answers = read_answers([tmp_path])
    assert answers.labels == load_benchmark(task).task.test().labels
    assert table_of(answers).height == answers.items * len(answers.labels)
