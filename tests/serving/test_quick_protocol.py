"""Requests that are answered where they are read, beside uvicorn alone: not a byte differs."""

import asyncio
import re
import socket
from http.client import HTTPResponse

import msgspec
import pytest
import uvicorn
from asking import TASK, ask, request
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from genomark.models import load_model
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.protocol import (
    JSON,
    MSGPACK,
    TENSOR,
    TENSOR_STREAM,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    SoundSequences,
    TaskPrediction,
    compress,
    decode_tensor_answer,
    encode_request,
)
from genomark.scoring import ModelIdentity
from genomark.serving import (
    Limits,
    backend,
    predictor,
    predictor_app,
    quick_protocol,
    serve_model,
)
from genomark.serving.quick_protocol import QuickProtocol
from listening import listening

SEQUENCES = {"a": "ACGTN", "b": "GGC", "c": "T"}
TOKEN = "secret"


def asked(sequences=SEQUENCES, readout="point", **more):
    return PredictRequest(readout, [PredictionTask(**TASK)], sequences, **more)


def body_of(message=None, kind=TENSOR):
    if message is not None and not isinstance(message, PredictRequest):
        return msgspec.msgpack.encode(message)
    return encode_request(message or asked(), kind, edits=True)


def http(body=b"", *, line="POST /predict HTTP/1.1", **headers):
    """A request as bytes; a header that is None is left out, one that is a list is told often."""
    told = {
        "Host": "here",
        "Content-Type": TENSOR,
        "Accept": f"{TENSOR_STREAM}, {TENSOR}",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [
        f"{name}: {each}"
        for name, value in told.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]
    return "\r\n".join([line, *lines, "", ""]).encode("latin-1") + body


def chunked(body, size=7):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return http(Content_Length=None, Transfer_Encoding="chunked") + coded + b"0\r\n\r\n"


GOOD = body_of()
PLAIN = http(GOOD)
#: What is answered at once.
QUICK = {
    "plain": PLAIN,
    "one message": http(GOOD, Accept=TENSOR),
    "JSON comes back": http(GOOD, Accept=JSON),
    "zstd would be taken": http(GOOD, Accept=MSGPACK, Accept_Encoding="zstd"),
    "nothing is accepted by name": http(GOOD, Accept=None),
    "kept alive aloud": http(GOOD, Connection="keep-alive"),
    "headers in other case": http(GOOD).replace(b"Content-Length", b"cOnTeNt-LeNgTh"),
    "ranges": http(body_of(asked(prediction_ranges={"a": [0, 2], "b": [], "c": []}))),
    "flanks": http(body_of(asked(upstream_seq="AC", downstream_seq="g"))),
    "small letters": http(body_of(asked({"a": "acgtn"}))),
    "a scale": http(
        body_of(PredictRequest("point", [PredictionTask(**TASK, scale="log")], SEQUENCES))
    ),
    "no task": http(body_of(PredictRequest("point", [], SEQUENCES))),
    "nothing asked": http(body_of(asked({}))),
}
#: What uvicorn gets to see, the app with it or not.
ORDINARY = {
    "JSON": http(body_of(kind=JSON), Content_Type=JSON),
    "MsgPack": http(body_of(kind=MSGPACK), Content_Type=MSGPACK),
    "a type with a parameter": http(GOOD, Content_Type=f"{TENSOR}; v=1"),
    "another readout": http(body_of(asked(readout="track"))),
    "chunked": chunked(GOOD),
    "chunked, and a length": chunked(GOOD).replace(b"Host", b"Content-Length: 5\r\nHost"),
    "asks before it sends": http(GOOD, Expect="100-continue"),
    "HTTP/1.0": http(GOOD, line="POST /predict HTTP/1.0"),
    "HTTP/1.0, kept alive": http(GOOD, line="POST /predict HTTP/1.0", Connection="keep-alive"),
    "HTTP/2.0": http(GOOD, line="POST /predict HTTP/2.0"),
    "the last one": http(GOOD, Connection="close"),
    "an upgrade": http(GOOD, Connection="Upgrade", Upgrade="websocket"),
    "an upgrade to HTTP/2": http(GOOD, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c"),
    "an upgrade that is not meant": http(GOOD, Upgrade="websocket"),
    "HEAD": http(line="HEAD /predict HTTP/1.1", Content_Length=None),
    "HEAD of help": http(line="HEAD /help HTTP/1.1", Content_Length=None),
    "GET": http(line="GET /predict HTTP/1.1", Content_Length=None),
    "help": http(line="GET /help HTTP/1.1", Content_Length=None),
    "no such path": http(GOOD, line="POST /predictions HTTP/1.1"),
    "a query": http(GOOD, line="POST /predict?now HTTP/1.1"),
    "an escaped path": http(GOOD, line="POST /%70redict HTTP/1.1"),
    "the whole address": http(GOOD, line="POST http://here/predict HTTP/1.1"),
    "small method": http(GOOD, line="post /predict HTTP/1.1"),
    "two spaces": http(GOOD, line="POST  /predict HTTP/1.1"),
    "line ends of Unix": http(GOOD).replace(b"\r\n", b"\n", 3),
    "an empty line first": b"\r\n" + PLAIN,
    "no length": http(GOOD, Content_Length=None),
    "no body": http(b""),
    "two lengths": http(GOOD, Content_Length=[str(len(GOOD))] * 2),
    "two lengths that differ": http(GOOD, Content_Length=["1", str(len(GOOD))]),
    "a signed length": http(GOOD, Content_Length=f"+{len(GOOD)}"),
    "a negative length": http(GOOD, Content_Length="-1"),
    "a length of words": http(GOOD, Content_Length="many"),
    "a length that is too short": http(GOOD, Content_Length=str(len(GOOD) - 5)),
    "a length beyond the limit": http(GOOD, Content_Length="9999"),
    "a length beyond all numbers": http(GOOD, Content_Length="9" * 30),
    "a header without a colon": http(GOOD).replace(b"Host: here", b"Host here"),
    "a header with a null": http(GOOD).replace(b"Host: here", b"Host: he\0re"),
    "a folded header": http(GOOD).replace(b"Host: here", b"Host: he\r\n re"),
    "a space before the colon": http(GOOD).replace(b"Content-Length:", b"Content-Length :"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
    "zstd": http(compress(GOOD), Content_Encoding="zstd"),
    "said to be zstd": http(GOOD, Content_Encoding="zstd"),
    "gzip": http(GOOD, Content_Encoding="gzip"),
    "no coding, aloud": http(GOOD, Content_Encoding="identity"),
    "a torn body": http(GOOD[:-9]),
    "another body": http(b"{}"),
    "no tensors": http(b"\xc1"),
    "strange letters": http(body_of(asked({"a": "ACGU", "b": ""}))),
    "a range that is too long": http(
        body_of(asked(prediction_ranges={"a": [0, 9], "b": [], "c": []}))
    ),
    "a readout that is none": http(body_of(asked(readout="smell"))),
    "too many sequences": http(body_of(asked({str(n): "A" for n in range(50)}))),
    "too many bases": http(body_of(asked({"a": "A" * 300}))),
    "deep": http(body_of({"readout": [[[[]]]]})),
    "a long head": http(GOOD, Cookie="c" * 3000),
    "requests in a body": http(PLAIN, Content_Length=str(len(PLAIN))),
    "requests in a refused body": http(PLAIN, Content_Type="text/plain"),
}
ALL = {**QUICK, **ORDINARY}


class Line(asyncio.Transport):
    """What a protocol writes to; no socket behind it."""

    def __init__(self, loop):
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.reads = True
        self.protocol = None
        self._loop, self._closing = loop, False

    def write(self, data):
        assert not self._closing
        self.written += bytes(data)

    def is_closing(self):
        return self._closing

    def close(self):
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self.protocol.connection_lost, None)

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True

    def set_protocol(self, protocol):
        raise AssertionError("no other protocol is spoken here")


class Spoken:
    """A protocol with a client of which each word is in these tests."""

    def __init__(self, kind, app):
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            app, http=kind, log_config=None, access_log=False, server_header=False
        )
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"Sat, 21 Nov 2026 20:00:00 GMT")]
        self.line = Line(loop)
        self.protocol = kind(config=config, server_state=self.state, app_state={}, _loop=loop)
        self.line.protocol = self.protocol
        self.tasks = 0
        self.protocol.connection_made(self.line)
        start = self.protocol._start_asgi_task

        def counted(*given):
            self.tasks += 1
            start(*given)

        self.protocol._start_asgi_task = counted

    async def say(self, *pieces):
        for piece in pieces:
            while not (self.line.reads or self.line.is_closing()):
                await asyncio.sleep(0)
            if self.line.is_closing():
                break
            self.protocol.data_received(piece)
            await asyncio.sleep(0)
        await self.rest()

    async def rest(self):
        """Wait until all that can be answered is."""
        while getattr(self.protocol, "_head", None) is not None:
            await asyncio.sleep(0.005)
        for _ in range(3):
            while any(not task.done() for task in self.state.tasks) and not self._waits():
                await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _waits(self):
        """Whether nothing goes on before the client says more."""
        cycle = self.protocol.cycle
        return cycle is not None and cycle.more_body and not cycle.message_event.is_set()


