"""``genomark fold``: structures of RNAs, for people, programs and pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from genomark.models import Fold, Folder
    from genomark.rna.vienna import Ensemble

#: From which length on a fold takes so long that a line says what is going on.
_LONG = 800
#: Colours of symbols by the loop they are in.
_STYLES = {
    "stem": "bold cyan",
    "hairpin": "yellow",
    "interior": "green",
    "multiloop": "magenta",
    "exterior": "dim",
    "crossing": "bold red",
}


@dataclass(frozen=True)
class _Folded:
    """A sequence and what was found out about it."""

    id: str
    sequence: str
    fold: Fold
    ensemble: Ensemble | None


def fold(
    sequences: Annotated[
        list[str],
        typer.Argument(metavar="SEQ|FILE...", help="Sequences, or files of them: FASTA, CSV, ..."),
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="SPEC", help="A model that folds.")
    ] = "vienna",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv, .tsv, .parquet, .json, .jsonl or .dbn to write, instead of printing.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.svg",
            help="Draw the structure; of several sequences FILE-0001.svg, FILE-0002.svg, ...",
        ),
    ] = None,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble",
            "-p",
            help="Also what all structures together tell, as RNAfold -p: energy, frequency, "
            "diversity, defect; colours the plot by probability. Of vienna alone.",
        ),
    ] = False,
) -> None:
    """Fold RNA: dot-bracket structures and free energies in kcal/mol.

    \b
    Examples:
      genomark fold GGGGAAAACCCC
      genomark fold rnas.fa -o structures.csv
      genomark fold trna.fa -p --plot trna.svg
      genomark fold GGGGAAAACCCC -m vienna:method=mea,temperature=25
    """
    from genomark.atomic import write_whole
    from genomark.cli.tables import TABLE_ENDINGS, check_ending, table_bytes
    from genomark.cli.terminal import status
    from genomark.errors import CapabilityError
    from genomark.models import Folder, load_model
    from genomark.models.vienna import Vienna
    from genomark.rna.vienna import LONGEST, LONGEST_MATRIX

    check_ending(output, (*TABLE_ENDINGS, ".dbn"))
    check_ending(plot, (".svg",))
    made = load_model(model)
    if not isinstance(made, Folder):
        raise CapabilityError(f"Model '{model}' does not fold RNA; one that does: vienna")
    if ensemble and not isinstance(made, Vienna):
        raise CapabilityError(
            f"--ensemble: '{model}' tells one structure a sequence; vienna tells of all"
        )
    longest = LONGEST_MATRIX if ensemble else LONGEST if isinstance(made, Vienna) else sys.maxsize
    found = _fold(made, *_read(sequences, longest), ensemble=ensemble)
    if plot is not None:
        _draw(found, plot)
    has_energy = any(each.fold.energy is not None for each in found)
    unit = "; energies in kcal/mol" if has_energy else ""
    if output is None:
        _print(found)
        status(f"{len(found):,} folded by {made.info.id}{unit}")
        return
    is_dbn = output.suffix.lower() == ".dbn"
    write_whole(output, _dbn(found) if is_dbn else table_bytes(_table(found), output))
    status(f"{len(found):,} folded by {made.info.id}{unit}: {output}")


def _read(words: Sequence[str], longest: int) -> tuple[list[str], list[str]]:
    """Tell files from sequences; give ids and sequences."""
    from genomark.errors import UsageError, one_line
    from genomark.rna.vienna import rna_sequence
    from genomark.sequences import read_sequences

    ids: list[str] = []
    sequences: list[str] = []
    for number, word in enumerate(words, 1):
        if _is_file(word):
            read, bases = read_sequences(word)
            for name, sequence in zip(read, bases, strict=True):
                sequences.append(rna_sequence(sequence, f"{word}, '{one_line(name)}'", longest))
            ids += read
        elif word.isalpha() or not word:
            sequences.append(rna_sequence(word, f"sequence {number}", longest))
            ids.append(f"sequence-{number}")
        else:
            raise UsageError(
                f"'{one_line(word)}': neither a file nor a sequence; expected the path of a FASTA, "
                "CSV or other file of sequences, or letters A, C, G, U (or T) and N"
            )
    return ids, sequences


def _is_file(word: str) -> bool:
    try:
        return bool(word) and Path(word).exists()
    except OSError:
        # A long sequence is too long for the name of a file.
        return False


def _fold(made: Folder, ids: list[str], sequences: list[str], *, ensemble: bool) -> list[_Folded]:
    from genomark.cli.terminal import status
    from genomark.models.genes.waiting import Waiting
    from genomark.models.vienna import Vienna

    longest = max(map(len, sequences), default=0)
    if longest > _LONG:
        status(f"folding; the longest of {len(sequences):,} has {longest:,} nt")
    with Waiting(len(sequences), "folding") as waiting:
        folds = made.fold(sequences, waiting.advance)
    ensembles: Sequence[Ensemble | None] = [None] * len(folds)
    if ensemble and isinstance(made, Vienna):
        with Waiting(len(sequences), "ensembles") as waiting:
            structures = [each.structure for each in folds]
            ensembles = made.ensembles(sequences, structures, waiting.advance)
    rows = zip(ids, sequences, folds, ensembles, strict=True)
    return [_Folded(*row) for row in rows]


def _print(found: Sequence[_Folded]) -> None:
    """Print as RNAfold does: id, sequence, structure with its energy in brackets."""
    from genomark.cli.terminal import console
    from genomark.errors import one_line

    out = console()
    for each in found:
        out.print(f">{one_line(each.id)}", markup=False, soft_wrap=True)
        out.print(each.sequence, markup=False, soft_wrap=True)
        line = coloured(each.fold.structure)
        if each.fold.energy is not None:
            line.append(f" ({each.fold.energy:6.2f})")
        out.print(line, soft_wrap=True)
        if each.ensemble is not None:
            told = each.ensemble
            out.print(
                f"ensemble {told.energy:.2f}, frequency of the structure {told.probability:.4f}, "
                f"diversity {told.diversity:.2f}, defect {told.defect:.3f}",
                style="dim",
                soft_wrap=True,
            )


def coloured(structure: str) -> Text:
    """Colour symbols by the loop they are in."""
    from rich.text import Text

    from genomark.rna.drawing import loop_kinds

    line = Text()
    for symbol, kind in zip(structure, loop_kinds(structure), strict=True):
        line.append(symbol, _STYLES[kind])
    return line


def _draw(found: Sequence[_Folded], plot: Path) -> None:
    from genomark.atomic import write_whole
    from genomark.cli.terminal import status
    from genomark.rna.drawing import draw

    for number, each in enumerate(found, 1):
        # Ids come from strangers and are no names of files.
        path = plot if len(found) == 1 else plot.with_stem(f"{plot.stem}-{number:04d}")
        drawn = draw(
            each.sequence,
            each.fold.structure,
            name=each.id,
            energy=each.fold.energy,
            agreement=None if each.ensemble is None else each.ensemble.agreement,
        )
        write_whole(path, drawn.encode())
    status(f"{len(found):,} drawings, the last is {path}" if len(found) > 1 else f"drawn: {plot}")


def _table(found: Sequence[_Folded]) -> pl.DataFrame:
    """One row a sequence; the columns of the ensemble only where it was asked for."""
    import polars as pl

    columns: dict[str, tuple[pl.DataType | type[pl.DataType], list[object]]] = {
        "id": (pl.String, [each.id for each in found]),
        "sequence": (pl.String, [each.sequence for each in found]),
        "structure": (pl.String, [each.fold.structure for each in found]),
        "energy": (pl.Float64, [each.fold.energy for each in found]),
    }
    told = [each.ensemble for each in found if each.ensemble is not None]
    if told:
        columns |= {
            "ensemble_energy": (pl.Float64, [each.energy for each in told]),
            "frequency": (pl.Float64, [each.probability for each in told]),
            "diversity": (pl.Float64, [each.diversity for each in told]),
            "defect": (pl.Float64, [each.defect for each in told]),
        }
    return pl.DataFrame(
        [pl.Series(name, values, dtype=dtype) for name, (dtype, values) in columns.items()]
    )


def _dbn(found: Sequence[_Folded]) -> bytes:
    """Three lines a sequence: header with the energy, sequence, structure."""
    from genomark.errors import one_line

    lines = []
    for each in found:
        energy = each.fold.energy
        told = "" if energy is None else f" energy={energy:.2f}"
        lines += [f">{one_line(each.id)}{told}", each.sequence, each.fold.structure]
    return "".join(f"{line}\n" for line in lines).encode()
