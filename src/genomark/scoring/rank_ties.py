"""Ranks of tie sets, without listing the sets: there may be 3^(n / 3) of them.

A tie set is a largest group of models in which all are tied with all, a maximal clique of the
graph of ties. Its number is the place of its best member. `docs/design/many-tasks.md` says why
the smallest and the largest number of a model's sets can be found alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel

Integers = NDArray[np.int64]
#: Steps of the search for one model: graphs of 100 models that were made to be hard took 500.
STEPS = 5_000


def tie_ranks(tied: NDArray[np.bool_], *, steps: int = STEPS) -> tuple[Integers, Integers]:
    """Give the smallest and the largest number of the tie sets that each model is in.

    Parameters
    ----------
    tied : ndarray of bool, shape (m, m)
        Symmetric, models in order, the best one first.
    steps : int
        Bound of the search for one model's largest number.

    Returns
    -------
    first, last : ndarray of int64, shape (m,)
        Places from 1. Where the bound was met, which takes a graph that is made for it, `last`
        may be larger than it should be, never smaller: tied models share a rank all the same.
    """
    m = len(tied)
    graph = np.ascontiguousarray(tied, dtype=np.bool_).copy()
    np.fill_diagonal(graph, True)
    last = np.empty(m, dtype=np.int64)
    if not m:
        return last, last.copy()
    _last_places(_packed(graph & ~np.eye(m, dtype=np.bool_)), steps, last)
    return graph.argmax(axis=1).astype(np.int64) + 1, last + 1


def _packed(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Write rows of flags as bits, the first one lowest."""
    words = -(-flags.shape[1] // 64)
    padded = np.zeros((len(flags), 64 * words), dtype=np.bool_)
    padded[:, : flags.shape[1]] = flags
    packed: NDArray[np.uint64] = np.packbits(padded, axis=1, bitorder="little").view("<u8")
    return packed.astype(np.uint64)


@kernel
def _ones(word: np.uint64) -> int:
    """Count the bits that are set (Warren 2012, Hacker's Delight, 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _first_of(bits: np.ndarray) -> int:
    """Give the place of the lowest bit that is set, or -1."""
    for word in range(bits.size):
        if bits[word] != np.uint64(0):
            lowest = bits[word] & (~bits[word] + np.uint64(1))
            return 64 * word + _ones(lowest - np.uint64(1))
    return -1


@kernel
def _fewest_hitters(
    ties: np.ndarray, may: np.ndarray, better: np.ndarray, hitters: np.ndarray
) -> int:
    """Find, of the `better` models, the one that fewest of those who `may` join are apart from.

    `hitters` becomes the bits of these few. Returns how many they are; -1 if `better` is empty.
    """
    fewest = -1
    for word in range(better.size):
        rest = better[word]
        while rest != np.uint64(0):
            lowest = rest & (~rest + np.uint64(1))
            rest ^= lowest
            model = 64 * word + _ones(lowest - np.uint64(1))
            count = 0
            for each in range(may.size):
                count += _ones(may[each] & ~ties[model, each])
            if fewest < 0 or count < fewest:
                fewest = count
                for each in range(may.size):
                    hitters[each] = may[each] & ~ties[model, each]
                if count == 0:
                    return 0
    return fewest


@kernel
def _is_best_of_a_set(
    ties: np.ndarray, best: int, model: int, steps: int, stack: np.ndarray
) -> tuple[bool, int]:
    """Say whether some tie set has `model` in it and `best` as its best member.

    There is one if models behind `best` can join the two, all tied with all, such that each model
    before `best` that ties with both is apart from one that joined. `model` may be `best` itself.
    The search takes the model before `best` that fewest could keep out, and tries those in turn.
    `stack` (3, m + 1, words) holds, at each depth, who may still join, who is still to be kept
    out, and whom to try. Returns the steps that are left, too; without any the answer is yes.
    """
    words = ties.shape[1]
    may, out, tried = stack[0], stack[1], stack[2]
    for word in range(words):
        both = ties[best, word] & ties[model, word]
        before = np.uint64(0)
        if 64 * word + 64 <= best:
            before = ~np.uint64(0)
        elif 64 * word < best:
            before = (np.uint64(1) << np.uint64(best - 64 * word)) - np.uint64(1)
        out[0, word] = both & before
        may[0, word] = both & ~before
    depth = 0
    count = _fewest_hitters(ties, may[0], out[0], tried[0])
    while count >= 0 and steps > 0:
        steps -= 1
        chosen = _first_of(tried[depth])
        while chosen < 0:
            depth -= 1
            if depth < 0:
                return False, steps
            chosen = _first_of(tried[depth])
        bit = ~(np.uint64(1) << np.uint64(chosen % 64))
        # All that can be done with it is tried now: those after it need not come back to it.
        tried[depth, chosen // 64] &= bit
        may[depth, chosen // 64] &= bit
        for word in range(words):
            may[depth + 1, word] = may[depth, word] & ties[chosen, word]
            out[depth + 1, word] = out[depth, word] & ties[chosen, word]
        depth += 1
        count = _fewest_hitters(ties, may[depth], out[depth], tried[depth])
    return True, steps


@kernel
def _last_places(ties: np.ndarray, steps: int, last: np.ndarray) -> None:
    """Find the worst place that the best member of a tie set of each model has, from 0.

    `ties` holds bits without the diagonal.
    """
    m, words = ties.shape
    stack = np.zeros((3, m + 1, words), dtype=np.uint64)
    for model in range(m):
        left = steps
        last[model] = model
        for behind in range(model + 1):
            best = model - behind
            bit = (ties[model, best // 64] >> np.uint64(best % 64)) & np.uint64(1)
            if best == model or bit:
                found, left = _is_best_of_a_set(ties, best, model, left, stack)
                if found:
                    last[model] = best
                    break
