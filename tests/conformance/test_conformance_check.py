"""The check as a whole: what it asks, how it ends, what it writes."""

# ruff: noqa: RUF012 - no toy changes what its class says

import asyncio
import base64
import json
import socket
import time

import msgspec
import numpy as np
import pytest
from toy_predictor import Toy

from genomark.conformance import RULES, Options, Report, Wanted, check_predictor
from genomark.conformance.rule import Level, Rule
from genomark.errors import RemoteModelError, UsageError
from genomark.protocol import JSON, PredictionFailedError


class Listening(Toy):
    """Writes down what it is asked."""

    def __init__(self):
        self.heard = []

    def handle(self, method, path, headers, body):
        self.heard.append((method, path, headers, body))
        return super().handle(method, path, headers, body)


def by_id(report):
    return {each.id: each for each in report.outcomes}


def test_it_asks_some_tens_of_modest_requests_and_no_charset_unasked(village):
    toy = Listening()
    report = check_predictor(village(toy))
    assert len(toy.heard) == report.requests < 100
    assert max(len(body) for *_, body in toy.heard) < 4_000
    types = [headers.get("content-type") for *_, headers, _ in toy.heard]
    assert sum("charset" in kind for kind in types if kind) == 1
    assert sum(kind is None for kind, call in zip(types, toy.heard, strict=True) if call[3]) == 1
    assert all(headers["accept-encoding"] == "identity" for *_, headers, _ in toy.heard)


def test_what_it_asks_for_is_what_help_offers(village):
    class Choosy(Toy):
        help = {"features": ["CHIP_CTCF"], "cell_types": ["HepG2"], "species": ["mus_musculus"]}

        def validated(self, raw):
            request = super().validated(raw)
            if any(task.type != "binding_ctcf" for task in request.prediction_tasks):
                raise PredictionFailedError("no such type")
            return request

    asked = check_predictor(village(Choosy())).asked
    assert (asked.type, asked.cell_type, asked.species) == (
        "binding_ctcf",
        "HepG2",
        "mus_musculus",
    )
    assert asked.readouts == ["point", "track", "interaction_matrix"]


@pytest.mark.parametrize(
    "help_",
    [
        {"features": 5, "cell_types": "NA", "species": None},
        {"features": ["NA", 3], "cell_types": [], "species": ["NULL"]},
        {},
    ],
)
def test_a_help_that_says_nothing_of_use_is_no_obstacle(village, help_):
    asked = check_predictor(village(type("Odd", (Toy,), {"help": help_})())).asked
    assert (asked.type, asked.cell_type, asked.species) == (
        "accessibility",
        "K562",
        "homo_sapiens",
    )


def test_what_the_user_says_is_asked(village):
    options = Options(
        wanted=Wanted("expression", "hela", "danio_rerio"), readouts=("track",), length=300
    )
    toy = Listening()
    report = check_predictor(village(toy), options)
    asked = report.asked
    assert (asked.type, asked.cell_type, asked.species) == ("expression", "hela", "danio_rerio")
    assert (asked.readouts, asked.length) == (["track"], 300)
    assert by_id(report)["3.3-point"].status == "not applicable"
    assert by_id(report)["sanity-order"].status == "pass"
    bodies = [json.loads(body) for *_, body in toy.heard if body.startswith(b'{"readout":"')]
    sequences = [body["sequences"] for body in bodies]
    texts = [s for each in sequences if isinstance(each, dict) for s in each.values()]
    plain = {len(text) for text in texts if isinstance(text, str) and len(text) > 20}
    # The plain ones, those with joined flanks.
    assert plain == {300, 380}


def test_a_predictor_of_tracks_alone_is_measured_base_by_base(village):
    class Tracks(Toy):
        def point(self, sequence, limits):
            raise PredictionFailedError("no points")

        interaction_matrix = point

        def track(self, sequence, limits):
            # The same on both strands, but for the bins: 504 bp are 63 whole bins.
            return super().track(sequence.replace("T", "A").replace("G", "C"), limits)

    report = check_predictor(village(Tracks()), Options(length=504))
    assert report.asked.readouts == ["track"]
    assert report.conforms
    strands, shift = report.measurements
    assert strands.correlation == pytest.approx(1)
    assert strands.n == 4
    # Bins of 8 bp, moved by 1 bp.
    assert 0.3 < shift.correlation < 0.95


