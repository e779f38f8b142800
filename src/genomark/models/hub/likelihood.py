"""Log-likelihoods of sequences, from a head over the vocabulary.

A causal network tells the probability of each token after those before it; their logarithms add up
to the log-likelihood. A masked one tells that of a token hidden from it; the sum over all tokens,
each hidden in turn, is the pseudo-log-likelihood (Salazar et al. 2020, ACL, section 2.2).

Where tokens overlap, hiding one tells nothing, since its neighbours spell it out. So for each base
all tokens that hold it are hidden together. All other bases are still to be seen, and each hidden
token is as probable as the base; what counts is the mean of their logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError, UsageError
from genomark.models.hub.network import Network
from genomark.models.hub.tokens import TokenIds
from genomark.models.hub.windows import Windowing

Ids = NDArray[np.int64]


class _Question(NamedTuple):
    """What is asked of one row: own tokens `first` to `last` of sequence `place`."""

    place: int
    start: int
    first: int
    last: int


def log_likelihoods(
    network: Network,
    windowing: Windowing,
    tokens: Sequence[TokenIds],
    done: Callable[[int], None],
) -> NDArray[np.float64]:
    """Sum the natural logarithms of the probabilities of the tokens of each sequence.

    Parameters
    ----------
    network : Network
        Of a checkpoint with a head.
    windowing : Windowing
        A token beyond the first window is told from the window before it (causal), or from the
        one around it (masked).
    tokens : sequence of TokenIds
    done : callable
        Takes the place of each sequence that is done.

    Returns
    -------
    ndarray of float64, shape (n,)
        Special tokens are not counted, and of a causal network without one before a sequence,
        neither is the first token.

    Raises
    ------
    ModelError
        If a masked network has no token to hide others with.
    """
    n_before, n_after = len(windowing.before), len(windowing.after)
    own = [each.ids[n_before : each.ids.size - n_after] for each in tokens]
    masked = network.checkpoint.likelihood == "masked"
    asked = _masked(network, windowing, own) if masked else _causal(network, windowing, own)
    mask_id = network.checkpoint.mask_id
    # What stands before a token tells a causal network of it.
    shift = n_before - (0 if masked else 1)

    def row(i: int) -> Ids:
        place, start, first, last = asked[i]
        ids = windowing.row(own[place], start)
        if masked and mask_id is not None:
            ids[n_before + first - start : n_before + last - start] = mask_id
        return ids

    def words(i: int) -> tuple[Ids, Ids]:
        place, start, first, last = asked[i]
        return np.arange(first, last) - start + shift, own[place][first:last]

    lengths = [windowing.width(own[each.place].size) + n_before + n_after for each in asked]
    parts = np.zeros(len(asked))
    left = np.bincount([each.place for each in asked], minlength=len(own))
    for place in np.flatnonzero(left == 0).tolist():
        done(place)
    for i, logarithms in network.log_probabilities(lengths, row, words):
        parts[i] = logarithms.mean() if masked else logarithms.sum()
        place = asked[i].place
        left[place] -= 1
        if not left[place]:
            done(place)
    # Added up in the order of the tokens, whatever that of the batches was.
    totals = np.zeros(len(own))
    np.add.at(totals, [each.place for each in asked], parts)
    return totals


def _masked(network: Network, windowing: Windowing, own: Sequence[Ids]) -> list[_Question]:
    """Ask for each token alone; of overlapping ones, for each base all that hold it."""
    checkpoint = network.checkpoint
    if checkpoint.mask_id is None:
        raise ModelError(f"{checkpoint.spec}: its tokenizer has no token that hides another")
    width = checkpoint.tokenizer.k if checkpoint.tokenizer.manner == "kmer-overlap" else 1
    return [
        _Question(place, windowing.around(first, last, ids.size), first, last)
        for place, ids in enumerate(own)
        for first, last in _groups(ids.size, width)
    ]


def _groups(count: int, width: int) -> Iterator[tuple[int, int]]:
    """Tokens that hold each base, where a token holds `width` and the next begins one further."""
    for base in range(count + width - 1):
        yield max(0, base - width + 1), min(count, base + 1)


def _causal(network: Network, windowing: Windowing, own: Sequence[Ids]) -> list[_Question]:
    """Ask in each window for those tokens that the one before did not hold."""
    if not windowing.before and windowing.room is not None:
        if windowing.room < 2:
            raise UsageError(
                f"{network.checkpoint.spec}: a window of one token tells nothing of it; "
                "expected window=2 or more"
            )
        windowing = replace(windowing, stride=min(windowing.stride, windowing.room - 1))
    asked: list[_Question] = []
    for place, ids in enumerate(own):
        # Without a token before the sequence, nothing tells of its first one.
        seen = 0 if windowing.before else 1
        for start in windowing.starts(ids.size):
            end = start + windowing.width(ids.size)
            if seen < end:
                asked.append(_Question(place, start, seen, end))
            seen = max(seen, end)
    return asked
