"""A shard is asked of what the run began with, and what goes wrong in it ends it alone."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest
from toy import Toy, count_a

from genomark.benchmarks import load_benchmark
from genomark.benchmarks.simulated import SimulatedEnhancers
from genomark.errors import RemoteModelError, WriteError
from genomark.models import as_model, cached_predictor, load_model
from genomark.models.prediction_cache import PredictionCache
from genomark.runs import Settings, Workshop, make_plan, shards
from genomark.runs.answers import Answers
from genomark.runs.plan import Shard
from genomark.scoring import ModelIdentity

ROWS = ["item_id\tsequence\ttruth", "a\tACGT\t1", "b\tACCC\t2", "c\tAAAA\t3"]
MODEL = "def predict(sequences):\n    return [float(len(each)) for each in sequences]\n"


def planned(spec: str, name: str) -> list[Shard]:
    made = make_plan([(spec, load_model(spec))], [(name, load_benchmark(name))], Settings())
    assert (made.failed, made.skipped) == ([], [])
    return made.evaluations[0].shards


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "points.tsv"
    path.write_text("\n".join(ROWS))
    return path


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    return path


def test_what_is_loaded_by_name_and_unchanged_is_asked(table, script, tmp_path):
    for spec in (f"py:{script}:predict", "gc", "control:oracle"):
        (shard,) = planned(spec, f"points:{table}")
        assert Workshop(tmp_path / "out").work(shard).error is None


def test_a_table_that_changed_under_the_run_is_not_asked(table, tmp_path):
    (shard,) = planned("gc", f"points:{table}")
    table.write_text("\n".join(ROWS).replace("ACCC", "GGGG"))
    workshop = Workshop(tmp_path / "out")
    for _ in range(2):
        assert workshop.work(shard).error == (
            f"points:{table} is not what the run began with (its file has changed); run again"
        )


def test_a_benchmark_is_looked_at_without_reading_its_items(table, tmp_path, monkeypatch):
    (shard,) = planned("gc", f"points:{table}")
    read = []
    monkeypatch.setattr(
        "genomark.benchmarks.points.point_table.PointTable.items", lambda self: read.append(1)
    )
    assert Workshop(tmp_path / "out").work(shard).error is None
    assert read == []


def test_a_model_that_changed_under_the_run_is_not_asked(table, script, tmp_path):
    spec = f"py:{script}:predict"
    (shard,) = planned(spec, f"points:{table}")
    script.write_text(MODEL.replace("float(", "-float("))
    workshop = Workshop(tmp_path / "out")
    for _ in range(2):
        assert workshop.work(shard).error == (
            f"{spec} is not what the run began with (its digest has changed); run again"
        )
    script.write_text(MODEL)
    assert Workshop(tmp_path / "out").work(shard).error is None


def test_what_has_another_digest_each_time_is_not_taken_for_changed(table, script, tmp_path):
    script.write_text(
        "import threading\n"
        "class Held:\n"
        "    def __init__(self):\n"
        "        self.lock = threading.Lock()\n"
        "    def __call__(self, sequences):\n"
        "        return [1.0 for _ in sequences]\n"
        "predict = Held()\n"
    )
    spec = f"py:{script}:predict"
    assert load_model(spec).info.digest != load_model(spec).info.digest
    (shard,) = planned(spec, f"points:{table}")
    assert Workshop(tmp_path / "out").work(shard).error is None


def test_a_fitted_model_is_known_by_what_it_is_fitted_on(tmp_path, real_data):
    real_data("lentimpra_k562_sample", "sample_test.txt")
    benchmark = SimulatedEnhancers()
    (shard, *_) = planned("kmer:k=2", benchmark.id)
    assert Workshop(tmp_path / "out").work(shard).error is None
    other = msgspec.structs.replace(shard, model_digest="of another split")
    assert "kmer:k=2 is not what the run began with" in Workshop(tmp_path / "o").work(other).error


def test_what_the_run_itself_holds_is_not_compared(tmp_path):
    model, toy = as_model(count_a), Toy()
    shard = make_plan([("m", model)], [("toy", toy)], Settings()).evaluations[0].shards[0]
    shard = msgspec.structs.replace(shard, model_digest="0", benchmark_digest="0")
    assert Workshop(tmp_path, {"m": model}, {"toy": toy}).work(shard).error is None


class Restarted:
    """Stands for a server that is another model once it has answered."""

    info = ModelIdentity("http://there", "1", "before")
    batch_invariant = keepable = True

    def __init__(self) -> None:
        self.asked = self.confirmed = 0

    def predict(self, request):
        self.asked += 1
        return as_model(count_a).predict(request)

    def confirm_identity(self):
        self.confirmed += 1
        if self.asked:
            raise RemoteModelError(f"another after {self.asked} requests")
        return True


def test_a_server_that_is_another_by_the_time_it_has_answered_fails_the_shard(tmp_path):
    model, toy = Restarted(), Toy()
    shard = make_plan([("m", model)], [("toy", toy)], Settings()).evaluations[0].shards[0]
    outcome = Workshop(tmp_path, {"m": model}, {"toy": toy}).work(shard)
    assert outcome.error == "another after 1 requests"
    assert list(tmp_path.glob("shards/*")) == []


@pytest.fixture
def all_is_worth_keeping(monkeypatch):
    for cost in ("FILE", "SEQUENCE", "LETTER", "BYTE"):
        monkeypatch.setattr(cached_predictor, f"_SECONDS_A_{cost}", 0.0)


def test_a_server_behind_the_cache_is_asked_too(tmp_path):
    model, toy = Restarted(), Toy()
    shard = make_plan([("m", model)], [("toy", toy)], Settings()).evaluations[0].shards[0]
    cache = PredictionCache(tmp_path / "cache", 10**9)
    outcome = Workshop(tmp_path, {"m": model}, {"toy": toy}, cache=cache).work(shard)
    assert outcome.error == "another after 1 requests"


@pytest.mark.usefixtures("all_is_worth_keeping")
def test_a_server_of_which_all_answers_are_kept_is_not_asked(tmp_path):
    cache = PredictionCache(tmp_path / "cache", 10**9)
    made = make_plan([("m", Restarted())], [("toy", Toy())], Settings())
    shard = made.evaluations[0].shards[0]
    first, second = Restarted(), Restarted()
    first.confirm_identity = lambda: True
    for model in (first, second):
        workshop = Workshop(tmp_path / "out", {"m": model}, {"toy": Toy()}, cache=cache)
        assert workshop.work(shard).error is None
    assert (first.asked, second.asked, second.confirmed) == (1, 0, 0)


class Odd(Toy):
    """Gives predictions that no file can hold."""

    def answer(self, model, part, asking):
        return pl.DataFrame({"item_id": [object() for _ in part["item_id"]]})


def workshop_and_shard(folder, benchmark) -> tuple[Workshop, Shard]:
    model = as_model(count_a)
    made = make_plan([("m", model)], [("toy", benchmark)], Settings())
    workshop = Workshop(folder, {"m": model}, {"toy": benchmark})
    return workshop, made.evaluations[0].shards[0]


def test_answers_that_cannot_be_written_end_their_shard_alone(tmp_path):
    workshop, shard = workshop_and_shard(tmp_path, Odd())
    outcome = workshop.work(shard)
    assert outcome.error is not None
    assert outcome.file_digest is None


def test_pieces_that_cannot_be_put_together_end_their_shard_alone(tmp_path):
    workshop, shard = workshop_and_shard(tmp_path, Toy())
    found = [
        Answers(range(1), pl.DataFrame({"value": [1.0]})),
        Answers(range(1, 4), pl.DataFrame({"value": ["text"]})),
    ]
    outcome = workshop.put_together(shard, found, {})
    assert outcome.error is not None
    assert outcome.digest == shard.digest


def test_a_folder_that_refuses_ends_the_run(tmp_path, monkeypatch):
    def refuse(path, content):
        raise WriteError("full")

    workshop, shard = workshop_and_shard(tmp_path, Toy())
    monkeypatch.setattr(shards, "keep", refuse)
    with pytest.raises(WriteError):
        workshop.work(shard)
