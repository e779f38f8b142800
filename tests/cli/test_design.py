"""``genomark design``, as a shell would see it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import RNA

from genomark.cli import design_work
from processes import wait_for

HAIRPIN = "((((....))))"
#: Simple, and harder; solved in less than a second each.
EASY = ("(((((......)))))", "((((...)))).", "((....)).((....))", "((((((.((((....))))))).)))......")
#: One pair costs more than it gives: never the structure of minimum free energy.
HOPELESS = "(...)"
FOLDER = """
import multiprocessing, os, signal
from pathlib import Path
import RNA
from genomark.models import Fold
from genomark.scoring import ModelIdentity

class Own:
    info = ModelIdentity(id="own", version="1", digest="d")

    def fold(self, sequences, progress=lambda done: None):
        marker = Path(os.environ["OWN_MARKER"])
        in_worker = multiprocessing.current_process().name != "MainProcess"
        if in_worker and KIND == "dies" and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if KIND == "forgets" and in_worker:
            return [Fold("." * len(each)) for each in sequences]
        return [Fold(RNA.fold(each)[0]) for each in sequences]

model = Own()
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """``own_folder("dies")``: ViennaRNA, but for what happens in another process than this."""
    monkeypatch.setenv("OWN_MARKER", str(tmp_path / "marker"))

    def make(kind: str) -> str:
        path = tmp_path / f"own_{kind}.py"
        path.write_text(FOLDER.replace("KIND", repr(kind)))
        return f"py:{path}:model"

    return make


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried in this process."""
    monkeypatch.setattr(design_work, "_HERE_SECONDS", 0.0)


def folded(sequence: str) -> str:
    return RNA.fold(sequence)[0]


def without_seconds(document: bytes) -> bytes:
    return re.sub(rb'"seconds": [0-9.]+', b"", document)


def test_a_sequence_that_folds_into_the_structure_is_printed(genomark_cli) -> None:
    outcome = genomark_cli("design", "--structure", HAIRPIN)
    assert outcome.code == 0
    heading, structure, line, columns, row, _ = outcome.out.splitlines()
    assert heading == "target, 12 nt: solved"
    assert structure.split() == [HAIRPIN]
    number, sequence = line.split()
    assert number == "1"
    assert folded(sequence) == HAIRPIN
    assert " ".join(columns.split()) == "distance mfe probability ensemble defect gc energy gap"
    energy = RNA.fold(sequence)[1]
    share = sum(letter in "GC" for letter in sequence) / 12
    assert row.split()[:3] == ["1", "0", f"{energy:.2f}"]
    assert row.split()[5] == f"{share:.2f}"
    assert "target (12 nt): solved, " in outcome.err
    assert outcome.err.splitlines()[-1].startswith("1 of 1 solved, ")


def test_a_short_structure_needs_no_other_process(
    genomark_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(design_work, "WorkerPool", None)
    assert genomark_cli("design", "--structure", HAIRPIN).code == 0


@pytest.mark.slow
def test_as_many_different_designs_as_asked_for(genomark_cli, tmp_path: Path) -> None:
    words = ("--objective", "defect", "--objective", "gc=0.5", "--count", "4")
    outcome = genomark_cli("design", "--structure", HAIRPIN, *words, "--json", "d.json")
    assert outcome.code == 0
    document = json.loads((tmp_path / "d.json").read_text())
    sequences = [each["sequence"] for each in document["designs"]]
    assert len(set(sequences)) == 4
    assert {folded(sequence) for sequence in sequences} == {HAIRPIN}
    assert document["settings"]["objectives"] == ["defect", "gc=0.5"]


def test_constraints_hold(genomark_cli, tmp_path: Path) -> None:
    words = ("--constraint", "NNNNGNRANNNN", "--json", "d.json")
    assert genomark_cli("design", "--structure", HAIRPIN, *words).code == 0
    (design,) = json.loads((tmp_path / "d.json").read_text())["designs"]
    assert re.fullmatch("....G.[AG]A....", design["sequence"])
    assert folded(design["sequence"]) == HAIRPIN


@pytest.mark.slow
@pytest.mark.usefixtures("in_processes")
def test_the_answer_depends_on_the_seed_and_not_on_the_number_of_processes(
    genomark_cli, tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text("\n".join(EASY))
    written = {}
    for name, *words in (
        ("one", "--workers", "1"),
        ("two", "--workers", "2"),
        ("other", "--seed", "1"),
    ):
        outcome = genomark_cli("design", "--file", "t.txt", "--json", name, *words)
        assert outcome.code == 0
        assert "4 of 4 targets to go on with: at most 60 s each, " in outcome.err
        written[name] = without_seconds((tmp_path / name).read_bytes())
    assert written["one"] == written["two"]
    assert written["other"] != written["one"]


@pytest.mark.slow
def test_here_and_in_processes_the_answer_is_the_same(
    genomark_cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert genomark_cli("design", "--structure", EASY[3], "--json", "here").code == 0
    monkeypatch.setattr(design_work, "_HERE_SECONDS", 0.0)
    assert genomark_cli("design", "--structure", EASY[3], "--json", "there").code == 0
    here, there = (without_seconds((tmp_path / name).read_bytes()) for name in ("here", "there"))
    assert here == there


def test_what_is_not_solved_in_time_is_shown_with_what_is_wrong(genomark_cli) -> None:
    outcome = genomark_cli("design", "--structure", HOPELESS, "--time", "0.5", "--workers", "1")
    assert outcome.code == 3
    heading, target, _, structure, marks, told, *_ = outcome.out.splitlines()
    assert heading == "target, 5 nt: not solved"
    # The sequence folds into nothing at all: both symbols of the pair are wrong.
    assert (target, structure, marks) == ("   (...)", "   .....", "   ^   ^")
    assert told == "   2 symbols differ, at 1, 5"
    assert "target (5 nt): distance 2 so far, " in outcome.err
    assert "1 of 1 targets to go on with: at most 0.5 s each" in outcome.err
    assert "0 of 1 solved, " in outcome.err


@pytest.mark.slow
def test_any_folder_judges(genomark_cli, own_folder, tmp_path: Path) -> None:
    words = ("--folder", own_folder("is-usual"), "--json", "d.json")
    assert genomark_cli("design", "--structure", HAIRPIN, *words).code == 0
    document = json.loads((tmp_path / "d.json").read_text())
    assert folded(document["designs"][0]["sequence"]) == HAIRPIN
    assert document["settings"]["folder"] == words[1]


PROPOSER = """
from pathlib import Path
import numpy as np
from genomark.scoring import ModelIdentity

