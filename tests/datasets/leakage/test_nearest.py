"""The nearest training sequence: planted copies, exhaustive alignment, chance, real files."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import numpy as np
import parasail
import pytest
from planted_copies import family, other_strand, random_sequence, substituted

from genomark.datasets.leakage import Nearest, nearest
from genomark.errors import UsageError

SCORES = parasail.matrix_create("ACGT", 1, -1)


def assert_same(one: Nearest, other: Nearest) -> None:
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize(("identity", "least"), [(1.0, 1), (0.9, 0.98), (0.85, 0.95), (0.8, 0.9)])
def test_planted_copies_are_found_on_either_strand_and_anywhere(
    identity: float, least: float
) -> None:
    draw = random.Random(int(100 * identity))
    train = [random_sequence(draw, 200) for _ in range(400)]
    test, rows, strands, places = [], [], [], []
    for _ in range(200):
        row, size = draw.randrange(400), draw.randint(100, 200)
        start = draw.randint(0, 200 - size)
        piece = substituted(draw, train[row][start : start + size], 1 - identity)
        strands.append(draw.choice([1, -1]))
        piece = piece if strands[-1] > 0 else other_strand(piece)
        before = random_sequence(draw, draw.randint(0, 200 - size))
        test.append(before + piece + random_sequence(draw, 200 - size - len(before)))
        rows.append(row)
        places.append((len(before), len(before) + size, start, start + size))
    found = nearest(test, train)
    right = (found.train == rows) & (found.strand == strands)
    assert right.mean() >= least
    ends = np.column_stack([found.test_start, found.test_end, found.train_start, found.train_end])
    # The ends of an alignment are where chance matches stop, or changed letters begin.
    assert np.median(np.abs(ends - places)[right]) <= 3
    assert found.identity[right].mean() == pytest.approx(identity, abs=0.02)
    np.testing.assert_allclose(
        found.similarity[right], (found.identity * found.columns)[right] / 200
    )
    assert nearest(test, train, both_strands=False).strand.min() == 0


def test_the_best_is_that_of_aligning_all_pairs() -> None:
    draw = random.Random(5)
    train = [each for _ in range(12) for each in family(draw, 3, length=160, share=0.12)]
    test = [substituted(draw, draw.choice(train), 0.08)[draw.randint(0, 60) :] for _ in range(60)]
    found = nearest(test, train)
    for item, ours in enumerate(test):
        scores = [
            max(
                parasail.sw(ours, theirs, 3, 1, SCORES).score,
                parasail.sw(ours, other_strand(theirs), 3, 1, SCORES).score,
            )
            for theirs in train
        ]
        assert found.train[item] == int(np.argmax(scores))


def test_a_copy_is_found_however_little_it_says() -> None:
    train = ["GGC", "A" * 40, "ACG", "CAGT" * 6, "ACG"]
    found = nearest(["ACG", "T" * 40, "CGT", "cagu" * 6, "CCC"], train)
    assert found.train.tolist() == [2, 1, 2, 3, -1]
    assert found.strand.tolist() == [1, -1, -1, 1, 0]
    assert found.similarity.tolist() == [1, 1, 1, 1, 0]
    assert found.columns.tolist() == [3, 40, 3, 24, 0]


def test_of_equal_ones_the_first_counts() -> None:
    draw = random.Random(6)
    copy = random_sequence(draw, 120)
    others = [random_sequence(draw, 120) for _ in range(5)]
    changed = substituted(draw, copy, 0.05)
    found = nearest([changed, copy], [*others, other_strand(copy), copy, copy])
    assert found.train.tolist() == [5, 5]
    assert found.strand.tolist() == [-1, -1]


def test_shuffled_sequences_find_next_to_nothing() -> None:
    rng = np.random.default_rng(7)
    n_found = 0
    for share in (0.25, 0.15):
        letters = rng.choice(
            list("ACGT"), size=(4_000, 200), p=[0.5 - share, share, share, 0.5 - share]
        )
        sequences = ["".join(row) for row in letters]
        n_found += (nearest(sequences[:2_000], sequences[2_000:]).train >= 0).sum()
    # 5 of 10,000 are meant; 4,000 were asked.
    assert n_found <= 6


def test_the_longest_regions_are_searched_whole() -> None:
    draw = random.Random(8)
    region = random_sequence(draw, 2_300_000)
    # The second lies where a long sequence is cut, the third at its very end.
    starts = [17, (1 << 20) - 50, 2_300_000 - 100]
    test = [region[start : start + 100] for start in starts]
    found = nearest([*test, *map(other_strand, test)], [region[:60], region])
    assert found.train.tolist() == [1] * 6
    assert found.train_start.tolist() == starts * 2
    assert found.strand.tolist() == [1, 1, 1, -1, -1, -1]
    assert found.identity.tolist() == [1.0] * 6


def test_threads_and_other_training_sequences_change_nothing() -> None:
    draw = random.Random(9)
    train = [random_sequence(draw, 150) for _ in range(1_500)]
    test = [substituted(draw, each, 0.1) for each in train[:1_200]]
    alone = nearest(test, train)
    assert_same(alone, nearest(test, train, threads=3))
    np.testing.assert_array_equal(alone.train, np.arange(1_200))


def test_a_family_of_copies_ends_and_is_found() -> None:
    draw = random.Random(10)
    train = family(draw, 3_000, length=200, share=0.12)
    rows = [draw.randrange(3_000) for _ in range(300)]
    test = [substituted(draw, train[row], 0.02) for row in rows]
    found = nearest(test, train)
    assert (found.train == rows).mean() > 0.97


def test_repeats_do_not_tie_sequences_together() -> None:
    draw = random.Random(11)
    repeats = ["A" * 60, "CA" * 30, "CAG" * 20, "AAAT" * 15]
    test = [random_sequence(draw, 100) + each + random_sequence(draw, 100) for each in repeats]
    train = [random_sequence(draw, 100) + each + random_sequence(draw, 100) for each in repeats]
    assert nearest(test, train).train.tolist() == [-1, -1, -1, -1]


def test_letters_that_are_none_match_nothing() -> None:
    draw = random.Random(12)
    known = random_sequence(draw, 100)
    with_unknown = known[:40] + "N" * 20 + known[60:]
    found = nearest([with_unknown], [with_unknown])
    assert found.train.tolist() == [0]
    assert found.identity[0] == 0.8
    assert nearest(["N" * 100], ["N" * 100]).train.tolist() == [-1]


def test_progress_counts_training_sequences() -> None:
    draw = random.Random(13)
    done: list[int] = []
    train = [random_sequence(draw, 2_000) for _ in range(1_200)]
    nearest([train[0]], train, progress=done.append)
    assert sum(done) == 1_200
    assert len(done) > 1


def test_empty_sets_are_answered() -> None:
    assert nearest([], ["ACGT"]).train.shape == (0,)
    assert nearest(["ACGT", ""], []).train.tolist() == [-1, -1]
    assert nearest(["", "ACGT" * 9], [""]).train.tolist() == [-1, -1]


def test_no_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="threads must be at least 1, not 0"):
        nearest(["ACGT"], ["ACGT"], threads=0)


def test_leaked_asks_for_identity_and_coverage() -> None:
    draw = random.Random(14)
    known = random_sequence(draw, 200)
    test = [
        known,
        known[:90] + random_sequence(draw, 110),
        substituted(draw, known, 0.3),
        random_sequence(draw, 200),
    ]
    assert nearest(test, [known]).train.tolist() == [0, 0, 0, -1]
    assert nearest(test, [known]).leaked.tolist() == [True, False, False, False]
    assert nearest(test, [known], coverage=0.4).leaked.tolist() == [True, True, False, False]
    wider = nearest(test, [known], identity=0.6, coverage=0.4)
    assert wider.leaked.tolist() == [True, True, True, False]


def spread(draw: random.Random, sequence: str, share: float) -> str:
    """Change a letter in every so many, so that no stretch of it is much more alike."""
    letters = list(sequence)
    changes = round(share * len(letters))
    for number in range(changes):
        place = int((number + draw.random()) * len(letters) / changes)
        letters[place] = draw.choice("ACGT".replace(letters[place], ""))
    return "".join(letters)


@pytest.mark.parametrize("n_long", [1, 8, 40])
def test_a_long_alignment_hides_no_better_one_that_is_shorter(n_long: int) -> None:
    """As many long ones as are aligned, and more: each scores higher than the copy of a half."""
    draw = random.Random(15)
    ours = random_sequence(draw, 200)
    half = ours[40:141]
    long = [spread(draw, ours, 0.23) for _ in range(n_long)]
    for train in ([*long, half], [half, *long], [other_strand(half), *long]):
        found = nearest([ours], train)
        assert train[found.train[0]] in long
        assert found.identity[0] < 0.8
        assert found.leaked.tolist() == [True]
    assert nearest([ours], long).leaked.tolist() == [False]
    assert nearest([ours], [*long, half[:90]]).leaked.tolist() == [False]


@pytest.mark.parametrize("seed", range(3))
def test_more_training_sequences_never_take_an_item_from_seen(seed: int) -> None:
    """Copies of all degrees and sizes, taken in by and by in any order."""
    draw = random.Random(100 + seed)
    test = [random_sequence(draw, draw.choice([120, 200, 300])) for _ in range(40)]
    train = []
    for ours in test:
        half = len(ours) // 2
        for _ in range(draw.randint(1, 3)):
            size = draw.randint(half - 10, half + 10)
            start = draw.randint(0, len(ours) - size)
            train.append(spread(draw, ours[start : start + size], draw.choice([0, 0.05, 0.15])))
        for _ in range(draw.randint(0, 30)):
            train.append(spread(draw, ours, draw.choice([0.19, 0.21, 0.23])))
        train = [draw.choice([each, other_strand(each)]) for each in train]
    draw.shuffle(train)
    before = np.zeros(len(test), dtype=bool)
    for n in range(0, len(train) + 1, 60):
        leaked = nearest(test, train[:n]).leaked
        assert not (before & ~leaked).any()
        before = leaked
    assert 10 < before.sum() <= 40


def test_similarity_is_the_share_of_the_letters_that_were_found() -> None:
    draw = random.Random(17)
    ours = random_sequence(draw, 200)
    found = nearest([ours, ours[70:130]], [ours[70:130], random_sequence(draw, 60)])
    assert found.similarity.tolist() == [0.3, 1.0]
    assert found.identity.tolist() == [1.0, 1.0]


def sequences_of(file: Path) -> list[str]:
    return [json.loads(line)["sequence"] for line in file.read_text().splitlines()]


def test_the_shared_promoters_are_found(mirror: Path) -> None:
    test = sequences_of(mirror / "pgb" / "promoter_strength/protoplast/test.json")
    train = sequences_of(mirror / "pgb" / "promoter_strength/leaf/train.json")
    found = nearest(test, train, threads=2)
    copies = (found.similarity == 1.0) & (found.strand == 1)
    assert copies.sum() == len(set(test) & set(train)) == 101
    assert found.leaked.sum() >= 101


def test_the_published_duplicates_are_found(mirror: Path) -> None:
    train = sequences_of(mirror / "pgb" / "lncrna/t_aestivum/train.json")
    test = sequences_of(mirror / "pgb" / "lncrna/t_aestivum/test.json")
    in_train = [row for row, each in enumerate(test) if each in set(train)]
    assert len(in_train) == 14
    found = nearest([test[row] for row in in_train], train, both_strands=False)
    assert (found.similarity == 1.0).all()
    assert found.leaked.all()
