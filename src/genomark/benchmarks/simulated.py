"""Enhancers whose rules are known: the answer against which the pipeline itself is checked.

Needs no data and no network. Sequences are random with planted binding sites; activity follows a
thermodynamic occupancy model, and the noise added to it is known, so the best correlation that any
model can reach is known too. `docs/design/simulated-enhancers.md` states the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.material import Material
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.models import TrainingSplit
from genomark.protocol import PredictionTask, PredictRequest
from genomark.scoring import ScoringRule, metric

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SEED = 20190808
_LENGTH = 200
_TRAIN, _TEST = 2000, 1000
_NOISE = 0.5
_LETTERS = np.array(list("ACGT"))

_TASK = PredictionTask(
    name="simulated_activity",
    type="expression",
    cell_type="simulated",
    species="synthetic",
    scale="log",
)


@dataclass(frozen=True)
class Factor:
    """A DNA-binding factor of the simulation.

    Attributes
    ----------
    site : str
        Preferred site.
    mismatch : float
        Cost of each mismatch, kT.
    threshold : float
        Energy (kT above the best site's) at which one site is bound half of the time.
    effect : float
        What full occupancy adds to the activity, log2.
    """

    site: str
    mismatch: float
    threshold: float
    effect: float


#: Sites after GATA1, SP1, AP-1, ETS, NRF1, YY1 and the repressor GFI1.
FACTORS = (
    Factor("AGATAAG", 2.0, 1.0, 1.2),
    Factor("GGGGCGGGG", 1.8, 2.0, 0.8),
    Factor("TGACTCA", 2.2, 1.0, 1.5),
    Factor("CCGGAAGT", 2.0, 1.5, 1.0),
    Factor("GCGCATGCGC", 1.6, 2.5, 1.1),
    Factor("AAGATGGCGGC", 1.6, 2.5, 0.7),
    Factor("AAATCACTGC", 1.8, 2.0, -1.4),
)


class SimulatedEnhancers(PredictorBenchmark):
    """Activity of 1,000 simulated enhancers of 200 bp, with 2,000 more to train on."""

    id = "simulated-enhancers"
    version = "1"
    title = "activity of simulated enhancers with a known ceiling"
    citation = "genomark, docs/design/simulated-enhancers.md"
    rule = ScoringRule(metrics=("pearson", "spearman"), cluster="sequences")

    @cached_property
    def items(self) -> pl.DataFrame:
        """The test part."""
        return self._simulated[_TRAIN:].with_columns(task=pl.lit(_TASK.name), cluster="item_id")

    def request(self, items: pl.DataFrame) -> PredictRequest:
        """Ask for the activity of each sequence."""
        return PredictRequest(
            readout="point",
            prediction_tasks=[_TASK],
            sequences=dict(items.select("item_id", "sequence").iter_rows()),
        )

    def training_split(self) -> TrainingSplit:
        """The training part, with the same noise."""
        train = self._simulated[:_TRAIN]
        return TrainingSplit(
            name=f"{self.id} train",
            sequences=train["sequence"].to_list(),
            values=train["truth"].to_numpy(),
            groups=train["item_id"].to_list(),
        )

    @property
    def ceiling(self) -> Mapping[str, float]:
        """Correlation of the noise-free activity with what was "measured"."""
        known = self.items["noise_free"].to_numpy()
        measured = self.items["truth"].to_numpy()
        values = {name: metric(name).value(known, measured)[0] for name in self.rule.metrics}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def _simulated(self) -> pl.DataFrame:
        return simulate(_TRAIN + _TEST, _SEED)

    def material(self, limit: int | None = None) -> Material:
        """Give the sequences."""
        return Material.of(self.selected(limit))

    def _wording(self) -> PredictionTask:
        return _TASK


def simulate(n: int, seed: int) -> pl.DataFrame:
    """Draw enhancers and measure them.

    Parameters
    ----------
    n : int
        Number of sequences.
    seed : int

    Returns
    -------
    polars.DataFrame
        Columns `item_id`, `sequence`, `noise_free` and `truth` (log2, rounded to 1e-6 so that the
        last digit of a platform's exponential does not change the benchmark).
    """
    # RandomState's streams are frozen for ever; those of Generator may change between versions.
    random = np.random.RandomState(seed)
    codes = random.randint(0, 4, size=(n, _LENGTH))
    for row in codes:
        _plant_sites(row, random)
    noise_free = sum(factor.effect * occupancy(codes, factor) for factor in FACTORS)
    measured = noise_free + random.normal(0.0, _NOISE, size=n)
    return pl.DataFrame(
        {
            "item_id": [f"enhancer{number:05d}" for number in range(n)],
            "sequence": ["".join(row) for row in _LETTERS[codes]],
            "noise_free": np.round(noise_free, 6),
            "truth": np.round(measured, 6),
        }
    )


def occupancy(codes: Codes, factor: Factor) -> Floats:
    """Probability that at least one site of a sequence is bound, at equilibrium.

    Each window on each strand is a site with energy ``mismatch * (number of mismatches)``; the
    binding sites of one factor compete, so the occupancy is ``Z / (1 + Z)`` with
    ``Z = sum over windows of exp(threshold - energy)`` (Bintu et al. 2005).

    Parameters
    ----------
    codes : ndarray of int64, shape (n, length)
        Bases as 0 to 3.
    factor : Factor

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    partition = np.zeros(codes.shape[0])
    for site in (_site_codes(factor), 3 - _site_codes(factor)[::-1]):
        windows = np.lib.stride_tricks.sliding_window_view(codes, site.size, axis=1)
        mismatches = (windows != site).sum(axis=2)
        partition += np.exp(factor.threshold - factor.mismatch * mismatches).sum(axis=1)
    return partition / (1.0 + partition)


def _plant_sites(row: Codes, random: np.random.RandomState) -> None:
    """Plant 0 to 5 sites, either strand, each base mutated with probability 0.05."""
    for _ in range(random.randint(0, 6)):
        site = _site_codes(FACTORS[random.randint(len(FACTORS))])
        if random.randint(2):
            site = 3 - site[::-1]
        start = random.randint(_LENGTH - site.size + 1)
        mutated = random.random_sample(site.size) < 0.05
        row[start : start + site.size] = np.where(mutated, random.randint(0, 4, site.size), site)


def _site_codes(factor: Factor) -> Codes:
    return np.searchsorted(_LETTERS, list(factor.site))
