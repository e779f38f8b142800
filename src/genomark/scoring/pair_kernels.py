"""Compiled comparison of all pairs of models by the replicates that they share.

A replicate of a pair is the difference of the two models' replicates. Quantiles are those of
`numpy.quantile` by linear interpolation, to the last bit; of the values of a pair only those in
the tails are put in order.
"""

from __future__ import annotations

import math

import numpy as np

from genomark.compiled import kernel

#: Relative; two predictions that are linear in each other correlate alike but for rounding.
_ROUNDING = 1e-12


@kernel
def between(level: float, n: int) -> tuple[int, float]:
    """Say which of `n` ordered values a quantile follows, and how far it is from there."""
    place = (n - 1) * level
    before = max(min(math.floor(place), n - 2), 0)
    return before, place - before


@kernel
def interpolated(before: float, after: float, share: float) -> float:
    """Interpolate as NumPy does, from the nearer end."""
    if share < 0.5:
        return before + (after - before) * share
    return after - (after - before) * (1.0 - share)


@kernel
def select(values: np.ndarray, n: int, place: int) -> None:
    """Reorder the first `n` so that none before `place` is larger, none after it smaller.

    Quickselect (Hoare 1961) with the middle one of three as pivot.
    """
    first, last = 0, n - 1
    while first < last:
        a, b, c = values[first], values[(first + last) // 2], values[last]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = first, last
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            last = j
        elif place >= i:
            first = i
        else:
            return


@kernel
def neighbours(
    values: np.ndarray, n: int, sign: float, place: int, guess: float, scratch: np.ndarray
) -> tuple[float, float]:
    """Find the values at `place` and after it, in ascending order of `sign` times the values.

    Those up to `guess` are looked at first: where the guess is good they are few.
    """
    found = 0
    for item in range(n):
        value = sign * values[item]
        scratch[found] = value
        found += int(value <= guess)
    if found < place + 2:
        for item in range(n):
            scratch[item] = sign * values[item]
        found = n
    select(scratch, found, place + 1)
    largest = scratch[0]
    for item in range(1, place + 1):
        largest = max(largest, scratch[item])
    return largest, scratch[place + 1]


@kernel
def interval_of(
    values: np.ndarray, n: int, levels: np.ndarray, guesses: np.ndarray, scratch: np.ndarray
) -> tuple[float, float]:
    """Find two quantiles of the first `n` values, at the lower and at the upper tail.

    `guesses` are where the tails are expected to begin: below the first value, and below the
    second one of the negated values.
    """
    if n == 1:
        return values[0], values[0]
    before, share = between(levels[0], n)
    first, second = neighbours(values, n, 1.0, before, guesses[0], scratch)
    low = interpolated(first, second, share)
    before, share = between(levels[1], n)
    second, first = neighbours(values, n, -1.0, n - 2 - before, guesses[1], scratch)
    return low, interpolated(-first, -second, share)


@kernel
def spread_of(values: np.ndarray, n: int) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of the first `n` values."""
    total = 0.0
    for item in range(n):
        total += values[item]
    mean = total / n
    squares = 0.0
    for item in range(n):
        squares += (values[item] - mean) ** 2
    return mean, math.sqrt(squares / (n - 1)) if n > 1 else np.nan


@kernel
def compare_pairs(
    drawn: np.ndarray,
    known: np.ndarray,
    levels: np.ndarray,
    tails: np.ndarray,
    intervals: np.ndarray,
    ahead: np.ndarray,
    errors: np.ndarray,
) -> None:
    """Fill in what the replicates say of each pair ``a < b`` of models that have a value.

    `tails` says how many standard deviations from the mean the tails are expected to begin.
    `intervals` (2, m, m), `ahead` (m, m) and `errors` (m, m) stay as they are where more than
    half of the differences are undefined. `ahead` is the share of replicates in which a is
    larger, equal ones counting half.
    """
    m, replicates = drawn.shape
    differences, scratch = np.empty(replicates), np.empty(replicates)
    guesses = np.empty(2)
    for a in range(m):
        for b in range(a + 1, m):
            if not (known[a] and known[b]):
                continue
            n = larger = smaller = 0
            for item in range(replicates):
                difference = drawn[a, item] - drawn[b, item]
                differences[n] = difference
                n += int(difference == difference)
                larger += int(difference > 0.0)
                smaller += int(difference < 0.0)
            if n == 0 or 2 * n < replicates:
                continue
            mean, deviation = spread_of(differences, n)
            guesses[0] = mean + tails[0] * deviation
            guesses[1] = -mean + tails[1] * deviation
            low, high = interval_of(differences, n, levels, guesses, scratch)
            intervals[0, a, b], intervals[1, a, b] = low, high
            ahead[a, b] = (n + larger - smaller) / (2.0 * n)
            errors[a, b] = deviation


@kernel
def astride(sign: float, a: np.ndarray, b: np.ndarray, rounding: float) -> tuple[float, float]:
    """Find the largest of ``sign * (a - b)`` up to `rounding`, and the smallest above it."""
    before, after = -np.inf, np.inf
    for item in range(a.size):
        difference = sign * (a[item] - b[item])
        if difference <= rounding:
            before = max(before, difference)
        elif difference > rounding:
            after = min(after, difference)
    return before, after


@kernel
def decide_ties(
    values: np.ndarray, known: np.ndarray, drawn: np.ndarray, levels: np.ndarray, tied: np.ndarray
) -> None:
    """Clear ``tied[a, b]`` of pairs whose interval leaves 0 out, by counting signs.

    A quantile lies above a bound if both values that it is interpolated from do. Only where the
    bound parts the two does it have to be computed.
    """
    m, replicates = drawn.shape
    for a in range(m):
        for b in range(a):
            if not (known[a] and known[b]):
                continue
            rounding = _ROUNDING * max(abs(values[a]), abs(values[b]))
            n = not_above = not_below = 0
            for item in range(replicates):
                difference = drawn[a, item] - drawn[b, item]
                n += int(difference == difference)
                not_above += int(difference <= rounding)
                not_below += int(difference >= -rounding)
            if n == 0 or 2 * n < replicates:
                continue
            before, share = between(levels[0], n)
            above = not_above <= before
            if not_above == before + 1 and not_above < n:
                first, second = astride(1.0, drawn[a], drawn[b], rounding)
                above = interpolated(first, second, share) > rounding
            before, share = between(levels[1], n)
            below = n - not_below >= min(before + 2, n)
            if n - not_below == before + 1 and not_below > 0:
                second, first = astride(-1.0, drawn[a], drawn[b], rounding)
                below = interpolated(-first, -second, share) < -rounding
            if above or below:
                tied[a, b] = tied[b, a] = False
