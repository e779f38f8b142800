"""One submission, from its file to what becomes of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.no_connections import no_connections
from genomark.leaderboard.submissions.open_labels import judge
from genomark.leaderboard.submissions.waiting_list import Row, WaitingList
from genomark.results.store import Store
from genomark.results.store.entry import VERIFIED
from genomark.results.submission import Board, Bundle, Receipt, RefusedError, open_bundle
from genomark.results.submission.rules import check_times


class Hosting(msgspec.Struct, frozen=True):
    """A board with hidden labels: its folder, and the file of its key."""

    folder: str
    key: str

    def open(self) -> Board:
        """Open it.

        Raises
        ------
        UsageError
            If there is no board, or the key is not its own.
        """
        return Board.open(Path(self.folder), Path(self.key))


class Scorer:
    """Scores submissions into a store.

    Parameters
    ----------
    store : Store
    incoming : Incoming
    hosting : Hosting or None
        What it hosts is scored there, and told as its Ladder tells it.
    """

    def __init__(self, store: Store, incoming: Incoming, hosting: Hosting | None) -> None:
        self._store = store
        self._incoming = incoming
        self._hosting = hosting
        self._waiting = WaitingList(store.database)

    def score(self, row: Row) -> None:
        """Bring a submission that was claimed to its end; done twice, the second changes nothing.

        Raises
        ------
        WriteError
            If something cannot be written; then it may be tried again.
        """
        content = self._incoming.read(row.id)
        try:
            self._judged(row, open_bundle(content), content)
        except RefusedError as error:
            self._waiting.settle(row, "refused", reason=str(error))
        self._incoming.remove(row.id)

    def _judged(self, row: Row, bundle: Bundle, content: bytes) -> None:
        manifest = bundle.manifest
        first = self._waiting.verified(
            row, key=manifest.public_key, nonce=manifest.nonce, card=bundle.card
        )
        if first is not None:
            raise RefusedError("a bundle with this nonce was submitted before; pack again")
        received = f"{row.received[:19]}Z"
        board = self._hosting.open() if self._hosting is not None else None
        if board is not None and manifest.benchmark.id in board.hosted():
            receipt = board.answered(bundle) or board.receive(content)
            self._told(row, receipt)
            return
        check_times(bundle, received)
        with no_connections():
            judged = judge(bundle, received)
        id = self._store.add(
            judged.result,
            owner=row.token,
            standing=VERIFIED,
            predictions=judged.predictions,
            evidence=judged.evidence,
        )
        self._waiting.settle(row, "scored", verdict=judged.verdict, result=id)

    def _told(self, row: Row, receipt: Receipt) -> None:
        """Tell what a receipt tells, and nothing else."""
        if receipt.accepted:
            self._waiting.settle(row, "scored", verdict=_in_words(receipt))
        else:
            self._waiting.settle(row, "refused", reason=receipt.reason)


def _in_words(receipt: Receipt) -> str:
    left = f"attempt {receipt.attempt}, {receipt.attempts_left} left"
    if receipt.next_attempt:
        left += f", the next after {receipt.next_attempt}"
    figure = receipt.released
    told = "no figure is released" if figure is None else f"{figure.name} {figure.value:g}"
    if receipt.improved:
        return f"new figure: {told}; {left}"
    if figure is not None:
        return f"not shown to be better; released: {told}; {left}"
    return f"not shown to be better than chance and than what its key was told; {told}; {left}"
