import json
import re
import sys

import msgspec
import pytest

from genomark.datasets import Dataset, DatasetFile, catalogue, dataset, verify
from genomark.errors import DatasetError, UnknownNameError

read_catalogue = sys.modules["genomark.datasets.catalogue"].read_catalogue

SHA256 = "0123456789abcdef" * 4
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE = f'{{ path = "a/b.txt", bytes = 3, sha256 = "{SHA256}" }}'
HEAD = 'title = "T"\ndescription = "D"\nlicence = "L"\ncitation = "C"\n'
ORIGIN = f'[[origin]]\nrepository = "lab/repo"\ncommit = "{COMMIT}"\n'


def read(folder, text, name="toy.toml"):
    (folder / name).write_text(text)
    return read_catalogue(folder)


#: What no mirror of ours has: too large, or not to be had by address.
ELSEWHERE = ("hg19", "hg38", "mm10", "encode", "orca", "agarwal2025_sequences")
ELSEWHERE += ("gosai2024_synthetic",)


def mirrored_entries():
    return [entry for entry in catalogue().values() if entry.name not in ELSEWHERE]


def test_every_file_of_the_mirror_is_in_the_catalogue_and_no_other(mirror):
    manifest = json.loads((mirror / "manifest.json").read_text())
    listed = {
        f"{entry.name}/{file.path}": (file.bytes, file.sha256, file.url)
        for entry in mirrored_entries()
        for file in entry.files
    }
    expected = {
        entry["file"]: (
            entry["bytes"],
            entry["sha256"],
            "https://raw.githubusercontent.com/{github}/{commit}/".format(**entry)
            + entry["path"].replace(" ", "%20"),
        )
        for entry in manifest
    }
    assert listed == expected
    assert len(manifest) == sum(len(entry.files) for entry in mirrored_entries())


def test_every_file_of_the_mirror_has_the_bytes_the_catalogue_names(mirror, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))
    statuses = [status for entry in mirrored_entries() for status in verify(entry.name)]
    assert {status.condition for status in statuses} == {"ok"}
    assert len(statuses) == sum(len(entry.files) for entry in mirrored_entries())


def test_every_dataset_says_what_it_is_and_on_what_terms():
    for name, entry in catalogue().items():
        assert entry.name == name
        for text in (entry.title, entry.description, entry.licence, entry.citation):
            assert text.strip() == text
            assert "\n" not in text
            assert "  " not in text
            assert len(text) >= 3


def test_every_origin_is_at_a_fixed_commit():
    address = re.compile(r"https://raw\.githubusercontent\.com/[\w-]+/[\w.-]+/[0-9a-f]{40}/[!-~]+")
    for entry in mirrored_entries():
        for file in entry.files:
            assert address.fullmatch(file.url), file.url


def test_known_dataset_is_what_its_publication_says():
    kircher = dataset("kircher2019")
    assert [file.path for file in kircher.files] == ["about.md", "elements.tsv.gz"]
    assert kircher.bytes == 10_517 + 2_677_485
    assert "10:3583" in kircher.citation
    assert dataset("gene2gene").licence == "MIT"


def test_a_path_with_spaces_is_quoted_in_its_url():
    file = dataset("gene_benchmark_tasks").file("Gene Type Test/entities.csv")
    assert file.url.endswith("/tasks/Gene%20Type%20Test/entities.csv")


def test_files_of_several_commits_make_one_dataset():
    commits = {file.url.split("/")[5] for file in dataset("eterna100").files}
    assert len(commits) == 2


def test_unknown_dataset_gets_a_suggestion():
    with pytest.raises(
        UnknownNameError, match=r"No dataset named 'kircher'. Did you mean 'kircher2019'"
    ):
        dataset("kircher")


def test_unknown_file_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'elements\.tsv\.gz'"):
        dataset("kircher2019").file("elements.tsv")


def test_callers_cannot_spoil_the_catalogue():
    catalogue().clear()
    assert "kircher2019" in catalogue()
    with pytest.raises(AttributeError):
        dataset("kircher2019").files[0].bytes = 1


def test_dataset_survives_json():
    entry = dataset("eterna100")
    assert msgspec.json.decode(msgspec.json.encode(entry), type=Dataset) == entry


def test_entry_is_read_in_full(tmp_path):
    text = f'{HEAD}{ORIGIN}folder = "data/raw"\nfiles = [{FILE}]\n'
    assert read(tmp_path, text) == {
        "toy": Dataset(
            name="toy",
            title="T",
            description="D",
            licence="L",
            citation="C",
            files=(
                DatasetFile(
                    path="a/b.txt",
                    bytes=3,
                    sha256=SHA256,
                    url=f"https://raw.githubusercontent.com/lab/repo/{COMMIT}/data/raw/a/b.txt",
                ),
            ),
        )
    }


def test_source_names_where_the_origin_has_it(tmp_path):
    file = (
        f'{{ path = "b.txt", source = "über/100% & more#1.txt", bytes = 3, sha256 = "{SHA256}" }}'
    )
    entry = read(tmp_path, f"{HEAD}{ORIGIN}files = [{file}]\n")["toy"]
    assert entry.files[0].path == "b.txt"
    assert entry.files[0].url.endswith(f"/{COMMIT}/%C3%BCber/100%25%20%26%20more%231.txt")