@pytest.fixture(autouse=True)
def always_quick(monkeypatch):
    # However busy this machine is.
    monkeypatch.setattr(backend, "_TRIFLING_SECONDS", 60.0)


def made(**how):
    limits = Limits(body_bytes=4_000, sequences=20, bases=250, depth=3, idle_seconds=0.2)
    app = predictor_app(load_model("gc"), name="Both", limits=how.pop("limits", limits), **how)
    headers = {"Authorization": f"Bearer {TOKEN}"} if how.get("token") else {}
    # So often its time is taken; an answer that is kept takes none.
    for number in range(1, 17):
        warming = request({"a": "ACGT" * number})
        assert ask(app, "POST", "/predict", json=warming, headers=headers).is_success
    return app


def counted(app):
    """All counters but those of time."""
    text = ask(app, "GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    return re.sub(r"(?m)^.*_(created|sum|bucket)[ {].*\n", "", text)


def conversation(kind, app, *pieces):
    """What is answered, whether the connection is kept, and how many tasks that took."""

    async def talk():
        spoken = Spoken(kind, app)
        await spoken.say(*pieces)
        found = spoken.line.written, spoken.line.is_closing(), spoken.tasks
        spoken.protocol.connection_lost(None)
        await asyncio.gather(*spoken.state.tasks, return_exceptions=True)
        spoken.protocol._unset_keepalive_if_required()
        return found

    return asyncio.run(asyncio.wait_for(talk(), 30))


@pytest.fixture(scope="module")
def apps():
    """One for each protocol; all that is asked of one is asked of the other."""
    return made(), made()


def same(apps, *pieces):
    """Have both speak; give what they say, and the tasks of each."""
    quick, plain = apps
    said, closed, n_quick = conversation(QuickProtocol, quick, *pieces)
    expected, expected_closed, n_plain = conversation(HttpToolsProtocol, plain, *pieces)
    assert said == expected
    assert closed == expected_closed
    assert counted(quick) == counted(plain)
    return said, n_quick, n_plain


@pytest.mark.parametrize("name", QUICK)
def test_what_is_plain_is_answered_at_once_and_no_byte_differs(name, apps):
    said, quick, plain = same(apps, QUICK[name])
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (quick, plain) == (0, 1)


@pytest.mark.parametrize("name", ORDINARY)
def test_what_is_not_is_left_to_uvicorn_as_it_came(name, apps):
    _, quick, plain = same(apps, ORDINARY[name])
    assert quick == plain


@pytest.mark.parametrize("name", ALL)
def test_what_comes_after_it_on_the_same_connection_is_understood_alike(name, apps):
    same(apps, ALL[name], PLAIN, ALL[name], PLAIN)


def test_it_makes_no_difference_where_a_request_is_cut():
    quick, plain = made(), made()
    expected = conversation(HttpToolsProtocol, plain, PLAIN)[0]
    head = PLAIN.index(b"\r\n\r\n") + 4
    for place in range(1, len(PLAIN)):
        said, _, tasks = conversation(QuickProtocol, quick, PLAIN[:place], PLAIN[place:])
        assert said == expected
        # In the middle of the head it is uvicorn's, from there on not.
        assert tasks == (place < head)
    said, _, tasks = conversation(QuickProtocol, quick, *(bytes([byte]) for byte in PLAIN))
    assert (said, tasks) == (expected, 1)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_conversation_is_understood_otherwise(apps, data):
    names = data.draw(st.lists(st.sampled_from(sorted(ALL)), min_size=1, max_size=4))
    said = b"".join(ALL[name] for name in names)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(said) - 1), max_size=6)))
    same(apps, *(said[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)))


