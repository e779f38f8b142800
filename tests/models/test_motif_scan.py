"""Best motif scores against a scan spelled out window by window."""

from __future__ import annotations

import math
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.letters import encode_bases
from genomark.models import motif_scan
from genomark.models.motif_scan import MotifScanner

Matrix = list[list[float]]

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(sequence: str) -> str:
    return sequence.translate(_COMPLEMENT)[::-1]


def letter_scores(row: list[float]) -> dict[str, int]:
    """1/64 bit of log2 odds against 1/4, each probability p taken as (p + 0.01) / 1.04."""
    bits = [math.log2((probability + 0.01) / 1.04 / 0.25) for probability in row]
    scores = dict(zip("ACGT", (round(64 * each) for each in bits), strict=True))
    return scores | {"N": round(64 * sum(bits) / 4)}


def naive_best(motif: Matrix, sequence: str) -> int:
    table = [letter_scores(row) for row in motif]
    best = sum(min(scores.values()) for scores in table)
    for strand in (sequence, reverse_complement(sequence)):
        for start in range(len(strand) - len(motif) + 1):
            window = strand[start : start + len(motif)]
            best = max(best, sum(scores[base] for scores, base in zip(table, window, strict=True)))
    return best


def scanner(motifs: list[Matrix]) -> MotifScanner:
    return MotifScanner([np.array(motif) for motif in motifs])


def one_by_one(scan: MotifScanner, sequences: list[str]) -> list[list[int]]:
    return [scan.best_scores([sequence])[0].tolist() for sequence in sequences]


@st.composite
def matrices(draw: Any, longest: int = 9) -> Matrix:
    counts = draw(
        st.lists(
            st.tuples(*[st.integers(0, 20)] * 4).filter(lambda row: sum(row) > 0),
            min_size=1,
            max_size=longest,
        )
    )
    return [[count / sum(row) for count in row] for row in counts]


motif_sets = st.lists(matrices(), min_size=1, max_size=6)
sequences_with_n = st.text("ACGTN", max_size=40)


@given(motif_sets, st.lists(sequences_with_n, min_size=1, max_size=5))
def test_scores_are_those_of_a_plain_scan_of_both_strands(
    motifs: list[Matrix], sequences: list[str]
) -> None:
    scores = scanner(motifs).best_scores(sequences)
    assert scores.dtype == np.int16
    assert scores.tolist() == [
        [naive_best(motif, sequence) for motif in motifs] for sequence in sequences
    ]


@given(motif_sets, st.text("ACGT", max_size=60))
def test_both_strands_of_a_sequence_score_the_same(motifs: list[Matrix], sequence: str) -> None:
    scan = scanner(motifs)
    forward, backward = one_by_one(scan, [sequence, reverse_complement(sequence)])
    assert forward == backward


Edit = tuple[str, float, str]


@st.composite
def edited(draw: Any, reference: str) -> str:
    """A substitution, deletion or insertion, anywhere and often at the ends."""
    kind = draw(st.sampled_from(["substitution", "deletion", "insertion", "none"]))
    if kind == "none" or not reference:
        return reference
    place = draw(
        st.one_of(st.sampled_from([0, len(reference) - 1]), st.integers(0, len(reference) - 1))
    )
    length = draw(st.integers(1, 3))
    written = draw(st.text("ACGTN", min_size=length, max_size=length))
    if kind == "insertion":
        return reference[:place] + written + reference[place:]
    kept = reference[place + length :]
    return reference[:place] + (written if kind == "substitution" else "") + kept


@st.composite
def batches_of_edits(draw: Any) -> list[str]:
    """References, each followed by edits of it, of others, and of none."""
    references = draw(st.lists(st.text("ACGTN", min_size=10, max_size=60), min_size=1, max_size=3))
    batch = []
    for _ in range(draw(st.integers(1, 3))):
        reference = draw(st.sampled_from(references))
        batch.append(reference)
        for _ in range(draw(st.integers(0, 6))):
            base = draw(st.sampled_from([reference, reference, *references]))
            batch.append(draw(edited(base)))
    return batch


@given(motif_sets, batches_of_edits())
def test_edits_score_to_the_last_bit_as_if_scanned_alone(
    motifs: list[Matrix], batch: list[str]
) -> None:
    scan = scanner(motifs)
    assert scan.best_scores(batch).tolist() == one_by_one(scan, batch)


# A single strong site, so that a wrong window shows.
SITE = "GATTACA"
MOTIF = [[0.97 if base == letter else 0.01 for letter in "ACGT"] for base in SITE]
FLANK = "CCCCCGCCCCTCCCCCGCCCC"
REFERENCE = FLANK + SITE + FLANK
PERFECT = naive_best(MOTIF, SITE)


