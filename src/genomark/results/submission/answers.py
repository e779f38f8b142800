"""From the folder of a run to what a bundle holds: one value for each item and label."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks import SequenceBenchmark, load_benchmark
from genomark.benchmarks.guanine.guanine_task import LAYOUT
from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.errors import GenomarkError, UsageError
from genomark.results.submission.manifest import BenchmarkNamed, DevScore
from genomark.scoring import MetricRow, Result, predictions_digest, read_result

_COLUMNS = ("item_id", "value", "reason")
#: Name of the label where a benchmark asks one number an item, and names none.
ONE_LABEL = "y"
#: What stands after an id to say how it was asked: ``guanine/cons30:split=test``.
_SETTINGS = re.compile(r":(\w+=.*)\Z")
#: What of a result's settings, beside those in the benchmark's id, makes other answers.
_SAME = ("fits", "impute", "trained_on")
#: Rows of a development result that a manifest has room for.
_MOST_SCORES = 50


@dataclass(frozen=True)
class RunAnswers:
    """What one model answered to all items of one benchmark, of its test split where it has one.

    Attributes
    ----------
    predictions : bytes
        Parquet: `item_id`, `label`, `value` (float64), sorted.
    fits : int
        How many fits the values are means of.
    dev : list of DevScore
        Of the same model on the development split, run with the same settings, where one of the
        folders has that.
    """

    result: Result
    benchmark: BenchmarkNamed
    predictions: bytes
    items: int
    labels: tuple[str, ...]
    fits: int
    dev: list[DevScore]


@dataclass(frozen=True)
class _Kept:
    path: Path
    predictions: Path
    result: Result

    @property
    def plain(self) -> str:
        """The benchmark without its settings."""
        return _SETTINGS.sub("", self.result.benchmark.id)

    @property
    def settings(self) -> list[str]:
        found = _SETTINGS.search(self.result.benchmark.id)
        return found[1].split(",") if found else []

    @property
    def is_test(self) -> bool:
        return "split=test" in self.settings

    def __str__(self) -> str:
        return f"{self.result.benchmark.id} × {self.result.model.id}"


def read_answers(
    folders: Sequence[Path],
    *,
    benchmark: str | None = None,
    model: str | None = None,
    labels: Sequence[str] = (),
) -> RunAnswers:
    """Read what is submitted from folders of ``genomark run --out``.

    Parameters
    ----------
    folders : sequence of Path
        In one of them is a run on a test split; others may have the same model's on ``dev``.
    benchmark, model : str, optional
        Ids that choose, where there are several.
    labels : sequence of str
        Names of the labels in the order of a prediction's numbers; where none are given those of
        the benchmark, or ``y`` of the only one.

    Returns
    -------
    RunAnswers

    Raises
    ------
    UsageError
        If there is not one such run, an item has no finite answer, or there are several runs on
        the development split that differ.
    """
    kept = [each for folder in folders for each in _kept(folder)]
    chosen = _chosen(kept, benchmark, model)
    result = chosen.result
    if result.settings.get("limit") is not None:
        raise UsageError(f"{chosen}: was run with --limit; a board asks all items")
    if "train=curve" in chosen.settings:
        raise UsageError(f"{chosen}: fits of several train parts; run it with one of them")
    if result.coverage.answered != result.coverage.asked:
        missing = result.coverage.asked - result.coverage.answered
        raise UsageError(f"{chosen}: {missing:,} items have no answer; a board asks all of them")
    ids, values, fits = _mean_of_fits(chosen)
    names = _labels(chosen, tuple(labels), values.shape[1])
    return RunAnswers(
        result=result,
        benchmark=BenchmarkNamed(chosen.plain, result.benchmark.version, result.benchmark.id),
        predictions=_parquet(ids, names, values),
        items=len(ids),
        labels=names,
        fits=fits,
        dev=_dev_scores(kept, chosen),
    )


def _kept(folder: Path) -> list[_Kept]:
    files = sorted((folder / "results").rglob("*.json"))
    if not files:
        raise UsageError(f"{folder}: no results in it; expected the folder of genomark run --out")
    found = []
    for file in files:
        try:
            result = read_result(file)
        except (OSError, msgspec.MsgspecError) as error:
            raise UsageError(f"{file}: not a result ({error})") from error
        found.append(_Kept(file, folder / "predictions" / f"{file.stem}.parquet", result))
    return found


def _chosen(kept: list[_Kept], benchmark: str | None, model: str | None) -> _Kept:
    """Choose the one run that is submitted: on a test split, if there is any."""
    found = [
        each
        for each in kept
        if benchmark in (None, each.result.benchmark.id, each.plain)
        and model in (None, each.result.model.id)
    ]
    found = [each for each in found if each.is_test] or found
    if len(found) == 1:
        return found[0]
    there = "; ".join(sorted({str(each) for each in found or kept}))
    if not found:
        raise UsageError(f"No run of that benchmark and model in these folders. There are: {there}")
    raise UsageError(
        f"{len(found)} runs in these folders: {there}. A bundle is of one; choose with --benchmark "
        "and --model, or name other folders"
    )


def _mean_of_fits(kept: _Kept) -> tuple[list[str], NDArray[np.float64], int]:
    """Average the fits of a model; float64[n, n_labels], items in the order of their names."""
    try:
        frame = pl.read_parquet(kept.predictions)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{kept.predictions}: predictions of {kept} cannot be read") from error
    if predictions_digest(frame) != kept.result.predictions_digest:
        raise UsageError(f"{kept.predictions} is not what {kept.path} was computed from")
    frame = _as_fits(kept, frame)
    if frame["value"].null_count():
        row = frame.row(int(frame["value"].is_null().arg_true()[0]), named=True)
        raise UsageError(f"{kept}: '{row['item_id']}' has no answer: {row['reason']}")
    frame = frame.sort("fit", "item_id", maintain_order=True)
    parts = frame.partition_by("fit", maintain_order=True)
    ids = parts[0]["item_id"]
    width = len(frame["value"][0])
    if any(not part["item_id"].equals(ids) for part in parts) or not ids.is_unique().all():
        raise UsageError(f"{kept}: its fits are not of the same items, each once")
    flat = frame["value"].explode().cast(pl.Float64).to_numpy()
    if (frame["value"].list.len() != width).any() or not np.isfinite(flat).all():
        raise UsageError(f"{kept}: not {width} finite numbers for each item")
    return ids.to_list(), flat.reshape(len(parts), len(ids), width).mean(axis=0), len(parts)


def _as_fits(kept: _Kept, frame: pl.DataFrame) -> pl.DataFrame:
    """Write points as lists of one, of one fit; refuse what is neither points nor lists."""
    if set(_COLUMNS) <= set(frame.columns) and frame.height:
        if frame["value"].dtype == pl.Float64 and "fit" not in frame.columns:
            value = pl.when(pl.col("value").is_not_null()).then(pl.concat_list("value"))
            return frame.with_columns(value, fit=pl.lit(0, pl.Int8))
        if isinstance(frame["value"].dtype, pl.List) and "fit" in frame.columns:
            return frame
    raise UsageError(
        f"{kept}: no numbers by item; expected predictions of activity, or of a task on sequences"
    )


def _labels(kept: _Kept, given: tuple[str, ...], width: int) -> tuple[str, ...]:
    names = given or _declared_labels(kept.plain, width)
    if len(names) != width or len(set(names)) != width:
        raise UsageError(
            f"{kept}: {width} numbers for each item, and {len(names)} labels are known; name them "
            "in their order, each with --label"
        )
    return names


def _declared_labels(plain: str, width: int) -> tuple[str, ...]:
    """Give the labels of a benchmark, as it asks them; as far as they are known here."""
    if plain not in declared_ids():
        return (ONE_LABEL,) if width == 1 else ()
    task = read_shipped(plain)
    if task.kind == "binary" and len(task.labels) > width:
        # One number tells how likely the second of two classes is.
        return task.labels[-width:]
    if task.labels or task.layout == LAYOUT:
        return task.labels or ((ONE_LABEL,) if width == 1 else ())
    with suppress(GenomarkError):
        benchmark = load_benchmark(plain)
        if isinstance(benchmark, SequenceBenchmark):
            return benchmark.task.test().labels
    return (ONE_LABEL,) if width == 1 else ()


def _parquet(ids: list[str], labels: tuple[str, ...], values: NDArray[np.float64]) -> bytes:
    """Write a row for each item and label, in the order of their names, as a board keeps them."""
    order = sorted(range(len(labels)), key=lambda number: labels[number])
    buffer = io.BytesIO()
    pl.DataFrame(
        {
            "item_id": pl.Series(ids, dtype=pl.String).repeat_by(len(order)).explode(),
            "label": [labels[number] for number in order] * len(ids),
            "value": values[:, order].ravel(),
        }
    ).write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _dev_scores(kept: list[_Kept], chosen: _Kept) -> list[DevScore]:
    """Give the main scores of the same model, fitted and asked alike, on the development split."""
    if not chosen.is_test:
        return []
    # A run that was kept in two folders is one.
    found = {
        msgspec.json.encode((each.result.metrics, each.result.predictions_digest)): each
        for each in kept
        if _is_dev_of(each, chosen)
    }
    if len(found) > 1:
        files = ", ".join(str(each.path) for each in found.values())
        raise UsageError(
            f"{len(found)} runs of {chosen} on the development split: {files}. A bundle tells one; "
            "name the folder of the one that is meant"
        )
    for each in found.values():
        told = [row for row in each.result.metrics if row.value is not None]
        ordered = sorted(told, key=lambda row: row.group is not None)
        return [_dev_score(row) for row in ordered[:_MOST_SCORES]]
    return []


def _is_dev_of(each: _Kept, chosen: _Kept) -> bool:
    """Whether a run differs from the chosen one in the split that was asked, and in nothing."""
    ours, theirs = chosen.result, each.result
    return (
        not each.is_test
        and each.plain == chosen.plain
        and theirs.benchmark.version == ours.benchmark.version
        and theirs.model.digest == ours.model.digest
        and theirs.seed == ours.seed
        and theirs.settings.get("limit") is None
        and _without_split(each) == _without_split(chosen)
        and all(theirs.settings.get(name) == ours.settings.get(name) for name in _SAME)
    )


def _without_split(kept: _Kept) -> list[str]:
    return [each for each in kept.settings if not each.startswith("split=")]


def _dev_score(row: MetricRow) -> DevScore:
    return DevScore(row.name, row.group, float(row.value or 0.0), row.interval, row.n)
