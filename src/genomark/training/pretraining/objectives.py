"""What a network is asked of hidden tokens, and what its answers are worth in bits.

Bits are those of a code: what a receiver who has all but the hidden bases would have to be sent.
Codes of different tokenizers can be compared, as long as they are complete and none says a base
twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genomark.errors import UsageError
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.training.pretraining.architecture import hidden_scores, writes_spans
from genomark.training.pretraining.stretches import Hidden

_LN2 = float(np.log(2.0))
#: What torch leaves out of a loss.
_UNTOLD = -100
#: What vocabularies of text put before the letters of a word.
_MARKS = "#▁Ġ"


class Objective(Protocol):
    """A way of asking."""

    def loss(self, network: Any, rows: Sequence[Hidden]) -> Tensor:
        """Mean negative log-likelihood (nats) of a hidden token."""
        ...

    def bits(self, network: Any, rows: Sequence[Hidden]) -> list[NDArray[np.float64]]:
        """Bits of each stretch of each row."""
        ...

    @property
    def tells_count(self) -> bool:
        """Whether bits also tell how many tokens a stretch has."""
        ...


def objective_of(network: Any, tokenizer: SequenceTokenizer, sentinels: Sequence[int]) -> Objective:
    """Choose what a network is asked by what it is.

    Parameters
    ----------
    network : object
        Of transformers.
    tokenizer : SequenceTokenizer
    sentinels : sequence of int
        Ids of the tokens that stand for spans, of a network that writes them.

    Raises
    ------
    UsageError
        If the tokenizer lacks what the objective needs.
    """
    if writes_spans(network):
        return Spans(tokenizer, sentinels)
    return Masked(tokenizer)


class Masked:
    """Hidden tokens become the mask, and are guessed where they stand (Devlin et al. 2019).

    The bits of a stretch are those of its tokens, each guessed from what is visible, and all
    together divided by the probability that so many tokens have as many bases as are hidden: how
    many these are is known. Of overlapping words, each is asked only for its hidden bases: its
    probability is divided by that of all words with the same visible ones. Every k-th word makes
    one complete code of the stretch, so that there are k of them; their mean length counts.
    """

    def __init__(self, tokenizer: SequenceTokenizer) -> None:
        if tokenizer.mask_id is None:
            raise UsageError("pretraining: the tokenizer has no token that hides another")
        self._mask, self._pad = tokenizer.mask_id, tokenizer.pad_id
        self._overlap = tokenizer.k if tokenizer.manner == "kmer-overlap" else 0
        words = tokenizer.vocabulary.words
        self._words = torch.tensor(sorted(words.values()))
        if self._overlap:
            spelled = map("".join, itertools.product("ACGT", repeat=self._overlap))
            self._words = torch.tensor([words[tokenizer.vocabulary.written(w)] for w in spelled])
        self._place = {int(word): place for place, word in enumerate(self._words.tolist())}
        spelling = {number: word for word, number in words.items()}
        lengths = [len(spelling[word].lstrip(_MARKS)) for word in self._words.tolist()]
        self._lengths = torch.tensor(lengths)

    def loss(self, network: Any, rows: Sequence[Hidden]) -> Tensor:
        """Mean negative log-likelihood (nats) of a hidden token."""
        scores, told = self._scores(network, rows)
        return functional.cross_entropy(scores, told)

    def bits(self, network: Any, rows: Sequence[Hidden]) -> list[NDArray[np.float64]]:
        """Bits of each stretch of each row, among words that are not special."""
        scores, told = self._scores(network, rows)
        logs = scores[:, self._words].double().log_softmax(dim=-1)
        places = [self._place[word] for word in told.tolist()]
        found = []
        begin = 0
        for row in rows:
            own = []
            for (first, last), asked in zip(row.places.tolist(), row.asked.tolist(), strict=True):
                end = begin + last - first
                own.append(self._of_stretch(row, first, asked, logs[begin:end], places[begin:end]))
                begin = end
            found.append(np.array(own))
        return found

    @property
    def tells_count(self) -> bool:
        """No: as many masks are visible as there are tokens."""
        return False

    def _of_stretch(
        self, row: Hidden, first: int, asked: list[int], logs: Tensor, places: list[int]
    ) -> float:
        if not self._overlap:
            told = logs[torch.arange(len(places)), torch.tensor(places)]
            return (self._log_share(logs, asked[1] - asked[0]) - float(told.sum())) / _LN2
        k, total = self._overlap, 0.0
        for number, place in enumerate(places):
            begin = int(row.spans[first + number, 0])
            digits = [place // 4 ** (k - 1 - at) % 4 for at in range(k)]
            visible = tuple(
                slice(None) if asked[0] <= begin + at < asked[1] else digits[at] for at in range(k)
            )
            agreeing = logs[number].reshape((4,) * k)[visible]
            total += float(agreeing.logsumexp(dim=tuple(range(agreeing.ndim)))) - float(
                logs[number, place]
            )
        return total / _LN2 / k

    def _log_share(self, logs: Tensor, bases: int) -> float:
        """Logarithm of the probability that tokens have so many bases in all."""
        longest = int(self._lengths.max())
        shares = logs.new_zeros(len(logs), longest + 1)
        shares.index_add_(1, self._lengths, logs.exp())
        total = np.ones(1)
        for each in shares.numpy():
            total = np.convolve(total, each)[: bases + 1]
        return float(np.log(total[bases]))

    def _scores(self, network: Any, rows: Sequence[Hidden]) -> tuple[Tensor, Tensor]:
        ids, mask = _padded([row.ids for row in rows], self._pad)
        where = torch.zeros_like(ids, dtype=torch.bool)
        for number, row in enumerate(rows):
            where[number, : row.ids.size] = torch.from_numpy(row.is_hidden)
        told = ids[where]
        shown = ids.masked_fill(where, self._mask)
        return hidden_scores(network, shown, mask, where).float(), told


class Spans:
    """Each stretch becomes a sentinel, and the network writes them one after the other.

    The task of T5 (Raffel et al. 2020, section 3.1.4): ``sentinel 0, its tokens, sentinel 1, its
    tokens, ..., last sentinel``. The bits of a stretch are those of its tokens and of the sentinel
    behind them, which says that it ends.
    """

    def __init__(self, tokenizer: SequenceTokenizer, sentinels: Sequence[int]) -> None:
        self._pad = tokenizer.pad_id
        self._sentinels = list(sentinels)

    def loss(self, network: Any, rows: Sequence[Hidden]) -> Tensor:
        """Mean negative log-likelihood (nats) of a token to be written."""
        scores, told = self._scores(network, rows)
        return functional.cross_entropy(scores.flatten(0, 1), told.flatten(), ignore_index=_UNTOLD)

    def bits(self, network: Any, rows: Sequence[Hidden]) -> list[NDArray[np.float64]]:
        """Bits of each stretch of each row."""
        scores, told = self._scores(network, rows)
        logs = scores.double().log_softmax(dim=-1)
        taken = -logs.gather(2, told.clamp(min=0)[..., None])[..., 0] / _LN2
        found = []
        for number, row in enumerate(rows):
            counts = row.places[:, 1] - row.places[:, 0]
            # The first sentinel is always the same; each one after it ends a stretch.
            ends = np.cumsum(counts + 1)
            own = taken[number, 1 : 1 + int(ends[-1])].numpy()
            found.append(np.add.reduceat(own, np.concatenate([[0], ends[:-1]])))
        return found

    @property
    def tells_count(self) -> bool:
        """Yes: the sentinel behind a stretch is written, too."""
        return True

    def _scores(self, network: Any, rows: Sequence[Hidden]) -> tuple[Tensor, Tensor]:
        shown, told = zip(*(self._parted(row) for row in rows), strict=True)
        ids, mask = _padded(shown, self._pad)
        labels, _ = _padded(told, _UNTOLD)
        # Made here and not by the network, whose ways differ from version to version.
        start = torch.full_like(labels[:, :1], network.config.decoder_start_token_id)
        given = torch.cat([start, labels[:, :-1]], dim=1)
        given = given.masked_fill(given == _UNTOLD, self._pad)
        out = network(input_ids=ids, attention_mask=mask, decoder_input_ids=given)
        return out.logits.float(), labels

    def _parted(self, row: Hidden) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if len(row.places) >= len(self._sentinels):
            raise UsageError(
                f"pretraining: {len(row.places)} stretches are hidden, and the tokenizer has "
                f"{len(self._sentinels)} sentinels; expected one more than stretches: hide fewer"
            )
        shown: list[NDArray[np.int64]] = []
        told: list[NDArray[np.int64]] = []
        begin = 0
        for sentinel, (first, last) in zip(self._sentinels, row.places.tolist(), strict=False):
            mark = np.array([sentinel])
            shown += [row.ids[begin:first], mark]
            told += [mark, row.ids[first:last]]
            begin = last
        told.append(np.array([self._sentinels[len(row.places)]]))
        return np.concatenate([*shown, row.ids[begin:]]), np.concatenate(told)


def _padded(rows: Sequence[NDArray[np.int64]], filler: int) -> tuple[Tensor, Tensor]:
    longest = max(row.size for row in rows)
    ids = np.full((len(rows), longest), filler, dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : row.size] = row
        mask[number, : row.size] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
