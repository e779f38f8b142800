"""``genomark report`` of a run, and ``genomark compare``."""

from __future__ import annotations

import json
import re
import shutil

import pytest

import genomark


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder and documents of two small runs."""
    root = tmp_path_factory.mktemp("told")
    for name, models in (("one", ["gc", "cpg"]), ("two", ["control:oracle"])):
        genomark.run(
            models,
            "simulated-enhancers",
            out=root / name,
            limit=120,
            workers=1,
            progress=False,
        ).save(root / f"{name}.json")
    return root


@pytest.fixture
def here(ran, tmp_path):
    """The same, where the command runs."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_run_becomes_a_page_and_a_summary(genomark_cli, here):
    done = genomark_cli("report", "one", "one.json", "--out", "deep/run.html", "--svg", "d")
    assert (done.code, done.out) == (0, "")
    assert "The page is deep/run.html, the summary deep/run.md; drawings are in d" in done.err
    assert (here / "deep" / "run.html").read_text().startswith("<!DOCTYPE html>")
    assert (here / "deep" / "run.md").read_text().startswith("# Report of a run")
    names = sorted(path.stem.rpartition("-")[2] for path in (here / "d").iterdir())
    assert names == ["answers", "cost", "differences", "scores"]
    assert 'color="#222222"' in next((here / "d").iterdir()).read_text()


def test_the_summary_goes_where_it_is_told(genomark_cli, here):
    assert genomark_cli("report", "one.json", "--markdown", "s/x.md").code == 0
    assert (here / "s" / "x.md").is_file()
    assert not (here / "report.md").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--suite", "run", "--published", "x.csv"), "are of the suites genes and guanine"),
        (("--suite", "run", "--common-tasks"), "are of the suites genes and guanine"),
        (("--common-tasks",), "no results on tasks on genes"),
        (("--suite", "genes", "--markdown", "x.md"), "--markdown is of a run"),
        (("--suite", "genes"), "no results on tasks on genes"),
        (("--out", "report.pdf"), "expected a name that ends in .html"),
    ],
)
def test_what_is_of_another_suite_is_refused_in_one_line(genomark_cli, here, words, told):
    done = genomark_cli("report", "one.json", *words)
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1
    assert not (here / "report.html").exists()


def test_two_models_of_a_folder_are_compared_on_its_items(genomark_cli, here):
    done = genomark_cli("compare", "one", "--items", "2")
    assert done.code == 0, done.err
    assert "simulated-enhancers  pearson, higher is better" in done.out
    assert re.search(r"difference -?\d\.\d{3} \[", done.out)
    assert "120 shared" in " ".join(done.out.split())
    assert len(re.findall(r"^  enhancer\d+", done.out, re.MULTILINE)) == 2
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_verdict_names_the_better_one_first_whatever_the_order(genomark_cli, here):
    for sources in (("one", "two"), ("two", "one")):
        done = genomark_cli("compare", *sources, "-b", "simulated-enhancers")
        said = " ".join(done.out.split())
        assert "control:oracle is better than gc: difference 0." in said
        assert "ahead in 100.0 % of replicates, on 120 shared items" in said


def test_documents_without_a_comparison_of_the_two_say_what_they_rest_on(genomark_cli, here):
    done = genomark_cli("compare", "one.json", "two.json", "--models", "gc", "control")
    said = " ".join(done.out.split())
    assert "control:oracle is better than gc: difference 0." in said
    assert "of two scores taken for independent" in said
    assert "replicates" not in said


def test_json_has_what_is_printed(genomark_cli, here):
    done = genomark_cli("compare", "one.json", "--json")
    (found,) = json.loads(done.out)["pairs"]
    (known,) = json.loads((here / "one.json").read_text())["comparisons"]
    assert found["how"] == "document"
    assert found["difference"] == known["difference"]
    assert found["interval"] == known["interval"]
    assert found["better"] == "higher"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("one.json", "other.json"), "scores of different questions are not compared"),
        (("one.json", "--models", "gc", "nobody"), "No model named 'nobody'"),
        (("one.json", "-b", "kircher2019"), "No benchmark named 'kircher2019'"),
        (("two.json",), "expected two models with results on one benchmark"),
        (("both.json",), "other versions, limits or seeds"),
        (("none.json",), "not a document of results"),
    ],
)
def test_what_cannot_be_compared_is_one_line(genomark_cli, here, words, told):
    text = (here / "one.json").read_text()
    (here / "other.json").write_text(text.replace('"version": "1"', '"version": "2"'))
    document = json.loads(text)
    again = json.loads(text.replace('"seed": 0', '"seed": 1'))["results"]
    document["results"] += again
    (here / "both.json").write_text(json.dumps(document))
    done = genomark_cli("compare", *words)
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1
