"""What a board has received, in a file that outlives any crash and holds no label and no score.

One SQLite database, in WAL mode, synchronous. Exact scores are in it only sealed. Whatever changes
together is one transaction: a process that is killed has left all of it or none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from genomark.errors import GenomarkError, UsageError, WriteError

_VERSION = 1
_SCHEMA = """
create table settings (name text primary key, value text not null) without rowid;
create table benchmarks (
    id text primary key, version text not null, record blob not null, frozen text
) without rowid;
create table attempts (
    number integer primary key,
    received text not null,
    outcome text not null,
    benchmark text,
    model text,
    key text,
    nonce text,
    bundle text not null,
    predictions text,
    improved integer not null default 0,
    reason text,
    ranks blob
);
create unique index once on attempts (key, nonce) where outcome = 'scored';
create unique index bundles on attempts (bundle) where outcome = 'scored';
create index by_model on attempts (benchmark, model, received);
create table names (folded text primary key, name text not null, key text not null) without rowid;
create table standings (
    benchmark text, model text, attempt integer not null, figures blob not null,
    sealed blob not null, primary key (benchmark, model)
) without rowid;
create table flags (
    attempt integer, other integer, correlation real not null, primary key (attempt, other)
) without rowid;
"""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the log.

    Attributes
    ----------
    outcome : str
        ``scored`` or ``refused``.
    bundle, predictions : str
        SHA-256 of the archive, and of the values it holds.
    """

    received: str
    outcome: str
    bundle: str
    benchmark: str | None = None
    model: str | None = None
    key: str | None = None
    nonce: str | None = None
    predictions: str | None = None
    improved: bool = False
    reason: str | None = None
    ranks: bytes | None = None
    number: int | None = None


_COLUMNS = tuple(Attempt.__struct_fields__)


