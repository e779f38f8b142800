"""Sequences of genes from a FASTA file: what stands for a gene where the encoder reads DNA."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from genomark.digests import digest_of, digest_of_file
from genomark.errors import UsageError
from genomark.models.genes.descriptions import SYMBOL, Descriptions

_PLAIN = (".fa", ".fasta", ".fna")
ENDINGS = (*_PLAIN, *(f"{ending}.gz" for ending in _PLAIN))

#: Bases, and the letters for "one of several" (Cornish-Bowden 1985).
_NOT_DNA = re.compile(r"[^ACGTUNRYSWKMBDHV]")


class BasePairs:
    """A FASTA file; the first word of a record's header is the symbol of the gene.

    Parameters
    ----------
    path : Path
        Perhaps compressed by gzip. Read when the first gene is asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def digest(self) -> str:
        """Of the file."""
        return digest_of(["base pairs", digest_of_file(self._path)])

    @property
    def notes(self) -> list[str]:
        """Which file."""
        return [f"text: base pairs of {self._path.name}"]

    def answers(self, kind: str) -> bool:
        """Only genes have a sequence."""
        return kind == SYMBOL

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Give the sequence of each gene, in upper case.

        Raises
        ------
        UsageError
            If the file is no FASTA file of DNA, or holds two sequences of one gene.
        """
        known = self._sequences
        texts = {name: known[name] for name in names if known.get(name)}
        reasons = {
            name: f"its record in {self._path.name} is empty"
            if name in known
            else f"not in {self._path.name}"
            for name in names
            if name not in texts
        }
        return Descriptions(texts, reasons)

    @cached_property
    def _sequences(self) -> dict[str, str]:
        parts: dict[str, list[str]] = {}
        sequence: list[str] | None = None
        for number, line in self._lines():
            if line.startswith(">"):
                symbol = (line[1:].split() or [""])[0]
                if not symbol or symbol in parts:
                    fault = f"'{symbol}' is there twice" if symbol else "a header without a symbol"
                    raise UsageError(
                        f"{self._path}: line {number}: {fault}; expected one sequence for each gene"
                    )
                sequence = parts[symbol] = []
            elif sequence is None:
                raise UsageError(f"{self._path}: line {number}: expected FASTA, beginning with '>'")
            else:
                bases = line.upper()
                if wrong := _NOT_DNA.search(bases):
                    raise UsageError(
                        f"{self._path}: line {number}: '{wrong[0]}' is no letter of DNA"
                    )
                sequence.append(bases)
        return {symbol: "".join(lines) for symbol, lines in parts.items()}

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Numbers and contents of the lines that hold something."""
        opened = gzip.open if self._path.suffix == ".gz" else open
        try:
            with opened(self._path, "rt", encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if stripped := line.strip():
                        yield number, stripped
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise UsageError(f"{self._path}: cannot be read as FASTA ({error})") from error
