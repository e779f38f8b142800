"""What code in a sandbox tries, and does not get."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genomark.datasets.location import cache_root
from genomark.errors import ModelError
from genomark.models import Embedder, load_model
from genomark.models.isolation.seccomp import refused_calls
from genomark.models.isolation.watch import look

pytestmark = pytest.mark.usefixtures("sandbox")

Puppet = Callable[[str], Any]
#: A file or folder that exists here, and is none of the model's business.
_SECRET = "the label is 1"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "results" / "labels.txt"
    file.parent.mkdir()
    file.write_text(_SECRET)
    file.chmod(0o644)
    return file


def _processes(model: Any) -> tuple[int, ...]:
    return look(model._sandbox._process.pid).processes


def test_it_sees_its_own_folder_and_may_write_to_a_folder_that_is_gone_afterwards(
    puppet: Puppet,
) -> None:
    assert puppet("result = open('/model/weights.txt').read()") == "0.5"
    code = "import os; open('note', 'w').write('x'); result = os.getcwd(), os.environ['HOME']"
    assert puppet(code) == ("/tmp", "/tmp")
    assert not Path("/tmp/note").exists()


def test_files_of_the_user_are_not_there(puppet: Puppet, secret: Path) -> None:
    places = [secret, secret.parent, cache_root(), Path.home() / ".ssh", Path(__file__)]
    mirror = os.environ.get("GENOMARK_MIRROR")
    places += [Path(mirror)] if mirror else []
    for place in [*places, Path("/etc/shadow"), Path("/etc/hostname"), Path("/home"), Path("/var")]:
        assert puppet(f"import os; result = os.path.exists({str(place)!r})") is False, place
    assert "FileNotFoundError" in puppet(f"open({str(secret)!r})")


def test_no_file_of_the_sandbox_holds_the_secret(puppet: Puppet, secret: Path) -> None:
    # All of it but Python, its packages and the system, which are there for everybody.
    code = f"""
import os
seen = []
for where, folders, files in os.walk('/'):
    if where == '/':
        folders[:] = [each for each in folders if each not in ('usr', 'proc')]
    folders[:] = [each for each in folders if each not in ('site-packages', 'lib')]
    seen += [os.path.join(where, each) for each in files]
result = [each for each in seen if os.path.basename(each) == {secret.name!r}], len(seen) > 5
"""
    assert puppet(code) == ([], True)


def test_answers_that_genomark_and_its_benchmarks_bring_are_not_there(puppet: Puppet) -> None:
    import genomark

    folder = Path(genomark.__file__).parent / "benchmarks"
    assert (folder / "matching" / "terms.tsv").exists()
    assert puppet(f"import os; result = os.listdir({str(folder)!r})") == []
    assert "Error" in puppet("import genomark.benchmarks.matching")


def test_links_out_of_its_folder_lead_nowhere(puppet: Puppet) -> None:
    assert puppet("import os; result = os.path.islink('/model/out')") is True
    assert "FileNotFoundError" in puppet("open('/model/out')")


def test_the_environment_is_empty_but_for_a_few_names(
    puppet: Puppet, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = puppet("import os; result = sorted(os.environ)")
    assert {"PATH", "HOME", "TMPDIR"} <= set(names)
    assert not [name for name in names if name.startswith(("GENOMARK", "AWS", "SSH", "HF_TOKEN"))]
    assert len(names) < 25


def test_other_processes_are_not_to_be_seen(puppet: Puppet) -> None:
    code = "import os; result = sorted(int(each) for each in os.listdir('/proc') if each.isdigit())"
    assert set(puppet(code)) <= {1, 2, 3}
    told = puppet("result = open('/proc/1/cmdline').read() + open('/proc/self/cmdline').read()")
    assert str(cache_root()) not in told
    assert "--ro-bind" not in told
    # Process 1, which belongs to the sandbox, was started without any environment.
    assert "=" not in str(puppet("result = open('/proc/1/environ').read()"))
    code = "import os; result = [os.readlink(f'/proc/1/fd/{n}') for n in os.listdir('/proc/1/fd')]"
    found = puppet(code)
    assert "Error" in found or not any("/" in each and "/dev/" not in each for each in found)
    # For root nothing of it may be seen at all.
    assert os.geteuid() != 0 or "PermissionError" in puppet("open('/proc/1/mem', 'r+b')")


def test_process_1_cannot_be_parted_from_who_started_it(puppet: Puppet) -> None:
    code = """
