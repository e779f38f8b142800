from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics

import genomark
from genomark.benchmarks import GeneOptions, load_benchmark
from genomark.errors import UsageError
from genomark.probes import parse_probe
from genomark.results.gene_benchmark_report import (
    gene_benchmark_report,
    write_gene_benchmark_report,
)
from genomark.results.gene_task_names import name_of, same_task, task_id
from genomark.results.published_scores import read_published_scores

N, DIMENSIONS = 90, 4
OPTIONS = GeneOptions(
    probe=parse_probe("linear:folds=3"), pairs="concat", exclude=("G1", "G2"), min_positives=3
)
GENES = [f"G{number}" for number in range(N)]
#: Genes without a vector.
UNKNOWN = ("G10", "G20", "G30")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Task folders of every kind, and vectors that know something of each."""
    root = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(N, DIMENSIONS))
    noisy = vectors + rng.normal(size=(N, DIMENSIONS))
    outcomes = {
        "binary": pd.DataFrame({"Outcomes": np.where(noisy[:, 0] > 0.4, "short", "long")}),
        "classes": pd.DataFrame({"Outcomes": np.array(["x", "y", "z"])[noisy.argmax(axis=1) % 3]}),
        "labels": pd.DataFrame(
            {name: (noisy[:, k] > 0.5).astype(int) for k, name in enumerate("abc")}
        ),
        "values": pd.DataFrame({"Outcomes": noisy[:, 1]}),
    }
    for name, table in outcomes.items():
        place = root / "tasks" / name
        place.mkdir(parents=True)
        table.to_csv(place / "outcomes.csv", index=False)
        pd.DataFrame({"symbol": GENES}).to_csv(place / "entities.csv", index=False)
    table = pd.DataFrame(vectors, columns=[f"d{k}" for k in range(DIMENSIONS)])
    table.insert(0, "symbol", GENES)
    table[~table["symbol"].isin(UNKNOWN)].to_csv(root / "vectors.csv", index=False)
    return root


def evaluated(folder, name, out, model=None, options=OPTIONS):
    """A result, its benchmark, and the file of its predictions, as a run hands them over."""
    benchmark = load_benchmark(f"tasks:{folder / 'tasks'}#{name}", options)
    model = model or f"embedding:{folder / 'vectors.csv'}"
    results = genomark.run(model, benchmark, out=out, workers=1, progress=False)
    (result,) = results
    (predictions,) = (out / "predictions").glob("*.parquet")
    return result, benchmark, predictions


def answers(evaluation):
    """Scores and true outcomes by fold, put together without the project's own code."""
    *_, predictions = evaluation
    asked = pl.read_parquet(predictions).filter(pl.col("value").is_not_null())
    row = {gene: number for number, gene in enumerate(GENES)}
    place = np.array([row[item] for item in asked["item_id"]])
    return np.vstack(asked["value"].to_list()), place, asked["fold"].to_numpy()


def outcomes_of(folder, name):
    return pd.read_csv(folder / "tasks" / name / "outcomes.csv")


def by_fold(row, name):
    values = [float(each) for each in row[f"test_{name}"].split(",")]
    assert row[f"mean_{name}"] == pytest.approx(np.mean(values), abs=1e-12)
    assert row[f"sd_{name}"] == pytest.approx(np.std(values), abs=1e-12)
    return values


def only_row(evaluation):
    (row,) = gene_benchmark_report([evaluation]).to_dicts()
    return row


def test_a_binary_row_has_the_columns_of_run_task_in_its_order(folder, tmp_path):
    report = gene_benchmark_report([evaluated(folder, "binary", tmp_path)])
    scorers = ("roc_auc", "accuracy", "precision", "recall", "f1")
    assert report.columns == [
        "task_name",
        "base_prediction_model",
        "sample_size",
        "class_sizes",
        "classes_names",
        "positive_class",
        "encoder class",
        "encoder_model_name",
        "num_missing_entities",
        "allow_missing",
        "randomize_missing",
        *(f"{part}_{scorer}" for scorer in scorers for part in ("test", "mean", "sd")),
        "exclude_symbols_num",
        "model_name",
        "post_processing",
        "frac",
    ]


