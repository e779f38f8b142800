"""Which sequences overlap, against a brute-force look at every pair."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.overlap import overlapping

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def by_hand(sequences: list[str], k: int, *, both_strands: bool) -> list[int]:
    def words(sequence: str) -> set[str]:
        strands = [sequence.replace("U", "T")]
        if both_strands:
            strands.append(strands[0].translate(COMPLEMENT)[::-1])
        return {
            strand[start : start + k]
            for strand in strands
            for start in range(len(strand) - k + 1)
            if set(strand[start : start + k]) <= set("ACGT")
        }

    known = [words(sequence) for sequence in sequences]
    group = list(range(len(sequences)))
    for a in range(len(sequences)):
        for b in range(a):
            if known[a] & known[b]:
                old, new = group[a], group[b]
                group = [new if each == old else each for each in group]
    order = list(dict.fromkeys(group))
    return [order.index(each) for each in group]


@given(
    st.lists(st.text("ACGTUN", max_size=12), max_size=12),
    st.integers(1, 5),
    st.booleans(),
)
def test_groups_are_those_of_every_pair_looked_at(sequences, k, both_strands) -> None:
    found = overlapping(sequences, k=k, both_strands=both_strands)
    assert found.tolist() == by_hand(sequences, k, both_strands=both_strands)


def test_windows_of_one_stretch_are_tied_along_a_chain_and_on_either_strand() -> None:
    random = np.random.default_rng(0)
    genome = "".join(random.choice(list("ACGT"), 500))
    windows = [genome[start : start + 100] for start in (0, 60, 120)]
    windows[1] = windows[1].translate(COMPLEMENT)[::-1]
    far = genome[300:400]
    assert overlapping([*windows, far]).tolist() == [0, 0, 0, 1]
    # The first and the third share nothing, and the second lies on the other strand.
    assert overlapping([*windows, far], both_strands=False).tolist() == [0, 1, 2, 3]


def test_stretches_run_neither_from_one_sequence_into_the_next_nor_over_what_is_unknown() -> None:
    half = "ACGTTGCATCAGGAT"
    assert overlapping([half, half, half + half], k=30).tolist() == [0, 1, 2]
    assert overlapping([half + "N" + half, half + "N" + half], k=20).tolist() == [0, 1]


def test_eight_thousand_windows_take_no_time() -> None:
    random = np.random.default_rng(0)
    sequences = ["".join(random.choice(list("ACGT"), 400)) for _ in range(8_000)]
    begun = time.process_time()
    assert overlapping(sequences).max() == 7_999
    assert time.process_time() - begun < 20
