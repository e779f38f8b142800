"""What the chaos test runs: benchmarks of many small requests, and models that say what they saw.

Loaded by every process of a run, by name or by path.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from toy import Toy

#: Seconds for a request, so that something can happen meanwhile.
SECONDS = 0.03
ITEMS = 6


class Chaos20(Toy):
    """Ten requests, each of which two models get."""

    id = "chaos-20"
    max_request_items = ITEMS
    requests = 10

    @cached_property
    def items(self) -> pl.DataFrame:
        random = np.random.default_rng(5)
        n = self.requests * ITEMS
        spelled = ["".join(random.choice(list("ACGT"), 40)) for _ in range(n)]
        return pl.DataFrame(
            {
                "item_id": [f"i{row}" for row in range(n)],
                "task": "a",
                "cluster": [f"c{row}" for row in range(n)],
                "truth": [each.count("A") + random.normal() for each in spelled],
                "sequence": spelled,
            }
        )


class Chaos200(Chaos20):
    """A hundred requests."""

    id = "chaos-200"
    requests = 100


def _seen(name: str, sequences: list[str]) -> None:
    """Note what was asked, in a file beside the one that a process finds its plug-ins in."""
    place = next(Path(each) for each in sys.path if (Path(each) / "sitecustomize.py").exists())
    log = os.open(place / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, "".join(f"{each}\n" for each in sequences).encode())
    os.close(log)


def local(sequences: list[str]) -> list[float]:
    _seen("local", sequences)
    time.sleep(SECONDS)
    return [each.count("A") + each.count("AC") / 8 for each in sequences]


def served(sequences: list[str]) -> list[float]:
    _seen("served", sequences)
    time.sleep(SECONDS)
    return [each.count("A") - each.count("GT") / 4 for each in sequences]
