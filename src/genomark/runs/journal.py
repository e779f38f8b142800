"""What has been done so far, in a file that outlives any crash.

One SQLite database a result folder, in WAL mode. A shard is done when its row says so and the file
has the digest that the row names; anything else is computed again. The row is written after the
file, so a kill at any instant loses at most the shards in flight.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from genomark.digests import digest_of_bytes
from genomark.errors import GenomarkError, WriteError
from genomark.runs.shards import ShardOutcome, shard_path

_VERSION = 1
_SCHEMA = """
create table if not exists shards (
    digest text primary key,
    outcome blob not null
) without rowid;
create table if not exists evaluations (
    digest text primary key,
    result_digest text not null,
    predictions_file_digest text not null
) without rowid;
"""


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
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                folder / "journal.sqlite", timeout=60, isolation_level=None
            )
            self._database.execute("pragma journal_mode=wal")
            self._database.execute("pragma synchronous=full")
        except (OSError, sqlite3.Error) as error:
            raise WriteError(
                f"Cannot keep results in {folder}: {error}. Choose another folder with --out"
            ) from error
        self._open()

    def _open(self) -> None:
        version = self._database.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise GenomarkError(
                f"{self.folder} was written by a newer genomark (journal version {version}, this "
                f"one knows {_VERSION}). Upgrade genomark, or choose another folder with --out"
            )
        self._database.executescript(_SCHEMA)
        self._database.execute(f"pragma user_version={_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def record(self, outcome: ShardOutcome) -> None:
        """Write down what became of a shard."""
        self._database.execute(
            "insert or replace into shards values (?, ?)",
            (outcome.digest, msgspec.msgpack.encode(outcome)),
        )

    def outcomes(self, digests: Iterable[str]) -> list[ShardOutcome]:
        """Give the recorded outcomes of some shards, in their order."""
        found = []
        for digest in digests:
            row = self._database.execute(
                "select outcome from shards where digest = ?", (digest,)
            ).fetchone()
            if row:
                found.append(msgspec.msgpack.decode(row[0], type=ShardOutcome))
        return found

    def is_done(self, digest: str) -> bool:
        """Whether a shard was computed and its file is still what was written."""
        for outcome in self.outcomes([digest]):
            if outcome.file_digest is not None:
                return _digest_of(shard_path(self.folder, digest)) == outcome.file_digest
        return False

    def record_result(self, digest: str, result: bytes, predictions: bytes) -> None:
        """Write down that an evaluation is finished, and the bytes of its two files."""
        self._database.execute(
            "insert or replace into evaluations values (?, ?, ?)",
            (digest, digest_of_bytes([result]), digest_of_bytes([predictions])),
        )

    def is_finished(self, digest: str, result: Path, predictions: Path) -> bool:
        """Whether an evaluation is finished and its files are still what was written."""
        row = self._database.execute(
            "select result_digest, predictions_file_digest from evaluations where digest = ?",
            (digest,),
        ).fetchone()
        return row is not None and row == (_digest_of(result), _digest_of(predictions))


def _digest_of(path: Path) -> str | None:
    try:
        return digest_of_bytes([path.read_bytes()])
    except FileNotFoundError:
        return None
