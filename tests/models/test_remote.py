import asyncio
import copy
import dataclasses
import gzip
import http.server
import json
import math
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import msgspec
import numpy as np
import pytest
import uvicorn

from genomark.benchmarks.predictor_benchmark import only_task, point_of
from genomark.errors import RemoteModelError
from genomark.models import as_model, cached_predictor, load_model, remote
from genomark.models.cached_predictor import CachedPredictor
from genomark.models.prediction_cache import PredictionCache
from genomark.models.remote import RemotePredictor
from genomark.models.transport import Deadlines, login_for
from genomark.protocol import (
    JSON,
    MSGPACK,
    TENSOR,
    FrameReader,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    TaskPrediction,
    Unanswered,
    encode,
    encode_request,
    encode_tensor_answer,
    plain_sequences,
)
from genomark.scoring import ModelIdentity
from genomark.serving import Limits, predictor_app

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")
REQUEST = PredictRequest("point", [TASK], {"a": "ACGT", "b": "CCGG"})
GOOD = {
    "predictor_name": "Toy",
    "prediction_tasks": [
        {"name": "t", "scale_prediction_actual": "log", "predictions": {"a": 0.5, "b": -1.25}}
    ],
}


@pytest.fixture(autouse=True)
def direct_and_swift(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    set_to(monkeypatch, first_pause=0.01)


def set_to(monkeypatch, **changes):
    """Change how every remote model made from here on asks."""
    monkeypatch.setattr(remote, "DEFAULTS", dataclasses.replace(remote.DEFAULTS, **changes))


@pytest.fixture
def serve():
    """Serve apps from threads of this process: ``serve(app) -> address``."""
    running = []

    def start(app):
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(10)


class Crooked(http.server.ThreadingHTTPServer):
    """A server that answers what it is told to, right or wrong.

    `answers` holds, by path, a list of answers, the last of which is given again and again: a tuple
    of status, content type, body and further headers, or a function of the handler.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers = {}
        self.asked = []

    def gives(self, path, *answers):
        self.answers[path] = list(answers)

    def handle_error(self, request, client_address):
        """Keep quiet: connections are broken on purpose."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *arguments):
        """Keep quiet."""

    def answer(self, body):
        self.server.asked.append((self.path, dict(self.headers), body))
        answers = self.server.answers.get(self.path)
        if answers is None:
            return self.reply(404, "text/html", b"<html>not here</html>")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(self) if callable(answer) else self.reply(*answer)

    def reply(self, status, content_type, body, headers=()):
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def crooked():
    with Crooked() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def as_json(value):
    return 200, JSON, json.dumps(value).encode()


def answered(crooked, *answers, names="ab"):
    crooked.gives("/predict", *answers)
    request = PredictRequest("point", [TASK], dict.fromkeys(names, "ACGT"))
    return RemotePredictor(crooked.url).predict(REQUEST if names == "ab" else request)


def refused(crooked, *answers):
    """Give the message, which has to be one printable line that names the server."""
    with pytest.raises(RemoteModelError) as caught:
        answered(crooked, *answers)
    text = str(caught.value)
    assert text.isprintable()
    assert crooked.url in text
    return text


def reset(handler):
    """Break the connection without a word (RST)."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def break_off(handler):
    """Promise a thousand bytes and give half a sentence."""
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"prediction_tasks": [')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


# --- against real servers ---


def many_sequences():
    letters = np.array(list("ACGTNacgtn"))
    generator = np.random.default_rng(7)
    lengths = generator.integers(1, 400, size=200)
    sequences = {
        f"chr{index}:1-{length}|é >x": "".join(generator.choice(letters, length))
        for index, length in enumerate(lengths.tolist())
    }
    ranges = {
        name: [] if index % 3 else [0, len(sequence) - 1]
        for index, (name, sequence) in enumerate(sequences.items())
    }
    tasks = [
        PredictionTask("plain", "accessibility", "K562", "homo_sapiens"),
        PredictionTask("log", "expression_mRNA", "HepG2", "homo_sapiens", scale="log"),
        PredictionTask("linear", "binding_ctcf", "H1", "mus_musculus", scale="linear"),
    ]
    return sequences, ranges, tasks


def plain(response):
    """Everything in a response, floats written so that one bit of difference shows."""

    def hook(value):
        return value.tolist() if isinstance(value, np.ndarray) else dict(value)

    return repr(msgspec.to_builtins(response, enc_hook=hook))


@pytest.mark.parametrize("kind", [JSON, MSGPACK, TENSOR])
@pytest.mark.parametrize(("spec", "readout"), [("gc", "point"), ("cpg", "point"), ("cpg", "track")])
def test_predictions_over_http_are_those_in_process_to_the_last_bit(serve, kind, spec, readout):
    sequences, ranges, tasks = many_sequences()
    request = PredictRequest(
        readout, tasks, sequences, prediction_ranges=ranges, upstream_seq="acg", downstream_seq="GC"
    )
    here = load_model(spec)
    there = RemotePredictor(serve(predictor_app(here, name=here.predictor_name)))
    if kind == TENSOR:
        assert there.formats == (TENSOR, TENSOR)
    else:
        there.formats = (kind, kind)
    assert plain(there.predict(request)) == plain(here.predict(request))


def test_a_large_answer_comes_as_frames_to_the_last_bit(serve, monkeypatch):
    fed = []
    take = FrameReader.feed
    monkeypatch.setattr(FrameReader, "feed", lambda self, piece: (fed.append(1), take(self, piece)))
    here = load_model("cpg")
    sequences = {f"s{i}": "ACGTCGNN"[i % 3 :] * 5_000 for i in range(20)}
    request = PredictRequest("track", [TASK], sequences)
    there = RemotePredictor(serve(predictor_app(here, name=here.predictor_name)))
    assert plain(there.predict(request)) == plain(here.predict(request))
    assert len(fed) > 3


@pytest.mark.parametrize("kind", [MSGPACK, TENSOR])
def test_why_a_sequence_has_no_value_is_told_in_the_words_of_the_model(serve, kind):
    class Choosy:
        info = ModelIdentity("choosy", "1", "0" * 32)

        def predict(self, request):
            said = (
                "t",
                "accessibility",
                ["NA"],
                "K562",
                "NA",
                "homo_sapiens",
                "NA",
                None,
                "linear",
            )
            values = {"a": 1.0, "b": Unanswered("too long for the model")}
            return PredictResponse("choosy", [TaskPrediction(*said, values)])

    there = RemotePredictor(serve(predictor_app(Choosy())))
    there.formats = (kind, kind)
    found = there.predict(REQUEST).prediction_tasks[0].predictions
    assert found["a"] == 1.0
    # MsgPack has null, and no words for it.
    expected = "too long for the model" if kind == TENSOR else "expected a number, got nothing"
    assert found["b"].reason == expected


def test_bytes_over_the_wire_are_counted(serve):
    model = RemotePredictor(serve(predictor_app(load_model("gc"), name="genomark-gc")))
    assert (model.bytes_sent, model.bytes_received) == (0, 0)
    response = model.predict(REQUEST)
    # Numbers in the place of ids are not sent.
    by_place = msgspec.structs.replace(REQUEST, sequences=plain_sequences(REQUEST).numbered())
    sent = len(encode_request(by_place, TENSOR, edits=True, anonymous=True))
    received = len(encode_tensor_answer(response, list(REQUEST.sequences)))
    assert (model.bytes_sent, model.bytes_received) == (sent, received)
    model.predict(REQUEST)
    assert (model.bytes_sent, model.bytes_received) == (2 * sent, 2 * received)


def test_a_server_that_asks_for_its_token_finds_it_as_a_password_in_netrc(
    serve, monkeypatch, tmp_path
):
    address = serve(predictor_app(load_model("gc"), token="house-token"))
    login_for.cache_clear()
    with pytest.raises(RemoteModelError, match=r"401: This server asks for its token.*netrc"):
        RemotePredictor(address).predict(REQUEST)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login genomark password house-token\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    login_for.cache_clear()
    there = RemotePredictor(address)
    assert there.said["model"] == "gc"
    assert (
        there.predict(REQUEST).prediction_tasks
        == load_model("gc").predict(REQUEST).prediction_tasks
    )
    login_for.cache_clear()


class Changing:
    """A model of lengths whose answers tell what they are told to."""

    info = ModelIdentity("changing", "1", "0" * 32)
    ignores_ids = True

    def __init__(self):
        self.fails = False
        self.told = {"scale_prediction_actual": "linear"}

    def predict(self, request):
        if self.fails:
            raise ValueError("it fails now")
        tasks = []
        for task in request.prediction_tasks:
            factor = 2.0 if task.cell_type == "HepG2" else 1.0
            texts = request.sequences.items()
            values = {name: factor * (len(text) + text.count("G") / 8) for name, text in texts}
            said = (task.name, task.type, ["NA"], task.cell_type, "NA", task.species, "NA", None)
            tasks.append(TaskPrediction(*said, self.told["scale_prediction_actual"], values))
        return PredictResponse("changing", tasks)


def asked_of(*texts, cell_type="K562"):
    task = PredictionTask("t", "accessibility", cell_type, "homo_sapiens")
    return PredictRequest("point", [task], {f"chr{n}": text for n, text in enumerate(texts)})


def values_of(response):
    return list(response.prediction_tasks[0].predictions.items())


def test_a_question_that_repeats_the_one_before_is_sent_and_read_by_that(serve, monkeypatch):
    there = RemotePredictor(serve(predictor_app(Changing())))
    first = there.predict(asked_of("ACGT", "GGGG"))
    assert values_of(first) == [("chr0", 4.125), ("chr1", 4.5)]

    def never(*given):
        pytest.fail("all of it was looked at again")

    before = there.bytes_sent, there.bytes_received
    with monkeypatch.context() as patched:
        patched.setattr(remote, "Asking", never)
        again = there.predict(asked_of("CCCC", "GGCC"))
    assert values_of(again) == [("chr0", 4.0), ("chr1", 4.25)]
    assert (there.bytes_sent, there.bytes_received) == (2 * before[0], 2 * before[1])
    assert msgspec.structs.replace(again.prediction_tasks[0], predictions={}) == (
        msgspec.structs.replace(first.prediction_tasks[0], predictions={})
    )
    # Anything else is asked as before; a task that is another, or sequences.
    assert values_of(there.predict(asked_of("CCCC", "GGCC", cell_type="HepG2")))[1][1] == 8.5
    assert values_of(there.predict(asked_of("CCCC", "GGC")))[1][1] == 3.25


def test_an_answer_that_does_not_repeat_is_read_whole(serve):
    model = Changing()
    there = RemotePredictor(serve(predictor_app(model)))
    there.predict(asked_of("ACGT", "GGGG"))
    model.told["scale_prediction_actual"] = "log"
    told = there.predict(asked_of("ACGT", "GGGG")).prediction_tasks[0]
    assert told.scale_prediction_actual == "log"
    model.fails = True
    with pytest.raises(RemoteModelError, match="it fails now"):
        there.predict(asked_of("ACGT", "GGGG"))
    model.fails = False
    assert values_of(there.predict(asked_of("ACGT", "GGGG")))[0][1] == 4.125


def test_what_is_compressed_is_asked_anew_each_time(serve, monkeypatch):
    monkeypatch.setattr(remote, "is_loopback", lambda origin: False)
    there = RemotePredictor(serve(predictor_app(Changing())))
    assert there._headers("point")["Content-Encoding"] == "zstd"
    for letters in ("A", "AC", "G", "ACGT"):
        texts = [(letters * 400)[:400]] * 3
        expected = 400 + texts[0].count("G") / 8
        assert values_of(there.predict(asked_of(*texts))) == [
            (f"chr{place}", expected) for place in range(3)
        ]


class Trimming(Changing):
    """One that tells something of each sequence beside its point."""

    def predict(self, request):
        (task,) = super().predict(request).prediction_tasks
        trims = {name: len(text) for name, text in request.sequences.items()}
        return PredictResponse("trimming", [msgspec.structs.replace(task, trim_upstream=trims)])


def test_what_is_told_of_each_sequence_has_its_name_each_time(serve):
    there = RemotePredictor(serve(predictor_app(Trimming())))
    for _ in range(3):
        told = there.predict(asked_of("ACGT", "GGGG")).prediction_tasks[0]
        assert told.trim_upstream == {"chr0": 4, "chr1": 4}


def test_a_client_that_is_sent_elsewhere_asks_there_as_if_for_the_first_time(serve):
    there = RemotePredictor(serve(predictor_app(Changing())))
    expected = there.predict(asked_of("ACGT", "GGGG"))
    other = copy.copy(there)
    assert other._exchange is None
    assert there._exchange is not None
    assert other.predict(asked_of("ACGT", "GGGG")) == expected


def test_threads_that_ask_different_things_have_their_own_answers(serve):
    there = RemotePredictor(serve(predictor_app(Changing())))
    wrong = []

    def ask(cell_type, letters):
        for place in range(60):
            text = "G" * (place % 9) + "C" * (8 - place % 9)
            request = asked_of(text[:letters], cell_type=cell_type)
            expected = (2.0 if cell_type == "HepG2" else 1.0) * (
                letters + text[:letters].count("G") / 8
            )
            if values_of(there.predict(request)) != [("chr0", expected)]:
                wrong.append((cell_type, letters, place))

    threads = [
        threading.Thread(target=ask, args=(cell_type, letters))
        for cell_type in ("K562", "HepG2")
        for letters in (8, 4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


class Seen:
    """A model that keeps what it was asked, and sees ids."""

    info = ModelIdentity("seen", "1", "0" * 32)

    def __init__(self, *, ignores_ids):
        self.ignores_ids = ignores_ids
        self.asked = []

    def predict(self, request):
        self.asked.append(list(request.sequences))
        values = {name: float(len(text)) for name, text in request.sequences.items()}
        said = ("t", "accessibility", ["NA"], "K562", "NA", "homo_sapiens", "NA", None, "linear")
        return PredictResponse("seen", [TaskPrediction(*said, values)])


def test_ids_go_only_to_a_model_that_may_look_at_them(serve):
    sequences = {"label=1": "ACGTN", "label=0": "CC", "0": "T"}
    request = PredictRequest("point", [TASK], sequences)
    expected = {"label=1": 5.0, "label=0": 2.0, "0": 1.0}
    for ignores_ids, seen in ((True, ["0", "1", "2"]), (False, list(sequences))):
        model = Seen(ignores_ids=ignores_ids)
        there = RemotePredictor(serve(predictor_app(model)))
        assert there.takes_anonymous is ignores_ids
        found = there.predict(request).prediction_tasks[0].predictions
        assert found == expected
        assert list(found) == list(expected)
        assert model.asked == [seen]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"sequences": {"a": "acgt", "b": "CCGG"}}, ["a", "b"]),
        ({"upstream_seq": "ACGT"}, ["a", "b"]),
        ({"prediction_ranges": {"a": [0, 1], "b": []}}, ["a", "b"]),
        ({"prediction_ranges": {"a": [], "b": []}}, ["0", "1"]),
    ],
)
def test_what_a_server_may_complain_of_goes_with_its_ids_and_nothing_else(serve, change, seen):
    model = Seen(ignores_ids=True)
    request = msgspec.structs.replace(REQUEST, **change)
    found = RemotePredictor(serve(predictor_app(model))).predict(request)
    assert found.prediction_tasks[0].predictions == {"a": 4.0, "b": 4.0}
    assert model.asked == [seen]


def test_a_request_in_parts_has_its_ids(serve, monkeypatch):
    set_to(monkeypatch, max_items=2)
    model = Seen(ignores_ids=True)
    sequences = {"a": "A", "b": "CC", "c": "GGG"}
    found = RemotePredictor(serve(predictor_app(model))).predict(
        PredictRequest("point", [TASK], sequences)
    )
    assert found.prediction_tasks[0].predictions == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert sorted(model.asked) == [["a", "b"], ["c"]]


def test_sequences_without_ids_that_fail_are_told_by_their_ids(serve):
    def no_runs(sequences):
        if any("TTTT" in each for each in sequences):
            raise ValueError("a run of T")
        return [len(each) for each in sequences]

    there = RemotePredictor(serve(predictor_app(as_model(no_runs))))
    assert there.takes_anonymous
    sequences = {f"s{place}": "ACGT" * (place + 1) for place in range(40)}
    sequences["s7"], sequences["s31"] = "TTTTT", "ATTTT"
    found = there.predict(PredictRequest("point", [TASK], sequences)).prediction_tasks[0]
    failed = [name for name, value in found.predictions.items() if isinstance(value, Unanswered)]
    assert failed == ["s7", "s31"]
    assert list(found.predictions) == list(sequences)
    assert found.predictions["s8"] == 36.0


def test_a_request_the_server_refuses_is_told_in_the_words_of_the_server(serve):
    url = serve(predictor_app(load_model("gc")))
    request = PredictRequest("point", [TASK], {"a": "ACXT", "b": ""})
    with pytest.raises(RemoteModelError) as caught:
        RemotePredictor(url).predict(request)
    assert str(caught.value) == (
        f"{url}/predict answered 422: sequence 'a' has invalid character(s): {{'X'}}; "
        "sequence 'b' is empty"
    )


def test_a_model_that_breaks_on_the_other_side_is_told_and_the_server_lives_on(serve):
    def fails_on_n(sequences):
        if any("N" in sequence for sequence in sequences):
            raise ValueError("no N please")
        return [len(sequence) for sequence in sequences]

    model = RemotePredictor(serve(predictor_app(as_model(fails_on_n))))
    with pytest.raises(RemoteModelError, match=r"answered 500: .* no N please"):
        model.predict(PredictRequest("point", [TASK], {"a": "N"}))
    assert model.predict(REQUEST).prediction_tasks[0].predictions == {"a": 4.0, "b": 4.0}


@pytest.mark.parametrize("repeats", [1_000, 5_000_000])
def test_a_request_too_long_for_the_server_is_told_as_such(serve, repeats):
    # The second is longer than any buffer between the two: the answer comes while it is sent.
    limits = Limits(body_bytes=1000)
    model = RemotePredictor(serve(predictor_app(load_model("gc"), limits=limits)))
    with pytest.raises(RemoteModelError, match=r"answered 413: .* send fewer sequences at once"):
        model.predict(PredictRequest("point", [TASK], {"a": "ACGT" * repeats}))


def test_it_works_where_a_loop_is_running_already_as_in_a_notebook(serve):
    model = RemotePredictor(serve(predictor_app(load_model("gc"))))

    async def cell():
        return model.info, model.predict(REQUEST)

    info, response = asyncio.run(cell())
    assert info.id == model.url
    assert list(response.prediction_tasks[0].predictions) == ["a", "b"]


def test_a_remote_model_can_be_served_on(serve):
    first = serve(predictor_app(load_model("cpg")))
    second = RemotePredictor(serve(predictor_app(RemotePredictor(first), name="Proxy")))
    response = second.predict(REQUEST)
    direct = load_model("cpg").predict(REQUEST)
    assert response.predictor_name == "Proxy"
    assert response.prediction_tasks == direct.prediction_tasks


def test_it_is_what_an_address_as_model_spec_means(serve):
    url = serve(predictor_app(load_model("gc")))
    model = load_model(f"{url}/")
    assert isinstance(model, RemotePredictor)
    assert model.url == url


# --- who answers ---


def test_a_server_of_genomark_is_known_by_what_it_serves_wherever_it_runs(serve):
    one, other = (
        RemotePredictor(serve(predictor_app(load_model("gc"), name="Toy"))) for _ in range(2)
    )
    assert one.info.digest == other.info.digest
    assert one.info.id == one.url
    assert one.info.version == load_model("gc").info.version
    assert one.info.notes == ["served by Toy"]
    another = RemotePredictor(serve(predictor_app(load_model("cpg"))))
    assert another.info.digest != one.info.digest


def digest_with(crooked, *answer):
    crooked.gives("/help", answer)
    return RemotePredictor(crooked.url).info.digest


def test_a_stated_digest_is_all_that_counts(crooked):
    one = digest_with(crooked, *as_json({"model_digest": "abc", "version": "1"}))
    other = digest_with(crooked, *as_json({"model_digest": "abc", "version": "2", "model": "x"}))
    changed = digest_with(crooked, *as_json({"model_digest": "abd", "version": "1"}))
    assert one == other != changed


def test_any_other_server_is_known_by_its_address_and_the_whole_of_its_help(crooked):
    one = digest_with(crooked, *as_json({"model": "x", "species": ["homo_sapiens"]}))
    again = digest_with(crooked, *as_json({"species": ["homo_sapiens"], "model": "x"}))
    changed = digest_with(crooked, *as_json({"model": "x", "species": ["mus_musculus"]}))
    assert one == again != changed
    with Crooked() as elsewhere:
        threading.Thread(target=elsewhere.handle_request).start()
        moved = digest_with(elsewhere, *as_json({"model": "x", "species": ["homo_sapiens"]}))
    assert moved != one


@pytest.mark.parametrize(
    "answer",
    [
        (404, "text/html", b"<html>"),
        (500, JSON, b"{}"),
        (302, None, b"", [("Location", "/docs")]),
        as_json([]),
        as_json(None),
    ],
    ids=lambda answer: str(answer[0]),
)
def test_a_server_without_help_is_known_by_its_address(crooked, answer):
    crooked.gives("/help", answer)
    info = RemotePredictor(crooked.url).info
    assert info.digest == digest_with(crooked, *as_json({}))
    assert (info.id, info.version) == (crooked.url, "not stated")
    assert info.notes == ["served by a Predictor without a name"]


def test_help_is_asked_once(crooked):
    crooked.gives("/help", as_json({}))
    model = RemotePredictor(crooked.url)
    assert model.info == model.info
    assert [path for path, *_ in crooked.asked] == ["/help"]


@pytest.mark.parametrize(("stated", "keepable"), [(None, False), ("1", True)])
def test_a_server_says_whether_its_digest_covers_its_answers(serve, stated, keepable):
    def lengths(sequences):
        return [float(len(each)) for each in sequences]

    lengths.version = stated
    there = RemotePredictor(serve(predictor_app(as_model(lengths))))
    assert there.keepable is keepable
    # Nor does a server that passes requests on say more than it knows.
    assert RemotePredictor(serve(predictor_app(there))).keepable is keepable


def test_who_it_is_is_asked_again_before_answers_are_kept(crooked):
    first = {"model_digest": "a", "predictor_name": "p"}
    crooked.gives("/help", as_json(first))
    model = RemotePredictor(crooked.url)
    assert model.served_as == (crooked.url, "p")
    assert model.confirm_identity()
    crooked.gives("/help", as_json({**first, "requests_so_far": 3}))
    assert model.confirm_identity()
    for told in ({**first, "predictor_name": "q"}, {**first, "batch_invariant": True}, ["a"]):
        crooked.gives("/help", as_json(told))
        assert not model.confirm_identity()
    crooked.gives("/help", (404, "text/html", b"<html>gone</html>"))
    assert not model.confirm_identity()
    crooked.gives("/help", (200, JSON, b"{"))
    assert not model.confirm_identity()
    for told in ({**first, "model_digest": "b"}, {"predictor_name": "p"}):
        crooked.gives("/help", as_json(told))
        with pytest.raises(RemoteModelError, match=f"{crooked.url} is not the model it was"):
            model.confirm_identity()
    # It is still known by what it said first.
    assert model.served_as == (crooked.url, "p")


def test_a_server_that_changes_its_model_during_a_run_fills_no_cache(
    crooked, tmp_path, monkeypatch
):
    monkeypatch.setattr(cached_predictor, "WORTH", 0.0)
    held = PredictionCache(tmp_path, 10**9)
    crooked.gives("/predict", as_json(GOOD))
    crooked.gives("/help", as_json({"model_digest": "a"}), as_json({"model_digest": "b"}))
    with pytest.raises(RemoteModelError, match="is not the model it was when the run began"):
        CachedPredictor(RemotePredictor(crooked.url), held).predict(REQUEST)
    assert not list(held.checked())
    # It is asked again for each lot of answers, and only for those.
    before = len(crooked.asked)
    behind = CachedPredictor(RemotePredictor(crooked.url), held)
    for _ in range(2):
        behind.predict(REQUEST)
    assert [each.rows for each in held.checked()] == [2]
    assert [path for path, *_ in crooked.asked[before:]].count("/help") == 2
    # Another server that says the same of itself has to answer for itself.
    rival = RemotePredictor(crooked.url.replace("127.0.0.1", "localhost"))
    assert rival.info.digest == behind.info.digest
    before = len(crooked.asked)
    CachedPredictor(rival, held).predict(REQUEST)
    assert "/predict" in [path for path, *_ in crooked.asked[before:]]


def test_answers_bear_the_name_that_the_server_has_now(crooked, tmp_path, monkeypatch):
    monkeypatch.setattr(cached_predictor, "WORTH", 0.0)
    held = PredictionCache(tmp_path, 10**9)
    for name in ("Toy", "Renamed"):
        crooked.gives("/help", as_json({"model_digest": "a", "predictor_name": name}))
        crooked.gives("/predict", as_json({**GOOD, "predictor_name": name}))
        for _ in range(2):
            behind = CachedPredictor(RemotePredictor(crooked.url), held)
            assert behind.predict(REQUEST).predictor_name == name
        assert behind.hits == 2


def test_help_that_holds_half_a_character_is_refused(crooked):
    crooked.gives("/help", (200, JSON, b'{"model": "\\ud800", "input_size": NaN}'))
    with pytest.raises(RemoteModelError, match="cannot be read"):
        _ = RemotePredictor(crooked.url).info


# --- which formats ---


@pytest.mark.parametrize(
    ("formats", "sent", "received"),
    [
        ({}, JSON, JSON),
        ([], JSON, JSON),
        ({"predictor_supported_request_formats": None}, JSON, JSON),
        ({"predictor_supported_request_formats": 5}, JSON, JSON),
        ({"predictor_supported_request_formats": {MSGPACK: 1}}, JSON, JSON),
        ({"predictor_supported_request_formats": [JSON]}, JSON, JSON),
        ({"predictor_supported_request_formats": [JSON, MSGPACK]}, MSGPACK, JSON),
        ({"predictor_supported_response_formats": [JSON, MSGPACK]}, JSON, MSGPACK),
        ({"predictor_supported_response_formats": MSGPACK}, JSON, MSGPACK),
        ({"predictor_supported_response_formats": [f"{MSGPACK}-numpy"]}, JSON, JSON),
    ],
)
def test_each_side_uses_what_the_server_says_it_knows(crooked, formats, sent, received):
    crooked.gives("/formats", as_json(formats))
    answered(crooked, as_json(GOOD))
    path, headers, body = crooked.asked[-1]
    assert path == "/predict"
    # To the letter: some servers take no other spelling, nor a charset.
    assert (headers["Content-Type"], headers["Accept"]) == (sent, received)
    assert body == encode(REQUEST, sent)


@pytest.mark.parametrize("answer", [(404, "text/html", b"<html>"), (500, JSON, b"{}")])
def test_a_server_without_formats_is_spoken_to_in_json(crooked, answer):
    crooked.gives("/formats", answer)
    answered(crooked, as_json(GOOD))
    assert crooked.asked[-1][1]["Content-Type"] == JSON


def test_formats_are_asked_once_for_many_requests(crooked):
    crooked.gives("/predict", as_json(GOOD))
    model = RemotePredictor(crooked.url)
    for _ in range(3):
        model.predict(REQUEST)
    assert [path for path, *_ in crooked.asked] == ["/formats", *["/predict"] * 3]


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"", b"[" * 100_000])
def test_a_server_whose_formats_cannot_be_read_is_spoken_to_in_json(crooked, body):
    crooked.gives("/formats", (200, "text/html", body))
    answered(crooked, as_json(GOOD))
    headers = crooked.asked[-1][1]
    assert (headers["Content-Type"], headers["Accept"]) == (JSON, JSON)


# --- answers as servers really give them ---


def points(response, *names):
    return [point_of(only_task(response), name) for name in names]


def test_a_plain_answer_is_read(crooked):
    response = answered(crooked, as_json(GOOD))
    assert response.predictor_name == "Toy"
    assert points(response, "a", "b") == [(0.5, None), (-1.25, None)]


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/plain", json.dumps(GOOD).encode()),
        (200, None, json.dumps(GOOD).encode()),
        (200, f"{JSON}; charset=utf-8", json.dumps(GOOD).encode()),
        (200, "Application/MsgPack", msgspec.msgpack.encode(GOOD)),
        (200, f"{MSGPACK}; v=5", msgspec.msgpack.encode(GOOD)),
    ],
)
def test_the_type_of_an_answer_may_be_loosely_written(crooked, status, content_type, body):
    assert points(answered(crooked, (status, content_type, body)), "a") == [(0.5, None)]


def test_a_compressed_answer_is_read(crooked):
    body = gzip.compress(json.dumps(GOOD).encode(), mtime=0)
    answer = (200, JSON, body, [("Content-Encoding", "gzip")])
    assert points(answered(crooked, answer), "a") == [(0.5, None)]


def test_nan_and_infinity_of_python_servers_are_read_as_meant(crooked):
    body = b'{"prediction_tasks": [{"predictions": {"a": NaN, "b": -Infinity, "c": 2.5}}]}'
    response = answered(crooked, (200, JSON, body), names="abc")
    values = response.prediction_tasks[0].predictions
    assert math.isnan(values["a"])
    assert values["b"] == -math.inf
    assert points(response, "a", "b", "c") == [
        (None, "the answer is nan"),
        (None, "the answer is -inf"),
        (2.5, None),
    ]


def test_a_list_of_one_is_a_point_and_what_is_missing_or_no_number_has_a_reason(crooked):
    predictions = {"a": [0.5], "b": None, "c": [], "d": "N/A", "e": [1.0, 2.0], "f": 3}
    answer = as_json({"prediction_tasks": [{"predictions": predictions}]})
    response = answered(crooked, answer, names="abcdefg")
    answers = points(response, *"abcdefg")
    assert [value for value, _ in answers] == [0.5, None, None, None, None, 3.0, None]
    assert [reason is None for _, reason in answers] == [value is not None for value, _ in answers]
    assert answers[-1] == (None, "missing from the answer")


def test_a_task_that_failed_is_read_with_its_reason(crooked):
    task = {"name": "t", "type_actual": "N/A", "predictions": {"error": "no such cell type"}}
    response = answered(crooked, as_json({"prediction_tasks": [task]}))
    assert only_task(response).type_actual == ["N/A"]
    assert points(response, "a") == [(None, "the model refused: no such cell type")]


def test_a_bare_string_is_a_list_of_one_assay(crooked):
    task = {"type_actual": "expression", "predictions": {"a": 1.0}}
    response = answered(crooked, as_json({"prediction_tasks": [task]}))
    assert only_task(response).type_actual == ["expression"]


# --- answers that are none ---


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (422, [{"prediction_request_failed": "sequence 'a' is empty"}], "sequence 'a' is empty"),
        (400, [{"bad_prediction_request": "one"}, {"bad_prediction_request": "two"}], "one; two"),
        (500, [{"server_error": "boom"}], "boom"),
        (200, [{"server_error": "boom"}], "boom"),
        (200, "boom", "boom"),
        (200, ["boom", {"server_error": 5}], "boom; 5"),
        (502, [{"server_error": "first\n  second\t\x1b[31mred\x00"}], "first second [31mred"),
    ],
)
def test_an_error_is_told_with_its_status_and_words_on_one_line(crooked, status, error, text):
    body = json.dumps({"predictor_name": "Toy", "error": error}).encode()
    assert (
        refused(crooked, (status, JSON, body)) == f"{crooked.url}/predict answered {status}: {text}"
    )


def test_an_error_for_each_of_many_sequences_is_cut_short(crooked):
    error = [{"prediction_request_failed": f"sequence '{each}' is empty"} for each in range(10_000)]
    text = refused(crooked, (422, JSON, json.dumps({"error": error}).encode()))
    assert "sequence '0' is empty; sequence '1' is empty" in text
    assert text.endswith("...")
    assert len(text) < 600


def test_a_status_without_an_error_shows_what_came_instead(crooked):
    assert refused(crooked, (503, JSON, b'{"detail": "later"}')).endswith(
        "answered 503: {'detail': 'later'}"
    )


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ((500, "text/html", b"<html>Internal Server Error</html>"), "500 with text/html"),
        ((200, "text/html", b"<html>It works!</html>"), "200 with text/html"),
        ((200, JSON, b""), "200 with application/json"),
        ((200, None, b"oops"), "200 with no type"),
        ((200, JSON, b'{"prediction_tasks": ['), "200 with application/json"),
        ((200, JSON, b"[" * 100_000), "200 with application/json"),
        ((200, JSON, b'{"a": NaN' + b"[" * 100_000), "200 with application/json"),
        ((200, JSON, b'{"a": NaN, "b": "\\udfff"}'), "200 with application/json"),
        ((200, JSON, b'"\xff"'), "200 with application/json"),
        ((200, JSON, msgspec.msgpack.encode(GOOD)), "200 with application/json"),
        ((200, MSGPACK, msgspec.msgpack.encode(GOOD)[:-3]), "200 with application/msgpack"),
        ((200, MSGPACK, b"\x91" * 100_000), "200 with application/msgpack"),
        ((200, MSGPACK, b"\xdd\xff\xff\xff\xff"), "200 with application/msgpack"),
        ((302, "text/html", b"<a>moved</a>", [("Location", "/elsewhere")]), "302 with text/html"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_by_status_and_type(crooked, answer, part):
    assert f"answered {part} that cannot be read: Could not parse" in refused(crooked, answer)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(crooked, status):
    crooked.gives("/elsewhere", as_json(GOOD))
    refused(crooked, (status, JSON, b"{}", [("Location", f"{crooked.url}/elsewhere")]))
    assert "/elsewhere" not in [path for path, *_ in crooked.asked]


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ([], "expected a GAME response with an array 'prediction_tasks'"),
        ({"predictor_name": "Toy"}, "expected a GAME response with an array 'prediction_tasks'"),
        (
            {"prediction_tasks": [{"name": "t"}]},
            "prediction_tasks[0] has no object 'predictions' of ids and values",
        ),
    ],
)
def test_an_answer_without_its_keys_says_which(crooked, answer, part):
    assert refused(crooked, as_json(answer)) == f"{crooked.url}/predict: {part}"


def test_an_answer_without_end_is_cut_off(crooked, monkeypatch):
    set_to(monkeypatch, max_answer_bytes=1_000_000)
    # A thousandth of its size on the wire: the cap is on what it unfolds to.
    body = gzip.compress(b" " * 20_000_000, mtime=0)
    text = refused(crooked, (200, JSON, body, [("Content-Encoding", "gzip")]))
    assert text == f"{crooked.url}/predict: the answer is over 1,000,000 bytes"


def test_what_is_no_http_at_all_is_told(crooked):
    def banner(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)

    assert "/predict: " in refused(crooked, banner)


# --- connections that break ---


@pytest.mark.parametrize("accident", [reset, break_off])
@pytest.mark.parametrize("times", [1, 3])
def test_a_connection_that_breaks_is_tried_again(crooked, accident, times):
    response = answered(crooked, *[accident] * times, as_json(GOOD))
    assert points(response, "a") == [(0.5, None)]
    assert [path for path, *_ in crooked.asked].count("/predict") == times + 1


@pytest.mark.parametrize("accident", [reset, break_off])
def test_a_connection_that_breaks_every_time_is_given_up(crooked, accident):
    text = refused(crooked, accident)
    assert text.startswith(f"{crooked.url}/predict: no answer (")
    assert text.endswith("Is the server running?")
    assert [path for path, *_ in crooked.asked].count("/predict") == 6


def test_an_error_of_the_server_is_asked_for_once_more_by_sequence_alone(crooked):
    refused(crooked, (500, JSON, b'{"error": [{"server_error": "boom"}]}'))
    asked = [json.loads(body)["sequences"] for path, _, body in crooked.asked if path == "/predict"]
    assert sorted(sorted(sequences) for sequences in asked) == [["a"], ["a", "b"], ["b"]]


def nobody():
    """Give an address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_is_down_is_told_within_ten_seconds(monkeypatch):
    # The real pauses: a server that is just starting has a few seconds to come.
    set_to(monkeypatch, first_pause=0.5)
    url = nobody()
    begun = time.monotonic()
    with pytest.raises(RemoteModelError) as caught:
        _ = RemotePredictor(url).info
    assert 1 < time.monotonic() - begun < 10
    text = str(caught.value)
    assert text.startswith(f"{url}/help: no answer (")
    assert text.endswith("Is the server running?")
    assert text.isprintable()


def test_a_server_that_is_down_is_told_when_it_is_asked_for_predictions():
    with pytest.raises(RemoteModelError, match="no answer"):
        RemotePredictor(nobody()).predict(REQUEST)


def test_a_server_that_comes_up_late_is_waited_for(serve, monkeypatch):
    set_to(monkeypatch, first_pause=0.4)
    url = nobody()
    model = RemotePredictor(url)
    port = int(url.rpartition(":")[2])

    def start():
        with Crooked() as server:
            server.socket.close()
            server.socket = socket.create_server(("127.0.0.1", port))
            server.gives("/help", as_json({"version": "3"}))
            server.handle_request()

    starter = threading.Timer(0.3, start)
    starter.start()
    assert model.info.version == "3"
    starter.join(10)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://" + "a" * 70 + ".example",
        "http://..:5",
    ],
)
def test_what_is_no_address_is_told_at_once(url):
    model = RemotePredictor(url)
    with pytest.raises(RemoteModelError) as caught:
        model.predict(REQUEST)
    assert str(caught.value) == f"'{model.url}' is not an address; expected http://HOST:PORT"


