"""What ``genomark design`` tells: lines for people, tables, FASTA, JSON, drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
from rich.table import Table
from rich.text import Text

from genomark import __version__
from genomark.atomic import write_whole
from genomark.cli.fold import coloured
from genomark.cli.tables import TABLE_ENDINGS, check_ending, table_bytes
from genomark.cli.terminal import console, status
from genomark.errors import WriteError, one_line
from genomark.results.design_report import MEASURES, Designed, design_report, drawn, measured
from genomark.rna.parameters import vienna_rna

if TYPE_CHECKING:
    from genomark.rna.design.run import Design
    from genomark.rna.vienna import FoldSettings

#: Of the JSON document; raised when a reader of an older one would go wrong.
SCHEMA_VERSION = "1"
_FASTA = (".fa", ".fasta")
#: JSON is the document's.
_TABLES = tuple(ending for ending in TABLE_ENDINGS if ending != ".json")
#: Positions that a line names before it says that there are more.
_POSITIONS_SHOWN = 10
#: Columns before sequences and structures, which lie below each other.
_INDENT = 3


class Delivery:
    """Where designs go.

    Parameters
    ----------
    output, document, report, plot : Path or None
        Files to write: designs in the format of the name, JSON, HTML and SVG.

    Raises
    ------
    UsageError
        If a name does not end as it should.
    """

    def __init__(
        self, output: Path | None, document: Path | None, report: Path | None, plot: Path | None
    ) -> None:
        check_ending(output, (*_TABLES, *_FASTA))
        check_ending(report, (".html", ".htm"))
        check_ending(plot, (".svg",))
        self._output = output
        self._document = document
        self._report = report
        self._plot = plot

    def hand_over(
        self, found: Sequence[Designed], energies: FoldSettings, settings: Mapping[str, Any]
    ) -> None:
        """Write all files, and print the designs unless a file has them instead.

        Parameters
        ----------
        found : sequence of Designed
        energies : FoldSettings
            Of which drawings have their colours.
        settings : mapping
            What was asked for.

        Raises
        ------
        WriteError
            If a file cannot be written; designs are printed then.
        """
        if self._output is None:
            print_designs(found)
        try:
            self._write(found, energies, settings)
        except WriteError:
            if self._output is not None:
                print_designs(found)
            raise

    def _write(
        self, found: Sequence[Designed], energies: FoldSettings, settings: Mapping[str, Any]
    ) -> None:
        if self._output is not None:
            is_fasta = self._output.suffix.lower() in _FASTA
            content = _fasta(found) if is_fasta else table_bytes(_table(found), self._output)
            write_whole(self._output, content)
            status(f"designs: {self._output}")
        if self._document is not None:
            write_whole(self._document, document(found, settings))
            status(f"document: {self._document}")
        if self._plot is None and self._report is None:
            return
        drawings = drawn(found, energies)
        if self._plot is not None:
            _write_drawings(self._plot, drawings)
        if self._report is not None:
            write_whole(self._report, design_report(found, drawings, settings).encode())
            status(f"report: {self._report}")


def _write_drawings(plot: Path, drawings: Sequence[str | None]) -> None:
    for number, svg in enumerate(drawings, 1):
        if svg is not None:
            # Names come from strangers and are no names of files.
            path = plot if len(drawings) == 1 else plot.with_stem(f"{plot.stem}-{number:04d}")
            write_whole(path, svg.encode())
    known = sum(svg is not None for svg in drawings)
    status(f"drawn: {plot}" if len(drawings) == 1 else f"drawn: {known:,}, as {plot.stem}-NUMBER")


def print_designs(found: Sequence[Designed]) -> None:
    """Print each target with its designs, and a table of what was measured."""
    out = console()
    for one in found:
        came = "solved" if one.solved else "not solved"
        heading = f"{one_line(one.target.name)}, {len(one.target):,} nt: {came}"
        out.print(heading, style="bold", markup=False, soft_wrap=True)
        out.print(_line("", coloured(one.target.structure)), soft_wrap=True)
        for number, each in enumerate(one.designs, 1):
            out.print(_line(str(number), each.sequence), soft_wrap=True)
            if each.distance:
                _print_difference(one.target.structure, each)
        out.print(_measures(one.designs) if one.designs else "   no sequence was folded yet")
        out.print()


def _measures(designs: Sequence[Design]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("")
    for heading in ("distance", *MEASURES):
        table.add_column(heading.replace("_", " "), justify="right", no_wrap=True)
    for number, each in enumerate(designs, 1):
        table.add_row(str(number), str(each.distance), *measured(each))
    return table


def _line(number: str, body: str | Text) -> Text:
    """Put a number before what may be longer than the terminal is wide."""
    return Text(f"{number:<{_INDENT}}").append(body)


def _print_difference(target: str, design: Design) -> None:
    """Show a design's structure, and mark below it where it is not as the target."""
    out = console()
    pairs = enumerate(zip(design.structure, target, strict=True))
    wrong = [place for place, (symbol, wanted) in pairs if symbol != wanted]
    line = _line("", coloured(design.structure))
    marks = [" "] * (wrong[-1] + 1)
    for place in wrong:
        line.stylize("reverse", _INDENT + place, _INDENT + place + 1)
        marks[place] = "^"
    more = ", ..." if len(wrong) > _POSITIONS_SHOWN else ""
    places = ", ".join(str(place + 1) for place in wrong[:_POSITIONS_SHOWN])
    out.print(line, soft_wrap=True)
    out.print(_line("", "".join(marks)), style="bold red", soft_wrap=True)
    out.print(_line("", f"{len(wrong)} symbols differ, at {places}{more}"), soft_wrap=True)


