"""Submissions of one server: what receives them, and what has them scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from starlette.routing import Route

from genomark.errors import UsageError
from genomark.leaderboard.board import Board
from genomark.leaderboard.slugs import slug_of
from genomark.leaderboard.submissions.desk import Desk
from genomark.leaderboard.submissions.foreman import Foreman, ScoringLimits
from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.intake import UploadLimits
from genomark.leaderboard.submissions.open_labels import benchmarks_taken, takes
from genomark.leaderboard.submissions.routes import SubmissionPages
from genomark.leaderboard.submissions.scorer import Hosting
from genomark.leaderboard.submissions.waiting_list import WaitingList
from genomark.leaderboard.suites import suites_of
from genomark.leaderboard.views import Column
from genomark.results.store import Store
from genomark.results.store.database import is_url
from genomark.results.submission import Board as HiddenLabels


@contextmanager
def submissions(
    store: Store,
    place: str,
    *,
    files: str | None = None,
    incoming: Path | None = None,
    hosting: Hosting | None = None,
    uploads: UploadLimits | None = None,
    scoring: ScoringLimits | None = None,
) -> Iterator[list[Route]]:
    """Take submissions, and have them scored, as long as this is entered.

    Parameters
    ----------
    store : Store
    place, files : str
        As it was opened.
    incoming : Path, optional
        Folder in which submissions wait; left out, the folder ``incoming`` of the store.
    hosting : Hosting, optional
        A board with hidden labels.
    uploads : UploadLimits, optional
    scoring : ScoringLimits, optional

    Yields
    ------
    list of starlette.routing.Route
        For `genomark.leaderboard.app.leaderboard_app`.

    Raises
    ------
    UsageError
        If there is no such folder and none can be made, or the hidden board cannot be opened.
    """
    if incoming is None:
        if is_url(place):
            raise UsageError(f"{store.name} is no folder: name one in which submissions wait")
        incoming = Path(place) / "incoming"
    hidden = None if hosting is None else hosting.open()
    kept = Incoming(incoming)
    # Looked up now, so that who opens the form first does not wait for it.
    benchmarks_taken()
    with Foreman(store, place, files, kept, hosting, scoring) as foreman:
        desk = Desk(store, kept, uploads or UploadLimits(), foreman.arrived)
        pages = SubmissionPages(
            desk, WaitingList(store.database), lambda board: _accepted(board, hidden)
        )
        yield pages.routes()


def _accepted(board: Board, hidden: HiddenLabels | None) -> Sequence[Column]:
    """List what takes submissions: with hidden labels, on the board already, and not yet."""
    hosted = {} if hidden is None else hidden.hosted()
    found = [
        each.view
        for each in board.snapshot().newest
        if each.view.id not in hosted and takes(each.view.id)
    ]
    known = {each.id for each in found}
    return [
        *(_column(each.id, each.version, each.items) for each in hosted.values()),
        *found,
        *(_column(id) for id in benchmarks_taken() if id not in known and id not in hosted),
    ]


def _column(id: str, version: str = "", items: int = 0) -> Column:
    """Name a benchmark that no result is shown of."""
    return Column(
        slug=slug_of(id),
        id=id,
        version=version,
        digest="",
        title="",
        suite=suites_of(id)[0],
        limit=None,
        metric="",
        higher_is_better=True,
        items=items,
        models=0,
    )
