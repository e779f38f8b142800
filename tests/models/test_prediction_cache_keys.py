"""What an answer is found by."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import numpy as np
import pytest

from genomark.models import prediction_cache_keys
from genomark.models.composition import gc
from genomark.models.prediction_cache_keys import (
    computed_by,
    letters_of_keys,
    position_keys,
    request_digest,
    sequence_keys,
    wording_digest,
)
from genomark.models.remote import RemotePredictor
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.protocol import Edit, EditedSequences, PredictionTask, PredictRequest
from genomark.scoring import ModelIdentity

TASK = PredictionTask("t", "expression", "K562", "homo_sapiens")


def request(sequences: Any, **more: Any) -> PredictRequest:
    return PredictRequest("point", [TASK], sequences, **more)


@pytest.mark.parametrize(
    ("sequence", "refget"),
    [
        # GA4GH VRS 1.3, "Truncated Digest (sha512t24u)".
        ("", "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc"),
        ("ACGT", "aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"),
    ],
)
def test_a_sequence_goes_by_its_refget_digest(sequence: str, refget: str) -> None:
    (key,) = sequence_keys(request({"a": sequence}))
    assert base64.urlsafe_b64encode(key).decode() == refget


def test_equal_sequences_have_one_key_and_others_another() -> None:
    keys = sequence_keys(request({"a": "ACGT", "b": "ACGT", "c": "acgt", "d": "ACGTA"}))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_range_is_part_of_a_key_and_one_of_all_is_none() -> None:
    sequences = dict.fromkeys("abcde", "ACGTACGT")
    ranges = {"a": [0, 3], "b": [0, 4], "c": [0, 3], "d": []}
    a, b, c, d, e = sequence_keys(request(sequences, prediction_ranges=ranges))
    assert a == c
    assert len({a, b, d}) == 3
    assert d == e == sequence_keys(request({"x": "ACGTACGT"}))[0]


def test_an_edit_goes_by_its_reference_and_changes_and_is_not_built() -> None:
    class Unbuilt(EditedSequences):
        def __getitem__(self, name: str) -> str:
            raise AssertionError(f"{name} was built")

    references = {"r": "ACGTACGT", "same": "ACGTACGT", "other": "ACGTACGA"}
    edits = {
        "a": Edit("r", ((1, 2, "T"),)),
        "b": Edit("same", ((1, 2, "T"),)),
        "c": Edit("r", ((1, 2, "G"),)),
        "d": Edit("other", ((1, 2, "T"),)),
        "e": Edit("r"),
    }
    asked = request(Unbuilt(references, edits, {"w": "ACGTACGT"}))
    w, a, b, c, d, e = sequence_keys(asked)
    assert a == b
    assert len({w, a, c, d, e}) == 5
    assert w == sequence_keys(request({"x": "ACGTACGT"}))[0]
    assert letters_of_keys(asked) == 32


def test_letters_of_whole_sequences_are_counted() -> None:
    assert letters_of_keys(request({"a": "ACGT", "b": "AC"})) == 6


def test_the_wording_is_all_but_sequences_and_names_of_tasks() -> None:
    base = request({"a": "ACGT"})
    same = [
        request({"b": "AC"}, prediction_ranges={"b": [0, 1]}),
        PredictRequest("point", [msgspec.structs.replace(TASK, name="u")], {"a": "ACGT"}),
    ]
    others = [
        PredictRequest("track", [TASK], {"a": "ACGT"}),
        PredictRequest("point", [TASK, TASK], {"a": "ACGT"}),
        request({"a": "ACGT"}, upstream_seq="A"),
        request({"a": "ACGT"}, downstream_seq="A"),
        *(
            PredictRequest("point", [msgspec.structs.replace(TASK, **change)], {"a": "ACGT"})
            for change in (
                {"type": "accessibility"},
                {"cell_type": "HepG2"},
                {"species": "mus_musculus"},
                {"scale": "log"},
                {"scale": "linear"},
            )
        ),
    ]
    assert {wording_digest(each, "c") for each in same} == {wording_digest(base, "c")}
    assert len({wording_digest(each, "c") for each in [base, *others]}) == len(others) + 1


def test_a_whole_request_is_all_of_it() -> None:
    def digest(asked: PredictRequest) -> str:
        return request_digest(asked, sequence_keys(asked), "c")

    base = {"a": "ACGT", "b": "AC"}
    others = [
        request({"b": "AC", "a": "ACGT"}),
        request({"x": "ACGT", "b": "AC"}),
        request({"a": "ACGT", "b": "AG"}),
        request({"a": "ACGT"}),
        request(base, prediction_ranges={"a": [0, 1]}),
        request(base, upstream_seq="A"),
        PredictRequest("point", [msgspec.structs.replace(TASK, name="u")], base),
    ]
    assert digest(request(base)) == digest(request(dict(base)))
    assert len({digest(each) for each in [request(base), *others]}) == len(others) + 1
    assert digest(request(base)) != wording_digest(request(base), "c")


def test_what_computes_is_part_of_what_is_asked() -> None:
    asked = request({"a": "ACGT"})
    keys = sequence_keys(asked)
    assert wording_digest(asked, "c") != wording_digest(asked, "d")
    assert request_digest(asked, keys, "c") != request_digest(asked, keys, "d")


def test_another_machine_or_another_numpy_computes_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {computed_by(gc()), computed_by(another())}
    assert len(found) == 1
    with monkeypatch.context() as patch:
        patch.setattr(prediction_cache_keys.platform, "machine", lambda: "another")
        found.add(computed_by(gc()))
    for package in ("numpy", "torch"):
        released = prediction_cache_keys._release
        with monkeypatch.context() as patch:
            patch.setattr(
                prediction_cache_keys,
                "_release",
                lambda name, package=package, released=released: (
                    "0" if name == package else released(name)
                ),
            )
            found.add(computed_by(gc()))
    assert len(found) == 4
    assert prediction_cache_keys._release("numpy") == np.__version__
    assert prediction_cache_keys._release("no-such-package") is None


def another() -> SequencePredictor:
    return SequencePredictor(
        info=ModelIdentity(id="m", version="1", digest="1" * 32),
        predictor_name="m",
        readouts={"point": Readout(lambda s: [0.0 for _ in s], "log")},
    )


def test_a_server_goes_by_its_address_and_name_and_not_by_what_is_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def served(url: str, name: str) -> str:
        model = RemotePredictor(url)
        # What /help would have said.
        model.said = {"predictor_name": name, "model_digest": "d"}
        return computed_by(model)

    found = [served("http://a:1", "p"), served("http://a:2", "p"), served("http://a:1", "q")]
    assert len(set(found)) == 3
    monkeypatch.setattr(prediction_cache_keys.platform, "machine", lambda: "another")
    assert served("http://a:1/", "p") == found[0]


def test_keys_by_place_differ() -> None:
    keys = position_keys(1000)
    assert len(set(keys)) == 1000
    assert {len(key) for key in keys} == {24}
