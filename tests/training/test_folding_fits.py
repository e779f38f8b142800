"""Saved fits to structures are Folders; those to anything else are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from structure_tasks import LABELS, hairpin_task, hairpins
from training_tasks import task_of_kind

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from genomark.errors import CapabilityError, UsageError
from genomark.models import Fitting, Folder
from genomark.rna.decoding import nested_structure
from genomark.sequences import TaskSplit
from genomark.training.folding import tells_structures
from genomark.training.models import Cnn
from genomark.training.pairs import Pairs
from genomark.training.saved import load_fit, save_fit
from genomark.training.saved_model import SavedModel

PAIRS = Pairs(channels=4, layers=1, pair_channels=4, pair_layers=1, epochs=2, batch_size=8)
CNN = Cnn(channels=4, layers=2, width=5, epochs=1)
UNSEEN = list(hairpins(5, 7).sequences)


def saved(folder: Path, model: Pairs | Cnn, split: TaskSplit) -> object:
    fitted = model.fit_task(split, Fitting(seed=3))
    save_fit(folder, fitted, model=model, split=split, seed=3)
    return fitted


def test_a_fit_of_pairs_folds_as_before_it_was_saved(tmp_path):
    fitted = saved(tmp_path / "fit", PAIRS, hairpin_task(32))
    model = SavedModel(str(tmp_path / "fit"))
    assert isinstance(model, Folder)
    done: list[int] = []
    assert model.fold(UNSEEN, done.append) == fitted.fold(UNSEEN)
    assert sum(done) == len(UNSEEN)
    before, after = fitted.answers(UNSEEN), load_fit(tmp_path / "fit").answers(UNSEEN)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))


def test_any_other_fit_to_symbols_folds_by_them(tmp_path):
    fitted = saved(tmp_path / "fit", CNN, hairpin_task(32))
    model = SavedModel(str(tmp_path / "fit"))
    assert isinstance(model, Folder)
    found = [fold.structure for fold in model.fold(UNSEEN)]
    expected = [
        nested_structure(np.asarray(fitted.answers([each])[0]), each, LABELS) for each in UNSEEN
    ]
    assert found == expected
    assert model.fold([UNSEEN[0].replace("U", "T").lower()])[0].structure == found[0]
    with pytest.raises(UsageError, match="sequence 1, position 3: letter 'X'"):
        model.fold(["ACX"])


def test_a_fit_to_something_else_is_no_folder(tmp_path):
    saved(tmp_path / "fit", CNN, task_of_kind("token-classes"))
    model = SavedModel(str(tmp_path / "fit"))
    assert not isinstance(model, Folder)
    with pytest.raises(CapabilityError, match="was fitted to 'A', 'C', 'G', 'T'") as caught:
        model.fold(UNSEEN)
    assert "\n" not in str(caught.value)


def test_structures_are_told_by_their_symbols_in_any_order():
    assert tells_structures("token-classes", (".", "(", ")"))
    assert not tells_structures("token-classes", ("(", ")", ".", "["))
    assert not tells_structures("multi-class", ("(", ")", "."))
