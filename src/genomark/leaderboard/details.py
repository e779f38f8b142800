"""What of a result's document a page shows, beside the row that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from genomark.errors import one_line
from genomark.leaderboard.sized_cache import SizedCache
from genomark.leaderboard.views import Interval
from genomark.results.store import Store
from genomark.scoring import Result

UNKNOWN = "unknown"
#: Bytes of all that is kept.
_MOST = 64 << 20
#: Documents read and decoded at once.
_AT_ONCE = 100
#: Metrics of one result that are shown beside the one that ranks.
_HEADLINES = 20
#: No metric comes near it.
_LARGEST = 1e300


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
    environment : dict of str to str
    """

    others: dict[str, Interval | None]
    reasons: dict[str, str]
    ceiling: dict[str, float]
    notes: list[str]
    training_data: str
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
        environment={one_line(name): _words(each) for name, each in result.environment.items()},
    )


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
