"""What makes one design better than another, and polishing by it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from random import Random

import moocore
import numpy as np
import pytest
import RNA
from design_examples import drawn_sequence, folded

from genomark.errors import UsageError
from genomark.rna.design.front import first_front, pareto_ranks
from genomark.rna.design.judge import EnergyJudge
from genomark.rna.design.objectives import Objective, Scale, gc_share, measures
from genomark.rna.design.polish import Polished, polished
from genomark.rna.design.target import IUPAC, Target
from genomark.rna.structure import pair_set, partners
from genomark.rna.vienna import FoldSettings, energies

STRUCTURE = "(((..(((....))).(((....)))..)))"
#: Folds into it, and not too well.
SEQUENCE = "GGCCAGAGCGUUCUCACCCCUAUGGGCAGCC"
#: Of a mole at 37 degrees Celsius, kcal.
KT = 0.0019871686 * 310.15


@dataclass(frozen=True)
class Point:
    losses: tuple[float, ...]


def probability(sequence: str, structure: str) -> float:
    """Of a structure, by Boltzmann's law."""
    compound = RNA.fold_compound(sequence)
    _, ensemble = compound.pf()
    return math.exp((ensemble - compound.eval_structure(structure)) / KT)


def defect(sequence: str, structure: str) -> float:
    """Expected share of wrong bases, from the probabilities of pairs."""
    compound = RNA.fold_compound(sequence)
    compound.pf()
    upper = np.array(compound.bpp())[1:, 1:]
    right = 2 * sum(upper[a, b] for a, b in pair_set(partners(structure)))
    unpaired = 1 - upper.sum(axis=0) - upper.sum(axis=1)
    right += sum(unpaired[k] for k, symbol in enumerate(structure) if symbol == ".")
    return 1 - right / len(structure)


def gap(sequence: str, structure: str) -> float:
    """Energy of the best other structure above one, among all within 8 kcal/mol."""
    compound = RNA.fold_compound(sequence, RNA.md(uniq_ML=1))
    others = [each.energy for each in compound.subopt(800) if each.structure != structure]
    return min(others) - compound.eval_structure(structure)


def polish(
    objectives: list[str], seed: int = 0, constraint: str | None = None, most: int = 10_000
) -> list[Polished]:
    left = most

    def spend() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    with energies(FoldSettings()) as model:
        scale = Scale(STRUCTURE, model, [Objective.read(each) for each in objectives])
        target = Target(STRUCTURE, constraint)
        return polished(SEQUENCE, target, EnergyJudge(model), scale, Random(seed), spend)


def test_the_example_folds_as_the_tests_here_need_it() -> None:
    assert folded(SEQUENCE) == STRUCTURE
    assert 0.1 < probability(SEQUENCE, STRUCTURE) < 0.3
    assert gc_share(SEQUENCE) == 21 / 31


@pytest.mark.parametrize("sequence", [SEQUENCE, SEQUENCE.replace("GG", "CC"), "A" * 31])
def test_measures_are_those_of_vienna(sequence: str) -> None:
    structure = folded(sequence)
    with energies(FoldSettings()) as model:
        found = measures(sequence, structure, STRUCTURE, model)
        losses, _ = Scale(
            STRUCTURE,
            model,
            [Objective.read(x) for x in ("gc=0.5", "probability", "defect", "energy-gap")],
        ).losses(sequence)
    share = sum(letter in "GC" for letter in sequence) / 31
    assert found.mfe == pytest.approx(RNA.fold(sequence)[1], abs=0.005)
    assert found.gc == gc_share(sequence) == share
    assert losses[0] == pytest.approx(abs(share - 0.5))
    if sequence != "A" * 31:
        expected = probability(sequence, STRUCTURE)
        assert found.probability == pytest.approx(expected, rel=1e-3)
        assert losses[1] == pytest.approx(-math.log10(expected) / 10, abs=1e-4)
        assert found.energy_gap == pytest.approx(min(gap(sequence, STRUCTURE), 4.0), abs=0.005)
        assert losses[3] == pytest.approx(-found.energy_gap / 4)
    assert found.ensemble_defect == pytest.approx(defect(sequence, STRUCTURE), abs=1e-5)
    assert losses[2] == found.ensemble_defect


def test_the_energy_gap_is_negative_where_another_structure_wins() -> None:
    with energies(FoldSettings()) as model:
        found = model.energy_gap(SEQUENCE, "." * 31)
    assert found == pytest.approx(RNA.fold(SEQUENCE)[1], abs=0.005)
    assert found < 0


def test_the_energy_gap_is_told_up_to_a_limit() -> None:
    sequence, structure = "GCGAGCGAAAGCUCGC", "((((((....))))))"
    assert gap(sequence, structure) == pytest.approx(2.3, abs=0.005)
    with energies(FoldSettings()) as model:
        assert model.energy_gap(sequence, structure) == 2.3
        assert model.energy_gap(sequence, structure, most=1.5) == 1.5
        # It has no pairs at all, so it has no other structure.
        assert model.energy_gap("A" * 31, "." * 31) == 4.0


