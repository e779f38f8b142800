"""FASTA and FASTQ, with what their headers tell."""

from __future__ import annotations

from typing import Any

from genomark.errors import UsageError
from genomark.sequences.records import Records, by_column


def fasta_records(text: str, where: str) -> Records:
    """Read FASTA.

    The first word of a header is the id. Of the words after it each ``key=value`` is a column of
    that name; the last word without ``=`` is the column `label`, unless there is a ``label=``.

    Parameters
    ----------
    text : str
    where : str
        What messages call the file.

    Returns
    -------
    Records
        Columns `id`, `sequence` and those of the headers.

    Raises
    ------
    UsageError
        If the first line with anything on it is no header, or a header has no id.
    """
    text = text.lstrip()
    if not text:
        return Records(where, 0, {})
    if not text.startswith(">"):
        raise UsageError(f"{where}: not FASTA: expected '>' and a name at the beginning")
    rows = []
    for number, record in enumerate(text[1:].replace("\r", "").split("\n>")):
        header, _, body = record.partition("\n")
        rows.append(_row(header, body.replace("\n", "").replace(" ", ""), number, where))
    return by_column(rows, where)


def fastq_records(text: str, where: str) -> Records:
    """Read FASTQ of four lines a record; headers as those of `fasta_records`.

    Qualities are left out.

    Raises
    ------
    UsageError
        If a record has not its four lines, or its qualities are not one a letter.
    """
    lines = text.replace("\r", "").strip("\n").split("\n")
    if lines == [""]:
        return Records(where, 0, {})
    rows = []
    for number, first in enumerate(range(0, len(lines), 4)):
        record = lines[first : first + 4]
        if len(record) < 4 or record[0][:1] != "@" or record[2][:1] != "+":
            raise UsageError(
                f"{where}, line {first + 1}: expected four lines: '@' and a name, the sequence, "
                "'+', the qualities"
            )
        if len(record[1]) != len(record[3]):
            raise UsageError(
                f"{where}, row {number + 1}: {len(record[1]):,} letters and "
                f"{len(record[3]):,} qualities"
            )
        rows.append(_row(record[0][1:], record[1], number, where))
    return by_column(rows, where)


def _row(header: str, sequence: str, number: int, where: str) -> dict[str, Any]:
    words = header.split()
    if not words:
        raise UsageError(f"{where}, row {number + 1}: a header without a name")
    row: dict[str, Any] = {"id": words[0], "sequence": sequence}
    plain = [word for word in words[1:] if "=" not in word]
    told = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    if plain:
        row["label"] = plain[-1]
    return row | {key: value for key, value in told.items() if key not in ("id", "sequence")}
