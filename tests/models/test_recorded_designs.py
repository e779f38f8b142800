"""Files of designs: tables and the JSON of OmniGenBench, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from genomark.errors import PredictionFileError
from genomark.models import load_model

ITEMS = pl.DataFrame({"item_id": ["1", "2"], "structure": ["((...))", "(((...)))"]})


def designs(path: Path, *, allow_missing: bool = False) -> list[list[str]]:
    model = load_model(f"file:{path}", allow_missing=allow_missing)
    assert model.designs_items("rna/toy", ITEMS)
    return model.design_items(ITEMS)


def table(folder: Path, text: str) -> Path:
    path = folder / "designs.csv"
    path.write_text(text)
    return path


def solved(folder: Path, content: object) -> Path:
    path = folder / "solved.json"
    path.write_text(json.dumps(content))
    return path


def test_a_table_has_a_row_a_sequence_and_the_best_first(tmp_path: Path) -> None:
    path = table(tmp_path, "item_id,sequence\n2,GGGAAACCC\n1,ggtttcc\n2,CCCAAAGGG\n")
    assert designs(path) == [["GGUUUCC"], ["GGGAAACCC", "CCCAAAGGG"]]


def test_an_empty_sequence_is_none(tmp_path: Path) -> None:
    assert designs(table(tmp_path, "item_id,sequence\n2,GGGAAACCC\n1,\n")) == [[], ["GGGAAACCC"]]


def test_parquet_and_ids_that_are_numbers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "designs.parquet"
    frame = pl.DataFrame({"item_id": [1, 2], "sequence": ["GGAAACC", None], "mfe": [-1.0, None]})
    frame.write_parquet(path)
    assert designs(path) == [["GGAAACC"], []]


def test_a_table_of_predictions_is_not_one_of_designs(tmp_path: Path) -> None:
    model = load_model(f"file:{table(tmp_path, 'item_id,value' + chr(10) + '1,0.5')}")
    assert not model.designs_items("rna/toy", ITEMS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("item_id,sequence\n1,A\n2,A\n3,A\n", "'rna/toy' has no puzzle '3' .* its first is '1'"),
        ("item_id,sequence\n1,A\n", "1 of the 2 puzzles of 'rna/toy' are missing, first '2'"),
        ("item_id,sequence\n,A\n", "column 'item_id', row 1: expected an id"),
        ("puzzle,sequence\n1,A\n", "no column 'item_id'"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PredictionFileError, match=told):
        designs(table(tmp_path, text))


def test_sequences_that_are_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "designs.parquet"
    pl.DataFrame({"item_id": ["1"], "sequence": [7]}).write_parquet(path)
    with pytest.raises(PredictionFileError, match=r"column 'sequence', row 1: .* found '7'"):
        designs(path)


def test_missing_puzzles_can_be_allowed(tmp_path: Path) -> None:
    path = table(tmp_path, "item_id,sequence\n1,GGAAACC\n")
    assert designs(path, allow_missing=True) == [["GGAAACC"], []]


def test_the_json_of_omnigenbench_is_known_by_structure(tmp_path: Path) -> None:
    told = {"sequence": "CCGAACGG", "structure": "((...))"}
    content = {
        "((...))": {**told, "best_sequence": ["GGTTTCC", "CCAAAGG"]},
        "....": {**told, "best_sequence": ["AAAA"]},
        "(((...)))": {**told, "best_sequence": []},
    }
    assert designs(solved(tmp_path, content)) == [["GGUUUCC", "CCAAAGG"], []]


def test_structures_missing_from_the_json_are_told(tmp_path: Path) -> None:
    content = {"((...))": {"best_sequence": ["GGTTTCC"]}}
    with pytest.raises(PredictionFileError, match=r"1 of the 2 puzzles .* first '2'"):
        designs(solved(tmp_path, content))
    allowed = designs(solved(tmp_path, content), allow_missing=True)
    assert allowed == [["GGUUUCC"], []]


def test_an_entry_that_is_not_like_the_first_is_told(tmp_path: Path) -> None:
    content = {"((...))": {"best_sequence": ["GGTTTCC"]}, "(((...)))": {"best_sequence": "GGG"}}
    with pytest.raises(PredictionFileError, match=r"solved.json: expected lists `best_sequence`"):
        designs(solved(tmp_path, content))


@pytest.mark.parametrize("content", [[], {}, {"prediction_tasks": []}, {"a": {"b": 1}}, "x"])
def test_other_json_is_not_of_designs(tmp_path: Path, content: object) -> None:
    model = load_model(f"file:{solved(tmp_path, content)}")
    assert not model.designs_items("rna/toy", ITEMS)
