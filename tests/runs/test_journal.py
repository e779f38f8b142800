from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3

import msgspec
import pytest
from toy import Toy, count_a

from genomark.digests import digest_of
from genomark.errors import GenomarkError, WriteError
from genomark.models import as_model
from genomark.runs import Journal, Settings, Workshop, make_plan
from genomark.runs.outcome import Meter, shard_path


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


@pytest.fixture
def recorded(tmp_path, shard_and_workshop):
    """A folder with one shard done: its outcome."""
    shard, workshop = shard_and_workshop
    outcome = workshop.work(shard)
    with Journal(tmp_path) as journal:
        journal.record(outcome)
    return outcome


def damaged(kind: str, content: bytes) -> bytes:
    half = len(content) // 2
    return {
        "truncated": content[:half],
        "cut to a page": content[:4096],
        "empty": b"",
        "zeros": bytes(len(content)),
        "half zeros": content[:half] + bytes(half),
        "no database": b"not a database" * 100,
        "header": bytes(100) + content[100:],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["truncated", "cut to a page", "empty", "zeros", "half zeros", "no database", "header"],
)
def test_a_damaged_journal_is_made_anew_and_nothing_is_lost(tmp_path, recorded, caplog, kind):
    file = tmp_path / "journal.sqlite"
    file.write_bytes(damaged(kind, file.read_bytes()))
    with caplog.at_level("WARNING", "genomark.runs"), Journal(tmp_path) as journal:
        assert journal.is_done(recorded.digest)
        assert journal.outcomes([recorded.digest]) == [recorded]
    assert "restored from its backup" in caplog.text
    moved = list(tmp_path.glob("journal.sqlite.damaged-*"))
    if kind != "empty":
        assert [each.name for each in moved if "-wal" not in each.name] == [
            "journal.sqlite.damaged-1"
        ]
        assert "is damaged" in caplog.text
    assert all("\n" not in record.getMessage() for record in caplog.records)
    caplog.clear()
    with Journal(tmp_path) as journal:
        assert journal.is_done(recorded.digest)
    assert caplog.records == []