def test_requests_that_come_together_are_answered_in_order():
    said, quick, plain = same((made(), made()), PLAIN + QUICK["ranges"] + PLAIN)
    assert said.count(b"HTTP/1.1 200 OK") == 3
    assert quick == plain == 3


def test_the_right_token_is_asked_for_each_time():
    good = http(GOOD, Authorization=f"Bearer {TOKEN}")
    wrong = http(GOOD, Authorization="Bearer no")
    said, quick, _ = same((made(token=TOKEN), made(token=TOKEN)), good, wrong, PLAIN, good)
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"401", b"401", b"200"]
    assert quick == 2


def served(function, **more):
    """An app of a model that promises to be quick, warm."""
    model = SequencePredictor(
        ModelIdentity("m", "1", "0" * 32), "m", {"point": Readout(function, "linear")}, **more
    )
    app = predictor_app(model, name="Both")
    for number in range(1, 17):
        warming = request({"a": "ACGT" * number})
        assert ask(app, "POST", "/predict", json=warming).is_success
    return app


def lengths(sequences):
    return list(map(len, sequences))


def test_a_model_that_may_wait_is_never_asked_where_others_would_wait_with_it():
    assert conversation(QuickProtocol, served(lengths, never_waits=True), PLAIN)[2] == 0
    assert conversation(QuickProtocol, served(lengths), PLAIN)[2] == 1


