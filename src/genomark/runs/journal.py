"""What has been done so far, in a file that outlives any crash.

One SQLite database a result folder, in WAL mode. A shard is done when its row says so and the file
has the digest that the row names; anything else is computed again. The row is written after the
file, so a kill at any instant loses at most the shards in flight. What is damaged is noticed: a row
by its checksum, the database by SQLite and by its columns, and a `Backup` has the rows a second
time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from filelock import FileLock

from genomark.atomic import write_whole
from genomark.digests import digest_of_bytes, digest_of_file_content
from genomark.errors import GenomarkError, WriteError, one_line
from genomark.runs.backup import Backup
from genomark.runs.claims import Presence
from genomark.runs.outcome import ShardOutcome, response_path, shard_path
from genomark.runs.plan import Shard
from genomark.spans import span

logger = logging.getLogger("genomark.runs")

#: What to do when a run could not write.
_GO_ON = "What was finished is kept: the same command goes on from there"

_NAME = "journal.sqlite"
_BUSY_SECONDS = 60.0
_VERSION = 2
_SCHEMA = """
create table shards (
    digest text primary key,
    outcome blob not null,
    checksum text not null
) without rowid;
create table evaluations (
    digest text primary key,
    result_digest text not null,
    predictions_file_digest text not null
) without rowid;
"""
_ROWS = "select digest, outcome, checksum from shards"
#: Table, column, type and place in the key, of each version.
_EVALUATIONS = [
    ("evaluations", "digest", "TEXT", 1),
    ("evaluations", "result_digest", "TEXT", 0),
    ("evaluations", "predictions_file_digest", "TEXT", 0),
]
_FIRST_SHARDS = [("shards", "digest", "TEXT", 1), ("shards", "outcome", "BLOB", 0)]
_COLUMNS = {
    0: [],
    1: [*_EVALUATIONS, *_FIRST_SHARDS],
    2: [*_EVALUATIONS, *_FIRST_SHARDS, ("shards", "checksum", "TEXT", 0)],
}


def keep(path: Path, content: bytes) -> None:
    """Write a file of a result folder, whole or not at all.

    Raises
    ------
    WriteError
        With what to do then.
    """
    try:
        write_whole(path, content)
    except WriteError as error:
        raise WriteError(f"{error}. {_GO_ON}") from error


class Journal:
    """The record of a result folder.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Raises
    ------
    WriteError
        If the folder cannot be written to.
    GenomarkError
        If the folder was written by a newer genomark.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / _NAME
        self._backup = Backup(folder / "journal.backup")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with span("store"), contextlib.ExitStack() as held:
                held.callback(Presence(folder).leave)
                self._database = self._connected()
                held.callback(self._database.close)
                self._restore()
                self._held = held.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise WriteError(
                f"Cannot keep results in {folder}: {one_line(error)}. Choose another folder with "
                "--out"
            ) from error

    def _connected(self) -> sqlite3.Connection:
        """Open the database; one that is damaged is moved out of the way."""
        try:
            return self._opened()
        except sqlite3.DatabaseError as damage:
            if not self._is_damage(damage):
                raise
            # Of two runs that start together one moves it, and the other finds a new one.
            with FileLock(self.folder / "journal.lock", timeout=_BUSY_SECONDS):
                try:
                    return self._opened()
                except sqlite3.DatabaseError as still:
                    if not self._is_damage(still):
                        raise
                    self._move_aside(still)
                    return self._opened()

    def _is_damage(self, error: sqlite3.DatabaseError) -> bool:
        """Whether it is the content, and not the disk or another process that stands in the way."""
        if not isinstance(error, sqlite3.OperationalError):
            return True
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY:
            # The header may say so, too.
            return os.access(self._path, os.W_OK)
        return error.sqlite_errorcode == sqlite3.SQLITE_ERROR

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        # Text with flipped bits may be no UTF-8; it is compared, and differs.
        database.text_factory = _text
        try:
            database.execute("pragma journal_mode=wal")
            database.execute("pragma synchronous=full")
            # Unlike `quick_check` it looks at the order of the keys, too.
            (state,) = database.execute("pragma integrity_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            self._bring_up(database)
        except UnicodeDecodeError as error:
            # SQLite cites what it cannot read.
            database.close()
            raise sqlite3.DatabaseError("malformed database schema") from error
        except BaseException:
            database.close()
            raise
        return database

    def _bring_up(self, database: sqlite3.Connection) -> None:
        """Make the tables, or add to those of an older genomark what they lack: all or nothing."""
        with _transaction(database):
            version = self._version(database)
            if version == _VERSION:
                # Changes nothing, and fails where the file, or its header, refuses.
                database.execute("delete from shards where 0")
                return
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
            elif version == 1:
                database.execute("alter table shards add column checksum text not null default ''")
                for digest, outcome in database.execute(
                    "select digest, outcome from shards"
                ).fetchall():
                    self._put(database, digest, outcome)
                    self._copy(outcome)
            database.execute(f"pragma user_version={_VERSION}")

    def _version(self, database: sqlite3.Connection) -> int:
        """Read the version, and see that the tables are those of it."""
        version = int(database.execute("pragma user_version").fetchone()[0])
        columns = database.execute(
            "select m.name, c.name, upper(c.type), c.pk from sqlite_master m, "
            "pragma_table_info(m.name) c where m.type = 'table' order by m.name, c.cid"
        ).fetchall()
        if version > _VERSION and not self._is_of_this_version(database, columns):
            raise GenomarkError(
                f"{self.folder} was written by a newer genomark (journal version {version}, this "
                f"one knows {_VERSION}). Upgrade genomark, or choose another folder with --out"
            )
        if columns != _COLUMNS.get(version):
            raise sqlite3.DatabaseError(f"its tables are not those of journal version {version}")
        return version

    def _is_of_this_version(self, database: sqlite3.Connection, columns: list[Any]) -> bool:
        """Whether all but the number of its version is as this genomark writes it."""
        if columns != _COLUMNS[_VERSION]:
            return False
        return all(_is_sound(*row) for row in database.execute(_ROWS))

    def _move_aside(self, damage: sqlite3.Error) -> None:
        number = 1
        while (target := self._path.with_name(f"{_NAME}.damaged-{number}")).exists():
            number += 1
        for suffix in ("-wal", "-shm"):
            beside = self._path.with_name(_NAME + suffix)
            if beside.exists():
                beside.replace(target.with_name(target.name + suffix))
        self._path.replace(target)
        logger.warning(
            "%s is damaged (%s): it is now %s, and a new one is made from its backup",
            *(self._path, one_line(damage), target.name),
        )

    def _restore(self) -> None:
        """Take from the backup what is not in the database."""
        copies = self._backup.outcomes()
        sound = {row[0] for row in self._database.execute(_ROWS) if _is_sound(*row)}
        lost = copies.keys() - sound
        if lost:
            with _transaction(self._database):
                for digest in sorted(lost):
                    self._put(self._database, digest, msgspec.msgpack.encode(copies[digest]))
            logger.warning("%s: %s requests restored from its backup", self._path, f"{len(lost):,}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was recorded is on disk, whether or not it can be moved to its last place now.
        with span("store"), contextlib.suppress(sqlite3.Error):
            self._held.close()

    def record(self, outcome: ShardOutcome) -> None:
        """Write down what became of a shard.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        written = msgspec.msgpack.encode(outcome)
        with self._writing():
            self._put(self._database, outcome.digest, written)
            self._copy(written)

    def take_over(self, outcomes: Iterable[ShardOutcome]) -> None:
        """Write down what became of shards that were computed elsewhere: all of them, or none.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        with self._writing(), _transaction(self._database):
            for outcome in outcomes:
                written = msgspec.msgpack.encode(outcome)
                self._put(self._database, outcome.digest, written)
                self._copy(written)

    def digests(self) -> set[str]:
        """Give the digests of all shards that something was written down of."""
        with self._writing():
            return {row[0] for row in self._database.execute("select digest from shards")}

    def _put(self, database: sqlite3.Connection, digest: str, outcome: bytes) -> None:
        database.execute(
            "insert or replace into shards values (?, ?, ?)",
            (digest, outcome, _checksum(digest, outcome)),
        )

    def _copy(self, written: bytes) -> None:
        outcome = msgspec.msgpack.decode(written, type=ShardOutcome)
        if outcome.file_digest is not None:
            self._backup.add(outcome)

    def outcomes(self, digests: Iterable[str]) -> list[ShardOutcome]:
        """Give the recorded outcomes of some shards, in their order."""
        found = []
        for digest in digests:
            with self._writing():
                row = self._database.execute(f"{_ROWS} where digest = ?", (digest,)).fetchone()
            if row and _is_sound(*row):
                found.append(msgspec.msgpack.decode(row[1], type=ShardOutcome))
        return found

    def is_done(self, digest: str) -> bool:
        """Whether a shard was computed and its file is still what was written."""
        for outcome in self.outcomes([digest]):
            if outcome.file_digest is not None:
                return (
                    digest_of_file_content(shard_path(self.folder, digest)) == outcome.file_digest
                )
        return False

    def has(self, shard: Shard) -> bool:
        """Whether a shard is done, and the answer as it came is there if it is to be kept."""
        kept = response_path(self.folder, shard.digest)
        return self.is_done(shard.digest) and (not shard.keep_response or kept.exists())

    def record_result(self, digest: str, result: bytes, predictions: bytes) -> None:
        """Write down that an evaluation is finished, and the bytes of its two files.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        with self._writing():
            self._database.execute(
                "insert or replace into evaluations values (?, ?, ?)",
                (digest, digest_of_bytes([result]), digest_of_bytes([predictions])),
            )

    def is_finished(self, digest: str, result: Path, predictions: Path) -> bool:
        """Whether an evaluation is finished and its files are still what was written."""
        with self._writing():
            row = self._database.execute(
                "select result_digest, predictions_file_digest from evaluations where digest = ?",
                (digest,),
            ).fetchone()
        return row is not None and row == (
            digest_of_file_content(result),
            digest_of_file_content(predictions),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = one_line(error)
            raise WriteError(f"Cannot go on with {self._path}: {reason}. {_GO_ON}") from error


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("begin immediate")
    try:
        yield
        database.execute("commit")
    except BaseException:
        # A full disk has taken it back already.
        if database.in_transaction:
            database.execute("rollback")
        raise


def _checksum(digest: str, outcome: bytes) -> str:
    return digest_of_bytes([digest.encode(), outcome])


def _is_sound(digest: Any, outcome: Any, checksum: Any) -> bool:
    """Whether a row is as it was written; flipped bits may have made another type of a value."""
    typed = isinstance(digest, str) and isinstance(outcome, bytes)
    return typed and _checksum(digest, outcome) == checksum


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
