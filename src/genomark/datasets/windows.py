"""Compiled reading of many windows: from packed bases, and from lines of text.

Windows become upper-case ASCII in rows of `out`, uint8[n, length]; rows that are not asked for
stay. Each lies on its chromosome at least in part, and what is beyond its ends becomes N.
`docs/design/windows.md` has the figures.
"""

from __future__ import annotations

import numpy as np

from genomark.compiled import kernel

_N = np.uint8(ord("N"))
_SMALL_A, _SMALL_Z = np.uint8(ord("a")), np.uint8(ord("z"))
_TO_UPPER = np.uint8(ord("a") - ord("A"))


@kernel
def unpack_windows(
    raw: np.ndarray,
    four_bases: np.ndarray,
    chromosomes: np.ndarray,
    unknown: np.ndarray,
    rows: np.ndarray,
    numbers: np.ndarray,
    starts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Read windows of a 2bit file.

    Parameters
    ----------
    raw : ndarray of uint8
        The file.
    four_bases : ndarray of uint32, shape (256,)
        The letters of each byte, as they lie in memory.
    chromosomes : ndarray of int64, shape (n_chromosomes, 4)
        Length, byte of the first base, first of its rows in `unknown`, and the row after its last.
    unknown : ndarray of int64, shape (n_blocks, 2)
        Stretches of N, half-open, in order.
    rows, numbers, starts : ndarray of int64, shape (n_windows,)
        Row of `out`, number of the chromosome and first letter on it, of each window.
    """
    length = out.shape[1]
    # Whole bytes are unpacked here, since a window may begin within one.
    words = np.empty(length // 4 + 2, dtype=np.uint32)
    letters = words.view(np.uint8)
    for which in range(rows.size):
        start = starts[which]
        size, bases, block, last_block = chromosomes[numbers[which]]
        first, last = max(start, 0), min(start + length, size)
        before = first - start
        n = last - first
        window = out[rows[which]]
        window[:before] = _N
        window[before + n :] = _N
        # Slices that begin at 0 spare the loops a check of every index for being negative.
        packed = raw[bases + first // 4 : bases + (last + 3) // 4]
        for byte in range(packed.size):
            words[byte] = four_bases[packed[byte]]
        inside = window[before : before + n]
        found = letters[first % 4 : first % 4 + n]
        for place in range(n):
            inside[place] = found[place]
        block += np.searchsorted(unknown[block:last_block, 1], first, side="right")
        while block < last_block and unknown[block, 0] < last:
            inside[max(unknown[block, 0] - first, 0) : min(unknown[block, 1] - first, n)] = _N
            block += 1


@kernel
def copy_windows(
    raw: np.ndarray,
    chromosomes: np.ndarray,
    rows: np.ndarray,
    numbers: np.ndarray,
    starts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Read windows of text in lines, and make small letters large.

    Parameters
    ----------
    raw : ndarray of uint8
        The text.
    chromosomes : ndarray of int64, shape (n_chromosomes, 4)
        Length, byte of the first base, bases of a line, and bytes of a line with what ends it.
    rows, numbers, starts : ndarray of int64, shape (n_windows,)
        Row of `out`, number of the chromosome and first letter on it, of each window.
    """
    length = out.shape[1]
    for which in range(rows.size):
        start = starts[which]
        size, offset, bases, width = chromosomes[numbers[which]]
        at, last = max(start, 0), min(start + length, size)
        window = out[rows[which]]
        window[: at - start] = _N
        window[last - start :] = _N
        while at < last:
            line = at // bases
            n = min((line + 1) * bases, last) - at
            source = offset + line * width + at - line * bases
            text = raw[source : source + n]
            inside = window[at - start : at - start + n]
            for place in range(n):
                small = np.uint8(_SMALL_A <= text[place] <= _SMALL_Z)
                inside[place] = text[place] - small * _TO_UPPER
            at += n
