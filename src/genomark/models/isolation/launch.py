"""The command that starts a sandbox: what bubblewrap is told."""

from __future__ import annotations

import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from genomark.errors import ModelError, UsageError, one_line
from genomark.models.isolation.installation import (
    hidden_places,
    installed_places,
    is_installed_place,
    library_path,
    python_links,
    system_folders,
    system_links,
)
from genomark.models.isolation.limits import Limits
from genomark.models.isolation.payload import PLACE, Payload
from genomark.models.isolation.seccomp import seccomp_program

#: The one folder that a model may write to: its home, its working directory and ``/tmp``.
HOME = "/tmp"
#: The same, and what Python's shared memory is.
WRITABLE = (HOME, "/dev/shm")
_SHARED_MEMORY_BYTES = 256 << 20
_OPEN_FILES = 512
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_CHILD = "genomark.models.isolation.child"
_LIBRARIES = "LD_LIBRARY_PATH"
#: All that is left of the environment: threads, language, time zone, and where libraries are.
_KEPT = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "PYTHONHASHSEED", "PYTHONUTF8"),
    *("LANG", "LC_ALL", "LC_CTYPE", "TZ"),
)
#: Bubblewrap itself takes 9,000.
_MOST_WORDS = 8900
#: With ``--disable-userns``.
_OLDEST = (0, 8)
#: Which limits count by user namespace, so that only the sandbox's own processes count.
_COUNTS_BY_NAMESPACE = (5, 14)
_SYS_ADMIN = 1 << 21
#: Users that nobody is, where root may become anybody.
_NOBODIES = range(0x60000000, 0x70000000)
_NOBODY = 65534
_INSTALL = "install it: apt-get install bubblewrap, or dnf install bubblewrap"
_NO_NAMESPACES = (
    "this system lets ordinary users make no user namespaces; its administrator allows them with "
    "sysctl -w kernel.unprivileged_userns_clone=1 (Debian), "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu) or user.max_user_namespaces=15000; "
    "a container needs --security-opt seccomp=unconfined, or podman"
)


@dataclass(frozen=True)
class Command:
    """A sandbox that can be started.

    Attributes
    ----------
    words : list of str
        Program and arguments.
    handles : list of int
        Files that it reads; they are closed once it runs.
    environment : dict of str to str
        What Python needs to start.
    """

    words: list[str]
    handles: list[int]
    environment: dict[str, str]


def check_sandbox() -> str:
    """Find bubblewrap.

    Returns
    -------
    str
        The program.

    Raises
    ------
    UsageError
        If there is no sandbox to be had on this machine, and how to get one.
    """
    if sys.platform != "linux":
        raise UsageError(
            f"models are isolated on Linux alone (bubblewrap), and this is {platform.system()}: "
            "run it in a container or a virtual machine with Linux"
        )
    seccomp_program()
    program = shutil.which("bwrap")
    if program is None:
        raise UsageError(f"no sandbox to isolate models: bwrap (bubblewrap) is missing; {_INSTALL}")
    version = _version(program)
    if version < _OLDEST:
        raise UsageError(
            f"{program} is version {'.'.join(map(str, version))}, and isolating models needs "
            f"{'.'.join(map(str, _OLDEST))} or later; {_INSTALL}"
        )
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if not children.exists():
        raise UsageError(
            f"models cannot be isolated here: {children} is missing, by which the processes of a "
            "sandbox are counted; mount /proc, with a kernel that has CONFIG_PROC_CHILDREN"
        )
    return program


def refusal(told: str) -> UsageError:
    """Say why bubblewrap could not make a sandbox."""
    if re.search(r"namespace|uid.?map|Operation not permitted|Permission denied", told):
        return UsageError(f"no sandbox to isolate models: {one_line(told)}; {_NO_NAMESPACES}")
    return UsageError(f"no sandbox to isolate models: {one_line(told) or 'bwrap said nothing'}")


def sandbox_command(payload: Payload, limits: Limits, package: str = "") -> Command:
    """Write the command for a model.

    Parameters
    ----------
    payload : Payload
    limits : Limits
    package : str
        The installed package that the model is of.

    Raises
    ------
    UsageError
        As `check_sandbox`.
    ModelError
        If more in the model's folder is to be hidden than can be.
    """
    program = check_sandbox()
    user = _new_user()
    handles: list[int] = []

    def data(content: bytes) -> str:
        handles.append(_memory_file(content))
        return str(handles[-1])

    # First of all: Python may be installed in there.
    words = [*_spaces(user), "--seccomp", data(seccomp_program()), *_writable(HOME, limits.disk)]
    words += _system(package)
    words += _model(payload, data)
    inner = _NOBODY if user is None else user
    words += ["--perms", "0444", "--ro-bind-data", data(b"model:x:%d:%d::/tmp:\n" % (inner, inner))]
    words += ["/etc/passwd", *_writable(WRITABLE[1], min(limits.disk, _SHARED_MEMORY_BYTES))]
    words += ["--remount-ro", "/", "--chdir", HOME]
    if len(words) > _MOST_WORDS:
        close_all(handles)
        raise ModelError(
            f"'{payload.spec}' (isolated): its folder holds {len(payload.hidden):,} hidden folders "
            "(.NAME, __pycache__), more than a sandbox can leave out; delete them"
        )
    told = data(b"\0".join(os.fsencode(word) for word in words) + b"\0")
    start = json.dumps(_start(payload, limits, user))
    python = [sys.executable, "-I", "-S", str(_BOOTSTRAP), start]
    # What else is said on the command line can be read by the model, and names folders.
    return Command([program, "--args", told, "--", *python], handles, _libraries())


