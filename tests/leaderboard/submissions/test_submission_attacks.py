"""What strangers send to the door: each try is turned away with one line, and leaves nothing."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from submitting import BENCHMARK, LIMITS, Door

from genomark.leaderboard.submissions.tokens import add_token, revoke_token
from listening import listening


def told(response: httpx.Response) -> str:
    """The one line of an answer."""
    message = response.json()["message"]
    assert message == " ".join(message.split())
    return message


def untouched(door: Door) -> None:
    assert door.kept() == []
    assert door.waiting.ids() == []


def test_what_is_acknowledged_is_on_the_disk_and_in_the_store(door, submitter):
    bundle = submitter.bundle(b"x" * 20_000, name="5-mer ridge")
    answer = door.post(bundle)
    assert answer.status_code == 202
    view = answer.json()
    assert answer.headers["location"] == f"/submissions/{view['id']}"
    assert re.fullmatch("[0-9a-f]{32}", view["id"])
    assert (view["state"], view["model"], view["benchmark"]) == (
        "waiting",
        "5-mer ridge",
        BENCHMARK,
    )
    assert door.kept() == [f"{view['id']}.zip"]
    path = door.incoming.path(view["id"])
    assert path.read_bytes() == bundle
    assert path.stat().st_mode & 0o777 == 0o600
    seen = httpx.get(f"{door.url}/submissions/{view['id']}.json")
    assert seen.json() == view
    assert seen.headers["cache-control"] == "no-store"
    page = httpx.get(f"{door.url}/submissions/{view['id']}")
    assert "Waiting for its turn" in page.text
    assert "refresh" in page.text


@pytest.mark.parametrize("token", ["x", "genomark_" + "A" * 43, "-", "é" * 20, "a" * 5000])
def test_a_forged_token_opens_nothing(door, submitter, token):
    answer = door.post(submitter.bundle(), token=None, Authorization=f"Bearer {token}".encode())
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "No such token" in told(answer)
    assert httpx.post(f"{door.url}/submissions", content=b"x").status_code == 415
    untouched(door)


def test_without_a_token_or_with_a_revoked_one_nothing_is_taken(door, submitter):
    answer = httpx.post(
        f"{door.url}/submissions",
        content=submitter.bundle(),
        headers={"Content-Type": "application/zip"},
    )
    assert answer.status_code == 401
    revoke_token(door.store, "Lab A")
    answer = door.post(submitter.bundle())
    assert answer.status_code == 403
    assert "was revoked" in told(answer)
    untouched(door)


def test_what_came_before_is_told_to_whoever_sent_it_alone(door, submitter):
    bundle = submitter.bundle(b"p")
    first = door.post(bundle).json()["id"]
    again = door.post(bundle)
    assert again.status_code == 409
    assert again.json()["first"] == first
    assert "submitted before, as" in told(again)
    other = door.post(bundle, token=add_token(door.store, "Lab B"))
    assert (other.status_code, other.json()["first"]) == (409, None)
    assert first not in other.text
    assert door.waiting.ids() == [first]
    assert door.kept() == [f"{first}.zip"]


def test_too_much_is_refused_declared_or_not(door, submitter):
    large = submitter.bundle(b"x" * 100_000)
    declared = door.post(large)
    assert declared.status_code == 413
    assert "over 60,000 bytes" in told(declared)
    untouched(door)

    def chunks():
        yield from (large[start : start + 1000] for start in range(0, len(large), 1000))

    undeclared = door.post(chunks())
    assert undeclared.status_code == 413
    packed = door.post(large[:100], Content_Encoding="gzip")
    assert packed.status_code == 415
    untouched(door)


def begun(door: Door, *headers: str) -> socket.socket:
    """A connection on which the head of a request was sent."""
    host, port = door.url.removeprefix("http://").split(":")
    opened = socket.create_connection((host, int(port)), timeout=10)
    opened.sendall(
        "\r\n".join(
            (
                "POST /submissions HTTP/1.1",
                f"Host: {host}:{port}",
                f"Authorization: Bearer {door.token}",
                "Content-Type: application/zip",
                *headers,
                "\r\n",
            )
        ).encode()
    )
    return opened


def answer_on(opened: socket.socket) -> bytes:
    content = b""
    while piece := opened.recv(65536):
        content += piece
    return content


def test_who_stops_in_the_middle_is_cut_off(door):
    began = time.monotonic()
    with begun(door, "Content-Length: 5000") as opened:
        opened.sendall(b"PK\3\4")
        answer = answer_on(opened)
    assert b" 408 " in answer.splitlines()[0]
    assert b"stopped for 0.6 s" in answer
    assert time.monotonic() - began < 10
    untouched(door)


def test_who_sends_drop_by_drop_is_cut_off(store, tmp_path):
    limits = msgspec.structs.replace(LIMITS, least_rate=1000.0, grace_seconds=0.5)
    made = Door(store, tmp_path, limits)
    with listening(made.app) as made.url, begun(made, "Content-Length: 50000") as opened:
        opened.settimeout(0.05)
        answer = b""
        for _ in range(200):
            try:
                opened.sendall(b"x" * 10)
                answer += opened.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if answer:
                break
    assert b" 408 " in answer
    assert b"slower than 1,000 bytes a second" in answer
    untouched(made)


def test_who_goes_away_leaves_nothing(door):
    with begun(door, "Content-Length: 5000") as opened:
        opened.sendall(b"PK\3\4" * 100)
    for _ in range(500):
        if door.kept() == []:
            break
        time.sleep(0.01)
    untouched(door)


def test_few_uploads_go_on_at_once_and_the_rest_may_come_again(store, tmp_path, submitter):
    made = Door(store, tmp_path, msgspec.structs.replace(LIMITS, at_once=1))
    with listening(made.app) as made.url:
        with begun(made, "Content-Length: 5000") as opened:
            opened.sendall(b"PK")
            while not made.kept():
                time.sleep(0.01)
            busy = made.post(submitter.bundle())
            assert busy.status_code == 503
            assert busy.headers["retry-after"] == "1"
            answer_on(opened)
        assert made.post(submitter.bundle()).status_code == 202


def test_an_address_has_so_many_tries(store, tmp_path, submitter):
    made = Door(store, tmp_path, msgspec.structs.replace(LIMITS, per_minute=3))
    with listening(made.app) as made.url:
        codes = [made.post(b"x", token="wrong").status_code for _ in range(4)]
        assert codes == [401, 401, 401, 429]
        answer = made.post(submitter.bundle())
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 20


def test_a_token_has_so_many_submissions_a_day(door, submitter):
    few = add_token(door.store, "Few", 2)
    with ThreadPoolExecutor(4) as pool:
        made = [submitter.bundle(bytes([number])) for number in range(4)]
        codes = sorted(
            answer.status_code for answer in pool.map(lambda each: door.post(each, few), made)
        )
    assert codes == [202, 202, 429, 429]
    late = door.post(submitter.bundle(b"late"), few)
    assert 86_000 < int(late.headers["retry-after"]) <= 86_400
    assert "2 submissions of 'Few' within 24 hours" in told(late)
    assert len(door.kept()) == len(door.waiting.ids()) == 2
    assert door.post(submitter.bundle(b"other")).status_code == 202


def test_without_room_nothing_is_begun(store, tmp_path, submitter):
    made = Door(store, tmp_path, msgspec.structs.replace(LIMITS, spare_bytes=1 << 60))
    with listening(made.app) as made.url:
        answer = made.post(submitter.bundle())
    assert answer.status_code == 507
    untouched(made)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "image/png"]
)
def test_other_content_is_not_taken_and_no_url_is_opened(door, kind):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/"
        answer = door.post(json.dumps({"predictor_url": url}).encode(), Content_Type=kind)
        assert answer.status_code == 415
        assert "This server opens no URL" in told(answer)
        with pytest.raises(TimeoutError):
            trap.accept()
    untouched(door)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\3\4",
        b"PK\5\6" + bytes(18),
        b"\0" * 5000,
        b"PK\3\4" + b"\xff" * 26 + b"../../../etc/passwd",
    ],
)
def test_what_is_no_bundle_is_refused_at_once(door, content):
    answer = door.post(content)
    assert answer.status_code == 400
    assert "expected" in told(answer)
    untouched(door)


class Form:
    """A browser with the form open."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.client = httpx.Client(base_url=door.url)
        self.page = self.client.get("/submit")
        self.csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', self.page.text)[1]

    def send(self, bundle, *, name="bundle.zip", headers=None, **fields):
        given = {"csrf": self.csrf, "token": self.door.token, **fields}
        return self.client.post(
            "/submissions",
            data=given,
            files={"file": (name, bundle, "application/zip")},
            headers=headers or {},
        )


