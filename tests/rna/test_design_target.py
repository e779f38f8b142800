"""Targets of design, and what is none."""

from __future__ import annotations

import re

import pytest
from design_examples import PAIRS, TRNA

from genomark.errors import UsageError
from genomark.rna.design.target import Target, codes_of, text_of


@pytest.mark.parametrize(
    ("structure", "constraint", "message"),
    [
        ("", None, "an empty structure; expected dots and brackets"),
        ("((....)", None, "structure, position 1: '(' is never closed; expected a ')' after it"),
        ("(....))", None, "structure, position 7: ')' closes nothing; expected an '(' before it"),
        (
            "(.-..)",
            None,
            "structure, position 3: '-'; expected (, ) and . alone: pairs that cross others cannot",
        ),
        (
            "((..[[.))..]]",
            None,
            "structure, position 5: '['; expected (, ) and . alone: pairs that cross others cannot",
        ),
        (
            "..((..))",
            None,
            "position 4: a hairpin of 2 bases; expected at least 3, as no RNA turns more sharply",
        ),
        ("()", None, "position 1: a hairpin of 0 bases; expected at least 3, as no RNA"),
        (
            f".(({'.' * 20}(...){'.' * 11}))",
            None,
            "position 3: a loop of 31 unpaired bases between two pairs; expected at most 30, as "
            "folding looks at no larger ones",
        ),
        ("." * 2001, None, "2,001 nt; expected at most 2,000, as one fold of more takes too long"),
        (
            "(...)",
            "NNNN",
            "a constraint of 4 letters for a structure of 5; expected as many",
        ),
        (
            "(...)",
            "NNZNN",
            "constraint, position 3: 'Z'; expected one of A C G U T N R Y S W K M B D H V",
        ),
        (
            ".(...)",
            "NMNNNM",
            "constraint: positions 2 (M) and 6 (M) are to pair, and no letters allowed there do; "
            "expected one of AU, CG, GC, GU, UA, UG",
        ),
    ],
)
def test_what_no_sequence_can_fold_into_is_refused(
    structure: str, constraint: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=f"^a puzzle(, |: ){re.escape(message)}") as told:
        Target(structure, constraint, "a puzzle")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "structure",
    [
        ".",
        "(...)",
        f"({'.' * 20}(...){'.' * 10})",
        # More than thirty, but in a loop of three helices, or outside of all.
        f"({'.' * 20}(...)(...){'.' * 20})",
        f"(...){'.' * 40}(...)",
        f"({'.' * 60})",
        "." * 2000,
        TRNA,
    ],
)
def test_what_folding_knows_of_is_taken(structure: str) -> None:
    assert len(Target(structure)) == len(structure)


def test_positions_and_partners_of_a_target() -> None:
    assert Target(".(...)").partner.tolist() == [-1, 5, -1, -1, -1, 1]


def test_a_constraint_is_read_in_either_case_and_as_dna() -> None:
    # Bits 1 to 4 are A, C, G and U.
    bits = {"A": 2, "C": 4, "G": 8, "U": 16}
    letters = {"n": "ACGU", "T": "U", "r": "AG", "Y": "CU", "s": "CG", "V": "ACG", "b": "CGU"}
    for letter, allowed in letters.items():
        expected = sum(bits[each] for each in allowed)
        assert Target("...", f"A{letter}G").allowed.tolist() == [2, expected, 8]
    assert Target("...").allowed.tolist() == [30, 30, 30]


@pytest.mark.parametrize("first", "ACGU")
@pytest.mark.parametrize("second", "ACGU")
def test_letters_that_pair_are_those_of_watson_crick_and_wobble(first: str, second: str) -> None:
    if first + second in PAIRS:
        Target("(...)", f"{first}NNN{second}")
    else:
        with pytest.raises(UsageError, match="no letters allowed there do"):
            Target("(...)", f"{first}NNN{second}")


def test_letters_and_codes() -> None:
    assert codes_of("ACGUA").tolist() == [1, 2, 3, 4, 1]
    assert text_of(codes_of("GAUUACA")) == "GAUUACA"
