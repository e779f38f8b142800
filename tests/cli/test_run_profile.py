from __future__ import annotations

import re

FAST = ("-m", "gc", "-b", "simulated-enhancers", "--limit", "100", "--workers", "1")


def table(out: str) -> dict[str, list[float]]:
    """Seconds, share, CPU seconds and share by part."""
    rows = re.findall(r"^(\S.*?) +([\d.]+) +([\d.]+)% +([\d.]+) +([\d.]+)%$", out, re.MULTILINE)
    return {name: [float(each) for each in numbers] for name, *numbers in rows}


def test_the_profile_comes_after_the_results_and_adds_up(genomark_cli):
    plain = genomark_cli("run", *FAST)
    outcome = genomark_cli("run", *FAST, "--fresh", "--profile")
    assert outcome.code == 0
    assert outcome.out.startswith(plain.out)
    parts = table(outcome.out)
    assert {"the model", "scoring", "storing", "starting (imports, workers)"} <= set(parts)
    (whole,) = re.findall(r"^time +([\d.]+) s", outcome.out, re.MULTILINE)
    assert abs(sum(row[0] for row in parts.values()) - float(whole)) < 0.15
    assert abs(sum(row[1] for row in parts.values()) - 100.0) < 1.0
    assert "of the time" in outcome.out
    assert all(len(line) <= 80 for line in outcome.out.splitlines())


def test_several_evaluations_are_told_one_by_one(genomark_cli):
    outcome = genomark_cli("run", "-m", "cpg", *FAST, "--profile")
    for model in ("gc", "cpg"):
        assert re.search(rf"^{model} × simulated-enhancers +\d", outcome.out, re.MULTILINE)


def test_without_the_option_nothing_is_told_of_time(genomark_cli):
    assert "time " not in genomark_cli("run", *FAST).out
