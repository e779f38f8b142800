from __future__ import annotations

import numpy as np
import polars as pl

from genomark.benchmarks.game.regions import intersections, with_clusters

COLUMNS = ["chrom", "start", "end"]


def frame(*rows: tuple[str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def test_intersections_are_what_pairs_share_each_once() -> None:
    left = frame(("chr1", 0, 100), ("chr1", 80, 200), ("chr2", 0, 50))
    right = frame(("chr1", 50, 90), ("chr1", 90, 120), ("chr1", 200, 300), ("chr3", 0, 50))

    assert intersections(left, right).rows() == [
        ("chr1", 50, 90),
        ("chr1", 80, 90),
        ("chr1", 90, 100),
        ("chr1", 90, 120),
    ]


def test_intersections_are_those_of_a_loop() -> None:
    random = np.random.default_rng(43)
    sides = []
    for _ in range(2):
        starts = random.integers(0, 5_000, 60)
        sides.append([("chr1", int(start), int(start) + 100) for start in starts])
    by_hand = {
        ("chr1", max(a, c), min(b, d))
        for _, a, b in sides[0]
        for _, c, d in sides[1]
        if max(a, c) < min(b, d)
    }

    assert intersections(frame(*sides[0]), frame(*sides[1])).rows() == sorted(by_hand)


def test_clusters_are_chains_of_overlaps_within_chromosomes() -> None:
    rows = frame(
        ("chr1", 0, 100),
        ("chr1", 50, 60),
        # Inside the reach of the first, not of the one before.
        ("chr1", 90, 120),
        ("chr1", 120, 150),
        ("chr2", 0, 10),
        ("chr2", 130, 140),
    )
    clusters = with_clusters(rows)["cluster"].to_list()

    assert clusters[0] == clusters[1] == clusters[2]
    assert len(set(clusters)) == 4
