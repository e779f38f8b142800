"""Files that ``genomark design`` reads and writes."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
import RNA
from rich.console import Console

from genomark.cli import design_output
from genomark.cli.design_targets import read_targets
from genomark.errors import UsageError
from genomark.sequences import read_sequences

HAIRPIN, HOPELESS = "((((....))))", "(...)"
TWO = f">a hairpin\nNNNNGNRANNNN\n{HAIRPIN}\n\n>\n{HOPELESS}\n"
ETERNA = (
    "Puzzle #\tPuzzle Name\tEterna ID\tAuthor\tSecondary Structure\tSample Solution\n"
    f"8\tG-C Placement\t6141\tSneh\t{HAIRPIN}\tGGGGAAAACCCC\n"
    f"90\tGladius\t7\tx\t{HOPELESS}\t\n"
)
#: Each format of a file: its name, its text, and the names of its two targets.
FILES = [
    ("t.txt", ETERNA, ["8 G-C Placement", "90 Gladius"]),
    ("t.fa", TWO, ["a hairpin", "target-2"]),
    ("lines", f"\n{HAIRPIN}\r\n  {HOPELESS}  \n", ["target-1", "target-2"]),
    ("t.csv", f"name,structure\nx,{HAIRPIN}\n,{HOPELESS}\n", ["x", "target-2"]),
    ("t.tsv", f"Structure\tid\n{HAIRPIN}\t5\n{HOPELESS}\t6\n", ["5", "6"]),
    (
        "t.jsonl",
        f'{{"name": 1, "structure": "{HAIRPIN}"}}\n{{"structure": "{HOPELESS}"}}\n',
        ["1", "target-2"],
    ),
]


@pytest.mark.parametrize(("name", "text", "names"), FILES)
def test_targets_are_read(name: str, text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    targets = read_targets(str(tmp_path / name))
    assert [each.structure for each in targets] == [HAIRPIN, HOPELESS]
    assert [each.name for each in targets] == names
    assert targets[0].constraint == ("NNNNGNRANNNN" if name == "t.fa" else None)
    assert targets[1].constraint is None


def test_a_table_may_have_constraints(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"structure,constraint\n{HAIRPIN},nnnngnrannnn\n{HAIRPIN},\n")
    assert [each.constraint for each in read_targets(str(path))] == ["nnnngnrannnn", None]


def test_all_of_eterna_is_read(real_data) -> None:
    path = real_data("eterna100", "eterna100_vienna2.txt")
    targets = read_targets(str(path))
    assert len(targets) == 100
    assert targets[0].name == "1 Simple Hairpin"
    assert (min(map(len, targets)), max(map(len, targets))) == (12, 400)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("lines", "((...))\n((...)\n", "lines, line 2, target-2: structure, position 1: '(' is"),
        ("lines", "((..x))\n", "lines, line 1, target-1: structure, position 5"),
        ("lines", "", "lines: no structures in it"),
        ("t.fa", ">a\n((...))\n>b\n", "t.fa, line 3, b: 0 lines; expected a structure, or"),
        ("t.fa", ">a\nNN\n((...))\n", "t.fa, line 1, a: a constraint of 2 letters"),
        ("t.fa", ">a\nNNNNNN!\n((...))\n", "t.fa, line 1, a, constraint, position 7: '!'"),
        ("t.fa", ">a\nNNNNNNN\n((...))\n((...))\n", "t.fa, line 1, a: 3 lines"),
        ("t.csv", "name,x\na,b\n", "t.csv: no column 'structure'; there are 'name', 'x'"),
        ("t.csv", "name,structure\na,((...))\nb,\n", "t.csv, row 2, b: an empty structure"),
        ("t.csv", "name,structure\na,((..))\n", "t.csv, row 1, a, position 2: a hairpin of 2"),
        ("t.txt", ETERNA.replace("(...)", "(...("), "t.txt, row 2, 90 Gladius: structure, pos"),
        (
            "t.csv",
            "structure,constraint\n((...)),GNNNNNG\n",
            "t.csv, row 1, target-1, constraint: positions 1 (G) and 7 (G) are to pair",
        ),
        ("t.json", '[{"structure": [1]}]', "t.json, row 1: column 'structure': expected text"),
        ("t.json", '[{"structure": 1.5}]', "t.json, row 1: column 'structure': expected text"),
        ("t.csv", "structure\n((([[[)))]]]\n", "t.csv, row 1, target-1"),
        ("lines", "(((\x00\xff", "lines, line 1"),
    ],
)
def test_a_bad_target_is_told_by_file_and_row(
    name: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        read_targets(name)
    assert len(str(raised.value).splitlines()) == 1


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*missing: No such file"):
        read_targets(str(tmp_path / "missing"))
    (tmp_path / "latin").write_bytes(b">caf\xe9\n((...))\n")
    with pytest.raises(UsageError, match="latin: not text in UTF-8, at byte 5"):
        read_targets(str(tmp_path / "latin"))


def test_standard_input_is_read(genomark_cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TWO.split("\n\n")[0].encode())))
    outcome = genomark_cli("design", "--file", "-")
    assert outcome.code == 0
    assert outcome.out.startswith("a hairpin, 12 nt: solved\n")
    for text, message in (("", "standard input: no structures"), ("GG", "standard input, line 1")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        outcome = genomark_cli("design", "--file", "-")
        assert outcome.code == 2
        assert message in outcome.err


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A target that is solved, and one that cannot be."""
    path = tmp_path / "two.fa"
    path.write_text(TWO)
    return path