def document(found: Sequence[Designed], settings: Mapping[str, Any]) -> bytes:
    """Make the JSON document: of one target, or of several under ``targets``.

    Parameters
    ----------
    found : sequence of Designed
    settings : mapping
        What was asked for.
    """
    head = {
        "schema_version": SCHEMA_VERSION,
        "genomark": __version__,
        "viennarna": str(vienna_rna().__version__),
        "settings": dict(settings),
    }
    targets = [_target_document(one) for one in found]
    body = targets[0] if len(targets) == 1 else {"targets": targets}
    return msgspec.json.format(msgspec.json.encode(head | body), indent=2) + b"\n"


def _target_document(one: Designed) -> dict[str, Any]:
    verified = one.verified or [None] * len(one.designs)
    return {
        "name": one.target.name,
        "target": one.target.structure,
        "constraint": one.target.constraint,
        "solved": one.solved,
        "seconds": round(one.seconds, 3),
        "designs": [
            _design_document(design) | ({} if again is None else {"verified": again})
            for design, again in zip(one.designs, verified, strict=True)
        ],
    }


def _design_document(design: Design) -> dict[str, Any]:
    told = {name: getattr(design.measures, name) for name in MEASURES}
    return {
        "sequence": design.sequence,
        "structure": design.structure,
        "distance": design.distance,
        **told,
    }


def _table(found: Sequence[Designed]) -> pl.DataFrame:
    """One row a design; one without a sequence for a target that has none."""
    rows = []
    for one in found:
        head = {"name": one.target.name, "target": one.target.structure, "solved": one.solved}
        verified = one.verified or [None] * len(one.designs)
        rows += [
            head | {"design": number, "verified": again} | _design_document(each)
            for number, (each, again) in enumerate(zip(one.designs, verified, strict=True), 1)
        ] or [head]
    return pl.DataFrame(rows, schema=_COLUMNS)


def _fasta(found: Sequence[Designed]) -> bytes:
    """Two lines a design: all that is known in the header, and the sequence."""
    lines = []
    for one in found:
        # The first word of a header is the id.
        name = "_".join(one_line(one.target.name).split()) or "target"
        for number, each in enumerate(one.designs, 1):
            told = zip(MEASURES, measured(each), strict=True)
            words = [f">{name}", f"design={number}", f"distance={each.distance}"]
            words += [f"{measure}={value}" for measure, value in told]
            words += [f"structure={each.structure}", f"target={one.target.structure}"]
            lines += [" ".join(words), each.sequence]
    return "".join(f"{line}\n" for line in lines).encode()


_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "name": pl.String,
    "design": pl.Int64,
    "sequence": pl.String,
    "structure": pl.String,
    "target": pl.String,
    "solved": pl.Boolean,
    "distance": pl.Int64,
    **dict.fromkeys(MEASURES, pl.Float64),
    "verified": pl.Boolean,
}