import ctypes
found = ctypes.c_int(-1)
c = ctypes.CDLL(None)
c.prctl(1, 9)
c.prctl(2, ctypes.byref(found))
result = found.value
"""
    assert puppet(code) == 0


def test_process_1_is_bound_before_foreign_code_runs(puppet: Puppet) -> None:
    # Of an ordinary user it can be written to from inside.
    told = puppet("result = open('/proc/1/limits').read()")
    rows = {row[:25].strip(): row[25:].split()[:2] for row in told.splitlines()}
    assert rows["Max data size"] == [str(64 << 20)] * 2
    assert rows["Max file size"] == ["0", "0"]
    most = puppet("import resource as r; result = r.getrlimit(r.RLIMIT_NPROC)[0]")
    assert rows["Max processes"] == [str(most)] * 2


def test_sockets_keep_their_memory(puppet: Puppet) -> None:
    code = """
import socket
one, other = socket.socketpair()
before = one.getsockopt(1, 7), one.getsockopt(1, 8)
one.setsockopt(1, 7, 1 << 24)
one.setsockopt(1, 8, 1 << 24)
one.setsockopt(1, 20, b"\\1" + bytes(15))
result = before == (one.getsockopt(1, 7), one.getsockopt(1, 8))
"""
    assert puppet(code) is True


def test_signals_reach_nobody_outside(puppet: Puppet) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for pid in (bystander.pid, os.getpid(), -1):
            puppet(
                "import os, signal\n"
                "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                f"os.kill({pid}, signal.SIGTERM)"
            )
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.communicate()


def test_nothing_can_be_written_but_its_own_folder(puppet: Puppet, secret: Path) -> None:
    for place in ("/", "/model", "/model/puppet.py", "/usr", "/dev", "/etc", "/home", "/root"):
        path = place if place.endswith(".py") else f"{place}/x"
        assert "Error" in puppet(f"open({path!r}, 'w').write('x')"), place
    import genomark

    assert "Error" in puppet(f"open({genomark.__file__!r}, 'a')")
    assert "Error" in puppet(f"open({str(secret)!r}, 'w')")
    assert secret.read_text() == _SECRET
    for place in (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/swappiness",
    ):
        assert "Error" in puppet(f"open({place!r}, 'w').write('0')"), place


def test_its_folder_is_bounded(puppet: Puppet) -> None:
    code = """
import os
written = 0
try:
    for number in range(200):
        with open(f'big{number}', 'wb') as file:
            file.write(bytes(1 << 20))
            written += 1
except OSError as error:
    result = written, error.errno
for each in os.listdir('.'):
    if each.startswith('big'):
        os.remove(each)
"""
    written, error = puppet(code)
    assert written <= 20
    assert error == 28


def test_one_file_is_no_larger_than_the_folder(puppet: Puppet) -> None:
    code = """
import os
with open('sparse', 'wb') as file:
    try:
        os.truncate(file.fileno(), 1 << 40)
    except OSError as error:
        result = error.errno
os.remove('sparse')
"""
    assert puppet(code) == 27


def test_no_socket_leads_anywhere(puppet: Puppet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert "Error" in puppet(code)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0genomark-test-{os.getpid()}")
        server.listen()
        code = (
            "import socket; s = socket.socket(socket.AF_UNIX); "
            f"s.connect('\\0genomark-test-{os.getpid()}')"
        )
        assert "ConnectionRefusedError" in puppet(code)
    assert "gaierror" in puppet("import socket; socket.getaddrinfo('example.org', 80)")
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    assert "unreachable" in puppet(code)


def test_sockets_of_the_virtual_machine_and_of_the_kernel_are_refused(puppet: Puppet) -> None:
    # AF_VSOCK leads to the host of a virtual machine, past every network namespace.
    for family in (40, 16, 17, 38):
        kind = 3 if family == 17 else 1
        told = puppet(f"import socket; socket.socket({family}, {kind})")
        assert "Address family not supported" in told, family


def test_system_calls_are_refused(puppet: Puppet) -> None:
    calls = refused_calls()
    code = f"""
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
result = {{}}
for name, number in {calls!r}.items():
    ctypes.set_errno(0)
    told = call(number, -1, 0, 0, 0, 0, 0)
    result[name] = told, ctypes.get_errno()
