"""HumanTFs: which of 2,765 human genes is a transcription factor (Lambert et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.sources.files import only
from genomark.genes.sources.reading import read_columns
from genomark.genes.sources.source import KnownTask, PinnedFile, Settings, Source
from genomark.genes.task import GeneTask, make_task

NAME = "human-tfs"
TASK = "TF vs non-TF"
POSITIVE = "Transcription factor"
NEGATIVE = "Not a transcription factor"

_JUDGED = {"Yes": POSITIVE, "No": NEGATIVE}


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read ``DatabaseExtract_v_1.01.csv``.

    Parameters
    ----------
    files : sequence of Path
        The one table, with columns ``HGNC symbol`` and ``Is TF?``.
    settings : Settings
        None is heeded.

    Yields
    ------
    GeneTask
        One binary task.

    Raises
    ------
    UsageError
        When the file is not that table.
    """
    path = only(files, "the HumanTFs table (DatabaseExtract_v_1.01.csv)")
    table = read_columns(path, ["HGNC symbol", "Is TF?"], separator=",")
    odd = sorted(set(table["Is TF?"]) - set(_JUDGED))
    if odd:
        raise UsageError(f"{path}: the column 'Is TF?' holds '{odd[0]}', expected Yes or No")
    entities = table.select(symbol="HGNC symbol")
    outcomes = table.select(Outcomes=pl.col("Is TF?").replace_strict(_JUDGED))
    yield make_task(TASK, entities, outcomes, kind="binary", positive=POSITIVE)


SOURCE = Source(
    name=NAME,
    title="HumanTFs v1.01: transcription factors among human genes",
    home="https://humantfs.ccbr.utoronto.ca/download.php",
    licence="See the origin",
    citation="Lambert et al. 2018, Cell 172:650",
    remotes=(PinnedFile("human_tfs", "DatabaseExtract_v_1.01.csv"),),
    tasks=(KnownTask(TASK, "regulatory functions", NAME, "binary"),),
    files="DatabaseExtract_v_1.01.csv",
    parse=parse,
)
