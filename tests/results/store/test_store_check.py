"""Whether a store is whole, found out by reading all of it; and what leaves it as a file."""

from __future__ import annotations

import zlib

import msgspec
import polars as pl
import pytest
import sqlalchemy as sa
from stored_results import evidence_of, result_of

from genomark.errors import UsageError
from genomark.results import load_results
from genomark.results.store import Store
from genomark.results.store.checking import check_store
from genomark.results.store.entry import Entry
from genomark.results.store.export import entries_frame, export
from genomark.results.store.tables import documents, replicates, results


@pytest.fixture
def filled(store):
    """Three results with files, one of them withdrawn."""
    for number in range(3):
        store.add(
            result_of(number),
            standing="verified",
            predictions=b"p%d" % number,
            evidence=evidence_of(number),
        )
    store.withdraw(store.entries()[1].id, "wrong")
    return store


def files_of(place, kind):
    return sorted((place.files / kind).rglob("*.parquet"))


def found(store):
    return [(each.problem, each.harmless) for each in check_store(store)]


def test_a_whole_store_has_no_findings_and_tells_how_far_it_is(filled):
    seen = []
    assert list(check_store(filled, lambda done, total: seen.append((done, total)))) == []
    assert seen[-1] == (9, 9)
    assert [done for done, _ in seen] == [3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", ["predictions", "items"])
def test_a_missing_and_a_damaged_file_are_told_with_the_result(filled, place, kind):
    first, second, _ = files_of(place, kind)
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    told = list(check_store(filled))
    assert {each.problem for each in told} == {"missing", "damaged"}
    assert not any(each.harmless for each in told)
    by_problem = {each.problem: each for each in told}
    assert by_problem["missing"].where == f"{kind} {first.stem}"
    assert by_problem["damaged"].where == f"{kind} {second.stem}"
    ids = {getattr(each, kind): each.id for each in filled.entries(every=True)}
    assert ids[first.stem] in by_problem["missing"].detail


def test_a_file_without_a_row_is_told_and_harmless(filled):
    digest = filled.files.put("predictions", b"nobody's")
    (told,) = check_store(filled)
    assert (told.problem, told.where, told.harmless) == ("orphan", f"predictions {digest}", True)


@pytest.mark.parametrize(
    "document",
    [
        b"no zlib",
        zlib.compress(b"no json"),
        zlib.compress(b"{}"),
        zlib.compress(msgspec.json.encode(result_of(9)))[:-4],
    ],
)
def test_a_document_that_cannot_be_read_is_told(filled, document):
    id = filled.entries()[0].id
    with filled.database.writing() as connection:
        connection.execute(
            sa.update(documents).where(documents.c.result_id == id).values(document=document)
        )
    (told,) = check_store(filled)
    assert (told.problem, told.where) == ("document", id)
    assert told.detail.startswith("cannot be read: a document in the store is damaged")


def test_a_document_that_is_gone_is_told(filled):
    id = filled.entries()[0].id
    with filled.database.writing() as connection:
        connection.execute(sa.delete(documents).where(documents.c.result_id == id))
    assert found(filled) == [("document", False)]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"value": 0.5}, "value"), ({"owner": "thief"}, "id"), ({"asked": 1, "n": 2}, "n, asked")],
)
def test_a_row_that_says_other_than_its_document_is_told(filled, change, named):
    id = filled.entries()[0].id
    with filled.database.writing() as connection:
        connection.execute(sa.update(results).where(results.c.id == id).values(**change))
    (told,) = check_store(filled)
    assert (told.problem, told.where) == ("document", id)
    assert told.detail == f"its row says otherwise of {named}"


@pytest.mark.parametrize(
    "change",
    [{"drawn": b"123"}, {"compared": b"1"}, {"asked": 400}, {"shape": "7"}, {"shape": "x"}],
)
def test_replicates_of_another_size_are_told(filled, change):
    id = filled.entries()[0].id
    with filled.database.writing() as connection:
        connection.execute(
            sa.update(replicates).where(replicates.c.result_id == id).values(**change)
        )
    (told,) = check_store(filled)
    assert (told.problem, told.where) == ("document", id)
    assert "replicates of another size than told" in told.detail


def test_a_digest_that_is_none_leads_to_no_file(filled):
    id = filled.entries()[0].id
    with filled.database.writing() as connection:
        connection.execute(
            sa.update(results).where(results.c.id == id).values(items="../../store.sqlite")
        )
    assert set(found(filled)) == {("damaged", False), ("orphan", True)}


def test_a_damaged_page_of_the_database_is_told(tmp_path):
    with Store.open(tmp_path) as store:
        for number in range(200):
            store.add(result_of(number))
    path = tmp_path / "store.sqlite"
    content = bytearray(path.read_bytes())
    page = 4096
    # Letters of a table's leaf in the middle, and not what a check of the first page would see.
    for start in range(len(content) // 2, len(content) // 2 + 3 * page, page):
        content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    with Store.open(tmp_path) as store:
        told = list(check_store(store))
    assert told
    assert {each.problem for each in told} <= {"database", "document"}
    assert "database" in {each.problem for each in told}


def test_a_place_without_files_cannot_be_checked(new_database):
    with Store.open(new_database()) as store, pytest.raises(UsageError, match="none were named"):
        list(check_store(store))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_has_every_field_of_an_entry(filled, tmp_path, ending):
    path = tmp_path / f"out{ending}"
    entries = filled.entries()
    export(filled, entries, path)
    frame = pl.read_csv(path) if ending == ".csv" else pl.read_parquet(path)
    assert frame.columns == list(Entry.__struct_fields__)
    assert frame["id"].to_list() == [each.id for each in entries]
    assert frame["value"].to_list() == [each.value for each in entries]
    assert frame["standing"].to_list() == ["verified"] * 2


def test_a_name_is_no_formula_where_the_table_is_opened(filled, tmp_path):
    filled.add(result_of(9, model="=1+1"), owner="@SUM(A1)")
    entries = filled.entries(model="=1+1")
    for ending, told in ((".csv", ("'=1+1", "'@SUM(A1)")), (".parquet", ("=1+1", "@SUM(A1)"))):
        path = tmp_path / f"out{ending}"
        export(filled, entries, path)
        frame = pl.read_csv(path) if ending == ".csv" else pl.read_parquet(path)
        assert frame.select("model_id", "owner").row(0) == told


def test_a_table_of_nothing_has_its_columns():
    frame = entries_frame([])
    assert frame.schema["value"] == pl.Float64
    assert frame.schema["item_limit"] == pl.Int64
    assert frame.schema["id"] == pl.String


def test_documents_are_read_as_any_others(filled, tmp_path):
    path = tmp_path / "out.json"
    export(filled, filled.entries(every=True), path)
    assert list(load_results(path)) == [result_of(number) for number in range(3)]


def test_another_ending_is_refused(filled, tmp_path):
    with pytest.raises(UsageError, match=r"expected a name ending in \.parquet, \.csv, \.json"):
        export(filled, [], tmp_path / "out.xlsx")
