"""What a model's score owes to items that it saw in training."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.scored import GroupsOfPart, Scored
from genomark.benchmarks.seen_items import COVERAGE, SeenItems
from genomark.scoring import CONFIDENCE, REPLICATES, Headline, Leakage, LeakageBin, MetricRow
from genomark.scoring.intervals import interval, method, percentiles

Flags = NDArray[np.bool_]

#: A score on fewer items says nothing.
FEWEST = 10
#: Steps of similarity from 0 to 1.
STEPS = 10
_OVER = "clusters of all items"


def leakage_panel(
    scored: Scored, asking: Asking, seen: SeenItems, metric: str, told: list[str], digest: str
) -> Leakage:
    """Score a model on what it saw, on what it did not see, and by similarity.

    Parameters
    ----------
    scored : Scored
    asking : Asking
    seen : SeenItems
        Of the same items.
    metric : str
        The row that ranks.
    told : list of str
        What the model was trained on, in words.
    digest : str
        Of that.

    Returns
    -------
    Leakage
        The share is of all items that could be compared; scores are of those that were answered. A
        score that is a mean over groups is so over the groups that what was not seen has, that of
        all items too; of a step of similarity, over those that it has.
    """
    known = seen.items["seen"].is_not_null().to_numpy()
    was_seen = seen.items["seen"].fill_null(False).to_numpy()
    panel = share_panel(seen, metric, told, digest)
    if panel.share is None:
        return panel
    usable = scored.compared.to_numpy() & known
    every, left = usable, usable & ~was_seen
    groups = _groups(scored, usable, left)
    if groups is not None and groups.there:
        # A mean over other groups is another score: both are over those that what is left has.
        every, left = (part & groups.items.to_numpy() for part in (every, left))
    everything = scored.part(asking, pl.Series(every))
    clean = scored.part(asking, pl.Series(left))
    whole = _row(metric, "all that were compared", everything, int(every.sum()))
    unseen = _row(metric, "not seen", clean, int(left.sum()))
    difference = between = None
    # Where a group is seen whole or not at all, both scores are of the same items for that alone.
    is_told = bool((every & was_seen).any()) or not (usable & was_seen).any()
    if whole.value is not None and unseen.value is not None and is_told:
        difference = whole.value - unseen.value
        if everything[0].clusters == clean[0].clusters:
            between = percentiles(everything[0].drawn - clean[0].drawn, clean[1])
    return msgspec.structs.replace(
        panel,
        all=whole,
        clean=unseen,
        difference=difference,
        difference_interval=between,
        groups=None if groups is None else (groups.there, groups.total),
        bins=_bins(scored, asking, seen, usable, metric),
    )


def _groups(scored: Scored, usable: Flags, left: Flags) -> GroupsOfPart | None:
    """Give the groups that what was not seen has, of all that were compared."""
    whole, part = (scored.groups_of(pl.Series(chosen)) for chosen in (usable, left))
    return part and whole and part._replace(total=whole.total)


def share_panel(seen: SeenItems, metric: str, told: list[str], digest: str) -> Leakage:
    """Count what was seen, without any score."""
    known = seen.items["seen"].is_not_null().to_numpy()
    was_seen = seen.items["seen"].fill_null(False).to_numpy()
    n, count = int(known.sum()), int(was_seen.sum())
    return Leakage(
        training_data=told,
        digest=digest,
        complete=seen.complete,
        share=count / n if n else None,
        interval=share_interval(was_seen[known], seen.clusters[known]) if n else None,
        reason_if_null=None if n else seen.reason or "no item could be compared",
        n=n,
        n_distinct=int(np.unique(seen.clusters[known]).size),
        seen=count,
        exact=int(seen.items["exact"].fill_null(False).sum()),
        identity=seen.identity,
        coverage=COVERAGE,
        overlap=seen.overlap,
        metric=metric,
    )


def share_interval(flags: Flags, clusters: NDArray[np.int64]) -> tuple[float, float]:
    """Interval of a share of items that come in clusters.

    Wilson's score interval for the effective number of items: that which would give as much
    variance, were they independent (Korn and Graubard 1998; Dean and Pagano 2015). Where all items
    or none are counted, it is the number of clusters. Clusters of one item each give Wilson's
    interval itself.

    Parameters
    ----------
    flags : ndarray of bool, shape (n,)
        Which items are counted; at least one item.
    clusters : ndarray of int64, shape (n,)

    Returns
    -------
    low, high : float
    """
    share = float(flags.mean())
    _, numbers = np.unique(clusters, return_inverse=True)
    sizes, counted = np.bincount(numbers), np.bincount(numbers, flags)
    variance = float(((counted - share * sizes) ** 2).sum()) / flags.size**2
    most = float(sizes.size)
    n = min(most, share * (1.0 - share) / variance) if variance else most
    z2 = float(scipy.special.ndtri((1.0 + CONFIDENCE) / 2.0)) ** 2
    middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    reach = math.sqrt(z2 * share * (1.0 - share) / n + z2**2 / (4.0 * n**2)) / (1.0 + z2 / n)
    low = 0.0 if share == 0.0 else max(0.0, middle - reach)
    return low, 1.0 if share == 1.0 else min(1.0, middle + reach)


def steps_of(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number the step that each similarity, 0 to 1, lies in; what is on an edge is in the upper."""
    # A tenth is no binary number: three of them are less than 0.3 but for this.
    return np.minimum((similarity * STEPS + 1e-9).astype(np.int64), STEPS - 1)


def _row(metric: str, group: str, part: tuple[Headline, int], n: int) -> MetricRow:
    headline, clusters = part
    value = headline.value if n >= FEWEST else None
    reason = None
    if n < FEWEST:
        reason = f"too few items ({n}): {FEWEST} are needed"
    elif value is None:
        reason = "undefined on these items"
    found = None
    if value is not None:
        found = interval(metric, value, headline.drawn, clusters, items=n)
    return MetricRow(
        name=metric,
        group=group,
        value=value,
        reason_if_null=reason,
        interval=found,
        method=method(metric, REPLICATES, _OVER),
        n=n,
        n_clusters=clusters,
    )


def _bins(
    scored: Scored, asking: Asking, seen: SeenItems, usable: Flags, metric: str
) -> list[LeakageBin]:
    steps = steps_of(seen.items["similarity"].fill_null(0.0).to_numpy())
    found = []
    for step in range(STEPS):
        chosen = usable & (steps == step)
        n = int(chosen.sum())
        if not n:
            continue
        # What is too few to be told of is not worth its thousand replicates.
        part = (Headline.undefined(), 0)
        if n >= FEWEST:
            part = scored.part(asking, pl.Series(chosen))
        row = _row(metric, "", part, n)
        found.append(
            LeakageBin(
                low=step / STEPS,
                high=(step + 1) / STEPS,
                n=n,
                value=row.value,
                interval=row.interval,
                reason_if_null=row.reason_if_null,
            )
        )
    return found