@pytest.mark.parametrize("seed", range(4))
def test_polishing_for_probability_never_lowers_it(seed: int) -> None:
    best, *others = polish(["probability"], seed)
    before = probability(SEQUENCE, STRUCTURE)
    assert probability(best.sequence, STRUCTURE) > before
    for each in (best, *others):
        assert folded(each.sequence) == STRUCTURE
        assert best.losses <= each.losses
        found = 10 ** (-10 * each.losses[0])
        assert found == pytest.approx(probability(each.sequence, STRUCTURE), rel=1e-3)


def test_polishing_has_its_effect_on_each_objective() -> None:
    assert defect(polish(["defect"])[0].sequence, STRUCTURE) < defect(SEQUENCE, STRUCTURE) / 2
    assert abs(gc_share(polish(["gc=0.5"])[0].sequence) - 0.5) < 1 / 31
    assert gc_share(polish(["gc=0.3"])[0].sequence) < gc_share(SEQUENCE) - 0.15
    assert gap(polish(["energy-gap"], most=300)[0].sequence, STRUCTURE) > gap(SEQUENCE, STRUCTURE)


def test_polishing_keeps_to_the_constraint() -> None:
    constraint = "GNCNNGAGNNNNNUCACNNCUAUGRGMAGNC"
    found = polish(["probability"], 1, constraint)
    assert len(found) > 10
    for each in found:
        assert all(a in IUPAC[b] for a, b in zip(each.sequence, constraint, strict=True))
    # Where all is given, nothing can be changed, and that is found out.
    assert [each.sequence for each in polish(["probability"], 1, SEQUENCE)] == [SEQUENCE]


def test_polishing_ends_with_what_may_be_spent() -> None:
    assert [each.sequence for each in polish(["probability"], most=0)] == [SEQUENCE]
    assert len(polish(["probability"], most=20)) <= 21


def test_without_objectives_there_is_nothing_to_polish() -> None:
    assert polish([]) == polish(["distance"]) == [Polished(SEQUENCE, ())]


def test_polishing_is_a_function_of_its_seed() -> None:
    found = [polish(["probability", "gc=0.5"], seed, most=100) for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("probability", Objective("probability")),
        ("gc=0.25", Objective("gc", 0.25)),
        ("energy-gap", Objective("energy-gap")),
    ],
)
def test_objectives_are_read_and_written(text: str, expected: Objective) -> None:
    assert Objective.read(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beauty", "objective 'beauty': expected one of distance, probability, defect, energy-gap"),
        ("gc", "objective 'gc': expected one of distance, probability, defect, energy-gap, gc=0.5"),
        ("defect=1", "objective 'defect=1': expected one of"),
        ("gc=50", "objective 'gc=50': expected a share from 0 to 1, as in gc=0.5"),
        ("gc=half", "objective 'gc=half': expected a share from 0 to 1, as in gc=0.5"),
        ("gc=nan", "objective 'gc=nan': expected a share from 0 to 1, as in gc=0.5"),
    ],
)
def test_what_is_no_objective_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        Objective.read(text)


def dominated(one: Point, other: Point) -> bool:
    pairs = list(zip(one.losses, other.losses, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@pytest.mark.parametrize("n", [2, 3])
def test_the_first_front_is_what_no_other_dominates(n: int) -> None:
    random = Random(n)
    # Small numbers, so that some are equal.
    points = [Point(tuple(random.randint(0, 9) / 10 for _ in range(n))) for _ in range(60)]
    expected = [each for each in points if not any(dominated(each, other) for other in points)]
    assert first_front(points) == expected
    assert 1 < len(expected) < 60


def test_later_fronts_are_first_ones_of_what_is_left() -> None:
    random = Random(0)
    points = [Point((random.random(), random.random())) for _ in range(40)]
    ranks, left, rank = pareto_ranks(points), list(range(40)), 0
    while left:
        front = [each for each in left if not any(dominated(points[each], points[x]) for x in left)]
        assert {ranks[each] for each in front} == {rank}
        left, rank = [each for each in left if each not in front], rank + 1
    assert max(ranks) == rank - 1 > 2


def test_one_objective_makes_one_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moocore", None)
    assert pareto_ranks([]) == []
    assert pareto_ranks([Point((0.5,)), Point((0.1,))]) == [0, 0]
    assert pareto_ranks([Point(()), Point(())]) == [0, 0]


def test_without_moocore_several_objectives_are_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert moocore.pareto_rank([[0.0, 1.0]]).tolist() == [0]
    monkeypatch.setitem(sys.modules, "moocore", None)
    with pytest.raises(UsageError, match=r"moocore: pip install 'genomark\[rna\]'$"):
        pareto_ranks([Point((0.5, 0.5))])


def test_probabilities_of_what_is_hardly_ever_there_are_still_losses() -> None:
    sequence = drawn_sequence("(" * 40 + "...." + ")" * 40, Random(0))
    with energies(FoldSettings()) as model:
        losses, _ = Scale("." * 84, model, [Objective("probability")]).losses(sequence)
    assert 1.0 < losses[0] <= 30.0
