"""Ids of sequences that say nothing of them.

Published Evaluators send names with coordinates, alleles and orientation in them, and there are
Predictors that read names (GAME 1.0, section 11).
"""

from __future__ import annotations

import hashlib


def opaque_id(what: str) -> str:
    """Name a sequence by a digest of its letters, or of whatever else makes it what it is."""
    return f"s{hashlib.sha256(what.encode()).hexdigest()[:20]}"
