"""Gene classes that came with Geneformer (Theodoris et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.sources.ensembl import bare, read_symbols
from genomark.genes.sources.pickles import read_lists
from genomark.genes.sources.reading import read_data
from genomark.genes.sources.source import Family, KnownTask, RemoteFile, Settings, Source
from genomark.genes.task import GeneTask, make_task

NAME = "genecorpus"
URL = (
    "https://huggingface.co/datasets/ctheodoris/Genecorpus-30M/resolve/main/"
    "example_input_files/gene_classification"
)

_LIMIT = 20_000_000
_LYS4 = "bivalent_promoters/bivalent_vs_lys4_only.pickle"
_PLAIN = "bivalent_promoters/bivalent_vs_no_methyl.pickle"


@dataclass(frozen=True)
class _Lists:
    """Which list of which file each of the two classes of a task is; the first is positive.

    A list is named by its label or, where that is not known beforehand, by its place in the file.
    """

    task: str
    family: Family
    classes: tuple[tuple[str, str | int], tuple[str, str | int]]


def _of_one(task: str, family: Family, file: str, first: str | int, second: str | int) -> _Lists:
    return _Lists(task, family, ((file, first), (file, second)))


_TASKS = (
    _of_one(
        "dosage sensitive vs insensitive TF",
        "genomic properties",
        "dosage_sensitive_tfs/dosage_sensitivity_TFs.pickle",
        "Dosage-sensitive TFs",
        "Dosage-insensitive TFs",
    ),
    _of_one(
        "bivalent vs non-methylated", "genomic properties", _PLAIN, "bivalent", "no_methylation"
    ),
    _of_one("bivalent_vs_lys4_only", "genomic properties", _LYS4, "bivalent", "lys4_only"),
    _Lists(
        "Lys4-only-methylated vs non-methylated",
        "genomic properties",
        ((_LYS4, "lys4_only"), (_PLAIN, "no_methylation")),
    ),
    _of_one(
        "long vs short range TF",
        "regulatory functions",
        "tf_regulatory_range/tf_regulatory_range.pickle",
        "long_range",
        "short_range",
    ),
    _of_one("N1 network", "regulatory functions", "notch1_network/n1_network.pickle", 0, 1),
    _of_one("N1 targets", "regulatory functions", "notch1_network/n1_target.pickle", 0, 1),
)
_FILES = tuple(dict.fromkeys(file for each in _TASKS for file, _ in each.classes))


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read the pickles, none of which is unpickled.

    Parameters
    ----------
    files : sequence of Path
        Those of the pickles that are at hand, by their own names.
    settings : Settings
        `hgnc` is needed.

    Yields
    ------
    GeneTask
        A binary task for each whose files are there. A gene that stands twice counts once, where
        it stands first; ids that HGNC does not know are left out.

    Raises
    ------
    UsageError
        When no file is one of the pickles, or one is not as it should be.
    """
    here = {file.name: file for file in files}
    wanted = {name for name in map(_base, _FILES) if name in here}
    if not wanted:
        raise UsageError(
            f"{files[0]}: none of the files of this source, which are "
            f"{', '.join(_base(file) for file in _FILES)}"
        )
    symbols = read_symbols(settings)
    lists = {name: read_lists(here[name], read_data(here[name], limit=_LIMIT)) for name in wanted}
    for each in _TASKS:
        if all(_base(file) in lists for file, _ in each.classes):
            yield _task(each, here, lists, symbols)


def _task(
    asked: _Lists,
    here: dict[str, Path],
    lists: dict[str, dict[str, list[str]]],
    symbols: dict[str, str],
) -> GeneTask:
    classes: dict[str, str] = {}
    labels: list[str] = []
    listed = unknown = 0
    for file, which in asked.classes:
        label = _label(here[_base(file)], lists[_base(file)], which)
        labels.append(label)
        for gene in lists[_base(file)][label]:
            symbol = symbols.get(bare(gene))
            listed += 1
            unknown += symbol is None
            if symbol is not None:
                classes.setdefault(symbol, label)
    task = make_task(
        asked.task,
        pl.DataFrame({"symbol": list(classes)}, schema={"symbol": pl.String}),
        pl.DataFrame({"Outcomes": list(classes.values())}, schema={"Outcomes": pl.String}),
        kind="binary",
        positive=labels[0],
    )
    notes = {
        "ids that HGNC does not know": unknown,
        "ids of symbols that stood before": listed - unknown - len(classes),
    }
    said = (f"{count} of {listed} left out: {what}" for what, count in notes.items() if count)
    return replace(task, notes=(*task.notes, *said))


def _label(path: Path, lists: dict[str, list[str]], which: str | int) -> str:
    if len(lists) != 2:
        raise UsageError(f"{path}: {len(lists)} lists of genes ({', '.join(lists)}), expected two")
    if isinstance(which, int):
        return list(lists)[which]
    if which not in lists:
        raise UsageError(f"{path}: no list '{which}'; its lists are {', '.join(lists)}")
    return which


def _base(file: str) -> str:
    return file.rpartition("/")[2]


SOURCE = Source(
    name=NAME,
    title="Genecorpus-30M: gene classes that came with Geneformer",
    home="https://huggingface.co/datasets/ctheodoris/Genecorpus-30M",
    licence="See the origin",
    citation="Theodoris et al. 2023, Nature 618:616",
    remotes=tuple(RemoteFile(_base(file), f"{URL}/{file}", _LIMIT) for file in _FILES),
    tasks=tuple(KnownTask(each.task, each.family, NAME, "binary") for each in _TASKS),
    files=f"{', '.join(_base(file) for file in _FILES)}, or their folder",
    parse=parse,
    heeds=frozenset({"hgnc"}),
)
