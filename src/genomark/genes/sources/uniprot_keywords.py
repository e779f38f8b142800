"""UniProt keywords of reviewed human proteins, by category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from genomark.errors import UsageError
from genomark.genes.sources.files import only
from genomark.genes.sources.membership import membership_task
from genomark.genes.sources.reading import read_data
from genomark.genes.sources.source import KnownTask, RemoteFile, Settings, Source
from genomark.genes.task import GeneTask

NAME = "uniprot-keywords"
#: Only what is read here is asked for; whole entries are many times as large.
URL = (
    "https://rest.uniprot.org/uniprotkb/stream?compressed=true&format=json"
    "&fields=accession%2Cgene_names%2Ckeyword"
    "&query=%28model_organism%3A9606%29%20AND%20%28reviewed%3Atrue%29"
)

CATEGORIES = (
    "Biological process",
    "Cellular component",
    "Coding sequence diversity",
    "Disease",
    "Domain",
    "Ligand",
    "Molecular function",
    "PTM",
    "Technical term",
)


class _Name(msgspec.Struct):
    value: str


class _Gene(msgspec.Struct):
    geneName: _Name | None = None  # noqa: N815 - as in the JSON


class _Keyword(msgspec.Struct):
    category: str
    name: str


class _Entry(msgspec.Struct):
    genes: list[_Gene] = []
    keywords: list[_Keyword] = []


class _Answer(msgspec.Struct):
    results: list[_Entry]


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read the JSON of UniProt's REST interface, gzipped or not.

    The gene of an entry is the first it names. What is said of a gene in several entries is put
    together.

    Parameters
    ----------
    files : sequence of Path
        The one file.
    settings : Settings
        None is heeded.

    Yields
    ------
    GeneTask
        A multi-label task for each of `CATEGORIES` with two keywords or more; its genes are those
        with at least one keyword of the category, in alphabetical order.

    Raises
    ------
    UsageError
        When the file is no such JSON.
    """
    path = only(files, "UniProt entries as JSON")
    try:
        entries = msgspec.json.decode(read_data(path), type=_Answer).results
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not the JSON of UniProt entries ({error})") from error
    keywords: dict[str, dict[str, set[str]]] = {category: {} for category in CATEGORIES}
    nameless = 0
    for entry in entries:
        gene = entry.genes[0].geneName if entry.genes else None
        if gene is None:
            nameless += 1
            continue
        for keyword in entry.keywords:
            if keyword.category in keywords:
                keywords[keyword.category].setdefault(gene.value, set()).add(keyword.name)
    if not any(keywords.values()):
        raise UsageError(f"{path}: no entry with both a gene and a keyword")
    yield from _tasks(keywords, nameless)


def _tasks(keywords: dict[str, dict[str, set[str]]], nameless: int) -> Iterator[GeneTask]:
    notes = (f"{nameless} entries without a gene name left out",) if nameless else ()
    for category, members in keywords.items():
        task = membership_task(_task_name(category), dict(sorted(members.items())), notes=notes)
        if len(task.labels) > 1:
            yield task


def _task_name(category: str) -> str:
    return f"UniProt keyword {category}"


SOURCE = Source(
    name=NAME,
    title="UniProt keywords of reviewed human proteins",
    home="https://www.uniprot.org/keywords",
    licence="CC BY 4.0",
    citation="The UniProt Consortium 2023, Nucleic Acids Res 51:D523",
    remotes=(RemoteFile("uniprot_human_keywords.json.gz", URL, 500_000_000),),
    tasks=tuple(
        KnownTask(_task_name(category), "protein properties", NAME, "multi-label")
        for category in CATEGORIES
    ),
    files="reviewed human entries as JSON or JSON.gz (fields gene_names and keyword suffice)",
    parse=parse,
)
