from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import genomark
from genomark.errors import UsageError


def test_the_public_surface_is_what_it_says():
    for name in genomark.__all__:
        assert getattr(genomark, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'evaluate'"):
        _ = genomark.evaluate


def test_a_name_a_function_and_a_single_benchmark_will_do(tmp_path):
    def share_of_a(sequences):
        return [s.count("A") / len(s) for s in sequences]

    results = genomark.run(
        share_of_a, "simulated-enhancers", out=tmp_path, limit=50, progress=False
    )
    assert [result.model.id.rpartition(".")[2] for result in results] == ["share_of_a"]


def test_two_functions_of_one_name_are_told_apart_by_an_error(tmp_path):
    pair = [lambda sequences: [0.0], lambda sequences: [1.0]]
    with pytest.raises(UsageError, match="Two models are called"):
        genomark.run(pair, "simulated-enhancers", out=tmp_path)


@pytest.mark.parametrize("option", [{"seed": -1}, {"limit": 0}, {"workers": 0}])
def test_options_out_of_range_are_refused(tmp_path, option):
    with pytest.raises(UsageError, match="or more"):
        genomark.run("gc", "simulated-enhancers", out=tmp_path, **option)


def test_a_script_without_a_main_guard_can_use_several_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import genomark
            results = genomark.run(["gc", "cpg"], "simulated-enhancers", limit=60, workers=2)
            assert len(results) == 2 and not results.failed, results.failed
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, timeout=120, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_help_does_not_wait_for_the_compiler():
    code = (
        "import sys; import genomark.cli; "
        "assert not {'numba', 'polars', 'scipy', 'aiohttp'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_notebook_progress_and_html(tmp_path):
    results = genomark.run("gc", "simulated-enhancers", out=tmp_path, limit=50, workers=1)
    assert results._repr_html_().startswith("<h4>simulated-enhancers")
