"""Encoders that need torch: a checkpoint as transformers or as sentence-transformers loads it.

torch is imported when the first text is encoded. Everything is computed in float32, without
gradients, in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models.genes.encoders import Batch, same_length_batches
from genomark.models.hub.loading import (
    as_model_error,
    load_network,
    load_tokenizer,
    without_bars,
)

#: Texts that are cut into tokens together: bounds what long sequences take.
_TEXTS = 256
#: Tokens of a batch, on a processor and on an accelerator.
_TOKENS, _TOKENS_ON_DEVICE = 1024, 32768
#: Where tokenizers write "no limit", they write a number above this.
_NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class Loading:
    """How a checkpoint is loaded.

    Attributes
    ----------
    folder : Path
        Of the checkpoint.
    device : str
        As torch names it: ``cpu``, ``cuda``, ``cuda:1``.
    trust : bool
        Whether code that comes with the checkpoint may run.
    """

    folder: Path
    device: str
    trust: bool

    @property
    def tokens(self) -> int:
        """Tokens of a batch."""
        return _TOKENS if self.device == "cpu" else _TOKENS_ON_DEVICE


class SentenceEncoder:
    """A checkpoint with modules of its own, as sentence-transformers runs them.

    Its pooling and its limit on the length of texts are the checkpoint's.
    """

    pooling = "as sentence-transformers pools it"

    def __init__(self, loading: Loading) -> None:
        self._loading = loading

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Encode texts of the same length together."""
        with _as_model_error(self._loading):
            for places in same_length_batches(self._lengths(texts), texts, self._loading.tokens):
                vectors = self._model.encode(
                    [texts[place] for place in places],
                    batch_size=len(places),
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
                yield places, np.asarray(vectors, dtype=np.float32)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; letters where the checkpoint has no tokenizer of transformers."""
        tokenizer = self._model.tokenizer
        if not callable(tokenizer):
            return [len(text) for text in texts]
        return [len(ids) for ids in tokenizer(list(texts), truncation=True)["input_ids"]]

    @cached_property
    def _model(self) -> Any:
        with without_bars():
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(
                str(self._loading.folder),
                device=self._loading.device,
                trust_remote_code=self._loading.trust,
                model_kwargs={"use_safetensors": True},
                local_files_only=True,
            ).float()


class TokenMean:
    """Mean of the last layer over the tokens of a text.

    A text longer than the model can see is cut into windows without overlap, each between the
    special tokens of a text of its own; the mean is over the tokens of all of them.

    Parameters
    ----------
    loading : Loading
    special : bool
        Whether special tokens (``[CLS]``, ``</s>``) count.
    window : int
        Tokens of a window, special ones among them; 0 for what the checkpoint names.
    """

    def __init__(self, loading: Loading, *, special: bool, window: int) -> None:
        self._loading = loading
        self._special = special
        self._window = window

    @property
    def pooling(self) -> str:
        """How tokens become a vector, for people."""
        windows = f", windows of {self._window}" if self._window else ""
        return f"mean of the tokens, special ones {'in' if self._special else 'out'}{windows}"

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Encode windows of the same length together."""
        with _as_model_error(self._loading):
            order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), texts[place]))
            for first in range(0, len(order), _TEXTS):
                places = order[first : first + _TEXTS]
                yield np.array(places, np.int64), self._embed([texts[place] for place in places])

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        windows = [
            (place, ids, counted)
            for place, text in enumerate(texts)
            for ids, counted in self._windows(text)
        ]
        lengths = [len(ids) for _, ids, _ in windows]
        in_order = [f"{number:09d}" for number in range(len(windows))]
        sums: NDArray[np.float64] | None = None
        counts = np.zeros(len(texts))
        for batch in same_length_batches(lengths, in_order, self._loading.tokens):
            tokens = self._last_layer(np.array([windows[each][1] for each in batch]))
            if sums is None:
                sums = np.zeros((len(texts), tokens.shape[2]))
            for each, vectors in zip(batch, tokens, strict=True):
                place, _, counted = windows[each]
                sums[place] += vectors[counted].sum(axis=0, dtype=np.float64)
                counts[place] += counted.sum()
        assert sums is not None
        with np.errstate(invalid="ignore"):  # no token: not a number, as promised
            return (sums / counts[:, None]).astype(np.float32)

    def _windows(self, text: str) -> Iterator[tuple[list[int], NDArray[np.bool_]]]:
        """Ids of each window, and which of them count."""
        encoded = self._tokenizer(text, return_special_tokens_mask=True, verbose=False)
        ids = encoded["input_ids"]
        own = np.flatnonzero(np.logical_not(encoded["special_tokens_mask"]))
        first, last = (own[0], own[-1] + 1) if own.size else (len(ids), len(ids))
        before, inside, after = ids[:first], ids[first:last], ids[last:]
        room = self._limit - len(before) - len(after)
        if room < 1:
            raise UsageError(
                f"window={self._limit}: no room beside {len(before) + len(after)} special tokens"
            )
        for start in range(0, max(len(inside), 1), room):
            part = inside[start : start + room]
            counted = np.full(len(before) + len(part) + len(after), self._special)
            counted[len(before) : len(before) + len(part)] = True
            yield [*before, *part, *after], counted

    def _last_layer(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            tensor = torch.from_numpy(ids).to(self._loading.device)
            # The first of what a model gives is its last layer, whatever the rest is called.
            hidden = self._model(input_ids=tensor, attention_mask=torch.ones_like(tensor))[0]
            return np.asarray(hidden.float().cpu().numpy(), dtype=np.float32)

    @cached_property
    def _limit(self) -> int:
        """Tokens of a window."""
        if self._window:
            return self._window
        named = getattr(self._model.config, "max_position_embeddings", None)
        return int(min(self._tokenizer.model_max_length, named or _NO_LIMIT))

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._loading.folder, trust=self._loading.trust)

    @cached_property
    def _model(self) -> Any:
        network = load_network(self._loading.folder, "AutoModel", trust=self._loading.trust)
        return network.to(self._loading.device)


def _as_model_error(loading: Loading) -> AbstractContextManager[None]:
    hint = "" if loading.trust or not _has_code(loading.folder) else _TRUST
    return as_model_error(f"text:{loading.folder}", hint)


_TRUST = ". It names code of its own, which runs only with trust=yes"


def _has_code(folder: Path) -> bool:
    config = folder / "config.json"
    return config.is_file() and b'"auto_map"' in config.read_bytes()