def test_an_origin_may_be_an_address_without_sums(tmp_path):
    origin = '[[origin]]\nurl = "https://x.org/a%3Ab/"\nmd5_listing = "https://x.org/md5"\n'
    (file,) = read(tmp_path, f"{HEAD}{origin}files = [{{ path = 'a b', about = 7, most = 9 }}]")[
        "toy"
    ].files
    assert file == DatasetFile(
        *("a b", None, None, "https://x.org/a%3Ab/a%20b"),
        about=7,
        md5_listing="https://x.org/md5",
        most=9,
    )
    assert file.size == 7


def test_an_address_may_have_sums_in_the_catalogue(tmp_path):
    (file,) = read(tmp_path, f"{HEAD}[[origin]]\nurl = 'http://x'\nfiles = [{FILE}]")["toy"].files
    assert file == DatasetFile("a/b.txt", 3, SHA256, "http://x/a/b.txt")


def test_whatever_has_no_size_has_a_largest_one():
    files = [file for entry in catalogue().values() for file in entry.files]
    assert {file.path for file in files if file.bytes is None} >= {"hg19.2bit", "hg38.2bit"}
    for file in files:
        assert (file.bytes is None) != (file.most is None)
        assert file.most is None or file.most > file.about


def test_an_origin_may_be_a_person(tmp_path):
    file = "{ path = 'a', most = 5 }"
    entry = read(tmp_path, f"{HEAD}[[origin]]\nby_hand = 'ask'\nfiles = [{file}]")["toy"]
    assert entry.files == (DatasetFile("a", None, None, None, by_hand="ask", most=5),)
    assert entry.bytes == 0
    assert entry.files[0].source == "ask"


def test_other_files_in_the_folder_are_not_entries(tmp_path):
    (tmp_path / "notes.md").write_text("not TOML")
    assert list(read(tmp_path, f"{HEAD}{ORIGIN}files = [{FILE}]\n")) == ["toy"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = ", "Invalid value"),
        (f"{HEAD}", "origin"),
        (f"{HEAD}origin = []", "length >= 1"),
        (f"{HEAD}colour = 1\n{ORIGIN}files = [{FILE}]", "unknown field `colour`"),
        (f"{HEAD}{ORIGIN}branch = 'main'\nfiles = [{FILE}]", "unknown field `branch`"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('path', 'md5 = 1, path')}]", "unknown field `md5`"),
        (f"{HEAD}{ORIGIN}files = []", "length >= 1"),
        (f"{HEAD}[[origin]]\nfiles = [{FILE}]", "this one has none"),
        (f"{HEAD}{ORIGIN}by_hand = 'ask'\nfiles = [{FILE}]", "has repository and by_hand"),
        (f"{HEAD}{ORIGIN}md5_listing = 'http://x'\nfiles = [{FILE}]", "md5_listing does not go"),
        (f"{HEAD}[[origin]]\nurl = 'ftp://x'\nfiles = [{FILE}]", "url"),
        (
            f"{HEAD}[[origin]]\nurl = 'http://x'\ncommit = '{COMMIT}'\nfiles = [{FILE}]",
            "commit does",
        ),
        (f"{HEAD}[[origin]]\nrepository = 'a/b'\nfiles = [{FILE}]", "a/b is without its commit"),
        (f"{HEAD}{ORIGIN}files = [{{ path = 'a' }}]", "'a' is from a repository, and without"),
        (f"{HEAD}{ORIGIN}files = [{{ path = 'a', bytes = 3 }}]", "only one of bytes and sha256"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('bytes', 'about = 2, bytes')}]", "bytes and about"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('bytes', 'most = 2, bytes')}]", "bytes and most"),
        (f"{HEAD}[[origin]]\nurl = 'http://x'\nfiles = [{{ path = 'a' }}]", "bytes and most"),
        (f"{HEAD}{ORIGIN}files = [{FILE}, {FILE}]", "'a/b.txt' is named twice"),
        (f"{HEAD.replace('licence', 'license')}{ORIGIN}files = [{FILE}]", "license"),
        (f"{HEAD.replace('T', '')}{ORIGIN}files = [{FILE}]", "length >= 1"),
        (f"{HEAD}{ORIGIN.replace(COMMIT, 'main')}files = [{FILE}]", "commit"),
        (f"{HEAD}{ORIGIN.replace('lab/repo', 'lab')}files = [{FILE}]", "repository"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('= 3', '= 0')}]", "int` >= 1"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('= 3', '= -3')}]", "int` >= 1"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace('= 3', '= 3.5')}]", "bytes"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace(SHA256, SHA256[1:])}]", "sha256"),
        (f"{HEAD}{ORIGIN}files = [{FILE.replace(SHA256, SHA256.upper())}]", "sha256"),
        (f"{HEAD}{ORIGIN}folder = '../..'\nfiles = [{FILE}]", "not a relative path"),
    ],
)
def test_ill_formed_entry_is_refused(tmp_path, text, why):
    with pytest.raises(DatasetError, match=re.escape(why)) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("The catalogue's toy.toml is not well formed: ")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        "./a",
        "a/",
        "c:/a",
        "a\\\\b",
        "a\\u0000",
        "a\\nb",
    ],
)
def test_path_out_of_the_folder_is_refused(tmp_path, path):
    with pytest.raises(DatasetError, match="not a relative path"):
        read(tmp_path, f"{HEAD}{ORIGIN}files = [{FILE.replace('a/b.txt', path)}]")


@pytest.mark.parametrize("name", ["Toy.toml", "to y.toml", ".toml", "-toy.toml"])
def test_name_that_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="lower-case letters"):
        read(tmp_path, f"{HEAD}{ORIGIN}files = [{FILE}]", name)
