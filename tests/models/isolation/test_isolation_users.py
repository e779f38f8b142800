"""The same sandbox for an ordinary user, who makes it in another way than root does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import genomark

_USER = 12345
#: Run by an ordinary user; the last line it prints tells what it found.
_SCRIPT = """
import ast, json, sys
from genomark.models import load_model

limits = "memory_gb=1.5,seconds=60,processes=12,disk_gb=0.02"
model = load_model(f"isolated:{limits}:py:{sys.argv[1]}:puppet")

def puppet(code):
    letters = model.embed([code])[0].astype(int).tolist()
    return ast.literal_eval(bytes(letters).decode())

def told(code):
    try:
        return puppet(code)
    except Exception as error:
        return str(error)

sleepers = '''
import os, time
for _ in range(200):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        time.sleep(0.05)
time.sleep(20)
'''
threads = '''
import resource, threading
stop = threading.Event()
try:
    for number in range(2000):
        threading.Thread(target=stop.wait).start()
except RuntimeError:
    result = number < resource.getrlimit(resource.RLIMIT_NPROC)[0]
stop.set()
'''
found = {
    "user": told("import os; result = os.getuid()"),
    "label": told(f"open({sys.argv[2]!r})"),
    "vsock": told("import socket; socket.socket(40)"),
    "space": told("import ctypes; result = ctypes.CDLL(None).unshare(0x10000000)"),
    "first": told("result = open('/proc/1/limits').read()"),
    "threads": told(threads),
    "bomb": told(sleepers),
    "after": told("result = 1"),
}
model.close()
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_it_holds_for_an_ordinary_user(puppet_source: str) -> None:
    # Python of the system: that of the tests may lie in a folder of root's.
    python = shutil.which("python3", path="/usr/bin")
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if python is None or subprocess.run([python, "-c", version], check=False).returncode:
        pytest.skip("the system has no Python of this version")
    packages = [Path(msgspec.__file__).parents[1], Path(genomark.__file__).parents[1]]
    folder = Path("/var/tmp") / f"genomark-test-{os.getpid()}"
    try:
        (folder / "own").mkdir(parents=True)
        (folder / "own" / "puppet.py").write_text(puppet_source)
        (folder / "label.txt").write_text("1")
        (folder / "home").mkdir()
        os.chown(folder / "home", _USER, _USER)
        run = subprocess.run(
            [python, "-c", _SCRIPT, folder / "own" / "puppet.py", folder / "label.txt"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder / "home"),
                "NUMBA_CACHE_DIR": str(folder / "home"),
                "PYTHONPATH": ":".join(map(str, packages)),
            },
            user=_USER,
            group=_USER,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        shutil.rmtree(folder)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["user"] == 65534
    assert found["label"].startswith("FileNotFoundError")
    assert "Address family not supported" in found["vsock"]
    assert found["space"] == -1
    (size,) = [row for row in found["first"].splitlines() if row.startswith("Max data size")]
    assert size.split()[3:5] == [str(64 << 20)] * 2
    assert found["threads"] is True
    assert "started more than 12 processes" in found["bomb"]
    assert found["after"] == 1
