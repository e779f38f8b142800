"""Edits of references: what they stand for, on both sides of the wire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.protocol import (
    JSON,
    MSGPACK,
    BadRequestError,
    Edit,
    EditedSequences,
    PredictionFailedError,
    PredictionTask,
    PredictRequest,
    asked_sequences,
    bodies,
    decode,
    decode_request,
    encode,
    encode_request,
    sequence_length,
    some_sequences,
    total_letters,
    validate_request,
)

TASK = PredictionTask("t", "expression", "K562", "homo_sapiens", "linear")
REFERENCE = "ACGTACGTAC"
letters = st.text("ACGTN", max_size=12)
kinds = pytest.mark.parametrize("kind", [JSON, MSGPACK])


def request(sequences: Any, **more: Any) -> PredictRequest:
    return PredictRequest("point", [TASK], sequences, **more)


def edited(*changes: tuple[int, int, str], reference: str = REFERENCE) -> EditedSequences:
    return EditedSequences({"r": reference}, {"s": Edit("r", changes)})


def by_hand(reference: str, changes: Any) -> str:
    """Apply changes from the last to the first, so that none moves another."""
    for start, end, new in reversed(changes):
        reference = reference[:start] + new + reference[end:]
    return reference


@st.composite
def changes_of(draw: st.DrawFn, reference: str) -> tuple[tuple[int, int, str], ...]:
    cuts = sorted(draw(st.lists(st.integers(0, len(reference)), max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return tuple((start, end, draw(letters)) for start, end in pairs)


@st.composite
def many(draw: st.DrawFn) -> EditedSequences:
    names = st.text(max_size=4)
    references = draw(st.dictionaries(names, st.text("ACGTN", min_size=1), max_size=3))
    edits = {}
    if references:
        for name in draw(st.lists(names, unique=True, max_size=5)):
            of = draw(st.sampled_from(sorted(references)))
            edits[name] = Edit(of, draw(changes_of(references[of])))
    whole = draw(st.dictionaries(names.filter(lambda name: name not in edits), letters, max_size=3))
    return EditedSequences(references, edits, whole)


# --- what an edit is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), "ACGTACGTAC"),
        (((0, 1, "T"),), "TCGTACGTAC"),
        (((4, 4, "NNN"),), "ACGTNNNACGTAC"),
        (((2, 9, ""),), "ACC"),
        (((0, 0, "G"), (10, 10, "G")), "GACGTACGTACG"),
        (((1, 3, "TTTT"), (3, 3, "A"), (8, 10, "")), "ATTTTATACGT"),
        (((0, 10, ""),), ""),
    ],
    ids=["none", "substitution", "insertion", "deletion", "both ends", "touching", "all gone"],
)
def test_an_edit_is_its_reference_with_the_changes(changes: Any, expected: str) -> None:
    sequences = edited(*changes)
    assert sequences["s"] == expected
    assert sequences.length("s") == len(expected)


@given(st.data())
def test_any_edit_is_what_slicing_by_hand_gives(data: st.DataObject) -> None:
    reference = data.draw(st.text("ACGTN", min_size=1, max_size=40))
    changes = data.draw(changes_of(reference))
    sequences = edited(*changes, reference=reference)
    assert sequences["s"] == by_hand(reference, changes)
    assert sequences.length("s") == len(by_hand(reference, changes))


@given(many())
def test_it_is_a_mapping_like_the_dict_of_what_it_stands_for(sequences: EditedSequences) -> None:
    whole = dict(sequences)
    assert list(sequences) == list(whole)
    assert list(sequences.items()) == list(whole.items())
    assert len(sequences) == len(whole)
    assert sequences == whole
    assert all(name in sequences for name in whole)
    assert "not there" not in sequences
    with pytest.raises(KeyError):
        sequences["not there"]
    assert total_letters(sequences) == total_letters(whole) == sum(map(len, whole.values()))
    assert [sequence_length(sequences, name) for name in whole] == list(map(len, whole.values()))


@given(many(), st.data())
def test_some_of_it_holds_no_reference_that_is_not_needed(
    sequences: EditedSequences, data: st.DataObject
) -> None:
    names = [name for name in sequences if data.draw(st.booleans())]
    some = some_sequences(sequences, names)
    assert isinstance(some, EditedSequences)
    assert dict(some) == {name: sequences[name] for name in names}
    assert set(some.references) == {edit.of for edit in some.edits.values()}
    # Shared, not copied.
    assert all(some.references[name] is sequences.references[name] for name in some.references)


def test_nothing_is_built_to_look_at_names_and_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = edited((1, 2, "G"))

    def refuse(self: object, name: str) -> str:
        raise AssertionError("a sequence was built")

    monkeypatch.setattr(EditedSequences, "__getitem__", refuse)
    assert list(sequences) == ["s"]
    assert "s" in sequences
    assert total_letters(sequences) == 10
    asked = asked_sequences(request(sequences, prediction_ranges={"s": [2, 4]}))
    assert (asked["s"].start, asked["s"].length, asked["s"].total) == (2, 3, 10)
    encode_request(request(sequences.some(["s"])), JSON, edits=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (((8, 11, "A"),), r"change \[8, 11, 1 letters\] is not within 'r', which has 10 letters"),
        (((-1, 2, ""),), r"change \[-1, 2, 0 letters\] is not within 'r'"),
        (((5, 4, ""),), r"change \[5, 4, 0 letters\] is not within 'r'"),
        (((2, 6, ""), (5, 7, "")), r"change \[5, 7, 0 letters\] overlaps .* ends at 6"),
        (((5, 6, ""), (0, 1, "")), r"change \[0, 1, 0 letters\] overlaps .* out of order"),
    ],
    ids=["past the end", "before the start", "backwards", "overlapping", "out of order"],
)
def test_changes_that_do_not_fit_are_told(changes: Any, message: str) -> None:
    with pytest.raises(BadRequestError, match=rf"^edit 's': {message}"):
        edited(*changes)


def test_every_fault_is_told_at_once() -> None:
    edits = {"a": Edit("nowhere"), "b": Edit("r", ((0, 99, ""),)), "c": Edit("r")}
    with pytest.raises(BadRequestError) as caught:
        EditedSequences({"r": "ACGT"}, edits, {"c": "A"})
    assert caught.value.messages == [
        "edit 'a' is of 'nowhere', which is not among the references",
        "edit 'b': change [0, 99, 0 letters] is not within 'r', which has 4 letters",
        "sequence 'c' is there twice, whole and as an edit",
    ]


# --- over the wire -------------------------------------------------------------------------------


@kinds
@settings(max_examples=50)
@given(sequences=many())
def test_a_request_with_edits_is_read_as_it_was_written(
    kind: str, sequences: EditedSequences
) -> None:
    asked = request(sequences)
    if all(sequences.values()):
        asked = request(sequences, prediction_ranges={key: [] for key in sequences})
    body = encode_request(asked, kind, edits=True)
    read = validate_request(decode(body, kind))
    assert read == asked
    assert dict(read.sequences) == dict(sequences)


@kinds
@settings(max_examples=50)
@given(sequences=many())
def test_who_knows_no_edits_is_sent_whole_copies(kind: str, sequences: EditedSequences) -> None:
    asked = request(sequences)
    plain = encode(request(dict(sequences)), kind)
    assert encode_request(asked, kind, edits=False) == encode(asked, kind) == plain


def test_on_the_wire_it_is_references_and_edits() -> None:
    sequences = EditedSequences({"r": "ACGT"}, {"s": Edit("r", ((1, 2, "TT"),))}, {"w": "GG"})
    asked = request(sequences, prediction_ranges={"w": [], "s": [0, 1]}, upstream_seq="A")
    assert decode(encode_request(asked, JSON, edits=True), JSON) == {
        "readout": "point",
        "prediction_tasks": [msgspec.to_builtins(TASK)],
        "references": {"r": "ACGT"},
        "edits": {"s": {"of": "r", "changes": [[1, 2, "TT"]]}},
        "sequences": {"w": "GG"},
        "prediction_ranges": {"w": [], "s": [0, 1]},
        "upstream_seq": "A",
    }


@kinds
def test_a_plain_request_is_the_same_on_either_wire(kind: str) -> None:
    asked = request({"s": "ACGT"})
    assert encode_request(asked, kind, edits=True) == encode(asked, kind)


@kinds
def test_a_long_body_of_edits_is_read_as_a_short_one_would_be(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = {f'e"{i}[': Edit("r", ((i, i + 1, "T"), (i + 2, i + 2, "GG"))) for i in range(300)}
    asked = request(EditedSequences({"r": "ACGT" * 100}, edits, {"w": "GG"}))
    body = encode_request(asked, kind, edits=True)
    plain = validate_request(decode(body, kind))
    monkeypatch.setattr(bodies, "_SHORT", 200)
    read = validate_request(decode_request(body, kind, 1000))
    assert read == plain == asked


@kinds
@pytest.mark.parametrize("n_changes", [0, 3])
def test_a_long_body_of_too_many_edits_or_changes_is_refused_before_they_are_read(
    kind: str, n_changes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_SHORT", 200)
    n_edits = 300 if n_changes == 0 else 60
    edits = {f"e{i}": Edit("r", ((0, 0, ""),) * 2 * n_changes) for i in range(n_edits)}
    body = encode_request(request(EditedSequences({"r": "A"}, edits)), kind, edits=True)
    with pytest.raises(BadRequestError, match=r"changes|sequences in one request") as caught:
        decode_request(body, kind, 50)
    assert caught.value.http_status == 413


@kinds
@pytest.mark.parametrize(
    "edit", [{"of": "r"}, {"of": 1, "changes": []}, {"of": "r", "changes": [[0, 1, "", []]]}, 3]
)
def test_a_long_body_with_something_else_for_an_edit_is_refused(
    kind: str, edit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_SHORT", 200)
    raw = msgspec.to_builtins(request({})) | {"references": {"r": "A" * 200}, "edits": {"s": edit}}
    with pytest.raises(BadRequestError, match="cannot be read") as caught:
        decode_request(encode(raw, kind), kind, 50)
    assert caught.value.http_status == 400


# --- validation ----------------------------------------------------------------------------------


def faults_of(**more: Any) -> list[str]:
    raw = msgspec.to_builtins(request({})) | more
    with pytest.raises(BadRequestError) as caught:
        validate_request(raw)
    assert caught.value.http_status == 400
    return caught.value.messages


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"edits": []}, "'edits' must be an object of sequence ids and edits"),
        ({"edits": {}, "references": 1}, "'references' must be an object of names and sequences"),
        ({"edits": {}, "references": {"r": 1}}, "reference 'r' value should be a string"),
        ({"edits": {"s": "r"}}, "edit 's' must be an object with 'of' and 'changes'"),
        ({"edits": {"s": {"of": "r"}}}, "edit 's' must be an object with 'of' and 'changes'"),
        (
            {"edits": {"s": {"of": 1, "changes": []}}},
            "'of' of edit 's' must be the name of a reference",
        ),
        (
            {"edits": {"s": {"of": "r", "changes": 5}}},
            "'changes' of edit 's' must be a list",
        ),
        (
            {"edits": {"s": {"of": "r", "changes": [[0, True, ""]]}}},
            "Every change of edit 's' must be a list of start, end and letters",
        ),
        (
            {"edits": {"s": {"of": "r", "changes": []}}},
            "edit 's' is of 'r', which is not among the references",
        ),
        (
            {"references": {"r": "A"}, "edits": {"s": {"of": "r", "changes": [[0, 2, ""]]}}},
            "edit 's': change [0, 2, 0 letters] is not within 'r', which has 1 letters",
        ),
    ],
)
def test_faulty_edits_are_told_in_one_message_a_fault(more: Any, message: str) -> None:
    assert faults_of(**more) == [message]


def test_keys_of_that_name_mean_nothing_without_edits() -> None:
    raw = msgspec.to_builtins(request({"s": "ACGT"})) | {"references": ["a paper"]}
    assert validate_request(raw) == request({"s": "ACGT"})


def test_ranges_have_the_ids_of_edits_too() -> None:
    more = {
        "sequences": {"w": "GG"},
        "references": {"r": "ACGT"},
        "edits": {"s": {"of": "r", "changes": []}, "gone": {"of": "r", "changes": [[0, 4, ""]]}},
    }
    assert faults_of(**more, prediction_ranges={"w": [], "s": []}) == [
        "sequence ids in prediction_ranges do not match those in sequences"
    ]
    assert faults_of(**more, prediction_ranges={"w": [], "s": [3, 1], "gone": []}) == [
        "Invalid range for 's' in 'prediction_ranges': start index (3) cannot be greater than "
        "end index (1). Received [3, 1]",
        "Invalid range for 'gone': cannot specify a range for a non-existent or empty sequence.",
    ]


# --- what a model sees ---------------------------------------------------------------------------


@given(many(), letters, letters)
def test_a_model_sees_what_it_would_see_of_whole_copies(
    sequences: EditedSequences, upstream: str, downstream: str
) -> None:
    flanks = {"upstream_seq": upstream.lower(), "downstream_seq": downstream}
    outcomes = []
    for each in (sequences, dict(sequences)):
        try:
            asked = asked_sequences(request(each, **flanks))
        except PredictionFailedError as error:
            outcomes.append(error.messages)
        else:
            outcomes.append(
                {n: (a.sequence, a.cropped, a.start, a.length, a.total) for n, a in asked.items()}
            )
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("reference", "change"),
    [("ACXT", (0, 1, "G")), ("ACXT", (2, 3, "G")), ("ACGT", (0, 0, "é-")), ("ACGT", (0, 4, ""))],
    ids=["in the reference", "in the reference, gone", "in the change", "empty"],
)
def test_strange_letters_are_told_as_of_whole_copies(
    reference: str, change: tuple[int, int, str]
) -> None:
    sequences = edited(change, reference=reference)
    told = []
    for each in (sequences, dict(sequences)):
        try:
            told.append(asked_sequences(request(each))["s"].sequence)
        except PredictionFailedError as error:
            told.append(str(error))
    assert told[0] == told[1]


def test_a_range_beyond_an_edit_is_told_with_its_length() -> None:
    sequences = edited((0, 3, ""))
    with pytest.raises(PredictionFailedError, match="a sequence of length 9 is 8"):
        asked_sequences(request(sequences, upstream_seq="GG", prediction_ranges={"s": [0, 9]}))


# --- strange letters -----------------------------------------------------------------------------


def messages_of(sequences: Any, **more: Any) -> list[str]:
    with pytest.raises(PredictionFailedError) as caught:
        asked_sequences(request(sequences, **more))
    return list(caught.value.messages)


@given(st.data())
def test_faults_of_edits_are_those_of_whole_copies(data: st.DataObject) -> None:
    kind = st.text("ACgtNXé-", min_size=1, max_size=15)
    reference = data.draw(kind)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reference)), max_size=6)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    changes = tuple((start, end, data.draw(st.text("ACTX", max_size=3))) for start, end in pairs)
    sequences = edited(*changes, reference=reference)
    flanks = {"upstream_seq": data.draw(st.sampled_from(["", "AC", "Z"])), "downstream_seq": "T"}
    outcomes = []
    for each in (sequences, dict(sequences)):
        try:
            found = asked_sequences(request(each, **flanks))
            outcomes.append({name: asked.sequence for name, asked in found.items()})
        except PredictionFailedError as error:
            outcomes.append(list(error.messages))
    assert outcomes[0] == outcomes[1]


def test_edits_that_take_out_all_strange_letters_are_not_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sequences = edited((1, 2, "G"), (4, 7, ""), reference="AXCGéX-TTT")

    def refuse(self: object, name: str) -> str:
        raise AssertionError("a sequence was built")

    with monkeypatch.context() as patch:
        patch.setattr(EditedSequences, "__getitem__", refuse)
        found = asked_sequences(request(sequences))
    assert found["s"].sequence == "AGCGTTT"


def test_a_hundred_faults_of_edits_are_told_and_no_further_edit_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sequences = EditedSequences(
        {"r": "ACXT"}, {f"s{at}": Edit("r", ((0, 1, "G"),)) for at in range(400)}
    )
    built = []
    original = EditedSequences.__getitem__

    def count(self: EditedSequences, name: str) -> str:
        built.append(name)
        return original(self, name)

    monkeypatch.setattr(EditedSequences, "__getitem__", count)
    told = messages_of(sequences)
    assert len(built) == 100
    assert told[:100] == [
        f"sequence 's{at}' has invalid character(s): {{'X'}}" for at in range(100)
    ]
    assert told[100:] == ["and 300 more edits were not looked at"]


def test_whole_sequences_are_all_told() -> None:
    assert len(messages_of({f"s{at}": "X" for at in range(300)})) == 300
