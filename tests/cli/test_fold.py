"""``genomark fold``, as a shell would see it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from rich.console import Console

from genomark.cli import fold as module
from genomark.cli import terminal

TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
CLOVERLEAF = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."
OWN = """
from genomark.models import Fold
from genomark.scoring import ModelIdentity

class Straight:
    info = ModelIdentity(id="straight", version="1", digest="d")

    def fold(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        return [Fold("." * len(sequence)) for sequence in sequences]

straight = Straight()
"""


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "rnas.fa"
    path.write_text(f">trna\n{TRNA[:40].lower()}\n{TRNA[40:]}\n>hairpin of two\nGGGGAAAACCCC\n")
    return path


def test_a_sequence_is_folded_as_rnafold_prints_it(genomark_cli) -> None:
    outcome = genomark_cli("fold", TRNA.replace("U", "T"))
    assert outcome.code == 0
    # Energy and structure as `RNA.fold` gives them; lines as RNAfold lays them out.
    assert outcome.out == f">sequence-1\n{TRNA}\n{CLOVERLEAF} (-22.40)\n"
    assert outcome.err.strip() == "1 folded by vienna; energies in kcal/mol"


def test_files_and_sequences_are_folded_in_their_order(genomark_cli, fasta: Path) -> None:
    outcome = genomark_cli("fold", fasta, "gggaaatttccc")
    lines = outcome.out.splitlines()
    assert lines[::3] == [">trna", ">hairpin", ">sequence-2"]
    assert lines[2] == f"{CLOVERLEAF} (-22.40)"
    # By hand from Turner 2004: three stacks of GG on CC, -3.30 each, a hairpin of 4, 5.60, and its
    # first mismatch, A on A beside G-C, -1.10.
    assert lines[5] == "((((....)))) ( -5.40)"
    assert lines[7] == "GGGAAAUUUCCC"


def test_all_structures_together_are_told_of_on_request(genomark_cli) -> None:
    outcome = genomark_cli("fold", TRNA, "-p")
    # As pf(), pr_structure(), mean_bp_distance() and ensemble_defect() of ViennaRNA say.
    assert outcome.out.splitlines()[3] == (
        "ensemble -24.13, frequency of the structure 0.0607, diversity 23.38, defect 0.453"
    )


READERS = {
    ".csv": lambda text: list(csv.DictReader(io.StringIO(text))),
    ".tsv": lambda text: list(csv.DictReader(io.StringIO(text), delimiter="\t")),
    ".json": json.loads,
    ".jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
}


@pytest.mark.parametrize("suffix", [*READERS, ".parquet"])
def test_tables_are_written(suffix: str, genomark_cli, fasta: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / f"structures{suffix}"
    outcome = genomark_cli("fold", fasta, "-p", "-o", output)
    assert outcome.out == ""
    assert outcome.err.strip().startswith("2 folded by vienna; energies in kcal/mol: ")
    if suffix == ".parquet":
        rows = pl.read_parquet(output).to_dicts()
    else:
        rows = READERS[suffix](output.read_text())
    assert [row["id"] for row in rows] == ["trna", "hairpin"]
    assert (rows[0]["sequence"], rows[0]["structure"]) == (TRNA, CLOVERLEAF)
    assert float(rows[0]["energy"]) == -22.4
    assert float(rows[0]["ensemble_energy"]) == pytest.approx(-24.127, abs=1e-3)
    assert float(rows[0]["frequency"]) == pytest.approx(0.060652, abs=1e-6)
    assert float(rows[0]["diversity"]) == pytest.approx(23.375, abs=1e-3)
    assert float(rows[0]["defect"]) == pytest.approx(0.452507, abs=1e-6)
    before = output.read_bytes()
    genomark_cli("fold", fasta, "-p", "-o", output)
    assert output.read_bytes() == before
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_dot_bracket_files_have_three_lines_a_sequence(genomark_cli, fasta: Path) -> None:
    genomark_cli("fold", fasta, "-o", fasta.with_suffix(".dbn"))
    assert fasta.with_suffix(".dbn").read_text() == (
        f">trna energy=-22.40\n{TRNA}\n{CLOVERLEAF}\n"
        ">hairpin energy=-5.40\nGGGGAAAACCCC\n((((....))))\n"
    )


def test_one_structure_is_drawn_to_the_file_and_several_to_numbered_ones(
    genomark_cli, fasta: Path, tmp_path: Path
) -> None:
    outcome = genomark_cli("fold", TRNA, "--plot", "one.svg")
    assert "drawn: one.svg" in outcome.err
    assert outcome.out.startswith(">sequence-1")
    title = ElementTree.parse(tmp_path / "one.svg").getroot()[0]
    assert title.text == "sequence-1 · 76 nt · -22.40 kcal/mol"
    outcome = genomark_cli("fold", fasta, "-p", "--plot", "deep/all.svg", "-o", "x.csv")
    assert "2 drawings, the last is deep/all-0002.svg" in outcome.err
    names = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert names == ["all-0001.svg", "all-0002.svg"]
    assert "probability of the pair" in (tmp_path / "deep" / "all-0001.svg").read_text()


def test_any_folder_serves(genomark_cli, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    outcome = genomark_cli("fold", "GGGGAAAACCCC", "-m", "py:./own.py:straight", "-o", "x.dbn")
    assert outcome.code == 0
    assert (tmp_path / "x.dbn").read_text() == ">sequence-1\nGGGGAAAACCCC\n............\n"
    outcome = genomark_cli("fold", "GGGG", "-m", "py:./own.py:straight")
    assert outcome.out.splitlines()[2] == "...."
    outcome = genomark_cli("fold", "GGGG", "-m", "py:./own.py:straight", "-p")
    assert (outcome.code, outcome.out) == (1, "")
    assert "tells one structure a sequence; vienna tells of all" in outcome.err


def test_a_terminal_shows_loops_in_colours(
    genomark_cli, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(
        terminal, "console", lambda: Console(force_terminal=True, color_system="standard", width=20)
    )
    shown = genomark_cli("fold", "GGGGAAAACCCCA").out.splitlines()[2]
    assert "\x1b[1;36m((((" in shown or "\x1b[1;36m(" in shown
    assert "\x1b[33m." in shown
    assert shown.count("\x1b[2m.") == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["missing.fa"], 2, "'missing.fa': neither a file nor a sequence; expected the path"),
        (["GGXG"], 2, "sequence 1, position 3: letter 'X'; expected A, C, G, U"),
        ([""], 2, "sequence 1: an empty sequence"),
        (["A" * 20_001], 2, "sequence 1: 20,001 bases; expected at most 20,000"),
        (["A" * 5_001, "-p"], 2, "sequence 1: 5,001 bases; expected at most 5,000"),
        (["bad.fa"], 2, "bad.fa"),
        (["protein.fa"], 2, "protein.fa"),
        (["GGGG", "-m", "gc"], 1, "Model 'gc' does not fold RNA; one that does: vienna"),
        (["GGGG", "-m", "vienna:method=best"], 2, "expected mfe or mea or centroid"),
        (["GGGG", "-o", "x.txt"], 2, "x.txt: expected a name that ends in .csv"),
        (["GGGG", "--plot", "x.png"], 2, "x.png: expected a name that ends in .svg"),
    ],
)
def test_errors_are_one_line(
    words: list[str], code: int, message: str, genomark_cli, tmp_path: Path
) -> None:
    (tmp_path / "bad.fa").write_text("GGGG\n")
    (tmp_path / "protein.fa").write_text(">p\nMKLV\n")
    outcome = genomark_cli("fold", *words)
    assert outcome.code == code
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err


def test_long_sequences_are_announced(genomark_cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_LONG", 50)
    outcome = genomark_cli("fold", TRNA)
    assert "folding; the longest of 1 has 76 nt" in outcome.err
