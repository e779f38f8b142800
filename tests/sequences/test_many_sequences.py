"""Files of more sequences than are looked at side by side."""

from __future__ import annotations

import tracemalloc

import numpy as np
import polars as pl
import pytest

from genomark.errors import UsageError
from genomark.sequences import columns
from genomark.sequences.files import read_labelled


def written(path, sequences: list[str]):
    pl.DataFrame({"seq": sequences, "y": np.arange(float(len(sequences))) / 7}).write_csv(path)
    return path


def test_a_strange_letter_is_named_by_its_row_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_AT_ONCE", 4)
    sequences = ["ACGT"] * 10
    sequences[8] = "AC-T"
    with pytest.raises(UsageError, match=r"row 9: column 'seq': '-' at position 3"):
        read_labelled(written(tmp_path / "a.csv", sequences))


@pytest.mark.parametrize("at_once", [1, 3, 4096])
def test_sequences_do_not_depend_on_how_many_are_looked_at(at_once, tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_AT_ONCE", at_once)
    sequences = ["acgt", " ACGU ", "NNRY", "GG"]
    found = read_labelled(written(tmp_path / "a.csv", sequences))
    assert found.sequences == ("ACGT", "ACGU", "NNRY", "GG")


def test_sequences_are_held_once_while_they_are_read(tmp_path):
    n, bases = 4_000, 1_000
    letters = np.random.default_rng(5).choice(np.frombuffer(b"ACGT", np.uint8), (n, bases))
    path = written(tmp_path / "a.csv", [row.tobytes().decode() for row in letters])
    read_labelled(path)
    tracemalloc.start()
    try:
        found = read_labelled(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == n
    # The bytes of the file, the strings, and a block of them joined: not a list of cells beside.
    assert most < 4.5 * n * bases


def test_a_file_that_is_not_ascii_is_still_checked(tmp_path):
    (tmp_path / "a.csv").write_bytes("seq,y,note\nACGT,1,Zürich\nACGT,0,\n".encode("latin-1"))
    with pytest.raises(UsageError, match="line 2: not UTF-8"):
        read_labelled(tmp_path / "a.csv")


def test_blank_lines_are_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text("seq,y\nACGT,1.5\n\nTTTT,0.5\n\n")
    assert read_labelled(tmp_path / "a.csv").sequences == ("ACGT", "TTTT")
