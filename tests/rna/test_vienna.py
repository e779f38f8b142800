"""Energies of ViennaRNA, and that what one caller sets reaches no other."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import RNA

from genomark.errors import UsageError
from genomark.rna.structure import partners
from genomark.rna.vienna import (
    PARAMETER_SETS,
    FoldSettings,
    energies,
    fold_all,
    rna_sequence,
    vienna_rna,
)

TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
CLOVERLEAF = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."
#: A process in which nothing else was ever loaded or computed.
FRESH = """
import json, sys, RNA
sets, temperature, sequence = sys.argv[1], float(sys.argv[2]), sys.argv[3]
getattr(RNA, sets)()
compound = RNA.fold_compound(sequence, RNA.md(temperature=temperature))
structure, energy = compound.mfe()
compound.exp_params_rescale(energy)
print(json.dumps([structure, round(energy, 2), compound.pf()[1]]))
"""


def fresh(parameters: str, temperature: float) -> list:
    loader = PARAMETER_SETS[parameters]
    command = [sys.executable, "-c", FRESH, loader, str(temperature), TRNA]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def told(settings: FoldSettings) -> list:
    with energies(settings) as model:
        structure, energy = model.fold(TRNA)
        return [structure, energy, model.ensemble(TRNA, structure).energy]


def test_a_structure_and_its_energy_are_those_of_a_process_that_did_nothing_else() -> None:
    with energies(FoldSettings()) as model:
        assert list(model.fold(TRNA)) == fresh("turner2004", 37.0)[:2] == [CLOVERLEAF, -22.4]
        assert model.energy(TRNA, CLOVERLEAF) == -22.4
        assert model.energy(TRNA, "." * len(TRNA)) == 0.0


@pytest.mark.parametrize("temperature", [37.0, 50.0])
def test_interleaved_settings_answer_as_processes_of_their_own(temperature: float) -> None:
    expected = {name: fresh(name, temperature) for name in PARAMETER_SETS}
    assert len({json.dumps(each) for each in expected.values()}) == len(PARAMETER_SETS)
    order = [*PARAMETER_SETS, *reversed(PARAMETER_SETS)]
    for name in order:
        assert told(FoldSettings(temperature=temperature, parameters=name)) == expected[name]


def test_what_was_set_for_the_process_does_not_matter_and_nothing_is_left_behind() -> None:
    expected = told(FoldSettings())
    before = {name: getattr(RNA.cvar, name) for name in ("temperature", "dangles", "noLP")}
    try:
        RNA.cvar.temperature, RNA.cvar.dangles, RNA.cvar.noLP = 60.0, 0, 1
        RNA.params_load_RNA_Turner1999()
        assert told(FoldSettings()) == expected
        assert (RNA.cvar.temperature, RNA.cvar.dangles, RNA.cvar.noLP) == (60.0, 0, 1)
    finally:
        for name, value in before.items():
            setattr(RNA.cvar, name, value)
    told(FoldSettings(temperature=50.0, parameters="andronescu2007"))
    assert RNA.fold_compound(TRNA).mfe()[1] == pytest.approx(-22.4)


def test_threads_with_different_settings_do_not_mix() -> None:
    choices = [FoldSettings(parameters=name) for name in PARAMETER_SETS]
    expected = [told(each) for each in choices]
    found: dict[int, set[str]] = {number: set() for number in range(len(choices))}

    def work(number: int) -> None:
        for _ in range(8):
            found[number].add(json.dumps(told(choices[number])))

    threads = [threading.Thread(target=work, args=(number,)) for number in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {json.dumps(each)} for number, each in enumerate(expected)}


def test_a_parameter_file_counts_and_leaves_the_rest_to_the_default_set(tmp_path: Path) -> None:
    whole = tmp_path / "whole.par"
    whole.write_text(RNA.parameter_set_rna_turner1999)
    part = tmp_path / "part.par"
    stacks = " ".join(["-480"] * 49)
    part.write_text(f"## RNAfold parameter file v2.0\n\n# stack\n{stacks}\n")
    settings = FoldSettings(parameters=str(part))
    part.unlink()
    told(FoldSettings(parameters="langdon2018"))
    sequence, structure = "CCCCAAAAGGGG", "((((....))))"
    with energies(FoldSettings()) as model:
        usual = model.energy(sequence, structure)
    with energies(settings) as model:
        changed = model.energy(sequence, structure)
    # Three stacks of CC on GG, -3.30 kcal/mol each in Turner 2004 (NNDB), are -4.80 each now; the
    # hairpin of 4 costs what it did.
    assert round(changed - usual, 2) == round(3 * (-4.80 + 3.30), 2)


def test_probabilities_are_those_of_all_structures_counted_one_by_one() -> None:
    sequence = "GGGAAACUUCCC"
    settings = FoldSettings(dangles=0)
    with energies(settings) as model:
        every = [each.structure for each in RNA.fold_compound(sequence).subopt(10_000)]
        weights = np.array([model.energy(sequence, each) for each in every])
        kt = 1.98717e-3 * (37.0 + 273.15)
        weights = np.exp(-weights / kt)
        expected = np.zeros((len(sequence),) * 2)
        for structure, weight in zip(every, weights, strict=True):
            for i, j in enumerate(partners(structure)):
                if j > i:
                    expected[i, j] += weight
        found = model.pair_probabilities(sequence)
        best, _ = model.fold(sequence)
        ensemble = model.ensemble(sequence, best)
    assert len(set(every)) == len(every) > 50
    assert found.dtype == np.float64
    assert np.allclose(found, expected / weights.sum(), atol=2e-4)
    assert ensemble.energy == pytest.approx(-kt * np.log(weights.sum()), abs=2e-3)
    place = every.index(best)
    assert ensemble.probability == pytest.approx(weights[place] / weights.sum(), abs=2e-4)


def test_the_defect_is_the_expected_share_of_bases_that_are_otherwise() -> None:
    with energies(FoldSettings()) as model:
        ensemble = model.ensemble(TRNA, CLOVERLEAF)
        upper = model.pair_probabilities(TRNA)
    compound = RNA.fold_compound(TRNA)
    compound.exp_params_rescale(compound.mfe()[1])
    compound.pf()
    assert ensemble.defect == pytest.approx(compound.ensemble_defect(CLOVERLEAF), abs=1e-9)
    assert ensemble.diversity == pytest.approx(compound.mean_bp_distance(), abs=1e-9)
    by_hand = 0.0
    for i, j in enumerate(partners(CLOVERLEAF)):
        of_base = upper[i] + upper[:, i]
        by_hand += 1 - (of_base[j] if j >= 0 else 1 - of_base.sum())
    assert ensemble.defect == pytest.approx(by_hand / len(TRNA), abs=1e-9)


def test_methods_differ_and_their_energy_is_that_of_their_structure() -> None:
    compound = RNA.fold_compound(TRNA)
    compound.exp_params_rescale(compound.mfe()[1])
    compound.pf()
    expected = {
        "mea": compound.MEA(1.0)[0],
        "centroid": compound.centroid()[0],
        "mfe": CLOVERLEAF,
    }
    assert len(set(expected.values())) == 3
    for method, structure in expected.items():
        found, energy = fold_all((FoldSettings(method), [TRNA]))[0]
        assert found == structure
        assert energy == pytest.approx(compound.eval_structure(structure), abs=0.005)
    strict = fold_all((FoldSettings("mea", gamma=0.01), [TRNA]))[0][0]
    assert strict.count("(") < expected["mea"].count("(")


def test_crossing_pairs_are_left_out_of_energies() -> None:
    with energies(FoldSettings()) as model:
        assert model.energy("GGGGAAAACCCCAA", "((((.[..))))].") == model.energy(
            "GGGGAAAACCCCAA", "((((....)))).."
        )
        with pytest.raises(UsageError, match="3 symbols for a sequence of 4"):
            model.energy("GGGG", "...")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "best"}, "method=best: expected mfe, mea or centroid"),
        ({"temperature": -300.0}, "temperature=-300: expected degrees Celsius above -273.15"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"dangles": 4}, "dangles=4: expected 0, 1, 2 or 3"),
        ({"method": "mea", "dangles": 3}, "method=mea with dangles=3"),
        ({"gamma": 0.0}, "gamma=0: expected a number above 0"),
        ({"parameters": "turner"}, "parameters=turner: neither a file nor one of turner2004"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FoldSettings(**settings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello\n", "row 1: expected '## RNAfold parameter file v2.0'"),
        (b"## RNAfold parameter file v2.0\n", "no energies; expected sections"),
        (b"## RNAfold parameter file v2.0\n\n# stakc\n 1\n", "no energies are called 'stakc'"),
        (b"## RNAfold parameter file v2.0\n\n# stack\n -480\n", "'stack': 1 numbers; expected 49"),
        (
            b"## RNAfold parameter file v2.0\n\n# NINIO\n/* x */ 60 INF 3.5\n",
            "'NINIO': '3.5'; expected whole",
        ),
        (b"## RNAfold parameter file v2.0\n\n# Triloops\nCAACG 680\n", "expected lines of a loop"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_files_that_viennarna_would_believe_are_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.par"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        FoldSettings(parameters=str(path))


@pytest.mark.parametrize("name", ["turner1999", "langdon2018", "andronescu2007"])
def test_files_of_every_shipped_set_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "own.par"
    path.write_text(getattr(RNA, f"parameter_set_rna_{name}"))
    assert told(FoldSettings(parameters=str(path))) == told(FoldSettings(parameters=name))


def test_odd_dangles_have_no_probabilities() -> None:
    with energies(FoldSettings(dangles=1)) as model:
        assert model.fold(TRNA)[1] == -21.6
        with pytest.raises(UsageError, match="dangles=1: probabilities of pairs"):
            model.pair_probabilities(TRNA)


def test_sequences_are_read_as_rna() -> None:
    assert rna_sequence("acgtun", "x") == "ACGUUN"
    for sequence, message in {
        "ACXG": "one, position 3: letter 'X'; expected A, C, G, U",
        "AC\x1b": r"one, position 3: letter '\\x1b'",
        "": "one: an empty sequence",
        "A" * 11: "one: 11 bases; expected at most 10",
    }.items():
        with pytest.raises(UsageError, match=message):
            rna_sequence(sequence, "one", 10)


def test_without_viennarna_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(UsageError, match=r"needs ViennaRNA: pip install 'genomark\[rna\]'$"):
        vienna_rna()
