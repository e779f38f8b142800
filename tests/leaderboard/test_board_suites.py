"""What is known of benchmarks beside their results: without data, without the network."""

import socket
from pathlib import Path

import pytest

from genomark.benchmarks import SUITES
from genomark.datasets import catalogue
from genomark.leaderboard import suites
from genomark.leaderboard.suites import (
    OTHER,
    Facts,
    facts_of,
    family_of,
    suite_names,
    suite_title,
    suites_of,
)


def test_each_benchmark_is_in_the_suites_that_list_it():
    for name, members in SUITES.items():
        for member in members:
            assert name in suites_of(member)
            assert suites_of(member) == suites_of(f"{member}:fits=3")
    assert suites_of("unheard-of") == (OTHER,)
    assert suites_of("") == (OTHER,)


def test_every_suite_has_a_title():
    assert suite_names() == [*SUITES, OTHER]
    assert all(suite_title(name) and suite_title(name) != "" for name in suite_names())
    assert suite_title("a new one") == "a new one"


def test_tasks_of_one_kind_are_one_family():
    assert family_of("gue/emp.h3") == family_of("gue/emp.h4:fits=2") == "gue/emp"
    assert family_of("kircher2019") == "kircher2019"


def test_facts_are_those_of_the_benchmark_and_of_the_catalogue():
    found = facts_of("kircher2019")
    dataset = catalogue()["kircher2019"]
    (source,) = found.sources
    assert (source.title, source.licence, source.size) == (
        dataset.title,
        dataset.licence,
        dataset.bytes,
    )
    assert source.origin == dataset.files[0].url
    assert (found.asks, found.capability) == ("variants", "Predictor")
    declared = facts_of("gue/emp.h3:fits=1")
    assert declared.citation
    assert declared.sources[0].name == "gue"
    assert declared.sources[0].origin


def test_facts_need_no_data_and_no_network(monkeypatch):
    suites._facts.cache_clear()

    def refuse(*how, **more):
        raise AssertionError("facts were looked for outside")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = {id: facts_of(id) for members in SUITES.values() for id in members}
    assert sum(each.citation != "" for each in found.values()) > 0.9 * len(found)
    assert facts_of("guanine/cons30").sources[0].licence


@pytest.mark.parametrize(
    "id",
    [
        "tasks:/etc/passwd#x",
        "sequences:/tmp#x",
        "../../etc/passwd",
        "nothing",
        "",
        "kircher2019/x",
        "\ud800",
    ],
)
def test_a_name_that_is_not_known_is_never_loaded(id, monkeypatch):
    def refuse(name):
        raise AssertionError(f"{name} was loaded")

    monkeypatch.setattr(suites, "load_benchmark", refuse)
    assert facts_of(id) == Facts()


def test_a_benchmark_that_cannot_be_made_has_no_facts(monkeypatch):
    from genomark.errors import UsageError

    def broken(name):
        raise UsageError("a plug-in that fails")

    suites._facts.cache_clear()
    monkeypatch.setattr(suites, "load_benchmark", broken)
    try:
        assert facts_of("simulated-enhancers") == Facts()
    finally:
        suites._facts.cache_clear()


def test_nothing_is_written_or_read_beside_the_package(tmp_path, monkeypatch):
    suites._facts.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    for id in SUITES["quickstart"]:
        facts_of(id)
    assert list(Path(tmp_path).iterdir()) == []
