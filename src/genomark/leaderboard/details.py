"""What of a result's document a page shows, beside the row that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from genomark.errors import one_line
from genomark.leaderboard.sized_cache import SizedCache
from genomark.leaderboard.views import Interval, Seen, SeenStep
from genomark.results.store import Store
from genomark.scoring import Leakage, Result

UNKNOWN = "unknown"
#: Bytes of all that is kept.
_MOST = 64 << 20
#: Documents read and decoded at once.
_AT_ONCE = 100
#: Metrics of one result that are shown beside the one that ranks.
_HEADLINES = 20
#: No metric comes near it.
_LARGEST = 1e300
#: Steps of similarity that are shown of one result.
_STEPS = 20
#: No score by similarity is farther from 0.
_FARTHEST = 1e9


class Detail(msgspec.Struct, frozen=True):
    """Parts of one document.

    Attributes
    ----------
    others : dict of str to Interval or None
        Further headline metrics.
    reasons : dict of str to str
        Why a headline metric has no value.
    ceiling : dict of str to float
        Best values that any model could reach, by metric.
    notes : list of str
    training_data : str
        As ``settings.training_data`` declares; "unknown" where nothing does.
    leakage : Seen or None
        What of the benchmark it saw of that; None where nobody looked.
    environment : dict of str to str
    """

    others: dict[str, Interval | None]
    reasons: dict[str, str]
    ceiling: dict[str, float]
    notes: list[str]
    training_data: str
    leakage: Seen | None
    environment: dict[str, str]


class Details:
    """Details of results by id; those asked for lately are kept.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: SizedCache[Detail] = SizedCache(_MOST, _size)

    def of(self, ids: Sequence[str]) -> list[Detail]:
        """Give details, in the order of the ids.

        Raises
        ------
        GenomarkError
            If the store cannot be read.
        """
        found = {id: self._kept.get(id) for id in ids}
        missing = [id for id, detail in found.items() if detail is None]
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            for id, result in zip(part, self._store.results(part), strict=True):
                found[id] = self._kept.put(id, _detail(result))
        return [detail for id in ids if (detail := found[id]) is not None]


def _detail(result: Result) -> Detail:
    """Take what is shown; a stranger's document may hold anything in its settings."""
    settings = result.settings
    headlines = settings.get("headline")
    rows = {row.name: row for row in reversed(result.metrics) if row.group is None}
    named = headlines if isinstance(headlines, list) else []
    names = [each for each in named if isinstance(each, str) and each in rows][:_HEADLINES]
    others: dict[str, Interval | None] = {}
    for name in names[1:]:
        row = rows[name]
        low, high = row.interval or (None, None)
        others[name] = None if row.value is None else Interval(row.value, low, high)
    ceiling = settings.get("ceiling")
    declared = settings.get("training_data")
    return Detail(
        others=others,
        reasons={
            name: rows[name].reason_if_null or "no value"
            for name in names
            if rows[name].value is None
        },
        ceiling=_numbers(ceiling) if isinstance(ceiling, dict) else {},
        notes=list(result.model.notes),
        training_data=one_line(declared) if isinstance(declared, str) else UNKNOWN,
        leakage=None if result.leakage is None else _seen(result.leakage),
        environment={one_line(name): _words(each) for name, each in result.environment.items()},
    )


def _seen(panel: Leakage) -> Seen | None:
    """Take a panel; None where there is no share, or none that could be."""
    share = _share(panel.share)
    if share is None:
        return None
    low, high = panel.interval or (None, None)
    clean = panel.clean
    return Seen(
        training_data=[one_line(each) for each in panel.training_data[:_HEADLINES]],
        complete=panel.complete,
        share=Interval(share, _share(low), _share(high)),
        items=panel.n,
        seen=panel.seen,
        exact=panel.exact,
        identity=panel.identity,
        coverage=panel.coverage,
        metric=one_line(panel.metric),
        clean=None if clean is None else _score(clean.value, clean.interval),
        clean_items=0 if clean is None else clean.n,
        difference=_score(panel.difference, panel.difference_interval),
        steps=[
            SeenStep(
                low=each.low,
                high=each.high,
                items=each.n,
                score=_score(each.value, each.interval),
                reason=None if each.reason_if_null is None else one_line(each.reason_if_null),
            )
            for each in panel.bins[:_STEPS]
            if 0.0 <= each.low < each.high <= 1.0
        ],
    )


def _score(value: float | None, ends: tuple[float, float] | None) -> Interval | None:
    """Take a score that could be one: no drawing has room for others."""
    if value is None or abs(value) > _FARTHEST:
        return None
    low, high = ends or (None, None)
    if low is None or high is None or not -_FARTHEST <= low <= high <= _FARTHEST:
        return Interval(value)
    return Interval(value, low, high)


def _share(value: float | None) -> float | None:
    return value if value is not None and 0.0 <= value <= 1.0 else None


def _words(told: Any) -> str:
    """Write what an environment tells as a reader would: packages one after the other."""
    if isinstance(told, dict):
        return one_line(", ".join(f"{name} {each}" for name, each in told.items()))
    return "none" if told is None else one_line(told)


def _numbers(given: dict[Any, Any]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in given.items()
        # A whole number of a document may be too large for a float.
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    }


def _size(detail: Detail) -> int:
    # Objects of Python take some three times what they are written as.
    return 3 * len(msgspec.json.encode(detail)) + 1000
