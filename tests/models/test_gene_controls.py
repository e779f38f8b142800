"""Vectors that know nothing: normal, the same for the same name, and different for others."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import issparse
from scipy.stats import kstest, norm

from genomark.errors import UsageError
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes.controls import OneHotGenes, RandomGenes

NAMES = [f"GENE{number}" for number in range(4_000)]


def test_random_vectors_are_standard_normal_and_independent() -> None:
    vectors = np.asarray(RandomGenes(16).gene_table(NAMES).vectors, dtype=np.float64)
    assert kstest(vectors.ravel(), "norm").pvalue > 1e-3
    # Products of independent normals: mean 0, variance 1 / n.
    between_dimensions = (vectors.T @ vectors / len(vectors))[np.triu_indices(16, 1)]
    assert abs(between_dimensions).max() < norm.isf(1e-5) / np.sqrt(len(vectors))
    next_names = (vectors[1:] * vectors[:-1]).mean()
    assert abs(next_names) < norm.isf(1e-4) / np.sqrt(vectors[1:].size)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_name_has_one_vector_in_any_company(names: list[str], random: object) -> None:
    model = RandomGenes(3)
    whole = model.gene_table(names)
    assert list(whole.names) == list(dict.fromkeys(names))
    shuffled = names[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = model.gene_table(shuffled)
    for name in names:
        expected = whole.vectors[whole.rows([name])[0]]
        assert (model.gene_table([name]).vectors[0] == expected).all()
        assert (other.vectors[other.rows([name])[0]] == expected).all()


def test_random_vectors_by_the_definition() -> None:
    # splitmix64 as published, one number at a time.
    state = int.from_bytes(hashlib.blake2b(b"3\nsymbol\nTP53", digest_size=8).digest(), "little")
    mask = 2**64 - 1
    expected = []
    for _ in range(5):
        state = (state + 0x9E3779B97F4A7C15) & mask
        word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
        word ^= word >> 31
        expected.append(norm.ppf((word >> 12) * 2.0**-52 + 2.0**-53))
    table = RandomGenes(5, seed=3).gene_table(["TP53"])
    np.testing.assert_allclose(table.vectors[0], expected, rtol=1e-6)


def test_seed_kind_and_dimensions_make_other_vectors() -> None:
    base = RandomGenes(4)
    first = base.gene_table(["A"]).vectors
    assert (RandomGenes(4, seed=1).gene_table(["A"]).vectors != first).all()
    assert (base.gene_table(["A"], "diseaseId").vectors != first).all()
    assert RandomGenes().info.id == "control:random"
    assert RandomGenes(4, 1).info.id == "control:random,dimensions=4,seed=1"
    assert len({model.info.digest for model in (base, RandomGenes(), RandomGenes(4, 1))}) == 3
    assert isinstance(base, GeneEmbedder)
    with pytest.raises(UsageError, match="dimensions must be at least 1, not 0"):
        RandomGenes(0)


def test_digests_are_of_names_too() -> None:
    for model in (RandomGenes(), OneHotGenes()):
        digests = {
            model.gene_table(names, kind).digest
            for names in (["A", "B"], ["B", "A"], ["AB"])
            for kind in ("symbol", "diseaseId")
        }
        assert len(digests) == 6
        assert model.gene_table(["A", "B", "A"]).digest == model.gene_table(["A", "B"]).digest


def test_one_hot_is_the_identity() -> None:
    model = OneHotGenes()
    assert isinstance(model, GeneEmbedder)
    table = model.gene_table(["B", "A", "B", "C"])
    assert list(table.names) == ["B", "A", "C"]
    assert issparse(table.vectors)
    assert table.vectors.dtype == np.float32
    np.testing.assert_array_equal(table.vectors.toarray(), np.eye(3))
