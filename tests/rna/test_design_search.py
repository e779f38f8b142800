"""The search: what it finds folds into its target, as ViennaRNA alone says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest
import RNA
from design_examples import PAIRS, TRNA, folded

from genomark.errors import ModelError
from genomark.rna.design.energies import Table, energy_table
from genomark.rna.design.judge import EnergyJudge, FolderJudge
from genomark.rna.design.search import Search
from genomark.rna.design.start import first_guess
from genomark.rna.design.target import IUPAC, Target, text_of
from genomark.rna.structure import pair_set
from genomark.rna.vienna import FoldSettings, energies

TARGETS = {
    "hairpin": "((((....))))",
    "nothing": "................",
    "bulge": "(((.((((....)))))))",
    "loops within": "..(((..((.(((....)))..))..)))",
    "three ways": "((((..(((....))).(((....)))..))))",
    "two hairpins": ".((((....))))..((((....)))).",
    "short stems": "..((((.((....)).((....)).((....)).))))..",
    "tRNA": TRNA,
    "large loop": "((((((...............((((....))))............))))))",
}


@pytest.fixture(scope="module")
def table() -> Table:
    return energy_table(FoldSettings())


@contextmanager
def searching(target: Target, seed: int = 0, **settings: object) -> Iterator[Search]:
    asked = FoldSettings(**settings)
    with energies(asked) as model:
        yield Search(target, EnergyJudge(model), energy_table(asked), seed)


@pytest.mark.parametrize("structure", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_found_folds_into_the_target(structure: str, seed: int) -> None:
    with searching(Target(structure), seed) as search:
        found = search.run()
    assert found is not None
    assert found is search.best
    assert found.distance == 0
    assert folded(found.sequence) == found.structure == structure
    assert search.folds > 0
    assert search.effort > 0.0


@pytest.mark.parametrize("structure", ["((((.....))))", "((((..((((....)))).((((....))))..))))"])
def test_other_energies_and_another_way_of_folding_find_what_they_say(structure: str) -> None:
    with searching(Target(structure), temperature=50.0, dangles=0) as search:
        found = search.run()
    assert found is not None
    compound = RNA.fold_compound(found.sequence, RNA.md(temperature=50.0, dangles=0))
    assert compound.mfe()[0] == structure
    with searching(Target(structure), method="centroid") as search:
        found = search.run()
    assert found is not None
    compound = RNA.fold_compound(found.sequence)
    compound.pf()
    assert compound.centroid()[0] == structure


def test_a_search_is_a_function_of_its_seed() -> None:
    def told(seed: int) -> tuple[object, ...]:
        with searching(Target(TARGETS["short stems"]), seed) as search:
            return search.run(), search.folds, search.effort

    first = [told(seed) for seed in range(4)]
    assert [told(seed) for seed in range(4)] == first
    assert len({found for found, _, _ in first}) == 4


@pytest.mark.parametrize("seed", range(4))
def test_letters_that_are_not_allowed_are_never_there(seed: int) -> None:
    structure = TARGETS["three ways"]
    #            ((((..(((....))).(((....)))..))))
    constraint = "NNSNRYNNNUUCGNNNNNNWGMAANNNGUNNNN"
    with searching(Target(structure, constraint), seed) as search:
        found = search.run()
    assert found is not None
    assert folded(found.sequence) == structure
    assert all(a in IUPAC[b] for a, b in zip(found.sequence, constraint, strict=True))


def test_a_sequence_that_is_wholly_given_is_judged_and_left(table: Table) -> None:
    sequence = "GGGGAAAACCCC"
    with searching(Target("((((....))))", sequence)) as search:
        found = search.run()
    assert found is not None
    assert (found.sequence, search.folds) == (sequence, 1)


def test_told_to_stop_it_gives_up_and_remembers_the_best() -> None:
    asked: list[str] = []
    target = Target("(((.(...).(...).(...).)))")

    def fold(sequence: str) -> str:
        asked.append(sequence)
        return folded(sequence)

    search = Search(target, FolderJudge(fold), energy_table(FoldSettings()), 0)
    assert search.run(lambda: len(asked) >= 40) is None
    assert search.folds == len(asked) == 40
    wrong = {
        sequence: sum(a != b for a, b in zip(folded(sequence), target.structure, strict=True))
        for sequence in asked
    }
    assert search.best is not None
    assert search.best.distance == min(wrong.values()) == wrong[search.best.sequence] > 0
    assert search.best.structure == folded(search.best.sequence)


def test_a_search_without_hope_ends() -> None:
    # Two pairs of A and U are no match for four bases.
    with searching(Target("((...))", "AANNNUU")) as search:
        assert search.run() is None
        assert search.best is not None
        assert search.best.structure == "......."
        assert search.best.distance == 4


def test_any_function_can_be_the_judge(table: Table) -> None:
    structure = "((((....))))"

    def fold(sequence: str) -> str:
        """A folder that knows no energies: it wants a U in the loop, and none elsewhere."""
        return structure if sequence.count("U") == sequence[4:8].count("U") == 1 else "." * 12

    search = Search(Target(structure), FolderJudge(fold), table, 0)
    found = search.run()
    assert found is not None
    assert fold(found.sequence) == structure


def test_a_judge_without_energies_learns_from_its_wrong_folds_too(table: Table) -> None:
    def fold(sequence: str) -> str:
        return RNA.fold_compound(sequence, RNA.md(temperature=50.0)).mfe()[0]

    structure, worked = TARGETS["short stems"], 0
    for seed in range(4):
        search = Search(Target(structure), FolderJudge(fold), table, seed)
        found = search.run()
        if found is not None:
            worked += search.folds > 1
            assert fold(found.sequence) == structure
    assert worked


def test_a_folder_that_gives_no_structure_of_the_sequence_is_told(table: Table) -> None:
    search = Search(Target("((((....))))"), FolderJudge(lambda sequence: ""), table, 0)
    with pytest.raises(ModelError, match=r"^the folder gives 0 symbols for 12 bases; expected one"):
        search.run()


def test_only_a_judge_of_lowest_energy_folds_parts_by_themselves() -> None:
    assert FolderJudge(folded).fold_closed is None
    for method, able in {"mfe": True, "mea": False, "centroid": False}.items():
        with energies(FoldSettings(method=method)) as model:
            assert (EnergyJudge(model).fold_closed is not None) == able


@pytest.mark.parametrize("structure", TARGETS.values(), ids=TARGETS)
def test_a_first_guess_has_pairs_where_the_target_has(structure: str) -> None:
    target = Target(structure)
    for seed in range(5):
        guess = text_of(first_guess(target, Random(seed)))
        assert all(guess[a] + guess[b] in PAIRS for a, b in pair_set(target.partner))
        assert all(guess[k] == "A" for k in np.flatnonzero(target.partner < 0))


def test_a_first_guess_keeps_to_the_constraint() -> None:
    target = Target("((.((....))))", "NWNRUBNSVKYNN")
    for seed in range(20):
        guess = text_of(first_guess(target, Random(seed)))
        assert all(a in IUPAC[b] for a, b in zip(guess, target.constraint or "", strict=True))
        assert all(guess[a] + guess[b] in PAIRS for a, b in pair_set(target.partner))


def test_a_model_proposes_letters_where_it_is_asked_for_them() -> None:
    target = Target("((((....))))" + "." * 60, "N" * 20 + "H" * 10 + "N" * 42)
    asked: list[str] = []

    def propose(sequence: str) -> np.ndarray:
        asked.append(sequence)
        expected = np.zeros((len(sequence), 4))
        expected[:, 2] = 1.0
        expected[[k for k, letter in enumerate(sequence) if letter != "N"]] = 0.0
        for k, letter in enumerate(sequence):
            if letter != "N":
                expected[k, "ACGU".index(letter)] = 1.0
        return expected

    for seed in range(20):
        guess = text_of(first_guess(target, Random(seed), propose))
        before = asked[-1]
        assert len(asked) == seed + 1
        for k in range(12, 72):
            # H is all but G, which the model wants everywhere.
            if before[k] == "N" and target.constraint[k] == "N":
                assert guess[k] == "G"
            else:
                assert guess[k] == "A"
        assert all(guess[a] + guess[b] in PAIRS for a, b in pair_set(target.partner))
    share = np.mean([letter == "N" for sequence in asked for letter in sequence])
    # Of 1,440 positions 30 %: five standard deviations are 6 %.
    assert share == pytest.approx(0.3, abs=0.06)


def test_a_model_is_believed_in_what_it_says_of_both_of_a_pair() -> None:
    def propose(sequence: str) -> np.ndarray:
        """U before the middle and A after it, at once for all."""
        expected = np.zeros((12, 4))
        expected[:6, 3] = expected[6:, 0] = 1.0
        return expected

    target = Target("((((....))))")
    for seed in range(20):
        asked: list[str] = []
        guess = text_of(
            first_guess(
                target, Random(seed), lambda text, asked=asked: asked.append(text) or propose(text)
            )
        )
        for opening, closing in pair_set(target.partner):
            if asked[0][opening] == "N":
                assert guess[opening] + guess[closing] == "UA"


def test_proposals_reach_the_search(table: Table) -> None:
    asked: list[str] = []

    def propose(sequence: str) -> np.ndarray:
        asked.append(sequence)
        return np.full((len(sequence), 4), 0.25)

    search = Search(Target("((((....))))"), FolderJudge(folded), table, 0, propose)
    found = search.run()
    assert found is not None
    assert folded(found.sequence) == "((((....))))"
    assert len(asked) == 1
