"""One-hot bases: codes, padding, and what augmentation may do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from genomark.errors import UsageError
from genomark.training.encoding import OneHot
from genomark.training.networks.masked import one_hot
from genomark.training.torch_extra import import_torch

SEQUENCE = "AACGTNTT"
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def text(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)


def augmented(encoder: OneHot, times: int = 200) -> set[str]:
    (codes,) = encoder.encode([SEQUENCE])
    draws = np.random.default_rng(0)
    return {text(encoder.augmented(codes, draws)) for _ in range(times)}


def test_a_base_has_a_channel_and_what_is_not_told_has_none():
    features, mask = one_hot(OneHot().batch(OneHot().encode(["ACGT", "NU"])))
    assert features[0].T.tolist() == np.eye(4).tolist()
    assert features[1].T.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert mask.tolist() == [[True] * 4, [True, True, False, False]]


def test_sequences_of_one_length_need_no_mask():
    assert one_hot(OneHot().batch(OneHot().encode(["ACGT", "ACGN"])))[1] is None


def test_nothing_changes_where_nothing_is_declared():
    assert augmented(OneHot()) == {SEQUENCE}


def test_half_is_read_from_the_other_strand():
    assert augmented(OneHot(reverse_complement=True)) == {
        SEQUENCE,
        SEQUENCE.translate(COMPLEMENT)[::-1],
    }


def test_a_sequence_moves_by_as_much_as_declared_and_keeps_its_length():
    expected = {SEQUENCE, "N" + SEQUENCE[:-1], "NN" + SEQUENCE[:-2]}
    expected |= {SEQUENCE[1:] + "N", SEQUENCE[2:] + "NN"}
    assert augmented(OneHot(shift=2)) == expected


@pytest.mark.parametrize("sequence", ["A", "AC", "ACGTA"])
def test_a_sequence_shorter_than_the_shift_is_still_one(sequence):
    (codes,) = OneHot(shift=7).encode([sequence])
    draws = np.random.default_rng(0)
    moved = {text(OneHot(shift=7).augmented(codes, draws)) for _ in range(100)}
    assert {len(each) for each in moved} == {len(sequence)}
    assert {sequence, "N" * len(sequence)} <= moved


def test_a_share_of_the_bases_is_hidden():
    (codes,) = OneHot().encode(["ACGT" * 5000])
    hidden = OneHot(hiding=0.2).augmented(codes, np.random.default_rng(0))
    # 20,000 draws: within four standard deviations of 0.0028.
    assert (hidden == 4).mean() == pytest.approx(0.2, abs=0.0113)
    assert (hidden == codes)[hidden < 4].all()


def test_without_pytorch_one_line_says_what_to_install(monkeypatch):
    install = r"pip install 'genomark\[torch\]'$"
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(UsageError, match=f"^training needs safetensors: {install}"):
        import_torch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=f"^training needs torch: {install}"):
        import_torch()
