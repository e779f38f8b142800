"""Saved fits: they answer as the fit that was saved did, and say what is wrong with a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_tasks import SELECT_BY, planted_task, random_sequences, task_of_kind

sys.path.append(str(Path(__file__).parents[1] / "models" / "hub"))
import tiny_checkpoints

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from safetensors.numpy import load_file, save_file  # noqa: E402

from genomark.errors import (  # noqa: E402
    CapabilityError,
    GenomarkError,
    ModelError,
    UsageError,
    WriteError,
)
from genomark.models import Fitting, TaskTrainable, load_model  # noqa: E402
from genomark.sequences import TaskSplit  # noqa: E402
from genomark.training.protocols import as_trainable  # noqa: E402
from genomark.training.saved import (  # noqa: E402
    FIT,
    UNFINISHED,
    WEIGHTS,
    check_folder,
    load_fit,
    save_fit,
)
from genomark.training.saved_model import SavedModel  # noqa: E402

TINY = "channels=4,layers=2,width=5,places=4,hidden=4,epochs=1"
UNSEEN = random_sequences(40, 99, (12, 30))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in made:
            folder = tmp_path_factory.mktemp("tiny") / name
            made[name] = str(tiny_checkpoints.BUILDERS[name](folder))
        return made[name]

    return find


def fitted(spec: str, split: TaskSplit, seed: int = 0) -> tuple[TaskTrainable, Any]:
    model = as_trainable(load_model(spec))
    return model, model.fit_task(split, Fitting(seed=seed))


def saved(folder: Path, spec: str, split: TaskSplit, seed: int = 0) -> Any:
    model, fit = fitted(spec, split, seed)
    save_fit(folder, fit, model=model, split=split, seed=seed)
    return fit


def bits(answers: Any) -> list[bytes]:
    return [np.asarray(each).tobytes() for each in answers]


def same_answers(folder: Path, spec: str, split: TaskSplit) -> None:
    fit = saved(folder, spec, split)
    loaded = load_fit(folder)
    assert bits(loaded.answers(UNSEEN)) == bits(fit.answers(UNSEEN))
    assert sorted(each.name for each in folder.iterdir()) == [FIT, WEIGHTS]


@pytest.mark.parametrize("kind", SELECT_BY)
def test_a_network_answers_every_kind_of_task_as_before_to_the_last_bit(tmp_path, kind):
    same_answers(tmp_path / "fit", f"cnn:{TINY}", task_of_kind(kind))


@pytest.mark.parametrize("name", ["gru", "bpnet-like"])
def test_other_networks_do_too(tmp_path, name):
    same_answers(tmp_path / "fit", f"{name}:{TINY},averaging=0.5", task_of_kind("regression"))


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("kmer:k=3", "binary"),
        ("kmer:k=3,alpha=2", "regression"),
        ("onehot", "binary"),
        ("onehot", "multi-class"),
        ("onehot:C=0.5", "token-classes"),
        ("onehot", "token-regression"),
    ],
)
def test_a_linear_head_answers_as_before_to_the_last_bit(tmp_path, spec, kind):
    same_answers(tmp_path / "fit", spec, task_of_kind(kind))


@pytest.mark.parametrize("kind", ["binary", "token-classes"])
def test_a_probe_on_a_checkpoint_answers_as_before(tmp_path, checkpoint, kind):
    spec = f"hf:{checkpoint('esm')},pooling=max"
    same_answers(tmp_path / "fit", spec, task_of_kind(kind))


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("kind", ["multi-class", "pair-regression"])
def test_a_fine_tuned_checkpoint_answers_as_before(tmp_path, checkpoint, method, kind):
    spec = f"fine-tuned:{checkpoint('esm')},method={method},epochs=1,batch_size=8"
    same_answers(tmp_path / "fit", spec, task_of_kind(kind))


def test_of_a_frozen_trunk_only_what_was_trained_is_saved(tmp_path, checkpoint):
    spec = f"fine-tuned:{checkpoint('esm')},method=%s,epochs=1,rank=2"
    split = task_of_kind("binary")
    saved(tmp_path / "lora", spec % "lora", split)
    saved(tmp_path / "full", spec % "full", split)
    added = load_file(tmp_path / "lora" / WEIGHTS)
    whole = load_file(tmp_path / "full" / WEIGHTS)
    # Beside the additions only a table of the checkpoint that is no weight: it is a buffer.
    of_trunk = {name for name in added if name.startswith("trunk.") and "lora_" not in name}
    assert of_trunk == {"trunk.rotary_embeddings.inv_freq"}
    assert {name for name in added if not name.startswith("trunk.")} == {
        "norm.weight", "norm.bias", "head.weight", "head.bias",
    }  # fmt: skip
    assert not any("lora_" in name for name in whole)
    assert sum(each.size for each in added.values()) < sum(each.size for each in whole.values())


def test_values_come_back_in_their_own_units(tmp_path):
    # Labels of around 100 and 110: without mean and scale answers would be around 0.
    split = task_of_kind("regression")
    saved(tmp_path / "fit", f"cnn:{TINY}", split)
    shifted = np.asarray(load_fit(tmp_path / "fit").answers(UNSEEN))[:, 1]
    assert shifted.min() > 90
    facts = load_fit(tmp_path / "fit").record.facts
    assert facts["mean"] == pytest.approx(np.nanmean(split.train.targets, axis=0))
    assert facts["scale"] == pytest.approx(np.nanstd(split.train.targets, axis=0))


def test_all_that_is_known_of_a_fit_is_told(tmp_path):
    split = task_of_kind("multi-class")
    fit = saved(tmp_path / "fit", f"cnn:{TINY}", split, seed=7)
    loaded = load_fit(tmp_path / "fit")
    told = loaded.record
    assert (told.task, told.kind, told.labels) == ("multi-class", "multi-class", tuple("ACGT"))
    assert (told.spec, told.seed) == (f"cnn:{TINY}", 7)
    assert (told.learned_from.train, told.learned_from.valid) == (24, 12)
    assert told.learned_from.digest == split.digest
    assert loaded.report == {k: v for k, v in fit.report.items() if k != "seconds"}


def test_the_same_fit_twice_gives_the_same_bytes(tmp_path):
    for spec in (f"cnn:{TINY},epochs=2".replace("epochs=1,", ""), "onehot"):
        folders = [tmp_path / spec.partition(":")[0] / each for each in "ab"]
        for folder in folders:
            saved(folder, spec, task_of_kind("binary"))
        for name in (FIT, WEIGHTS):
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_fit_takes_the_place_of_another_and_of_what_was_under_way(tmp_path):
    folder = tmp_path / "fit"
    (folder / UNFINISHED).mkdir(parents=True)
    (folder / UNFINISHED / "training.safetensors").write_text("a checkpoint")
    assert check_folder(folder) is None
    saved(folder, "onehot", task_of_kind("binary"), seed=1)
    saved(folder, "onehot", task_of_kind("binary"), seed=2)
    assert check_folder(folder).seed == 2
    assert sorted(each.name for each in folder.iterdir()) == [FIT, WEIGHTS]


@pytest.mark.parametrize("name", ["notes.txt", WEIGHTS])
def test_a_folder_that_is_something_else_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="holds something other than a saved fit; name a folder"):
        saved(tmp_path, "onehot", task_of_kind("binary"))
    assert [each.read_text() for each in tmp_path.iterdir() if each.is_file()] == ["mine"]
    with pytest.raises(UsageError, match="holds something other"):
        check_folder(tmp_path / name)


def test_a_kill_before_the_end_leaves_no_fit(tmp_path, monkeypatch):
    folder = tmp_path / "fit"
    saved(folder, "onehot", task_of_kind("binary"))
    moved: list[Path] = []
    replace = Path.replace

    def stopping(path: Path, target: Path) -> Path:
        if path.parent.name == UNFINISHED and path.suffix != ".tmp":
            moved.append(path)
            if len(moved) == 2:
                raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopping)
        with pytest.raises(KeyboardInterrupt):
            saved(folder, "onehot:C=1", task_of_kind("binary"))
    with pytest.raises(UsageError, match=r"no saved fit \(is not finished\)"):
        load_fit(folder)
    assert check_folder(folder) is None
    same_answers(folder, "onehot:C=1", task_of_kind("binary"))


def test_a_folder_that_refuses_is_an_error_in_one_line(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    model, fit = fitted("onehot", task_of_kind("binary"))
    monkeypatch.setattr("genomark.training.saved.shutil.rmtree", refuse)
    with pytest.raises(WriteError, match=r"Cannot write .*: Permission denied"):
        save_fit(tmp_path / "x", fit, model=model, split=task_of_kind("binary"), seed=0)


@pytest.fixture
def onehot(tmp_path: Path) -> Path:
    saved(tmp_path / "fit", "onehot", task_of_kind("binary"))
    return tmp_path / "fit"


def changed(folder: Path, **values: object) -> None:
    told = json.loads((folder / FIT).read_text())
    (folder / FIT).write_text(json.dumps({**told, **values}))


def refused(folder: Path) -> str:
    with pytest.raises(GenomarkError) as caught:
        load_fit(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_what_is_no_saved_fit_is_refused(tmp_path):
    assert "no saved fit (there is no such folder)" in refused(tmp_path / "nowhere")
    (tmp_path / "some.txt").write_text("")
    assert "no saved fit (holds no fit.json); genomark finetune" in refused(tmp_path)
    (tmp_path / FIT).write_text('{"params": 3}')
    assert "is not of a saved fit: it names no format" in refused(tmp_path)
    (tmp_path / FIT).write_text("[1")
    assert "cannot be read as a saved fit" in refused(tmp_path)


def test_another_format_is_refused_with_both_versions(onehot):
    changed(onehot, format=2, genomark="9.0")
    assert "of format 2, saved by genomark 9.0; genomark" in refused(onehot)
    assert "reads format 1" in refused(onehot)


def test_a_record_that_is_not_whole_is_refused(onehot):
    changed(onehot, kind="structure")
    assert "cannot be read as a saved fit: Invalid enum value 'structure'" in refused(onehot)


def test_damaged_or_missing_weights_are_refused(onehot):
    content = bytearray((onehot / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (onehot / WEIGHTS).write_bytes(content)
    assert "damaged: its SHA-256 is" in refused(onehot)
    (onehot / WEIGHTS).unlink()
    assert "there is no such file, and the saved fit needs it" in refused(onehot)


def test_weights_of_another_network_are_refused(tmp_path):
    import hashlib

    saved(tmp_path / "fit", f"cnn:{TINY}", task_of_kind("binary"))
    weights = load_file(tmp_path / "fit" / WEIGHTS)
    weights["head.layers.5.bias"] = np.zeros(3, np.float32)
    save_file(weights, tmp_path / "fit" / WEIGHTS)
    digest = hashlib.sha256((tmp_path / "fit" / WEIGHTS).read_bytes()).hexdigest()
    changed(tmp_path / "fit", weights_sha256=digest)
    assert "the saved weights are not those of this network: head.layers" in refused(
        tmp_path / "fit"
    )


def test_a_head_without_its_arrays_is_refused(onehot):
    import hashlib

    save_file({"mean": np.zeros(3, np.float32)}, onehot / WEIGHTS)
    digest = hashlib.sha256((onehot / WEIGHTS).read_bytes()).hexdigest()
    changed(onehot, weights_sha256=digest)
    assert "a saved linear head has weights; here is none" in refused(onehot)


def test_another_checkpoint_in_the_same_place_is_refused(tmp_path):
    split = task_of_kind("binary")
    place = tmp_path / "checkpoint"
    tiny_checkpoints.esm(place)
    saved(tmp_path / "tuned", f"fine-tuned:{place},epochs=1", split)
    saved(tmp_path / "probe", f"hf:{place}", split)
    tiny_checkpoints.esm(place, seed=1)
    for folder in (tmp_path / "tuned", tmp_path / "probe"):
        assert "is not what it was when this fit was made: another checkpoint" in refused(folder)
    for each in place.iterdir():
        each.unlink()
    place.rmdir()
    assert "which is not here: " in refused(tmp_path / "tuned")


def test_code_of_others_runs_only_if_the_user_says_so(tmp_path, onehot, monkeypatch):
    own = tmp_path / "own.py"
    own.write_text(
        f"open({str(tmp_path / 'it-ran')!r}, 'w')\n"
        "from genomark.training.feature_models import Onehot\nmodel = Onehot()\n"
    )
    changed(onehot, spec=f"py:{own}:model")
    assert "runs code that is not genomark's; read it, and say --trust" in refused(onehot)
    changed(onehot, spec="hf:org/name,trust=yes")
    assert "runs code that is not genomark's" in refused(onehot)
    assert not (tmp_path / "it-ran").exists()
    changed(onehot, spec=f"py:{own}:model")
    model = SavedModel(str(onehot), trust="yes")
    assert len(model.fit_task(task_of_kind("binary"), Fitting()).answers(UNSEEN)) == len(UNSEEN)
    assert (tmp_path / "it-ran").exists()


def test_without_safetensors_the_extra_is_named(onehot, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(UsageError, match=r"needs safetensors: pip install 'genomark\[hub\]'$"):
        load_fit(onehot)


class Stranger:
    """A TaskTrainable of somebody else's, whose fits cannot be taken apart."""

    info = load_model("onehot").info
    varies_with_seed = False

    def check_task(self, kind: str) -> None: ...

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> None: ...


