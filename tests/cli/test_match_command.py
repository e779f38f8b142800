"""``genomark match``, as a shell would see it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from genomark.matching import Candidate, Match, Matcher, builtin
from genomark.matching.tables import Concept, Knowledge, Table

TARGETS = """\
\tAssay\tCell Type\tMolecule
0\tDNASE\tK562\t
1\tDNASE\tHepG2\t
2\tCAGE\tSK-N-SH\t
3\tCAGE\tHepG2\t
4\tCHIP\tHepG2\tEP300
5\tCHIP\tHepG2\tCTCF
6\tCHIP
"""


def few_facts() -> Knowledge:
    lines = [Concept(name, "line") for name in ("K-562", "Hep-G2", "SK-N-SH")]
    molecules = [Concept("EP300", "transcription factor", ("p300",))]
    species = [Concept("homo_sapiens", "species", ("human",))]
    return Knowledge(
        lines=Table(lines, by_key=True),
        types=Table([], by_key=False),
        molecules=Table(molecules, by_key=True),
        species=Table(species, by_key=False),
        digest="01234567",
    )


@pytest.fixture(autouse=True)
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    """The built-in Matcher, of few facts."""
    made = Matcher(few_facts())
    monkeypatch.setattr(builtin, "builtin_matcher", lambda: made)
    return made


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    path = tmp_path / "cells.txt"
    path.write_text("HepG2\n\n  K562 \r\nSK-N-SH\nK562\n")
    return path


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    path = tmp_path / "targets.txt"
    path.write_text(TARGETS)
    return path


def test_a_match_is_told_with_its_reason(genomark_cli, cells: Path, matcher: Matcher) -> None:
    outcome = genomark_cli("match", "k-562", "--choices", cells)
    assert outcome.code == 0
    expected = matcher.explain("cell_type", "k-562", ["HepG2", "K562", "SK-N-SH"])
    first, second, *_ = outcome.out.splitlines()
    assert first == "k-562: K562"
    assert second.startswith(f"  confidence {expected.confidence:.2f}, {expected.stage}: ")
    assert outcome.err.strip() == f"1 of 1 terms matched, of 3 choices, by {matcher.version}"


def test_no_match_is_the_exit_code_too(genomark_cli, cells: Path) -> None:
    outcome = genomark_cli("match", "asdfqwer", "-c", cells)
    assert outcome.code == 1
    assert outcome.out.startswith("asdfqwer: no match\n")
    assert "error" not in outcome.err


def test_one_of_several_terms_without_a_match_is_enough(genomark_cli, cells: Path) -> None:
    assert genomark_cli("match", "k-562", "hep g2", "-c", cells).code == 0
    outcome = genomark_cli("match", "k-562", "asdfqwer", "-c", cells)
    assert outcome.code == 1
    assert "1 of 2 terms matched" in outcome.err


def test_json_is_one_object_a_line(genomark_cli, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("sknsh\nasdfqwer\n")
    outcome = genomark_cli("match", "k-562", "--terms", "terms.txt", "-c", cells, "--json")
    assert outcome.code == 1
    told = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["term"] for each in told] == ["k-562", "sknsh", "asdfqwer"]
    assert [each["choice"] for each in told] == ["K562", "SK-N-SH", None]
    assert set(told[0]) == {
        *("term", "category", "choice", "confidence", "stage", "reason"),
        *("candidates", "calls", "notes"),
    }


def test_a_table_is_read_by_category_and_assay(genomark_cli, targets: Path) -> None:
    assert genomark_cli("match", "k-562", "-c", targets).code == 0
    outcome = genomark_cli("match", "sknsh", "-c", targets, "--assay", "cage")
    assert outcome.code == 0
    assert "of 2 choices" in outcome.err
    assert genomark_cli("match", "k-562", "-c", targets, "--assay", "CAGE").code == 1
    outcome = genomark_cli("match", "p300", "-c", targets, "--category", "binding_molecule")
    assert outcome.out.startswith("p300: EP300\n")
    assert "of 2 choices" in outcome.err
    outcome = genomark_cli("match", "chip", "-c", targets, "--column", "assay", "--json")
    assert json.loads(outcome.out)["choice"] == "CHIP"


def test_species_are_matched(genomark_cli, tmp_path: Path) -> None:
    (tmp_path / "species.txt").write_text("homo_sapiens\nmus_musculus\n")
    outcome = genomark_cli("match", "Human", "-c", "species.txt", "--category", "species")
    assert outcome.out.startswith("Human: homo_sapiens\n")


@pytest.mark.parametrize(
    "words", [("k-562", "-c", "-"), ("--terms", "-", "-c", "cells.txt")], ids=["choices", "terms"]
)
def test_a_dash_is_standard_input(genomark_cli, cells, monkeypatch, words) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfK562\n")))
    assert genomark_cli("match", *words).out.startswith(("k-562: K562", "K562: K562"))


def test_runners_up_and_notes_are_shown_and_controls_are_not(
    genomark_cli, cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told:
        version = "told"

        def explain(self, category: str, term: str, choices: list[str]) -> Match:
            runners_up = (
                Candidate("K562", 0.9, "lexical", "letters"),
                Candidate("Hep\x1b[31mG2", 0.4, "semantic", "[bold]both are cells"),
            )
            notes = ("the language model is out of reach",)
            told = (0.9, "lexical", "nearly the same letters", runners_up, 1, notes)
            return Match(term, category, "K562", *told)

    monkeypatch.setattr(builtin, "builtin_matcher", Told)
    outcome = genomark_cli("match", "k", "-c", cells)
    assert outcome.out.splitlines() == [
        "k: K562",
        "  confidence 0.90, lexical: nearly the same letters",
        "  0.40  Hep [31mG2 (semantic: [bold]both are cells)",
        "  the language model is out of reach",
    ]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("k",), "no choices: name a file of them with --choices"),
        (("-c", "cells.txt"), "no term: write one, or name a file"),
        (("-c", "-", "--terms", "-"), "cannot both be standard input"),
        (("k", "-c", "nowhere.txt"), "Cannot read nowhere.txt: No such file"),
        (("k", "-c", "."), "Cannot read .: Is a directory"),
        (("k", "-c", "empty.txt"), "empty.txt: there is no name in it"),
        (("k", "-c", "cells.txt", "--terms", "empty.txt"), "empty.txt: there is no name in it"),
        (("k", "-c", "latin.txt"), "latin.txt, line 2: this is not UTF-8"),
        (("k", "-c", "cells.txt", "--assay", "CAGE"), "cells.txt, line 1: no tabs"),
        (("k", "-c", "targets.txt", "--column", "Tissue"), "no column 'Tissue'; there are 'Assay'"),
        (("k", "-c", "targets.txt", "--category", "species"), "no column 'Species'"),
        (("k", "-c", "targets.txt", "--assay", "CAEG"), "CAGE"),
        (("k", "-c", "cells.txt", "--llm", "gemma"), "--llm: that names no language model"),
        (("x" * 100_000, "-c", "cells.txt"), "a term of 100,000 letters"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    genomark_cli, cells: Path, targets: Path, tmp_path: Path, words, part
) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "latin.txt").write_bytes(b"K562\nF\xfcrth\n")
    outcome = genomark_cli("match", *words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert part in outcome.err
    assert len(outcome.err.splitlines()) == 1, outcome.err


# Names of one's own


OWN = """\
format-version: 1.2

