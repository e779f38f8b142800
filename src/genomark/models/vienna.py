"""``vienna``: ViennaRNA folds RNA (Lorenz et al. 2011, Algorithms Mol Biol 6:26)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from genomark.digests import digest_of
from genomark.models.capabilities import Fold
from genomark.rna.parameters import vienna_rna
from genomark.rna.pool import cores, in_worker, shared_pool
from genomark.rna.vienna import (
    LONGEST,
    LONGEST_MATRIX,
    Ensemble,
    Floats,
    FoldSettings,
    Method,
    ensembles_of_all,
    fold_all,
    fold_seconds,
    pair_probabilities_of_all,
    rna_sequence,
)
from genomark.scoring import ModelIdentity

#: Raise it when structures change, so that no old answer is taken for a new one.
_VERSION = "1"
#: What probabilities take, where the structure of minimum free energy takes 1.
_ENSEMBLE = 4.0
#: Work handed to a process at once, and below which none is asked: seconds.
_CHUNK, _WORTH_A_PROCESS, _WORTH_STARTING_ONE = 0.2, 0.05, 1.5

Item = TypeVar("Item", str, tuple[str, str])
Answer = TypeVar("Answer")
Progress = Callable[[int], None]


class Vienna:
    """Fold with ViennaRNA, on all cores.

    Parameters
    ----------
    method : {"mfe", "mea", "centroid"}
        Minimum free energy, maximum expected accuracy, or the centroid.
    temperature : float
        Degrees Celsius.
    dangles : int
        0, 1, 2 or 3, as in ``RNAfold -d``.
    parameters : str
        ``turner2004``, ``turner1999``, ``andronescu2007``, ``langdon2018``, or a parameter file.
    gamma : float
        Weight of pairs, of ``mea``.
    workers : int
        Processes, 0 for one a core. No answer depends on it.
    """

    def __init__(
        self,
        method: Method = "mfe",
        temperature: float = 37.0,
        dangles: int = 2,
        parameters: str = "turner2004",
        gamma: float = 1.0,
        workers: int = 0,
    ) -> None:
        self._rna_version = str(vienna_rna().__version__)
        self.settings = FoldSettings(method, temperature, dangles, parameters, gamma)
        self._workers = workers

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by all settings but the number of workers, and by the version of ViennaRNA."""
        usual = FoldSettings()
        told = {"method": "", "temperature": "g", "dangles": "", "parameters": "", "gamma": "g"}
        if self.settings.method != "mea":
            del told["gamma"]
        values = {name: getattr(self.settings, name) for name in told}
        changed = ",".join(
            f"{name}={value:{told[name]}}"
            for name, value in values.items()
            if value != getattr(usual, name)
        )
        version = f"{_VERSION}@ViennaRNA-{self._rna_version}"
        return ModelIdentity(
            id=f"vienna:{changed}" if changed else "vienna",
            version=version,
            digest=digest_of(
                {
                    "vienna": version,
                    **values,
                    # The same file is the same model wherever it lies.
                    "parameters": self.settings.file_text or self.settings.parameters,
                }
            ),
        )

    def fold(self, sequences: Sequence[str], progress: Progress = lambda done: None) -> list[Fold]:
        """Fold sequences; those that are equal once, the longest first.

        Raises
        ------
        UsageError
            If a sequence is empty, has letters that are no bases, or over 20,000 of them.
        ModelError
            If ViennaRNA takes its process down.
        """
        read = _read(sequences, LONGEST)
        work = 1.0 if self.settings.method == "mfe" else _ENSEMBLE
        return [Fold(*each) for each in self._each(fold_all, read, work, progress)]

    def pair_probabilities(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> list[Floats]:
        """Give the probability of each pair, float64[length, length], above the diagonal.

        Raises
        ------
        UsageError
            As of `fold`, for more than 5,000 letters, and for ``dangles`` 1 and 3.
        ModelError
            As of `fold`.
        """
        read = _read(sequences, LONGEST_MATRIX)
        return self._each(pair_probabilities_of_all, read, _ENSEMBLE, progress)

    def ensembles(
        self,
        sequences: Sequence[str],
        structures: Sequence[str],
        progress: Progress = lambda done: None,
    ) -> list[Ensemble]:
        """Give what all structures of a sequence tell of one of them.

        Raises
        ------
        UsageError, ModelError
            As of `pair_probabilities`; also if a structure is none of its sequence.
        """
        read = list(zip(_read(sequences, LONGEST_MATRIX), structures, strict=True))
        return self._each(ensembles_of_all, read, _ENSEMBLE, progress)

    def _each(
        self,
        function: Callable[[tuple[FoldSettings, Sequence[Item]]], list[Answer]],
        items: Sequence[Item],
        work: float,
        progress: Progress,
    ) -> list[Answer]:
        """Compute an answer for each item, in order, here or in the pool."""
        rows: dict[Item, list[int]] = {}
        for row, item in enumerate(items):
            rows.setdefault(item, []).append(row)
        # The longest last would leave all processes but one idle.
        chunks = list(_chunks(sorted(rows, key=_length, reverse=True), work))
        answers: list[Answer | None] = [None] * len(items)
        for place, found in self._results(function, chunks, work):
            for item, answer in zip(chunks[place], found, strict=True):
                for row in rows[item]:
                    answers[row] = answer
                progress(len(rows[item]))
        return answers  # type: ignore[return-value]

    def _results(
        self,
        function: Callable[[tuple[FoldSettings, Sequence[Item]]], list[Answer]],
        chunks: Sequence[Sequence[Item]],
        work: float,
    ) -> Iterator[tuple[int, list[Answer]]]:
        jobs = [(self.settings, chunk) for chunk in chunks]
        seconds = sum(_seconds(item, work) for chunk in chunks for item in chunk)
        workers = self._workers or cores()
        pool = shared_pool(workers)
        worth = _WORTH_A_PROCESS if pool.warm else _WORTH_STARTING_ONE
        # A single worker is still a process of its own, as a fold of an hour would not notice
        # Ctrl-C here; unless this is somebody's worker already.
        if seconds < worth or (workers == 1 and in_worker()):
            return ((place, function(job)) for place, job in enumerate(jobs))
        return pool.results(function, jobs, _described)


def _read(sequences: Sequence[str], longest: int) -> list[str]:
    return [
        rna_sequence(sequence, f"sequence {row + 1}", longest)
        for row, sequence in enumerate(sequences)
    ]


def _length(item: str | tuple[str, str]) -> int:
    return len(item if isinstance(item, str) else item[0])


def _seconds(item: str | tuple[str, str], work: float) -> float:
    return work * fold_seconds(_length(item))


def _chunks(items: Sequence[Item], work: float) -> Iterator[list[Item]]:
    """Cut into runs of similar work."""
    chunk: list[Item] = []
    seconds = 0.0
    for item in items:
        chunk.append(item)
        seconds += _seconds(item, work)
        if seconds >= _CHUNK:
            yield chunk
            chunk, seconds = [], 0.0
    if chunk:
        yield chunk


def _described(job: tuple[FoldSettings, Sequence[str | tuple[str, str]]]) -> str:
    """Tell of a chunk by its longest, which comes first."""
    _, items = job
    first = items[0] if isinstance(items[0], str) else items[0][0]
    return f"folding {first[:20]}... ({len(first):,} nt) and {len(items) - 1:,} shorter ones"