class AttemptLog:
    """The database of a board; each use has a connection of its own, in any thread or process.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        """Make the database.

        Raises
        ------
        UsageError
            If there is one.
        WriteError
            If it cannot be made.
        """
        if self._path.exists():
            raise UsageError(f"{self._path.parent} is a board already")
        with self._connection() as database:
            database.execute("pragma journal_mode=wal")
            database.executescript(f"begin; {_SCHEMA} pragma user_version={_VERSION}; commit;")

    def check(self) -> None:
        """Refuse what is no board.

        Raises
        ------
        UsageError
            If there is no database.
        GenomarkError
            If a newer genomark made it.
        """
        if not self._path.is_file():
            raise UsageError(
                f"{self._path.parent} is no board; type: genomark board init DIR --key FILE"
            )
        with self._connection() as database:
            version = database.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise GenomarkError(
                f"{self._path.parent} was made by a newer genomark (board version {version}, this "
                f"one knows {_VERSION}); upgrade genomark"
            )

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Change the log: all of it when the block ends, nothing if it raises."""
        with self._connection() as database:
            database.execute("begin immediate")
            try:
                yield Writing(database)
                database.execute("commit")
            finally:
                if database.in_transaction:
                    database.execute("rollback")

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read the log as it is at one moment."""
        with self._connection() as database:
            database.execute("begin")
            yield Reading(database)
            database.execute("rollback")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as database:
                database.execute("pragma synchronous=full")
                yield database
        except sqlite3.Error as error:
            raise WriteError(
                f"Cannot write the log of the board, {self._path}: {error}. The attempt is not "
                "counted"
            ) from error


class Reading:
    """Questions to the log."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def setting(self, name: str) -> str | None:
        """Give a setting of the board."""
        row = self._one("select value from settings where name = ?", name)
        return None if row is None else str(row[0])

    def benchmarks(self) -> list[tuple[bytes, str | None]]:
        """Give record and time of freezing of every benchmark."""
        return self._all("select record, frozen from benchmarks order by id")

    def benchmark(self, name: str) -> tuple[bytes, str | None] | None:
        """Give record and time of freezing of a benchmark."""
        row: tuple[bytes, str | None] | None = self._one(
            "select record, frozen from benchmarks where id = ?", name
        )
        return row

    def owner(self, model: str) -> tuple[str, str] | None:
        """Give the name as it was first written and the key that used it."""
        row: tuple[str, str] | None = self._one(
            "select name, key from names where folded = ?", model.casefold()
        )
        return row

    def is_spent(self, bundle: str, key: str, nonce: str) -> bool:
        """Whether a bundle was scored already."""
        return bool(
            self._one(
                "select 1 from attempts where outcome = 'scored' "
                "and (bundle = ? or (key = ? and nonce = ?))",
                *(bundle, key, nonce),
            )
        )

    def times(self, benchmark: str, column: str, value: str, since: str) -> list[str]:
        """Give when attempts of a model or key were scored, after a time, in order."""
        assert column in ("model", "key")
        return [
            row[0]
            for row in self._all(
                f"select received from attempts where outcome = 'scored' and benchmark = ? "
                f"and {column} = ? and received > ? order by received",
                *(benchmark, value, since),
            )
        ]

    def count(self, benchmark: str, model: str) -> int:
        """Count attempts of a model that were scored."""
        (found,) = self._one(
            "select count(*) from attempts where outcome = 'scored' and benchmark = ? "
            "and model = ?",
            *(benchmark, model),
        )
        return int(found)

    def standing(self, benchmark: str, model: str) -> tuple[int, bytes, bytes] | None:
        """Give attempt, figures and sealed rung of a model."""
        row: tuple[int, bytes, bytes] | None = self._one(
            "select attempt, figures, sealed from standings where benchmark = ? and model = ?",
            *(benchmark, model),
        )
        return row

    def attempts(self, benchmark: str | None = None, *, scored: bool = False) -> list[Attempt]:
        """Give rows of the log in order, without sketches."""
        shown = ", ".join("null" if name == "ranks" else name for name in _COLUMNS)
        asked = "select " + shown + " from attempts where (?1 is null or benchmark = ?1)"
        asked += " and outcome = 'scored'" if scored else ""
        rows = self._all(asked + " order by number", benchmark)
        names = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        return [Attempt(**{**row, "improved": bool(row["improved"])}) for row in names]

    def others(self, benchmark: str, model: str, key: str) -> list[tuple[int, str, bytes]]:
        """Give number, digest and sketch of attempts under another name or key."""
        return self._all(
            "select number, predictions, ranks from attempts where outcome = 'scored' and "
            "benchmark = ? and (model <> ? or key <> ?)",
            *(benchmark, model, key),
        )

    def flags(self) -> list[tuple[int, int, float]]:
        """Give pairs of attempts that are nearly the same."""
        return self._all("select attempt, other, correlation from flags order by attempt, other")

    def _one(self, asked: str, *values: Any) -> Any:
        return self._database.execute(asked, values).fetchone()

    def _all(self, asked: str, *values: Any) -> list[Any]:
        return self._database.execute(asked, values).fetchall()


class Writing(Reading):
    """Changes to the log, of one transaction."""

    def set(self, name: str, value: str) -> None:
        """Keep a setting of the board."""
        self._database.execute("insert into settings values (?, ?)", (name, value))

    def add_benchmark(self, name: str, version: str, record: bytes) -> None:
        """Keep a benchmark."""
        self._database.execute(
            "insert into benchmarks values (?, ?, ?, null)", (name, version, record)
        )

    def freeze(self, name: str, time: str) -> None:
        """Close a benchmark; its first time stays."""
        self._database.execute(
            "update benchmarks set frozen = ? where id = ? and frozen is null", (time, name)
        )

    def record(self, attempt: Attempt) -> int:
        """Keep an attempt; return its number."""
        names = [name for name in _COLUMNS if name != "number"]
        cursor = self._database.execute(
            f"insert into attempts ({', '.join(names)}) values ({', '.join('?' * len(names))})",
            [getattr(attempt, name) for name in names],
        )
        return int(cursor.lastrowid or 0)

    def own(self, model: str, key: str) -> None:
        """Let a name belong to a key, unless it belongs to one."""
        self._database.execute(
            "insert or ignore into names values (?, ?, ?)", (model.casefold(), model, key)
        )

    def stand(self, benchmark: str, model: str, attempt: int, figures: bytes, rung: bytes) -> None:
        """Keep where a model stands."""
        self._database.execute(
            "insert or replace into standings values (?, ?, ?, ?, ?)",
            (benchmark, model, attempt, figures, rung),
        )

    def flag(self, attempt: int, other: int, correlation: float) -> None:
        """Keep that two attempts are nearly the same."""
        self._database.execute("insert into flags values (?, ?, ?)", (attempt, other, correlation))
