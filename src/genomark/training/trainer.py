"""The trainer: any network on any kind of task, to the same bytes each time.

Nothing random has a state that would have to be kept: the order of an epoch, what augmentation
draws and what dropout draws are functions of seed, epoch and step. A training that goes on from a
checkpoint therefore does what one that was never stopped does, bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genomark.digests import digest_of
from genomark.errors import ModelError, UsageError
from genomark.models import Fitting
from genomark.sequences import TaskSplit
from genomark.training.batches import epoch_batches, pieces
from genomark.training.checkpoint import (
    Checkpoint,
    Foreign,
    read_checkpoint,
    write_checkpoint,
)
from genomark.training.encoding import Encoder
from genomark.training.fitted import FittedNetwork, compute, network_outputs
from genomark.training.losses import Objective
from genomark.training.normalisation import learned_normalisations, settle
from genomark.training.recipe import Recipe
from genomark.training.schedule import learning_rate
from genomark.training.selection import Selection
from genomark.training.torch_extra import reproducible

#: Raise it when the same settings and seed give other weights.
_VERSION = "1"
_SECONDS_BETWEEN_CHECKPOINTS = 60.0
_SECONDS_BETWEEN_LINES = 2.0
#: Training sequences whose statistics batch normalisation takes over.
_SETTLED_ON = 1024
#: What a step draws comes from other numbers than the initial weights.
_STREAM = 1_000_003


def train(
    make_network: Callable[[Objective], nn.Module],
    encoder: Encoder,
    split: TaskSplit,
    recipe: Recipe,
    fitting: Fitting,
    *,
    identity: str,
    objective: Objective | None = None,
    seconds_between_checkpoints: float = _SECONDS_BETWEEN_CHECKPOINTS,
) -> FittedNetwork:
    """Train a network on the training part of a task; the validation part says when to stop.

    Parameters
    ----------
    make_network : callable
        Takes the objective of the task (its `kind` and `n_outputs`) and makes a network: called
        with what `encoder` gives for a batch, it gives float32[n, n_outputs]; of positions
        [n, longest, n_outputs], of pairs [n, longest, longest, n_outputs], by bases. Parameters
        that require no gradient are left as they are, and out of checkpoints.
    encoder : Encoder
    split : TaskSplit
    recipe : Recipe
    fitting : Fitting
        Its `threads` change nothing: sums in another order are other sums.
    identity : str
        Digest of what else the weights depend on: the network's settings, the checkpoint it
        starts from.
    objective : Objective or None
        None for the usual one of the task.
    seconds_between_checkpoints : float
        Within an epoch; at the end of each there is one anyway.

    Returns
    -------
    FittedNetwork
        With the weights that were best on the validation part.

    Raises
    ------
    UsageError
        If a part is empty, or `split.select_by` is no metric of such a task.
    ModelError
        If the loss is no longer a number.
    """
    for name, part in (("training", split.train), ("validation", split.valid)):
        if not len(part):
            raise UsageError(f"Task '{split.task}' has no sequences in its {name} part")
    with reproducible(fitting.seed):
        training = _Training(make_network, encoder, split, recipe, fitting, identity, objective)
        training.between_checkpoints = seconds_between_checkpoints
        training.resume()
        while not training.finished:
            training.run_epoch()
        return training.result()


@dataclass
class _Progress:
    """How far a training has come, beside its tensors; `batch` and sums are of the epoch."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: float = 0.0
    weight: float = 0.0
    best_epoch: int = 0
    best_value: float | None = None
    best_loss: float | None = None
    seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)


