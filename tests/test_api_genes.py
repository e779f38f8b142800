"""Tasks on genes from Python: objects as models and benchmarks, and what is shared between runs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import genomark
import genomark.runs.order
from genomark.benchmarks import GeneBenchmark, GeneOptions
from genomark.errors import UsageError
from genomark.genes import make_task
from genomark.models import GENE_BASELINES
from genomark.models.genes.table import GeneTable
from genomark.probes import Probe
from genomark.scoring import ModelIdentity

GENES = [f"G{number}" for number in range(80)]
VECTORS = np.random.default_rng(4).standard_normal((80, 5)).astype(np.float32)
ANSWERS = (VECTORS[:, 0] + VECTORS[:, 1] > 0).astype(int)


class Mine:
    """An embedder that counts how often it is asked."""

    def __init__(self, known: int = 80) -> None:
        self.known = known
        self.info = ModelIdentity(id=f"mine-{known}", version="1", digest=f"mine-{known}")
        self.asked = 0

    def gene_table(self, names, kind="symbol"):
        self.asked += 1
        return GeneTable(GENES[: self.known], VECTORS[: self.known], self.info.digest)


def benchmark(id: str = "tasks:toy", options: GeneOptions | None = None) -> GeneBenchmark:
    task = make_task(
        "toy", pl.DataFrame({"symbol": GENES}), pl.DataFrame({"Outcomes": ANSWERS.tolist()})
    )
    return GeneBenchmark(
        id,
        "toy",
        lambda: task,
        family="of users",
        citation="-",
        options=options or GeneOptions(),
    )


@pytest.fixture
def folder(tmp_path):
    task = tmp_path / "tasks" / "toy"
    task.mkdir(parents=True)
    pl.DataFrame({"symbol": GENES}).write_csv(task / "entities.csv")
    pl.DataFrame({"Outcomes": ANSWERS}).write_csv(task / "outcomes.csv")
    return tmp_path


def test_an_object_is_asked_about_an_object_and_once(tmp_path):
    model = Mine()
    first = genomark.run(model, benchmark(), out=tmp_path, progress=False)
    asked = model.asked
    again = genomark.run(model, benchmark(), out=tmp_path, progress=False)
    assert asked > 0
    assert model.asked == asked
    assert first.to_json() == again.to_json()
    assert first[0].metric("auroc").value > 0.95


def test_a_folder_and_an_object_ask_the_same(folder):
    options = GeneOptions(probe=Probe(C=0.1))
    named = genomark.run(
        Mine(), f"tasks:{folder}/tasks", out=folder / "a", gene_options=options, progress=False
    )
    given = genomark.run(Mine(), benchmark(options=options), out=folder / "b", progress=False)
    assert named[0].benchmark == given[0].benchmark
    assert named[0].metrics == given[0].metrics
    assert named[0].settings == given[0].settings
    assert named[0].predictions_digest == given[0].predictions_digest


def test_another_probe_is_another_question(tmp_path):
    values = [
        genomark.run(Mine(), benchmark(options=options), out=tmp_path, progress=False)[0]
        for options in (GeneOptions(), GeneOptions(probe=Probe(C=1e-4)))
    ]
    assert values[0].benchmark.digest != values[1].benchmark.digest
    assert values[0].predictions_digest != values[1].predictions_digest


def test_another_seed_cuts_other_folds(tmp_path):
    first, second = (
        genomark.run(Mine(), benchmark(), out=tmp_path, seed=seed, progress=False)[0]
        for seed in (0, 1)
    )
    assert first.predictions_digest != second.predictions_digest


def test_one_shard_a_task(tmp_path):
    made = [benchmark(f"tasks:{number}") for number in range(3)]
    results = genomark.run([Mine(), Mine(40)], made, out=tmp_path, progress=False)
    assert len(results) == 6
    assert len(list((tmp_path / "shards").iterdir())) == 6


def test_two_benchmarks_of_one_id_are_refused(folder):
    with pytest.raises(UsageError, match="both called 'tasks:toy'"):
        genomark.run(
            Mine(), [f"tasks:{folder}/tasks", benchmark()], out=folder / "out", progress=False
        )


def test_common_genes_of_objects(tmp_path):
    models = [Mine(), Mine(50)]
    results = genomark.run(models, benchmark(), out=tmp_path, common_genes=True, progress=False)
    assert [each.coverage.asked for each in results] == [50, 50]
    assert [each.coverage.answered for each in results] == [50, 50]
    (compared,) = results.comparisons
    assert compared.n == 50


def test_common_genes_that_are_none_fail_and_are_told(tmp_path):
    stranger = Mine()
    stranger.info = ModelIdentity(id="stranger", version="1", digest="stranger")
    stranger.gene_table = lambda names, kind="symbol": GeneTable(["X"], VECTORS[:1], "x")
    results = genomark.run(
        [Mine(), stranger], benchmark(), out=tmp_path, common_genes=True, progress=False
    )
    assert len(results) == 0
    assert {each.reason for each in results.failed} == {
        "Task 'toy': no row is covered by all models"
    }


def test_a_model_that_fails_ends_no_other(tmp_path):
    broken = Mine()
    broken.info = ModelIdentity(id="broken", version="1", digest="broken")

    def gene_table(names, kind="symbol"):
        raise RuntimeError("no luck")

    broken.gene_table = gene_table
    results = genomark.run([broken, Mine()], benchmark(), out=tmp_path, progress=False)
    assert [each.model.id for each in results] == ["mine-80"]
    assert [each.reason for each in results.failed] == ["RuntimeError: no luck"]


def test_baselines_of_genes_answer_when_no_model_is_named(tmp_path, monkeypatch, folder):
    asked = []
    real = genomark.runs.order.load_model

    def load(spec, **more):
        asked.append(spec)
        return real("symbol-ngrams" if spec == "minilm" else spec, **more)

    monkeypatch.setattr(genomark.runs.order, "load_model", load)
    genomark.run((), f"tasks:{folder}/tasks", out=folder / "out", limit=30, progress=False)
    assert asked == list(GENE_BASELINES)
