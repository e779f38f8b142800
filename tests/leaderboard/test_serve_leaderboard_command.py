"""``genomark serve leaderboard``, as a process of its own."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import urllib.request

import msgspec
import pytest
from small_store import add, opened, right

from genomark.leaderboard.views import Front
from genomark.results.store import Store

COMMAND = [sys.executable, "-c", "from genomark.cli import main; main()", "serve", "leaderboard"]


@contextlib.contextmanager
def serving(place):
    pipe = subprocess.PIPE
    command = [*COMMAND, str(place), "--port", "0"]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as server:
        deadline = threading.Timer(120, server.kill)
        deadline.start()
        try:
            told = server.stderr.readline()
            address = re.search(r" at (http://127\.0\.0\.1:\d+) ", told)
            assert address, told + server.stderr.read()
            yield server, address[1]
        finally:
            deadline.cancel()
            server.kill()


def front(address):
    with urllib.request.urlopen(f"{address}/index.json", timeout=60) as answer:
        return msgspec.json.decode(answer.read(), type=Front)


def test_it_shows_a_store_and_what_is_added_to_it(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
    with serving(tmp_path / "store") as (server, address):
        assert [each.model.id for each in front(address).lines] == ["m"]
        with Store.open(tmp_path / "store") as store:
            add(store, "b", "n", right(0.6))
        assert [each.model.id for each in front(address).lines] == ["n", "m"]
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
    assert server.returncode == 0
    assert "Traceback" not in said


@pytest.mark.slow
def test_it_makes_no_store(tmp_path):
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "none"), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
