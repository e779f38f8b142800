"""Gene2Gene: pairs of genes that do or do not act together (Du et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from genomark.errors import UsageError
from genomark.genes.sources.reading import read_text
from genomark.genes.sources.source import KnownTask, PinnedFile, Settings, Source
from genomark.genes.task import GeneTask, make_task

NAME = "gene2gene"
TASK = "Gene2Gene"

_SPLITS = ("train", "valid", "test")


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read the pairs of all splits, one after the other.

    Parameters
    ----------
    files : sequence of Path
        ``train_text.txt`` (two symbols a line) and ``train_label.txt`` (0 or 1 a line), and the
        same of ``valid`` and ``test``.
    settings : Settings
        None is heeded.

    Yields
    ------
    GeneTask
        One binary task on pairs, repeated pairs included.

    Raises
    ------
    UsageError
        When a file is missing, or a line is not as it should be.
    """
    named = {file.name: file for file in files}
    pairs: list[list[str]] = []
    labels: list[str] = []
    for split in _SPLITS:
        texts = _lines(_file(named, f"{split}_text.txt"))
        marks = _lines(_file(named, f"{split}_label.txt"))
        if len(texts) != len(marks):
            raise UsageError(
                f"{named[f'{split}_text.txt']}: {len(texts):,} pairs, but {len(marks):,} labels in "
                f"{split}_label.txt; expected one for each"
            )
        pairs += texts
        labels += [mark[0] for mark in marks]
    _check(pairs, labels)
    entities = pl.DataFrame(pairs, schema=["symbol", "symbol.1"], orient="row")
    outcomes = pl.DataFrame({"Outcomes": labels})
    yield make_task(TASK, entities, outcomes, kind="binary", positive="1")


def _file(named: dict[str, Path], name: str) -> Path:
    if name not in named:
        raise UsageError(
            f"No file {name} among those given: Gene2Gene needs _text.txt and _label.txt of "
            f"{', '.join(_SPLITS)} (a folder that holds them will do)"
        )
    return named[name]


def _lines(path: Path) -> list[list[str]]:
    return [line.split() for line in read_text(path).split("\n") if line.strip()]


def _check(pairs: list[list[str]], labels: list[str]) -> None:
    for pair in pairs:
        if len(pair) != 2:
            raise UsageError(f"Gene2Gene: the line '{' '.join(pair)[:60]}' is no pair of symbols")
    for label in labels:
        if label not in ("0", "1"):
            raise UsageError(f"Gene2Gene: the label '{label[:60]}' is neither 0 nor 1")


SOURCE = Source(
    name=NAME,
    title="Gene2vec's gene-gene interactions: labelled pairs",
    home="https://github.com/jingcheng-du/Gene2vec",
    licence="MIT",
    citation="Du et al. 2019, BMC Genomics 20:82",
    remotes=tuple(
        PinnedFile("gene2gene", f"{split}_{what}.txt")
        for split in _SPLITS
        for what in ("text", "label")
    ),
    tasks=(KnownTask(TASK, "regulatory functions", NAME, "binary"),),
    files="train, valid and test _text.txt and _label.txt, or their folder",
    parse=parse,
)
