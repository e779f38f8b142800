"""Finding the items that end whoever is asked them, by asking for ever fewer at once.

An item that crashes its worker is found in about log2(n) attempts, and too large a batch is told
from a bad item: its parts are answered.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Why an attempt ended.

    Attributes
    ----------
    words : str
        How, such as ``"SIGSEGV"``.
    memory : bool
        Whether memory ran out, for certain or most likely: fewer items may then do.
    """

    words: str
    memory: bool


#: Nobody saw how.
UNKNOWN = Cause("for an unknown reason", memory=False)


class Bisection:
    """Says which items to try next, and learns what became of them.

    Parameters
    ----------
    items : int
        In the request.
    strikes : int
        A single item is lost when it has ended so many attempts.
    most_lost : int, optional
        With more lost items than this the request is given up.
    batch : int, optional
        No more items are tried at once.

    Attributes
    ----------
    lost : dict of int to Cause
        Items that cannot be asked.
    given_up : bool
        Whether there is no use in going on.
    """

    def __init__(
        self, items: int, *, strikes: int, most_lost: int | None = None, batch: int | None = None
    ) -> None:
        self.lost: dict[int, Cause] = {}
        self.given_up = False
        self._strikes = strikes
        self._most_lost = items if most_lost is None else most_lost
        self._batch = batch
        self._waiting = deque([range(items)])
        self._struck: Counter[int] = Counter()
        self._sample: set[int] | None = None
        self._answered = False

    def next(self) -> range | None:
        """Give the items to try now; None when all are answered or lost, or it is given up."""
        if self.given_up or not self._waiting:
            return None
        rows = self._waiting.popleft()
        if self._batch is not None and len(rows) > self._batch:
            self._waiting.appendleft(rows[self._batch :])
            rows = rows[: self._batch]
        return rows

    def answered(self) -> None:
        """Take note that the items tried last were answered."""
        self._answered = True

    def ended(self, rows: range, cause: Cause) -> None:
        """Take note of an attempt that did not come back; the first may be that of all items."""
        if self._waiting and self._waiting[0] == rows:
            self._waiting.popleft()
        if len(rows) == 1:
            self._strike(rows[0], cause)
            return
        if cause.memory:
            self._batch = (len(rows) + 1) // 2
        if self._sample is None:
            self._take_sample(rows)
            return
        middle = len(rows) // 2
        self._waiting.extendleft((rows[middle:], rows[:middle]))

    def _take_sample(self, rows: range) -> None:
        """Try three items alone: what ends on whatever it is asked ends on each of them.

        That spares such a request hundreds of attempts.
        """
        middle = len(rows) // 2
        alone = dict.fromkeys((0, middle, len(rows) - 1))
        self._sample = {rows[place] for place in alone}
        rest = (rows[1:middle], rows[middle + 1 : -1])
        self._waiting.extendleft(part for part in reversed(rest) if part)
        self._waiting.extendleft(rows[place : place + 1] for place in reversed(alone))

    def _strike(self, row: int, cause: Cause) -> None:
        self._struck[row] += 1
        if self._struck[row] >= self._strikes:
            self.lost[row] = cause
            # Perhaps it was this item alone, and not that there were too many.
            self._batch = None
        elif self._sample and row in self._sample:
            self._waiting.append(range(row, row + 1))
        else:
            self._waiting.appendleft(range(row, row + 1))
        hopeless = self._sample is not None and all(self._struck[each] for each in self._sample)
        nothing_left = not self._waiting
        self.given_up = len(self.lost) > self._most_lost or (
            not self._answered and (hopeless or nothing_left)
        )

    @property
    def batch(self) -> int | None:
        """So many items at once are answered where more are not; None where that was no matter."""
        return None if self.lost else self._batch
