"""Results of others: computed again, and believed no further than that."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr
from stored_results import result_of

import genomark
from genomark.errors import UsageError, WriteError
from genomark.results import Results
from genomark.results.store import Store, recompute, untrusted
from genomark.results.store.receiving import offered, published, receive
from genomark.results.store.recompute import DiffersError
from genomark.scoring import (
    Headline,
    compare_headlines,
    predictions_digest,
    read_result,
    result_json,
)

BENCHMARK = "simulated-enhancers"
LIMIT = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of two models on a benchmark whose data need no download."""
    made = tmp_path_factory.mktemp("run")
    genomark.run(
        ["gc", "control:random"], [BENCHMARK], out=made, limit=LIMIT, workers=1, progress=False
    )
    return made


@pytest.fixture
def both(folder, tmp_path):
    """A copy of the run that a test may change."""
    shutil.copytree(folder, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def run(both):
    """The same with one of the models alone."""
    for file in result_files(both):
        if read_result(file).model.id != "gc":
            file.unlink()
    return both


@pytest.fixture
def given(folder):
    """Result and predictions of one of the models."""
    (file,) = (each for each in result_files(folder) if read_result(each).model.id == "gc")
    return read_result(file), (folder / "predictions" / f"{file.stem}.parquet").read_bytes()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


def result_files(folder):
    return sorted((folder / "results").rglob("*.json"))


def change(folder, edit):
    """Change the results of a run as whoever sends them may."""
    for file in result_files(folder):
        file.write_bytes(result_json(edit(read_result(file))))


def with_row(result, number=0, **changed):
    rows = list(result.metrics)
    rows[number] = msgspec.structs.replace(rows[number], **changed)
    return msgspec.structs.replace(result, metrics=rows)


def with_benchmark(result, **changed):
    named = msgspec.structs.replace(result.benchmark, **changed)
    return msgspec.structs.replace(result, benchmark=named)


def with_settings(result, **changed):
    return msgspec.structs.replace(result, settings={**result.settings, **changed})


def parquet(frame):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def refused(store, run):
    """Add a run of which nothing may be kept; give why."""
    told = list(receive(store, offered([run])))
    assert {each.standing for each in told} == {"refused"}
    assert store.generation == 0
    assert not list(store.files.digests("predictions"))
    assert all("\n" not in each.reason for each in told)
    return {each.reason for each in told}


def test_what_comes_out_the_same_is_verified_with_all_that_is_kept_of_it(store, folder):
    told = list(receive(store, offered([folder])))
    assert [(each.standing, each.reason) for each in told] == [("verified", None)] * 2
    for each in store.entries():
        items = store.items(each.id)
        assert items.columns == ["item_id", "group", "truth", "value", "said", "answered"]
        assert (items.height, items["answered"].sum()) == (LIMIT, LIMIT)
        expected = pearsonr(items["truth"], items["value"]).statistic
        assert each.value == pytest.approx(expected, rel=1e-9)
        kept = pl.read_parquet(io.BytesIO(store.predictions(each.id)))
        assert predictions_digest(kept) == store.result(each.id).predictions_digest


def test_a_run_adds_each_result_and_an_import_of_its_folder_adds_nothing(store, folder, tmp_path):
    """What a run says of its own and what comes out when it is computed again are the same."""
    genomark.run(
        ["gc", "control:random"],
        [BENCHMARK],
        out=folder,
        limit=LIMIT,
        workers=1,
        store=tmp_path / "of-run",
        progress=False,
    )
    list(receive(store, offered([folder])))
    with Store.open(tmp_path / "of-run") as other:
        entries = {each.id: each for each in other.entries()}
        assert other.generation == 2
        assert next(receive(other, offered([folder]))).standing == "verified"
        assert other.generation == 2
        for each in store.entries():
            kept = entries[each.id]
            assert (kept.standing, kept.predictions) == ("verified", each.predictions)
            assert kept.items == each.items
            pair = [place.replicates([each.id])[each.id] for place in (store, other)]
            np.testing.assert_array_equal(pair[0].drawn, pair[1].drawn)
            np.testing.assert_array_equal(pair[0].compared, pair[1].compared)


def test_a_store_that_fails_ends_a_run_and_the_same_command_adds_all(store, tmp_path, monkeypatch):
    calls = []

    def once(*values, real=Store.add, **options):
        calls.append(1)
        if len(calls) == 2:
            raise WriteError("the disk is full")
        return real(*values, **options)

    asked = {"out": tmp_path / "out", "limit": 30, "workers": 1, "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", once)
        with pytest.raises(WriteError):
            genomark.run(["gc", "cpg"], [BENCHMARK], store=tmp_path / "store", **asked)
    assert len(store.entries()) == 1
    genomark.run(["gc", "cpg"], [BENCHMARK], store=tmp_path / "store", **asked)
    assert {each.model_id for each in store.entries()} == {"gc", "cpg"}


def test_replicates_compare_two_models_without_the_data(store, folder):
    results = genomark.run(
        ["gc", "control:random"], [BENCHMARK], out=folder, limit=LIMIT, workers=1, progress=False
    )
    (pair,) = results.comparisons
    list(receive(store, offered([folder])))
    ids = {each.model_id: each.id for each in store.entries()}
    drawn = {model: store.replicates([id])[id] for model, id in ids.items()}
    a, b = drawn[pair.model_a], drawn[pair.model_b]
    np.testing.assert_array_equal(a.compared, b.compared)
    assert a.compared.sum() == pair.n
    values = {each.model_id: each.value for each in store.entries()}
    names = pair.model_a, pair.model_b
    heads = [Headline(values[name], drawn[name].drawn, drawn[name].clusters) for name in names]
    assert compare_headlines(BENCHMARK, "pearson", names, tuple(heads), pair.n) == [pair]


def test_a_document_alone_is_self_reported_and_its_folder_verifies_it_later(
    store, folder, tmp_path
):
    file = tmp_path / "results.json"
    Results([read_result(each) for each in result_files(folder)]).save(file)
    told = list(receive(store, offered([file])))
    assert [(each.standing, each.reason) for each in told] == [
        ("self-reported", "no predictions came with it")
    ] * 2
    again = list(receive(store, offered([folder])))
    assert {each.id for each in again} == {each.id for each in told}
    assert {each.standing for each in store.entries()} == {"verified"}


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize(
    ("what", "change_of"),
    [
        ("value", lambda row: row.value * (1 + 1e-6)),
        ("value", lambda row: None),
        ("interval", lambda row: (row.interval[0], row.interval[1] + 1e-6)),
        ("interval", lambda row: None),
        ("n", lambda row: row.n + 1),
        ("n_clusters", lambda row: row.n_clusters - 1),
    ],
)
def test_any_number_that_differs_refuses_the_whole(store, run, number, what, change_of):
    change(run, lambda each: with_row(each, number, **{what: change_of(each.metrics[number])}))
    for reason in refused(store, run):
        assert reason.startswith(f"{what} of {['pearson', 'spearman'][number]} is ")
        assert "as its predictions give it" in reason


def test_rounding_is_no_difference(store, given):
    result, predictions = given
    value = result.metrics[0].value * (1 + 1e-12)
    assert recompute.recompute(with_row(result, value=value), predictions).standing == "verified"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda each: with_settings(each, headline=["spearman"]), "headline is"),
        (lambda each: with_settings(each, ceiling={"pearson": 1.0}), "ceiling is"),
        (lambda each: with_settings(each, replicates=10), "replicates is 10"),
        (lambda each: with_settings(each, confidence=0.5), "confidence is 0.5"),
        (
            lambda each: msgspec.structs.replace(
                each, coverage=msgspec.structs.replace(each.coverage, answered=LIMIT - 1)
            ),
            "items answered is 119",
        ),
        (
            lambda each: msgspec.structs.replace(each, metrics=[*each.metrics, each.metrics[0]]),
            "list of metrics is",
        ),
        (lambda each: msgspec.structs.replace(each, seed=1), "interval of pearson is"),
        (lambda each: msgspec.structs.replace(each, seed=-1), "cannot be scored"),
        (lambda each: with_settings(each, limit=LIMIT + 1), "of other items"),
        (lambda each: with_settings(each, limit=None), "of other items"),
        (lambda each: with_settings(each, limit=-3), "settings.limit is -3"),
    ],
)
def test_a_claim_about_the_whole_is_checked_too(store, run, edit, reason):
    change(run, edit)
    assert all(reason in each for each in refused(store, run))