def test_a_model_that_takes_its_time_is_not_either(monkeypatch):
    app = served(lengths, never_waits=True)
    monkeypatch.setattr(backend, "_TRIFLING_SECONDS", 0.0)
    said, _, tasks = conversation(QuickProtocol, app, PLAIN)
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert tasks == 1


def test_a_request_of_many_values_is_not_either(monkeypatch):
    app = served(lengths, never_waits=True)
    monkeypatch.setattr(backend, "FEW_VALUES", 2)
    assert conversation(QuickProtocol, app, PLAIN)[2] == 1


@pytest.mark.parametrize("failure", [ValueError("broken"), SystemExit(3), KeyboardInterrupt()])
def test_what_a_model_raises_is_told_as_elsewhere(failure):
    def fails(sequences):
        if sequences[0] == "ACGTN":
            raise failure
        return lengths(sequences)

    said, quick, _ = same(
        (served(fails, never_waits=True), served(fails, never_waits=True)), PLAIN, http(GOOD)
    )
    assert said.count(b"HTTP/1.1 500 ") == 2
    assert quick == 2


def test_values_that_cannot_be_written_are_told_as_elsewhere():
    class Odd:
        info, never_waits = ModelIdentity("odd", "1", "0" * 32), True
        odd = False

        def predict(self, asked):
            answer = load_model("gc").predict(asked)
            if len(asked.sequences) == 3:
                answer.prediction_tasks[0].predictions["a"] = object()
            return answer

    apps = []
    for _ in range(2):
        apps.append(predictor_app(Odd(), name="Both"))
        for number in range(1, 17):
            assert ask(apps[-1], "POST", "/predict", json=request({"a": "AC" * number})).is_success
    said, quick, _ = same(tuple(apps), PLAIN)
    assert said.startswith(b"HTTP/1.1 500 ")
    assert quick == 1


