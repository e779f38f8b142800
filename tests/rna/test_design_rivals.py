"""Rivals: what a wrong fold teaches."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from design_examples import (
    TRNA,
    drawn_sequence,
    energy_by_vienna,
    random_rna,
    read,
    sampled_structures,
)

from genomark.rna.design.energies import IMPOSSIBLE, Table, energy_table
from genomark.rna.design.rivals import MOST_RIVALS, Rivals, leads
from genomark.rna.design.target import codes_of
from genomark.rna.structure import pair_set, partners
from genomark.rna.vienna import FoldSettings

TWO = "..((((....))))..((((....)))).."


@pytest.fixture(scope="module")
def table() -> Table:
    return energy_table(FoldSettings())


def rivals_of(target: str, table: Table, *wrong: str) -> Rivals:
    made = Rivals(partners(target), table)
    for each in wrong:
        made.learn(partners(each))
    return made


def possible(sequence: str, structure: str) -> bool:
    pairs = {"AU", "UA", "CG", "GC", "GU", "UG"}
    return all(sequence[a] + sequence[b] in pairs for a, b in pair_set(partners(structure)))


def refolded(target: str, wrong: str, first: int, last: int) -> str:
    return target[:first] + wrong[first:last] + target[last:]


def test_the_lead_over_a_single_rival_is_the_energy_of_the_fold_it_was_learned_from(
    table: Table,
) -> None:
    random, seen = Random(1), 0
    for _ in range(200):
        sequence = drawn_sequence(TRNA, random)
        for wrong in sampled_structures(sequence, 3):
            rivals = rivals_of(TRNA, table, wrong)
            if len(rivals) != 1:
                continue
            seen += 1
            gap = energy_by_vienna(sequence, wrong) - energy_by_vienna(sequence, TRNA)
            assert leads(codes_of(sequence), rivals.index, table).tolist() == [gap]
    assert seen > 100


def test_leads_over_rivals_of_one_fold_add_up_to_its_energy_above_the_target(table: Table) -> None:
    random, most = Random(2), 0
    for _ in range(200):
        sequence = drawn_sequence(TRNA, random)
        (wrong,) = sampled_structures(sequence, 0)
        rivals = rivals_of(TRNA, table, wrong)
        gap = energy_by_vienna(sequence, wrong) - energy_by_vienna(sequence, TRNA)
        assert leads(codes_of(sequence), rivals.index, table).sum() == gap
        most = max(most, len(rivals))
    assert most >= 3


def test_leads_are_differences_of_energies_in_other_sequences_too(table: Table) -> None:
    random, seen, impossible = Random(3), 0, 0
    rivals, foldings = Rivals(partners(TWO), table), []
    for _ in range(60):
        (wrong,) = sampled_structures(random_rna(len(TWO), random), 0)
        if rivals.learn(partners(wrong)) == 1 and not pair_set(partners(wrong)) & pair_set(
            partners(TWO)
        ):
            foldings.append(wrong)
        else:
            rivals = rivals_of(TWO, table, *foldings)
    assert len(rivals) == len(foldings) > 20
    for _ in range(100):
        sequence = drawn_sequence(TWO, random)
        found = leads(codes_of(sequence), rivals.index, table)
        for lead, wrong in zip(found.tolist(), foldings, strict=True):
            if possible(sequence, wrong):
                seen += 1
                gap = energy_by_vienna(sequence, wrong) - energy_by_vienna(sequence, TWO)
                assert lead == gap
            else:
                impossible += 1
                assert lead == IMPOSSIBLE
    assert seen > 20
    assert impossible > 20


def test_differences_apart_from_each_other_are_rivals_of_their_own(table: Table) -> None:
    wrong = "..(((......)))..(((......))).."
    rivals = Rivals(partners(TWO), table)
    assert rivals.learn(partners(wrong)) == 2
    index = rivals.index
    assert list(zip(index.opening.tolist(), index.closing.tolist(), strict=True)) == [
        (4, 11),
        (18, 25),
    ]
    sequence = drawn_sequence(TWO, Random(4))
    alone = [refolded(TWO, wrong, 0, 15), refolded(TWO, wrong, 15, 30)]
    gaps = [energy_by_vienna(sequence, each) - energy_by_vienna(sequence, TWO) for each in alone]
    assert leads(codes_of(sequence), index, table).tolist() == gaps
    assert sum(gaps) == energy_by_vienna(sequence, wrong) - energy_by_vienna(sequence, TWO)


def test_a_difference_in_the_exterior_loop_reaches_over_the_whole(table: Table) -> None:
    rivals = rivals_of(TWO, table, "." * len(TWO))
    assert (rivals.index.opening.tolist(), rivals.index.closing.tolist()) == ([-1], [len(TWO)])


def test_what_is_known_is_not_learned_again(table: Table) -> None:
    wrong = "..(((......)))..(((......))).."
    rivals = Rivals(partners(TWO), table)
    assert rivals.learn(partners(TWO)) == 0
    assert rivals.learn(partners(refolded(TWO, wrong, 0, 15))) == 1
    # One of its two regions is known.
    assert rivals.learn(partners(wrong)) == 1
    assert rivals.learn(partners(wrong)) == 0
    assert len(rivals) == 2


def test_every_term_is_found_from_its_positions_and_every_rival_from_its_terms(
    table: Table,
) -> None:
    random = Random(5)
    foldings = [sampled_structures(random_rna(76, random), 0)[0] for _ in range(30)]
    index = rivals_of(TRNA, table, *foldings).index
    by_rival = {
        (int(index.term_of[place]), rival, int(index.sign_of[place]))
        for rival in range(index.constants.size)
        for place in range(index.start_of[rival], index.start_of[rival + 1])
    }
    by_term = set()
    for number in range(index.terms.size):
        place = index.first_rival[number]
        while place >= 0:
            by_term.add((number, int(index.rival_at[place]), int(index.sign_at[place])))
            place = index.next_rival[place]
    assert by_term == by_rival
    # A term of the target is never on the side of a rival.
    assert {sign for number, _, sign in by_rival if index.of_target[number]} == {-1}
    assert {sign for number, _, sign in by_rival if not index.of_target[number]} == {1}


def many(table: Table) -> tuple[Rivals, list[np.ndarray]]:
    """More rivals than are kept, and the folds they were learned from."""
    random, foldings = Random(6), []
    rivals = Rivals(partners(TRNA), table)
    while len(rivals) <= MOST_RIVALS:
        for wrong in sampled_structures(random_rna(76, random), 4):
            folding = partners(wrong)
            if not pair_set(folding) & pair_set(partners(TRNA)) and rivals.learn(folding):
                foldings.append(folding)
    return rivals, foldings


def test_the_newest_rivals_and_the_nearest_to_winning_are_kept(table: Table) -> None:
    rivals, foldings = many(table)
    sequence = drawn_sequence(TRNA, Random(7))
    bases = codes_of(sequence)
    before = leads(bases, rivals.index, table)
    rivals.forget(bases)
    assert len(rivals) == MOST_RIVALS // 2
    newest = set(range(len(foldings) - MOST_RIVALS // 4, len(foldings)))
    others = sorted(set(range(len(foldings))) - newest, key=lambda each: (before[each], each))
    kept = sorted(newest | set(others[: MOST_RIVALS // 4]))
    assert [rivals.learn(foldings[each]) for each in kept] == [0] * len(kept)
    assert leads(bases, rivals.index, table).tolist() == before[kept].tolist()
    lost = [each for each in range(len(foldings)) if each not in set(kept)]
    assert [rivals.learn(foldings[each]) for each in lost] == [1] * len(lost)


def test_few_rivals_are_all_kept(table: Table) -> None:
    rivals = rivals_of(TWO, table, "." * len(TWO), "..(((......)))..((((....))))..")
    rivals.forget(read(drawn_sequence(TWO, Random(8)), TWO)[0])
    assert len(rivals) == 2
