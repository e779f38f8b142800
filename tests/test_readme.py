"""The README is a promise: what it shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TABLES = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
GENOMARK = str(Path(sys.executable).with_name("genomark"))


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.replace("genomark", GENOMARK, 1),
        shell=True,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_table_is_what_the_command_prints(tmp_path, real_data):
    real_data("kircher2019", "elements.tsv.gz")
    real_data("motifs", "motifs.meme.txt")
    printed = shell("genomark run -b kircher2019", tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith(TABLES[0])


@pytest.mark.slow
def test_the_table_of_gene_embeddings_is_what_the_command_prints(tmp_path, real_data):
    real_data("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt")
    (command,) = re.findall(r"^genomark run .*genes/reactome$", README, re.MULTILINE)
    printed = shell(command, tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith(TABLES[1])


def test_a_function_in_a_file_gets_into_the_table(tmp_path):
    (tmp_path / "my_model.py").write_text(PYTHON[0])
    (command,) = re.findall(r"^genomark run -m py:.*$", README, re.MULTILINE)
    printed = shell(command, tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert re.search(r"py:.*purine_skew", printed.stdout)


@pytest.mark.slow
def test_a_server_of_ten_lines_gets_into_the_table(tmp_path):
    script = PYTHON[1]
    assert len([line for line in script.splitlines() if line.strip()]) <= 10
    (tmp_path / "serve.py").write_text(script.replace("port=8000", "port=0"))
    server = subprocess.Popen(
        [sys.executable, "serve.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())
        assert address is not None
        (command,) = re.findall(r"^genomark run -m http.*?(?=  )", README, re.MULTILINE)
        printed = shell(command.replace("http://127.0.0.1:8000", address[0]), tmp_path)
        assert printed.returncode == 0, printed.stdout + printed.stderr
        assert address[0] in printed.stdout
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.mark.slow
def test_a_file_of_predictions_gets_into_the_table(tmp_path, real_data):
    sample = real_data("lentimpra_k562_sample", "sample_test.txt").read_text().splitlines()
    rows = [line.split("\t") for line in sample[1:]]
    lines = ["item_id,value", *(f"{row[0]},{row[1].count('G')}" for row in rows)]
    (tmp_path / "predictions.csv").write_text("\n".join(lines))
    printed = shell("genomark run -m file:predictions.csv -b lentimpra-k562", tmp_path)
    assert printed.returncode == 0, printed.stdout + printed.stderr
    assert "file:predictions.csv" in printed.stdout


@pytest.mark.slow
def test_the_python_example_runs(tmp_path):
    (tmp_path / "example.py").write_text(PYTHON[2])
    subprocess.run([sys.executable, "example.py"], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "results.json").exists()


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)`", README))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
