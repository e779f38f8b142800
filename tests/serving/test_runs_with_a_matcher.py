"""Runs of models of many tracks, with the Matcher that is asked for."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from asking import CLI, process
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import genomark
from genomark.cli.predict import predict
from genomark.errors import UsageError
from genomark.matching import Matcher
from genomark.matching.track_matcher import with_matcher
from genomark.models import load_model
from genomark.models.matcher_setting import MatcherSetting
from genomark.models.track_predictor import lacks_matcher
from genomark.models.tracks import MatcherError
from genomark.protocol import UpstreamDependencyError
from listening import listening

#: The benchmark asks for the cell type `simulated`.
CELL = "simulated, biol_rep1"
MODEL = f"""
import numpy as np
from genomark.models.declaration import Declaration
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.scoring import ModelIdentity

toy = TrackPredictor(
    ModelIdentity(id="toy", version="1", digest="d"),
    Declaration(
        name="toy",
        readouts=("point",),
        scales=("linear", "log"),
        tracks=(
            Track("CAGE", ("expression",), "HepG2", "synthetic"),
            Track("CAGE", ("expression",), "{CELL}", "synthetic"),
        ),
        input_length=256,
        output_length=256,
    ),
    lambda windows, tracks: np.array(
        [[[(1 + i) * (c in "CG") for c in window] for i in tracks] for window in windows]
    ),
)
"""
NOBODY = "http://127.0.0.1:9"
SPECIES = "homo_sapiens"


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "toy.py"
    file.write_text(MODEL)
    return f"py:{file}:toy"


def results(folder, *specs, **how):
    return genomark.run(
        list(specs), ["simulated-enhancers"], out=folder, limit=4, progress=False, **how
    )


def one(folder, spec, **how):
    found = results(folder, spec, **how)
    assert not found.failed, found.failed
    (result,) = found.results
    return result


def failure(folder, spec, **how):
    """Give the only line of a run that came to nothing."""
    found = results(folder, spec, **how)
    assert not found.results
    (failed,) = found.failed
    assert "\n" not in failed.reason
    return failed.reason


def told(result):
    return result.settings["fit"]["tracks of simulated_activity"]


def predictions(folder):
    """Give the bytes of the columns, file by file."""
    found = []
    for file in sorted((Path(folder) / "predictions").glob("*.parquet")):
        buffer = io.BytesIO()
        pl.read_parquet(file).write_ipc(buffer)
        found.append(buffer.getvalue())
    return found


class GameMatcher:
    """A Matcher as published ones are: no confidence, and no such thing as `?explain=1`."""

    def __init__(self, refuses: int | None = None) -> None:
        self.version = "Matcher_dev"
        self.refuses = refuses
        self.out_of_order = False
        self.asked: list[tuple[str, str]] = []
        self.answers = {"simulated": CELL, SPECIES: SPECIES}
        self.app = Starlette(routes=[Route("/match", self.match, methods=["POST"])])

    async def match(self, request):
        body = await request.json()
        (term,) = (value for key, value in body.items() if key.endswith("_requested"))
        self.asked.append((term, request.url.query))
        if request.url.query and self.refuses:
            return JSONResponse({"detail": "unexpected"}, self.refuses)
        if self.out_of_order and term != SPECIES:
            return JSONResponse({"error": "Matcher Server Internal Error"}, 500)
        told = {"matcher_version": self.version}
        for category in ("cell_type", "species", "binding_molecule"):
            asked = body.get(f"{category}_requested")
            told[f"{category}_actual"] = asked and self.answers.get(asked, "NULL")
        return JSONResponse(told)


@pytest.fixture
def game():
    return GameMatcher()


# Which Matcher


def test_a_matcher_behind_a_url_gives_the_predictions_of_the_one_in_process(spec, tmp_path):
    """In worker processes too, and it tells how sure it is."""
    inside = one(tmp_path / "inside", spec, workers=1)
    with process(*CLI, "serve", "matcher", "--port", "0") as (_, url):
        alone = one(tmp_path / "alone", spec, workers=1, matcher=url)
        workers = one(tmp_path / "workers", spec, workers=2, matcher=f"{url}/")
    assert predictions(tmp_path / "alone") == predictions(tmp_path / "inside")
    assert predictions(tmp_path / "workers") == predictions(tmp_path / "inside")
    assert alone.predictions_digest == inside.predictions_digest
    assert alone.metrics == workers.metrics == inside.metrics
    assert told(alone) == told(workers) == told(inside)
    (term,) = told(alone)["terms"]
    assert term["actual"] == CELL
    assert 0.6 < term["confidence"] <= 1
    # Who answered is told, and is part of who the model is.
    assert alone.model == workers.model
    assert alone.model.notes[-1].endswith(f"matched by {told(inside)['matcher_version']} at {url}")
    assert alone.model.digest != inside.model.digest


def test_built_in_is_what_is_taken_where_nothing_is_said(spec, tmp_path):
    silent = one(tmp_path, spec, workers=1)
    named = one(tmp_path, spec, workers=1, matcher="builtin")
    assert named.model == silent.model
    assert named.started == silent.started, "computed once"


def test_none_refuses_terms_in_workers_too(spec, tmp_path):
    for workers in (1, 2):
        result = one(tmp_path / str(workers), spec, workers=workers, matcher="none")
        assert result.coverage.answered == 0
        assert "fit" not in result.settings
        assert result.model.digest == "d"


def test_one_of_its_own_is_kept_unless_another_is_asked_for(spec):
    class Own:
        version = "own-1"

        def match(self, category, term, choices):
            return choices[0]

    bare = load_model(spec)
    model = bare.with_matcher(Own())
    assert with_matcher(model, MatcherSetting()) is model
    built_in = with_matcher(model, MatcherSetting("builtin"))
    assert built_in.matcher.version.startswith("genomark-matcher-")
    none = with_matcher(model, MatcherSetting("none"))
    assert lacks_matcher(none)
    there = with_matcher(model, MatcherSetting(NOBODY, "Matcher_dev"))
    assert there.matcher.url == NOBODY
    # What is answered with is told once, and told apart.
    models = [bare, model, built_in, none, there]
    assert len({each.info.digest for each in models}) == 5
    assert [len(each.info.notes) for each in models] == [0, 1, 1, 1, 1]
    assert with_matcher(bare, MatcherSetting("none")) is bare


def test_the_url_is_part_of_who_answers(spec):
    model = load_model(spec)
    here, there = (
        with_matcher(model, MatcherSetting(f"http://127.0.0.1:{port}", "Matcher_dev"))
        for port in (8, 9)
    )
    assert here.info.digest != there.info.digest


def test_a_matcher_of_game_tells_no_confidence(spec, tmp_path, game):
    with listening(game.app) as url:
        result = one(tmp_path, spec, workers=1, matcher=url)
    assert told(result) == {
        "matcher_version": "Matcher_dev",
        "type_actual": ["CAGE"],
        "terms": [
            {
                "category": "cell_type",
                "requested": "simulated",
                "actual": CELL,
                "confidence": None,
            }
        ],
    }
    assert result.coverage.answered == 4


@pytest.mark.parametrize("status", [404, 405, 422])
def test_a_matcher_that_will_not_explain_is_asked_without(spec, tmp_path, status):
    game = GameMatcher(refuses=status)
    with listening(game.app) as url:
        result = one(tmp_path, spec, workers=1, matcher=url)
    assert told(result)["terms"][0]["actual"] == CELL
    # Once by the plan and once by the model, which remembers.
    assert game.asked == [
        (SPECIES, "explain=1"),
        (SPECIES, ""),
        ("simulated", "explain=1"),
        ("simulated", ""),
    ]


def test_what_is_no_matcher_is_refused_before_anything_is_asked(tmp_path):
    with pytest.raises(UsageError, match="expected http://HOST:PORT, builtin, or none"):
        results(tmp_path, "gc", matcher="127.0.0.1:8100")


def test_models_without_tracks_ask_nobody(tmp_path):
    assert one(tmp_path, "gc", workers=1, matcher=NOBODY).coverage.answered == 4


# What goes wrong


def test_nobody_there_is_one_line_and_ends_no_other_model(spec, tmp_path):
    found = results(tmp_path, spec, "gc", workers=1, matcher=NOBODY)
    (failed,) = found.failed
    assert failed.model == spec
    assert failed.reason.startswith("Failed to connect to remote Matcher: ")
    assert NOBODY in failed.reason
    assert "\n" not in failed.reason
    assert [result.model.id for result in found.results] == ["gc"]


def test_a_matcher_that_is_lost_on_the_way_is_an_error_and_never_no_match(spec, tmp_path, game):
    game.out_of_order = True
    with listening(game.app) as url:
        said = failure(tmp_path, spec, workers=1, matcher=url)
        assert f"Matcher {url} answered 500: " in said
        assert not predictions(tmp_path)
        # The same command goes on, with the same Matcher.
        game.out_of_order = False
        result = one(tmp_path, spec, workers=1, matcher=url)
    assert told(result)["terms"][0]["actual"] == CELL
    assert result.coverage.answered == 4


def test_a_run_that_goes_on_keeps_its_matcher_and_asks_nothing_twice(spec, tmp_path, game):
    with listening(game.app) as url:
        first = one(tmp_path, spec, workers=1, matcher=url)
        questions = len(game.asked)
        # As if it had been killed before the result was written.
        for file in (tmp_path / "results").rglob("*.json"):
            file.unlink()
        again = one(tmp_path, spec, workers=1, matcher=url)
        assert game.asked[questions:] == [(SPECIES, "explain=1")]
        assert (again.model, again.settings) == (first.model, first.settings)
        assert again.started == first.started, "the shards were not computed anew"
        # Another Matcher is another model, with files of its own.
        other = one(tmp_path, spec, workers=1)
    assert other.model.digest != first.model.digest
    assert told(other)["matcher_version"].startswith("genomark-matcher-")
    assert len(list((tmp_path / "predictions").iterdir())) == 2


def test_another_version_is_another_model(spec, tmp_path, game):
    with listening(game.app) as url:
        first = one(tmp_path, spec, workers=1, matcher=url)
        game.version, game.answers["simulated"] = "Matcher_next", "HepG2"
        second = one(tmp_path, spec, workers=1, matcher=url)
    assert first.model.digest != second.model.digest
    assert told(second)["terms"][0]["actual"] == "HepG2"
    assert first.predictions_digest != second.predictions_digest


@pytest.mark.parametrize("workers", [1, 2])
def test_a_version_that_changes_on_the_way_answers_nothing(spec, tmp_path, workers):
    """Else answers of one Matcher would be kept under the name of another."""

    class Changing(GameMatcher):
        async def match(self, request):
            answer = await super().match(request)
            self.version = "Matcher_next"
            return answer

    with listening(Changing().app) as url:
        said = failure(tmp_path, spec, workers=workers, matcher=url)
    assert f"Matcher {url} was Matcher_dev, and is Matcher_next now" in said


# Commands


def command(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "genomark", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_runs_with_the_matcher_it_is_given(spec, tmp_path, game):
    words = ("run", "-m", spec, "-b", "simulated-enhancers", "--limit", "4", "--workers", "1")
    with listening(game.app) as url:
        done = command(tmp_path, *words, "--matcher", url, "--json", "r.json")
    assert done.returncode == 0, done.stderr
    assert f"matched by Matcher_dev at {url}" in " ".join(done.stdout.split())
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert result["model"]["notes"][-1].endswith(f"matched by Matcher_dev at {url}")
    gone = command(tmp_path, *words, "--matcher", url)
    assert gone.returncode == 1
    assert "Failed to connect to remote Matcher" in " ".join(gone.stdout.split())
    assert "Traceback" not in gone.stdout + gone.stderr


@pytest.fixture
def sequences(tmp_path):
    file = tmp_path / "in.fa"
    file.write_text(">a\nACGG\n>b\nAAAA\n")
    return file


def answered(spec, sequences, capsys, cell_type="simulated", **how):
    predict([spec], sequences, cell_type=cell_type, species="synthetic", **how)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_predict_tells_which_term_was_taken_for_which(spec, sequences, capsys):
    out, err = answered(spec, sequences, capsys)
    # Three of the four bases are C or G, and the second track doubles them.
    assert out == "id,value\na,1.5\nb,0.0\n"
    found = Matcher().explain("cell_type", "simulated", ["HepG2", CELL])
    assert (
        f"cell_type 'simulated' was taken for '{CELL}' (confidence {found.confidence:.2f}), by "
        f"{Matcher().version}\n"
    ) in err


def test_predict_tells_nothing_of_terms_that_are_as_they_are(spec, sequences, capsys):
    out, err = answered(spec, sequences, capsys, "hepg2")
    assert out == "id,value\na,0.75\nb,0.0\n"
    assert "taken for" not in err


def test_predict_says_that_nothing_matches(spec, sequences, capsys):
    out, err = answered(spec, sequences, capsys, "asdfqwer")
    assert out == "id,value\na,\nb,\n"
    assert "cell_type 'asdfqwer' has no match (confidence " in err
    assert "2 of 2 have no answer" in err


def test_predict_takes_another_matcher_or_none(spec, sequences, capsys, game):
    with listening(game.app) as url:
        out, err = answered(spec, sequences, capsys, matcher=url)
    assert out == "id,value\na,1.5\nb,0.0\n"
    assert f"taken for '{CELL}' (no confidence told), by Matcher_dev" in err
    out, err = answered(spec, sequences, capsys, matcher="none")
    assert out == "id,value\na,\nb,\n"
    assert "taken for" not in err
    with pytest.raises(UsageError, match="expected http://HOST:PORT"):
        answered(spec, sequences, capsys, matcher="somewhere")


def test_predict_without_its_matcher_writes_nothing(spec, sequences, capsys, game):
    with pytest.raises(MatcherError, match="Failed to connect to remote Matcher"):
        answered(spec, sequences, capsys, matcher=NOBODY)
    game.out_of_order = True
    with (
        listening(game.app) as url,
        pytest.raises(UpstreamDependencyError, match="answered 500"),
    ):
        answered(spec, sequences, capsys, matcher=url)
    assert capsys.readouterr().out == ""
