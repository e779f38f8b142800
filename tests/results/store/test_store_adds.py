"""What goes into a store comes out the same, whichever database it is."""

from __future__ import annotations

import os

import msgspec
import numpy as np
import pytest
from stored_results import evidence_of, result_of

from genomark.errors import GenomarkError, UsageError
from genomark.results.store import Column, Store
from genomark.scoring import result_json


def test_a_result_comes_back_byte_for_byte(store):
    given = result_of(7, settings={"b": 0.1 + 0.2, "a": "日本 \U0001f9ec \n\t\x01", "n": None})
    id = store.add(given)
    assert result_json(store.result(id)) == result_json(given)
    assert list(store.result(id).settings) == list(given.settings)


def test_a_row_says_what_the_document_says(store):
    given = result_of(1234, limit=50, version="2.1")
    id = store.add(given, owner="somebody")
    entry = store.entry(id)
    assert (entry.value, entry.low, entry.high) == (0.1234, 0.1234 - 0.1, 0.1234 + 0.1)
    assert (entry.headline, entry.n, entry.n_clusters) == ("auroc", 40, 7)
    assert (entry.asked, entry.answered, entry.seed) == (40, 40, 0)
    assert entry.column == Column("a/task", "2.1", "d", 50)
    assert (entry.model_id, entry.model_digest) == (given.model.id, given.model.digest)
    assert (entry.owner, entry.title, entry.withdrawn) == ("somebody", "A task", None)
    assert (entry.standing, entry.number, entry.attempts) == ("self-reported", 1, 1)
    assert (entry.predictions, entry.items) == (None, None)
    assert entry.added.endswith("+00:00")


def test_the_same_again_changes_nothing(store):
    first = store.add(result_of(1))
    generation = store.generation
    assert store.add(result_of(1)) == first
    assert store.generation == generation == 1
    assert len(store.entries(every=True)) == 1


def test_the_order_of_settings_makes_no_other_result(store):
    given = result_of(1)
    turned = msgspec.structs.replace(given, settings=dict(reversed(given.settings.items())))
    assert store.add(turned) == store.add(given)


def test_the_same_from_another_owner_is_another(store):
    assert store.add(result_of(1)) != store.add(result_of(1), owner="other")
    assert [each.owner for each in store.entries()] == ["", "other"]


def test_every_change_raises_the_generation(store):
    seen = [store.generation]
    id = store.add(result_of(1))
    seen.append(store.generation)
    store.add(result_of(2))
    seen.append(store.generation)
    store.withdraw(id, "wrong")
    seen.append(store.generation)
    assert seen == [0, 1, 2, 3]


def test_replicates_and_files_come_back(store):
    given = evidence_of(3)
    id = store.add(result_of(3), standing="verified", predictions=b"parquet", evidence=given)
    other = store.add(result_of(4))
    found = store.replicates([id, other])
    assert list(found) == [id]
    np.testing.assert_array_equal(found[id].drawn, given.replicates.drawn)
    np.testing.assert_array_equal(found[id].compared, given.replicates.compared)
    assert found[id].compared.dtype == np.bool_
    assert (found[id].method, found[id].clusters) == ("a method", 7)
    assert store.predictions(id) == b"parquet"
    assert store.predictions(other) is None
    assert store.items(other) is None


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9])
def test_bits_of_any_number_of_items_come_back(store, size):
    bits = np.arange(size) % 3 == 0
    given = evidence_of(0).replicates
    made = type(given)("m", 2, bits, np.array([1.0, np.nan, -np.inf]))
    id = store.add(result_of(size), evidence=type(evidence_of(0))(made, None))
    np.testing.assert_array_equal(store.replicates([id])[id].compared, bits)
    np.testing.assert_array_equal(store.replicates([id])[id].drawn, made.drawn)


def test_a_self_reported_result_becomes_verified_and_no_other_way(store):
    id = store.add(result_of(5), reason="no data")
    number = store.entry(id).number
    again = store.add(result_of(5), standing="verified", predictions=b"p", evidence=evidence_of(5))
    entry = store.entry(id)
    assert again == id
    assert (entry.standing, entry.reason, entry.number) == ("verified", None, number)
    assert store.predictions(id) == b"p"
    assert id in store.replicates([id])
    generation = store.generation
    store.add(result_of(5), reason="no data")
    assert store.entry(id).standing == "verified"
    assert store.generation == generation


def test_replicates_that_were_reported_give_way_to_those_that_were_computed(store):
    id = store.add(result_of(5), evidence=evidence_of(1))
    store.add(result_of(5), standing="verified", evidence=evidence_of(5))
    assert store.entry(id).standing == "verified"
    drawn = store.replicates([id])[id].drawn
    np.testing.assert_array_equal(drawn, evidence_of(5).replicates.drawn)
    other = store.add(result_of(6), evidence=evidence_of(1))
    store.add(result_of(6), standing="verified")
    assert store.replicates([other]) == {}


