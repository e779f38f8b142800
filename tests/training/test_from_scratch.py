"""`cnn`, `bpnet-like` and `gru` as models: specs, identities, and fits on tasks."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from training_tasks import SELECT_BY, planted, planted_task, task_of_kind

from genomark.errors import CapabilityError, UsageError
from genomark.models import Fitting, TaskTrainable
from genomark.training.models import BpnetLike, Cnn, Gru, LegnetLike

MODELS = (Cnn, BpnetLike, LegnetLike, Gru)
TINY = {"channels": 4, "layers": 2, "width": 5, "places": 4, "hidden": 4, "epochs": 1}


@pytest.mark.parametrize("model", MODELS)
def test_the_plain_name_is_the_usual_recipe(model):
    assert isinstance(model(), TaskTrainable)
    assert model().varies_with_seed
    assert model().info.id == model.name
    assert model().info == model().info


def test_the_spec_names_what_is_not_as_usual():
    assert Cnn(channels=8, strands="both").info.id == "cnn:channels=8,strands=both"


def test_any_other_setting_is_another_model():
    changed = [Cnn(), Cnn(channels=8), Cnn(epochs=3), Cnn(strands="both"), BpnetLike(), Gru()]
    assert len({each.info.digest for each in changed}) == len(changed)


@pytest.mark.parametrize("kind", SELECT_BY)
@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_task_is_answered_the_same_each_time(model, kind):
    trainable = model(**TINY)
    trainable.check_task(kind)
    split = task_of_kind(kind)
    fits = [trainable.fit_task(split, Fitting(seed=1, threads=threads)) for threads in (1, 2)]
    first, second = ([np.asarray(x) for x in f.answers(split.valid.sequences)] for f in fits)
    assert len(first) == len(split.valid)
    assert all(np.isfinite(each).all() for each in first)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(first, second, strict=True))
    assert fits[0].report["epochs"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("model", [BpnetLike, Gru])
def test_a_planted_motif_is_found(model):
    trainable = model(
        channels=16, layers=1, width=7, places=1, hidden=16, dropout=0.1, epochs=12, batch_size=16,
        learning_rate=1e-2,
    )  # fmt: skip
    fitted = trainable.fit_task(planted_task(300), Fitting())
    unseen = planted(100, 99)
    decisions = np.asarray(fitted.answers(unseen.sequences)) > 0
    assert (decisions == unseen.targets).mean() > 0.9


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(CapabilityError, match="cnn cannot answer 'structure' tasks"):
        Cnn().check_task("structure")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"channels": 0}, "cnn: channels must be 1 or more, not 0"),
        ({"width": 4}, "cnn: width must be odd, not 4"),
        ({"dropout": 1.0}, "cnn: dropout must be from 0 to below 1"),
        ({"shift": -1}, "cnn: shift must be 0 or more"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(UsageError, match=message):
        Cnn(**setting)


def test_a_gru_reads_both_ways_with_as_many_channels():
    with pytest.raises(UsageError, match="gru: channels must be even, not 7"):
        Gru(channels=7)


def test_without_pytorch_a_fit_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r"training needs torch: pip install 'genomark\[torch\]'$"):
        Cnn().fit_task(planted_task(20), Fitting())


def test_a_sequence_of_one_base_can_be_trained_on():
    split = planted_task(20)
    short = split.train.take([0])
    short = type(short)("binary", short.labels, short.ids, ("A",), np.ones((1, 1)))
    alone = type(split)(split.task, short, split.valid, split.select_by)
    fitted = Cnn(**TINY).fit_task(alone, Fitting())
    assert np.isfinite(np.asarray(fitted.answers(["A"]))).all()
