"""``genomark report``: the page on families of gene properties."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import genomark
from genomark.cli.report import report
from genomark.errors import UsageError
from genomark.results import load_results

PUBLISHED = (
    "task_name,task_group,model_name,fold,metric,score\n"
    "TF vs non-TF,Regulatory functions,mpnet,0,roc_auc,0.9\n"
    "TF vs non-TF,Regulatory functions,mpnet,1,roc_auc,0.8\n"
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder and a document of two models on two small tasks."""
    root = tmp_path_factory.mktemp("ran")
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(80, 3))
    genes = [f"G{k}" for k in range(80)]
    for name, noise in (("TF vs non-TF", 0.5), ("mine", 2.0)):
        place = root / "tasks" / name
        place.mkdir(parents=True)
        said = vectors[:, 0] + noise * rng.normal(size=80) > 0
        pd.DataFrame({"symbol": genes}).to_csv(place / "entities.csv", index=False)
        pd.DataFrame({"Outcomes": said.astype(int)}).to_csv(place / "outcomes.csv", index=False)
    table = pd.DataFrame(vectors, columns=list("abc"))
    table.insert(0, "symbol", genes)
    table.to_csv(root / "vectors.csv", index=False)
    results = genomark.run(
        [f"embedding:{root / 'vectors.csv'}", "symbol-ngrams"],
        f"tasks:{root / 'tasks'}",
        out=root / "out",
        workers=1,
        progress=False,
    )
    results.save(root / "r.json")
    (root / "published.csv").write_text(PUBLISHED)
    return root


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run the command in an empty folder, as the command line does."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(report)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return run


def test_a_folder_or_a_document_becomes_a_page(call, ran, tmp_path):
    assert call(ran / "r.json").exit_code == 0
    first = (tmp_path / "report.html").read_text()
    assert call(ran / "out", "--out", "deep/page.html").exit_code == 0
    second = (tmp_path / "deep" / "page.html").read_text()
    assert first.startswith("<!DOCTYPE html>")
    for page in (first, second):
        assert "embedding:vectors.csv" in page
        assert "genes/tf-vs-non-tf" in page
        assert "tasks:mine" in page
    assert "2 models on 2 tasks" in first


def test_results_on_genes_can_be_reported_on_as_a_run(call, ran, tmp_path):
    assert call(ran / "r.json", "--suite", "run").exit_code == 0
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Report of a run</h1>" in page
    assert "tasks:TF vs non-TF" in (tmp_path / "report.md").read_text()


def test_the_means_are_printed_too(call, ran):
    shown = call(ran / "r.json").output
    values = [
        each.metric("auroc").value
        for each in load_results(ran / "r.json")
        if each.model.id == "embedding:vectors.csv"
    ]
    lines = shown.partition("all tasks")[2].splitlines()
    (line,) = (line for line in lines if line.startswith("embedding:vectors.csv"))
    assert line.split()[1] == f"{np.mean(values):.3f}"
    assert line.split()[-1] == "2"


def test_published_scores_stand_beside_the_same_task(call, ran, tmp_path):
    outcome = call(ran / "r.json", "--published", ran / "published.csv", "--common-tasks")
    (line,) = {line for line in outcome.output.splitlines() if line.startswith("published:mpnet")}
    assert line.split()[1:] == ["0.850", "1"]
    page = (tmp_path / "report.html").read_text()
    row = page.partition("<td>genes/tf-vs-non-tf</td>")[2].partition("</tr>")[0]
    assert "0.850" in row
    assert "beside 1 reference" in page


def test_references_may_be_what_import_saved(call, ran, tmp_path):
    from genomark.results.published_scores import read_published_scores

    read_published_scores(ran / "published.csv").save(tmp_path / "p.json")
    assert "published:mpnet" in call(ran / "r.json", "--published", "p.json").output


def test_drawings_are_written_one_by_one(call, ran, tmp_path):
    outcome = call(ran / "r.json", "--svg", "d", "--scatter", "symbol-ngrams", _embedding())
    assert outcome.exit_code == 0
    found = sorted((tmp_path / "d").iterdir())
    assert [path.name for path in found] == ["families-auroc.svg", "scatter.svg", "tasks-auroc.svg"]
    for path in found:
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("color") == "#222222"
    assert "symbol-ngrams against embedding:vectors.csv on 2 tasks" in found[1].read_text()


def _embedding():
    return "embedding:vectors.csv"


def test_what_is_no_result_is_one_line(call, ran, tmp_path):
    (tmp_path / "empty.json").write_text(json.dumps({"results": [], "skipped": []}))
    with pytest.raises(UsageError, match="no results to report on"):
        call("empty.json")
    with pytest.raises(UsageError, match="no results on tasks on genes"):
        call("empty.json", "--suite", "genes")
    with pytest.raises(UsageError, match="not a document of results"):
        call("none.json")
    with pytest.raises(UsageError, match="No model named 'x'"):
        call(ran / "r.json", "--scatter", "x", _embedding())
    assert not (tmp_path / "report.html").exists()
