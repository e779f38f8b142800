"""Whether a result says what its predictions give: computed again, wherever that can be done.

Whoever sends a result chooses every byte of it. So its benchmark is found by a name that the
registry knows, and by no path; its data are used where they are at hand, and not fetched; and a
number that is not what comes out here refuses the whole.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from genomark.atomic import write_whole
from genomark.benchmarks import (
    SUITES,
    Asking,
    Benchmark,
    DesignBenchmark,
    MatchingBenchmark,
    benchmark_entry_points,
    load_benchmark,
    with_settings,
)
from genomark.benchmarks.matching.suite import matching_ids
from genomark.benchmarks.rna.design_suite import design_ids
from genomark.benchmarks.scored import Scored
from genomark.datasets import availability, catalogue
from genomark.datasets.location import cached, mirrored
from genomark.errors import GenomarkError, UsageError, one_line
from genomark.results.collection import headlines
from genomark.results.store.entry import SELF_REPORTED, VERIFIED, Standing
from genomark.results.store.evidence import NO_EVIDENCE, Evidence, evidence
from genomark.results.store.untrusted import check_parquet
from genomark.scoring import CONFIDENCE, REPLICATES, MetricRow, Result, predictions_digest

#: Sums in another order differ by less: relative, and of what should be 0.
_TOLERANCE, _NOTHING = 1e-9, 1e-12
#: What may stand after the colon of a benchmark's id; other settings are paths.
_IN_IDS = frozenset(("split", "train", "context", "effect", "part"))
#: What a result tells of how a benchmark was set, by the name of the setting.
_IN_SETTINGS = {"fits": "fits", "jitter_runs": "jitter", "impute": "impute"}
_GUANINE = "guanine"
#: Their answers are judged as they are given: what predictions hold of them is a verdict, and to
#: count it again says nothing of whether it is right.
_JUDGED_BEFORE = (DesignBenchmark, MatchingBenchmark)


class DiffersError(UsageError):
    """A result says other than its predictions give."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a result.

    Attributes
    ----------
    standing : {"verified", "self-reported"}
    reason : str or None
        Why it is not verified.
    evidence : Evidence
        Of a verified one.
    """

    standing: Standing
    reason: str | None = None
    evidence: Evidence = NO_EVIDENCE


def recompute(
    result: Result, predictions: bytes, *, benchmark: Benchmark | None = None, threads: int = 1
) -> Verdict:
    """Compute the metrics of a result again from its predictions, and compare.

    Parameters
    ----------
    result : Result
    predictions : bytes
        Parquet, as a run keeps it.
    benchmark : Benchmark, optional
        Who asked; found by the name in the result if left out.
    threads : int
        No number depends on it.

    Returns
    -------
    Verdict
        Self-reported, with the reason, where it cannot be computed here.

    Raises
    ------
    DiffersError
        If a number is not what comes out, by more than 1e-9 relative; or the predictions are not
        those that the result names.
    UsageError
        If the predictions cannot be read.
    """
    name = _named(result)
    check_parquet(predictions, f"the predictions of {name}")
    digest = predictions_digest(pl.read_parquet(io.BytesIO(predictions)))
    if digest != result.predictions_digest:
        raise DiffersError(
            f"{name}: predictions_digest is {one_line(result.predictions_digest)}, that of the "
            f"predictions {digest}: they are of another run"
        )
    try:
        found = benchmark or known_benchmark(result)
        reason = not_as_here(found, result, handed_over=benchmark is not None)
    except GenomarkError as error:
        return Verdict(SELF_REPORTED, one_line(error))
    if reason is not None:
        return Verdict(SELF_REPORTED, reason)
    asking = Asking(result.seed, threads)
    with tempfile.TemporaryDirectory(prefix="genomark-") as folder:
        path = Path(folder) / "predictions.parquet"
        write_whole(path, predictions)
        try:
            return _compared(result, found, path, asking)
        except GenomarkError:
            raise
        # Rows of a stranger may fail to be scored in any way.
        except Exception as error:
            raise DiffersError(
                f"{name}: its predictions cannot be scored ({type(error).__name__}: "
                f"{one_line(error)})"
            ) from error


def is_known(id: str) -> bool:
    """Whether an id is that of a benchmark of what is installed here, and leads to no file."""
    plain, _, text = id.partition(":")
    names = {
        *(*benchmark_entry_points(), *design_ids(), *matching_ids()),
        *(each for suite in SUITES.values() for each in suite),
    }
    settings = {part.partition("=")[0] for part in filter(None, text.split(","))}
    return plain in names and settings <= _IN_IDS


def known_benchmark(result: Result) -> Benchmark:
    """Find the benchmark of a result by a name that leads to no file.

    Raises
    ------
    GenomarkError
        If it is none that is known here, or cannot be made.
    """
    return _loaded(asked_as(result))


def asked_as(result: Result) -> str:
    """Give the name, with its settings, by which a run asks what a result is of.

    Raises
    ------
    UsageError
        If it is none that is known here.
    """
    id = result.benchmark.id
    if not is_known(id):
        raise UsageError("its benchmark is none that is known here")
    plain = id.partition(":")[0]
    told = {
        setting: result.settings[name]
        for name, setting in _IN_SETTINGS.items()
        if result.settings.get(name) is not None
        and (setting == "fits" or plain.startswith(f"{_GUANINE}/"))
    }
    return with_settings(id, told) if told else id


#: Results of one benchmark mostly come together, and its data take a while to read.
_loaded = lru_cache(maxsize=1)(load_benchmark)


def not_as_here(benchmark: Benchmark, result: Result, *, handed_over: bool = False) -> str | None:
    """Say why a result cannot be computed again here, if it cannot.

    Parameters
    ----------
    benchmark : Benchmark
    result : Result
    handed_over : bool
        Whether the benchmark was not found by its name: then it need not have data in mirror or
        cache, but knows where its own are.
    """
    if isinstance(benchmark, _JUDGED_BEFORE):
        return "its answers were judged when they were given, and predictions hold the verdict"
    if benchmark.version != result.benchmark.version:
        return (
            f"it is of version {one_line(result.benchmark.version)} of the benchmark; version "
            f"{benchmark.version} is known here"
        )
    lacking = [] if handed_over else [each for each in benchmark.datasets if not _at_hand(each)]
    if lacking:
        return f"its data are not at hand: {', '.join(lacking)}"
    if benchmark.digest != result.benchmark.digest:
        return "its items, truth or options are not those known here (another digest)"
    return None


def _at_hand(dataset: str) -> bool:
    """Whether data can be read without a download; those of no catalogue are a folder."""
    if dataset in catalogue():
        return availability(dataset) in ("mirror", "cache")
    mirror = mirrored(dataset, "")
    return cached(dataset, "").is_dir() or (isinstance(mirror, Path) and mirror.is_dir())


def _compared(result: Result, benchmark: Benchmark, path: Path, asking: Asking) -> Verdict:
    limit = result.settings.get("limit")
    _same_items(result, benchmark, path, limit)
    scored = benchmark.scored(path, limit)
    rows = scored.rows(asking)
    if _differ_in_method(result.metrics, rows):
        return Verdict(SELF_REPORTED, "its intervals were made in another way than here")
    for what, given, here in _claims(result, benchmark, scored, rows):
        if not _same(given, here):
            raise DiffersError(
                f"{_named(result)}: {one_line(what)} is {one_line(given)} in the result, and "
                f"{one_line(here)} as its predictions give it"
            )
    first = result.metric(headlines(result)[0])
    return Verdict(VERIFIED, None, evidence(scored, asking, first.method))


def _differ_in_method(given: list[MetricRow], here: list[MetricRow]) -> bool:
    methods = [{(row.name, row.group): row.method for row in rows} for rows in (given, here)]
    return methods[0].keys() == methods[1].keys() and methods[0] != methods[1]


def _same_items(result: Result, benchmark: Benchmark, path: Path, limit: int | None) -> None:
    asked = pl.concat([part.select("item_id") for part in benchmark.parts(limit)])["item_id"]
    given = pl.read_parquet(path, columns=["item_id"])["item_id"]
    if not given.unique(maintain_order=True).equals(asked.unique(maintain_order=True)):
        raise DiffersError(
            f"{_named(result)}: its predictions are of other items, or of the same in another "
            f"order, than the {asked.n_unique():,} that are asked"
        )


def _claims(
    result: Result, benchmark: Benchmark, scored: Scored, rows: list[MetricRow]
) -> Iterator[tuple[str, Any, Any]]:
    """Give what a result claims, and what there is of it here."""
    coverage = scored.coverage()
    whole = result.settings.get("limit") is None
    yield "headline", headlines(result), list(benchmark.headlines)
    yield "replicates", result.settings.get("replicates"), REPLICATES
    yield "confidence", result.settings.get("confidence"), CONFIDENCE
    yield "ceiling", result.settings.get("ceiling", {}), dict(benchmark.ceiling) if whole else {}
    yield "items asked", result.coverage.asked, coverage.asked
    yield "items answered", result.coverage.answered, coverage.answered
    yield "list of metrics", _names(result.metrics), _names(rows)
    for given, here in zip(result.metrics, rows, strict=True):
        where = f"{given.name}{f' of {given.group}' if given.group is not None else ''}"
        for field in ("value", "interval", "n", "n_clusters", "unit", "method"):
            yield f"{field} of {where}", getattr(given, field), getattr(here, field)


def _names(rows: list[MetricRow]) -> list[tuple[str, str | None]]:
    return [(row.name, row.group) for row in rows]


def _same(given: Any, here: Any) -> bool:
    if isinstance(given, dict) and isinstance(here, dict):
        return given.keys() == here.keys() and all(_same(given[name], here[name]) for name in here)
    if isinstance(given, tuple) and isinstance(here, tuple):
        return len(given) == len(here) and all(map(_same, given, here))
    if isinstance(given, float) and isinstance(here, float):
        return math.isclose(given, here, rel_tol=_TOLERANCE, abs_tol=_NOTHING)
    return bool(given == here)


def _named(result: Result) -> str:
    return one_line(f"{result.benchmark.id} × {result.model.id}")