READERS = {
    ".csv": lambda text: list(csv.DictReader(io.StringIO(text))),
    ".tsv": lambda text: list(csv.DictReader(io.StringIO(text), delimiter="\t")),
    ".jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
}
SHORT = ("--time", "0.3", "--workers", "1")


@pytest.mark.parametrize("suffix", [*READERS, ".parquet"])
def test_tables_are_written(suffix: str, genomark_cli, two: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / f"designs{suffix}"
    outcome = genomark_cli("design", "--file", two, "-o", output, *SHORT)
    assert (outcome.code, outcome.out) == (3, "")
    assert f"designs: {output}" in outcome.err
    if suffix == ".parquet":
        rows = pl.read_parquet(output).to_dicts()
    else:
        rows = READERS[suffix](output.read_text())
    first, second = rows
    assert list(first) == [
        *("name", "design", "sequence", "structure", "target", "solved", "distance"),
        *("mfe", "probability", "ensemble_defect", "gc", "energy_gap", "verified"),
    ]
    assert (first["name"], first["target"], int(first["distance"])) == ("a hairpin", HAIRPIN, 0)
    assert re.fullmatch("....G.[AG]A....", first["sequence"])
    # As ViennaRNA tells by itself.
    compound = RNA.fold_compound(first["sequence"])
    structure, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    assert first["structure"] == structure == HAIRPIN
    assert float(first["mfe"]) == pytest.approx(energy, abs=0.005)
    assert float(first["probability"]) == pytest.approx(compound.pr_structure(HAIRPIN), rel=1e-4)
    assert float(first["ensemble_defect"]) == pytest.approx(
        compound.ensemble_defect(HAIRPIN), abs=1e-4
    )
    assert (second["structure"], int(second["distance"])) == (".....", 2)


def test_fasta_tells_all_in_its_headers(genomark_cli, two: Path, tmp_path: Path) -> None:
    genomark_cli("design", "--file", two, "-o", "d.fa", "--json", "d.json", *SHORT)
    header, sequence, *_ = (tmp_path / "d.fa").read_text().splitlines()
    (design,) = json.loads((tmp_path / "d.json").read_text())["targets"][0]["designs"]
    assert sequence == design["sequence"]
    assert header == (
        f">a_hairpin design=1 distance=0 mfe={design['mfe']:.2f} "
        f"probability={design['probability']:#.4g} "
        f"ensemble_defect={design['ensemble_defect']:.4f} gc={design['gc']:.2f} "
        f"energy_gap={design['energy_gap']:.2f} structure={HAIRPIN} target={HAIRPIN}"
    )
    ids, sequences = read_sequences(tmp_path / "d.fa")
    assert (ids, sequences[0]) == (("a_hairpin", "target-2"), design["sequence"])


def test_the_document_tells_settings_and_targets(genomark_cli, two: Path, tmp_path: Path) -> None:
    genomark_cli("design", "--file", two, "--json", "d.json", "--seed", "3", *SHORT)
    document = json.loads((tmp_path / "d.json").read_text())
    assert document["schema_version"] == "1"
    assert document["viennarna"] == RNA.__version__
    assert document["settings"] == {
        "folder": "vienna",
        "model": None,
        "objectives": ["probability"],
        "time": 0.3,
        "seed": 3,
        "count": 1,
        "interrupted": False,
    }
    first, second = document["targets"]
    assert (first["name"], first["constraint"], first["solved"]) == (
        "a hairpin",
        "NNNNGNRANNNN",
        True,
    )
    assert (second["name"], second["constraint"], second["solved"]) == ("target-2", None, False)
    assert 0 < first["seconds"] < 0.3
    assert "verified" not in first["designs"][0]


def test_the_document_of_one_target_is_that_target(genomark_cli, tmp_path: Path) -> None:
    genomark_cli("design", "--structure", HAIRPIN, "--json", "d.json")
    document = json.loads((tmp_path / "d.json").read_text())
    assert (document["target"], document["solved"]) == (HAIRPIN, True)
    assert "targets" not in document
    (design,) = document["designs"]
    assert RNA.fold(design["sequence"])[0] == design["structure"] == HAIRPIN


def test_drawings_are_numbered(genomark_cli, two: Path, tmp_path: Path) -> None:
    genomark_cli("design", "--structure", HAIRPIN, "--plot", "one.svg", "-o", "x.csv")
    title = ElementTree.parse(tmp_path / "one.svg").getroot()[0]
    assert re.fullmatch(r"target · 12 nt · -\d\.\d\d kcal/mol", title.text)
    outcome = genomark_cli("design", "--file", two, "--plot", "deep/d.svg", "-o", "x.csv", *SHORT)
    assert "drawn: 2, as d-NUMBER" in outcome.err
    names = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert names == ["d-0001.svg", "d-0002.svg"]
    assert "probability of the pair" in (tmp_path / "deep" / names[0]).read_text()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data) -> None:
        self.words.append(data)


