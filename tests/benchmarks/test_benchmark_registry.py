"""Benchmarks and suites by name."""

from __future__ import annotations

import pytest

from genomark.benchmarks import (
    DEFAULT_SUITE,
    SUITES,
    Benchmark,
    benchmark_entry_points,
    expand,
    load_benchmark,
    registry,
)
from genomark.benchmarks.genes import gene_benchmark_ids
from genomark.benchmarks.rna.design_suite import design_ids
from genomark.benchmarks.sequences.declared import declared_ids
from genomark.errors import UnknownNameError, UsageError
from genomark.plug_ins import PlugIn

HERE = __name__
QUICKSTART = ["kircher2019", "lentimpra-k562", "simulated-enhancers"]


def failing() -> Benchmark:
    raise RuntimeError("no licence found")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = {
        "absent": "a_package_not_there.benchmarks:Benchmark",
        "gone": f"{HERE}:NoSuchThing",
        "failing": f"{HERE}:failing",
    }
    extra = [PlugIn(name, value, registry.GROUP) for name, value in offered.items()]
    shipped = registry.benchmark_plug_ins()
    monkeypatch.setattr(registry, "benchmark_plug_ins", lambda: [*shipped, *extra])


@pytest.mark.parametrize("name", QUICKSTART)
def test_every_benchmark_has_the_name_it_is_known_by_and_needs_no_data_to_be_made(
    no_data: None, name: str
) -> None:
    benchmark = load_benchmark(name)
    assert isinstance(benchmark, Benchmark)
    assert benchmark.id == name
    assert benchmark.capability == "Predictor"
    assert benchmark.title
    assert benchmark.citation
    assert set(benchmark.rule.headlines) >= {benchmark.rule.headline}


def test_every_suite_names_benchmarks_there_are() -> None:
    shipped = [*gene_benchmark_ids(), *declared_ids(), *design_ids()]
    known = {*benchmark_entry_points(), *shipped}
    assert all(set(members) <= known for members in SUITES.values())


def test_nothing_named_means_the_default_suite() -> None:
    assert DEFAULT_SUITE == "quickstart"
    assert expand([]) == QUICKSTART
    assert expand(["suite:quickstart"]) == QUICKSTART


def test_each_benchmark_is_there_once_in_the_order_of_the_first() -> None:
    assert expand(["simulated-enhancers", "suite:quickstart", "kircher2019"]) == [
        "simulated-enhancers",
        "kircher2019",
        "lentimpra-k562",
    ]


def test_names_are_passed_on_as_they_are() -> None:
    assert expand(["anything", "anything"]) == ["anything"]


@pytest.mark.parametrize("name", ["suite:quikstart", "suite:", "suite"])
def test_an_unknown_suite_is_told(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"No suite named .*quickstart"):
        expand([name])


def test_an_unknown_benchmark_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'kirchner2019'\. Did you mean 'kircher2019'\?"):
        load_benchmark("kirchner2019")
    with pytest.raises(UnknownNameError, match="suite:quickstart"):
        load_benchmark("zzzz")


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent", "a_package_not_there"), ("gone", "NoSuchThing"), ("failing", "no licence found")],
)
def test_a_broken_plug_in_is_told_and_hurts_nobody_else(
    plugins: None, name: str, said: str
) -> None:
    with pytest.raises(UsageError, match=f"Benchmark '{name}' .*{said}"):
        load_benchmark(name)
    assert load_benchmark("simulated-enhancers").id == "simulated-enhancers"
