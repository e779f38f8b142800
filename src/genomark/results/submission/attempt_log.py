"""What a board has received, in a file that outlives any crash and holds no label and no score.

One SQLite database, in WAL mode, synchronous. Exact scores and sketches are in it only sealed. What
changes together is one transaction: a process that is killed has left all of it or none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from genomark.errors import GenomarkError, UsageError, WriteError

_VERSION = 2
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
    decoded integer not null default 0,
    sketch blob
);
create unique index once on attempts (key, nonce) where outcome = 'scored';
create unique index bundles on attempts (bundle) where outcome = 'scored';
create index by_model on attempts (benchmark, model, received);
create index by_key on attempts (key, received);
create table invited (key text primary key, bound integer not null) without rowid;
create table names (folded text primary key, name text not null, key text not null) without rowid;
create table rungs (
    benchmark text, party text, sealed blob not null, primary key (benchmark, party)
) without rowid;
create table standings (
    benchmark text, model text, attempt integer not null, figure blob not null,
    primary key (benchmark, model)
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
    decoded : bool
        Whether its predictions were decoded, which is what a refused bundle costs.
    sketch : bytes or None
        Sealed.
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
    decoded: bool = False
    sketch: bytes | None = None
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
            If another version of genomark made it.
        """
        if not self._path.is_file():
            raise UsageError(
                f"{self._path.parent} is no board; type: genomark board init DIR --key FILE"
            )
        with self._connection() as database:
            version = database.execute("pragma user_version").fetchone()[0]
        if version != _VERSION:
            raise GenomarkError(
                f"{self._path.parent} was made by another genomark (board version {version}, this "
                f"one reads {_VERSION}); keep it with that one"
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

    def is_invited(self, key: str) -> bool:
        """Whether the operator vouches for a key."""
        return bool(self._one("select 1 from invited where key = ?", key))

    def invited(self) -> list[str]:
        """Give the keys that the operator vouches for."""
        return [row[0] for row in self._all("select key from invited order by key")]

    def bound_names(self, key: str) -> list[str]:
        """Give the names that a key was invited with; none, where it may choose."""
        asked = "select name from names join invited using (key) where key = ? and bound = 1"
        return [row[0] for row in self._all(asked + " order by folded", key)]

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

    def scored(self, bundle: str) -> tuple[str, bool] | None:
        """Give when a bundle was scored, and whether that was told; None if it was not."""
        row = self._one(
            "select received, improved from attempts where outcome = 'scored' and bundle = ?",
            bundle,
        )
        return None if row is None else (str(row[0]), bool(row[1]))

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

    def refusals(self, key: str, since: str) -> list[str]:
        """Give when bundles of a key were decoded and refused, after a time, in order."""
        asked = "select received from attempts where outcome = 'refused' and decoded = 1 "
        asked += "and key = ? and received > ? order by received"
        return [row[0] for row in self._all(asked, key, since)]

    def count(self, benchmark: str, model: str) -> int:
        """Count attempts of a model that were scored."""
        (found,) = self._one(
            "select count(*) from attempts where outcome = 'scored' and benchmark = ? "
            "and model = ?",
            *(benchmark, model),
        )
        return int(found)

    def standing(self, benchmark: str, model: str) -> tuple[int, bytes] | None:
        """Give attempt and figure of what was last released of a model."""
        row: tuple[int, bytes] | None = self._one(
            "select attempt, figure from standings where benchmark = ? and model = ?",
            *(benchmark, model),
        )
        return row

    def rung(self, benchmark: str, party: str) -> bytes | None:
        """Give where a party stands on the Ladder, sealed."""
        row = self._one(
            "select sealed from rungs where benchmark = ? and party = ?", benchmark, party
        )
        return None if row is None else bytes(row[0])

    def attempts(self, benchmark: str | None = None, *, scored: bool = False) -> list[Attempt]:
        """Give rows of the log in order, without sketches."""
        shown = ", ".join("null" if name == "sketch" else name for name in _COLUMNS)
        asked = "select " + shown + " from attempts where (?1 is null or benchmark = ?1)"
        asked += " and outcome = 'scored'" if scored else ""
        rows = self._all(asked + " order by number", benchmark)
        names = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        flags = ("improved", "decoded")
        return [Attempt(**{**row, **{flag: bool(row[flag]) for flag in flags}}) for row in names]

    def others(self, benchmark: str, model: str, key: str) -> list[tuple[int, str, bytes]]:
        """Give number, digest and sealed sketch of attempts under another name or key."""
        return self._all(
            "select number, predictions, sketch from attempts where outcome = 'scored' and "
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

    def invite(self, key: str) -> None:
        """Let a key submit, under names it chooses."""
        self._database.execute("insert or ignore into invited values (?, 0)", (key,))

    def bind(self, key: str) -> None:
        """Let a key submit under the names that are its own, and no other."""
        self._database.execute("update invited set bound = 1 where key = ?", (key,))

    def own(self, model: str, key: str) -> None:
        """Let a name belong to a key, unless it belongs to one."""
        self._database.execute(
            "insert or ignore into names values (?, ?, ?)", (model.casefold(), model, key)
        )

    def stand(self, benchmark: str, model: str, attempt: int, figure: bytes) -> None:
        """Keep what was released of a model."""
        self._database.execute(
            "insert or replace into standings values (?, ?, ?, ?)",
            (benchmark, model, attempt, figure),
        )

    def climb(self, benchmark: str, party: str, sealed: bytes) -> None:
        """Keep where a party stands on the Ladder."""
        self._database.execute(
            "insert or replace into rungs values (?, ?, ?)", (benchmark, party, sealed)
        )

    def flag(self, attempt: int, other: int, correlation: float) -> None:
        """Keep that two attempts are nearly the same."""
        self._database.execute("insert into flags values (?, ?, ?)", (attempt, other, correlation))
