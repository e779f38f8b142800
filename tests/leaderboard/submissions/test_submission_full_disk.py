"""A full disk: nothing is acknowledged, and nothing is left half-written."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

FULL = """
import resource, sys
from pathlib import Path
from starlette.testclient import TestClient
sys.path.insert(0, sys.argv[1])
import msgspec
from submitting import LIMITS, Door
from genomark.results.store import Store

folder = Path(sys.argv[2])
with Store.open(folder / "store") as store:
    door = Door(store, folder, msgspec.structs.replace(LIMITS, bytes=10_000_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    client = TestClient(door.app)
    headers = {"Authorization": f"Bearer {door.token}", "Content-Type": "application/zip"}
    for name in ("large", "small"):
        content = (folder / name).read_bytes()
        answer = client.post("/submissions", content=content, headers=headers)
        print(answer.status_code, answer.json().get("message"))
    print(door.kept() == [f"{id}.zip" for id in door.waiting.ids()], len(door.kept()))
"""


def test_a_full_disk_keeps_nothing_half(submitter, tmp_path):
    (tmp_path / "large").write_bytes(submitter.bundle(secrets.token_bytes(2_000_000)))
    (tmp_path / "small").write_bytes(submitter.bundle(b"p"))
    done = subprocess.run(
        # -B: the limit on the size of files would cut bytecode short that Python keeps.
        [sys.executable, "-B", "-c", FULL, str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "507 The submission cannot be kept here now; nothing of it was. Send it again",
        "202 None",
        "True 1",
    ], done.stderr
