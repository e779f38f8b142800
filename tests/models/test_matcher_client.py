from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from genomark.models import matcher_client
from genomark.models.matcher_client import MatcherClient, RemoteMatch
from genomark.models.tracks import ExplainingMatcher, MatcherError
from genomark.models.transport import Deadlines

CELLS = ["K562", "HepG2", "SK-N-SH"]


def actual(**found: Any) -> bytes:
    """Give an answer as published Matchers do: always all four keys."""
    keys = ("cell_type", "species", "binding_molecule")
    return json.dumps(
        {"matcher_version": "Matcher_dev"} | {f"{key}_actual": found.get(key) for key in keys}
    ).encode()


class Server:
    """A small Matcher; `answer` is what it says next, `asked` what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.status = 200
        self.refuses: int | None = None
        self.answer = actual(cell_type="K562")
        self.wait = 0.0
        self.drop = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append((self.path, self.headers["Content-Type"], json.loads(body)))
                if outer.drop:
                    outer.drop -= 1
                    self.connection.close()
                    return
                time.sleep(outer.wait)
                refused = outer.refuses is not None and "?" in self.path
                self.send_response(outer.refuses if refused else outer.status)
                self.send_header("Content-Length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, *words: object) -> None:
                pass

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    return

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                # A client that gave up is part of the test.
                return

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.http.shutdown()
    running.http.server_close()
    thread.join(5)


def test_a_term_is_asked_with_its_choices_and_the_choice_comes_back(server: Server) -> None:
    client = MatcherClient(server.url + "/")
    assert client.version == "unknown"
    assert client.match("cell_type", "lymphoblasts (K562)", CELLS) == "K562"
    assert server.asked == [
        (
            "/match?explain=1",
            "application/json",
            {"cell_type_requested": "lymphoblasts (K562)", "cell_type_list": CELLS},
        )
    ]
    assert client.version == "Matcher_dev"


@pytest.mark.parametrize("category", ["cell_type", "species", "binding_molecule"])
def test_each_category_has_its_keys(server: Server, category: str) -> None:
    server.answer = actual(**{category: "b"})
    assert MatcherClient(server.url).match(category, "x", ["a", "b"]) == "b"
    assert set(server.asked[0][2]) == {f"{category}_requested", f"{category}_list"}


@pytest.mark.parametrize("said", ["NULL", None, ""])
def test_no_match_is_none(server: Server, said: str | None) -> None:
    server.answer = actual(cell_type=said)
    assert MatcherClient(server.url).match("cell_type", "Actin", CELLS) is None


def test_a_key_that_is_missing_is_no_match(server: Server) -> None:
    server.answer = b"{}"
    client = MatcherClient(server.url)
    assert client.match("cell_type", "Actin", CELLS) is None
    assert client.version == "unknown"


@pytest.mark.parametrize("said", ["Jurkat", "k562", ["K562"], {"K562": 1}, 5, True])
def test_a_term_that_is_none_of_the_choices_is_an_error(server: Server, said: Any) -> None:
    server.answer = actual(cell_type=said)
    with pytest.raises(MatcherError) as caught:
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert str(caught.value) == (
        f"Matcher {server.url} answered {said!r}, which is none of the 3 terms"
    )


@pytest.mark.parametrize(
    ("status", "answer", "part"),
    [
        (500, b"<html><h1>Internal Server Error</h1></html>", "answered 500: <html>"),
        (422, b'{"detail": [{"type": "extra_forbidden"}]}', "answered 422: "),
        (200, b"<html>welcome</html>", "answered 200: <html>"),
        (200, b"[]", "answered 200: []"),
        (200, b"null", "answered 200: null"),
        (200, b"", "answered 200: "),
        (200, b"\xff\xfe", "answered 200: "),
        (404, actual(cell_type="K562"), "answered 404: "),
        (500, b"line\n\x1b[31mline\r\n" * 1000, "answered 500: line [31mline line"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line(
    server: Server, status: int, answer: bytes, part: str
) -> None:
    server.status, server.answer = status, answer
    with pytest.raises(MatcherError) as caught:
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    text = str(caught.value)
    assert part in text
    assert text.isprintable()
    assert len(text) < 700


def test_nobody_there_is_told(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(MatcherError, match="Failed to connect to remote Matcher: ") as caught:
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert server.url in str(caught.value)


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(MatcherError, match="Failed to connect"):
        MatcherClient("http://no such host:x").match("cell_type", "x", CELLS)


def test_a_question_is_asked_once(server: Server) -> None:
    client = MatcherClient(server.url)
    for _ in range(3):
        assert client.match("cell_type", "x", CELLS) == "K562"
    assert len(server.asked) == 1
    client.match("cell_type", "x", CELLS[:2])
    client.match("cell_type", "y", CELLS)
    assert len(server.asked) == 3
    # That nothing matches is an answer too.
    server.answer = actual(cell_type="NULL")
    assert [client.match("cell_type", "z", CELLS) for _ in range(2)] == [None, None]
    assert len(server.asked) == 4


def test_a_failure_is_asked_again(server: Server) -> None:
    client = MatcherClient(server.url)
    server.status = 500
    with pytest.raises(MatcherError):
        client.match("cell_type", "x", CELLS)
    server.status = 200
    assert client.match("cell_type", "x", CELLS) == "K562"


def test_a_broken_connection_is_tried_once_more(server: Server) -> None:
    server.drop = 1
    assert MatcherClient(server.url).match("cell_type", "x", CELLS) == "K562"
    assert len(server.asked) == 2
    server.drop = 5
    with pytest.raises(MatcherError, match="Failed to connect"):
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert len(server.asked) == 4


def test_a_matcher_that_is_slow_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = Deadlines(connect=5.0, read=0.2, total=0.3)
    monkeypatch.setattr(matcher_client, "_DEADLINES", deadlines)
    server.wait = 1.0
    begun = time.monotonic()
    with pytest.raises(MatcherError, match=r"within 0\.[23] s"):
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert time.monotonic() - begun < 0.9


def test_an_endless_answer_is_read_no_further(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matcher_client, "_MAX_ANSWER_BYTES", 1000)
    server.answer = b" " * 2000
    with pytest.raises(MatcherError, match="over 1,000 bytes"):
        MatcherClient(server.url).match("cell_type", "x", CELLS)


def test_it_works_where_a_loop_is_running_already(server: Server) -> None:
    import asyncio

    async def notebook(ask: Callable[[], str | None]) -> str | None:
        return ask()

    client = MatcherClient(server.url)
    found = asyncio.run(notebook(lambda: client.match("cell_type", "x", CELLS)))
    assert found == "K562"


# How sure it is


def explained(choice: Any = "K562", **told: Any) -> bytes:
    """Answer as genomark's Matchers do."""
    said = json.loads(actual(cell_type=choice if choice is not None else "NULL"))
    return json.dumps(said | {"explanation": {"cell_type": {"choice": choice, **told}}}).encode()


