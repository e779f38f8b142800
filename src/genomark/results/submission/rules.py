"""Who may be scored now: keys, times, names, what was seen before, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from genomark.results.submission.attempt_log import Reading
from genomark.results.submission.bundle import Bundle
from genomark.results.submission.manifest import moment, stamp
from genomark.results.submission.receipt import RefusedError

#: Attempts are counted over so long.
WINDOW = timedelta(days=7)
#: A submitter's clock may be ahead of the board's by this.
_AHEAD = timedelta(minutes=10)
#: An older bundle must be packed again.
_OLDEST = timedelta(days=30)
ATTEMPTS, ATTEMPTS_OF_KEY = 5, 20
#: Of one key within `_REFUSED_WITHIN` so many bundles are decoded and refused, and no more.
REFUSALS_OF_KEY = 20
_REFUSED_WITHIN = timedelta(hours=1)
#: The party of all keys that nobody vouches for.
STRANGERS = "strangers"


@dataclass(frozen=True)
class Limits:
    """Who may submit, and how often within `WINDOW` on one benchmark.

    Attributes
    ----------
    model : int
        Attempts of one model.
    key : int
        Attempts of all models of one key: names cost nothing.
    open_to_all : bool
        Whether bundles of keys that were not invited are received. Keys cost nothing either: all
        of those are one party on the Ladder.
    """

    model: int = ATTEMPTS
    key: int = ATTEMPTS_OF_KEY
    open_to_all: bool = False


def party(log: Reading, key: str) -> str:
    """Give who climbs the Ladder together: a key that is vouched for, or all the others."""
    return key if log.is_invited(key) else STRANGERS


def check_times(bundle: Bundle, received: str) -> None:
    """Refuse a bundle from the future, or from long ago.

    Raises
    ------
    RefusedError
        Names the board's time.
    """
    created, now = moment(bundle.manifest.created), moment(received)
    if created > now + _AHEAD:
        raise RefusedError(
            f"the bundle was created at {bundle.manifest.created}, and here it is {received}; set "
            "the clock and pack again"
        )
    if created < now - _OLDEST:
        raise RefusedError(
            f"the bundle was created at {bundle.manifest.created}, over {_OLDEST.days} days before "
            f"{received}; pack again"
        )


def admit(log: Reading, bundle: Bundle, limits: Limits, received: str) -> None:
    """Refuse what may not be scored now.

    Raises
    ------
    RefusedError
        If the benchmark is closed, the key was not invited, the bundle was scored before, the name
        belongs to another key, or there are no attempts left.
    """
    manifest = bundle.manifest
    name, key = manifest.model.name, manifest.public_key
    found = log.benchmark(manifest.benchmark.id)
    if found is not None and found[1] is not None:
        raise RefusedError(f"'{manifest.benchmark.id}' was closed at {found[1]}")
    if not limits.open_to_all and not log.is_invited(key):
        raise RefusedError(
            f"this board is by invitation, and the key {key} was not invited; tell it to whoever "
            "keeps the board (genomark board admit)"
        )
    if log.is_spent(bundle.digest, key, manifest.nonce):
        raise RefusedError("this bundle was scored before; pack again to submit once more")
    _check_name(log, name, key)
    _check_refusals(log, key, received)
    for column, value, most in (("model", name, limits.model), ("key", key, limits.key)):
        times = log.times(manifest.benchmark.id, column, value, _begin(received))
        if len(times) >= most:
            raise RefusedError(
                f"{len(times)} attempts of this {column} were scored within {WINDOW.days} days, of "
                f"at most {most}; the next is after {_free(times, most)}"
            )


def _check_name(log: Reading, name: str, key: str) -> None:
    owner, bound = log.owner(name), log.bound_names(key)
    if owner is not None and owner[1] != key:
        raise RefusedError(
            f"the model name '{name}' belongs to another key; sign with that key, or choose "
            "another name"
        )
    if owner is not None and owner[0] != name:
        raise RefusedError(f"the model is called '{owner[0]}' here; expected the same letters")
    if owner is None and bound:
        raise RefusedError(
            f"the key was invited with the names {', '.join(bound)}; '{name}' is none of them"
        )


def _check_refusals(log: Reading, key: str, received: str) -> None:
    times = log.refusals(key, stamp(moment(received) - _REFUSED_WITHIN))
    if len(times) >= REFUSALS_OF_KEY:
        free = stamp(moment(times[-REFUSALS_OF_KEY]) + _REFUSED_WITHIN)
        raise RefusedError(
            f"{len(times)} bundles of this key were refused within an hour, as these predictions "
            f"are not what is asked; the next is looked at after {free}"
        )


def attempts_left(
    log: Reading, benchmark: str, model: str, key: str, limits: Limits, received: str
) -> tuple[int, str | None]:
    """Count what would be scored now, and say when the next would be if nothing would."""
    since = _begin(received)
    of_model = log.times(benchmark, "model", model, since)
    of_key = log.times(benchmark, "key", key, since)
    left = max(0, min(limits.model - len(of_model), limits.key - len(of_key)))
    if left:
        return left, None
    waits = [(of_model, limits.model), (of_key, limits.key)]
    return 0, max(_free(times, most) for times, most in waits if len(times) >= most)


def _begin(received: str) -> str:
    return stamp(moment(received) - WINDOW)


def _free(times: list[str], most: int) -> str:
    """Give when fewer than the most will lie within the window."""
    return stamp(moment(times[len(times) - most]) + WINDOW)
