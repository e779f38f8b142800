"""Tasks on genes through the command line: real runs on small folders."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

DRAW = np.random.default_rng(11)
GENES = [f"GENE{number}" for number in range(120)]
VECTORS = DRAW.standard_normal((120, 6))
HIDDEN = VECTORS @ DRAW.standard_normal(6)
ANSWERS = (HIDDEN + DRAW.standard_normal(120) > 0).astype(int)
RUN = ("run", "-m", "embedding:x.csv", "-b", "tasks:tasks")


def write_embedding(path: Path, genes: list[str] = GENES, vectors: np.ndarray = VECTORS) -> None:
    frame = pl.DataFrame(vectors, schema=[f"d{place}" for place in range(vectors.shape[1])])
    frame.insert_column(0, pl.Series("symbol", genes)).write_csv(path)


def write_task(
    root: Path, name: str, outcomes: Iterable | dict, entities: dict | list[str] = GENES
) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    if not isinstance(entities, dict):
        entities = {"symbol": entities}
    pl.DataFrame(entities).write_csv(folder / "entities.csv")
    if not isinstance(outcomes, dict):
        outcomes = {"Outcomes": list(outcomes)}
    pl.DataFrame(outcomes).write_csv(folder / "outcomes.csv")
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An embedding of 120 genes, and one task that it knows."""
    write_embedding(tmp_path / "x.csv")
    write_task(tmp_path / "tasks", "known", ANSWERS)
    return tmp_path


def document(path: Path) -> dict:
    return json.loads(path.read_text())


def without_times(path: Path) -> bytes:
    """The JSON of a run without what each run has of its own."""
    found = document(path)
    for result in found["results"]:
        for name in ("cost", "started", "finished"):
            del result[name]
    return json.dumps(found, sort_keys=True).encode()


def metric(result: dict, name: str = "auroc") -> dict:
    return next(row for row in result["metrics"] if row["name"] == name)


def test_a_table_and_json_of_a_folder_of_tasks(genomark_cli, here):
    write_task(here / "tasks", "deep/values", HIDDEN)
    outcome = genomark_cli(*RUN, "-m", "control:random", "--json", "r.json", "--workers", "1")
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines() if re.match(r" +\d ", line)]
    assert [words[:2] for words in lines] == [
        ["1", "embedding:x.csv"],
        ["2", "control:random"],
    ] * 2
    found = document(here / "r.json")
    assert [(each["benchmark"]["id"], each["model"]["id"]) for each in found["results"]] == [
        (f"tasks:{task}", model)
        for task in ("deep/values", "known")
        for model in ("embedding:x.csv", "control:random")
    ]
    assert {each["benchmark"] for each in found["comparisons"]} == {
        "tasks:deep/values",
        "tasks:known",
    }
    shown = f"{metric(found['results'][2])['value']:.3f}"
    assert shown in outcome.out
    assert "Results are in genomark-results, and in r.json" in outcome.err


def test_the_same_command_gives_the_same_bytes_and_computes_nothing(genomark_cli, here):
    words = (*RUN, "-m", "control:random", "--workers", "1", "--json")
    first = genomark_cli(*words, "1.json")
    shards = sorted((here / "genomark-results" / "shards").iterdir())
    times = [file.stat().st_mtime_ns for file in shards]
    second = genomark_cli(*words, "2.json")
    assert first.out == second.out
    # Nothing was computed, so not even times differ.
    assert (here / "1.json").read_bytes() == (here / "2.json").read_bytes()
    assert [file.stat().st_mtime_ns for file in shards] == times
    genomark_cli(*words, "3.json", "--fresh")
    assert all(file.stat().st_mtime_ns > when for file, when in zip(shards, times, strict=True))
    assert without_times(here / "1.json") == without_times(here / "3.json")
    assert (here / "1.json").read_bytes() != (here / "3.json").read_bytes()


def test_numbers_do_not_depend_on_workers(genomark_cli, here):
    write_task(here / "tasks", "labels", {"a": ANSWERS, "b": 1 - ANSWERS, "c": HIDDEN > 1})
    for workers in ("1", "2"):
        words = (*RUN, "--workers", workers, "--out", f"out{workers}", "--json", f"{workers}.json")
        assert genomark_cli(*words).code == 0
    assert without_times(here / "1.json") == without_times(here / "2.json")


