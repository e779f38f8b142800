"""Declared tasks: what the files say, how they are read, and what comes of them on real data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from genomark.benchmarks.sequences.declared import (
    DeclaredTask,
    TaskFiles,
    declaration_text,
    declared_ids,
    read_declaration,
    read_shipped,
)
from genomark.benchmarks.sequences.published import published_scores
from genomark.benchmarks.sequences.sequence_task import SequenceTask, facts_of, load_declared
from genomark.datasets import catalogue
from genomark.errors import DatasetUnavailableError, UnknownNameError, UsageError
from genomark.scoring import TASK_METRICS
from genomark.scoring.directions import better
from genomark.sequences import LabelledSequences

RealData = Callable[[str, str], Path]


def write_task(folder: Path, text: str, **files: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "task.toml").write_text(text)
    for name, rows in files.items():
        lines = ["sequence,label", *rows]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


SMALL = """
title = "small"
kind = "binary"
labels = ["no", "yes"]

[files]
train = "train.csv"
test = "test.csv"
"""
TRAIN = [f"{a}{b}ACG,{'yes' if a in 'AC' else 'no'}" for a in "ACGT" for b in "ACGTRYSWKM"]
TEST = ["AAACG,yes", "TTTTT,no", "GGGGG,no"]


def small(folder: Path, text: str = SMALL, name: str = "sequences:small") -> SequenceTask:
    write_task(folder, text, train=TRAIN, test=TEST)
    return SequenceTask(read_declaration(folder / "task.toml", name), folder=folder)


# ----------------------------------------------------------------------- the declarations shipped


def test_every_declaration_shipped_is_well_formed_and_says_where_it_comes_from():
    for name in declared_ids():
        declared = read_shipped(name)
        suites = "rgb|pgb|gue|gb|beacon|rna|guanine"
        assert re.fullmatch(rf"({suites})/[a-z0-9_-]+(\.[A-Za-z0-9_-]+)?", name)
        assert declared.id == name
        suite = name.partition("/")[0]
        assert declared.dataset == {"rna": "rna_structures", "guanine": name}.get(suite, suite)
        assert declared.source, name
        assert declared.licence, name
        assert declared.citation, name
        assert all(text.endswith((".", "%", ")")) for text in declared.caveats), name
        if declared.lengths is not None:
            assert declared.lengths[0] <= declared.lengths[1]


def test_every_metric_that_judges_or_selects_has_a_direction():
    for name in declared_ids():
        declared = read_shipped(name)
        for metric in (*declared.metrics, declared.select_by):
            assert better(metric) in ("higher", "lower")


def test_a_file_is_of_the_catalogue_or_its_origin_is_told():
    known = {name: {file.path for file in entry.files} for name, entry in catalogue().items()}
    for name in declared_ids():
        declared = read_shipped(name)
        files = {declared.files.test, declared.files.train, declared.files.valid} - {None}
        if not files <= known.get(declared.dataset or "", set()):
            assert declared.origin, name


def test_an_unknown_id_suggests_a_near_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'rgb/ssp-archive2'"):
        load_declared("rgb/ssp-archive")


def test_published_rmse_of_plants_is_told_as_the_mean_squared_error_it_is():
    for group, value in (("leaf", 2.2247), ("protoplast", 1.3837)):
        declared = read_shipped(f"pgb/promoter_strength.{group}")
        (score,) = published_scores(declared.published)
        assert (score.model, score.metric, score.value) == ("RNABERT", "mse", value)
        assert any("RMSE" in caveat for caveat in score.caveats)


def test_published_auc_of_hard_labels_is_told_as_the_balanced_accuracy():
    scores = published_scores(read_shipped("rgb/snmd").published)
    assert {score.metric for score in scores} == {"balanced_accuracy"}
    assert {score.value for score in scores if score.model == "OmniGenome-186M"} == {0.6381}


def test_published_shares_are_on_a_scale_of_one():
    for name in declared_ids():
        for score in published_scores(read_shipped(name).published):
            if not score.metric.endswith(("mse", "rmse")):
                most = 100 if score.metric.endswith("_x100") else 1
                assert -most <= score.value <= most, (name, score)
            assert score.source
            plain = score.metric
            assert plain.endswith("_published") or better(plain)


@pytest.mark.parametrize(
    ("name", "share_of_yes", "answer_no"),
    [
        ("pgb/chromatin_access.zea_mays", 0.0141, 0.4965),
        ("pgb/chromatin_access.arabidopis_thaliana", 0.0711, 0.4816),
    ],
)
def test_answering_no_gives_the_pooled_f1_that_the_caveat_names(
    name: str, share_of_yes: float, answer_no: float, real_data: RealData
):
    task = load_declared(name)
    real_data("pgb", task.declared.files.test)
    targets = np.asarray(task.test().targets)
    yes = targets.mean()
    assert yes == pytest.approx(share_of_yes, abs=1e-4)
    # F1 of no is 2 (1 - yes) / (2 - yes); that of yes is 0.
    assert (1 - yes) / (2 - yes) == pytest.approx(answer_no, abs=1e-4)
    assert any(f"{answer_no:.4f}" in caveat for caveat in task.declared.caveats)


# ------------------------------------------------------------------------------------- real data


@pytest.mark.parametrize(
    ("name", "train", "valid", "test"),
    [
        ("rgb/ssp-archive2", 608, 76, 82),
        ("rgb/ssp-rnastralign", 3104, 388, 389),
        ("rgb/ssp-bprna", 9232, 1154, 1161),
        ("rgb/te.rice", 4697, 587, 588),
    ],
)
def test_declared_splits_have_the_rows_that_were_counted(
    name: str, train: int, valid: int, test: int, real_data: RealData
):
    task = load_declared(name)
    real_data("rgb", task.declared.files.test)
    split = task.split()
    assert split is not None
    assert (len(split.train), len(split.valid), len(task.test())) == (train, valid, test)
    assert split.notes == ()
    assert split.select_by == task.declared.select_by


def test_a_valid_part_is_taken_from_train_and_copies_of_test_sequences_stay(real_data: RealData):
    task = load_declared("pgb/lncrna.t_aestivum")
    real_data("pgb", "lncrna/t_aestivum/train.json")
    split = task.split()
    assert split is not None
    # 14 test rows have a sequence of the train file (counted by hand), which 20 train rows have.
    known = set(task.train().sequences)
    assert sum(sequence in known for sequence in task.test().sequences) == 14
    learned = {*split.train.sequences, *split.valid.sequences}
    assert sum(sequence in learned for sequence in task.test().sequences) == 14
    assert len(split.train) + len(split.valid) == 8000
    assert not set(split.train.sequences) & set(split.valid.sequences)
    # As near as what overlaps allows.
    assert len(split.valid) == pytest.approx(800, rel=0.03)
    assert len(split.notes) == 1


def test_the_part_set_apart_follows_the_seed_and_the_question_does_not(real_data: RealData):
    real_data("pgb", "promoter_strength/leaf/train.json")
    first, second = (load_declared("pgb/promoter_strength.leaf") for _ in range(2))
    assert first.split(seed=0).digest == second.split(seed=0).digest
    assert first.split(seed=0).digest != first.split(seed=1).digest
    assert first.digest == second.digest
    assert first.split(seed=0) is first.split(seed=0)


def test_facts_are_those_of_the_data(real_data: RealData):
    real_data("pgb", "poly_a/medicago_truncatula/test.json")
    facts = load_declared("pgb/poly_a.medicago_truncatula").facts()
    assert facts["test"]["sequences"] == 1000
    assert facts["test"]["labels"] == {"1": 0.34}
    assert facts["train"]["length"] == [400, 400.0, 400]
    assert facts["train"]["distinct"] == 7999
    assert facts["unverified"] == []


def test_mutated_bases_are_those_that_differ(real_data: RealData):
    task = load_declared("rgb/snmd")
    real_data("rgb", "RNA-SNMD/test.json")
    shares = task.facts()["test"]["labels"]
    assert shares["changed"] == pytest.approx(0.018, abs=1e-3)
    originals = load_declared("rgb/snmr").test()
    told = sum(int((target >= 0).sum()) for target in originals.targets)
    assert told == round(shares["changed"] * 200 * 1000)


def test_of_mrna_68_positions_are_measured(real_data: RealData):
    task = load_declared("rgb/mrna")
    real_data("rgb", "RNA-mRNA/test.json")
    labels = task.facts()["test"]["labels"]
    assert len(task.test()) == 192
    assert {told["measured"] for told in labels.values()} == {192 * 68}


# ---------------------------------------------------------------------------- data that are missing


def test_without_train_data_there_is_no_split_and_a_reason(real_data: RealData):
    task = load_declared("pgb/lncrna.g_max")
    real_data("pgb", "lncrna/g_max/test.json")
    assert task.split() is None
    assert task.no_split is not None
    assert "lncrna/g_max/train.json of pgb/lncrna.g_max is in no catalogue" in task.no_split
    assert "OmniGenBench_Hub" in task.no_split
    assert "train" not in task.facts()


@pytest.mark.usefixtures("no_data")
def test_data_without_a_checksum_are_taken_from_where_the_user_put_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    task = load_declared("gue/splice.reconstructed")
    with pytest.raises(DatasetUnavailableError, match=r"GUE/splice/reconstructed/test\.csv .*put"):
        task.test()
    folder = tmp_path / "mirror" / "gue" / "GUE" / "splice" / "reconstructed"
    folder.mkdir(parents=True)
    for name, rows in (("train", "A0 C1 G2"), ("dev", "AC0 CC1 GC2"), ("test", "AG0 CG1 GG2")):
        lines = ["sequence,label", *(f"{row[:-1]}ACGTACGT,{row[-1]}" for row in rows.split())]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    split = load_declared("gue/splice.reconstructed").split()
    assert split is not None
    assert (split.kind, split.labels) == ("multi-class", ("0", "1", "2"))
    assert split.valid.sequences == ("ACACGTACGT", "CCACGTACGT", "GCACGTACGT")
    assert np.array_equal(split.train.targets, np.eye(3))
    facts = load_declared("gue/splice.reconstructed").facts()
    assert [Path(file).name for file in facts["unverified"]] == ["test.csv", "train.csv", "dev.csv"]


def test_a_set_of_genomic_benchmarks_is_read_from_its_folders_of_classes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    for part, rows in (("train", 20), ("test", 2)):
        for name, letter in (("human", "A"), ("worm", "C")):
            folder = tmp_path / "gb" / "demo_human_or_worm" / part / name
            folder.mkdir(parents=True)
            for row in range(rows):
                (folder / f"{row}.txt").write_text(letter * (5 + row) + part[0].upper() + "G")
    task = load_declared("gb/demo_human_or_worm")
    test = task.test()
    assert (test.kind, test.labels, len(test)) == ("binary", ("worm",), 4)
    assert dict(zip(test.sequences, test.targets[:, 0], strict=True))["CCCCCTG"] == 1
    split = task.split()
    assert split is not None
    assert len(split.valid) == 4


def test_a_pair_task_is_read_from_matrices_in_the_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    folder = tmp_path / "beacon" / "DistanceMap"
    folder.mkdir(parents=True)
    row = {"sequence": "GAC", "label": [[0, 1.5, 2], [1.5, 0, None], [2, None, 0]]}
    (folder / "test.csv").write_bytes(msgspec.json.encode([row]))
    declared = read_shipped("beacon/distance-map")
    (folder / "test.json").write_bytes(msgspec.json.encode([row]))
    changed = msgspec.structs.replace(declared, files=TaskFiles(test="DistanceMap/test.json"))
    test = SequenceTask(changed).test()
    assert test.kind == "pair-regression"
    assert test.targets[0].shape == (3, 3, 1)
    assert facts_of(test)["labels"]["distance"]["measured"] == 7
    assert SequenceTask(changed).no_split == "beacon/distance-map declares no train file"


# --------------------------------------------------------------------------- a user's declaration


def test_a_users_declaration_gets_the_usual_metrics_of_its_kind(tmp_path: Path):
    task = small(tmp_path)
    assert task.declared.metrics == TASK_METRICS["binary"][:3]
    assert task.declared.select_by == task.declared.metrics[0]
    assert task.test().labels == ("yes",)
    split = task.split()
    assert split is not None
    assert split.task == "sequences:small"
    assert split.notes[0].startswith("no validation file: 4 of 40 training sequences set apart")
    assert len(split.train) + len(split.valid) == 40
    assert (task.suite, task.group) == ("", "")
    shipped = load_declared("pgb/splicing.arabidopsis_thaliana_donor")
    assert (shipped.suite, shipped.group) == ("pgb", "splicing")
    assert load_declared("gb/human_ocr_ensembl").group == ""


def test_the_question_changes_with_its_test_data_its_version_and_its_metrics(tmp_path: Path):
    digest = small(tmp_path / "a").digest
    assert small(tmp_path / "b").digest == digest
    assert small(tmp_path / "c", 'version = "2"\n' + SMALL).digest != digest
    assert small(tmp_path / "d", 'metrics = ["mcc"]\n' + SMALL).digest != digest
    other = small(tmp_path / "e")
    (tmp_path / "e" / "test.csv").write_text("sequence,label\nAAACG,no\n")
    assert other.digest != digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not a declaration of a task"),
        (SMALL.replace("binary", "tertiary"), "Invalid enum value 'tertiary'"),
        (SMALL.replace("[files]", "colour = 'red'\n[files]"), "colour"),
        (SMALL.replace("[files]", "metrics = ['spearman']\n[files]"), "No metric of binary tasks"),
        (
            SMALL.replace("[files]", "select_by = 'f2'\n[files]"),
            "metric of binary tasks named 'f2'",
        ),
        (SMALL.replace('test = "test.csv"', ""), "missing required field `test`"),
        (SMALL.replace("train =", "valid ="), "a valid file without a train file"),
        ("id = 'mine'\n" + SMALL, "the place of the file gives the id"),
        ("classes = 5\n" + SMALL, "classes: of regression tasks only, and this one is binary"),
        (
            "variants = 'snv'\n" + SMALL.replace("binary", "multi-class"),
            "variants: of binary tasks only, and this one is multi-class",
        ),
        ("layout = 'folders'\n" + SMALL, "Invalid enum value 'folders'"),
    ],
)
def test_a_declaration_that_is_not_well_formed_says_what_is_wrong(
    text: str, said: str, tmp_path: Path
):
    write_task(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_declaration(tmp_path / "task.toml", "sequences:x")
    assert str(tmp_path / "task.toml") in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_declaration_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"task\.toml: cannot be read"):
        read_declaration(tmp_path / "task.toml", "sequences:x")
    with pytest.raises(UsageError, match="neither a folder nor a dataset"):
        SequenceTask(DeclaredTask(id="x", title="x", kind="binary", files=TaskFiles(test="t")))


def test_a_test_file_that_is_missing_is_named(tmp_path: Path):
    task = small(tmp_path)
    (tmp_path / "test.csv").unlink()
    with pytest.raises(UsageError, match=r"test\.csv: there is no such file; sequences:small asks"):
        task.test()


def test_a_label_outside_those_declared_is_named_with_its_row(tmp_path: Path):
    task = small(tmp_path)
    (tmp_path / "test.csv").write_text("sequence,label\nACGT,yes\nACG,maybe\n")
    with pytest.raises(UsageError, match=r"test\.csv, row 2: .*maybe.* is none of"):
        task.test()


def test_files_with_other_labels_than_each_other_ask_for_a_declaration(tmp_path: Path):
    text = SMALL.replace('labels = ["no", "yes"]', "").replace("binary", "multi-class")
    task = small(tmp_path, text)
    (tmp_path / "test.csv").write_text("sequence,label\nACGT,yes\nACG,maybe\n")
    task.test()
    with pytest.raises(UsageError, match=r"test\.csv has the labels maybe, yes and train\.csv has"):
        task.train()


def test_several_measured_values_are_judged_by_means(tmp_path: Path):
    files = TaskFiles(test="test.csv")
    one = DeclaredTask(title="x", kind="regression", labels=("a",), files=files)
    two = DeclaredTask(title="x", kind="regression", labels=("a", "b"), files=files)
    assert one.metrics[0] == "spearman"
    assert two.metrics == ("mcrmse", "mean_spearman", "mean_pearson")
    with pytest.raises(UnknownNameError, match="metric of regression tasks named 'spearman'"):
        DeclaredTask(
            title="x", kind="regression", labels=("a", "b"), files=files, metrics=("spearman",)
        )


def test_ordered_classes_of_guanine_have_metrics_of_their_own():
    files = TaskFiles(test="dev")
    told = {"title": "x", "files": files, "metrics": ("spearman_x100",)}
    with pytest.raises(UnknownNameError, match="'spearman_x100'"):
        DeclaredTask(kind="regression", labels=("y",), **told)
    one = DeclaredTask(kind="regression", labels=("y",), layout="guanine", **told)
    assert one.select_by == "spearman_x100"
    DeclaredTask(kind="binary", labels=("yes",), layout="guanine", select_by="auroc", **told)
    with pytest.raises(UnknownNameError, match="Did you mean 'mean_spearman_x100'"):
        DeclaredTask(kind="regression", labels=("a", "b"), layout="guanine", **told)


def test_tasks_of_guanine_ask_dev_by_rank_correlation_and_name_their_classes():
    classes = {}
    for name in declared_ids():
        declared = read_shipped(name)
        assert (declared.layout == "guanine") == name.startswith("guanine/")
        if declared.layout != "guanine":
            continue
        classes[name.removeprefix("guanine/")] = declared.classes, declared.variants
        assert declared.files.test == "dev"
        assert declared.metrics[0].endswith("spearman_x100")
        assert (declared.genome == "hg38") == (not name.startswith("guanine/gpra"))
    assert classes == {
        "dnase_propensity": (5, ""),
        "ccre_propensity": (5, ""),
        "cons30": (25, ""),
        "cons100": (25, ""),
        "gpra_c": (18, ""),
        "gpra_d": (18, ""),
        "cadd_snv": (None, "snv"),
        "cadd_indel": (None, "indel"),
        "clinvar_snv": (None, "snv"),
    }
    ccre = read_shipped("guanine/ccre_propensity")
    assert ccre.labels == ("dnase", "ctcf", "H3K27ac", "H3K4me3")
    clinvar = read_shipped("guanine/clinvar_snv").files
    assert clinvar.train is None
    assert "guanine/cadd_snv" in (clinvar.no_train or "")
    # The hub has these two under other names.
    assert "guanine/cons30_binned" in read_shipped("guanine/cons30").origin
    assert "guanine/cons100_binned" in read_shipped("guanine/cons100").origin


def test_a_declaration_that_is_written_is_read_as_the_same(tmp_path: Path):
    for name in declared_ids():
        declared = read_shipped(name)
        file = tmp_path / "task.toml"
        file.write_text(declaration_text(declared))
        assert read_declaration(file, name) == declared
    quoted = msgspec.structs.replace(declared, title='a "quoted" \\ title\n\x7f and é')
    file.write_text(declaration_text(quoted))
    assert read_declaration(file, name) == quoted


def test_facts_of_measured_values_leave_out_what_was_not_measured():
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    part = LabelledSequences("regression", ("a", "b"), ("1", "2"), ("AC", "ACGT"), values)
    facts = facts_of(part)
    assert facts["length"] == [2, 3.0, 4]
    assert facts["labels"] == {
        "a": {"measured": 2, "mean": 2.0, "smallest": 1.0, "largest": 3.0},
        "b": {"measured": 0},
    }
