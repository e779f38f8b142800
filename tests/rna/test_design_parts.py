"""Parts of targets: what they cost bounds what the whole does."""

from __future__ import annotations

from random import Random

import pytest
import RNA
from design_examples import TRNA, drawn_sequence, energy_by_vienna

from genomark.rna.design.parts import Part, parts_of
from genomark.rna.structure import partners
from genomark.rna.vienna import FoldSettings, energies

#: Branches within branches.
TREE = (
    "((((..((((..((((....))))..((((.((....)).))))..))))..(((((...(((((....)))))...)))))..))))"
    "..(((((....)))))"
)


def closed_cost(part: Part, sequence: str, structure: str) -> int:
    """Energy of a part of the target above the best fold that keeps its outer pair."""
    inner = slice(part.first, part.last + 1)
    compound = RNA.fold_compound(sequence[inner])
    flags = RNA.CONSTRAINT_CONTEXT_ALL_LOOPS | RNA.CONSTRAINT_CONTEXT_ENFORCE
    compound.hc_add_bp(1, part.last - part.first + 1, flags)
    best, energy = compound.mfe()
    assert best[0] == "("
    assert best[-1] == ")"
    with energies(FoldSettings()) as model:
        assert model.fold_closed(sequence[inner]) == best
    return energy_by_vienna(sequence[inner], structure[inner]) - round(100 * energy)


@pytest.mark.parametrize("structure", [TRNA, TREE])
def test_costs_of_parts_beside_each_other_are_no_more_than_that_of_what_is_around_them(
    structure: str,
) -> None:
    random, parts = Random(structure), parts_of(partners(structure))
    tight = 0
    for _ in range(40):
        sequence = drawn_sequence(structure, random)
        costs = [closed_cost(part, sequence, structure) for part in parts[:-1]]
        assert min(costs) >= 0
        best = round(100 * RNA.fold(sequence)[1])
        costs.append(energy_by_vienna(sequence, structure) - best)
        for part, cost in zip(parts, costs, strict=True):
            within = sum(costs[child] for child in part.children)
            assert within <= cost
            tight += 0 < within > cost / 2
    assert tight > 10


def test_parts_begin_with_helices_and_come_after_what_is_inside_them() -> None:
    parts = parts_of(partners(TREE))
    partner = partners(TREE)
    assert (parts[-1].first, parts[-1].last) == (-1, len(TREE))
    assert len(parts) > 4
    for number, part in enumerate(parts):
        if part.first >= 0:
            assert partner[part.first] == part.last
            # Outermost of its helix.
            assert partner[part.first - 1] != part.last + 1
        inside = {
            other
            for other, each in enumerate(parts)
            if other != number and part.first <= each.first and each.last <= part.last
        }
        assert set(part.inside) == inside
        assert all(other < number for other in inside)
        below = {other for child in inside for other in parts[child].inside}
        assert set(part.children) == inside - below
    assert sorted(parts[-1].inside) == list(range(len(parts) - 1))


def test_a_part_holds_what_lies_between_its_ends() -> None:
    part = Part(3, 9, (), ())
    assert part.holds([1, 2, 9])
    assert part.holds([3])
    assert not part.holds([1, 2, 10])
    assert not part.holds([])


def test_a_single_hairpin_and_no_pair_at_all_are_wholes() -> None:
    for structure in ("((((....))))", "............"):
        assert parts_of(partners(structure)) == [Part(-1, 12, (), ())]