def test_a_server_that_does_not_answer_in_time_is_given_up(crooked, monkeypatch):
    set_to(monkeypatch, deadlines=Deadlines(total=0.2))
    done = threading.Event()
    assert "no whole answer within 0.2 s" in refused(crooked, lambda handler: done.wait(5))
    done.set()


# Both as a script and inside a running loop, as a notebook has it.
PATIENT = """
import asyncio, signal
from genomark.models.remote import RemotePredictor
from genomark.models.transport import Deadlines, login_for
from genomark.protocol import PredictionTask, PredictRequest
signal.signal(signal.SIGINT, signal.default_int_handler)
model = RemotePredictor("{url}")
task = PredictionTask("t", "accessibility", "K562", "homo_sapiens")
request = PredictRequest("point", [task], {{"a": "ACGT", "b": "CCGG"}})
async def cell():
    return model.info
print("asking", flush=True)
try:
    {ask}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    "ask",
    [
        "model.info",
        "asyncio.new_event_loop().run_until_complete(cell())",
        "model.predict(request)",
    ],
)
def test_ctrl_c_ends_the_wait_for_an_answer(crooked, ask):
    asked, done = threading.Event(), threading.Event()

    def never(handler):
        asked.set()
        done.wait(20)

    crooked.gives("/help", never)
    crooked.gives("/predict", never)
    code = PATIENT.format(url=crooked.url, ask=ask)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as script:
        try:
            assert asked.wait(20)
            script.send_signal(signal.SIGINT)
            said, _ = script.communicate(timeout=5)
            assert said == "asking\ninterrupted\n"
        finally:
            script.kill()
            done.set()
