"""Energies of loops, against ViennaRNA."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
import RNA
from design_examples import TRNA, drawn_sequence, energy_by_vienna, random_rna, read
from design_examples import sampled_structures as sampled
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.rna.design.energies import (
    BRANCH,
    HAIRPIN,
    IMPOSSIBLE,
    INTERIOR,
    MOST_POSITIONS,
    OUTER,
    Table,
    energy_table,
    structure_energy,
    structure_terms,
    term,
    term_energy,
    term_positions,
)
from genomark.rna.design.target import codes_of
from genomark.rna.parameters import PARAMETER_SETS, sections
from genomark.rna.vienna import FoldSettings, energies

HAIRPINS = [f"((({'.' * size})))" for size in (*range(3, 12), 30, 31, 45)]
#: Stacks, bulges, and interior loops from 1x1 to ones of more than thirty bases, either way round.
INTERIORS = [
    f"..((({'.' * left}(((....))){'.' * right}))).."
    for left, right in [*product(range(6), repeat=2), (12, 0), (0, 31), (1, 30), (17, 18), (40, 3)]
]
MULTILOOPS = [
    "((...)(...))",
    "((((...))((...))))",
    "..((.((....)).((....)).))..",
    "((((....)..((....)).(((...(....)...)))....(....).))).",
    "(.((.((...)).(((....)))..)).((....)).(....))",
    TRNA,
]
EXTERIORS = [
    "......",
    "(...)",
    ".(...)",
    "(...).",
    "(...)(...)",
    ".(...).(....)((...)).",
    "((...))(...).",
]
#: No loop has so much energy, 0.01 kcal/mol.
MUCH = 9_000_000
SETTINGS = [
    FoldSettings(parameters=name, temperature=temperature, dangles=dangles)
    for name, temperature, dangles in product(PARAMETER_SETS, (20.5, 37.0, 55.0), (0, 2))
]


def told(settings: FoldSettings) -> str:
    return f"{settings.parameters}-{settings.temperature:g}-d{settings.dangles}"


def energy(sequence: str, structure: str, table: Table) -> int:
    bases, partner = read(sequence, structure)
    return structure_energy(partner, bases, table)


def assert_as_vienna(sequence: str, structure: str, table: Table, settings: FoldSettings) -> None:
    expected = energy_by_vienna(sequence, structure, **details(settings))
    found = energy(sequence, structure, table)
    if expected > MUCH:
        # langdon2018 forbids some loops; how much that is ViennaRNA lets depend on the temperature.
        assert found > MUCH
    else:
        assert found == expected, (sequence, structure)


def details(settings: FoldSettings) -> dict[str, float]:
    return {"temperature": settings.temperature, "dangles": settings.dangles}


@pytest.mark.parametrize("settings", SETTINGS, ids=told)
def test_terms_add_up_to_what_vienna_says_of_every_kind_of_loop(settings: FoldSettings) -> None:
    random, table = Random(told(settings)), energy_table(settings)
    with energies(settings):
        for structure in (*HAIRPINS, *INTERIORS, *MULTILOOPS, *EXTERIORS):
            for _ in range(8):
                sequence = drawn_sequence(structure, random)
                assert_as_vienna(sequence, structure, table, settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=told)
def test_terms_add_up_to_what_vienna_says_of_structures_of_random_rna(
    settings: FoldSettings,
) -> None:
    random, table = Random(told(settings)), energy_table(settings)
    with energies(settings):
        for length in (15, 40, 70, 110):
            sequence = random_rna(length, random)
            for structure in sampled(sequence, 4, **details(settings)):
                assert_as_vienna(sequence, structure, table, settings)


def test_a_parameter_file_tells_some_energies_and_the_default_the_others(tmp_path: Path) -> None:
    path = tmp_path / "mine.par"
    path.write_text(
        "## RNAfold parameter file v2.0\n\n# ML_params\n/* mine */\n-20 -30 500 900 40 10\n\n"
        "# Misc\n410 360 70 370\n\n# Tetraloops\nGGGGAC -1100 -1300\n\n# END\n"
    )
    random, settings = Random(0), FoldSettings(parameters=str(path), temperature=50.0)
    table = energy_table(settings)
    with energies(settings):
        for structure in (*HAIRPINS, *INTERIORS, *MULTILOOPS, *EXTERIORS):
            assert_as_vienna(drawn_sequence(structure, random), structure, table, settings)
        assert_as_vienna("GGGGAC", "(....)", table, settings)
        assert_as_vienna("CGAAAG", "(....)", table, settings)


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_hairpins_with_energies_of_their_own_have_those(name: str) -> None:
    table = energy_table(FoldSettings(parameters=name))
    shipped = sections(getattr(RNA, f"parameter_set_rna_{name}"))
    for kind, size in (("Triloops", 3), ("Tetraloops", 4), ("Hexaloops", 6)):
        for loop, free, _ in shipped.get(kind, []):
            assert len(loop) == size + 2
            packed = term(HAIRPIN, 0, size + 1, 0, 0)
            assert term_energy(packed, codes_of(loop), table) == int(free), loop
    if name == "turner2004":
        assert {kind: len(shipped[kind]) for kind in ("Triloops", "Tetraloops", "Hexaloops")} == {
            "Triloops": 2,
            "Tetraloops": 16,
            "Hexaloops": 4,
        }


def test_a_hairpin_by_hand() -> None:
    # Turner 2004: three stacks of GC on GC (-3.3, -3.3 and -3.3 of GG/CC), a loop of four bases
    # (5.6) with the mismatch of A and A in a GC pair (-1.1).
    table = energy_table(FoldSettings())
    assert energy("GGGGAAAACCCC", "((((....))))", table) == -3 * 330 + 560 - 110


def test_what_does_not_pair_is_impossible() -> None:
    table = energy_table(FoldSettings())
    assert energy("GAAAAG", "(....)", table) >= IMPOSSIBLE
    assert energy("GAAGAAAACAAC", "(..(....)..)", table) < IMPOSSIBLE
    assert energy("GAAGAAAAGAAC", "(..(....)..)", table) >= IMPOSSIBLE
    assert energy("GAC", "(.)", table) >= IMPOSSIBLE


@st.composite
def terms(draw: st.DrawFn) -> tuple[int, str]:
    """A term of a drawn structure, and a sequence that it is possible in."""
    pieces = st.sampled_from([*HAIRPINS[:9], *INTERIORS[:40], *MULTILOOPS, *EXTERIORS[1:]])
    structure = "".join(draw(st.lists(pieces, min_size=1, max_size=2)))
    if draw(st.booleans()):
        structure = f"(.{structure}.(...))"
    sequence = drawn_sequence(structure, Random(draw(st.integers(0, 999))))
    room = np.empty(3 * len(structure) + 4, np.int64)
    count, _ = structure_terms(read(sequence, structure)[1], energy_table_of_default(), room)
    return int(room[draw(st.integers(0, count - 1))]), sequence


_made: list[Table] = []


def energy_table_of_default() -> Table:
    if not _made:
        _made.append(energy_table(FoldSettings()))
    return _made[0]


@given(terms())
def test_a_term_depends_on_its_positions_alone(drawn: tuple[int, str]) -> None:
    packed, sequence = drawn
    bases, table = codes_of(sequence), energy_table_of_default()
    before = term_energy(packed, bases, table)
    assert before < IMPOSSIBLE
    positions = np.empty(MOST_POSITIONS, np.int32)
    count = term_positions(packed, len(bases), positions)
    held = positions[:count].tolist()
    assert set(held) <= set(range(len(bases)))
    for position in set(range(len(bases))) - set(held):
        for code in range(1, 5):
            changed = bases.copy()
            changed[position] = code
            assert term_energy(packed, changed, table) == before


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (term(HAIRPIN, 2, 6, 0, 0), {2, 3, 4, 5, 6}),
        (term(HAIRPIN, 2, 9, 0, 0), set(range(2, 10))),
        (term(HAIRPIN, 2, 10, 0, 0), {2, 3, 9, 10}),
        (term(INTERIOR, 2, 12, 3, 11), {2, 3, 11, 12}),
        (term(INTERIOR, 2, 12, 4, 11), {2, 3, 4, 11, 12}),
        (term(INTERIOR, 2, 14, 6, 11), {2, 3, 5, 6, 11, 12, 13, 14}),
        (term(BRANCH, 3, 8, 0, 0), {2, 3, 8, 9}),
        # The closing pair of a multiloop, from within: what is inside lies after 3 and before 20.
        (term(BRANCH, 20, 3, 0, 0), {3, 4, 19, 20}),
        (term(OUTER, 0, 8, 0, 0), {0, 8, 9}),
        (term(OUTER, 3, 23, 0, 0), {2, 3, 23}),
    ],
)
def test_positions_of_terms_by_hand(packed: int, expected: set[int]) -> None:
    positions = np.empty(MOST_POSITIONS, np.int32)
    count = term_positions(packed, 24, positions)
    assert set(positions[:count].tolist()) == expected


def test_terms_of_a_structure_by_hand() -> None:
    #            0         1         2
    #            012345678901234567890123456
    structure = ".((.((...)).((....)).)).(...)"
    room = np.empty(3 * len(structure) + 4, np.int64)
    _, partner = read("A" * len(structure), structure)
    count, constant = structure_terms(partner, energy_table_of_default(), room)
    expected = {
        term(OUTER, 1, 22, 0, 0),
        term(OUTER, 24, 28, 0, 0),
        term(INTERIOR, 1, 22, 2, 21),
        term(BRANCH, 21, 2, 0, 0),
        term(BRANCH, 4, 10, 0, 0),
        term(BRANCH, 12, 19, 0, 0),
        term(INTERIOR, 4, 10, 5, 9),
        term(INTERIOR, 12, 19, 13, 18),
        term(HAIRPIN, 5, 9, 0, 0),
        term(HAIRPIN, 13, 18, 0, 0),
        term(HAIRPIN, 24, 28, 0, 0),
    }
    assert count == len(expected)
    assert set(room[:count].tolist()) == expected
    # The closing of a multiloop costs 9.3 kcal/mol in ViennaRNA's Turner 2004, its bases nothing.
    assert constant == 930


@pytest.mark.parametrize("dangles", [1, 3])
def test_other_dangles_are_refused(dangles: int) -> None:
    message = f"^dangles={dangles}: design knows dangles=0 and dangles=2 alone$"
    with pytest.raises(UsageError, match=message):
        energy_table(FoldSettings(dangles=dangles))
