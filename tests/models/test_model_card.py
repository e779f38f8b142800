"""Model cards beside files of predictions."""

from __future__ import annotations

from pathlib import Path

import pytest

from genomark.errors import PredictionFileError
from genomark.models import load_model
from genomark.models.model_card import card_of, read_card
from genomark.models.training_data import (
    UNKNOWN,
    NamedTraining,
    TrainingRegions,
    TrainingSequences,
    declared_training,
)

CARD = """\
name = "DREAM-RNN"
version = "1.2"
description = "An ensemble of nine."
authors = ["A. Nother", "B. Other"]
publication = "Nat Biotechnol 43:1373"
licence = "MIT"

[training_data]
kind = "regions"
source = "folds.bed"
assembly = "hg38"
training = ["train"]
"""


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    (tmp_path / "preds.csv").write_text("item_id,value\na,1\n")
    (tmp_path / "folds.bed").write_text("chr1\t0\t10\ttrain\n")
    return tmp_path / "preds.csv"


def beside(predictions: Path, text: str) -> Path:
    card = predictions.with_name("preds.csv.card.toml")
    card.write_text(text)
    return card


def test_a_card_is_read_with_paths_from_where_it_lies(predictions):
    beside(predictions, CARD)
    card = card_of(predictions)
    assert card is not None
    assert (card.name, card.version, card.licence) == ("DREAM-RNN", "1.2", "MIT")
    assert card.authors == ("A. Nother", "B. Other")
    assert card.training_data == TrainingRegions(
        str(predictions.parent / "folds.bed"), "hg38", ("train",)
    )


def test_without_a_card_nothing_is_known(predictions):
    assert card_of(predictions) is None
    assert declared_training(load_model(f"file:{predictions}")) == UNKNOWN


def test_a_card_changes_what_is_told_and_neither_id_nor_digest(predictions):
    before = load_model(f"file:{predictions}").info
    beside(predictions, CARD)
    model = load_model(f"file:{predictions}")
    assert (model.info.id, model.info.digest) == (before.id, before.digest)
    assert model.info.version == "1.2"
    assert model.info.notes == [
        *before.notes,
        "DREAM-RNN 1.2",
        "An ensemble of nine.",
        "by A. Nother, B. Other",
        "Nat Biotechnol 43:1373",
        "licence: MIT",
    ]
    assert isinstance(declared_training(model), TrainingRegions)


def test_a_set_is_enough(predictions):
    beside(predictions, 'training_data = "enformer"\n')
    assert declared_training(load_model(f"file:{predictions}")) == NamedTraining("enformer")


def test_a_card_of_a_recorded_response_is_read_too(tmp_path):
    (tmp_path / "r.json").write_text('{"prediction_tasks": []}')
    source = 'training_data = { kind = "sequences", source = "https://example.org/a.fa" }\n'
    (tmp_path / "r.json.card.toml").write_text(source)
    found = declared_training(load_model(f"file:{tmp_path / 'r.json'}"))
    assert found == TrainingSequences("https://example.org/a.fa")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not TOML"),
        ('nome = "x"', "nome"),
        ("name = 3", "name"),
        ('authors = "A. Nother"', "authors"),
        ('training_data = "all of it"', "all of it"),
        ('training_data = "enfomer"', "No training set named 'enfomer'. Did you mean 'enformer'"),
        (
            '[training_data]\nkind = "own-split"\nname = "x"\nsequences = 1\n',
            "own-split.*kind = one of unknown, none, regions, sequences, set",
        ),
        (
            '[training_data]\nkind = "regions"\nsource = "folds.bed"\nassembly = "hg99"\n',
            "No assembly named 'hg99'",
        ),
        ('[training_data]\nkind = "sequences"\nsource = "gone.fa"\n', r"no file \S*gone\.fa; put"),
        ('[training_data]\nkind = "regions"\nsource = "a.bed"\n', "assembly"),
        ('[training_data]\nkind = "set"\nname = "borzoi"\n', "borzoi-folds"),
        (b"\xff\xfe", "not TOML"),
    ],
)
def test_a_malformed_card_is_one_clear_line(predictions, text, says):
    card = predictions.with_name("preds.csv.card.toml")
    card.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PredictionFileError, match=says) as raised:
        load_model(f"file:{predictions}")
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(str(card))


def test_a_card_without_end_is_refused(tmp_path):
    (tmp_path / "big.toml").write_text("#" * ((1 << 20) + 1))
    with pytest.raises(PredictionFileError, match="more than 1,048,576 bytes"):
        read_card(tmp_path / "big.toml")
