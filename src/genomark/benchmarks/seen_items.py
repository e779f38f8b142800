"""Which items of a benchmark stand in what a model was trained on, and how much of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks.material import Material
from genomark.datasets.assemblies import assembly_name
from genomark.datasets.bed import normalised
from genomark.datasets.leakage import nearest, nearest_by_blast, overlaps
from genomark.datasets.overlap import overlapping
from genomark.errors import UnknownNameError
from genomark.models.training_material import TrainingMaterial

#: What looks for sequences: genomark itself, or BLAST where it is installed.
ENGINES = ("genomark", "blastn")
#: From which identity of an alignment on a sequence was seen, and how much of it is in that.
IDENTITY, COVERAGE = 0.8, 0.5
#: Training regions that cover more of an item than this have it seen: a base is enough.
OVERLAP = 0.0

_REGION = ("chrom", "start", "end")
#: Columns of `SeenItems.items`.
SEEN_COLUMNS = {
    "item_id": pl.String,
    "similarity": pl.Float64,
    "identity": pl.Float64,
    "coverage": pl.Float64,
    "train_id": pl.String,
    "strand": pl.String,
    "overlap": pl.Float64,
    "exact": pl.Boolean,
    "seen": pl.Boolean,
}


@dataclass(frozen=True)
class SeenItems:
    """What training data have of each item.

    Attributes
    ----------
    items : polars.DataFrame
        `SEEN_COLUMNS`, one row an item, in the order of the material. `similarity` is the share of
        the item's letters that the training data have, 0 to 1: those that match in the nearest
        sequence, or what training regions cover, whichever is more. `identity`, `coverage`,
        `train_id` and `strand` are of the nearest sequence, by which an item need not be `seen`:
        another may be shorter and more alike. `overlap` is of the regions. `exact` says that the
        whole item is there without a change. All are null where an item could not be compared.
    clusters : ndarray of int64, shape (n,)
        Items whose sequences share a stretch of 30 letters, or whose places share a base, along any
        chain, have the same number.
    identity, overlap : float
        The thresholds of `seen`.
    complete : bool
        False where a part of the training data is unknown, or could not be compared.
    reason : str or None
        Why nothing could be compared.
    """

    items: pl.DataFrame
    clusters: NDArray[np.int64]
    identity: float
    overlap: float
    complete: bool
    reason: str | None = None


def seen_items(
    material: Material,
    training: TrainingMaterial,
    *,
    identity: float = IDENTITY,
    engine: str = ENGINES[0],
    threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> SeenItems:
    """Look for the items of a benchmark in training data.

    Each distinct sequence and place is looked for once.

    Parameters
    ----------
    material : Material
    training : TrainingMaterial
    identity : float
        Of an alignment, from which on a sequence was seen.
    engine : str
        Of `ENGINES`.
    threads : int
        No number depends on it.
    progress : callable
        As of `genomark.datasets.leakage.nearest`.

    Raises
    ------
    UsageError
        If a sequence or region is none, the identity out of range, or BLAST asked for and missing.
    """
    items = material.items
    by_sequence = _by_sequence(material, training, identity, engine, threads, progress)
    by_region = _by_region(material, training)
    found = items.select("item_id", *_REGION, "sequence").with_row_index("row")
    found = found.join(by_sequence, on="sequence", how="left", nulls_equal=True)
    found = found.join(by_region, on=_REGION, how="left", nulls_equal=True).sort("row")
    found = found.with_columns(
        similarity=pl.max_horizontal("similarity", "overlap"),
        seen=_either("leaked", pl.col("overlap") > OVERLAP),
        exact=_either(
            (pl.col("identity") == 1.0) & (pl.col("coverage") == 1.0), pl.col("overlap") == 1.0
        ),
    )
    reason = None
    if not found["seen"].count():
        reason = _why_not(material, training)
    unused = bool(training.regions) and by_region.is_empty()
    unread = bool(training.sequences) and by_sequence.is_empty()
    return SeenItems(
        items=found.select(list(SEEN_COLUMNS)),
        clusters=_clusters(items),
        identity=identity,
        overlap=OVERLAP,
        complete=training.complete and not unused and not unread,
        reason=reason,
    )


def _either(one: str | pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether one of two is true; null where neither is known."""
    return pl.max_horizontal(one, other)


