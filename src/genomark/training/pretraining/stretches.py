"""What is hidden of a sequence: stretches chosen in bases, the same whatever the tokens are.

What is visible must tell nothing of a stretch but by way of its bases. A long token that reaches
into it would have to be hidden with bases that another tokenizer shows, and where its border falls
depends on what is hidden. So the parts before, in and behind a stretch become tokens apart. Words
that overlap stay as they are: all that hold a base of the stretch are hidden.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models.hub.tokens import SequenceTokenizer, TokenIds

#: Bases between two stretches at least: no overlapping word of up to 8 bases may touch both.
GAP = 16

Ints = NDArray[np.int64]


class Hiding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is hidden.

    Attributes
    ----------
    stretch : int
        Bases of a stretch.
    every : int
        One stretch in so many bases, `stretch` + 16 or more.

    Raises
    ------
    UsageError
        If stretches would be empty or too close to each other.
    """

    stretch: int = 12
    every: int = 80

    def __post_init__(self) -> None:
        """Refuse stretches that would share tokens."""
        if self.stretch < 1 or self.every < self.stretch + GAP:
            raise UsageError(
                f"stretches of {self.stretch} in every {self.every} bases cannot be hidden; "
                f"expected 1 base or more, and {GAP} more than that between two"
            )


@dataclass(frozen=True, eq=False)
class Hidden:
    """A sequence of tokens, and which of them are hidden.

    Attributes
    ----------
    ids : ndarray of int64, shape (n_tokens,)
        All tokens, special ones among them, as they are before any is hidden.
    spans : ndarray of int64, shape (n_tokens, 2)
        Bases of each token; -1 for special ones.
    asked : ndarray of int64, shape (n, 2)
        First base of each stretch, and the one after its last.
    places : ndarray of int64, shape (n, 2)
        The same in tokens.
    """

    ids: Ints
    spans: Ints
    asked: Ints
    places: Ints

    @property
    def is_hidden(self) -> NDArray[np.bool_]:
        """Whether each token is."""
        hidden = np.zeros(self.ids.size, dtype=bool)
        for first, last in self.places.tolist():
            hidden[first:last] = True
        return hidden


def draw_stretches(length: int, hiding: Hiding, draws: np.random.Generator) -> Ints:
    """Choose stretches of a sequence, one in each part of `hiding.every` bases.

    Parameters
    ----------
    length : int
        Bases, `hiding.every` or more.
    hiding : Hiding
    draws : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (n, 2)
        First base and the one after the last, in order, `GAP` bases apart or more.
    """
    room = hiding.every - hiding.stretch - GAP + 1
    phase = int(draws.integers(min(hiding.every, length - hiding.every + 1)))
    count = (length - phase) // hiding.every
    starts = phase + hiding.every * np.arange(count) + draws.integers(room, size=count)
    return np.stack([starts, starts + hiding.stretch], axis=1)


def hide(
    tokenizer: SequenceTokenizer, sequences: Sequence[str], stretches: Sequence[Ints]
) -> list[Hidden]:
    """Cut sequences into tokens, those of stretches apart from others.

    Parameters
    ----------
    tokenizer : SequenceTokenizer
    sequences : sequence of str
    stretches : sequence of ndarray of int64, shape (n, 2)
        Of each sequence, from `draw_stretches`.

    Raises
    ------
    ModelError
        If a sequence is empty, or too many of its letters are unknown.
    """
    if tokenizer.manner == "kmer-overlap":
        found = zip(tokenizer.encode(sequences), stretches, strict=True)
        return [_touched(tokens, asked) for tokens, asked in found]
    parts = [_parts(sequence, asked) for sequence, asked in zip(sequences, stretches, strict=True)]
    encoded = iter(tokenizer.encode([part for each in parts for part in each]))
    before, after = (np.array(each, dtype=np.int64) for each in tokenizer.special)
    return [
        _joined([next(encoded) for _ in own], list(map(len, own)), asked, before, after)
        for own, asked in zip(parts, stretches, strict=True)
    ]


def _touched(tokens: TokenIds, asked: Ints) -> Hidden:
    """Hide all tokens that hold a base of a stretch."""
    own = np.flatnonzero(tokens.spans[:, 0] >= 0)
    spans = tokens.spans.astype(np.int64)
    first = own[0] + np.searchsorted(spans[own, 1], asked[:, 0], side="right")
    last = own[0] + np.searchsorted(spans[own, 0], asked[:, 1], side="left")
    return Hidden(tokens.ids, spans, asked, np.stack([first, last], axis=1))


def _parts(sequence: str, asked: Ints) -> list[str]:
    """Cut a sequence at the ends of its stretches; nothing empty is left."""
    cuts = sorted({0, len(sequence), *asked.ravel().tolist()})
    return [sequence[start:end] for start, end in itertools.pairwise(cuts)]


def _joined(
    parts: list[TokenIds], lengths: list[int], asked: Ints, before: Ints, after: Ints
) -> Hidden:
    """Put parts one after the other, and special tokens around all of it."""
    ids, spans, borders = [before], [np.full((before.size, 2), -1)], {}
    place, base = before.size, 0
    for part, length in zip(parts, lengths, strict=True):
        own = part.spans[:, 0] >= 0
        ids.append(part.ids[own])
        spans.append(part.spans[own].astype(np.int64) + base)
        borders[base] = place
        place, base = place + int(own.sum()), base + length
    borders[base] = place
    places = np.array([[borders[first], borders[last]] for first, last in asked.tolist()])
    spans.append(np.full((after.size, 2), -1))
    return Hidden(np.concatenate([*ids, after]), np.concatenate(spans), asked, places)
