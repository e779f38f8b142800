"""What a Result and Predictions keep: every digit, in every file, under a published schema."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.scoring import (
    PREDICTION_COLUMNS,
    SCHEMA_VERSION,
    BenchmarkIdentity,
    Comparison,
    Cost,
    Coverage,
    FailureCount,
    MetricRow,
    ModelIdentity,
    Rank,
    Result,
    predictions_digest,
    read_result,
    result_json,
    result_schema,
)

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "result.schema.json"

finite = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**53)
names = st.text(max_size=20)

metric_rows = st.builds(
    MetricRow,
    name=names,
    group=st.none() | names,
    value=st.none() | finite,
    reason_if_null=st.none() | names,
    interval=st.none() | st.tuples(finite, finite),
    method=names,
    n=counts,
    n_clusters=counts,
    unit=st.none() | names,
)
results = st.builds(
    Result,
    schema_version=st.just(SCHEMA_VERSION),
    benchmark=st.builds(BenchmarkIdentity, id=names, version=names, digest=names, title=names),
    model=st.builds(
        ModelIdentity, id=names, version=names, digest=names, notes=st.lists(names, max_size=3)
    ),
    metrics=st.lists(metric_rows, max_size=4),
    coverage=st.builds(
        Coverage,
        asked=counts,
        answered=counts,
        failed=st.lists(st.builds(FailureCount, reason=names, items=counts), max_size=2),
    ),
    seed=counts,
    settings=st.dictionaries(
        names, st.none() | counts | finite | names | st.lists(names, max_size=2), max_size=3
    ),
    environment=st.dictionaries(names, names, max_size=3),
    cost=st.builds(
        Cost,
        wall_seconds=finite,
        cpu_seconds=finite,
        peak_rss_bytes=counts,
        bytes_sent=counts,
        bytes_received=counts,
        tokens=st.none() | counts,
    ),
    predictions_digest=names,
    started=names,
    finished=names,
)


def example(**changes):
    row = MetricRow(
        name="pearson",
        group=None,
        value=0.1 + 0.2,
        reason_if_null=None,
        interval=(1 / 3, 2 / 3),
        method="95 % expanded percentile bootstrap, 1000 replicates over elements",
        n=41724,
        n_clusters=21,
    )
    result = Result(
        schema_version=SCHEMA_VERSION,
        benchmark=BenchmarkIdentity("kircher2019", "1", "d1", "effects of variants"),
        model=ModelIdentity("gc", "1", "d2"),
        metrics=[
            row,
            msgspec.structs.replace(
                row, group="F9", value=None, reason_if_null="constant prediction", interval=None
            ),
        ],
        coverage=Coverage(
            asked=41724, answered=41723, failed=[FailureCount("the answer is nan", 1)]
        ),
        seed=7,
        settings={"replicates": 1000, "headline": ["pearson"]},
        environment={"python": "3.11.7"},
        cost=Cost(1.5, 1.25, 10**8, 0, 0),
        predictions_digest="d3",
        started="2026-01-01T00:00:00.000+00:00",
        finished="2026-01-01T00:00:01.500+00:00",
    )
    return msgspec.structs.replace(result, **changes)


@given(results)
def test_a_result_comes_back_from_json_as_it_was(tmp_path_factory, result):
    path = tmp_path_factory.getbasetemp() / "result.json"
    path.write_bytes(result_json(result))
    assert read_result(path) == result


def test_every_digit_is_kept(tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(result_json(example()))
    row = read_result(path).metric("pearson")
    assert (row.value, row.interval) == (0.30000000000000004, (1 / 3, 2 / 3))


def test_json_is_for_people_and_for_other_readers():
    content = result_json(example())
    assert content.endswith(b"\n}\n")
    document = json.loads(content)
    assert document["schema_version"] == "1.0"
    assert document["metrics"][1] == {
        "name": "pearson",
        "group": "F9",
        "value": None,
        "reason_if_null": "constant prediction",
        "interval": None,
        "method": "95 % expanded percentile bootstrap, 1000 replicates over elements",
        "n": 41724,
        "n_clusters": 21,
        "unit": None,
    }
    assert content == json.dumps(document, indent=2).encode() + b"\n"


def test_the_same_result_is_the_same_bytes():
    assert result_json(example()) == result_json(example())


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"seed": 7', '"seed": "7"'),
        lambda text: text.replace('"seed": 7,', ""),
        lambda text: text.replace('"n": 41724', '"n": 0.5'),
    ],
    ids=["cut off", "wrong type", "missing", "not whole"],
)
def test_a_damaged_result_is_not_read(tmp_path, damage):
    path = tmp_path / "result.json"
    path.write_text(damage(result_json(example()).decode()))
    with pytest.raises(msgspec.DecodeError):
        read_result(path)


def test_what_a_later_version_adds_is_passed_over(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(result_json(example()).decode().replace('"seed": 7', '"new": 1, "seed": 7'))
    assert read_result(path) == example()


def test_a_row_is_found_by_name_and_group():
    result = example()
    assert result.metric("pearson") is result.metrics[0]
    assert result.metric("pearson", "F9") is result.metrics[1]
    with pytest.raises(KeyError):
        result.metric("pearson", "F8")
    with pytest.raises(KeyError):
        result.metric("spearman")


def test_comparisons_and_ranks_come_back_from_json():
    pair = Comparison("b", "mse", "m1", "m2", -0.25, (-0.5, 0.1), 12, tied=True)
    none = Comparison("b", "mse", "m1", "m2", -0.25, None, 12, tied=True)
    content = msgspec.json.encode([pair, none])
    assert msgspec.json.decode(content, type=list[Comparison]) == [pair, none]
    content = msgspec.json.encode(Rank("m1", 1, 2))
    assert msgspec.json.decode(content, type=Rank) == Rank("m1", 1, 2)


# The published schema


def test_the_published_schema_is_that_of_the_code():
    written = json.dumps(result_schema(), indent=2) + "\n"
    assert PUBLISHED.read_text() == written, (
        "Result has changed: raise SCHEMA_VERSION if old readers cannot read it, and write "
        f"json.dumps(result_schema(), indent=2) to {PUBLISHED.name}"
    )


def faults(value, schema, definitions, where="$"):
    """The part of JSON Schema that the published schema uses, read from the specification."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        tried = [list(faults(value, each, definitions, where)) for each in schema["anyOf"]]
        if all(tried):
            yield f"{where}: none of anyOf"
        return
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        yield f"{where}: not {schema['type']}"
        return
    if isinstance(value, dict):
        yield from (
            f"{where}.{key}: missing" for key in schema.get("required", ()) if key not in value
        )
        for key, each in schema.get("properties", {}).items():
            if key in value:
                yield from faults(value[key], each, definitions, f"{where}.{key}")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
            yield f"{where}: {len(value)} items"
        kinds_of_items = schema.get("prefixItems") or [schema.get("items") or {}] * len(value)
        for index, (each, kind) in enumerate(zip(value, kinds_of_items, strict=False)):
            yield from faults(each, kind, definitions, f"{where}[{index}]")


