"""What a board answers: a receipt that tells no label and of no item how it was judged."""

from __future__ import annotations

import msgspec

from genomark.errors import UsageError

RECEIPT_SCHEMA = "genomark-receipt/1"


class RefusedError(UsageError):
    """A bundle that a board does not take.

    The message goes to the submitter: nothing in it rests on labels.
    """


class Figure(msgspec.Struct, frozen=True):
    """A released figure: rounded to the step of the Ladder, its interval outwards.

    `group` names a label where there are several; null is the mean over them.
    """

    name: str
    group: str | None
    value: float
    interval: tuple[float, float] | None


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
        Whether this bundle is what the released figures are of.
    released : list of Figure
        Of the public share, as last released for this model; none before it is shown to be
        better than chance.
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
    released: list[Figure] = msgspec.field(default_factory=list)


def document(record: msgspec.Struct) -> bytes:
    """Write a record as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