class Cytosine:
    info = ModelIdentity(id="cytosine", version="1", digest="d")

    def letter_probabilities(self, sequence):
        Path("asked").write_text(sequence)
        return np.tile([0.0, 1.0, 0.0, 0.0], (len(sequence), 1))

model = Cytosine()
"""


def test_a_language_model_proposes(genomark_cli, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PROPOSER)
    words = ("--model", "py:./own.py:model", "--objective", "distance", "--json", "d.json")
    assert genomark_cli("design", "--structure", "((((........))))", *words).code == 0
    (design,) = json.loads((tmp_path / "d.json").read_text())["designs"]
    assert folded(design["sequence"]) == "((((........))))"
    asked = (tmp_path / "asked").read_text()
    assert set(asked) <= set("ACGUN")
    # Loops are of A where nobody is asked.
    loop = [place for place in range(4, 12) if asked[place] == "N"]
    assert loop
    assert any(design["sequence"][place] == "C" for place in loop)


@pytest.mark.slow
def test_designs_are_folded_again_in_another_process(
    genomark_cli, own_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine: the folder that forgets solves nothing in another process.
    monkeypatch.setattr(design_work, "_HERE_SECONDS", 300.0)
    outcome = genomark_cli("design", "--structure", HAIRPIN, "--verify", "--json", "d.json")
    assert outcome.code == 0
    assert "folding 1 designs again" in outcome.err
    assert json.loads((tmp_path / "d.json").read_text())["designs"][0]["verified"] is True
    words = ("--folder", own_folder("forgets"), "--verify", "--json", "d.json")
    outcome = genomark_cli("design", "--structure", HAIRPIN, *words)
    assert outcome.code == 1
    error = outcome.err.splitlines()[-1]
    assert re.fullmatch("error: target: [ACGU]{12} does not fold as it did when it was .*", error)
    assert json.loads((tmp_path / "d.json").read_text())["designs"][0]["verified"] is False


def test_compiling_is_told_of_where_it_takes_long(
    genomark_cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(design_work, "_SILENT_SECONDS", 0.05)
    assert "compiling" not in genomark_cli("design", "--structure", HAIRPIN).err
    monkeypatch.setattr(design_work, "warm_up", lambda: time.sleep(0.3))
    assert "compiling, this once" in genomark_cli("design", "--structure", HAIRPIN).err


@pytest.mark.slow
@pytest.mark.usefixtures("in_processes")
def test_a_killed_worker_is_told_of_and_changes_nothing(
    genomark_cli, own_folder, tmp_path: Path
) -> None:
    written = []
    for _ in range(2):
        words = ("--folder", own_folder("dies"), "--json", "d.json", "--workers", "1")
        outcome = genomark_cli("design", "--structure", HAIRPIN, *words)
        assert outcome.code == 0
        written.append(without_seconds((tmp_path / "d.json").read_bytes()))
        told = [line for line in outcome.err.splitlines() if "A worker process died" in line]
        # The second time the marker is there, and nobody dies.
        assert len(told) == 2 - len(written)
    assert written[0] == written[1]


def processes_of(group: int) -> list[tuple[str, str]]:
    """Command line and status of each process of a group that is not dead."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                state, _, pgrp = (path / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(pgrp) == group and state != "Z":
                    found.append(((path / "cmdline").read_text(), (path / "status").read_text()))
            except OSError:
                continue
    return found


