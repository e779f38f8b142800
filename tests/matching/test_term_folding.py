"""Spellings of one thing are one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.matching.folding import folded, key, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CD8+ T-Lymphocytes", "cd8 positive t lymphocyte"),
        ("CD8-positive T lymphocyte", "cd8 positive t lymphocyte"),
        ("CD4+CD25- T cells", "cd4 positive cd25 negative t cell"),
        ("TNFα, IL-1β", "tnfalpha il 1beta"),
        ("leukaemia tumour oesophagus", "leukemia tumor esophagus"),
        ("foetal haematopoietic", "fetal hematopoietic"),
        ("naïve monocytes", "naive monocyte"),
        ("ovaries and testis", "ovary and testis"),
        ("plexus, pancreas, virus", "plexus pancreas virus"),
    ],
)
def test_words_are_spelled_in_one_way(text, expected):
    assert folded(text) == expected


@pytest.mark.parametrize("text", ["SK-N-SH", "SKNSH", "sk n sh", "Sk–N–Sh"])
def test_names_of_lines_are_known_by_letters_and_digits(text):
    assert key(text) == "sknsh"


@given(st.text(max_size=200))
def test_any_text_is_folded_and_folding_it_again_changes_nothing(text):
    once = folded(text)
    assert once == once.casefold()
    assert key(text).isascii()
    assert all(word.isalnum() for word in words(text))