def faults_of(document):
    schema = json.loads(PUBLISHED.read_text())
    return list(faults(document, schema, schema["$defs"]))


@given(results)
def test_every_result_obeys_the_published_schema(result):
    assert faults_of(json.loads(result_json(result))) == []


def test_the_published_schema_refuses_what_is_no_result():
    document = json.loads(result_json(example()))
    assert faults_of({**document, "seed": "7"}) == ["$.seed: not integer"]
    assert faults_of({key: document[key] for key in document if key != "cost"}) == [
        "$.cost: missing"
    ]
    document["metrics"][0]["interval"] = [0.1]
    assert faults_of(document) == ["$.metrics[0].interval: none of anyOf"]


# The digest of predictions


def predictions(**changes):
    columns = {
        "item_id": ["v1", "v2", "v3"],
        "task": ["F9", "F9", "LDLR"],
        "value": [0.5, None, -1.25],
        "reason": [None, "missing from the answer", None],
    }
    return pl.DataFrame({**columns, **changes}, schema=PREDICTION_COLUMNS)


DIGEST = predictions_digest(predictions())


def test_equal_predictions_have_one_digest():
    assert predictions_digest(predictions()) == DIGEST
    assert len(DIGEST) == 32
    assert set(DIGEST) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "changes",
    [
        {"item_id": ["v1", "v2", "v4"]},
        {"item_id": ["v2", "v1", "v3"]},
        {"item_id": ["v1v", "2", "v3"]},
        {"task": ["F9", "F9", "F9"]},
        {"value": [0.5, None, math.nextafter(-1.25, 0)]},
        {"value": [0.5, 0.0, -1.25]},
        {"value": [None, 0.5, -1.25]},
        {"value": [-1.25, None, 0.5]},
    ],
)
def test_any_other_id_task_or_value_has_another(changes):
    assert predictions_digest(predictions(**changes)) != DIGEST


def test_one_item_less_or_more_has_another():
    assert predictions_digest(predictions()[:2]) != DIGEST
    assert predictions_digest(pl.concat([predictions(), predictions()[:1]])) != DIGEST
    assert predictions_digest(predictions().clear()) != DIGEST


@given(
    st.lists(st.tuples(names, names, st.none() | finite), max_size=6),
    st.lists(st.tuples(names, names, st.none() | finite), max_size=6),
)
def test_two_digests_are_equal_for_equal_rows_alone(some, others):
    columns = ["item_id", "task", "value"]
    kinds = {name: PREDICTION_COLUMNS[name] for name in columns}
    first, second = (
        predictions_digest(pl.DataFrame(rows, schema=kinds, orient="row"))
        for rows in (some, others)
    )
    assert (first == second) == (repr(some) == repr(others))


def test_the_wording_of_a_reason_is_not_a_prediction():
    assert predictions_digest(predictions(reason=[None, "refused", None])) == DIGEST


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "uncompressed"])
@pytest.mark.parametrize("row_group_size", [1, 2, None])
def test_the_file_does_not_matter(tmp_path, compression, row_group_size):
    path = tmp_path / "predictions.parquet"
    predictions().write_parquet(path, compression=compression, row_group_size=row_group_size)
    assert predictions_digest(pl.read_parquet(path)) == DIGEST


def test_chunks_and_the_order_of_columns_do_not_matter():
    chunks = pl.concat([predictions()[:1], predictions()[1:]], rechunk=False)
    assert chunks.n_chunks() == 2
    assert predictions_digest(chunks) == DIGEST
    assert predictions_digest(predictions().select(*reversed(PREDICTION_COLUMNS))) == DIGEST
