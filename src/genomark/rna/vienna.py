"""ViennaRNA: structures, free energies and probabilities of pairs of single RNAs.

What ViennaRNA keeps for a whole process stays behind `energies`: energies are computed inside of
``with energies(settings) as model:``, and what one caller sets there reaches no other.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError, UsageError
from genomark.rna.parameters import (
    DEFAULT_SET,
    PARAMETER_SETS,
    read_parameter_file,
    vienna_rna,
)
from genomark.rna.structure import dot_bracket, nested_partners

Method = Literal["mfe", "mea", "centroid"]
Floats = NDArray[np.float64]

#: Longest sequence that is folded, nt: memory grows with its square (to some 3 GB), time faster.
LONGEST = 20_000
#: Longest one of which all probabilities of pairs are told: 200 MB, and four times that meanwhile.
LONGEST_MATRIX = 5_000
_LETTERS = "ACGUN"
_ABSOLUTE_ZERO = -273.15
#: Seconds that a fold takes: this times a power of the length (measured from 50 to 2,500 nt).
_SECONDS, _POWER = 1.5e-7, 2.25

_lock = threading.Lock()


@dataclass(frozen=True)
class FoldSettings:
    """What energies, and so structures, depend on.

    Attributes
    ----------
    method : {"mfe", "mea", "centroid"}
        The structure of minimum free energy, that of maximum expected accuracy, or the one nearest
        to all others by their probabilities.
    temperature : float
        Degrees Celsius.
    dangles : {0, 1, 2, 3}
        How unpaired bases beside a helix count, as in ``RNAfold -d``. Probabilities, and so
        methods ``mea`` and ``centroid``, know 0 and 2 alone.
    parameters : str
        One of `PARAMETER_SETS`, or the path of a ViennaRNA parameter file; energies that the file
        does not tell are those of ``turner2004``.
    gamma : float
        Weight of pairs against unpaired bases, of ``mea`` (Do, Woods and Batzoglou 2006,
        Bioinformatics 22:e90).
    file_text : str
        What the parameter file said when the settings were made; else empty.

    Raises
    ------
    UsageError
        If there is no such method, set or file, or a number is out of range.
    """

    method: Method = "mfe"
    temperature: float = 37.0
    dangles: int = 2
    parameters: str = DEFAULT_SET
    gamma: float = 1.0
    file_text: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise UsageError(
                f"method={self.method}: expected {', '.join(get_args(Method)[:-1])} or "
                f"{get_args(Method)[-1]}"
            )
        if not (math.isfinite(self.temperature) and self.temperature > _ABSOLUTE_ZERO):
            raise UsageError(
                f"temperature={self.temperature:g}: expected degrees Celsius above {_ABSOLUTE_ZERO}"
            )
        if self.dangles not in range(4):
            raise UsageError(f"dangles={self.dangles}: expected 0, 1, 2 or 3")
        if self.method != "mfe" and self.dangles % 2:
            raise UsageError(
                f"method={self.method} with dangles={self.dangles}: probabilities of pairs are "
                "known for dangles=0 and dangles=2 alone"
            )
        if not (math.isfinite(self.gamma) and self.gamma > 0):
            raise UsageError(f"gamma={self.gamma:g}: expected a number above 0")
        if self.parameters not in PARAMETER_SETS:
            object.__setattr__(self, "file_text", read_parameter_file(self.parameters))


def rna_sequence(sequence: str, where: str, longest: int = LONGEST) -> str:
    """Read a sequence as RNA: in upper case, T as U.

    Parameters
    ----------
    sequence : str
    where : str
        What messages call it.
    longest : int
        Letters it may have.

    Raises
    ------
    UsageError
        If it is empty, too long, or has letters other than A, C, G, U, T and N.
    """
    read = sequence.upper().replace("T", "U")
    if not read:
        raise UsageError(f"{where}: an empty sequence; expected at least one base")
    if read.strip(_LETTERS):
        place = next(place for place, letter in enumerate(read) if letter not in _LETTERS)
        raise UsageError(
            f"{where}, position {place + 1}: letter {read[place]!r}; expected A, C, G, U (or T) "
            "and N"
        )
    if len(read) > longest:
        raise UsageError(
            f"{where}: {len(read):,} bases; expected at most {longest:,}, as memory grows with the "
            "square. Cut it into windows"
        )
    return read


def fold_seconds(length: int) -> float:
    """Give about how long a fold takes; it is counted with, so it is the same on all machines."""
    return float(_SECONDS * length**_POWER)


@dataclass(frozen=True)
class Ensemble:
    """What all structures of a sequence together tell of one of them.

    Attributes
    ----------
    energy : float
        Free energy of the ensemble, kcal/mol.
    probability : float
        Of the structure among all.
    diversity : float
        Mean distance of two structures drawn from the ensemble, in pairs that one of them has.
    agreement : ndarray of float64, shape (length,)
        For each base the probability of what the structure says of it: of its pair, or of being
        unpaired.
    """

    energy: float
    probability: float
    diversity: float
    agreement: Floats

    @property
    def defect(self) -> float:
        """Expected share of bases that are not as the structure says, 0 to 1.

        The normalised ensemble defect (Zadeh, Wolfe and Pierce 2011, J Comput Chem 32:439).
        """
        return float(1.0 - self.agreement.mean())


class EnergyModel:
    """Computes energies under some settings; `energies` makes one, for as long as it may be used.

    Sequences are those of `rna_sequence`.
    """

    def __init__(self, rna: Any, settings: FoldSettings) -> None:
        self._rna = rna
        self._settings = settings
        self._details = _details(rna, settings.temperature, settings.dangles)

    @property
    def method(self) -> Method:
        """How `fold` chooses a structure."""
        return self._settings.method

    def fold(self, sequence: str) -> tuple[str, float]:
        """Give the structure of the method that was chosen, and its free energy in kcal/mol."""
        if self._settings.method == "mfe":
            structure, energy = self._compound(sequence).mfe()
            return structure, round(energy, 2)
        compound, _ = self._filled(sequence)
        if self._settings.method == "mea":
            structure, _ = compound.MEA(self._settings.gamma)
        else:
            structure, _ = compound.centroid()
        return structure, round(compound.eval_structure(structure), 2)

    def fold_closed(self, sequence: str) -> str:
        """Give the structure of least energy among those in which the first base pairs the last."""
        compound = self._compound(sequence)
        flags = self._rna.CONSTRAINT_CONTEXT_ALL_LOOPS | self._rna.CONSTRAINT_CONTEXT_ENFORCE
        compound.hc_add_bp(1, len(sequence), flags)
        return str(compound.mfe()[0])

    def energy(self, sequence: str, structure: str) -> float:
        """Give the free energy of a structure, kcal/mol; pairs not written ``()`` are left out."""
        nested = _nested(sequence, structure)
        return round(float(self._compound(sequence).eval_structure(nested)), 2)

    def energy_gap(self, sequence: str, structure: str, most: float = 4.0) -> float:
        """Give how far the best other structure lies above one, kcal/mol; or `most` where further.

        Negative where another structure has less energy.
        """
        nested = _nested(sequence, structure)
        energy = self.energy(sequence, nested)
        best, lowest = self._compound(sequence).mfe()
        if best != nested:
            # There may be more structures below this one than can be listed.
            return float(round(lowest - energy, 2))
        for within in (0.5, 1.0, 2.0, most):
            compound = self._rna.fold_compound(
                sequence, _details(self._rna, self._settings.temperature, self._settings.dangles, 1)
            )
            found = compound.subopt(round(100 * within))
            others = [each.energy for each in found if each.structure != nested]
            if others:
                return float(min(round(min(others) - energy, 2), most))
        return most

    def pair_probabilities(self, sequence: str) -> Floats:
        """Give the probability of each pair, float64[length, length], above the diagonal."""
        return _matrix(self._filled(sequence)[0])

    def ensemble(self, sequence: str, structure: str) -> Ensemble:
        """Give what all structures tell of one; pairs not written ``()`` are left out."""
        nested = _nested(sequence, structure)
        compound, energy = self._filled(sequence)
        upper = _matrix(compound)
        both = upper + upper.T
        partner = nested_partners(nested)
        unpaired = 1.0 - both.sum(axis=1)
        paired = both[np.arange(len(partner)), partner]
        return Ensemble(
            energy=energy,
            probability=float(compound.pr_structure(nested)),
            diversity=float(compound.mean_bp_distance()),
            agreement=np.clip(np.where(partner < 0, unpaired, paired), 0.0, 1.0),
        )

    def _compound(self, sequence: str) -> Any:
        return self._rna.fold_compound(sequence, self._details)

    def _filled(self, sequence: str) -> tuple[Any, float]:
        """Compute the partition function; also give the free energy of the ensemble."""
        if self._settings.dangles % 2:
            raise UsageError(
                f"dangles={self._settings.dangles}: probabilities of pairs are known for dangles=0 "
                "and dangles=2 alone"
            )
        compound = self._compound(sequence)
        # Without an energy to scale by, sums over all structures of a long sequence overflow.
        compound.exp_params_rescale(compound.mfe()[1])
        _, energy = compound.pf()
        return compound, float(energy)


def _matrix(compound: Any) -> Floats:
    # Row and column 0 are none: ViennaRNA counts from 1.
    return np.array(compound.bpp(), dtype=np.float64)[1:, 1:]


def _nested(sequence: str, structure: str) -> str:
    if len(structure) != len(sequence):
        raise UsageError(
            f"a structure of {len(structure):,} symbols for a sequence of {len(sequence):,}; "
            "expected as many"
        )
    return dot_bracket(nested_partners(structure))


def _details(rna: Any, temperature: float, dangles: int, unique: int = 0) -> Any:
    """Tell ViennaRNA all of the model: what is left out it takes from variables of the process.

    `unique` is for structures that are listed: multiloops are then built in one way each.
    """
    return rna.md(
        temperature=temperature,
        betaScale=1.0,
        pf_smooth=1,
        dangles=dangles,
        special_hp=1,
        noLP=0,
        noGU=0,
        noGUclosure=0,
        logML=0,
        circ=0,
        gquad=0,
        uniq_ML=unique,
        energy_set=0,
        backtrack=1,
        compute_bpp=1,
        max_bp_span=-1,
        min_loop_size=3,
        sfact=1.07,
        salt=1.021,
    )


@contextmanager
def energies(settings: FoldSettings) -> Iterator[EnergyModel]:
    """Compute energies: parameters are loaded once, for all that is done inside.

    One caller at a time is inside, whatever its thread; do not nest. ViennaRNA has its default set
    of parameters afterwards.

    Raises
    ------
    UsageError
        If ViennaRNA is not installed.
    ModelError
        If it refuses a parameter file.
    """
    rna = vienna_rna()
    with _lock:
        try:
            _load(rna, settings)
            yield EnergyModel(rna, settings)
        finally:
            if settings.parameters != DEFAULT_SET:
                _load(rna, FoldSettings())


def _load(rna: Any, settings: FoldSettings) -> None:
    """Load energies; 3 ms."""
    name = DEFAULT_SET if settings.file_text else settings.parameters
    loaded = getattr(rna, PARAMETER_SETS[name])()
    if loaded and settings.file_text:
        # A file need not tell all energies: the others must not be those of whoever came before.
        loaded = rna.params_load_from_string(settings.file_text, "file")
    if not loaded:
        raise ModelError(f"ViennaRNA refuses the parameters '{settings.parameters}'")
    # ViennaRNA keeps the energies that it scaled last, and takes them for those of another set if
    # the temperature is the same: another temperature in between makes it forget them.
    elsewhere = _details(rna, settings.temperature + 1.0, settings.dangles)
    rna.param(elsewhere)
    rna.exp_param(elsewhere)


def fold_all(job: tuple[FoldSettings, Sequence[str]]) -> list[tuple[str, float]]:
    """Fold sequences of `rna_sequence` under the same settings."""
    settings, sequences = job
    with energies(settings) as model:
        return [model.fold(sequence) for sequence in sequences]


def pair_probabilities_of_all(job: tuple[FoldSettings, Sequence[str]]) -> list[Floats]:
    """Give the probabilities of pairs of sequences, as `EnergyModel.pair_probabilities`."""
    settings, sequences = job
    with energies(settings) as model:
        return [model.pair_probabilities(sequence) for sequence in sequences]


def ensembles_of_all(job: tuple[FoldSettings, Sequence[tuple[str, str]]]) -> list[Ensemble]:
    """Give what all structures tell of one of each sequence, as `EnergyModel.ensemble`."""
    settings, folded = job
    with energies(settings) as model:
        return [model.ensemble(sequence, structure) for sequence, structure in folded]