def test_another_order_of_items_is_refused(run, store, given):
    result, predictions = given
    frame = pl.read_parquet(io.BytesIO(predictions)).reverse()
    told = msgspec.structs.replace(result, predictions_digest=predictions_digest(frame))
    with pytest.raises(DiffersError, match="of the same in another order"):
        recompute.recompute(told, parquet(frame))


def test_predictions_of_another_run_are_refused(both, store):
    files = sorted((both / "predictions").glob("*.parquet"))
    contents = [each.read_bytes() for each in files]
    for file, content in zip(files, reversed(contents), strict=True):
        file.write_bytes(content)
    assert all("they are of another run" in each for each in refused(store, both))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda each: with_benchmark(each, version="0.9"), "it is of version 0.9"),
        (lambda each: with_benchmark(each, digest="other"), "another digest"),
        (lambda each: with_benchmark(each, id="nobody's"), "none that is known here"),
        (lambda each: with_benchmark(each, id="tasks:/etc#x"), "none that is known here"),
        (lambda each: with_benchmark(each, id="sequences:/etc#x"), "none that is known here"),
        (
            lambda each: with_benchmark(each, id="guanine/cons30:data=/etc"),
            "none that is known here",
        ),
        (lambda each: with_benchmark(each, id="guanine/cons30:train=x"), "guanine/cons30"),
        (lambda each: with_row(each, method="another"), "made in another way than here"),
    ],
)
def test_what_cannot_be_computed_here_is_self_reported_and_says_why(store, run, edit, reason):
    change(run, edit)
    told = list(receive(store, offered([run]), owner="them"))
    assert {each.standing for each in told} == {"self-reported"}
    for each in store.entries():
        assert reason in each.reason
        assert each.owner == "them"
        assert store.predictions(each.id)
        assert each.items is None
    assert store.replicates(each.id for each in store.entries()) == {}


