"""A run that workers, its server and itself are killed in, whose disk fails and whose answers are
cut: it ends as one that nothing happened to, and nothing that was completed is computed again."""

from __future__ import annotations

import pytest
from chaos_run import MOST_RESTARTS, Chaos, differences


@pytest.mark.parametrize("seed", [1])
def test_after_some_restarts_the_results_are_those_of_an_undisturbed_run(
    tmp_path, monkeypatch, seed
):
    quiet = Chaos(tmp_path / "quiet", "chaos-20", None)
    # For what this process plans itself, to know which request is which.
    monkeypatch.syspath_prepend(quiet.plugin)
    expected = quiet.play()
    story = Chaos(tmp_path / "chaos", "chaos-20", seed, expected.port).play()
    assert differences(story, expected) == []
    assert 1 <= story.restarts <= MOST_RESTARTS
    assert {"worker killed", "server killed", "run killed"} <= set(story.happened), story.happened
