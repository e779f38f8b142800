"""How pages write figures: short, of one form, and never a bare null."""

from __future__ import annotations

import math

from genomark.leaderboard.views import Column, Interval, Leakage, ModelName, Score, Seen
from genomark.results.drawing import shortened

#: What stands where there is nothing to tell.
NOTHING = "–"
_LETTERS, _TITLE_LETTERS, _HEAD_LETTERS = 44, 72, 26
_SMALL_P = 0.001
_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_BYTES = ("B", "kB", "MB", "GB", "TB")


def legible(text: str) -> str:
    """Replace what cannot be printed: control characters, and those that turn text around."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def figure(value: float | None) -> str:
    """Write a score: three decimals, and fewer where it is large."""
    if value is None or not math.isfinite(value):
        return NOTHING
    far = abs(value)
    if far >= 10_000 or 0 < far < 0.0005:
        written = f"{value:.2e}"
    else:
        written = f"{value:,.{3 if far < 10 else 2 if far < 100 else 1 if far < 1000 else 0}f}"
    return written.replace("-", "−")


def between(low: float | None, high: float | None) -> str:
    """Write an interval, or say that there is none."""
    return "no interval" if low is None or high is None else f"[{figure(low)}, {figure(high)}]"


def with_interval(value: Interval | None) -> str:
    """Write a value with its interval."""
    if value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return figure(value.value)
    return f"{figure(value.value)} {between(value.low, value.high)}"


def ranks(first: int | None, last: int | None) -> str:
    """Write the tie sets of a model: ``1``, or ``1–3`` where it is in several."""
    if first is None:
        return NOTHING
    return str(first) if last is None or last == first else f"{first}–{last}"


def percent(share: float | None) -> str:
    """Write a share."""
    return NOTHING if share is None else f"{100 * share:.0f} %"


def p_value(p: float | None) -> str:
    """Write a p-value; what is smaller than one in a thousand is no more than that."""
    if p is None:
        return NOTHING
    return f"< {_SMALL_P}" if p < _SMALL_P else f"{p:.3f}"


def seconds(value: float) -> str:
    """Write a time in the unit that suits it."""
    for size, unit in _SECONDS:
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.1f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"


def size(count: int) -> str:
    """Write bytes in powers of 1,000."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(_BYTES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_BYTES[unit]}" if unit == 0 else f"{amount:.3g} {_BYTES[unit]}"


def leakage(share: Leakage, seen: Seen | None = None) -> str:
    """Write how much of a benchmark a model has seen; that nobody looked is told as such."""
    if share == "unknown":
        return "unknown"
    if not share:
        return "none found" if seen else "nothing trained on"
    return f"{'' if seen is None or seen.complete else '≥ '}{100 * share:.1f} % seen"


def shares(low: float | None, high: float | None) -> str:
    """Write the interval of a share."""
    if low is None or high is None:
        return "no interval"
    return f"[{100 * low:.1f}, {100 * high:.1f}] %"


def day(moment: str | None) -> str:
    """Cut the day out of a time (ISO 8601)."""
    return NOTHING if not moment else moment.split("T")[0]


def called(model: ModelName) -> str:
    """Name a model in one line of text."""
    short = shortened(model.id, _LETTERS)
    return legible(f"{short} ({shortened(model.owner, _LETTERS)})" if model.owner else short)


def titled(column: Column) -> str:
    """Name a benchmark in one line of text."""
    return legible(shortened(column.title or column.id, _TITLE_LETTERS))


def headed(column: Column) -> str:
    """Name a benchmark below its suite, where room is scarce: its id, cut at the end."""
    id = legible(column.id.removeprefix(f"{column.suite}/"))
    return id if len(id) <= _HEAD_LETTERS else f"{id[: _HEAD_LETTERS - 1]}…"


def told(score: Score) -> str:
    """Tell all of a score in one line, as a reader hears it who points at it."""
    if score.value is None:
        value = f"undefined: {score.reason or 'no reason given'}"
    else:
        value = f"{figure(score.value)} {between(score.low, score.high)}"
    rank = "" if score.rank_first is None else f"rank {_ranked(score)}; "
    return f"{value}; {rank}{score.standing}; {score.n:,} items"


def _ranked(score: Score) -> str:
    return ranks(score.rank_first, score.rank_last).replace("–", " to ")
