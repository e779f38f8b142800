"""Limits of a sandbox, and how a spec says them."""

from __future__ import annotations

import pytest

from genomark.errors import UsageError
from genomark.models.isolation import Limits, in_spec, isolated_parts


def test_a_spec_without_limits_has_the_usual_ones() -> None:
    assert isolated_parts("isolated:py:./a.py:f") == (Limits(), "py:./a.py:f")
    assert in_spec(Limits()) == ""


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        ("memory_gb=16:", Limits(memory_gb=16)),
        ("memory_gb=1.5,seconds=30:", Limits(memory_gb=1.5, seconds=30)),
        ("processes=8,disk_gb=0.02:", Limits(processes=8, disk_gb=0.02)),
    ],
)
def test_limits_are_read_as_they_are_written(told: str, limits: Limits) -> None:
    assert isolated_parts(f"isolated:{told}py:./a.py:f") == (limits, "py:./a.py:f")
    assert in_spec(limits) == told


def test_settings_of_the_model_are_not_taken_for_limits() -> None:
    assert isolated_parts("isolated:its-model:seed=3") == (Limits(), "its-model:seed=3")
    limits, rest = isolated_parts("isolated:seconds=5:its-model:seed=3,memory_gb=2")
    assert (limits, rest) == (Limits(seconds=5), "its-model:seed=3,memory_gb=2")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("memory=8", "unknown limit 'memory'. There are: memory_gb=, seconds="),
        ("memory_gb=0.1", "memory_gb must be at least 1"),
        ("memory_gb=nan", "memory_gb must be at least 1"),
        ("seconds=0", "seconds must be at least 0.1"),
        ("seconds=soon", "Expected `float`"),
        ("processes=1", "processes must be at least 4"),
        ("disk_gb=1e9", "below a million"),
    ],
)
def test_what_is_no_limit_is_refused_in_a_line(told: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        isolated_parts(f"isolated:{told}:py:./a.py:f")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
