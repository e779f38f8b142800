"""``vienna`` as a model: the same answers on one core and on many."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import RNA

from genomark.errors import ModelError, UsageError
from genomark.models import Folder, load_model
from genomark.models import vienna as module
from genomark.models.vienna import Vienna
from genomark.rna.pool import shared_pool

TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"


def random_rnas(number: int, low: int, high: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGU"), rng.integers(low, high))) for _ in range(number)]


@pytest.fixture
def always_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH_A_PROCESS", 0.0)
    monkeypatch.setattr(module, "_WORTH_STARTING_ONE", 0.0)
    monkeypatch.setattr(module, "_CHUNK", 0.01)


def plain_loop(sequences: list[str]) -> list[tuple[str, float]]:
    return [(structure, round(energy, 2)) for structure, energy in map(RNA.fold, sequences)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_folds_are_those_of_a_plain_loop_in_order_whatever_the_number_of_workers(
    workers: int, always_processes: None
) -> None:
    sequences = [*random_rnas(40, 5, 180), TRNA, TRNA.lower().replace("u", "t"), "N", "GANNC"]
    model = Vienna(workers=workers)
    assert isinstance(model, Folder)
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more

    found = model.fold(sequences, progress)
    read = [each.upper().replace("T", "U") for each in sequences]
    assert [(each.structure, each.energy) for each in found] == plain_loop(read)
    assert done == len(sequences)
    assert shared_pool(workers).warm


def test_small_work_is_done_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(workers: int) -> None:
        raise AssertionError("a pool was started")

    pool = shared_pool(2)
    pool.close()
    monkeypatch.setattr(pool, "results", refuse)
    assert Vienna(workers=2).fold([TRNA])[0].energy == -22.4
    assert Vienna(workers=2).fold([]) == []


def test_equal_sequences_are_folded_once_and_the_longest_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    fold_all: Callable = module.fold_all

    def spy(job):
        asked.extend(job[1])
        return fold_all(job)

    monkeypatch.setattr(module, "fold_all", spy)
    sequences = ["GGGAAACCC", TRNA, "GGGAAACCC", "gggaaaccc", "GGGAAACCCA"]
    done: list[int] = []
    found = Vienna().fold(sequences, done.append)
    assert asked == [TRNA, "GGGAAACCCA", "GGGAAACCC"]
    assert found[0] == found[2] == found[3] != found[4]
    assert done == [1, 1, 3]


def test_two_models_of_other_settings_take_turns_in_one_pool(always_processes: None) -> None:
    sequences = random_rnas(12, 40, 120, seed=3)
    settings = [{"temperature": 50.0}, {"parameters": "turner1999"}, {}, {"dangles": 0}]
    models = [Vienna(workers=2, **each) for each in settings]
    first = [model.fold(sequences) for model in models]
    again = [model.fold(sequences) for model in reversed(models)][::-1]
    assert first == again
    assert len({str(each) for each in first}) == len(models)
    assert [(f.structure, f.energy) for f in first[2]] == plain_loop(sequences)
    warm = RNA.md(temperature=50.0)
    assert [f.energy for f in first[0]] == [
        round(RNA.fold_compound(sequence, warm).mfe()[1], 2) for sequence in sequences
    ]


def test_probabilities_are_the_same_here_and_there(always_processes: None) -> None:
    sequences = [TRNA, "GGGAAACCC", TRNA]
    there = Vienna(workers=2).pair_probabilities(sequences)
    assert [each.shape for each in there] == [(76, 76), (9, 9), (76, 76)]
    compound = RNA.fold_compound(TRNA)
    compound.exp_params_rescale(compound.mfe()[1])
    compound.pf()
    expected = np.array(compound.bpp())[1:, 1:]
    assert np.array_equal(there[0], expected)
    assert np.array_equal(there[2], expected)
    assert not np.tril(there[0]).any()
    structures = [each.structure for each in Vienna().fold(sequences)]
    told = Vienna(workers=2).ensembles(sequences, structures)
    assert told[0].defect == pytest.approx(compound.ensemble_defect(structures[0]), abs=1e-9)


@pytest.mark.parametrize(
    ("spec", "id"),
    [
        ("vienna", "vienna"),
        ("vienna:mea", "vienna:method=mea"),
        ("vienna:workers=2,temperature=37", "vienna"),
        ("vienna:gamma=3", "vienna"),
        ("vienna:method=mea,gamma=3", "vienna:method=mea,gamma=3"),
        (
            "vienna:temperature=25.5,dangles=0,parameters=langdon2018",
            "vienna:temperature=25.5,dangles=0,parameters=langdon2018",
        ),
    ],
)
def test_the_id_is_a_spec_that_makes_the_model_again(spec: str, id: str) -> None:
    info = load_model(spec).info
    assert info.id == id
    assert info.version.endswith(f"@ViennaRNA-{RNA.__version__}")
    assert load_model(id).info == info


def test_the_digest_covers_what_answers_depend_on_and_nothing_else(tmp_path: Path) -> None:
    specs = ["vienna", "vienna:mea", "vienna:temperature=40", "vienna:dangles=0"]
    digests = {load_model(spec).info.digest for spec in [*specs, "vienna:workers=7"]}
    assert len(digests) == len(specs)
    path = tmp_path / "own.par"
    seen = set()
    for content in (RNA.parameter_set_rna_turner1999, RNA.parameter_set_rna_langdon2018):
        path.write_text(content)
        seen.add(load_model(f"vienna:parameters={path}").info.digest)
    elsewhere = path.rename(tmp_path / "moved.par")
    seen.add(load_model(f"vienna:parameters={elsewhere}").info.digest)
    assert len(seen) == 2


def test_what_cannot_be_folded_is_refused_with_its_row() -> None:
    with pytest.raises(UsageError, match="sequence 2, position 3: letter 'X'"):
        Vienna().fold(["GGG", "GGX"])
    with pytest.raises(UsageError, match="sequence 1: an empty sequence"):
        Vienna().fold([""])
    with pytest.raises(UsageError, match="20,001 bases; expected at most 20,000"):
        Vienna().fold(["A" * 20_001])
    with pytest.raises(UsageError, match="5,001 bases; expected at most 5,000"):
        Vienna().pair_probabilities(["A" * 5_001])
    with pytest.raises(UsageError, match="workers=-1: expected 1 or more"):
        Vienna(workers=-1).fold(["GGG"])


def die(job: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_fold_that_takes_its_process_down_is_named(
    always_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fold_all", die)
    message = r"^folding GCGGAUUUAGCUCAGUUGGG... \(76 nt\) and 1 shorter ones: its worker process"
    monkeypatch.setattr(module, "_CHUNK", 1.0)
    with pytest.raises(ModelError, match=message):
        Vienna(workers=2).fold([TRNA, "GGG"])
