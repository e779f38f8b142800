"""The trainer: what it learns, what it looks at, and the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from sklearn.metrics import f1_score
from torch import nn
from training_tasks import SELECT_BY, of_kind, planted, planted_task, task_of_kind

from genomark.errors import ModelError, UnknownNameError, UsageError
from genomark.models import Fitting
from genomark.sequences import KINDS_OF_SEQUENCES, TaskSplit
from genomark.training.encoding import OneHot
from genomark.training.fitted import FittedNetwork
from genomark.training.losses import Objective
from genomark.training.models import Cnn
from genomark.training.normalisation import learned_normalisations
from genomark.training.recipe import Recipe
from genomark.training.selection import Selection
from genomark.training.trainer import train

SMALL = Cnn(channels=8, layers=2, width=7, places=4, hidden=8, dropout=0.2)
QUICK = Recipe(epochs=3, batch_size=16, learning_rate=5e-3)


def fit(split: TaskSplit, recipe: Recipe = QUICK, **fitting: Any) -> FittedNetwork:
    return train(SMALL._network, OneHot(shift=2), split, recipe, Fitting(**fitting), identity="t")


def weights(fitted: FittedNetwork) -> bytes:
    return save(fitted.network.state_dict())


@pytest.fixture(scope="module")
def fitted() -> FittedNetwork:
    return fit(planted_task(200))


def test_a_planted_motif_is_found_in_sequences_never_seen():
    model = Cnn(channels=16, layers=2, width=7, places=1, hidden=16, dropout=0.1)
    recipe = Recipe(epochs=12, batch_size=16, learning_rate=1e-2)
    found = train(model._network, OneHot(), planted_task(), recipe, Fitting(), identity="t")
    unseen = planted(200, 99)
    decisions = np.asarray(found.answers(unseen.sequences))[:, 0] > 0
    # The motif decides, and by chance alone a sequence of 60 has it once in 300: nothing is lost.
    assert f1_score(unseen.targets[:, 0], decisions, average="macro") > 0.97


@pytest.mark.parametrize("kind", SELECT_BY)
def test_every_kind_of_task_is_learned(kind):
    split = task_of_kind(kind)
    recipe = Recipe(epochs=12, patience=12, batch_size=8, learning_rate=1e-2)
    found = fit(split, recipe)
    losses = [epoch["train_loss"] for epoch in found.report["curve"]]
    assert losses[-1] < 0.9 * losses[0]
    answers = found.answers(split.valid.sequences)
    n_labels = len(split.labels)
    if kind in KINDS_OF_SEQUENCES:
        assert np.asarray(answers).shape == (len(split.valid), n_labels)
    else:
        sides = 2 if kind.startswith("pair") else 1
        expected = [(len(each),) * sides + (n_labels,) for each in split.valid.sequences]
        assert [each.shape for each in answers] == expected


def test_answers_to_measurements_are_in_their_units():
    split = task_of_kind("regression", 64)
    found = fit(split, Recipe(epochs=20, patience=20, batch_size=8, learning_rate=1e-2))
    answers = np.asarray(found.answers(split.valid.sequences))
    # 100 + 10 * GC content: between 100 and 110, and near what it is.
    assert np.abs(answers[:, 1] - split.valid.targets[:, 1])[1:].mean() < 1.5


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(fitted):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = fit(planted_task(200), threads=4)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert weights(again) == weights(fitted)
    sequences = planted(20, 5).sequences
    assert (
        np.asarray(again.answers(sequences)).tobytes()
        == np.asarray(fitted.answers(sequences)).tobytes()
    )


def test_another_seed_gives_another_fit(fitted):
    assert weights(fit(planted_task(200), seed=1)) != weights(fitted)


def test_the_state_of_pytorch_is_left_as_it_was():
    torch.manual_seed(77)
    state = torch.get_rng_state()
    found = fit(planted_task(40))
    found.answers(["ACGTACGT"])
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_best_epoch_is_kept_and_its_value_can_be_computed_again(fitted):
    split, report = planted_task(200), fitted.report
    values = [epoch["f1_macro"] for epoch in report["curve"]]
    assert report["value"] == max(values)
    assert values[report["best_epoch"] - 1] == max(values)
    answers = fitted.answers(split.valid.sequences)
    selection = Selection("f1_macro", split.kind, split.labels)
    assert selection.value(answers, split.valid) == report["value"]


@pytest.mark.parametrize(("select_by", "best"), [("pearson", max), ("mse", min)])
def test_the_direction_of_the_metric_is_heeded(select_by, best):
    split = replace(task_of_kind("regression"), select_by=select_by)
    found = fit(split, Recipe(epochs=6, patience=6, batch_size=8, learning_rate=1e-2))
    values = [epoch[select_by] for epoch in found.report["curve"]]
    assert len(set(values)) > 1
    assert found.report["value"] == best(values)


def test_it_stops_when_nothing_has_become_better_for_a_while():
    found = fit(planted_task(60), Recipe(epochs=50, patience=2, batch_size=16, learning_rate=1e-9))
    report = found.report
    assert report["epochs"] < 50
    assert report["epochs"] - report["best_epoch"] == 2


def test_the_validation_part_only_selects():
    split = planted_task(80)
    turned = replace(split.valid, targets=1 - np.asarray(split.valid.targets))
    with_other_answers = replace(split, valid=turned)
    curves = [
        [epoch["train_loss"] for epoch in fit(each).report["curve"]]
        for each in (split, with_other_answers)
    ]
    assert curves[0] == curves[1]


def test_an_undefined_metric_leaves_the_decision_to_the_loss():
    split = planted_task(60)
    one_class = split.valid.take(range(0, len(split.valid), 2))
    found = fit(replace(split, valid=one_class, select_by="auroc"))
    losses = [epoch["valid_loss"] for epoch in found.report["curve"]]
    assert found.report["value"] is None
    assert found.report["best_epoch"] == 1 + int(np.argmin(losses))


def test_the_report_tells_of_the_fit(fitted):
    report = fitted.report
    assert report["epochs"] == 3
    assert report["select_by"] == "f1_macro"
    assert report["seconds"] > 0
    # Convolutions, their normalisations, places, the normalisation of these, two dense layers.
    expected = (4 * 8 * 7 + 8 * 8 * 5) + 4 * 8 + 2 * 200 * 4 + 2 * 80 + (80 + 1) * 8 + 9
    assert report["parameters"] == report["trained_parameters"] == expected
    assert report["settings"] == QUICK.settings


def test_lines_say_how_far_it_has_come():
    lines: list[str] = []
    found = fit(planted_task(40), tell=lines.append)
    expected = [
        f"epoch {row['epoch']} of 3, f1_macro {row['f1_macro']:.4f}"
        for row in found.report["curve"]
    ]
    assert lines == expected


class Composition(nn.Module):
    """A linear model of the shares of the bases: nothing in it depends on a batch."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.line = nn.Linear(4, objective.n_outputs)

    def forward(self, inputs: Any) -> torch.Tensor:
        counts = nn.functional.one_hot(inputs["codes"], 5)[..., :4].float().sum(dim=1)
        return self.line(counts / inputs["mask"].sum(dim=1, keepdim=True))


