"""Judging designs: which of the sequences counts, and what is told of it."""

from __future__ import annotations

import os
import signal

import pytest
import RNA

from genomark.benchmarks.rna.design_judge import Judge, nearest
from genomark.errors import ModelError

TARGET = "((((....))))"
SOLUTION, OTHER_SOLUTION = "GGGGAAAACCCC", "GCGCAAAAGCGC"
#: Folds into nothing: 8 of the 12 symbols are wrong.
UNPAIRED = "AAAAAAAAAAAA"
#: Folds into ``(((....)))..``: 4 symbols wrong.
SHIFTED = "GGGAAAACCCAA"


@pytest.fixture(scope="module")
def court() -> Judge:
    return Judge()


def test_the_first_sequence_that_folds_into_the_target_solves_it(court: Judge) -> None:
    found = court.verdict(TARGET, [UNPAIRED, SOLUTION, OTHER_SOLUTION])
    assert (found.sequence, found.structure, found.distance) == (SOLUTION, TARGET, 0)
    assert found.reason is None


def test_else_the_one_that_comes_nearest_is_told_of(court: Judge) -> None:
    assert RNA.fold(SHIFTED)[0] == "(((....)))..", "else the distance below is another"
    found = court.verdict(TARGET, [UNPAIRED, SHIFTED, UNPAIRED])
    assert (found.sequence, found.distance) == (SHIFTED, 4)
    assert court.verdict(TARGET, [UNPAIRED]).distance == 8


def test_energy_defect_and_gc_are_those_of_viennarna(court: Judge) -> None:
    found = court.verdict(TARGET, [OTHER_SOLUTION])
    compound = RNA.fold_compound(OTHER_SOLUTION)
    _, energy = compound.mfe()
    compound.pf()
    assert found.mfe == pytest.approx(energy, abs=0.005)
    assert found.ensemble_defect == pytest.approx(compound.ensemble_defect(TARGET), abs=1e-6)
    assert found.gc == pytest.approx(8 / 12)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "no sequence was given"),
        ([""], "a sequence not as long as the structure"),
        ([SOLUTION[:-1]], "a sequence not as long as the structure"),
        (["GGGGTTTTCCCC"], "letters other than A, C, G and U"),
        (["gggguuuucccc"], "letters other than A, C, G and U"),
        (["GGGGNAAACCCC"], "letters other than A, C, G and U"),
        (["GGGG\ud800AAACCCC"], "letters other than A, C, G and U"),
    ],
)
def test_what_cannot_be_folded_is_told_of(court: Judge, given: list[str], reason: str) -> None:
    found = court.verdict(TARGET, given)
    assert found.reason == reason
    assert found.sequence is None


def test_what_cannot_be_folded_does_not_stand_in_the_way_of_the_next(court: Judge) -> None:
    assert court.verdict(TARGET, ["ACGT", SOLUTION[1:], SOLUTION]).sequence == SOLUTION


def test_ten_sequences_are_looked_at(court: Judge) -> None:
    assert court.verdict(TARGET, [*[UNPAIRED] * 9, SOLUTION]).distance == 0
    assert court.verdict(TARGET, [*[UNPAIRED] * 10, SOLUTION]).distance == 8
    assert court.verdict(TARGET, [*["ACGT"] * 10, SOLUTION]).reason is not None


def test_a_target_that_energies_forbid_is_judged_all_the_same() -> None:
    found = nearest("(..)........", [SOLUTION])
    assert found.distance == sum(a != b for a, b in zip("(..)........", TARGET, strict=True))
    assert found.ensemble_defect is not None
    assert found.ensemble_defect > 0.5


def test_what_is_done_to_viennarna_in_this_process_does_not_reach_the_judge(court: Judge) -> None:
    RNA.params_load_DNA_Mathews2004()
    RNA.cvar.temperature = 90.0
    try:
        assert RNA.fold(OTHER_SOLUTION)[0] != TARGET
        assert court.verdict(TARGET, [OTHER_SOLUTION]).distance == 0
    finally:
        RNA.cvar.temperature = 37.0
        RNA.params_load_RNA_Turner2004()


def test_a_judge_that_was_killed_is_replaced() -> None:
    court = Judge()
    court.verdict(TARGET, [SOLUTION])
    killed = court._process
    assert killed is not None
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert court.verdict(TARGET, [SOLUTION]).distance == 0


def test_a_judge_that_dies_again_and_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genomark.benchmarks.rna.design_judge.sys.executable", "/bin/true")
    with pytest.raises(ModelError, match=r"1 sequences of 12 bases again: .* died 2 times"):
        Judge().verdict(TARGET, [SOLUTION])
