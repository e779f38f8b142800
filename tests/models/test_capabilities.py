"""What a model can be asked is told from its methods; a training split from its content."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models import (
    ItemPredictor,
    Predictor,
    Trainable,
    TrainingSplit,
    as_model,
    load_model,
)
from genomark.scoring import ModelIdentity


@pytest.mark.parametrize(
    ("spec", "capability"),
    [
        ("gc", Predictor),
        ("cpg", Predictor),
        ("kmer", Trainable),
        ("motif", Trainable),
        ("control:random", ItemPredictor),
        ("control:oracle", ItemPredictor),
    ],
)
def test_each_model_has_one_capability(spec: str, capability: type) -> None:
    model = load_model(spec)
    found = [each for each in (Predictor, ItemPredictor, Trainable) if isinstance(model, each)]
    assert found == [capability]


def test_nothing_has_to_be_inherited_from() -> None:
    class Own:
        info = ModelIdentity(id="own", version="1", digest="d")

        def predict(self, request: object) -> object:
            return request

    model = Own()
    assert isinstance(model, Predictor)
    assert as_model(model) is model


def test_only_the_oracle_reads_answers() -> None:
    assert load_model("control:oracle").reads_answers is True
    assert load_model("control:random").reads_answers is False


def make_split(sequences: list[str], values: list[float], groups: list[str]) -> TrainingSplit:
    return TrainingSplit("name", sequences, np.array(values), groups)


def test_a_split_is_its_sequences_values_and_groups() -> None:
    one = make_split(["ACGT", "GG"], [1.0, 2.0], ["a", "b"])
    same = TrainingSplit("another name", ["ACGT", "GG"], np.array([1, 2]), ["a", "b"], dropped=3)
    assert one.digest == same.digest
    assert same.values.dtype == np.float64
    others = [
        make_split(["ACGA", "GG"], [1.0, 2.0], ["a", "b"]),
        make_split(["ACGT", "GG"], [1.0, 2.0 + 1e-15], ["a", "b"]),
        make_split(["ACGT", "GG"], [1.0, 2.0], ["a", "a"]),
        make_split(["GG", "ACGT"], [2.0, 1.0], ["b", "a"]),
        make_split(["ACG", "TGG"], [1.0, 2.0], ["a", "b"]),
        make_split(["ACGT"], [1.0], ["a"]),
    ]
    assert len({split.digest for split in [one, *others]}) == len(others) + 1


@given(st.lists(st.tuples(st.text("ACGT", max_size=5), st.floats(-5, 5), st.text("ab"))))
def test_a_split_has_the_digest_of_an_equal_one(rows: list[tuple[str, float, str]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    again = pl.DataFrame(
        columns, schema={"sequence": pl.String, "value": pl.Float64, "group": pl.String}
    )
    assert (
        make_split(*columns).digest
        == TrainingSplit(
            "name",
            again["sequence"].to_list(),
            again["value"].to_numpy(),
            again["group"].to_list(),
        ).digest
    )
