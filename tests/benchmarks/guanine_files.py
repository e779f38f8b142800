"""Folders in the layout of GUANinE, with real sequence and labels that follow from it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MARKS = ("dnase", "ctcf", "H3K27ac", "H3K4me3")
CLASSES = {"dnase_propensity": 5, "cons30": 25, "cons100": 25, "gpra_c": 18, "gpra_d": 18}
ROWS = {"train": 1000, "1per": 60, "dev": 250, "test": 250}
#: The first 10 kb are N.
FIRST, LAST = 12_000, 990_000


def read_chromosome(path: Path) -> str:
    """Read the one chromosome of a packed FASTA file, without the library that genomark uses."""
    with gzip.open(path, "rt") as handle:
        header = handle.readline()
        assert header.startswith(">chr1")
        return "".join(line.strip() for line in handle).upper()


@dataclass(frozen=True)
class Lookalike:
    """What was written, and what was not.

    Attributes
    ----------
    folder : Path
        ``data`` of a benchmark: a folder for each task.
    chromosome : str
    hidden : dict of str to dict of str to float
        Labels of the test splits, by task and item.
    """

    folder: Path
    chromosome: str
    hidden: dict[str, dict[str, float]]


def gc_of(sequence: str) -> float:
    known = len(sequence) - sequence.count("N")
    return (sequence.count("G") + sequence.count("C")) / max(known, 1)


def classes_of(values: np.ndarray, k: int) -> np.ndarray:
    """Bin values into `k` classes that are equally frequent."""
    ranks = values.argsort(kind="stable").argsort(kind="stable")
    return ranks * k // len(values)


def write_suite(folder: Path, genome: Path) -> Lookalike:
    """Write all nine tasks."""
    chromosome = read_chromosome(genome)
    made = Lookalike(folder, chromosome, {})
    for number, name in enumerate(("dnase_propensity", "cons30", "cons100")):
        _write_regions(made, name, number)
    _write_marks(made)
    for number, name in enumerate(("gpra_c", "gpra_d")):
        _write_promoters(made, name, 10 + number)
    for number, name in enumerate(("cadd_snv", "cadd_indel", "clinvar_snv")):
        _write_variants(made, name, 20 + number)
    return made


def _regions(made: Lookalike, seed: int, n: int) -> tuple[np.random.Generator, np.ndarray]:
    draw = np.random.default_rng(seed)
    places = [each for each in range(FIRST, LAST, 200) if _is_known(made, each)]
    return draw, draw.choice(places, size=n, replace=False)


def _is_known(made: Lookalike, center: int) -> bool:
    return "N" not in made.chromosome[center - 256 : center + 256]


def _signal(made: Lookalike, centers: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    windows = [made.chromosome[center - 256 : center + 256] for center in centers]
    told = np.array([gc_of(each) + 4 * each.count("CG") / 512 for each in windows])
    return told + draw.normal(0, 0.5 * told.std(), len(told))


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _parts(total: int) -> dict[str, slice]:
    """The few-shot split is the beginning of the train split."""
    parts = {"train": slice(0, ROWS["train"]), "1per": slice(0, ROWS["1per"])}
    first = ROWS["train"]
    for name in ("dev", "test"):
        parts[name] = slice(first, first + ROWS[name])
        first += ROWS[name]
    assert first == total
    return parts


_TOTAL = ROWS["train"] + ROWS["dev"] + ROWS["test"]


def _write_regions(made: Lookalike, name: str, seed: int) -> None:
    draw, centers = _regions(made, seed, _TOTAL)
    y = classes_of(_signal(made, centers, draw), CLASSES[name])
    for part, rows in _parts(_TOTAL).items():
        header = "#chr\tstart\tend\tcenter" + ("" if part == "test" else "\ty")
        lines = [header]
        for center, label in zip(centers[rows], y[rows], strict=True):
            row = f"chr1\t{center - 75}\t{center + 75}\t{center}"
            lines.append(row if part == "test" else f"{row}\t{label}")
            if part == "test":
                made.hidden.setdefault(name, {})[f"chr1:{center - 75}-{center + 75}"] = float(label)
        _write(made.folder / name / "bed" / part / f"{part}.bed", lines)


def _write_marks(made: Lookalike) -> None:
    draw, centers = _regions(made, 5, _TOTAL)
    labels = {mark: classes_of(_signal(made, centers, draw), 5) for mark in MARKS}
    for part, rows in _parts(_TOTAL).items():
        lines = ["#chr\tstart\tend\tcenter\ttask" + ("" if part == "test" else "\ty")]
        for row in range(rows.start, rows.stop):
            center = centers[row]
            # Of every third region one mark is not told.
            for number, mark in enumerate(MARKS):
                if row % 3 == 0 and row % 4 == number:
                    continue
                text = f"chr1\t{center - 75}\t{center + 75}\t{center}\t{mark}"
                lines.append(text if part == "test" else f"{text}\t{labels[mark][row]}")
        _write(made.folder / "ccre_propensity" / "bed" / part / f"{part}.bed", lines)


def _write_promoters(made: Lookalike, name: str, seed: int) -> None:
    draw, centers = _regions(made, seed, _TOTAL)
    sequences = [made.chromosome[center - 40 : center + 40] for center in centers]
    told = np.array([gc_of(each) for each in sequences])
    y = classes_of(told + draw.normal(0, told.std(), len(told)), CLASSES[name])
    for part, rows in _parts(_TOTAL).items():
        lines = ["seq" if part == "test" else "seq,y"]
        for sequence, label in zip(sequences[rows], y[rows], strict=True):
            lines.append(sequence if part == "test" else f"{sequence},{label}")
        _write(made.folder / name / part / f"{part}.csv", lines)


def _write_variants(made: Lookalike, name: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    places = [each for each in range(FIRST, LAST, 50) if _is_known(made, each)]
    positions = draw.choice(places, size=_TOTAL, replace=False)
    # clinvar_snv is written as the documentation has it: no "chr", and no train split.
    clinvar = name == "clinvar_snv"
    parts = _parts(_TOTAL)
    for part in ("dev", "test") if clinvar else tuple(parts):
        lines = ["#chr\tstart\tend\tref\talt" + ("" if part == "test" else "\ty")]
        for position in positions[parts[part]]:
            ref = made.chromosome[position]
            alt = "ACGT"[("ACGT".index(ref) + int(draw.integers(1, 4))) % 4]
            if name == "cadd_indel":
                ref, alt = made.chromosome[position : position + 2], ref
            around = made.chromosome[position - 50 : position + 50]
            label = int(gc_of(around) + draw.normal(0, 0.1) > 0.42)
            chrom = "1" if clinvar else "chr1"
            row = f"{chrom}\t{position}\t{position + len(ref)}\t{ref}\t{alt}"
            lines.append(row if part == "test" else f"{row}\t{label}")
        _write(made.folder / name / "bed" / part / f"{part}.bed", lines)