def paths(server: Server) -> list[str]:
    return [path for path, _, _ in server.asked]


def test_what_a_matcher_tells_of_its_answer_is_kept(server: Server) -> None:
    client = MatcherClient(server.url)
    assert isinstance(client, ExplainingMatcher)
    server.answer = explained(
        confidence=0.8125, calls=2, notes=["out of\nreach"], stage="llm", candidates=[]
    )
    told = client.explain("cell_type", "x", CELLS)
    assert told == RemoteMatch("K562", 0.8125, 2, ("out of reach",))
    # It is the same question.
    assert client.match("cell_type", "x", CELLS) == "K562"
    assert paths(server) == ["/match?explain=1"]
    server.answer = explained(None, confidence=1)
    assert client.explain("cell_type", "y", CELLS) == RemoteMatch(None, 1.0)


def test_a_matcher_that_tells_nothing_is_sure_of_nothing(server: Server) -> None:
    client = MatcherClient(server.url)
    assert client.explain("cell_type", "x", CELLS) == RemoteMatch("K562", None, None, ())


@pytest.mark.parametrize("told", ["0.9", True, -0.1, 1.5, float("nan"), 10**400, None, [0.9]])
def test_what_is_no_confidence_is_none(server: Server, told: Any) -> None:
    server.answer = explained(confidence=told)
    assert MatcherClient(server.url).explain("cell_type", "x", CELLS) == RemoteMatch("K562")


