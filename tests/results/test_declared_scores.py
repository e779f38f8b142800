"""Published scores of suites, as results: each figure of a declaration, once."""

from __future__ import annotations

import tomllib

import pytest

from genomark.benchmarks.sequences.declared import shipped_folder
from genomark.errors import UnknownNameError
from genomark.results.declared_scores import declared_scores, declared_suites

SEQUENCES = [name for name in declared_suites() if name not in ("guanine", "rna-design")]


def declared(suite):
    """Figures as they stand in the files: by benchmark, source, model, metric and label."""
    found = {}
    folder = shipped_folder()
    files = {f"{suite}/{each.name[:-5]}": each for each in (folder / suite).iterdir()}
    for id, file in {**files, suite: folder / f"{suite}.toml"}.items():
        for table in tomllib.loads(file.read_text("utf-8")).get("published", []):
            for row in table["scores"]:
                name = f"{suite}/{row['group']}" if "group" in row else id
                key = (name, table["source"], f"published:{row['model']}", row["metric"])
                assert (*key, row.get("label")) not in found, key
                found[*key, row.get("label")] = row["value"]
    return found


@pytest.mark.parametrize("suite", SEQUENCES)
def test_every_declared_figure_is_there_once_and_no_other(suite):
    told = {}
    for result in declared_scores(suite):
        for row in result.metrics:
            if row.value is not None:
                key = (result.benchmark.id, result.settings["source"], result.model.id)
                assert (*key, row.name, row.group) not in told
                told[*key, row.name, row.group] = row.value
    assert told == declared(suite)


@pytest.mark.parametrize("suite", declared_suites())
def test_results_say_what_they_are(suite):
    for result in declared_scores(suite):
        first = result.metric(result.settings["headline"][0])
        assert first.interval is None
        assert first.value is not None or first.reason_if_null == "not published"
        assert result.model.id.startswith("published:")
        assert result.benchmark.version == "as published"
        assert any("not computed here" in note for note in result.model.notes)


def test_two_tables_of_one_model_stay_two_results():
    found = [
        each.settings["source"]
        for each in declared_scores("rgb")
        if (each.benchmark.id, each.model.id) == ("rgb/mrna", "published:OmniGenome-52M")
    ]
    assert len(found) == len(set(found)) > 1


def test_suites_without_published_scores_have_none():
    assert len(declared_scores("beacon")) == 0


def test_the_designs_of_eterna_are_among_them():
    figures = {each.model.id: each.metrics[0].value for each in declared_scores("rna-design")}
    assert figures["published:OmniGenome"] == 0.84


def test_an_unknown_suite_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean 'rgb'"):
        declared_scores("rgbb")
