"""Read a split of a GUANinE task: its sequences, and what is told of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.sequences.declared import DeclaredTask
from genomark.datasets.genome import Genome
from genomark.errors import UsageError, one_line
from genomark.sequences import LabelledSequences
from genomark.sequences.columns import checked_sequences
from genomark.sequences.contexts import region_contexts, variant_contexts
from genomark.sequences.records import Records

#: Bases of a window where neither the file nor the user says.
CONTEXT = 512
#: Windows this near to one another are drawn together, and set apart together, in bases.
BLOCK = 100_000
_OTHER_NAMES = {
    "#chr": "chrom",
    "chr": "chrom",
    "#chrom": "chrom",
    "sequence": "seq",
    "label": "y",
    "mark": "task",
}
_TRUTHS = {"true": "1", "false": "0"}
Told = TypeVar("Told")


@dataclass(frozen=True)
class SplitRows:
    """A split.

    Attributes
    ----------
    labelled : LabelledSequences
        Groups are stretches of a chromosome, where the file tells coordinates; targets NaN where
        nothing is told. Of variants, `sequences` are those with the variant.
    asked : ndarray of bool, shape (n, n_labels)
        What the file has a row of; all but for tasks of several labels.
    references : tuple of str or None
        Of variants, the sequences without.
    chromosomes : tuple of str or None
    places : tuple of (int, int) or None
        Start and end on the chromosome as the file has them, 0-based, half-open.
    padded : int
        Windows that reach beyond an end of their chromosome, filled up with N.
    """

    labelled: LabelledSequences
    asked: NDArray[np.bool_]
    references: tuple[str, ...] | None = None
    chromosomes: tuple[str, ...] | None = None
    padded: int = 0
    places: tuple[tuple[int, int], ...] | None = None

    @cached_property
    def hidden(self) -> bool:
        """Whether nothing is told of what is asked."""
        return bool(np.isnan(np.asarray(self.labelled.targets)).all())

    @cached_property
    def gc(self) -> NDArray[np.float64]:
        """Share of G and C among the known bases of each sequence; 0 without any."""
        sequences = self.references or self.labelled.sequences
        found = np.array(
            [
                (each.count("G") + each.count("C"), len(each) - each.count("N"))
                for each in sequences
            ],
            dtype=np.float64,
        ).reshape(-1, 2)
        return found[:, 0] / np.maximum(found[:, 1], 1.0)

    def take(self, rows: NDArray[np.int64]) -> SplitRows:
        """Make the same of some rows, in the order given."""

        def some(of: tuple[Told, ...] | None) -> tuple[Told, ...] | None:
            return None if of is None else tuple(of[row] for row in rows.tolist())

        return SplitRows(
            self.labelled.take(rows),
            self.asked[rows],
            some(self.references),
            some(self.chromosomes),
            self.padded,
            some(self.places),
        )


def read_split(
    path: Path, task: DeclaredTask, genome: Genome | None, context: int | None
) -> SplitRows:
    """Read a file of a split.

    Parameters
    ----------
    path : Path
        CSV with sequences (`seq`, `y`), or BED with a header (`#chr`, `start`, `end`, `center`,
        `y`; of several labels one row a region and `task`; of variants `ref` and `alt`).
    task : DeclaredTask
    genome : Genome or None
        Of coordinates.
    context : int or None
        Bases of a window; None for `CONTEXT`.

    Raises
    ------
    UsageError
        In one line with file and row, whatever cannot be read.
    """
    frame = _frame(path)
    told = _labels(frame, task, str(path))
    if "seq" in frame.columns:
        rows = _with_sequences(frame, task, str(path))
        _check_lengths(rows.sequences, context, str(path))
    elif genome is None:
        raise UsageError(
            f"{path}: names places, not sequences: give the genome they are of with "
            f"genome={task.genome or 'FILE'}.2bit (or FASTA)"
        )
    elif task.variants:
        rows = _variants(frame, genome, context or CONTEXT, path)
    else:
        rows = _regions(frame, genome, context or CONTEXT, path)
    return _split(rows, told, frame, task, str(path))


@dataclass(frozen=True)
class _Sequences:
    """What models are shown, one a row of the file."""

    sequences: tuple[str, ...]
    names: list[str] | None = None
    groups: list[str] | None = None
    references: tuple[str, ...] | None = None
    chromosomes: list[str] | None = None
    padded: int = 0
    places: list[tuple[int, int]] | None = None


def _frame(path: Path) -> pl.DataFrame:
    separator = "\t" if ".bed" in path.suffixes else ","
    try:
        frame = pl.read_csv(path, separator=separator, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{path}: cannot be read ({one_line(error)})") from error
    names = _column_names(frame.columns)
    frame = frame.rename(names)
    if not frame.height:
        raise UsageError(f"{path}: there are no rows below the header")
    if "seq" not in frame.columns and "chrom" not in frame.columns:
        raise UsageError(
            f"{path}: expected a header with 'seq', or with '#chr', 'start' and 'end'; found "
            f"{', '.join(repr(each) for each in names)[:200]}"
        )
    return frame


def _column_names(columns: list[str]) -> dict[str, str]:
    """Name columns as they are called here; one that has the name already keeps it."""
    low = {name: name.strip().lower() for name in columns}
    names: dict[str, str] = {}
    for name in sorted(columns, key=lambda each: low[each] in _OTHER_NAMES):
        wanted = _OTHER_NAMES.get(low[name], low[name])
        names[name] = name if wanted in names.values() else wanted
    return names


def _labels(frame: pl.DataFrame, task: DeclaredTask, where: str) -> NDArray[np.float64]:
    """Read labels, float64[rows]; all NaN where the file has none."""
    if "y" not in frame.columns:
        return np.full(frame.height, np.nan)
    text = frame["y"].str.strip_chars().str.to_lowercase().replace(_TRUTHS)
    missing = text.is_null() | text.is_in(["", "na", "nan"])
    if missing.all():
        return np.full(frame.height, np.nan)
    if missing.any():
        raise UsageError(f"{where}, row {_first(missing)}: column 'y': no label, where others have")
    values = text.cast(pl.Float64, strict=False)
    classes = task.classes or 2
    wrong = values.is_null() | (values < 0) | (values >= classes) | (values != values.floor())
    wrong = wrong.fill_null(True)
    if wrong.any():
        row = _first(wrong)
        raise UsageError(
            f"{where}, row {row}: column 'y': expected a class from 0 to {classes - 1}, found "
            f"'{frame['y'][row - 1]}'"
        )
    return values.to_numpy()


def _first(flags: pl.Series) -> int:
    """Row of the first, counted from 1."""
    return int(flags.arg_max() or 0) + 1


def _whole(frame: pl.DataFrame, name: str, where: str) -> NDArray[np.int64]:
    if name not in frame.columns:
        raise UsageError(f"{where}: no column '{name}'; there are {', '.join(frame.columns)}")
    values = frame[name].str.strip_chars().cast(pl.Int64, strict=False)
    if values.null_count():
        row = _first(values.is_null())
        raise UsageError(
            f"{where}, row {row}: column '{name}': expected a whole number, found "
            f"'{frame[name][row - 1]}'"
        )
    return values.to_numpy()


def _with_sequences(frame: pl.DataFrame, task: DeclaredTask, where: str) -> _Sequences:
    records = Records(where, frame.height, {"seq": frame["seq"]})
    references = None
    alternates = tuple(checked_sequences(frame["seq"].to_list(), records, "seq"))
    if task.variants:
        if "ref_seq" not in frame.columns:
            raise UsageError(
                f"{where}: a file of sequences of variants needs 'ref_seq', the sequence without "
                "the variant, beside 'seq'"
            )
        references = tuple(checked_sequences(frame["ref_seq"].to_list(), records, "ref_seq"))
    chromosomes = frame["chrom"].to_list() if "chrom" in frame.columns else None
    if chromosomes is None or not {"start", "end"} <= set(frame.columns):
        return _Sequences(alternates, references=references, chromosomes=chromosomes)
    starts, ends = _whole(frame, "start", where), _whole(frame, "end", where)
    names, groups = _placed(chromosomes, starts, ends)
    places = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return _Sequences(alternates, names, groups, references, chromosomes, places=places)


def _check_lengths(sequences: tuple[str, ...], context: int | None, where: str) -> None:
    """Refuse a context that a file of sequences does not have."""
    for row, sequence in enumerate(sequences, start=1):
        if context is not None and len(sequence) != context:
            raise UsageError(
                f"{where}, row {row}: a sequence of {len(sequence):,} bases, and --context asks "
                f"for {context:,}: that takes a file of coordinates (bed/) and a genome"
            )


def _placed(
    chromosomes: list[str], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[list[str], list[str]]:
    places = zip(chromosomes, starts.tolist(), ends.tolist(), strict=True)
    names = [f"{chrom}:{start}-{end}" for chrom, start, end in places]
    blocks = ((starts + ends) // 2 // BLOCK).tolist()
    return names, [f"{each}:{block}" for each, block in zip(chromosomes, blocks, strict=True)]


def _regions(frame: pl.DataFrame, genome: Genome, context: int, path: Path) -> _Sequences:
    where = str(path)
    chromosomes = frame["chrom"].to_list()
    starts, ends = _whole(frame, "start", where), _whole(frame, "end", where)
    has_center = "center" in frame.columns
    centers = _whole(frame, "center", where) if has_center else (starts + ends) // 2
    try:
        found = region_contexts(genome, chromosomes, centers, context)
    except UsageError as error:
        raise UsageError(f"{where}, {error}") from error
    names, groups = _placed(chromosomes, starts, ends)
    padded = int(found.padded.sum())
    places = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return _Sequences(tuple(found.sequences), names, groups, None, chromosomes, padded, places)


def _variants(frame: pl.DataFrame, genome: Genome, context: int, path: Path) -> _Sequences:
    where = str(path)
    if "alt" not in frame.columns:
        raise UsageError(f"{where}: no column 'alt'; there are {', '.join(frame.columns)}")
    chromosomes = frame["chrom"].to_list()
    starts, ends = _whole(frame, "start", where), _whole(frame, "end", where)
    refs = frame["ref"].to_list() if "ref" in frame.columns else None
    alts = frame["alt"].to_list()
    try:
        found = variant_contexts(genome, chromosomes, starts, ends, refs, alts, context)
    except UsageError as error:
        raise UsageError(f"{where}, {error}") from error
    _, groups = _placed(chromosomes, starts, ends)
    alleles = zip(chromosomes, ends.tolist(), refs or [""] * len(alts), alts, strict=True)
    names = [f"{chrom}:{end}:{ref}>{alt}" for chrom, end, ref, alt in alleles]
    return _Sequences(
        tuple(found.alternates),
        names,
        groups,
        tuple(found.references),
        chromosomes,
        int(found.padded.sum()),
        list(zip(starts.tolist(), ends.tolist(), strict=True)),
    )


def _split(
    rows: _Sequences,
    told: NDArray[np.float64],
    frame: pl.DataFrame,
    task: DeclaredTask,
    where: str,
) -> SplitRows:
    n = len(rows.sequences)
    items, columns = np.arange(n), np.zeros(n, dtype=np.int64)
    first = items
    if len(task.labels) > 1:
        columns = _marks(frame, task, where)
        items, first = _by_place(rows, columns)
    names = _unique([rows.names[row] for row in first]) if rows.names else None
    shape = int(items.max()) + 1, len(task.labels)
    targets, asked = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    _check_once(items, columns, task, where)
    targets[items, columns] = told
    asked[items, columns] = True

    def of_first(values: Any) -> tuple[Any, ...] | None:
        return None if values is None else tuple(values[row] for row in first)

    labelled = LabelledSequences(
        kind=task.kind,
        labels=task.labels,
        ids=tuple(names) if names else tuple(str(row + 1) for row in range(len(first))),
        sequences=of_first(rows.sequences) or (),
        targets=targets,
        groups=of_first(rows.groups),
    )
    return SplitRows(
        labelled,
        asked,
        of_first(rows.references),
        of_first(rows.chromosomes),
        rows.padded,
        of_first(rows.places),
    )


def _by_place(
    rows: _Sequences, marks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number what is one region, in the order they come; and give their first rows.

    Without coordinates a region is known by its sequence: where that comes twice with one mark,
    as of copies in the genome, the second is another region.
    """
    keys: list[Any] = list(rows.names or [])
    if not keys:
        seen: Counter[tuple[str, int]] = Counter()
        for sequence, mark in zip(rows.sequences, marks.tolist(), strict=True):
            keys.append((sequence, seen[sequence, mark]))
            seen[sequence, mark] += 1
    numbers: dict[Any, int] = {}
    items = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    first = np.unique(items, return_index=True)[1]
    return items, first


