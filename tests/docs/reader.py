"""A newcomer: types what a page says, in a folder of their own, and looks at what is printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from doc_exceptions import EXCEPTIONS, SMALLER, STUBS, Exceptional
from doc_pages import ROOT, Saved, Script, Typed, matches, steps

BIN = Path(sys.executable).parent
#: Ports that pages name; each page of a test has free ones in their place.
PORTS = re.compile(r"(?<=[: =\"])(5000|80[0-9]{2}|8100|9000|11434)(?![0-9.]|,[0-9])")
_SERVES = re.compile(
    r"(?:\w+=\S+ )*(?:genomark serve |python serve\.py"
    r"|(?:podman|apptainer) run .*my-model\S* 0\.0\.0\.0 )"
)
#: Programs that find each other without the reader.
_STAYS = re.compile(r"dask (?:scheduler|worker) ")
SECONDS = 600.0
#: Of a page; what is left of it then is not tried.
PAGE_SECONDS = 3600.0
#: Catalogue without sums of some datasets, for each process of a page.
_RELAXED = """
import importlib
import msgspec.structs

# The package has a function of the same name.
catalogue = importlib.import_module("genomark.datasets.catalogue")
read = catalogue.read_catalogue

def relaxed(folder):
    found = read(folder)
    for name in {names!r}:
        files = [msgspec.structs.replace(f, sha256=None, bytes=None) for f in found[name].files]
        found[name] = msgspec.structs.replace(found[name], files=tuple(files))
    return found

