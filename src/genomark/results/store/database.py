"""The database of a store: SQLite in a folder, or PostgreSQL by URL, behind one way to use them.

What changes together is one transaction. Writers come one after the other: SQLite has one lock,
in PostgreSQL all of them raise the same row first. So `number` grows in the order in which results
become visible.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from genomark.errors import GenomarkError, UsageError, WriteError, one_line
from genomark.extras import require_extras
from genomark.results.store.tables import GENERATION, state

#: What URLs of PostgreSQL begin with.
POSTGRES = ("postgresql:", "postgres:")
FILE = "store.sqlite"
_DRIVER = "postgresql+psycopg"
#: Seconds that a writer waits for others, and a client for a server that does not answer.
_PATIENCE, _CONNECT = 60.0, 10


def is_url(place: str) -> bool:
    """Whether a place is a PostgreSQL, and no folder."""
    return place.startswith(POSTGRES)


class Database:
    """Connections of one process; any thread may use it, and a process after a fork.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    name : str
        For messages; without a password.
    """

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._process = os.getpid()
        self.name = name

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Change the database: all of it when the block ends, nothing if it raises.

        Raises
        ------
        WriteError
            If it refuses.
        """
        try:
            with self._own().connect() as opened:
                connection = opened.execution_options(writing=True)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            raise WriteError(
                f"Cannot write the store {self.name}: {_reason(error)}. Nothing of it was added"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read the database as it is at one moment.

        Raises
        ------
        GenomarkError
            If it cannot be read.
        """
        try:
            with self._own().connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise GenomarkError(f"Cannot read the store {self.name}: {_reason(error)}") from error

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose(close=self._process == os.getpid())

    def _own(self) -> sa.Engine:
        """Leave the connections of a parent process alone: both would speak through them."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return self._engine


def sqlite_database(folder: Path, *, anew: bool = False) -> Database:
    """Prepare to use the file of a folder.

    Parameters
    ----------
    folder : Path
    anew : bool
        Whether the file may have to be made; others must be kept away meanwhile.
    """
    path = folder / FILE
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": _PATIENCE, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, record: object) -> None:
        # Transactions begin where `begin` says, and not where the driver guesses.
        connection.isolation_level = None
        if anew:
            connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("begin immediate" if writing else "begin")

    return Database(engine, str(path))


def postgres_database(url: str) -> Database:
    """Prepare to use a server.

    Raises
    ------
    UsageError
        If psycopg is not installed, or the URL is none.
    """
    require_extras("A store in PostgreSQL", {"psycopg": "postgres"})
    try:
        parsed = sa.make_url(url).set(drivername=_DRIVER)
    except (SQLAlchemyError, ValueError) as error:
        raise UsageError(
            "The URL of the store cannot be read; expected postgresql://USER@HOST:PORT/DATABASE"
        ) from error
    if "connect_timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"connect_timeout": str(_CONNECT)})
    engine = sa.create_engine(parsed, pool_pre_ping=True)
    return Database(engine, parsed.set(drivername="postgresql", query={}).render_as_string())


def raised(connection: sa.Connection) -> int:
    """Raise the generation, and give it; other writers wait until the transaction ends."""
    return int(connection.execute(_RAISE).scalar_one())


_RAISE = (
    sa.update(state)
    .where(state.c.name == GENERATION)
    .values(value=state.c.value + 1)
    .returning(state.c.value)
)


def _reason(error: SQLAlchemyError) -> str:
    """Say what the database said, without the statement and its values."""
    return one_line(getattr(error, "orig", None) or error)
