from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import genomark
from genomark import datasets


def test_help_names_every_verb_and_gives_examples(genomark_cli):
    outcome = genomark_cli("--help")
    assert outcome.code == 0
    assert all(verb in outcome.out for verb in ("run", "list", "serve", "data"))
    for words in (("run",), ("list",), ("serve", "model"), ("data", "fetch"), ("data", "path")):
        shown = genomark_cli(*words, "--help")
        assert shown.code == 0
        assert re.search(r"Examples?:", shown.out)
        assert "genomark " + " ".join(words) in shown.out


def test_version(genomark_cli):
    assert genomark_cli("--version").out == f"genomark {genomark.__version__}\n"


def test_a_wrong_verb_suggests_the_nearest(genomark_cli):
    outcome = genomark_cli("lsit")
    assert outcome.code == 2
    assert "list" in outcome.err


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("models", "kmer", "what"),
        ("benchmarks", "kircher2019", "data"),
        ("suites", "suite:quickstart", "benchmarks"),
        ("datasets", "gene2gene", "licence"),
    ],
)
def test_lists_for_people_and_for_machines(genomark_cli, kind, name, key):
    shown = genomark_cli("list", kind)
    assert shown.code == 0
    assert name in shown.out
    rows = json.loads(genomark_cli("list", kind, "--json").out)
    (row,) = (row for row in rows if row["name"] == name)
    assert row[key]


def test_listed_datasets_are_those_of_the_catalogue(genomark_cli):
    rows = json.loads(genomark_cli("list", "datasets", "--json").out)
    assert {row["name"]: row["bytes"] for row in rows} == {
        name: dataset.bytes for name, dataset in datasets.catalogue().items()
    }


def test_data_path_prints_a_file_with_the_right_bytes(genomark_cli, real_data):
    expected = real_data("kircher2019", "about.md")
    outcome = genomark_cli("data", "path", "kircher2019", "about.md")
    assert Path(outcome.out.strip()) == expected
    assert expected.stat().st_size == 10_517


def test_data_fetch_prints_every_file(genomark_cli, real_data):
    real_data("kircher2019", "about.md")
    lines = genomark_cli("data", "fetch", "kircher2019").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "kircher2019/about.md",
        "kircher2019/elements.tsv.gz",
    ]


def test_data_verify_finds_a_wrong_file(genomark_cli, real_data, tmp_path, monkeypatch):
    good = real_data("kircher2019", "about.md")
    mirror = tmp_path / "mirror" / "kircher2019"
    mirror.mkdir(parents=True)
    (mirror / "about.md").write_bytes(good.read_bytes())
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror.parent))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    fine = genomark_cli("data", "verify", "kircher2019")
    assert (fine.code, fine.out.strip()) == (0, "1 ok, 1 not at hand, 0 wrong")
    (mirror / "about.md").write_bytes(good.read_bytes()[:-1] + b"?")
    wrong = genomark_cli("data", "verify", "kircher2019")
    assert wrong.code == 1
    assert "wrong checksum kircher2019/about.md" in wrong.out
    assert "0 ok, 1 not at hand, 1 wrong" in wrong.out


def test_an_unknown_dataset_suggests_the_nearest(genomark_cli):
    outcome = genomark_cli("data", "fetch", "kircher")
    assert outcome.code == 2
    assert "Did you mean 'kircher2019'?" in outcome.err


@pytest.mark.usefixtures("no_data")
def test_data_that_cannot_be_had_say_where_they_were_looked_for(genomark_cli):
    outcome = genomark_cli("data", "fetch", "motifs")
    assert outcome.code == 1
    assert "error: Cannot get motifs/motifs.meme.txt" in outcome.err
    assert "raw.githubusercontent.com" in outcome.err
    assert "Set GENOMARK_MIRROR" in outcome.err


def test_serving_what_cannot_be_served_is_one_line(genomark_cli):
    outcome = genomark_cli("serve", "model", "control:random", "--port", "0")
    assert outcome.code == 1
    assert "answers by item, not by sequence" in outcome.err
