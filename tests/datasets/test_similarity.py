"""Copies and near copies, against a direct count with Python dictionaries and on real data."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.similarity import screen
from genomark.errors import UsageError

PARTNER = {"A": "T", "C": "G", "G": "C", "T": "A"}


def other_strand(sequence: str) -> str:
    return "".join(PARTNER.get(letter, letter) for letter in reversed(sequence))


def words(sequence: str, k: int, both: bool) -> Counter[str]:
    plain = sequence.upper().replace("U", "T")
    found = [plain[i : i + k] for i in range(len(plain) - k + 1)]
    known = [word for word in found if set(word) <= set("ACGT")]
    return Counter(min(word, other_strand(word)) if both else word for word in known)


def by_hand(test: list[str], train: list[str], k: int, both: bool) -> tuple[list[int], list[float]]:
    """Row and containment of the nearest training sequence, by comparing all pairs."""
    rows, shares = [], []
    for asked in test:
        ours = words(asked, k, both)
        best, row = 0.0, -1
        for place, known in enumerate(train):
            theirs = words(known, k, both)
            shorter = min(ours.total(), theirs.total())
            share = (ours & theirs).total() / shorter if shorter else 0.0
            if share > best:
                best, row = share, place
        rows.append(row)
        shares.append(best)
    return rows, shares


def random_sequence(draw: random.Random, length: int) -> str:
    return "".join(draw.choices("ACGT", k=length))


@given(
    test=st.lists(st.text("ACGTN", min_size=1, max_size=30), min_size=1, max_size=5),
    train=st.lists(st.text("ACGTUacg", min_size=1, max_size=40), min_size=1, max_size=6),
    k=st.sampled_from([1, 3, 5]),
    both=st.booleans(),
)
def test_containment_is_that_of_bags_of_words(
    test: list[str], train: list[str], k: int, both: bool
) -> None:
    found = screen(test, train, k=k, both_strands=both)
    rows, shares = by_hand(test, train, k, both)
    apart = ~found.exact
    np.testing.assert_allclose(found.containment[apart], np.array(shares)[apart], atol=1e-15)
    np.testing.assert_array_equal(found.nearest[apart], np.array(rows)[apart])
    assert (found.containment[found.exact] == 1.0).all()


@pytest.mark.parametrize("k", [16, 31, 32])
def test_long_words_are_counted_as_by_hand(k: int) -> None:
    draw = random.Random(k)
    train = [random_sequence(draw, 120) for _ in range(20)]
    test = [
        train[3][:60] + random_sequence(draw, 60),
        other_strand(train[7])[10:110],
        "".join("A" if i % 40 == 0 else letter for i, letter in enumerate(train[9])),
        random_sequence(draw, 100),
    ]
    found = screen(test, train, k=k)
    rows, shares = by_hand(test, train, k, both=True)
    np.testing.assert_array_equal(found.nearest, rows)
    np.testing.assert_allclose(found.containment, shares, atol=1e-15)
    assert found.nearest[1] == 7
    assert found.containment[1] == 1.0


def test_copies_are_found_on_both_strands_and_in_both_alphabets() -> None:
    sequence = "GATTACAGATTACAGGCCAT"
    train = ["C" * 20, sequence, sequence]
    test = [sequence.lower(), sequence.replace("T", "U"), other_strand(sequence), "G" * 20, "GATT"]
    found = screen(test, train)
    assert found.copy_of.tolist() == [1, 1, 1, 0, -1]
    assert found.exact.tolist() == [True, True, True, True, False]
    single = screen(test, train, both_strands=False)
    assert single.copy_of.tolist() == [1, 1, -1, -1, -1]


def test_a_copy_shorter_than_a_word_is_a_copy_all_the_same() -> None:
    found = screen(["ACG", "NNNN"], ["TTTT", "ACG", "NNNN"])
    assert found.nearest.tolist() == [1, 2]
    assert found.near.tolist() == [True, True]


def test_a_run_of_one_letter_is_not_found_in_every_short_run() -> None:
    draw = random.Random(1)
    with_run = random_sequence(draw, 100) + "A" * 17 + random_sequence(draw, 100)
    found = screen(["A" * 217], [with_run], k=16)
    # 202 words, all the same; the other has two of them, and more if it goes on with an A.
    assert 2 / 202 <= found.containment[0] < 0.05


def test_one_changed_letter_changes_k_words() -> None:
    draw = random.Random(2)
    known = random_sequence(draw, 200)
    changed = known[:100] + PARTNER[known[100]] + known[101:]
    found = screen([changed], [known], k=16)
    assert found.containment[0] == pytest.approx((185 - 16) / 185, abs=1e-15)
    assert screen([changed], [known], threshold=0.92).near.tolist() == [False]
    assert screen([changed], [known], threshold=169 / 185).near.tolist() == [True]


def test_progress_counts_every_training_sequence() -> None:
    done: list[int] = []
    screen(["ACGTACGTACGTACGTACGT"], ["ACGT" * 6] * 5000, progress=done.append)
    assert sum(done) == 5000
    assert len(done) == 2


@pytest.mark.parametrize(("test", "train"), [([], ["ACGT"]), (["ACGT"], []), ([], [])])
def test_nothing_to_compare_is_no_error(test: list[str], train: list[str]) -> None:
    found = screen(test, train)
    assert found.nearest.tolist() == [-1] * len(test)
    assert not found.near.any()


def test_letters_that_are_not_ascii_are_no_words() -> None:
    found = screen(["ÄACGTACGTACGTACGTACGT"], ["ACGTACGTACGTACGTACGT"], k=16)
    assert found.containment[0] == 1.0
    assert found.copy_of[0] == -1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "k must be from 1 to 32, not 0"),
        ({"k": 33}, "k must be from 1 to 32, not 33"),
        ({"threshold": 0.0}, "the threshold must be above 0 and up to 1, not 0.0"),
        ({"threshold": 1.1}, "the threshold must be above 0 and up to 1, not 1.1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        screen(["ACGT"], ["ACGT"], **settings)  # type: ignore[arg-type]


def pgb(mirror: Path, file: str) -> list[str]:
    lines = (mirror / "pgb" / file).read_text().splitlines()
    return [json.loads(line)["sequence"] for line in lines]


def test_promoters_of_one_test_set_are_in_the_training_set_of_the_other(mirror: Path) -> None:
    test = pgb(mirror, "promoter_strength/protoplast/test.json")
    train = pgb(mirror, "promoter_strength/leaf/train.json")
    found = screen(test, train)
    assert int(found.exact.sum()) == 101  # as counted when the sets were first looked at
    assert [train[row] for row in found.copy_of[found.exact]] == [
        sequence for sequence in test if sequence in set(train)
    ]


def test_no_poly_a_site_is_near_one_it_is_trained_on(mirror: Path) -> None:
    test = pgb(mirror, "poly_a/arabidopsis_thaliana/test.json")
    train = pgb(mirror, "poly_a/arabidopsis_thaliana/train.json")
    found = screen(test, train)
    assert not found.near.any()
    nearest = int(found.containment.argmax())
    _, shares = by_hand([test[nearest]], [train[found.nearest[nearest]]], 16, both=True)
    assert found.containment[nearest] == pytest.approx(shares[0], abs=1e-15)