def test_the_report_is_one_page_that_loads_nothing(genomark_cli, two: Path, tmp_path: Path) -> None:
    two.write_text(TWO.replace("a hairpin", "<script>alert(1)</script>"))
    words = ("--objective", "probability", "--objective", "gc=0.5", "--count", "3")
    outcome = genomark_cli("design", "--file", two, "--report", "r.html", *words, *SHORT)
    assert "report: r.html" in outcome.err
    page = _Page()
    page.feed((tmp_path / "r.html").read_text())
    assert "script" not in page.tags
    assert page.addresses == ["#target-1", "#target-2"]
    assert page.words.count("<script>alert(1)</script>") >= 2
    # A drawing of each target, and how probability and GC of three designs lie to each other.
    assert page.tags.count("svg") == 3
    assert page.tags.count("h2") == 2
    assert page.tags.count("mark") == 2
    titles = [word for word in page.words if re.match(r"design \d: probability", word)]
    assert len(titles) == 3
    assert "Designs: 1 of 2 solved" in page.words


def test_designs_are_printed_where_a_file_cannot_be_written(genomark_cli, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    outcome = genomark_cli("design", "--structure", HAIRPIN, "-o", "occupied/d.csv")
    assert outcome.code == 1
    assert outcome.out.startswith("target, 12 nt: solved")
    assert outcome.err.splitlines()[-1].startswith("error: Cannot write occupied/d.csv")


def test_a_terminal_shows_structures_in_colours(
    genomark_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        design_output,
        "console",
        lambda: Console(force_terminal=True, color_system="standard", width=70),
    )
    shown = genomark_cli("design", "--structure", HAIRPIN).out
    assert "\x1b[1;36m" in shown
    wrong = genomark_cli("design", "--structure", HOPELESS, *SHORT).out
    # What differs is reversed, and marked below.
    assert "\x1b[2;7m" in wrong or "\x1b[7" in wrong
    assert "^   ^" in wrong