def test_figures_of_others_are_published_whatever_is_asked(store):
    id = store.add(result_of(1, source="a paper"), standing="verified")
    assert store.entry(id).standing == "published"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "'; drop table results; --",
        "%s %(a)s :a ?",
        "\u202egpj.exe",
        "ﷺ" * 100,
        "\x1b[31mred\n\t",
        "",
        "\U0001f9ec" * 199,
    ],
)
def test_hostile_names_are_data(store, tmp_path, name):
    before = {path for path in tmp_path.rglob("*") if path.name.startswith("store.") is False}
    id = store.add(result_of(1, model=f"x{name}", benchmark=f"y{name}"), owner=name)
    entry = store.entry(id)
    assert (entry.model_id, entry.benchmark_id, entry.owner) == (f"x{name}", f"y{name}", name)
    assert store.entries(model=f"x{name}", benchmark=f"y{name}") == [entry]
    assert [each.column for each in store.columns(f"y{name}")] == [entry.column]
    assert store.entries(column=entry.column) == [entry]
    after = {path for path in tmp_path.rglob("*") if path.name.startswith("store.") is False}
    assert after == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "a\0b"}, "model_id holds the character U"),
        ({"benchmark": "ü" * 401}, "benchmark_id is 802 bytes long"),
        ({"settings": {"headline": []}}, "settings.headline names no row"),
        ({"settings": {"headline": ["mcc"]}}, "settings.headline names no row"),
        ({"settings": {"headline": 3}}, "settings.headline names no row"),
        ({"settings": {"limit": "ten"}}, "settings.limit is ten"),
        ({"settings": {"limit": True}}, "settings.limit is True"),
        ({"settings": {"limit": 1 << 63}}, "item_limit is 9223372036854775808"),
        ({"settings": {"x": "\ud800"}}, "cannot be written as JSON"),
    ],
)
def test_what_no_store_has_room_for_is_refused(store, change, message):
    with pytest.raises(UsageError, match=message):
        store.add(result_of(1, **change))
    assert store.generation == 0


def test_what_json_cannot_hold_is_null(store):
    given = result_of(1)
    row = msgspec.structs.replace(given.metrics[0], value=float("nan"), interval=None)
    id = store.add(msgspec.structs.replace(given, metrics=[row]))
    assert store.entry(id).value is None
    assert store.result(id).metrics[0].value is None


def test_an_unknown_id_is_told(store):
    for ask in (store.entry, store.result, store.predictions, store.items):
        with pytest.raises(UsageError, match="No result 'nope' in"):
            ask("nope")
    with pytest.raises(UsageError, match="No result 'nope' in"):
        store.withdraw("nope", "a reason")
    assert store.generation == 0
    assert store.replicates(["nope"]) == {}


def test_a_withdrawal_needs_a_reason(store):
    id = store.add(result_of(1))
    with pytest.raises(UsageError, match="for a reason"):
        store.withdraw(id, "  ")
    store.withdraw(id, "the weights\nwere wrong")
    assert store.entry(id).withdrawn == "the weights were wrong"
    assert store.result(id) == result_of(1)


def test_many_documents_come_in_the_order_asked(store):
    ids = [store.add(result_of(number)) for number in range(520)]
    shuffled = [ids[number] for number in np.random.default_rng(0).permutation(520)]
    values = [each.metrics[0].value for each in store.results(shuffled)]
    assert values == [ids.index(id) / 10_000 for id in shuffled]


def test_a_place_without_files_says_so(new_database):
    url = new_database()
    with Store.open(url) as store:
        id = store.add(result_of(1))
        assert store.result(id) == result_of(1)
        with pytest.raises(UsageError, match=r"none were named: open it with files="):
            store.add(result_of(2), predictions=b"p")
        assert len(store.entries()) == 1


def test_a_url_may_name_the_files(new_database, tmp_path):
    folder = tmp_path / "a b&c"
    url = f"{new_database()}?files={str(folder).replace(' ', '%20').replace('&', '%26')}"
    with Store.open(url) as store:
        id = store.add(result_of(1), predictions=b"p")
        assert store.predictions(id) == b"p"
        assert "files" not in store.name
    assert len(list(folder.rglob("*.parquet"))) == 1


def test_a_forked_process_has_connections_of_its_own(place):
    with place.open() as store:
        store.add(result_of(0))
        child = os.fork()
        if child == 0:
            try:
                store.add(result_of(1))
                store.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        store.add(result_of(2))
        assert {each.model_id for each in store.entries()} == {f"model {n}" for n in range(3)}


def test_a_place_of_another_kind_is_refused():
    for place in ("mysql://user@host/db", "s3://bucket/store"):
        with pytest.raises(UsageError, match="expected a folder, or postgresql://"):
            Store.open(place)
    with pytest.raises(UsageError, match="cannot be read; expected postgresql://"):
        Store.open("postgresql://host:port/db")


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(GenomarkError, match="Cannot read the store") as told:
        Store.open("postgresql://me:secret@127.0.0.1:9/db")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
