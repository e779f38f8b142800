"""Predictors that exist: the public CpG one as it was recorded, and our own as they are served."""

# ruff: noqa: RUF012 - no toy changes what its class says

import base64
import json
import math
from pathlib import Path

import msgspec
import pytest
from public_cpg import PublicCpG
from toy_predictor import Toy, activity

from genomark.conformance import Options, check_predictor
from genomark.models import load_model
from genomark.protocol import READOUTS, BinSpan, PredictionFailedError
from genomark.serving import predictor_app

FILE = Path(__file__).parents[3] / "shared" / "golden" / "game_cpg.jsonl"
EXCHANGES = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.is_file() else []


def failures(report, level):
    return {e.id for e in report.outcomes if e.status == "fail" and e.level == level}


def without_predictions(answer):
    tasks = [{**task, "predictions": None} for task in answer.get("prediction_tasks", ())]
    return {**answer, "prediction_tasks": tasks}


@pytest.mark.parametrize("recorded", EXCHANGES, ids=lambda each: each["case"])
def test_the_stand_in_answers_what_the_public_predictor_answered(recorded):
    headers = {name.lower(): value for name, value in recorded["headers"].items()}
    body = base64.b64decode(recorded["body_base64"] or "")
    status, kind, content = PublicCpG().handle(recorded["method"], recorded["path"], headers, body)
    assert (status, kind) == (recorded["observed_status"], recorded["content_type"])
    if recorded["response"] is None or recorded["path"] == "/help":
        return
    answer = (msgspec.msgpack if "msgpack" in kind else msgspec.json).decode(content)
    if status == 200:
        wanted = recorded["response"]
        assert without_predictions(answer) == without_predictions(wanted)
        tasks = (each.get("prediction_tasks", ()) for each in (answer, wanted))
        for task, other in zip(*tasks, strict=True):
            assert task["predictions"].keys() == other["predictions"].keys()
            for name, values in task["predictions"].items():
                assert values == pytest.approx(other["predictions"][name], abs=1e-9)
    else:
        assert answer.keys() == recorded["response"].keys()
        assert {key for each in answer["error"] for key in each} == {
            key for each in recorded["response"]["error"] for key in each
        }


def test_the_public_cpg_predictor_fails_no_must_and_is_told_where_it_is_strict(village):
    report = check_predictor(village(PublicCpG()))
    assert failures(report, "MUST") == set()
    assert failures(report, "SHOULD") == {
        "1.2-unknown-path",
        "1.2-wrong-method",
        "1.3-type-charset",
        "1.3-type-missing",
        "1.5-schema-version",
        "2.3-flanked",
        "2.3-not-a-range",
        "2.3-null",
        "2.4-containers",
        "3.1-name-pattern",
    }
    assert report.predictor_name == "CpG Predictor"
    assert report.verdict == "conforms"


class BinnedLikeEnformer(Toy):
    """Bins of 128 bp, ends taken for exclusive, bare numbers, sorted keys, tasks that fail."""

    def span(self, sequence, limits):
        first, last = limits or (0, len(sequence))
        return BinSpan(first // 128, math.ceil(last / 128), first % 128)

    def track(self, sequence, limits):
        span = self.span(sequence, limits)
        values = [activity(sequence[i * 128 : (i + 1) * 128]) for i in range(span.first, span.last)]
        return values[0] if len(values) == 1 else values

    def interaction_matrix(self, sequence, limits):
        raise PredictionFailedError("Enformer cannot process 'interaction_matrix' readout type.")

    def task(self, task, request):
        answer = super().task(task, request)
        if task.cell_type == "K562":
            return {**answer, "cell_type_actual": "k562", "type_actual": ["ATAC", "DNASE"]}
        failed = dict.fromkeys(
            ("type_actual", "cell_type_actual", "scale_prediction_actual"), "N/A"
        )
        answer = {**answer, **failed, "predictions": {"error": "Request Error: none found."}}
        answer.pop("trim_upstream", None)
        return answer

    def predict(self, request):
        answer = {**super().predict(request), "bin_size": 128, "matcher_version": "N/A"}
        return json.loads(json.dumps(answer, sort_keys=True))


class MatricesLikeOrca(Toy):
    """Interaction matrices alone, of one length, on one scale, without ranges; msgpack-numpy."""

    help = {**Toy.help, "features": ["chromatin_conformation"], "cell_types": ["H1-ESC"]}

    def validated(self, raw):
        request = super().validated(raw)
        if request.readout != "interaction_matrix":
            raise PredictionFailedError("ORCA only supports readout = 'interaction_matrix'.")
        if any(request.prediction_ranges.values() if request.prediction_ranges else ()):
            raise PredictionFailedError("no prediction ranges")
        if any(len(each) != 600 for each in self.flanked(request).values()):
            raise PredictionFailedError("sequences of 600 bp only")
        return request

    def scale(self, task):
        return "log"


class GenerativeLikeEvo2(Toy):
    """A bare string for the type, whatever was asked for as what was predicted."""

    def task(self, task, request):
        answer = super().task(task, request)
        return {**answer, "type_actual": "NA", "cell_type_actual": task.cell_type}


@pytest.mark.parametrize(
    ("toy", "options", "readouts", "strict"),
    [
        (BinnedLikeEnformer, Options(), ["point", "track"], {"2.3-inclusive", "3.3-single-bin"}),
        (
            MatricesLikeOrca,
            Options(length=600),
            ["interaction_matrix"],
            {"3.4-scale-honoured"},
        ),
        (GenerativeLikeEvo2, Options(), [*READOUTS], {"3.2-type-array"}),
    ],
)
def test_what_published_predictors_do_fails_no_must(village, toy, options, readouts, strict):
    report = check_predictor(village(toy()), options)
    assert failures(report, "MUST") == set()
    assert failures(report, "SHOULD") == strict
    assert report.asked.readouts == readouts


@pytest.mark.parametrize("spec", ["cpg", "gc"])
def test_our_own_models_keep_every_rule(served, spec):
    with served(predictor_app(load_model(spec))) as address:
        report = check_predictor(address)
    assert failures(report, "MUST") == set()
    assert failures(report, "SHOULD") == set()
    strands, shift = report.measurements
    # Both count what is the same on both strands.
    assert strands.correlation == pytest.approx(1)
    assert strands.mean_difference == pytest.approx(0, abs=1e-12)
    assert 0.9 < shift.correlation < 1


def test_the_kmer_model_keeps_every_must(served, real_data):
    real_data("lentimpra_k562_sample", "sample_train.txt")
    with served(predictor_app(load_model("kmer:k=5"))) as address:
        report = check_predictor(address)
    assert failures(report, "MUST") == set()