def test_a_task_that_cannot_be_read_ends_no_other_and_is_named(genomark_cli, here):
    write_task(here / "tasks", "bad", ANSWERS[:-1])
    ragged = write_task(here / "tasks", "ragged", ANSWERS)
    (ragged / "outcomes.csv").write_text("Outcomes\n1,2\n0\n")
    outcome = genomark_cli(*RUN, "--json", "r.json")
    assert outcome.code == 1
    found = document(here / "r.json")
    assert [each["benchmark"]["id"] for each in found["results"]] == ["tasks:known"]
    reasons = {each["benchmark"]: each["reason"] for each in found["failed"]}
    assert reasons.keys() == {"tasks:tasks#bad", "tasks:tasks#ragged"}
    assert "120 entities but 119 outcomes" in reasons["tasks:tasks#bad"]
    assert "tasks/ragged/outcomes.csv" in reasons["tasks:tasks#ragged"]
    assert "failed tasks:tasks#bad × embedding:x.csv" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err


def test_genes_called_na_or_true_are_genes(genomark_cli, here):
    odd = ["NA", "NAN", "nan", "None", "TRUE", "null", "1", "1E5", "", "MARCH1"]
    named = [*odd[:8], *odd[9:], *GENES[9:]]
    write_embedding(here / "x.csv", named)
    write_task(here / "odd", "odd", ANSWERS, named)
    outcome = genomark_cli("run", "-m", "embedding:x.csv", "-b", "tasks:odd", "--json", "r.json")
    assert outcome.code == 0
    (result,) = document(here / "r.json")["results"]
    assert result["coverage"] == {"asked": 120, "answered": 120, "failed": []}
    kept = pl.read_parquet(next((here / "genomark-results" / "predictions").iterdir()))
    assert kept["item_id"].to_list() == named
    genomark_cli(*RUN[:3], "-b", "tasks:tasks", "--json", "known.json")
    (known,) = document(here / "known.json")["results"]
    assert known["coverage"]["answered"] == 111


def test_missing_genes_are_told_with_their_number(genomark_cli, here):
    write_embedding(here / "x.csv", GENES[:100], VECTORS[:100])
    outcome = genomark_cli(*RUN)
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert "20 of 120 items without an answer: no vector for the symbol" in text
    noise = [*RUN, "--missing", "noise", "--json", "noise.json"]
    assert genomark_cli(*noise).code == 0
    (result,) = document(here / "noise.json")["results"]
    assert result["coverage"]["answered"] == 120
    assert result["settings"]["fit"]["notes"] == ["20 vectors were made up, as asked for"]


@pytest.mark.parametrize("missing", ["drop", "zero", "noise"])
def test_a_model_that_knows_none_of_the_genes_has_no_number(genomark_cli, here, missing):
    write_embedding(here / "x.csv", [f"ENSG{number:011}" for number in range(120)])
    outcome = genomark_cli(*RUN, "--missing", missing, "--json", "r.json")
    assert outcome.code == 1
    found = document(here / "r.json")
    assert found["results"] == []
    (failed,) = found["failed"]
    assert failed["reason"] == (
        "the model has a vector for none of 120 names of kind 'symbol' ('GENE0', ...); "
        "it has 'ENSG00000000000', ..."
    )


def test_too_few_or_too_like_genes_are_told_apart_from_numbers(genomark_cli, here):
    positive = [gene for gene, answer in zip(GENES, ANSWERS, strict=True) if answer]
    for genes, said in (
        (positive, "have the same answer: nothing can be learned"),
        (positive[:1], "vectors for 1 of 120 rows: too few"),
    ):
        write_embedding(here / "x.csv", genes, VECTORS[: len(genes)])
        outcome = genomark_cli(*RUN)
        assert outcome.code == 1
        assert said in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("n", "outcomes", "said"),
    [
        (3, [0, 1, 1], "too few genes to judge 1 (2 positive rows"),
        (9, [0, 1, 1, 0, 1, 0, 1, 0, 1], "1 (5 positive rows, and at least 10 are needed)"),
        (12, [1] * 12, "expected at least two classes"),
    ],
)
def test_a_task_too_small_to_judge_is_one_clear_line(genomark_cli, here, n, outcomes, said):
    write_task(here / "small", "small", outcomes, GENES[:n])
    outcome = genomark_cli("run", "-m", "embedding:x.csv", "-b", "tasks:small")
    assert outcome.code == 1
    text = " ".join(outcome.out.split())
    assert "failed tasks:small#small" in text
    assert said in text


