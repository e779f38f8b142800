"""No label, no exact score and no share is in any file, answer or message of a board."""

from __future__ import annotations

import logging
import struct

import msgspec
import numpy as np
import pytest

from genomark.results.submission import Limits
from genomark.results.submission.ladder import climb, ground
from genomark.results.submission.similarity import sketch
from genomark.scoring import REPLICATES


def representations(value):
    """The ways in which a number can lie in a file."""
    yield struct.pack("<d", value)
    yield struct.pack(">d", value)
    yield repr(float(value)).encode()
    yield f"{value:.6f}".encode()


def texts_of(world, extra):
    for path in sorted(world.board_folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
    yield from extra.items()


def test_labels_are_nowhere(new_world, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    world = new_world()
    board = world.make()
    answers = [
        board.receive(content)
        for content in (
            world.bundle(world.noisy(0.7)),
            world.bundle(world.noisy(0.2)),
            world.bundle(world.noisy(0.7), version="2"),
            world.bundle(b"PAR1"),
            b"nothing",
        )
    ]
    final = board.freeze("guanine/cons30")
    out, err = capfd.readouterr()
    extra = {
        "receipts": msgspec.json.encode(answers),
        "status": msgspec.json.encode(board.status()),
        "final": msgspec.json.encode(final),
        "representations": repr([board, vars(board), answers]).encode(),
        "output": (out + err + caplog.text).encode(),
    }
    # The search finds what is there.
    packed = b"..." + struct.pack("<d", world.truth[3])
    assert any(each in packed for each in representations(world.truth[3]))
    for name, content in texts_of(world, extra):
        for truth in world.truth:
            assert not any(each in content for each in representations(truth)), name
        for cluster in {f"cluster {each}".encode() for each in world.clusters}:
            assert cluster not in content, name


def test_scores_are_told_only_rounded_before_the_end(world):
    board = world.open()
    receipt = board.receive(world.bundle(world.noisy(0.7)))
    (score,) = board.freeze("guanine/cons30").models[0].public
    final = {path.name for path in world.board_folder.rglob("*.json")}
    for name, content in texts_of(world, {"receipt": msgspec.json.encode(receipt)}):
        if name not in final:
            for value in (score.value, *score.interval):
                assert not any(each in content for each in representations(value)), name


def test_the_boards_key_is_nowhere(world):
    board = world.open()
    receipt = board.receive(world.bundle(world.noisy(0.7)))
    secret = world.board_key.read_text().strip()
    extra = {
        "receipt": msgspec.json.encode(receipt),
        "board": repr(board).encode(),
    }
    for name, content in texts_of(world, extra):
        assert secret.encode() not in content, name
        assert bytes.fromhex(secret) not in content, name


@pytest.mark.usefixtures("quick_decoding")
def test_no_answer_rests_on_private_labels(new_world, tmp_path):
    """Two boards with one key and other private labels answer alike."""
    answers = []
    first = new_world()
    first.make(step=0.05)
    shares = _private_items(first)
    second = new_world()
    second.folder = tmp_path / "second"
    (second.folder / "secrets").mkdir(parents=True)
    second.board_key.write_bytes(first.board_key.read_bytes())
    second.board_key.chmod(0o600)
    second.truth = second.truth.copy()
    rows = [number for number, name in enumerate(second.ids) if name in shares]
    second.truth[rows] = second.truth[rows][::-1] * -7
    second.make(step=0.05)
    assert _private_items(second) == shares
    for world in (first, second):
        bundles = [
            # The same predictions for both: the truth of the first, with noise.
            world.bundle(first.noisy(noise, seed), nonce=f"{seed}" * 32)
            for seed, noise in enumerate((2.0, 0.7, 0.8, 0.1))
        ]
        board = world.open()
        answers.append([_told(board.receive(content)) for content in bundles])
    assert answers[0] == answers[1]
    assert [told[0] for told in answers[0]] == [True, True, False, True]
    # At the end they differ.
    one, two = (world.open().freeze("guanine/cons30").models[0] for world in (first, second))
    assert one.public == two.public
    assert one.private[0].value > 0.9
    assert two.private[0].value < 0.5


def _told(receipt):
    return receipt.improved, receipt.released, receipt.attempt


def _private_items(world):
    board = world.open()
    referee = board._referee(board.status().benchmarks[0].benchmark)
    items = sorted(world.ids)
    return {items[row] for row in np.flatnonzero(referee._hidden.private)}


def test_which_share_an_item_is_of_cannot_be_asked(world):
    """Predictions that differ in one item only are scored, and are not told of."""
    board = world.open()
    values = np.zeros(len(world.ids))
    values[7] = 1.0
    receipt = board.receive(world.bundle(values))
    assert (receipt.accepted, receipt.released) == (True, None)
    referee = board._referee(board.status().benchmarks[0].benchmark)
    for row in range(0, len(world.ids), 5):
        prediction = np.zeros((len(world.ids), 1))
        prediction[row] = 1.0
        score = referee.scores(prediction, private=False)[0]
        assert climb(score.value, score.drawn, ground(REPLICATES), 0.001, score.n_clusters) is None


@pytest.mark.usefixtures("quick_decoding")
def test_25_keys_of_a_stranger_are_told_what_one_is(new_world):
    """On a board that is open to all, each key with a model of its own."""
    world = new_world(limits=Limits(open_to_all=True))
    board = world.make()
    told = {}
    for number in range(25):
        name = f"s{number}"
        receipt = board.receive(world.bundle(world.noisy(0.7, number), name, key=name))
        assert receipt.accepted
        if receipt.released:
            told[number] = receipt.released.value
    # One is told of, and others only where they are better by a step and beyond noise.
    assert 0 in told
    assert len(told) <= 2
    assert sorted(set(told.values())) == list(told.values())


@pytest.mark.usefixtures("quick_decoding")
def test_sketches_are_sealed(world):
    board = world.open()
    values = world.noisy(0.7)
    board.receive(world.bundle(values))
    hosted = board.status().benchmarks[0].benchmark
    seed = board._key.seed(f"sketch of {hosted.id} {hosted.version}")
    drawn = sketch(world.frame(values)["value"].to_numpy()[:, None], seed)
    for name, content in texts_of(world, {}):
        for piece in (drawn.ranks[:8], drawn.ranks[-8:]):
            assert piece.tobytes() not in content, name


@pytest.mark.slow
@pytest.mark.usefixtures("quick_decoding")
@pytest.mark.parametrize("name", [lambda number: "model", "fresh {}".format])
def test_500_submissions_to_a_board_gain_no_step(new_world, name):
    """The whole board, its limit lifted; `test_ladder` has more of the kind."""
    world = new_world(n=600, limits=Limits(10_000, 10_000))
    board = world.make()
    rng = np.random.default_rng(3)
    first = best = world.noisy(1.0)
    told = None
    for number in range(500):
        trial = best if number == 0 else best + 0.3 * rng.normal(size=best.size)
        receipt = board.receive(world.bundle(trial, name(number)))
        if receipt.improved:
            best, told = trial, receipt.released.value
    hosted = board.status().benchmarks[0].benchmark
    referee = board._referee(hosted)
    private = [
        referee.scores(world.frame(values)["value"].to_numpy()[:, None], private=True)[0].value
        for values in (first, best)
    ]
    assert private[1] - private[0] <= hosted.step
    assert told - private[1] <= hosted.step + 2 / np.sqrt(300)
    assert board.status().benchmarks[0].scored == 500
