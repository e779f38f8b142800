"""The puzzles of Eterna100: what is read, what is refused, and what the real lists hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genomark.benchmarks.rna.eterna100 import CONTRAFOLD, VIENNA2, Puzzle, read_puzzles
from genomark.errors import UsageError

HEADER = "Puzzle #\tPuzzle Name\tEterna ID\tAuthor\tSecondary Structure\tSample Solution\n"
ROW = '7\tThe "Zigzag"\t123\tEli\t((...))..\tGGAAACCAA\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "puzzles.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("head", [HEADER, ""])
def test_a_list_is_read_with_names_of_columns_and_without(tmp_path: Path, head: str) -> None:
    (puzzle,) = read_puzzles(written(tmp_path, head + ROW))
    assert puzzle == Puzzle("7", 'The "Zigzag"', "Eli", "((...))..")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER, "no puzzles"),
        (HEADER + "1\tA\t2\tB\t((...))\n", "row 2: 5 columns; expected 6 with tabs between"),
        (ROW + ROW, "row 2: puzzle 7 is there twice"),
        (ROW.replace("((...))..", "((...)..."), r"row 1: structure, position 1: '\(' is never"),
        (ROW.replace("((...))..", "[[...]].."), r"row 1: expected a structure of \( \) and \."),
        (ROW.replace("((...))..", ""), r"row 1: expected a structure of"),
    ],
)
def test_what_is_no_list_is_refused_with_its_row(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_puzzles(written(tmp_path, text))


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as a list of puzzles"):
        read_puzzles(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("structure", "foldable"), [("(...)", True), ("(..)", False), ("().", False), ("...", True)]
)
def test_hairpins_of_fewer_than_three_bases_have_no_solution(
    structure: str, foldable: bool
) -> None:
    assert Puzzle("1", "", "", structure).foldable == foldable


def test_the_list_of_viennarna_has_a_hundred_sound_targets(
    real_data: Callable[[str, str], Path],
) -> None:
    puzzles = read_puzzles(real_data("eterna100", VIENNA2.file))
    assert [each.id for each in puzzles] == [str(number) for number in range(1, 101)]
    assert puzzles[0].name == "Simple Hairpin"
    lengths = [len(each.structure) for each in puzzles]
    assert (min(lengths), max(lengths)) == (12, 400)
    for each in puzzles:
        assert each.structure.count("(") == each.structure.count(")")
        assert each.foldable
    assert len({each.structure for each in puzzles}) == 100


def test_the_caveats_of_the_list_of_contrafold_are_so(
    real_data: Callable[[str, str], Path],
) -> None:
    puzzles = read_puzzles(real_data("eterna100", CONTRAFOLD.file))
    others = read_puzzles(real_data("eterna100", VIENNA2.file))
    assert len(puzzles) == 100
    unlike = sum(a.structure != b.structure for a, b in zip(puzzles, others, strict=True))
    assert unlike == 83
    impossible = [each.id for each in puzzles if not each.foldable]
    assert impossible == ["55", "60", "70", "74", "81", "88", "89"]
    assert puzzles[21].structure == puzzles[52].structure
    assert set(puzzles[21].structure) == {"."}
    told = " ".join(CONTRAFOLD.caveats)
    assert "83 of the 100" in told
    assert f"({', '.join(impossible)})" in told
