"""One result as a board needs it: a row without the document, and the column it stands in."""

from __future__ import annotations

import re
import zlib
from typing import Any, Literal

import msgspec

from genomark.digests import digest_of_bytes
from genomark.errors import GenomarkError, UsageError, one_line
from genomark.results.collection import headlines
from genomark.results.leakage_words import share_seen
from genomark.scoring import MetricRow, Result

#: ``verified``: computed here from predictions. ``self-reported``: as somebody says.
#: ``published``: figures that others published.
Standing = Literal["verified", "self-reported", "published"]
VERIFIED: Standing = "verified"
SELF_REPORTED: Standing = "self-reported"
PUBLISHED: Standing = "published"

#: Bytes of UTF-8 that an index of PostgreSQL has room for, with the others beside it.
_MOST_BYTES = 800
_LARGEST_NUMBER = (1 << 63) - 1
_NUMBERS = re.compile(r"(\d+)")
_encoder = msgspec.json.Encoder(order="deterministic")


class Column(msgspec.Struct, frozen=True, order=True):
    """What results must share to stand side by side: the same question, asked of the same items.

    Attributes
    ----------
    benchmark, version, digest : str
        As `BenchmarkIdentity` has them.
    limit : int or None
        Of a run with ``--limit``.
    """

    benchmark: str
    version: str
    digest: str
    limit: int | None = None


class ColumnCount(msgspec.Struct, frozen=True):
    """What stands in a column.

    Attributes
    ----------
    title : str
        Of the benchmark.
    models : int
        Pairs of owner and model with a result that is not withdrawn.
    results : int
        All attempts, withdrawn ones among them.
    withdrawn : int
    newest : int
        `Entry.number` of the last one.
    """

    column: Column
    title: str
    models: int
    results: int
    withdrawn: int
    newest: int


class Entry(msgspec.Struct, frozen=True):
    """A result in a store, without its document.

    Attributes
    ----------
    id : str
        Digest of owner and document.
    number : int
        Generation of the store that it was added in: the larger, the newer.
    added : str
        UTC, ISO 8601.
    owner : str
        Empty for this machine's own.
    standing : {"verified", "self-reported", "published"}
    reason : str or None
        Why it is not verified.
    title : str
        Of the benchmark.
    headline : str
        Name of the row that ranks; `value`, `low`, `high` (its interval), `n` and `n_clusters` are
        of it.
    asked, answered : int
        Items.
    wall_seconds, cpu_seconds, peak_rss_bytes
        What it cost.
    predictions, items : str or None
        SHA-256 of these files, where there are such.
    withdrawn : str or None
        Why it no longer counts.
    leakage : float or None
        Share of the items that the model saw in training; None where that is unknown.
    attempts : int
        Results of the same owner and model in this column, withdrawn ones among them, where this
        is the newest; 1 where every attempt was asked for.
    """

    id: str
    number: int
    added: str
    owner: str
    standing: Standing
    reason: str | None
    benchmark_id: str
    benchmark_version: str
    benchmark_digest: str
    item_limit: int | None
    title: str
    model_id: str
    model_version: str
    model_digest: str
    seed: int
    headline: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_clusters: int
    asked: int
    answered: int
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    predictions: str | None
    items: str | None
    withdrawn: str | None
    leakage: float | None = None
    attempts: int = 1

    @property
    def column(self) -> Column:
        """The column it stands in."""
        return Column(
            self.benchmark_id, self.benchmark_version, self.benchmark_digest, self.item_limit
        )


#: Those that are columns of the table `results`, in its order.
ENTRY_FIELDS = Entry.__struct_fields__[:-1]


def result_id(owner: str, result: Result) -> str:
    """Name a result by what it says and who says it; the order of keys is no matter."""
    return digest_of_bytes([owner.encode(), _encoder.encode(result)])


def packed(result: Result) -> bytes:
    """Compress a document; keys stay in their order."""
    return zlib.compress(msgspec.json.encode(result))


def unpacked(document: bytes) -> Result:
    """Read what `packed` wrote.

    Raises
    ------
    GenomarkError
        If it is damaged.
    """
    try:
        return msgspec.json.decode(zlib.decompress(document), type=Result)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise GenomarkError(f"a document in the store is damaged: {one_line(error)}") from error


