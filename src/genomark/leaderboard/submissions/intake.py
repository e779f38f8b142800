"""Reading what a stranger sends: how much, how slowly, how many at once, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress

import msgspec
from starlette.requests import Request

from genomark.errors import GenomarkError
from genomark.results.submission.bundle import LARGEST_BUNDLE

#: A refused body is read on so long, and so far, so that its sender hears why.
_DRAIN_SECONDS, _DRAINED_BYTES = 1.0, 1 << 22
#: Of a form around a bundle.
_FORM_BYTES = 1 << 14


class UploadLimits(msgspec.Struct, frozen=True):
    """What a server takes of submissions.

    Attributes
    ----------
    bytes : int
        Of one (413).
    seconds : float
        For all of it (408).
    idle_seconds : float
        Between two pieces of it (408).
    least_rate : float
        Bytes a second on the whole, after `grace_seconds` (408).
    at_once : int
        Uploads at a time (503).
    per_minute : int
        Tries of one address (429).
    spare_bytes : int
        That stay free on the disk (507).
    retry_seconds : float
        After which one who was sent away may come again.
    """

    bytes: int = LARGEST_BUNDLE + _FORM_BYTES
    seconds: float = 900.0
    idle_seconds: float = 20.0
    least_rate: float = 8192.0
    grace_seconds: float = 10.0
    at_once: int = 4
    per_minute: int = 30
    spare_bytes: int = 1 << 30
    retry_seconds: float = 5.0


class TurnedAwayError(GenomarkError):
    """A request that is answered with an error.

    Attributes
    ----------
    status : int
        Of HTTP.
    retry_after : float or None
        Seconds.
    first : str or None
        Id of the submission that was the same.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        first: str | None = None,
    ) -> None:
        self.status = status
        self.retry_after = retry_after
        self.first = first
        super().__init__(message)


class Turnstile:
    """Lets so many uploads in at once.

    Parameters
    ----------
    limits : UploadLimits
    """

    def __init__(self, limits: UploadLimits) -> None:
        self._limits = limits
        self._inside = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be one of them.

        Raises
        ------
        TurnedAwayError
            503 if there are enough.
        """
        if self._inside >= self._limits.at_once:
            raise TurnedAwayError(
                503,
                f"{self._inside} submissions are being received already; send it again later",
                retry_after=self._limits.retry_seconds,
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


def check_declared(request: Request, limits: UploadLimits) -> None:
    """Refuse a body by what its headers say of it.

    Raises
    ------
    TurnedAwayError
        413 if it is too long, 415 if it is compressed.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise TurnedAwayError(415, "Send the bundle as it is, without Content-Encoding")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.bytes:
        raise _too_long(limits)


def check_disk(free: int, limits: UploadLimits) -> None:
    """Refuse what there may be no room for.

    Raises
    ------
    TurnedAwayError
        507.
    """
    if free < limits.spare_bytes + limits.bytes:
        raise TurnedAwayError(
            507, "There is no room for submissions here; tell whoever keeps this board"
        )


async def pieces(request: Request, limits: UploadLimits) -> AsyncGenerator[bytes]:
    """Give a body as it comes, a piece at a time.

    Raises
    ------
    TurnedAwayError
        413 when there is more than is taken, 408 when it stalls, is too slow, or takes too long.
    """
    clock = asyncio.get_running_loop().time
    stream = request.stream()
    began, size = clock(), 0
    while True:
        ends = {
            f"took longer than {limits.seconds:g} s": began + limits.seconds,
            f"stopped for {limits.idle_seconds:g} s": clock() + limits.idle_seconds,
            f"came slower than {limits.least_rate:,.0f} bytes a second": (
                began + limits.grace_seconds + size / limits.least_rate
            ),
        }
        why = min(ends, key=lambda each: ends[each])
        try:
            async with asyncio.timeout_at(ends[why]):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise TurnedAwayError(408, f"The submission {why}; send it again") from error
        size += len(piece)
        if size > limits.bytes:
            raise _too_long(limits)
        yield piece


async def drain(request: Request) -> None:
    """Read a little on of what was refused: many hear the answer only when they have sent."""
    size = 0
    # A stream that was left in the middle cannot be read on; the answer goes out all the same.
    with suppress(TimeoutError, RuntimeError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > _DRAINED_BYTES:
                    return


def _too_long(limits: UploadLimits) -> TurnedAwayError:
    return TurnedAwayError(
        413, f"The submission is over {limits.bytes:,} bytes; a bundle is smaller"
    )