@pytest.mark.usefixtures("no_data")
def test_data_that_are_not_at_hand_are_not_fetched(given):
    result, predictions = given
    recompute._loaded.cache_clear()
    told = recompute.recompute(with_benchmark(result, id="kircher2019", version="1"), predictions)
    assert told.standing == "self-reported"
    assert told.reason == "its data are not at hand: kircher2019"
    other = with_benchmark(result, id="guanine/cons30:train=1per", version="1")
    told = recompute.recompute(other, predictions)
    assert told.reason == "its data are not at hand: guanine/cons30"


def test_a_verdict_that_predictions_hold_is_no_verification(given):
    result, predictions = given
    told = recompute.recompute(with_benchmark(result, id="rna/eterna100"), predictions)
    assert (told.standing, told.evidence.items) == ("self-reported", None)
    assert "judged when they were given" in told.reason


def test_figures_of_others_are_published_and_belong_to_their_source(store):
    given = [result_of(1, source=name) for name in ("one table", "another")]
    told = list(receive(store, published(Results(given))))
    assert [each.standing for each in told] == ["published"] * 2
    assert [each.owner for each in store.entries()] == ["one table", "another"]
    assert [each.reason for each in store.entries()] == [None, None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1" + b"\0" * 1000 + b"PAR1",
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        parquet(pl.DataFrame({"item_id": ["a"], "value": [1.0]})),
        parquet(pl.DataFrame({"item_id": ["a"], "task": ["b"], "value": [{"a": 1}]})),
    ],
)
def test_what_are_no_predictions_is_refused(store, run, content):
    for file in (run / "predictions").iterdir():
        file.write_bytes(content)
    for reason in refused(store, run):
        assert "the predictions of simulated-enhancers × " in reason


