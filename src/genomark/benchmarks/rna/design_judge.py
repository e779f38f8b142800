"""Judging designs: sequences are folded again, where the designer cannot reach."""

from __future__ import annotations

import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from genomark.errors import ModelError
from genomark.rna.vienna import FoldSettings, energies

#: Sequences of one answer that are looked at.
MOST = 10
BASES = "ACGU"
#: How often the process may die over the same sequences.
_TRIES = 2

#: Why there is nothing to fold.
NOTHING = "no sequence was given"
LETTERS = f"letters other than {', '.join(BASES[:-1])} and {BASES[-1]}"
LENGTH = "a sequence not as long as the structure"


@dataclass(frozen=True)
class Verdict:
    """What became of the sequences that were given for one structure.

    Attributes
    ----------
    reason : str or None
        Why none of them could be folded; all below is then None.
    sequence : str or None
        The first that folds into the target, else the first of those that come nearest.
    structure : str or None
        What it folds into.
    distance : int or None
        Symbols of `structure` that are not those of the target.
    mfe : float or None
        Free energy of `structure`, kcal/mol.
    ensemble_defect : float or None
        Expected share of bases that are not as in the target, 0 to 1.
    gc : float or None
        Share of G and C.
    """

    reason: str | None = None
    sequence: str | None = None
    structure: str | None = None
    distance: int | None = None
    mfe: float | None = None
    ensemble_defect: float | None = None
    gc: float | None = None


class Judge:
    """Folds designs again: ViennaRNA, minimum free energy, default settings.

    It does so in a process of its own, which starts with the first, stays, and ends with this
    object or with this process.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def verdict(self, target: str, given: Sequence[str]) -> Verdict:
        """Judge what was given for a target: the first `MOST`, and none after one that solves it.

        Raises
        ------
        ModelError
            If the process dies over it, twice.
        """
        reasons = [_why_not(sequence, target) for sequence in given[:MOST]]
        sound = [each for each, reason in zip(given, reasons, strict=False) if reason is None]
        if not sound:
            return Verdict(reason=next(iter(reasons), NOTHING))
        question = msgspec.json.encode((target, sound))
        for _ in range(_TRIES):
            answer = self._ask(question)
            if answer:
                return msgspec.json.decode(answer, type=Verdict)
            self._process = None
        raise ModelError(
            f"folding {len(sound)} sequences of {len(target)} bases again: the process that does "
            f"it died {_TRIES} times (killed, or out of memory); run again to go on"
        )

    def _ask(self, question: bytes) -> bytes:
        """Give the answer of the process, or nothing if it has died."""
        if self._process is None:
            self._process = _started()
            weakref.finalize(self, _end, self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(question + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return b""
        return self._process.stdout.readline()


def _started() -> subprocess.Popen[bytes]:
    # Not a pool: this may be a worker that is killed at the end, and would leave semaphores behind.
    serving = f"from {__name__} import serve; serve()"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", serving], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def serve() -> None:
    """Answer questions from standard input, a line each, until there are no more."""
    # Ctrl-C goes to the whole group; it is the parent that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        target, sequences = msgspec.json.decode(line, type=tuple[str, list[str]])
        sys.stdout.buffer.write(msgspec.json.encode(nearest(target, sequences)) + b"\n")
        sys.stdout.buffer.flush()


def _why_not(sequence: str, target: str) -> str | None:
    if sequence.strip(BASES):
        return LETTERS
    return None if len(sequence) == len(target) else LENGTH


def nearest(target: str, sequences: Sequence[str]) -> Verdict:
    """Fold sequences as long as the target, until one folds into it.

    The distance is the number of symbols that differ (Hamming distance of dot-bracket strings).
    """
    best: tuple[int, str, str, float] | None = None
    with energies(FoldSettings()) as model:
        for sequence in sequences:
            structure, energy = model.fold(sequence)
            distance = sum(a != b for a, b in zip(structure, target, strict=True))
            if best is None or distance < best[0]:
                best = distance, sequence, structure, energy
            if distance == 0:
                break
        assert best is not None
        distance, sequence, structure, energy = best
        return Verdict(
            sequence=sequence,
            structure=structure,
            distance=distance,
            mfe=energy,
            ensemble_defect=model.ensemble(sequence, target).defect,
            gc=sum(base in "GC" for base in sequence) / len(sequence),
        )
