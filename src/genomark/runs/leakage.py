"""What the models of a run saw of its benchmarks in training, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomark.benchmarks import Asking, Benchmark
from genomark.benchmarks.leakage_panel import leakage_panel
from genomark.benchmarks.scored import Scored
from genomark.benchmarks.seen_items import (
    COVERAGE,
    IDENTITY,
    OVERLAP,
    SeenItems,
    seen_items,
)
from genomark.digests import digest_of, digest_of_file
from genomark.errors import GenomarkError, one_line
from genomark.models import Model, TrainingSplit
from genomark.models.training_data import (
    NoTraining,
    OwnTraining,
    TrainingData,
    TrainingRegions,
    TrainingSequences,
    UnknownTraining,
    declared_training,
    in_words,
)
from genomark.models.training_material import TrainingMaterial, training_material
from genomark.scoring import Leakage

#: Letters of items and training sequences together that a run looks through by itself.
MOST_LETTERS = 50_000_000
#: Of how many benchmarks and training data what was found is kept for further models.
_KEPT = 8
#: Raised whenever the same training data are read or compared in another way: kept panels are then
#: made again.
_RULES = 2


@dataclass(frozen=True)
class Learned:
    """What the model of an evaluation was trained on.

    Attributes
    ----------
    parts : tuple of TrainingData
        As declared, and the split that genomark fitted it on.
    own : callable or None
        Gives the sequences of that split.
    """

    parts: tuple[TrainingData, ...]
    own: Callable[[], Sequence[str]] | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether nothing at all is known."""
        return all(isinstance(part, UnknownTraining) for part in self.parts)

    @property
    def words(self) -> str:
        """What a Result says."""
        return "; ".join(map(in_words, self.parts))

    @property
    def can_have_seen(self) -> bool:
        """Whether there is anything to compare items with."""
        return not all(isinstance(part, UnknownTraining | NoTraining) for part in self.parts)

    def digest(self) -> str:
        """Digest of the declaration, and of the files it names that are at hand."""
        found: list[Any] = []
        for part in self.parts:
            source = part.source if isinstance(part, TrainingRegions | TrainingSequences) else ""
            here = Path(source) if source else None
            found.append([part, digest_of_file(here) if here and here.is_file() else None])
        return digest_of([found, IDENTITY, COVERAGE, OVERLAP, _RULES])


#: Of a model that nobody says anything of.
UNKNOWN = Learned((UnknownTraining(),))


def learned(
    benchmark: Benchmark,
    model: Model,
    split: TrainingSplit | None,
    limit: int | None,
    told: TrainingData | None = None,
) -> Learned:
    """Say what a model was trained on before it is asked.

    Parameters
    ----------
    benchmark : Benchmark
    model : Model
    split : TrainingSplit or None
        That `benchmark.identify` gave.
    limit : int or None
        Of the items.
    told : TrainingData, optional
        Stands for what the model itself declares.

    Notes
    -----
    A model that declares nothing and is fitted here may have been trained elsewhere before: what
    learns from its split alone says so (`NoTraining`).
    """
    declared = declared_training(model) if told is None else told
    if split is not None:
        own = OwnTraining(split.name, len(split.sequences), split.digest)
        return Learned(_with(declared, own), lambda: split.sequences)
    task = benchmark.learned(model, limit)
    if task is None:
        return Learned((declared,))
    sequences = (*task.train.sequences, *task.valid.sequences)
    own = OwnTraining(f"the training part of {benchmark.id}", len(sequences), task.digest)
    return Learned(_with(declared, own), lambda: sequences)


def _with(declared: TrainingData, own: OwnTraining) -> tuple[TrainingData, ...]:
    return (own,) if isinstance(declared, NoTraining) else (declared, own)


class LeakagePanels:
    """Makes panels; what several models of a benchmark were trained on is looked through once.

    Parameters
    ----------
    threads : int
        No number depends on it.
    note : callable
        Takes one line on how far it has come.
    """

    def __init__(self, threads: int, note: Callable[[str], None]) -> None:
        self._threads = threads
        self._note = note
        self._seen: dict[tuple[str, int | None, str], SeenItems] = {}
        #: The last one alone: of a large set there is no room for two.
        self._material: tuple[str, TrainingMaterial] | None = None
        self._refused: dict[str, int] = {}

    def panel(
        self,
        benchmark: Benchmark,
        limit: int | None,
        learned: Learned,
        scored: Scored,
        asking: Asking,
    ) -> Leakage | None:
        """Make the panel of one model; None where there is nothing to tell.

        What stands in the way, such as a file that is not there, is told in it.
        """
        if not learned.can_have_seen:
            return None
        told = [in_words(part) for part in learned.parts]
        metric, digest = benchmark.headlines[0], learned.digest()
        try:
            seen = self._seen_items(benchmark, limit, learned, digest)
        except GenomarkError as error:
            return _unmade(told, metric, digest, one_line(error))
        if isinstance(seen, str):
            return _unmade(told, metric, digest, seen)
        return leakage_panel(scored, asking, seen, metric, told, digest)

    def _seen_items(
        self, benchmark: Benchmark, limit: int | None, learned: Learned, digest: str
    ) -> SeenItems | str:
        key = benchmark.digest, limit, digest
        if key in self._seen:
            return self._seen[key]
        material = benchmark.material(limit)
        if material is None:
            return "cannot be compared yet: the benchmark does not tell the sequences of its items"
        asked = int(material.items["sequence"].drop_nulls().unique().str.len_bytes().sum())
        training = self._training(learned, digest, asked)
        if isinstance(training, int):
            return (
                f"{asked + training:,} letters are too many to look through in a run: genomark "
                "leakage looks through any number"
            )
        done, total = 0, len(training.sequences)

        def progress(more: int) -> None:
            nonlocal done
            done += more
            self._note(f"{benchmark.id}: {done:,} of {total:,} training sequences compared")

        found = seen_items(material, training, threads=self._threads, progress=progress)
        while len(self._seen) >= _KEPT:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = found
        return found

    def _training(self, learned: Learned, digest: str, asked: int) -> TrainingMaterial | int:
        """Read training data; or count their letters, where these are too many beside `asked`."""
        if self._material is not None and self._material[0] == digest:
            training = self._material[1]
        else:
            # Both would be held at once otherwise.
            self._material = None
            letters = self._refused.get(digest, 0) or _fitted_letters(learned)
            if letters and asked + letters > MOST_LETTERS:
                return letters
            training = training_material(learned.parts, learned.own)
        letters = sum(map(len, training.sequences))
        if letters and asked + letters > MOST_LETTERS:
            self._refused[digest] = letters
            return letters
        self._material = digest, training
        return training


def _fitted_letters(learned: Learned) -> int:
    """Count the letters of what genomark fitted a model on, which are at hand without a file."""
    return 0 if learned.own is None else sum(map(len, learned.own()))


def _unmade(told: list[str], metric: str, digest: str, reason: str) -> Leakage:
    return Leakage(
        training_data=told,
        digest=digest,
        complete=False,
        share=None,
        interval=None,
        reason_if_null=reason,
        n=0,
        n_distinct=0,
        seen=0,
        exact=0,
        identity=IDENTITY,
        coverage=COVERAGE,
        overlap=OVERLAP,
        metric=metric,
    )


def needs_panel(settings: Mapping[str, Any], kept: Leakage | None, learned: Learned) -> bool:
    """Whether what a kept result says of training is not what is known now."""
    if learned.is_unknown:
        return kept is not None or "training_data" in settings
    if settings.get("training_data") != learned.words:
        return True
    return learned.can_have_seen and (kept is None or kept.digest != learned.digest())
