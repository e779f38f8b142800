"""Files of predictions: what is read, and what is wrong with one that cannot be."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from genomark.benchmarks import load_benchmark
from genomark.errors import PredictionFileError
from genomark.models import ItemPredictor, Predictor, load_model, replay
from genomark.protocol import PredictionTask, PredictRequest

ITEMS = pl.DataFrame({"item_id": ["a", "b", "c"], "task": ["t", "t", "t"]})
TWO_TASKS = pl.DataFrame({"item_id": ["a", "b", "a", "b"], "task": ["t", "t", "u", "u"]})

#: Some rows of a table; None leaves a field empty.
Rows = list[tuple[str | None, ...]]

SUFFIXES = (".csv", ".tsv", ".parquet")


def write_table(path: Path, columns: list[str], rows: Rows) -> Path:
    if path.suffix == ".parquet":
        content = list(zip(*rows, strict=True)) or [()] * len(columns)
        frame = pl.DataFrame(
            {name: list(values) for name, values in zip(columns, content, strict=True)},
            schema=dict.fromkeys(columns, pl.String),
        )
        frame.write_parquet(path)
        return path
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def write_response(path: Path, *tasks: dict[str, Any] | list[Any]) -> Path:
    named = [
        {"name": name, "predictions": predictions, "scale_prediction_actual": "log"}
        for name, predictions in zip("tuv", tasks, strict=False)
    ]
    path.write_text(json.dumps({"prediction_tasks": named}))
    return path


def check(path: Path, items: pl.DataFrame = ITEMS, *, allow_missing: bool = False) -> Any:
    model = load_model(f"file:{path}", allow_missing=allow_missing)
    model.check("the-benchmark", items)
    return model


def complaint(path: Path, items: pl.DataFrame = ITEMS, *, allow_missing: bool = False) -> str:
    """The one line said about a file, which always begins with its name."""
    with pytest.raises(PredictionFileError) as caught:
        check(path, items, allow_missing=allow_missing)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.fixture(params=SUFFIXES)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """``table(columns, rows)`` as a file of each kind."""
    return lambda columns, rows: write_table(tmp_path / f"table{request.param}", columns, rows)


GOOD: Rows = [("a", "1.5"), ("b", "-2"), ("c", "1e-3")]


def test_a_good_table_gives_its_values_in_the_order_of_the_items(
    table: Callable[..., Path],
) -> None:
    model = check(table(["item_id", "value"], GOOD))
    shuffled = ITEMS[[2, 0, 1]]
    answers = model.predict_items("the-benchmark", shuffled, seed=0)
    assert answers.schema == {"value": pl.Float64, "reason": pl.String}
    assert answers.rows() == [(0.001, None), (1.5, None), (-2.0, None)]
    assert isinstance(model, ItemPredictor)
    assert not isinstance(model, Predictor)
    assert model.reads_answers is False


def test_columns_may_stand_in_any_order_and_among_others(table: Callable[..., Path]) -> None:
    rows = [("x", value, item) for item, value in GOOD]
    model = check(table(["comment", "value", "item_id"], rows))
    assert model.predict_items("b", ITEMS, 0)["value"].to_list() == [1.5, -2.0, 0.001]


def test_a_task_column_tells_answers_to_one_item_apart(table: Callable[..., Path]) -> None:
    rows = [("u", "a", "3"), ("t", "b", "2"), ("t", "a", "1"), ("u", "b", "4")]
    model = check(table(["task", "item_id", "value"], rows), TWO_TASKS)
    assert model.predict_items("b", TWO_TASKS, 0)["value"].to_list() == [1.0, 2.0, 3.0, 4.0]


def test_a_wrong_task_is_an_item_the_benchmark_does_not_have(table: Callable[..., Path]) -> None:
    rows = [("t", "a", "1"), ("t", "b", "2"), ("u", "a", "3"), ("x", "b", "4")]
    said = complaint(table(["task", "item_id", "value"], rows), TWO_TASKS)
    assert said.startswith("column 'item_id', row 4: benchmark 'the-benchmark' has no item 'x / b'")


@pytest.mark.parametrize("missing", ["item_id", "value"])
def test_a_missing_column_is_named(table: Callable[..., Path], missing: str) -> None:
    columns = ["item_id" if missing != "item_id" else "id", "value" if missing != "value" else "y"]
    said = complaint(table(columns, GOOD))
    assert said.startswith(f"no column '{missing}'; expected item_id, value")
    assert said.endswith(f"found {', '.join(columns)}")


@pytest.mark.parametrize("text", ["abc", "NA", "1,5", "0x10", "1.5.2", "--1"])
def test_what_is_no_number_is_named_with_its_row(table: Callable[..., Path], text: str) -> None:
    for allow_missing in (False, True):
        said = complaint(
            table(["item_id", "value"], [("a", "1"), ("b", text), ("c", text)]),
            allow_missing=allow_missing,
        )
        assert said == f"column 'value', row 2: expected a number, found '{text}'"


@pytest.mark.parametrize(
    ("text", "shown"), [("nan", "nan"), ("NaN", "nan"), ("inf", "inf"), ("-inf", "-inf")]
)
def test_what_is_not_finite_is_refused_even_where_items_may_be_missing(
    table: Callable[..., Path], text: str, shown: str
) -> None:
    path = table(["item_id", "value"], [("a", "1"), ("b", "2"), ("c", text)])
    for allow_missing in (False, True):
        said = complaint(path, allow_missing=allow_missing)
        expected = f"column 'value', row 3 (item 'c'): expected a finite number, found {shown}"
        assert said.startswith(expected)
        assert ("--allow-missing" in said) is not allow_missing


def test_an_empty_value_is_missing(table: Callable[..., Path]) -> None:
    path = table(["item_id", "value"], [("a", "1"), ("b", None), ("c", None)])
    said = complaint(path)
    assert said.startswith(
        "column 'value', row 2 (item 'b'): expected a finite number, found nothing (and 1 more)"
    )
    assert "--allow-missing" in said
    answers = check(path, allow_missing=True).predict_items("b", ITEMS, 0)
    assert answers.rows() == [
        (1.0, None),
        (None, "missing from the file"),
        (None, "missing from the file"),
    ]


@pytest.mark.parametrize("blank", ['""', '" "', ""])
def test_a_blank_is_as_good_as_nothing(tmp_path: Path, blank: str) -> None:
    path = tmp_path / "blank.csv"
    path.write_text(f"item_id,value\na,1\nb,{blank}\nc,3\n")
    assert "row 2 (item 'b'): expected a finite number, found nothing" in complaint(path)
    answers = check(path, allow_missing=True).predict_items("b", ITEMS, 0)
    assert answers["value"].to_list() == [1.0, None, 3.0]


def test_an_item_there_twice_is_named_with_its_second_row(table: Callable[..., Path]) -> None:
    rows = [("a", "1"), ("b", "2"), ("c", "3"), ("b", "2"), ("b", "2")]
    for allow_missing in (False, True):
        said = complaint(table(["item_id", "value"], rows), allow_missing=allow_missing)
        assert said == (
            "column 'item_id', row 4: item 'b' is there twice (and 1 more); "
            "expected one row per item"
        )


def test_a_row_without_an_id_is_named(table: Callable[..., Path]) -> None:
    said = complaint(table(["item_id", "value"], [("a", "1"), (None, "2"), ("c", "3")]))
    assert said == "column 'item_id', row 2: expected an id, found nothing"


def test_missing_items_are_counted_or_refused(table: Callable[..., Path]) -> None:
    path = table(["item_id", "value"], [("b", "2")])
    said = complaint(path)
    assert said.startswith(
        "column 'item_id': 2 of the 3 items of 'the-benchmark' are missing, first 'a', "
        "looked for after row 1, the last. "
    )
    assert said.endswith("Allow that with --allow-missing; they then count as failed")
    answers = check(path, allow_missing=True).predict_items("b", ITEMS, 0)
    assert answers["value"].to_list() == [None, 2.0, None]
    assert answers["reason"].to_list() == ["missing from the file", None, "missing from the file"]


def test_an_item_too_many_is_refused_even_where_some_may_be_missing(
    table: Callable[..., Path],
) -> None:
    rows = [("a", "1"), ("x", "2"), ("c", "3"), ("y", "3")]
    for allow_missing in (False, True):
        said = complaint(table(["item_id", "value"], rows), allow_missing=allow_missing)
        assert said == (
            "column 'item_id', row 2: benchmark 'the-benchmark' has no item 'x' (and 1 more); "
            "its first is 'a'"
        )


def test_a_reason_is_kept_where_there_is_no_value(table: Callable[..., Path]) -> None:
    rows = [("a", None, "too long"), ("b", "2", "ignored"), ("c", None, None)]
    model = check(table(["item_id", "value", "reason"], rows), allow_missing=True)
    assert model.predict_items("b", ITEMS, 0).rows() == [
        (None, "too long"),
        (2.0, None),
        (None, "missing from the file"),
    ]


def test_a_table_of_no_rows_answers_nothing(table: Callable[..., Path]) -> None:
    path = table(["item_id", "value"], [])
    assert "3 of the 3 items" in complaint(path)
    answers = check(path, allow_missing=True).predict_items("b", ITEMS, 0)
    assert answers["value"].null_count() == 3


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
            str.strip
        ),
        st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=20,
    )
)
def test_any_finite_numbers_under_any_ids_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, float]
) -> None:
    items = pl.DataFrame({"item_id": list(answers), "task": "t"})
    folder = tmp_path_factory.mktemp("any")
    for suffix in SUFFIXES:
        rows: Rows = [(name, repr(value)) for name, value in answers.items()]
        model = check(write_table(folder / f"any{suffix}", ["item_id", "value"], rows), items)
        found = model.predict_items("b", items, 0)["value"].to_list()
        assert found == list(answers.values())
    path = write_response(folder / "any.json", answers)
    (task,) = check(path, items).predict(_request(list(answers))).prediction_tasks
    assert task.predictions == answers


@pytest.mark.parametrize("kind", [pl.Float32, pl.Int64, pl.UInt8, pl.Decimal(10, 3)])
def test_parquet_numbers_of_any_kind_are_numbers(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "kinds.parquet"
    frame = pl.DataFrame({"item_id": ["a", "b", "c"], "value": [1, 2, 3]})
    frame.with_columns(pl.col("value").cast(kind)).write_parquet(path)
    assert check(path).predict_items("b", ITEMS, 0)["value"].to_list() == [1.0, 2.0, 3.0]


def test_parquet_ids_may_be_numbers_or_categories(tmp_path: Path) -> None:
    path = tmp_path / "ids.parquet"
    items = pl.DataFrame({"item_id": ["1", "2"], "task": "t"})
    for kind in (pl.Int32, pl.Categorical):
        ids = pl.Series("item_id", ["1", "2"]).cast(kind)
        pl.DataFrame({"item_id": ids, "value": [0.5, 1.5]}).write_parquet(path)
        assert check(path, items).predict_items("b", items, 0)["value"].to_list() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([True, False, True], "column 'value', row 1: expected a number, found 'true'"),
        ([[1.0], [2.0], [3.0]], "column 'value', row 1: expected a number or text in each row"),
        ([b"1", b"\xff", b"3"], "column 'value', row 1: expected a number or text in each row"),
    ],
    ids=["booleans", "lists", "bytes"],
)
def test_parquet_values_of_other_kinds_are_refused(
    tmp_path: Path, values: list[Any], said: str
) -> None:
    path = tmp_path / "kinds.parquet"
    pl.DataFrame({"item_id": ["a", "b", "c"], "value": values}).write_parquet(path)
    assert complaint(path).startswith(said)


def test_parquet_ids_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ids.parquet"
    pl.DataFrame({"item_id": [["a"], ["b"]], "value": [1.0, 2.0]}).write_parquet(path)
    said = "column 'item_id', row 1: expected a number or text in each row, found List(String)"
    assert complaint(path) == said


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"empty{suffix}"
    path.touch()
    assert complaint(path).startswith(f"cannot be read as {suffix} (")


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_half_a_parquet_file_is_told(tmp_path: Path, cut: float) -> None:
    path = write_table(tmp_path / "half.parquet", ["item_id", "value"], GOOD)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut)])
    assert complaint(path).startswith("cannot be read as .parquet (")


def test_a_reader_that_panics_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(path: Path) -> pl.DataFrame:
        raise pl.exceptions.PanicException

    monkeypatch.setitem(replay._READERS, ".parquet", panic)
    path = write_table(tmp_path / "odd.parquet", ["item_id", "value"], GOOD)
    assert complaint(path) == "cannot be read as .parquet (PanicException)"


@pytest.mark.parametrize(
    "content",
    [b"item_id,value\na,1,2\nb,2\n", b"item_id,value\n\xe4,1\n", b"\x00\x01\x02"],
    ids=["ragged", "not utf-8", "binary"],
)
def test_text_that_is_no_table_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    said = complaint(path)
    assert said.startswith(("cannot be read as .csv (", "no column 'item_id'"))


def test_a_table_with_two_columns_of_values_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("item_id,value,value\na,1,9\nb,2,9\nc,3,9\n")
    assert complaint(path) == "there is more than one column 'value'"


def test_excel_habits_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b'\xef\xbb\xbfitem_id,value\r\n"a", 1 \r\nb,2\r\nc,3\r\n')
    assert check(path).predict_items("b", ITEMS, 0)["value"].to_list() == [1.0, 2.0, 3.0]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PredictionFileError, match="no such file"):
        load_model(f"file:{tmp_path / 'nowhere.csv'}")


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "predictions.xlsx"
    path.touch()
    with pytest.raises(PredictionFileError, match=r"expected a file ending in \.parquet, \.csv"):
        load_model(f"file:{path}")


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_table(tmp_path / "one.csv", ["item_id", "value"], GOOD)
    before = load_model(f"file:{path}").info
    assert before.id == f"file:{path}"
    assert before == load_model(f"file:{path}").info
    write_table(path, ["item_id", "value"], [*GOOD[:2], ("c", "9")])
    assert load_model(f"file:{path}").info.digest != before.digest


# --- GAME responses ------------------------------------------------------------------------------


def _request(names: list[str], *tasks: str) -> PredictRequest:
    return PredictRequest(
        readout="point",
        prediction_tasks=[
            PredictionTask(task, "expression", "HepG2", "homo_sapiens", "log")
            for task in tasks or ("t",)
        ],
        sequences=dict.fromkeys(names, "ACGT"),
    )


def test_a_response_is_replayed_as_a_predictor(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1, "b": [2.5], "c": -3.0})
    model = check(path)
    assert isinstance(model, Predictor)
    assert not isinstance(model, ItemPredictor)
    (task,) = model.predict(_request(["b", "a"])).prediction_tasks
    assert task.predictions == {"b": [2.5], "a": 1}
    assert (task.name, task.cell_type_requested) == ("t", "HepG2")
    assert task.scale_prediction_actual == "log"


def test_sequences_that_were_not_saved_are_left_out(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1})
    model = check(path, allow_missing=True)
    (task,) = model.predict(_request(["a", "b"])).prediction_tasks
    assert task.predictions == {"a": 1}


def test_several_tasks_are_told_apart_by_name(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1, "b": 2}, {"a": 3, "b": 4})
    model = check(path, TWO_TASKS)
    tasks = model.predict(_request(["a", "b"], "u", "t")).prediction_tasks
    assert [(task.name, task.predictions) for task in tasks] == [
        ("u", {"a": 3, "b": 4}),
        ("t", {"a": 1, "b": 2}),
    ]


def test_a_task_it_does_not_hold_is_named(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1}, {"a": 3})
    said = complaint(path, ITEMS.with_columns(task=pl.lit("x")))
    assert said == "key 'prediction_tasks': no task named 'x'; it holds 't', 'u'"


def test_two_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    task = {"name": "t", "predictions": {"a": 1, "b": 2, "c": 3}}
    path.write_text(json.dumps({"prediction_tasks": [task, task]}))
    assert complaint(path) == "key 'prediction_tasks': more than one task is named 't'"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", '"x"'), ([1, 2], "[1, 2]"), ([], "[]"), ({"v": 1}, '{"v": 1}'), (True, "true")],
)
def test_a_response_with_something_other_than_a_number_is_refused(
    tmp_path: Path, value: Any, shown: str
) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1, "b": value, "c": 3})
    for allow_missing in (False, True):
        assert complaint(path, allow_missing=allow_missing) == (
            f"column 'value', row 2 (item 'b'): expected a number, found {shown}"
        )


@pytest.mark.parametrize(
    ("written", "shown"),
    [("NaN", "nan"), ("-Infinity", "-inf"), ("1e999", "inf"), ("9" * 400, "inf")],
    ids=["nan", "-inf", "1e999", "400 digits"],
)
def test_a_response_with_a_number_that_is_not_finite_is_refused(
    tmp_path: Path, written: str, shown: str
) -> None:
    path = tmp_path / "game.json"
    path.write_text(f'{{"prediction_tasks": [{{"predictions": {{"a": {written}}}}}]}}')
    said = complaint(path, ITEMS[:1])
    assert said.startswith(
        f"column 'value', row 1 (item 'a'): expected a finite number, found {shown}"
    )


def test_null_in_a_response_is_missing(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1, "b": None, "c": 3})
    said = complaint(path)
    assert said.startswith("column 'value', row 2 (item 'b'): expected a finite number")
    check(path, allow_missing=True)


def test_items_missing_from_a_response_are_refused_unless_allowed(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1})
    assert "2 of the 3 items of 'the-benchmark' are missing, first 'b'" in complaint(path)
    check(path, allow_missing=True)


def test_items_too_many_in_a_response_are_refused(tmp_path: Path) -> None:
    path = write_response(tmp_path / "game.json", {"a": 1, "b": 1, "c": 1, "d": 1})
    said = "column 'item_id', row 4: benchmark 'the-benchmark' has no item 'd'; its first is 'a'"
    assert complaint(path) == said
    assert complaint(path, allow_missing=True) == said


def test_a_key_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_text('{"prediction_tasks": [{"predictions": {"a": 1, "b": 2, "a": 3}}]}')
    assert complaint(path) == "key 'a' (entry 3 of its object) is there twice"


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_text('{"prediction_tasks": [{"predictions": {"\\ud800": 1}}]}')
    assert complaint(path).startswith("a key is not text (")


def test_an_error_is_no_prediction(tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_text('{"error": [{"bad_prediction_request": "no readout"}]}')
    assert complaint(path) == (
        "a GAME error, not predictions: [{'bad_prediction_request': 'no readout'}]"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"item_id,value\n", b'{"a": "\xff"}', b"[" * 200_000],
    ids=["empty", "half", "csv", "not utf-8", "deep"],
)
def test_what_is_not_json_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "game.json"
    path.write_bytes(content)
    assert complaint(path).startswith("not JSON (")


@pytest.mark.parametrize(
    "content", ["[]", "{}", "3", '"x"', "null", '{"prediction_tasks": {}}',
                '{"prediction_tasks": [1]}', '{"prediction_tasks": [{"predictions": [1]}]}']
)  # fmt: skip
def test_json_of_another_shape_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "game.json"
    path.write_text(content)
    said = complaint(path)
    assert "prediction_tasks" in said
    assert "expected" in said or "has no object 'predictions'" in said


def test_dream_rnn_scores_as_its_authors_file_says(
    real_data: Callable[[str, str], Path], lentimpra: dict[str, Path]
) -> None:
    path = real_data("lentimpra_k562_sample", "dream_rnn_predictions_sample_test.json")
    benchmark = load_benchmark("lentimpra-k562")
    items = benchmark.items
    model = load_model(f"file:{path}")
    model.check(benchmark.id, benchmark.sequence_ids(items))
    answers = benchmark.read(items, model.predict(benchmark.request(items)))
    assert answers["reason"].null_count() == 1000
    predicted = answers["value"].to_list()
    assert pearsonr(predicted, items["truth"]).statistic == pytest.approx(0.5820902, abs=1e-6)
    assert spearmanr(predicted, items["truth"]).statistic == pytest.approx(0.4901691, abs=1e-6)
    # And without genomark: the two files as they are.
    (task,) = json.loads(path.read_bytes())["prediction_tasks"]
    with lentimpra["test"].open() as handle:
        measured = {
            row["seq_id"]: float(row["mean_value"])
            for row in csv.DictReader(handle, delimiter="\t")
        }
    pairs = [(task["predictions"][name][0], value) for name, value in measured.items()]
    assert [value for value, _ in pairs] == predicted
    assert pearsonr(*zip(*pairs, strict=True)).statistic == pytest.approx(0.5820902, abs=1e-6)
