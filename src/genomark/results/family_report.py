"""The page on families of gene properties: means, heat maps, two models task by task, all tasks.

One file without scripts, that loads nothing and leaves its colours to the reader's light or dark
page. All text in it is escaped: names of models and tasks come from strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import polars as pl

from genomark.benchmarks.genes.suite import PREFIX
from genomark.errors import UnknownNameError, UsageError
from genomark.results.collection import Failed, Results, Skipped
from genomark.results.drawing import plain
from genomark.results.families import ALL, average, ordered_families
from genomark.results.gene_task_names import same_task
from genomark.results.heat_map import Cell, heat_map
from genomark.results.page import closed_page
from genomark.results.scatter import Estimate, Point, scatter
from genomark.results.task_scores import caveats, task_scores
from genomark.scoring import Result

#: Models that nobody wants to see compared unless they are named.
_CONTROL = "control:"

_STYLE = """\
th, td { padding: .15rem .7rem .15rem 0; text-align: left; vertical-align: top; }
td { white-space: nowrap; }
tr + tr td, tr + tr th { border-top: 1px solid #8884; }
th { font-weight: 600; } small, .quiet { opacity: .75; }
svg { max-width: none; }
"""


@dataclass(frozen=True)
class FamilyReport:
    """A page, and what it is made of.

    Attributes
    ----------
    html : str
        The page.
    drawings : dict of str to str
        Its images (SVG elements) by name.
    families : polars.DataFrame
        As `family_table` gives it.
    """

    html: str
    drawings: Mapping[str, str]
    families: pl.DataFrame


@dataclass(frozen=True)
class _Found:
    """What all parts of the page are drawn from."""

    scores: pl.DataFrame
    families: pl.DataFrame
    #: Why a model has nothing on a task.
    reasons: Mapping[tuple[str, str], str]

    def of(self, measure: str) -> _Found:
        """Only what is on one scale."""
        return _Found(
            self.scores.filter(measure=measure),
            self.families.filter(measure=measure),
            self.reasons,
        )

    @property
    def models(self) -> list[str]:
        """Best first over all tasks, references after the models."""
        return self.families.filter(family=ALL)["model"].to_list()

    @property
    def tasks(self) -> dict[str, list[str]]:
        """Tasks by family, and within it the easiest first."""
        best = self.scores.group_by("task", "family").agg(
            pl.col("value").filter(~pl.col("reference")).max().alias("own"),
            pl.col("value").max().fill_null(0.0).alias("any"),
        )
        ordered = best.sort(
            pl.coalesce("own", "any"), "task", descending=[True, False], maintain_order=True
        )
        return {
            family: ordered.filter(family=family)["task"].to_list()
            for family in ordered_families(self.scores)
        }


def family_report(
    results: Results,
    published: Iterable[Result] = (),
    *,
    pair: tuple[str, str] | None = None,
    common_tasks: bool = False,
    seed: int = 0,
) -> FamilyReport:
    """Make the page.

    Parameters
    ----------
    results : Results
    published : iterable of Result
        For reference, as `read_published_scores` gives them.
    pair : tuple of str, optional
        Models to compare task by task. Left out: the two best that are no controls.
    common_tasks, seed : bool, int
        As for `family_table`.

    Raises
    ------
    UsageError
        If there are no results on tasks on genes, or the two have no task in common.
    UnknownNameError
        If there is no such model.
    """
    scores = task_scores(results, published)
    if scores.is_empty():
        raise UsageError(
            "no results on tasks on genes to report on: run some first, such as "
            "genomark run -b suite:genes"
        )
    families = average(scores, common_tasks=common_tasks, seed=seed)
    found = _Found(scores, families, _reasons(results))
    drawings: dict[str, str] = {}
    for measure in scores["measure"].unique(maintain_order=True):
        part = found.of(measure)
        name = "".join(letter if letter.isalnum() else "-" for letter in measure.lower())
        drawings[f"families-{name}"] = _family_map(part, measure)
        drawings[f"tasks-{name}"] = _task_map(part, measure)
    compared = _scatter(found, pair)
    if compared:
        drawings["scatter"] = compared
    page = _page(found, drawings, [*caveats(results), *_left_out(results)], common_tasks)
    return FamilyReport(page, drawings, families)


def _reasons(results: Results) -> dict[tuple[str, str], str]:
    entries: list[Skipped | Failed] = [*results.skipped, *results.failed]
    return {
        (same_task(each.benchmark), each.model): each.reason
        for each in entries
        if each.model is not None
    }


def _left_out(results: Results) -> list[str]:
    entries: list[Skipped | Failed] = [*results.skipped, *results.failed]
    return [
        f"{type(each).__name__.lower()} "
        f"{' × '.join(filter(None, (same_task(each.benchmark), each.model)))}: {each.reason}"
        for each in entries
    ]


def _family_map(found: _Found, measure: str) -> str:
    cells = {
        (row["family"], row["model"]): Cell(
            row["value"], f"{row['model']}, {row['family']}: {_said(row, row['n_tasks'], 'tasks')}"
        )
        for row in found.families.iter_rows(named=True)
    }
    rows = {"": found.families["family"].unique(maintain_order=True).to_list()}
    label = f"mean {measure} of each model in each family of tasks"
    return heat_map(rows, found.models, cells, measure=f"mean {measure}", label=label)


def _task_map(found: _Found, measure: str) -> str:
    cells = {
        (_short(row["task"]), row["model"]): Cell(
            row["value"], f"{row['model']}, {row['task']}: {_said(row, row['n'], 'rows')}"
        )
        for row in found.scores.iter_rows(named=True)
    }
    for (task, model), reason in found.reasons.items():
        cells.setdefault((_short(task), model), Cell(None, f"{model}, {task}: {reason}"))
    label = f"{measure} of each model on each task"
    rows = {family: [_short(task) for task in tasks] for family, tasks in found.tasks.items()}
    return heat_map(rows, found.models, cells, measure=measure, label=label)


def _short(task: str) -> str:
    return task.removeprefix(PREFIX)


def _said(row: Mapping[str, object], n: object, what: str) -> str:
    if row["value"] is None:
        return str(row["reason"])
    return f"{_interval(row)}, n = {n:,} {what}" if n else _interval(row)


def _interval(row: Mapping[str, object]) -> str:
    if row["low"] is None:
        return f"{row['value']:.3f}"
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _scatter(found: _Found, pair: tuple[str, str] | None) -> str | None:
    """Compare two models on the scale that they have most tasks of in common."""
    chosen = pair or _two_best(found)
    if chosen is None:
        return None
    known = found.scores["model"].unique(maintain_order=True).to_list()
    for name in chosen:
        if name not in known:
            raise UnknownNameError("model", name, known)
    first, second = (
        found.scores.filter(pl.col("model") == name, pl.col("value").is_not_null())
        for name in chosen
    )
    shared = first.join(second, on=["task", "measure"], suffix="_y", maintain_order="left")
    if shared.is_empty():
        if pair is None:
            return None
        raise UsageError(f"'{chosen[0]}' and '{chosen[1]}' have no task in common to compare")
    counts = shared.group_by("measure", maintain_order=True).len()
    measure = counts.sort("len", descending=True, maintain_order=True)["measure"][0]
    shared = shared.filter(measure=measure)
    by_family = {family: n for n, family in enumerate(ordered_families(shared))}
    points = [
        Point(_short(row["task"]), row["family"], _estimate(row), _estimate(row, "_y"))
        for row in sorted(shared.iter_rows(named=True), key=lambda row: by_family[row["family"]])
    ]
    return scatter(points, *chosen, measure=measure)


def _estimate(row: Mapping[str, float], end: str = "") -> Estimate:
    known = row[f"low{end}"] is not None
    interval = (row[f"low{end}"], row[f"high{end}"]) if known else None
    return Estimate(row[f"value{end}"], interval)


def _two_best(found: _Found) -> tuple[str, str] | None:
    """Choose the first two of the table that are no controls; references where models are few."""
    names = [name for name in dict.fromkeys(found.models) if not name.startswith(_CONTROL)]
    return (names[0], names[1]) if len(names) > 1 else None


def _page(
    found: _Found, drawings: Mapping[str, str], notes: Sequence[str], common_tasks: bool
) -> str:
    own = found.scores.filter(~pl.col("reference"))
    parts = [
        "<h1>Families of gene properties</h1>",
        f"<p>{_count(own['model'].n_unique(), 'model')} on {_count(own['task'].n_unique(), 'task')}"
        f"{_references(found)}. {_how_to_read(common_tasks)}</p>",
    ]
    for measure in found.scores["measure"].unique(maintain_order=True):
        part = found.of(measure)
        parts += [f"<h2>Mean {plain(measure)} by family</h2>", _family_table(part)]
    titles = {
        "families": "Models and families",
        "tasks": "Models and tasks",
        "scatter": "Two models, task by task",
    }
    for kind, title in titles.items():
        images = [svg for name, svg in drawings.items() if name.split("-")[0] == kind]
        if images:
            parts.append(f"<h2>{title}</h2>")
            parts += [f'<div class="wide">{svg}</div>' for svg in images]
    parts += ["<h2>Every task</h2>", _task_table(found)]
    if notes:
        told = "".join(f"<li>{plain(note)}</li>" for note in notes)
        parts.append(f"<h2>What is not in it</h2><ul>{told}</ul>")
    return closed_page("Families of gene properties", "".join(parts), width=75, style=_STYLE)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _references(found: _Found) -> str:
    names = found.scores.filter(pl.col("reference"))["model"].n_unique()
    return f", beside {_count(names, 'reference')} as reported by others" if names else ""


def _how_to_read(common_tasks: bool) -> str:
    which = (
        "Means are over the tasks for which all in a family have a value."
        if common_tasks
        else "A model that lacks a task of a family has no mean there, as another's would be over "
        "other tasks."
    )
    return (
        f"{which} [low, high] is a 95 % interval: of a task by bootstrap over genes, of a mean "
        "over tasks and genes, which is too short where tasks are few (of five tasks, about 92 % "
        "of such intervals hold the mean of their kind, of two 63 %). Published values were "
        "computed elsewhere, on other folds, with no interval over genes; of multi-label tasks "
        "they are of hard labels. Pointing at a cell or a point tells more."
    )


def _family_table(found: _Found) -> str:
    families = found.families["family"].unique(maintain_order=True).to_list()
    rows = {(row["model"], row["family"]): row for row in found.families.iter_rows(named=True)}
    body = []
    for model in found.models:
        cells = [_table_cell(rows.get((model, family)), "n_tasks", "tasks") for family in families]
        body.append(f"<tr><th scope='row'>{plain(model)}</th>{''.join(cells)}</tr>")
    return _table(["model", *families], body)


def _task_table(found: _Found) -> str:
    """Draw every task as a row, sorted by family and then by the best value."""
    models = list(dict.fromkeys(found.models))
    rows = {(row["model"], row["task"]): row for row in found.scores.iter_rows(named=True)}
    facts = {row["task"]: row for row in found.scores.iter_rows(named=True)}
    body = []
    for measure in found.scores["measure"].unique(maintain_order=True):
        for task in chain.from_iterable(found.of(measure).tasks.values()):
            cells = []
            for model in models:
                row = rows.get((model, task))
                reason = found.reasons.get((task, model), "not asked")
                cells.append(_table_cell(row, "n", "rows", reason))
            fact = facts[task]
            titles = "".join(f"<td>{plain(each)}</td>" for each in (fact["family"], task, measure))
            body.append(f"<tr>{titles}{''.join(cells)}</tr>")
    return _table(["family", "task", "measure", *models], body)


def _table_cell(
    row: Mapping[str, object] | None, n: str, what: str, reason: str = "no task of the family"
) -> str:
    if row is None or row["value"] is None:
        why = plain(str(row["reason"]) if row is not None else reason)
        return f'<td class="quiet" title="{why}">–</td>'
    count = f" <small>{row[n]:,} {what}</small>" if row[n] else ""
    return f"<td>{_interval(row)}{count}</td>"


def _table(header: Sequence[str], body: Sequence[str]) -> str:
    head = "".join(f"<th scope='col'>{plain(name)}</th>" for name in header)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