def test_small_tasks_are_asked_if_that_is_wanted(genomark_cli, here):
    write_task(here / "small", "small", [0, 1, 1, 0, 1, 0, 1, 0, 1], GENES[:9])
    words = ("run", "-m", "embedding:x.csv", "-b", "tasks:small", "--min-positives", "1")
    outcome = genomark_cli(*words, "--json", "r.json")
    assert outcome.code == 0
    (result,) = document(here / "r.json")["results"]
    assert result["coverage"]["answered"] == 9
    notes = result["settings"]["fit"]["notes"]
    assert any("some folds have no negative rows of '1'" in note for note in notes)
    write_task(here / "tiny", "tiny", [0, 1, 1], GENES[:3])
    outcome = genomark_cli(*words[:4], "tasks:tiny", "--min-positives", "1")
    assert outcome.code == 1
    assert "5 folds need at least 5 rows, and there are 3" in " ".join(outcome.out.split())


def test_labels_with_too_few_positives_are_named(genomark_cli, here):
    rare = [1, 1] + [0] * 118
    write_task(here / "labels", "labels", {"common": ANSWERS, "rare": rare})
    words = ("run", "-m", "embedding:x.csv", "-b", "tasks:labels", "--json", "r.json")
    assert genomark_cli(*words).code == 0
    (result,) = document(here / "r.json")["results"]
    assert "rare (2 positive rows" in result["settings"]["notes"][0]
    assert {row.get("group") for row in result["metrics"]} - {None} == {"common"}
    picked = genomark_cli("run", "-m", "embedding:x.csv", "-b", "tasks:labels#labels;common")
    assert picked.code == 0
    assert "tasks:labels;common" in picked.out
    unknown = genomark_cli("run", "-m", "embedding:x.csv", "-b", "tasks:labels#labels;comon")
    assert unknown.code == 1
    assert "Did you mean 'common'?" in " ".join(unknown.out.split())


def test_constant_features_are_worth_a_half(genomark_cli, here):
    write_embedding(here / "x.csv", GENES, np.ones((120, 3)))
    outcome = genomark_cli(*RUN, "--json", "r.json")
    assert outcome.code == 0
    (result,) = document(here / "r.json")["results"]
    # The intercept differs from fold to fold; within a fold all genes are tied.
    assert metric(result)["value"] == 0.5
    assert metric(result)["interval"] == [0.5, 0.5]


def test_answers_that_can_be_told_without_error_are_told(genomark_cli, here):
    write_task(here / "easy", "easy", (VECTORS[:, 0] > 0).astype(int))
    write_embedding(here / "x.csv", GENES, np.sign(VECTORS[:, :1]))
    words = ("run", "-m", "embedding:x.csv", "-b", "tasks:easy", "--json", "r.json")
    assert genomark_cli(*words).code == 0
    (result,) = document(here / "r.json")["results"]
    assert metric(result)["value"] == 1.0
    assert metric(result, "f1")["value"] == 1.0
    assert result["settings"]["fit"]["notes"] == []


def test_a_gene_named_twice_stays_in_one_fold_and_is_one_cluster(genomark_cli, here):
    # Every gene twice; half of them contradict themselves.
    second = np.where(np.arange(120) % 2, ANSWERS, 1 - ANSWERS)
    write_task(here / "twice", "twice", [*ANSWERS, *second], [*GENES, *GENES])
    words = ("run", "-m", "embedding:x.csv", "-b", "tasks:twice", "--json", "r.json")
    assert genomark_cli(*words).code == 0
    (result,) = document(here / "r.json")["results"]
    assert (metric(result)["n"], metric(result)["n_clusters"]) == (240, 120)
    assert (
        "rows of the same entities with different answers: 60, such as GENE0"
        in (result["settings"]["notes"])
    )
    kept = pl.read_parquet(next((here / "genomark-results" / "predictions").iterdir()))
    assert kept["item_id"][120] == "GENE0 #2"
    assert kept["fold"][:120].equals(kept["fold"][120:])


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", ""])
def test_an_embedding_that_is_not_finite_is_one_clear_line(genomark_cli, here, value):
    lines = (here / "x.csv").read_text().splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:-1], value])
    (here / "x.csv").write_text("\n".join(lines))
    outcome = genomark_cli(*RUN)
    assert outcome.code == 1
    text = " ".join(outcome.out.split())
    assert "x.csv: row 5 ('GENE4'), column 'd5': expected a finite number" in text
    assert "Traceback" not in outcome.out + outcome.err