@pytest.mark.parametrize(
    "name", ["../../evil.zip", "/etc/cron.d/evil", "a\r\nX-Evil: 1", "<script>", "x" * 3000, ""]
)
def test_a_form_is_taken_whatever_its_file_is_called(door, submitter, name):
    before = {each for each in door.incoming.folder.parent.rglob("*") if "store" not in each.parts}
    form = Form(door)
    answer = form.send(submitter.bundle(name.encode() or b"p"), name=name or "-")
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    assert form.client.get(where).status_code == 200
    assert door.kept() == [f"{where.removeprefix('/submissions/')}.zip"]
    after = {each for each in door.incoming.folder.parent.rglob("*") if "store" not in each.parts}
    assert {each.parent for each in after - before} == {door.incoming.folder}


def test_the_cookie_is_for_this_site_and_for_no_script(door):
    cookie = Form(door).page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_form_of_another_site_is_refused(door, submitter):
    form = Form(door)
    bundle = submitter.bundle(b"p")
    other = Form(door)
    tries = [
        form.send(bundle, csrf=""),
        form.send(bundle, csrf="0" * 64),
        form.send(bundle, csrf=other.csrf),
        form.send(bundle, headers={"Origin": "https://evil.example"}),
        form.send(bundle, headers={"Origin": "null"}),
    ]
    form.client.cookies.clear()
    tries.append(form.send(bundle))
    # A cookie that another site could plant has no signature.
    form.client.cookies.set("genomark_form", "drawn.signed")
    tries.append(form.send(bundle))
    assert [each.status_code for each in tries] == [403] * 7
    untouched(door)
    # Whoever is turned away gets the form again, with the reason.
    assert 'role="alert"' in tries[0].text
    assert Form(door).send(bundle, headers={"Origin": door.url}).status_code == 303


