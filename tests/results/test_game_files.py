from __future__ import annotations

import ast
import json

import pandas as pd
import pytest

import genomark
from genomark.errors import UsageError
from genomark.results import read_game_files
from genomark.results.game_files import COLUMNS


@pytest.fixture
def folder(tmp_path):
    results = genomark.run(
        ["gc", "control:random"],
        ["simulated-enhancers"],
        out=tmp_path / "out",
        game_files=tmp_path / "game",
        limit=60,
        workers=1,
        progress=False,
    )
    assert len(results) == 2
    return tmp_path / "game"


def test_the_raw_answer_is_written_as_evaluators_write_it(folder):
    (raw,) = folder.glob("*.json")
    assert raw.name == "simulated-enhancers_dev_predictions_from_genomark-gc.json"
    text = raw.read_text()
    answer = json.loads(text)
    assert text == json.dumps(answer, indent=4, ensure_ascii=False)
    (task,) = answer["prediction_tasks"]
    assert len(task["predictions"]) == 60
    assert task["scale_prediction_actual"] == "log"


def test_the_summary_is_what_pandas_reads_from_an_evaluator(folder):
    (file,) = folder.glob("evaluation_summary_*.csv")
    assert file.name == "evaluation_summary_simulated-enhancers_dev.csv"
    table = pd.read_csv(file, sep="\t")
    assert tuple(table.columns) == COLUMNS
    assert table["metric"].tolist() == ["pearson_r", "spearman_r"]
    assert table["predictor_name"].tolist() == ["genomark-gc"] * 2
    tasks = ast.literal_eval(table["prediction_task(s)_data"][0])
    assert tasks[0]["cell_type_requested"] == "simulated"
    assert "predictions" not in tasks[0]


def test_a_second_run_is_appended_and_asks_nothing_again(folder, tmp_path):
    genomark.run(
        ["gc"],
        ["simulated-enhancers"],
        out=tmp_path / "out",
        game_files=folder,
        limit=60,
        workers=1,
        progress=False,
    )
    (file,) = folder.glob("evaluation_summary_*.csv")
    assert len(pd.read_csv(file, sep="\t")) == 4
    assert len(read_game_files(folder)) == 2


def test_answers_of_an_earlier_run_without_files_are_asked_for(tmp_path):
    options = {"out": tmp_path / "out", "limit": 30, "workers": 1, "progress": False}
    genomark.run("gc", "simulated-enhancers", **options)
    genomark.run("gc", "simulated-enhancers", game_files=tmp_path / "game", **options)
    assert len(list((tmp_path / "game").iterdir())) == 2


def test_each_request_of_a_benchmark_of_many_has_its_own_file(tmp_path, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    genomark.run(
        "gc", "kircher2019", out=tmp_path / "out", game_files=tmp_path / "game", progress=False
    )
    names = {path.name for path in (tmp_path / "game").glob("*.json")}
    assert len(names) == 29
    assert "kircher2019_dev_LDLR.2_predictions_from_genomark-gc.json" in names
    table = pd.read_csv(tmp_path / "game" / "evaluation_summary_kircher2019_dev.csv", sep="\t")
    assert len(table) == 60
    means = table[table["description"] == "kircher2019 (mean over groups)"]
    assert means["value"].tolist() == pytest.approx([0.0211373, 0.0266983], abs=1e-6)


def test_what_was_written_can_be_imported_with_the_same_numbers(folder):
    written = pd.read_csv(next(folder.glob("evaluation_summary_*.csv")), sep="\t")
    (result,) = read_game_files(folder)
    assert result.model.id == "genomark-gc"
    assert [row.value for row in result.metrics[1:]] == written["value"].tolist()
    assert all(row.interval is None for row in result.metrics)
    assert result.coverage.asked == 60
    assert "self-reported" in result.model.notes[0]


def test_a_nan_of_an_evaluator_is_null_with_a_reason(tmp_path):
    rows = [COLUMNS, ("e", "A (K562)", "p", "20260101-000000.000001", "pearson_r", "NaN", "[{}]")]
    (tmp_path / "evaluation_summary_e.csv").write_text("\n".join("\t".join(r) for r in rows))
    (result,) = read_game_files(tmp_path)
    assert result.metrics[0].value is None
    assert result.metrics[0].reason_if_null == "NaN in the file"
    assert result.started == "2026-01-01T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\n1\t2\n", "missing: evaluator_name"),
        ("\t".join(COLUMNS), "at least one row"),
        ("\t".join(COLUMNS) + "\nonly\tthree\tcells", "row 1: expected 7 columns"),
        ("\t".join(COLUMNS) + "\ne\td\tp\tt\tpearson_r\thigh\t[]", "expected a number or NaN"),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(tmp_path, content, message):
    (tmp_path / "evaluation_summary_e.csv").write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_game_files(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_summaries_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match=r"no evaluation_summary_\*\.csv found"):
        read_game_files(tmp_path)