[Term]
id: LAB:0001
name: ZX-77
namespace: line
synonym: "Zelxit 77" EXACT []
"""


def test_files_of_names_are_known_besides_what_is_built_in(
    genomark_cli, cells: Path, tmp_path: Path, matcher: Matcher
) -> None:
    own, more = tmp_path / "own.obo", tmp_path / "more.txt"
    own.write_text(OWN)
    more.write_text("ID   QX-1\nAC   CVCL_QX01\nSY   Quexit\n//\n")
    cells.write_text("HepG2\nK562\nzx77\nQX-1\n")
    plain = genomark_cli("match", "Zelxit-77", "Quexit", "K-562", "-c", cells, "--json")
    assert plain.code == 1
    both = ("--knowledge", own, "--knowledge", more)
    found = genomark_cli("match", "Zelxit-77", "Quexit", "K-562", "-c", cells, "--json", *both)
    assert found.code == 0
    choices = [json.loads(line)["choice"] for line in found.out.splitlines()]
    assert choices == ["zx77", "QX-1", "K562"]
    version = found.err.strip().rpartition(" ")[2]
    assert version.startswith("genomark-matcher-")
    assert version != matcher.version


def test_a_file_of_names_that_cannot_be_read_is_one_line(
    genomark_cli, cells: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.obo"
    own.write_text(OWN + "is_a:\n")
    for command in (("match", "x", "-c", cells), ("serve", "matcher", "--port", "0")):
        outcome = genomark_cli(*command, "--knowledge", own)
        assert outcome.code == 2
        (line,) = outcome.err.strip().splitlines()
        assert f"{own}, line 8: 'is_a:'; expected an id" in line
