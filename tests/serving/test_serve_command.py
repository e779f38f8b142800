"""``genomark serve model``: both forms of saying where, and what is said of wrong ones."""

import json
import socket
import sys

import httpx
import pytest
from asking import CLI, TASK, process, request

from genomark import cli
from genomark.serving import BackendSettings, name, server


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def call(monkeypatch, capsys, *words):
    """Run the command in this process where it is expected to end at once."""
    monkeypatch.setattr(sys, "argv", ["genomark", "serve", "model", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert out == ""
    return end.value.code, err


def test_the_start_up_form_of_game_modules():
    port = free_port()
    with process(*CLI, "serve", "model", "cpg", "127.0.0.1", port) as (_, address):
        assert address == f"http://127.0.0.1:{port}"
        answer = httpx.get(f"{address}/formats", trust_env=False)
        assert answer.json()["predictor_name"] == "genomark-cpg_dev"


MODEL = """
import numpy as np
from genomark.models.declaration import Declaration
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.scoring import ModelIdentity

toy = TrackPredictor(
    ModelIdentity(id="toy", version="1", digest="d"),
    Declaration(
        name="toy",
        readouts=("point",),
        scales=("linear", "log"),
        tracks=(Track("DNASE", ("accessibility",), "K562"),),
        input_length=8,
        output_length=8,
    ),
    lambda windows, tracks: np.ones((len(windows), len(tracks), 8)),
)
"""

MATCHER = """
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"matcher_version": "M", "cell_type_actual": "K562"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
import sys
sys.stderr.write(f"Matcher at http://127.0.0.1:{server.server_port} .\\n\\n")
sys.stderr.flush()
server.serve_forever()
"""


def lymphoblast(address):
    body = request({"s": "ACGT"}, prediction_tasks=[{**TASK, "cell_type": "lymphoblast"}])
    return httpx.post(f"{address}/predict", json=body, trust_env=False, timeout=20)


def test_a_matcher_may_be_named_in_either_form(tmp_path):
    (tmp_path / "toy.py").write_text(MODEL)
    spec = f"py:{tmp_path / 'toy.py'}:toy"
    with process(sys.executable, "-c", MATCHER) as (_, matcher):
        host, port = matcher.removeprefix("http://").split(":")
        forms = [("127.0.0.1", free_port(), host, port), ("--port", "0", "--matcher", matcher)]
        for words in forms:
            with process(*CLI, "serve", "model", spec, *words) as (_, address):
                answer = lymphoblast(address)
                assert answer.status_code == 200, answer.text
                assert answer.json()["matcher_version"] == "M"
                (task,) = answer.json()["prediction_tasks"]
                assert task["cell_type_actual"] == "K562"
                assert task["predictions"] == {"s": 1.0}
    # The Matcher is gone: nobody else could tell.
    with process(*CLI, "serve", "model", spec, "127.0.0.1", free_port(), host, port) as (
        _,
        address,
    ):
        answer = lymphoblast(address)
        assert answer.status_code == 502
        (entry,) = answer.json()["error"]
        assert list(entry) == ["upstream_dependency_failed"]


@pytest.mark.parametrize(
    "where",
    [
        ("127.0.0.1",),
        ("8000", "127.0.0.1"),
        ("127.0.0.1", "eighty"),
        ("127.0.0.1", "8000", "127.0.0.1"),
        ("127.0.0.1", "8000", "127.0.0.1", "x"),
        ("127.0.0.1", "8000", "127.0.0.1", "9000", "more"),
        ("127.0.0.1", "²"),
        ("127.0.0.1", "-1"),
        ("127.0.0.1", "65536"),
        ("127.0.0.1", "9" * 30),
        ("no such host", "8000"),
        ("192.0.2.1", "8000"),
    ],
)
def test_a_wrong_form_is_one_line_that_says_what_is_expected(monkeypatch, capsys, where):
    code, said = call(monkeypatch, capsys, "gc", *where)
    assert code == 2
    if "-1" in where:
        # Typer takes it for an option.
        assert "No such option" in said
        return
    assert len(said.splitlines()) == 1, said
    assert said.startswith("error: ")
    assert "IP PORT" in said or "Cannot listen on" in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("gc", "--name", "CpG Predictor"), "letters, digits, '.', '_' and '-' only"),
        (("gc", "--token-file", "nowhere.txt"), "Cannot read the token file nowhere.txt"),
        (("nonsense",), "nonsense"),
        (("control:random",), "answers by item, not by sequence"),
    ],
)
def test_what_cannot_be_served_as_asked_is_one_line(monkeypatch, capsys, words, part):
    code, said = call(monkeypatch, capsys, *words, "--port", "0")
    assert code in (1, 2)
    assert part in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize(
    ("content", "part"), [(b"", "is empty"), (b" \n", "is empty"), (b"\xff", "it is not text")]
)
def test_a_token_file_without_a_token_is_refused(monkeypatch, capsys, tmp_path, content, part):
    file = tmp_path / "token"
    file.write_bytes(content)
    code, said = call(monkeypatch, capsys, "gc", "--port", "0", "--token-file", str(file))
    assert code == 2
    assert part in said
    assert len(said.splitlines()) == 1


