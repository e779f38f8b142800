"""Attention between the bases of a sequence as colours."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from genomark.results.drawing import (
    FONT_SIZE,
    QUIET,
    box,
    colour_at,
    colour_bar,
    drawing,
    line,
    text,
    ticks,
    width_of,
)

_SIDE = 480
_LEFT, _TOP, _MARGIN = 64, 16, 8
_LEGEND_WIDTH, _LEGEND_STEPS = 200, 40
_SHADES = 256


def attention_map(weights: NDArray[np.float32], *, label: str) -> str:
    """Draw how much each base (down) looks at each other (across).

    Parameters
    ----------
    weights : ndarray of float32, shape (length, length)
        0 or above, as `genomark.models.explain.attention.AttentionMap.of_bases` gives them.
    label : str
        What the image shows, for who cannot see it.

    Returns
    -------
    str
        An ``<svg>`` element with a picture in it, a pixel a pair of bases. The scale goes from 0
        to the largest weight, square roots in even steps: most weights are far below the largest.
    """
    length, largest = weights.shape[0], float(weights.max(initial=0.0)) or 1.0
    shades = np.sqrt(np.maximum(weights, 0.0) / largest) * (_SHADES - 1)
    picture = base64.b64encode(_png(shades.round().astype(np.uint8))).decode()
    bottom = _TOP + _SIDE
    parts = [
        f'<image x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" '
        f'preserveAspectRatio="none" image-rendering="pixelated" '
        f'href="data:image/png;base64,{picture}"/>',
        box(_LEFT, _TOP, _SIDE, _SIDE, fill="none", stroke=QUIET),
    ]
    for tick in ticks(1.0, float(max(length, 2)), most=8):
        if 1 <= tick <= length and tick == round(tick):
            at, said = (tick - 0.5) / length * _SIDE, f"{tick:.0f}"
            parts.append(line(_LEFT + at, bottom, _LEFT + at, bottom + 4))
            parts.append(text(_LEFT + at, bottom + 18, said, text_anchor="middle"))
            parts.append(line(_LEFT - 4, _TOP + at, _LEFT, _TOP + at))
            parts.append(text(_LEFT - 8, _TOP + at + 4, said, text_anchor="end"))
    middle = _TOP + _SIDE / 2
    turned = f"rotate(-90 16 {middle:.1f})"
    parts.append(text(_LEFT + _SIDE / 2, bottom + 38, "is looked at", text_anchor="middle"))
    parts.append(text(16, middle, "looks", text_anchor="middle", transform=turned))
    parts += _legend(_LEFT, bottom + 56, largest)
    width = _LEFT + max(_SIDE, _LEGEND_WIDTH + width_of(["share of attention"]) + 24) + _MARGIN
    return drawing(width, bottom + 96, label, parts)


def _legend(x: float, y: float, largest: float) -> list[str]:
    parts = colour_bar(x, y, _LEGEND_WIDTH, _LEGEND_STEPS)
    for share in (0.0, 0.5, 1.0):
        at = x + share * _LEGEND_WIDTH
        parts.append(line(at, y + FONT_SIZE, at, y + FONT_SIZE + 4))
        said = f"{share * share * largest:.3g}"
        parts.append(text(at, y + FONT_SIZE + 17, said, text_anchor="middle"))
    parts.append(text(x + _LEGEND_WIDTH + 2 * _MARGIN, y + 11, "share of attention"))
    return parts


def _png(shades: NDArray[np.uint8]) -> bytes:
    """Write a PNG (ISO/IEC 15948) of numbers into a table of colours; elements would be megabytes.

    Parameters
    ----------
    shades : ndarray of uint8, shape (height, width)
    """
    height, width = shades.shape
    table = bytes.fromhex(
        "".join(colour_at(shade / (_SHADES - 1)).removeprefix("#") for shade in range(_SHADES))
    )
    # Each row begins with the number of its filter: 0, none.
    rows = np.pad(shades, ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", table), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return b"".join(
        (
            struct.pack(">I", len(content)),
            name,
            content,
            struct.pack(">I", zlib.crc32(name + content)),
        )
    )
