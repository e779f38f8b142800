"""Whether a store is whole: the database, every document, every file that a row names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from genomark.errors import GenomarkError, UsageError, one_line
from genomark.results.store.entry import ENTRY_FIELDS, Entry, told
from genomark.results.store.files import KINDS, FileMissingError, Kind
from genomark.results.store.store import Store

Problem = Literal["database", "document", "missing", "damaged", "orphan"]
#: Documents read at once.
_AT_ONCE = 200


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be.

    Attributes
    ----------
    problem : str
        ``database``: it contradicts itself. ``document``: not what its row says. ``missing`` and
        ``damaged``: a file that a row names. ``orphan``: a file that no row names, which harms
        nobody: an `add` was killed, or goes on at this moment.
    where : str
        Id of a result, or kind and SHA-256 of a file.
    detail : str
    """

    problem: Problem
    where: str
    detail: str

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost."""
        return self.problem == "orphan"


def check_store(
    store: Store, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Finding]:
    """Read all of a store, and tell what is wrong.

    Parameters
    ----------
    store : Store
    progress : callable
        Is told how many of how many results and files are done.

    Raises
    ------
    UsageError
        If it was not told where the files are.
    """
    try:
        yield from _of_database(store)
        # Before the rows: a file that is added meanwhile has none yet.
        kept = {kind: list(store.files.digests(kind)) for kind in KINDS}
        entries = store.entries(every=True)
        named = {kind: _named(entries, kind) for kind in KINDS}
        total = len(entries) + sum(map(len, named.values()))
        done = 0
        for start in range(0, len(entries), _AT_ONCE):
            part = entries[start : start + _AT_ONCE]
            yield from _of_documents(store, part)
            progress(done := done + len(part), total)
        for kind in KINDS:
            for digest, id in named[kind].items():
                yield from _of_file(store, kind, digest, id)
                progress(done := done + 1, total)
            for digest in kept[kind]:
                if digest not in named[kind]:
                    yield Finding("orphan", f"{kind} {digest}", "no result names this file")
    except UsageError:
        raise
    except GenomarkError as error:
        yield Finding("database", store.name, one_line(error))


def _of_database(store: Store) -> Iterator[Finding]:
    if not store.database.is_sqlite:
        return
    with store.database.reading() as connection:
        told = [row[0] for row in connection.exec_driver_sql("pragma integrity_check(20)")]
    yield from (Finding("database", store.name, one_line(each)) for each in told if each != "ok")


def _of_documents(store: Store, entries: list[Entry]) -> Iterator[Finding]:
    for each in entries:
        try:
            row = told(store.result(each.id), each.owner)
            store.replicates([each.id])
        except GenomarkError as error:
            yield Finding("document", each.id, f"cannot be read: {one_line(error)}")
            continue
        wrong = [name for name in ENTRY_FIELDS if name in row and row[name] != getattr(each, name)]
        if wrong:
            yield Finding("document", each.id, f"its row says otherwise of {', '.join(wrong)}")


def _of_file(store: Store, kind: Kind, digest: str, id: str) -> Iterator[Finding]:
    try:
        store.files.get(kind, digest)
    except FileMissingError as error:
        yield Finding("missing", f"{kind} {digest}", f"{one_line(error)} ({id})")
    except GenomarkError as error:
        yield Finding("damaged", f"{kind} {digest}", f"{one_line(error)} ({id})")


def _named(entries: list[Entry], kind: Kind) -> dict[str, str]:
    """Give the files that results name, with one of these."""
    return {digest: each.id for each in entries if (digest := getattr(each, kind)) is not None}