def test_limits_are_set_by_options():
    words = "--max-body 1 --max-sequences 2 --max-bases 1 --max-depth 5 --name Mine_1.0"
    with process(*CLI, "serve", "model", "gc", "--port", "0", *words.split()) as (_, address):

        def status(body):
            answer = httpx.post(f"{address}/predict", json=body, trust_env=False)
            assert answer.json()["predictor_name"] == "Mine_1.0"
            return answer.status_code

        assert status(request({"a": "A", "b": "C"})) == 200
        assert status(request({"a": "A", "b": "C", "c": "G"})) == 413
        assert status(request({"a": "A" * 1_000_001})) == 413
        assert status(request({"a": "A" * 600_000, "b": "A"}, upstream_seq="A" * 300_000)) == 413
        assert status(request({"a": "A"}, more=[[[[[]]]]])) == 400


# Names


@pytest.mark.parametrize(
    ("date", "build"),
    [
        ("Friday_28_November_2025_18:6:29_PST", "20251128-180629_PST"),
        ("Tuesday_3_February_2026_9:05:1_CEST", "20260203-090501_CEST"),
        ("Tuesday_3_February_2026_9:05:1", "20260203-090501_UNK"),
        ("Tuesday_3_February_2026_9:05:1_../x", "20260203-090501_x"),
        ("2025-11-28", "unknown"),
        ("", "unknown"),
        (5, "unknown"),
    ],
)
def test_inside_a_container_a_name_says_when_it_was_built(tmp_path, date, build):
    """GAME 1.0, section 9.3."""
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"org.label-schema.build-date": date}))
    assert name.versioned_name("CpG Predictor", tmp_path) == f"CpG-Predictor_{build}"


@pytest.mark.parametrize("labels", [None, "{}", "[]", "null", "not JSON", "\ud800"])
def test_a_container_without_a_readable_date_is_of_an_unknown_build(tmp_path, labels):
    if labels is not None:
        (tmp_path / "labels.json").write_bytes(labels.encode(errors="surrogatepass"))
    assert name.versioned_name("toy", tmp_path) == "toy_unknown"


@pytest.mark.parametrize(
    ("base", "safe"),
    [("a/b c", "a-b-c"), ("é", "genomark"), ("", "genomark"), ("x_1.0-b", "x_1.0-b")],
)
def test_outside_of_a_container_a_name_says_so(tmp_path, base, safe):
    assert name.versioned_name(base, tmp_path / "none") == f"{safe}_dev"
    name.checked_name(f"{safe}_dev")


def handed_on(monkeypatch, capsys, function, *words):
    """Give what the command calls a function of the server with."""
    calls = []
    monkeypatch.setattr(server, function, lambda *given, **more: calls.append((given, more)))
    code, err = call(monkeypatch, capsys, *words)
    assert (code, err) == (0, "")
    ((given, more),) = calls
    return given, more


def test_options_of_batching_reach_the_server(monkeypatch, capsys):
    batching = ("--batching", "on", "--max-batch-letters", "5000", "--max-delay", "7")
    others = ("--cache-mb", "3", "--queue", "9")
    (model,), more = handed_on(monkeypatch, capsys, "serve_model", "gc", *batching, *others)
    assert model.info.id == "gc"
    assert more["settings"] == BackendSettings(True, 5000, 0.007, 3_000_000)
    assert more["limits"].queued == 9


@pytest.mark.parametrize(("said", "joins"), [("auto", None), ("off", False)])
def test_how_batching_is_asked_for(monkeypatch, capsys, said, joins):
    _, more = handed_on(monkeypatch, capsys, "serve_model", "gc", "--batching", said)
    assert more["settings"] == BackendSettings(joins)


def test_replicas_make_the_model_themselves(monkeypatch, capsys):
    words = ("no-such-model", "--replicas", "3", "--matcher", "none", "--timeout", "5")
    given, more = handed_on(monkeypatch, capsys, "serve_replicas", *words)
    assert given == ("no-such-model", 3)
    assert (more["matcher"], more["limits"].seconds) == ("none", 5.0)
