"""From sequences of any length to windows of one length, and back to bins.

A model with a fixed input sees `input_length` bases and speaks for the middle of them: the
`output_length`, cut into bins. What is asked for (a sequence, or a range of it) is centred in one
window if it fits, and else tiled by windows that stand output beside output, the first base at the
start of bin 0. Bases beyond the sequence are N (GAME 1.0, sections 2.3, 3.3 and 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genomark.protocol import covering_bins

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """One input of the model, and the bins of its output that belong to the answer."""

    start: int
    first_bin: int
    last_bin: int


@dataclass(frozen=True)
class Layout:
    """The windows that answer for one span of bases.

    Attributes
    ----------
    windows : tuple of Window
        `start` counts from the first base of the sequence and may be negative.
    trim_upstream : int
        Bases of the first bin that come before the span.
    """

    windows: tuple[Window, ...]
    trim_upstream: int

    @property
    def n_bins(self) -> int:
        """Bins of the answer."""
        return sum(window.last_bin - window.first_bin for window in self.windows)


@dataclass(frozen=True)
class Geometry:
    """What a model takes and gives.

    Attributes
    ----------
    input_length : int
        Bases the model sees.
    output_length : int
        Bases it speaks for, in the middle of the input.
    bin_size : int
        Bases a value stands for; divides `output_length`.
    """

    input_length: int
    output_length: int
    bin_size: int

    def __post_init__(self) -> None:
        if not 1 <= self.output_length <= self.input_length:
            raise ValueError("output_length must be from 1 to input_length")
        if self.bin_size < 1 or self.output_length % self.bin_size:
            raise ValueError("bin_size must divide output_length")

    @property
    def margin(self) -> int:
        """Bases of the input before the output."""
        return (self.input_length - self.output_length) // 2

    @property
    def n_bins(self) -> int:
        """Bins of one window's output."""
        return self.output_length // self.bin_size

    def layout(self, start: int, length: int) -> Layout:
        """Lay windows over `length` bases from `start`.

        Parameters
        ----------
        start : int
            First base asked for, counted in the sequence.
        length : int
            Bases asked for, at least 1.
        """
        if length <= self.output_length:
            before = (self.output_length - length) // 2
            bins = covering_bins(before, length, self.bin_size)
            window = Window(start - before - self.margin, bins.first, bins.last)
            return Layout((window,), bins.trim_upstream)
        windows = []
        for offset in range(0, length, self.output_length):
            rest = min(self.output_length, length - offset)
            last = covering_bins(0, rest, self.bin_size).last
            windows.append(Window(start + offset - self.margin, 0, last))
        return Layout(tuple(windows), 0)

    def cut(self, sequence: str, layout: Layout) -> list[str]:
        """Give the model's inputs: `input_length` bases each, N beyond the sequence."""
        inputs = []
        for window in layout.windows:
            end = window.start + self.input_length
            inside = sequence[max(0, window.start) : max(0, end)]
            before = min(self.input_length, max(0, -window.start))
            inputs.append(("N" * before + inside).ljust(self.input_length, "N"))
        return inputs

    def join(self, outputs: Sequence[Floats], layout: Layout) -> Floats:
        """Put the outputs of `layout`'s windows together.

        Parameters
        ----------
        outputs : sequence of ndarray of float64, shape (..., n_bins)
            One a window, bins last.

        Returns
        -------
        ndarray of float64, shape (..., layout.n_bins)
        """
        parts = [
            output[..., window.first_bin : window.last_bin]
            for output, window in zip(outputs, layout.windows, strict=True)
        ]
        return np.concatenate(parts, axis=-1)