def test_a_wrong_token_in_a_form_is_not_shown_again(door, submitter):
    answer = Form(door).send(submitter.bundle(), token="genomark_secret-guess")
    assert answer.status_code == 401
    assert "No such token" in answer.text
    assert "secret-guess" not in answer.text
    untouched(door)


def test_a_form_with_other_fields_is_refused(door, submitter):
    form = Form(door)
    url = form.send(submitter.bundle(), predictor_url="http://169.254.169.254/")
    assert url.status_code == 400
    assert "opens no URL" in url.text
    long = form.send(submitter.bundle(), token="t" * 2000)
    assert long.status_code == 400
    untouched(door)


def test_ids_that_are_none_are_pages_that_are_none(door):
    for id in ("0" * 32, "..%2f..%2fstore", "%00", "' or 1=1 --", "A" * 32, "0" * 32 + ".json"):
        answer = httpx.get(f"{door.url}/submissions/{id}")
        assert answer.status_code == 404, id


def test_no_log_line_holds_a_token_or_a_control_character(door, submitter, caplog):
    with caplog.at_level(logging.DEBUG, logger="genomark"):
        door.post(submitter.bundle())
        door.post(b"x", Content_Type=b"text/\x9bred")
        Form(door).send(b"x", **{"a\x1b[31m\u202e": "field"})
        door.post(b"x", token="genomark_wrong")
        Form(door).send(submitter.bundle(b"p"))
    assert len(caplog.messages) == 5
    text = "".join(caplog.messages)
    assert text.isprintable()
    assert door.token not in text
    assert "genomark_wrong" not in text
