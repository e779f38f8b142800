"""Freezing: both shares are scored, and nothing is received any more."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from genomark.errors import GenomarkError, UsageError
from genomark.results.submission import Limits

BENCHMARK = "guanine/cons30"


def shares(world):
    """Truth and private flags in the order of the items; the tests may look."""
    board = world.open()
    hidden = board._referee(board.status().benchmarks[0].benchmark)._hidden
    return hidden.truth[:, 0], hidden.private


@pytest.mark.usefixtures("quick_decoding")
def test_both_shares_are_scored_in_full(world):
    board = world.open()
    values = {"model": world.noisy(0.7), "second": world.noisy(1.5)}
    for name, each in values.items():
        board.receive(world.bundle(each, name))
    final = board.freeze(BENCHMARK)
    truth, private = shares(world)
    assert [each.model for each in final.models] == ["model", "second"]
    for model in final.models:
        ordered = world.frame(values[model.model])["value"].to_numpy()
        for (row,), share in ((model.public, ~private), (model.private, private)):
            expected = spearmanr(ordered[share], truth[share]).statistic
            assert row.value == pytest.approx(expected, abs=1e-12)
            assert row.interval[0] < expected < row.interval[1]
            assert (row.n, row.n_clusters) == (share.sum(), 40)
    (path,) = (world.board_folder / "final").iterdir()
    document = json.loads(path.read_bytes())
    assert document["models"][0]["private"][0]["value"] == final.models[0].private[0].value
    assert document["frozen"] == "2026-03-01T12:00:00Z"


@pytest.mark.usefixtures("quick_decoding")
def test_what_was_released_counts(world):
    board = world.open()
    released = board.receive(world.bundle(world.noisy(0.3)))
    board.receive(world.bundle(world.noisy(3.0)))
    (model,) = board.freeze(BENCHMARK).models
    assert (model.bundle, model.attempts, model.was_released) == (released.bundle, 2, True)


@pytest.mark.usefixtures("quick_decoding")
def test_without_a_release_the_last_attempt_counts(world):
    board = world.open()
    board.receive(world.bundle(-world.noisy(1.0)))
    last = board.receive(world.bundle(-world.noisy(2.0)))
    (model,) = board.freeze(BENCHMARK).models
    assert (model.bundle, model.line, model.was_released) == (last.bundle, 2, False)
    assert model.private[0].value < 0


@pytest.mark.usefixtures("quick_decoding")
def test_what_is_closed_takes_nothing(world):
    board = world.open()
    board.receive(world.bundle(world.noisy(0.7)))
    board.freeze(BENCHMARK)
    receipt = world.open().receive(world.bundle(world.noisy(0.1)))
    assert receipt.reason == "'guanine/cons30' was closed at 2026-03-01T12:00:00Z"
    assert world.open().status().benchmarks[0].frozen == "2026-03-01T12:00:00Z"


def test_freezing_again_writes_the_same_bytes(world):
    board = world.open()
    board.receive(world.bundle(world.noisy(0.7)))
    board.freeze(BENCHMARK)
    (path,) = (world.board_folder / "final").iterdir()
    content = path.read_bytes()
    path.unlink()
    world.now = world.now.replace(year=2027)
    told = []
    world.open().freeze(BENCHMARK, lambda *each: told.append(each))
    assert path.read_bytes() == content
    assert told == [(0, 1, "model")]


def test_copies_are_told(world):
    board = world.open()
    for name in ("model", "copy"):
        board.receive(world.bundle(world.noisy(0.7), name))
    (pair,) = board.freeze(BENCHMARK).near_identical
    assert (pair.model, pair.other_model) == ("copy", "model")


@pytest.mark.usefixtures("quick_decoding")
def test_a_kept_bundle_that_was_changed_is_not_scored(world):
    board = world.open()
    receipt = board.receive(world.bundle(world.noisy(0.7)))
    path = world.board_folder / "received" / f"{receipt.bundle}.zip"
    path.write_bytes(world.bundle(world.noisy(0.01)))
    with pytest.raises(GenomarkError, match="was changed; restore it"):
        board.freeze(BENCHMARK)


def test_a_benchmark_that_is_not_there(world):
    with pytest.raises(UsageError, match="No benchmark 'other' on this board"):
        world.open().freeze("other")


@pytest.mark.usefixtures("quick_decoding")
def test_a_benchmark_without_submissions_is_closed_too(world):
    assert world.open().freeze(BENCHMARK).models == []


@pytest.mark.usefixtures("quick_decoding")
def test_a_prediction_without_a_score_on_a_share_comes_last(new_world):
    world = new_world(limits=Limits(9, 9))
    board = world.make()
    _, private = shares(world)
    # In the order of names, as `frame` sorts them.
    order = np.argsort(np.argsort(world.ids))
    only_public = np.where(private, 0.0, np.arange(private.size, dtype=float))[order]
    board.receive(world.bundle(only_public, "lopsided"))
    board.receive(world.bundle(-world.noisy(0.5), "inverse"))
    final = board.freeze(BENCHMARK)
    assert [each.model for each in final.models] == ["inverse", "lopsided"]
    assert final.models[1].private[0].reason_if_null == "constant prediction"
