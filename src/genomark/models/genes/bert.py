"""The forward pass of BERT (Devlin et al. 2019, arXiv 1810.04805) in numpy, in float32.

Texts of a batch have the same number of tokens, or are so few that they attend one by one: there is
no padding and no mask. The matrix
products are BLAS; what is in between works in place, on slices that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Rows of the widest layer that are worked on at a time: with three copies they fit a 1 MB cache.
_ROWS = 32

#: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: the complement of the error
#: function to 1.5e-7, highest power of t first.
_ERFC = tuple(
    np.float32(value)
    for value in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
)
_ERFC_T = np.float32(0.3275911)


class _Config(msgspec.Struct, frozen=True):
    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    layer_norm_eps: float


@dataclass(frozen=True)
class _Linear:
    """``x @ weight + bias``."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        out: Floats = x @ self.weight
        out += self.bias
        return out


@dataclass(frozen=True)
class _Norm:
    """Layer normalisation over the last axis, in place."""

    weight: Floats
    bias: Floats
    epsilon: np.float32

    def __call__(self, x: Floats) -> Floats:
        x -= x.mean(axis=1, keepdims=True)
        variance = np.square(x).mean(axis=1, keepdims=True)
        x /= np.sqrt(variance + self.epsilon)
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True)
class _Layer:
    query_key_value: _Linear
    attended: _Linear
    attended_norm: _Norm
    widened: _Linear
    narrowed: _Linear
    narrowed_norm: _Norm


class Bert:
    """An encoder with learnt positions and exact GELU, from a folder in the Hugging Face format.

    Parameters
    ----------
    folder : Path
        Holds ``config.json`` and ``model.safetensors``, whose tensors have no prefix; all of it is
        read at once.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        config = msgspec.json.decode((folder / "config.json").read_bytes(), type=_Config)
        tensors = load_file(folder / "model.safetensors")
        self.dimensions = config.hidden_size
        self._heads = config.num_attention_heads
        self._words: Floats = tensors["embeddings.word_embeddings.weight"]
        # A text alone is all of the first of the two segments BERT knows.
        self._places: Floats = (
            tensors["embeddings.position_embeddings.weight"]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _norm(tensors, "embeddings", config)
        self._layers = [
            _layer(tensors, f"encoder.layer.{number}", config)
            for number in range(config.num_hidden_layers)
        ]

    def __call__(self, ids: NDArray[np.int64]) -> Floats:
        """Vectors of tokens after the last layer.

        Parameters
        ----------
        ids : ndarray of int64, shape (n_texts, n_tokens)
            Numbers of the tokens, special ones among them.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_tokens, n_dimensions)
        """
        texts, tokens = ids.shape
        x = self._words[ids]
        x += self._places[:tokens]
        flat = x.reshape(texts * tokens, self.dimensions)
        flat = self._encoded(flat, lambda each: self._attend(each, texts, tokens))
        return flat.reshape(texts, tokens, self.dimensions)

    def of_few(self, texts: Sequence[Sequence[int]]) -> list[Floats]:
        """Vectors of the tokens of a few texts of any length, in one pass.

        The weights are read once for all of them, which is what takes the time of a short text.

        Parameters
        ----------
        texts : sequence of sequence of int
            Numbers of the tokens of each, special ones among them.

        Returns
        -------
        list of ndarray of float32, shape (n_tokens, n_dimensions)
        """
        ends = np.cumsum([len(each) for each in texts])
        x = self._words[np.concatenate(texts)]
        x += np.concatenate([self._places[: len(each)] for each in texts])

        def attend(query_key_value: Floats) -> Floats:
            parts = np.split(query_key_value, ends[:-1])
            return np.concatenate([self._attend(each, 1, len(each)) for each in parts])

        return np.split(self._encoded(x, attend), ends[:-1])

    def _encoded(self, x: Floats, attend: Callable[[Floats], Floats]) -> Floats:
        """Send rows of tokens through all layers; `attend` knows which belong together."""
        x = self._norm(x)
        for layer in self._layers:
            attended = layer.attended(attend(layer.query_key_value(x)))
            attended += x
            x = layer.attended_norm(attended)
            narrowed = layer.narrowed(gelu_in_place(layer.widened(x)))
            narrowed += x
            x = layer.narrowed_norm(narrowed)
        return x

    def _attend(self, query_key_value: Floats, texts: int, tokens: int) -> Floats:
        """Mean of the values by softmax of query times key, for each head."""
        parts = query_key_value.reshape(texts, tokens, 3, self._heads, -1)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)
        weight: Floats = query @ key.swapaxes(-1, -2)
        weight -= weight.max(axis=-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=-1, keepdims=True)
        mean: Floats = weight @ value
        return mean.transpose(0, 2, 1, 3).reshape(texts * tokens, self.dimensions)


def gelu_in_place(x: Floats) -> Floats:
    """Gaussian error linear unit, ``x * Phi(x)``, to 3e-7 plus the rounding of its value.

    Parameters
    ----------
    x : ndarray of float32, shape (n, m)
        Overwritten.

    Returns
    -------
    ndarray
        `x` itself.
    """
    for first in range(0, len(x), _ROWS):
        part = x[first : first + _ROWS]
        size = np.abs(part)
        scaled = size * np.float32(np.sqrt(0.5))
        tail = np.square(scaled)
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        scaled *= _ERFC_T
        scaled += np.float32(1)
        np.reciprocal(scaled, out=scaled)
        series = np.full_like(scaled, _ERFC[0])
        for coefficient in _ERFC[1:]:
            series *= scaled
            series += coefficient
        series *= scaled
        series *= tail
        # x Phi(x) = max(x, 0) - |x| (1 - Phi(|x|)), where nothing cancels.
        series *= size
        series *= np.float32(0.5)
        np.maximum(part, 0, out=part)
        part -= series
    return x


def _norm(tensors: dict[str, Any], name: str, config: _Config) -> _Norm:
    return _Norm(
        tensors[f"{name}.LayerNorm.weight"],
        tensors[f"{name}.LayerNorm.bias"],
        np.float32(config.layer_norm_eps),
    )


def _linear(tensors: dict[str, Any], *names: str) -> _Linear:
    """One layer of those that read the same input, side by side."""
    return _Linear(
        np.ascontiguousarray(np.concatenate([tensors[f"{name}.weight"] for name in names]).T),
        np.concatenate([tensors[f"{name}.bias"] for name in names]),
    )


def _layer(tensors: dict[str, Any], name: str, config: _Config) -> _Layer:
    attention = f"{name}.attention"
    query_key_value = _linear(
        tensors, f"{attention}.self.query", f"{attention}.self.key", f"{attention}.self.value"
    )
    # Attention divides by the root of a head's width: once here, not for each pair of tokens.
    scale = np.float32((config.hidden_size // config.num_attention_heads) ** -0.5)
    query_key_value.weight[:, : config.hidden_size] *= scale
    query_key_value.bias[: config.hidden_size] *= scale
    return _Layer(
        query_key_value,
        _linear(tensors, f"{attention}.output.dense"),
        _norm(tensors, f"{attention}.output", config),
        _linear(tensors, f"{name}.intermediate.dense"),
        _linear(tensors, f"{name}.output.dense"),
        _norm(tensors, f"{name}.output", config),
    )
