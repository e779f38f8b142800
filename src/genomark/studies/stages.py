"""Stages of a study, kept by what they depend on.

A stage has a folder that is named after its digest; it is finished once ``stage.json`` is in it,
which comes last. Whatever a kill leaves behind without it is taken up again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from genomark.atomic import write_whole
from genomark.digests import digest_of
from genomark.errors import UsageError, one_line

_RECORD = "stage.json"
_SHOWN = 12

T = TypeVar("T")


def stage_folder(root: Path, kind: str, name: str, key: list[Any]) -> Path:
    """Name the folder of a stage.

    Parameters
    ----------
    root : Path
        Of all stages.
    kind, name : str
        For people.
    key : list
        All that the outcome depends on, of the types JSON knows.
    """
    return root / kind / f"{name}-{digest_of([kind, *key])[:_SHOWN]}"


def finished(folder: Path, record: type[T]) -> T | None:
    """Read what came of a stage; None if it is not finished.

    Raises
    ------
    UsageError
        If the record is there and cannot be read.
    """
    path = folder / _RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=record)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(
            f"{path}: cannot be read ({one_line(error)}); remove {folder}, and run again"
        ) from error


def finish(folder: Path, record: Any) -> None:
    """Keep what came of a stage."""
    told = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    write_whole(folder / _RECORD, told)
