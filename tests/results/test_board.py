from __future__ import annotations

import re

import msgspec
import pytest

import genomark
from genomark.results import Failed, Results, Skipped, legend, sections


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    def constant(sequences):
        return [1.0] * len(sequences)

    def gaps(sequences):
        values = [float(s.count("G")) for s in sequences]
        return [float("inf"), *values[1:]]

    return genomark.run(
        ["gc", "control:oracle", constant, gaps],
        ["simulated-enhancers"],
        out=tmp_path_factory.mktemp("out"),
        progress=False,
    )


def test_models_stand_by_rank_and_those_without_a_value_last(results):
    (section,) = sections(results)
    assert section.lines[0].model == "control:oracle"
    assert section.lines[0].rank == "1"
    assert section.lines[-1].model.endswith("constant")
    assert section.lines[-1].rank == "-"


def test_cells_show_value_and_interval(results):
    (section,) = sections(results)
    row = results[0].metric("pearson")
    (line,) = (line for line in section.lines if line.model == "gc")
    low, high = row.interval
    assert line.cells[0] == f"{row.value:.3f} [{low:.3f}, {high:.3f}]"
    assert all(re.fullmatch(r"undefined|-?\d\.\d{3} \[.*\]", c) for c in section.lines[-1].cells)


def test_notes_tell_what_a_number_hides(results):
    (section,) = sections(results)
    text = "\n".join(section.notes)
    assert "best possible: pearson 0.850" in text
    assert "control:oracle: reads the answers: not a model" in text
    assert "pearson is undefined: constant prediction" in text
    assert "1 of 1,000 items without an answer: the answer is inf" in text


def test_the_subtitle_says_what_the_interval_rests_on(results):
    (section,) = sections(results)
    how = "95 % expanded percentile bootstrap, 1000 replicates"
    assert section.subtitle.startswith(f"1,000 items; {how}")
    assert "share a rank" in legend(results)


def test_html_escapes_what_strangers_wrote(results):
    evil = "<script>alert(1)</script>"
    result = msgspec.structs.replace(
        results[0], model=msgspec.structs.replace(results[0].model, id=evil, notes=[evil])
    )
    html = Results(
        [result], [Skipped(benchmark=evil, reason=evil)], [Failed(evil, evil, evil)]
    )._repr_html_()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 7


def test_html_has_a_table_with_a_row_a_model(results):
    html = results._repr_html_()
    assert html.count("<tr>") == 1 + len(results)
    assert "simulated-enhancers" in html
