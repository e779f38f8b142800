"""Predictions of strangers: decoded within limits, checked row by row."""

from __future__ import annotations

import io
import json
import time
from contextlib import ExitStack

import numpy as np
import polars as pl
import pytest
from filelock import FileLock

from genomark.datasets.location import cache_folder
from genomark.results.submission import RefusedError, decoding
from genomark.results.submission.decoding import decode_predictions
from genomark.results.submission.receipt import RefusedPredictionsError

IDS = [f"i{n:03}" for n in range(50)]
LABELS = ("ctcf", "dnase")
VALUES = np.random.default_rng(0).normal(size=(50, 2))


def parquet(frame, **options):
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)
    return buffer.getvalue()


@pytest.fixture
def ids(tmp_path):
    path = tmp_path / "items.parquet"
    pl.DataFrame({"item_id": IDS}).write_parquet(path)
    return path


@pytest.fixture
def frame():
    return pl.DataFrame(
        {
            "item_id": np.repeat(IDS, 2),
            "label": LABELS * 50,
            "value": VALUES.ravel(),
        }
    )


def refused(content, ids):
    if isinstance(content, pl.DataFrame):
        content = parquet(content)
    with pytest.raises(RefusedError) as found:
        decode_predictions(content, ids, 50, LABELS)
    return str(found.value)


def test_values_come_back_bit_by_bit(frame, ids):
    found = decode_predictions(parquet(frame), ids, 50, LABELS)
    assert found.tobytes() == VALUES.tobytes()


def test_rows_may_stand_in_any_order(frame, ids):
    mixed = frame.sample(fraction=1, shuffle=True, seed=1)
    found = decode_predictions(parquet(mixed), ids, 50, LABELS)
    assert found.tobytes() == VALUES.tobytes()


def test_extremes_of_doubles_are_numbers(frame, ids):
    values = frame["value"].to_list()
    values[:4] = [1.7e308, -1.7e308, 5e-324, -0.0]
    found = decode_predictions(
        parquet(frame.with_columns(value=pl.Series(values))), ids, 50, LABELS
    )
    assert found.ravel()[:4].tolist() == values[:4]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf"), None])
def test_a_value_that_is_no_number_is_refused(frame, ids, wrong):
    values = [*frame["value"].to_list()[:7], wrong, *frame["value"].to_list()[8:]]
    changed = frame.with_columns(value=pl.Series(values, dtype=pl.Float64))
    assert refused(changed, ids) == (
        "predictions.parquet: row 8 has no id, no label or no finite value, one of 1 such rows; "
        "expected a finite number in each"
    )


@pytest.mark.parametrize("column", ["item_id", "label"])
def test_a_row_without_a_name_is_refused(frame, ids, column):
    names = [None, *frame[column].to_list()[1:]]
    assert "row 1 has no id" in refused(frame.with_columns(pl.Series(column, names)), ids)


def test_items_that_are_not_asked_are_refused(frame, ids):
    changed = frame.with_columns(item_id=pl.col("item_id").replace("i007", "i'\x1b[31m\n\u202e"))
    reason = refused(changed, ids)
    assert reason.startswith("predictions.parquet: row 15: item ")
    assert "; expected items such as 'i000', each with label 'ctcf', 'dnase' (of a file" in reason
    assert reason.endswith("of one of coordinates named by their places: run on the other)")
    assert reason.isascii()
    assert reason.isprintable()
    long = frame.with_columns(item_id=pl.col("item_id").replace("i007", "x" * 100_000))
    assert len(refused(long, ids)) < 500


def test_labels_that_are_not_asked_are_refused(frame, ids):
    changed = frame.with_columns(label=pl.col("label").replace("ctcf", "CTCF"))
    assert "row 1: item 'i000', label 'CTCF' is not asked, nor are 49" in refused(changed, ids)


def test_an_item_twice_in_place_of_another_is_refused(frame, ids):
    changed = frame.with_columns(item_id=pl.col("item_id").replace("i007", "i008"))
    assert "row 15: item 'i008' is there twice, and 2 items are missing" in refused(changed, ids)


@pytest.mark.parametrize("rows", [0, 99, 101, 200])
def test_another_number_of_rows_is_refused(frame, ids, rows):
    changed = pl.concat([frame, frame]).head(rows)
    expected = f"{rows} rows; expected 100, one for each of 50 items and 2 labels"
    assert expected in refused(changed, ids)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.with_columns(truth=pl.lit(1.0)),
        lambda f: f.drop("label"),
        lambda f: f.select("label", "item_id", pl.col("value").alias("score")),
        lambda f: f.with_columns(pl.col("value").cast(pl.Float32)),
        lambda f: f.with_columns(pl.col("value").cast(pl.String)),
        lambda f: f.with_columns(pl.col("label").cast(pl.Categorical)),
        lambda f: f.with_columns(pl.col("item_id").cast(pl.Binary)),
        lambda f: f.with_columns(value=pl.concat_list("value", "value")),
        lambda f: f.with_columns(value=pl.struct("value")),
    ],
)
def test_other_columns_and_types_are_refused(frame, ids, change):
    reason = refused(change(frame), ids)
    assert "; expected item_id String, label String, value Float64" in reason


