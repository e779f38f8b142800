"""What was submitted, in the store: a row is written before anybody is told that it came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from genomark.errors import GenomarkError, one_line
from genomark.leaderboard.submissions.tokens import Token
from genomark.leaderboard.views import Submission
from genomark.results.store.database import Database
from genomark.results.store.tables import submissions, tokens

State = Literal["waiting", "scoring", "scored", "refused", "failed"]
WAITING: State = "waiting"
SCORING: State = "scoring"
_DAY = timedelta(days=1)
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A submission; the fields are the columns of the table.

    Attributes
    ----------
    id : str
        128 random bits: who knows it may see the row.
    received : str
        UTC, ISO 8601, to the microsecond.
    token : str
        Name of the token it came with.
    bundle : str
        SHA-256 of its bytes.
    key, nonce : str or None
        Of the manifest, once its signature was verified.
    tries : int
        How often scoring began.
    verdict : str or None
        What came out, in one line.
    """

    id: str
    received: str
    token: str
    bundle: str
    benchmark: str
    model: str
    card: str = ""
    key: str | None = None
    nonce: str | None = None
    state: State = WAITING
    tries: int = 0
    reason: str | None = None
    verdict: str | None = None
    result_id: str | None = None

    @property
    def done(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state not in (WAITING, SCORING)

    def view(self) -> Submission:
        """Give what its page tells."""
        return Submission(
            id=self.id,
            received=f"{self.received[:19]}Z",
            model=self.model,
            benchmark=self.benchmark,
            state=self.state,
            reason=self.reason,
            result=self.result_id,
            verdict=self.verdict,
            card=self.card,
        )


_FIELDS = Row.__struct_fields__
_ROW = sa.select(*(submissions.c[name] for name in _FIELDS))
#: Who waits longest.
_NEXT = (
    _ROW.where(submissions.c.state == WAITING)
    .order_by(submissions.c.received, submissions.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


class KnownError(GenomarkError):
    """The same bundle came before.

    Attributes
    ----------
    id : str or None
        Of the first, where it came with the same token.
    """

    def __init__(self, first: Row, token: str) -> None:
        self.id = first.id if first.token == token else None
        which = f"as {self.id}" if self.id else "by somebody else"
        super().__init__(f"This bundle was submitted before, {which}; pack again to submit anew")


class SpentError(GenomarkError):
    """A token has no submission left.

    Attributes
    ----------
    seconds : float
        Until there is one again.
    """

    def __init__(self, token: Token, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"{token.daily} submissions of '{token.name}' within 24 hours, and no more are taken; "
            f"the next in {seconds / 3600:.1f} hours"
        )


class RevokedError(GenomarkError):
    """A token that no longer counts."""

    def __init__(self) -> None:
        super().__init__("This token was revoked; ask whoever keeps this board for another")


class WaitingList:
    """Rows of submissions; any thread or process may use it.

    Parameters
    ----------
    database : Database
        Of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, token: Token) -> None:
        """Refuse who may not submit now, before anything is read from them.

        Raises
        ------
        RevokedError, SpentError
        """
        with self._database.reading() as connection:
            _check(connection, token)

    def admit(self, row: Row, token: Token) -> None:
        """Write a submission down; when this returns, it outlives any crash.

        Raises
        ------
        RevokedError, SpentError, KnownError
            Then nothing was written.
        WriteError
            If the store cannot be written.
        """
        mine = sa.select(tokens.c.digest).where(tokens.c.name == token.name).with_for_update()
        with self._database.writing() as connection:
            # Where writers are not one after the other, those of one token are.
            connection.execute(mine).all()
            _check(connection, token)
            first = _one(connection, submissions.c.bundle == row.bundle)
            if first is not None:
                raise KnownError(first, row.token)
            connection.execute(sa.insert(submissions).values(msgspec.structs.asdict(row)))

    def known(self, bundle: str, key: str, nonce: str, token: str) -> None:
        """Refuse what came before, going by its bytes, or by what was verified to be signed.

        Raises
        ------
        KnownError
        """
        signed = sa.and_(submissions.c.key == key, submissions.c.nonce == nonce)
        with self._database.reading() as connection:
            first = _one(connection, sa.or_(submissions.c.bundle == bundle, signed))
        if first is not None:
            raise KnownError(first, token)

    def get(self, id: str) -> Row | None:
        """Give a submission; None if there is none of that id."""
        with self._database.reading() as connection:
            return _one(connection, submissions.c.id == id)

    def ids(self, state: State | None = None) -> list[str]:
        """List the ids of all submissions, or of those in a state."""
        asked = sa.select(submissions.c.id).order_by(submissions.c.received)
        if state is not None:
            asked = asked.where(submissions.c.state == state)
        with self._database.reading() as connection:
            return list(connection.execute(asked).scalars())

    def claim(self) -> Row | None:
        """Take the one that waits longest to be scored; None if none does."""
        with self._database.writing() as connection:
            found = connection.execute(_NEXT).first()
            if found is None:
                return None
            row = _row(found)
            begun = {"state": SCORING, "tries": row.tries + 1}
            mine = submissions.c.id == row.id
            connection.execute(sa.update(submissions).where(mine).values(begun))
        return msgspec.structs.replace(row, state=SCORING, tries=row.tries + 1)

    def verified(self, row: Row, *, key: str, nonce: str, card: str) -> Row | None:
        """Keep what a verified bundle tells; give the row that had its nonce before, if any did."""
        signed = sa.and_(submissions.c.key == key, submissions.c.nonce == nonce)
        told = {"key": key, "nonce": nonce, "card": card}
        with self._database.writing() as connection:
            first = _one(connection, sa.and_(signed, submissions.c.id != row.id))
            if first is None:
                connection.execute(sa.update(submissions).where(_claimed(row)).values(told))
        return first

    def settle(
        self,
        row: Row,
        state: State,
        *,
        reason: str | None = None,
        verdict: str | None = None,
        result: str | None = None,
        tries: int | None = None,
    ) -> bool:
        """Say what became of a submission that `claim` gave.

        Returns
        -------
        bool
            False if it is another's by now: then nothing was changed.
        """
        told: dict[str, Any] = {
            "state": state,
            "reason": None if reason is None else one_line(reason),
            "verdict": None if verdict is None else one_line(verdict),
            "result_id": result,
        }
        if tries is not None:
            told["tries"] = tries
        change = sa.update(submissions).where(_claimed(row)).values(told)
        with self._database.writing() as connection:
            return connection.execute(change).rowcount > 0


def now() -> str:
    """Give the time as rows have it."""
    return _stamp(datetime.now(UTC))


def _stamp(time: datetime) -> str:
    return time.strftime(_FORMAT)


def _check(connection: sa.Connection, token: Token) -> None:
    """Refuse a token that was revoked, or has been used too often today."""
    valid = sa.select(tokens.c.daily).where(
        tokens.c.name == token.name, tokens.c.made == token.made, tokens.c.revoked.is_(None)
    )
    if connection.execute(valid).first() is None:
        raise RevokedError
    time = datetime.now(UTC)
    times = connection.execute(
        sa.select(submissions.c.received)
        .where(submissions.c.token == token.name, submissions.c.received > _stamp(time - _DAY))
        .order_by(submissions.c.received)
    ).scalars()
    counted = list(times)
    if len(counted) >= token.daily:
        first = datetime.strptime(counted[-token.daily], _FORMAT).replace(tzinfo=UTC)
        raise SpentError(token, max(1.0, (first + _DAY - time).total_seconds()))


def _claimed(row: Row) -> sa.ColumnElement[bool]:
    """Rows that are still this process's: whoever claims one counts another try."""
    return sa.and_(
        submissions.c.id == row.id,
        submissions.c.state == SCORING,
        submissions.c.tries == row.tries,
    )


def _one(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Row | None:
    order = (submissions.c.received, submissions.c.id)
    found = connection.execute(_ROW.where(which).order_by(*order)).first()
    return None if found is None else _row(found)


def _row(found: Any) -> Row:
    return Row(**dict(zip(_FIELDS, found, strict=True)))
