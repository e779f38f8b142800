"""The networks of a checkpoint on a device, run on rows of tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models.hub.batches import Batches, Count
from genomark.models.hub.checkpoint import HubCheckpoint, Part
from genomark.models.hub.loading import as_model_error

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["fp32", "bf16", "fp16"]
_TYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
#: Tokens of a batch where nobody says how many: what keeps all units of a device at work.
_TOKENS = {"cpu": 2048, "cuda": 65536}

Ids = NDArray[np.int64]


class Network:
    """A checkpoint's networks on one device, in one precision.

    Parameters
    ----------
    checkpoint : HubCheckpoint
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes a GPU if there is one.
    precision : {"fp32", "bf16", "fp16"}
    batch_tokens : int
        Tokens of a batch; 0 for what suits the device.
    """

    def __init__(
        self,
        checkpoint: HubCheckpoint,
        device: Device = "auto",
        precision: Precision = "fp32",
        batch_tokens: int = 0,
    ) -> None:
        self.checkpoint = checkpoint
        self._device = device
        self.precision = precision
        self._batch_tokens = batch_tokens
        self.count = Count()

    @cached_property
    def device(self) -> str:
        """Where it computes: ``cpu`` or ``cuda``.

        Raises
        ------
        UsageError
            If there is no GPU that torch can use.
        """
        if self._device == "cpu":
            return "cpu"
        import torch

        there = torch.cuda.is_available()
        if self._device == "cuda" and not there:
            raise UsageError(
                f"{self.checkpoint.spec}: device=cuda: torch finds no GPU; use device=cpu"
            )
        return "cuda" if there else "cpu"

    def vectors(
        self, lengths: Sequence[int], row: Callable[[int], Ids], layer: int
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Give the vectors of the tokens of each row, float32[length, width], on the device."""
        checkpoint, trunk = self.checkpoint, self._trunk

        def compute(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return checkpoint.hidden(trunk, ids, mask, layer)

        yield from self._by_token(self._trunk_batches, lengths, row, compute)

    def log_probabilities(
        self,
        lengths: Sequence[int],
        row: Callable[[int], Ids],
        asked: Callable[[int], tuple[Ids, Ids]],
    ) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give natural logarithms of the probabilities of some words at some places of each row.

        Parameters
        ----------
        lengths, row
            As for `genomark.models.hub.batches.Batches.run`.
        asked : callable
            Gives places in a row and the words asked for there.
        """
        import torch

        compute = partial(self.checkpoint.logits, self._lm)
        for batch, logits in self._run(self._lm_batches, lengths, row, compute):
            with torch.inference_mode():
                for place, each in enumerate(batch):
                    places, words = (torch.from_numpy(part) for part in asked(each))
                    scores = logits[place, places.to(logits.device)].float().log_softmax(dim=-1)
                    picked = scores.gather(1, words.to(logits.device)[:, None])[:, 0]
                    yield each, picked.double().cpu().numpy()

    def word_scores(
        self, lengths: Sequence[int], row: Callable[[int], Ids]
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Give the scores of all words at each token of each row, float32[length, n_words].

        Parameters
        ----------
        lengths, row
            As for `genomark.models.hub.batches.Batches.run`.
        """
        compute = partial(self.checkpoint.logits, self._lm)
        yield from self._by_token(self._lm_batches, lengths, row, compute)

    def symbol_probabilities(
        self, lengths: Sequence[int], row: Callable[[int], Ids]
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Give the probability of each class at each token of each row, float32[length, n].

        Parameters
        ----------
        lengths, row
            As for `genomark.models.hub.batches.Batches.run`.
        """
        checkpoint, network = self.checkpoint, self._tagger

        def compute(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return checkpoint.logits(network, ids, mask).float().softmax(dim=-1)

        yield from self._by_token(self._tagger_batches, lengths, row, compute)

    def _by_token(
        self,
        batches: Batches,
        lengths: Sequence[int],
        row: Callable[[int], Ids],
        compute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Give what is computed of each token of each row, float32[length, n], on the device."""

        def single(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return compute(ids, mask).float()

        for batch, found in self._run(batches, lengths, row, single):
            for place, each in enumerate(batch):
                yield each, found[place, : lengths[each]]

    def _run(
        self,
        batches: Batches,
        lengths: Sequence[int],
        row: Callable[[int], Ids],
        compute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        import torch

        def guarded(ids: Ids, mask: Ids) -> torch.Tensor:
            with torch.inference_mode():
                return compute(*(torch.from_numpy(each).to(self.device) for each in (ids, mask)))

        with as_model_error(self.checkpoint.spec):
            yield from batches.run(lengths, row, guarded)

    def _batches(self, network: Any) -> Batches:
        batches = Batches(
            self.checkpoint.spec,
            self._batch_tokens or _TOKENS[self.device],
            self.checkpoint.pad_id,
            padded=self.checkpoint.takes_mask(network) or self.checkpoint.is_causal,
            threads=(os.cpu_count() or 1) if self.device == "cpu" else 1,
        )
        batches.count = self.count
        return batches

    @cached_property
    def _trunk(self) -> torch.nn.Module:
        return self._placed("trunk")

    @cached_property
    def _lm(self) -> torch.nn.Module:
        return self._placed("lm")

    @cached_property
    def _tagger(self) -> torch.nn.Module:
        return self._placed("tagger")

    @cached_property
    def _tagger_batches(self) -> Batches:
        return self._batches(self._tagger)

    @cached_property
    def _trunk_batches(self) -> Batches:
        return self._batches(self._trunk)

    @cached_property
    def _lm_batches(self) -> Batches:
        return self._batches(self._lm)

    def _placed(self, kind: Part) -> torch.nn.Module:
        import torch

        network = self.checkpoint.module(kind)
        with as_model_error(self.checkpoint.spec):
            return network.to(self.device, getattr(torch, _TYPES[self.precision]))
