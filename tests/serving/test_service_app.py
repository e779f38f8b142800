"""What any service has that is built on `ServiceApp`: here one that counts letters."""

import threading

import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from genomark.protocol import BadRequestError
from genomark.serving.limits import Limits, read_body
from genomark.serving.openapi_parts import content, errors, get, reference, shared_paths
from genomark.serving.request_metrics import RequestMetrics
from genomark.serving.service_app import ServiceApp

LIMITS = Limits(body_bytes=100, concurrent=1, queued=1, seconds=20, idle_seconds=20)


class Counted(RequestMetrics):
    def __init__(self, turns):
        super().__init__("letters", "Texts, by status.")
        self._time("seconds", "Time.", (0.5, 60))
        self._watch(turns, "Now.", "Later.")


class Letters(ServiceApp):
    paths = ("/count",)
    name = "letters-1"

    def __init__(self, token=None, work=len):
        super().__init__(LIMITS, token)
        self.measured = Counted(self.turns)
        self.work = work

    def contract(self):
        return {"openapi": "3.1.0", "paths": shared_paths()}

    async def count(self, request):
        self.authorise(request)
        return await self.measure(self._counted(request))

    async def _counted(self, request):
        body = await read_body(request, self.limits)
        return Response(str(await self.turns.run(lambda: self.work(body))))


def client(**options):
    app = Letters(**options)
    served = app.served(Route("/count", app.count, methods=["POST"]))
    return app, TestClient(served, raise_server_exceptions=False)


def counted(asked):
    lines = asked.get("/metrics").text.splitlines()
    start = "letters_requests_total{"
    return {line for line in lines if line.startswith(start)}


def test_a_request_is_answered_and_counted():
    _, asked = client()
    assert asked.post("/count", content=b"acgt").text == "4"
    assert asked.post("/count", content=b"ac").text == "2"
    assert counted(asked) == {'letters_requests_total{status="200"} 2.0'}
    assert "letters_seconds_count 2.0" in asked.get("/metrics").text


def raising(error):
    def work(body):
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequestError("no letters", status=422), 422),
        (ClientDisconnect(), 499),
        (ValueError("a fault"), 500),
    ],
)
def test_what_goes_wrong_is_counted_by_its_status(error, status):
    _, asked = client(work=raising(error))
    asked.post("/count", content=b"acgt")
    assert counted(asked) == {f'letters_requests_total{{status="{status}"}} 1.0'}


def test_what_is_too_long_is_refused_and_counted():
    _, asked = client()
    assert asked.post("/count", content=b"a" * 101).status_code == 413
    assert counted(asked) == {'letters_requests_total{status="413"} 1.0'}


def test_health_is_told_to_anybody_and_the_rest_by_token():
    _, asked = client(token="secret")
    told = asked.get("/health/live").json(), asked.get("/health/ready").json()
    assert [each["status"] for each in told] == ["live", "ready"]
    for method, path in (("GET", "/metrics"), ("GET", "/openapi.json"), ("POST", "/count")):
        assert asked.request(method, path).status_code == 401
        known = {"Authorization": "Bearer secret"}
        assert asked.request(method, path, headers=known).status_code == 200


def test_a_service_whose_queue_is_full_is_not_ready():
    app, asked = client()
    app.turns.waiting = LIMITS.queued
    answer = asked.get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "Too many requests are waiting" in answer.text
    assert "letters_waiting 1.0" in asked.get("/metrics").text
    app.turns.waiting = 0
    assert asked.get("/health/ready").status_code == 200


def test_what_is_computed_now_is_told_meanwhile():
    begun, free = threading.Event(), threading.Event()

    def work(body):
        begun.set()
        assert free.wait(20)
        return len(body)

    app = Letters(work=work)
    served = app.served(Route("/count", app.count, methods=["POST"]))
    with TestClient(served) as asked:
        asking = threading.Thread(target=asked.post, args=("/count",), kwargs={"content": b"a"})
        asking.start()
        assert begun.wait(20)
        assert "letters_computing 1.0" in asked.get("/metrics").text
        free.set()
        asking.join(20)
        assert not asking.is_alive()
        assert counted(asked) == {'letters_requests_total{status="200"} 1.0'}


def test_the_contract_names_what_all_services_have():
    _, asked = client()
    paths = asked.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/openapi.json", "/metrics", "/health/live", "/health/ready"}
    for path in paths:
        assert asked.get(path).status_code == 200
        assert asked.post(path).status_code == 405


def test_two_apps_do_not_count_together():
    (_, one), (_, other) = client(), client()
    one.post("/count", content=b"a")
    assert counted(one)
    assert counted(other) == set()


def test_parts_of_contracts_are_put_together():
    assert reference("Error") == {"$ref": "#/components/schemas/Error"}
    assert content(("a/b", "c/d"), {"type": "object"}) == {
        "a/b": {"schema": {"type": "object"}},
        "c/d": {"schema": {"type": "object"}},
    }
    assert set(errors(401, 503)) == {"401", "503"}
    assert errors(500, told={500: "It fell over."})["500"]["description"] == "It fell over."
    told = get("A page", ("text/html",), {"type": "string"})
    assert told["responses"]["200"]["content"] == {"text/html": {"schema": {"type": "string"}}}
    assert {"401", "405", "503"} < set(told["responses"])