def _by_sequence(
    material: Material,
    training: TrainingMaterial,
    identity: float,
    engine: str,
    threads: int,
    progress: Callable[[int], None],
) -> pl.DataFrame:
    """Look distinct sequences up; nothing where there are none on either side."""
    schema = {
        "sequence": pl.String,
        "similarity": pl.Float64,
        "identity": pl.Float64,
        "coverage": pl.Float64,
        "train_id": pl.String,
        "strand": pl.String,
        "leaked": pl.Boolean,
    }
    test = material.items["sequence"].drop_nulls().unique(maintain_order=True).to_list()
    if not test or not training.sequences:
        return pl.DataFrame(schema=schema)
    # The other strand of an RNA is another RNA.
    both = not any("U" in each for each in test)
    look = partial(
        nearest_by_blast if engine == "blastn" else partial(nearest, progress=progress),
        identity=identity,
        coverage=COVERAGE,
        both_strands=both,
        threads=threads,
    )
    found = look(test, training.sequences)
    strands = np.array(["-", "", "+"])[found.strand.astype(np.int64) + 1]
    return pl.DataFrame(
        {
            "sequence": test,
            "similarity": found.similarity,
            "identity": found.identity,
            "coverage": found.coverage,
            "train_id": [training.names[row] if row >= 0 else None for row in found.train.tolist()],
            "strand": [each or None for each in strands.tolist()],
            "leaked": found.leaked,
        },
        schema=schema,
    )


def _by_region(material: Material, training: TrainingMaterial) -> pl.DataFrame:
    """Look distinct places up; nothing where assemblies differ, or items have no place."""
    schema = {"chrom": pl.String, "start": pl.Int64, "end": pl.Int64, "overlap": pl.Float64}
    assembly = _known_name(material.assembly)
    regions = training.regions.get(assembly)
    places = material.items.select(_REGION).drop_nulls().unique(maintain_order=True)
    if regions is None or places.is_empty():
        return pl.DataFrame(schema=schema)
    covered = overlaps(normalised(places, assembly), regions)
    found = places.with_columns(overlap=pl.Series(covered, dtype=pl.Float64).fill_nan(None))
    # What lies on no assembled chromosome cannot be compared: training regions leave that out.
    return found.drop_nulls()


def _known_name(assembly: str | None) -> str:
    try:
        return assembly_name(assembly or "")
    except UnknownNameError:
        return assembly or ""


def _why_not(material: Material, training: TrainingMaterial) -> str:
    if training.is_empty:
        return "nothing is known of what it was trained on"
    if not training.regions:
        return "the items have no sequences of their own"
    trained = " and ".join(training.regions)
    if material.assembly is None:
        return f"it was trained on regions of {trained}, and the items have no place in a genome"
    return f"it was trained on regions of {trained}, and the items lie in {material.assembly}"


def _clusters(items: pl.DataFrame) -> NDArray[np.int64]:
    """Number what is not independent: items that share a stretch of sequence or a base."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = items.height
    spelled = items["sequence"].unique(maintain_order=True).drop_nulls()
    groups = pl.DataFrame({"sequence": spelled, "one": overlapping(spelled.to_list())})
    found = items.select("sequence", *_REGION).with_row_index("row")
    found = found.join(groups, on="sequence", how="left").join(
        _places(items), on=_REGION, how="left"
    )
    # An item is tied to what its sequence is in, and to what its place is in.
    ties = pl.concat(
        [
            found.select("row", to=pl.col(name) + shift)
            for name, shift in (("one", n), ("other", 2 * n))
        ]
    ).drop_nulls()
    there = np.ones(ties.height, np.int8), (ties["row"].to_numpy(), ties["to"].to_numpy())
    graph = coo_array(there, shape=(3 * n, 3 * n))
    _, numbers = connected_components(graph, directed=False)
    clusters: NDArray[np.int64] = numbers[:n].astype(np.int64)
    return clusters


def _places(items: pl.DataFrame) -> pl.DataFrame:
    """Number places, so that those that overlap, along any chain, have one number."""
    places = items.select(_REGION).drop_nulls().unique().sort(_REGION)
    reached = pl.col("end").cum_max().shift(1).over("chrom")
    begins = (pl.col("start") >= reached).fill_null(value=True)
    return places.with_columns(other=begins.cast(pl.Int64).cum_sum() - 1)
