"""Names for URLs and files, made from names that strangers chose.

A slug has only letters, digits and ``-._~@``, begins with a letter or digit, and is no longer than
a file name may be. Plain names stay as they are but for ``/``, which becomes ``.``; of others a
readable rest is followed by ``~`` and the beginning of a digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?")
_REST = re.compile(r"[^a-z0-9]+")
#: What follows a dot where a page has twins; no slug may end so.
ENDINGS = ("json", "csv", "parquet", "html", "js")
_READABLE, _LONGEST = 48, 100
_DIGITS, _DIGITS_OF_VERSION = 10, 8
#: Of a digest that somebody met on purpose.
ALL_DIGITS = 64


def slug_of(id: str, owner: str = "", *, digits: int = _DIGITS) -> str:
    """Name something.

    Parameters
    ----------
    id : str
        Any text.
    owner : str
        Empty for what is the board's own; else the name is not plain, whatever the id.
    digits : int
        Hexadecimal digits of the digest, 64 at most.
    """
    first, _, rest = id.partition("/")
    plain = _PLAIN.fullmatch(id) and len(id) <= _LONGEST and rest not in ENDINGS
    if plain and not owner:
        return f"{first}.{rest}" if rest else first
    readable = _REST.sub("-", id.lower()).strip("-")[:_READABLE].rstrip("-") or "x"
    return f"{readable}~{_digest(owner, id)[:digits]}"


def version_slug(
    slug: str, version: str, digest: str, limit: int | None, *, digits: int = _DIGITS_OF_VERSION
) -> str:
    """Name an older version, or a limited one, of a benchmark that has a slug."""
    return f"{slug}@{_digest(version, digest, str(limit))[:digits]}"


def slugs_of(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name many things, each by ``(owner, id)``, no two alike.

    Ten digits of a digest can be met on purpose. Who comes later and does so gets all of them.

    Parameters
    ----------
    names : iterable of (str, str)
        Owner and id; what was there first comes first.
    """
    found: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for owner, id in names:
        if (owner, id) in found:
            continue
        slug = slug_of(id, owner)
        if slug in taken:
            slug = slug_of(id, owner, digits=ALL_DIGITS)
        taken.add(slug)
        found[owner, id] = slug
    return found


def _digest(*parts: str) -> str:
    """Digest some texts; where one ends and the next begins matters."""
    digest = hashlib.sha256()
    for part in parts:
        # What is no text of Unicode, as half a surrogate pair, has a digest too.
        content = part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
