"""Folders of classes, as genomic-benchmarks (Grešová et al. 2023) lays them out.

One folder a split, and in it for each class either a table ``<class>.csv.gz`` of regions, with
columns `id`, `region` (a chromosome), `start`, `end` (0-based, half-open) and `strand`, or a folder
``<class>`` with a text file a sequence, named after its id::

    train/positive.csv.gz        train/positive/0.txt
    train/negative.csv.gz        train/negative/0.txt
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genomark.bars import bar, interactive
from genomark.datasets.genome import Genome
from genomark.errors import UnknownNameError, UsageError
from genomark.sequences.columns import Columns, sequences_of
from genomark.sequences.formats import read_records
from genomark.sequences.records import Records

_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".bed", ".bed.gz")
#: Files that are read in a moment.
_MANY_FILES = 20_000
#: Bytes of the longest sequence that one text file may hold.
_LONGEST = 100_000_000


def class_folder_records(
    folder: Path, where: str, genome: Genome | Mapping[str, Genome | None] | None
) -> Records:
    """Read all classes of one split.

    Parameters
    ----------
    folder : Path
    where : str
        What messages call the folder.
    genome : Genome, mapping of str to Genome, or None
        Of which regions are read, or that of each class. Not needed for text files.

    Returns
    -------
    Records
        Columns `id` (``class/id``), `sequence` and `label`, classes in the order of their names.

    Raises
    ------
    UsageError
        If there are no classes, a class is there twice, a file cannot be read, or regions have no
        genome.
    """
    ids: list[str] = []
    sequences: list[str] = []
    labels: list[str] = []
    for name, entry in _classes(folder, where).items():
        place = f"{where}/{entry.name}"
        if entry.is_dir():
            found, read = _texts(entry, place)
        else:
            table = read_records(entry, place)
            read = sequences_of(table, Columns(), _genome_of(name, genome))
            column = table.first(("id",))
            found = [str(each) for each in table.column(column)] if column else []
            found = found or [str(row) for row in range(1, table.n + 1)]
        ids += [f"{name}/{each}" for each in found]
        sequences += read
        labels += [name] * len(read)
    return Records(where, len(ids), {"id": ids, "sequence": sequences, "label": labels})


def _classes(folder: Path, where: str) -> dict[str, Path]:
    classes: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        suffix = (
            "" if entry.is_dir() else next((s for s in _TABLES if entry.name.endswith(s)), None)
        )
        if suffix is None or entry.name.startswith("."):
            continue
        name = entry.name.removesuffix(suffix)
        if name in classes:
            raise UsageError(
                f"{where}: the class '{name}' is there twice, as {classes[name].name} and "
                f"{entry.name}; remove one"
            )
        classes[name] = entry
    if not classes:
        raise UsageError(
            f"{where}: no classes in this folder; expected <class>.csv.gz, or a folder of text "
            "files, for each"
        )
    return dict(sorted(classes.items()))


def _genome_of(name: str, genome: Genome | Mapping[str, Genome | None] | None) -> Genome | None:
    if genome is None or isinstance(genome, Genome):
        return genome
    if name not in genome:
        raise UnknownNameError("class with a genome", name, genome)
    return genome[name]


def _texts(folder: Path, where: str) -> tuple[list[str], list[str]]:
    """Read ids and sequences of a folder of text files, numbered ones by number."""
    files = sorted(folder.glob("*.txt"), key=lambda file: (len(file.stem), file.stem))
    if not files:
        raise UsageError(f"{where}: no text files in this folder of a class")
    shown = bar(len(files), "items") if len(files) > _MANY_FILES and interactive() else None
    read = []
    for done, file in enumerate(files):
        if shown is not None and done % 1000 == 0:
            shown.show(done, folder.name)
        try:
            with file.open(encoding="utf-8") as handle:
                read.append(handle.read(_LONGEST).strip())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{where}/{file.name}: cannot be read ({error})") from error
    if shown is not None:
        shown.close()
    return [file.stem for file in files], read
