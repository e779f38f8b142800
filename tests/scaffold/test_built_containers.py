"""Scaffolded packages, built and run by podman: what their users get."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.slow

CLI = (sys.executable, "-c", "from genomark.cli import main; main()")
_HEALTH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:{}/health/ready').status)"


def genomark(environment, *words, seconds=1500, cwd=None):
    done = subprocess.run(
        [*CLI, *map(str, words)],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def packages(containers, base, tmp_path_factory):
    """Both packages, scaffolded and built; a wheel of genomark is made by the first build."""
    folder = tmp_path_factory.mktemp("packages")
    for kind in ("benchmark", "model"):
        words = ("new", kind, f"my-{kind}", "--into", folder, "--author", "A. Author")
        genomark(containers, *words)
    # The same pins for both: what is installed of them is then a layer that both share.
    shutil.copy(folder / "my-benchmark/requirements.lock", folder / "my-model/requirements.lock")
    words = ("--engine", "podman", "--base", base)
    built = genomark(containers, "build", folder / "my-benchmark", *words)
    (wheel,) = (folder / "my-benchmark/wheels").glob("genomark-*.whl")
    more = genomark(containers, "build", folder / "my-model", *words, "--genomark", wheel)
    sys.stderr.write("\n".join(built.stderr.splitlines()[-1:] + more.stderr.splitlines()[-1:]))
    assert "Built my-model:0.1.0 (" in more.stderr
    assert "podman run --rm --read-only -p 127.0.0.1:5000:5000 my-model:0.1.0" in more.stdout
    return folder


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.fixture
def served(packages, podman):
    """Address of the model's container, which may write nowhere."""
    port = free_port()
    words = ("--detach", "--read-only", "--name", "served", "my-model:0.1.0")
    podman("run", *words, "127.0.0.1", port)
    try:
        _wait_for(podman, "served", port)
        yield f"http://127.0.0.1:{port}"
    finally:
        podman("rm", "--force", "--time", "1", "served", fails=True)


def _wait_for(podman, name, port):
    end = time.monotonic() + 120
    ready = ("exec", name, "python3", "-c", _HEALTH.format(port))
    while podman(*ready, fails=True).stdout.strip() != "200":
        assert time.monotonic() < end, podman("logs", name).stderr
        time.sleep(0.2)


def test_a_model_passes_the_check_and_says_which_build_it_is(served, containers, tmp_path):
    report = tmp_path / "report.json"
    genomark({**containers, "no_proxy": "127.0.0.1"}, "check", served, "--json", report)
    found = json.loads(report.read_text())
    assert found["verdict"] == "conforms"
    assert re.fullmatch(r"my-model_\d{8}-\d{6}_UTC", found["predictor_name"])


def test_sigterm_ends_it_soon_and_well(served, podman):
    began = time.monotonic()
    podman("stop", "--time", "60", "served")
    assert time.monotonic() - began < 30
    state = podman("inspect", "--format", "{{.State.ExitCode}}", "served").stdout.strip()
    assert state == "0"


def test_it_needs_no_network(packages, podman):
    podman("run", "--detach", "--read-only", "--network=none", "--name", "alone", "my-model:0.1.0")
    try:
        _wait_for(podman, "alone", 5000)
    finally:
        podman("rm", "--force", "--time", "1", "alone", fails=True)


def test_an_image_holds_no_tools_no_rights_and_nothing_of_the_build(packages, podman):
    shown = podman(
        *("run", "--rm", "--read-only", "--entrypoint", "sh", "my-model:0.1.0", "-c"),
        "id -u; for each in pip pip3 gcc cc make; do command -v $each; done; "
        "python3 -c 'import pip' 2>&1 | tail -1; cat /etc/pip.conf /run/pip.pem 2>/dev/null; "
        "ls /build /opt/pip /usr/share/python-wheels 2>/dev/null; touch /opt/x 2>&1; true",
    ).stdout.splitlines()
    assert shown[0] == "10001"
    assert shown[1] == "ModuleNotFoundError: No module named 'pip'"
    assert len(shown) == 3
    assert "cannot touch" in shown[2]
    labels = json.loads(podman("image", "inspect", "my-model:0.1.0").stdout)[0]["Labels"]
    assert labels["Author"] == "A. Author"
    assert labels["game_schema_version"] == "1.0"
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch(r"\d{4}(-\d\d){2}T[\d:]+Z", labels["org.opencontainers.image.created"])
    history = podman("history", "--no-trunc", "my-model:0.1.0").stdout
    assert "index-url" not in history
    assert "find-links =" not in history


def test_a_benchmark_evaluates_a_model_as_game_does(served, packages, podman, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    host, port = served.removeprefix("http://").split(":")
    run = ("run", "--rm", "--read-only", "--user", "12345:12345", "--volume")
    # A run that does not end is killed with its container.
    words = (f"{tmp_path / 'out'}:/predictions", "--timeout", "300", "my-benchmark:0.1.0")
    done = podman(*run, *words, host, port, "/predictions", seconds=330)
    assert "Traceback" not in done.stderr
    out = tmp_path / "out"
    (result,) = json.loads((out / "results.json").read_text())["results"]
    assert result["coverage"]["answered"] == 200
    with urllib.request.urlopen(f"{served}/help") as answer:
        predictor = json.load(answer)["predictor_name"]
    (summary,) = out.glob("evaluation_summary_*.csv")
    evaluator = summary.stem.removeprefix("evaluation_summary_")
    assert re.fullmatch(r"my-benchmark_\d{8}-\d{6}_UTC", evaluator)
    raw = json.loads((out / f"{evaluator}_predictions_from_{predictor}.json").read_text())
    predictions = raw["prediction_tasks"][0]["predictions"]
    # Purine skew, worked out here from the sequences of the benchmark.
    for line in (packages / "my-benchmark/src/my_benchmark/data/items.csv").open():
        item, _, sequence, _ = line.split(",")
        if item != "item_id":
            purines = sum(letter in "AG" for letter in sequence)
            assert predictions[item] == pytest.approx((2 * purines - 100) / 100)
    rows = summary.read_text().splitlines()
    assert rows[0].startswith("evaluator_name\tdescription\tpredictor_name")
    assert all(row.startswith(f"{evaluator}\t") for row in rows[1:])
    assert (out / "results.json").stat().st_uid == 12345


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("127.0.0.1", "5000"), "error: expected HOST PORT OUTDIR"),
        (("127.0.0.1", "5000", "/predictions"), "error: /predictions cannot be written by user"),
    ],
)
def test_what_an_evaluator_cannot_do_is_one_line(packages, podman, words, said):
    done = podman("run", "--rm", "--read-only", "my-benchmark:0.1.0", *words, fails=True)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1
