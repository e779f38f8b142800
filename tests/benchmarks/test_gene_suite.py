"""The suite of gene tasks, and tasks of folders: names, families, what is built and what is not."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from genomark.benchmarks import GeneOptions, expand, load_benchmark
from genomark.benchmarks.genes import FAMILIES, suite
from genomark.benchmarks.genes.suite import gene_benchmark, gene_benchmark_ids
from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError
from genomark.genes.sources import build, known_tasks, sources
from genomark.probes import Probe


def write_task(root: Path, name: str, outcomes: dict, n: int = 30) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    pl.DataFrame({"symbol": [f"G{row}" for row in range(n)]}).write_csv(folder / "entities.csv")
    pl.DataFrame(outcomes).write_csv(folder / "outcomes.csv")


LABELS = {"a b": [0, 1] * 15, "c": [0, 1, 1] * 10}


def test_ids_are_plain_and_no_two_tasks_share_one():
    ids = gene_benchmark_ids()
    assert all(re.fullmatch(r"genes/[a-z0-9]+(-[a-z0-9]+)*", each) for each in ids)
    assert len(ids) == len(set(ids))
    # Some tasks of sources are in the catalogue too, and need not be built.
    plain = {re.sub("[^a-z0-9]+", "-", task.name.lower()).strip("-") for task in known_tasks()}
    assert len(plain) == len(known_tasks())
    of_catalogue = {"reactome", "tf-vs-non-tf", "gene2gene", "long-vs-short-range-tf", "gene-type"}
    assert {each.removeprefix("genes/") for each in ids} == plain | of_catalogue
    assert expand(["suite:genes"]) == ids


def test_every_task_is_of_one_of_five_families():
    made = [gene_benchmark(each, GeneOptions()) for each in gene_benchmark_ids()]
    counted = Counter(each.family for each in made)
    assert set(counted) == set(FAMILIES)
    assert len(FAMILIES) == 5
    assert all(each.citation and each.title for each in made)


def test_a_name_of_no_task_suggests_a_near_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'genes/reactome'"):
        load_benchmark("genes/reactomes")
    with pytest.raises(UnknownNameError, match="Did you mean 'genes/reactome'"):
        load_benchmark("reactome")
    with pytest.raises(
        UnknownNameError, match=r"Known: .*suite:genes, .*suite:quickstart, .*suite:rna-design, "
    ):
        load_benchmark("zzzz")
    with pytest.raises(UnknownNameError, match="Did you mean 'genes'"):
        expand(["suite:gens"])


def test_what_is_not_built_says_which_command_builds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))
    catalogue = gene_benchmark_ids()[:5]
    for each in gene_benchmark_ids():
        if each in catalogue:
            continue
        with pytest.raises(DatasetUnavailableError, match="run `genomark tasks build") as told:
            next(gene_benchmark(each, GeneOptions()).parts())
        (source,) = re.findall(r"tasks build ([\w-]+)`", str(told.value))
        assert source in sources()


def test_what_was_built_is_asked_with_the_kind_and_positive_class_it_was_built_with(
    tmp_path, monkeypatch, real_data
):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path))
    # The HLA table of HGNC, in small.
    rows = ["HGNC ID\tApproved symbol\tApproved name"]
    for number in range(12):
        kind = "I" if number % 2 else "II"
        rows.append(
            f"HGNC:{number}\tHLA-{number}\tmajor histocompatibility complex, class {kind}, X"
        )
    file = tmp_path / "hla.tsv"
    file.write_text("\n".join(rows) + "\n")
    build("hla", tmp_path / "gene-tasks", [file], progress=False)
    made = gene_benchmark("genes/hla-class-i-vs-class-ii", GeneOptions(min_positives=2))
    assert len(made.task) == 12
    (noted,) = (
        task
        for record in suite.read_records(tmp_path / "gene-tasks").values()
        for task in record.tasks
    )
    assert made.settings()["positive_class"] == noted.positive
    assert made.settings()["task_kind"] == noted.kind == "binary"


def test_tasks_of_a_folder_and_labels_of_a_table(tmp_path):
    write_task(tmp_path, "x/labels", LABELS)
    write_task(tmp_path, "plain, one", {"Outcomes": ["yes", "no"] * 15})
    names = expand([f"tasks:{tmp_path}"])
    assert [each.partition("#")[2] for each in names] == ["plain, one", "x/labels"]
    whole = load_benchmark(names[1])
    assert (whole.id, whole.task.kind) == ("tasks:x/labels", "multi-label")
    picked = load_benchmark(f"{names[1]};a b")
    assert expand([f"{names[1]};a b"]) == [f"{names[1]};a b"]
    assert (picked.id, picked.task.kind) == ("tasks:x/labels;a b", "binary")
    assert picked.task.targets[:, 0].tolist() == [0, 1] * 15
    assert picked.settings()["positive_class"] == "1"
    assert load_benchmark(names[0]).settings()["positive_class"] == "yes"
    with pytest.raises(UnknownNameError, match="Did you mean 'a b'"):
        _ = load_benchmark(f"{names[1]};ab").task
    with pytest.raises(UsageError, match="only of a multi-label task"):
        _ = load_benchmark(f"{names[0]};yes").task
    with pytest.raises(UnknownNameError, match="plain, one"):
        _ = load_benchmark(f"tasks:{tmp_path}#plain one").task
    with pytest.raises(UsageError, match="expected tasks:FOLDER#TASK"):
        load_benchmark(f"tasks:{tmp_path}")
    with pytest.raises(UsageError, match="not a path below the folder"):
        _ = load_benchmark(f"tasks:{tmp_path / 'x'}#../plain, one").task


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(UsageError, match="so there are no tasks"):
        expand([f"tasks:{tmp_path}"])


def test_a_family_is_that_of_the_task_of_the_same_name(tmp_path):
    known = known_tasks()[0]
    write_task(tmp_path, known.name, LABELS)
    write_task(tmp_path, "mine", LABELS)
    assert load_benchmark(f"tasks:{tmp_path}#{known.name}").family == known.family
    assert load_benchmark(f"tasks:{tmp_path}#{known.name};c").family == known.family
    assert load_benchmark(f"tasks:{tmp_path}#mine").family == "of users"


def test_a_table_is_read_once_for_all_its_labels_and_again_when_it_changes(tmp_path, monkeypatch):
    write_task(tmp_path, "labels", LABELS)
    calls = []
    real = suite.read_task
    monkeypatch.setattr(
        suite, "read_task", lambda *words, **more: calls.append(words[1]) or real(*words, **more)
    )
    spec = f"tasks:{tmp_path}#labels"
    for name in (spec, f"{spec};c", f"{spec};a b"):
        _ = load_benchmark(name).task
    assert calls == ["labels"]
    table = tmp_path / "labels" / "outcomes.csv"
    pl.DataFrame({"a b": [1, 0] * 15, "c": LABELS["c"]}).write_csv(table)
    os.utime(table, ns=(1, 1))
    assert load_benchmark(f"{spec};a b").task.targets[:, 0].tolist() == [1, 0] * 15
    assert calls == ["labels"] * 2


def test_a_record_that_is_broken_is_named(tmp_path):
    write_task(tmp_path, "labels", LABELS)
    (tmp_path / "source.json").write_text("{")
    with pytest.raises(UsageError, match=r"source.json: not a record"):
        _ = load_benchmark(f"tasks:{tmp_path}#labels").task


def test_a_label_may_have_a_folder_of_its_own(tmp_path):
    write_task(tmp_path, "labels", LABELS)
    write_task(tmp_path, "labels;c", {"Outcomes": [1, 0] * 15})
    assert load_benchmark(f"tasks:{tmp_path}#labels;c").task.targets[:, 0].tolist() == [1, 0] * 15


def test_transcription_factors_are_those_of_the_census(real_data):
    real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    made = load_benchmark("genes/tf-vs-non-tf")
    (part,) = made.parts()
    assert part.height == part["item_id"].n_unique() == 2765
    assert made.settings()["task_kind"] == "binary"
    # Lambert et al. 2018: 1,639 likely transcription factors.
    assert int(made.task.targets.sum()) == 1639
    assert made.settings()["positive_class"] == "Transcription factor"


def test_ranges_of_transcription_factors_are_174(real_data):
    name = "test_multiclass/level1/level2/level3_with_data_local"
    real_data("gene_benchmark_tasks", f"{name}/outcomes.csv")
    (part,) = load_benchmark("genes/long-vs-short-range-tf").parts()
    assert part.height == 174


def test_reactome_asks_447_pathways_of_9567_genes(real_data):
    real_data("gene_sets", "c2.cp.reactome.v2023.1.Hs.symbols.gmt")
    real_data("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt")
    made = load_benchmark("genes/reactome", GeneOptions(probe=Probe(folds=5)))
    task = made.task
    assert task.targets.shape == (9567, 447)
    assert task.kind == "multi-label"
    assert task.entities.to_series().is_sorted()
    assert made.family == "biological processes"


def test_pairs_of_genes_are_all_there_and_repeated_ones_share_a_number(real_data):
    from genomark.benchmarks.genes.question import cluster_numbers, entity_numbers
    from genomark.datasets import dataset

    real_data("gene2gene", dataset("gene2gene").files[0].path)
    made = load_benchmark("genes/gene2gene")
    (part,) = made.parts()
    assert part.height == part["item_id"].n_unique() == 290_032
    assert made.task.targets.mean() == pytest.approx(0.497, abs=0.001)
    assert cluster_numbers(made.task).max() + 1 == 12_472
    names = made.task.entities
    unordered = names.select(low=pl.min_horizontal(pl.all()), high=pl.max_horizontal(pl.all()))
    assert len(set(entity_numbers(made.task).tolist())) == unordered.n_unique()
