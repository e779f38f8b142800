"""Attacks on a board, each through all of it: refused with a reason, and nothing written."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import polars as pl
import pytest

from genomark.results.submission.archive import pack, unpack
from genomark.results.submission.bundle import _LARGEST


def state(world):
    """All files but the log, and what the log says of scores."""
    files = {
        path.name: path.read_bytes()
        for path in world.board_folder.rglob("*")
        if path.is_file() and "sqlite" not in path.name
    }
    with world.open()._log.reading() as log:
        scored = log.attempts(scored=True)
        kept = [log.standing("guanine/cons30", each.model) for each in scored]
        return files, scored, kept, log.owner("model"), log.owner("thief")


@pytest.fixture
def refused(world):
    """A board with one submission; ``refused(content)`` is the reason."""
    assert world.open().receive(world.bundle(world.noisy(0.7))).accepted

    def check(content):
        before, lines = state(world), _refusals(world)
        receipt = world.open().receive(content)
        assert not receipt.accepted
        assert receipt.released is None
        assert receipt.reason.isprintable()
        assert len(receipt.reason) < 700
        assert state(world) == before
        assert _refusals(world) == [*lines, receipt.reason]
        return receipt.reason

    return check


def _refusals(world):
    with world.open()._log.reading() as log:
        return [each.reason for each in log.attempts() if each.outcome == "refused"]


def archived(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def members(world):
    return unpack(world.bundle(world.noisy(0.5)), _LARGEST)


def test_archives(refused, members):
    assert "is not stored as it is" in refused(archived(members.items(), zipfile.ZIP_DEFLATED))
    assert "other members" in refused(pack({**members, "labels.csv": b""}))
    assert "other members" in refused(pack({**members, "inner.zip": pack(members)}))
    renamed = {f"../{name}": content for name, content in members.items()}
    assert "where manifest.json was expected" in refused(pack(renamed))
    nested = pack({"bundle.zip": pack(members)})
    assert "where manifest.json was expected" in refused(nested)


@pytest.mark.parametrize("member", ["predictions.parquet", "model_card.md", "signature"])
def test_tampered_bundles(refused, members, member):
    content = members[member]
    changed = content[:-1] + bytes([content[-1] ^ 1])
    refused(pack({**members, member: changed}))


def test_members_of_two_bundles(world, refused, members):
    other = unpack(world.bundle(world.noisy(0.2), "thief", key="thief"), _LARGEST)
    for name in members:
        if name != "model_card.md":  # The cards are the same.
            refused(pack({**members, name: other[name]}))


def test_a_better_prediction_under_another_name(world, refused):
    taken = world.bundle(world.noisy(0.05), "model", key="thief")
    assert "belongs to another key" in refused(taken)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.with_columns(value=pl.lit(float("nan"))), "no finite value"),
        (lambda f: f.with_columns(value=pl.lit(float("-inf"))), "no finite value"),
        (lambda f: f.with_columns(item_id=pl.col("item_id") + "x"), "is not asked"),
        (lambda f: f.head(200), "200 rows; expected 240"),
        (lambda f: pl.concat([f.head(239), f.head(1)]), "is there twice"),
        (lambda f: f.with_columns(truth=pl.lit(0.0)), "columns are"),
        (lambda f: f.with_columns(pl.col("value").cast(pl.Float32)), "columns are"),
        (lambda f: f.with_columns(value=pl.lit(1.0)), "are all the same"),
    ],
)
def test_predictions(world, refused, change, reason):
    frame = change(world.frame(world.noisy(0.5)))
    assert reason in refused(world.bundle(world.parquet(frame)))


def test_damaged_predictions(world, refused):
    content = world.parquet(world.frame(world.noisy(0.5)))
    for damaged in (content[:-10], content[10:], bytes(len(content)), b"PAR1PAR1"):
        assert "cannot be decoded" in refused(world.bundle(damaged))


def test_noise(refused):
    rng = np.random.default_rng(0)
    for size in (1, 30, 1000, 100_000):
        refused(rng.bytes(size))
        refused(b"PK\3\4" + rng.bytes(size))
