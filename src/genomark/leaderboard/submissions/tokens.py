"""Who may submit: bearer tokens, of which a store holds nothing but digests."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from genomark.errors import UsageError, one_line
from genomark.results.store import Store
from genomark.results.store.tables import tokens

#: Submissions of one token within 24 hours.
DAILY = 20
#: No token is longer: nothing else is hashed.
LONGEST = 200
_BITS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
_COLUMNS = (tokens.c.name, tokens.c.made, tokens.c.daily, tokens.c.revoked)


class Token(msgspec.Struct, frozen=True):
    """Somebody who may submit.

    Attributes
    ----------
    name : str
        Owner of the results that are submitted with it.
    made : str
        UTC, ISO 8601.
    daily : int
        Submissions within 24 hours.
    revoked : str or None
        When it was.
    """

    name: str
    made: str
    daily: int
    revoked: str | None = None


def add_token(store: Store, name: str, daily: int = DAILY) -> str:
    """Make a token; it is given here, and never again.

    Parameters
    ----------
    store : Store
    name : str
        Of the person or group: up to 64 letters, digits, blanks and ``._@-``.
    daily : int

    Raises
    ------
    UsageError
        If it is no name, or somebody has a token of that name.
    WriteError
        If the store cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{one_line(name)}' is no name: expected up to 64 ASCII letters, digits, blanks and "
            "._@-, the first a letter or digit"
        )
    token = f"genomark_{secrets.token_urlsafe(_BITS // 8)}"
    row = {"digest": _digest(token), "name": name, "made": _now(), "daily": daily}
    named = sa.func.lower(tokens.c.name) == name.lower()
    taken = sa.select(tokens.c.name).where(named, tokens.c.revoked.is_(None))
    with store.database.writing() as connection:
        if connection.execute(taken).first() is not None:
            raise UsageError(f"'{name}' has a token; revoke it first, or choose another name")
        connection.execute(sa.insert(tokens).values(row))
    return token


def revoke_token(store: Store, name: str) -> None:
    """Let a token no longer count.

    Raises
    ------
    UsageError
        If nobody of that name has one.
    WriteError
        If the store cannot be written.
    """
    change = sa.update(tokens).where(tokens.c.name == name, tokens.c.revoked.is_(None))
    with store.database.writing() as connection:
        if connection.execute(change.values(revoked=_now())).rowcount == 0:
            raise UsageError(f"No token of '{one_line(name)}' in {store.name} that can be revoked")


def listed_tokens(store: Store) -> list[Token]:
    """List who may submit, and who might; the oldest first."""
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(*_COLUMNS).order_by(tokens.c.made)).all()
    return [Token(*row) for row in rows]


def holder(store: Store, token: str) -> Token | None:
    """Find who holds a token; None if nobody does.

    Every digest is compared, and each in the same time, whatever was given.
    """
    given = _digest(token[:LONGEST])
    found: Token | None = None
    with store.database.reading() as connection:
        for digest, *rest in connection.execute(sa.select(tokens.c.digest, *_COLUMNS)):
            if hmac.compare_digest(digest, given):
                found = Token(*rest)
    return found if len(token) <= LONGEST else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
