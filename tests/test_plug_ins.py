"""What other packages add by entry points: a real one, and all that may be wrong with one."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import scipy.stats

import genomark
from genomark import plug_ins
from genomark.benchmarks import benchmark_plug_ins, expand, load_benchmark, suite_plug_ins
from genomark.cli import main
from genomark.errors import GenomarkError, ModelError, UnknownNameError, UsageError
from genomark.models import load_model, model_package, model_plug_ins

PACKAGE = Path(__file__).parent / "plugin_package"
ROOT = Path(__file__).parents[1]

#: As `pyproject.toml` says.
WHOSE = "tata-box 1.2.0"

Package = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of `docs/plug-ins.md`, installed into a folder by pip."""
    base = tmp_path_factory.mktemp("plug-in")
    source, site = base / "source", base / "site"
    # pip builds where the source is.
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options]
    done = subprocess.run(
        [*words, "--target", str(site), str(source)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """``package("toy", models={"name": "module:object"}, code="...")``, as pip would leave it."""
    loaded = set(sys.modules)

    def write(name: str, version: str = "1.0", code: str = "", text: str = "", **groups) -> Path:
        site = tmp_path / f"site-{name}-{version}-{len(list(tmp_path.iterdir()))}"
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        for group, offered in groups.items():
            lines = [f"{each} = {value}" for each, value in offered.items()]
            text += "\n".join([f"[genomark.{group}]", *lines, ""])
        (info / "entry_points.txt").write_text(text)
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        # Tests of other rooms may have one of that name.
        monkeypatch.delitem(sys.modules, module, raising=False)
        return site

    yield write
    for each in set(sys.modules) - loaded:
        if str(tmp_path) in str(getattr(sys.modules[each], "__file__", "")):
            del sys.modules[each]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``command("list", "models")``: exit code and what was printed on both streams."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["genomark", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


MODEL = """
from genomark import ModelIdentity

class Model:
    def __init__(self, k: int = 3):
        self.info = ModelIdentity(id=f"toy:k={k}", version="1", digest=f"toy{k}")
    def predict(self, request):
        raise NotImplementedError
"""
BENCHMARK = """
import polars as pl
from genomark import PredictionTask, PredictorBenchmark, PredictRequest, ScoringRule

class Toy(PredictorBenchmark):
    id = "toy"
    version = "1"
    title = "letters"
    citation = "nobody"
    rule = ScoringRule(metrics=("pearson",), cluster="items")
    items = pl.DataFrame({
        "item_id": list("abcd"), "task": ["t"] * 4, "cluster": list("abcd"),
        "truth": [1.0, 2.0, 3.0, 5.0], "sequence": ["AT", "AG", "CGA", "GG"],
    })
    def request(self, items):
        task = PredictionTask("t", "expression", "K562", "homo_sapiens")
        return PredictRequest("point", [task], dict(zip(items["item_id"], items["sequence"])))
"""


# A package that is as it should be


def run_command(site: Path, folder: Path, words: str) -> tuple[str, genomark.Results]:
    """Type ``genomark run`` in a process of its own."""
    done = subprocess.run(
        [Path(sys.executable).parent / "genomark", "run", *words.split(), "--json", "results.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, genomark.load_results(folder / "results.json")


def test_a_command_and_its_workers_know_an_installed_package(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "-m tata-box -b tata-activity -b tata-effects --workers 2"
    _, results = run_command(installed, tmp_path, words)
    assert [each.benchmark.id for each in results] == ["tata-activity", "tata-effects"]
    for result in results:
        assert result.environment["plug_ins"] == {
            "model": WHOSE,
            "benchmark": WHOSE,
        }
        assert result.environment["packages"]["tata-box"] == "1.2.0"
        assert result.environment["packages"]["genomark"] == genomark.__version__
    # Computed here, from the file and what the model is said to be.
    table = pl.read_csv(PACKAGE / "src" / "tata_box" / "data" / "activity.csv")
    shares = [
        max(sum(a == b for a, b in zip(seq[i:], "TATAAA", strict=False)) for i in range(len(seq)))
        for seq in table["sequence"]
    ]
    expected = scipy.stats.pearsonr(shares, table["activity"]).statistic
    assert results[0].metric("pearson").value == pytest.approx(expected)
    # One process gives the same, to the last bit.
    monkeypatch.syspath_prepend(installed)
    benchmarks = ["tata-activity", "tata-effects"]
    alone = genomark.run("tata-box", benchmarks, out=tmp_path / "alone", workers=1, progress=False)
    assert [(each.predictions_digest, each.metrics, each.model) for each in alone] == [
        (each.predictions_digest, each.metrics, each.model) for each in results
    ]


@pytest.mark.slow
def test_the_suite_of_a_package_is_asked_as_the_page_shows(installed: Path, tmp_path: Path) -> None:
    shown, results = run_command(installed, tmp_path, "-m tata-box -m letters -b suite:tata")
    assert {
        (each.benchmark.id, each.model.id): each.environment["plug_ins"] for each in results
    } == {
        ("tata-activity", "tata-box"): {"model": WHOSE, "benchmark": WHOSE},
        ("tata-effects", "tata-box"): {"model": WHOSE, "benchmark": WHOSE},
        # The distance of vectors is what an embedder tells of variants.
        ("tata-effects", "letters:ACGT (zero-shot, distance)"): {
            "model": WHOSE,
            "benchmark": WHOSE,
        },
        # A folder is a folder, whoever ships it.
        ("sequences:tata-or-not", "letters:ACGT (probe)"): {"model": WHOSE},
    }
    page = (ROOT / "docs" / "plug-ins.md").read_text()
    table = page.partition("```text\n")[2].partition("...\n```")[0]
    assert table.count("\n") == 3
    assert table in shown


def test_lists_say_whose_it_is_and_what_is_broken(
    installed: Path, package: Package, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)
    package("broken", benchmarks={"toy": "broken:Toy"}, code="raise SystemExit('bye')")
    package("usurper", models={"gc": "usurper:nothing"})
    found = {}
    for kind in ("models", "benchmarks", "suites"):
        code, shown, _ = command("list", kind, "--json")
        assert code == 0
        rows = json.loads(shown)
        found[kind] = {row["name"]: row for row in rows}
        if kind == "models":
            both = [(row["from"], row["what"][:14]) for row in rows if row["name"] == "gc"]
            assert both == [("genomark", "GC content: po"), ("usurper 1.0", "cannot be used")]
    for kind, name in (
        ("models", "tata-box"),
        ("benchmarks", "tata-effects"),
        ("suites", "suite:tata"),
    ):
        assert found[kind][name]["from"] == WHOSE
        assert "cannot" not in found[kind][name]["what"]
    assert found["benchmarks"]["toy"]["from"] == "broken 1.0"
    assert "it ended Python (SystemExit: bye)" in found["benchmarks"]["toy"]["what"]
    assert found["benchmarks"]["kircher2019"]["version"] == "1"
    assert found["suites"]["suite:quickstart"]["benchmarks"][0] == "kircher2019"
    assert "from: tata-box 1.2.0" in " ".join(command("list", "suites")[1].split())


def test_what_genomark_ships_is_of_no_other_package(package: Package) -> None:
    package("toy", models={"toy": "toy:Model"}, code=MODEL)
    assert model_package("gc") is None
    assert model_package("http://127.0.0.1:9") is None
    found = model_package("isolated:toy:k=5")
    assert found is not None
    assert found.origin == "toy 1.0"


def test_a_factory_may_give_a_function(package: Package) -> None:
    code = "def make(k: int = 2):\n    return lambda sequences: [k * len(s) for s in sequences]"
    package("toy", models={"toy": "toy:make"}, code=code)
    assert load_model("toy:k=3").info.id == "toy:k=3"


def test_a_setting_may_be_a_path(package: Package) -> None:
    code = MODEL + (
        "\nfrom pathlib import Path\n\ndef make(weights: Path):\n"
        "    assert isinstance(weights, Path)\n    return Model(len(weights.name))"
    )
    package("toy", models={"toy": "toy:make"}, code=code)
    assert load_model("toy:weights=folder/w.npz").info.id == "toy:k=5"


def test_settings_of_a_suite_are_those_of_its_tasks(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)
    tasks = f"sequences:{installed}/tata_box/data/tasks#tata-or-not"
    assert expand(["suite:tata"]) == ["tata-activity", "tata-effects", tasks]
    assert expand(["suite:tata:fits=1"])[2] == f"{tasks}:fits=1"


# Two of one name


def test_of_two_packages_with_a_name_neither_is_used_and_both_are_shown(
    package: Package, command: Command
) -> None:
    package("zeta", models={"toy": "zeta:Model"}, code=MODEL)
    package("alpha", "2.5", models={"toy": "alpha:Model"}, code=MODEL)
    code, _, said = command("run", "-m", "toy", "-b", "simulated-enhancers")
    assert code == 2
    assert said == (
        "error: Model 'toy' cannot be used: 2 packages offer a model of this name: (alpha 2.5, "
        "alpha:Model) and (zeta 1.0, zeta:Model). Uninstall others\n"
    )
    rows = json.loads(command("list", "models", "--json")[1])
    shown = [row for row in rows if row["name"] == "toy"]
    assert [row["from"] for row in shown] == ["alpha 2.5", "zeta 1.0"]
    assert all("2 packages offer" in row["what"] for row in shown)


@pytest.mark.parametrize("group", ["models", "benchmarks", "suites"])
def test_what_genomark_ships_keeps_its_name_and_that_is_told(
    package: Package, caplog: pytest.LogCaptureFixture, group: str
) -> None:
    name = {"models": "gc", "benchmarks": "simulated-enhancers", "suites": "quickstart"}[group]
    plug_ins._tell_once.cache_clear()
    package("usurper", **{group: {name: "usurper:nothing"}})
    caplog.set_level(logging.INFO, "genomark")
    for _ in range(2):
        if group == "models":
            assert load_model("gc").info.id == "gc"
        elif group == "benchmarks":
            assert load_benchmark(name).title.startswith("activity of simulated")
        else:
            assert "kircher2019" in expand(["suite:quickstart"])
    noun = group.removesuffix("s")
    told = f"usurper 1.0 offers a {noun} '{name}' too; genomark's own is used"
    assert caplog.messages.count(told) == 1
    (other,) = [each for each in plug_ins_of(group)() if not each.is_own]
    assert other.origin == "usurper 1.0"
    assert other.fault == f"genomark has a {noun} of this name, which is used"


@pytest.mark.parametrize(
    ("group", "name"),
    [("models", "file"), ("models", "https"), ("benchmarks", "suite"), ("benchmarks", "genes/x")],
)
def test_words_of_specs_are_no_names(package: Package, group: str, name: str) -> None:
    package("usurper", **{group: {name: "usurper:nothing"}})
    find = plug_ins_of(group)
    (found,) = [each for each in find() if not each.is_own]
    assert found.is_hidden


def plug_ins_of(group: str) -> Callable[[], list[plug_ins.PlugIn]]:
    found = {
        "models": model_plug_ins,
        "benchmarks": benchmark_plug_ins,
        "suites": suite_plug_ins,
    }
    return found[group]


def test_of_two_copies_of_a_package_the_first_on_the_path_counts(package: Package) -> None:
    package("toy", "1.0", models={"toy": "toy:Model", "gone": "toy:Model"}, code=MODEL)
    package("toy", "2.0", models={"toy": "toy:Model"}, code=MODEL)
    assert load_model("toy").info.id == "toy:k=3"
    assert model_package("toy").version == "2.0"
    with pytest.raises(UnknownNameError):
        load_model("gone")


# Broken ones


BROKEN_MODELS = {
    "import-error": ("import no_such_module", "Model", "No module named 'no_such_module'"),
    "syntax": ("def f(:", "Model", "invalid syntax"),
    "exit": ("raise SystemExit('bye')", "Model", r"it ended Python \(SystemExit: bye\)"),
    "gone": ("", "Model", "no attribute 'Model'"),
    "module": ("", "", "expected package.module:object, not 'broken'"),
    "no-callable": ("Model = 3", "Model", "expected a class or function that makes a model"),
    "gives-text": ("def Model(): return 'gc'", "Model", "not an object of type str"),
    "gives-none": ("def Model(): pass", "Model", "not None"),
    "gives-class": ("class M: pass\ndef Model(): return M", "Model", "not an object of type type"),
    "info-text": ("class Model:\n    info = 'me'", "Model", "its `info` is an object of type str"),
    "no-digest": (
        "from genomark import ModelIdentity\nclass Model:\n"
        "    info = ModelIdentity(id='m', version='1', digest='')",
        "Model",
        "`digest` of its `info` must be a line of text, not ''",
    ),
    "raises": ("def Model(): raise KeyError('two\\nlines')", "Model", "two"),
    "raises-nothing": ("def Model(): raise ValueError", "Model", "ValueError"),
    "exits": ("def Model(): exit(3)", "Model", r"it ended Python \(SystemExit: 3\)"),
    "cancelled": (
        "import asyncio\ndef Model(): raise asyncio.CancelledError('two\\nlines')",
        "Model",
        "cannot be made: two lines",
    ),
    "generator-exit": ("raise GeneratorExit", "Model", "cannot be loaded: GeneratorExit"),
    "stop-iteration": ("def Model(): next(iter(()))", "Model", "cannot be made: StopIteration"),
    "skips": (
        "class Skipped(BaseException): pass\nraise Skipped('no GPU')",
        "Model",
        "cannot be loaded: no GPU",
    ),
    "asked": (
        "class Model:\n    def __getattribute__(self, name): raise GeneratorExit(name)",
        "Model",
        "cannot be made: __class__",
    ),
    "mute": (
        "class Mute(BaseException):\n    def __str__(self): return 1 / 0\nraise Mute",
        "Model",
        "cannot be loaded: Mute",
    ),
}


@pytest.mark.parametrize("fault", BROKEN_MODELS)
def test_a_broken_model_is_told_in_a_line_and_hides_no_other(package: Package, fault: str) -> None:
    code, attribute, said = BROKEN_MODELS[fault]
    value = f"broken:{attribute}" if attribute else "broken"
    package("broken", "0.3", models={"broken": value}, code=code)
    with pytest.raises((ModelError, UsageError), match=said) as caught:
        load_model("broken")
    assert "\n" not in str(caught.value)
    assert "broken 0.3" in str(caught.value)
    assert load_model("gc").info.id == "gc"


def test_a_list_shows_what_is_broken_beside_what_is_not(package: Package, command: Command) -> None:
    for fault, (code, attribute, _) in BROKEN_MODELS.items():
        name = f"broken-{fault}"
        module = name.replace("-", "_")
        value = f"{module}:{attribute}" if attribute else module
        package(name, models={name: value}, code=code)
    exit_code, listed, _ = command("list", "models", "--json")
    assert exit_code == 0
    rows = {row["name"]: row for row in json.loads(listed)}
    assert {"gc", "kmer", *(f"broken-{fault}" for fault in BROKEN_MODELS)} <= set(rows)
    assert "it ended Python (SystemExit: bye)" in rows["broken-exit"]["what"]
    assert rows["broken-exit"]["from"] == "broken-exit 1.0"
    assert rows["broken-skips"]["what"] == "cannot be loaded: no GPU"
    assert "settings" in rows["gc"]


def test_what_a_list_looks_at_may_raise_anything(package: Package, command: Command) -> None:
    code = """
class Model:
    @property
    def __doc__(self):
        raise GeneratorExit
    def __getattr__(self, name):
        raise GeneratorExit(f"asked for {name}")
    def __call__(self):
        pass
model = Model()
"""
    package("broken", models={"broken": "broken:model"}, code=code)
    exit_code, listed, _ = command("list", "models", "--json")
    assert exit_code == 0
    rows = {row["name"]: row for row in json.loads(listed)}
    assert rows["broken"]["what"].startswith("cannot be loaded: asked for ")


def test_a_setting_that_cannot_be_written_is_a_fault_of_that_model_alone(
    package: Package, command: Command
) -> None:
    code = """
class Mute:
    def __str__(self): raise GeneratorExit("no text")
class Model:
    def __init__(self, k=Mute()): pass
"""
    package("broken", models={"broken": "broken:Model"}, code=code)
    exit_code, listed, _ = command("list", "models", "--json")
    assert exit_code == 0
    rows = {row["name"]: row for row in json.loads(listed)}
    assert rows["broken"]["what"] == "cannot be loaded: no text"


def test_a_ctrl_c_while_a_package_is_loaded_ends_the_command(package: Package) -> None:
    package("slow", models={"slow": "slow:Model"}, code="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_model("slow")


def test_a_run_goes_on_without_a_model_that_is_cancelled_when_it_is_made(
    package: Package, tmp_path: Path, command: Command
) -> None:
    code = "import asyncio\ndef Model(): raise asyncio.CancelledError('stopped')"
    package("bad", models={"bad": "bad:Model"}, code=code)
    package("toy", benchmarks={"toy": "toy:Toy"}, code=BENCHMARK)
    words = ["-m", "bad", "-m", "gc", "-b", "toy", "--out", str(tmp_path), "--workers", "1"]
    _, out, err = command("run", *words)
    assert "Traceback" not in err
    assert "Model 'bad' (bad 1.0, bad:Model) cannot be made: stopped" in out + err


BROKEN_BENCHMARKS = {
    "import-error": ("import no_such_module", "No module named 'no_such_module'"),
    "exit": ("raise SystemExit(2)", "it ended Python"),
    "no-callable": ("Toy = 3", "not callable"),
    "no-benchmark": (
        "class Toy:\n    id = 'toy'",
        "expected a Benchmark, got an object of type Toy",
    ),
    "abstract": (
        BENCHMARK.replace("def request", "def asks_for"),
        "Can't instantiate abstract class Toy.*request",
    ),
    "no-items": (BENCHMARK.replace("items =", "others ="), "it has no `items`"),
    "no-title": (BENCHMARK.replace('title = "letters"', ""), "its 'title' must be a line of text"),
    "title": (BENCHMARK.replace('"letters"', '"a\\x1b[2J"'), "its 'title' must be a line of text"),
    "other-id": (BENCHMARK.replace('id = "toy"', 'id = "kircher2019"'), "its id is 'kircher2019'"),
    "no-rule": (BENCHMARK.replace("rule =", "ruler ="), "it has no `rule`"),
    "no-metric": (BENCHMARK.replace('("pearson",)', "()"), "its `rule` has no metric"),
    "metric": (BENCHMARK.replace('"pearson"', '"pearsn"'), "No metric named 'pearsn'"),
    "dataset": (
        BENCHMARK.replace('version = "1"', 'version = "1"\n    datasets = ("mine",)'),
        "its dataset 'mine' is not in genomark's catalogue",
    ),
    "constructor": (BENCHMARK + "    def __init__(self): self.x = 1 / 0", "division by zero"),
    "cancelled": (
        BENCHMARK + "    def __init__(self):\n        import asyncio\n"
        "        raise asyncio.CancelledError",
        "CancelledError",
    ),
    "title-raises": (
        BENCHMARK.replace('title = "letters"', "title = property(lambda self: next(iter(())))"),
        "StopIteration",
    ),
}


@pytest.mark.parametrize("fault", BROKEN_BENCHMARKS)
def test_a_broken_benchmark_is_told_in_a_line(package: Package, fault: str) -> None:
    code, said = BROKEN_BENCHMARKS[fault]
    package("broken", "0.3", benchmarks={"toy": "broken:Toy"}, code=code)
    with pytest.raises(UsageError, match=said) as caught:
        load_benchmark("toy")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Benchmark 'toy' (broken 0.3, broken:Toy) cannot be loaded")
    assert load_benchmark("simulated-enhancers").id == "simulated-enhancers"


BROKEN_SUITES = {
    "import-error": ("import no_such_module", "No module named"),
    "text": ("TOY = 'gc'", "expected a tuple of names"),
    "empty": ("TOY = ()", "expected a tuple of names"),
    "set": ("TOY = {'a', 'b'}", "expected a tuple of names"),
    "closed": ("raise GeneratorExit", "GeneratorExit"),
    "numbers": ("TOY = (1,)", "expected names of benchmarks, not 1"),
    "nested": ("TOY = ('suite:quickstart',)", "not 'suite:quickstart'"),
}


@pytest.mark.parametrize("fault", BROKEN_SUITES)
def test_a_broken_suite_is_told_in_a_line(package: Package, command: Command, fault: str) -> None:
    code, said = BROKEN_SUITES[fault]
    package("broken", "0.3", suites={"toys": "broken:TOY"}, code=code)
    with pytest.raises(UsageError, match=said) as caught:
        expand(["suite:toys"])
    assert str(caught.value).startswith("Suite 'toys' (broken 0.3, broken:TOY) cannot be loaded")
    exit_code, shown, _ = command("list", "suites")
    assert exit_code == 0
    assert "suite:toys  cannot be loaded" in " ".join(shown.split(" "))
    assert expand(["suite:quickstart"])


def test_an_unknown_suite_suggests_those_of_packages_too(package: Package) -> None:
    package("toys", suites={"toys": "toys:TOYS"}, code="TOYS = ('kircher2019',)")
    with pytest.raises(UnknownNameError, match="Did you mean 'toys'"):
        expand(["suite:toyz"])


def test_a_name_that_cannot_be_typed_is_shown_and_not_used(
    package: Package, command: Command
) -> None:
    names = ["my model", "a\x1b[31mb", "-x", "x" * 101, "modèle", "a,b"]
    value = "broken:Model"
    package("broken", models=dict.fromkeys([*names, "fine"], value), code=MODEL)
    assert load_model("fine").info.id == "toy:k=3"
    for name in names:
        with pytest.raises(GenomarkError):
            load_model(name)
    code, shown, _ = command("list", "models", "--json")
    assert code == 0
    rows = [row for row in json.loads(shown) if row["from"] == "broken 1.0"]
    refused = [row["name"] for row in rows if "a name is made of letters" in row["what"]]
    assert sorted(refused) == sorted(["my model", "a [31mb", "-x", "x" * 101, "modèle", "a,b"])
    assert len(rows) == len(names) + 1
    assert "\x1b" not in command("list", "models")[1]


@pytest.mark.parametrize(
    "text",
    [
        "[genomark.models]\nno equals sign\n",
        "no section = at:all\n[genomark.models]\na\n",
    ],
)
def test_entry_points_that_cannot_be_read_hide_no_others(
    package: Package, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    plug_ins._tell_once.cache_clear()
    caplog.set_level(logging.INFO, "genomark")
    package("toy", models={"toy": "toy:Model"}, code=MODEL)
    package("broken", text=text)
    assert load_model("toy").info.id == "toy:k=3"
    assert load_model("gc").info.id == "gc"
    assert [each for each in caplog.messages if "broken-1.0" in each and "left out" in each]


@pytest.mark.parametrize("damage", ["no METADATA", "no text"])
def test_a_package_that_is_half_there_hides_no_others(package: Package, damage: str) -> None:
    site = package("broken", models={"broken": "broken:Model"}, code=MODEL)
    package("toy", models={"toy": "toy:Model"}, code=MODEL)
    (info,) = site.glob("*.dist-info")
    if damage == "no METADATA":
        (info / "METADATA").unlink()
    else:
        (info / "entry_points.txt").write_bytes(b"[genomark.models]\n\xff\xfe = a:b\n")
    assert load_model("toy").info.id == "toy:k=3"
    with pytest.raises(UnknownNameError):
        load_model("broken")


def test_what_a_package_prints_stays_out_of_json(package: Package, command: Command) -> None:
    code = "print('hello from afar')\n" + MODEL + "\nprint('and again')"
    package("chatty", models={"toy": "chatty:Model"}, code=code)
    _, out, err = command("list", "models", "--json")
    assert "toy" in {row["name"] for row in json.loads(out)}
    assert "hello from afar" in err


def test_help_and_version_look_at_no_package(package: Package, command: Command) -> None:
    package("broken", models={"broken": "broken:Model"}, code="raise SystemExit('bye')")
    assert command("--help")[0] == 0
    assert command("--version")[1] == f"genomark {genomark.__version__}\n"
    assert "broken" not in sys.modules


# What fails later


FAILING = {
    "items": "    items = property(lambda self: 1 / 0)",
    "columns": "    items = pl.DataFrame({'item_id': ['a']})",
    "same ids": "    items = Toy.items.with_columns(item_id=pl.lit('a'))",
    "exit": "    items = property(lambda self: exit(3))",
    "request": "    def request(self, items): return None",
    "digest": "    digest = property(lambda self: 1 / 0)",
}


@pytest.mark.parametrize("fault", FAILING)
def test_a_benchmark_that_fails_when_it_is_asked_ends_no_other(
    package: Package, tmp_path: Path, fault: str
) -> None:
    code = f"{BENCHMARK}\nclass Bad(Toy):\n    id = 'bad'\n{FAILING[fault]}\n"
    package("toy", benchmarks={"toy": "toy:Toy", "bad": "toy:Bad"}, code=code)
    results = genomark.run("gc", ["bad", "toy"], out=tmp_path, workers=1, progress=False)
    assert [each.benchmark.id for each in results] == ["toy"]
    assert [each.benchmark for each in results.failed] == ["bad"]
    assert "\n" not in results.failed[0].reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    info = property(lambda self: 1 / 0)", "ZeroDivisionError: division by zero"),
        ("    info = property(lambda self: exit(3))", "SystemExit: 3"),
        ("    info = property(lambda self: 'me')", "AttributeError: "),
        ("    def predict(self, request): exit(3)", "SystemExit: 3"),
        ("    def predict(self, request): return None", "AttributeError: "),
    ],
)
def test_a_model_that_fails_when_it_is_asked_ends_no_other(
    package: Package, tmp_path: Path, body: str, said: str
) -> None:
    own = "    def __init__(self): pass\n" if "info" in body else ""
    code = f"{MODEL}\nclass Bad(Model):\n{own}{body}\n"
    package("bad", models={"bad": "bad:Bad"}, code=code)
    package("toy", benchmarks={"toy": "toy:Toy"}, code=BENCHMARK)
    results = genomark.run(["bad", "gc"], "toy", out=tmp_path, workers=1, progress=False)
    assert [each.model.id for each in results] == ["gc"]
    assert [each.model for each in results.failed] == ["bad"]
    assert results.failed[0].reason.startswith(said)


# The page


def test_the_page_shows_the_package_that_is_installed_here() -> None:
    text = (ROOT / "docs" / "plug-ins.md").read_text()
    shown = {}
    for fence in text.split("\n```")[1:]:
        first, _, body = fence.partition("\n")
        if 'title="tata-box/' in first:
            shown[first.partition('title="')[2].partition('"')[0]] = f"{body}\n"
    files = {
        f"tata-box/{path.relative_to(PACKAGE).as_posix()}": path.read_text()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shown == files
