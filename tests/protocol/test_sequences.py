import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genomark.protocol import PredictionFailedError, PredictRequest, prepared_sequences
from genomark.protocol.sequences import crop

# A busy machine is no fault of the code.
relaxed = settings(deadline=None)

letters = st.text("ACGTNacgtn", min_size=1, max_size=60)


@st.composite
def sequence_and_range(draw):
    sequence = draw(letters)
    start = draw(st.integers(0, len(sequence) - 1))
    return sequence, [start, draw(st.integers(start, len(sequence) - 1))]


def asking(sequences, **more):
    return PredictRequest("point", [], sequences, **more)


def faults_of(sequences, **more):
    with pytest.raises(PredictionFailedError) as caught:
        prepared_sequences(asking(sequences, **more))
    assert caught.value.http_status == 422
    return caught.value.messages


@relaxed
@given(sequence_and_range())
def test_a_range_holds_both_of_its_ends(case):
    sequence, (start, end) = case
    expected = "".join(sequence[position] for position in range(start, end + 1))
    assert crop(sequence, [start, end]) == expected
    assert len(expected) == end - start + 1


@relaxed
@given(letters)
def test_no_range_and_an_empty_range_mean_the_whole_sequence(sequence):
    assert crop(sequence, None) == crop(sequence, []) == sequence


@relaxed
@given(letters, st.data())
def test_adjacent_ranges_put_together_give_the_sequence_back(sequence, data):
    inner = st.integers(1, max(len(sequence) - 1, 1))
    cuts = sorted(data.draw(st.sets(inner, max_size=6)) if len(sequence) > 1 else set())
    starts = [0, *cuts]
    ends = [*(cut - 1 for cut in cuts), len(sequence) - 1]
    pieces = [crop(sequence, [start, end]) for start, end in zip(starts, ends, strict=True)]
    assert "".join(pieces) == sequence


@relaxed
@given(letters, st.text("ACGTN", max_size=20), st.text("ACGTN", max_size=20), st.data())
def test_ranges_count_in_the_flanked_sequence(sequence, upstream, downstream, data):
    flanked = upstream + sequence + downstream
    start = data.draw(st.integers(0, len(flanked) - 1))
    end = data.draw(st.integers(start, len(flanked) - 1))
    request = asking(
        {"s": sequence},
        upstream_seq=upstream,
        downstream_seq=downstream,
        prediction_ranges={"s": [start, end]},
    )
    assert prepared_sequences(request) == {"s": flanked[start : end + 1].upper()}


@relaxed
@given(letters, st.text("ACGTN", max_size=20), st.integers(0, 10**30), st.integers(0, 80))
def test_a_range_past_the_end_is_told_with_the_length_that_counts(
    sequence, downstream, past, start
):
    length = len(sequence + downstream)
    assume(start <= length + past)
    messages = faults_of(
        {"s": sequence},
        downstream_seq=downstream,
        prediction_ranges={"s": [start, length + past]},
    )
    assert messages == [
        "Invalid range for 's': index is out of bounds. "
        f"The maximum valid index for a sequence of length {length} is {length - 1}."
    ]


def test_the_last_base_is_in_bounds_and_the_next_is_not():
    assert prepared_sequences(asking({"s": "ACGT"}, prediction_ranges={"s": [3, 3]})) == {"s": "T"}
    assert faults_of({"s": "ACGT"}, prediction_ranges={"s": [3, 4]}) == [
        "Invalid range for 's': index is out of bounds. "
        "The maximum valid index for a sequence of length 4 is 3."
    ]


@relaxed
@given(st.dictionaries(st.text(), letters, max_size=10))
def test_sequences_come_in_the_order_of_the_request_and_in_upper_case(sequences):
    prepared = prepared_sequences(asking(sequences))
    assert list(prepared.items()) == [(name, each.upper()) for name, each in sequences.items()]


def test_flanks_are_put_before_and_after_every_sequence():
    request = asking({"a": "CC", "b": "GG"}, upstream_seq="aa", downstream_seq="Tt")
    assert prepared_sequences(request) == {"a": "AACCTT", "b": "AAGGTT"}


def test_an_empty_sequence_is_a_fault_though_its_flanks_are_not_empty():
    assert faults_of({"s": ""}, upstream_seq="ACGT") == ["sequence 's' is empty"]


def test_strange_letters_are_named_each_once_in_order():
    assert faults_of({"s1": "ACGX-X"}) == ["sequence 's1' has invalid character(s): {'-', 'X'}"]


@pytest.mark.parametrize("letter", ["U", "R", "*", " ", "\n", "é", "Ａ", "\x00", "\ud800", "🧬"])
def test_a_letter_outside_the_alphabet_is_a_fault_in_sequence_and_flank(letter):
    expected = [f"sequence 's' has invalid character(s): {{{letter!r}}}"]
    assert faults_of({"s": f"AC{letter}GT"}) == expected
    assert faults_of({"s": "ACGT"}, upstream_seq=letter) == expected
    assert faults_of({"s": "ACGT"}, downstream_seq=letter) == expected


def test_a_strange_letter_outside_the_range_is_a_fault_too():
    assert faults_of({"s": "ACGTX"}, prediction_ranges={"s": [0, 1]}) == [
        "sequence 's' has invalid character(s): {'X'}"
    ]


def test_all_faults_are_told_at_once_and_good_sequences_are_not_mentioned():
    sequences = {"bad": "AXC", "good": "ACGT", "none": "", "short": "AC"}
    ranges = {"bad": [], "good": [0, 3], "none": [], "short": [0, 2]}
    assert faults_of(sequences, prediction_ranges=ranges) == [
        "sequence 'bad' has invalid character(s): {'X'}",
        "sequence 'none' is empty",
        "Invalid range for 'short': index is out of bounds. "
        "The maximum valid index for a sequence of length 2 is 1.",
    ]


def test_no_sequences_are_no_fault():
    assert prepared_sequences(asking({}, upstream_seq="X")) == {}
