"""The contract of the leaderboard, and whether the app keeps it."""

import tempfile
from pathlib import Path

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import CHECKS
from small_store import add, item_table, opened, right
from test_leaderboard_app import ask

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.openapi import leaderboard_openapi
from genomark.leaderboard.query import ALLOWED

DOCUMENT = leaderboard_openapi()


FOLDER = tempfile.TemporaryDirectory(prefix="genomark-board-")
STORE = opened(Path(FOLDER.name))
for place, model in enumerate(("m", "n")):
    answers = right(0.5 + place / 5, seed=place)
    add(STORE, "b", model, answers, items=item_table(answers))
APP = leaderboard_app(STORE)
contract = schemathesis.openapi.from_asgi("/openapi.json", APP)
# Which slugs there are, and which columns lines can be sorted by, is more than a schema can say.
SAYS_MORE = [
    check
    for check in CHECKS.get_all()
    if check.__name__ in ("positive_data_acceptance", "negative_data_rejection")
]


@contract.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True)
def test_answers_keep_to_the_contract(case):
    case.call_and_validate(excluded_checks=SAYS_MORE)


@pytest.mark.parametrize(
    ("path", "described"),
    [
        ("/?sort=b&order=desc", "/"),
        ("/index.json?suite=other", "/index.json"),
        ("/suites/other.json", "/suites/{slug}.json"),
        ("/benchmarks/b.json?metric=pearson", "/benchmarks/{slug}.json"),
        ("/benchmarks/b/pairs.json", "/benchmarks/{slug}/pairs.json"),
        ("/benchmarks/b/items.json", "/benchmarks/{slug}/items.json"),
        ("/benchmarks/b/item.json?item=i1", "/benchmarks/{slug}/item.json"),
        ("/models/m.json", "/models/{slug}.json"),
        ("/compare.json?models=m&models=n", "/compare.json"),
    ],
)
def test_answers_about_what_there_is_keep_to_the_contract_too(path, described):
    answer = ask(APP, path)
    assert answer.status_code == 200, answer.text
    contract[described]["GET"].validate_response(answer)


def test_the_document_is_what_the_app_gives():
    assert ask(APP, "/openapi.json").json() == DOCUMENT


def test_every_page_and_twin_is_described():
    paths = set(DOCUMENT["paths"])
    assert {
        "/",
        *(f"/index.{form}" for form in ("json", "csv", "parquet")),
        "/suites/{slug}",
        "/benchmarks/{slug}.csv",
        "/benchmarks/{slug}/pairs.parquet",
        "/benchmarks/{slug}/items.parquet",
        "/models/{slug}.json",
        "/compare",
        "/compare.json",
        "/statistics",
        "/results/{id}",
        "/predictions/{id}",
        "/metrics",
        "/health/ready",
    } < paths
    assert "/benchmarks/{slug}/pairs" not in paths


def test_parameters_are_those_that_are_read():
    described = {
        each["name"]
        for path in DOCUMENT["paths"].values()
        for each in path["get"]["parameters"]
        if each["in"] == "query"
    }
    assert described == {name for names in ALLOWED.values() for name in names}


def test_schemas_are_those_of_the_views():
    schemas = DOCUMENT["components"]["schemas"]
    assert {"Front", "Suite", "Benchmark", "Pair", "Pairs", "Model", "Problem"} <= set(schemas)
    assert "results" in schemas["Front"]["required"]


def test_there_are_two_checks_left_out():
    assert len(SAYS_MORE) == 2
