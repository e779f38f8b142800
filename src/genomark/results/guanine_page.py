"""The table of GUANinE as a page: one file without scripts, that loads nothing from elsewhere."""

from __future__ import annotations

from genomark.benchmarks.sequences.declared import read_shipped
from genomark.results.drawing import plain
from genomark.results.guanine_scores import CORRECTED, TASKS, ceiling_x100
from genomark.results.guanine_table import GuanineTable, Line, Score, short_name
from genomark.results.page import closed_page
from genomark.results.reported import PUBLISHED

_TITLE = "GUANinE: Spearman correlation times 100"

_STYLE = """\
th, td { padding: .2rem .6rem; text-align: right; vertical-align: top; white-space: nowrap; }
th[scope=row], th.model { text-align: left; }
th { font-weight: 600; } small { opacity: .75; } .quiet { color: #888; }
sup { line-height: 0; } sup a { text-decoration: none; }
tbody tr + tr > * { border-top: 1px solid #8884; }
td small { display: block; }
.group th { text-align: left; padding-top: 1rem; border-bottom: 2px solid; }
.own .group th { border-color: #0072b2; }
.theirs .group th { border-color: #d55e00; }
.theirs tr:not(.group) > * { background: #d55e0014; font-weight: 400; }
.theirs tr:not(.group) > th:first-child { border-left: 3px solid #d55e00; }
.own tr:not(.group) > th:first-child { border-left: 3px solid #0072b2; }
.corrected { font-style: italic; }
"""


def guanine_page(table: GuanineTable) -> str:
    """Draw the table: scores computed here first, published ones in a block of their own colour.

    All text in it is escaped: names of models come from strangers.
    """
    notes: dict[str, int] = {}
    blocks = "".join(_block(table, published, notes) for published in (False, True))
    told = "".join(f"<li id='note-{number}'>{plain(note)}</li>" for note, number in notes.items())
    parts = [
        f"<h1>{_TITLE}</h1>",
        f"<p>{_how_to_read(table)}</p>",
        f"<div class='wide'><table>{_head(table)}{blocks}</table></div>",
        f"<h2>Corrected, doubtful or partial scores</h2><ol>{told}</ol>" if told else "",
        _list("What is told of the published scores", table.sources),
        _list("What is not in it", table.left_out),
    ]
    return closed_page(_TITLE, "".join(parts), width=80, style=_STYLE)


def _how_to_read(table: GuanineTable) -> str:
    names = ", ".join(map(short_name, table.averaged))
    mean = (
        f"The mean is over {plain(names)}; a model that lacks one of them has none. GUANinE itself "
        "defines no mean."
        if names
        else "There is no task to average over."
    )
    return (
        "Scores computed here come first: [low, high] is a 95 % interval by bootstrap, of a mean "
        "the mean of the ends, which is wide enough whatever the tasks have in common. Published "
        "scores were not computed here and cannot be: the labels of the test split, which "
        "they are of, are private, and nothing tells their intervals. They are not ranked among "
        f"the others, whose scores are of another split. {mean}"
    )


def _head(table: GuanineTable) -> str:
    cells = "".join(
        f"<th scope='col' title='{plain(_about(task))}'>{plain(short_name(task))}</th>"
        for task in table.tasks
    )
    return f"<thead><tr><th scope='col' class='model'>model</th><th>mean</th>{cells}</tr></thead>"


def _about(task: str) -> str:
    if task not in TASKS:
        return task
    declared = read_shipped(task)
    classes = declared.classes or 2
    return (
        f"{declared.title}; scores without ties reach at most {ceiling_x100(declared):.2f} on "
        f"{classes} classes"
    )


def _block(table: GuanineTable, published: bool, notes: dict[str, int]) -> str:
    lines = [line for line in table.lines if line.published == published]
    if not lines:
        return ""
    title = "as published, of the test split" if published else "computed here"
    rows = "".join(_line(table, line, notes) for line in lines)
    return (
        f"<tbody class='{'theirs' if published else 'own'}'><tr class='group'>"
        f"<th colspan='{len(table.tasks) + 2}' scope='rowgroup'>{title}</th></tr>{rows}</tbody>"
    )


def _line(table: GuanineTable, line: Line, notes: dict[str, int]) -> str:
    missing = Score(None, reason="not published" if line.published else "not asked")
    cells = "".join(_cell(line.scores.get(task, missing), notes) for task in table.tasks)
    name = line.model.removeprefix(PUBLISHED) if line.published else line.model
    asked = f"<small> {plain(line.asked_as)}</small>" if line.asked_as else ""
    return f"<tr><th scope='row'>{plain(name)}{asked}</th>{_cell(line.mean, notes)}{cells}</tr>\n"


def _cell(score: Score, notes: dict[str, int]) -> str:
    marks = "".join(_mark(remark, notes) for remark in score.remarks)
    if score.value is None:
        return f"<td class='quiet' title='{plain(score.reason)}'>–{marks}</td>"
    corrected = any(remark.startswith(CORRECTED) for remark in score.remarks)
    between = (
        f"<small>[{score.interval[0]:.2f}, {score.interval[1]:.2f}]</small>"
        if score.interval
        else ""
    )
    kind = " class='corrected'" if corrected else ""
    rows = f" title='{score.n:,} rows'" if score.n else ""
    return f"<td{kind}{rows}>{score.value:.2f}{marks}{between}</td>"


def _mark(remark: str, notes: dict[str, int]) -> str:
    number = notes.setdefault(remark, len(notes) + 1)
    return f"<sup><a href='#note-{number}' title='{plain(remark)}'>{number}</a></sup>"


def _list(title: str, entries: tuple[str, ...]) -> str:
    if not entries:
        return ""
    return f"<h2>{title}</h2><ul>{''.join(f'<li>{plain(each)}</li>' for each in entries)}</ul>"
