"""Bits per base of windows that no network has learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genomark.models.hub.tokens import SequenceTokenizer
from genomark.scoring import CONFIDENCE
from genomark.training.pretraining.architecture import open_network
from genomark.training.pretraining.corpus import Corpus
from genomark.training.pretraining.markov import MarkovChain
from genomark.training.pretraining.objectives import objective_of
from genomark.training.pretraining.pretrain import open_tokenizer, sentinels_of
from genomark.training.pretraining.stretches import Hidden, Hiding, Ints, draw_stretches, hide
from genomark.training.torch_extra import reproducible

#: What is hidden for judging: stretches far apart, so that there is much to tell them from.
#: Part of what is measured, and so the same in every study.
JUDGED = Hiding(stretch=12, every=64)
_BATCH = 32
_REPLICATES = 2000
#: Windows to learn from that show how many tokens a stretch has.
_SHOWN = 4000
#: What numbers that were never seen weigh together, in ones seen.
_PRIOR = 0.5


@dataclass(frozen=True, eq=False)
class HeldOutBits:
    """Bits of hidden stretches, window by window.

    Attributes
    ----------
    bits : ndarray of float64, shape (n,)
        Of the tokens.
    count_bits : ndarray of float64, shape (n,)
        Of how many tokens there are; 0 where that follows from the number of bases.
    bases : ndarray of int64, shape (n,)
        Told by both.
    """

    bits: NDArray[np.float64]
    count_bits: NDArray[np.float64]
    bases: NDArray[np.int64]

    @property
    def per_base(self) -> float:
        """Bits per base of the whole code."""
        return float((self.bits + self.count_bits).sum() / self.bases.sum())

    @property
    def count_per_base(self) -> float:
        """The part of them that tells how many tokens there are."""
        return float(self.count_bits.sum() / self.bases.sum())

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """95 % interval of bits per base by the bootstrap over windows (percentiles)."""
        draws = np.random.default_rng((seed, len(self.bits)))
        n = len(self.bits)
        weights = draws.multinomial(n, np.full(n, 1 / n), size=_REPLICATES)
        values = weights @ (self.bits + self.count_bits) / (weights @ self.bases)
        low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)


def judged_stretches(corpus: Corpus, rounds: int) -> list[list[Ints]]:
    """Choose what is hidden of each held-out window in each round; the same for all models."""
    return [
        [
            draw_stretches(len(window), JUDGED, np.random.default_rng((turn, number, 3)))
            for turn in range(rounds)
        ]
        for number, window in enumerate(corpus.held_out)
    ]


def held_out_bits(
    folder: Path,
    corpus: Corpus,
    rounds: int,
    *,
    progress: Callable[[int], None] = lambda windows: None,
) -> HeldOutBits:
    """Judge a checkpoint by what it tells of held-out windows.

    The bits of a stretch are those of a whole code, for a receiver who has all other bases and
    knows where the stretch is. Where tokens are of no fixed length, how many masks there are tells
    of the bases; that number is sent first, by how often it was the same in windows to learn from.
    Then the tokens, as the network tells them.

    Parameters
    ----------
    folder : Path
        Of a checkpoint that `genomark.training.pretraining.pretrain` wrote, or one like it.
    corpus : Corpus
    rounds : int
        How often other stretches are hidden.
    progress : callable
        Takes how many windows are done, those of all rounds.

    Raises
    ------
    ModelError, CapabilityError
        If the checkpoint cannot be loaded, or guesses no hidden tokens.
    """
    tokenizer = open_tokenizer(folder)
    network = open_network(folder)
    objective = objective_of(network, tokenizer, sentinels_of(folder))
    counts = None if objective.tells_count else _Counts(tokenizer, corpus.train)
    chosen = judged_stretches(corpus, rounds)
    n = len(corpus.held_out)
    bits, count_bits, bases = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    asked = [(window, turn) for window in range(n) for turn in range(rounds)]
    with reproducible(0), torch.inference_mode():
        for begin in range(0, len(asked), _BATCH):
            batch = asked[begin : begin + _BATCH]
            texts = [corpus.held_out[window] for window, _ in batch]
            rows = hide(tokenizer, texts, [chosen[window][turn] for window, turn in batch])
            answers = objective.bits(network, rows)
            for (window, _), row, told in zip(batch, rows, answers, strict=True):
                bits[window] += told.sum()
                count_bits[window] += counts.bits(row).sum() if counts else 0.0
                bases[window] += int((row.asked[:, 1] - row.asked[:, 0]).sum())
            progress(begin + len(batch))
    return HeldOutBits(bits, count_bits, bases)


def markov_bits(order: int, corpus: Corpus, rounds: int) -> HeldOutBits:
    """Judge a Markov chain by the same stretches: each base told from those before it."""
    chain = MarkovChain(order, corpus.train)
    n = len(corpus.held_out)
    bits, bases = np.zeros(n), np.zeros(n, dtype=np.int64)
    for number, turns in enumerate(judged_stretches(corpus, rounds)):
        each = chain.bits(corpus.held_out[number])
        for first, last in np.concatenate(turns).tolist():
            bits[number] += each[first:last].sum()
            bases[number] += last - first
    return HeldOutBits(bits, np.zeros(n), bases)


class _Counts:
    """Bits that tell how many tokens a stretch has, by how often it was so in other windows.

    What was never seen shares half a count with all that could be.
    """

    def __init__(self, tokenizer: SequenceTokenizer, windows: Sequence[str]) -> None:
        self._known = tokenizer.manner != "own"
        if self._known:
            return
        shown = windows[:: max(len(windows) // _SHOWN, 1)]
        draws = np.random.default_rng((0, 4))
        rows = hide(tokenizer, shown, [draw_stretches(len(each), JUDGED, draws) for each in shown])
        counts = np.zeros(JUDGED.stretch + 1)
        for row in rows:
            np.add.at(counts, row.places[:, 1] - row.places[:, 0], 1)
        shares = (counts + _PRIOR / JUDGED.stretch) / (counts.sum() + _PRIOR)
        self._bits = -np.log2(shares)

    def bits(self, row: Hidden) -> NDArray[np.float64]:
        counts = row.places[:, 1] - row.places[:, 0]
        return np.zeros(counts.size) if self._known else self._bits[counts]
