"""The archive of a bundle: a zip file of stored members that can be written in one way only.

What a stranger sends is not searched for what may be wrong with a zip file. Its members are read
by the one layout there is and packed again; anything but the same bytes is refused. So there is no
compression that a small file could unpack from, no member twice, none with a path, no link and no
encryption, and no size that the header and the directory tell differently. Any zip tool can read a
bundle; only `pack` can write one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from genomark.results.submission.receipt import RefusedError

# As the format's public description has them (APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16).
_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_UNIX = 3
#: 1 January 1980, 0 h: the earliest there is.
_TIME, _DATE = 0, 33
_REGULAR_FILE = 0o100644 << 16
_ENCRYPTED = 1
_NAME_SHOWN = 40


def pack(members: Mapping[str, bytes]) -> bytes:
    """Write a zip file of stored members, in their order, without times or rights.

    Parameters
    ----------
    members : mapping of str to bytes
        Content by name; names are ASCII.

    Returns
    -------
    bytes
        The same for the same members.
    """
    body: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, content in members.items():
        told = (0, 0, _TIME, _DATE, zlib.crc32(content), len(content), len(content), len(name), 0)
        header = _LOCAL.pack(b"PK\3\4", _VERSION, *told) + name.encode("ascii")
        body += [header, content]
        made_by = _UNIX << 8 | _VERSION
        rest = (0, 0, 0, _REGULAR_FILE, offset)
        directory += [_ENTRY.pack(b"PK\1\2", made_by, _VERSION, *told, *rest), name.encode()]
        offset += len(header) + len(content)
    size = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), size, offset, 0)
    return b"".join([*body, *directory, end])


def unpack(content: bytes, largest: Mapping[str, int]) -> dict[str, bytes]:
    """Read what `pack` wrote.

    Parameters
    ----------
    content : bytes
        Of a file, from a stranger.
    largest : mapping of str to int
        Names of the members in their order, and the most bytes of each.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    RefusedError
        If `pack` would have written anything else.
    """
    members: dict[str, bytes] = {}
    offset = 0
    for name, most in largest.items():
        start, size = _member(content, offset, name)
        if size > most:
            raise RefusedError(f"{name} has {size:,} bytes; at most {most:,} are read")
        if start + size > len(content):
            raise RefusedError(f"{name}: the archive ends before the {size:,} bytes it declares")
        members[name] = content[start : start + size]
        offset = start + size
    if pack(members) != content:
        raise RefusedError(
            f"the archive is not the one that genomark submit packs from {', '.join(members)}: "
            "other members, a member twice, a link, a comment, a damaged or a wrongly described one"
        )
    return members


def first_member(content: bytes, name: str, most: int) -> bytes:
    """Read the first member, of an archive whose rest need not be there.

    Parameters
    ----------
    content : bytes
        The beginning of a file, from a stranger.
    name : str
    most : int
        Bytes of the member.

    Raises
    ------
    RefusedError
        If `pack` would not begin so, or what is there ends before the member does.
    """
    start, size = _member(content, 0, name)
    if size > most or start + size > len(content):
        raise RefusedError(f"{name} has {size:,} bytes; at most {most:,} are read")
    return content[start : start + size]


def _member(content: bytes, offset: int, name: str) -> tuple[int, int]:
    """Find where the content of a member begins, and its size, as its header declares it."""
    if len(content) < offset + _LOCAL.size or content[offset : offset + 4] != b"PK\3\4":
        what = "is no zip archive" if offset == 0 else f"has no member {name}"
        raise RefusedError(f"the bundle {what}; expected one that genomark submit wrote")
    _, _, flags, method, _, _, _, packed, size, length, extra = _LOCAL.unpack_from(content, offset)
    start = offset + _LOCAL.size
    found = content[start : start + length]
    if found != name.encode():
        shown = ascii(found[:_NAME_SHOWN].decode("latin-1"))
        raise RefusedError(f"the archive has {shown} where {name} was expected")
    if flags & _ENCRYPTED:
        raise RefusedError(f"{name} is encrypted; expected a plain member")
    if method != 0 or flags or packed != size or extra:
        raise RefusedError(f"{name} is not stored as it is; expected what genomark submit packs")
    return start + length, size
