"""What comes back from a server: status, headers, and a body that is read within its cap."""

from __future__ import annotations

import contextlib
import math
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from genomark.errors import RemoteModelError, one_line
from genomark.protocol import (
    TENSOR_STREAM,
    ZSTD,
    BadRequestError,
    FrameReader,
    decompress,
    prediction_format,
)

#: Bits of zlib's window by how a body was compressed: 47 knows the gzip and the zlib header, -15 is
#: for servers that send deflate without one.
_WINDOW_BITS = {"gzip": (47,), "x-gzip": (47,), "deflate": (47, -15)}


class TooLongError(RemoteModelError):
    """The answer is longer than is read."""


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; header names are lower case, the body is no longer compressed.

    Attributes
    ----------
    wire_bytes : int
        Length of the body as it was sent.
    frames : FrameReader or None
        Has what came, in the place of `body`, where that was frames.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    wire_bytes: int = 0
    frames: FrameReader | None = None

    @property
    def content_type(self) -> str:
        """The answer's own, or nothing."""
        return self.headers.get("content-type", "")

    @property
    def is_delimited(self) -> bool:
        """Whether a body that was cut short would have been noticed."""
        return is_delimited(self.headers)

    def retry_after(self, now: datetime | None = None) -> float | None:
        """Seconds the server asks to be left alone (RFC 9110, section 10.2.3), if it does.

        A date is measured from the server's own `Date`, whose clock need not be ours.
        """
        text = self.headers.get("retry-after", "").strip()
        with contextlib.suppress(ValueError):
            seconds = float(text)
            return seconds if math.isfinite(seconds) and seconds >= 0 else None
        until = _date(text)
        since = _date(self.headers.get("date", "")) or now or datetime.now(UTC)
        return None if until is None else max(0.0, (until - since).total_seconds())


class IncomingBody:
    """A body as it comes in.

    Parameters
    ----------
    url : str
        For messages.
    headers : dict of str to str
        Names in lower case.
    max_bytes : int
        No more is read, nor unfolded.
    frames : FrameReader, optional
        Takes what comes, if it is frames; nothing else is kept of it then.

    Attributes
    ----------
    wire_bytes : int
        That came so far.

    Raises
    ------
    TooLongError
        If the headers tell of more than is read.
    """

    def __init__(
        self, url: str, headers: dict[str, str], max_bytes: int, frames: FrameReader | None = None
    ) -> None:
        self.wire_bytes = 0
        self._url = url
        self._headers = headers
        self._max_bytes = max_bytes
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        is_stream = prediction_format(headers.get("content-type")) == TENSOR_STREAM
        self._frames = frames if is_stream and self._encoding in ("", "identity") else None
        self._read = bytearray()
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > max_bytes:
            raise _too_long(url, max_bytes)

    def add(self, block: bytes) -> None:
        """Take some more.

        Raises
        ------
        TooLongError
            If that is too much.
        RemoteModelError
            If it is no frame where one was promised.
        """
        self.wire_bytes += len(block)
        if self.wire_bytes > self._max_bytes:
            raise _too_long(self._url, self._max_bytes)
        if self._frames is None:
            self._read += block
            return
        try:
            self._frames.feed(block)
        except BadRequestError as error:
            raise RemoteModelError(f"{self._url}: {one_line(error)}") from error

    def answer(self, status: int) -> HttpAnswer:
        """Give the whole, unpacked.

        Raises
        ------
        TooLongError
            If it unfolds to more than is read.
        RemoteModelError
            If it is torn, or compressed in a way that was not asked for.
        """
        body = _unfolded(bytes(self._read), self._encoding, self._url, self._max_bytes)
        return HttpAnswer(status, self._headers, body, self.wire_bytes, self._frames)


def is_delimited(headers: dict[str, str]) -> bool:
    """Whether a body that was cut short would have been noticed."""
    coding = headers.get("transfer-encoding", "").lower()
    return "content-length" in headers or "chunked" in coding


def _too_long(url: str, max_bytes: int) -> TooLongError:
    return TooLongError(f"{url}: the answer is over {max_bytes:,} bytes")


def _unfolded(body: bytes, encoding: str, url: str, max_bytes: int) -> bytes:
    if encoding in ("", "identity") or not body:
        return body
    if encoding == ZSTD:
        return _decompressed(body, url, max_bytes)
    fault = f"'{encoding}' was not asked for"
    for bits in _WINDOW_BITS.get(encoding, ()):
        try:
            return _inflated(body, bits, url, max_bytes)
        except zlib.error as error:
            fault = str(error)
    raise RemoteModelError(f"{url}: the answer cannot be decompressed ({one_line(fault)})")


def _decompressed(body: bytes, url: str, max_bytes: int) -> bytes:
    try:
        return decompress(body, max_bytes)
    except BadRequestError as error:
        if error.http_status == 413:
            raise _too_long(url, max_bytes) from error
        raise RemoteModelError(
            f"{url}: the answer cannot be decompressed ({one_line(error)})"
        ) from error


def _inflated(body: bytes, bits: int, url: str, max_bytes: int) -> bytes:
    unfolded = bytearray()
    # A gzip file may be several in a row.
    while body:
        stream = zlib.decompressobj(bits)
        unfolded += stream.decompress(body, max_bytes + 1 - len(unfolded))
        if len(unfolded) > max_bytes:
            raise _too_long(url, max_bytes)
        if not stream.eof:
            raise zlib.error("it ends too soon")
        body = stream.unused_data
    return bytes(unfolded)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