def test_a_file_that_unpacks_to_more_than_memory_is_refused(monkeypatch):
    monkeypatch.setattr(untrusted, "_MEMORY", 9 << 27)
    rows = pl.DataFrame({"item_id": ["x"] * 25, "task": ["t"] * 25})

    def of_size(size):
        one = pl.Series([pl.Series(np.zeros(size, np.float32))])
        return parquet(rows.with_columns(value=one.new_from_index(0, 25)))

    untrusted.check_parquet(of_size(10), "x")
    content = of_size(5_000_000)
    assert len(content) < 1_000_000
    with pytest.raises(UsageError, match="cannot be unpacked within 1 GB"):
        untrusted.check_parquet(content, "x")


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(untrusted, "_MOST_ROWS", 9)
    frame = pl.DataFrame({"item_id": ["x"] * 10, "task": ["t"] * 10, "value": [0.0] * 10})
    with pytest.raises(UsageError, match="10 rows; expected 9 at most"):
        untrusted.check_parquet(parquet(frame), "x")


def test_a_link_a_pipe_or_a_large_file_is_not_read(tmp_path, run, store):
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 11)
    for file in (run / "predictions").iterdir():
        file.unlink()
        file.symlink_to(secret)
    assert all("Too many levels of symbolic links" in each for each in refused(store, run))
    with pytest.raises(UsageError, match="larger than the 0 MB"):
        untrusted.read_bounded(secret, 10)
    assert untrusted.read_bounded(secret, 11) == b"x" * 11
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a file"):
        untrusted.read_bounded(tmp_path / "pipe", 10)
    with pytest.raises(UsageError, match="No such file"):
        untrusted.read_bounded(tmp_path / "nothing", 10)


def test_one_that_is_refused_stops_no_other(store, both):
    first = result_files(both)[0]
    first.write_bytes(result_json(with_row(read_result(first), value=0.99)))
    told = list(receive(store, offered([both])))
    assert sorted(each.standing for each in told) == ["refused", "verified"]
    assert len(store.entries()) == 1


def test_what_is_no_result_is_told(tmp_path):
    (tmp_path / "results").mkdir()
    with pytest.raises(UsageError, match="no results in it"):
        offered([tmp_path])
    (tmp_path / "results" / "a.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match=r"a\.json: not a result"):
        offered([tmp_path])
    with pytest.raises(UsageError, match="not a document of results"):
        offered([tmp_path / "results" / "a.json"])


def test_the_process_that_unpacks_may_open_nothing_more(tmp_path):
    """What a bug in the reader lets run there can read no file and reach no network."""
    program = untrusted._PROGRAM.read_text()
    marker = "    _check(sys.stdin.buffer.read(), most_rows)\n"
    assert program.count(marker) == 1
    attack = marker + (
        "    for reach in (lambda: open('/etc/passwd'), socket.socket):\n"
        "        try:\n            reach()\n"
        "        except OSError:\n            continue\n"
        "        sys.exit(9)\n"
    )
    # To import opens files, so that is done before the right is given up.
    imports = "import io\nimport socket\n"
    changed = tmp_path / "process.py"
    changed.write_text(program.replace("import io\n", imports).replace(marker, attack))
    frame = pl.DataFrame({"item_id": ["x"], "task": ["t"], "value": [0.0]})
    done = subprocess.run(
        [sys.executable, changed, str(5 << 30), "60", "10", "4096"],
        input=parquet(frame),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
