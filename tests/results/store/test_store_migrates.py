"""Stores of other revisions: older ones are brought forward whole, newer ones are refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from stored_results import evidence_of, result_of

from genomark.errors import GenomarkError, UsageError, WriteError
from genomark.results import load_results
from genomark.results.store import Store
from genomark.results.store.checking import check_store
from genomark.results.store.migrating import MIGRATIONS, migrate
from genomark.results.store.tables import REVISION, metadata
from genomark.scoring import result_json

HERE = Path(__file__).parent
LATER = f"""
import sqlalchemy as sa
from alembic import op

revision = "r9"
down_revision = "{REVISION}"


def upgrade():
    op.add_column("results", sa.Column("colour", sa.Text, server_default="red"))
    {{then}}
"""
OPENER = """
import sys
from genomark.results.store import Store
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
with Store.open(*sys.argv[1:]) as store:
    sys.stdout.write(str(store.generation))
"""


def revision_of(store):
    with store.database.reading() as connection:
        return (
            connection.execute(sa.text("select version_num from alembic_version")).scalars().all()
        )


@pytest.fixture
def first(tmp_path):
    """A store that was written at the first revision; its file is never made again."""
    folder = tmp_path / "first"
    folder.mkdir()
    shutil.copy(HERE / "first-revision.sqlite", folder / "store.sqlite")
    return folder


def later(tmp_path, then="pass"):
    """The revisions of a genomark to come."""
    folder = tmp_path / "later"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "r9_colour.py").write_text(LATER.format(then=then))
    return folder


def test_a_store_of_the_first_revision_is_read(first):
    told = load_results(HERE / "first-revision.json")
    with Store.open(first) as store:
        entries = store.entries(every=True)
        assert [result_json(store.result(each.id)) for each in entries] == [
            result_json(each) for each in told
        ]
        assert [each.standing for each in entries] == ["self-reported", "published", "verified"]
        assert [each.withdrawn for each in entries] == [None, "printed wrongly", None]
        assert store.generation == 4
        drawn = store.replicates([entries[2].id])[entries[2].id].drawn
        np.testing.assert_array_equal(drawn, evidence_of(3).replicates.drawn)
        assert revision_of(store) == [REVISION]
        assert list(check_store(store)) == []
        # It names results as it did then.
        assert store.add(result_of(1, limit=3)) == entries[0].id
        assert store.generation == 4


def test_the_revisions_make_the_tables_that_are_used(store):
    with store.database.reading() as connection:
        found = sa.inspect(connection)
        for table in metadata.sorted_tables:
            columns = {each["name"]: each for each in found.get_columns(table.name)}
            assert list(columns) == [each.name for each in table.columns]
            for each in table.columns:
                there = columns[each.name]
                assert there["nullable"] == bool(each.nullable), each
                assert there["type"]._type_affinity == each.type._type_affinity, each
            indexes = {each["name"]: each["column_names"] for each in found.get_indexes(table.name)}
            told = {each.name: [column.name for column in each.columns] for each in table.indexes}
            assert {name: indexes[name] for name in told} == told


def test_the_revision_that_is_read_is_the_last_one():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_migration_keeps_what_is_there(place, tmp_path):
    with place.open() as store:
        ids = [store.add(result_of(number), evidence=evidence_of(number)) for number in range(3)]
        migrate(store.database, later(tmp_path))
        assert revision_of(store) == ["r9"]
        assert [each.id for each in store.entries()] == ids
        with store.database.reading() as connection:
            assert (
                connection.execute(sa.text("select colour from results")).scalars().all()
                == ["red"] * 3
            )


def test_a_store_of_a_newer_genomark_is_refused(place, tmp_path):
    with place.open() as store:
        id = store.add(result_of(1))
        migrate(store.database, later(tmp_path))
    message = f"by a newer genomark .revision r9, this one knows {REVISION}.. Upgrade genomark"
    with pytest.raises(GenomarkError, match=message) as told:
        place.open()
    assert "\n" not in str(told.value)
    if place.kind == "sqlite":
        with sa.create_engine(f"sqlite:///{place.files}/store.sqlite").connect() as connection:
            assert connection.execute(sa.text("select id from results")).scalar() == id


def test_a_migration_that_fails_changes_nothing(place, tmp_path):
    with place.open() as store:
        id = store.add(result_of(1))
        broken = later(tmp_path, 'op.execute("select * from nothing_of_the_kind")')
        with pytest.raises(WriteError, match="nothing_of_the_kind"):
            migrate(store.database, broken)
        assert revision_of(store) == [REVISION]
        assert store.entry(id).column
        with store.database.reading() as connection:
            names = {each["name"] for each in sa.inspect(connection).get_columns("results")}
        assert "colour" not in names


@pytest.mark.slow
def test_processes_that_make_a_store_at_once_all_have_it(place):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, place.place, place.files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        out, err = process.communicate(timeout=200)
        assert (process.returncode, out) == (0, "0"), err
    with place.open() as store:
        assert revision_of(store) == [REVISION]


def test_nothing_is_made_where_a_store_is_only_to_be_read(place):
    with pytest.raises(UsageError, match="there is no store; one is made by"):
        place.open(create=False)
    assert not place.files.exists()
    place.open().close()
    place.open(create=False).close()


def test_a_store_that_is_current_needs_no_alembic(first):
    Store.open(first).close()
    program = (
        "import sys\nfrom genomark.results.store import Store\n"
        f"Store.open({str(first)!r}).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
