"""A board receives bundles: what it answers, what it writes down, whom it refuses."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from scipy.stats import spearmanr

from genomark.errors import GenomarkError, UsageError
from genomark.results.submission import Board, Limits, board
from genomark.results.submission.hidden import unsealed_truth
from genomark.results.submission.hosting import Hosted
from genomark.results.submission.sealed import read_board_key

BENCHMARK = "guanine/cons30"

pytestmark = pytest.mark.usefixtures("quick_decoding")


def rows(world, asked="select outcome, reason from attempts order by number"):
    with sqlite3.connect(world.board_folder / "board.sqlite") as database:
        return database.execute(asked).fetchall()


def public_score(world, values):
    """Spearman on the public share, which only the sealed file tells."""
    log = rows(world, "select record from benchmarks")
    hosted = msgspec.json.decode(log[0][0], type=Hosted)
    key = read_board_key(world.board_key, world.board_folder)
    sealed = world.board_folder / "benchmarks" / hosted.folder / "truth.sealed"
    hidden = unsealed_truth(sealed.read_bytes(), key, hosted.purpose)
    ordered = world.frame(values)["value"].to_numpy()
    share = ~hidden.private
    return spearmanr(ordered[share], hidden.truth[share, 0]).statistic


def refused(world, content):
    before = sorted(world.board_folder.rglob("*"))
    receipt = world.open().receive(content)
    assert not receipt.accepted
    assert receipt.released is None
    # Nothing is written but the line of the log.
    known = [each for each in world.board_folder.rglob("*") if "sqlite" not in each.name]
    assert sorted(known) == [each for each in before if "sqlite" not in each.name]
    assert rows(world)[-1] == ("refused", receipt.reason)
    return receipt.reason


def test_a_receipt_tells_the_rounded_score(world):
    values = world.noisy(0.7)
    receipt = world.open().receive(world.bundle(values))
    assert (receipt.accepted, receipt.improved, receipt.reason) == (True, True, None)
    assert (receipt.benchmark, receipt.benchmark_version) == (BENCHMARK, "1")
    assert (receipt.model, receipt.attempt, receipt.attempts_left) == ("model", 1, 4)
    assert receipt.received == "2026-03-01T12:00:00Z"
    # 40 public clusters: 0.5 / sqrt(40) is 0.079, so that the step is 0.1.
    expected = public_score(world, values)
    assert receipt.released.value == pytest.approx(round(expected * 10) / 10)
    # An interval, or the values of single labels, would tell more than the step.
    assert msgspec.to_builtins(receipt.released).keys() == {"name", "value"}


def test_the_bundle_is_kept_as_it_came(world):
    content = world.bundle(world.noisy(0.7))
    receipt = world.open().receive(content)
    path = world.board_folder / "received" / f"{receipt.bundle}.zip"
    assert path.read_bytes() == content


def test_a_file_is_received_like_its_bytes(world, tmp_path):
    path = tmp_path / "bundle.zip"
    path.write_bytes(world.bundle(world.noisy(0.7)))
    assert world.open().receive(path).accepted
    for missing in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(UsageError, match="no such file"):
            world.open().receive(missing)


def test_what_is_no_better_repeats_the_last_figures(world):
    first = world.open().receive(world.bundle(world.noisy(0.7)))
    for noise, seed in ((0.7, 0), (0.69, 0), (5.0, 3)):
        receipt = world.open().receive(world.bundle(world.noisy(noise, seed)))
        assert receipt.accepted
        assert not receipt.improved
        assert receipt.released == first.released
    better = world.open().receive(world.bundle(world.noisy(0.1)))
    assert better.improved
    assert better.released.value > first.released.value
    assert better.attempt == 5


def test_a_model_that_is_no_better_than_chance_has_no_figures(world):
    for values in (-world.noisy(0.3), np.random.default_rng(9).normal(size=len(world.ids))):
        receipt = world.open().receive(world.bundle(values))
        assert (receipt.accepted, receipt.improved, receipt.released) == (True, False, None)


def test_keys_climb_by_themselves(world):
    board = world.open()
    best = board.receive(world.bundle(world.noisy(0.1)))
    other = board.receive(world.bundle(world.noisy(1.0), "another", key="other"))
    assert other.improved
    assert other.released.value < best.released.value


def test_all_models_of_a_key_climb_together(world):
    board = world.open()
    first = board.receive(world.bundle(world.noisy(0.7)))
    # A fresh name tells nothing that the key was not told before.
    # (Which items are public is drawn anew by each board: others must be clearly worse.)
    for noise, seed in ((0.7, 0), (1.5, 1), (2.0, 2)):
        fresh = board.receive(world.bundle(world.noisy(noise, seed), f"fresh {seed}"))
        assert (fresh.accepted, fresh.improved, fresh.released) == (True, False, None)
    better = board.receive(world.bundle(world.noisy(0.1), "better"))
    assert better.improved
    assert better.released.value > first.released.value
    # What was told of a model stays told.
    again = board.receive(world.bundle(world.noisy(0.2)))
    assert (again.improved, again.released) == (False, first.released)
    told = {each.model: each.released for each in board.status().benchmarks[0].models}
    assert told.pop("better") == better.released
    assert told.pop("model") == first.released
    assert set(told.values()) == {None}


def test_attempts_of_a_model_are_counted_over_seven_days(world):
    board, begun = world.open(), world.now
    for number in range(5):
        receipt = board.receive(world.bundle(world.noisy(1.0, number)))
        assert (receipt.attempt, receipt.attempts_left) == (number + 1, 4 - number)
        world.now += timedelta(hours=1)
    assert receipt.next_attempt == "2026-03-08T12:00:00Z"
    assert refused(world, world.bundle(world.noisy(1.0, 6))) == (
        "5 attempts of this model were scored within 7 days, of at most 5; the next is after "
        "2026-03-08T12:00:00Z"
    )
    # Other models have attempts of their own.
    assert world.open().receive(world.bundle(world.noisy(1.0, 7), "another")).attempts_left == 4
    world.now = begun + timedelta(days=7)
    assert board.receive(world.bundle(world.noisy(1.0, 8))).attempt == 6
    assert not board.receive(world.bundle(world.noisy(1.0, 9))).accepted
    world.now += timedelta(hours=1)
    assert board.receive(world.bundle(world.noisy(1.0, 10))).attempt == 7


def test_refused_bundles_are_no_attempts(world):
    for _ in range(7):
        refused(world, world.bundle(world.noisy(1.0), version="2"))
    assert world.open().receive(world.bundle(world.noisy(1.0))).attempt == 1


def test_attempts_of_a_key_are_counted_over_its_names(new_world):
    world = new_world(limits=Limits(model=2, key=3))
    board = world.make()
    for name in ("a", "b", "c"):
        receipt = board.receive(world.bundle(world.noisy(1.0), name))
    assert receipt.attempts_left == 0
    assert "3 attempts of this key" in refused(world, world.bundle(world.noisy(1.0), "d"))
    assert board.receive(world.bundle(world.noisy(1.0), "e", key="other")).accepted


def test_a_bundle_is_scored_once(world):
    content = world.bundle(world.noisy(0.7), nonce="a" * 32)
    world.open().receive(content)
    assert refused(world, content).startswith("this bundle was scored before")
    # Nor is another one with the same nonce.
    changed = world.bundle(world.noisy(0.5), nonce="a" * 32)
    assert refused(world, changed).startswith("this bundle was scored before")
    # Nonces of another key are its own.
    again = world.bundle(world.noisy(0.5), "another", key="other", nonce="a" * 32)
    assert world.open().receive(again).accepted


def test_a_name_belongs_to_the_key_that_used_it_first(world):
    world.open().receive(world.bundle(world.noisy(0.7), "Model-1"))
    assert refused(world, world.bundle(world.noisy(0.1), "Model-1", key="thief")) == (
        "the model name 'Model-1' belongs to another key; sign with that key, or choose another "
        "name"
    )
    thief = world.bundle(world.noisy(0.1), "mODEL-1", key="thief")
    assert "belongs to another key" in refused(world, thief)
    own = world.bundle(world.noisy(0.1), "MODEL-1")
    assert refused(world, own) == "the model is called 'Model-1' here; expected the same letters"


def test_a_refused_bundle_takes_no_name(world):
    refused(world, world.bundle(world.noisy(0.7), version="2"))
    assert world.open().receive(world.bundle(world.noisy(0.7), key="other")).accepted


@pytest.mark.parametrize(
    ("skew", "reason"),
    [
        (timedelta(minutes=9), None),
        (timedelta(minutes=11), "and here it is 2026-03-01T12:00:00Z; set the clock"),
        (timedelta(days=-29), None),
        (timedelta(days=-31), "over 30 days before 2026-03-01T12:00:00Z; pack again"),
        (timedelta(days=365 * 1000), "set the clock"),
    ],
)
def test_clocks_may_differ_a_little(world, skew, reason):
    content = world.bundle(world.noisy(0.7), created=skew)
    if reason is None:
        assert world.open().receive(content).accepted
    else:
        assert reason in refused(world, content)


def test_a_clock_that_goes_back_frees_no_attempts(world):
    for number in range(5):
        world.open().receive(world.bundle(world.noisy(1.0, number)))
    world.now -= timedelta(days=20)
    assert "5 attempts" in refused(world, world.bundle(world.noisy(1.0, 9)))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"benchmark": "guanine/cons31"}, "No benchmark 'guanine/cons31' on this board. Known: gu"),
        ({"benchmark": "../../etc/passwd"}, "No benchmark '../../etc/passwd' on this board"),
        ({"version": "2"}, "'guanine/cons30' is version 1 here, and the bundle is of version 2"),
    ],
)
def test_a_benchmark_that_is_not_there(world, options, reason):
    assert reason in refused(world, world.bundle(world.noisy(0.7), **options))


def test_constant_predictions_have_no_score(world):
    constant = np.ones(len(world.ids))
    assert refused(world, world.bundle(constant)) == (
        "the predictions of label 'y' are all the same"
    )


@pytest.mark.parametrize("content", [b"", b"PK\5\6" + bytes(18), b"x" * 100])
def test_what_is_no_bundle(world, content):
    assert "is no zip archive" in refused(world, content)


def test_a_large_file_is_not_read_to_its_end(world, tmp_path, monkeypatch):
    monkeypatch.setattr(board, "LARGEST_BUNDLE", 1000)
    path = tmp_path / "sparse.zip"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)
    assert "is no zip archive" in refused(world, path)


def test_every_attempt_is_in_the_log(world):
    world.open().receive(world.bundle(world.noisy(0.7)))
    world.open().receive(b"nothing")
    world.open().receive(world.bundle(world.noisy(0.7), version="2"))
    found = rows(world, "select outcome, benchmark, model, received from attempts order by number")
    assert found == [
        ("scored", BENCHMARK, "model", "2026-03-01T12:00:00Z"),
        ("refused", None, None, "2026-03-01T12:00:00Z"),
        ("refused", BENCHMARK, "model", "2026-03-01T12:00:00Z"),
    ]


def test_nearly_the_same_under_another_name_or_key_is_flagged(world):
    board = world.open()
    values = world.noisy(0.7)
    for content in (
        world.bundle(values),
        world.bundle(values, "copy", key="other"),
        world.bundle(np.exp(values), "disguised", key="other"),
        world.bundle(world.noisy(0.7, 5), "own work", key="third"),
        world.bundle(values * 2, "model"),
    ):
        assert board.receive(content).accepted
    flags = {
        (each.model, each.other_model): each.correlation for each in board.status().near_identical
    }
    assert flags == {
        ("copy", "model"): 1.0,
        ("disguised", "model"): 1.0,
        ("disguised", "copy"): 1.0,
        ("model", "copy"): 1.0,
        ("model", "disguised"): 1.0,
    }


def test_a_copy_with_another_sign_is_flagged(world):
    board = world.open()
    values = world.noisy(0.7)
    for content in (world.bundle(values), world.bundle(-values, "negated", key="other")):
        assert board.receive(content).accepted
    (pair,) = board.status().near_identical
    assert (pair.model, pair.other_model) == ("negated", "model")
    assert pair.correlation == pytest.approx(-1.0, abs=1e-6)


def test_status_sums_up(world):
    board = world.open()
    receipt = board.receive(world.bundle(world.noisy(0.7)))
    board.receive(world.bundle(world.noisy(0.7, 4)))
    board.receive(b"nothing")
    found = world.open().status()
    assert found.refused == 1
    (benchmark,) = found.benchmarks
    assert (benchmark.scored, benchmark.refused, benchmark.frozen) == (2, 0, None)
    assert (benchmark.benchmark.items, benchmark.benchmark.labels) == (240, ["y"])
    (model,) = benchmark.models
    assert (model.model, model.attempts, model.attempts_left) == ("model", 2, 3)
    assert model.key == world.key().public
    assert model.released == receipt.released


def test_a_board_is_made_once(world):
    with pytest.raises(UsageError, match="is a board already"):
        Board.init(world.board_folder, world.board_key)
    with pytest.raises(UsageError, match="its labels stay as they are"):
        world.open().add(BENCHMARK, world.table())


def test_a_board_is_opened_with_its_own_key(world, tmp_path):
    Board.init(tmp_path / "second", tmp_path / "second.key")
    with pytest.raises(UsageError, match="not the key of the board"):
        Board.open(world.board_folder, tmp_path / "second.key")
    with pytest.raises(UsageError, match="is no board; type: genomark board init"):
        Board.open(tmp_path / "nowhere", world.board_key)


@pytest.mark.parametrize("version", [1, 99])
def test_a_board_of_another_genomark_is_left_alone(world, version):
    rows(world, f"pragma user_version={version}")
    with pytest.raises(GenomarkError, match="was made by another genomark"):
        world.open()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"private_share": 0.0}, "A private share of 0.0"),
        ({"private_share": 1.0}, "A private share of 1.0"),
        ({"step": 0.0}, "A step of 0.0"),
        ({"step": 0.6}, "A step of 0.6"),
        ({"version": "a b"}, "is no id or version"),
    ],
)
def test_options_of_a_benchmark(new_world, options, reason):
    with pytest.raises(UsageError, match=reason):
        new_world().make(**options)


def test_the_step_can_be_chosen(new_world):
    world = new_world()
    world.make(step=0.2)
    receipt = world.open().receive(world.bundle(world.noisy(0.7)))
    assert receipt.released.value in (0.4, 0.6, 0.8)


@pytest.mark.parametrize("name", ["items.parquet", "truth.sealed"])
def test_files_of_the_board_that_were_changed_are_not_used(world, name):
    (path,) = world.board_folder.rglob(name)
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(GenomarkError, match="was changed"):
        world.open().receive(world.bundle(world.noisy(0.7)))
    path.unlink()
    if name == "truth.sealed":
        with pytest.raises(GenomarkError, match="No such file"):
            world.open().receive(world.bundle(world.noisy(0.7)))
