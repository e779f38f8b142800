from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from toy import Toy, count_a, length_mod_5

import genomark
from genomark.runs import Journal
from genomark.runs.progress import Silent


def run(out, models=(count_a,), benchmark=None, **options):
    return genomark.run(list(models), benchmark or Toy(), out=out, progress=False, **options)


def without_times(document: bytes) -> dict:
    found = json.loads(document)
    for result in found["results"]:
        for key in ("started", "finished", "cost"):
            del result[key]
    return found


def test_scores_are_those_of_scipy(tmp_path):
    toy = Toy()
    (result,) = run(tmp_path, [length_mod_5], toy)
    predicted = [len(sequence) % 5 for sequence in toy.items["sequence"]]
    truth = toy.items["truth"].to_list()
    assert result.metric("pearson").value == pytest.approx(pearsonr(predicted, truth)[0], abs=1e-12)
    assert result.metric("spearman").value == pytest.approx(
        spearmanr(predicted, truth)[0], abs=1e-12
    )
    assert result.coverage.asked == result.coverage.answered == 12


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(tmp_path):
    asked = []

    def counting(sequences):
        asked.append(len(sequences))
        return count_a(sequences)

    # An attribute, since the digest of a closure follows what it has collected.
    first = run(tmp_path, [_Stable(counting)])
    assert sum(asked) == 12
    second = run(tmp_path, [_Stable(counting)])
    assert sum(asked) == 12
    assert first.to_json() == second.to_json()


def test_fresh_asks_again(tmp_path):
    asked = []

    def counting(sequences):
        asked.append(len(sequences))
        return count_a(sequences)

    run(tmp_path, [_Stable(counting)])
    run(tmp_path, [_Stable(counting)], fresh=True)
    assert sum(asked) == 24


class _Stable:
    """A model whose identity does not depend on what its function has seen."""

    def __init__(self, function):
        self._model = genomark.models.as_model(function)
        self.info = genomark.scoring.ModelIdentity(id="stable", version="1", digest="stable")

    def predict(self, request):
        return self._model.predict(request)


def test_a_failed_request_fails_its_evaluation_and_a_later_run_goes_on(tmp_path):
    state = {"broken": True, "asked": 0}

    def sometimes(sequences):
        if state["broken"] and any(len(sequence) > 12 for sequence in sequences):
            raise RuntimeError("too long\nfor me")
        state["asked"] += len(sequences)
        return count_a(sequences)

    first = run(tmp_path, [_Stable(sometimes), count_a])
    assert [failed.model for failed in first.failed] == ["stable"]
    assert first.failed[0].reason.startswith("RuntimeError: too long")
    assert "2 of 4 requests failed" in first.failed[0].reason
    assert len(first.results) == 1
    kept = state["asked"]
    state["broken"] = False
    second = run(tmp_path, [_Stable(sometimes), count_a])
    assert len(second.results) == 2
    assert state["asked"] == 12
    assert kept == 6


def test_answers_that_are_missing_are_counted_with_their_reason(tmp_path):
    def gaps(sequences):
        return [float("nan") if len(s) == 8 else float(s.count("A")) for s in sequences]

    (result,) = run(tmp_path, [gaps])
    assert result.coverage.answered == 11
    assert [(f.reason, f.items) for f in result.coverage.failed] == [("the answer is nan", 1)]
    assert result.metric("pearson").n == 11


def test_a_wrong_number_of_answers_fails_and_names_the_model(tmp_path):
    results = run(tmp_path, [lambda sequences: [1.0]])
    assert "expected (4,), one number per sequence" in results.failed[0].reason


def test_damaged_files_are_made_again(tmp_path):
    before = run(tmp_path)
    for file in (*tmp_path.glob("results/*/*.json"), *tmp_path.glob("shards/*.parquet")):
        file.write_bytes(file.read_bytes()[:-7])
    after = run(tmp_path)
    assert without_times(before.to_json()) == without_times(after.to_json())


def test_a_shard_that_is_damaged_before_it_is_read_fails_its_evaluation(tmp_path, monkeypatch):
    run(tmp_path)
    for folder in ("results", "predictions"):
        for file in tmp_path.glob(f"{folder}/**/*.*"):
            file.unlink()
    shards = sorted(tmp_path.glob("shards/*.parquet"))
    outcomes = Journal.outcomes

    def damaged(self, digests):
        shards[0].write_bytes(b"PAR1")
        return outcomes(self, digests)

    monkeypatch.setattr(Journal, "outcomes", damaged)
    (failed,) = run(tmp_path).failed
    assert failed.reason.startswith("a file of its answers was damaged (")
    assert "\n" not in failed.reason
    monkeypatch.undo()
    assert len(run(tmp_path).results) == 1


def test_shards_of_what_is_finished_are_not_read_where_no_answer_is_kept(tmp_path, monkeypatch):
    before = run(tmp_path)
    asked = []
    monkeypatch.setattr(Journal, "has", lambda self, shard: asked.append(shard))
    assert run(tmp_path).to_json() == before.to_json()
    assert asked == []


