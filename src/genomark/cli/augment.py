"""``genomark augment``: more sequences like those at hand, with what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from genomark.sequences.records import Records

_Rows = list[dict[str, Any]]


def augment(
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="hf:NAME", help="A masked language model.")
    ],
    input: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="Sequences: FASTA, CSV, ...")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .jsonl, .fasta or .csv.")
    ],
    share: Annotated[float, typer.Option(help="Of the tokens, how many are hidden.")] = 0.15,
    copies: Annotated[int, typer.Option(help="Of each sequence.")] = 1,
    seed: Annotated[int, typer.Option(help="Of what is hidden and drawn.")] = 0,
    temperature: Annotated[
        float, typer.Option(help="0: what is most probable. Above: drawn, 1 as the model tells.")
    ] = 0.0,
) -> None:
    """Write copies of sequences in which a masked model has filled in some tokens anew.

    Copies are as long as their sequence, in T or U as it is, and keep its labels and whatever
    else its row has.

    \b
    Examples:
      genomark augment -m hf:org/name -i train.csv -o more.csv --copies 4 --temperature 1
      genomark augment -m hf:./checkpoint -i train.fa -o more.jsonl --share 0.3
    """
    from genomark.atomic import write_whole
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.errors import CapabilityError
    from genomark.models import load_model
    from genomark.models.augment import augment as augmented
    from genomark.models.genes.waiting import Waiting
    from genomark.models.hub.model import HubModel
    from genomark.sequences.columns import Columns, ids_of, sequences_of
    from genomark.sequences.formats import read_records

    check_ending(output, _WRITERS)
    made = load_model(model)
    if not isinstance(made, HubModel):
        raise CapabilityError(f"'{model}': cannot fill in tokens; expected hf:ORG/NAME")
    records = read_records(input, str(input))
    sequences, ids = sequences_of(records, Columns(), None), ids_of(records, Columns())
    with Waiting(len(sequences) * copies, f"{model}: copies") as waiting:
        found = augmented(
            made,
            sequences,
            share=share,
            copies=copies,
            seed=seed,
            temperature=temperature,
            progress=waiting.advance,
        )
    rows = [
        {"id": f"{name}-augmented-{number}", "sequence": copy, **told}
        for name, each, told in zip(ids, found, _told(records), strict=True)
        for number, copy in enumerate(each, start=1)
    ]
    write_whole(output, _WRITERS[output.suffix.lower()](rows, output).encode())
    status(f"{len(rows):,} copies of {len(sequences):,} sequences are in {output}")


def _told(records: Records) -> _Rows:
    """What rows hold beside the sequence and the id: labels, groups."""
    from genomark.sequences.columns import ID_NAMES, SEQUENCE_NAMES

    replaced = {records.first(SEQUENCE_NAMES), records.first(ID_NAMES), "id", "sequence"}
    columns = {name: records.column(name) for name in records.columns if name not in replaced}
    return [{name: cells[row] for name, cells in columns.items()} for row in range(records.n)]


def _jsonl(rows: _Rows, where: Path) -> str:
    import msgspec

    return "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows)


def _csv(rows: _Rows, where: Path) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _fasta(rows: _Rows, where: Path) -> str:
    """Write ``>id key=value``, which is read back as columns."""
    return "".join(f">{_words(row, where)}\n{row['sequence']}\n" for row in rows)


def _words(row: dict[str, Any], where: Path) -> str:
    from genomark.errors import UsageError, one_line

    words = ["_".join(row["id"].split())]
    for name, value in row.items():
        if name in ("id", "sequence") or value is None:
            continue
        word = f"{name}={_cell(value)}"
        if word.split() != [word] or "=" in name:
            raise UsageError(
                f"{where}: '{one_line(word)[:60]}' of '{one_line(row['id'])}' has no place in a "
                "header of FASTA, where words end at blanks; write a .jsonl"
            )
        words.append(word)
    return " ".join(words)


def _cell(value: Any) -> str:
    """Write a cell as text: lists, as of positions, as JSON without blanks."""
    import msgspec

    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_WRITERS: dict[str, Callable[[_Rows, Path], str]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".fasta": _fasta,
    ".fa": _fasta,
}
