"""Pretraining of a network on windows of a genome, to the same weights each time.

What is read, turned, and hidden in a step is a function of seed and step, and told in bases:
networks with different tokenizers see the same bases in the same order, with the same ones hidden.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genomark.atomic import write_whole
from genomark.datasets.genome import reverse_complement
from genomark.digests import digest_of, digest_of_bytes, digest_of_file
from genomark.errors import ModelError, UsageError
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.loading import as_model_error, load_tokenizer
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training.checkpoint import Checkpoint, Foreign, read_checkpoint, write_checkpoint
from genomark.training.pretraining.architecture import (
    NetworkSettings,
    make_network,
    open_network,
    save_network,
)
from genomark.training.pretraining.corpus import Corpus
from genomark.training.pretraining.objectives import Objective, objective_of
from genomark.training.pretraining.stretches import Hidden, Hiding, draw_stretches, hide
from genomark.training.recipe import Recipe
from genomark.training.schedule import learning_rate
from genomark.training.torch_extra import reproducible

#: Raise it when the same settings and seed give other weights.
_VERSION = "1"
_SECONDS_BETWEEN_CHECKPOINTS = 30.0
#: Points of the curve of the loss.
_POINTS = 20
RECORD = "pretraining.json"


class PretrainingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network learns.

    Attributes
    ----------
    bases : int
        Bases read in all; 0 leaves the network as it was drawn, or as its checkpoint has it.
    batch : int
        Windows a step.
    learning_rate : float
        At the end of the warm-up; then it falls along half a cosine.
    warm_up : float
        Share of all steps.
    weight_decay : float
        Of AdamW.
    hiding : Hiding
        What is hidden.
    both_strands : bool
        Whether each window is read as its reverse complement half of the time.
    seed : int
        Of weights, order, strands and what is hidden.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    bases: int = 3_000_000
    batch: int = 32
    learning_rate: float = 2e-3
    warm_up: float = 0.1
    weight_decay: float = 0.01
    hiding: Hiding = Hiding()
    both_strands: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be learned with."""
        if self.bases < 0 or self.batch < 1 or self.seed < 0:
            raise UsageError(
                f"pretraining: bases={self.bases}, batch={self.batch}, seed={self.seed}; expected "
                "0 or more, 1 or more, 0 or more"
            )
        # Says what is wrong with the others.
        self.recipe  # noqa: B018

    @property
    def recipe(self) -> Recipe:
        """The same, as the schedule and the optimiser take it."""
        return Recipe(
            batch_size=self.batch,
            learning_rate=self.learning_rate,
            warm_up=self.warm_up,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True)
class Pretrained:
    """What came of a pretraining.

    Attributes
    ----------
    folder : Path
        A checkpoint as the hub has them: ``hf:FOLDER``.
    parameters : int
    bases, tokens : int
        Read in all.
    hidden_share : float
        Of the tokens.
    curve : list of (int, float)
        Bases read, and mean bits of a hidden token since the point before.
    cpu_seconds : float
        Of this process while it learned, kills and all.
    """

    folder: Path
    parameters: int
    bases: int
    tokens: int
    hidden_share: float
    curve: list[tuple[int, float]]
    cpu_seconds: float


@dataclass
class _Progress:
    step: int = 0
    bases: int = 0
    tokens: int = 0
    hidden: int = 0
    total: float = 0.0
    counted: int = 0
    cpu_seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)


def pretrain(
    folder: Path,
    corpus: Corpus,
    tokenizer: Path,
    network: NetworkSettings | Path,
    settings: PretrainingSettings,
    *,
    workspace: Path,
    progress: Callable[[int], None] = lambda bases: None,
    seconds_between_checkpoints: float = _SECONDS_BETWEEN_CHECKPOINTS,
) -> Pretrained:
    """Pretrain a network; stopped at any moment, it goes on to the same weights.

    Parameters
    ----------
    folder : Path
        For the checkpoint; written at the end, its ``pretraining.json`` last.
    corpus : Corpus
    tokenizer : Path
        Folder of a tokenizer, as `genomark.training.tokenizers.save_tokenizer` writes them.
    network : NetworkSettings or Path
        Drawn from the seed, or the checkpoint to go on from; then `tokenizer` is its own.
    settings : PretrainingSettings
    workspace : Path
        For the checkpoint of a training under way.
    progress : callable
        Takes how many bases have been read.
    seconds_between_checkpoints : float

    Raises
    ------
    UsageError
        If network and tokenizer do not go together.
    ModelError
        If the loss is no longer a number, or a checkpoint cannot be loaded.
    WriteError
        If a folder refuses, or the disk is full.
    """
    with reproducible(settings.seed):
        training = _Pretraining(corpus, tokenizer, network, settings, workspace)
        training.between_checkpoints = seconds_between_checkpoints
        training.resume()
        training.run(progress)
        return training.save(folder)


