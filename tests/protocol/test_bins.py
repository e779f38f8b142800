from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.protocol import BinSpan, bases_of_bins, covering_bins

starts = st.integers(0, 10**6)
lengths = st.integers(1, 500)
sizes = st.integers(1, 200)


@given(starts, lengths, sizes)
def test_the_bins_are_those_that_hold_a_base(start: int, length: int, size: int) -> None:
    span = covering_bins(start, length, size)
    held = sorted({base // size for base in range(start, start + length)})
    assert list(range(span.first, span.last)) == held
    assert span.trim_upstream == sum(
        1 for base in range(span.first * size, start + length) if base < start
    )


@given(lengths, sizes, st.data())
def test_each_base_has_the_value_of_its_bin(length: int, size: int, data: st.DataObject) -> None:
    trim = data.draw(st.integers(0, size - 1))
    bins = covering_bins(trim, length, size)
    values = np.arange(bins.last, dtype=float) * 1.5
    expected = [values[(trim + base) // size] for base in range(length)]
    assert bases_of_bins(values, size, length, trim).tolist() == expected


def test_a_thousand_bases_in_the_middle_of_bins_of_128() -> None:
    """GAME 1.0, section 3.3: 8 bins, 12 bp off the front and 12 off the back."""
    # The thousand lies in the middle of an output of 896 bins.
    start = (896 * 128 - 1000) // 2
    span = covering_bins(start, 1000, 128)
    assert span.last - span.first == 8
    assert span.trim_upstream == 12
    bases = bases_of_bins(np.arange(8.0), 128, 1000, span.trim_upstream)
    assert bases.shape == (1000,)
    assert (bases == 0).sum() == (bases == 7).sum() == 116
    assert (bases == 3).sum() == 128


def test_a_range_of_ten_bases_that_begins_within_a_bin_of_4() -> None:
    """GAME 1.0, section 3.6: flanked bases 2 to 11 take bins 0 to 2, two bases before them."""
    assert covering_bins(2, 10, 4) == BinSpan(first=0, last=3, trim_upstream=2)
    bases = bases_of_bins(np.array([0.1, 0.4, 0.2]), 4, 10, 2)
    assert bases.tolist() == [0.1] * 2 + [0.4] * 4 + [0.2] * 4
    # The other sequence: ten bases and two flanks of two, whole.
    assert covering_bins(0, 14, 4) == BinSpan(first=0, last=4, trim_upstream=0)


def test_places_far_out_are_exact() -> None:
    assert covering_bins(2**60 + 1, 1, 1) == BinSpan(2**60 + 1, 2**60 + 2, 0)


@pytest.mark.parametrize(
    ("shape", "length", "trim"),
    [((2,), 9, 0), ((2,), 4, 0), ((2,), 8, 1), ((2, 4), 8, 0), ((), 1, 0)],
)
def test_bins_that_do_not_cover_the_bases_are_refused(
    shape: tuple[int, ...], length: int, trim: int
) -> None:
    with pytest.raises(ValueError, match=f"{length} bases, {trim} bp into bins of 4 bp"):
        bases_of_bins(np.zeros(shape), 4, length, trim)