def test_an_embedding_without_names_is_one_clear_line(genomark_cli, here):
    pl.DataFrame(VECTORS, schema=list("abcdef")).write_csv(here / "x.csv")
    outcome = genomark_cli(*RUN)
    assert outcome.code == 1
    text = " ".join(outcome.out.split())
    assert "x.csv: row 1: expected the name of a gene in the first column" in text
    assert "call the column of names 'symbol'" in text
    assert "Traceback" not in outcome.out + outcome.err


def test_common_genes_make_models_answer_the_same_rows(genomark_cli, here):
    write_embedding(here / "y.csv", GENES[30:], VECTORS[30:, :2])
    words = (*RUN, "-m", "embedding:y.csv", "-m", "gc", "--json", "r.json")
    assert genomark_cli(*words).code == 0
    found = document(here / "r.json")
    assert [each["coverage"]["answered"] for each in found["results"]] == [120, 90]
    outcome = genomark_cli(*words, "--common-genes")
    assert outcome.code == 0
    found = document(here / "r.json")
    assert [each["coverage"] for each in found["results"]] == [
        {"asked": 90, "answered": 90, "failed": []}
    ] * 2
    assert "90 of 120 rows: those that all models cover" in found["results"][0]["settings"]["notes"]
    (skipped,) = found["skipped"]
    assert skipped["reason"].startswith("'gc' gives no vectors for genes")
    assert "needs a GeneEmbedder" in skipped["reason"]


@pytest.mark.parametrize(
    ("option", "asked", "note"),
    [
        (("--exclude-symbols", "list.txt"), 110, "exclude list of 10: 10 of 120 rows left out"),
        (("--include-symbols", "half.txt"), 60, "include list of 60: 60 of 120 rows left out"),
        (("--sub-sample", "0.5"), 60, "sample of 0.5 with seed 0: 60 of 120 rows left out"),
        (("--limit", "50"), 50, None),
    ],
)
def test_filters_say_what_they_left_out(genomark_cli, here, option, asked, note):
    (here / "list.txt").write_text("\n".join(GENES[:10]))
    (here / "half.txt").write_text("\n".join(GENES[::2]))
    assert genomark_cli(*RUN, *option, "--json", "r.json").code == 0
    (result,) = document(here / "r.json")["results"]
    assert result["coverage"]["asked"] == metric(result)["n"] == asked
    assert result["settings"]["notes"] == ([note] if note else [])


def test_thresholds_leave_labels_and_classes_out(genomark_cli, here):
    third = np.arange(120) % 12 == 0
    write_task(here / "both", "labels", {"a": ANSWERS, "b": third.astype(int)})
    classes = np.where(third, "rare", np.where(HIDDEN > 0, "up", "down"))
    write_task(here / "both", "classes", classes)
    words = ("run", "-m", "embedding:x.csv", "-b", "tasks:both", "--json", "r.json")
    words = (*words, "--multi-label-th", "0.1", "--cat-label-th", "0.1")
    assert genomark_cli(*words).code == 0
    of_classes, of_labels = document(here / "r.json")["results"]
    assert {row.get("group") for row in of_classes["metrics"]} - {None} == {"down", "up"}
    assert of_classes["coverage"]["asked"] == 110
    assert {row.get("group") for row in of_labels["metrics"]} - {None} == {"a"}
    assert of_labels["coverage"]["asked"] == 120


@pytest.mark.parametrize(
    "probe", ["knn:k=5", "linear:repeats=2", "linear:C=nested", "linear:weights=balanced"]
)
def test_probes_are_told_with_the_result(genomark_cli, here, probe):
    assert genomark_cli(*RUN, "--probe", probe, "--json", "r.json").code == 0
    (result,) = document(here / "r.json")["results"]
    assert 0.6 < metric(result)["value"] < 1
    told = result["settings"]["probe"]
    assert told["head"] == probe.partition(":")[0]
    key, _, value = probe.partition(":")[2].partition("=")
    assert str({**told, **told["settings"]}[key]) == value


def test_shuffled_answers_are_worth_a_half(genomark_cli, here):
    assert genomark_cli(*RUN, "--probe", "linear:permuted=true", "--json", "r.json").code == 0
    (result,) = document(here / "r.json")["results"]
    # Standard error of an AUROC of 60 against 60: 0.053.
    assert abs(metric(result)["value"] - 0.5) < 0.16