def _every_edit(reference: str) -> list[str]:
    every = []
    for place in range(len(reference)):
        every.extend(reference[:place] + base + reference[place + 1 :] for base in "ACGTN")
        every.append(reference[:place] + reference[place + 1 :])
        every.append(reference[:place] + "T" + reference[place:])
    return [*every, reference + "T"]


def test_every_single_edit_of_a_reference_at_every_place() -> None:
    motifs = [MOTIF, MOTIF[:3], [[0.25] * 4], MOTIF + MOTIF]
    every = _every_edit(REFERENCE)
    scan = scanner(motifs)
    scores = scan.best_scores([REFERENCE, *every])
    assert scores[1:].tolist() == [
        [naive_best(motif, sequence) for motif in motifs] for sequence in every
    ]
    assert set(scores[:, 0].tolist()) > {PERFECT}


def test_edits_of_two_references_in_turn() -> None:
    other = REFERENCE.replace("G", "A")
    scan = scanner([MOTIF, MOTIF[::-1]])
    pairs = zip(_every_edit(REFERENCE), _every_edit(other), strict=True)
    in_turn = [sequence for pair in pairs for sequence in pair]
    assert scan.best_scores([REFERENCE, other, *in_turn])[2:].tolist() == one_by_one(scan, in_turn)


def test_breaking_and_making_a_site() -> None:
    broken = REFERENCE.replace("GATTACA", "GATTGCA")
    made = FLANK + SITE
    scan = scanner([MOTIF])
    scores = scan.best_scores([REFERENCE, broken, REFERENCE, broken, broken, REFERENCE])[:, 0]
    less = naive_best(MOTIF, broken)
    assert scores.tolist() == [PERFECT, less, PERFECT, less, less, PERFECT]
    assert scan.best_scores([broken, REFERENCE])[:, 0].tolist() == [less, PERFECT]
    assert scan.best_scores([FLANK, made])[1, 0] == PERFECT


def test_a_variant_is_planned_as_an_edit_of_its_reference() -> None:
    variants = [REFERENCE[:20] + base + REFERENCE[21:] for base in "AT"]
    deletion = REFERENCE[:30] + REFERENCE[31:]
    stranger = "T" * len(REFERENCE)
    batch = [REFERENCE, *variants, deletion, stranger, stranger[1:], REFERENCE]
    codes, offsets = encode_bases(batch)
    plan = motif_scan._plan(codes, offsets)
    assert plan[:, 0].tolist() == [0, 0, 0, 0, 4, 4, 6]
    assert plan[1, 1:].tolist() == [20, len(REFERENCE) - 21]


def test_edits_of_a_long_reference_score_as_if_scanned_alone() -> None:
    # Longer than there are stretches to keep the best scores of, by no whole number of windows.
    letters = np.random.default_rng(5).choice(np.frombuffer(b"ACGTN", np.uint8), 5_003)
    reference = letters.tobytes().decode()
    edits = [reference]
    for place in (0, 1, 4, 5, 6, 2_500, 4_990, 4_997, 5_001, 5_002):
        edits.append(reference[:place] + "A" + reference[place + 1 :])
        edits.append(reference[:place] + SITE + reference[place:])
        edits.append(reference[:place] + reference[place + 4 :])
        edits.append(reference[:place] + SITE + reference[place + 300 :])
    edits += [reference + SITE, SITE + reference, reference[:4_600], reference[400:], reference]
    scan = scanner([MOTIF, MOTIF[:2], MOTIF * 4, [*MOTIF, [0.25] * 4], [[0.4, 0.2, 0.2, 0.2]] * 40])
    codes, offsets = encode_bases(edits)
    assert set(motif_scan._plan(codes, offsets)[:, 0].tolist()) == {0}
    scores = scan.best_scores(edits)
    assert scores.tolist() == one_by_one(scan, edits)
    assert scores[2, 0] == PERFECT


def test_a_site_of_a_long_reference_is_broken_moved_and_made_at_every_phase() -> None:
    letters = np.random.default_rng(8).choice(np.frombuffer(b"CG", np.uint8), 5_000)
    flank = letters.tobytes().decode()
    for at in range(2_500, 2_510):
        planted = flank[:at] + SITE + flank[at + len(SITE) :]
        places = range(at - 2, at + len(SITE) + 2)
        broken = [planted[:place] + "C" + planted[place + 1 :] for place in places]
        moved = [planted[:place] + planted[place + 1 :] for place in places]
        batch = [planted, *broken, *moved, flank, planted]
        expected = [naive_best(MOTIF, each[2_480:2_540]) for each in batch]
        assert scanner([MOTIF]).best_scores(batch)[:, 0].tolist() == expected
        assert {PERFECT} < set(expected)