def test_every_cut_of_the_log_that_sqlite_writes_ahead_is_survived(tmp_path, shard_and_workshop):
    shard, workshop = shard_and_workshop
    outcome = workshop.work(shard)
    journal = Journal(tmp_path)
    journal.record(outcome)
    # As a power cut finds them: the journal is still open.
    base, ahead = (tmp_path / f"journal.sqlite{end}" for end in ("", "-wal"))
    contents = base.read_bytes(), ahead.read_bytes()
    journal.__exit__(None, None, None)
    for number, cut in enumerate(range(0, len(contents[1]), len(contents[1]) // 12)):
        folder = tmp_path / f"cut{number}"
        (folder / "shards").mkdir(parents=True)
        shutil.copy(shard_path(tmp_path, shard.digest), shard_path(folder, shard.digest))
        shutil.copy(tmp_path / "journal.backup", folder)
        (folder / "journal.sqlite").write_bytes(contents[0])
        torn = contents[1][:cut] + bytes(len(contents[1]) - cut if number % 2 else 0)
        (folder / "journal.sqlite-wal").write_bytes(torn)
        with Journal(folder) as again:
            assert again.is_done(shard.digest)


def test_a_row_with_a_flipped_bit_is_not_believed(tmp_path, recorded):
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        (row,) = database.execute("select outcome from shards").fetchone()
        place = row.index(recorded.file_digest.encode())
        flipped = row[:place] + bytes([row[place] ^ 1]) + row[place + 1 :]
        database.execute("update shards set outcome = ?", (flipped,))
    database.close()
    (tmp_path / "journal.backup").rename(tmp_path / "away")
    with Journal(tmp_path) as journal:
        assert journal.outcomes([recorded.digest]) == []
        assert not journal.is_done(recorded.digest)
    (tmp_path / "away").rename(tmp_path / "journal.backup")
    with Journal(tmp_path) as journal:
        assert journal.outcomes([recorded.digest]) == [recorded]


def flipped(file, place: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


def test_a_flipped_bit_anywhere_in_header_schema_or_keys_costs_nothing(tmp_path):
    made = [
        msgspec.structs.replace(Meter().outcome(digest_of(number), "f"), wall_seconds=number)
        for number in range(20)
    ]
    digests = [each.digest for each in made]
    source = tmp_path / "source"
    with Journal(source) as journal:
        for each in made:
            journal.record(each)
    content = (source / "journal.sqlite").read_bytes()
    keys = [content.index(digest.encode()) for digest in digests]
    # Versions of the format and of the journal, page size, encoding; names in the schema; keys and
    # checksums.
    header = [(place, bit) for place in (16, 18, 19, 47, 59, 60, 63) for bit in (0, 1, 7)]
    words = (b"evaluations", b"blob", b"checksum text")
    schema = [(content.index(word), bit) for word in words for bit in (0, 7)]
    rows = [(place + 1, bit) for place in keys[::4] for bit in (1, 7)]
    last = content.rindex(checksum_of(source, digests[0]))
    for number, (place, bit) in enumerate([*header, *schema, *rows, (last, 0), (last, 7)]):
        folder = tmp_path / f"{number}"
        shutil.copytree(source, folder)
        flipped(folder / "journal.sqlite", place, bit)
        for _ in range(2):
            with Journal(folder) as journal:
                assert journal.outcomes(digests) == made, (place, bit)
                journal.record(made[0])


def checksum_of(folder, digest: str) -> bytes:
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as database:
        query = "select checksum from shards where digest = ?"
        return database.execute(query, (digest,)).fetchone()[0].encode()


def altered(folder, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "pragma user_version=0",
        "pragma user_version=1",
        "pragma user_version=3",
        "pragma user_version=2050",
        "drop table shards",
        "drop table evaluations",
        "alter table shards rename to shardt",
    ],
)
def test_a_journal_with_a_wrong_version_or_tables_is_made_anew(
    tmp_path, recorded, caplog, statement
):
    altered(tmp_path, statement)
    with caplog.at_level("WARNING", "genomark.runs"), Journal(tmp_path) as journal:
        assert journal.outcomes([recorded.digest]) == [recorded]
    assert "its tables are not those of journal version" in caplog.text
    assert (tmp_path / "journal.sqlite.damaged-1").exists()


def test_the_row_of_another_shard_is_not_believed(tmp_path, recorded):
    (tmp_path / "journal.backup").unlink()
    altered(tmp_path, f"update shards set digest = '{'0' * 32}'")
    with Journal(tmp_path) as journal:
        assert journal.outcomes(["0" * 32, recorded.digest]) == []


@pytest.mark.parametrize(
    "statement",
    ["alter table shards add column colour text", "update shards set checksum = 'of another kind'"],
)
def test_a_newer_version_is_believed_of_a_journal_that_is_sound_and_of_another_form(
    tmp_path, recorded, statement
):
    altered(tmp_path, statement)
    altered(tmp_path, "pragma user_version=3")
    with pytest.raises(GenomarkError, match="newer genomark"):
        Journal(tmp_path)
    assert not (tmp_path / "journal.sqlite.damaged-1").exists()


def test_a_file_that_may_not_be_written_is_not_taken_for_damaged(tmp_path, recorded, monkeypatch):
    flipped(tmp_path / "journal.sqlite", 18, 7)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(WriteError, match="readonly database"):
        Journal(tmp_path)
    assert not (tmp_path / "journal.sqlite.damaged-1").exists()


def test_without_journal_and_backup_all_is_computed_again(tmp_path, recorded):
    (tmp_path / "journal.sqlite").write_bytes(b"")
    (tmp_path / "journal.backup").unlink()
    with Journal(tmp_path) as journal:
        assert not journal.is_done(recorded.digest)
        journal.record(recorded)
        assert journal.is_done(recorded.digest)


def test_a_folder_of_the_first_version_is_taken_over_whole(tmp_path, shard_and_workshop):
    shard, workshop = shard_and_workshop
    outcome = workshop.work(shard)
    # Statements and fields as the first version had them.
    fields = ("digest", "file_digest", "error", "trace", "started", "finished", "wall_seconds")
    fields += ("cpu_seconds", "peak_rss_bytes", "bytes_sent", "bytes_received")
    old = msgspec.msgpack.encode({name: getattr(outcome, name) for name in fields})
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("pragma journal_mode=wal")
        database.executescript(
            "create table shards (digest text primary key, outcome blob not null) without rowid;"
            "create table evaluations (digest text primary key, result_digest text not null,"
            " predictions_file_digest text not null) without rowid;"
            "pragma user_version=1;"
        )
        database.execute("insert into shards values (?, ?)", (outcome.digest, old))
        database.execute("insert into evaluations values ('e', 'r', 'p')")
    database.close()
    for _ in range(2):
        with Journal(tmp_path) as journal:
            (found,) = journal.outcomes([outcome.digest])
            assert found == msgspec.structs.replace(outcome, spent=None)
            assert journal.is_done(outcome.digest)
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        assert database.execute("pragma user_version").fetchone() == (2,)
        assert database.execute("select * from evaluations").fetchall() == [("e", "r", "p")]
    database.close()
    # From now on it has a backup.
    (tmp_path / "journal.sqlite").write_bytes(b"")
    with Journal(tmp_path) as journal:
        assert journal.is_done(outcome.digest)


def test_a_journal_that_another_program_holds_is_one_clear_line(tmp_path, monkeypatch, recorded):
    monkeypatch.setattr("genomark.runs.journal._BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    with Journal(tmp_path) as journal:
        holder.execute("begin immediate")
        with pytest.raises(WriteError, match=r"database is locked\. What was finished is kept"):
            journal.record(recorded)
        holder.execute("rollback")
        journal.record(recorded)
    holder.close()


def test_a_damage_that_comes_while_it_is_open_is_one_clear_line(tmp_path, recorded):
    with Journal(tmp_path) as journal:
        journal._database.execute("drop table shards")
        with pytest.raises(WriteError, match=r"Cannot go on with .*journal\.sqlite: no such table"):
            journal.record(recorded)
        with pytest.raises(WriteError, match="the same command goes on from there"):
            journal.is_done(recorded.digest)


def test_a_folder_in_the_place_of_a_shard_is_not_done(tmp_path, recorded):
    shard_path(tmp_path, recorded.digest).unlink()
    shard_path(tmp_path, recorded.digest).mkdir()
    with Journal(tmp_path) as journal:
        assert not journal.is_done(recorded.digest)


def test_a_newer_journal_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("pragma user_version=99")
    database.close()
    with pytest.raises(GenomarkError, match="newer genomark"):
        Journal(tmp_path)
