from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

from genomark.benchmarks.genes import gene_benchmark_ids
from genomark.errors import UsageError
from genomark.results import Results, load_results, sections
from genomark.results.families import ALL, family_table
from genomark.results.gene_task_names import known_task
from genomark.results.published_scores import ROC_AUC, read_published_scores
from genomark.scoring import MetricRow

LONG = """task_name,task_group,model_name,fold,metric,score,task_type,Model family,Model
TF vs non-TF,Regulatory functions,mpnet,0,roc_auc,0.9,binary,LLM,MPNet
TF vs non-TF,Regulatory functions,mpnet,1,roc_auc,0.8,binary,LLM,MPNet
TF vs non-TF,Regulatory functions,mpnet,0,f1,0.5,binary,LLM,MPNet
TF vs non-TF,Regulatory functions,mpnet,1,f1,0.25,binary,LLM,MPNet
TF vs non-TF,Regulatory functions,gene2vec,0,roc_auc,0.7,binary,Classical ML,Gene2vec
TF vs non-TF,Regulatory functions,gene2vec,1,roc_auc,,binary,Classical ML,Gene2vec
Chromosome,Genomic properties,mpnet,0,roc_auc,0.6,category,LLM,MPNet
Chromosome,Genomic properties,mpnet,0,precision,0.25,category,LLM,MPNet
Pathways,Biological processes,mpnet,0,roc_auc,0.55,multi label,LLM,MPNet
Pathways,Biological processes,mpnet,0,hamming,0.125,multi label,LLM,MPNet
Pathways,Biological processes,mpnet,0,accuracy,0.375,multi label,LLM,MPNet
"""

REPORT = (
    "task_name,sub_task,sample_size,encoder class,encoder_model_name,"
    "test_roc_auc,mean_roc_auc,sd_roc_auc,test_r2,test_neg_root_mean_squared_error,"
    "test_roc_auc_weighted,test_hamming_loss,model_name\n"
    'TF vs non-TF,,2765,P,x.csv,"0.5,0.6",0.55,0.05,,,,,mine\n'
    'Protein class,Enzymes,500,P,x.csv,"0.7,0.8",0.75,0.05,,,,,mine\n'
    'Interactions,,300,P,x.csv,,,,"0.25,0.5","-2.0,-1.0",,,mine\n'
    'Protein class,,500,P,x.csv,,,,,,"0.5,0.75","0.25,0.25",mine\n'
    'TF vs non-TF,,2765,P,x.csv,"0.875,0.625",0.75,0.125,,,,,mine\n'
    'my own,,40,P,y.csv,"0.5,1.0",0.75,0.25,,,,,\n'
)


