"""Executing a plan: shards out, outcomes in, results together."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from genomark.benchmarks import Asking, Benchmark
from genomark.benchmarks.scored import Scored
from genomark.digests import digest_of
from genomark.errors import one_line
from genomark.results import Failed, Results
from genomark.runs.environment import environment
from genomark.runs.executor import Executor
from genomark.runs.journal import Journal, keep
from genomark.runs.leakage import LeakagePanels, needs_panel
from genomark.runs.outcome import ShardOutcome, response_path, shard_path
from genomark.runs.plan import Evaluation, Plan, Shard
from genomark.runs.profile import WAIT, Profiler
from genomark.runs.progress import Progress
from genomark.runs.shards import read_report
from genomark.runs.standing import Watch
from genomark.scoring import (
    CONFIDENCE,
    REPLICATES,
    SCHEMA_VERSION,
    Comparison,
    Cost,
    Result,
    predictions_digest,
    read_result,
    result_json,
)
from genomark.spans import about, span

logger = logging.getLogger("genomark.runs")

#: Ids that may be folders; the others are data.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?")


@dataclass
class _State:
    """How far one evaluation is."""

    evaluation: Evaluation
    pending: set[str] = field(default_factory=set)
    result: Result | None = None
    scored: Any = None
    failure: Failed | None = None


class Run:
    """Executes a plan in a folder, and goes on where an earlier run stopped.

    Parameters
    ----------
    plan : Plan
    journal : Journal
    executor : Executor
    progress : Progress
    fresh : bool
        Compute everything again, whatever was done before.
    threads : int
        For scoring; no number depends on it.
    finished : callable, optional
        Is handed each result as soon as it is there, with the file of its predictions, these
        beside the truth, and how they were asked.
    leakage : bool
        Tell what models saw in training, where that is known and at hand.
    profiler : Profiler, optional
        Takes what workers tell of their time.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        executor: Executor,
        progress: Progress,
        *,
        fresh: bool = False,
        threads: int = 1,
        finished: Callable[[Result, Path, Scored, Asking], object] | None = None,
        leakage: bool = True,
        profiler: Profiler | None = None,
    ) -> None:
        self._plan = plan
        self._finished = finished
        self._threads = threads
        self._journal = journal
        self._executor = executor
        self._progress = progress
        self._fresh = fresh
        #: What an executor did not compute itself is not written down, but told.
        self._records = getattr(executor, "computes", True)
        self._errors: dict[str, ShardOutcome] = {}
        self._profiler = profiler or Profiler()
        #: Sequences that the prediction cache had, and had not.
        self._hits = self._misses = 0
        self._panels = LeakagePanels(threads, progress.note) if leakage else None
        self._states = [_State(evaluation) for evaluation in plan.evaluations]
        #: Evaluations that wait for a shard: two may ask the same of the same model.
        self._waiting: dict[str, list[_State]] = {}

    def execute(self) -> Results:
        """Compute what is missing and put the results together."""
        with span("store"):
            for state in self._states:
                self._take_up(state)
        pending = [shard for shard in self._in_order() if shard.digest in self._waiting]
        self._progress.begin(sum(shard.items for shard in pending))
        try:
            for state in self._states:
                if not state.pending:
                    self._finish(state)
            self._profiler.begin()
            with span("start"):
                for shard in pending:
                    self._executor.submit(shard)
            with Watch(self._journal.folder, self._progress):
                self._collect({shard.digest: shard for shard in pending})
        finally:
            with span("start"):
                self._executor.cancel()
            self._progress.end()
        if self._hits:
            asked = f"{self._hits:,} of {self._hits + self._misses:,} sequences"
            logger.info("prediction cache: answers to %s were there", asked)
        return self._results()

    def _take_up(self, state: _State) -> None:
        evaluation = state.evaluation
        paths = _Paths.of(self._journal.folder, evaluation)
        if (
            not self._fresh
            and not self._lacks_response(evaluation)
            and self._journal.is_finished(evaluation.digest, paths.result, paths.predictions)
        ):
            state.result = read_result(paths.result)
            state.scored = evaluation.benchmark.scored(paths.predictions, evaluation.limit)
            return
        for shard in evaluation.shards:
            if self._fresh or not self._journal.has(shard):
                state.pending.add(shard.digest)
                self._waiting.setdefault(shard.digest, []).append(state)

    def _lacks_response(self, evaluation: Evaluation) -> bool:
        # To look whether a shard is there, its file is read.
        return any(shard.keep_response for shard in evaluation.shards) and not all(
            map(self._journal.has, evaluation.shards)
        )

    def _in_order(self) -> Iterator[Shard]:
        """Give every shard once: the first of each fitted model, so that fits run side by side."""
        order = [
            *(state.evaluation.shards[0] for state in self._states if state.evaluation.split),
            *(shard for state in self._states for shard in state.evaluation.shards),
        ]
        yield from {shard.digest: shard for shard in order}.values()

    def _collect(self, shards: dict[str, Shard]) -> None:
        outcomes = self._executor.as_completed()
        while True:
            with span(WAIT):
                outcome = next(outcomes, None)
            if outcome is None:
                return
            shard = shards[outcome.digest]
            subject = _subject(self._waiting[outcome.digest][0].evaluation)
            self._profiler.take(outcome.spent, subject)
            self._hits, self._misses = self._hits + outcome.hits, self._misses + outcome.misses
            if self._records:
                with span("store"):
                    self._journal.record(msgspec.structs.replace(outcome, spent=None))
            elif outcome.error is not None:
                self._errors[outcome.digest] = outcome
            self._progress.doing(f"{shard.benchmark} × {shard.model}")
            self._progress.advance(shard.items)
            for state in self._waiting.pop(outcome.digest):
                state.pending.discard(outcome.digest)
                if not state.pending:
                    self._finish(state)

    def _finish(self, state: _State) -> None:
        """Put an evaluation together from its shards, write it down, and hand it on."""
        with about(_subject(state.evaluation)):
            if state.result is None:
                self._put_together(state)
            else:
                self._bring_up_to_date(state, state.result)
            if state.result is not None and self._finished is not None:
                path = _Paths.of(self._journal.folder, state.evaluation).predictions
                with span("store"):
                    self._finished(state.result, path, state.scored, self._asking(state.evaluation))

    def _put_together(self, state: _State) -> None:
        evaluation = state.evaluation
        missing = [self._errors.get(shard.digest) for shard in evaluation.shards]
        outcomes = [
            *filter(None, missing),
            *self._journal.outcomes(
                shard.digest
                for shard, error in zip(evaluation.shards, missing, strict=True)
                if error is None
            ),
        ]
        errors = [outcome for outcome in outcomes if outcome.error is not None]
        if errors:
            for error in errors:
                logger.debug("%s × %s: %s", evaluation.spec, evaluation.benchmark.id, error.trace)
            state.failure = _failure(evaluation, errors)
            return
        folder = self._journal.folder
        paths = _Paths.of(folder, evaluation)
        with span("store"):
            try:
                predictions = pl.concat(
                    [pl.read_parquet(shard_path(folder, each.digest)) for each in evaluation.shards]
                )
            except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                # Each was sound when it was looked at, or written, a moment ago.
                reason = f"a file of its answers was damaged ({one_line(error)}); run again"
                state.failure = Failed(
                    benchmark=evaluation.benchmark.id, model=evaluation.spec, reason=reason
                )
                return
            content = _parquet(predictions, evaluation)
            keep(paths.predictions, content)
            digest = predictions_digest(predictions)
        # Of a million items there is better use for the memory.
        del predictions
        with span("data"):
            state.scored = evaluation.benchmark.scored(paths.predictions, evaluation.limit)
        result = self._result(evaluation, digest, state.scored, outcomes)
        self._keep(state, self._with_training(result, state), content)

    def _keep(self, state: _State, result: Result, predictions: bytes) -> None:
        path = _Paths.of(self._journal.folder, state.evaluation).result
        content = result_json(result)
        with span("store"):
            keep(path, content)
            self._journal.record_result(state.evaluation.digest, content, predictions)
        state.result = result

    def _bring_up_to_date(self, state: _State, result: Result) -> None:
        """Say of a kept result what is known now of who answered and what it was trained on.

        Its numbers stay: the answers are the same.
        """
        evaluation = state.evaluation
        same = result.model == evaluation.identity
        if same and not self._has_other_training(result, evaluation):
            return
        result = msgspec.structs.replace(result, model=evaluation.identity)
        path = _Paths.of(self._journal.folder, evaluation).predictions
        self._keep(state, self._with_training(result, state), path.read_bytes())

    def _has_other_training(self, result: Result, evaluation: Evaluation) -> bool:
        known = evaluation.learned
        if self._panels is None:
            return result.settings.get("training_data") != (
                None if known.is_unknown else known.words
            )
        return needs_panel(result.settings, result.leakage, known)

    def _with_training(self, result: Result, state: _State) -> Result:
        """Add what the model was trained on and, unless that was not asked for, what it saw."""
        evaluation, known = state.evaluation, state.evaluation.learned
        settings = {
            name: value for name, value in result.settings.items() if name != "training_data"
        }
        if known.is_unknown:
            return msgspec.structs.replace(result, settings=settings, leakage=None)
        settings["training_data"] = known.words
        panel = None
        if self._panels is not None:
            with span("score"):
                panel = self._panels.panel(
                    evaluation.benchmark,
                    evaluation.limit,
                    known,
                    state.scored,
                    self._asking(evaluation),
                )
        return msgspec.structs.replace(result, settings=settings, leakage=panel)

    def responses(self) -> Iterator[tuple[Result, dict[str, dict[str, Any]]]]:
        """Give, for each result whose answers were kept, those answers by task, as they came."""
        for state in self._states:
            shards = state.evaluation.shards
            if state.result is not None and any(shard.keep_response for shard in shards):
                yield state.result, _responses(state.evaluation, self._journal.folder)

    def evaluations(self) -> Iterator[tuple[Result, Benchmark, Path]]:
        """Give each result, the benchmark that asked, and the file of its predictions."""
        for state in self._states:
            if state.result is not None:
                paths = _Paths.of(self._journal.folder, state.evaluation)
                yield state.result, state.evaluation.benchmark, paths.predictions

    def _results(self) -> Results:
        failed = [state.failure for state in self._states if state.failure is not None]
        return Results(
            results=[state.result for state in self._states if state.result is not None],
            skipped=self._plan.skipped,
            failed=[*self._plan.failed, *failed],
            comparisons=self._comparisons(),
        )

    def _comparisons(self) -> list[Comparison]:
        by_benchmark: dict[str, list[_State]] = {}
        for state in self._states:
            if state.result is not None:
                by_benchmark.setdefault(state.result.benchmark.id, []).append(state)
        found = []
        for states in by_benchmark.values():
            benchmark = states[0].evaluation.benchmark
            scored = {state.evaluation.identity.id: state.scored for state in states}
            with span("score"):
                found.extend(benchmark.compare(scored, self._asking(states[0].evaluation)))
        return found

    def _report(self, evaluation: Evaluation) -> dict[str, Any]:
        report: dict[str, Any] = {}
        for shard in evaluation.shards:
            report.update(read_report(shard_path(self._journal.folder, shard.digest)))
        return report

    def _asking(self, evaluation: Evaluation) -> Asking:
        return Asking(evaluation.seed, self._threads)

    def _result(
        self,
        evaluation: Evaluation,
        digest: str,
        scored: Any,
        outcomes: list[ShardOutcome],
    ) -> Result:
        benchmark = evaluation.benchmark
        settings: dict[str, Any] = {
            "replicates": REPLICATES,
            "confidence": CONFIDENCE,
            "limit": evaluation.limit,
            "headline": list(benchmark.headlines),
            **benchmark.settings(),
        }
        with span("store"):
            report = self._report(evaluation)
        if report:
            settings["fit"] = report
        if evaluation.limit is None and benchmark.ceiling:
            settings["ceiling"] = dict(benchmark.ceiling)
        with span("score"):
            metrics, coverage = scored.rows(self._asking(evaluation)), scored.coverage()
        return Result(
            schema_version=SCHEMA_VERSION,
            benchmark=benchmark.identity,
            model=evaluation.identity,
            metrics=metrics,
            coverage=coverage,
            seed=evaluation.seed,
            settings=settings,
            environment=environment(evaluation.spec, evaluation.shards[0].benchmark),
            cost=_cost(outcomes),
            predictions_digest=digest,
            started=min(outcome.started for outcome in outcomes),
            finished=max(outcome.finished for outcome in outcomes),
        )


