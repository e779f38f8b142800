"""The results of a run, as something to look at, save and compute with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from genomark.atomic import write_whole
from genomark.errors import GenomarkError, UsageError
from genomark.scoring import Comparison, Rank, Result, rank


class Skipped(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was not evaluated, and why.

    Attributes
    ----------
    benchmark : str
        Its name.
    reason : str
        In one line.
    model : str or None
        Its spec; left out for a whole benchmark.
    """

    benchmark: str
    reason: str
    model: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """An evaluation that was tried and gave no result, and why.

    Attributes
    ----------
    benchmark, model : str
        Name and spec.
    reason : str
        In one line.
    """

    benchmark: str
    model: str
    reason: str


class _Document(msgspec.Struct):
    """What ``--json`` writes."""

    results: list[Result]
    skipped: list[Skipped]
    failed: list[Failed] = msgspec.field(default_factory=list)
    comparisons: list[Comparison] = msgspec.field(default_factory=list)


class Results:
    """Results of several models on several benchmarks, with what came of comparing them.

    Iterates over its `Result`s, in the order they were asked for.

    Attributes
    ----------
    results : list of Result
    skipped : list of Skipped
        What was not evaluated, and why.
    failed : list of Failed
        What was tried and gave no result, and why.
    comparisons : list of Comparison
        Paired differences between the models on each benchmark.
    """

    def __init__(
        self,
        results: list[Result],
        skipped: list[Skipped] | None = None,
        failed: list[Failed] | None = None,
        comparisons: list[Comparison] | None = None,
    ) -> None:
        self.results = results
        self.skipped = skipped or []
        self.failed = failed or []
        self.comparisons = comparisons or []

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: int) -> Result:
        return self.results[index]

    def __repr__(self) -> str:
        return (
            f"<Results: {len(self.results)} results, {len(self.skipped)} skipped, "
            f"{len(self.failed)} failed>"
        )

    def _repr_html_(self) -> str:
        from genomark.results.html import results_html

        return results_html(self)

    def benchmarks(self) -> list[str]:
        """Ids of the benchmarks there are results for, in order."""
        return list(dict.fromkeys(result.benchmark.id for result in self.results))

    def of(self, benchmark: str) -> list[Result]:
        """Results on one benchmark."""
        return [result for result in self.results if result.benchmark.id == benchmark]

    def ranks(self, benchmark: str) -> list[Rank]:
        """Rank the models on one benchmark, best first.

        Those without a value are left out, and so are scores that were read from a report of
        others: nothing was asked of these models here, so nothing shows who is apart from whom.
        """
        results = [each for each in self.of(benchmark) if "source" not in each.settings]
        if not results:
            return []
        headline = headlines(results[0])[0]
        values = {result.model.id: result.metric(headline).value for result in results}
        known = {model: value for model, value in values.items() if value is not None}
        pairs = [pair for pair in self.comparisons if pair.benchmark == benchmark]
        return rank(known, pairs, headline)

    def table(self) -> pl.DataFrame:
        """Give every metric row of every result.

        Returns
        -------
        polars.DataFrame
            Columns `benchmark`, `model`, `metric`, `group`, `value`, `low`, `high`, `n`,
            `n_clusters`, `rank` and `rank_last` (both only on the rows that rank), `reason`.
        """
        placed = {
            (benchmark, each.model): each
            for benchmark in self.benchmarks()
            for each in self.ranks(benchmark)
        }
        rows = []
        for result in self.results:
            place = placed.get((result.benchmark.id, result.model.id))
            for row in result.metrics:
                ranks = place if row.name == headlines(result)[0] and row.group is None else None
                rows.append(
                    {
                        "benchmark": result.benchmark.id,
                        "model": result.model.id,
                        "metric": row.name,
                        "group": row.group,
                        "value": row.value,
                        "low": row.interval[0] if row.interval else None,
                        "high": row.interval[1] if row.interval else None,
                        "n": row.n,
                        "n_clusters": row.n_clusters,
                        "rank": ranks.first if ranks else None,
                        "rank_last": ranks.last if ranks else None,
                        "reason": row.reason_if_null,
                    }
                )
        return pl.DataFrame(rows, schema=_TABLE_SCHEMA)

    def to_pandas(self) -> Any:
        """Give `table()` as a pandas DataFrame.

        Raises
        ------
        GenomarkError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise GenomarkError("to_pandas() needs pandas: pip install pandas") from error
        return pd.DataFrame(self.table().to_dict(as_series=False))

    def to_json(self) -> bytes:
        """Write one JSON document; `load_results` reads it."""
        document = _Document(self.results, self.skipped, self.failed, self.comparisons)
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"

    def save(self, path: str | Path) -> Path:
        """Write to a file: ``.json`` for all of it, ``.csv`` or ``.parquet`` for the table.

        Parameters
        ----------
        path : str or Path
            Its ending says what is written.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        UsageError
            For any other ending.
        """
        target = Path(path)
        if target.suffix == ".json":
            write_whole(target, self.to_json())
        elif target.suffix == ".csv":
            write_whole(target, self.table().write_csv().encode())
        elif target.suffix == ".parquet":
            self.table().write_parquet(target)
        else:
            raise UsageError(f"{target}: expected a name ending in .json, .csv or .parquet")
        return target


def load_results(path: str | Path) -> Results:
    """Read what `Results.save` or ``genomark run --json`` wrote.

    Parameters
    ----------
    path : str or Path
        The JSON file.

    Raises
    ------
    UsageError
        If the file is not such a document.
    """
    try:
        document = msgspec.json.decode(Path(path).read_bytes(), type=_Document)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{path}: not a document of results ({error})") from error
    return Results(document.results, document.skipped, document.failed, document.comparisons)


def headlines(result: Result) -> list[str]:
    """Names of the rows a table shows; the first ranks."""
    return list(result.settings["headline"])


_TABLE_SCHEMA = {
    "benchmark": pl.String,
    "model": pl.String,
    "metric": pl.String,
    "group": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "n_clusters": pl.Int64,
    "rank": pl.Int64,
    "rank_last": pl.Int64,
    "reason": pl.String,
}
