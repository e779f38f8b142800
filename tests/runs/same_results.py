"""What two runs must have in common, however they were computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genomark.results import Results

#: Of a result: what depends on when, and how fast, it was computed.
_OF_TIME = ("cost", "started", "finished")


def timeless(results: Results) -> dict[str, Any]:
    """Give results as JSON has them, without what depends on time."""
    document = json.loads(results.to_json())
    for result in document["results"]:
        for name in _OF_TIME:
            del result[name]
    return document


def files_of(folder: Path) -> dict[str, bytes]:
    """Give the bytes of all predictions and shards of a result folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in ("predictions", "shards")
        for path in sorted((folder / kind).rglob("*.parquet"))
    }
