"""How the tests of this folder ask: in process, over a socket, or a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

TASK = {"name": "t", "type": "accessibility", "cell_type": "K562", "species": "homo_sapiens"}

CLI = (sys.executable, "-c", "from genomark.cli import main; main()")


def request(sequences: dict[str, str], **more: Any) -> dict[str, Any]:
    """Give the body of a plain request for points."""
    return {"readout": "point", "prediction_tasks": [TASK], "sequences": sequences, **more}


def ask(app: Any, method: str, path: str, **how: Any) -> httpx.Response:
    """Ask an app in this process, without a socket; what the app raises is raised here."""

    async def exchange() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **how)

    return asyncio.run(exchange())


@contextlib.contextmanager
def process(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that serves; gives the process and the address that it told."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as server:
        # Nothing it might fail to say is waited for longer than this.
        deadline = threading.Timer(120, server.kill)
        deadline.start()
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            told = re.search(r" at (http://127\.0\.0\.1:\d+) ", line)
            assert told, line + server.stderr.read()
            server.stderr.readline()
            yield server, told[1]
        finally:
            deadline.cancel()
            server.kill()


def ended(server: subprocess.Popen[str], within: float = 10) -> tuple[int, str]:
    """Wait for a process; gives its exit code and what else it said."""
    begun = time.monotonic()
    _, said = server.communicate(timeout=within)
    assert time.monotonic() - begun < within
    return server.returncode, said
