"""Pointers that Git LFS leaves where large files were not fetched."""

from __future__ import annotations

from pathlib import Path

#: A pointer is a text of three lines that begins like this.
LFS_POINTER, _LONGEST = b"version https://git-lfs.github.com/spec/", 1024


def is_pointer(path: Path) -> bool:
    """Whether a file is such a pointer, and not what it points to."""
    if path.stat().st_size > _LONGEST:
        return False
    with path.open("rb") as handle:
        return handle.read(len(LFS_POINTER)) == LFS_POINTER
