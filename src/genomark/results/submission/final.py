"""Scores at the end: both shares, not rounded, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.results.submission.attempt_log import Attempt, Reading
from genomark.results.submission.hosting import Hosted
from genomark.results.submission.referee import Referee
from genomark.results.submission.status import NearIdentical, near_identical
from genomark.scoring import MetricRow

FINAL_SCHEMA = "genomark-final/1"


class FinalModel(msgspec.Struct, frozen=True):
    """A model at the end.

    Attributes
    ----------
    attempts : int
        How many were scored.
    line : int
        Number in the log of the one that these scores are of.
    bundle : str
        SHA-256 of its archive.
    was_released : bool
        Whether a figure of it was told before.
    models_of_key : int
        How many models its key has here: the best of many is better by chance.
    public, private : list of MetricRow
        Of the two shares; the first row ranks.
    """

    model: str
    key: str
    attempts: int
    line: int
    bundle: str
    was_released: bool
    models_of_key: int
    public: list[MetricRow]
    private: list[MetricRow]


class FinalScores(msgspec.Struct, frozen=True):
    """A closed benchmark; models by their private score, best first."""

    schema: str
    benchmark: Hosted
    frozen: str
    models: list[FinalModel]
    near_identical: list[NearIdentical]


def final_scores(
    log: Reading,
    hosted: Hosted,
    referee: Referee,
    predictions: Callable[[str], NDArray[np.float64]],
    progress: Callable[[int, int, str], None] | None = None,
) -> FinalScores:
    """Score what counts of each model.

    Parameters
    ----------
    log : Reading
    hosted : Hosted
        Frozen.
    referee : Referee
    predictions : callable
        Gives those of a bundle by its digest.
    progress : callable, optional
        Told how many models are scored, of how many, and which is next.
    """
    models: dict[str, list[Attempt]] = {}
    for each in log.attempts(hosted.id, scored=True):
        models.setdefault(str(each.model), []).append(each)
    owners = Counter(str(attempts[0].key) for attempts in models.values())
    found = []
    for done, (name, attempts) in enumerate(models.items()):
        if progress is not None:
            progress(done, len(models), name)
        standing = log.standing(hosted.id, name)
        # Which one counts rests on the public share alone.
        number = standing[0] if standing else attempts[-1].number
        counted = next(each for each in attempts if each.number == number)
        prediction = predictions(counted.bundle)
        public, private = (
            [score.row() for score in referee.scores(prediction, private=share)]
            for share in (False, True)
        )
        found.append(
            FinalModel(
                model=name,
                key=str(counted.key),
                attempts=len(attempts),
                line=int(number or 0),
                bundle=counted.bundle,
                was_released=standing is not None,
                models_of_key=owners[str(counted.key)],
                public=public,
                private=private,
            )
        )
    frozen = log.benchmark(hosted.id)
    return FinalScores(
        schema=FINAL_SCHEMA,
        benchmark=hosted,
        frozen=str(frozen and frozen[1]),
        models=sorted(found, key=_place),
        near_identical=near_identical(log, hosted.id),
    )


def _place(model: FinalModel) -> tuple[float, str]:
    value = model.private[0].value
    return (-value if value is not None else np.inf), model.model
