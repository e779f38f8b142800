"""From a source to folders of tasks, and the record of what they were made of."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from genomark.errors import (
    DatasetUnavailableError,
    UnknownNameError,
    UsageError,
    WriteError,
)
from genomark.genes import read_task
from genomark.genes.sources import (
    Settings,
    build,
    known_tasks,
    listed_tasks,
    read_records,
    registry,
    sources,
)
from genomark.genes.sources.source import HGNC, RemoteFile

HLA = """\
Approved symbol\tApproved name
HLA-A\tmajor histocompatibility complex, class I, A
HLA-B\tmajor histocompatibility complex, class I, B
HLA-DRA\tmajor histocompatibility complex, class II, DR alpha
"""
TABLE = "symbol,first,second\nTP53,1,0\nBRCA1,0,1\nNA,1,1\n"
GENES = ["ENSG00000000001", "ENSG00000000002"]
COMPLETE = f"symbol\tensembl_gene_id\nA\t{GENES[0]}\nB\t{GENES[1]}\n"


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def site(tmp_path, own_cache, monkeypatch):
    """A folder that is served; the sources ``hla`` and ``genecorpus`` are downloaded from it."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=str(folder))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()

    def moved(remote):
        url = f"http://127.0.0.1:{server.server_address[1]}/{remote.name}"
        return RemoteFile(remote.name, url, remote.limit)

    shipped = sources()
    for name in ("hla", "genecorpus"):
        remotes = tuple(map(moved, shipped[name].remotes))
        shipped[name] = dataclasses.replace(shipped[name], remotes=remotes)
    monkeypatch.setattr(registry, "sources", lambda: shipped)
    monkeypatch.setattr("genomark.genes.sources.building.HGNC", moved(HGNC))
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def put(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_files_of_ones_own_become_a_folder_that_can_be_read_back(tmp_path):
    built = build("hla", tmp_path / "tasks", [put(tmp_path / "mine.tsv", HLA)])
    assert [(task.name, task.kind, task.rows, task.labels) for task in built.tasks] == [
        ("HLA class I vs class II", "binary", 3, 1)
    ]
    assert built.absent == ()
    folder = tmp_path / "tasks" / "HLA class I vs class II"
    assert (folder / "entities.csv").read_text() == "symbol\nHLA-A\nHLA-B\nHLA-DRA\n"
    assert (folder / "outcomes.csv").read_text() == "Outcomes\nclass I\nclass I\nclass II\n"
    (note,) = read_records(tmp_path / "tasks")["hla"].tasks
    task = read_task(tmp_path / "tasks", note.name, kind=note.kind, positive=note.positive)
    assert task.labels == ("class I",)
    assert task.targets.ravel().tolist() == [1, 1, 0]


def test_the_record_says_what_the_tasks_were_made_of(tmp_path):
    path = put(tmp_path / "mine.tsv", HLA)
    build("hla", tmp_path / "tasks", [path])
    record = json.loads((tmp_path / "tasks" / "source.json").read_text())
    assert record == {
        "hla": {
            "title": "HGNC gene group 588: HLA genes of class I and class II",
            "licence": "CC0",
            "citation": "Seal et al. 2023, Nucleic Acids Res 51:D1003",
            "n_tasks": 1,
            "files": [
                {
                    "name": "mine.tsv",
                    "url": None,
                    "fetched": None,
                    "bytes": len(HLA),
                    "sha256": hashlib.sha256(HLA.encode()).hexdigest(),
                }
            ],
            "tasks": [
                {
                    "name": "HLA class I vs class II",
                    "kind": "binary",
                    "rows": 3,
                    "labels": 1,
                    "positive": "class I",
                }
            ],
        }
    }


def test_sources_share_a_folder_and_its_record(tmp_path):
    out = tmp_path / "tasks"
    build("hla", out, [put(tmp_path / "mine.tsv", HLA)])
    settings = Settings(name="deep/er", outcomes=("first", "second"))
    build("table", out, [put(tmp_path / "a.csv", TABLE)], settings)
    records = read_records(out)
    assert list(records) == ["hla", "table"]
    assert records["table"].settings == {"name": "deep/er", "outcomes": "first, second"}
    assert read_task(out, "deep/er").targets.tolist() == [[1, 0], [0, 1], [1, 1]]


def test_building_again_gives_the_same_bytes(tmp_path):
    path = put(tmp_path / "mine.tsv", HLA)
    build("hla", tmp_path / "one", [path])
    first = tree(tmp_path / "one")
    build("hla", tmp_path / "one", [path])
    build("hla", tmp_path / "two", [path])
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == first


def test_tasks_that_the_files_do_not_give_are_named(tmp_path):
    table = "Gene\tChromosome\nTP53\t17\nMYC\t8\n"
    built = build("hpa", tmp_path / "tasks", [put(tmp_path / "proteinatlas.tsv", table)])
    assert [task.name for task in built.tasks] == ["Chromosome"]
    assert len(built.absent) == 60
    assert "Protein class" in built.absent


def test_nothing_is_missed_where_the_files_give_something_else(tmp_path):
    sets = put(tmp_path / "mine.gmt", "A\turl\tTP53\tMYC\nB\turl\tMYC\n")
    built = build("reactome", tmp_path / "tasks", [sets], Settings(min_genes=1))
    assert [task.name for task in built.tasks] == ["Reactome gene sets"]
    assert built.absent == ()


def test_what_is_downloaded_is_recorded_and_built_once(site, tmp_path):
    put(site / "hgnc_group_588.tsv", HLA)
    build("hla", tmp_path / "tasks", progress=False)
    first = tree(tmp_path / "tasks")
    (origin,) = read_records(tmp_path / "tasks")["hla"].files
    assert origin.url.endswith("/hgnc_group_588.tsv")
    assert origin.fetched is not None
    put(site / "hgnc_group_588.tsv", HLA.replace("HLA-A", "HLA-Z"))
    build("hla", tmp_path / "tasks", progress=False)
    assert tree(tmp_path / "tasks") == first
    build("hla", tmp_path / "tasks", fresh=True, progress=False)
    entities = tmp_path / "tasks" / "HLA class I vs class II" / "entities.csv"
    assert "HLA-Z" in entities.read_text()


def test_an_error_page_with_the_status_of_a_file_does_not_stay_in_the_cache(site, tmp_path):
    put(site / "hgnc_group_588.tsv", "<html>Come back later</html>")
    with pytest.raises(DatasetUnavailableError) as caught:
        build("hla", tmp_path / "tasks", progress=False)
    assert "/hgnc_group_588.tsv cannot be used (" in str(caught.value)
    assert "a web page" in str(caught.value)
    assert "genomark tasks build hla --file PATH" in str(caught.value)
    put(site / "hgnc_group_588.tsv", HLA)
    assert len(build("hla", tmp_path / "tasks", progress=False).tasks) == 1


def test_hgnc_is_downloaded_with_a_source_that_needs_it(site, tmp_path):
    lists = {
        "dosage_sensitivity_TFs.pickle": ("Dosage-sensitive TFs", "Dosage-insensitive TFs"),
        "bivalent_vs_no_methyl.pickle": ("bivalent", "no_methylation"),
        "bivalent_vs_lys4_only.pickle": ("lys4_only", "bivalent"),
        "tf_regulatory_range.pickle": ("long_range", "short_range"),
        "n1_network.pickle": ("a", "b"),
        "n1_target.pickle": ("c", "d"),
    }
    for name, (first, second) in lists.items():
        (site / name).write_bytes(pickle.dumps({first: [GENES[0]], second: [GENES[1]]}))
    put(site / "hgnc_complete_set.txt", COMPLETE)
    built = build("genecorpus", tmp_path / "tasks", progress=False)
    assert len(built.tasks) == 7
    assert [origin.name for origin in built.files] == [*lists, "hgnc_complete_set.txt"]


def test_hgnc_of_ones_own_is_recorded(tmp_path):
    path = tmp_path / "tf_regulatory_range.pickle"
    path.write_bytes(pickle.dumps({"long_range": [GENES[0]], "short_range": [GENES[1]]}))
    hgnc = put(tmp_path / "hgnc.tsv", COMPLETE)
    built = build("genecorpus", tmp_path / "tasks", [path], Settings(hgnc=hgnc))
    assert [origin.name for origin in built.files] == [path.name, "hgnc.tsv"]
    with pytest.raises(UsageError, match="no such file or folder"):
        build("genecorpus", tmp_path / "tasks", [path], Settings(hgnc=tmp_path / "none"))


@pytest.mark.parametrize(
    ("source", "settings", "says"),
    [
        ("hla", Settings(min_genes=3), "'hla' does not heed the setting 'min_genes'.*heeds: none"),
        ("reactome", Settings(hgnc=Path("x")), "heeds: max_genes, min_genes, name"),
        ("gmt", Settings(), r"reads files of your own \(any \*\.gmt.*--file PATH"),
        ("table", Settings(), "reads files of your own"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, source, settings, says):
    with pytest.raises(UsageError, match=says):
        build(source, tmp_path / "tasks", settings=settings)
    assert not (tmp_path / "tasks").exists()


def test_an_unknown_source_suggests_the_nearest(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'reactome'"):
        build("reactom", tmp_path)


@pytest.mark.usefixtures("no_data")
def test_without_a_network_the_line_says_how_to_give_files(tmp_path):
    with pytest.raises(
        DatasetUnavailableError, match=r"genenames\.org.*tasks build hla --file PATH"
    ):
        build("hla", tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()


def test_a_wrong_file_of_ones_own_is_a_usage_error_and_writes_nothing(tmp_path):
    path = put(tmp_path / "mine.tsv", "a\tb\n1\t2\n")
    with pytest.raises(UsageError, match=r"mine\.tsv: no column 'Approved symbol'"):
        build("hla", tmp_path / "tasks", [path])
    assert not (tmp_path / "tasks").exists()


def test_tasks_before_a_wrong_one_stay_whole_and_the_wrong_one_is_absent(tmp_path):
    table = "Gene\tChromosome\tInteractions\nTP53\t17\tmany\nMYC\t8\t2\n"
    with pytest.raises(UsageError, match="'many'"):
        build("hpa", tmp_path / "tasks", [put(tmp_path / "proteinatlas.tsv", table)])
    assert sorted(tree(tmp_path / "tasks")) == [
        "Chromosome/entities.csv",
        "Chromosome/outcomes.csv",
    ]


def test_a_file_that_gives_no_task_is_refused(tmp_path):
    path = put(tmp_path / "proteinatlas.tsv", "Gene\tChromosome\nTP53\t17\nBRCA1\t17\n")
    with pytest.raises(UsageError, match=r"proteinatlas\.tsv: gives no task"):
        build("hpa", tmp_path / "tasks", [path])
    assert not (tmp_path / "tasks").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    path = put(tmp_path / "mine.tsv", HLA)
    (tmp_path / "tasks").mkdir()
    put(tmp_path / "tasks" / "HLA class I vs class II", "in the way")
    with pytest.raises(WriteError, match="Cannot"):
        build("hla", tmp_path / "tasks", [path])


def test_a_record_that_is_none_of_ours_is_not_overwritten(tmp_path):
    (tmp_path / "tasks").mkdir()
    put(tmp_path / "tasks" / "source.json", "[1]")
    with pytest.raises(UsageError, match=r"source\.json: not a record .*move it away"):
        build("hla", tmp_path / "tasks", [put(tmp_path / "mine.tsv", HLA)])
    assert tree(tmp_path / "tasks") == {"source.json": b"[1]"}


def test_tasks_are_listed_as_noted_and_read_again_only_when_somebody_wrote_to_them(
    tmp_path, monkeypatch
):
    out = tmp_path / "tasks"
    build("hla", out, [put(tmp_path / "mine.tsv", HLA)])
    with monkeypatch.context() as patch:
        patch.setattr(
            "genomark.genes.sources.listing.read_task", lambda *_, **__: pytest.fail("read")
        )
        (task,) = listed_tasks(out)
    assert (task.name, task.rows, task.positive) == ("HLA class I vs class II", 3, "class I")
    assert (task.source, task.family) == ("hla", "biological processes")
    folder = out / task.name
    put(folder / "entities.csv", "symbol\nHLA-A\nHLA-DRA\n")
    put(folder / "outcomes.csv", "Outcomes\nclass I\nclass II\n")
    later = (out / "source.json").stat().st_mtime_ns + 1_000_000_000
    os.utime(folder / "outcomes.csv", ns=(later, later))
    (task,) = listed_tasks(out)
    assert (task.rows, task.kind, task.positive) == (2, "binary", "class I")


def test_the_tasks_that_are_known_without_any_data():
    known = known_tasks()
    assert len(known) == len({task.name for task in known}) == 111
    counts = {name: len(source.tasks) for name, source in sources().items()}
    assert counts == {
        "reactome": 30,
        "hpa": 61,
        "uniprot-keywords": 9,
        "genecorpus": 7,
        "human-tfs": 1,
        "hla": 1,
        "gene2gene": 1,
        "open-targets": 1,
        "gmt": 0,
        "table": 0,
    }
    assert all(task.source in counts for task in known)


def test_families_of_the_tasks_that_were_published():
    """Families and names as in the published fold scores."""
    published = {
        "TF vs non-TF": "regulatory functions",
        "Gene2Gene": "regulatory functions",
        "N1 targets": "regulatory functions",
        "Lys4-only-methylated vs non-methylated": "genomic properties",
        "HLA class I vs class II": "biological processes",
        "Pathology prognostics - Glioma": "biological processes",
        "RNA cancer specificity": "biological processes",
        "RNA tissue specificity": "localization",
        "NeXtProt evidence": "localization",
        "Chromosome": "genomic properties",
        "Subcellular location": "genomic properties",
        "Pathways": "biological processes",
        "UniProt keyword PTM": "protein properties",
    }
    families = {task.name: task.family for task in known_tasks()}
    assert {name: families[name] for name in published} == published


def test_every_source_says_where_it_is_from_and_under_what_terms():
    for name, source in sources().items():
        assert source.name == name
        assert source.title
        assert source.licence
        assert source.citation
        assert source.files
        for remote in source.remotes:
            assert getattr(remote, "url", "https://").startswith("https://")


def test_the_human_transcription_factors_from_the_catalogue(real_data, tmp_path):
    real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    built = build("human-tfs", tmp_path / "tasks", progress=False)
    (note,) = built.tasks
    assert (note.rows, note.positive) == (2765, "Transcription factor")
    task = read_task(tmp_path / "tasks", note.name, kind=note.kind, positive=note.positive)
    assert task.targets.sum() == 1639
    (origin,) = built.files
    assert origin.sha256 == "12bf6acd7507469cc767c2740ae5eb633c1807a3c1b0f40b37c1218e81dff908"