def _libraries() -> dict[str, str]:
    told = map(Path, filter(None, os.environ.get(_LIBRARIES, "").split(":")))
    found = [str(each) for each in told if each.is_absolute() and is_installed_place(each)]
    return {_LIBRARIES: ":".join(found)} if found else {}


def _spaces(user: int | None) -> list[str]:
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "model"]
    if user is None:
        mapped = ["--uid", str(_NOBODY), "--gid", str(_NOBODY)]
        return [*words, "--unshare-user", "--disable-userns", *mapped, "--cap-drop", "ALL"]
    rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*words, *rights]


def _system(package: str) -> Iterator[str]:
    places = [*system_folders(), *installed_places()]
    links = list(python_links())
    inner = [*places, *(link for link, _ in links), Path("/etc/passwd"), Path(PLACE)]
    yield from _folders(inner)
    for place in places:
        yield from ("--ro-bind", str(place), str(place))
    for link, behind in links:
        yield from ("--symlink", str(behind), str(link))
    for name, target in system_links():
        yield from ("--symlink", str(target), name)
    for place in hidden_places(package):
        if place.is_dir():
            yield from ("--size", "4096", "--perms", "0555", "--tmpfs", str(place))
            yield from ("--remount-ro", str(place))
        else:
            yield from ("--ro-bind", "/dev/null", str(place))
    yield from ("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev")


def _model(payload: Payload, data: Callable[[bytes], str]) -> Iterator[str]:
    # The folder of all, even where it is empty.
    there = [f"{PLACE}/_", *(place for _, place in payload.folders)]
    yield from _folders([Path(each) for each in [*there, *(file for file, _ in payload.files)]])
    for folder, place in payload.folders:
        yield from ("--ro-bind", str(folder), place)
    for empty in payload.hidden:
        yield from ("--size", "4096", "--perms", "0555", "--tmpfs", empty, "--remount-ro", empty)
    for file, content in payload.files:
        yield from ("--perms", "0444", "--ro-bind-data", data(content), file)


def _folders(places: Sequence[Path]) -> Iterator[str]:
    """Make the folders that places are in; without being told, they are for their owner alone."""
    folders = {str(parent) for place in places for parent in place.parents if parent.name}
    # That one is there, and anybody's.
    folders.discard(HOME)
    for folder in sorted(folders):
        yield from ("--perms", "0755", "--dir", folder)


def _writable(place: str, size: int) -> list[str]:
    return ["--size", str(size), "--perms", "0777", "--tmpfs", place]


def _start(payload: Payload, limits: Limits, user: int | None) -> dict[str, Any]:
    told: dict[str, int] = {
        "CORE": 0,
        "MSGQUEUE": 0,
        "NOFILE": _OPEN_FILES,
        "FSIZE": limits.disk,
        # Unlike the address space it leaves out what is only reserved, which may be terabytes.
        "DATA": limits.memory,
    }
    if user is not None or _release() >= _COUNTS_BY_NAMESPACE:
        told["NPROC"] = limits.tasks
    kept = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
    return {
        "limits": told,
        "user": user,
        "run": [sys.executable, "-P", "-m", _CHILD, payload.inner, PLACE],
        "environment": {
            **kept,
            **_libraries(),
            "PYTHONPATH": ":".join(map(str, library_path())),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": HOME,
            "TMPDIR": HOME,
            "USER": "model",
            "LOGNAME": "model",
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    }


def _new_user() -> int | None:
    """Choose who root becomes; None for who makes a user namespace instead."""
    status = Path("/proc/self/status").read_text()
    effective = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    rights = int(effective.group(1), 16) if effective else 0
    if os.geteuid() != 0 or not rights & _SYS_ADMIN:
        return None
    mapped = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    spans = [range(int(first), int(first) + int(count)) for first, _, count in mapped]
    # One that nobody else is: limits count by user.
    wanted = random.SystemRandom().choice(_NOBODIES)
    for user in (wanted, _NOBODY):
        if any(user in span for span in spans):
            return user
    most = max((span[-1] for span in spans if span), default=0)
    return most if most > 0 else None


def _memory_file(content: bytes) -> int:
    handle = os.memfd_create("genomark", os.MFD_CLOEXEC)
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def close_all(handles: Sequence[int]) -> None:
    """Close files, whether they are still open or not."""
    for handle in handles:
        with suppress(OSError):
            os.close(handle)


@cache
def _version(program: str) -> tuple[int, ...]:
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"no sandbox to isolate models: {program}: {one_line(error)}") from error
    found = re.search(r"(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else (0, 0)


def _release() -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return tuple(map(int, found.groups())) if found else (0, 0)