@dataclass(frozen=True)
class _Paths:
    """Where the files of one evaluation are kept.

    Named by the benchmark's id, where it is made of plain words, and by digest.
    """

    result: Path
    predictions: Path

    @classmethod
    def of(cls, folder: Path, evaluation: Evaluation) -> _Paths:
        return cls(
            result=folder / "results" / _folder(evaluation) / f"{evaluation.digest}.json",
            predictions=folder / "predictions" / f"{evaluation.digest}.parquet",
        )


def _subject(evaluation: Evaluation) -> str:
    return f"{evaluation.identity.id} × {evaluation.benchmark.id}"


def _folder(evaluation: Evaluation) -> str:
    name = evaluation.benchmark.id
    return name if _PLAIN.fullmatch(name) else f"of-users/{digest_of([name])}"


def _responses(evaluation: Evaluation, folder: Path) -> dict[str, dict[str, Any]]:
    """Put the answers of one task's requests together."""
    found: dict[str, dict[str, Any]] = {}
    parts = evaluation.benchmark.parts(evaluation.limit)
    for shard, part in zip(evaluation.shards, parts, strict=True):
        answer = msgspec.json.decode(response_path(folder, shard.digest).read_bytes())
        task = part["task"][0]
        if task not in found:
            found[task] = answer
            continue
        for known, more in zip(
            found[task]["prediction_tasks"], answer["prediction_tasks"], strict=True
        ):
            known["predictions"].update(more["predictions"])
    return found


def _cost(outcomes: list[ShardOutcome]) -> Cost:
    return Cost(
        wall_seconds=sum(outcome.wall_seconds for outcome in outcomes),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in outcomes),
        peak_rss_bytes=max(outcome.peak_rss_bytes for outcome in outcomes),
        bytes_sent=sum(outcome.bytes_sent for outcome in outcomes),
        bytes_received=sum(outcome.bytes_received for outcome in outcomes),
    )


def _failure(evaluation: Evaluation, errors: list[ShardOutcome]) -> Failed:
    first = errors[0]
    reason = first.error or ""
    if len(evaluation.shards) > 1:
        reason += f" ({len(errors)} of {len(evaluation.shards)} requests failed)"
    return Failed(benchmark=evaluation.benchmark.id, model=evaluation.spec, reason=reason)


def _parquet(predictions: pl.DataFrame, evaluation: Evaluation) -> bytes:
    buffer = io.BytesIO()
    predictions.write_parquet(
        buffer,
        compression="zstd",
        metadata={
            "genomark.benchmark": f"{evaluation.benchmark.id} {evaluation.benchmark.version}",
            "genomark.model": evaluation.identity.id,
            "genomark.request": evaluation.digest,
        },
    )
    return buffer.getvalue()
