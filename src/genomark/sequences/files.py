"""Read labelled sequences from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from genomark.datasets.genome import Genome, open_genome
from genomark.errors import UsageError
from genomark.sequences.class_folder import class_folder_records
from genomark.sequences.columns import Columns, groups_of, ids_of, sequences_of
from genomark.sequences.encode import encode
from genomark.sequences.formats import read_records
from genomark.sequences.labelled import Kind, LabelledSequences
from genomark.sequences.records import Records

_Genome = Genome | str | Path


def read_labelled(
    path: str | Path,
    *,
    kind: Kind | None = None,
    labels: Sequence[str] | None = None,
    columns: Columns | None = None,
    genome: _Genome | Mapping[str, _Genome] | None = None,
    source: str | None = None,
) -> LabelledSequences:
    """Read sequences and what is told of them.

    Parameters
    ----------
    path : str or Path
        JSON (a list, an object with such a list under ``sequences`` or ``data``, or an object a
        line), CSV or TSV with a header, parquet, FASTA, FASTQ (in both, what the header tells
        after the id: ``label=1 group=chr2``, or the label as its last word), or BED; each also
        packed with gzip. Or a folder of classes, as `genomark.sequences.class_folder` tells.
    kind : str, optional
        By default what the labels look like. Lists as long as the sequences, and texts of one
        symbol a letter, are of positions: ``token-regression`` where a number has a decimal point,
        else ``token-classes``. Other lists, and several columns, are ``multi-label`` if all are 0
        or 1, else ``regression``. Whole numbers that count from 0 without a gap, or are two, and
        words are classes: ``binary`` if two, else ``multi-class``. Other numbers are
        ``regression``. Pairs are never guessed.
    labels : sequence of str, optional
        The classes, or what to call the values. By default the classes there are, in order, and
        the names of the columns. Of a ``binary`` task the positive class, or both, the positive
        one last. A file of a test set is read with the labels of its training set. Lists of
        classes of positions may give the numbers of labels, from 0.
    columns : Columns, optional
        What the columns are called, where not as usual.
    genome : Genome or str or Path, or mapping of str to such, optional
        Of which regions are read; one a class where the classes of a folder are of several.
    source : str, optional
        What messages call the file.

    Returns
    -------
    LabelledSequences
        Ids are those of the file; ``name#row`` where several rows share one, and the number of
        the row, from 1, where there are none.

    Raises
    ------
    UsageError
        In one line with the file and the row, counted from 1, whatever cannot be read: a missing
        column, an empty sequence or a letter in it that is none, a label outside the set or
        missing, one that is not as long as its sequence, a number that is not finite, regions
        without a genome, a file that is cut short.
    """
    columns = columns or Columns()
    records, opened = _records(path, genome, source or str(path))
    sequences = sequences_of(records, columns, opened)
    kind, names, targets = encode(records, columns, sequences, kind, labels)
    return LabelledSequences(
        kind=kind,
        labels=names,
        ids=ids_of(records, columns),
        sequences=tuple(sequences),
        targets=targets,
        groups=groups_of(records, columns),
    )


def read_sequences(
    path: str | Path, genome: _Genome | None = None, *, columns: Columns | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read sequences of which nothing need be told.

    Parameters
    ----------
    path, genome, columns
        As of `read_labelled`.

    Returns
    -------
    ids : tuple of str
        As those of `read_labelled`.
    sequences : tuple of str
        Upper case.

    Raises
    ------
    UsageError
        As `read_labelled`.
    """
    records, opened = _records(path, genome, str(path))
    columns = columns or Columns()
    return ids_of(records, columns), tuple(sequences_of(records, columns, opened))


def _records(
    path: str | Path, genome: _Genome | Mapping[str, _Genome] | None, where: str
) -> tuple[Records, Genome | None]:
    """Read the rows, and open the genome of the regions among them."""
    path = Path(path)
    if path.is_dir():
        if not isinstance(genome, Mapping):
            return class_folder_records(path, where, _opened(genome)), None
        genomes = {name: _opened(each) for name, each in genome.items()}
        return class_folder_records(path, where, genomes), None
    if isinstance(genome, Mapping):
        raise UsageError(f"{where}: a genome for each class is for folders of classes; give one")
    return read_records(path, where), _opened(genome)


def _opened(genome: _Genome | None) -> Genome | None:
    return genome if genome is None or isinstance(genome, Genome) else open_genome(genome)
