"""The results that a folder of runs keeps."""

from __future__ import annotations

from pathlib import Path

import msgspec

from genomark.errors import UsageError
from genomark.results.collection import Results, load_results
from genomark.scoring import read_result

_KEPT = "results"


def read_results(path: str | Path) -> Results:
    """Read a document of results, or all that runs have kept in a folder.

    Parameters
    ----------
    path : str or Path
        What ``genomark run --json`` or `Results.save` wrote, or the folder of ``--out``, which
        holds every result and neither what was skipped nor comparisons.

    Returns
    -------
    Results
        Of a folder in the order of its files' names.

    Raises
    ------
    UsageError
        If there is no such thing, or a file in it is no result.
    """
    path = Path(path)
    if not path.is_dir():
        return load_results(path)
    files = sorted((path / _KEPT).rglob("*.json"))
    if not files:
        raise UsageError(f"{path}: no results in it; expected the folder of genomark run --out")
    found = []
    for file in files:
        try:
            found.append(read_result(file))
        except (OSError, msgspec.MsgspecError) as error:
            raise UsageError(f"{file}: not a result ({error})") from error
    return Results(found)
