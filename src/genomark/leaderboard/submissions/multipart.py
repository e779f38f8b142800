"""The body of a form, taken apart as it comes; of a file no more than a piece is in memory.

Nothing is made of the names of files: they are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from genomark.errors import UsageError

#: Bytes of the headers of a part.
_LONGEST_HEAD = 4096
_MOST_PARTS = 16
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE)
_NAME = re.compile(rb";\s*name=\"([^\"]{0,100})\"", re.IGNORECASE)
_FILE = re.compile(rb";\s*filename\*?=", re.IGNORECASE)


class Part(NamedTuple):
    """The beginning of a field; its content follows as bytes."""

    name: str
    is_file: bool


class MultipartError(UsageError):
    """A body that is no form."""


def boundary_of(content_type: str) -> bytes:
    """Read what stands between the parts.

    Raises
    ------
    MultipartError
        If it is not told.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise MultipartError("the form does not say what stands between its fields (boundary)")
    return (found[1] or found[2]).encode("latin-1", "replace")


class Multipart:
    """Takes a body apart (RFC 7578).

    Parameters
    ----------
    boundary : bytes
    """

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        # As if a line had ended before: then the first mark is like all others.
        self._buffer = bytearray(b"\r\n")
        self._state: Literal["before", "mark", "head", "content", "done"] = "before"
        self._parts = 0

    def feed(self, chunk: bytes) -> Iterator[Part | bytes]:
        """Take some bytes; give the parts that begin in them, and their content.

        Raises
        ------
        MultipartError
            If it is no form.
        """
        self._buffer += chunk
        while self._state != "done":
            if self._state in ("before", "content"):
                content, found = self._until_mark()
                if self._state == "content" and content:
                    yield content
                elif content:
                    raise MultipartError("the form has something before its first field")
                if not found:
                    return
                self._state = "mark"
            elif self._state == "mark":
                if len(self._buffer) < 2:
                    return
                end = bytes(self._buffer[:2])
                del self._buffer[:2]
                if end not in (b"--", b"\r\n"):
                    raise MultipartError("the form has a field that does not begin on a line")
                self._state = "done" if end == b"--" else "head"
            else:
                part = self._head()
                if part is None:
                    return
                self._state = "content"
                yield part
        self._buffer.clear()

    def close(self) -> None:
        """Say that nothing more comes.

        Raises
        ------
        MultipartError
            If the last field has no end.
        """
        if self._state != "done":
            raise MultipartError("the form ended in the middle of a field")

    def _until_mark(self) -> tuple[bytes, bool]:
        """Take what cannot belong to a mark."""
        place = self._buffer.find(self._mark)
        found = place >= 0
        if not found:
            place = max(0, len(self._buffer) - len(self._mark) + 1)
        content = bytes(self._buffer[:place])
        del self._buffer[: place + (len(self._mark) if found else 0)]
        return content, found

    def _head(self) -> Part | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end > _LONGEST_HEAD or (end < 0 and len(self._buffer) > _LONGEST_HEAD):
            raise MultipartError("a field of the form has too long a head")
        if end < 0:
            return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        self._parts += 1
        lines = [
            line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition:")
        ]
        name = _NAME.search(lines[0]) if len(lines) == 1 else None
        if name is None or self._parts > _MOST_PARTS:
            raise MultipartError("a field of the form has no name, or there are too many")
        return Part(name[1].decode("ascii", "replace"), bool(_FILE.search(lines[0])))
