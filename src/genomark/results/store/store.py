"""Results of many people and machines in one place."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import sqlalchemy as sa

from genomark.errors import GenomarkError, UsageError, one_line
from genomark.results.store.database import Database, raised
from genomark.results.store.entry import (
    PUBLISHED,
    SELF_REPORTED,
    VERIFIED,
    Column,
    ColumnCount,
    Entry,
    Standing,
    newest_first,
    newest_of_each,
    packed,
    told,
    unpacked,
)
from genomark.results.store.evidence import NO_EVIDENCE, Evidence, Replicates, from_row, to_row
from genomark.results.store.files import Files, open_files
from genomark.results.store.opening import open_database
from genomark.results.store.queries import column_counts, read_entries
from genomark.results.store.tables import documents, replicates, results, state
from genomark.scoring import Result

#: Ids of one question to the database.
_AT_ONCE = 500
# Made once, so that SQLAlchemy remembers what they compile to.
_STANDING = sa.select(results.c.standing).where(results.c.id == sa.bindparam("asked"))
#: What changes where a self-reported result turns out to be what predictions give.
_RISING = ("standing", "reason", "predictions", "items")
_RISE = (
    sa.update(results)
    .where(results.c.id == sa.bindparam("risen"))
    .values({name: sa.bindparam(name) for name in _RISING})
)
_ADD = sa.insert(results)
_ADD_DOCUMENT = sa.insert(documents)
_ADD_REPLICATES = sa.insert(replicates)
_DROP_REPLICATES = sa.delete(replicates).where(replicates.c.result_id == sa.bindparam("risen"))


class Store:
    """Results of many people and machines; `Store.open` makes one.

    Threads and processes may share a place. What `add` and `withdraw` have returned from outlives a
    kill of any process and a cut of power.
    """

    def __init__(self, database: Database, files: Files | None) -> None:
        self._database = database
        self._files = files

    @classmethod
    def open(
        cls, place: str | Path, files: str | Path | None = None, *, create: bool = True
    ) -> Store:
        """Open a store, or make it.

        Parameters
        ----------
        place : str or Path
            A folder, or ``postgresql://USER@HOST/DATABASE``, perhaps with ``?files=PLACE``.
        files : str or Path, optional
            Folder, or URL that fsspec knows, for predictions and items; left out: the folder
            itself. A PostgreSQL has none, so it must be named where files are needed.
        create : bool
            Make a store where there is none.

        Raises
        ------
        UsageError
            If the URL is none, an extra is not installed, or there is no store to open.
        WriteError
            If the store has to be made or migrated, and cannot be.
        GenomarkError
            If it is damaged, or a newer genomark wrote it.
        """
        database, beside = open_database(place, create=create)
        files = files or beside
        return cls(database, None if files is None else open_files(files))

    @property
    def name(self) -> str:
        """The place, for messages; without a password."""
        return self._database.name

    @property
    def database(self) -> Database:
        """Below everything."""
        return self._database

    @property
    def files(self) -> Files:
        """Where predictions and items are.

        Raises
        ------
        UsageError
            If that was not told.
        """
        if self._files is None:
            raise UsageError(
                f"{self.name} holds no files, and none were named: open it with files=, or as "
                "postgresql://USER@HOST/DATABASE?files=FOLDER"
            )
        return self._files

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()

    def add(
        self,
        result: Result,
        *,
        owner: str = "",
        standing: Standing = SELF_REPORTED,
        reason: str | None = None,
        predictions: bytes | None = None,
        evidence: Evidence = NO_EVIDENCE,
    ) -> str:
        """Add a result, once.

        What is there already stays as it is, but for one thing: a self-reported result that is
        added again as verified becomes so, with its files and replicates.

        Parameters
        ----------
        result : Result
        owner : str
            Who says so; empty for this machine's own.
        standing : {"verified", "self-reported", "published"}
            Whether it was computed here; figures of others (``settings["source"]``) are published,
            whatever is asked.
        reason : str, optional
            Why it is not verified.
        predictions : bytes, optional
            The parquet file it was computed from.
        evidence : Evidence
            What is kept of scored predictions.

        Returns
        -------
        str
            Its id.

        Raises
        ------
        UsageError
            If it has no headline, or ids or numbers that no store has room for.
        WriteError
            If it cannot be kept; nothing then is there but, perhaps, files that no row names.
        """
        row = told(result, owner)
        row["standing"] = PUBLISHED if "source" in result.settings else standing
        if not self._is_new(row):
            return str(row["id"])
        row |= {
            "reason": None if reason is None else one_line(reason),
            "predictions": None
            if predictions is None
            else self.files.put("predictions", predictions),
            "items": None if evidence.items is None else self.files.put("items", evidence.items),
            "added": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self._insert(row, packed(result), evidence.replicates)
        return str(row["id"])

    def withdraw(self, id: str, reason: str) -> None:
        """Let a result no longer count; it stays, with the reason.

        Raises
        ------
        UsageError
            If there is none of that id, or no reason is given.
        WriteError
            If the store cannot be changed.
        """
        if not reason.strip():
            raise UsageError("a result is withdrawn for a reason; none was given")
        change = sa.update(results).where(results.c.id == id).values(withdrawn=one_line(reason))
        with self._database.writing() as connection:
            raised(connection)
            if connection.execute(change).rowcount == 0:
                raise _unknown(id, self.name)

    @property
    def generation(self) -> int:
        """A number that every change raises: while it is the same, so is the store."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(state.c.value)).scalar_one())

    def columns(self, benchmark: str | None = None) -> list[ColumnCount]:
        """List the columns, and what stands in them.

        Results of different versions, digests or limits of a benchmark never share a column.

        Parameters
        ----------
        benchmark : str, optional
            An id; all if left out.

        Returns
        -------
        list of ColumnCount
            By benchmark, then from the newest version to the oldest.
        """
        with self._database.reading() as connection:
            return newest_first(column_counts(connection, benchmark))

    def entries(
        self,
        *,
        column: Column | None = None,
        benchmark: str | None = None,
        model: str | None = None,
        every: bool = False,
    ) -> list[Entry]:
        """Give results without their documents.

        Parameters
        ----------
        column : Column, optional
        benchmark, model : str, optional
            Ids.
        every : bool
            Give every attempt, withdrawn ones too. Otherwise of each owner and model in a column
            the newest that is not withdrawn, and how many attempts there were.

        Returns
        -------
        list of Entry
            Oldest first.
        """
        with self._database.reading() as connection:
            found = read_entries(connection, column=column, benchmark=benchmark, model=model)
        return found if every else newest_of_each(found)

    def entry(self, id: str) -> Entry:
        """Give one result without its document.

        Raises
        ------
        UsageError
            If there is none of that id.
        """
        with self._database.reading() as connection:
            found = read_entries(connection, id=id)
        if not found:
            raise _unknown(id, self.name)
        return found[0]

    def results(self, ids: Iterable[str]) -> list[Result]:
        """Give the documents of some results, in the order of the ids.

        Raises
        ------
        UsageError
            If there is none of an id.
        """
        asked = list(ids)
        found = dict(
            self._of_ids(
                [documents.c.result_id, documents.c.document], documents.c.result_id, asked
            )
        )
        for id in asked:
            if id not in found:
                raise _unknown(id, self.name)
        return [unpacked(found[id]) for id in asked]

    def result(self, id: str) -> Result:
        """Give the document of one result; its JSON is that which was added, byte for byte.

        Raises
        ------
        UsageError
            If there is none of that id.
        """
        return self.results([id])[0]

    def replicates(self, ids: Iterable[str]) -> dict[str, Replicates]:
        """Give the replicates of those of some results that have any, by id."""
        columns = [replicates.c[name] for name in _REPLICATES]
        rows = self._of_ids([replicates.c.result_id, *columns], replicates.c.result_id, list(ids))
        return {row[0]: from_row(*row[1:]) for row in rows}

    def predictions(self, id: str) -> bytes | None:
        """Give the predictions of a result, parquet; None where none came with it.

        Raises
        ------
        UsageError
            If there is no such result, or it was not told where the files are.
        GenomarkError
            If the file is missing or damaged.
        """
        digest = self.entry(id).predictions
        return None if digest is None else self.files.get("predictions", digest)

    def items(self, id: str) -> pl.DataFrame | None:
        """Give truth and answer of each item; None where they are not kept.

        Returns
        -------
        polars.DataFrame or None
            `item_id`, `group`, `truth`, `value`, `said`, `answered`: one row an item and label.

        Raises
        ------
        UsageError
            If there is no such result, or it was not told where the files are.
        GenomarkError
            If the file is missing or damaged.
        """
        digest = self.entry(id).items
        if digest is None:
            return None
        return pl.read_parquet(io.BytesIO(self.files.get("items", digest)))

    def _is_new(self, row: dict[str, Any]) -> bool:
        with self._database.reading() as connection:
            return _changes(connection, row)

    def _insert(self, row: dict[str, Any], document: bytes, drawn: Replicates | None) -> None:
        id = row["id"]
        with self._database.writing() as connection:
            number = raised(connection)
            if not _changes(connection, row):
                # Another process was faster: nothing is changed, so the generation is not either.
                connection.get_transaction().rollback()  # type: ignore[union-attr]
                return
            risen = {name: row[name] for name in _RISING}
            if connection.execute(_RISE, {"risen": id, **risen}).rowcount == 0:
                connection.execute(_ADD, {"number": number, **row})
                connection.execute(_ADD_DOCUMENT, {"result_id": id, "document": document})
            else:
                # Those that were reported with it.
                connection.execute(_DROP_REPLICATES, {"risen": id})
            if drawn is not None:
                connection.execute(_ADD_REPLICATES, {"result_id": id, **to_row(drawn)})

    def _of_ids(
        self, columns: list[sa.Column[Any]], key: sa.Column[Any], ids: Sequence[str]
    ) -> list[Any]:
        found: list[Any] = []
        with self._database.reading() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                asked = sa.select(*columns).where(key.in_(ids[start : start + _AT_ONCE]))
                found += connection.execute(asked).all()
        return found


_REPLICATES = ("method", "clusters", "asked", "compared", "shape", "drawn")


def _changes(connection: sa.Connection, row: dict[str, Any]) -> bool:
    """Whether a row says anything that the store does not know yet."""
    known = connection.execute(_STANDING, {"asked": row["id"]}).scalar()
    return known is None or (known == SELF_REPORTED and row["standing"] == VERIFIED)


def _unknown(id: str, name: str) -> GenomarkError:
    return UsageError(
        f"No result '{one_line(id)}' in {name}; its ids are shown by: "
        "genomark store list PLACE --results"
    )
