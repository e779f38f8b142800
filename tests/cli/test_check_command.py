"""``genomark check``: what the terminal shows, and the exit codes."""

import json
import re
import socket
import threading
import time

import msgspec
import pytest
import typer
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from genomark.cli import check
from genomark.cli.app import app
from genomark.conformance.exchanges import Exchange, payload
from genomark.conformance.report import Asked
from genomark.models import load_model
from genomark.models.sequence_function import SequencePredictor
from genomark.serving import predictor_app


@pytest.fixture(scope="module")
def addresses():
    """Addresses of a good Predictor, one without order, and a web page."""
    running, found = [], []
    for each in (predictor_app(load_model("cpg")), _careless(), _page()):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(each, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((server, thread))
        found.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield found
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


class _Careless(SequencePredictor):
    """Says another cell type than it was asked for, and colours it."""

    def predict(self, request):
        answer = super().predict(request)
        tasks = [
            msgspec.structs.replace(task, cell_type_requested="\x1b[31m[red]hela[/]")
            for task in answer.prediction_tasks
        ]
        return msgspec.structs.replace(answer, prediction_tasks=tasks)


def _careless():
    good = load_model("gc")
    return predictor_app(_Careless(good.info, good.predictor_name, good.readouts, good.actual))


def _page():
    return Starlette(
        routes=[
            Route("/formats", lambda request: HTMLResponse("<h1>Hello</h1>")),
            Route("/predict", lambda request: JSONResponse({"detail": "no"}), methods=["POST"]),
        ]
    )


@pytest.fixture(autouse=True)
def _at_hand(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if all(command.name != "check" for command in app.registered_commands):
        monkeypatch.setattr(app, "registered_commands", list(app.registered_commands))
        app.command("check")(check.check)


def test_a_good_predictor_exits_0_with_one_line_a_rule(genomark_cli, addresses):
    outcome = genomark_cli("check", addresses[0])
    assert outcome.code == 0, outcome.out + outcome.err
    lines = outcome.out.splitlines()
    assert lines[0] == f"genomark-cpg_dev at {addresses[0]}"
    assert "  pass MUST   GET /formats answers 200 with an object" in lines
    assert "3.3 Predictions" in lines
    assert "Sanity" in lines
    numbers = [line.strip() for line in lines if ", n = 4" in line]
    assert numbers[0] == "reverse complement: r = 1.000, mean difference 0.0% of range, n = 4"
    assert re.fullmatch(r"shift by 1 bp: r = 0\.9\d\d, mean difference 2\.1% .*", numbers[1])
    assert re.search(r"^MUST: \d\d passed, 0 failed, \d+ not applicable$", outcome.out, re.M)
    assert lines[-1] == "conforms"
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in outcome.out
    assert "FAIL" not in outcome.out


def test_a_failed_must_exits_1_and_shows_what_was_sent_and_what_came_back(genomark_cli, addresses):
    outcome = genomark_cli("check", addresses[1])
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    at = lines.index("  FAIL MUST   name, type, cell type and species come back as they were asked")
    assert lines[at + 1].startswith("       3.2-echo: cell_type_requested is ")
    shown = " ".join(lines[at : at + 12])
    assert "sent POST /predict" in shown
    assert "got 200 application/json" in shown
    assert lines[-1] == "does not conform"
    assert max(map(len, lines)) <= 80
    # What a server says never steers the terminal.
    assert "\x1b" not in outcome.out
    assert "[red]hela[/]" in shown


def test_of_what_was_sent_only_what_matters_is_shown():
    asked = Asked(["point"], "accessibility", "K562", "homo_sapiens", 4, 500)
    task = {"name": "check", "type": "accessibility", "cell_type": "K562"}
    request = {
        "readout": "point",
        "prediction_tasks": [{**task, "species": "homo_sapiens"}],
        "sequences": {"s1": "ACGT" * 30},
        "prediction_ranges": None,
    }
    headers = {"Accept": "application/json", "Content-Type": "application/json"}

    def sent(body, **headers_):
        return check._sent(Exchange("POST", "/predict", headers_ or headers, payload(body)), asked)

    assert sent(json.dumps(request).encode()) == (
        'POST /predict {"prediction_ranges": null, "sequences": {"s1": "ACGTACGTACGT..."}}'
    )
    assert sent(b'{"readout": ') == 'POST /predict {"readout":'
    assert (
        sent(b"[]", Accept="text/html") == "POST /predict (Accept: text/html; no Content-Type) []"
    )
    assert sent(b"\x83\xa7readout") == "POST /predict (9 bytes)"
    assert sent(b"x" * 9000).endswith("xxx...")


def test_what_is_no_predictor_fails_without_a_crash(genomark_cli, addresses):
    outcome = genomark_cli("check", addresses[2])
    assert outcome.code == 1
    assert "A Predictor without a name" in outcome.out
    assert "no readout answered" in outcome.out
    # A section that does not apply takes one line.
    assert "  n/a 12 rules: no plain request was answered" in outcome.out.splitlines()
    assert "--type, --cell-type" in " ".join(outcome.out.split())
    assert outcome.out.splitlines()[-1] == "does not conform"


def test_json_has_what_the_terminal_has_and_more(genomark_cli, addresses, tmp_path):
    outcome = genomark_cli("check", addresses[0], "--json", "out/r.json", "--readout", "point")
    assert outcome.code == 0
    document = json.loads((tmp_path / "out" / "r.json").read_text())
    assert document["verdict"] == "conforms"
    assert document["asked"]["readouts"] == ["point"]
    assert f"MUST: {document['counts']['MUST']['passed']} passed" in outcome.out
    assert all(each["sentence"] in outcome.out for each in document["outcomes"])
    assert "The report with all exchanges is in out/r.json" in outcome.err


def test_a_failed_check_is_written_too(genomark_cli, addresses, tmp_path):
    assert genomark_cli("check", addresses[1], "--json", "r.json").code == 1
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "does not conform"


def test_a_server_that_is_not_there_is_one_line_and_exit_1(genomark_cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = genomark_cli("check", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert outcome.code == 1
    assert outcome.out == ""
    assert re.fullmatch(r"error: .*Is the server running\?\n", outcome.err)


def test_a_server_that_hangs_is_one_line_and_exit_1(genomark_cli, monkeypatch):
    monkeypatch.setattr(check, "_SECONDS_BEFORE_PROGRESS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        outcome = genomark_cli("check", url, "--timeout", "0.5")
    assert time.monotonic() - begun < 5
    assert outcome.code == 1
    # A plain line, since nobody watches a bar here; then the error.
    waiting, error = outcome.err.splitlines()
    assert waiting.startswith(f"Checking {url}: rule 1 of ")
    assert error.startswith("error: ")


@pytest.mark.parametrize(
    "words",
    [
        ("127.0.0.1:8000",),
        (),
        ("http://127.0.0.1:1", "--readout", "picture"),
        ("http://127.0.0.1:1", "--length", "5"),
        ("http://127.0.0.1:1", "--timeout", "0"),
    ],
)
def test_bad_usage_exits_2(genomark_cli, words):
    assert genomark_cli("check", *words).code == 2


def test_interrupting_exits_130(genomark_cli, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "_checked", interrupted)
    outcome = genomark_cli("check", "http://127.0.0.1:1")
    assert outcome.code == 130
    assert "interrupted" in outcome.err


def test_a_bar_is_drawn_for_who_watches_and_taken_away(monkeypatch):
    drawn = []

    class Bar:
        def show(self, done, text):
            drawn.append((done, text))

        def close(self):
            drawn.append("closed")

    monkeypatch.setattr(check, "_SECONDS_BEFORE_PROGRESS", 0.05)
    monkeypatch.setattr("genomark.bars.interactive", lambda: True)
    monkeypatch.setattr("genomark.bars.bar", lambda total, unit: Bar())
    waiting = check._Waiting("http://127.0.0.1:1", 10)
    waiting.show(1, 10, "before anybody wonders")
    deadline = time.monotonic() + 5
    while not drawn and time.monotonic() < deadline:
        time.sleep(0.01)
    waiting.show(2, 10, "after")
    waiting.close()
    assert drawn == [(1, "before anybody wonders"), (2, "after"), "closed"]


def test_help_names_the_options(genomark_cli):
    outcome = genomark_cli("check", "--help")
    assert outcome.code == 0
    for option in ("--json", "--timeout", "--type", "--cell-type", "--species", "--readout"):
        assert option in outcome.out
    assert isinstance(app, typer.Typer)
