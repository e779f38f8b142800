"""Which hits of a search link two sequences, and what hits are handed on."""

from __future__ import annotations

import random

import numpy as np
import pytest
from planted_copies import family, other_strand, random_sequence, substituted

from genomark.datasets.leakage.hits import Hits, for_hits
from genomark.datasets.leakage.links import Alike, links
from genomark.errors import UsageError


def linked(ours: list[str], theirs: list[str], alike: Alike) -> list[tuple[int, int]]:
    found = links(ours, theirs, alike, threads=1)
    return sorted(zip(found.one.tolist(), found.other.tolist(), strict=True))


@pytest.fixture
def draw() -> random.Random:
    return random.Random(0)


def test_coverage_is_of_the_shorter_on_either_side(draw: random.Random) -> None:
    short = random_sequence(draw, 60)
    long = random_sequence(draw, 200) + short + random_sequence(draw, 200)
    assert linked([short], [long], Alike()) == [(0, 0)]
    assert linked([long], [short], Alike()) == [(0, 0)]
    half = random_sequence(draw, 100) + short[:40] + random_sequence(draw, 100)
    assert linked([short], [half], Alike(coverage=0.6)) == [(0, 0)]
    assert linked([half], [short], Alike(coverage=0.8)) == []


def test_identity_is_that_of_the_alignment(draw: random.Random) -> None:
    known = random_sequence(draw, 200)
    changed = substituted(draw, known, 0.15)
    assert linked([changed], [known], Alike(identity=0.8)) == [(0, 0)]
    assert linked([changed], [known], Alike(identity=0.95)) == []
    found = links([changed], [known], Alike(identity=0.95), threads=1)
    # What is not linked still tells how similar the two sides are.
    assert found.largest == pytest.approx(0.85, abs=0.03)


def test_similarity_is_of_the_shorter(draw: random.Random) -> None:
    known = random_sequence(draw, 200)
    part = substituted(draw, known[50:150], 0.1)
    found = links([part], [known], Alike(), threads=1)
    assert found.similarity.tolist() == [found.largest]
    assert found.largest == pytest.approx(0.9, abs=0.02)


def test_a_reverse_complement_is_linked_where_both_strands_count(draw: random.Random) -> None:
    known = random_sequence(draw, 100)
    pair = ([known], [other_strand(known)])
    assert linked(*pair, Alike()) == [(0, 0)]
    assert linked(*pair, Alike(both_strands=False)) == []


def test_nothing_is_linked_in_nothing() -> None:
    found = links([], None, Alike(), threads=1)
    assert (found.one.size, found.other.size, found.largest) == (0, 0, 0.0)


def test_all_members_of_a_family_are_hits_up_to_what_is_kept(draw: random.Random) -> None:
    train = family(draw, 12) + [random_sequence(draw, 150) for _ in range(12)]
    test = [substituted(draw, train[0], 0.02)]
    for kept in (4, 20):
        (hits,) = for_hits(test, train, lambda hits: hits, kept=kept)
        assert set(hits.pairs.test.tolist()) == {0}
        assert len(hits.pairs.train) == min(kept, 12)
        assert (hits.pairs.train < 12).all()
        assert (np.asarray(hits.scores) > 60).all()


def test_hits_come_in_the_order_of_test_sequences(draw: random.Random) -> None:
    train = [random_sequence(draw, 60) for _ in range(2_500)]

    def rows(hits: Hits) -> list[int]:
        assert (np.diff(hits.pairs.test) >= 0).all()
        return hits.pairs.test.tolist()

    parts = list(for_hits(train, train, rows, kept=1, threads=3))
    assert len(parts) == 2
    assert sorted({row for part in parts for row in part}) == list(range(2_500))
    assert max(parts[0]) < min(parts[1])


def test_threads_have_to_be_there() -> None:
    with pytest.raises(UsageError, match="threads must be at least 1, not -1"):
        list(for_hits(["A"], ["A"], lambda hits: hits, kept=1, threads=-1))
