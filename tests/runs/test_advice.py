"""What is said to help, of profiles made up so that one thing would."""

from __future__ import annotations

import pytest

from genomark.runs import PARTS, Part, Profile, advice


def profile(workers: int = 2, processors: int = 2, cpu: float | None = None, **walls) -> Profile:
    """Seconds by part; CPU seconds as many as wall seconds of all workers, unless told."""
    lanes = max(1, workers)
    parts = {
        name: Part(wall, wall * lanes if cpu is None else cpu)
        for name in PARTS
        if (wall := walls.get(name, 0.0)) or True
    }
    whole = sum(walls.values())
    return Profile(whole, 0.0, workers, processors, parts, {})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (profile(workers=0, model=9.0, score=1.0), "--workers up to 2 may share them"),
        (profile(workers=2, processors=8, model=9.0, score=1.0), "more --workers help up to 8"),
        (profile(workers=2, processors=2, model=9.0, score=1.0), "only a faster model helps"),
        (profile(cpu=0.1, model=9.0, score=1.0), "waits for something other than a processor"),
        (profile(server=9.0, decode=1.0), "the server: it is the limit"),
        (profile(encode=2.0, decode=2.0, model=6.0), "speaks MsgPack"),
        (profile(fit=6.0, model=4.0), "fit side by side"),
        (profile(load=6.0, model=4.0), "once in each worker"),
        (profile(workers=4, idle=6.0, model=4.0), "too few requests for 4"),
        (profile(start=6.0, model=4.0), "--workers 1 starts no further process"),
        (profile(workers=0, start=6.0, model=4.0), "start once"),
        (profile(score=6.0, model=4.0), "most of it intervals"),
        (profile(store=6.0, model=4.0), "an --out on a local disk"),
        (profile(data=6.0, model=4.0), "making requests"),
    ],
)
def test_what_takes_most_is_told_with_what_would_help(made, said):
    assert any(said in line for line in advice(made))


def test_the_largest_part_is_told_first_and_two_lines_at_most():
    lines = advice(profile(score=3.0, store=4.0, data=3.0))
    assert len(lines) == 2
    assert lines[0].startswith("40% of the time is storing")


def test_one_line_is_told_where_nothing_stands_out():
    spread = dict.fromkeys(PARTS, 1.0)
    assert advice(profile(**spread)) == ["No part of the time stands out."]


def test_one_idle_worker_is_not_blamed():
    assert not any("idle" in line for line in advice(profile(workers=1, idle=5.0, model=5.0)))