catalogue.read_catalogue = relaxed
"""


@dataclass
class Reader:
    """One page, and all that it is tried with.

    Attributes
    ----------
    page : str
    folder : Path
        Where commands are typed.
    environment : dict of str to str
    faults : list of str
        What is not as the page says.
    at : Path
        Where the terminal is.
    closing : ExitStack
        What stand-ins have to end.
    """

    page: str
    folder: Path
    environment: dict[str, str]
    faults: list[str] = field(default_factory=list)
    at: Path = field(init=False)
    closing: ExitStack = field(default_factory=ExitStack)
    _ports: dict[str, str] = field(default_factory=dict)
    _servers: dict[str, tuple[subprocess.Popen[bytes], Path]] = field(default_factory=dict)
    _printed: list[str] = field(default_factory=list)
    _fence: int = 0

    def __post_init__(self) -> None:
        self.at = self.folder

    @classmethod
    def of(cls, page: str, place: Path, cache: Path) -> Reader:
        """Make one with an empty home, an empty folder and nothing of ours in the environment."""
        folder, home, programs = place / "folder", place / "home", place / "programs"
        for each in (folder, home, programs):
            each.mkdir(parents=True)
        kept = ("LANG", "TMPDIR", "GENOMARK_MIRROR")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(programs), str(BIN), os.environ["PATH"]]),
            "GENOMARK_CACHE": str(cache),
            "GENOMARK_PREDICTION_CACHE": str(place / "predictions"),
            "HF_HUB_OFFLINE": "1",
            # Where what a page installs goes.
            "PYTHONPATH": str(place / "installed"),
            "NO_PROXY": "127.0.0.1,localhost",
            # Both streams in one, in the order in which a terminal shows them.
            "PYTHONUNBUFFERED": "1",
        }
        made = cls(page, folder, environment)
        for name, (_, code) in STUBS.items():
            made.program(
                name, code.format(pyproject=str(ROOT / "pyproject.toml"), python=sys.executable)
            )
        return made

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file into the folder, as the page or somebody before it did."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def relax(self, *names: str) -> None:
        """Let files of these datasets be others, and smaller, than the catalogue says."""
        folder = self.folder.parent / "patches"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_RELAXED.format(names=names))
        self.environment["PYTHONPATH"] += f":{folder}"

    def program(self, name: str, code: str) -> None:
        """Put a stand-in for a program before the real one; `code` is Python."""
        path = Path(self.environment["PATH"].split(os.pathsep)[0]) / name
        path.write_text(f"#!{sys.executable}\n{code}")
        path.chmod(0o755)

    def read(self) -> None:
        """Do all that the page says, in order."""
        end = time.monotonic() + PAGE_SECONDS
        try:
            for step in steps(self.page):
                if time.monotonic() > end:
                    self._fault(step.line, "the rest", f"not tried after {PAGE_SECONDS:g} s")
                    break
                if isinstance(step, Saved):
                    self.write(step.name, self.with_ports(self._smaller(step)))
                elif isinstance(step, Script):
                    self._run_script(step)
                else:
                    self._type(step)
        finally:
            for port in list(self._servers):
                self.end(port)
            self.closing.close()

    def _smaller(self, step: Saved) -> str:
        content = step.content
        for told, written in SMALLER.get((self.page, step.name), {}).items():
            assert told in content, f"{self.page}:{step.line}: no {told!r} to be made smaller"
            content = content.replace(told, written)
        return content

    def with_ports(self, text: str) -> str:
        return PORTS.sub(lambda match: self._port(match[1]), text)

    def at_port(self, named: str, port: int) -> None:
        """Say where something that runs already is, in the words of the page."""
        self._ports[named] = str(port)

    def _port(self, named: str) -> str:
        if named not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[named] = str(probe.getsockname()[1])
        return self._ports[named]

    def _as_named(self, printed: str) -> str:
        for named, port in self._ports.items():
            printed = re.sub(rf"(?<=:){port}\b", named, printed)
        return printed.replace(str(self.folder) + "/", "").replace(str(self.folder), ".")

    def _type(self, step: Typed) -> None:
        if step.fence != self._fence:
            self._fence, self._printed = step.fence, []
        exception = EXCEPTIONS.get((self.page, step.bare), Exceptional())
        command = self.with_ports(step.bare)
        for word, filled in exception.fills.items():
            assert re.search(rf"\b{word}\b", command), f"no {word} in {command}"
            command = re.sub(rf"\b{word}\b", lambda _, typed=filled: typed, command)
        if exception.add:
            command = f"{command} {self.with_ports(exception.add)}"
        if _STAYS.match(step.command):
            self.leave_running(command)
        elif _SERVES.match(step.command):
            self.serve(command, step.line)
        else:
            code, printed = self.run(["bash", "-c", command + self._keeping()], exception.seconds)
            self._go_on()
            self._printed.append(printed)
            if code != exception.exit_code:
                self._fault(step.line, step.command, f"ended with {code}:\n{printed[-3000:]}")
        if step.prints is not None and not exception.prints_otherwise:
            self._compare(step)

    def _keeping(self) -> str:
        """Shell code that notes where a terminal has come to, and what was exported in it."""
        kept = self.folder.parent / "terminal"
        return f"\nstatus=$?; {{ pwd; env -0; }} > {shlex.quote(str(kept))}; exit $status"

    def _go_on(self) -> None:
        kept = self.folder.parent / "terminal"
        if kept.exists():
            place, _, exported = kept.read_text().partition("\n")
            self.at = Path(place)
            self.environment = dict(each.split("=", 1) for each in exported.split("\0") if each)
            kept.unlink()

    def _compare(self, step: Typed) -> None:
        assert step.prints is not None
        deadline = time.monotonic() + 20
        while True:
            logs = [log.read_text(errors="replace") for _, log in self._servers.values()]
            printed = "\n".join(
                each.strip("\n") for each in [*self._printed, *map(self._as_named, logs)]
            )
            if matches(step.prints, printed):
                return
            if not _SERVES.match(step.command) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self._fault(step.line, step.command, f"prints something else:\n{printed[-6000:]}")

    def _run_script(self, step: Script) -> None:
        code, printed = self.run([str(BIN / "python"), "-c", self.with_ports(step.code)])
        if code != 0:
            self._fault(step.line, "this script", f"ended with {code}:\n{printed[-3000:]}")

    def run(self, words: list[str], seconds: float = SECONDS) -> tuple[int, str]:
        """Run a command to its end; give its exit code, and all that it printed."""
        with subprocess.Popen(
            words,
            cwd=self.at,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                out, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, _ = process.communicate()
                out += f"\n(not done within {seconds:g} s)".encode()
            except BaseException:
                # Ctrl-C ends the tests, and with them what they started.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, self._as_named(out.decode(errors="replace"))

    def serve(self, command: str, line: int = 0) -> None:
        """Start a server in a terminal of its own; the one that had its port is ended."""
        named = re.findall(r"(?:--port[ =]|127\.0\.0\.1 |0\.0\.0\.0 )([0-9]+)", command)
        port = named[0] if named else self._port("8000")
        if not named and command.startswith("genomark serve"):
            command += f" --port {port}"
        if port in self._servers:
            self.end(port)
        log = self.folder.parent / f"server-{port}.log"
        process = _start(command, self.at, self.environment, log.open("wb"))
        self._servers[port] = (process, log)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    return
            time.sleep(0.05)
        self._fault(line, command, f"does not serve:\n{log.read_text()[-3000:]}")

    def leave_running(self, command: str) -> None:
        """Start what runs in a terminal of its own and serves nobody who reads the page."""
        log = self.folder.parent / f"running-{len(self._servers)}.log"
        process = _start(command, self.at, self.environment, log.open("wb"))
        self._servers[command] = (process, log)

    def end(self, port: str) -> None:
        process, _ = self._servers.pop(port)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=20)

    def _fault(self, line: int, command: str, what: str) -> None:
        self.faults.append(f"{self.page}:{line}: {command}\n  {what}")


def _start(
    command: str, folder: Path, environment: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    with log:
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}" if "=" not in command.split()[0] else command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def clone(reader: Reader) -> None:
    """Make the folder a clone, as far as commands are typed in one, that has been set up."""
    folder = reader.folder
    for name in ("Makefile", "pyproject.toml", "README.md", "mkdocs.yml"):
        shutil.copy2(ROOT / name, folder / name)
    for path in ROOT.glob("requirements*.lock"):
        shutil.copy2(path, folder / path.name)
    for name in ("scripts", "benchmarks", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # Set up already, with the environment of the tests: newer than what it was made from.
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(BIN)
    (folder / ".venv" / ".genomark-setup").touch()
