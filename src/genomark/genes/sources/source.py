"""What a source of gene tasks is: where its files are, what they give, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from genomark.errors import UsageError
from genomark.genes.outcomes import Kind
from genomark.genes.task import GeneTask

Family = Literal[
    "genomic properties",
    "regulatory functions",
    "localization",
    "biological processes",
    "protein properties",
]


@dataclass(frozen=True)
class KnownTask:
    """A task a source is known to give, whether or not its files are at hand.

    Attributes
    ----------
    name : str
        Name of the task and of its folder.
    family : str
        The kind of property it asks for.
    source : str
        Name of its `Source`.
    kind : str
        As of a `GeneTask`.
    """

    name: str
    family: Family
    source: str
    kind: Kind


@dataclass(frozen=True)
class RemoteFile:
    """A file at a live address, whose bytes may change from one release to the next.

    Attributes
    ----------
    name : str
        What it is called in the cache.
    url : str
    limit : int
        Bytes beyond which it is not what it should be.
    by_hand : str
        What to say on the command line to give it instead; ``--file`` when empty.
    """

    name: str
    url: str
    limit: int
    by_hand: str = ""


@dataclass(frozen=True)
class RemoteFolder:
    """The files of a folder that a server lists as a web page.

    Attributes
    ----------
    url : str
        Ends in ``/``.
    pattern : str
        Regular expression of the names that are wanted.
    limit : int
        Bytes beyond which one of them is not what it should be.
    """

    url: str
    pattern: str
    limit: int


@dataclass(frozen=True)
class PinnedFile:
    """A file of the catalogue of datasets, known by its checksum."""

    dataset: str
    file: str


Remote = RemoteFile | RemoteFolder | PinnedFile

#: From Ensembl ids to symbols; asked for by sources that know genes by their Ensembl id.
HGNC = RemoteFile(
    name="hgnc_complete_set.txt",
    url="https://storage.googleapis.com/public-download-files/hgnc/tsv/tsv/hgnc_complete_set.txt",
    limit=200_000_000,
    by_hand="--hgnc FILE",
)


@dataclass(frozen=True)
class Settings:
    """What can be said about how files become tasks; each source heeds some of it.

    Attributes
    ----------
    hgnc : Path or None
        The HGNC complete set, for sources that know genes by their Ensembl id.
    name : str or None
        Name of the task, for files that do not name theirs.
    min_genes, max_genes : int or None
        How few and how many genes a gene set may have to become a label.
    symbols : tuple of str
        Which columns of a table hold the entities.
    outcomes : tuple of str
        Which columns of a table hold what is to be told; all others where there are none.
    groups : str or None
        Which column of a table says what folds must not part.
    kind : str or None
        Kind of the task of a table, where it is not to be told from its values.
    positive : str or None
        Positive class of the task of a table.
    """

    hgnc: Path | None = None
    name: str | None = None
    min_genes: int | None = None
    max_genes: int | None = None
    symbols: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    groups: str | None = None
    kind: Kind | None = None
    positive: str | None = None

    def said(self) -> dict[str, object]:
        """What differs from the default, by name."""
        return {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) != each.default
        }


Parse = Callable[[Sequence[Path], Settings], Iterator[GeneTask]]


@dataclass(frozen=True)
class Source:
    """A public source of gene tasks.

    Attributes
    ----------
    name : str
        What it is asked for by.
    title : str
        What it is, in a few words.
    home : str
        Web page that says more; empty for files of the user's own.
    licence, citation : str
        Terms of the data as far as the origin states them, and whom to cite.
    remotes : tuple
        What is downloaded when no files are given; none for files of the user's own.
    tasks : tuple of KnownTask
        What it is known to give; none where that depends on the files alone.
    files : str
        The files it reads, for people who have them by hand.
    parse : callable
        From local files (no folders) and `Settings` to tasks, one after the other. Reads nothing
        else. Raises `UsageError` in one line where a file is not what it should be.
    heeds : frozenset of str
        Names of the `Settings` that make a difference to it.
    """

    name: str
    title: str
    home: str
    licence: str
    citation: str
    remotes: tuple[Remote, ...]
    tasks: tuple[KnownTask, ...]
    files: str
    parse: Parse
    heeds: frozenset[str] = frozenset()

    @property
    def needs_hgnc(self) -> bool:
        """Whether it knows genes by their Ensembl id."""
        return "hgnc" in self.heeds

    def check(self, settings: Settings) -> None:
        """Return quietly if every setting that was given makes a difference.

        Raises
        ------
        UsageError
            When one does not.
        """
        for name in settings.said():
            if name not in self.heeds:
                heeded = ", ".join(sorted(self.heeds)) or "none"
                raise UsageError(
                    f"The source '{self.name}' does not heed the setting '{name}' (it heeds: "
                    f"{heeded}). Leave it out."
                )
