"""Files that nobody may or can hand out on demand: a person puts them where data are looked for."""

from __future__ import annotations

from pathlib import Path

from genomark.datasets.location import cached, mirrored
from genomark.errors import DatasetUnavailableError


def placed(dataset: str, file: str, source: str) -> Path:
    """Find a file of no catalogue in the mirror, where that is a folder, or in the cache.

    Parameters
    ----------
    dataset, file : str
        Its folder, and its path in there.
    source : str
        What it is and where a person gets it, for the message.

    Raises
    ------
    DatasetUnavailableError
        If it is in neither; tells where to put it.
    """
    for place in (mirrored(dataset, file), cached(dataset, file)):
        if isinstance(place, Path) and place.is_file():
            return place
    raise DatasetUnavailableError(
        f"{dataset}/{file} is not at hand: it is {source}; put it at {cached(dataset, file)}, or "
        f"below GENOMARK_MIRROR as {dataset}/{file}"
    )
