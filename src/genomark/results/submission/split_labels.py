"""The test split of a task of GUANinE, with labels, from the files of whoever has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genomark.benchmarks.guanine.guanine_task import LAYOUT, GuanineTask
from genomark.benchmarks.guanine.options import GuanineOptions
from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.errors import UsageError
from genomark.results.submission.hidden import TestTable


def read_test_split(benchmark: str, data: Path, genome: Path | None = None) -> TestTable:
    """Read items, labels and clusters of a test split.

    Parameters
    ----------
    benchmark : str
        A task of GUANinE: ``"guanine/cons30"``.
    data : Path
        A folder with a folder for each task, or that of this one; in it is ``test/test.csv`` with
        sequences, or ``bed/test/test.bed`` with coordinates, and labels in the column ``y``.
    genome : Path, optional
        That coordinates are of; with it, a file of coordinates goes before one of sequences.

    Returns
    -------
    TestTable
        Items named as ``genomark run`` names them: the rows of a file of sequences by their
        numbers from 1, places as ``chr1:100-612``, variants as ``chr1:612:A>G``. Clusters are
        stretches of 100 kb where places are known, else each item is one.

    Raises
    ------
    UsageError
        If it is no such task, a file is not as it should be, or its labels are not told.
    DatasetError
        If there is no such file.
    """
    tasks = [each for each in declared_ids() if read_shipped(each).layout == LAYOUT]
    if benchmark not in tasks:
        raise UsageError(f"'{benchmark}' is no task whose files are known: {', '.join(tasks)}")
    options = GuanineOptions(split="test", data=str(data), genome=str(genome or ""))
    rows = GuanineTask(read_shipped(benchmark), options).asked
    asked = rows.labelled
    if rows.hidden:
        raise UsageError(f"{data}: the test split of '{benchmark}' is there without its labels")
    by_name = np.array(sorted(range(len(asked)), key=asked.ids.__getitem__))
    by_label = np.array(sorted(range(len(asked.labels)), key=asked.labels.__getitem__))
    _, clusters = np.unique(asked.groups or asked.ids, return_inverse=True)
    table = TestTable(
        items=[asked.ids[row] for row in by_name.tolist()],
        labels=tuple(asked.labels[column] for column in by_label.tolist()),
        truth=np.asarray(asked.targets, dtype=np.float64)[np.ix_(by_name, by_label)],
        clusters=clusters[by_name].astype(np.int64),
    )
    table.check(str(data))
    return table