def told(result: Result, owner: str) -> dict[str, Any]:
    """Give what of a row follows from the document.

    Raises
    ------
    UsageError
        If it has no headline, or ids or numbers that no store has room for.
    """
    try:
        # As it will be read again: what JSON cannot hold is null from the start.
        result = msgspec.json.decode(msgspec.json.encode(result), type=Result)
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise UsageError(f"a result that cannot be written as JSON: {one_line(error)}") from error
    row = _headline(result)
    low, high = row.interval or (None, None)
    found = {
        "id": result_id(owner, result),
        "owner": owner,
        **{f"benchmark_{name}": getattr(result.benchmark, name) for name in _IDENTITY},
        **{f"model_{name}": getattr(result.model, name) for name in _IDENTITY},
        "item_limit": _limit(result),
        "title": result.benchmark.title[:_MOST_BYTES].replace("\0", " "),
        "seed": result.seed,
        "headline": row.name,
        "value": row.value,
        "low": low,
        "high": high,
        "n": row.n,
        "n_clusters": row.n_clusters,
        "asked": result.coverage.asked,
        "answered": result.coverage.answered,
        "wall_seconds": result.cost.wall_seconds,
        "cpu_seconds": result.cost.cpu_seconds,
        "peak_rss_bytes": result.cost.peak_rss_bytes,
        "leakage": share_seen(result),
    }
    _refuse_misfits(found)
    return found


_IDENTITY = ("id", "version", "digest")


def _headline(result: Result) -> MetricRow:
    try:
        return result.metric(headlines(result)[0])
    except (KeyError, IndexError, TypeError) as error:
        raise UsageError(
            f"{_named(result)}: settings.headline names no row of it; expected the row that ranks"
        ) from error


def _limit(result: Result) -> int | None:
    limit = result.settings.get("limit")
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
        return limit
    raise UsageError(f"{_named(result)}: settings.limit is {one_line(limit)}; expected a number")


def _refuse_misfits(row: dict[str, Any]) -> None:
    for name, value in row.items():
        if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
            raise UsageError(f"{name} is {value}; expected less than 2**63")
        if isinstance(value, str) and name != "title":
            if "\0" in value:
                raise UsageError(f"{name} holds the character U+0000; expected text without it")
            if len(value.encode()) > _MOST_BYTES:
                raise UsageError(
                    f"{name} is {len(value.encode()):,} bytes long ('{one_line(value[:40])}...'); "
                    f"expected {_MOST_BYTES} at most"
                )


def _named(result: Result) -> str:
    return one_line(f"{result.benchmark.id} × {result.model.id}")


def newest_first(counted: list[ColumnCount]) -> list[ColumnCount]:
    """Order columns by benchmark, then from the newest version to the oldest.

    Numbers in a version count as numbers: 10 is newer than 9. Of one version, what was added to
    last comes first; what was asked whole comes before what was limited.
    """
    ordered = sorted(counted, key=lambda each: (each.column.limit is not None, -each.newest))
    ordered.sort(key=lambda each: _version_key(each.column.version), reverse=True)
    return sorted(ordered, key=lambda each: each.column.benchmark)


def _version_key(version: str) -> list[tuple[int, int, str]]:
    parts = filter(None, _NUMBERS.split(version))
    return [
        (1, int(part[:_MOST_DIGITS]), "") if part.isdecimal() else (0, 0, part) for part in parts
    ]


#: A version may be a number of any length, and reading one takes its square.
_MOST_DIGITS = 40


def newest_of_each(entries: list[Entry]) -> list[Entry]:
    """Keep of each owner and model in each column the newest that counts, and tell its attempts.

    Parameters
    ----------
    entries : list of Entry
        Every attempt, oldest first.

    Returns
    -------
    list of Entry
        Without those whose every attempt is withdrawn; in the order of the newest.
    """
    attempts: dict[tuple[Any, ...], int] = {}
    newest: dict[tuple[Any, ...], Entry] = {}
    for each in entries:
        who = (
            *(each.benchmark_id, each.benchmark_version, each.benchmark_digest, each.item_limit),
            *(each.owner, each.model_id),
        )
        attempts[who] = attempts.get(who, 0) + 1
        if each.withdrawn is None:
            newest.pop(who, None)
            newest[who] = each
    return [
        msgspec.structs.replace(each, attempts=attempts[who]) if attempts[who] > 1 else each
        for who, each in newest.items()
    ]
