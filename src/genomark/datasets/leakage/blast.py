"""The nearest training sequence as BLAST finds it, for who wants to see the same from elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from genomark.datasets.leakage.nearest import COVERAGE, IDENTITY, Nearest, none_near
from genomark.errors import UsageError

_PROGRAMS = ("makeblastdb", "blastn")
_COLUMNS = {
    "test": pl.Int64,
    "train": pl.Int64,
    "matches": pl.Int64,
    "columns": pl.Int64,
    "test_first": pl.Int64,
    "test_last": pl.Int64,
    "train_first": pl.Int64,
    "train_last": pl.Int64,
    "score": pl.Float64,
}
_ASKED = "6 qseqid sseqid nident length qstart qend sstart send bitscore"
#: Hits by chance in a whole search of one sequence.
_E_VALUE = 1e-3


def nearest_by_blast(
    test: Sequence[str],
    train: Sequence[str],
    *,
    identity: float = IDENTITY,
    coverage: float = COVERAGE,
    both_strands: bool = True,
    threads: int = 1,
) -> Nearest:
    """Look for the nearest training sequence of each test sequence with blastn.

    Of hits with an e-value up to 0.001 that with the best bit score counts, of equal ones that of
    the first training sequence; task `blastn` with its default scores and its mask of low
    complexity (Camacho et al. 2009, BMC Bioinformatics 10:421).

    Parameters
    ----------
    test, train : sequence of str
        U is T.
    identity, coverage : float
        As of `nearest`; any of the hits may pass.
    both_strands : bool
    threads : int

    Returns
    -------
    Nearest

    Raises
    ------
    UsageError
        If BLAST is not installed, or ends with an error.
    """
    if missing := [each for each in _PROGRAMS if shutil.which(each) is None]:
        raise UsageError(
            f"{' and '.join(missing)} not found: install NCBI BLAST+ (Debian's ncbi-blast+), or "
            "leave the engine out"
        )
    if not any(test) or not any(train):
        return none_near(len(test))
    with tempfile.TemporaryDirectory(prefix="genomark-blast-") as name:
        folder = Path(name)
        _write(folder / "test.fa", test)
        _write(folder / "train.fa", train)
        _run("makeblastdb", "-in", folder / "train.fa", "-dbtype", "nucl", "-out", folder / "db")
        _run(
            *("blastn", "-task", "blastn", "-query", folder / "test.fa", "-db", folder / "db"),
            *("-evalue", _E_VALUE, "-max_hsps", 1, "-num_threads", threads),
            *("-strand", "both" if both_strands else "plus"),
            *("-outfmt", _ASKED, "-out", folder / "hits.tsv"),
        )
        if not (folder / "hits.tsv").stat().st_size:
            return none_near(len(test))
        hits = pl.read_csv(
            folder / "hits.tsv",
            separator="\t",
            has_header=False,
            new_columns=list(_COLUMNS),
            schema_overrides=list(_COLUMNS.values()),
        )
    return _best(hits, test, identity, coverage)


def _write(path: Path, sequences: Sequence[str]) -> None:
    with path.open("w") as out:
        for row, sequence in enumerate(sequences):
            if sequence:
                out.write(f">{row}\n{sequence.upper().replace('U', 'T')}\n")


def _run(*words: object) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise UsageError(f"{words[0]} failed: {said[-1]}")


def _best(hits: pl.DataFrame, test: Sequence[str], identity: float, coverage: float) -> Nearest:
    lengths = np.array([len(each) for each in test], dtype=np.int64)
    covered = (hits["test_last"] - hits["test_first"] + 1).to_numpy() / lengths[hits["test"]]
    is_like = (hits["matches"] / hits["columns"]).to_numpy() >= identity
    leaked = hits["test"].to_numpy()[is_like & (covered >= coverage)]
    order = [pl.col("test"), -pl.col("score"), pl.col("train")]
    best = hits.sort(order, maintain_order=True).unique("test", keep="first", maintain_order=True)
    rows = best["test"].to_numpy()
    first, last = best["train_first"].to_numpy(), best["train_last"].to_numpy()
    matches, columns = best["matches"].to_numpy(), best["columns"].to_numpy()
    out = none_near(len(test))
    out.train[rows] = best["train"].to_numpy()
    out.strand[rows] = np.where(first <= last, 1, -1)
    out.identity[rows] = matches / columns
    out.columns[rows] = columns
    # Its places count from 1, and are the other way round on the other strand.
    out.test_start[rows] = best["test_first"].to_numpy() - 1
    out.test_end[rows] = best["test_last"].to_numpy()
    out.train_start[rows] = np.minimum(first, last) - 1
    out.train_end[rows] = np.maximum(first, last)
    out.coverage[rows] = (out.test_end[rows] - out.test_start[rows]) / lengths[rows]
    out.similarity[rows] = matches / lengths[rows]
    out.leaked[leaked] = True
    return out
