"""The recipes of containers, read as the programs that build from them read them."""

import os
import re
import subprocess

import pytest
from new_packages import written

KINDS = ("predictor", "tracks", "embedder", "benchmark")


def stages_of_definition(text):
    """Read a definition file as Apptainer does: stages of a header and of sections."""
    stages = []
    for line in text.splitlines():
        if line.startswith("Bootstrap:"):
            stages.append(({}, {}))
            section = None
        header, sections = stages[-1]
        if found := re.fullmatch(r"%([a-z]+)(?: +(.*?))? *", line):
            section = (found[1], found[2] or "")
            assert section not in sections, f"twice: {line}"
            sections[section] = []
        elif section is None and line.strip():
            key, colon, value = line.partition(":")
            assert colon, line
            header[key] = value.strip()
        elif line.strip():
            sections[section].append(line.strip())
    return stages


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_has_what_game_asks_for(tmp_path, kind):
    """GAME 1.0, section 9."""
    folder = written(kind, tmp_path)
    build, final = stages_of_definition((folder / f"fresh-{kind}.def").read_text())
    base = re.search(r"(?m)^ARG BASE=(.*)$", (folder / "Containerfile").read_text())[1]
    assert build[0] == {"Bootstrap": "docker", "From": base, "Stage": "build"}
    assert final[0] == {"Bootstrap": "docker", "From": base, "Stage": "final"}
    assert re.fullmatch(r"python:3\.\d+\.\d+\S*-slim", base)
    for line in build[1]["files", ""]:
        source, target = line.split()
        assert (folder / source).exists()
        assert target == f"/build/{source}"
    sections = final[1]
    assert sections["files", "from build"] == ["/opt/venv /opt/venv"]
    assert sections["runscript", ""] == ['exec /opt/run.sh "$@"'] == sections["startscript", ""]
    labels = dict(line.split(" ", 1) for line in sections["labels", ""])
    assert labels["Author"] == "A. Author"
    assert labels["game_schema_version"] == "1.0"
    assert labels["Description"]
    assert any("apptainer run --containall" in line for line in sections["help", ""])
    assert "export LC_ALL=C.UTF-8" in sections["environment", ""]


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_of_definitions_are_of_the_shell(tmp_path, kind):
    folder = written(kind, tmp_path)
    scripts = [
        "\n".join(lines)
        for _, sections in stages_of_definition((folder / f"fresh-{kind}.def").read_text())
        for (name, _), lines in sections.items()
        if name in ("post", "runscript", "startscript", "environment")
    ]
    for script in [*scripts, (folder / "run.sh").read_text()]:
        subprocess.run(["/bin/sh", "-n", "-c", script], check=True, timeout=10)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_of_two_stages_and_of_nobody(tmp_path, kind):
    text = (written(kind, tmp_path) / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(None, 1) for line in text.splitlines() if line and line[0] not in "# "]
    assert [word for name, word in steps if name == "FROM"] == ["${BASE} AS build", "${BASE}"]
    start = steps.index(["FROM", "${BASE}"])
    final = steps[start:]
    assert ["USER", "10001:10001"] in final
    assert final[-1] == ["ENTRYPOINT", '["/opt/run.sh"]']
    assert not any("install" in words for name, words in final if name == "RUN")
    copied = [words for name, words in final if name == "COPY"]
    assert copied == ["--from=build /opt/venv /opt/venv", "run.sh /opt/run.sh"]
    # What pip is told is there while it runs, and in no layer.
    for name, words in steps[:start]:
        if name == "RUN" and "install" in words:
            assert "--mount=type=secret,id=pip.conf" in words
            assert "--no-deps" in words


def run_script(folder, stub, *words):
    """Run what a container does, with a `genomark` that only says what it was told."""
    stub.mkdir()
    (stub / "genomark").write_text('#!/bin/sh\nfor each in "$@"; do echo "$each"; done\n')
    (stub / "genomark").chmod(0o755)
    return subprocess.run(
        [folder / "run.sh", *words],
        env={"PATH": f"{stub}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), ["0.0.0.0", "5000"]),
        (("127.0.0.1", "80"), ["127.0.0.1", "80"]),
        (("0.0.0.0", "80", "10.0.0.1", "81"), ["0.0.0.0", "80", "10.0.0.1", "81"]),
        (("0.0.0.0", "80", "--name", "a b"), ["0.0.0.0", "80", "--name", "a b"]),
    ],
)
def test_the_container_of_a_model_serves_it(tmp_path, words, told):
    done = run_script(written("predictor", tmp_path), tmp_path / "stub", *words)
    assert done.stdout.splitlines() == ["serve", "model", "fresh-predictor", *told]


def test_the_container_of_an_embedder_embeds(tmp_path):
    done = run_script(written("embedder", tmp_path), tmp_path / "stub", "-i", "a b.fa", "-o", "c")
    assert done.stdout.splitlines() == [
        *("embed", "-m", "fresh-embedder", "-i", "a b.fa", "-o", "c")
    ]


def test_the_container_of_a_benchmark_asks_a_predictor(tmp_path):
    out = tmp_path / "made here"
    folder = written("benchmark", tmp_path)
    done = run_script(folder, tmp_path / "stub", "127.0.0.1", "5000", out)
    assert done.stdout.splitlines() == [
        *("run", "-m", "http://127.0.0.1:5000", "-b", "fresh-benchmark"),
        *("--out", f"{out}/genomark-results", "--json", f"{out}/results.json"),
        *("--game-files", str(out)),
    ]
    assert out.is_dir()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected HOST PORT OUTDIR"),
        (("127.0.0.1", "5000"), "expected HOST PORT OUTDIR"),
        (("a", "1", "b", "c"), "expected HOST PORT OUTDIR"),
        (("127.0.0.1", "5000", "/dev/null/x"), "/dev/null/x cannot be written by user"),
    ],
)
def test_a_benchmark_that_cannot_begin_says_why(tmp_path, words, said):
    done = run_script(written("benchmark", tmp_path), tmp_path / "stub", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
