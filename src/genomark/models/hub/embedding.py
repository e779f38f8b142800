"""Vectors of sequences and of their bases, from the vectors of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError, UsageError
from genomark.models.hub.network import Network
from genomark.models.hub.tokens import TokenIds
from genomark.models.hub.windows import Windowing

if TYPE_CHECKING:
    import torch

    #: Takes lengths of rows and what gives a row; gives which row, and an answer to each token.
    Ask = Callable[
        [Sequence[int], Callable[[int], NDArray[np.int64]]], Iterator[tuple[int, torch.Tensor]]
    ]

Pooling = Literal["mean", "cls", "last", "max"]
#: Letters of sequences that are cut into tokens together: bounds what tokens take in memory.
_LETTERS = 1 << 22


def chunks(sequences: Sequence[str], most: int = _LETTERS) -> Iterator[list[int]]:
    """Part sequences into lots of at most so many letters and of like length, the longest first.

    The order is that of the sequences themselves, not that of asking.

    Yields
    ------
    list of int
        Places in `sequences`.
    """
    order = sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), sequences[i]))
    lot: list[int] = []
    letters = 0
    for place in order:
        if lot and letters + len(sequences[place]) > most:
            yield lot
            lot, letters = [], 0
        lot.append(place)
        letters += len(sequences[place])
    if lot:
        yield lot


def token_vectors(
    network: Network, windowing: Windowing, tokens: Sequence[TokenIds], layer: int
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Run a network over the windows of sequences.

    Yields
    ------
    int, Tensor, Tensor
        Which sequence; vectors of the special tokens before it, float32[n_before, width]; vectors
        of its own tokens, float32[n_tokens, width]. Each is the mean over the windows that
        hold it.
    """
    return over_windows(
        lambda lengths, row: network.vectors(lengths, row, layer), windowing, tokens
    )


def over_windows(
    ask: Ask, windowing: Windowing, tokens: Sequence[TokenIds]
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Ask for each window of sequences; a token's answer is the mean over those that hold it.

    Yields
    ------
    int, Tensor, Tensor
        As of `token_vectors`: which sequence, special tokens before it, its own tokens.
    """
    n_before, n_after = len(windowing.before), len(windowing.after)
    own = [each.ids[n_before : each.ids.size - n_after] for each in tokens]
    rows = [(place, start) for place, ids in enumerate(own) for start in windowing.starts(ids.size)]
    lengths = [windowing.width(own[place].size) + n_before + n_after for place, _ in rows]
    sums: dict[int, _Sums] = {}
    found = ask(lengths, lambda i: windowing.row(own[rows[i][0]], rows[i][1]))
    for row, vectors in found:
        place, start = rows[row]
        before, inside = vectors[:n_before], vectors[n_before : lengths[row] - n_after]
        if inside.shape[0] == own[place].size:
            yield place, before, inside
            continue
        if place not in sums:
            left = len(windowing.starts(own[place].size))
            sums[place] = _Sums(left, before, own[place].size, inside)
        if sums[place].add(before, inside, start):
            yield place, *sums.pop(place).means()


class _Sums:
    """Vectors of a long sequence, added up window by window."""

    def __init__(
        self, windows: int, before: torch.Tensor, count: int, inside: torch.Tensor
    ) -> None:
        self._windows = self._left = windows
        self._before = before.new_zeros(before.shape)
        self._own = inside.new_zeros((count, inside.shape[1]))
        self._held = inside.new_zeros((count, 1))

    def add(self, before: torch.Tensor, inside: torch.Tensor, start: int) -> bool:
        """Add a window; say whether it was the last."""
        self._before += before
        self._own[start : start + inside.shape[0]] += inside
        self._held[start : start + inside.shape[0]] += 1
        self._left -= 1
        return self._left == 0

    def means(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._before / self._windows, self._own / self._held


def pooled(before: torch.Tensor, own: torch.Tensor, pooling: Pooling, spec: str) -> torch.Tensor:
    """One vector of a sequence, float32[width].

    Parameters
    ----------
    before, own : Tensor
        As `token_vectors` gives them.
    pooling : {"mean", "cls", "last", "max"}
        Mean or maximum over its own tokens, the first special token, or its last own token.
    spec : str
        The model, for messages.
    """
    if pooling == "cls":
        if not before.shape[0]:
            raise UsageError(
                f"{spec}: pooling=cls: its tokenizer puts no token before a sequence; "
                "use pooling=mean or pooling=last"
            )
        return before[0]
    if pooling == "last":
        return own[-1]
    return own.amax(dim=0) if pooling == "max" else own.mean(dim=0)


def base_vectors(
    vectors: NDArray[np.float32], spans: NDArray[np.int32], length: int, spec: str
) -> NDArray[np.float32]:
    """Vectors of the bases of a sequence: of the token that holds it, or the mean of those.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n_tokens, width)
        Of its own tokens.
    spans : ndarray of int32, shape (n_tokens, 2)
        First base of each, and the one after its last.
    length : int
        Bases.
    spec : str
        The model, for messages.

    Returns
    -------
    ndarray of float32, shape (length, width)

    Raises
    ------
    ModelError
        If a base is in no token.
    """
    out = np.zeros((length, vectors.shape[1]), dtype=np.float32)
    held = np.zeros((length, 1), dtype=np.float32)
    widths = spans[:, 1] - spans[:, 0]
    # No two tokens begin at the same base, so none is added to twice at a time.
    for place in range(int(widths.max(initial=0))):
        wide = widths > place
        bases = spans[wide, 0] + place
        out[bases] += vectors[wide]
        held[bases] += 1
    if not held.all():
        raise ModelError(f"{spec}: base {int(np.argmin(held)) + 1} of a sequence is in no token")
    return out / held
