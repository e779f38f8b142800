"""Models of many tracks, and the Matcher they have where no other is named."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest
from asking import CLI, TASK, ask, process, request

import genomark
from genomark.errors import UsageError
from genomark.matching import Matcher, builtin
from genomark.matching.tables import Concept, Knowledge, Table
from genomark.models import load_model
from genomark.models.track_predictor import lacks_matcher
from genomark.models.tracks import TermMatch
from genomark.protocol import PredictionTask
from genomark.serving import predictor_app, server
from genomark.serving.matcher_app import matcher_app
from listening import listening

MODEL = """
import numpy as np
from genomark.models.declaration import Declaration
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.scoring import ModelIdentity

TRACKS = (
    Track("DNASE", ("accessibility",), "K562"),
    Track("CAGE", ("expression",), "{cell}", "synthetic"),
    Track("CHIP_ctcf", ("binding_ctcf",), "K562"),
)

toy = TrackPredictor(
    ModelIdentity(id="toy", version="1", digest="d"),
    Declaration(
        name="toy",
        readouts=("point",),
        scales=("linear", "log"),
        tracks=TRACKS,
        input_length=256,
        output_length=256,
    ),
    lambda windows, tracks: np.array(
        [[[float(letter in "CG") for letter in window]] * len(tracks) for window in windows]
    ),
)
"""


@pytest.fixture
def known(monkeypatch):
    """The built-in Matcher, of few facts."""
    concepts = {
        "lines": [Concept("K-562", "line", ("K562",)), Concept("simulated", "line", ("SIM-1",))],
        "types": [],
        "molecules": [Concept("CTCF", "transcription factor", ("CCCTC-binding factor",))],
        "species": [],
    }
    by_key = {"lines": True, "types": False, "molecules": True, "species": False}
    tables = {name: Table(each, by_key=by_key[name]) for name, each in concepts.items()}
    matcher = Matcher(Knowledge(**tables, digest="01234567"))
    monkeypatch.setattr(builtin, "builtin_matcher", lambda: matcher)
    return matcher


@pytest.fixture
def spec(tmp_path):
    def write(cell="SIM-1"):
        file = tmp_path / "toy.py"
        file.write_text(MODEL.replace("{cell}", cell))
        return f"py:{file}:toy"

    return write


def asked(cell, kind="accessibility"):
    return PredictionTask("t", kind, cell, "homo_sapiens")


def predicted(app, cell):
    body = request({"s": "ACGG"}, prediction_tasks=[{**TASK, "cell_type": cell}])
    return ask(app, "POST", "/predict", json=body)


def test_a_model_says_what_its_matcher_said(known, spec):
    model = load_model(spec()).with_matcher(known)
    (cell,) = model.matches(asked("k-562 cells"))
    assert (cell.category, cell.requested, cell.actual) == ("cell_type", "k-562 cells", "K562")
    assert cell.confidence == known.explain("cell_type", "k-562 cells", ["K562"]).confidence
    molecule, cell = model.matches(asked("k-562", "binding_CCCTC-binding factor"))
    assert (molecule.category, molecule.actual) == ("binding_molecule", "ctcf")
    assert (cell.category, cell.actual) == ("cell_type", "K562")
    (none,) = model.matches(asked("asdfqwer"))
    assert none.actual is None
    # What is a track's as it is, is not asked.
    assert model.matches(asked("k562")) == ()


def test_a_term_that_is_too_long_is_the_fault_of_its_task(known, spec):
    app = predictor_app(load_model(spec()).with_matcher(known))
    tasks = [{**TASK, "cell_type": "x" * 10_000, "name": "bad"}, TASK]
    answer = ask(app, "POST", "/predict", json=request({"s": "ACGG"}, prediction_tasks=tasks))
    assert answer.status_code == 200
    bad, good = answer.json()["prediction_tasks"]
    assert "10,000 letters" in bad["predictions"]["error"]
    # Three of its bases are C or G, in the middle of 256 letters that are none.
    assert good["predictions"] == {"s": 3 / 4}


def test_answers_depend_on_the_matcher_so_identities_do(known, spec):
    model = load_model(spec())
    assert lacks_matcher(model)
    matched = model.with_matcher(known)
    assert not lacks_matcher(matched)
    assert lacks_matcher(model), "the model itself is as it was"
    assert matched.info.digest != model.info.digest
    assert matched.info.digest == model.with_matcher(known).info.digest
    assert known.version in matched.info.notes[-1]
    assert not lacks_matcher(load_model("gc"))


def test_a_matcher_that_tells_no_confidence_is_taken_at_its_word(spec):
    class Plain:
        version = "plain"

        def match(self, category, term, choices):
            return choices[0]

    model = load_model(spec()).with_matcher(Plain())
    assert model.matches(asked("lymphoblast")) == (
        TermMatch("cell_type", "lymphoblast", "K562", None),
    )


def results(tmp_path, spec, **how):
    return genomark.run(
        [spec],
        ["simulated-enhancers"],
        out=tmp_path / "results",
        limit=4,
        progress=False,
        **how,
    )


def test_a_result_tells_what_was_asked_and_what_answered(known, spec, tmp_path):
    """The benchmark asks for the cell type `simulated`; the track is of `SIM-1`."""
    (result,) = results(tmp_path, spec(), workers=1).results
    term = {
        "category": "cell_type",
        "requested": "simulated",
        "actual": "SIM-1",
        "confidence": known.explain("cell_type", "simulated", ["SIM-1"]).confidence,
    }
    assert result.settings["fit"] == {
        "tracks of simulated_activity": {
            "matcher_version": known.version,
            "type_actual": ["CAGE"],
            "terms": [term],
        }
    }
    assert known.version in result.model.notes[-1]
    kept = next((tmp_path / "results" / "results").rglob("*.json"))
    assert json.loads(kept.read_text())["settings"]["fit"] == result.settings["fit"]


def test_worker_processes_match_alike(spec, tmp_path):
    """They know what is shipped, so it is asked here too."""
    cell = "simulated, biol_rep1"
    alone = results(tmp_path / "1", spec(cell), workers=1).results
    together = results(tmp_path / "2", spec(cell), workers=2).results
    assert [each.settings for each in alone] == [each.settings for each in together]
    assert [each.model for each in alone] == [each.model for each in together]
    (term,) = alone[0].settings["fit"]["tracks of simulated_activity"]["terms"]
    assert term["actual"] == cell


def test_a_result_tells_nothing_where_nothing_was_matched(known, spec, tmp_path):
    (result,) = results(tmp_path, spec("simulated"), workers=1).results
    assert "fit" not in result.settings
    assert result.coverage.answered == 4


def test_a_predictor_behind_a_url_is_told_of_as_far_as_it_says(known, spec, tmp_path):
    app = predictor_app(load_model(spec()).with_matcher(known))
    with listening(app) as address:
        (result,) = results(tmp_path, address).results
    (told,) = result.settings["fit"].values()
    assert told["matcher_version"] == known.version
    (term,) = told["terms"]
    assert (term["actual"], term["confidence"]) == ("SIM-1", None)


# Serving


def served(monkeypatch, spec, matcher):
    """The app that would have been served."""
    apps = []
    monkeypatch.setattr(server, "run_app", lambda app, *_, **__: apps.append(app))
    server.serve_model(load_model(spec), port=0, matcher=matcher)
    return apps[0]


def test_a_served_model_has_the_built_in_matcher(monkeypatch, known, spec):
    answer = predicted(served(monkeypatch, spec(), None), "k-562").json()
    assert answer["matcher_version"] == known.version
    assert answer["prediction_tasks"][0]["cell_type_actual"] == "K562"


def test_none_leaves_exact_matches_alone(monkeypatch, known, spec):
    app = served(monkeypatch, spec(), "none")
    answer = predicted(app, "k-562").json()
    assert answer["matcher_version"] == "N/A"
    assert "found" in answer["prediction_tasks"][0]["predictions"]["error"]
    assert predicted(app, "k562").json()["prediction_tasks"][0]["cell_type_actual"] == "K562"


def test_it_can_be_asked_for_by_name(monkeypatch, known, spec):
    answer = predicted(served(monkeypatch, spec(), "builtin"), "k-562").json()
    assert answer["matcher_version"] == known.version


def test_a_matcher_need_not_be_there_yet(monkeypatch, spec):
    app = served(monkeypatch, spec(), "http://127.0.0.1:9")
    assert predicted(app, "k562").json()["prediction_tasks"][0]["cell_type_actual"] == "K562"
    assert predicted(app, "k-562").status_code == 502


def test_a_url_is_asked_instead(monkeypatch, known, spec):
    other = Matcher(Knowledge(**{**vars(known._knowledge), "digest": "another."}))
    with listening(matcher_app(other)) as address:
        app = served(monkeypatch, spec(), address)
        answer = predicted(app, "k-562").json()
    assert answer["matcher_version"] == other.version != known.version
    assert answer["prediction_tasks"][0]["cell_type_actual"] == "K562"


def test_what_is_no_url_is_refused(monkeypatch, spec):
    with pytest.raises(UsageError, match="expected http://HOST:PORT, builtin, or none"):
        served(monkeypatch, spec(), "matcher.example:8000")


def test_models_without_tracks_read_no_knowledge(monkeypatch):
    def fails():
        raise AssertionError("not needed")

    monkeypatch.setattr(builtin, "builtin_matcher", fails)
    assert ask(served(monkeypatch, "gc", None), "GET", "/formats").status_code == 200


def test_nothing_of_matching_is_loaded_before_it_is_needed():
    script = "import sys, genomark.api, genomark.serving; print('genomark.matching' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "False"


def test_the_command_serves_with_what_is_shipped(spec):
    with process(*CLI, "serve", "model", spec(), "--port", "0") as (_, address):
        body = request({"s": "ACGG"}, prediction_tasks=[{**TASK, "cell_type": "k-562"}])
        answer = httpx.post(f"{address}/predict", json=body, trust_env=False, timeout=30).json()
    assert answer["matcher_version"].startswith("genomark-matcher-")
    assert answer["prediction_tasks"][0]["cell_type_actual"] == "K562"
