"""What a panel on training data says, in the words of tables and reports."""

from __future__ import annotations

from genomark.errors import one_line
from genomark.scoring import Leakage, MetricRow, Result

#: What is said of training data that nobody declares.
UNTOLD = "unknown"
#: Of a model that learned from nothing.
NOTHING = "none"


def between(value: float, interval: tuple[float, float] | None) -> str:
    """Write a value with its interval."""
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else f"{value:.3f}"


def row_of(row: MetricRow | None) -> str:
    """Write a score, or why there is none."""
    if row is None:
        return "not computed"
    if row.value is None:
        return f"undefined ({row.reason_if_null})"
    return f"{between(row.value, row.interval)} on {row.n:,} items"


def share_of(panel: Leakage) -> str:
    """Write how much was seen; of what is known in part alone, that it is the least there is."""
    if panel.share is None:
        return f"unknown ({panel.reason_if_null})"
    if not panel.seen and panel.complete:
        found = f"none found among {panel.n:,} items"
    else:
        least = "" if panel.complete else "at least "
        found = f"{least}{panel.seen:,} of {panel.n:,} items"
    shares = f"{100 * panel.share:.1f} %"
    if panel.interval is not None:
        shares += f" [{100 * panel.interval[0]:.1f}, {100 * panel.interval[1]:.1f}]"
    return f"{found}, {shares}"


def clean_of(panel: Leakage) -> str:
    """Write the score on what was not seen, and of how many groups it is where not of all."""
    return row_of(panel.clean) + _groups_of(panel)


def difference_of(panel: Leakage) -> str:
    """Write what the score loses without what was seen."""
    if panel.difference is None:
        both = panel.all and panel.all.value, panel.clean and panel.clean.value
        if None not in both:
            return "not known: no group has both items that were seen and others"
        return "not known"
    if panel.difference_interval is None:
        return (
            f"{panel.difference:.3f}{_groups_of(panel)}, without an interval: the two are not "
            "drawn together"
        )
    return between(panel.difference, panel.difference_interval) + _groups_of(panel)


def _groups_of(panel: Leakage) -> str:
    if panel.groups is None or panel.groups[0] == panel.groups[1]:
        return ""
    return f", in {panel.groups[0]:,} of {panel.groups[1]:,} groups"


def training_note(result: Result) -> str | None:
    """Say in one line what a model was trained on and saw; None where nobody says anything."""
    declared = result.settings.get("training_data")
    if not isinstance(declared, str) or declared == NOTHING:
        return None
    panel = result.leakage
    if panel is None:
        return f"trained on {one_line(declared)}"
    told = f"trained on {one_line(declared)}; seen in training: {share_of(panel)}"
    if panel.share and panel.clean is not None:
        told += f"; {panel.metric} on what was not seen: {clean_of(panel)}"
    return told


def share_seen(result: Result) -> float | None:
    """Give the share of the items that a model saw in training; None where that is unknown.

    Nothing found in a part of what it learned from says nothing of the rest. What a stranger's
    document gives as a share, and is none, is unknown.
    """
    panel = result.leakage
    if panel is None:
        return 0.0 if result.settings.get("training_data") == NOTHING else None
    if panel.share is None or not 0.0 <= panel.share <= 1.0:
        return None
    return panel.share if panel.complete or panel.share > 0.0 else None


def badge_of(result: Result) -> str:
    """Say in a few letters how much of a benchmark a model saw."""
    share, panel = share_seen(result), result.leakage
    if share is None:
        return UNTOLD
    if panel is None:
        return "nothing trained on"
    if not share:
        return "none found"
    return f"{'' if panel.complete else '≥ '}{100 * share:.1f} %"
