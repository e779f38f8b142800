"""``--isolate``: whose code is put in a sandbox, and what a run makes of one that misbehaves."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

import genomark
from genomark.cli.app import app
from genomark.errors import UsageError

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")

MODEL = """
from pathlib import Path


def predict(sequences):
    return [float(s.count("A")) for s in sequences]


def curious(sequences):
    return [float(len(Path({place!r}).read_text()))] * len(sequences)
"""


@pytest.fixture
def stranger(tmp_path):
    folder = tmp_path / "stranger"
    folder.mkdir()
    (tmp_path / "secret").write_text("the answers")
    (folder / "model.py").write_text(MODEL.format(place=str(tmp_path / "secret")))
    return folder / "model.py"


def test_the_one_that_looks_where_it_must_not_fails_and_the_others_have_their_results(
    stranger, tmp_path
):
    written = tmp_path / "r.json"
    models = [f"py:{stranger}:predict", f"py:{stranger}:curious", "gc"]
    done = CliRunner().invoke(
        app,
        [
            *("run", "--isolate", "--isolate-memory-gb", "2", "-b", "simulated-enhancers"),
            *(word for model in models for word in ("-m", model)),
            *("--out", str(tmp_path / "r"), "--json", str(written), "--workers", "1"),
        ],
    )
    assert done.exit_code == 1, done.output
    document = json.loads(written.read_text())
    assert {each["model"]["id"] for each in document["results"]} == {models[0], "gc"}
    (failed,) = document["failed"]
    assert failed["model"] == f"isolated:memory_gb=2:{models[1]}"
    assert "No such file" in failed["reason"]


def test_answers_are_those_of_the_same_code_outside(stranger, tmp_path):
    spec = f"py:{stranger}:predict"
    asked = {"benchmarks": "simulated-enhancers", "progress": False, "workers": 1}
    inside = genomark.run(spec, out=tmp_path / "a", isolate=True, **asked)
    outside = genomark.run(spec, out=tmp_path / "b", **asked)
    assert inside.results[0].predictions_digest == outside.results[0].predictions_digest
    assert inside.results[0].metrics == outside.results[0].metrics
    assert inside.results[0].model.digest != outside.results[0].model.digest


def test_results_are_not_kept_where_the_model_would_see_them(stranger, tmp_path):
    with pytest.raises(UsageError, match=r"would see the results in .* choose another folder"):
        genomark.run(
            f"py:{stranger}:predict",
            "simulated-enhancers",
            out=stranger.parent / "results",
            isolate=True,
        )


def test_what_is_in_this_process_cannot_be_isolated(tmp_path):
    with pytest.raises(UsageError, match="cannot be isolated: give it as py:"):
        genomark.run([len], "simulated-enhancers", out=tmp_path, isolate=True)


def test_a_limit_of_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="isolate them"):
        genomark.run("gc", "simulated-enhancers", out=tmp_path, isolate_memory_gb=4.0)
