"""Single items of a benchmark, as all models answered them."""

from __future__ import annotations

import polars as pl

from genomark.leaderboard.across import number
from genomark.leaderboard.answers import Answers, shortest
from genomark.leaderboard.board import Board
from genomark.leaderboard.query import Query
from genomark.leaderboard.snapshot import BoardColumn, Snapshot
from genomark.leaderboard.views import Answer, Item, Items

#: Items of one page.
PAGE = 100


def items(board: Board, snapshot: Snapshot, slug: str, query: Query) -> Items | None:
    """List items whose id holds what is searched for; None where no items are kept."""
    column = snapshot.columns.get(slug)
    answers = None if column is None else board.answers.of(column.scores)
    if column is None or answers is None:
        return None
    found = answers.ids
    if query.search:
        found = found.filter(
            found.str.to_lowercase().str.contains(query.search.lower(), literal=True)
        )
    listed = found.slice(query.start, PAGE).to_list()
    return Items(column.view, query.search, query.start, len(found), listed)


def item(board: Board, snapshot: Snapshot, slug: str, query: Query) -> Item | None:
    """Give the answers to one item, model by model as they are ranked; None if there is none."""
    column = snapshot.columns.get(slug)
    answers = None if column is None else board.answers.of(column.scores)
    if column is None or answers is None:
        return None
    rows = answers.rows_of(query.item)
    if not rows:
        return None
    ids = answers.ids
    place = int((ids == query.item).arg_max() or 0)
    return Item(
        column=column.view,
        item=query.item,
        answers=[each for row in rows for each in _answers(snapshot, column, answers, row)],
        before=ids[place - 1] if place else None,
        after=ids[place + 1] if place + 1 < len(ids) else None,
    )


def items_table(board: Board, snapshot: Snapshot, slug: str) -> pl.DataFrame | None:
    """Give all answers of a column: a row an item and label, a column a model, named by slug."""
    column = snapshot.columns.get(slug)
    answers = None if column is None else board.answers.of(column.scores)
    if column is None or answers is None:
        return None
    models = {}
    for number_, place in enumerate(answers.places):
        entry = column.scores.entries[place]
        name = snapshot.models[entry.owner, entry.model_id].slug
        models[name] = pl.Series(answers.values[:, number_]).fill_nan(None)
    return pl.DataFrame(
        {
            "item_id": answers.items,
            "group": answers.groups,
            "truth": pl.Series(answers.truth).fill_nan(None),
            **models,
        }
    )


def _answers(snapshot: Snapshot, column: BoardColumn, answers: Answers, row: int) -> list[Answer]:
    group, truth = answers.groups[row], number(answers.truth[row])
    found = []
    for place, value, said in zip(answers.places, answers.values[row], answers.said, strict=True):
        entry = column.scores.entries[place]
        found.append(
            Answer(
                model=snapshot.models[entry.owner, entry.model_id],
                group=group,
                truth=truth,
                value=shortest(value),
                said=None if said is None else said[row],
            )
        )
    return found