"""
    assert puppet(code) == dict.fromkeys(calls, (-1, 1))


def test_new_namespaces_are_refused(puppet: Puppet) -> None:
    code = """
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
number = 56 if os.uname().machine == 'x86_64' else 220
result = c.syscall(number, 0x10000000 | 17, 0, 0, 0, 0), ctypes.get_errno()
"""
    assert puppet(code) == (-1, 1)
    # Threads and processes are made all the same.
    assert puppet("import threading; threading.Thread(target=print).start(); result = 1") == 1
    assert puppet("import subprocess; result = subprocess.run(['true']).returncode") == 0


def test_nothing_can_be_typed_into_a_terminal(puppet: Puppet) -> None:
    assert "Error" in puppet("open('/dev/tty')")
    code = "import fcntl, os; fcntl.ioctl(os.openpty()[0], 0x5412, b'x')"
    assert "Operation not permitted" in puppet(code)


def test_it_is_nobody_and_cannot_become_anybody(puppet: Puppet) -> None:
    user, groups, rights = puppet("""
import os
status = open('/proc/self/status').read()
result = os.getuid(), os.getgroups(), status.split('CapEff:')[1].split()[0]
""")
    assert user != 0
    assert 0 not in groups
    assert int(rights, 16) == 0
    assert "Error" in puppet("import os; os.setuid(0)")
    names = ("CORE", "NPROC", "NOFILE", "FSIZE", "DATA")
    code = "import resource as r; result = [r.getrlimit(getattr(r, 'RLIMIT_' + n)) for n in {}]"
    limits = puppet(code.format(names))
    assert all(soft == hard >= 0 for soft, hard in limits)
    assert "Error" in puppet("import resource as r; r.setrlimit(r.RLIMIT_NPROC, (10**6, 10**6))")


def test_what_it_prints_goes_nowhere(puppet: Puppet, capfd: pytest.CaptureFixture[str]) -> None:
    code = "print('\\x1b[2J hello'); import sys; sys.stderr.write('x' * (8 << 20)); result = 1"
    assert puppet(code) == 1
    assert puppet("import os; os.system('echo loud; echo loud >&2'); result = 2") == 2
    assert capfd.readouterr() == ("", "")


def test_memory_is_refused_as_python_says_it(puppet: Puppet) -> None:
    assert "MemoryError" in puppet("result = len(bytearray(3 << 30))")


def test_memory_of_many_processes_counts_together(puppet: Puppet) -> None:
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(os.urandom(1 << 20) * 400)
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
    with pytest.raises(ModelError, match=r"used more than 1\.5 GB of memory"):
        puppet(code)
    assert puppet("result = 'the next question is answered'")


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_empty_files_are_counted(puppet: Puppet, folder: str) -> None:
    # At most 60,000, should nothing end it.
    code = f"""
import os, time
for number in range(60_000):
    os.close(os.open(f"{folder}/file{{number}}", os.O_CREAT | os.O_WRONLY))
time.sleep(20)
"""
    with pytest.raises(ModelError, match="made more than 3,000 files"):
        puppet(code)


@pytest.mark.slow
def test_shared_memory_counts(puppet: Puppet) -> None:
    code = """
import mmap, time
kept = mmap.mmap(-1, 3 << 30)
for place in range(0, 3 << 30, 4096):
    kept[place] = 1
time.sleep(60)
"""
    with pytest.raises(ModelError, match=r"used more than 1\.5 GB of memory"):
        puppet(code)


def test_a_fork_bomb_is_ended(puppet: Puppet) -> None:
    # At most 300, should nothing end it.
    code = """
import os, time
for _ in range(300):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        time.sleep(0.05)
time.sleep(20)
"""
    with pytest.raises(ModelError, match="started more than 12 processes"):
        puppet(code)


def test_processes_and_threads_are_refused_by_the_system_too(puppet: Puppet) -> None:
    code = """
import resource, threading
stop = threading.Event()
number = 0
try:
    for number in range(2000):
        threading.Thread(target=stop.wait).start()
except RuntimeError as error:
    result = number, resource.getrlimit(resource.RLIMIT_NPROC)[0]