def test_motifs_of_many_widths_are_scanned_side_by_side() -> None:
    random = np.random.default_rng(6)
    widths = [*range(1, 31), *random.integers(1, 31, 43).tolist(), 50]
    motifs = [random.dirichlet([0.3] * 4, width).tolist() for width in widths]
    lengths = [0, 1, 5, 9, 29, 30, 31, 49, 50, 51, 120]
    sequences = ["".join(random.choice(list("ACGTN"), length)) for length in lengths]
    # Every tenth motif, of all widths and in both blocks, for the naive scan takes its time.
    scores = scanner(motifs).best_scores(sequences)
    for column in range(0, len(motifs), 10):
        assert scores[:, column].tolist() == [
            naive_best(motifs[column], sequence) for sequence in sequences
        ]
    # A motif scores the same whatever is scanned beside it.
    alone = [scanner([motif]).best_scores(sequences)[:, 0].tolist() for motif in motifs]
    assert scores.T.tolist() == alone


def test_threads_side_by_side_find_the_same() -> None:
    random = np.random.default_rng(7)
    scan = scanner([random.dirichlet([0.5] * 4, width).tolist() for width in range(4, 44)])
    batches = [_every_edit("".join(random.choice(list("ACGT"), 60))) for _ in range(4)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(scan.best_scores, batches))
    for batch, scores in zip(batches, found, strict=True):
        np.testing.assert_array_equal(scores, scan.best_scores(batch))


def test_a_long_sequence_needs_memory_for_its_letters_alone() -> None:
    sequence = "ACGTTGCATG" * 100_000
    scan = scanner([MOTIF] * 40)
    scan.best_scores([REFERENCE])
    tracemalloc.start()
    try:
        scores = scan.best_scores([sequence, sequence[1:]])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Of 40 motifs a score each for every window would be 160 bytes a base.
    assert peak < 12 * 2 * len(sequence)
    assert scores.tolist() == [[naive_best(MOTIF, sequence[:50])] * 40] * 2


def test_the_reverse_strand_is_scanned() -> None:
    scan = scanner([MOTIF])
    assert scan.best_scores([FLANK + reverse_complement(SITE) + FLANK])[0, 0] == PERFECT


def test_n_scores_as_the_mean_of_the_letters() -> None:
    row = [0.7, 0.1, 0.1, 0.1]
    assert scanner([[row]]).best_scores(["N"])[0, 0] == letter_scores(row)["N"]


@pytest.mark.parametrize("sequence", ["", "G", "GATTAC", "TGTAAT"])
def test_a_motif_longer_than_the_sequence_has_its_lowest_score(sequence: str) -> None:
    lowest = sum(min(letter_scores(row).values()) for row in MOTIF)
    assert scanner([MOTIF]).best_scores([sequence])[0, 0] == lowest
    # Also as an edit of something it did fit in.
    assert scanner([MOTIF]).best_scores([REFERENCE, sequence])[1, 0] == lowest


def test_no_score_is_below_the_lowest_or_above_two_bits_a_base() -> None:
    scan = scanner([MOTIF])
    lowest = sum(min(letter_scores(row).values()) for row in MOTIF)
    scores = scan.best_scores(_every_edit(REFERENCE))
    assert scores.min() >= lowest
    assert scores.max() <= 128 * len(SITE)


def test_columns_stand_in_the_order_of_the_motifs() -> None:
    motifs = [MOTIF, MOTIF[:2], MOTIF[:5], MOTIF[:2], MOTIF]
    scores = scanner(motifs).best_scores([REFERENCE])[0]
    assert scores.tolist() == [naive_best(motif, REFERENCE) for motif in motifs]


def test_nothing_to_scan_gives_an_empty_table() -> None:
    assert scanner([MOTIF]).best_scores([]).shape == (0, 1)


def test_a_motif_too_long_for_16_bits_is_refused() -> None:
    certain = [[1.0, 0.0, 0.0, 0.0]]
    assert scanner([certain * 100]).best_scores(["A" * 120])[0, 0] > 0
    with pytest.raises(ValueError, match="width 200"):
        scanner([certain * 200])


def test_scores_fit_in_16_bits_or_are_refused() -> None:
    # What is likely scores twice what is not costs, so the highest score is the first to be too
    # high.
    leaning = [0.4, 0.2, 0.2, 0.2]
    best, *_ = letter_scores(leaning).values()
    fits = (2**15 - 1) // best
    found = scanner([[leaning] * fits]).best_scores(["A" * fits, "A" * (fits - 1)])
    assert found[0, 0] == best * fits
    assert found[1, 0] < 0
    with pytest.raises(ValueError, match=f"width {fits + 1} is too long"):
        scanner([[leaning] * (fits + 1)])


def test_without_motifs_there_are_no_scores() -> None:
    assert scanner([]).best_scores(["ACGT", "G"]).shape == (2, 0)
