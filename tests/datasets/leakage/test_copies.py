"""Sequences that are there letter by letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from planted_copies import other_strand

from genomark.datasets.leakage.copies import copies

WORDS = st.lists(st.text("ACGT", max_size=3), max_size=12)


@given(WORDS, WORDS)
def test_the_first_copy_counts_on_whichever_strand(test: list[str], train: list[str]) -> None:
    rows, is_other = copies(test, train, both_strands=True)
    single, never = copies(test, train, both_strands=False)
    for item, sequence in enumerate(test):
        same = train.index(sequence) if sequence in train else -1
        turned = other_strand(sequence)
        other = train.index(turned) if turned in train else -1
        found = [row for row in (same, other) if row >= 0]
        assert rows[item] == min(found, default=-1)
        assert is_other[item] == (bool(found) and same != min(found))
        assert single[item] == same
    assert not never.any()


def test_small_letters_and_those_of_rna_are_the_same() -> None:
    rows, is_other = copies(["acgu", "NNA", "ACG"], ["ACGT", "nna", "CGT"], both_strands=True)
    assert rows.tolist() == [0, 1, 2]
    assert is_other.tolist() == [False, False, True]
