from __future__ import annotations

import sqlite3

import pytest
from toy import Toy, count_a

from genomark.errors import GenomarkError, WriteError
from genomark.models import as_model
from genomark.runs import Journal, Settings, Workshop, make_plan
from genomark.runs.shards import shard_path


@pytest.fixture
def shard_and_workshop(tmp_path):
    model, benchmark = as_model(count_a), Toy()
    models, benchmarks = [(model.info.id, model)], [(benchmark.id, benchmark)]
    (evaluation,) = make_plan(models, benchmarks, Settings()).evaluations
    return evaluation.shards[0], Workshop(tmp_path, dict(models), dict(benchmarks))


def test_a_shard_is_done_when_row_and_file_agree(tmp_path, shard_and_workshop):
    shard, workshop = shard_and_workshop
    with Journal(tmp_path) as journal:
        assert not journal.is_done(shard.digest)
        outcome = workshop.work(shard)
        assert not journal.is_done(shard.digest), "the file alone does not count"
        journal.record(outcome)
        assert journal.is_done(shard.digest)
        assert journal.outcomes([shard.digest]) == [outcome]


def test_a_row_outlives_the_process_that_wrote_it(tmp_path, shard_and_workshop):
    shard, workshop = shard_and_workshop
    with Journal(tmp_path) as journal:
        journal.record(workshop.work(shard))
    with Journal(tmp_path) as journal:
        assert journal.is_done(shard.digest)


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_file_is_not_done(tmp_path, shard_and_workshop, damage):
    shard, workshop = shard_and_workshop
    with Journal(tmp_path) as journal:
        journal.record(workshop.work(shard))
        path = shard_path(tmp_path, shard.digest)
        content = path.read_bytes()
        if damage == "remove":
            path.unlink()
        elif damage == "truncate":
            path.write_bytes(content[:-1])
        else:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert not journal.is_done(shard.digest)


def test_a_failed_shard_is_recorded_and_not_done(tmp_path, shard_and_workshop):
    shard, workshop = shard_and_workshop

    def broken(sequences):
        raise ValueError("out of order")

    workshop._models[shard.model] = as_model(broken)
    with Journal(tmp_path) as journal:
        journal.record(workshop.work(shard))
        (outcome,) = journal.outcomes([shard.digest])
        assert outcome.error == "ValueError: out of order"
        assert "Traceback" in outcome.trace
        assert outcome.file_digest is None
        assert not journal.is_done(shard.digest)


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"Cannot keep results in .*file/out.*--out") as caught:
        Journal(tmp_path / "file" / "out")
    assert "\n" not in str(caught.value)


def test_a_journal_that_is_no_database_is_one_clear_line(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(WriteError, match="file is not a database"):
        Journal(tmp_path)


def test_a_newer_journal_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("pragma user_version=99")
    database.close()
    with pytest.raises(GenomarkError, match="newer genomark"):
        Journal(tmp_path)
