"""The board over a store: its newest snapshot, and what is kept between requests."""

from __future__ import annotations

import threading

from genomark.leaderboard.answers import AnswersOfColumns
from genomark.leaderboard.column_scores import Drawn, bytes_of
from genomark.leaderboard.details import Details
from genomark.leaderboard.sized_cache import SizedCache
from genomark.leaderboard.snapshot import Snapshot, read_snapshot
from genomark.results.store import Store

#: Bytes of replicates that are kept: those of the columns looked at lately.
_MOST_DRAWN = 128 << 20


class Board:
    """What pages are made of; threads share it.

    Parameters
    ----------
    store : Store

    Attributes
    ----------
    store : Store
    details : Details
    answers : AnswersOfColumns
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.details = Details(store)
        self.answers = AnswersOfColumns(store)
        self._drawn: SizedCache[list[Drawn]] = SizedCache(_MOST_DRAWN, bytes_of)
        self._snapshot: Snapshot | None = None
        self._reading = threading.Lock()

    def snapshot(self) -> Snapshot:
        """Give the store as it is; while somebody reads it anew, as it was.

        Raises
        ------
        GenomarkError
            If the store cannot be read.
        """
        known = self._snapshot
        if known is not None and known.generation == self.store.generation:
            return known
        # Only who has nothing to show waits for another's reading.
        if not self._reading.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            known = self._snapshot
            if known is None or known.generation != self.store.generation:
                self._snapshot = known = read_snapshot(self.store, known, self._drawn)
            return known
        finally:
            self._reading.release()
