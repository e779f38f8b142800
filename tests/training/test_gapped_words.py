"""Words with gaps against a count that reads them off one by one."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from training_tasks import random_sequences

from genomark.models.kmer import Kmer
from genomark.training.gapped_words import GappedWords, gapped_width

_OTHER = str.maketrans("ACGT", "TGCA")


def read_off(sequence: str, span: int, informative: int, *, merged: bool) -> Counter[str]:
    """Words as they are written, a dot in each gap; the first of a word and its reverse."""
    found: Counter[str] = Counter()
    for rest in combinations(range(1, span), informative - 1):
        places = (0, *rest)
        for start in range(len(sequence) - places[-1]):
            window = sequence[start : start + places[-1] + 1]
            word = "".join(b if i in places else "." for i, b in enumerate(window))
            if set(word) <= set("ACGT."):
                other = word[::-1].translate(_OTHER)
                found[min(word, other) if merged else word] += 1
    return found


def columns(table: np.ndarray) -> Counter[tuple[float, ...]]:
    """Columns that are not all 0; in which order they stand does not matter."""
    return Counter(tuple(column) for column in table.T.tolist() if any(column))


@pytest.mark.parametrize(
    ("span", "informative", "merged"),
    [(6, 4, True), (6, 4, False), (5, 5, True), (4, 2, True), (3, 1, True), (8, 3, True)],
)
def test_counts_are_those_of_words_read_off_one_by_one(span, informative, merged):
    sequences = [*random_sequences(30, 5, (3, 60)), "ACGTACGTACGTNNACG", "A" * 20, "ACG"]
    counts = GappedWords(span, informative, merged=merged).counts(sequences)
    told = [read_off(each, span, informative, merged=merged) for each in sequences]
    words = sorted(set().union(*told))
    expected = np.array([[each[word] for word in words] for each in told])
    assert columns(counts) == columns(expected)


@pytest.mark.parametrize(("span", "informative"), [(5, 5), (6, 4), (8, 4), (4, 1)])
def test_there_is_a_column_for_every_word_and_no_more(span, informative):
    words = set()
    for rest in combinations(range(1, span), informative - 1):
        places = (0, *rest)
        for each in product("ACGT", repeat=informative):
            word = ["."] * (places[-1] + 1)
            for place, base in zip(places, each, strict=True):
                word[place] = base
            written = "".join(word)
            words.add(min(written, written[::-1].translate(_OTHER)))
    assert GappedWords(span, informative).width == len(words)
    single = GappedWords(span, informative, merged=False).width
    assert single == gapped_width(span, informative)


def test_words_without_gaps_are_the_columns_of_kmer():
    sequences = random_sequences(20, 1, (4, 80))
    for strands in ("merged", "single"):
        words = GappedWords(5, 5, merged=strands == "merged")
        np.testing.assert_array_equal(words.counts(sequences), Kmer(5, strands).features(sequences))


def test_the_other_strand_has_the_same_words():
    sequences = random_sequences(20, 2)
    reverse = [each[::-1].translate(_OTHER) for each in sequences]
    words = GappedWords(7, 4)
    np.testing.assert_array_equal(words.counts(sequences), words.counts(reverse))


def test_rna_is_read_as_dna():
    words = GappedWords(4, 3)
    np.testing.assert_array_equal(words.counts(["GUUCAGU"]), words.counts(["GTTCAGT"]))


def test_shares_add_up_to_one_and_to_nothing_where_no_word_fits():
    shares = GappedWords(6, 4).shares(["ACGTTGCAAT", "AC", "NNNNNNNNNN"])
    np.testing.assert_allclose(shares.sum(axis=1), [1, 0, 0], rtol=1e-6)


def test_sums_are_shares_times_weights_and_the_same_in_any_batch():
    sequences = [*random_sequences(40, 3, (2, 70)), "N" * 12]
    words = GappedWords(6, 4)
    weights = np.random.default_rng(0).normal(size=(3, words.width))
    sums = words.sums(sequences, weights)
    np.testing.assert_allclose(sums, words.shares(sequences) @ weights.T, atol=1e-6)
    alone = np.concatenate([words.sums([each], weights) for each in sequences])
    np.testing.assert_array_equal(sums, alone)
