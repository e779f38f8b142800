"""The Matcher that models of many tracks have where no other is named."""

from __future__ import annotations

import functools

from genomark.matching.matcher import Matcher


@functools.cache
def builtin_matcher() -> Matcher:
    """Give the one of this process: what it knows is read, and a term matched, only once."""
    return Matcher()
