"""Bases as codes and as channels, against letters looked up one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.genome import reverse_complement
from genomark.datasets.letters import encode_bases, letters_of, one_hot, reverse_complements

#: Bases, RNA, small letters, ambiguity codes, what is no letter, and what is not ASCII.
ANYTHING = "ACGTUNacgtunRYSWx-.?\x00\x7f\xc4\u0391\U0001f9ec"
anything = st.lists(st.text(ANYTHING, max_size=40), max_size=6)


def code(letter: str) -> int:
    return {"A": 0, "C": 1, "G": 2, "T": 3, "U": 3}.get(letter, 4)


def naive_one_hot(sequences: list[str], length: int) -> list[list[list[int]]]:
    return [
        [
            [int(code(letter) == channel) for channel in range(4)]
            for letter in sequence[:length].ljust(length, "N")
        ]
        for sequence in sequences
    ]


@given(st.lists(st.text("ACGTN", max_size=30), max_size=8))
def test_each_sequence_lies_between_its_offsets(sequences: list[str]) -> None:
    codes, offsets = encode_bases(sequences)
    assert codes.dtype == np.uint8
    assert offsets.dtype == np.int64
    assert len(offsets) == len(sequences) + 1
    decoded = [
        "".join("ACGTN"[code] for code in codes[start:end])
        for start, end in itertools.pairwise(offsets)
    ]
    assert decoded == sequences


@given(anything)
def test_letters_are_ascii_and_none_is_lost(sequences: list[str]) -> None:
    letters, offsets = letters_of(sequences)
    assert np.diff(offsets).tolist() == [len(sequence) for sequence in sequences]
    expected = "".join(sequences).encode("ascii", "replace")
    assert letters.tobytes() == expected


@given(anything)
def test_codes_are_those_of_the_letters(sequences: list[str]) -> None:
    codes, offsets = encode_bases(sequences)
    assert codes.tolist() == [code(letter) for letter in "".join(sequences)]
    assert offsets[-1] == codes.size


@given(anything)
def test_small_letters_are_bases_only_where_it_is_said(sequences: list[str]) -> None:
    codes, _ = encode_bases(sequences, any_case=True)
    # Not `upper()`, which makes two letters of some.
    assert codes.tolist() == [
        code(chr(ord(letter) - 32) if "a" <= letter <= "z" else letter)
        for letter in "".join(sequences)
    ]


def test_every_byte_has_its_code() -> None:
    every = "".join(map(chr, range(128)))
    known = {"A": 0, "C": 1, "G": 2, "T": 3, "U": 3}
    assert encode_bases([every])[0].tolist() == [known.get(letter, 4) for letter in every]
    known |= {letter.lower(): number for letter, number in known.items()}
    assert encode_bases([every], any_case=True)[0].tolist() == [
        known.get(letter, 4) for letter in every
    ]


def test_no_sequences_give_no_codes() -> None:
    codes, offsets = encode_bases([])
    assert codes.size == 0
    assert offsets.tolist() == [0]


def test_what_is_no_base_is_n() -> None:
    codes, _ = encode_bases(["ACGTNRYX-"])
    assert codes.tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4]


def test_a_long_sequence_has_the_codes_of_a_table() -> None:
    letters = np.random.default_rng(0).choice(np.frombuffer(b"ACGTNacgt-", np.uint8), 100_001)
    table = np.array([code(chr(number)) for number in range(256)], dtype=np.uint8)
    codes, _ = encode_bases([letters.tobytes().decode()])
    np.testing.assert_array_equal(codes, table[letters])


@given(anything, st.integers(0, 50), st.sampled_from([np.float32, np.int8]))
def test_a_base_has_its_channel_and_anything_else_none(
    sequences: list[str], length: int, dtype: type
) -> None:
    bases = one_hot(sequences, length, dtype)
    assert bases.shape == (len(sequences), length, 4)
    assert bases.dtype == dtype
    assert bases.tolist() == naive_one_hot(sequences, length)


def test_without_a_length_the_longest_decides() -> None:
    bases = one_hot(["ACGU", "", "TN"])
    assert bases.dtype == np.float32
    assert bases.tolist() == naive_one_hot(["ACGT", "", "TN"], 4)


def test_nothing_has_no_channels() -> None:
    assert one_hot([]).shape == (0, 0, 4)
    assert one_hot([], 7).shape == (0, 7, 4)
    assert one_hot([""]).shape == (1, 0, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_many_long_sequences_are_rows_of_the_unit_matrix(dtype: type) -> None:
    letters = np.random.default_rng(1).choice(np.frombuffer(b"ACGTN", np.uint8), (7, 5_003))
    sequences = [row.tobytes().decode() for row in letters]
    numbers = np.searchsorted(np.frombuffer(b"ACGT", np.uint8), letters)
    numbers[letters == ord("N")] = 4
    np.testing.assert_array_equal(
        one_hot(sequences, dtype=dtype), np.eye(5, 4, dtype=dtype)[numbers]
    )


def test_channels_turned_round_are_those_of_the_other_strand() -> None:
    sequence = "ACGTTGCANNCA"
    np.testing.assert_array_equal(
        one_hot([reverse_complement(sequence)])[0], one_hot([sequence])[0, ::-1, ::-1]
    )


@pytest.mark.parametrize("k", range(1, 7))
def test_reverse_complements_are_numbered_like_words(k: int) -> None:
    words = ["".join(letters) for letters in itertools.product("ACGT", repeat=k)]
    number = {word: place for place, word in enumerate(words)}
    assert reverse_complements(k).tolist() == [number[reverse_complement(word)] for word in words]
