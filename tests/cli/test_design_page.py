"""``genomark list`` and ``genomark run`` on benchmarks of designing RNA."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DESIGNER = """
from genomark.scoring import ModelIdentity

class AllA:
    info = ModelIdentity(id="all-a", version="1", digest="all-a")

    def design(self, structure, seconds, seed):
        return ["A" * len(structure)]

model = AllA()
"""


def test_the_page_of_a_benchmark_tells_what_it_is(
    genomark_cli: Callable[..., Any], real_data: Callable[[str, str], Path]
) -> None:
    real_data("eterna100", "eterna100_vienna2.txt")
    page = json.loads(genomark_cli("list", "benchmarks", "rna/eterna100", "--json").out)
    assert page["needs"] == "Designer"
    assert page["counts"] == {"puzzles": 100, "shortest": 12, "longest": 400}
    assert any("54 fold into their target" in each for each in page["caveats"])
    assert any("OmniGenome: solved 0.84" in each for each in page["published"])


def test_the_page_needs_no_data(no_data: None, genomark_cli: Callable[..., Any]) -> None:
    outcome = genomark_cli("list", "benchmarks", "rna/eterna100-contrafold-10min")
    assert outcome.code == 0
    assert "10 min each" in outcome.out
    assert "600 of one core a puzzle" in outcome.out


def test_all_four_are_listed(genomark_cli: Callable[..., Any]) -> None:
    rows = json.loads(genomark_cli("list", "benchmarks", "--json").out)
    found = {row["name"]: row["needs"] for row in rows if row["name"].startswith("rna/eterna100")}
    assert len(found) == 4
    assert set(found.values()) == {"Designer"}


def test_a_designer_in_a_file_is_run_on_some_of_the_puzzles(
    genomark_cli: Callable[..., Any], real_data: Callable[[str, str], Path]
) -> None:
    real_data("eterna100", "eterna100_vienna2.txt")
    Path("mine.py").write_text(DESIGNER)
    outcome = genomark_cli(
        *("run", "-m", "py:./mine.py:model", "-b", "rna/eterna100"),
        *("--limit", "3", "--workers", "1", "--json", "r.json"),
    )
    assert outcome.code == 0
    (result,) = json.loads(Path("r.json").read_text())["results"]
    assert result["coverage"]["asked"] == 3
    assert result["settings"]["seconds"] == 60
