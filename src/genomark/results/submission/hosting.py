"""A benchmark that a board hosts: its items in the open, its labels sealed."""

from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import polars as pl

from genomark.atomic import write_whole
from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.digests import digest_of, digest_of_file
from genomark.errors import GenomarkError, UsageError
from genomark.results.submission.hidden import (
    HiddenTruth,
    TestTable,
    sealed_truth,
    unsealed_truth,
)
from genomark.results.submission.ladder import default_step
from genomark.results.submission.manifest import MANIFEST_SCHEMA
from genomark.results.submission.referee import Referee
from genomark.results.submission.sealed import BoardKey

_ID = re.compile(r"[!-~]{1,200}")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


class Hosted(msgspec.Struct, frozen=True):
    """What is known of a hosted benchmark to everybody.

    Attributes
    ----------
    items : int
    labels : list of str
        Each submission has a value for every item and label.
    private_share : float
        Of the clusters, scored only at the end.
    step : float
        What figures are rounded to.
    ids_digest : str
        Of the file of the items.
    accepts : str
        Schema of the bundles.
    """

    id: str
    version: str
    items: int
    labels: list[str]
    private_share: float
    step: float
    ids_digest: str
    accepts: str = MANIFEST_SCHEMA

    @property
    def folder(self) -> str:
        """Name of its folder: an id is data, and may be no path."""
        plain = _NOT_PLAIN.sub("-", self.id.casefold()).strip("-")[:60]
        return f"{plain}-{digest_of([self.id])[:8]}"

    @property
    def purpose(self) -> str:
        """What its labels are sealed for: the same items of the same version."""
        return f"truth of {self.id} {self.version} {self.ids_digest}"


def host(
    folder: Path,
    key: BoardKey,
    name: str,
    version: str | None,
    table: TestTable,
    private_share: float,
    step: float | None,
) -> Hosted:
    """Seal the labels of a test set.

    Parameters
    ----------
    folder : Path
        Of all hosted benchmarks.
    key : BoardKey
    name : str
        Of the benchmark, as bundles name it.
    version : str, optional
        That of the benchmark of this name, or 1, when not given.
    table : TestTable
    private_share : float
        Of the clusters, above 0 and below 1.
    step : float, optional
        Of the Ladder; `default_step` of the public clusters when not given.

    Raises
    ------
    UsageError
        If a name or number is none that a board can use, or the table cannot be parted and scored.
    WriteError
        If it cannot be written.
    """
    if version is None:
        version = read_shipped(name).version if name in declared_ids() else "1"
    for text in (name, version):
        if not _ID.fullmatch(text):
            raise UsageError(f"{text!r} is no id or version: expected letters without blanks")
    if not 0 < private_share < 1:
        raise UsageError(f"A private share of {private_share}; expected above 0 and below 1")
    if step is not None and not 0 < step <= 0.5:
        raise UsageError(f"A step of {step}; expected above 0 and at most 0.5")
    hidden = table.split(key, f"split of {name} {version}", private_share)
    draft = Hosted(
        id=name,
        version=version,
        items=len(table.items),
        labels=list(table.labels),
        private_share=private_share,
        step=step or default_step(hidden.public_clusters()),
        ids_digest="",
    )
    # Refuses what could not be scored before anything is written.
    Referee(hidden, table.labels, seed=0)
    ids = folder / draft.folder / "items.parquet"
    _write_ids(ids, table.items)
    hosted = msgspec.structs.replace(draft, ids_digest=digest_of_file(ids))
    write_whole(folder / hosted.folder / "truth.sealed", sealed_truth(hidden, key, hosted.purpose))
    return hosted


def referee_of(folder: Path, key: BoardKey, hosted: Hosted, threads: int) -> Referee:
    """Unseal the labels of a benchmark.

    Raises
    ------
    GenomarkError
        If its files are not those that were written.
    """
    ids, sealed = items_path(folder, hosted), folder / hosted.folder / "truth.sealed"
    try:
        if digest_of_file(ids) != hosted.ids_digest:
            raise GenomarkError(f"{ids} was changed; restore it from a copy of the board")
        hidden: HiddenTruth = unsealed_truth(sealed.read_bytes(), key, hosted.purpose)
    except OSError as error:
        raise GenomarkError(f"{error.filename}: {error.strerror}; restore the board") from error
    seed = key.seed(f"bootstrap of {hosted.id} {hosted.version}")
    return Referee(hidden, tuple(hosted.labels), seed, threads)


def items_path(folder: Path, hosted: Hosted) -> Path:
    """Give the file of the items that are asked."""
    return folder / hosted.folder / "items.parquet"


def _write_ids(path: Path, items: list[str]) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"item_id": pl.Series(items, dtype=pl.String)}).write_parquet(buffer)
    write_whole(path, buffer.getvalue())