def spoken_to_its_end(kind, app, talk):
    """Have a test do more than say something; gives what it gives."""

    async def run():
        spoken = Spoken(kind, app)
        found = await talk(spoken)
        if not spoken.line.is_closing():
            spoken.protocol.connection_lost(None)
        await asyncio.gather(*spoken.state.tasks, return_exceptions=True)
        spoken.protocol._unset_keepalive_if_required()
        return found

    return asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize("kind", [QuickProtocol, HttpToolsProtocol])
def test_a_client_that_hangs_up_in_the_middle_is_counted_as_gone(kind):
    async def leaves(spoken):
        spoken.protocol.data_received(PLAIN[:-5])
        spoken.protocol.connection_lost(None)
        await asyncio.gather(*spoken.state.tasks)
        return spoken.line.written

    app = made()
    assert spoken_to_its_end(kind, app, leaves) == b""
    assert 'genomark_requests_total{status="499"} 1.0' in counted(app)


@pytest.mark.parametrize("kind", [QuickProtocol, HttpToolsProtocol])
def test_a_server_that_stops_waits_for_a_request_that_has_begun(kind):
    async def stops(spoken):
        spoken.protocol.data_received(PLAIN[:-5])
        spoken.protocol.shutdown()
        assert not spoken.line.is_closing()
        await spoken.say(PLAIN[-5:])
        assert spoken.line.is_closing()
        return spoken.line.written

    said = spoken_to_its_end(kind, made(), stops)
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in said


@pytest.mark.parametrize("kind", [QuickProtocol, HttpToolsProtocol])
def test_a_server_that_stops_closes_a_connection_that_was_answered(kind):
    async def stops(spoken):
        await spoken.say(PLAIN)
        spoken.protocol.shutdown()
        return spoken.line.is_closing()

    assert spoken_to_its_end(kind, made(), stops)


@pytest.mark.parametrize("kind", [QuickProtocol, HttpToolsProtocol])
def test_a_body_that_stalls_is_given_up_on(kind):
    async def stalls(spoken):
        # The app waits, after a while, and gives up.
        spoken.protocol.data_received(PLAIN[:-5])
        while not spoken.line.is_closing():
            await asyncio.sleep(0.01)
        return spoken.line.written

    said = spoken_to_its_end(kind, made(), stalls)
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_what_is_late_is_uvicorns_but_not_what_is_a_little_late():
    async def pauses(spoken):
        spoken.protocol.data_received(PLAIN[:-5])
        await asyncio.sleep(0)
        assert spoken.tasks == 0
        await spoken.say(PLAIN[-5:])
        assert spoken.tasks == 0
        spoken.protocol.data_received(PLAIN[:-5])
        while not spoken.tasks:
            await asyncio.sleep(0.005)
        await spoken.say(PLAIN[-5:])
        return spoken.line.written

    assert spoken_to_its_end(QuickProtocol, made(), pauses).count(b" 200 OK") == 2


def test_a_connection_that_is_idle_is_closed_and_one_that_is_not_is_kept(monkeypatch):
    async def idles(spoken):
        loop = asyncio.get_running_loop()
        spoken.protocol.timeout_keep_alive = 0.1
        for _ in range(4):
            # Each of them takes less time than that, and all of them more.
            begun = loop.time()
            await spoken.say(PLAIN)
            while loop.time() < begun + 0.04:
                await asyncio.sleep(0.005)
        kept = spoken.line.is_closing()
        while not spoken.line.is_closing():
            await asyncio.sleep(0.01)
        return kept, spoken.tasks

    assert spoken_to_its_end(QuickProtocol, made(), idles) == (False, 0)


def test_a_client_that_does_not_read_its_answers_is_not_given_more():
    async def floods(spoken):
        await spoken.say(PLAIN)
        spoken.protocol.pause_writing()
        written = spoken.line.written
        spoken.protocol.data_received(PLAIN)
        for _ in range(50):
            await asyncio.sleep(0)
        assert spoken.line.written == written
        spoken.protocol.resume_writing()
        await spoken.rest()
        return spoken.line.written.count(b" 200 OK"), spoken.tasks

    assert spoken_to_its_end(QuickProtocol, made(), floods) == (2, 1)


def alike(*letters):
    """Requests that differ in their letters alone, and are therefore as long."""
    return [body_of(asked({"a": each * 4, "b": each * 4})) for each in letters]


