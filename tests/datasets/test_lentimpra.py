"""The lentiMPRA samples as tables, against the files read line by line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from genomark.datasets.lentimpra import NAME, read_sample, training_table
from genomark.errors import DatasetError, UnknownNameError

FILES = ("sample_train.txt", "sample_valid.txt", "sample_test.txt")

# The 15 bases on each side that all sequences of the library share (Agarwal et al. 2025).
LEFT, RIGHT = "AGGACCGGATCAACT", "CATTGCGTGAACCGA"


@pytest.fixture
def samples(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the samples lie in the mirror, which is in use."""
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))
    return mirror / NAME


def lines_of(file: Path) -> list[list[str]]:
    header, *lines = file.read_text().splitlines()
    assert header.split("\t") == ["seq_id", "seq", "mean_value", "fold"]
    return [line.split("\t") for line in lines]


@pytest.mark.parametrize("file", FILES)
def test_a_sample_is_read_as_it_is(samples: Path, file: str) -> None:
    lines = lines_of(samples / file)
    table = read_sample(file)
    assert table.columns == ["seq_id", "seq", "mean_value", "fold", "element"]
    assert table.height == 1000 == len(lines)
    assert table["seq_id"].to_list() == [line[0] for line in lines]
    assert table["seq"].to_list() == [line[1] for line in lines]
    assert table["mean_value"].to_list() == [float(line[2]) for line in lines]
    assert table["fold"].to_list() == [int(line[3]) for line in lines]
    assert table["element"].to_list() == [line[0].partition("_")[0] for line in lines]


@pytest.mark.parametrize("file", FILES)
def test_every_sequence_has_200_bases_between_its_adapters(samples: Path, file: str) -> None:
    for sequence in read_sample(file)["seq"]:
        assert len(sequence) == 230
        assert sequence.startswith(LEFT)
        assert sequence.endswith(RIGHT)
        assert set(sequence) <= set("ACGTN")


def test_training_leaves_out_what_is_tested(samples: Path) -> None:
    train, valid, test = (lines_of(samples / file) for file in FILES)
    tested = {line[0].partition("_")[0] for line in test}
    kept = [line for line in train + valid if line[0].partition("_")[0] not in tested]
    table, dropped = training_table()
    assert dropped == 86
    assert table["seq_id"].to_list() == [line[0] for line in kept]
    assert table.height == 1914
    assert not set(table["element"]) & tested
    # Not even under another name.
    assert not set(table["seq"]) & {line[1] for line in test}


def test_ids_tell_the_orientation(samples: Path) -> None:
    ends = Counter(name.partition("_")[2] for name in read_sample(FILES[0])["seq_id"])
    assert set(ends) == {"F", "Reversed:"}
    assert min(ends.values()) > 400


def test_an_unknown_sample_is_told() -> None:
    with pytest.raises(UnknownNameError, match="sample_train"):
        read_sample("sample_trian.txt")


@pytest.mark.usefixtures("no_data")
def test_without_data_it_says_what_is_missing() -> None:
    with pytest.raises(DatasetError, match=NAME):
        training_table()
