"""Results as HTML, for a notebook. All text is escaped: model names come from strangers."""

from __future__ import annotations

from html import escape

from genomark.results.board import Section, legend, sections
from genomark.results.collection import Results


def results_html(results: Results) -> str:
    """Draw every section as a table, then what was skipped or failed."""
    parts = [_section_html(section) for section in sections(results)]
    for kind, entries in (("Skipped", results.skipped), ("Failed", results.failed)):
        for entry in entries:
            where = " / ".join(filter(None, (entry.benchmark, entry.model)))
            parts.append(f"<p><b>{kind}</b> {escape(where)}: {escape(entry.reason)}</p>")
    parts.append(f"<p><small>{escape(legend(results))}</small></p>")
    return "\n".join(parts)


def _section_html(section: Section) -> str:
    head = "".join(
        f"<th scope='col'>{escape(name)}</th>" for name in ("rank", "model", *section.metrics, "n")
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell)}</td>" for cell in (line.rank, line.model, *line.cells, line.n)
        )
        + "</tr>"
        for line in section.lines
    )
    notes = "".join(f"<br>{escape(note)}" for note in section.notes)
    return (
        f"<h4>{escape(section.benchmark)}: {escape(section.title)}</h4>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p><small>{escape(section.subtitle)}{notes}</small></p>"
    )
