"""The puzzles of Eterna100 (Anderson-Lee et al. 2016, J Mol Biol 428:748), and who solved how many.

Eterna is a game in which people design RNA; these are a hundred of its target structures, chosen
to be hard. There are two lists, told apart by the program under which they have solutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genomark.benchmarks.sequences.published import PublishedScore, PublishedTable, TableRow
from genomark.benchmarks.sequences.published import published_scores as laid_out
from genomark.errors import UsageError
from genomark.rna.structure import SHORTEST_HAIRPIN, pair_set, partners

DATASET = "eterna100"
CITATION = "Anderson-Lee et al. 2016, J Mol Biol 428:748"

_COLUMNS = (
    *("Puzzle #", "Puzzle Name", "Eterna ID"),
    *("Author", "Secondary Structure", "Sample Solution"),
)
_SYMBOLS = "(.)"


@dataclass(frozen=True)
class Puzzle:
    """A structure to design for.

    Attributes
    ----------
    id : str
        Its number in the list.
    name, author : str
    structure : str
        Dot-bracket of nested pairs.
    """

    id: str
    name: str
    author: str
    structure: str

    @property
    def foldable(self) -> bool:
        """Whether energies allow it: no pair may be closer than the shortest hairpin."""
        pairs = pair_set(partners(self.structure))
        return all(closing - opening > SHORTEST_HAIRPIN for opening, closing in pairs)


@dataclass(frozen=True)
class PuzzleList:
    """One of the lists.

    Attributes
    ----------
    file : str
        Of the dataset.
    title : str
    caveats : tuple of str
        Sentences for the page of a benchmark.
    published : tuple of PublishedTable
        What others scored.
    """

    file: str
    title: str
    caveats: tuple[str, ...]
    published: tuple[PublishedTable, ...] = ()

    def published_scores(self) -> list[PublishedScore]:
        """Lay what others scored one under the other."""
        return laid_out(self.published)


_HOURS = (
    "how long each puzzle was worked on is not stated with the score; other tables of the same "
    "authors speak of hours, not of a minute of one core"
)
_PUBLISHED = (
    PublishedTable(
        source="arXiv 2410.01784, table 1, as quoted in its reviews",
        scores=(
            TableRow("OmniGenome", "solved", 0.84),
            TableRow("ViennaRNA", "solved", 0.33),
            TableRow("best of ten others", "solved", 0.04),
            TableRow("seven of ten others", "solved", 0.0),
        ),
        caveats=(_HOURS, "the ten others are foundation models of DNA and RNA"),
    ),
    PublishedTable(
        source="model card of OmniGenome",
        scores=(TableRow("OmniGenome, model card", "solved", 0.74),),
        scale="percent",
        caveats=(_HOURS,),
    ),
    PublishedTable(
        source="the designs in the repository yangheng95/OmniGenBench, folded again",
        scores=(TableRow("OmniGenome, re-folded", "solved", 0.82),),
        caveats=(
            "85 of them are marked as solved there; 82 fold into their target under ViennaRNA "
            "2.7.2, minimum free energy",
        ),
    ),
)

VIENNA2 = PuzzleList(
    file="eterna100_vienna2.txt",
    title="RNA design: 100 target structures of Eterna",
    caveats=(
        "The list of targets that have solutions under ViennaRNA 2.",
        "Of the sample solutions in the file 54 fold into their target under ViennaRNA 2.7.2; "
        "some are not even as long. None of them is used.",
    ),
    published=_PUBLISHED,
)
CONTRAFOLD = PuzzleList(
    file="eterna100_contrafold.txt",
    title="RNA design: 100 target structures of Eterna, as CONTRAfold has them",
    caveats=(
        "83 of the 100 targets are not those of the other list: as it seems, they are what "
        "CONTRAfold makes of the sample solutions.",
        "They are judged by ViennaRNA all the same, as the other list is: 23 of the sample "
        "solutions fold into their target.",
        "7 targets have a hairpin of fewer than 3 bases (55, 60, 70, 74, 81, 88, 89), which no "
        "sequence folds into under ViennaRNA: at most 93 can be solved.",
        "Two targets (22 and 53) are the same, without any pair.",
    ),
)


def read_puzzles(path: Path) -> tuple[Puzzle, ...]:
    """Read a list of puzzles: tab-separated, six columns, with or without their names.

    Parameters
    ----------
    path : Path
        Columns number, name, Eterna id, author, structure and sample solution, of which the last
        is not looked at.

    Raises
    ------
    UsageError
        If the file cannot be read, a row has other columns, a number is there twice, or a
        structure is not of nested pairs.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a list of puzzles ({error})") from error
    found: dict[str, Puzzle] = {}
    for row, line in enumerate(lines, start=1):
        cells = tuple(line.split("\t"))
        if row == 1 and cells == _COLUMNS:
            continue
        puzzle = _puzzle(cells, f"{path}, row {row}")
        if puzzle.id in found:
            raise UsageError(f"{path}, row {row}: puzzle {puzzle.id} is there twice")
        found[puzzle.id] = puzzle
    if not found:
        raise UsageError(f"{path}: no puzzles; expected a row each")
    return tuple(found.values())


def _puzzle(cells: tuple[str, ...], where: str) -> Puzzle:
    if len(cells) != len(_COLUMNS) or not cells[0]:
        raise UsageError(
            f"{where}: {len(cells)} columns; expected {len(_COLUMNS)} with tabs between: "
            + ", ".join(_COLUMNS)
        )
    number, name, _, author, structure, _ = cells
    if not structure or structure.strip(_SYMBOLS):
        raise UsageError(f"{where}: expected a structure of ( ) and . alone, found '{structure}'")
    try:
        partners(structure)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
    return Puzzle(number, name, author, structure)
