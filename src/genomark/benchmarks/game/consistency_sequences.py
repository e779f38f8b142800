"""Sequences of the consistency benchmarks: the published table, or one made from peaks.

Around each peak 100,000 bp, a shuffle that keeps its bases, one that keeps its dinucleotides, and
the reverse complement of each.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl

from genomark.datasets.assemblies import open_assembly
from genomark.datasets.bed import read_bed
from genomark.datasets.genome import reverse_complement
from genomark.datasets.placed import placed
from genomark.errors import DatasetError, DatasetUnavailableError, UsageError

BACKGROUNDS = ("natural", "mononucleotide", "dinucleotide")

_FOLDER, _TABLE, _PEAKS = "consistency", "all_consistency_data.csv", "peaks.bed"
_SOURCE = "the table of GAME's consistency Evaluators (index, seq_name, sequence)"
_FLANK = 50_000
_SEED = 20260618
#: How names tell that a sequence was shuffled; the first that is found in a name is it.
_NAMED = (
    ("dinucleotide", re.compile(r"di[-_ ]?nuc|(^|[-_])di([-_]|$)|(^|[-_])k=?2([-_]|$)", re.I)),
    ("mononucleotide", re.compile(r"mono|shuf|(^|[-_])k=?1([-_]|$)", re.I)),
)


def consistency_sequences() -> pl.DataFrame:
    """Read the published table where it is at hand, else make sequences from a BED of peaks.

    Returns
    -------
    polars.DataFrame
        One row a sequence: `name` (as published; the reverse complement ends in ``_RC``),
        `sequence`, `background` (of `BACKGROUNDS`), `peak` and `pair` (from 0), `reverse` (whether
        it is the reverse complement).

    Raises
    ------
    DatasetUnavailableError
        If there is neither.
    DatasetError
        If what there is is not well formed, or hg38 is not at hand to make sequences from.
    """
    try:
        table = placed(_FOLDER, _TABLE, _SOURCE)
    except DatasetUnavailableError as missing:
        try:
            peaks = placed(_FOLDER, _PEAKS, _SOURCE)
        except DatasetUnavailableError:
            raise DatasetUnavailableError(
                f"{missing}; or put a BED of peaks (hg38) there as {_FOLDER}/{_PEAKS}, and "
                "sequences are made from it"
            ) from missing
        return made_from(peaks)
    return read_table(table)


def read_table(path: Path) -> pl.DataFrame:
    """Read the published table; as `consistency_sequences` gives it.

    Raises
    ------
    DatasetError
        If a column or the twin of a sequence is missing, a twin is not the reverse complement, or
        backgrounds are not of one size.
    """
    try:
        table = pl.read_csv(path, separator="\t", infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DatasetError(f"{path}: {str(error).partition(chr(10))[0]}") from error
    lacking = [name for name in ("seq_name", "sequence") if name not in table.columns]
    if lacking or table.select("seq_name", "sequence").null_count().sum_horizontal()[0]:
        raise DatasetError(
            f"{path}: expected a tab-separated table with a seq_name and a sequence in every row"
        )
    sequences = dict(table.select("seq_name", "sequence").iter_rows())
    if len(sequences) != table.height:
        raise DatasetError(f"{path}: a seq_name is there twice")
    names = {_stem(name): name for name in sequences if _is_reverse(name)}
    forward = [name for name in sequences if not _is_reverse(name)]
    for name in [*forward, *names]:
        if name not in names or name not in sequences:
            raise DatasetError(f"{path}: '{names.get(name, name)}' has no twin")
        if sequences[names[name]] != reverse_complement(sequences[name]):
            raise DatasetError(f"{path}: '{names[name]}' is not the reverse complement of '{name}'")
    counted = dict.fromkeys(BACKGROUNDS, 0)
    rows = []
    for pair, name in enumerate(forward):
        background = _background(name)
        about = (background, counted[background], pair)
        counted[background] += 1
        rows.append((name, sequences[name], *about, False))
        rows.append((names[name], sequences[names[name]], *about, True))
    if len(set(counted.values())) != 1:
        told = ", ".join(f"{n} {background}" for background, n in counted.items())
        raise DatasetError(
            f"{path}: expected as many natural as shuffled sequences, found {told} by their names"
        )
    return _frame(rows)


def made_from(peaks: Path) -> pl.DataFrame:
    """Make sequences around the middles of peaks of hg38; as `consistency_sequences` gives them.

    Raises
    ------
    DatasetError
        If hg38 is not at hand, or the file is no BED.
    """
    genome = open_assembly("hg38")
    random = np.random.RandomState(_SEED)
    found = []
    try:
        bed = read_bed(peaks).select("chrom", "start", "end")
    except UsageError as error:
        raise DatasetError(str(error)) from error
    for peak, (chrom, start, end) in enumerate(bed.iter_rows()):
        middle = (start + end) // 2
        try:
            natural = genome.window(chrom, middle - _FLANK, middle + _FLANK)
        except UsageError as error:
            raise DatasetError(f"{peaks}: {error}") from error
        name = f"{chrom}:{middle - _FLANK}-{middle + _FLANK}"
        for background, sequence in (
            ("natural", natural),
            ("mononucleotide", shuffled(natural, random)),
            ("dinucleotide", dinucleotide_shuffled(natural, random)),
        ):
            found.append((background, name, sequence, peak))
    found.sort(key=lambda each: BACKGROUNDS.index(each[0]))
    rows = []
    for pair, (background, name, sequence, peak) in enumerate(found):
        own = name if background == "natural" else f"{name}_{background}_shuffled"
        about = (background, peak, pair)
        rows.append((own, sequence, *about, False))
        rows.append((f"{own}_RC", reverse_complement(sequence), *about, True))
    return _frame(rows)


def shuffled(sequence: str, random: np.random.RandomState) -> str:
    """Shuffle a sequence; what it holds of each letter stays."""
    letters = np.frombuffer(sequence.encode(), dtype=np.uint8)
    return letters[random.permutation(letters.size)].tobytes().decode()


def dinucleotide_shuffled(sequence: str, random: np.random.RandomState) -> str:
    """Shuffle a sequence; what it holds of each dinucleotide, and its first letter, stay.

    Every such sequence is a walk along all edges of a graph of letters, and is given by the order
    in which the edges of each letter are gone (Altschul and Erickson 1985, Mol Biol Evol 2:526):
    the last edges must lead to the last letter, all others are free.
    """
    codes = np.frombuffer(sequence.encode(), dtype=np.uint8)
    if codes.size < 3:
        return sequence
    following = {int(code): codes[1:][codes[:-1] == code] for code in np.unique(codes[:-1])}
    last = _last_edges({code: each.tolist() for code, each in following.items()}, codes, random)
    orders: dict[int, list[int]] = {}
    for code, each in following.items():
        edges = each[random.permutation(each.size)].tolist()
        if code in last:
            edges.remove(last[code])
            edges.append(last[code])
        # Taken from the end, which is cheap.
        orders[code] = edges[::-1]
    at = int(codes[0])
    walk = [at]
    while edges := orders.get(at):
        at = edges.pop()
        walk.append(at)
    return bytes(walk).decode()


def _last_edges(
    following: dict[int, list[int]], codes: np.ndarray, random: np.random.RandomState
) -> dict[int, int]:
    """Draw the last edge of each letter until all lead to the last letter of the sequence."""
    end = int(codes[-1])
    while True:
        last = {
            code: edges[random.randint(len(edges))]
            for code, edges in following.items()
            if code != end
        }
        if all(_leads(code, end, last) for code in last):
            return last


def _leads(code: int, end: int, last: dict[int, int]) -> bool:
    for _ in last:
        if code == end:
            return True
        code = last[code]
    return code == end


def _background(name: str) -> str:
    return next((background for background, told in _NAMED if told.search(name)), BACKGROUNDS[0])


def _is_reverse(name: str) -> bool:
    return name.lower().endswith("_rc")


def _stem(name: str) -> str:
    return name[:-3]


def _frame(rows: list[tuple[str, str, str, int, int, bool]]) -> pl.DataFrame:
    schema = {
        "name": pl.String,
        "sequence": pl.String,
        "background": pl.String,
        "peak": pl.Int64,
        "pair": pl.Int64,
        "reverse": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
