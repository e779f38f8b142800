"""Repair: few changes, after which the target beats all rivals that are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest
from design_examples import (
    PAIRS,
    TRNA,
    drawn_sequence,
    energy_by_vienna,
    folded,
    sampled_structures,
)

from genomark.rna.design.energies import Table, energy_table
from genomark.rna.design.repair import repaired
from genomark.rna.design.rivals import Rivals
from genomark.rna.design.target import IUPAC, Target, codes_of, text_of
from genomark.rna.structure import Partners, dot_bracket, pair_set, partners
from genomark.rna.vienna import FoldSettings

ENOUGH = 10
TARGETS = (TRNA, "..((((....))))..((((....))))..", "(((.((((...))))..((.(((....))).))...)))")


@dataclass
class Case:
    target: Target
    rivals: Rivals
    #: Structures with one rival each.
    foldings: list[str]
    sequence: str

    def leads(self, sequence: str) -> list[int]:
        """By ViennaRNA, of those rivals that can be."""
        pairs = [pair_set(partners(each)) for each in self.foldings]
        able = [
            each
            for each, found in zip(self.foldings, pairs, strict=True)
            if all(sequence[a] + sequence[b] in PAIRS for a, b in found)
        ]
        target = energy_by_vienna(sequence, self.target.structure)
        return [energy_by_vienna(sequence, each) - target for each in able]

    def repaired(
        self,
        table: Table,
        part: tuple[int, int] | None = None,
        steps: int = 3000,
        seed: int = 0,
        single: bool = False,
    ) -> tuple[str, bool, int]:
        first, last = part or (-1, len(self.target))
        bases = codes_of(self.sequence)
        index = self.rivals.index
        partner, allowed = self.target.partner, self.target.allowed
        found, led, taken = repaired(
            bases, partner, allowed, index, table, first, last, steps, seed, single
        )
        assert text_of(bases) == self.sequence
        return text_of(found), led, taken


def case(structure: str, table: Table, seed: int, number: int, constraint: str = "") -> Case:
    """A sequence, and `number` rivals of folds of it and of sequences like it."""
    random, target = Random(seed), Target(structure, constraint or None)
    allowed = [
        "".join("ACGU"[k] for k in range(4) if bits >> (k + 1) & 1) for bits in target.allowed
    ]
    rivals, foldings = Rivals(target.partner, table), []
    sequence = drawn_sequence(structure, random, allowed)
    while len(foldings) < number:
        other = drawn_sequence(structure, random, allowed)
        for wrong in sampled_structures(other if foldings else sequence, 3):
            for folding in apart(target.partner, partners(wrong)):
                if rivals.learn(folding):
                    foldings.append(dot_bracket(folding))
    assert len(rivals) == len(foldings)
    return Case(target, rivals, foldings, sequence)


def apart(target: Partners, wrong: Partners) -> Iterator[Partners]:
    """The target with one region refolded, by walking from shared pair to shared pair."""
    shared = [i for i in range(len(target)) if target[i] == wrong[i] > i]
    for opening in (-1, *shared):
        inside = range(opening + 1, len(target) if opening < 0 else target[opening])
        held = {k for i in shared if i in inside for k in range(i, target[i] + 1)}
        places = [k for k in inside if k not in held]
        if any(target[k] != wrong[k] for k in places):
            folding = target.copy()
            folding[places] = wrong[places]
            yield folding


def changes(before: str, after: str, target: Target) -> list[tuple[int, ...]]:
    """Changed bases that do not pair, and pairs of which some base has changed."""
    mates = target.partner.tolist()
    places = {k for k in range(len(before)) if before[k] != after[k]}
    return sorted({(k,) if mates[k] < 0 else (min(k, mates[k]), max(k, mates[k])) for k in places})


@pytest.fixture(scope="module")
def table() -> Table:
    return energy_table(FoldSettings())


CASES = [(target, seed) for target in TARGETS for seed in range(12)]


def taken_back(case: Case, found: str) -> tuple[int, int]:
    """How many changes there are, and how many of them were not needed."""
    changed = changes(case.sequence, found, case.target)
    spare = 0
    for places in changed:
        back = "".join(
            before if k in places else after
            for k, (before, after) in enumerate(zip(case.sequence, found, strict=True))
        )
        spare += min(case.leads(back), default=ENOUGH) >= ENOUGH
    return len(changed), spare


def test_the_target_leads_all_rivals_after_few_changes(table: Table) -> None:
    seen = needed = unneeded = 0
    for structure, seed in CASES:
        given = case(structure, table, seed, 12)
        if min(given.leads(given.sequence)) >= ENOUGH:
            continue
        seen += 1
        found, led, taken = given.repaired(table, seed=seed)
        assert led
        assert 0 < taken < 3000
        assert min(given.leads(found), default=ENOUGH) >= ENOUGH
        assert_pairs(found, given.target)
        number, spare = taken_back(given, found)
        assert number
        needed, unneeded = needed + number - spare, unneeded + spare
    assert seen > 30
    # Each change was needed when it was looked at; one that another made needless may stay.
    assert unneeded <= 0.03 * needed


def assert_pairs(sequence: str, target: Target) -> None:
    for opening, closing in pair_set(target.partner):
        assert sequence[opening] + sequence[closing] in PAIRS


def test_a_sequence_that_leads_is_left_as_it_is(table: Table) -> None:
    given = case(TRNA, table, 0, 12)
    given.sequence, led, _ = given.repaired(table)
    assert led
    assert given.repaired(table, seed=1) == (given.sequence, True, 0)


def test_without_rivals_there_is_nothing_to_repair(table: Table) -> None:
    given = Case(Target(TRNA), Rivals(partners(TRNA), table), [], drawn_sequence(TRNA, Random(0)))
    assert given.repaired(table) == (given.sequence, True, 0)


def test_the_same_seed_repairs_the_same_way(table: Table) -> None:
    given = case(TRNA, table, 3, 12)
    found = [given.repaired(table, seed=seed) for seed in (1, 2, 1, 2, 3)]
    assert found[:2] == found[2:4]
    assert len({sequence for sequence, _, _ in found}) > 1


@pytest.mark.parametrize("seed", range(8))
def test_letters_that_are_not_allowed_are_never_set(seed: int, table: Table) -> None:
    random = Random(seed)
    letters = drawn_sequence(TRNA, random)
    # Some letters are to stay, others may become what is beside them in the wheel of IUPAC.
    wider = {"A": "ARWMN", "C": "CYSMN", "G": "GRSKN", "U": "UYWKN"}
    constraint = "".join(random.choice(wider[letter]) for letter in letters)
    given = case(TRNA, table, seed, 6, constraint)
    found, _, taken = given.repaired(table, seed=seed)
    assert taken > 0
    assert found != given.sequence
    for allowed, letter in zip(constraint, found, strict=True):
        assert letter in IUPAC[allowed]
    assert_pairs(found, given.target)


def test_where_nothing_may_change_nothing_does(table: Table) -> None:
    target, wrong = "((((....))))", "(((......)))"
    rivals = Rivals(partners(target), table)
    rivals.learn(partners(wrong))
    sequence = "GUGGUUAAUCAC"
    assert folded(sequence) == wrong
    given = Case(Target(target, sequence), rivals, [wrong], sequence)
    assert given.repaired(table, steps=200) == (sequence, False, 200)
    given.target = Target(target)
    found, led, _ = given.repaired(table)
    assert led
    assert folded(found) == target


def test_a_part_alone_changes_for_rivals_within_it_alone(table: Table) -> None:
    structure = "((..(((....)))..(((....)))..))"
    rivals = Rivals(partners(structure), table)
    wrong = ["((..((......))..(((....)))..))", "((..(((....)))..((......))..))"]
    assert [rivals.learn(partners(each)) for each in wrong] == [1, 1]
    # Both hairpins open their innermost pair.
    sequence = "GGAAUCGCAUGUGAAAUCGCAUGUGAAACC"
    given = Case(Target(structure), rivals, wrong, sequence)
    before = given.leads(sequence)
    assert max(before) < ENOUGH
    for seed in range(5):
        found, led, _ = given.repaired(table, part=(16, 25), seed=seed)
        assert led
        assert found[:16] + found[26:] == sequence[:16] + sequence[26:]
        first, *second = given.leads(found)
        assert first == before[0]
        assert all(lead >= ENOUGH for lead in second)


def test_out_of_steps_it_gives_the_best_that_was_met(table: Table) -> None:
    given = case(TRNA, table, 5, 60)
    before = sum(lead < ENOUGH for lead in given.leads(given.sequence))
    found, led, taken = given.repaired(table, steps=25)
    assert not led
    assert taken == 25
    assert sum(lead < ENOUGH for lead in given.leads(found)) < before
