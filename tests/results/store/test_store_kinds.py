"""Every kind of benchmark: what a run keeps is what comes out when it is computed again."""

from __future__ import annotations

import io
import json

import msgspec
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import genomark
from genomark.benchmarks import expand, load_benchmark
from genomark.results.store import Store
from genomark.results.store.receiving import offered, receive
from genomark.results.store.recompute import DiffersError, recompute
from genomark.scoring import predictions_digest

GENES = [f"GENE{number}" for number in range(90)]
VECTORS = np.random.default_rng(3).standard_normal((90, 5))
SIGNAL = VECTORS @ np.ones(5) + np.random.default_rng(4).standard_normal(90)


def write_gene_task(folder, outcomes):
    folder.mkdir(parents=True)
    pl.DataFrame({"symbol": GENES}).write_csv(folder / "entities.csv")
    pl.DataFrame(outcomes).write_csv(folder / "outcomes.csv")


@pytest.fixture
def genes(tmp_path):
    """A task of each kind, and an embedding that knows their genes."""
    frame = pl.DataFrame(VECTORS, schema=[f"d{place}" for place in range(5)])
    frame.insert_column(0, pl.Series("symbol", GENES)).write_csv(tmp_path / "x.csv")
    folder = tmp_path / "tasks"
    write_gene_task(folder / "binary", {"Outcomes": (SIGNAL > 0).astype(int)})
    write_gene_task(folder / "number", {"Outcomes": SIGNAL})
    several = {f"label {k}": (np.roll(SIGNAL, k) > 0).astype(int) for k in range(3)}
    write_gene_task(folder / "several", several)
    return folder


def letters(n, seed, share=lambda row: 0.55 if row % 2 else 0.15):
    random = np.random.default_rng(seed)
    return [
        "".join(random.choice(list("GACT"), 40, p=[share(row), *[(1 - share(row)) / 3] * 3]))
        for row in range(n)
    ]


@pytest.fixture
def sequences(tmp_path):
    folder = tmp_path / "sequences"
    folder.mkdir()
    for name, n, seed in (("train", 90, 0), ("test", 40, 1)):
        rows = [
            json.dumps({"sequence": each, "label": row % 2})
            for row, each in enumerate(letters(n, seed))
        ]
        (folder / f"{name}.json").write_text("\n".join(rows))
    return folder


@pytest.fixture
def guanine(tmp_path):
    """A task as the hub has it: the test split has no labels."""
    folder = tmp_path / "data" / "gpra_c"
    for name, n, seed in (("train", 120, 0), ("dev", 60, 1), ("test", 60, 2)):
        share = np.random.default_rng(seed).uniform(0.2, 0.8, n)
        columns = {"seq": letters(n, seed, lambda row, share=share: share[row])}
        if name != "test":
            columns["y"] = np.clip((share - 0.2) / 0.6 * 18, 0, 17).astype(int)
        (folder / name).mkdir(parents=True)
        pl.DataFrame(columns).write_csv(folder / name / f"{name}.csv")
    return tmp_path / "data"


@pytest.fixture
def ran(tmp_path):
    """``ran(model, benchmark)``: the store that a run has kept its result in."""
    opened = []

    def run(model, benchmark, **options):
        genomark.run(
            [model],
            [benchmark],
            out=tmp_path / "out",
            store=tmp_path / "store",
            workers=1,
            progress=False,
            **options,
        )
        opened.append(Store.open(tmp_path / "store"))
        return opened[-1]

    yield run
    for store in opened:
        store.close()


def same_again(store, benchmark):
    """The one result, after what a run says of it was computed again from its predictions."""
    (entry,) = store.entries()
    result, predictions = store.result(entry.id), store.predictions(entry.id)
    verdict = recompute(result, predictions, benchmark=benchmark)
    assert (verdict.standing, verdict.reason) == ("verified", None)
    kept = store.replicates([entry.id]).get(entry.id)
    if verdict.evidence.replicates is None:
        assert kept is None
    else:
        np.testing.assert_array_equal(verdict.evidence.replicates.drawn, kept.drawn)
        np.testing.assert_array_equal(verdict.evidence.replicates.compared, kept.compared)
        assert kept.compared.size == entry.asked
    if verdict.evidence.items is None:
        assert entry.items is None
    else:
        assert pl.read_parquet(io.BytesIO(verdict.evidence.items)).equals(store.items(entry.id))
    return entry


