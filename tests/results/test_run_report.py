from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from kept_runs import EVIL, document, made, pair

import genomark
from genomark.results import Failed, Skipped
from genomark.results.run_record import read_run
from genomark.results.run_report import run_report
from genomark.scoring import FailureCount

VOID = {"meta", "br", "link", "img", "input", "hr", "rect", "line", "circle", "path", "polygon"}


class Page(HTMLParser):
    """What a page says and loads; refuses tags that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "\n".join(self.texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("reported")

    def gaps(sequences):
        return [float("inf"), *(float(s.count("G")) for s in sequences[1:])]

    genomark.run(
        ["gc", "cpg", "control:random", gaps],
        "simulated-enhancers",
        out=root,
        limit=150,
        progress=False,
    )
    return root


@pytest.fixture(scope="module")
def made_report(folder):
    return run_report(read_run([folder]))


@pytest.fixture
def hostile(tmp_path):
    """A document in which whatever can hold text holds what should not be."""
    mean = "mean_pearson"
    results = [
        made(benchmark, model, value, interval=(value - 0.1, value + 0.1), notes=[EVIL])
        for benchmark in ("simulated-enhancers", "kircher2019", EVIL)
        for model, value in ((EVIL, 0.5), ("b", 0.3))
    ]
    results.append(made("other", EVIL, None, metric=mean, failed=[FailureCount(EVIL, 7)]))
    return document(
        tmp_path / "r.json",
        *results,
        skipped=[Skipped(EVIL, EVIL, EVIL)],
        failed=[Failed(EVIL, EVIL, EVIL)],
        comparisons=[pair(EVIL, "b", 0.2)],
    )


def test_it_is_one_page_that_loads_nothing(made_report):
    page = Page(made_report.html)
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & set(page.tags)
    places = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith("#") for value in places)
    targets = {value for name, value in page.attributes if name == "id"}
    assert {value.removeprefix("#") for value in places} <= targets
    assert "default-src 'none'" in dict(page.attributes)["content"] or any(
        "default-src 'none'" in value for name, value in page.attributes if name == "content"
    )
    urls = set(re.findall(r"https?://[^\"' <]+", made_report.html))
    assert urls == {"http://www.w3.org/2000/svg"}
    assert "@media print" in made_report.html
    assert "color-scheme: light dark" in made_report.html


def test_ids_are_not_given_twice(made_report):
    ids = [value for name, value in Page(made_report.html).attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 0


def test_the_same_results_give_the_same_bytes(folder, made_report):
    again = run_report(read_run([folder]))
    assert again.html == made_report.html
    assert again.markdown == made_report.markdown


def test_scores_differences_and_coverage_are_those_of_the_run(folder, made_report):
    record = read_run([folder])
    (question,) = record.questions
    text = Page(made_report.html).text
    for result in question.results:
        row = result.metric("pearson")
        figures = f"{row.value:.3f} [{row.interval[0]:.3f}, {row.interval[1]:.3f}]"
        assert figures in text
        assert figures.replace("[", r"\[").replace("]", r"\]") in made_report.markdown
        assert result.predictions_digest in text
        assert repr(row.value) in made_report.markdown
    assert "1 of 150 items without an answer: the answer is inf" in text
    assert "1 of 150 items without an answer: the answer is inf" in made_report.markdown
    assert question.asked.benchmark.digest in text
    values = [result.metric("pearson").value for result in question.results]
    drawn = ElementTree.fromstring(
        made_report.drawings["1-simulated-enhancers-1-150-items-asked-for-scores"]
    )
    places = [float(e.get("cx")) for e in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(places) == len(values)
    assert places == sorted(places, reverse=True)


def test_answers_are_drawn_item_by_item(made_report):
    (svg,) = (each for name, each in made_report.drawings.items() if name.endswith("-answers"))
    marks = [
        group
        for group in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
        if "mark-symbol" in group.get("class", "")
    ]
    # Three models that are no controls; one of them has no answer to one item.
    assert sorted(len(group) for group in marks) == [149, 150, 150]


def test_the_command_in_it_computes_the_same_again(tmp_path, folder, made_report):
    import shlex

    (command,) = re.findall(r"^genomark run .*$", made_report.markdown, re.MULTILINE)
    words = shlex.split(command)
    models = [words[k + 1] for k, word in enumerate(words) if word == "-m"]
    mine = [each for each in models if not each.startswith("py:")]
    assert len(models) == 4
    assert "py:" in Page(made_report.html).text
    again = genomark.run(
        mine,
        words[words.index("-b") + 1],
        out=tmp_path,
        seed=int(words[words.index("--seed") + 1]),
        limit=int(words[words.index("--limit") + 1]),
        progress=False,
    )
    for result in again:
        assert result.predictions_digest in made_report.markdown
        assert repr(result.metric("pearson").value) in made_report.markdown


def test_text_of_strangers_stays_text(hostile):
    report = run_report(read_run([hostile]))
    page = Page(report.html)
    assert "script" not in page.tags
    assert "\x1b" not in report.html + report.markdown
    assert page.text.count("<script>alert(1)</script>") > 20
    fences = re.sub(r"```sh\n.*?\n```", "", report.markdown, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<script", fences)
    for line in fences.splitlines():
        if line.startswith("| ") and "---" not in line:
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5, 6, 7, 9)
    for svg in report.drawings.values():
        assert "<script" not in svg
        ElementTree.fromstring(svg)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in report.drawings)


def test_of_a_suite_there_are_ranks_and_a_diagram(hostile):
    report = run_report(read_run([hostile]))
    assert "suite-quickstart" in report.drawings
    assert "## Over the suite quickstart" in report.markdown
    row = next(line for line in report.markdown.splitlines() if line.startswith("| b | 2.00"))
    assert "| 0 % | 2 of 2 |" in row


def test_what_was_skipped_and_failed_is_told_with_its_reason(tmp_path):
    source = document(
        tmp_path / "r.json", skipped=[Skipped("b", "no data")], failed=[Failed("b", "m", "down")]
    )
    report = run_report(read_run([source]))
    for text in (Page(report.html).text, report.markdown):
        assert "skipped b: no data" in text
        assert "failed b × m: down" in text
    assert report.drawings == {}


def test_without_vl_convert_the_rest_is_there(monkeypatch, folder, made_report):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    report = run_report(read_run([folder]))
    (note,) = report.notes
    assert note.startswith("Charts are left out. ")
    assert "pip install 'genomark[report]'" in note
    kinds = {name.rpartition("-")[2] for name in report.drawings}
    assert kinds == {"scores", "differences"}
    assert len(made_report.drawings) == 4


def test_of_too_many_pairs_those_with_the_best_are_shown(tmp_path):
    models = [f"m{k:02}" for k in range(12)]
    results = [
        made(model=model, value=0.9 - 0.05 * k, interval=(0.1, 0.95))
        for k, model in enumerate(models)
    ]
    pairs = [
        pair(a, b, 0.05 * (models.index(b) - models.index(a)))
        for a in models
        for b in models
        if a < b
    ]
    source = document(tmp_path / "r.json", *results, comparisons=pairs)
    report = run_report(read_run([source]))
    rows = re.findall(r"^\| (m\d\d) − (m\d\d) \|", report.markdown, re.MULTILINE)
    assert rows == [("m00", other) for other in models[1:]]
    assert "55 pairs without the best model are not shown" in report.markdown


def test_two_questions_of_one_benchmark_have_headings_and_drawings_of_their_own(tmp_path):
    results = [
        made(value=value, seed=seed, interval=(value - 0.1, value + 0.1))
        for seed, value in ((0, 0.5), (1, 0.25))
    ]
    report = run_report(read_run([document(tmp_path / "r.json", *results)]))
    assert sorted(report.drawings) == [
        "1-simulated-enhancers-1-seed-0-scores",
        "2-simulated-enhancers-1-seed-1-scores",
    ]
    for text in (Page(report.html).text, report.markdown):
        assert "simulated-enhancers 1, seed 0: " in text
        assert "simulated-enhancers 1, seed 1: " in text
    digests = [made(f"{'x' * 90}", digest=each * 32, interval=(0.4, 0.6)) for each in "bc"]
    other = run_report(read_run([document(tmp_path / "d.json", *digests)]))
    assert len(other.drawings) == 2
