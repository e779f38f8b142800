"""Splits without near copies: planted families, exhaustive alignment, ratios, real duplicates."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import parasail
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_copies import family, other_strand, random_sequence

from genomark.datasets.leakage import Alike, orthogonal_split
from genomark.datasets.leakage.links import Links, links
from genomark.datasets.leakage.packing import grouped, packed, without_straddling
from genomark.errors import UsageError

SCORES = parasail.matrix_create("ACGT", 1, -1)


def families(draw: random.Random, n: int, most: int = 6) -> tuple[list[str], list[int]]:
    sequences, numbers = [], []
    for number in range(n):
        for each in family(draw, draw.randint(1, most)):
            sequences.append(each if draw.random() < 0.5 else other_strand(each))
            numbers.append(number)
    order = draw.sample(range(len(sequences)), len(sequences))
    return [sequences[row] for row in order], [numbers[row] for row in order]


def are_alike(one: str, other: str, identity: float = 0.8, coverage: float = 0.5) -> bool:
    """Align both strands exhaustively; alignments of 30 columns are chance."""
    for turned in (other, other_strand(other)):
        found = parasail.sw_stats(one, turned, 3, 1, SCORES)
        if found.length and found.matches >= identity * found.length:
            span = found.matches / identity
            if found.length >= 30 and span >= coverage * min(len(one), len(other)):
                return True
    return False


def of_pairs(pairs: list[tuple[int, int]], similarity: list[float] | None = None) -> Links:
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Links(one, other, np.array(similarity or [1.0] * len(pairs)), 1.0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), ratios=st.sampled_from([(80, 10, 10), (1, 1), (5, 3, 1, 1)]))
def test_no_pair_straddles(seed: int, ratios: tuple[float, ...]) -> None:
    draw = random.Random(seed)
    sequences, numbers = families(draw, 15)
    made = orthogonal_split(sequences, ratios, seed=seed)
    of_family = {(number, split) for number, split in zip(numbers, made.splits, strict=True)}
    assert len(of_family) == 15
    # Families are groups, no more and no less.
    assert len(set(zip(numbers, made.groups.tolist(), strict=True))) == 15
    assert len(set(made.groups.tolist())) == 15
    assert not made.dropped.any()
    assert made.largest_similarity < 0.5


def test_exhaustive_alignment_finds_no_straddling_pair() -> None:
    draw = random.Random(3)
    genome = random_sequence(draw, 4_000)
    # One chain of overlapping windows: a giant component, which has to be cut.
    sequences = [genome[start : start + 150] for start in range(0, 3_800, 60)]
    sequences += families(draw, 3)[0]
    made = orthogonal_split(sequences, (80, 10, 10))
    kept = np.flatnonzero(~made.dropped)
    for place, one in enumerate(kept):
        for other in kept[place + 1 :]:
            if made.splits[one] != made.splits[other]:
                assert not are_alike(sequences[one], sequences[other])
    assert 0 < made.dropped.sum() <= 8
    assert made.largest_group >= 64


def test_ratios_and_strata_are_kept() -> None:
    draw = random.Random(4)
    sequences, numbers = families(draw, 400, most=3)
    labels = ["rare" if number % 5 == 0 else "common" for number in numbers]
    made = orthogonal_split(sequences, (80, 10, 10), strata=labels)
    counts = np.bincount(made.splits)
    np.testing.assert_allclose(counts / len(sequences), [0.8, 0.1, 0.1], atol=0.005)
    rare = np.array(labels) == "rare"
    for split in range(3):
        assert rare[made.splits == split].mean() == pytest.approx(rare.mean(), abs=0.02)


def test_the_same_seed_gives_the_same_split_whatever_the_threads() -> None:
    draw = random.Random(5)
    sequences, _ = families(draw, 60)
    one = orthogonal_split(sequences, (6, 2, 2), seed=1)
    other = orthogonal_split(sequences, (6, 2, 2), seed=1, threads=3)
    np.testing.assert_array_equal(one.splits, other.splits)
    np.testing.assert_array_equal(one.groups, other.groups)
    assert (orthogonal_split(sequences, (6, 2, 2), seed=2).splits != one.splits).any()


def test_copies_stay_together_on_either_strand() -> None:
    draw = random.Random(6)
    short = ["ACGTTGCA", "TGCAACGT", "acgttgca", "CCCCAAAA"]
    sequences = [*short, *(random_sequence(draw, 100) for _ in range(20))]
    made = orthogonal_split(sequences, (1, 1))
    assert len(set(made.groups[:3].tolist())) == 1
    assert len(set(made.splits[:3].tolist())) == 1
    assert made.groups[3] != made.groups[0]
    assert made.largest_group == 3
    single = orthogonal_split(sequences, (1, 1), alike=Alike(both_strands=False))
    assert single.largest_group == 2


def test_coverage_says_how_much_of_the_shorter_has_to_be_shared() -> None:
    draw = random.Random(7)
    shared = random_sequence(draw, 60)
    sequences = [shared + random_sequence(draw, 90) for _ in range(2)]
    assert orthogonal_split(sequences, (1, 1)).largest_group == 1
    assert orthogonal_split(sequences, (1, 1), alike=Alike(coverage=0.3)).largest_group == 2


def test_links_are_those_of_aligning_all_pairs() -> None:
    draw = random.Random(8)
    sequences, numbers = families(draw, 10, most=5)
    found = links(sequences, None, Alike(), threads=1)
    pairs = {
        tuple(sorted(pair)) for pair in zip(found.one.tolist(), found.other.tolist(), strict=True)
    }
    expected = {
        (one, other)
        for one in range(len(sequences))
        for other in range(one + 1, len(sequences))
        if are_alike(sequences[one], sequences[other])
    }
    assert pairs == expected
    assert all(numbers[one] == numbers[other] for one, other in pairs)


def test_a_group_too_large_is_cut_at_its_weakest_link() -> None:
    chain = of_pairs([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], [0.9, 0.95, 0.8, 0.99, 0.9])
    assert grouped(6, chain, 6).tolist() == [0] * 6
    assert grouped(6, chain, 3).tolist() == [0, 0, 0, 1, 1, 1]


def test_dropping_takes_the_hub_and_leaves_the_rim() -> None:
    star = of_pairs([(0, other) for other in range(1, 6)] + [(6, 7)])
    splits = np.array([1, 0, 0, 0, 0, 0, 1, 1])
    kept = without_straddling(splits, star, np.ones(8, dtype=np.int64))
    assert kept.tolist() == [-1, 0, 0, 0, 0, 0, 1, 1]


def test_a_linked_group_goes_where_its_neighbours_are() -> None:
    groups = np.array([0] * 6 + [1] * 4 + [2] * 2)
    tied = of_pairs([(10, 6), (11, 7)])
    ones = np.ones(12, dtype=np.int64)
    shares = np.array([0.5, 0.5])
    splits = packed(groups, tied, np.zeros(12, dtype=np.int64), ones, shares, 0)
    assert splits[10] == splits[6] != splits[0]


@pytest.mark.parametrize(
    ("ratios", "alike", "message"),
    [
        ((1,), None, "two or more numbers above 0"),
        ((1, 0), None, "two or more numbers above 0"),
        ((1, float("nan")), None, "two or more numbers above 0"),
        ((1, 1), Alike(identity=1.2), "above 0 and up to 1, not 1.2"),
        ((1, 1), Alike(coverage=0), "and 0"),
    ],
)
def test_what_makes_no_split_is_refused(
    ratios: tuple[float, ...], alike: Alike | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        orthogonal_split(["ACGT"], ratios, alike=alike)


def test_no_sequences_are_split() -> None:
    assert orthogonal_split([], (1, 1)).splits.shape == (0,)


@pytest.mark.parametrize(("species", "repeated"), [("m_esculenta", 569), ("t_aestivum", 1_103)])
def test_published_duplicates_share_their_group(species: str, repeated: int, mirror: Path) -> None:
    file = mirror / "pgb" / f"lncrna/{species}/train.json"
    sequences = [json.loads(line)["sequence"] for line in file.read_text().splitlines()]
    copies = len(sequences) - len(set(sequences))
    assert copies == repeated
    # Those alone: the first 400 that occur twice or more, and as many that do not.
    seen: dict[str, int] = {}
    for each in sequences:
        seen[each] = seen.get(each, 0) + 1
    few = [each for each in sequences if seen[each] > 1 and len(each) < 600][:300]
    made = orthogonal_split(few, (1, 1), alike=Alike(both_strands=False))
    groups = dict(zip(few, made.groups.tolist(), strict=True))
    assert [groups[each] for each in few] == made.groups.tolist()
    assert len(set(made.groups.tolist())) <= len(set(few))
