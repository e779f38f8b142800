"""Several fits of one task as one: their answers are averaged, and told with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError
from genomark.models import Answers
from genomark.sequences import KINDS_OF_SEQUENCES, Kind
from genomark.training.saved import FIT, SavedFit, load_fit, read_record

#: Folders of fits that differ by nothing but their seed.
_OF_SEEDS = "seed-*"


class Ensemble:
    """Fits of one task, or a single one.

    Parameters
    ----------
    fits : sequence of SavedFit

    Raises
    ------
    UsageError
        If they were fitted to different kinds of tasks, or to different labels.
    """

    def __init__(self, fits: Sequence[SavedFit]) -> None:
        self.fits = tuple(fits)
        first = self.fits[0]
        for fit in self.fits[1:]:
            if (fit.record.kind, fit.record.labels) != (first.record.kind, first.record.labels):
                raise UsageError(
                    f"{first.folder} answers a {_task(first)}, and {fit.folder} a {_task(fit)}: "
                    "only fits of one task can be averaged"
                )

    @property
    def kind(self) -> Kind:
        """Of the task."""
        return self.fits[0].record.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the task."""
        return self.fits[0].record.labels

    def answers(self, sequences: Sequence[str]) -> tuple[Answers, Answers | None]:
        """Answer sequences: as each fit does, and the mean of that.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        mean : ndarray of float, or list of such
            As of a FittedTask: of decision values (log-odds), of probabilities of classes, or of
            values. The same in whatever order the fits are named.
        spread : ndarray of float64, or list of such, or None
            Standard deviation over the fits (of a sample: over their number less one), of the
            same shape; None of a single fit.
        """
        given = [fit.answers(sequences) for fit in self.fits]
        if len(given) == 1:
            return given[0], None
        if self.kind in KINDS_OF_SEQUENCES:
            return _moments(given)
        pairs = [_moments(each) for each in zip(*given, strict=True)]
        return [mean for mean, _ in pairs], [spread for _, spread in pairs]


def load_ensemble(folders: Sequence[Path], *, trust: bool = False) -> Ensemble:
    """Load fits, each from its folder, or all that differ by their seed from the folder above.

    Parameters
    ----------
    folders : sequence of Path
    trust : bool
        As of `load_fit`.

    Raises
    ------
    UsageError
        If a folder is no saved fit, is named twice, or they are fits of different tasks.
    ModelError
        If one cannot be loaded.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        for each in _fits_in(folder):
            if each.resolve() in found:
                raise UsageError(f"{each} is named twice")
            found[each.resolve()] = each
    return Ensemble([load_fit(each, trust=trust) for each in found.values()])


def _fits_in(folder: Path) -> list[Path]:
    """Give a folder that is a fit, or those of seeds in it, by number."""
    of_seeds = [path.parent for path in folder.glob(f"{_OF_SEEDS}/{FIT}")]
    if (folder / FIT).is_file() or not of_seeds:
        read_record(folder)
        return [folder]
    return sorted(of_seeds, key=lambda each: (len(each.name), each.name))


def _moments(given: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # In ascending order, so that sums do not depend on which fit comes first.
    values = np.sort(np.stack([np.asarray(each, np.float64) for each in given]), axis=0)
    return values.mean(axis=0), values.std(axis=0, ddof=1)


def _task(fit: SavedFit) -> str:
    labels = ", ".join(f"'{each}'" for each in fit.record.labels[:5])
    more = ", ..." if len(fit.record.labels) > 5 else ""
    return f"{fit.record.kind} task ({labels}{more})"