@pytest.mark.parametrize(("task", "rows"), [("binary", 90), ("number", 90), ("several", 270)])
def test_tasks_on_genes(genes, ran, tmp_path, task, rows):
    name = f"tasks:{genes}#{task}"
    store = ran(f"embedding:{tmp_path / 'x.csv'}", name)
    entry = same_again(store, load_benchmark(name))
    items = store.items(entry.id)
    assert items.height == rows
    assert items["answered"].all()
    if task == "several":
        assert items["group"].unique().len() == 3


def test_a_gene_without_a_vector_is_not_answered(genes, ran, tmp_path):
    known = pl.read_csv(tmp_path / "x.csv").head(80)
    known.write_csv(tmp_path / "fewer.csv")
    name = f"tasks:{genes}#binary"
    store = ran(f"embedding:{tmp_path / 'fewer.csv'}", name)
    entry = same_again(store, load_benchmark(name))
    assert (entry.asked, entry.answered) == (90, 80)
    items = store.items(entry.id)
    assert items.filter(~pl.col("answered"))["item_id"].to_list() == GENES[80:]
    compared = store.replicates([entry.id])[entry.id].compared
    np.testing.assert_array_equal(compared, [gene in GENES[:80] for gene in GENES])


def test_tasks_on_sequences_with_several_fits(sequences, ran):
    (name,) = expand([f"sequences:{sequences}:fits=2"])
    entry = same_again(ran("kmer:k=2", name), load_benchmark(name))
    store = ran("kmer:k=2", name)
    assert store.items(entry.id).height == 40


def test_guanine_where_labels_are_told(guanine, ran):
    store = ran("gc", "guanine/gpra_c", guanine={"data": str(guanine)})
    (entry,) = store.entries()
    same_again(store, load_benchmark(f"guanine/gpra_c:data={guanine}"))
    assert store.items(entry.id)["truth"].is_not_null().all()


def test_hidden_labels_leave_no_truth_and_no_replicates(guanine, ran):
    store = ran("gc", "guanine/gpra_c", guanine={"data": str(guanine), "split": "test"})
    entry = same_again(store, load_benchmark(f"guanine/gpra_c:data={guanine},split=test"))
    assert entry.value is None
    assert entry.items is None
    assert store.items(entry.id) is None
    assert store.replicates([entry.id]) == {}
    kept = pl.read_parquet(io.BytesIO(store.predictions(entry.id)))
    assert not {"truth", "label", "y"} & set(kept.columns)


def test_paths_in_ids_of_others_lead_nowhere(genes, ran, tmp_path):
    ran(f"embedding:{tmp_path / 'x.csv'}", f"tasks:{genes}#binary")
    with Store.open(tmp_path / "theirs") as store:
        (told,) = receive(store, offered([tmp_path / "out"]))
        assert (told.standing, told.reason) == (
            "self-reported",
            "its benchmark is none that is known here",
        )


def test_better_predictions_with_the_metrics_of_worse_ones_are_refused(genes, ran, tmp_path):
    """Whoever changes predictions changes their digest, and then what comes out of them."""
    name = f"tasks:{genes}#binary"
    store = ran(f"embedding:{tmp_path / 'x.csv'}", name)
    (entry,) = store.entries()
    result = store.result(entry.id)
    frame = pl.read_parquet(io.BytesIO(store.predictions(entry.id)))
    better = frame.with_columns(pl.col("value").list.eval(pl.element() * -1))
    buffer = io.BytesIO()
    better.write_parquet(buffer)
    told = msgspec.structs.replace(result, predictions_digest=predictions_digest(better))
    with pytest.raises(DiffersError, match=r"value of auroc is .* as its predictions give it"):
        recompute(told, buffer.getvalue(), benchmark=load_benchmark(name))


def test_the_value_that_is_kept_is_that_of_the_items(genes, ran, tmp_path):
    """From the store alone, with a library that knows nothing of genomark."""
    store = ran(f"embedding:{tmp_path / 'x.csv'}", f"tasks:{genes}#number")
    (entry,) = store.entries()
    items = store.items(entry.id)
    high = items["truth"] > items["truth"].median()
    assert roc_auc_score(high, items["value"]) > 0.7
    assert entry.headline in {row.name for row in store.result(entry.id).metrics}
    assert entry.low < entry.value < entry.high
