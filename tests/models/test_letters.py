"""Bases as codes."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.letters import encode_bases


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


def test_no_sequences_give_no_codes() -> None:
    codes, offsets = encode_bases([])
    assert codes.size == 0
    assert offsets.tolist() == [0]


def test_what_is_no_base_is_n() -> None:
    codes, _ = encode_bases(["ACGTNRYX-"])
    assert codes.tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4]
