"""A file of blocks gives back what was written, or says that it cannot."""

from __future__ import annotations

import random

import polars as pl
import pytest

from genomark.benchmarks.points.point_blocks import DamagedBlocksError, PointBlocks, write_blocks

COLUMNS = ("item_id", "sequence", "truth")


def made(n: int) -> pl.DataFrame:
    letters = random.Random(3)
    return pl.DataFrame(
        {
            "item_id": [f"item {number}" for number in range(n)],
            "sequence": ["".join(letters.choices("ACGT", k=20)) for _ in range(n)],
            "truth": [letters.random() for _ in range(n)],
        }
    )


@pytest.fixture
def path(tmp_path):
    frame = made(50)
    write_blocks(tmp_path / "points.blocks", [frame[:40], frame[40:]], 20)
    return tmp_path / "points.blocks"


def all_of(path) -> pl.DataFrame:
    blocks = PointBlocks(path)
    return pl.concat([blocks.read(number, COLUMNS) for number in range(3)])


def test_blocks_are_the_rows_that_were_written(path):
    blocks = PointBlocks(path)
    assert (blocks.height, blocks.block, blocks.columns) == (50, 20, list(COLUMNS))
    assert blocks.read(1, COLUMNS).equals(made(50)[20:40])
    assert blocks.read(2, ["truth"]).equals(made(50)[40:].select("truth"))


@pytest.mark.parametrize(("last", "expected"), [(0.0, True), (0.5, False)])
def test_two_classes_are_known_by_all_rows(last, expected, tmp_path):
    frame = made(4).with_columns(truth=pl.Series([0.0, 1.0, 1.0, last]))
    write_blocks(tmp_path / "points.blocks", [frame[:2], frame[2:]], 2)
    assert PointBlocks(tmp_path / "points.blocks").two_classes is expected


def test_no_flipped_bit_passes_for_other_rows(path):
    whole, expected = path.read_bytes(), made(50)
    places = random.Random(0)
    for _ in range(300):
        content = bytearray(whole)
        content[places.randrange(len(whole))] ^= 1 << places.randrange(8)
        path.write_bytes(content)
        with pytest.raises(DamagedBlocksError):
            all_of(path)
    path.write_bytes(whole)
    assert all_of(path).equals(expected)


@pytest.mark.parametrize("left", [0, 1, 31, 40, 41, 500, -1])
def test_a_file_that_was_cut_is_not_read(left, path):
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DamagedBlocksError):
        all_of(path)


def test_a_damaged_block_spoils_no_other(path):
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert PointBlocks(path).read(1, COLUMNS).equals(made(50)[20:40])


def test_a_file_that_is_gone_is_told(path):
    blocks = PointBlocks(path)
    path.unlink()
    with pytest.raises(DamagedBlocksError):
        blocks.read(0, COLUMNS)
    with pytest.raises(DamagedBlocksError):
        PointBlocks(path)
