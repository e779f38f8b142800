from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomark.models.windows import Geometry, Layout
from genomark.protocol import bases_of_bins

ENFORMER = Geometry(input_length=196_608, output_length=114_688, bin_size=128)
BORZOI = Geometry(input_length=524_288, output_length=523_264, bin_size=32)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    bin_size = draw(st.integers(1, 12))
    output = bin_size * draw(st.integers(1, 12))
    return Geometry(output + draw(st.integers(0, 60)), output, bin_size)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int, int]:
    """Length of a sequence, and start and length of what is asked about."""
    total = draw(st.integers(1, 400))
    start = draw(st.integers(0, total - 1))
    return total, start, draw(st.integers(1, total - start))


def answered_bases(geometry: Geometry, layout: Layout) -> list[int]:
    """The first base of each bin of the answer, counted in the sequence."""
    return [
        window.start + geometry.margin + number * geometry.bin_size
        for window in layout.windows
        for number in range(window.first_bin, window.last_bin)
    ]


@given(geometries(), spans())
def test_every_base_asked_about_is_in_one_bin(
    geometry: Geometry, span: tuple[int, int, int]
) -> None:
    _, start, length = span
    layout = geometry.layout(start, length)
    firsts = answered_bases(geometry, layout)
    assert len(firsts) == layout.n_bins
    # Side by side, without a gap or an overlap, and no bin without a base that was asked about.
    assert np.diff(firsts).tolist() == [geometry.bin_size] * (len(firsts) - 1)
    assert firsts[0] <= start < firsts[0] + geometry.bin_size
    assert firsts[-1] < start + length <= firsts[-1] + geometry.bin_size
    assert layout.trim_upstream == start - firsts[0]


@given(geometries(), spans())
def test_no_window_answers_outside_of_its_output(
    geometry: Geometry, span: tuple[int, int, int]
) -> None:
    _, start, length = span
    for window in geometry.layout(start, length).windows:
        assert 0 <= window.first_bin < window.last_bin <= geometry.n_bins


@given(geometries(), spans(), st.integers(0, 2**32))
def test_inputs_are_the_sequence_itself_and_n_beyond_it(
    geometry: Geometry, span: tuple[int, int, int], seed: int
) -> None:
    total, start, length = span
    sequence = "".join(random.Random(seed).choices("ACGT", k=total))
    layout = geometry.layout(start, length)
    inputs = geometry.cut(sequence, layout)
    for window, given_ in zip(layout.windows, inputs, strict=True):
        assert given_ == "".join(
            sequence[at] if 0 <= at < total else "N"
            for at in range(window.start, window.start + geometry.input_length)
        )


@given(geometries(), spans())
@settings(deadline=None)
def test_joined_outputs_read_base_by_base_are_those_of_the_bases_asked_about(
    geometry: Geometry, span: tuple[int, int, int]
) -> None:
    """A model that says where in the sequence each of its bins begins."""
    _, start, length = span
    layout = geometry.layout(start, length)
    outputs = [
        np.array(
            [
                float(window.start + geometry.margin + number * geometry.bin_size)
                for number in range(geometry.n_bins)
            ]
        )
        for window in layout.windows
    ]
    joined = geometry.join(outputs, layout)
    bases = bases_of_bins(joined, geometry.bin_size, length, layout.trim_upstream)
    assert all(0 <= start + i - base < geometry.bin_size for i, base in enumerate(bases))


def test_a_thousand_bases_in_the_middle_of_enformer() -> None:
    """GAME 1.0, section 3.3: 8 bins, 12 bp of the first before the sequence."""
    layout = ENFORMER.layout(0, 1000)
    assert (layout.n_bins, layout.trim_upstream) == (8, 12)
    (window,) = layout.windows
    (given_,) = ENFORMER.cut("A" * 1000, layout)
    assert len(given_) == 196_608
    # 1,000 bases in the middle: 97,804 N on either side.
    assert given_ == "N" * 97_804 + "A" * 1000 + "N" * 97_804
    assert window.start == -97_804


@pytest.mark.parametrize(
    ("geometry", "margin", "n_bins"), [(ENFORMER, 40_960, 896), (BORZOI, 512, 16_352)]
)
def test_published_geometries(geometry: Geometry, margin: int, n_bins: int) -> None:
    assert (geometry.margin, geometry.n_bins) == (margin, n_bins)
    whole = geometry.layout(0, geometry.output_length)
    assert len(whole.windows) == 1
    assert (whole.n_bins, whole.trim_upstream) == (n_bins, 0)
    # One base more takes a second window, of one bin.
    more = geometry.layout(0, geometry.output_length + 1)
    assert [(w.first_bin, w.last_bin) for w in more.windows] == [(0, n_bins), (0, 1)]
    assert more.windows[1].start - more.windows[0].start == geometry.output_length
    # Longer ones are tiled output beside output, the first base at the start of bin 0.
    many = geometry.layout(0, 5 * geometry.output_length)
    assert len(many.windows) == 5
    assert (many.windows[0].start, many.trim_upstream) == (-margin, 0)


def test_a_range_sees_the_real_sequence_around_it() -> None:
    geometry = Geometry(input_length=20, output_length=8, bin_size=4)
    sequence = "".join(random.Random(0).choices("ACGT", k=100))
    layout = geometry.layout(50, 6)
    (given_,) = geometry.cut(sequence, layout)
    # Six bases in the middle of eight, which are in the middle of twenty.
    assert given_ == sequence[43:63]
    assert (layout.n_bins, layout.trim_upstream) == (2, 1)


def test_joining_keeps_the_axes_before_the_bins() -> None:
    geometry = Geometry(12, 8, 4)
    layout = geometry.layout(0, 11)
    outputs = [np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2) + 10]
    assert geometry.join(outputs, layout).tolist() == [[0, 1, 10], [2, 3, 12], [4, 5, 14]]
    with pytest.raises(ValueError, match="argument"):
        geometry.join(outputs[:1], layout)


@pytest.mark.parametrize(
    ("lengths", "why"),
    [
        ((8, 9, 1), "output_length must be from 1 to input_length"),
        ((8, 0, 1), "output_length must be from 1 to input_length"),
        ((8, -4, 1), "output_length must be from 1 to input_length"),
        ((8, 6, 4), "bin_size must divide output_length"),
        ((8, 6, 0), "bin_size must divide output_length"),
        ((8, 4, 8), "bin_size must divide output_length"),
    ],
)
def test_a_geometry_that_cannot_be_is_refused(lengths: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Geometry(*lengths)
