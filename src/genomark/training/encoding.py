"""From sequences to what a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.letters import encode_bases
from genomark.training.torch_extra import import_torch

#: What a network is called with: tensors by name, batch first.
Inputs = Mapping[str, Any]
#: Code of a base that is not told; it has no channel.
_UNKNOWN = 4


class Encoder(Protocol):
    """Turns sequences into inputs of a network: one-hot bases, or ids of tokens."""

    def encode(self, sequences: Sequence[str]) -> list[Any]:
        """Encode each on its own, once for a whole training."""
        ...

    def length(self, encoded: Any) -> int:
        """Count what padding is counted in: bases, or tokens."""
        ...

    def augmented(self, encoded: Any, draws: np.random.Generator) -> Any:
        """Change a sequence as it may change without another answer; for training only.

        Called for tasks that tell of whole sequences: what moves positions would part these from
        what is told of them.
        """
        ...

    def batch(self, encoded: Sequence[Any]) -> Inputs:
        """Pad to the longest and stack."""
        ...


class OneHot:
    """Bases as codes, which networks spread over four channels.

    Parameters
    ----------
    shift : int
        Bases by which a training sequence may move, to either side; what leaves at one end is
        gone, and what comes in at the other is unknown.
    reverse_complement : bool
        Whether half of the training sequences are read from the other strand.
    hiding : float
        Share of the bases of a training sequence that are made unknown, so that no single base is
        learned by heart.
    """

    def __init__(
        self, shift: int = 0, reverse_complement: bool = False, hiding: float = 0.0
    ) -> None:
        self._shift = shift
        self._hiding = hiding
        self._reverse_complement = reverse_complement

    def encode(self, sequences: Sequence[str]) -> list[NDArray[np.uint8]]:
        """Codes 0 to 3 for A, C, G and T or U, 4 for anything else; uint8[length] each."""
        codes, offsets = encode_bases(sequences)
        return [codes[start:end] for start, end in pairwise(offsets)]

    def length(self, encoded: NDArray[np.uint8]) -> int:
        """Count the bases."""
        return int(encoded.size)

    def augmented(
        self, encoded: NDArray[np.uint8], draws: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Turn, move and hide at random."""
        if self._reverse_complement and draws.random() < 0.5:
            encoded = np.where(encoded < _UNKNOWN, 3 - encoded, encoded)[::-1].astype(np.uint8)
        if self._shift:
            encoded = _moved(encoded, int(draws.integers(-self._shift, self._shift + 1)))
        if self._hiding:
            hidden = draws.random(encoded.size) < self._hiding
            encoded = np.where(hidden, _UNKNOWN, encoded).astype(np.uint8)
        return encoded

    def batch(self, encoded: Sequence[NDArray[np.uint8]]) -> Inputs:
        """Stack.

        Returns
        -------
        dict
            ``codes``, int64[n, longest], and ``mask``, bool of the same shape, true where a
            sequence is.
        """
        torch = import_torch()
        lengths = np.array([each.size for each in encoded])
        codes = np.full((len(encoded), lengths.max()), _UNKNOWN, dtype=np.int64)
        for row, each in enumerate(encoded):
            codes[row, : each.size] = each
        mask = np.arange(codes.shape[1]) < lengths[:, None]
        return {"codes": torch.from_numpy(codes), "mask": torch.from_numpy(mask)}


def _moved(codes: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Move to the right, or to the left by a negative number."""
    by = max(-codes.size, min(by, codes.size))
    moved = np.full_like(codes, _UNKNOWN)
    if by >= 0:
        moved[by:] = codes[: codes.size - by]
    else:
        moved[:by] = codes[-by:]
    return moved