class _Training:
    def __init__(
        self,
        make_network: Callable[[Objective], nn.Module],
        encoder: Encoder,
        split: TaskSplit,
        recipe: Recipe,
        fitting: Fitting,
        identity: str,
        objective: Objective | None,
    ) -> None:
        self.split, self.recipe, self.fitting = split, recipe, fitting
        self.encoder = encoder
        self.objective = objective or Objective.of(split.train, recipe.class_weights)
        self.selection = Selection(split.select_by, split.kind, split.labels)
        self.digest = digest_of(
            [
                _VERSION,
                identity,
                recipe.settings,
                split.digest,
                fitting.seed,
                str(torch.__version__),
            ]
        )
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = make_network(self.objective).to(self.device)
        self.weights = {
            name: each for name, each in self.network.named_parameters() if each.requires_grad
        }
        self.optimiser = torch.optim.AdamW(_groups(self.weights, recipe), recipe.learning_rate)
        self.train = encoder.encode(split.train.sequences)
        self.valid = encoder.encode(split.valid.sequences)
        self.lengths = [encoder.length(each) for each in self.train]
        self.batches_per_epoch = -(-len(self.train) // recipe.batch_size)
        self.best = self._snapshot()
        averaged = self.weights if recipe.averaging else {}
        self.average = {name: each.detach().clone() for name, each in averaged.items()}
        self.progress = _Progress()
        self.between_checkpoints = _SECONDS_BETWEEN_CHECKPOINTS
        self._started = self._checkpointed = self._told = time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or enough of them without anything better."""
        done, patience = self.progress.epoch, self.recipe.patience
        return done >= self.recipe.epochs or done - self.progress.best_epoch >= patience

    def run_epoch(self) -> None:
        """Train for what is left of an epoch, then look at the validation part."""
        progress, recipe = self.progress, self.recipe
        batches = epoch_batches(self.lengths, recipe.batch_size, self.fitting.seed, progress.epoch)
        self.network.train()
        for rows in batches[progress.batch :]:
            self._step(rows)
            progress.batch += 1
            progress.step += 1
            self._tell(f"batch {progress.batch:,} of {len(batches):,}")
            if time.monotonic() - self._checkpointed >= self.between_checkpoints:
                self._checkpoint()
        self._judge()
        self._checkpoint()

    def _step(self, rows: NDArray[np.int64]) -> None:
        step, told = self.progress.step, self.split.train
        steps = self.batches_per_epoch * self.recipe.epochs
        torch.manual_seed((self.fitting.seed * _STREAM + step + 1) % 2**63)
        draws = np.random.default_rng((self.fitting.seed, step, 1))
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, step, steps)
        self.optimiser.zero_grad(set_to_none=True)
        total, weight = 0.0, 0.0
        for part in pieces(
            rows, self.lengths, self.recipe.cells_at_once, squared=self.objective.of_pairs
        ):
            encoded = self._augmented(part, draws)
            target = self.objective.target([told.targets[row] for row in part]).to(self.device)
            outputs = compute(self.network, self.encoder.batch(encoded), self.device)
            loss, counted = self.objective.loss(outputs, target)
            loss.backward()  # type: ignore[no-untyped-call]
            total, weight = total + loss.item(), weight + counted.item()
        if not np.isfinite(total):
            raise ModelError(
                f"Task '{self.split.task}': the loss of step {step + 1:,} is not a number; "
                f"try a learning rate below {self.recipe.learning_rate:g}"
            )
        if weight:
            for each in self.weights.values():
                if each.grad is not None:
                    each.grad /= weight
            nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.clip)
            self.optimiser.step()
        self.progress.total += total
        self.progress.weight += weight

        if self.recipe.averaging:
            self._average()

    def _augmented(self, rows: NDArray[np.int64], draws: np.random.Generator) -> list[Any]:
        encoded = [self.train[row] for row in rows]
        if self.objective.of_positions:
            return encoded
        return [self.encoder.augmented(each, draws) for each in encoded]

    def _average(self) -> None:
        """Move the average towards the weights: at first the mean of all steps so far."""
        horizon = self.recipe.averaging * self.batches_per_epoch
        share = 1 / min(self.progress.step + 1, max(horizon, 1.0))
        with torch.no_grad():
            for name, weight in self.weights.items():
                self.average[name].lerp_(weight, share)

    def _judge(self) -> None:
        """Look at the validation part, and keep the weights if they are the best so far."""
        progress, valid = self.progress, self.split.valid
        current = self._snapshot()
        self._load(current | self.average)
        self._settle()
        outputs = network_outputs(
            self.network,
            self.encoder,
            self.objective,
            self.valid,
            [len(each) for each in valid.sequences],
            self.recipe.cells_at_once,
            lambda done: self._tell(f"validation: {done:,} of {len(valid):,}"),
        )
        loss = self.objective.mean_loss(outputs, list(valid.targets))
        value = self.selection.value(self.objective.judged(outputs), valid)
        progress.epoch += 1
        if self._is_best(value, loss):
            progress.best_epoch = progress.epoch
            progress.best_loss = None if np.isnan(loss) else loss
            progress.best_value = None if np.isnan(value) else value
            self.best = self._snapshot()
        self._load(current)
        told = None if np.isnan(value) else value
        progress.curve.append(
            {
                "epoch": progress.epoch,
                "train_loss": progress.total / progress.weight if progress.weight else None,
                "valid_loss": None if np.isnan(loss) else loss,
                self.selection.name: told,
            }
        )
        progress.batch, progress.total, progress.weight = 0, 0.0, 0.0
        self._tell(f"{self.selection.name} {'undefined' if told is None else f'{told:.4f}'}", 0)

    def _settle(self) -> None:
        """Give batch normalisation the statistics of the weights that are now judged."""
        if not learned_normalisations(self.network):
            return
        draws = np.random.default_rng((self.fitting.seed, 0, 2))
        chosen = draws.permutation(len(self.train))[:_SETTLED_ON]
        lengths = np.asarray(self.lengths)
        rows = chosen[np.argsort(lengths[chosen], kind="stable")]
        size = self.recipe.batch_size
        parts = (
            part
            for start in range(0, len(rows), size)
            for part in pieces(
                rows[start : start + size],
                self.lengths,
                self.recipe.cells_at_once,
                squared=self.objective.of_pairs,
            )
        )
        batches = (self.encoder.batch(self._augmented(part, draws)) for part in parts)
        settle(self.network, batches, self.device)

    def _is_best(self, value: float, loss: float) -> bool:
        """Judge by the metric; between equals (a metric of hard answers has many), by the loss."""
        best, best_loss = self.progress.best_value, self.progress.best_loss
        known = float("nan") if best is None else best
        if self.selection.surpasses(value, known):
            return True
        if self.selection.surpasses(known, value):
            return False
        return best_loss is None or loss < best_loss

    def resume(self) -> None:
        """Go on from the checkpoint in the workspace, if it is of this training."""
        if self.fitting.workspace is None:
            return
        try:
            found = read_checkpoint(self.fitting.workspace, self.digest)
        except Foreign as reason:
            self.fitting.tell(f"Training from the beginning: {reason}")
            return
        if found is None:
            return
        self.progress = _Progress(**found.progress)
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in found.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor.to(self.device)
        self._load(parts["now"])
        self.best, self.average = parts["best"], parts.get("average", {})
        for name, weight in self.weights.items():
            prefix = f"{name}/"
            state = {
                key.removeprefix(prefix): tensor
                for key, tensor in parts.get("optimiser", {}).items()
                if key.startswith(prefix)
            }
            # AdamW counts its steps on the CPU, wherever the weights are.
            self.optimiser.state[weight] = state | {"step": state["step"].cpu()} if state else {}
        self.fitting.tell(f"Going on from epoch {self.progress.epoch + 1}")

    def _checkpoint(self) -> None:
        now = time.monotonic()
        self.progress.seconds += now - self._started
        self._started = self._checkpointed = now
        if self.fitting.workspace is None:
            return
        tensors = {f"now/{name}": each for name, each in self._snapshot().items()}
        tensors |= {f"best/{name}": each for name, each in self.best.items()}
        tensors |= {f"average/{name}": each for name, each in self.average.items()}
        for name, weight in self.weights.items():
            for key, each in self.optimiser.state.get(weight, {}).items():
                tensors[f"optimiser/{name}/{key}"] = each
        checkpoint = Checkpoint(tensors, asdict(self.progress))
        write_checkpoint(self.fitting.workspace, self.digest, checkpoint)

    def result(self) -> FittedNetwork:
        """Give the network with its best weights."""
        self._load(self.best)
        self.network.eval()
        progress = self.progress
        report = {
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "select_by": self.split.select_by,
            "value": progress.best_value,
            "seconds": round(progress.seconds, 3),
            "parameters": sum(each.numel() for each in self.network.parameters()),
            "trained_parameters": sum(each.numel() for each in self.weights.values()),
            "settings": self.recipe.settings,
            "curve": progress.curve,
            "notes": list(self.split.notes),
        }
        return FittedNetwork(
            self.network, self.encoder, self.objective, self.recipe.cells_at_once, report
        )

    def _snapshot(self) -> dict[str, Tensor]:
        """Copy all that changes: what has gradients, and buffers."""
        kept = self.network.state_dict()
        buffers = {name: each for name, each in self.network.named_buffers() if name in kept}
        return {name: each.detach().clone() for name, each in (self.weights | buffers).items()}

    def _load(self, state: dict[str, Tensor]) -> None:
        self.network.load_state_dict(state, strict=False)

    def _tell(self, text: str, every: float = _SECONDS_BETWEEN_LINES) -> None:
        now = time.monotonic()
        if now - self._told >= every:
            self._told = now
            self.fitting.tell(
                f"epoch {self.progress.epoch + bool(every)} of {self.recipe.epochs}, {text}"
            )


def _groups(weights: dict[str, nn.Parameter], recipe: Recipe) -> list[dict[str, Any]]:
    """Spare what has one axis, biases and scales, from weight decay."""
    decayed = [each for each in weights.values() if each.ndim > 1]
    spared = [each for each in weights.values() if each.ndim <= 1]
    groups = [(decayed, recipe.weight_decay), (spared, 0.0)]
    return [{"params": each, "weight_decay": decay} for each, decay in groups if each]
