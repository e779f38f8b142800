"""Scores and lines of models, as several pages show them."""

from __future__ import annotations

from collections.abc import Sequence

from genomark.leaderboard.across import ALPHA, Across, number
from genomark.leaderboard.column_scores import is_control
from genomark.leaderboard.query import Query, sort_of
from genomark.leaderboard.snapshot import BoardColumn, Model, Snapshot
from genomark.leaderboard.views import ModelLine, ModelName, Score

_OTHER_METRIC = "reported by another metric: "
_NOT_COMPUTED = "no value"


def scores_of(snapshot: Snapshot, column: BoardColumn, standing: str | None) -> list[Score | None]:
    """Give the score of each entry of a column; None for those of another standing."""
    return snapshot.once(("scores", column.view.slug, standing), lambda: _scores(column, standing))


def _scores(column: BoardColumn, standing: str | None) -> list[Score | None]:
    scores = column.scores
    first, last = scores.ranks(standing)
    found: list[Score | None] = []
    for place, entry in enumerate(scores.entries):
        if standing is not None and entry.standing != standing:
            found.append(None)
            continue
        value, reason = entry.value, None
        if entry.headline != scores.metric:
            value, reason = None, f"{_OTHER_METRIC}{entry.headline}"
        elif value is None:
            reason = _NOT_COMPUTED
        ranked = bool(first[place])
        found.append(
            Score(
                result=entry.id,
                value=value,
                low=entry.low if value is not None else None,
                high=entry.high if value is not None else None,
                reason=reason,
                rank_first=int(first[place]) if ranked else None,
                rank_last=int(last[place]) if ranked else None,
                n=entry.n,
                n_clusters=entry.n_clusters,
                standing=entry.standing,
                attempts=entry.attempts,
                leakage="unknown" if entry.leakage is None else entry.leakage,
            )
        )
    return found


def score_of(
    snapshot: Snapshot, column: BoardColumn, model: Model, standing: str | None = None
) -> Score | None:
    """Give the score of a model in a column; None where it has none."""
    place = column.models.get(model)
    return None if place is None else scores_of(snapshot, column, standing)[place]


def model_lines(
    snapshot: Snapshot, columns: Sequence[BoardColumn], across: Across, standing: str | None
) -> list[ModelLine]:
    """Give a line to every model that has a result in any of some columns."""
    everyone = dict.fromkeys(model for column in columns for model in column.models)
    by_column = [scores_of(snapshot, column, standing) for column in columns]
    lines = []
    for model in everyone:
        scores = [
            None if (place := column.models.get(model)) is None else scores[place]
            for column, scores in zip(columns, by_column, strict=True)
        ]
        if any(scores):
            lines.append(_line(snapshot.models[model], scores, across, across.row(model)))
    return lines


def line_of(name: ModelName, scores: list[Score | None], across: Across, model: Model) -> ModelLine:
    """Give the line of one model."""
    return _line(name, scores, across, across.row(model))


def _line(
    name: ModelName, scores: list[Score | None], across: Across, row: int | None
) -> ModelLine:
    if row is None:
        return ModelLine(name, scores)
    return ModelLine(
        name,
        scores,
        mean_rank=across.mean_rank(row),
        win_rate=number(across.win_rate[row]),
        scaled=across.mean_scaled_of(row),
        over=int(across.counts[row]),
    )


def asked_lines(
    lines: list[ModelLine], columns: Sequence[BoardColumn], page: str, query: Query
) -> list[ModelLine]:
    """Keep and order lines as a page was asked to; what cannot be ordered comes last.

    Raises
    ------
    UsageError
        If it cannot be sorted by what is asked for.
    """
    slugs = {each.view.slug: place for place, each in enumerate(columns)}
    sort = sort_of(page, query, slugs)
    kept = [each for each in lines if found_in(query.search, each.model)]
    kept.sort(key=lambda line: (line.model.id.casefold(), line.model.slug))
    if sort == "model":
        return kept[::-1] if query.descending else kept
    down = sort in ("wins", "scaled", "columns")
    if sort in slugs:
        down = columns[slugs[sort]].view.higher_is_better
    down = down if query.descending is None else query.descending
    keyed = [(_sorted_by(line, sort, slugs), line) for line in kept]
    known = [(key, line) for key, line in keyed if key is not None]
    known.sort(key=lambda each: -each[0] if down else each[0])
    return [*(line for _, line in known), *(line for key, line in keyed if key is None)]


def _sorted_by(line: ModelLine, sort: str, slugs: dict[str, int]) -> float | None:
    if sort in slugs:
        score = line.scores[slugs[sort]]
        return None if score is None else score.value
    if sort == "rank":
        return None if line.mean_rank is None else line.mean_rank.value
    if sort == "wins":
        return line.win_rate
    if sort == "scaled":
        return None if line.scaled is None else line.scaled.value
    return float(line.over)


def found_in(search: str, model: ModelName) -> bool:
    """Whether a model's id or owner holds what is searched for, in capitals or not."""
    wanted = search.casefold()
    return wanted in model.id.casefold() or wanted in model.owner.casefold()


def leaders(columns: Sequence[BoardColumn], across: Across) -> list[Model]:
    """Name the models that no other is shown to be better than, over these columns.

    Of one column those of rank 1; of several those whose every pair is not told apart, by the test
    over columns, from a model of a better expected rank.
    """
    if len(across.columns) == 1:
        scores = across.columns[0].scores
        first, _ = scores.ranks()
        entries = [each for each, rank in zip(scores.entries, first, strict=True) if rank == 1]
        return [(each.owner, each.model_id) for each in entries if not is_control(each)]
    pairs = len(across.models) * (len(across.models) - 1) / 2
    if pairs * 2.0 ** (1 - len(across.columns)) >= ALPHA:
        # No signs of so few differences are telling: none could be shown to be behind.
        return []
    mean = across.ranks.mean
    adjusted = across.tests[1]
    led = []
    for row, model in enumerate(across.models):
        behind = (adjusted[row] < ALPHA) & (mean < mean[row])
        if not behind.any():
            led.append((mean[row] if mean[row] == mean[row] else float("inf"), model))
    return [model for _, model in sorted(led)]
