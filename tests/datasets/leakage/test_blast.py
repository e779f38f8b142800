"""The nearest training sequence as BLAST finds it, beside genomark's own screen."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from genomark.datasets.genome import reverse_complement
from genomark.datasets.leakage import nearest, nearest_by_blast
from genomark.errors import UsageError

installed = pytest.mark.skipif(shutil.which("blastn") is None, reason="BLAST+ is not installed")


def letters(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(list("ACGT"), n))


@installed
def test_both_find_the_same_copies_at_the_same_places() -> None:
    rng = np.random.default_rng(0)
    train = [letters(rng, 200) for _ in range(50)]
    # Whole and as RNA, a part, a part of the other strand, nothing.
    test = [
        train[7].replace("T", "U"),
        "G" + train[3][50:170],
        reverse_complement(train[9])[20:120],
    ]
    test += [letters(rng, 150), ""]
    theirs, ours = nearest_by_blast(test, train), nearest(test, train)
    assert theirs.train.tolist() == [7, 3, 9, -1, -1]
    assert theirs.strand.tolist() == [1, 1, -1, 0, 0]
    assert theirs.identity.tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    for name in ("train", "strand", "test_end", "train_start", "train_end", "columns"):
        mine, other = getattr(ours, name)[[0, 2]], getattr(theirs, name)[[0, 2]]
        assert mine.tolist() == other.tolist(), name
    assert theirs.test_end[1] == 121
    assert (theirs.train_start[2], theirs.train_end[2]) == (80, 180)
    assert theirs.similarity[2] == 1.0
    assert theirs.coverage[0] == 1.0


@installed
def test_a_long_alignment_hides_no_better_one_that_is_shorter() -> None:
    rng = np.random.default_rng(3)
    sequence = letters(rng, 200)
    # Every fifth letter and some more are others, in all of it.
    long = "".join(
        "ACGT"["TGCA".index(letter)] if place % 9 in (0, 4) else letter
        for place, letter in enumerate(sequence)
    )
    found = nearest_by_blast([sequence], [long, sequence[40:141]], identity=0.8)
    assert found.leaked.tolist() == [True]
    assert nearest_by_blast([sequence], [long]).leaked.tolist() == [False]
    assert nearest_by_blast([sequence], [sequence[40:100]]).similarity.tolist() == [0.3]
    assert nearest_by_blast([sequence], [sequence[40:100]]).leaked.tolist() == [False]
    assert nearest_by_blast([sequence], [sequence[40:100]], coverage=0.3).leaked.tolist() == [True]


@installed
def test_one_strand_alone_is_looked_at_where_that_is_asked() -> None:
    rng = np.random.default_rng(1)
    train = [letters(rng, 200)]
    test = [reverse_complement(train[0])]
    assert nearest_by_blast(test, train).train.tolist() == [0]
    assert nearest_by_blast(test, train, both_strands=False).train.tolist() == [-1]


@installed
def test_of_copies_the_first_is_told() -> None:
    sequence = letters(np.random.default_rng(2), 100)
    assert nearest_by_blast([sequence], [sequence[:60], sequence, sequence]).train.tolist() == [1]


def test_without_blast_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"makeblastdb and blastn not found: install NCBI BLAST\+"):
        nearest_by_blast(["ACGT"], ["ACGT"])


@installed
def test_what_blast_refuses_is_told_in_a_line() -> None:
    with pytest.raises(UsageError, match="makeblastdb failed: "):
        nearest_by_blast(["ACGT" * 20], ["!" * 80])
