"""What becomes of a submission: the numbers of a run, a receipt of a board, or a reason."""

from __future__ import annotations

import io
import re
import socket

import httpx
import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score
from submitting import BENCHMARK, parquet, simulated

from genomark import run
from genomark.benchmarks import load_benchmark
from genomark.errors import WriteError
from genomark.leaderboard.submissions.no_connections import no_connections
from genomark.leaderboard.submissions.open_labels import takes
from genomark.leaderboard.submissions.scorer import Scorer
from genomark.results.store.recompute import recompute

SEQUENCES = "rgb/te.rice"


def test_it_is_scored_as_a_run_would_score_it(office, submitter, tmp_path):
    frame = simulated()
    frame.select("item_id", "value").write_csv(tmp_path / "mine.csv")
    row = office.scored(submitter.bundle(parquet(frame), name="5-mer ridge", card="# <b>Mine</b>"))
    assert (row.state, row.reason, row.card) == ("scored", None, "# <b>Mine</b>")
    entry = office.store.entry(row.result_id)
    assert (entry.standing, entry.owner) == ("verified", "Lab A")
    assert (entry.model_id, entry.model_version) == ("5-mer ridge", "7")
    result = office.store.result(row.result_id)
    (ran,) = run(
        f"file:{tmp_path / 'mine.csv'}", BENCHMARK, out=tmp_path / "out", progress=False
    ).results
    assert result.metrics == ran.metrics
    assert result.benchmark == ran.benchmark
    assert result.coverage == ran.coverage
    truth = load_benchmark(BENCHMARK).items.sort("item_id")["truth"]
    expected = pearsonr(frame["value"], truth)[0]
    assert entry.value == pytest.approx(expected, abs=1e-9)
    assert f"pearson {expected:.4g} [" in row.verdict
    assert "on 1,000 items" in row.verdict
    # Whoever looks later finds the same numbers, and can compare it with others in pairs.
    again = recompute(result, office.store.predictions(row.result_id))
    assert (again.standing, again.reason) == ("verified", None)
    assert office.store.replicates([row.result_id])[row.result_id].drawn.size >= 1000
    assert office.store.items(row.result_id).height == 1000
    assert list(office.incoming.folder.iterdir()) == []


def test_a_task_on_sequences_is_scored_by_its_labels(office, submitter):
    test = load_benchmark(SEQUENCES).task.test()
    (label,) = test.labels
    truth = np.asarray(test.targets)[:, 0]
    values = truth + np.random.default_rng(0).normal(size=truth.size)
    frame = pl.DataFrame({"item_id": test.ids, "label": label, "value": values}).sort("item_id")
    version = load_benchmark(SEQUENCES).version
    row = office.scored(
        submitter.bundle(parquet(frame), benchmark=SEQUENCES, asked=SEQUENCES, version=version)
    )
    assert row.state == "scored", row.reason
    result = office.store.result(row.result_id)
    auroc = [each for each in result.metrics if each.name == "auroc" and each.group is None]
    expected = roc_auc_score(truth, values.astype(np.float32))
    assert [each.value for each in auroc] == [pytest.approx(expected, abs=1e-9)]
    assert result.settings["fits"] == 1


def test_scored_twice_it_is_one_result(office, submitter):
    id = office.came(submitter.bundle(parquet(simulated())))
    row = office.waiting.claim()
    content = office.incoming.read(id)
    scorer = Scorer(office.store, office.incoming, None)
    scorer.score(row)
    first = office.waiting.get(id)
    office.incoming.path(id).write_bytes(content)
    # As if the process had been killed between the result and the row.
    with office.store.database.writing() as connection:
        connection.exec_driver_sql("update submissions set state = 'scoring', result_id = null")
    scorer.score(row)
    assert office.waiting.get(id) == first
    assert len(office.store.entries(every=True)) == 1
    with pytest.raises(WriteError, match="cannot be read"):
        scorer.score(row)


def test_a_nonce_is_good_for_one_bundle(office, submitter):
    frame = parquet(simulated())
    first = office.scored(submitter.bundle(frame, nonce="ab" * 16))
    second = office.scored(submitter.bundle(frame, nonce="ab" * 16, card="another"))
    assert (first.state, second.state) == ("scored", "refused")
    assert "nonce was submitted before" in second.reason


