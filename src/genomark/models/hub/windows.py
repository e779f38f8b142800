"""Long sequences in overlapping windows of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError

if TYPE_CHECKING:
    from genomark.models.hub.checkpoint import HubCheckpoint


@dataclass(frozen=True)
class Windowing:
    """How tokens are cut into windows, each between the special tokens of a sequence of its own.

    Attributes
    ----------
    before, after : tuple of int
        Special tokens of a window.
    room : int or None
        Tokens of a sequence that a window holds; None for all.
    stride : int
        Tokens from the beginning of a window to that of the next.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    room: int | None
    stride: int

    def starts(self, count: int) -> list[int]:
        """First tokens of the windows over `count` tokens; the last window ends with them."""
        if self.room is None or count <= self.room:
            return [0]
        return [*range(0, count - self.room, self.stride), count - self.room]

    def width(self, count: int) -> int:
        """Tokens of a sequence that each of its windows holds."""
        return count if self.room is None else min(count, self.room)

    def around(self, first: int, last: int, count: int) -> int:
        """Start of the window with tokens `first` to `last` nearest to its middle."""
        if self.room is None or count <= self.room:
            return 0
        middle = (first + last + 1 - self.room) // 2
        return max(0, min(middle, count - self.room))

    def row(self, own: NDArray[np.int64], start: int) -> NDArray[np.int64]:
        """Tokens of a window, special ones around them."""
        inside = own[start : start + self.width(own.size)]
        return np.concatenate([self.before, inside, self.after]).astype(np.int64)


def windowing(checkpoint: HubCheckpoint, window: int = 0, stride: int = 0) -> Windowing:
    """Make windows for a checkpoint.

    Parameters
    ----------
    checkpoint : HubCheckpoint
    window : int
        Tokens, special ones among them; 0 for what the checkpoint can see.
    stride : int
        0 for half of what a window holds, so that but for the ends of a sequence each token is
        seen twice, and once with a quarter of a window or more on both sides.

    Raises
    ------
    UsageError
        If the window holds nothing, is more than the checkpoint can see, or the stride leaves
        tokens out.
    """
    before, after = checkpoint.tokenizer.special
    spec, most = checkpoint.spec, checkpoint.max_tokens
    if window and most is not None and window > most and checkpoint.positions_are_bounded:
        raise UsageError(f"{spec}: window={window}: the checkpoint sees {most:,} tokens at most")
    length = window or most
    if length is None:
        if stride:
            raise UsageError(f"{spec}: stride={stride}: there are no windows; add window=")
        return Windowing(tuple(before), tuple(after), None, 1)
    special = len(before) + len(after)
    room = length - special
    if room < checkpoint.tokenizer.k:
        raise UsageError(f"{spec}: window={length}: no room beside {special} special tokens")
    if stride > room:
        raise UsageError(
            f"{spec}: stride={stride}: leaves tokens out; a window holds {room} beside "
            f"{special} special ones"
        )
    return Windowing(tuple(before), tuple(after), room, stride or max(room // 2, 1))