def test_the_order_of_columns_does_not_matter(frame, ids):
    found = decode_predictions(parquet(frame.select("value", "label", "item_id")), ids, 50, LABELS)
    assert found.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" * 100, b"PK\3\4", b"\0" * 10_000, b"item_id,label,value\n"]
)
def test_what_is_no_parquet_is_refused(ids, content):
    assert "cannot be decoded" in refused(content, ids)


def test_a_damaged_file_is_refused_or_has_numbers(frame, ids):
    """Checksums are not part of the format: a flipped bit may be another finite number."""
    content = parquet(frame)
    refusals = 0
    for place in np.linspace(0, len(content) - 1, 8).astype(int):
        changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        try:
            assert decode_predictions(changed, ids, 50, LABELS).shape == (50, 2)
        except RefusedError:
            refusals += 1
    assert refusals >= 3


def test_a_few_bytes_that_decode_to_gigabytes_are_refused(ids):
    many = pl.select(value=pl.repeat(0.0, 10_000_000)).with_columns(
        item_id=pl.lit("x"), label=pl.lit("y")
    )
    bomb = parquet(many, compression="zstd", row_group_size=10_000_000)
    assert len(bomb) < 40_000
    assert "10,000,000 rows; expected 100" in refused(bomb, ids)


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        (1_000_000, "label 'y' is not asked, nor are 3 other rows"),
        (100_000_000, "cannot be decoded within 1,280 MB of memory and 5 s"),
    ],
)
def test_a_bomb_of_few_rows_meets_the_limit_of_memory(ids, letters, reason):
    """The number of rows is right, and says nothing of their size."""
    rows = pl.DataFrame({"item_id": ["A" * letters], "label": ["y"], "value": [0.0]})
    content = parquet(pl.concat([rows] * 4), compression="zstd", row_group_size=1)
    assert len(content) < 100_000
    begun = time.monotonic()
    with pytest.raises(RefusedError, match=reason):
        decode_predictions(content, ids, 4, ("y",))
    assert time.monotonic() - begun < 60


def test_a_process_that_takes_too_long_is_ended(frame, ids, monkeypatch):
    monkeypatch.setattr(decoding, "_WALL_TO_CPU", 0.001)
    assert "cannot be decoded" in refused(frame, ids)


def test_the_process_knows_nothing_of_its_surroundings(frame, ids, monkeypatch):
    monkeypatch.setenv("POLARS_VERBOSE", "1")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    found = decode_predictions(parquet(frame), ids, 50, LABELS)
    assert found.tobytes() == VALUES.tobytes()


HOSTILE = """
    for attempt in (
        lambda: open("/etc/hostname"),
        lambda: open("written", "w"),
        lambda: socket.socket(),
        lambda: os.pipe(),
    ):
        try:
            attempt()
        except OSError as error:
            assert error.errno == 24
        else:
            os._exit(0)
    _refuse("nothing could be opened")
"""


def test_the_process_can_open_nothing_once_it_reads(frame, ids, monkeypatch, tmp_path):
    """What a stranger's bytes might make of it: a copy of the program that turns hostile."""
    before = "    told = _rows(content)\n"
    program = decoding._PROGRAM.read_text()
    assert program.count(before) == 1
    hostile = tmp_path / "hostile.py"
    loaded = program.replace("import sys\n", "import os\nimport socket\nimport sys\n", 1)
    hostile.write_text(loaded.replace(before, HOSTILE))
    monkeypatch.setattr(decoding, "_PROGRAM", hostile)
    assert refused(frame, ids) == "predictions.parquet: nothing could be opened"


def test_no_more_than_a_few_are_decoded_at_once(frame, ids, monkeypatch):
    monkeypatch.setattr(decoding, "_PATIENCE", 0.1)
    locks = [
        FileLock(cache_folder("locks") / f"decoding-{number}.lock")
        for number in range(decoding.AT_ONCE)
    ]
    with ExitStack() as held:
        for lock in locks:
            held.enter_context(lock)
        with pytest.raises(RefusedError, match="this board is busy with other bundles") as found:
            decode_predictions(parquet(frame), ids, 50, LABELS)
        assert not isinstance(found.value, RefusedPredictionsError)
        locks[-1].release()
        assert decode_predictions(parquet(frame), ids, 50, LABELS).shape == (50, 2)
    # The turn is given back, also by what is refused.
    for _ in range(decoding.AT_ONCE + 1):
        refused(b"nothing", ids)


def test_limits_follow_from_the_number_of_rows(frame, ids, monkeypatch):
    orders = []

    def never(order, *_):
        orders.append(json.loads(order))
        return 1

    monkeypatch.setattr(decoding, "_run", never)
    for items in (50, 1_000_000):
        with pytest.raises(RefusedPredictionsError):
            decode_predictions(b"", ids, items, ("y",))
    few, many = orders
    assert (few["seconds"], many["seconds"]) == (5, 15)
    assert few["memory"] < many["memory"] < 2 * few["memory"]
