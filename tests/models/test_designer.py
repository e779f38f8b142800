"""``rna-design`` as a model."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import RNA

from genomark.errors import CapabilityError, ModelError, UnknownNameError, UsageError
from genomark.models.capabilities import Designer
from genomark.models.designer import RnaDesigner, design_question
from genomark.rna.design.designing import Designing
from genomark.rna.design.target import Target
from genomark.rna.pool import WorkerPool

THREE_WAYS = "((((..(((....))).(((....)))..))))"

MINE = '''
import numpy as np
import RNA

from genomark.models import load_model
from genomark.models.capabilities import Fold
from genomark.scoring import ModelIdentity


class Warm:
    """Folds as ViennaRNA does at 45 degrees."""

    info = ModelIdentity(id="warm", version="1", digest="warm 1")

    def fold(self, sequences, progress=lambda done: None):
        warm = RNA.md(temperature=45.0)
        return [Fold(RNA.fold_compound(each, warm).mfe()[0]) for each in sequences]


class Asking:
    """Lets this library's own model of ViennaRNA fold."""

    info = ModelIdentity(id="asking", version="1", digest="asking 1")

    def fold(self, sequences, progress=lambda done: None):
        return load_model("vienna").fold(sequences)


class Short:
    """Forgets the last base."""

    info = ModelIdentity(id="short", version="1", digest="short 1")

    def fold(self, sequences, progress=lambda done: None):
        return [Fold("." * (len(each) - 1)) for each in sequences]


class Guanine:
    """Expects a G wherever something is hidden."""

    info = ModelIdentity(id="guanine", version="1", digest="guanine 1")

    def letter_probabilities(self, sequence):
        return np.array([[float(letter == base) for base in "ACGU"] if letter != "N" else
                         [0.0, 0.0, 1.0, 0.0] for letter in sequence])