def test_predictions_are_kept_item_by_item_with_where_they_come_from(tmp_path):
    (result,) = run(tmp_path)
    (file,) = tmp_path.glob("predictions/*.parquet")
    frame = pl.read_parquet(file)
    assert frame.columns == ["item_id", "task", "value", "reason"]
    assert frame["value"].to_list() == Toy().items["truth"].to_list()
    metadata = pl.read_parquet_metadata(file)
    assert metadata["genomark.benchmark"] == "toy 1"
    assert metadata["genomark.model"] == result.model.id


def test_results_carry_what_they_rest_on(tmp_path):
    (result,) = run(tmp_path, seed=3, limit=10)
    assert (result.seed, result.settings["limit"]) == (3, 10)
    assert result.environment["packages"]["genomark"] == genomark.__version__
    assert result.cost.wall_seconds > 0
    assert result.cost.peak_rss_bytes > 1 << 20
    assert result.started <= result.finished
    assert result.benchmark.title == "how many A"


def test_models_are_compared_in_pairs_on_the_same_items(tmp_path):
    results = run(tmp_path, [count_a, length_mod_5, _gc])
    assert len(results.comparisons) == 3 - 0
    pair = results.comparisons[0]
    values = [result.metric("pearson").value for result in results]
    assert pair.difference == pytest.approx(values[0] - values[1], abs=1e-12)
    assert not pair.tied
    assert results.ranks("toy")[0].model == "py:count_a"


def _gc(sequences):
    return [(s.count("G") + s.count("C")) / len(s) for s in sequences]


def test_a_control_and_a_model_can_stand_in_one_table(tmp_path):
    results = run(tmp_path, ["control:oracle", "control:random", count_a])
    assert [each.model for each in results.ranks("toy")][:2] == ["control:oracle", "py:count_a"]
    assert results[0].metric("pearson").value == 1.0


def test_workers_do_not_change_results(tmp_path):
    options = {"benchmark": "simulated-enhancers", "limit": 300}
    one = run(tmp_path / "one", ["gc", "control:random"], workers=1, **options)
    two = run(tmp_path / "two", ["gc", "control:random"], workers=2, **options)
    assert without_times(one.to_json()) == without_times(two.to_json())


SLOW_MODEL = """
import time
def predict(sequences):
    time.sleep(0.4)
    return [float(sequence.count("A")) for sequence in sequences]
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    script = tmp_path / "slow.py"
    script.write_text(SLOW_MODEL)
    models = ["gc", f"py:{script}:predict"]
    command = [sys.executable, "-m", "genomark", "run", "-b", "kircher2019", "--workers", "2"]
    for model in models:
        command += ["-m", model]

    def start(folder, name):
        return subprocess.Popen(
            [*command, "--out", str(tmp_path / folder), "--json", str(tmp_path / name)],
            stdout=(tmp_path / f"{name}.txt").open("wb"),
            stderr=subprocess.DEVNULL,
        )

    killed = start("killed", "first.json")
    shards = tmp_path / "killed" / "shards"
    end = time.monotonic() + 60
    # The first 29 shards are those of gc: a few more, and the slow model is in the middle.
    while len(list(shards.glob("*.parquet"))) < 35 and time.monotonic() < end:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    time.sleep(2)
    done = {file.name: file.stat().st_mtime_ns for file in shards.glob("*.parquet")}
    results = {
        file: file.stat().st_mtime_ns for file in (tmp_path / "killed" / "results").glob("*/*")
    }
    assert 35 <= len(done) < 58
    assert len(results) == 1
    assert start("killed", "second.json").wait() == 0
    assert start("whole", "whole.json").wait() == 0
    second, whole = (tmp_path / name for name in ("second.json", "whole.json"))
    assert without_times(second.read_bytes()) == without_times(whole.read_bytes())
    assert (tmp_path / "second.json.txt").read_bytes() == (tmp_path / "whole.json.txt").read_bytes()
    again = {file.name for file in shards.glob("*.parquet") if file.name in done}
    redone = [name for name in again if (shards / name).stat().st_mtime_ns != done[name]]
    assert len(redone) <= 4, "at most what was in flight is computed again"
    assert all(file.stat().st_mtime_ns == when for file, when in results.items())


class _Watch(Silent):
    def __init__(self):
        self.seen = []

    def begin(self, items):
        self.seen.append(("begin", items))

    def advance(self, items):
        self.seen.append(("advance", items))

    def end(self):
        self.seen.append(("end", 0))


def test_progress_counts_every_item_once(tmp_path, monkeypatch):
    watch = _Watch()
    monkeypatch.setattr("genomark.api.evaluating.default_progress", lambda: watch)
    genomark.run([count_a], Toy(), out=tmp_path)
    assert watch.seen[0] == ("begin", 12)
    assert sum(items for what, items in watch.seen if what == "advance") == 12
    assert watch.seen[-1] == ("end", 0)
    watch.seen.clear()
    genomark.run([count_a], Toy(), out=tmp_path)
    assert watch.seen == [("begin", 0), ("end", 0)]
