"""How often 95 % intervals hold the truth, on simulated data.

The tables of docs/design/statistics.md:

    python benchmarks/interval_coverage.py --data-sets 4000

takes about twenty minutes; of so many data sets a share has a standard error of 0.35 points. Truth
and errors of a cluster's items share `ICC` of their variance; clusters have 8 to 20 items.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from genomark.bars import bar
from genomark.scoring import METRICS, REPLICATES
from genomark.scoring.intervals import Interval, interval, percentiles, resting_on

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Predictions, truth and clusters.
Items = tuple[Floats, Floats, Integers]
ICC = 0.3
SMALLEST, LARGEST = 8, 20
#: Degrees of freedom of heavy tails: their kurtosis is 9.
HEAVY = 5
CORRELATIONS = (0.3, 0.6, 0.9)
AREAS = ((0.7, 0.5), (0.9, 0.5), (0.7, 0.1), (0.9, 0.1))


@dataclass(frozen=True)
class Design:
    """Independent items, or clusters of like ones."""

    size: int
    clustered: bool

    def __str__(self) -> str:
        return f"{self.size} {'clusters' if self.clustered else 'items'}"

    def clusters(self, random: np.random.Generator) -> Integers:
        each = random.integers(SMALLEST, LARGEST + 1, self.size) if self.clustered else 1
        return np.repeat(np.arange(self.size), each)


DESIGNS = (
    *(Design(size, False) for size in (50, 500)),
    *(Design(size, True) for size in (10, 21, 50)),
)


def noise(random: np.random.Generator, n: int, heavy: bool) -> Floats:
    """Of variance 1."""
    if not heavy:
        return random.normal(size=n)
    return random.standard_t(HEAVY, n) / np.sqrt(HEAVY / (HEAVY - 2))


def alike(random: np.random.Generator, clusters: Integers, design: Design, heavy: bool) -> Floats:
    """Noise of variance 1 that items of one cluster share a part of."""
    if not design.clustered:
        return noise(random, clusters.size, heavy)
    shared = noise(random, design.size, heavy)[clusters]
    return np.sqrt(ICC) * shared + np.sqrt(1 - ICC) * noise(random, clusters.size, heavy)


def correlated(
    random: np.random.Generator, design: Design, correlation: float, heavy: bool
) -> Items:
    clusters = design.clusters(random)
    truth, error = (alike(random, clusters, design, heavy) for _ in range(2))
    return correlation * truth + np.sqrt(1 - correlation**2) * error, truth, clusters


def two_classes(random: np.random.Generator, design: Design, area: float, share: float) -> Items:
    """Scores that are normal in either class, as far apart as the area under the curve says."""
    clusters = design.clusters(random)
    while True:
        trait, error = (alike(random, clusters, design, False) for _ in range(2))
        truth = (trait > stats.norm.ppf(1 - share)).astype(float)
        if 0 < truth.sum() < truth.size:
            return error + np.sqrt(2) * stats.norm.ppf(area) * truth, truth, clusters


def true_spearman(design: Design, correlation: float, heavy: bool) -> float:
    """Of a bivariate normal in closed form (Pearson 1907), else of two million items."""
    if not heavy:
        return float(6 / np.pi * np.arcsin(correlation / 2))
    many = Design(2_000_000, design.clustered)
    random, clusters = np.random.default_rng(0), np.arange(many.size)
    truth, error = (alike(random, clusters, many, heavy) for _ in range(2))
    value = correlation * truth + np.sqrt(1 - correlation**2) * error
    return float(stats.spearmanr(value, truth).statistic)


def interval_of(name: str, items: Items, seed: int) -> Interval | None:
    """As `genomark.scoring.score` makes it."""
    value, truth, clusters = items
    found, _ = METRICS[name].value(value, truth)
    drawn = METRICS[name].replicates(value, truth, clusters, REPLICATES, seed)
    n = resting_on(truth > 0.5, clusters) if name == "auroc" else clusters.max() + 1
    return None if found is None else interval(name, found, drawn, n, items=truth.size)


def holds(found: Interval | None, truth: float) -> bool:
    return found is not None and found[0] <= truth <= found[1]


class Table:
    """Shares of data sets, one line a design."""

    def __init__(self, data_sets: int, seed: int) -> None:
        self.data_sets, self.seed = data_sets, seed
        columns = 4 * len(CORRELATIONS) + len(AREAS) + 2
        self._bar = bar(len(DESIGNS) * columns * data_sets, "items")
        self._done = 0

    def draws(self, design: Design, name: str, metrics: int = 1) -> list[np.random.Generator]:
        """Give a generator for each data set, and say how far the whole is."""
        self._bar.show(self._done, f"{design}, {name}")
        self._done += self.data_sets * metrics
        kind = "cl" if design.clustered else "ind"
        what, _, rest = name.partition("_")
        key = self.seed + zlib.crc32(f"{what}_{kind}{design.size}_{rest}_{ICC}".encode())
        return [np.random.default_rng((key, each)) for each in range(self.data_sets)]

    def correlations(self, design: Design, heavy: bool) -> list[list[float]]:
        """Shares for Pearson and for Spearman, a column for each true correlation."""
        names, columns = ("pearson", "spearman"), []
        tails = "heavy" if heavy else "normal"
        for correlation in CORRELATIONS:
            true = correlation, true_spearman(design, correlation, heavy)
            held = np.zeros(2)
            for seed, random in enumerate(self.draws(design, f"corr_{correlation}_{tails}", 2)):
                items = correlated(random, design, correlation, heavy)
                held += [
                    holds(interval_of(name, items, seed), each)
                    for name, each in zip(names, true, strict=True)
                ]
            columns.append(list(held / self.data_sets))
        return [list(each) for each in zip(*columns, strict=True)]

    def areas(self, design: Design) -> list[float]:
        """Shares for AUROC, a column for each area and share of positives."""
        shares = []
        for area, share in AREAS:
            held = 0
            for seed, random in enumerate(self.draws(design, f"auroc_{area}_{share}")):
                items = two_classes(random, design, area, share)
                held += holds(interval_of("auroc", items, seed), area)
            shares.append(held / self.data_sets)
        return shares

    def differences(self, design: Design) -> list[float]:
        """Shares for the difference of two models that share half of their errors' variance."""
        shares = []
        for name in ("pearson", "auroc"):
            held = 0
            for seed, random in enumerate(self.draws(design, f"difference_{name}")):
                first, second, true = two_models(random, design, name)
                a, b = (
                    METRICS[name].replicates(*each, REPLICATES, seed) for each in (first, second)
                )
                held += holds(percentiles(a - b, design.size), true)
            shares.append(held / self.data_sets)
        return shares

    def close(self) -> None:
        self._bar.close()