class _Pretraining:
    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Path,
        network: NetworkSettings | Path,
        settings: PretrainingSettings,
        workspace: Path,
    ) -> None:
        self.corpus, self.settings, self.workspace = corpus, settings, workspace
        shortest = min(map(len, corpus.train))
        if shortest < settings.hiding.every:
            raise UsageError(
                f"pretraining: a window of {shortest} bases, and one stretch is hidden in every "
                f"{settings.hiding.every}; leave shorter windows out"
            )
        self.tokenizer_folder = tokenizer
        self.tokenizer = open_tokenizer(tokenizer)
        self.sentinels = sentinels_of(tokenizer)
        # No token is shorter than a base.
        longest = corpus.window + sum(map(len, self.tokenizer.special))
        if isinstance(network, Path):
            self.network = open_network(network)
            _check_room(network, longest)
        else:
            self.network = make_network(network, self._ids(), longest)
        self.objective: Objective = objective_of(self.network, self.tokenizer, self.sentinels)
        self.weights = dict(self.network.named_parameters())
        self.windows = -(-settings.bases // corpus.window)
        self.steps = -(-self.windows // settings.batch)
        self.digest = digest_of(
            [
                _VERSION,
                corpus.digest,
                corpus.window,
                _digest_of_files(tokenizer, ("tokenizer.json", "tokenizer_config.json")),
                _digest_of_weights(self.weights),
                msgspec.to_builtins(settings),
                str(torch.__version__),
            ]
        )
        recipe = settings.recipe
        decayed = [each for each in self.weights.values() if each.ndim > 1]
        spared = [each for each in self.weights.values() if each.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed},
            {"params": spared, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(
            groups, recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.progress = _Progress()
        self.between_checkpoints = _SECONDS_BETWEEN_CHECKPOINTS
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))
        self._checkpointed, self._clock = time.monotonic(), time.process_time()

    def _ids(self) -> dict[str, int]:
        tokenizer = self.tokenizer
        before, after = tokenizer.special
        sizes = [*tokenizer.vocabulary.words.values(), *self.sentinels, tokenizer.pad_id]
        mask = tokenizer.mask_id if tokenizer.mask_id is not None else tokenizer.pad_id
        first, last = (part[0] if part else tokenizer.pad_id for part in (before, after))
        words = max([*sizes, mask, first, last]) + 1
        return {
            "words": words,
            "pad": tokenizer.pad_id,
            "mask": mask,
            "before": first,
            "after": last,
        }

    def run(self, progress: Callable[[int], None]) -> None:
        """Read what is left of the windows."""
        self.network.train()
        progress(self.progress.bases)
        while self.progress.step < self.steps:
            self._step()
            progress(self.progress.bases)
            due = time.monotonic() - self._checkpointed >= self.between_checkpoints
            if due or self.progress.step == self.steps:
                self._checkpoint()

    def _step(self) -> None:
        settings, state = self.settings, self.progress
        torch.manual_seed((settings.seed * 1_000_003 + state.step + 1) % 2**63)
        rows = self._rows(state.step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(settings.recipe, state.step, self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.objective.loss(self.network, rows)
        loss.backward()  # type: ignore[no-untyped-call]
        if not np.isfinite(loss.item()):
            raise ModelError(
                f"pretraining: the loss of step {state.step + 1:,} is not a number; try a learning "
                f"rate below {settings.learning_rate:g}"
            )
        nn.utils.clip_grad_norm_(self.weights.values(), settings.recipe.clip)
        self.optimiser.step()
        state.step += 1
        state.bases += sum(int(row.spans.max()) for row in rows)
        state.tokens += sum(int((row.spans[:, 0] >= 0).sum()) for row in rows)
        hidden = sum(int(row.is_hidden.sum()) for row in rows)
        state.hidden += hidden
        state.total += loss.item() * hidden
        state.counted += hidden
        if state.step * _POINTS // self.steps > (state.step - 1) * _POINTS // self.steps:
            bits = state.total / state.counted / float(np.log(2))
            state.curve.append((state.bases, round(bits, 6)))
            state.total, state.counted = 0.0, 0

    def _rows(self, step: int) -> list[Hidden]:
        """Read the windows of a step, some of them turned round, with some bases hidden."""
        settings, train = self.settings, self.corpus.train
        draws = np.random.default_rng((settings.seed, step, 1))
        texts = []
        for number in range(step * settings.batch, min((step + 1) * settings.batch, self.windows)):
            epoch, place = divmod(number, len(train))
            if self._order[0] != epoch:
                shuffled = np.random.default_rng((settings.seed, epoch, 0)).permutation(len(train))
                self._order = epoch, shuffled
            text = train[self._order[1][place]]
            turned = bool(draws.integers(2)) and settings.both_strands
            texts.append(reverse_complement(text) if turned else text)
        stretches = [draw_stretches(len(text), settings.hiding, draws) for text in texts]
        return hide(self.tokenizer, texts, stretches)

    def resume(self) -> None:
        """Go on from the checkpoint in the workspace, if it is of this pretraining."""
        try:
            found = read_checkpoint(self.workspace, self.digest)
        except Foreign:
            # One damaged by a kill or of other settings is worth nothing: from the beginning.
            return
        if found is None:
            return
        told = dict(found.progress)
        told["curve"] = [(int(bases), float(bits)) for bases, bits in told["curve"]]
        self.progress = _Progress(**told)
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(found.tensors[f"now/{name}"])
                state = {
                    key: found.tensors[f"optimiser/{name}/{key}"]
                    for key in ("step", "exp_avg", "exp_avg_sq")
                    if f"optimiser/{name}/{key}" in found.tensors
                }
                self.optimiser.state[weight] = state

    def _checkpoint(self) -> None:
        clock = time.process_time()
        self.progress.cpu_seconds += clock - self._clock
        self._clock = clock
        tensors: dict[str, Tensor] = {f"now/{name}": w for name, w in self.weights.items()}
        for name, weight in self.weights.items():
            for key, each in self.optimiser.state.get(weight, {}).items():
                tensors[f"optimiser/{name}/{key}"] = each
        write_checkpoint(self.workspace, self.digest, Checkpoint(tensors, asdict(self.progress)))
        self._checkpointed = time.monotonic()

    def save(self, folder: Path) -> Pretrained:
        """Write the checkpoint for others, and say what it cost."""
        self.network.eval()
        state = self.progress
        with as_model_error(str(folder)):
            save_network(self.network, folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            write_whole(folder / name, (self.tokenizer_folder / name).read_bytes())
        record = {
            "pretraining": self.digest,
            "settings": msgspec.to_builtins(self.settings),
            "windows": self.corpus.digest,
            "bases": state.bases,
            "tokens": state.tokens,
        }
        told = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
        write_whole(folder / RECORD, told)
        return Pretrained(
            folder=folder,
            parameters=sum(each.numel() for each in self.network.parameters()),
            bases=state.bases,
            tokens=state.tokens,
            hidden_share=state.hidden / state.tokens if state.tokens else 0.0,
            curve=state.curve,
            cpu_seconds=state.cpu_seconds,
        )


def open_tokenizer(folder: Path) -> SequenceTokenizer:
    """Open the tokenizer of a folder.

    Raises
    ------
    ModelError
        If there is none that transformers can load.
    """
    with as_model_error(str(folder)):
        return SequenceTokenizer(str(folder), load_tokenizer(folder, trust=False))


def sentinels_of(folder: Path) -> list[int]:
    """Ids of the tokens that stand for hidden spans, the first one first; none for most."""
    with as_model_error(str(folder)):
        vocabulary = load_tokenizer(folder, trust=False).get_vocab()
    found: list[int] = []
    while (name := f"<extra_id_{len(found)}>") in vocabulary:
        found.append(vocabulary[name])
    return found


def _check_room(folder: Path, longest: int) -> None:
    checkpoint = HubCheckpoint(str(folder))
    room = checkpoint.max_tokens
    if room is not None and checkpoint.positions_are_bounded and room < longest:
        raise UsageError(
            f"{checkpoint.spec}: sees {room:,} tokens at once, and a window may have {longest:,}; "
            "ask for shorter windows"
        )


def _digest_of_files(folder: Path, names: tuple[str, ...]) -> str:
    return digest_of([digest_of_file(folder / name) for name in names])


def _digest_of_weights(weights: dict[str, nn.Parameter]) -> str:
    views = [weights[name].detach().contiguous().numpy().data for name in sorted(weights)]
    return digest_of_bytes([*(name.encode() for name in sorted(weights)), *views])
