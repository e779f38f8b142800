"""Scores that GUANinE published, as results to lay beside one's own.

They come from its catalogue of test scores (CSV, a row a model), or from the declarations of the
tasks here. Both are Spearman correlations times 100 of the test split, whose labels are private:
nothing of them can be computed again, none has an interval, and none is ranked.

Of five cells the catalogue contradicts itself. The score of ccre_propensity is the mean over four
marks, which are printed beside it: where it is not, it is replaced by that mean; and where the
mean stands in the column of dnase_propensity, the two have been swapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genomark.benchmarks.sequences.declared import (
    ORDINAL_METRICS,
    DeclaredTask,
    read_shipped,
)
from genomark.benchmarks.sequences.published import published_scores
from genomark.digests import digest_of, digest_of_file
from genomark.errors import UsageError
from genomark.genes.text_table import read_text_table
from genomark.results.collection import Results
from genomark.results.reported import (
    NOT_PUBLISHED,
    PUBLISHED,
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.scoring import MetricRow, Result

#: What `settings["source"]` of such a result says.
SOURCE = "guanine"
#: Begins the ids of the tasks.
PREFIX = "guanine/"
SCORE = ORDINAL_METRICS[0]
#: Begin a remark on a score.
CORRECTED, DOUBTED = "corrected: ", "doubtful: "

_MODEL = "model"
_DNASE, _CCRE = f"{PREFIX}dnase_propensity", f"{PREFIX}ccre_propensity"
_MARKS = ("dnase", "ctcf", "H3K27ac", "H3K4me3")
#: Task and label of each column, whose name is taken in small letters and with hyphens.
_COLUMNS: dict[str, tuple[str, str | None]] = {
    "dnase": (_DNASE, None),
    "ccre": (_CCRE, None),
    **{f"ccre-{mark.lower()}": (_CCRE, mark) for mark in _MARKS},
    **{
        name.replace("_", "-"): (f"{PREFIX}{name}", None)
        for name in (
            *("cons30", "cons100", "gpra_c", "gpra_d"),
            *("cadd_snv", "cadd_indel", "clinvar_snv"),
        )
    },
}
#: The tasks in the order of the catalogue, those of version 1.1 last.
TASKS = tuple(dict.fromkeys(task for task, _ in _COLUMNS.values()))
#: How the catalogue spells one of them.
_MISSPELT = {"ccre-hdk27ac": "ccre-h3k27ac"}
#: What is left of a command of LaTeX, and the model whose row it is.
_RENAMED = {"hspace-4.2mm large$star$ T5": "T5-large"}
#: What tables show beside the score of tasks of two classes.
_OF_TWO_CLASSES = ("auroc", "average_precision", "mcc")
_NOTHING = frozenset({"", "-", "–", "—", "na", "n/a", "nan"})
#: Of the catalogue, whatever another table was rounded to.
_DECIMALS = 4
_SWAPPED = "the two columns are swapped in this row, as the mean of its four marks shows"
_NOT_THE_MEAN = "which is not the mean of the four marks printed beside it"


@dataclass
class _Published:
    """What was published of one model on one task."""

    model: str
    task: str
    #: By label; None for the task as a whole.
    values: dict[str | None, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Cell:
    """A number and how it is written, without which one cannot tell how far it was rounded."""

    value: float
    text: str


_Cells = dict[tuple[str, str | None], _Cell]


def read_guanine_scores(path: str | Path) -> Results:
    """Read a table in the columns of GUANinE's catalogue of test scores.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8: a column ``model``, and any of ``dnase``, ``ccre``, ``ccre-dnase``,
        ``ccre-ctcf``, ``ccre-h3k27ac``, ``ccre-h3k4me3``, ``cons30``, ``cons100``, ``gpra-c``,
        ``gpra-d``, ``cadd-snv``, ``cadd-indel`` and ``clinvar-snv``. A cell is a Spearman
        correlation times 100; an empty one, a dash or ``NA`` is none.

    Returns
    -------
    Results
        One for each model and task with a value, in the order of the file. A model's id begins
        with ``published:``. `settings["remarks"]` says what was printed where a value stands
        corrected, and which values scores without ties cannot reach.

    Raises
    ------
    UsageError
        If it is no such table, a cell is no such number, or a model is there twice.
    """
    path = Path(path)
    table = read_text_table(path)
    columns = _known_columns(table.columns, path)
    content = digest_of_file(path)
    notes = [
        f"self-reported: read from {path.name}, not computed here",
        "of the test split, whose labels are private",
    ]
    found: list[_Published] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        printed = row[_MODEL].strip()
        where = f"{path}, row {number}"
        if not printed:
            raise UsageError(f"{where}: no model is named")
        if printed in seen:
            raise UsageError(f"{where}: '{printed}' is in row {seen[printed]} already")
        seen[printed] = number
        cells = {
            column: cell
            for name, column in columns.items()
            if (cell := _cell(row[name], f"{where} ('{printed}'): column '{name}'")) is not None
        }
        model = _RENAMED.get(printed, printed)
        told = [*notes, *([f"{model} is called '{printed}' there"] if model != printed else [])]
        found += _of_model(model, cells, told)
    if not found:
        raise UsageError(f"{path}: there are no scores below the header")
    return Results([_result(each, content) for each in found])


def declared_guanine_scores() -> Results:
    """Give the published scores that the declarations of the tasks hold.

    Returns
    -------
    Results
        As of `read_guanine_scores`, task after task; the page of ClinVar's task is among them.
    """
    found: dict[tuple[str, str], _Published] = {}
    for task in TASKS:
        for score in published_scores(read_shipped(task).published):
            each = found.setdefault((task, score.model), _Published(score.model, task))
            each.values[score.label] = score.value
            each.notes = [f"self-reported: {score.source}, not computed here", *score.caveats]
            if score.corrected:
                each.remarks.append(f"{CORRECTED}{score.corrected}")
    return Results([_result(each, digest_of([SOURCE, each.notes])) for each in found.values()])


def ceiling_x100(declared: DeclaredTask) -> float:
    """Give the most that predictions without ties can reach on a task, times 100.

    ``100 sqrt(1 - 1 / k^2)`` for `k` classes that are equally frequent; where they are not, it is
    less. Predictions with ties can reach 100.
    """
    classes = declared.classes or 2
    return 100.0 * math.sqrt(1.0 - 1.0 / classes**2)


def _known_columns(names: Iterable[str], path: Path) -> dict[str, tuple[str, str | None]]:
    """Find the task and label of each column of scores."""
    found: dict[str, tuple[str, str | None]] = {}
    names = list(names)
    known = f"{_MODEL}, {', '.join(_COLUMNS)}"
    if _MODEL not in names:
        raise UsageError(f"{path}: there is no column '{_MODEL}'; expected {known}")
    for name in names:
        if name == _MODEL:
            continue
        plain = name.strip().lower().replace("_", "-")
        column = _COLUMNS.get(_MISSPELT.get(plain, plain))
        if column is None:
            raise UsageError(f"{path}: column '{name}' is of no task; expected {known}")
        if column in found.values():
            raise UsageError(f"{path}: column '{name}' is there under another spelling already")
        found[name] = column
    if not found:
        raise UsageError(f"{path}: there is no column of scores; expected {known}")
    return found


def _cell(text: str, where: str) -> _Cell | None:
    text = text.strip()
    if text.lower() in _NOTHING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= 100:
        raise UsageError(
            f"{where}: expected a Spearman correlation times 100, from -100 to 100, found '{text}'"
        )
    return _Cell(value, text)


def _of_model(model: str, cells: _Cells, notes: list[str]) -> list[_Published]:
    """Part a row by task, and put right what it contradicts itself in."""
    values = {column: cell.value for column, cell in cells.items()}
    remarks: dict[str, str] = {}
    for task, (value, why) in _corrections(cells).items():
        values[task, None] = value
        remarks[task] = f"{CORRECTED}{why}"
    found: dict[str, _Published] = {}
    for task, label in dict.fromkeys([*cells, *values]):
        each = found.setdefault(task, _Published(model, task, notes=notes))
        each.values[label] = values[task, label]
        if label is None and task in remarks:
            each.remarks.append(remarks[task])
    return list(found.values())


def _corrections(cells: _Cells) -> dict[str, tuple[float, str]]:
    """Give the value a task should have, and why, where what is printed cannot be it."""
    marks = [cells[_CCRE, mark] for mark in _MARKS if (_CCRE, mark) in cells]
    if len(marks) < len(_MARKS):
        return {}
    dnase, ccre = cells.get((_DNASE, None)), cells.get((_CCRE, None))
    decimals = max(_decimals(each.text) for each in (*marks, *filter(None, (dnase, ccre))))
    mean = math.fsum(each.value for each in marks) / len(marks)
    # The mean and the marks are rounded each by up to half of the last digit.
    near = 1.01 * 10.0**-decimals
    rounded = round(mean, _DECIMALS)
    if ccre is None:
        return {_CCRE: (rounded, "nothing was printed; it is the mean of the four marks")}
    if abs(ccre.value - mean) <= near:
        return {}
    if dnase is None or abs(dnase.value - mean) > near:
        return {_CCRE: (rounded, f"{ccre.text} was printed, {_NOT_THE_MEAN}")}
    return {
        task: (
            value,
            f"{here.text} was printed, which is the score on {other.removeprefix(PREFIX)}: "
            f"{_SWAPPED}",
        )
        for task, value, here, other in (
            (_DNASE, ccre.value, dnase, _CCRE),
            (_CCRE, rounded, ccre, _DNASE),
        )
    }


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _result(each: _Published, content: str) -> Result:
    declared = read_shipped(each.task)
    headline = declared.metrics[0]
    value = each.values.get(None)
    remarks = list(each.remarks)
    ceiling = ceiling_x100(declared)
    if value is not None and value > ceiling:
        remarks.append(
            f"{DOUBTED}{value:g} is above {ceiling:.2f}, the most that scores without ties reach "
            f"on {declared.classes or 2} classes"
        )
    return reported_result(
        reported_benchmark(each.task, f"{declared.title}, as published", [SOURCE, each.task]),
        reported_model(f"{PUBLISHED}{each.model}", [SOURCE, each.model], [*each.notes, *remarks]),
        _metric_rows(declared, headline, each.values, remarks),
        headline=[headline],
        source=SOURCE,
        content=content,
        settings={"task_kind": declared.kind, "remarks": remarks},
    )


def _metric_rows(
    declared: DeclaredTask,
    headline: str,
    values: Mapping[str | None, float],
    remarks: list[str],
) -> list[MetricRow]:
    """Make the row of the task and those of its labels, and empty ones of what tables show too."""
    method = "; ".join(["as published; no interval", *remarks])
    rows = [_row(headline, None, values.get(None), method)]
    rows += [_row(SCORE, name, values[name], method) for name in declared.labels if name in values]
    several = headline.removesuffix(SCORE)
    others = ORDINAL_METRICS[1:] + (_OF_TWO_CLASSES if declared.kind == "binary" else ())
    return rows + [_row(f"{several}{name}", None, None, method) for name in others]


def _row(name: str, group: str | None, value: float | None, method: str) -> MetricRow:
    return reported_row(name, value, NOT_PUBLISHED if value is None else method, group=group)
