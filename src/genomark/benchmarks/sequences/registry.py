"""Tasks on labelled sequences by name, with what may be set of them: ``NAME:fits=3``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from genomark.benchmarks.guanine.guanine_task import LAYOUT, GuanineTask
from genomark.benchmarks.guanine.options import GuanineOptions
from genomark.benchmarks.guanine.suite import guanine_benchmark
from genomark.benchmarks.rna.structure_benchmark import StructureBenchmark
from genomark.benchmarks.rna.structure_task import StructureTask, is_structure_task
from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.benchmarks.sequences.options import SequenceOptions
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.benchmarks.sequences.sequence_task import SEQUENCES, SequenceTask, load_declared
from genomark.benchmarks.sequences.settings import options_of, settings_of, settings_text
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
    plain, text = _parted(name)
    settings = settings_of(name, text)
    if plain in _ids() and read_shipped(plain).layout == LAYOUT:
        asking = options_of(name, settings, GuanineOptions)
        return guanine_benchmark(GuanineTask(read_shipped(plain), asking))
    task, options = _task(plain), options_of(name, settings, SequenceOptions)
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


def with_settings(name: str, settings: Mapping[str, object], suite: str = "") -> str:
    """Give the name of the same benchmark with other settings; of other benchmarks the same name.

    Parameters
    ----------
    name : str
    settings : mapping of str to object
    suite : str
        If not empty, only benchmarks of this suite are changed.
    """
    plain, text = _parted(name)
    if not is_sequence_benchmark(plain) or (suite and plain.partition("/")[0] != suite):
        return name
    return f"{plain}:{settings_text({**settings_of(name, text), **settings})}"


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
    shipped, _, text = name.partition(":")
    if shipped in _ids():
        return shipped, text
    plain, _, settings = name.rpartition(":")
    if "=" in settings and "/" not in settings and plain not in ("", "sequences"):
        return plain, settings
    return name, ""
