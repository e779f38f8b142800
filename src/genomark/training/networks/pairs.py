"""A score for each pair of an RNA: what both positions bring, and which pairs stack upon it.

Only pairs that could be are looked at (`genomark.rna.decoding.canonical_pairs`): less than a fifth
of the matrix of all positions. A pair hears of its neighbours, those it would stack upon
directly or over a bulge, as a pixel would of those around it, but along the helix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genomark.rna.structure import SHORTEST_HAIRPIN
from genomark.training.networks.masked import Mask, masked, one_hot

#: Score of what cannot pair.
NEVER = -torch.inf
#: Where the neighbours of a pair begin and end: stacked, and over bulges of one and two.
_NEIGHBOURS = tuple(
    (sign * before, -sign * after)
    for before, after in ((1, 1), (2, 2), (1, 2), (2, 1))
    for sign in (-1, 1)
)
_REACH = 2
#: Bases of the first convolution.
_MOTIF = 9
#: How much wider the middle of a layer on pairs is.
_WIDER = 2
#: Pairs that are computed together: bounds what a layer takes in memory.
_TOGETHER = 1 << 15
#: Opening positions times distances that are looked at.
_MOST_CELLS = 4096 * 4096
#: Code of a base that is not told.
_UNKNOWN = 4
#: Score that pairs begin with: few of those that could be are.
_FIRST_SCORE = -4.0
#: Distances have a vector of their own up to here, and then one for each eighth of a doubling.
_NEAR = 32
_DISTANCES = 128


@dataclass(frozen=True)
class PairShape:
    """Sizes of the network.

    Attributes
    ----------
    channels : int
        Features of a position.
    layers : int
        Dilated convolutions along the sequence: the last reaches ``2**layers`` bases to either
        side.
    pair_channels, pair_layers : int
        Features of a pair, and how often it hears of its neighbours.
    dropout : float
        Of features of positions; pairs have half of it.
    """

    channels: int
    layers: int
    pair_channels: int
    pair_layers: int
    dropout: float


class PairNetwork(nn.Module):
    """Convolutions along the sequence, and layers on its pairs.

    Parameters
    ----------
    shape : PairShape
    """

    def __init__(self, shape: PairShape) -> None:
        super().__init__()
        channels, wide = shape.channels, shape.pair_channels
        self.motifs = nn.Conv1d(4, channels, _MOTIF, padding="same")
        self.blocks = nn.ModuleList(
            _Surroundings(channels, 2**layer, shape.dropout / 2) for layer in range(shape.layers)
        )
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(shape.dropout)
        #: Of an opening and of a closing position: what is added, and what is multiplied.
        self.sides = nn.ModuleList(nn.Linear(channels + 4, 2 * wide) for _ in range(2))
        self.apart = nn.Embedding(_DISTANCES, wide)
        self.layers = nn.ModuleList(
            _Neighbourhood(wide, shape.dropout / 2) for _ in range(shape.pair_layers)
        )
        self.last = nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, 1))
        nn.init.constant_(self.last[1].bias, _FIRST_SCORE)  # type: ignore[arg-type]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Give float32[n, longest, longest]: scores above the diagonal, else `NEVER`."""
        places, scores = self.scores(inputs)
        n, longest = inputs["codes"].shape
        dense = scores.new_full((n, longest, longest), NEVER)
        return dense.index_put(places, scores)

    def scores(self, inputs: Mapping[str, Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        """Score the pairs that could be.

        Parameters
        ----------
        inputs : dict
            As `genomark.training.encoding.OneHot.batch` gives them.

        Returns
        -------
        places : tuple of three Tensor of int64, shape (n_pairs,)
            Sequence, opening and closing position of each, in this order.
        scores : Tensor of float32, shape (n_pairs,)
            Natural logarithms of odds.
        """
        places = _candidates(inputs["codes"])
        which, opening, closing = places
        bases, mask = one_hot(inputs)
        features = self._positions(bases, mask)
        sides = [side(features) for side in self.sides]
        near = _neighbours(inputs["codes"].shape, places)
        distance = _bucket(closing - opening)

        def together(at: slice) -> Tensor:
            first, first_factor = sides[0][which[at], opening[at]].chunk(2, dim=1)
            second, second_factor = sides[1][which[at], closing[at]].chunk(2, dim=1)
            both = first + second + first_factor * second_factor
            added: Tensor = both + self.apart(distance[at])
            return added

        pairs = _in_parts(which.numel(), together)
        for layer in self.layers:
            pairs = layer(pairs, near)
        return places, _in_parts(which.numel(), lambda at: self.last(pairs[at]))[:, 0]

    def _positions(self, bases: Tensor, mask: Mask) -> Tensor:
        """Features of positions, float32[n, length, channels + 4]: surroundings and bases."""
        features = self.motifs(bases)
        for block in self.blocks:
            features = features + block(features, mask)
        read = self.dropout(self.norm(features.transpose(1, 2)))
        return torch.cat([read, bases.transpose(1, 2)], dim=2)


class _Surroundings(nn.Module):
    """What a dilated convolution adds to features of positions, through a gate."""

    def __init__(self, channels: int, spread: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.wide = nn.Conv1d(channels, 2 * channels, 5, padding="same", dilation=spread)
        self.narrow = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, mask: Mask) -> Tensor:
        """Give float32[n, channels, length]; padding is seen as 0."""
        known = masked(self.norm(features.transpose(1, 2)).transpose(1, 2), mask)
        changed: Tensor = self.dropout(self.narrow(functional.glu(self.wide(known), dim=1)))
        return changed


class _Neighbourhood(nn.Module):
    """Add to the features of a pair what follows of it and its neighbours."""

    def __init__(self, wide: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(wide)
        self.first = nn.Linear((len(_NEIGHBOURS) + 1) * wide, _WIDER * wide)
        self.second = nn.Linear(_WIDER * wide, wide)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pairs: Tensor, near: Tensor) -> Tensor:
        """Change float32[n_pairs, wide]; `near` are the rows of neighbours, the last for none."""
        known = functional.pad(self.norm(pairs), (0, 0, 0, 1))

        def changed(at: slice) -> Tensor:
            around = known[near[at].long()].flatten(1)
            hidden = functional.gelu(self.first(around))
            added: Tensor = self.second(self.dropout(hidden))
            return pairs[at] + added

        return _in_parts(pairs.shape[0], changed)


def _in_parts(count: int, compute: Callable[[slice], Tensor]) -> Tensor:
    """Compute rows a part at a time: what comes in between never stands in memory for all."""
    slices = [slice(at, at + _TOGETHER) for at in range(0, max(count, 1), _TOGETHER)]
    first = compute(slices[0])
    if torch.is_grad_enabled():
        return torch.cat([first, *map(compute, slices[1:])])
    rows = first.new_empty(count, *first.shape[1:])
    rows[slices[0]] = first
    for each in slices[1:]:
        rows[each] = compute(each)
    return rows


def _candidates(codes: Tensor) -> tuple[Tensor, ...]:
    """List canonical pairs with room for a hairpin: codes 0 to 3 are A, C, G and U."""
    able = torch.zeros(5, 5, dtype=torch.bool, device=codes.device)
    for first, second in ((0, 3), (1, 2), (2, 3)):
        able[first, second] = able[second, first] = True
    span = longest_span(codes.shape[1])
    windows = functional.pad(codes, (0, span), value=_UNKNOWN).unfold(1, span + 1, 1)
    pairs = able[codes[:, :, None], windows]
    pairs[:, :, : SHORTEST_HAIRPIN + 1] = False
    which, opening, apart = torch.nonzero(pairs, as_tuple=True)
    return which, opening, opening + apart


def _neighbours(shape: torch.Size, places: tuple[Tensor, ...]) -> Tensor:
    """Rows of each pair itself and its neighbours, int32[n_pairs, 9]; one after all for none."""
    which, opening, closing = places
    count = which.numel()
    n, longest = shape
    # By opening position and distance, with room for what would lie outside.
    wide = longest_span(longest) + 1 + 4 * _REACH
    rows = torch.full(
        (n, longest + 2 * _REACH, wide), count, dtype=torch.int32, device=which.device
    )
    first, apart = opening + _REACH, closing - opening + 2 * _REACH
    rows[which, first, apart] = torch.arange(count, dtype=torch.int32, device=which.device)
    steps = ((0, 0), *_NEIGHBOURS)
    return torch.stack([rows[which, first + i, apart + j - i] for i, j in steps], dim=1)


def longest_span(length: int) -> int:
    """How far apart positions of a pair may be: anywhere in up to 4,096 nt, nearer in more.

    So that what is computed and held does not grow beyond that of 4,096 nt: of 10,000 nt, pairs at
    most 1,677 apart are looked at.
    """
    return max(1, min(length - 1, _MOST_CELLS // length))


def _bucket(distance: Tensor) -> Tensor:
    """Number distances: each its own when near, then by their logarithm."""
    far = _NEAR + 8 * torch.log2(distance.clamp_min(1).float() / _NEAR)
    return torch.where(distance < _NEAR, distance, far.long()).clamp_max(_DISTANCES - 1)