def test_an_embedder_before_a_benchmark_of_sequences_is_skipped(genomark_cli, here, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    words = ("run", "-m", "embedding:x.csv", "-b", "kircher2019", "--json", "r.json")
    outcome = genomark_cli(*words)
    assert outcome.code == 0
    (skipped,) = document(here / "r.json")["skipped"]
    assert skipped["model"] == "embedding:x.csv"
    assert "needs a Predictor" in skipped["reason"]
    assert "skipped kircher2019 × embedding:x.csv" in outcome.out
    assert genomark_cli(*words, "--strict").code == 1


def test_two_kinds_of_entities_are_skipped_by_a_file_of_genes(genomark_cli, here):
    pairs = {"symbol": GENES, "diseaseId": [f"EFO_{place % 5}" for place in range(120)]}
    write_task(here / "mixed", "mixed", ANSWERS, pairs)
    words = ("run", "-b", "tasks:mixed", "-m", "embedding:x.csv", "-m", "control:onehot")
    outcome = genomark_cli(*words, "-m", "control:random", "--json", "r.json")
    assert outcome.code == 0
    found = document(here / "r.json")
    assert [each["model"]["id"] for each in found["results"]] == ["control:random"]
    reasons = {each["model"]: each["reason"] for each in found["skipped"]}
    assert "no column 'diseaseId'" in reasons["embedding:x.csv"]
    assert "pairs of one kind only" in reasons["control:onehot"]


def test_onehot_is_skipped_where_genes_come_alone(genomark_cli, here):
    outcome = genomark_cli(*RUN, "-m", "control:onehot")
    assert outcome.code == 0
    assert "can be asked about pairs only" in " ".join(outcome.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-b", "tasks:nowhere"), "nowhere: no such folder of tasks"),
        (("-b", "tasks:empty"), "no folder below it holds an outcomes.csv"),
        (("-b", "genes/reactom"), "Did you mean 'genes/reactome'?"),
        (("-b", "suite:gene"), "Did you mean 'genes'?"),
        (("-b", "tasks:tasks", "-b", "tasks:other"), "both called 'tasks:known'"),
        (("-b", "tasks:tasks", "--probe", "lineer"), "No probe named 'lineer'"),
        (("-b", "tasks:tasks", "--exclude-symbols", "no.txt"), "no.txt"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line_and_exits_2(genomark_cli, here, words, said):
    (here / "empty").mkdir()
    write_task(here / "other", "known", ANSWERS)
    outcome = genomark_cli("run", "-m", "embedding:x.csv", *words)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_name_of_no_task_in_a_folder_suggests_a_near_one(genomark_cli, here):
    outcome = genomark_cli("run", "-m", "embedding:x.csv", "-b", "tasks:tasks#knwon")
    assert outcome.code == 1
    assert "Did you mean 'known'?" in " ".join(outcome.out.split())


def test_tasks_that_are_not_built_are_skipped_with_the_command_that_builds_them(
    genomark_cli, here, monkeypatch
):
    monkeypatch.setenv("GENOMARK_CACHE", str(here / "cache"))
    outcome = genomark_cli("run", "-m", "embedding:x.csv", "-b", "genes/ccd-protein")
    assert outcome.code == 0
    assert "run `genomark tasks build" in " ".join(outcome.out.split())


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_tables(here):
    for number in range(30):
        answers = (HIDDEN + np.random.default_rng(number).standard_normal(120) > 0).astype(int)
        write_task(here / "many", f"t{number:02}", answers)
    command = [sys.executable, "-m", "genomark", "run", "-m", "embedding:x.csv"]
    command += ["-m", "control:random", "-b", "tasks:many", "--workers", "2"]

    def start(folder: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*command, "--out", folder, "--json", f"{folder}.json"],
            cwd=here,
            stdout=(here / f"{folder}.txt").open("wb"),
            stderr=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": "80"},
        )

    killed = start("killed")
    shards = here / "killed" / "shards"
    end = time.monotonic() + 60
    while len(list(shards.glob("*.parquet"))) < 10 and time.monotonic() < end:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    done = {file: file.stat().st_mtime_ns for file in shards.glob("*.parquet")}
    assert 10 <= len(done) < 60
    assert start("killed").wait(timeout=120) == 0
    assert start("whole").wait(timeout=120) == 0
    assert without_times(here / "killed.json") == without_times(here / "whole.json")
    assert (here / "killed.txt").read_text() == (here / "whole.txt").read_text().replace(
        "whole", "killed"
    )
    redone = [file for file, when in done.items() if file.stat().st_mtime_ns != when]
    assert len(redone) <= 1, "at most what had not been written down is computed again"
