"""Matching terms as a benchmark: what is asked, what is right, and what its numbers are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

import genomark
from genomark.benchmarks import Asking, load_benchmark
from genomark.benchmarks.controls import OracleControl, RandomControl
from genomark.benchmarks.matching.labelled_terms import (
    LabelledTerm,
    read_choices,
    read_terms,
    shipped_terms,
)
from genomark.benchmarks.matching.matching_benchmark import MatchingBenchmark
from genomark.benchmarks.matching.matching_scores import MatchingScores, precision_at
from genomark.benchmarks.matching.suite import (
    is_matching_benchmark,
    matching_benchmark,
    matching_ids,
)
from genomark.cli.task_page import task_page
from genomark.errors import CapabilityError, ModelError, UnknownNameError, UsageError
from genomark.matching.matcher_model import RemoteMatcher
from genomark.models import load_model
from genomark.models.capabilities import TermAnswer
from genomark.models.tracks import MatcherError
from genomark.scoring import MetricRow, ModelIdentity, better

CELLS = ("A549", "HepG2", "K562", "K562 nuclear fraction", "fetal kidney")
MARKS = ("CTCF", "EP300", "H3K4me3")


def cell(requested: str, accept: str, vocabulary: str = "toy RNA") -> LabelledTerm:
    return LabelledTerm("cell_type", vocabulary, requested, accept, "held")


TERMS = (
    cell("k-562", "^K562$"),
    cell("hep g2", "^hepg2$"),
    cell("A-549 cells", "^A549$"),
    cell("foetal kidney", "^fetal kidney$"),
    cell("Vero", ""),
    LabelledTerm("binding_molecule", "toy CHIP", "p300", "^EP300$", "held"),
    LabelledTerm("binding_molecule", "toy CHIP", "albumin", "", "seen"),
    cell("Fetal  kidney", "^fetal kidney$", "toy DNASE"),
)
#: What is said of confidences that are not there.
UNSURE = "the matcher does not tell how sure it is of each choice"
#: Five right of eight: k-562, hep g2, p300, albumin, and that nothing means Vero; of five choices
#: three are right, of three that none means the same two.
SAID = {
    "k-562": ("K562", 0.9),
    "hep g2": ("HepG2", 0.8),
    "A-549 cells": ("K562", 0.7),
    "foetal kidney": ("HepG2", 0.6),
    "p300": ("EP300", 0.8),
}


def toy(terms: Sequence[LabelledTerm] = TERMS) -> MatchingBenchmark:
    benchmark = MatchingBenchmark()
    benchmark.terms = tuple(terms)
    asked = {(each.category, each.vocabulary) for each in terms}
    benchmark.choices = {key: MARKS if key[0] == "binding_molecule" else CELLS for key in asked}
    return benchmark


class Told:
    """Answers what it was told to, and else that none means the same."""

    def __init__(self, said: dict[str, Any], name: str = "told") -> None:
        self.info = ModelIdentity(id=name, version="1", digest=f"{name} {sorted(said)}")
        self.said = said
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    def match_term(self, category: str, term: str, choices: Sequence[str]) -> Any:
        self.asked.append((category, term, tuple(choices)))
        said = self.said.get(term, (None, 0.5))
        return TermAnswer(*said, calls=len(self.asked) % 2) if isinstance(said, tuple) else said


def answers(benchmark: MatchingBenchmark, model: Any, seed: int = 0) -> pl.DataFrame:
    return pl.concat(benchmark.answer(model, each, Asking(seed)) for each in benchmark.parts())


def rows(
    folder: Path, model: Any, terms: Sequence[LabelledTerm] = TERMS
) -> dict[tuple[str, str | None], MetricRow]:
    benchmark = toy(terms)
    path = folder / "predictions.parquet"
    answers(benchmark, model).write_parquet(path)
    scored = benchmark.scored(path, None)
    return {(row.name, row.group): row for row in scored.rows(Asking(0))}


# What is asked, and what is right


def test_each_term_is_asked_once_with_the_names_of_its_vocabulary() -> None:
    told = Told(SAID)
    found = answers(toy(), told)
    assert told.asked == [
        (each.category, each.requested, MARKS if each.category == "binding_molecule" else CELLS)
        for each in TERMS
    ]
    assert found["item_id"].to_list()[:2] == ["toy RNA: k-562", "toy RNA: hep g2"]
    assert found["value"].to_list() == [1, 1, 0, 0, 1, 1, 1, 0]
    assert found["choice"].to_list() == [
        *("K562", "HepG2", "K562", "HepG2", None),
        *("EP300", None, None),
    ]
    assert found["calls"].to_list() == [1, 0] * 4
    assert (found["seconds"] >= 0).all()


def test_terms_of_a_vocabulary_are_cut_into_parts_of_ten() -> None:
    many = toy([cell(f"line {number}", "") for number in range(23)] + list(TERMS[5:6]))
    assert [part.height for part in many.parts()] == [10, 10, 3, 1]
    few = list(many.parts(limit=3))
    assert [item for part in few for item in part["item_id"]] == [
        *("toy RNA: line 0", "toy RNA: line 12", "toy CHIP: p300"),
    ]


def test_the_terms_of_a_vocabulary_are_asked_together_however_they_are_mixed(
    tmp_path: Path,
) -> None:
    mixed = (TERMS[0], TERMS[5], TERMS[2], TERMS[6])
    benchmark = toy(mixed)
    found = answers(benchmark, Told(SAID))
    assert found["requested"].to_list() == ["k-562", "A-549 cells", "p300", "albumin"]
    found.write_parquet(tmp_path / "found.parquet")
    by_group = {
        row.group: row.value
        for row in benchmark.scored(tmp_path / "found.parquet", None).rows(Asking())
        if row.name == "accuracy"
    }
    assert by_group["toy RNA"] == 0.5
    assert by_group["toy CHIP"] == 1.0


@pytest.mark.parametrize(
    ("accept", "choice", "right"),
    [
        ("^K562$", "k562", True),
        (":K562", "leukemia cell line:K562", True),
        ("^K562$", "K562 nuclear fraction", False),
        ("^K562$", None, False),
        ("", None, True),
        ("", "K562", False),
        ("^(a|b)$|^c$", "c", True),
    ],
)
def test_a_choice_is_right_if_the_expression_is_found_in_it(
    accept: str, choice: str | None, right: bool
) -> None:
    assert cell("x", accept).accepts(choice) == right


def test_what_is_not_of_the_list_is_no_answer(tmp_path: Path) -> None:
    found = answers(toy(TERMS[:2]), Told({"k-562": ("K562 cells", 1.0), "hep g2": ("NULL", 1.0)}))
    assert found["value"].to_list() == [None, None]
    assert found["reason"].to_list() == [
        "answered 'K562 cells', which is none of the choices",
        "answered 'NULL', which is none of the choices",
    ]


def test_a_fault_is_told_and_no_answer(tmp_path: Path) -> None:
    silent = TermAnswer(None, calls=3, fault="nobody is there")
    benchmark = toy(TERMS[:5])
    found = answers(benchmark, Told({**SAID, "Vero": silent}))
    assert found["value"].to_list() == [1, 1, 0, 0, None]
    assert found["calls"].to_list()[-1] == 3
    found.write_parquet(tmp_path / "found.parquet")
    scored = benchmark.scored(tmp_path / "found.parquet", None)
    coverage = scored.coverage()
    assert (coverage.asked, coverage.answered) == (5, 4)
    assert [(each.reason, each.items) for each in coverage.failed] == [("nobody is there", 1)]
    found_rows = {row.name: row for row in scored.rows(Asking()) if not row.group}
    assert found_rows["accuracy"].value == 2 / 5, "what is not answered is wrong"
    assert found_rows["abstention"].value == 0, "nor is it said that none means the same"


def test_a_matcher_that_never_answers_has_failed() -> None:
    silent = TermAnswer(None, fault="nobody is there")
    with pytest.raises(ModelError, match="'told' answered none of 2 terms: nobody is there"):
        answers(toy(TERMS[:2]), Told({"k-562": silent, "hep g2": silent}))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("K562", "match_term gave a str; expected a TermAnswer"),
        (TermAnswer(7), "match_term chose a int; expected one of the choices"),  # type: ignore[arg-type]
        (TermAnswer("K562", float("nan")), "gave the confidence nan; expected a finite number"),
    ],
)
def test_what_is_no_answer_at_all_is_refused(said: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        answers(toy(TERMS[:1]), Told({"k-562": said}))


def test_notes_are_kept_and_told() -> None:
    reports: list[Any] = []
    noted = Told({"k-562": TermAnswer("K562", notes=("no model", "so without"))})
    benchmark = toy(TERMS[:1])
    (part,) = benchmark.parts()
    found = benchmark.answer(noted, part, Asking(tell=reports.append))
    assert found["notes"].to_list() == ["no model; so without"]
    assert reports == [{"notes": ["some answers came with notes: see the column notes"]}]


@pytest.mark.parametrize("spec", ["kmer", "vienna"])
def test_what_matches_nothing_is_not_asked(spec: str) -> None:
    with pytest.raises(CapabilityError, match="matches no terms: 'matcher/terms' needs a TermM"):
        toy().identify(load_model(spec))


# Numbers


def test_counts_are_those_by_hand(tmp_path: Path) -> None:
    found = rows(tmp_path, Told(SAID))
    values = {name: row.value for (name, group), row in found.items() if group is None}
    assert values.pop("median_seconds") is not None
    assert found["median_seconds", None].unit == "s"
    assert values == {
        "accuracy": 5 / 8,
        "precision": 3 / 5,
        "recall": 3 / 6,
        "abstention": 3 / 8,
        "null_precision": 2 / 3,
        "null_recall": 2 / 2,
        "llm_calls_per_term": 1 / 2,
    }
    n = {name: row.n for (name, group), row in found.items() if group is None}
    assert (n["accuracy"], n["precision"], n["recall"]) == (8, 5, 6)
    assert (n["null_precision"], n["null_recall"]) == (3, 2)


def test_terms_are_told_apart_by_category_vocabulary_and_part(tmp_path: Path) -> None:
    found = rows(tmp_path, Told(SAID))
    groups = {group: row.value for (name, group), row in found.items() if name == "accuracy"}
    del groups[None]
    assert groups == {
        "cell_type": 3 / 6,
        "binding_molecule": 1.0,
        "toy RNA": 3 / 5,
        "toy CHIP": 1.0,
        "toy DNASE": 0.0,
        "held": 4 / 7,
        "seen": 1.0,
    }


def test_of_the_surest_choices_more_are_right(tmp_path: Path) -> None:
    found = rows(tmp_path, Told(SAID))
    at = {group: row for (name, group), row in found.items() if name == "precision_at_coverage"}
    # Two of eight terms: k-562, and one of hep g2 and p300, which are as sure, and right.
    assert at["surest 25% of terms"].value == pytest.approx(1.0)
    # Four: those three, and A-549.
    assert at["surest 50% of terms"].value == pytest.approx(3 / 4)
    # Six: more than there are choices.
    assert at["surest 75% of terms"].value is None
    assert at["surest 75% of terms"].reason_if_null == "a choice was given for 62% of terms only"


def test_choices_that_are_as_sure_count_alike_in_any_order() -> None:
    confidence = np.array([0.9, 0.5, 0.5, 0.5, 0.1, np.nan])
    right = np.array([True, True, False, False, True, True])
    chosen = np.array([True, True, True, True, True, False])
    once = np.ones((1, 6))
    # Of six terms a half are three: the first, and two of the three that are as sure.
    (found,) = precision_at(0.5, once, confidence, right, chosen)
    assert found == pytest.approx((1 + 2 * 1 / 3) / 3)
    order = np.array([5, 3, 1, 4, 2, 0])
    (again,) = precision_at(0.5, once, confidence[order], right[order], chosen[order])
    assert again == pytest.approx(found, abs=1e-15)


def test_a_term_that_is_drawn_twice_counts_as_two() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7]), np.array([False, True, True])
    chosen = np.ones(3, dtype=bool)
    weights = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
    found = precision_at(1.0, weights, confidence, right, chosen)
    assert found == pytest.approx([1 / 3, 1.0, 2 / 3])
    # Half of three terms: one and a half.
    found = precision_at(0.5, weights, confidence, right, chosen)
    assert found == pytest.approx([0.0, 1.0, 0.5 / 1.5])


def test_without_confidence_nothing_is_the_surest(tmp_path: Path) -> None:
    unsure = Told({term: (choice, None) for term, (choice, _) in SAID.items()})
    row = rows(tmp_path, unsure)["precision_at_coverage", "surest 25% of terms"]
    assert (row.value, row.interval) == (None, None)
    assert row.reason_if_null == "the matcher does not tell how sure it is of each choice"


def test_numbers_that_nothing_is_known_of_say_why(tmp_path: Path) -> None:
    known = (TERMS[0], TERMS[1])
    silent = {each.requested: TermAnswer(None) for each in known}
    found = rows(tmp_path, Told(silent), known)
    told = {name: row.reason_if_null for (name, _), row in found.items() if row.value is None}
    assert told["precision"] == "no choice was given"
    assert told["null_recall"] == "every term has a match"
    assert told["llm_calls_per_term"] == "the matcher does not count its calls"
    every = rows(tmp_path, Told({"Vero": ("K562", 0.1)}), (TERMS[4],))
    assert every["recall", None].reason_if_null == "no term has a match"
    assert every["null_precision", None].reason_if_null == "a choice was given every time"


def test_the_interval_is_that_of_a_share(tmp_path: Path) -> None:
    # The bootstrap of a share is binomial: its quantiles are known.
    terms = [cell(f"line number {number}", "^K562$") for number in range(100)]
    said = {f"line number {number}": ("K562", 0.5) for number in range(54)}
    row = rows(tmp_path, Told(said), terms)["accuracy", None]
    assert (row.value, row.n, row.n_clusters) == (0.54, 100, 100)
    assert row.interval == pytest.approx(binom.ppf([0.025, 0.975], 100, 0.54) / 100, abs=0.015)
    assert row.method == "95 % bootstrap on the logit scale, 1000 replicates over terms"


def test_a_term_of_several_vocabularies_is_drawn_as_one(tmp_path: Path) -> None:
    # "foetal kidney" and "Fetal  kidney" are the same term.
    found = rows(tmp_path, Told(SAID))
    assert (found["accuracy", None].n, found["accuracy", None].n_clusters) == (8, 7)
    twice = rows(tmp_path, Told(SAID), (TERMS[3], TERMS[7]))["accuracy", None]
    assert (twice.n, twice.n_clusters, twice.interval) == (2, 1, None)


def test_the_same_answers_give_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "found.parquet"
    answers(toy(), Told(SAID)).write_parquet(path)
    first, second = (MatchingScores(path, TERMS).rows(Asking(3)) for _ in range(2))
    assert first == second


# Controls


def test_the_oracle_is_always_right_and_random_hardly_ever(tmp_path: Path) -> None:
    assert answers(toy(), OracleControl())["value"].to_list() == [1.0] * 8
    many = [cell(f"line number {number}", "^K562$") for number in range(600)]
    found = answers(toy(many), RandomControl())
    # One of five names and of none, evenly.
    drawn = found["choice"].fill_null("none").value_counts()["count"]
    assert len(drawn) == 6
    assert drawn.min() > 65
    assert found["value"].mean() == pytest.approx(1 / 6, abs=0.06)
    other = answers(toy(many), RandomControl(), seed=1)
    assert other["choice"].to_list() != found["choice"].to_list()
    for each in (found, other):
        assert each["seconds"].null_count() == each["confidence"].null_count() == 600


# Whole runs


def test_a_run_ranks_matchers_in_pairs(tmp_path: Path) -> None:
    models = [Told(SAID, "some"), Told({}, "none")]
    results = genomark.run(models, [toy()], out=tmp_path, progress=False)
    some, none = results
    assert (some.metric("accuracy").value, none.metric("accuracy").value) == (5 / 8, 2 / 8)
    (pair,) = results.comparisons
    assert (pair.metric, pair.difference, pair.n) == ("accuracy", 3 / 8, 8)
    assert some.settings["headline"] == ["accuracy", "precision"]
    assert some.settings["notes"][0].startswith("8 terms, of which 2 have no match")
    assert some.settings["caveats"]
    assert some.coverage.answered == 8


def test_the_question_changes_with_terms_labels_and_names() -> None:
    relabelled = toy([cell("k-562", "^HepG2$"), *TERMS[1:]])
    fewer = toy()
    fewer.choices = {**fewer.choices, ("cell_type", "toy RNA"): CELLS[:-1]}
    digests = {toy().digest, relabelled.digest, fewer.digest, toy(TERMS[:5]).digest}
    assert len(digests) == 4
    assert toy().digest == toy().digest


# Labelled terms and vocabularies


HEAD = "category\tvocabulary\trequested\taccept\tpart\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "t, row 1: expected the columns category, vocabulary, requested, accept, part"),
        (HEAD, "t: no terms"),
        (HEAD + "cell_type\tx RNA\tK562\n", "t, row 2: 3 columns; expected 5 with tabs between"),
        (HEAD + "organ\tx RNA\tK562\t\tseen\n", "t, row 2: category 'organ'; expected cell_type"),
        (HEAD + "cell_type\tx RNA\tK562\t\tnew\n", "t, row 2: part 'new'; expected seen or held"),
        (HEAD + "cell_type\tx RNA\t\t\tseen\n", "t, row 2: an empty term"),
        (HEAD + "cell_type\tx RNA\ta\t(\tseen\n", r"t, row 2: '\(' is no regular expression"),
        (HEAD + "cell_type\tx RNA\ta\t\tseen\n" * 2, "t, row 3: 'x RNA: a' is there twice"),
    ],
)
def test_terms_that_are_not_well_formed_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_terms(text, "t")


def test_names_of_an_assay_are_read_once_each_and_sorted(tmp_path: Path) -> None:
    table = tmp_path / "targets.txt"
    table.write_text(
        "\tAssay\tCell Type\tMolecule\n0\tRNA\tK562\t\n1\tRNA\t'A\" 5'\t\n2\tRNA\tK562\t\n"
        "3\tCHIP\tK562\tEP300\n4\tCHIP\tHepG2\tCTCF\n5\tDNASE\tHepG2\t\n"
    )
    assert read_choices(table, "cell_type", "RNA") == ("'A\" 5'", "K562")
    assert read_choices(table, "cell_type", "CHIP") == ("HepG2", "K562")
    assert read_choices(table, "binding_molecule", "CHIP") == ("CTCF", "EP300")
    with pytest.raises(UsageError, match="no name in 'Molecule' for the assay 'RNA'"):
        read_choices(table, "binding_molecule", "RNA")
    (tmp_path / "other.txt").write_text("Assay\tName\nRNA\tK562\n")
    with pytest.raises(UsageError, match="row 1: no column 'Cell Type'; found Assay, Name"):
        read_choices(tmp_path / "other.txt", "cell_type", "RNA")
    with pytest.raises(UsageError, match=r"gone\.txt is no table of targets"):
        read_choices(tmp_path / "gone.txt", "cell_type", "RNA")


def test_every_shipped_term_is_labelled_with_names_that_there_are(
    real_data: Callable[[str, str], Path],
) -> None:
    real_data("matcher_vocabularies", "borzoi_human_targets_simplified.txt")
    benchmark = MatchingBenchmark("all")
    for term in benchmark.terms:
        accepted = list(filter(term.accepts, benchmark.choices[term.category, term.vocabulary]))
        assert bool(accepted) == term.has_match, term
        assert len(accepted) <= 60, f"{term} takes nearly anything"
    facts = benchmark.facts()
    assert facts["terms"] == len(shipped_terms()) == 586
    assert (facts["vocabularies"], facts["fewest names"], facts["most names"]) == (13, 10, 788)


def test_parts_are_chosen_by_name(no_data: None) -> None:
    assert matching_ids() == ["matcher/terms"]
    assert is_matching_benchmark("matcher/terms:part=all")
    assert not is_matching_benchmark("kircher2019")
    held, seen, every = (
        matching_benchmark(f"matcher/terms{text}") for text in ("", ":part=seen", ":part=all")
    )
    assert (held.part, held.id) == ("held", "matcher/terms")
    assert {each.part for each in held.terms} == {"held"}
    assert seen.id == "matcher/terms:part=seen"
    assert {each.part for each in seen.terms} == {"seen"}
    assert len(held.terms) + len(seen.terms) == len(every.terms)
    assert matching_benchmark("matcher/terms:part=held").id == held.id
    for text, told in (("part=some", "part"), ("parts=all", "it takes part=")):
        with pytest.raises(UsageError, match=told):
            matching_benchmark(f"matcher/terms:{text}")


def test_without_vocabularies_a_run_says_how_to_get_them(no_data: None, tmp_path: Path) -> None:
    results = genomark.run([Told({})], [MatchingBenchmark()], out=tmp_path, progress=False)
    assert not results.results
    assert "matcher_vocabularies" in results.skipped[0].reason


# By name


def test_the_benchmark_and_its_models_are_known_by_name(no_data: None) -> None:
    benchmark = load_benchmark("matcher/terms:part=seen")
    assert isinstance(benchmark, MatchingBenchmark)
    assert benchmark.part == "seen"
    assert load_benchmark("matcher/terms").id == "matcher/terms"
    with pytest.raises(UnknownNameError, match="Did you mean 'matcher/terms'"):
        load_benchmark("matcher/term")
    remote = load_model("matcher:url=http://127.0.0.1:9")
    assert isinstance(remote, RemoteMatcher)
    alone = load_model("matcher:llm=ollama:http://127.0.0.1:9,model=m,mode=tournament")
    assert alone.info.id == "matcher:llm=ollama:http://127.0.0.1:9,model=m,mode=tournament"


def test_a_page_tells_of_the_benchmark(real_data: Callable[[str, str], Path]) -> None:
    real_data("matcher_vocabularies", "borzoi_human_targets_simplified.txt")
    page = task_page("matcher/terms")
    assert (page["needs"], page["part"]) == ("TermMatcher", "held")
    assert page["counts"]["terms"] == 146


def test_a_page_says_what_data_it_lacks(no_data: None) -> None:
    assert "matcher_vocabularies" in task_page("matcher/terms:part=all")["counts"]


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "null_precision"])
def test_more_of_these_is_better(name: str) -> None:
    assert better(name) == "higher"
    assert better("llm_calls_per_term") == "lower"


# A Matcher behind a URL


class Served:
    """A Matcher as GAME's are: `/match`, four keys, the string NULL."""

    def __init__(self, said: dict[str, str]) -> None:
        self.said = said
        self.sure: dict[str, float] = {}
        self.version = "Matcher_test"
        self.status = 200
        self.bodies: list[dict[str, Any]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                content = json.dumps(served.answer(self.path, body)).encode()
                self.send_response(served.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/match?explain=1"
        self.bodies.append(body)
        if self.status != 200:
            return {"error": "Matcher Server Internal Error", "detail": "out of order"}
        answer: dict[str, Any] = {"matcher_version": self.version}
        for category in ("cell_type", "species", "binding_molecule"):
            asked = body.get(f"{category}_requested")
            answer[f"{category}_actual"] = asked and self.said.get(asked, "NULL")
            if asked in self.sure:
                told = {"choice": self.said.get(asked), "confidence": self.sure[asked], "calls": 1}
                answer["explanation"] = {category: told}
        return answer


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served({"homo_sapiens": "homo_sapiens", **{k: v for k, (v, _) in SAID.items()}})
    thread = threading.Thread(target=served.server.serve_forever, args=(0.01,))
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def test_a_matcher_behind_a_url_is_asked_as_predictors_ask_it(
    served: Served, tmp_path: Path
) -> None:
    matcher = RemoteMatcher(served.url)
    (result,) = genomark.run([matcher], [toy()], out=tmp_path, progress=False)
    assert result.metric("accuracy").value == 5 / 8
    assert result.metric("abstention").value == 3 / 8
    assert result.metric("median_seconds").value > 0
    assert result.metric("llm_calls_per_term").value is None
    assert (result.model.id, result.model.version) == (f"matcher:url={served.url}", "Matcher_test")
    easy, *asked = served.bodies
    assert easy == {"species_requested": "homo_sapiens", "species_list": ["homo_sapiens"]}
    assert asked[0] == {"cell_type_requested": "k-562", "cell_type_list": list(CELLS)}
    assert len(asked) == 8
    unsure = [row for row in result.metrics if row.name == "precision_at_coverage"]
    assert {(row.value, row.reason_if_null) for row in unsure} == {(None, UNSURE)}


def test_a_matcher_behind_a_url_that_tells_how_sure_it_is_is_scored_by_that(
    served: Served, tmp_path: Path
) -> None:
    served.sure = {term: sure for term, (_, sure) in SAID.items()}
    (result,) = genomark.run([RemoteMatcher(served.url)], [toy()], out=tmp_path, progress=False)
    # The two surest of eight are k-562 and one of hep g2 and p300, all right; of the four surest,
    # three are.
    found = {row.group: row.value for row in result.metrics if row.name == "precision_at_coverage"}
    assert found["surest 25% of terms"] == 1.0
    assert found["surest 50% of terms"] == 3 / 4
    known = rows(tmp_path, Told(SAID))
    for group, value in found.items():
        assert known["precision_at_coverage", group].value == value
    assert result.metric("llm_calls_per_term").value == 1


def test_a_matcher_that_answers_no_more_is_told_of(served: Served) -> None:
    matcher = RemoteMatcher(served.url)
    assert matcher.info.version == "Matcher_test"
    served.status = 500
    found = matcher.match_term("cell_type", "k-562", CELLS)
    assert found.choice is None
    assert "answered 500" in found.fault
    assert "out of order" in found.fault
    served.status, served.said["hep g2"] = 200, "HepG2/C3A"
    assert "none of the 5 terms" in matcher.match_term("cell_type", "hep g2", CELLS).fault


def test_a_matcher_of_another_version_than_before_is_another(served: Served) -> None:
    matcher = RemoteMatcher(served.url)
    assert matcher.match_term("cell_type", "k-562", CELLS) == TermAnswer("K562")
    served.version = "Matcher_next"
    found = matcher.match_term("binding_molecule", "p300", MARKS)
    assert found.fault == "was Matcher_test, and is Matcher_next now"


def test_nobody_behind_a_url_is_told_at_once() -> None:
    with pytest.raises(MatcherError, match="Failed to connect to remote Matcher"):
        toy().identify(RemoteMatcher("http://127.0.0.1:9"))