def test_a_model_whose_fits_cannot_be_taken_apart_is_refused(tmp_path):
    with pytest.raises(CapabilityError, match="Fits of 'onehot' cannot be saved: a model whose"):
        save_fit(
            tmp_path / "x",
            None,
            model=Stranger(),
            split=planted_task(20),
            seed=0,  # type: ignore[arg-type]
        )
    with pytest.raises(CapabilityError, match="'gc' can neither be fitted to labelled sequences"):
        as_trainable(load_model("gc"))


def test_a_saved_fit_is_a_model_for_tasks_of_its_kind_and_labels(tmp_path):
    split = task_of_kind("multi-class")
    fit = saved(tmp_path / "fit", f"cnn:{TINY}", split, seed=3)
    model = SavedModel(str(tmp_path / "fit"))
    assert isinstance(model, TaskTrainable)
    assert model.info.id == f"fit:{tmp_path / 'fit'}"
    told = f"cnn:{TINY}, fitted beforehand on multi-class (24 sequences, 12 for validation, seed 3)"
    assert model.info.notes[0] == told
    model.check_task("multi-class")
    again = model.fit_task(split, Fitting(seed=5))
    assert bits(again.answers(UNSEEN)) == bits(fit.answers(UNSEEN))
    assert again.report["epochs"] == 1
    assert again.report["notes"][-1].endswith("its training part is that of this task")