def test_what_repeats_the_request_before_is_read_by_that_and_answered_alike(apps, monkeypatch):
    read = []
    whole = predictor.read_request

    def counting(body, content_type, limits):
        read.append(bytes(body))
        return whole(body, content_type, limits)

    monkeypatch.setattr(predictor, "read_request", counting)
    bodies = alike("A", "C", "G", "C")
    said, quick, plain = same(apps, *map(http, bodies))
    assert said.count(b"HTTP/1.1 200 OK") == 4
    assert (quick, plain) == (0, 4)
    # The quick one reads the first; the other reads all.
    assert read == [bodies[0], *bodies]


class Careless:
    """A model that empties what it is given."""

    info, never_waits, builds_lazily = ModelIdentity("careless", "1", "0" * 32), True, True

    def predict(self, request):
        tasks = []
        while request.prediction_tasks:
            asked = request.prediction_tasks.pop()
            values = {name: float(len(text)) for name, text in request.sequences.items()}
            said = (asked.name, asked.type, ["NA"], asked.cell_type, "NA", asked.species, "NA")
            tasks.append(TaskPrediction(*said, None, "linear", values))
        if isinstance(request.sequences, SoundSequences):
            request.sequences.ids.reverse()
        return PredictResponse("careless", tasks)


def test_what_a_model_does_to_a_request_stays_with_that():
    quick, plain = (predictor_app(Careless(), name="Both") for _ in range(2))
    for app in (quick, plain):
        for number in range(1, 17):
            warming = request({"a": "ACGT" * number})
            assert ask(app, "POST", "/predict", json=warming).is_success
    message = http(body_of(asked({"a": "ACGT", "b": "GG"})))
    said, n_quick, _ = same((quick, plain), *[message] * 4)
    assert n_quick == 0
    answers = re.split(rb"(?=HTTP/1.1 )", said)[1:]
    assert len(answers) == 4
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1


def test_of_more_sequences_than_are_answered_at_once_not_even_names_are_made(apps, monkeypatch):
    monkeypatch.setattr(predictor, "FEW_VALUES", 2)
    many = body_of({**msgspec.msgpack.decode(body_of()), "prediction_tasks": []})
    said, quick, _ = same((made(), made()), http(many))
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert quick == 1


def test_what_is_between_two_that_are_alike_changes_nothing(apps):
    first, second = alike("A", "C")
    other = body_of(asked({"a": "GGGG", "b": "GGGG"}, upstream_seq=""))
    broken = first.replace(b"2bit", b"3bit")
    said, quick, plain = same(apps, *map(http, (first, other, broken, second, first)))
    assert said.count(b"HTTP/1.1 200 OK") == 4
    assert (quick, plain) == (1, 5)


def test_no_more_heads_are_known_than_have_room():
    app = made()
    for number in range(2 * quick_protocol._HEADS):
        conversation(QuickProtocol, app, http(GOOD, Cookie=str(number)))
    assert app.state.read_head.cache_info().currsize == quick_protocol._HEADS


def test_a_served_model_is_asked_this_way(monkeypatch):
    spoken = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda server, sockets: spoken.append(server.config.http)
    )
    serve_model(load_model("gc"), port=0)
    assert spoken == [QuickProtocol]


def test_over_sockets_a_thousand_sequences_are_answered_at_once_too():
    sequences = {f"s{number}": "ACGT" * (number % 90 + 1) for number in range(1_000)}
    message = http(body_of(asked(sequences)))
    app = made(limits=Limits())
    tasks = []
    start = HttpToolsProtocol._start_asgi_task

    class Counting(QuickProtocol):
        def _start_asgi_task(self, *given):
            tasks.append(given)
            start(self, *given)

    with listening(app, http=Counting) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), 10) as line:
            for _ in range(3):
                line.sendall(message)
                answer = HTTPResponse(line)
                answer.begin()
                found = decode_tensor_answer(answer.read(), list(sequences))
                points = found["prediction_tasks"][0]["predictions"]
                assert points.keys() == sequences.keys()
                assert points["s7"] == pytest.approx(0.5)
    assert not tasks