warm, asking, short, guanine = Warm(), Asking(), Short(), Guanine()
'''


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """``py:`` and a file of models, to which a name is added."""
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return f"py:{path}:"


def warm(sequence: str) -> str:
    return RNA.fold_compound(sequence, RNA.md(temperature=45.0)).mfe()[0]


@pytest.mark.parametrize("structure", ["((((....))))", "(((.((((....)))))))", THREE_WAYS])
def test_designs_fold_into_the_structure(structure: str) -> None:
    model = RnaDesigner()
    assert isinstance(model, Designer)
    found = model.design(structure, 20.0, 0)
    assert len(found) == 1
    assert RNA.fold(found[0])[0] == structure
    assert model.design(structure, 20.0, 0) == found


def test_designs_are_a_function_of_the_seed() -> None:
    model = RnaDesigner(objective="distance")
    found = [model.design(THREE_WAYS, 20.0, seed) for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1]


def test_what_cannot_be_designed_in_time_gets_the_nearest_there_is() -> None:
    # Helices of two pairs around loops of three: nothing folds so.
    (found,) = RnaDesigner().design("((...))((...))((...))", 0.3, 0)
    assert len(found) == 21
    assert set(found) <= set("ACGU")
    assert RNA.fold(found)[0] != "((...))((...))((...))"


def test_what_no_sequence_can_fold_into_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^target, position 2: a hairpin of 2 bases; expected"):
        RnaDesigner().design(".(..).", 1.0, 0)


def test_the_objective_decides_what_is_best() -> None:
    def share(objective: str) -> float:
        (found,) = RnaDesigner(objective=objective).design(THREE_WAYS, 20.0, 0)
        assert RNA.fold(found)[0] == THREE_WAYS
        return sum(letter in "GC" for letter in found) / len(found)

    assert abs(share("gc=0.3") - 0.3) < 0.1 < share("probability") - 0.3


def test_settings_of_vienna_are_those_that_judge() -> None:
    folder = "vienna:temperature=45,dangles=0"
    (found,) = RnaDesigner(folder=folder).design("((((....))))", 20.0, 0)
    compound = RNA.fold_compound(found, RNA.md(temperature=45.0, dangles=0))
    assert compound.mfe()[0] == "((((....))))"
    asked = design_question(folder, "", ["defect", "gc=0.5"], 3.0, 7, 2)
    assert (asked.settings.temperature, asked.settings.dangles) == (45.0, 0)
    assert asked.fold is None
    assert asked.propose is None
    assert (asked.seconds, asked.seed, asked.count) == (3.0, 7, 2)
    assert [str(each) for each in asked.objectives] == ["defect", "gc=0.5"]


def test_any_model_that_folds_can_judge(mine: str) -> None:
    (found,) = RnaDesigner(folder=f"{mine}warm", objective="gc=0.5").design(THREE_WAYS, 20.0, 0)
    assert warm(found) == THREE_WAYS


def test_a_model_that_asks_vienna_can_judge(mine: str) -> None:
    found: list[str] = []
    model = RnaDesigner(folder=f"{mine}asking", objective="gc=0.5")
    work = threading.Thread(
        target=lambda: found.extend(model.design("((((....))))", 5.0, 0)), daemon=True
    )
    work.start()
    # One that waits for itself would wait for ever.
    work.join(timeout=60)
    assert [RNA.fold(each)[0] for each in found] == ["((((....))))"]


def test_what_a_folder_and_a_model_are_travels_to_workers_by_name(mine: str) -> None:
    asked = design_question(f"{mine}warm", f"{mine}guanine", ["distance"], seconds=20.0)
    again = pickle.loads(pickle.dumps(asked))  # noqa: S301
    assert again.fold is not None
    assert again.fold("GGGGAAAACCCC") == "((((....))))"
    assert again.propose is not None
    assert again.propose("AN").tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]

    def designs(pool: WorkerPool | None) -> list[str]:
        designing = Designing([Target(THREE_WAYS)], asked, pool)
        list(designing.steps())
        return [each.sequence for each in designing.progress[0].designs]

    with WorkerPool(1) as pool:
        assert designs(pool) == designs(None)


def test_a_model_proposes_letters_of_the_first_guess(mine: str) -> None:
    # Nothing pairs, so that nothing has to be changed afterwards.
    structure = "." * 40
    found = RnaDesigner(model=f"{mine}guanine", objective="distance").design(structure, 5.0, 0)
    without = RnaDesigner(objective="distance").design(structure, 5.0, 0)
    assert without == ["A" * 40]
    assert set(found[0]) == {"A", "G"}
    assert 2 < found[0].count("G") < 25
    assert np.mean([letter == "A" for letter in found[0]]) > 0.3


def test_identities_tell_settings_apart(mine: str) -> None:
    assert RnaDesigner().info.id == "rna-design"
    assert RnaDesigner().info == RnaDesigner(folder="vienna").info
    models = [
        RnaDesigner(),
        RnaDesigner(objective="defect"),
        RnaDesigner(folder="vienna:temperature=45"),
        RnaDesigner(folder=f"{mine}warm"),
        RnaDesigner(folder=f"{mine}asking"),
        RnaDesigner(model=f"{mine}guanine"),
    ]
    assert len({model.info.digest for model in models}) == len(models)
    assert models[1].info.id == "rna-design:objective=defect"
    assert models[2].info.id == "rna-design:folder=vienna:temperature=45"


def test_what_does_not_fold_or_propose_is_refused(mine: str) -> None:
    with pytest.raises(CapabilityError, match=r"guanine' does not fold RNA; one that does: vienna"):
        RnaDesigner(folder=f"{mine}guanine")
    with pytest.raises(
        CapabilityError, match="warm' tells no probabilities of hidden letters; exp"
    ):
        RnaDesigner(model=f"{mine}warm")
    with pytest.raises(UnknownNameError, match=r"No model named 'viena'\. Did you mean 'vienna'"):
        RnaDesigner(folder="viena")
    with pytest.raises(UsageError, match=r"^objective 'beauty': expected one of"):
        RnaDesigner(objective="beauty")
    with pytest.raises(UsageError, match="dangles=1: design knows dangles=0 and dangles=2 alone"):
        RnaDesigner(folder="vienna:dangles=1").design("((((....))))", 1.0, 0)


def test_a_folder_that_leaves_bases_out_is_told(mine: str) -> None:
    with pytest.raises(ModelError, match="gives 11 symbols for 12 bases; expected one for each"):
        RnaDesigner(folder=f"{mine}short").design("((((....))))", 1.0, 0)
