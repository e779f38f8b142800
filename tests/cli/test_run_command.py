from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

FAST = ("-b", "simulated-enhancers", "--limit", "100", "--workers", "1")


def test_a_table_fits_80_columns_and_has_no_escape_codes_in_a_pipe(genomark_cli):
    outcome = genomark_cli("run", "-m", "gc", "-m", "control:oracle", *FAST)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    table = [
        line for line in outcome.out.splitlines() if re.match(r" *\d+ [a-z]+(:[a-z]+)? +-?\d", line)
    ]
    assert [line.split()[:2] for line in table] == [["1", "control:oracle"], ["2", "gc"]]
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert "Results are in genomark-results" in outcome.err


def test_json_holds_results_and_what_was_skipped(genomark_cli, tmp_path, no_data):
    outcome = genomark_cli("run", "-m", "gc", "--json", "r.json", "--workers", "1")
    assert outcome.code == 0
    document = json.loads((tmp_path / "r.json").read_text())
    assert [r["benchmark"]["id"] for r in document["results"]] == ["simulated-enhancers"]
    skipped = {entry["benchmark"]: entry["reason"] for entry in document["skipped"]}
    assert skipped.keys() == {"kircher2019", "lentimpra-k562"}
    assert "Set GENOMARK_MIRROR" in skipped["kircher2019"]
    assert "skipped kircher2019: Cannot get kircher2019/elements.tsv.gz" in outcome.out


def test_without_data_the_baselines_still_run_and_strict_says_no(genomark_cli, no_data):
    outcome = genomark_cli("run", "--workers", "1")
    assert outcome.code == 0
    assert re.search(r"^ +1 kmer:k=5", outcome.out, re.MULTILINE)
    assert "skipped simulated-enhancers × motif: Cannot get motifs/motifs.meme.txt" in outcome.out
    assert genomark_cli("run", "--workers", "1", "--strict").code == 1


def test_a_second_run_prints_the_same_bytes(genomark_cli):
    words = ("run", "-m", "gc", "-m", "control:random", *FAST)
    assert genomark_cli(*words).out == genomark_cli(*words).out


def test_a_failed_model_is_told_and_exits_1(genomark_cli, tmp_path):
    (tmp_path / "bad.py").write_text("def f(sequences):\n    raise ValueError('no [bold]luck')\n")
    outcome = genomark_cli("run", "-m", "py:./bad.py:f", "-m", "gc", *FAST)
    assert outcome.code == 1
    assert "failed simulated-enhancers × py:./bad.py:f: ValueError: no [bold]luck" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err
    assert re.search(r"^ +1 gc", outcome.out, re.MULTILINE)


@pytest.mark.slow
def test_debug_shows_the_traceback_of_a_failed_model(tmp_path):
    (tmp_path / "bad.py").write_text("def f(sequences):\n    raise ValueError('no luck')\n")
    done = subprocess.run(
        [sys.executable, "-m", "genomark", "run", "-m", "py:./bad.py:f", *FAST, "--debug"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "bad.py" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-m", "kmmer"), "No model named 'kmmer'. Did you mean 'kmer'?"),
        (("-b", "kircher"), "No benchmark named 'kircher'. Did you mean 'kircher2019'?"),
        (("-b", "suite:quick"), "No suite named 'quick'. Did you mean 'quickstart'?"),
        (("-m", "kmer:k=nine"), "'kmer': setting k=nine: Expected `int`, got `str`"),
        (("-m", "kmer:q=1"), "unknown setting 'q'. It takes: k=, strands=, C=, alpha=."),
        (("-m", "control"), "write control:random or control:oracle"),
        (("-m", "file:nothing.csv"), "nothing.csv: no such file"),
        (("-m", "py:nothing.py:f"), "No file 'nothing.py'"),
    ],
)
def test_a_usage_error_is_one_line_and_exits_2(genomark_cli, words, message):
    outcome = genomark_cli("run", *words)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_debug_shows_the_traceback_of_a_usage_error(genomark_cli):
    assert "Traceback" in genomark_cli("--debug", "run", "-m", "kmmer").err
    assert "Traceback" in genomark_cli("run", "-m", "kmmer", "--debug").err


def test_an_out_folder_that_cannot_be_made_exits_1(genomark_cli, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = genomark_cli("run", "-m", "gc", *FAST, "--out", "file/out")
    assert outcome.code == 1
    assert "Cannot keep results in file/out" in outcome.err


def test_escape_codes_in_names_do_not_reach_the_terminal(genomark_cli, tmp_path):
    (tmp_path / "evil.py").write_text(
        "def f(sequences):\n    raise ValueError('\\x1b[31mred\\x07 alert')\n"
    )
    outcome = genomark_cli("run", "-m", "py:./evil.py:f", *FAST)
    assert "\x1b" not in outcome.out
    assert "\x07" not in outcome.out


@pytest.mark.slow
def test_colours_only_on_a_terminal_and_never_with_no_color(tmp_path):
    pty = pytest.importorskip("pty")

    def on_a_terminal(**environment):
        parent, child = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "genomark", "run", "-m", "gc", *FAST],
            cwd=tmp_path,
            stdout=child,
            stderr=child,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )
        os.close(child)
        shown = b""
        # Linux answers with an error, not with an end of file, when the other side is gone.
        while True:
            try:
                block = os.read(parent, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block
        os.close(parent)
        assert process.wait(timeout=60) == 0
        return shown.decode()

    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;5;\d+)m")
    coloured = on_a_terminal(NO_COLOR="")
    assert "\x1b[1m" in coloured or colour.search(coloured)
    assert not colour.search(on_a_terminal(NO_COLOR="1"))


def test_interrupting_says_what_is_kept(tmp_path):
    import signal
    import time

    (tmp_path / "slow.py").write_text(
        "import pathlib, time\n"
        "def f(sequences):\n"
        "    pathlib.Path('started').touch()\n"
        "    time.sleep(30)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "genomark", "run", "-m", "py:./slow.py:f", *FAST[:-2]],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell in the background would hand down an ignored interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    end = time.monotonic() + 30
    while not (tmp_path / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted. What was finished is kept" in said
    assert "Traceback" not in said