def test_a_saved_fit_says_that_it_may_have_seen_the_test(tmp_path):
    split = task_of_kind("multi-class")
    saved(tmp_path / "fit", "onehot", split)
    other = TaskSplit("other", split.valid, split.train, "mcc")
    report = SavedModel(str(tmp_path / "fit")).fit_task(other, Fitting()).report
    assert report["notes"][-1].endswith("it may have seen test sequences")


def test_a_saved_fit_refuses_other_kinds_and_labels(tmp_path):
    split = task_of_kind("binary")
    saved(tmp_path / "fit", "onehot", split)
    model = SavedModel(str(tmp_path / "fit"))
    with pytest.raises(CapabilityError, match="was fitted to a binary task and cannot answer reg"):
        model.check_task("regression")
    with pytest.raises(CapabilityError, match="fitted to 'gc', and 'planted' asks for 'bound'"):
        model.fit_task(planted_task(20), Fitting())
    with pytest.raises(UsageError, match="no saved fit"):
        SavedModel(str(tmp_path))


def test_weights_that_cannot_be_a_network_are_told_by_folder(tmp_path, monkeypatch):
    saved(tmp_path / "fit", f"cnn:{TINY}", task_of_kind("binary"))

    def fail(*_: object) -> None:
        raise ModelError("too small")

    monkeypatch.setattr("genomark.training.models.fill", fail)
    assert refused(tmp_path / "fit").endswith("fit: too small")
