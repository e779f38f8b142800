"""Tasks of GUANinE: scored where labels are in the open, and by a board where they are hidden."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from starlette.testclient import TestClient
from submitting import parquet

from genomark.benchmarks.guanine import split_files
from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.submissions.scorer import Hosting, Scorer
from genomark.leaderboard.submissions.service import submissions
from genomark.results.submission import Board, Limits, read_test_table


@pytest.fixture
def guanine(tmp_path, monkeypatch):
    """A task of GUANinE in a cache of its own: dev in the open, test without labels."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("GENOMARK_CACHE", str(cache))
    monkeypatch.setattr(split_files, "_hub_answers", lambda: False)
    rng = np.random.default_rng(0)
    frames = {}
    for name, n in (("train", 60), ("dev", 80), ("test", 80)):
        rows = ["".join(rng.choice(list("ACGT"), 60)) for _ in range(n)]
        frame = pl.DataFrame({"seq": rows, "y": rng.integers(0, 18, n)})
        folder = cache / "datasets" / "guanine" / "gpra_c" / name
        folder.mkdir(parents=True)
        (frame.drop("y") if name == "test" else frame).write_csv(folder / f"{name}.csv")
        frames[name] = frame
    return frames


def of_guanine(frame, noise):
    ids = [str(number + 1) for number in range(frame.height)]
    values = frame["y"].to_numpy() + noise * np.random.default_rng(1).normal(size=frame.height)
    return pl.DataFrame({"item_id": ids, "label": "y", "value": values}).sort("item_id"), values


def test_guanine_is_scored_where_its_labels_are_and_refused_where_they_are_not(
    office, submitter, guanine
):
    task = "guanine/gpra_c"
    frame, values = of_guanine(guanine["dev"], 3)
    row = office.scored(submitter.bundle(parquet(frame), benchmark=task, asked=task))
    assert row.state == "scored", row.reason
    expected = 100 * spearmanr(values.astype(np.float32), guanine["dev"]["y"])[0]
    assert office.store.entry(row.result_id).value == pytest.approx(expected, abs=1e-6)
    hidden = office.scored(
        submitter.bundle(parquet(frame), benchmark=task, asked=f"{task}:split=test")
    )
    assert (hidden.state, hidden.result_id) == ("refused", None)
    assert "are hidden, and not hosted here" in hidden.reason


def test_a_board_with_hidden_labels_tells_what_its_ladder_tells(
    office, submitter, guanine, tmp_path
):
    task, folder, key = "guanine/gpra_c", tmp_path / "board", tmp_path / "secret" / "board.key"
    frame, _ = of_guanine(guanine["test"], 4)
    table = frame.select("item_id", "label").join(
        pl.DataFrame({"item_id": [str(n + 1) for n in range(80)], "truth": guanine["test"]["y"]}),
        on="item_id",
    )
    table.write_csv(tmp_path / "labels.csv")
    board = Board.init(folder, key, Limits())
    board.add(task, read_test_table(tmp_path / "labels.csv"), version="1")
    office.hosting = Hosting(str(folder), str(key))
    asked = f"{task}:split=test"
    bundle = submitter.bundle(parquet(frame), benchmark=task, asked=asked)
    stranger = office.scored(bundle)
    assert stranger.state == "refused"
    assert "this board is by invitation" in stranger.reason
    board.admit(submitter.key.public)
    bundle = submitter.bundle(parquet(frame), benchmark=task, asked=asked)
    told = office.scored(bundle)
    assert (told.state, told.result_id) == ("scored", None)
    assert told.verdict.startswith("new figure: spearman 0.")
    assert told.verdict.endswith("; attempt 1, 4 left")
    assert office.store.entries() == []
    # Cut off before it was told: the second time it is no further attempt, and says the same.
    office.incoming.path(told.id).write_bytes(bundle)
    claimed = msgspec.structs.replace(told, state="scoring")
    with office.store.database.writing() as connection:
        connection.exec_driver_sql(
            f"update submissions set state = 'scoring', verdict = null where id = '{told.id}'"
        )
    Scorer(office.store, office.incoming, office.hosting).score(claimed)
    assert office.waiting.get(told.id).verdict == told.verdict


def test_the_form_lists_what_is_hosted(store, guanine, tmp_path):
    frame, _ = of_guanine(guanine["test"], 4)
    frame.rename({"value": "truth"}).write_csv(tmp_path / "labels.csv")
    folder, key = tmp_path / "board", tmp_path / "secret" / "board.key"
    Board.init(folder, key).add(
        "guanine/gpra_c", read_test_table(tmp_path / "labels.csv"), version="1"
    )
    hosting = Hosting(str(folder), str(key))
    with submissions(store, str(tmp_path / "store"), hosting=hosting) as routes:
        page = TestClient(leaderboard_app(store, submissions=routes)).get("/submit").text
    assert "<code>guanine/gpra_c</code>, 80 items" in page
    assert "<code>simulated-enhancers</code>" in page
    assert "/benchmarks/guanine" not in page