stop.set()
"""
    started, limit = puppet(code)
    assert started < limit < 500


def test_what_outlives_its_parent_is_dead_afterwards(
    puppet: Puppet, puppet_model: Embedder
) -> None:
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(120)
    os._exit(0)
time.sleep(0.2)
result = True
"""
    assert puppet(code)
    alive = _processes(puppet_model)
    assert len(alive) >= 2
    puppet_model.close()  # type: ignore[attr-defined]
    assert not [pid for pid in alive if Path(f"/proc/{pid}").exists()]
    assert puppet("result = 'another one'") == "another one"


def test_a_crash_is_told_and_the_next_question_answered(puppet: Puppet) -> None:
    with pytest.raises(ModelError, match="it died of SIGSEGV"):
        puppet("import ctypes; ctypes.string_at(0)")
    with pytest.raises(ModelError, match=r"exit status 7 \(so long\)"):
        puppet("import os; os.write(2, b'so long'); os._exit(7)")
    assert puppet("result = 1") == 1


@pytest.mark.parametrize(
    ("bytes_sent", "words"),
    [
        ("b'A' + (1 << 50).to_bytes(8, 'big')", "an answer of 1,125,899,906,842,624 bytes"),
        ("b'A' + (4).to_bytes(8, 'big') + b'\\x91' * 4", "cannot be read"),
        pytest.param(
            "b'A' + (90000).to_bytes(8, 'big') + b'\\x91' * 90000",
            "cannot be read",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "b'?' + (1).to_bytes(8, 'big') + b'x'", "where it should answer", marks=pytest.mark.slow
        ),
        pytest.param(
            "b'P' + (2).to_bytes(8, 'big') + b'\\xa1x'", "Expected `int`", marks=pytest.mark.slow
        ),
        pytest.param(
            "b'P' + (1 << 40).to_bytes(8, 'big')",
            "a message of 1,099,511,627,776 bytes",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "b'E' + (3).to_bytes(8, 'big') + b'abc'", "cannot be read", marks=pytest.mark.slow
        ),
    ],
)
def test_what_is_no_answer_is_refused(
    puppet: Puppet, puppet_model: Embedder, bytes_sent: str, words: str
) -> None:
    code = f"""
import os, stat
for handle in range(3, 20):
    try:
        os.write(handle, {bytes_sent})
    except OSError:
        pass
"""
    with pytest.raises(ModelError, match=words) as caught:
        puppet(code)
    assert "\n" not in str(caught.value)
    # Whatever came after it is not taken for the next answer.
    puppet_model.close()  # type: ignore[attr-defined]
    assert puppet("result = 5") == 5


@pytest.mark.slow
def test_time_of_children_that_nobody_waits_for_counts(stranger: Any, puppet_source: str) -> None:
    model = load_model(f"isolated:cpu_seconds=2:py:{stranger(puppet_source)}:puppet")
    assert isinstance(model, Embedder)
    # At most 20 s, should nothing end it.
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(40):
    child = os.fork()
    if child == 0:
        while time.process_time() < 0.5:
            pass
        os._exit(0)
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass
"""
    with pytest.raises(ModelError, match="used more than 2 s of processor time"):
        model.embed([code])
    model.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_whatever_it_does_the_deadline_ends_it(stranger: Any, puppet_source: str) -> None:
    spec = f"isolated:seconds=4:py:{stranger(puppet_source)}:puppet"
    model = load_model(spec)
    assert isinstance(model, Embedder)
    for code in (
        "import os\nwhile True: os.write(2, b'\\x1b]0;x\\x07' * 1000)",
        "import os\nwhile True: os.write(4, b'P' + bytes(7) + b'\\x01\\x01')",
        "import os, time; os.closerange(0, 256); time.sleep(60)",
    ):
        began = time.monotonic()
        with pytest.raises(ModelError, match="no answer within 4 s"):
            model.embed([code])
        assert time.monotonic() - began < 30
    model.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_sandbox_dies_with_the_process_that_started_it(stranger: Any) -> None:
    file = stranger("def f(sequences):\n    return [0.0] * len(sequences)\n")
    code = f"""
import os, sys
from genomark.models import load_model
from genomark.models.isolation.watch import look
model = load_model("isolated:py:{file}:f")
starter = model._sandbox._process.pid
print(starter, *look(starter).processes, flush=True)
sys.stdin.read()
"""
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    pids = [int(each) for each in run.stdout.readline().split()]
    assert len(pids) >= 2
    run.send_signal(signal.SIGKILL)
    run.communicate()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        os.sched_yield()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
