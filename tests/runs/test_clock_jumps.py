"""Clocks that are set while a run is under way."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from toy import Toy, count_a

import genomark
from genomark.runs import outcome as module
from genomark.runs.outcome import Meter, together
from genomark.runs.profile import Spent
from genomark.runs.progress import Silent
from genomark.runs.standing import Standing, Watch


class Clock(datetime):
    """Jumps by what it is told each time somebody looks."""

    jumps: ClassVar[list[timedelta]] = []

    @classmethod
    def now(cls, tz=None):
        moment = datetime(2026, 3, 29, 2, tzinfo=UTC) + (cls.jumps[0] if cls.jumps else timedelta())
        if len(cls.jumps) > 1:
            cls.jumps.pop(0)
        return moment


@pytest.mark.parametrize(
    "jump", [timedelta(hours=-1), timedelta(days=400), timedelta(seconds=-0.5)]
)
def test_no_request_ends_before_it_began(monkeypatch, jump):
    monkeypatch.setattr(module, "datetime", Clock)
    Clock.jumps = [timedelta(), jump]
    meter = Meter()
    outcome = meter.outcome("a", "f")
    began, ended = (datetime.fromisoformat(each) for each in (outcome.started, outcome.finished))
    assert began == datetime(2026, 3, 29, 2, tzinfo=UTC)
    assert timedelta() <= ended - began < timedelta(seconds=10)
    assert outcome.wall_seconds >= 0
    assert (ended - began).total_seconds() == pytest.approx(outcome.wall_seconds, abs=0.002)


def test_a_run_whose_clock_goes_back_between_requests_has_no_negative_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "datetime", Clock)
    Clock.jumps = [timedelta(hours=-each) for each in range(4)]
    (result,) = genomark.run([count_a], Toy(), out=tmp_path, progress=False)
    assert result.started.startswith("2026-03-28T23:00:00.000")
    assert result.started <= result.finished
    assert 0 < result.cost.wall_seconds < 60


def test_attempts_together_cost_their_sum_and_end_after_they_began():
    outcomes = [Meter().outcome("a"), Meter().outcome("a"), Meter().outcome("a", "f")]
    found = together(outcomes)
    assert found.file_digest == "f"
    assert found.wall_seconds == pytest.approx(sum(each.wall_seconds for each in outcomes))
    assert found.started == outcomes[0].started
    assert found.started <= found.finished
    assert found.peak_rss_bytes == max(each.peak_rss_bytes for each in outcomes)


def test_where_their_time_went_is_added_up_too():
    import msgspec

    pieces = [
        msgspec.structs.replace(Meter().outcome("a"), spent=Spent(1, 2, {"model": (1.0, 0.5)})),
        msgspec.structs.replace(
            Meter().outcome("a"), spent=Spent(3, 4, {"model": (2.0, 1.0), "store": (0.1, 0.1)})
        ),
    ]
    assert together(pieces).spent == Spent(3, 4, {"model": (3.0, 1.5), "store": (0.1, 0.1)})


def test_words_of_workers_are_shown_whatever_their_clock_says(tmp_path):
    stale = Standing(tmp_path, "old", "x")
    stale.tell("of a killed run")
    watch = Watch(tmp_path, Silent())
    assert watch._newest() == ""
    for number, moment in enumerate((10.0, 4e9, 20.0)):
        Standing(tmp_path, "shard", "t × m").tell(f"epoch {number}")
        os.utime(tmp_path / "work" / "shard" / "standing.txt", (moment, moment))
        assert watch._newest() == f"t × m: epoch {number}"
        # One look later it is still shown, since others may be slower; then it is old.
        assert watch._newest() == f"t × m: epoch {number}"
        assert watch._newest() == ""


def test_words_of_several_workers_are_shown_side_by_side(tmp_path):
    watch = Watch(tmp_path, Silent())
    for name, moment in (("b", 2.0), ("a", 1.0)):
        Standing(tmp_path, name, name).tell("at work")
        os.utime(tmp_path / "work" / name / "standing.txt", (moment, moment))
    assert watch._newest() == "a: at work; b: at work"
    (tmp_path / "work" / "a" / "standing.txt").unlink()
    assert watch._newest() == "b: at work"
