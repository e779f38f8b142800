"""Results to keep; and, as a script, a process that keeps them and says when each is kept.

usage: stored_results.py PLACE FILES FIRST COUNT
Waits for a line on standard input once it is ready, then prints the id of each result after `add`
has returned.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import numpy as np

from genomark.results.reported import (
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.results.store import Evidence, Replicates, Store
from genomark.scoring import Result


def result_of(
    number: int = 0,
    *,
    benchmark: str = "a/task",
    version: str = "1",
    digest: str = "d",
    model: str | None = None,
    limit: int | None = None,
    source: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Result:
    """A result whose value is ``number / 10,000``, self-reported unless it has a source."""
    named = reported_benchmark(benchmark, "A task", [benchmark])
    made = reported_result(
        msgspec.structs.replace(named, version=version, digest=digest),
        reported_model(model or f"model {number}", ["model", str(number)], ["a note"]),
        [
            msgspec.structs.replace(
                reported_row("auroc", number / 10_000, "a method", n=40),
                interval=(number / 10_000 - 0.1, number / 10_000 + 0.1),
                n_clusters=7,
            ),
            reported_row("accuracy", None, "another"),
        ],
        headline=["auroc", "accuracy"],
        source="a paper",
        content=f"predictions {number}",
        settings={"limit": limit, "z": [1.5, None], "a": {"ü": 1e-300}, **(settings or {})},
        n=40,
    )
    told = {**made.settings, "source": source}
    if source is None:
        del told["source"]
    return msgspec.structs.replace(made, settings=told)


def evidence_of(number: int) -> Evidence:
    rng = np.random.default_rng(number)
    return Evidence(
        Replicates("a method", 7, rng.random(41) < 0.5, rng.normal(size=100)), b"items %d" % number
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _main() -> None:
    place, files, first, count = sys.argv[1:]
    with Store.open(place, files) as store:
        _say("ready")
        sys.stdin.readline()
        for number in range(int(first), int(first) + int(count)):
            id = store.add(
                result_of(number),
                owner="a writer",
                standing="verified",
                predictions=b"predictions %d" % number,
                evidence=evidence_of(number),
            )
            _say(id)


if __name__ == "__main__":
    _main()