def deaf_to_ctrl_c(status: str) -> bool:
    return bool(int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16) >> (signal.SIGINT - 1) & 1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, that works on a target without an end."""
    (tmp_path / "t.txt").write_text(f"{HAIRPIN}\n{HOPELESS}\n")
    words = ("design", "--file", "t.txt", "--time", "100", "--workers", "2", "--json", "d.json")
    process = subprocess.Popen(
        [sys.executable, "-m", "genomark", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for_workers(process: subprocess.Popen[str]) -> None:
    """Wait until both are set up: what happens before is the business of the pool."""

    def ready() -> bool:
        assert process.poll() is None, process.stderr.read()
        found = processes_of(process.pid)
        deaf = ("LokyProcess" in command and deaf_to_ctrl_c(status) for command, status in found)
        return sum(deaf) >= 2

    wait_for(ready, 60)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_ctrl_c_ends_the_search_and_not_the_command(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_for_workers(running)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted: what was found is told as if the time had ended" in err
    assert "Traceback" not in err
    assert "target-1, 12 nt: solved" in out
    assert "target-2, 5 nt: not solved" in out
    document = json.loads((tmp_path / "d.json").read_text())
    assert document["settings"]["interrupted"] is True
    solved, hopeless = document["targets"]
    assert folded(solved["designs"][0]["sequence"]) == HAIRPIN
    assert hopeless["solved"] is False
    wait_for(lambda: not processes_of(running.pid), 5)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "Expected either --structure or --file"),
        (["--structure", "(((...)))", "--file", "x"], 2, "Expected either --structure or --file"),
        (["--file", "x", "--constraint", "NN"], 2, "--constraint is for --structure"),
        (["--structure", ""], 2, "target: an empty structure"),
        (["--structure", "((...)"], 2, "position 1: '(' is never closed"),
        (["--structure", "((..))"], 2, "position 2: a hairpin of 2 bases"),
        (["--structure", "((...))", "--constraint", "NNN"], 2, "a constraint of 3 letters"),
        (["--structure", "((...))", "--constraint", "ANNNNNG"], 2, "1 (A) and 7 (G) are to pair"),
        (["--structure", "((...))", "--time", "0"], 2, "--time 0: expected seconds, more than 0"),
        (["--structure", "((...))", "--time", "inf"], 2, "--time inf"),
        (["--structure", "((...))", "--count", "0"], 2, "--count 0: expected 1 or more"),
        (["--structure", "((...))", "--workers", "-1"], 2, "--workers -1: expected 1 or more"),
        (["--structure", "((...))", "--objective", "best"], 2, "objective 'best': expected one of"),
        (["--structure", "((...))", "--folder", "gc"], 1, "'gc' does not fold RNA"),
        (["--structure", "((...))", "--model", "gc"], 1, "'gc' tells no probabilities of hidden"),
        (["--structure", "((...))", "-o", "x.txt"], 2, "x.txt: expected a name that ends in .csv"),
        (["--structure", "((...))", "--plot", "x.png"], 2, "x.png: expected a name that ends in"),
        (["--structure", "((...))", "--report", "x"], 2, "x: expected a name that ends in .html"),
    ],
)
def test_errors_are_one_line(words: list[str], code: int, message: str, genomark_cli) -> None:
    outcome = genomark_cli("design", *words)
    assert outcome.code == code
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err


def test_the_first_puzzles_of_eterna_take_less_than_a_second(
    genomark_cli, real_data, tmp_path
) -> None:
    puzzles = real_data("eterna100", "eterna100_vienna2.txt").read_text().splitlines()
    chosen = [puzzles[0], *(puzzles[number] for number in (8, 1, 23))]
    (tmp_path / "t.txt").write_text("\n".join(chosen))
    assert genomark_cli("design", "--file", "t.txt", "--json", "d.json").code == 0
    targets = json.loads((tmp_path / "d.json").read_text())["targets"]
    assert [each["name"] for each in targets] == [
        "8 G-C Placement",
        "1 Simple Hairpin",
        "23 Shortie 4",
    ]
    assert all(each["solved"] and each["seconds"] < 1 for each in targets)
    assert all(folded(each["designs"][0]["sequence"]) == each["target"] for each in targets)
