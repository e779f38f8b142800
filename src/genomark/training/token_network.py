"""What fine-tuning trains: a checkpoint's network with a fresh head over its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genomark.errors import ModelError
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.tokens import TokenIds
from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.networks.heads import PairHead

#: Before the head; what it sees is not its own to learn by heart.
_DROPOUT = 0.1
#: Channels that pairs of positions are told from.
_PAIR_CHANNELS = 64


@dataclass(frozen=True, eq=False)
class _Encoded:
    """Tokens of a sequence, and the token that each base is told by; -1 for one that is cut off."""

    ids: NDArray[np.int64]
    own: NDArray[np.bool_]
    token: NDArray[np.int64]


class TokenEncoder:
    """An Encoder: ids of tokens, as the checkpoint's tokenizer has them.

    Parameters
    ----------
    checkpoint : HubCheckpoint

    Attributes
    ----------
    cut : int
        Sequences so far that had more tokens than the checkpoint can see; what comes after is not
        seen.
    """

    def __init__(self, checkpoint: HubCheckpoint) -> None:
        self._checkpoint = checkpoint
        self.cut = 0

    def encode(self, sequences: Sequence[str]) -> list[_Encoded]:
        """Cut into tokens."""
        tokens = self._checkpoint.tokens(sequences)
        return [
            self._encoded(each, len(sequence))
            for each, sequence in zip(tokens, sequences, strict=True)
        ]

    def _encoded(self, tokens: TokenIds, length: int) -> _Encoded:
        limit = self._checkpoint.max_tokens
        ids, spans = tokens.ids, tokens.spans
        if limit is not None and ids.size > limit:
            self.cut += 1
            after = len(self._checkpoint.tokenizer.special[1])
            kept = np.r_[0 : limit - after, ids.size - after : ids.size]
            ids, spans = ids[kept], spans[kept]
        own = spans[:, 0] >= 0
        token = np.full(length, -1, dtype=np.int64)
        for place in np.flatnonzero(own):
            # Of tokens that overlap, a base is told by the last that begins at it or before.
            token[spans[place, 0] : spans[place, 1]] = place
        return _Encoded(ids, own, token)

    def length(self, encoded: _Encoded) -> int:
        """Count the tokens."""
        return int(encoded.ids.size)

    def augmented(self, encoded: _Encoded, draws: np.random.Generator) -> _Encoded:
        """Leave as it is."""
        return encoded

    def batch(self, encoded: Sequence[_Encoded]) -> Inputs:
        """Stack.

        Returns
        -------
        dict
            ``ids`` and ``mask``, int64[n, most tokens]; ``own``, bool of the same shape: tokens
            that are not special; ``token``, int64[n, longest]: of each base, -1 where there is
            none.
        """
        widths = [each.ids.size for each in encoded]
        ids = np.full((len(encoded), max(widths)), self._checkpoint.pad_id, dtype=np.int64)
        mask, own = np.zeros_like(ids), np.zeros(ids.shape, dtype=bool)
        longest = max(each.token.size for each in encoded)
        token = np.full((len(encoded), longest), -1, dtype=np.int64)
        for row, each in enumerate(encoded):
            n = each.ids.size
            ids[row, :n], mask[row, :n], own[row, :n] = each.ids, 1, each.own
            token[row, : each.token.size] = each.token
        arrays = {"ids": ids, "mask": mask, "own": own, "token": token}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


class TokenNetwork(nn.Module):
    """A trunk, and a head: over the mean of the tokens, or over the token of each base.

    Parameters
    ----------
    checkpoint : HubCheckpoint
    trunk : nn.Module
        From ``checkpoint.module("trunk")``, perhaps with additions.
    objective : Objective
    """

    def __init__(self, checkpoint: HubCheckpoint, trunk: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.trunk = trunk
        self._checkpoint = checkpoint
        self._objective = objective
        self._padded = checkpoint.takes_mask(trunk)
        width = checkpoint.width
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(_DROPOUT)
        self.narrow: nn.Module = nn.Identity()
        self.head: nn.Module
        if objective.of_pairs:
            self.narrow = nn.Linear(width, _PAIR_CHANNELS)
            self.head = PairHead(_PAIR_CHANNELS, objective.n_outputs, dropout=_DROPOUT)
        else:
            self.head = nn.Linear(width, objective.n_outputs)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Give float32[n, n_outputs], or with an axis (two) of bases in between."""
        hidden = self._hidden(inputs["ids"], inputs["mask"])
        if not self._objective.of_positions:
            own = inputs["own"].unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * own).sum(dim=1) / own.sum(dim=1).clamp_min(1)
            outputs: Tensor = self.head(self.dropout(self.norm(mean)))
            return outputs
        there = inputs["token"] >= 0
        index = inputs["token"].clamp_min(0).unsqueeze(-1).expand(-1, -1, hidden.shape[2])
        bases = self.norm(hidden.gather(1, index)) * there.unsqueeze(-1)
        if self._objective.of_pairs:
            features = self.narrow(bases).transpose(1, 2) * there.unsqueeze(1)
            return self.head([(features, there)])  # type: ignore[no-any-return]
        return self.head(self.dropout(bases))  # type: ignore[no-any-return]

    def _hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors of tokens; a network that cannot tell padding sees one sequence at a time."""
        if self._padded or bool(mask.all()):
            return self._checkpoint.hidden(self.trunk, ids, mask)
        rows = []
        for row, there in zip(ids, mask, strict=True):
            n = int(there.sum())
            vectors = self._checkpoint.hidden(self.trunk, row[None, :n], there[None, :n])
            if vectors.shape[1] != n:
                raise ModelError(f"expected {n} vectors, one a token, got {vectors.shape[1]}")
            rows.append(nn.functional.pad(vectors[0], (0, 0, 0, ids.shape[1] - n)))
        return torch.stack(rows)