@pytest.fixture
def read(tmp_path):
    def call(text, name="scores.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_published_scores(tmp_path / name)

    return call


@pytest.fixture
def published():
    """The fold scores of nine models on 62 tasks, as the authors gave them."""
    mirror = os.environ.get("GENOMARK_MIRROR", "")
    path = Path(mirror).parent / "published" / "gene_benchmark_fold_scores.csv"
    if not mirror or not path.is_file():
        pytest.skip("gene_benchmark_fold_scores.csv is not beside the mirror")
    return path


def one(results, task, model="published:MPNet"):
    (found,) = (each for each in results.of(task) if each.model.id == model)
    return found


def test_scores_in_the_long_form_become_means_over_folds_without_intervals(read):
    results = read(LONG)
    assert len(results) == 4
    row = one(results, "genes/tf-vs-non-tf").metric("auroc")
    assert row.value == pytest.approx(0.85)
    assert row.interval is None
    assert row.n_clusters == 0
    assert row.method == "mean of 2 folds as published; no interval over genes"


def test_the_model_says_that_it_was_not_computed_here(read):
    (note,) = one(read(LONG), "genes/tf-vs-non-tf").model.notes
    assert note == "self-reported: read from scores.csv, not computed here"


def test_a_fold_without_a_number_leaves_no_mean(read):
    row = one(read(LONG), "genes/tf-vs-non-tf", "published:Gene2vec").metric("auroc")
    assert row.value is None
    assert row.reason_if_null == "no number in 1 of 2 folds"


def test_only_what_is_the_same_quantity_keeps_its_name(read):
    results = read(LONG)
    binary = one(results, "genes/tf-vs-non-tf")
    # There it is of the class that sorts first.
    assert binary.metric("f1_published").value == pytest.approx(0.375)
    assert "f1" not in {row.name for row in binary.metrics}
    classes = one(results, "genes/chromosome")
    assert classes.metric("weighted_auroc").value == pytest.approx(0.6)
    assert classes.metric("precision_weighted").value == pytest.approx(0.25)
    assert classes.metric("mean_auroc").value is None


def test_the_hard_label_figure_of_multi_label_tasks_is_never_called_auroc(read):
    result = one(read(LONG), "genes/pathways")
    values = {row.name: row.value for row in result.metrics if row.value is not None}
    assert values == {
        "weighted_balanced_accuracy": pytest.approx(0.55),
        ROC_AUC: pytest.approx(0.55),
        "hamming_loss": pytest.approx(0.125),
        "exact_match_accuracy": pytest.approx(0.375),
    }
    assert "hard labels" in result.metric("weighted_balanced_accuracy").method
    assert "hard labels" in result.metric(ROC_AUC).method


def test_reports_of_run_task_are_read_kind_by_kind(read):
    results = read(REPORT)
    binary = one(results, "genes/tf-vs-non-tf", "published:mine")
    assert binary.settings["task_kind"] == "binary"
    assert binary.coverage.asked == 2765
    values = one(results, "genes/interactions", "published:mine")
    assert values.metric("r2").value == pytest.approx(0.375)
    assert values.metric("rmse").value == pytest.approx(1.5)
    assert values.settings["family"] == "regulatory functions"
    several = one(results, "genes/protein-class", "published:mine")
    assert several.metric("weighted_balanced_accuracy").value == pytest.approx(0.625)
    label = one(results, "tasks:Protein class;Enzymes", "published:mine")
    assert label.metric("auroc").value == pytest.approx(0.75)
    assert label.settings["family"] == "genomic properties"


def test_the_last_of_several_runs_counts_and_is_said_to(read):
    result = one(read(REPORT), "genes/tf-vs-non-tf", "published:mine")
    assert result.metric("auroc").value == pytest.approx(0.75)
    assert "there more than once in scores.csv; the last counts" in result.model.notes[1]


def test_a_model_without_a_name_has_that_of_its_encoder(read):
    result = one(read(REPORT), "tasks:my own", "published:y.csv")
    assert result.settings["family"] == "of users"


def test_they_are_saved_and_loaded_and_shown_beside_results_computed_here(read, tmp_path):
    results = read(LONG)
    again = load_results(results.save(tmp_path / "published.json"))
    assert again.results == results.results
    for section in sections(again):
        assert section.lines
    theirs = one(again, "genes/chromosome")
    ours = _ours(theirs)
    (section,) = sections(Results([ours, theirs]))
    assert [(line.model, line.cells) for line in section.lines] == [
        ("ours", ["0.800 [0.750, 0.850]", "0.500"]),
        ("published:MPNet", ["undefined", "undefined"]),
    ]
    assert "published:MPNet: mean_auroc is undefined: not published" in section.notes


def _ours(theirs):
    """A result as a run gives it, on the same task."""
    from msgspec.structs import replace

    rows = [
        MetricRow("mean_auroc", None, 0.8, None, (0.75, 0.85), "bootstrap", 100, 100),
        MetricRow("mean_average_precision", None, 0.5, None, None, "bootstrap", 100, 100),
    ]
    settings = {key: value for key, value in theirs.settings.items() if key != "source"}
    return replace(
        theirs,
        model=replace(theirs.model, id="ours", notes=[]),
        metrics=rows,
        settings={**settings, "headline": ["mean_auroc", "mean_average_precision"]},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "neither a report of run_task .* found a, b"),
        ("task_name,model_name,fold,metric,score\n", "no rows below the header"),
        (
            "task_name,model_name,fold,metric,score\nT,m,0,roc_auc,high\n",
            "row 1: column 'score': expected a number, found 'high'",
        ),
        (
            'task_name,model_name,test_roc_auc\nT,m,"0.5,x"\n',
            "row 1: column 'test_roc_auc': expected a number, found 'x'",
        ),
        ("task_name,model_name,test_roc_auc\nT,,0.5\n", "row 1: no model_name"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_where(read, text, message):
    with pytest.raises(UsageError, match=message):
        read(text)


def test_the_published_family_means_come_out(published):
    """Means of 5-fold means over tasks, from the table of gene-benchmark's published scores."""
    models = ("MTEB-7B", "MTEB-1B", "MPNet", "Bag of Words", "Gene2vec", "Geneformer")
    models += ("cellPLM", "ScGPT", "GEARS")
    expected = {
        "biological processes": (27, "0.629 0.633 0.644 0.622 0.671 0.692 0.699 0.611 0.530"),
        "genomic properties": (7, "0.791 0.783 0.760 0.778 0.671 0.719 0.696 0.627 0.518"),
        "localization": (23, "0.680 0.718 0.732 0.702 0.834 0.877 0.856 0.758 0.583"),
        "regulatory functions": (5, "0.786 0.811 0.768 0.744 0.726 0.735 0.747 0.680 0.567"),
        ALL: (62, "0.679 0.696 0.700 0.679 0.736 0.767 0.761 0.673 0.552"),
    }
    found = defaultdict(dict)
    for row in family_table([], read_published_scores(published)).to_dicts():
        found[row["family"]][row["model"].removeprefix("published:")] = row
    assert found.keys() == expected.keys()
    for family, (n_tasks, values) in expected.items():
        for model, value in zip(models, values.split(), strict=True):
            assert found[family][model]["value"] == pytest.approx(float(value), abs=0.001)
            assert found[family][model]["n_tasks"] == n_tasks
            assert found[family][model]["metric"] == ROC_AUC


def test_every_published_task_is_one_of_the_suite_in_the_same_family(published):
    results = read_published_scores(published)
    assert len(results) == 62 * 9
    assert set(results.benchmarks()) <= set(gene_benchmark_ids())
    for result in results:
        known = known_task(result.benchmark.title.partition(",")[0])
        assert known is not None
        assert result.settings["family"] == known.family
        assert result.settings["task_kind"] == known.kind