@pytest.mark.parametrize(
    "explanation",
    [
        {"cell_type": {"choice": "HepG2", "confidence": 0.9}},
        {"species": {"choice": "K562", "confidence": 0.9}},
        {"cell_type": "K562"},
        {"cell_type": {"choice": "K562", "calls": -1, "notes": "none"}},
        {"cell_type": {"choice": "K562", "calls": True, "notes": {"a": 1}}},
        ["cell_type"],
        "because",
    ],
)
def test_an_explanation_of_something_else_explains_nothing(
    server: Server, explanation: Any
) -> None:
    said = json.loads(actual(cell_type="K562"))
    server.answer = json.dumps(said | {"explanation": explanation}).encode()
    assert MatcherClient(server.url).explain("cell_type", "x", CELLS) == RemoteMatch("K562")


@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_a_matcher_that_refuses_to_explain_is_asked_plainly_from_then_on(
    server: Server, status: int
) -> None:
    server.refuses = status
    client = MatcherClient(server.url)
    assert client.explain("cell_type", "x", CELLS) == RemoteMatch("K562")
    assert client.explain("cell_type", "y", CELLS) == RemoteMatch("K562")
    assert paths(server) == ["/match?explain=1", "/match", "/match"]
    assert client.version == "Matcher_dev"


def test_a_question_that_is_refused_either_way_says_nothing_of_explanations(
    server: Server,
) -> None:
    client = MatcherClient(server.url)
    server.status, server.answer = 422, b'{"detail": "a term of 10,000 letters"}'
    with pytest.raises(MatcherError, match=r"answered 422: .*10,000 letters"):
        client.match("cell_type", "x", CELLS)
    server.status, server.answer = 200, explained(confidence=0.75)
    assert client.explain("cell_type", "y", CELLS).confidence == 0.75
    assert paths(server) == ["/match?explain=1", "/match", "/match?explain=1"]


@pytest.mark.parametrize("status", [401, 413, 500, 503])
def test_other_failures_are_not_asked_again(server: Server, status: int) -> None:
    server.refuses = status
    with pytest.raises(MatcherError, match=f"answered {status}: "):
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert paths(server) == ["/match?explain=1"]


def test_an_answer_that_is_nested_without_end_is_none(server: Server) -> None:
    server.answer = b"[" * 500_000
    with pytest.raises(MatcherError, match="answered 200: "):
        MatcherClient(server.url).match("cell_type", "x", CELLS)


def test_a_long_answer_that_is_no_choice_is_told_in_brief(server: Server) -> None:
    server.answer = actual(cell_type="x" * 100_000)
    with pytest.raises(MatcherError, match="which is none of the 3 terms") as caught:
        MatcherClient(server.url).match("cell_type", "x", CELLS)
    assert len(str(caught.value)) < 700


# Who it is


def test_an_easy_question_tells_the_version(server: Server) -> None:
    server.answer = actual(species="homo_sapiens")
    assert MatcherClient(server.url).ask_version() == "Matcher_dev"
    assert server.asked[0][2] == {
        "species_requested": "homo_sapiens",
        "species_list": ["homo_sapiens"],
    }


@pytest.mark.parametrize(
    ("told", "version"), [("a\n b", "a b"), (3, "3"), ("", "unknown"), (None, "unknown")]
)
def test_a_version_is_one_line(server: Server, told: Any, version: str) -> None:
    server.answer = json.dumps({"matcher_version": told, "species_actual": "NULL"}).encode()
    assert MatcherClient(server.url).ask_version() == version


def test_another_than_was_asked_for_may_not_answer(server: Server) -> None:
    client = MatcherClient(server.url, "Matcher_dev")
    assert client.version == "Matcher_dev"
    assert client.match("cell_type", "x", CELLS) == "K562"
    server.answer = server.answer.replace(b"Matcher_dev", b"Matcher_new")
    with pytest.raises(MatcherError, match="was Matcher_dev, and is Matcher_new now; ask again"):
        client.match("cell_type", "y", CELLS)
    # One that was told nothing takes it as it comes.
    client = MatcherClient(server.url)
    assert client.match("cell_type", "y", CELLS) == "K562"
    assert client.version == "Matcher_new"
