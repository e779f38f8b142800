"""Draw the screenshots of docs/leaderboard.md, in Chromium, of a board of made-up results.

usage: python scripts/screenshots.py   (the same each time; nothing is fetched)
"""

from __future__ import annotations

import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "leaderboard"))

from browsing import chromium, served, visiting  # noqa: E402
from synthetic_board import synthetic_board  # noqa: E402

from genomark.benchmarks import SUITES  # noqa: E402
from genomark.results.store import Store  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SHOWN = "kircher2019"
#: Address and height, px.
SHOTS = {
    "front": ("/", 1130),
    "benchmark": (f"/benchmarks/{SHOWN}", 900),
    "compare": (f"/compare?models=m3&models=m5&models=m8&benchmark={SHOWN}", 900),
}
MOST_BYTES = 150_000


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    benchmarks = [*SUITES["quickstart"], *SUITES["gb"][:5], *SUITES["pgb"][:5]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic_board(folder / "store", models=11, items=400, seed=3, named=benchmarks)
        with (
            Store.open(folder / "store") as store,
            served(store, folder / "incoming") as url,
            chromium() as browser,
            visiting(browser, url, color_scheme="light") as visit,
        ):
            for shot, (path, height) in SHOTS.items():
                visit.page.set_viewport_size({"width": 1280, "height": height})
                image = packed(visit.drawn(path).screenshot())
                if len(image) > MOST_BYTES:
                    raise SystemExit(f"{shot}: {len(image):,} bytes, more than {MOST_BYTES:,}")
                (IMAGES / f"board-{shot}.png").write_bytes(image)
                print(f"board-{shot}.png: {len(image):,} bytes")


def packed(image: bytes) -> bytes:
    """Write a PNG of a browser (RGB or RGBA, eight bits) with 256 colours, the most frequent."""
    width, height, _, kind = struct.unpack(">IIBB", image[16:26])
    drawn, at = b"", 8
    while at < len(image):
        (size,) = struct.unpack(">I", image[at : at + 4])
        if image[at + 4 : at + 8] == b"IDAT":
            drawn += image[at + 8 : at + 8 + size]
        at += size + 12
    pixels = _pixels(zlib.decompress(drawn), width, height, 4 if kind == 6 else 3)
    colours, which, count = np.unique(
        pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    palette = colours[np.argsort(-count, kind="stable")[:256]]
    away = ((colours[:, np.newaxis].astype(int) - palette[np.newaxis].astype(int)) ** 2).sum(2)
    places = away.argmin(1).astype(np.uint8)[which.reshape(height, width)]
    rows = np.hstack([np.zeros((height, 1), np.uint8), places])
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return image[:8] + b"".join(
        struct.pack(">I", len(content)) + name + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )  # fmt: skip


def _pixels(content: bytes, width: int, height: int, channels: int) -> NDArray[np.uint8]:
    """Undo the filters of each row (PNG, section 9)."""
    rows = np.frombuffer(content, np.uint8).reshape(height, 1 + width * channels)
    above = [0] * (width * channels)
    found = []
    for kind, *row in rows.tolist():
        for at, value in enumerate(row):
            left, corner = (row[at - channels], above[at - channels]) if at >= channels else (0, 0)
            up = above[at]
            if kind == 4:
                near = left + up - corner
                guess = min((left, up, corner), key=lambda each: abs(near - each))
            else:
                guess = (0, left, up, (left + up) // 2)[kind]
            row[at] = (value + guess) & 255
        above = row
        found.append(np.array(row, np.uint8))
    return np.array(found).reshape(height, width, channels)[:, :, :3]


if __name__ == "__main__":
    main()