def test_a_row_says_what_was_asked_and_how(folder, tmp_path):
    row = only_row(evaluated(folder, "binary", tmp_path))
    said = outcomes_of(folder, "binary")["Outcomes"].to_numpy()
    gone = [GENES.index(gene) for gene in (*UNKNOWN, "G1", "G2")]
    counts = pd.Series(np.delete(said, gone)).value_counts()
    assert row["task_name"] == "binary"
    assert row["base_prediction_model"] == "linear:folds=3"
    assert row["sample_size"] == N - 5
    assert row["class_sizes"] == ",".join(map(str, counts.to_numpy()))
    assert row["classes_names"] == ",".join(counts.index)
    assert row["encoder class"] == "embedding"
    assert row["model_name"] == row["encoder_model_name"] == "embedding:vectors.csv"
    assert row["num_missing_entities"] == 3
    assert (row["allow_missing"], row["randomize_missing"]) == ("True", "False")
    assert row["exclude_symbols_num"] == 2
    assert row["post_processing"] == "concat"
    assert row["frac"] == 1.0


def test_binary_scores_are_of_the_class_that_sorts_first_as_there(folder, tmp_path):
    evaluation = evaluated(folder, "binary", tmp_path)
    row = only_row(evaluation)
    assert row["positive_class"] == "long"
    scores, place, fold = answers(evaluation)
    # Decision values above 0 say "short", which sorts last; there "long" is class 1.
    said, true = scores[:, 0] <= 0, outcomes_of(folder, "binary")["Outcomes"][place] == "long"
    for name, score in (
        ("accuracy", metrics.accuracy_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        expected = [score(true[fold == k], said[fold == k]) for k in range(3)]
        assert by_fold(row, name) == pytest.approx(expected, abs=1e-12)
    expected = [metrics.roc_auc_score(true[fold == k], -scores[fold == k, 0]) for k in range(3)]
    assert by_fold(row, "roc_auc") == pytest.approx(expected, abs=1e-12)


def test_the_first_of_numbers_is_the_lowest(folder, tmp_path):
    place = tmp_path / "tasks" / "numbers"
    place.mkdir(parents=True)
    said = np.where(np.arange(N) % 3 == 0, "10", "9")
    pd.DataFrame({"symbol": GENES}).to_csv(place / "entities.csv", index=False)
    pd.DataFrame({"Outcomes": said}).to_csv(place / "outcomes.csv", index=False)
    row = only_row(evaluated(tmp_path, "numbers", tmp_path / "out", model="control:random"))
    assert row["positive_class"] == "9"


def test_scores_of_classes_are_those_of_scikit_learn(folder, tmp_path):
    evaluation = evaluated(folder, "classes", tmp_path)
    row = only_row(evaluation)
    scores, place, fold = answers(evaluation)
    true = outcomes_of(folder, "classes")["Outcomes"].to_numpy()[place]
    said = np.array(["x", "y", "z"])[scores.argmax(axis=1)]
    # Shares of float32 add up to 1 but for rounding, which scikit-learn does not forgive.
    shares = scores.astype(np.float64) / scores.sum(axis=1, keepdims=True, dtype=np.float64)
    assert by_fold(row, "roc_auc_ovr_weighted") == pytest.approx(
        [
            metrics.roc_auc_score(
                true[fold == k], shares[fold == k], multi_class="ovr", average="weighted"
            )
            for k in range(3)
        ],
        abs=1e-12,
    )
    for name, score in (("precision", metrics.precision_score), ("f1", metrics.f1_score)):
        expected = [
            score(true[fold == k], said[fold == k], average="weighted", zero_division=0)
            for k in range(3)
        ]
        assert by_fold(row, f"{name}_weighted") == pytest.approx(expected, abs=1e-12)
    assert row.keys().isdisjoint({"class_sizes", "positive_class"})


def test_multi_label_auc_is_of_hard_labels_as_there_with_the_true_one_beside_it(folder, tmp_path):
    evaluation = evaluated(folder, "labels", tmp_path)
    row = only_row(evaluation)
    scores, place, fold = answers(evaluation)
    true, said = outcomes_of(folder, "labels").to_numpy()[place], (scores > 0).astype(int)
    folds = [fold == k for k in range(3)]
    assert by_fold(row, "roc_auc_weighted") == pytest.approx(
        [metrics.roc_auc_score(true[k], said[k], average="weighted") for k in folds], abs=1e-12
    )
    assert by_fold(row, "roc_auc_macro") == pytest.approx(
        [metrics.roc_auc_score(true[k], scores[k], average="macro") for k in folds], abs=1e-12
    )
    assert by_fold(row, "hamming_loss") == pytest.approx(
        [metrics.hamming_loss(true[k], said[k]) for k in folds], abs=1e-12
    )
    assert by_fold(row, "accuracy") == pytest.approx(
        [metrics.accuracy_score(true[k], said[k]) for k in folds], abs=1e-12
    )
    names = [name.removeprefix("mean_") for name in row if name.startswith("mean_")]
    assert names == [
        "roc_auc_weighted",
        "roc_auc_macro",
        "hamming_loss",
        "accuracy",
        "precision_weighted",
        "recall_weighted",
        "f1_weighted",
    ]


def test_errors_of_a_regression_have_the_sign_of_scikit_learns_scorers(folder, tmp_path):
    evaluation = evaluated(folder, "values", tmp_path)
    row = only_row(evaluation)
    scores, place, fold = answers(evaluation)
    true = outcomes_of(folder, "values")["Outcomes"].to_numpy()[place]
    pairs = [(true[fold == k], scores[fold == k, 0]) for k in range(3)]
    expected = {
        "r2": [metrics.r2_score(*pair) for pair in pairs],
        "neg_root_mean_squared_error": [-metrics.root_mean_squared_error(*pair) for pair in pairs],
        "neg_mean_absolute_error": [-metrics.mean_absolute_error(*pair) for pair in pairs],
    }
    for name, values in expected.items():
        assert by_fold(row, name) == pytest.approx(values, abs=1e-6)


def test_one_label_of_a_table_is_a_sub_task(folder, tmp_path):
    evaluation = evaluated(folder, "labels;b", tmp_path)
    row = only_row(evaluation)
    assert (row["task_name"], row["sub_task"]) == ("labels", "b")
    assert list(row)[:3] == ["task_name", "sub_task", "base_prediction_model"]
    assert row["positive_class"] == "0"


def test_every_fold_of_every_repeat_is_told(folder, tmp_path):
    options = GeneOptions(probe=parse_probe("linear:folds=3,repeats=2"), min_positives=3)
    row = only_row(evaluated(folder, "binary", tmp_path, options=options))
    assert len(by_fold(row, "roc_auc")) == 6


def test_made_up_vectors_are_told_of(folder, tmp_path):
    options = GeneOptions(missing="noise", min_positives=3)
    row = only_row(evaluated(folder, "binary", tmp_path, options=options))
    assert row["randomize_missing"] == "True"
    assert row["sample_size"] == N


def test_a_fold_without_a_value_leaves_mean_and_deviation_empty(folder, tmp_path):
    result, benchmark, predictions = evaluated(folder, "binary", tmp_path)
    frame = pl.read_parquet(predictions)
    # Fold 0 keeps one class only: nothing is left to rank.
    short = set(benchmark.task.entities["symbol"].filter(benchmark.task.targets[:, 0] == 1))
    gone = (pl.col("fold") == 0) & pl.col("item_id").is_in(list(short))
    frame.with_columns(value=pl.when(~gone).then("value")).write_parquet(tmp_path / "less.parquet")
    row = only_row((result, benchmark, tmp_path / "less.parquet"))
    first, *others = row["test_roc_auc"].split(",")
    assert first == "nan"
    assert len(others) == 2
    assert row["mean_roc_auc"] is None
    assert row["sd_roc_auc"] is None
    assert row["mean_accuracy"] is not None


def test_tasks_of_all_kinds_share_one_table_that_pandas_reads(folder, tmp_path):
    evaluations = [
        evaluated(folder, name, tmp_path / name) for name in ("binary", "labels", "values")
    ]
    path = write_gene_benchmark_report(tmp_path / "task_report.csv", evaluations)
    table = pd.read_csv(path)
    assert table["task_name"].tolist() == ["binary", "labels", "values"]
    assert table["mean_r2"].isna().tolist() == [True, True, False]
    assert table["mean_accuracy"].isna().tolist() == [False, False, True]
    for values in table["test_accuracy"].dropna():
        assert len(values.split(",")) == 3
    first = path.read_bytes()
    assert write_gene_benchmark_report(path, evaluations).read_bytes() == first


def test_what_was_written_is_read_as_a_report(folder, tmp_path):
    evaluation = evaluated(folder, "binary", tmp_path)
    path = write_gene_benchmark_report(tmp_path / "r.csv", [evaluation])
    (result,) = read_published_scores(path)
    mean = pd.read_csv(path)["mean_roc_auc"][0]
    assert result.metric("auroc").value == pytest.approx(mean, abs=1e-12)
    assert result.benchmark.id == evaluation[0].benchmark.id == "tasks:binary"


def test_other_benchmarks_are_passed_over_and_none_at_all_is_an_error(tmp_path):
    results = genomark.run(
        "gc", "simulated-enhancers", out=tmp_path, limit=20, workers=1, progress=False
    )
    (predictions,) = (tmp_path / "predictions").glob("*.parquet")
    other = (results[0], load_benchmark("simulated-enhancers"), predictions)
    with pytest.raises(UsageError, match=r"tasks on genes alone.*-b suite:genes"):
        gene_benchmark_report([other])
    with pytest.raises(UsageError, match="tasks on genes alone"):
        gene_benchmark_report([])


def test_pairs_do_not_say_which_gene_lacks_a_vector(folder, tmp_path):
    place = tmp_path / "tasks" / "pairs"
    place.mkdir(parents=True)
    rng = np.random.default_rng(2)
    pairs = rng.permuted(np.tile(GENES, (2, 1)), axis=1).T
    pd.DataFrame(pairs, columns=["symb1", "symb2"]).to_csv(place / "entities.csv", index=False)
    said = rng.integers(0, 2, N)
    pd.DataFrame({"Outcomes": said}).to_csv(place / "outcomes.csv", index=False)
    model = f"embedding:{folder / 'vectors.csv'}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = only_row(evaluated(tmp_path, "pairs", tmp_path / "out", model=model))
    assert "num_missing_entities" not in row


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TF vs non-TF", "genes/tf-vs-non-tf"),
        ("ccd protein", "genes/ccd-protein"),
        ("Pathways HGNC", "genes/pathways"),
        ("Pathways;DNA Repair", "tasks:Pathways;DNA Repair"),
        ("my/own", "tasks:my/own"),
        # A task of the suite that gene-benchmark does not have.
        ("reactome", "tasks:reactome"),
    ],
)
def test_a_task_of_gene_benchmark_has_one_id_here(name, expected):
    assert task_id(name) == expected


def test_a_task_is_the_same_however_it_is_asked_for():
    for asked in ("tasks:./tasks#TF vs non-TF", "tasks:TF vs non-TF", "genes/tf-vs-non-tf"):
        assert same_task(asked) == "genes/tf-vs-non-tf"
    assert same_task("kircher2019") == "kircher2019"
    assert name_of("genes/tf-vs-non-tf", "x") == "TF vs non-TF"
    assert name_of("genes/reactome", "Reactome pathways") == "Reactome pathways"
    assert name_of("tasks:gene2gene", "gene2gene") == "gene2gene"