def two_models(
    random: np.random.Generator, design: Design, name: str
) -> tuple[Items, Items, float]:
    """Two models that follow the truth with slopes of 1 and 0.8, and how far they are apart."""
    if name == "auroc":
        _, truth, clusters = two_classes(random, design, 0.8, 0.5)
    else:
        _, truth, clusters = correlated(random, design, 0.0, False)
    shared, *own = (alike(random, clusters, design, False) for _ in range(3))
    slopes = 1.0, 0.8
    first, second = (
        (slope * truth + np.sqrt(0.5) * (shared + each), truth, clusters)
        for slope, each in zip(slopes, own, strict=True)
    )
    if name == "auroc":
        true = [stats.norm.cdf(slope / np.sqrt(2)) for slope in slopes]
    else:
        true = [slope / np.sqrt(slope**2 + 1) for slope in slopes]
    return first, second, float(true[0] - true[1])


def line(name: object, shares: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=200, help="of each cell")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table = Table(options.data_sets, options.seed)
    found: dict[str, list[str]] = {"Pearson": [], "Spearman": [], "AUROC": [], "Difference": []}
    for design in DESIGNS:
        (pearson, spearman), (heavy_pearson, heavy_spearman) = (
            table.correlations(design, heavy) for heavy in (False, True)
        )
        found["Pearson"].append(line(design, pearson + heavy_pearson))
        found["Spearman"].append(line(design, spearman + heavy_spearman))
        found["AUROC"].append(line(design, table.areas(design)))
        found["Difference"].append(line(design, table.differences(design)))
    table.close()
    print(f"{options.data_sets:,} data sets each, 1,000 replicates; covered, %")
    for name, lines in found.items():
        print(f"\n{name}", *lines, sep="\n")


if __name__ == "__main__":
    main()
