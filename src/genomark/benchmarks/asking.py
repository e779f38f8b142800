"""How a benchmark's questions are put, and what comes of asking besides answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genomark.protocol import PredictResponse


@dataclass(frozen=True)
class Asking:
    """How a part is asked.

    Attributes
    ----------
    seed : int
        Of the run.
    threads : int
        For what computes in this process; no answer depends on it.
    keep : callable or None
        Is handed the answer of a Predictor as it came.
    tell : callable
        Takes what a Result should say of how the answers were come by, and `notes` for tables.
    workspace : Path or None
        Where a fit that takes long keeps checkpoints until it is done.
    progress : callable
        Takes one line on how far a long fit has come, now and then.
    """

    seed: int = 0
    threads: int = 1
    keep: Callable[[PredictResponse], None] | None = None
    tell: Callable[[Mapping[str, Any]], None] = field(default=lambda report: None)
    workspace: Path | None = None
    progress: Callable[[str], None] = field(default=lambda line: None)