def changed(bundle, place):
    return bundle[:place] + bytes([bundle[place] ^ 1]) + bundle[place + 1 :]


def bomb():
    """A small file that unpacks to 1,000 strings of a megabyte."""
    frame = pl.DataFrame({"item_id": ["A" * 1_000_000] * 1000, "label": "y", "value": 0.0})
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", use_pyarrow=False)
    assert len(buffer.getvalue()) < 1_000_000
    return buffer.getvalue()


def replaced(**columns):
    return parquet(simulated().with_columns(**columns))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda s: changed(s.bundle(), 400), "signature|manifest.json"),
        (lambda s: changed(s.bundle(b"x" * 500), 1300), "not the file that|is not the one that"),
        (lambda s: s.bundle(bomb()), "cannot be decoded within|is not asked"),
        (lambda s: s.bundle(replaced(item_id=pl.lit("../../etc/passwd"))), "is not asked"),
        (lambda s: s.bundle(version="9"), "is version 1 here"),
        (lambda s: s.bundle(benchmark="../../etc/passwd"), "no benchmark that is known here"),
        (lambda s: s.bundle(benchmark="sequences:/etc#x"), "no benchmark that is known here"),
        (lambda s: s.bundle(asked="kircher2019"), "no benchmark that is known here"),
        (lambda s: s.bundle(asked=BENCHMARK + ":data=/etc"), "no benchmark that is known here"),
        (lambda s: s.bundle(benchmark="rgb/mrna"), "takes no bundles"),
        (lambda s: s.bundle(benchmark="rna/eterna100"), "takes no bundles"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_a_reason(office, submitter, make, reason):
    row = office.scored(make(submitter))
    assert row.state == "refused"
    assert re.search(reason, row.reason), row.reason
    assert office.store.entries() == []
    assert list(office.incoming.folder.iterdir()) == []


def test_what_a_stranger_wrote_is_text_on_every_page(door, submitter):
    """Names are of plain letters; a card may hold anything, and so may a benchmark's name."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202e [x](javascript:alert(3))"
    bundle = submitter.bundle(parquet(simulated()), card=evil, benchmark=BENCHMARK)
    id = door.post(bundle).json()["id"]
    Scorer(door.store, door.incoming, None).score(door.waiting.claim())
    row = door.waiting.get(id)
    assert row.state == "scored", row.reason
    named = submitter.bundle(b"p", benchmark="<script>alert(4)</script>")
    other = door.post(named).json()["id"]
    model = httpx.get(f"{door.url}/benchmarks/{BENCHMARK}.json").json()["lines"][0]["model"]
    assert model["owner"] == "Lab A"
    for path in (
        *(f"/submissions/{id}", f"/submissions/{other}", "/", "/submit"),
        *(f"/benchmarks/{BENCHMARK}", f"/models/{model['slug']}"),
    ):
        answer = httpx.get(door.url + path)
        assert answer.status_code == 200, path
        assert "alert" not in answer.text.replace("&lt;script&gt;alert", "").replace(
            "onerror=alert(2)&gt;", ""
        ).replace("javascript:alert(3)", "")
        assert "<img" not in answer.text
        assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "&lt;img src=x" in httpx.get(f"{door.url}/submissions/{id}").text


def test_nothing_is_connected_to_while_a_bundle_is_looked_at():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = listening.getsockname()
        with pytest.raises(PermissionError, match="nothing is fetched"), no_connections():
            socket.create_connection(place)
        with pytest.raises(httpx.ConnectError), no_connections():
            httpx.get(f"http://127.0.0.1:{place[1]}")
        socket.create_connection(place).close()


@pytest.mark.parametrize(
    ("id", "taken"),
    [
        (BENCHMARK, True),
        (SEQUENCES, True),
        (f"{SEQUENCES}:fits=1", False),
        ("rgb/mrna", False),
        ("rgb/region.rice", False),
        ("rna/eterna100", False),
        ("gue/emp.H3", False),
        ("/etc/passwd", False),
    ],
)
def test_the_form_lists_what_can_be_scored_here(id, taken):
    assert takes(id) is taken