def _check_once(
    items: NDArray[np.int64], columns: NDArray[np.int64], task: DeclaredTask, where: str
) -> None:
    cells = items * max(1, len(task.labels)) + columns
    first = np.unique(cells, return_index=True)[1]
    if first.size < cells.size:
        again = np.setdiff1d(np.arange(cells.size), first)
        mark = task.labels[int(columns[again[0]])]
        raise UsageError(
            f"{where}, row {int(again[0]) + 1}: its region has a row of '{mark}' already"
        )


def _marks(frame: pl.DataFrame, task: DeclaredTask, where: str) -> NDArray[np.int64]:
    if "task" not in frame.columns:
        raise UsageError(f"{where}: no column 'task', which names one of {', '.join(task.labels)}")
    known = {each.casefold(): number for number, each in enumerate(task.labels)}
    # The published table writes H3K27ac with a slip of the pen.
    known["hdk27ac"] = known.get("h3k27ac", 0)
    marks = frame["task"].str.strip_chars().str.to_lowercase()
    columns = marks.replace_strict(known, default=None, return_dtype=pl.Int64)
    if columns.null_count():
        row = _first(columns.is_null())
        raise UsageError(
            f"{where}, row {row}: column 'task': expected one of {', '.join(task.labels)}, found "
            f"'{one_line(frame['task'][row - 1])}'"
        )
    return columns.to_numpy()


def _unique(names: list[str]) -> list[str]:
    """Tell rows of one name apart by their number."""
    if len(set(names)) == len(names):
        return names
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [
        name if counts[name] == 1 else f"{name}#{row}" for row, name in enumerate(names, start=1)
    ]
