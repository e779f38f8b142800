import io
import re
import sys

import pytest

from genomark import datasets
from genomark.datasets.progress import Bar, Lines, Report, human, report
from genomark.errors import DatasetUnavailableError


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal; within the test, as pytest sets it anew for each phase."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def make():
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return make


def test_a_line_at_the_start_and_one_at_the_end(toy, capsys):
    toy.add("a.bin")
    datasets.path("toy", "a.bin")
    captured = capsys.readouterr()
    assert captured.out == ""
    first, last = captured.err.splitlines()
    assert first == "Downloading toy/a.bin (300.0 kB)"
    assert re.fullmatch(r"Downloaded toy/a.bin in \d+\.\d s", last)


def test_many_files_take_two_lines_too(toy, capsys):
    for name in ("a.bin", "b.bin", "c.bin"):
        toy.add(name, 1000)
    toy.put(toy.cache / "datasets", "b.bin")
    datasets.fetch("toy")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Downloading toy, 2 files (2.0 kB)"
    assert len(lines) == 2


def test_nothing_is_said_of_files_at_hand(toy, capsys):
    toy.add("a.bin")
    toy.put(toy.cache / "datasets", "a.bin")
    datasets.fetch("toy")
    assert capsys.readouterr().err == ""


def test_silence_on_request(toy, capsys):
    toy.add("a.bin")
    datasets.fetch("toy", progress=False)
    assert capsys.readouterr().err == ""


def test_failure_leaves_the_last_word_to_the_error(toy, capsys):
    toy.add("a.bin", status=404)
    with pytest.raises(DatasetUnavailableError):
        datasets.fetch("toy")
    assert "Downloaded" not in capsys.readouterr().err


def test_bar_on_a_terminal(toy, terminal):
    screen = terminal()
    toy.add("a.bin", chunk=50_000, pause=0.06)
    datasets.path("toy", "a.bin")
    drawn = screen.getvalue()
    assert "toy/a.bin" in drawn
    assert "━" in drawn
    assert "kB" in drawn
    assert re.search(r"\d:\d\d:\d\d", drawn)


def test_bar_when_asked_for(toy, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    toy.add("a.bin")
    assert datasets.path("toy", "a.bin", progress=True).exists()


def test_bar_counts_over_files_and_back_when_one_starts_over(terminal):
    terminal()
    with Bar("toy", 300) as bar:
        task = bar._bar._progress.tasks[0]
        bar.begin("toy/a.bin")
        bar.at(100)
        bar.begin("toy/b.bin")
        bar.at(150)
        assert (task.completed, task.description) == (250, "toy/b.bin")
        bar.at(0)
        assert task.completed == 100
        bar.at(200)
        assert task.finished


def test_markup_in_a_name_is_not_interpreted(terminal):
    screen = terminal()
    with Bar("[red]toy[/red]", 3) as bar:
        bar.at(3)
    assert "[red]toy[/red]" in screen.getvalue()


def test_the_occasion_decides(monkeypatch, terminal):
    terminal()
    assert type(report("toy", 1, progress=None)) is Bar
    assert type(report("toy", 1, progress=True)) is Bar
    assert type(report("toy", 1, progress=False)) is Report
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(report("toy", 1, progress=None)) is Lines
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert type(report("toy", 1, progress=None)) is Bar


def test_without_standard_error_nothing_is_written(toy, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    toy.add("a.bin")
    assert datasets.path("toy", "a.bin").exists()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (2_677_485, "2.7 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (60_301_011, "60.3 MB"),
        (3_200_000_000, "3.2 GB"),
    ],
)
def test_sizes_read_well(size, text):
    assert human(size) == text
