"""Plays the schedulers of clusters: sbatch, squeue, scancel, qsub, qdel, bsub and bkill.

The first argument says which; `install` makes programs of these names.
Jobs run on this machine at once, those of an array in an order drawn from a seed, those that wait
for others after these have ended. A folder keeps what was submitted and what is running.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("STUB_QUEUE", "."))
COMMANDS = ("sbatch", "squeue", "scancel", "qsub", "qdel", "bsub", "bkill")
_PREFIX = re.compile(r"#(?:SBATCH|PBS|BSUB)\s+(.*)")


def main() -> int:
    """Be the command that is named."""
    name, *words = sys.argv[1:]
    if name in ("scancel", "qdel", "bkill"):
        for word in words:
            _end(word)
        return 0
    if name == "squeue":
        return 0
    number = _number()
    options, script, arguments = _submitted(name, words)
    (FOLDER / f"{number}.options").write_text(shlex.join(options))
    command = [
        *(sys.executable, __file__, "--run", str(number)),
        *(_value(options, "array") or "", _value(options, "dependency") or ""),
        _value(options, "output") or os.devnull,
        *(script, *arguments),
    ]
    nothing = subprocess.DEVNULL
    # Whoever submits waits until nobody writes to its streams any more.
    job = subprocess.Popen(
        command, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing
    )
    (FOLDER / f"{number}.pid").write_text(str(job.pid))
    if name == "bsub":
        sys.stdout.write(f"Job <{number}> is submitted to default queue <normal>.\n")
    elif name == "qsub":
        sys.stdout.write(f"{number}.stub\n")
    else:
        parsable = "--parsable" in options
        sys.stdout.write(f"{number}\n" if parsable else f"Submitted batch job {number}\n")
    return 0


def install(folder: Path) -> None:
    """Write a program of each name into a folder."""
    for name in COMMANDS:
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n')
        program.chmod(0o755)


def run(number: str, array: str, dependency: str, output: str, *command: str) -> int:
    """Run a job, or each of an array, after what it waits for."""
    for other in re.findall(r"\d+", dependency):
        while not (FOLDER / f"{other}.ended").exists():
            time.sleep(0.05)
    tasks = [""]
    if array:
        first, last = map(int, array.split("-"))
        tasks = [str(task) for task in range(first, last + 1)]
        random.Random(11).shuffle(tasks)
    for task in tasks:
        environment = {**os.environ, "SLURM_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task}
        with Path(output.replace("%a", task).replace("%j", number)).open("ab") as out:
            subprocess.run(["bash", *command], env=environment, stdout=out, stderr=out, check=False)
    (FOLDER / f"{number}.ended").touch()
    return 0


def _submitted(name: str, words: list[str]) -> tuple[list[str], str, list[str]]:
    """Give the options, those of the script's head too, and the script with its arguments."""
    wrapped = _value(words, "wrap")
    if wrapped is not None:
        return words, "-c", [wrapped]
    if name == "bsub" and not any(Path(word).is_file() for word in words):
        text = sys.stdin.read()
    else:
        text = Path(next(word for word in words if Path(word).is_file())).read_text()
    kept = FOLDER / f"script-{os.getpid()}.sh"
    kept.write_text(text)
    head = [word for line in _PREFIX.findall(text) for word in shlex.split(line)]
    return [*words, *head], str(kept), []


def _value(words: list[str], option: str) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word.startswith(f"--{option}="):
            return word.partition("=")[2]
        if word == f"--{option}":
            return following
    return None


def _number() -> int:
    number = 1
    while True:
        try:
            (FOLDER / f"{number}.taken").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


def _end(number: str) -> None:
    path = FOLDER / f"{number.partition('.')[0]}.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.killpg(int(path.read_text()), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[2:]) if sys.argv[1:2] == ["--run"] else main())