def test_the_numbers_of_points_are_those_of_numpy(village):
    toy = Listening()
    report = check_predictor(village(toy))
    bodies = [json.loads(b) for *_, b in toy.heard if b.startswith(b'{"readout":"point"')]
    plain = bodies[0]["sequences"]
    turned = str.maketrans("ACGT", "TGCA")
    reverse = {name: each.translate(turned)[::-1] for name, each in plain.items()}
    assert reverse in [body["sequences"] for body in bodies]
    here, there = (
        np.array([toy.point(each, []) for each in of.values()]) for of in (plain, reverse)
    )
    strands = report.measurements[0]
    assert strands.correlation == pytest.approx(np.corrcoef(here, there)[0, 1])
    assert strands.mean_difference == pytest.approx(np.mean(abs(here - there)) / np.ptp(here))


def test_where_nothing_varies_there_is_no_correlation(village):
    report = check_predictor(village(type("Flat", (Toy,), {"point": lambda *_: 0.5})()))
    assert [each.correlation for each in report.measurements] == [None, None]


def test_a_difference_far_below_the_range_is_none(village):
    class Shaky(Toy):
        calls = 0

        def point(self, sequence, limits):
            type(self).calls += 1
            return super().point(sequence, limits) * (1 + 1e-5 * (self.calls % 3))

    assert check_predictor(village(Shaky())).conforms


def test_the_document_has_its_shape_and_can_be_read_back(village):
    address = village(Toy())
    report = check_predictor(address)
    document = json.loads(report.to_json())
    assert list(document) == [
        "schema_version",
        "url",
        "predictor_name",
        "checked_at",
        "game_schema_version",
        "asked",
        "requests",
        "verdict",
        "counts",
        "outcomes",
        "measurements",
    ]
    assert document["schema_version"] == "1.0"
    assert document["url"] == address
    assert document["predictor_name"] == "Toy_dev"
    assert document["checked_at"].endswith("+00:00")
    assert set(document["counts"]) == {"MUST", "SHOULD"}
    assert sum(sum(each.values()) for each in document["counts"].values()) == len(RULES)
    assert [each["id"] for each in document["outcomes"]] == [rule.id for rule in RULES]
    assert set(document["outcomes"][0]) == {
        "id",
        "section",
        "level",
        "sentence",
        "status",
        "detail",
        "exchange",
    }
    assert set(document["outcomes"][0]["exchange"]) == {
        "method",
        "path",
        "headers",
        "request",
        "status",
        "content_type",
        "answer",
        "error",
    }
    assert msgspec.json.decode(report.to_json(), type=Report) == report


def test_an_exchange_shows_text_as_text_the_rest_as_base64_and_all_of_it_cut(village):
    outcomes = by_id(check_predictor(village(Toy()), Options(length=5000)))
    plain = outcomes["3-answered"].exchange
    assert plain.request.encoding == "utf-8"
    assert plain.request.text.startswith('{"readout":"point"')
    assert plain.request.bytes > 20_000
    assert plain.request.cut
    assert len(plain.request.text) == 4000
    assert not plain.answer.cut
    packed = outcomes["5-type"].exchange.answer
    assert packed.encoding == "base64"
    assert msgspec.msgpack.decode(base64.b64decode(packed.text))["predictor_name"] == "Toy_dev"


def test_every_rule_that_passed_or_failed_shows_its_exchange(village):
    report = check_predictor(village(Toy()))
    assert [
        each.id
        for each in report.outcomes
        if each.status != "not applicable" and each.exchange is None
    ] == []


def test_progress_goes_from_nothing_to_all(village):
    seen = []
    check_predictor(village(Toy()), progress=lambda done, total, text: seen.append((done, total)))
    assert seen == [(done, len(RULES)) for done in range(len(RULES) + 1)]


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "nowhere", ""])
def test_what_is_no_address_is_told(url):
    with pytest.raises(UsageError, match="expected http://HOST:PORT"):
        check_predictor(url)


def test_a_server_that_is_not_there_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RemoteModelError, match="Is the server running"):
            check_predictor(url)


def test_a_server_that_never_answers_ends_the_check_at_its_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(RemoteModelError):
            check_predictor(f"http://127.0.0.1:{silent.getsockname()[1]}", Options(timeout=0.3))
    assert time.monotonic() - begun < 3


def test_a_predictor_that_hangs_over_sequences_is_left_alone_soon(served):
    toy = Listening()

    async def hanging(scope, receive, send):
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if b"ACGT" in body:
            await asyncio.sleep(1)
        status, kind, content = toy.handle(scope["method"], scope["path"], headers, body)
        named = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": content})

    with served(hanging) as address:
        begun = time.monotonic()
        report = check_predictor(address, Options(timeout=0.3))
        assert time.monotonic() - begun < 0.95
    outcomes = by_id(report)
    assert outcomes["1.2-formats"].status == "pass"
    assert outcomes["3-answered"].status == "fail"
    assert "no answer" in outcomes["3-answered"].detail
    assert outcomes["3-answered"].exchange.error
    assert outcomes["sanity-order"].status == "not applicable"
    # Two were sent in vain; what would come after them was not.
    assert "not asked" in outcomes["4-json"].detail
    assert not report.conforms


