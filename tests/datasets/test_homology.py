"""Clusters of homologous sequences against counting words by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from genomark.datasets.homology import homology_clusters


def random_rna(random: np.random.Generator, n: int) -> str:
    return "".join(random.choice(list("ACGU"), n))


def changed(random: np.random.Generator, sequence: str, share: float) -> str:
    letters = list(sequence)
    for place in random.permutation(len(letters))[: round(share * len(letters))]:
        letters[place] = "ACGU"[("ACGU".index(letters[place]) + int(random.integers(1, 4))) % 4]
    return "".join(letters)


def words(sequence: str) -> Counter[str]:
    return Counter(sequence[first : first + 8] for first in range(len(sequence) - 7))


def by_hand(sequences: list[str]) -> np.ndarray:
    """Single linkage over multisets of words, pair by pair."""
    counted = [words(each) for each in sequences]
    near = np.zeros((len(sequences),) * 2)
    for a, one in enumerate(counted):
        for b, two in enumerate(counted[:a]):
            shorter = min(one.total(), two.total())
            shared = (one & two).total() - one.total() * two.total() / 4**8
            near[a, b] = shared > max(12, 0.8**8 * shorter) or sequences[a] == sequences[b]
    return connected_components(csr_matrix(near), directed=False)[1]


def same_partition(one: np.ndarray, two: np.ndarray) -> bool:
    pairs = set(zip(one.tolist(), two.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(two.tolist()))


def test_clusters_are_those_of_words_counted_pair_by_pair() -> None:
    random = np.random.default_rng(2)
    sequences = [random_rna(random, int(random.integers(5, 300))) for _ in range(40)]
    sequences += [changed(random, each, 0.1) for each in sequences[:20]]
    sequences += [each[10:] + random_rna(random, 30) for each in sequences[20:40]]
    sequences += ["A" * 60, "A" * 25, "ACGU" * 10, *sequences[:3]]
    found = homology_clusters(sequences)
    assert same_partition(found, by_hand(sequences))
    assert found[0] == 0
    # Numbers go up in the order in which clusters first occur, without gaps.
    _, first = np.unique(found, return_index=True)
    assert (np.diff(first) > 0).all()


def test_nine_tenths_are_linked_and_half_is_not() -> None:
    random = np.random.default_rng(4)
    sequence = random_rna(random, 200)
    near, far = changed(random, sequence, 0.1), changed(random, sequence, 0.5)
    assert homology_clusters([sequence, near, far]).tolist() == [0, 0, 1]
    # Two that have nothing in common are in one cluster through a third.
    other = random_rna(random, 200)
    assert homology_clusters([sequence, other, sequence + other]).tolist() == [0, 0, 0]
    assert homology_clusters([sequence, other]).tolist() == [0, 1]


def test_copies_are_one_and_the_other_strand_is_another_rna() -> None:
    sequence = "GGCGAAUACUCGUAGCUAGCAUCGAUCGACUAGCUUCG"
    other = sequence[::-1].translate(str.maketrans("ACGU", "UGCA"))
    spelled = sequence.lower().replace("u", "t")
    assert homology_clusters([sequence, other, spelled]).tolist() == [0, 1, 0]
    # Too short to have words: copies alone count.
    assert homology_clusters(["ACG", "ACGU", "ACG"]).tolist() == [0, 1, 0]
    assert homology_clusters([]).tolist() == []


def test_short_sequences_are_not_linked_by_chance() -> None:
    random = np.random.default_rng(6)
    sequences = [random_rna(random, int(random.integers(10, 60))) for _ in range(2000)]
    assert homology_clusters(sequences).max() + 1 == 2000
