"""Tasks on labelled sequences by name, with what may be set of them: ``NAME:fits=3``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from genomark.benchmarks.rna.structure_benchmark import StructureBenchmark
from genomark.benchmarks.rna.structure_task import StructureTask, is_structure_task
from genomark.benchmarks.sequences.declared import declared_ids
from genomark.benchmarks.sequences.options import SequenceOptions
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.benchmarks.sequences.sequence_task import SEQUENCES, SequenceTask, load_declared
from genomark.benchmarks.sequences.user_folder import folder_task_names, folder_tasks
from genomark.errors import UsageError


def is_sequence_benchmark(name: str) -> bool:
    """Whether a name is that of a task on labelled sequences, or of a folder of such."""
    plain = _parted(name)[0]
    return plain.startswith(SEQUENCES) or plain in _ids()


def sequence_benchmark(name: str) -> SequenceBenchmark:
    """Make the benchmark of ``SUITE/TASK`` or ``sequences:FOLDER#TASK``, perhaps with ``:fits=N``.

    Raises
    ------
    UsageError
        If there is no such task, or a setting is not understood.
    """
    plain, settings = _parted(name)
    task, options = _task(plain), _options(name, settings)
    if is_structure_task(task.declared):
        structures = StructureTask(task.declared, folder=task.folder, genome=task.genome)
        return StructureBenchmark(structures, options)
    return SequenceBenchmark(task, options)


def sequence_benchmarks(name: str) -> list[str]:
    """Name every task of ``sequences:FOLDER``; one that is named already stands for itself."""
    plain, settings = _parted(name)
    if not plain.startswith(SEQUENCES) or "#" in plain:
        return [name]
    names = folder_task_names(Path(plain.removeprefix(SEQUENCES)))
    found = [f"{plain}#{each}" for each in names]
    return [f"{each}:{settings}" if settings else each for each in found]


def with_fits(name: str, fits: int) -> str:
    """Give the name of the same benchmark with another number of fits."""
    plain, _ = _parted(name)
    return f"{plain}:fits={fits}" if is_sequence_benchmark(plain) else name


def _task(name: str) -> SequenceTask:
    if not name.startswith(SEQUENCES):
        return load_declared(name)
    folder, _, task = name.removeprefix(SEQUENCES).partition("#")
    if not task:
        raise UsageError(f"{name}: expected {SEQUENCES}FOLDER#TASK")
    (found,) = folder_tasks(Path(folder), task)
    return found


@cache
def _ids() -> frozenset[str]:
    return frozenset(declared_ids())


def _parted(name: str) -> tuple[str, str]:
    """Part a name from the settings after it; there may be colons and = in that of a folder."""
    plain, _, settings = name.rpartition(":")
    if "=" in settings and "/" not in settings and plain not in ("", "sequences"):
        return plain, settings
    return name, ""


def _options(name: str, settings: str) -> SequenceOptions:
    found = dict(part.partition("=")[::2] for part in filter(None, settings.split(",")))
    try:
        return msgspec.convert(found, SequenceOptions, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"'{name}': {error}; expected fits=N, from 1 to 100") from error