def test_a_server_that_breaks_connections_fails_and_ends_nothing(served):
    toy = Toy()

    async def breaking(scope, receive, send):
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, kind, content = toy.handle(scope["method"], scope["path"], headers, body)
        length = str(len(content) + 5 * (b"NNNN" in body)).encode()
        named = [(b"content-type", kind.encode()), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": content})

    with served(breaking) as address:
        report = check_predictor(address)
    failed = {each.id: each.detail for each in report.outcomes if each.status == "fail"}
    assert list(failed) == ["sanity-n"]
    assert failed["sanity-n"].startswith("no answer: ")


def test_an_answer_without_end_is_cut_off(village, monkeypatch):
    from genomark.conformance import probe

    class Endless(Toy):
        def write(self, body, accept):
            status, kind, content = super().write(body, accept)
            return status, kind, content + b" " * (200_000 if b"lower" in content else 0)

        def task(self, task, request):
            answer = super().task(task, request)
            lower = all(each.islower() for each in request.sequences.values())
            return {**answer, "note": "lower" * lower}

    monkeypatch.setattr(probe, "_MAX_ANSWER_BYTES", 100_000)
    report = check_predictor(village(Endless()))
    outcome = by_id(report)["2.1-lower-case"]
    assert outcome.status == "fail"
    assert "bytes" in outcome.detail


class Nonsense(Toy):
    """Answers anything with what was given, as JSON or not."""

    content = b""
    kind = JSON

    def route(self, method, path, headers, body):
        return 200, self.kind, self.content


@pytest.mark.parametrize("kind", [JSON, "application/msgpack", ""])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\x00\xc1",
        b'"text"',
        b"[" * 5000,
        b'{"prediction_tasks": 5, "error": 1, "predictor_name": []}',
        b'{"prediction_tasks": [null, {"predictions": []}],'
        b' "predictor_supported_request_formats": {}}',
        b'{"prediction_tasks": [{"predictions": {"s1": null, "s2": {}, "s3": [[1], [1, 2]]},'
        b' "trim_upstream": 5, "name": {}}], "bin_size": -1,'
        b' "predictor_supported_response_formats": ["application/msgpack"]}',
        b'{"prediction_tasks": [{"predictions": {"s1": NaN, "s2": 1e999, "s3": true, "s4": []},'
        b' "trim_upstream": {"s1": null}, "aggregation": {"a": 1}}], "bin_size": 1e300}',
        b'{"prediction_tasks": [{"predictions": {"s1": 1, "s2": [1, 2], "s3": [], "s4": 2}}]}',
    ],
)
def test_nonsense_is_a_failure_and_never_a_crash(village, content, kind):
    toy = type("N", (Nonsense,), {"content": content, "kind": kind})()
    report = check_predictor(village(toy))
    assert [each for each in report.outcomes if "could not be judged" in each.detail] == []
    assert not report.conforms
    assert json.loads(report.to_json())["verdict"] == "does not conform"


JUNK = [
    None,
    True,
    -1,
    1e300,
    float("nan"),
    "",
    "text",
    [],
    [[]],
    [None],
    {},
    {"a": {}},
    {"s1": []},
]


def junked(value, random):
    """Put junk in one place of a value."""
    places = []

    def walk(value, place):
        places.append(place)
        if isinstance(value, dict | list):
            for key in value if isinstance(value, dict) else range(len(value)):
                walk(value[key], (*place, key))

    walk(value, ())
    *path, last = places[random.integers(1, len(places))] if len(places) > 1 else ("nowhere",)
    at = value
    for key in path:
        at = at[key]
    at[last] = JUNK[random.integers(len(JUNK))]
    return value


@pytest.mark.parametrize("seed", range(20))
def test_junk_anywhere_in_an_answer_spoils_no_report(village, seed):
    random = np.random.default_rng(seed)

    class Junking(Toy):
        def write(self, body, accept):
            return super().write(junked(json.loads(json.dumps(body)), random), accept)

    report = check_predictor(village(Junking()), Options(length=60))
    assert [each for each in report.outcomes if "could not be judged" in each.detail] == []
    assert len(report.outcomes) == len(RULES)


def test_a_rule_that_cannot_be_judged_spoils_no_report(village, caplog):
    async def broken(probe):
        raise ZeroDivisionError("nobody thought of it")

    rules = (*RULES[:2], Rule("9", "broken", Level.SHOULD, "nothing", broken))
    report = check_predictor(village(Toy()), rules=rules)
    assert [each.status for each in report.outcomes] == ["pass", "pass", "fail"]
    assert "ZeroDivisionError: nobody thought of it" in report.outcomes[2].detail
    assert "9-broken could not be judged" in caplog.text
