"""Ridge regression on the best score of each known motif.

Scores are whole numbers (1/64 bit), so a score does not depend on the order in which its terms
are added. That lets a variant be scored from the scan of its reference, only where the edit
touches, and still agree with a scan of its own to the last bit. `docs/design/motif-scan.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.datasets import path
from genomark.datasets.lentimpra import NAME as SAMPLE
from genomark.digests import digest_of_file
from genomark.errors import UsageError
from genomark.models.fitted import RidgeTrainable
from genomark.models.motif_scan import MotifScanner
from genomark.models.ridge import LinearFit

Floats = NDArray[np.float64]

#: Sequences scanned together: bounds the score table to tens of megabytes.
_BATCH = 1024


@dataclass(frozen=True)
class Pwm:
    """Letter probabilities, float64[width, 4] in the order A, C, G, T."""

    name: str
    probabilities: Floats


class Motif(RidgeTrainable):
    """Ridge on motif scores, both strands.

    Parameters
    ----------
    file : str, optional
        Motifs in MEME format; left out: the `motifs` dataset.
    """

    name = "motif"
    datasets = (SAMPLE, "motifs")

    def __init__(self, file: str = "") -> None:
        if file and not Path(file).is_file():
            raise UsageError(f"motif: no file '{file}'; expected motifs in MEME format")
        self.file = file

    @property
    def settings(self) -> dict[str, object]:
        """A digest of the motifs: a fit is worth nothing under others."""
        try:
            return {"motifs": digest_of_file(self._path)}
        except OSError as error:
            raise _unreadable(self._path, error) from error

    @property
    def id(self) -> str:
        """Spec string."""
        return f"motif:file={self.file}" if self.file else "motif"

    def features(self, sequences: list[str]) -> Floats:
        """Best score of each motif, bits, float64[n, n_motifs]."""
        return self._scanner.best_scores(sequences).astype(np.float64) / self._scanner.per_bit

    def predict_points(self, fit: LinearFit, sequences: list[str]) -> Floats:
        """Score batch by batch; the sum runs over motifs in one order whatever the batch."""
        weights = fit.weights / self._scanner.per_bit
        out = np.empty(len(sequences))
        for start in range(0, len(sequences), _BATCH):
            scores = self._scanner.best_scores(sequences[start : start + _BATCH])
            _weighted_sums(scores, weights, fit.intercept, out[start : start + _BATCH])
        return out

    @property
    def _path(self) -> Path:
        return Path(self.file) if self.file else path("motifs", "motifs.meme.txt")

    @cached_property
    def _scanner(self) -> MotifScanner:
        try:
            return MotifScanner([pwm.probabilities for pwm in read_meme(self._path)])
        except ValueError as error:
            raise UsageError(f"{self._path}: {error}") from error


def read_meme(file: Path) -> list[Pwm]:
    """Read motifs in minimal MEME format.

    Parameters
    ----------
    file : Path

    Returns
    -------
    list of Pwm

    Raises
    ------
    UsageError
        If the file cannot be read, holds no motif, or a matrix is not one of probabilities.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error
    motifs = []
    name = ""
    for number, line in enumerate(lines):
        if line.startswith("MOTIF"):
            name = " ".join(line.split()[1:2])
        elif line.startswith("letter-probability matrix"):
            motifs.append(Pwm(name, _matrix(lines, number, file)))
    if not motifs:
        raise UsageError(f"{file}: no 'letter-probability matrix' found; expected MEME format")
    return motifs


def _matrix(lines: list[str], header: int, file: Path) -> Floats:
    rows = []
    for line in lines[header + 1 :]:
        fields = line.split()
        if len(fields) != 4:
            break
        rows.append(fields)
    width = re.search(r"\bw *= *(\d+)", lines[header])
    try:
        matrix = np.array(rows, dtype=np.float64)
    except ValueError:
        matrix = np.empty(0)
    whole = matrix.size > 0 and (width is None or len(matrix) == int(width[1]))
    # Written so that NaN fails it.
    if not (whole and (matrix >= 0).all() and (abs(matrix.sum(axis=1) - 1) <= 0.01).all()):
        count = f"{width[1]} rows" if width else "rows"
        raise UsageError(
            f"{file}, line {header + 1}: expected {count} of four probabilities that add up to 1"
        )
    return matrix


def _unreadable(file: Path, error: Exception) -> UsageError:
    return UsageError(f"{file}: cannot be read as MEME motifs ({error})")


@kernel
def _weighted_sums(
    scores: np.ndarray, weights: np.ndarray, intercept: float, out: np.ndarray
) -> None:
    for row in range(scores.shape[0]):
        total = intercept
        for motif in range(scores.shape[1]):
            total += scores[row, motif] * weights[motif]
        out[row] = total
