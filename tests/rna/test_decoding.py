"""Structures out of probabilities, against all structures and against ViennaRNA."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from genomark.errors import UsageError
from genomark.rna.decoding import canonical_pairs, mea_of_pairs, mea_structure, nested_structure
from genomark.rna.structure import pair_set, partners


def all_structures(sequence: str) -> Iterator[str]:
    """Every nested structure of canonical pairs with three positions or more between."""
    if not sequence:
        yield ""
        return
    for rest in all_structures(sequence[1:]):
        yield f".{rest}"
    for k in range(4, len(sequence)):
        if {sequence[0], sequence[k]} in ({"A", "U"}, {"G", "C"}, {"G", "U"}):
            for inside in all_structures(sequence[1:k]):
                for after in all_structures(sequence[k + 1 :]):
                    yield f"({inside}){after}"


def random_rna(n: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), n))


def accuracy(structure: str, probabilities: np.ndarray, gamma: float) -> float:
    """Expected accuracy, as Do et al. 2006 write it."""
    unpaired = 1 - probabilities.sum(axis=0) - probabilities.sum(axis=1)
    pairs = pair_set(partners(structure))
    alone = [row for row, symbol in enumerate(structure) if symbol == "."]
    return float(2 * gamma * sum(probabilities[pair] for pair in pairs) + unpaired[alone].sum())


def test_canonical_pairs_have_room_for_a_hairpin_and_leave_n_alone():
    opening, closing = canonical_pairs("GNACTUC")
    #   G0-C? at least three between: G0 with T4, U5, C6; A2 with nothing that far; N with none.
    assert list(zip(opening.tolist(), closing.tolist(), strict=True)) == [(0, 4), (0, 5), (0, 6)]
    assert canonical_pairs("")[0].size == 0


@pytest.mark.parametrize("seed", range(12))
def test_the_nested_structure_is_the_most_probable_of_all(seed):
    sequence = random_rna(13, seed)
    probabilities = np.random.default_rng(seed).dirichlet([1, 1, 1], 13)

    def logarithm(structure: str) -> float:
        return sum(
            np.log(row["().".index(symbol)])
            for symbol, row in zip(structure, probabilities, strict=True)
        )

    found = nested_structure(probabilities, sequence)
    best = max(all_structures(sequence), key=logarithm)
    assert logarithm(found) == pytest.approx(logarithm(best), abs=1e-12)
    assert found in set(all_structures(sequence))


def test_columns_stand_for_what_they_are_said_to_stand_for():
    sequence = "GGGGAAAACCCC"
    probabilities = np.full((12, 3), 0.1)
    probabilities[np.arange(12), [1] * 4 + [0] * 4 + [2] * 4] = 0.8
    assert nested_structure(probabilities, sequence, (".", "(", ")")) == "((((....))))"
    assert nested_structure(probabilities, sequence.replace("C", "G"), (".", "(", ")")) == "." * 12
    with_n = nested_structure(probabilities, "NGGGAAAACCCN", (".", "(", ")"))
    assert with_n == ".(((....)))."


def test_certain_symbols_that_cannot_pair_are_outvoted():
    # Brackets at both ends, of which one is certain and has no partner.
    probabilities = np.tile([0.0, 0.0, 1.0], (8, 1))
    probabilities[1] = [1.0, 0.0, 0.0]
    assert nested_structure(probabilities, "GGAAAACC") == "........"
    probabilities[6] = [0.0, 1.0, 0.0]
    assert nested_structure(probabilities, "GGAAAACC") == ".(....)."


def test_ties_are_unpaired():
    assert nested_structure(np.full((12, 3), 1 / 3), "GGGGAAAACCCC") == "." * 12


@pytest.mark.parametrize("gamma", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(6))
def test_mea_is_the_best_of_all_structures(seed, gamma):
    sequence = random_rna(14, seed)
    draws = np.random.default_rng(seed)
    probabilities = np.zeros((14, 14))
    opening, closing = canonical_pairs(sequence)
    probabilities[opening, closing] = draws.gamma(0.3, size=opening.size)
    total = (probabilities + probabilities.T).sum(axis=1).max(initial=1.0)
    probabilities /= total
    found = mea_structure(probabilities, gamma)
    best = max(accuracy(each, probabilities, gamma) for each in all_structures(sequence))
    assert accuracy(found, probabilities, gamma) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("length", [30, 75, 140])
def test_mea_is_as_accurate_as_that_of_vienna(length, gamma):
    vienna = pytest.importorskip("RNA")
    compound = vienna.fold_compound(random_rna(length, length))
    compound.mfe()
    compound.pf()
    probabilities = np.array(compound.bpp())[1:, 1:]
    theirs, told = compound.MEA(gamma)
    ours = mea_structure(probabilities, gamma)
    assert accuracy(ours, probabilities, gamma) >= accuracy(theirs, probabilities, gamma) - 1e-9
    # ViennaRNA leaves improbable pairs out of what it adds up.
    assert accuracy(ours, probabilities, gamma) == pytest.approx(told, abs=0.05)


def test_mea_of_single_pairs_is_that_of_their_matrix():
    sequence = random_rna(60, 3)
    opening, closing = canonical_pairs(sequence)
    shares = np.random.default_rng(3).random(opening.size)
    shares[shares < 0.9] = 0
    matrix = np.zeros((60, 60))
    matrix[opening, closing] = shares / 60
    assert mea_of_pairs(60, opening, closing, shares / 60, 100.0) == mea_structure(matrix, 100.0)
    assert "(" in mea_structure(matrix, 100.0)


def test_without_a_pair_worth_it_all_is_unpaired():
    assert mea_structure(np.zeros((5, 5))) == "....."
    assert mea_structure(np.zeros((0, 0))) == ""
    assert nested_structure(np.zeros((0, 3)), "") == ""


def test_a_long_sequence_is_decoded_in_seconds():
    # 1,500 nt where every canonical pair is worth it: a quarter of a second, and all pair off.
    sequence = random_rna(1500, 1)
    nested_structure(np.full((10, 3), 0.3), "GGGGAACCCC")
    started = time.perf_counter()
    found = nested_structure(np.tile([0.4, 0.4, 0.2], (1500, 1)), sequence)
    assert time.perf_counter() - started < 20
    assert found.count("(") > 550


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: nested_structure(np.zeros((4, 3)), "ACG"), "shape (4, 3) for a sequence of 3"),
        (lambda: nested_structure(np.zeros((3, 3)), "ACG", ("(", ")")), "expected '(', ')'"),
        (lambda: nested_structure(np.full((3, 3), 2.0), "ACG"), "row 1, column 1: 2.0"),
        (lambda: nested_structure(np.full((3, 3), np.nan), "ACG"), "row 1, column 1: nan"),
        (lambda: mea_structure(np.zeros((3, 4))), "expected a square matrix"),
        (lambda: mea_structure(np.zeros((3, 3)), 0.0), "gamma must be above 0, not 0"),
        (lambda: mea_structure(-np.ones((3, 3))), "row 1, column 2: -1"),
        (lambda: mea_structure(np.full((3, 3), 0.9)), "position 1 add up to 1.8"),
    ],
)
def test_what_is_no_probability_is_refused(ask, says):
    with pytest.raises(UsageError) as caught:
        ask()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
