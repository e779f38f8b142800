"""``genomark store`` and ``genomark import ... --store``."""

from __future__ import annotations

import json

import msgspec
import pytest

import genomark
from genomark.results import load_results
from genomark.results.store import Store
from genomark.scoring import read_result, result_json

BENCHMARK = "simulated-enhancers"
REPORT = (
    "task_name,sample_size,test_roc_auc,mean_roc_auc,sd_roc_auc,model_name\n"
    'TF vs non-TF,2765,"0.5,0.75",0.625,0.125,mine\n'
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    genomark.run(["gc", "cpg"], [BENCHMARK], out=folder, limit=60, workers=1, progress=False)
    return folder


@pytest.fixture
def stored(genomark_cli, run, tmp_path):
    """The same, in a store."""
    done = genomark_cli("import", "results", run, "--store", "store")
    assert done.code == 0, done.err
    return tmp_path / "store"


def test_a_run_is_imported_verified_and_listed(genomark_cli, run):
    done = genomark_cli("import", "results", run, "--store", "store")
    assert (done.code, done.out) == (0, "")
    assert "2 verified; 2 new in store/store.sqlite" in done.err
    again = genomark_cli("import", "results", run, "--store", "store")
    assert "2 verified; 0 new in" in again.err
    shown = genomark_cli("store", "list", "store").out.split("\n")
    assert shown[0].split() == [
        "benchmark",
        "version",
        "digest",
        "limit",
        "models",
        "results",
        "withdrawn",
    ]
    assert shown[1].split()[:2] == [BENCHMARK, "1"]
    assert shown[1].split()[3:] == ["60", "2", "2", "0"]


def test_a_run_keeps_its_results_in_a_store(genomark_cli):
    words = ("run", "-m", "gc", "-b", BENCHMARK, "--limit", "30", "--workers", "1")
    done = genomark_cli(*words, "--store", "store")
    assert done.code == 0, done.err
    listed = json.loads(genomark_cli("store", "list", "store", "--results", "--json").out)
    assert [(each["model_id"], each["item_limit"]) for each in listed] == [("gc", 30)]
    # A place that is none is told before anything is computed.
    wrong = genomark_cli(*words, "--store", "s3://bucket", "--out", "other")
    assert (wrong.code, wrong.out) == (2, "")


def test_columns_and_results_as_json(genomark_cli, stored):
    (column,) = json.loads(genomark_cli("store", "list", stored, "--json").out)
    assert (column["models"], column["column"]["limit"]) == (2, 60)
    entries = json.loads(genomark_cli("store", "list", stored, "-m", "gc", "--json").out)
    assert [(each["model_id"], each["standing"]) for each in entries] == [("gc", "verified")]


def test_ids_are_shown_whole(genomark_cli, stored):
    with Store.open(stored) as store:
        ids = [each.id for each in store.entries()]
    out = genomark_cli("store", "list", stored, "--results").out
    assert all(id in out.split() for id in ids)


def test_what_differs_is_refused_with_one_line_and_exit_status_1(genomark_cli, run, tmp_path):
    file = next((run / "results").rglob("*.json"))
    result = read_result(file)
    first = msgspec.structs.replace(result.metrics[0], value=0.99)
    forged = msgspec.structs.replace(result, metrics=[first, *result.metrics[1:]])
    folder = tmp_path / "forged"
    (folder / "results").mkdir(parents=True)
    (folder / "results" / file.name).write_bytes(result_json(forged))
    (folder / "predictions").mkdir()
    kept = f"{file.stem}.parquet"
    (folder / "predictions" / kept).write_bytes((run / "predictions" / kept).read_bytes())
    done = genomark_cli("import", "results", folder, "--store", "store")
    assert done.code == 1
    (line,) = done.out.splitlines()
    assert line.startswith(f"refused {BENCHMARK} × {result.model.id}: ")
    assert "value of pearson is 0.99 in the result, and " in line
    assert "1 refused; 0 new" in done.err


def test_names_of_strangers_cannot_move_the_cursor(genomark_cli, run, tmp_path):
    results = [read_result(each) for each in (run / "results").rglob("*.json")][:1]
    model = msgspec.structs.replace(results[0].model, id="[red]x\x1b[31m\n2J")
    forged = msgspec.structs.replace(results[0], model=model)
    genomark.Results([forged]).save(tmp_path / "r.json")
    done = genomark_cli("import", "results", "r.json", "--store", "store", "--owner", "\x1b]0;x")
    out = done.out + genomark_cli("store", "list", "store", "--results").out
    assert "\x1b" not in out
    assert "[red]x" in out.replace("\n", "").replace(" ", "")


def test_withdrawing(genomark_cli, stored):
    with Store.open(stored) as store:
        id = store.entries(model="gc")[0].id
    done = genomark_cli("store", "withdraw", stored, id, "--reason", "wrong weights")
    assert (done.code, done.err) == (0, f"{BENCHMARK} × gc is withdrawn\n")
    assert "withdrawn:" in genomark_cli("store", "list", stored, "--results").out
    with Store.open(stored) as store:
        assert store.entry(id).withdrawn == "wrong weights"
    unknown = genomark_cli("store", "withdraw", stored, "x", "--reason", "y")
    assert unknown.code == 2
    assert "No result 'x'" in unknown.err


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_exporting(genomark_cli, stored, tmp_path, ending):
    done = genomark_cli("store", "export", stored, "--out", f"r.{ending}", "-m", "gc")
    assert done.err == f"1 results are in r.{ending}\n"
    assert (tmp_path / f"r.{ending}").stat().st_size > 100
    if ending == "json":
        assert [each.model.id for each in load_results(tmp_path / "r.json")] == ["gc"]
    assert genomark_cli("store", "export", stored, "--out", "r.txt").code == 2


def test_checking(genomark_cli, stored):
    assert genomark_cli("store", "check", stored).err.endswith("store.sqlite is whole\n")
    (stored / "predictions" / "ab").mkdir(exist_ok=True)
    with Store.open(stored) as store:
        store.files.put("items", b"nobody's")
    harmless = genomark_cli("store", "check", stored)
    assert (harmless.code, harmless.out.split()[:2]) == (0, ["orphan", "items"])
    next((stored / "predictions").rglob("*.parquet")).unlink()
    lost = genomark_cli("store", "check", stored)
    assert lost.code == 1
    assert {line.split()[0] for line in lost.out.splitlines()} == {"orphan", "missing"}


def test_a_place_without_a_store_is_left_alone(genomark_cli, tmp_path):
    for words in (("list",), ("check",), ("export", "--out", "r.csv")):
        done = genomark_cli("store", words[0], "nothing", *words[1:])
        assert done.code == 2
        assert "nothing: there is no store; one is made by" in done.err
    assert not (tmp_path / "nothing").exists()


def test_published_scores_of_a_suite(genomark_cli):
    done = genomark_cli("import", "published", "--suite", "gb", "--store", "store")
    assert "36 published; 36 new" in done.err
    with Store.open("store") as store:
        assert {each.standing for each in store.entries()} == {"published"}
        assert len(store.columns()) == 9
    unknown = genomark_cli("import", "published", "--suite", "gbb", "--store", "store")
    assert (unknown.code, "Did you mean 'gb'" in unknown.err) == (2, True)


def test_what_other_tools_wrote_goes_into_a_store_too(genomark_cli, tmp_path):
    (tmp_path / "report.csv").write_text(REPORT)
    (tmp_path / "scores.csv").write_text("model,cons30\nT5,33.2\n")
    header = "evaluator_name\tdescription\tpredictor_name\ttime_stamp\tmetric\tvalue\t"
    (tmp_path / "evaluation_summary_e.csv").write_text(
        f"{header}prediction_task(s)_data\ne\tq\tp\t20250101-000000.0\tpearson\t0.5\t[]\n"
    )
    for words in (("gene-benchmark", "report.csv"), ("guanine", "scores.csv"), ("game", ".")):
        done = genomark_cli("import", *words, "--store", "store")
        assert "1 published; 1 new in store/store.sqlite" in done.err
    with Store.open("store") as store:
        assert [(each.owner, each.value) for each in store.entries()] == [
            ("gene-benchmark", 0.625),
            ("guanine", 33.2),
            ("game", 0.5),
        ]


def test_a_store_is_for_results_and_not_for_settings(genomark_cli, tmp_path):
    (tmp_path / "m.yaml").write_text("model_name: x\n")
    done = genomark_cli("import", "gene-benchmark", "m.yaml", "--store", "store")
    assert done.code == 2
    assert "--json and --store take the results of a report" in done.err
    assert not (tmp_path / "store").exists()
