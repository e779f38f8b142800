"""What a board answers: a receipt that tells no label and of no item how it was judged."""

from __future__ import annotations

import msgspec

from genomark.errors import UsageError

RECEIPT_SCHEMA = "genomark-receipt/1"


class RefusedError(UsageError):
    """A bundle that a board does not take.

    The message goes to the submitter: nothing in it rests on labels.
    """


class RefusedPredictionsError(RefusedError):
    """Predictions that were decoded and are not what is asked: that took the board time."""


class Figure(msgspec.Struct, frozen=True):
    """A released figure: the headline of the public share, rounded to the step of the Ladder.

    Neither its interval nor single labels are told before the end: each would tell more.
    """

    name: str
    value: float


class Receipt(msgspec.Struct, frozen=True):
    """The answer to one bundle.

    Attributes
    ----------
    received : str
        UTC, ISO 8601.
    bundle : str
        SHA-256 of its bytes.
    accepted : bool
        Whether it was scored; only then it counts as an attempt.
    reason : str or None
        Why it was refused.
    attempt : int or None
        How many bundles of this model were scored on this benchmark, with this one.
    attempts_left : int or None
        How many more would be scored now.
    next_attempt : str or None
        When the next one would be, if none is left.
    improved : bool
        Whether this bundle is what the released figure is of.
    released : Figure or None
        As last released for this model; None before it was shown to be better than chance, and
        than all that was released to its key before.
    """

    schema: str
    received: str
    bundle: str
    accepted: bool
    reason: str | None = None
    benchmark: str | None = None
    benchmark_version: str | None = None
    model: str | None = None
    attempt: int | None = None
    attempts_left: int | None = None
    next_attempt: str | None = None
    improved: bool = False
    released: Figure | None = None


def document(record: msgspec.Struct) -> bytes:
    """Write a record as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
