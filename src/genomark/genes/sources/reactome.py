"""Reactome: which pathways a gene takes part in, by the hierarchy of pathways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genomark.errors import UsageError
from genomark.genes.sources.files import find, task_name
from genomark.genes.sources.gmt import HEEDS, sets_task
from genomark.genes.sources.membership import membership_task
from genomark.genes.sources.reading import read_text
from genomark.genes.sources.source import KnownTask, RemoteFile, Settings, Source
from genomark.genes.task import GeneTask

NAME = "reactome"
TOP_LEVEL = "Pathways"
"""Name of the task whose labels are the top-level pathways."""

FLAT = "Reactome gene sets"
"""Name of the task that a GMT gives without the hierarchy."""

_URL = "https://reactome.org/download/current"
_HUMAN = "R-HSA-"
#: Levels a hierarchy may have; Reactome's has about a dozen.
_DEPTH = 100

#: Top-level pathways of the human hierarchy.
_KNOWN = (
    "Autophagy",
    "Cell Cycle",
    "Cell-Cell communication",
    "Cellular responses to stimuli",
    "Chromatin organization",
    "Circadian clock",
    "DNA Repair",
    "DNA Replication",
    "Developmental Biology",
    "Digestion and absorption",
    "Disease",
    "Drug ADME",
    "Extracellular matrix organization",
    "Gene expression (Transcription)",
    "Hemostasis",
    "Immune System",
    "Metabolism",
    "Metabolism of RNA",
    "Metabolism of proteins",
    "Muscle contraction",
    "Neuronal System",
    "Organelle biogenesis and maintenance",
    "Programmed Cell Death",
    "Protein localization",
    "Reproduction",
    "Sensory Perception",
    "Signal Transduction",
    "Transport of small molecules",
    "Vesicle-mediated transport",
)


def parse(files: Sequence[Path], settings: Settings) -> Iterator[GeneTask]:
    """Read Reactome's own three files, or a GMT alone.

    Parameters
    ----------
    files : sequence of Path
        ``ReactomePathways.gmt`` (zipped or not) with ``ReactomePathwaysRelation.txt`` and
        ``ReactomePathways.txt``; or one GMT of Reactome's sets alone, as MSigDB has it.
    settings : Settings
        For a GMT alone, `name`, `min_genes` and `max_genes`.

    Yields
    ------
    GeneTask
        With the hierarchy: ``Pathways``, whose labels are the top-level pathways, and for each of
        these ``pathway <its name>``, whose labels are its direct children, where there are two
        with genes. Without: one task whose labels are the sets.

    Raises
    ------
    UsageError
        When a file is missing or not as it should be, or a pathway has no name.
    """
    gmt = find(files, "GMT", lambda name: ".gmt" in name)
    relation = find(files, "relation file", lambda name: "relation" in name)
    names = find(
        files, "file of names", lambda name: name.endswith("pathways.txt") and ".gmt" not in name
    )
    if gmt is None:
        raise UsageError(f"{files[0]}: no GMT (*.gmt, *.gmt.zip) among the files that were given")
    if relation is None:
        yield sets_task(gmt, settings, FLAT)
        return
    said = sorted(settings.said())
    if said:
        raise UsageError(f"The setting '{said[0]}' makes no difference to Reactome's hierarchy")
    yield from _tasks(_Hierarchy.read(gmt, relation, names))


@dataclass(frozen=True)
class _Hierarchy:
    """Human pathways by id."""

    genes: Mapping[str, frozenset[str]]
    children: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    @classmethod
    def read(cls, gmt: Path, relation: Path, names: Path | None) -> _Hierarchy:
        named, genes = _read_gmt(gmt)
        if names is not None:
            for id_, name, *_ in _rows(names, 2):
                named.setdefault(id_, name)
        children: dict[str, list[str]] = {}
        # There is no header: the first line is a relation like the others.
        for parent, child, *_ in _rows(relation, 2):
            if parent.startswith(_HUMAN) and child.startswith(_HUMAN):
                children.setdefault(parent, []).append(child)
        if not children:
            raise UsageError(f"{relation}: no relation between human pathways ({_HUMAN}…)")
        unique = {parent: tuple(dict.fromkeys(those)) for parent, those in children.items()}
        return cls(_with_descendants(relation, genes, unique), unique, named)

    def top(self) -> list[str]:
        """Parents that are nobody's child."""
        below = {child for those in self.children.values() for child in those}
        return [parent for parent in self.children if parent not in below]

    def labelled(self, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Genes of the pathways that have any, by their names in alphabetical order."""
        labels: dict[str, frozenset[str]] = {}
        for id_ in sorted(ids):
            if not self.genes.get(id_):
                continue
            name = self.name(id_)
            labels[f"{name} ({id_})" if name in labels else name] = self.genes[id_]
        return dict(sorted(labels.items()))

    def name(self, id_: str) -> str:
        if id_ not in self.names:
            raise UsageError(
                f"The pathway {id_} has a name neither in the GMT nor in ReactomePathways.txt: "
                "give that file, of the same release"
            )
        return self.names[id_]


def _tasks(hierarchy: _Hierarchy) -> Iterator[GeneTask]:
    top = hierarchy.top()
    asked = {TOP_LEVEL: hierarchy.labelled(top)}
    for id_ in sorted(filter(hierarchy.genes.get, top), key=hierarchy.name):
        children = hierarchy.labelled(hierarchy.children[id_])
        asked[_below(hierarchy.name(id_))] = children
    for task, labels in asked.items():
        if len(labels) < 2:
            continue
        members: dict[str, list[str]] = {}
        for label, genes in labels.items():
            for gene in genes:
                members.setdefault(gene, []).append(label)
        yield membership_task(task, dict(sorted(members.items())), labels=labels)


def _below(pathway: str) -> str:
    return f"pathway {task_name(pathway)}"


def _with_descendants(
    relation: Path, own: Mapping[str, frozenset[str]], children: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[str]]:
    """Genes of every pathway: its own list, or else those of all that is below it."""
    genes = dict(own)

    def of(id_: str, above: tuple[str, ...]) -> frozenset[str]:
        if id_ in above:
            raise UsageError(f"{relation}: the pathway {id_} is below itself")
        if len(above) > _DEPTH:
            raise UsageError(f"{relation}: {above[0]} has more than {_DEPTH} levels below it")
        if id_ not in genes:
            below = (of(child, (*above, id_)) for child in children.get(id_, ()))
            genes[id_] = frozenset().union(*below)
        return genes[id_]

    for parent in children:
        of(parent, ())
    return genes


def _read_gmt(path: Path) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Names and genes by id, which stands in the second column of Reactome's own GMT."""
    names: dict[str, str] = {}
    genes: dict[str, frozenset[str]] = {}
    for name, id_, *members in _rows(path, 3):
        if id_.startswith(_HUMAN):
            names[id_] = name
            genes[id_] = frozenset(member for member in members if member)
    if not genes:
        raise UsageError(
            f"{path}: no pathway with an id like {_HUMAN}1234 in the second column; the hierarchy "
            "goes with Reactome's own GMT only"
        )
    return names, genes


def _rows(path: Path, least: int) -> Iterator[list[str]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) < least:
            raise UsageError(
                f"{path}: line {number} has {len(fields)} fields, separated by tabs, expected "
                f"{least} or more"
            )
        yield fields


SOURCE = Source(
    name=NAME,
    title="Reactome: human pathways of genes, top level and below",
    home="https://reactome.org/download-data",
    licence="CC0",
    citation="Milacic et al. 2024, Nucleic Acids Res 52:D672",
    remotes=(
        RemoteFile("ReactomePathways.gmt.zip", f"{_URL}/ReactomePathways.gmt.zip", 100_000_000),
        RemoteFile(
            "ReactomePathwaysRelation.txt", f"{_URL}/ReactomePathwaysRelation.txt", 100_000_000
        ),
        RemoteFile("ReactomePathways.txt", f"{_URL}/ReactomePathways.txt", 100_000_000),
    ),
    tasks=tuple(
        KnownTask(name, "biological processes", NAME, "multi-label")
        for name in (TOP_LEVEL, *map(_below, _KNOWN))
    ),
    files=(
        "ReactomePathways.gmt or .gmt.zip, ReactomePathwaysRelation.txt, ReactomePathways.txt; "
        "or any GMT alone"
    ),
    parse=parse,
    heeds=HEEDS,
)