def test_a_batch_in_pieces_is_a_batch():
    balanced = replace(QUICK, class_weights="balanced")
    recipes = [balanced, replace(balanced, cells_at_once=100)]
    whole, parts = (
        train(Composition, OneHot(), planted_task(60), each, Fitting(), identity="t")
        for each in recipes
    )
    losses = [[epoch["train_loss"] for epoch in each.report["curve"]] for each in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_pieces_of_pairs_are_pieces_of_pairs():
    largest: list[int] = []

    class Watched(nn.Module):
        def __init__(self, objective: Objective) -> None:
            super().__init__()
            self.inner = SMALL._network(objective)

        def forward(self, inputs: Any) -> torch.Tensor:
            largest.append(inputs["codes"].shape[0] * inputs["codes"].shape[1] ** 2)
            return self.inner(inputs)

    recipe = replace(QUICK, cells_at_once=1000)
    train(Watched, OneHot(), task_of_kind("pair-classes"), recipe, Fitting(), identity="t")
    assert max(largest) <= 1000


def test_averaged_weights_are_the_mean_of_the_first_steps():
    # Over a horizon longer than the training the average is that of all steps.
    seen: list[torch.Tensor] = []

    class Watched(Composition):
        def forward(self, inputs: Any) -> torch.Tensor:
            if self.training:
                seen.append(self.line.bias.detach().clone())
            return super().forward(inputs)

    recipe = Recipe(epochs=1, batch_size=10, averaging=10.0)
    found = train(Watched, OneHot(), planted_task(60), recipe, Fitting(), identity="t")
    averaged = found.network.line.bias.detach()
    # `seen` lacks the last step: it is between what the mean with it could be.
    assert len(seen) == 6
    assert not torch.equal(averaged, seen[-1])
    lower, upper = torch.stack(seen[1:]).min(), torch.stack(seen[1:]).max()
    step = 2 * recipe.learning_rate
    assert lower - step <= float(averaged) <= upper + step


@pytest.mark.parametrize(("hiding", "within"), [(0.0, 1e-4), (0.3, 0.1)])
def test_normalisation_is_that_of_the_weights_that_are_kept(hiding, within):
    split = TaskSplit("planted", planted(64, 0, (50, 50)), planted(20, 7), "f1_macro")
    recipe = replace(QUICK, averaging=2.0)
    encoder = OneHot(hiding=hiding)
    found = train(SMALL._network, encoder, split, recipe, Fitting(), identity="t")
    codes = np.stack(encoder.encode(split.train.sequences))
    bases = torch.from_numpy(np.eye(5)[codes][..., :4].astype(np.float32)).transpose(1, 2)
    with torch.no_grad():
        features = found.network.convolutions[0](bases)
    # Batches of one size: the mean over them is the mean over all. A convolution is linear: of what
    # is hidden in training its mean lacks that share.
    norm = found.network.norms[0]
    expected = (1 - hiding) * features.mean(dim=(0, 2))
    torch.testing.assert_close(norm.running_mean, expected, atol=within / 10, rtol=within)
    assert norm.momentum == nn.BatchNorm1d(1).momentum


def test_normalisation_that_is_frozen_is_left_alone():
    def frozen(objective: Objective) -> nn.Module:
        network = SMALL._network(objective)
        network.norms.requires_grad_(False)
        return network

    network = frozen(Objective.of(planted(4, 0)))
    assert learned_normalisations(network) == []
    assert len(learned_normalisations(SMALL._network(Objective.of(planted(4, 0))))) == 2


def test_what_requires_no_gradient_stays_as_it_is(tmp_path):
    def frozen(objective: Objective) -> nn.Module:
        network = SMALL._network(objective)
        network.convolutions.requires_grad_(False)
        return network

    torch.manual_seed(3)
    split = planted_task(60)
    found = train(frozen, OneHot(), split, QUICK, Fitting(workspace=tmp_path), identity="t")
    untouched = train(
        frozen, OneHot(), split, replace(QUICK, learning_rate=1e-12), Fitting(), identity="t"
    )
    for one, other in zip(
        found.network.convolutions.parameters(),
        untouched.network.convolutions.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)
    report = found.report
    assert report["trained_parameters"] == report["parameters"] - 224 - 320
    assert b"convolutions" not in (tmp_path / "training.safetensors").read_bytes()


class Tokens:
    """An encoder of another sort: words of three letters, and how many letters each stands for."""

    def encode(self, sequences: Sequence[str]) -> list[list[str]]:
        return [[each[at : at + 3] for at in range(0, len(each), 3)] for each in sequences]

    def length(self, encoded: list[str]) -> int:
        return len(encoded)

    def augmented(self, encoded: list[str], draws: np.random.Generator) -> list[str]:
        return encoded

    def batch(self, encoded: Sequence[list[str]]) -> dict[str, torch.Tensor]:
        bases = max(sum(map(len, each)) for each in encoded)
        ids = torch.zeros(len(encoded), bases, dtype=torch.int64)
        for row, words in enumerate(encoded):
            for at, letter in enumerate("".join(words)):
                ids[row, at] = 1 + "ACGTN".index(letter)
        return {"ids": ids}


class Letters(nn.Module):
    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.table = nn.Embedding(6, objective.n_outputs)

    def forward(self, inputs: Any) -> torch.Tensor:
        return self.table(inputs["ids"])


def test_any_encoder_and_network_can_be_trained():
    split = task_of_kind("token-classes")
    recipe = Recipe(epochs=15, patience=15, batch_size=4, learning_rate=0.1)
    found = train(Letters, Tokens(), split, recipe, Fitting(), identity="t")
    # What is told of a position is its letter: a table of letters knows all of it.
    assert found.report["value"] == 1.0


def test_a_loss_that_is_no_number_is_an_error():
    class Broken(Letters):
        def forward(self, inputs: Any) -> torch.Tensor:
            return super().forward(inputs) * torch.nan

    with pytest.raises(ModelError, match=r"'token-classes': the loss of step 1 is not a number"):
        train(Broken, Tokens(), task_of_kind("token-classes"), QUICK, Fitting(), identity="t")


@pytest.mark.parametrize(("part", "name"), [("train", "training"), ("valid", "validation")])
def test_a_part_without_sequences_is_refused(part, name):
    split = planted_task(20)
    empty = replace(split, **{part: getattr(split, part).take([])})
    with pytest.raises(UsageError, match=f"'planted' has no sequences in its {name} part"):
        fit(empty)


def test_a_metric_of_another_kind_of_task_is_refused():
    with pytest.raises(UnknownNameError, match="in a binary task named 'pearson'"):
        fit(replace(planted_task(20), select_by="pearson"))


def test_no_sequences_have_no_answers(fitted):
    assert np.asarray(fitted.answers([])).shape == (0, 1)


def test_answers_come_in_the_order_of_the_sequences(fitted):
    sequences = list(planted(30, 3, (20, 90)).sequences)
    answers = np.asarray(fitted.answers(sequences))
    backwards = np.asarray(fitted.answers(sequences[::-1]))
    np.testing.assert_allclose(answers, backwards[::-1], atol=1e-5)
    alone = np.concatenate([np.asarray(fitted.answers([each])) for each in sequences])
    np.testing.assert_allclose(answers, alone, atol=1e-5)


def test_positions_get_the_answers_of_their_own_sequence():
    split = task_of_kind("token-classes")
    found = train(Letters, Tokens(), split, QUICK, Fitting(), identity="t")
    sequences = list(of_kind("token-classes", seed=9).sequences)
    table = found.network.table.weight.detach().softmax(dim=1).numpy()
    for sequence, answer in zip(sequences, found.answers(sequences), strict=True):
        expected = table[[1 + "ACGTN".index(letter) for letter in sequence]]
        np.testing.assert_allclose(answer, expected, atol=1e-6)
