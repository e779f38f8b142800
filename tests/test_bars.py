from __future__ import annotations

import io
import sys
import types

import pytest

from genomark import bars
from genomark.runs.progress import Drawn, Lines, default_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def make():
        # Within the test: pytest sets standard error anew for each phase.
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return make


@pytest.fixture
def notebook(monkeypatch):
    """What a kernel looks like from inside; gives what the cell shows, in order."""
    shown: list[str] = []

    class Handle:
        def update(self, html):
            shown.append(html)

    display = types.ModuleType("IPython.display")
    display.HTML = lambda text: text
    display.display = lambda html, display_id: Handle()
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(bars, "_SECONDS_BETWEEN_UPDATES", 0.0)
    return shown


def test_a_terminal_shows_what_how_much_and_how_long(terminal):
    screen = terminal()
    assert bars.interactive()
    made = bars.bar(200, "items")
    made.show(50, "kircher2019 × a model with a very long name")
    made._progress.refresh()
    made.close()
    drawn = screen.getvalue()
    assert "kircher2019 × a model with a ve…" in drawn
    assert "50/200" in drawn
    assert "left" in drawn


def test_a_notebook_shows_the_same_and_is_cleared(notebook):
    assert bars.interactive()
    made = bars.bar(200, "items")
    made.show(50, "<b>")
    made.close()
    assert "value='50' max='200'" in notebook[0]
    assert "&lt;b&gt; 50 / 200" in notebook[0]
    assert notebook[0].endswith("s left")
    assert notebook[-1] == ""


def test_a_run_draws_where_somebody_watches_and_logs_elsewhere(notebook, monkeypatch):
    drawn = default_progress()
    assert isinstance(drawn, Drawn)
    drawn.begin(10)
    drawn.doing("toy × gc")
    drawn.advance(4)
    drawn.advance(6)
    drawn.end()
    assert "toy × gc 4 / 10" in notebook[0]
    assert "10 / 10" in notebook[1]
    monkeypatch.delitem(sys.modules, "ipykernel")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(default_progress(), Lines)


def test_lines_come_now_and_then(caplog, monkeypatch):
    caplog.set_level("INFO", "genomark.runs")
    lines = Lines()
    lines.begin(2000)
    lines.doing("toy × gc")
    lines.advance(500)
    assert caplog.messages == []
    monkeypatch.setattr("genomark.runs.progress._SECONDS_BETWEEN_LINES", 0.0)
    lines.advance(1000)
    assert caplog.messages == ["toy × gc: 1,500 of 2,000 items"]
    lines.end()
