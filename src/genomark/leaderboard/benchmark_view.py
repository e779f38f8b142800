"""The page of a benchmark: its models, ranked, and what it is."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec
import numpy as np

from genomark.errors import UsageError, one_line
from genomark.leaderboard.across import number
from genomark.leaderboard.answers import has_items
from genomark.leaderboard.board import Board
from genomark.leaderboard.column_scores import ColumnScores
from genomark.leaderboard.details import Detail
from genomark.leaderboard.lines import found_in, scores_of
from genomark.leaderboard.query import MOST_COMPARED, Query, sort_of
from genomark.leaderboard.snapshot import BoardColumn, Snapshot
from genomark.leaderboard.suites import facts_of
from genomark.leaderboard.tie_sets import MOST_SETS, tie_sets
from genomark.leaderboard.views import Benchmark, BenchmarkLine, Cost, Pair
from genomark.results.store import Entry
from genomark.scoring.power import power_of


def benchmark(board: Board, snapshot: Snapshot, slug: str, query: Query) -> Benchmark | None:
    """Make the page of a column; None if there is none.

    Raises
    ------
    UsageError
        If it cannot be sorted or filtered as asked.
    """
    snapshot = snapshot.within(query.standing)
    column = snapshot.columns.get(slug)
    if column is None:
        return None
    scores = column.scores
    details = board.details.of([each.id for each in scores.entries])
    lines = _lines(snapshot, column, details, query.standing)
    facts = facts_of(column.view.id)
    # What bounds all models is taken from nobody but whom the column is named after.
    reference = next(iter(board.details.of([scores.reference.id])), None)
    return Benchmark(
        column=column.view,
        versions=[each.view for each in snapshot.versions(column.view.id)],
        lines=_asked(lines, column, query),
        tie_sets=_tie_sets(snapshot, column, query.standing) or [],
        asks=facts.asks,
        capability=facts.capability,
        citation=facts.citation,
        sources=list(facts.sources),
        ceiling=None if reference is None else reference.ceiling.get(scores.metric),
        detectable=_detectable(scores),
        command=_command(column),
        has_items=has_items(scores),
        notes=[*facts.caveats, *_notes(snapshot, column, query.standing)],
    )


def _detectable(scores: ColumnScores) -> float | None:
    """Tell the smallest difference that is likely to be shown between two models that rank."""
    clusters = scores.reference.n_clusters
    if clusters < 2:
        return None
    ranked = np.flatnonzero(scores.ranked)
    errors = scores.pairs.standard_error[np.ix_(ranked, ranked)]
    return number(power_of(errors, clusters=clusters).smallest_difference)


def pairs(board: Board, snapshot: Snapshot, slug: str, query: Query) -> list[Pair] | None:
    """Compare every pair of models of a column; None if there is none such.

    The model that stands before the other is `model_a`. Controls are among them.
    """
    snapshot = snapshot.within(query.standing)
    column = snapshot.columns.get(slug)
    if column is None:
        return None
    scores = column.scores
    chosen = [
        int(place)
        for place in np.flatnonzero(scores.comparable)
        if query.standing in (None, scores.entries[place].standing)
    ]
    return pairs_of(snapshot, column, chosen)


def pairs_of(snapshot: Snapshot, column: BoardColumn, chosen: Sequence[int]) -> list[Pair]:
    """Compare every pair of some entries of a column, in the order in which they are given."""
    scores = column.scores
    # A few are compared by themselves: to compare all takes a hundred times as long.
    few = len(chosen) <= MOST_COMPARED
    places = np.array(chosen, dtype=np.int64)
    found = scores.pairs_among(places) if few else scores.pairs
    where = np.arange(len(places)) if few else places
    slugs = [
        snapshot.models[each.owner, each.model_id].slug
        for each in (scores.entries[place] for place in chosen)
    ]
    rows, columns = np.triu_indices(len(places), 1)
    numbers = [
        [None if each != each else each for each in matrix[where[rows], where[columns]].tolist()]
        for matrix in (found.difference, found.low, found.high, found.superiority)
    ]
    others = [
        matrix[where[rows], where[columns]].tolist()
        for matrix in (found.items, found.tied, found.paired)
    ]
    named = ([slugs[row] for row in rows], [slugs[column] for column in columns])
    return [Pair(*each) for each in zip(*named, *numbers, *others, strict=True)]


def cost_of(entry: Entry) -> Cost | None:
    """What a result cost; None where it tells of no time, as what was published."""
    if not entry.wall_seconds and not entry.cpu_seconds:
        return None
    return Cost(entry.wall_seconds, entry.cpu_seconds, entry.peak_rss_bytes)


def _lines(
    snapshot: Snapshot, column: BoardColumn, details: Sequence[Detail], standing: str | None
) -> list[BenchmarkLine]:
    lines = []
    scores = scores_of(snapshot, column, standing)
    for entry, score, detail in zip(column.scores.entries, scores, details, strict=True):
        if score is None:
            continue
        if score.value is None and entry.headline in detail.reasons:
            score = msgspec.structs.replace(score, reason=detail.reasons[entry.headline])
        notes = detail.notes if entry.reason is None else [*detail.notes, entry.reason]
        lines.append(
            BenchmarkLine(
                model=snapshot.models[entry.owner, entry.model_id],
                score=score,
                others=detail.others,
                asked=entry.asked,
                answered=entry.answered,
                cost=cost_of(entry),
                added=entry.added,
                version=entry.model_version,
                notes=notes,
                training_data=detail.training_data,
                seen=detail.leakage,
            )
        )
    return lines


def _asked(lines: list[BenchmarkLine], column: BoardColumn, query: Query) -> list[BenchmarkLine]:
    """Keep and order lines as asked; by rank unless told otherwise."""
    names = list(dict.fromkeys(name for line in lines for name in line.others))
    metric = query.metric or column.view.metric
    if metric not in (column.view.metric, *names):
        known = ", ".join((column.view.metric, *names))
        raise UsageError(f"metric is '{one_line(metric)}'; expected {known}")
    sort = "value" if query.metric and not query.sort else sort_of("benchmark", query)
    kept = [each for each in lines if found_in(query.search, each.model)]
    if sort == "rank":
        # They are in this order already; what is not ranked stays behind.
        ranked = [each for each in kept if each.score.rank_first is not None]
        others = [each for each in kept if each.score.rank_first is None]
        return [*(ranked[::-1] if query.descending else ranked), *others]
    down = column.view.higher_is_better if sort == "value" else sort in ("added", "attempts")
    return _by(kept, sort, metric, column.view.metric, query.descending, down)


def _by(
    lines: list[BenchmarkLine],
    sort: str,
    metric: str,
    headline: str,
    descending: bool | None,
    down: bool,
) -> list[BenchmarkLine]:
    def key(line: BenchmarkLine) -> str | float | None:
        if sort == "model":
            return line.model.id.casefold()
        if sort == "cost":
            return None if line.cost is None else line.cost.wall_seconds
        if sort == "value" and metric != headline:
            other = line.others.get(metric)
            return None if other is None else other.value
        if sort == "value":
            return line.score.value
        if sort == "attempts":
            return line.score.attempts
        return line.added if sort == "added" else line.score.standing

    known = [each for each in lines if key(each) is not None]
    known.sort(key=lambda each: key(each), reverse=down if descending is None else descending)  # type: ignore[arg-type,return-value]
    return [*known, *(each for each in lines if key(each) is None)]


def _tie_sets(
    snapshot: Snapshot, column: BoardColumn, standing: str | None
) -> list[list[str]] | None:
    """List the tie sets of the ranked by slug, best first; None where there are too many."""
    scores = column.scores
    chosen = np.flatnonzero(scores.chosen(standing))
    found = snapshot.once(
        ("tie sets", column.view.slug, standing),
        lambda: (tie_sets(scores.tied[np.ix_(chosen, chosen)]),),
    )[0]
    if found is None:
        return None
    named = [scores.entries[place] for place in chosen]
    slugs = [snapshot.models[each.owner, each.model_id].slug for each in named]
    return [[slugs[place] for place in members] for members in found]


def _command(column: BoardColumn) -> str:
    limit = "" if column.view.limit is None else f" --limit {column.view.limit}"
    return f"genomark run -m MODEL -b {shlex.quote(one_line(column.view.id))}{limit}"


def _notes(snapshot: Snapshot, column: BoardColumn, standing: str | None) -> list[str]:
    scores = column.scores
    notes = []
    if scores.better is None:
        notes.append(
            f"This genomark does not know whether more of {scores.metric} is better: nothing is "
            "ranked."
        )
    if _tie_sets(snapshot, column, standing) is None:
        notes.append(f"There are more than {MOST_SETS} tie sets: they are not listed.")
    chosen = np.flatnonzero(scores.chosen(standing))
    paired = scores.pairs.paired[np.ix_(chosen, chosen)]
    n = len(chosen)
    unpaired = (n * n - n - int(paired.sum() - np.trace(paired))) // 2
    if unpaired:
        notes.append(
            f"{unpaired:,} of {n * (n - 1) // 2:,} pairs are compared as independent scores: no "
            "replicates on the same items are known of them."
        )
    return notes
