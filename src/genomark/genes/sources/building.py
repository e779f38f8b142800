"""From a source to task folders, with a record of what they were made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from genomark.atomic import write_whole
from genomark.datasets import cache_folder
from genomark.errors import DatasetUnavailableError, UsageError
from genomark.genes.outcomes import Kind
from genomark.genes.sources.download import Origin, download, forget, origin_of
from genomark.genes.sources.files import expanded
from genomark.genes.sources.progress import counting
from genomark.genes.sources.registry import source as source_of
from genomark.genes.sources.source import HGNC, Settings, Source
from genomark.genes.task import GeneTask
from genomark.genes.task_folder import write_task

RECORD = "source.json"
"""Name of the file beside the tasks that says what they were made of."""


class BuiltTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task that was written.

    Parameters
    ----------
    name : str
    kind : str
        Neither this nor the positive class stand in the task's folder: whoever reads it has to be
        told.
    rows, labels : int
        How many.
    positive : str or None
        Positive class of a binary task.
    notes : tuple of str
        What was left out or repaired on the way.
    """

    name: str
    kind: Kind
    rows: int
    labels: int
    positive: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: GeneTask) -> BuiltTask:
        """Say of a task what is noted of it."""
        return cls(
            name=task.name,
            kind=task.kind,
            rows=len(task),
            labels=len(task.labels),
            positive=task.labels[0] if task.kind == "binary" else None,
            notes=task.notes,
        )


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the tasks of one source were made of, as it stands in ``source.json``.

    Parameters
    ----------
    title, licence, citation : str
        Of the source.
    n_tasks : int
    files : tuple of Origin
        What was read.
    tasks : tuple of BuiltTask
        What was written.
    settings : dict of str to str
        What was said differently from the defaults, files left out.
    """

    title: str
    licence: str
    citation: str
    n_tasks: int
    files: tuple[Origin, ...]
    tasks: tuple[BuiltTask, ...]
    settings: dict[str, str] = {}


@dataclass(frozen=True)
class Build:
    """What came of building a source.

    Attributes
    ----------
    source : str
        Name of the source.
    out : Path
        Folder of the tasks.
    tasks : tuple of BuiltTask
        In the order they were made.
    absent : tuple of str
        Tasks the source is known to give that these files did not; none where they gave something
        else altogether, as a GMT alone does of Reactome.
    files : tuple of Origin
        What was read.
    """

    source: str
    out: Path
    tasks: tuple[BuiltTask, ...]
    absent: tuple[str, ...]
    files: tuple[Origin, ...]


def build(
    source: str,
    out: Path,
    files: Sequence[Path] | None = None,
    settings: Settings | None = None,
    *,
    fresh: bool = False,
    progress: bool | None = None,
) -> Build:
    """Write the tasks of a source as folders, each of them whole or not at all.

    Parameters
    ----------
    source : str
        Name of the source, as in `sources`.
    out : Path
        Where to; it is made if it is missing. Tasks that are there by the same name are replaced.
    files : sequence of Path, optional
        Files, or folders of files, to read; nothing is downloaded then. By default the source's
        own files are used, from the cache or their live addresses.
    settings : Settings, optional
        How the files become tasks.
    fresh : bool
        Download again what is in the cache.
    progress : bool, optional
        True for bars, False for silence; None for bars on a terminal, and for lines elsewhere.

    Returns
    -------
    Build

    Raises
    ------
    UnknownNameError
        When there is no such source.
    UsageError
        When a setting makes no difference to the source, or a file that was given is not what it
        should be. Tasks that were written before stay.
    DatasetError
        When a file cannot be had, or what came is not what it should be.
    WriteError
        When `out` cannot be written to.
    """
    chosen, settings = source_of(source), settings or Settings()
    chosen.check(settings)
    read_records(out)  # to be told of what is in the way before anything is written
    inputs = _inputs(chosen, files or (), settings, fresh=fresh, progress=progress)
    tasks: list[BuiltTask] = []
    with counting(f"Building {source}", len(chosen.tasks), progress) as show:
        for task in _parsed(chosen, inputs):
            show(len(tasks), task.name)
            write_task(out, task)
            tasks.append(BuiltTask.of(task))
    _note(out, chosen, inputs, tuple(tasks))
    return Build(source, out, tuple(tasks), _absent(chosen, tasks), inputs.origins)


def read_records(out: Path) -> dict[str, Record]:
    """What is noted beside the tasks of a folder, by source; nothing where there is no note.

    Raises
    ------
    UsageError
        When the note is not one of genomark's.
    """
    path = out / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Record])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: not a record of where tasks come from ({error}); move it away"
        ) from error


@dataclass(frozen=True)
class _Inputs:
    """What is read: files, where they came from, and which of them may be thrown away."""

    paths: tuple[Path, ...]
    origins: tuple[Origin, ...]
    settings: Settings
    downloaded: tuple[Path, ...] = ()


def _inputs(
    source: Source,
    files: Sequence[Path],
    settings: Settings,
    *,
    fresh: bool,
    progress: bool | None,
) -> _Inputs:
    if files:
        paths = expanded(files)
        found = [(path, origin_of(path)) for path in paths]
    elif source.remotes:
        found = download(source.name, source.remotes, fresh=fresh, progress=progress)
        paths = [path for path, _ in found]
    else:
        raise UsageError(
            f"The source '{source.name}' reads files of your own ({source.files}): give them with "
            "--file PATH"
        )
    if settings.hgnc is not None:
        found += [(path, origin_of(path)) for path in expanded([settings.hgnc])]
    elif source.needs_hgnc and not files:
        ((path, origin),) = download("hgnc", [HGNC], fresh=fresh, progress=progress)
        settings = replace(settings, hgnc=path)
        found.append((path, origin))
    return _Inputs(
        paths=tuple(paths),
        origins=tuple(origin for _, origin in found),
        settings=settings,
        downloaded=tuple(path for path, origin in found if origin.fetched is not None),
    )


def _parsed(source: Source, inputs: _Inputs) -> Iterator[GeneTask]:
    try:
        n_tasks = 0
        for task in source.parse(inputs.paths, inputs.settings):
            yield task
            n_tasks += 1
        if not n_tasks:
            raise UsageError(
                f"{inputs.paths[0]}: gives no task: nothing in it tells genes apart in two ways"
            )
    except UsageError as error:
        if not inputs.downloaded:
            raise
        # An error page with the status of a file, or a new format: not to be met with again from
        # the cache.
        for path in inputs.downloaded:
            forget(path)
        urls = ", ".join(origin.url for origin in inputs.origins[:3] if origin.url)
        raise DatasetUnavailableError(
            f"What came from {urls} cannot be used ({error}). Try again later, or give files that "
            f"can: genomark tasks build {source.name} --file PATH"
        ) from error


def _absent(source: Source, tasks: Sequence[BuiltTask]) -> tuple[str, ...]:
    """Known tasks that were not built; none where the files gave something else altogether."""
    built = {task.name for task in tasks}
    known = [task.name for task in source.tasks]
    return tuple(name for name in known if name not in built) if built & set(known) else ()


def _note(out: Path, source: Source, inputs: _Inputs, tasks: tuple[BuiltTask, ...]) -> None:
    from filelock import FileLock

    said = {name: value for name, value in inputs.settings.said().items() if name != "hgnc"}
    record = Record(
        title=source.title,
        licence=source.licence,
        citation=source.citation,
        n_tasks=len(tasks),
        files=inputs.origins,
        tasks=tasks,
        settings={name: _plain(value) for name, value in said.items()},
    )
    name = hashlib.sha256(str(out.absolute()).encode()).hexdigest()[:32]
    with FileLock(cache_folder("locks") / f"record-{name}.lock"):
        records = {**read_records(out), source.name: record}
        ordered = dict(sorted(records.items()))
        write_whole(out / RECORD, msgspec.json.format(msgspec.json.encode(ordered), indent=2))


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
