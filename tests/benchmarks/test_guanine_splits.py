"""Files of GUANinE: where they are found, what is read of them, and what is refused."""

import gzip
import re
import socket

import numpy as np
import pytest
from guanine_files import read_chromosome

from genomark.benchmarks.guanine.few_shot import few_shot_order, learned_rows, parted
from genomark.benchmarks.guanine.split_files import SplitFiles
from genomark.benchmarks.guanine.split_rows import read_split
from genomark.benchmarks.sequences.declared import read_shipped
from genomark.datasets.genome import open_genome
from genomark.datasets.location import cached
from genomark.errors import DatasetUnavailableError, UsageError

CONS30 = read_shipped("guanine/cons30")
CCRE = read_shipped("guanine/ccre_propensity")
GPRA = read_shipped("guanine/gpra_c")
CLINVAR = read_shipped("guanine/clinvar_snv")
FILES = SplitFiles("guanine/cons30", "guanine/cons30_binned")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 52428800\n"


@pytest.fixture(scope="module")
def chromosome(real_data):
    return read_chromosome(real_data("hg38_1m", "hg38_1m.fa.gz"))


@pytest.fixture(scope="module")
def genome(real_data):
    return open_genome(real_data("hg38_1m", "hg38_1m.fa.gz"))


def written(folder, text, name="dev/dev.csv"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(folder, text, task, genome=None, context=None, name="bed/dev/dev.bed"):
    return read_split(written(folder, text, name), task, genome, context)


# --- where files are ---


def test_sequences_go_before_coordinates_unless_a_genome_is_given(tmp_path):
    sequences = written(tmp_path, "seq,y\nACGT,1\n", "cons30/dev/dev.csv")
    places = written(tmp_path, "#chr\tstart\tend\n", "cons30/bed/dev/dev.bed")
    files = SplitFiles("guanine/cons30", "guanine/cons30_binned", str(tmp_path))
    assert files.find("dev", coordinates=False) == sequences
    assert files.find("dev", coordinates=True) == places
    places.unlink()
    assert files.find("dev", coordinates=True) == sequences


def test_the_folder_may_have_the_name_of_the_hub_or_be_the_task_itself(tmp_path):
    path = written(tmp_path, "seq,y\nACGT,1\n", "cons30_binned/dev/dev.csv")
    for data in (tmp_path, tmp_path / "cons30_binned"):
        files = SplitFiles("guanine/cons30", "guanine/cons30_binned", str(data))
        assert files.find("dev", coordinates=False) == path


def test_mirror_and_cache_are_looked_in_when_no_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    inside = written(cached("guanine/cons30", ""), "seq,y\nACGT,1\n", "train/train.csv.gz")
    assert FILES.find("train", coordinates=False) == inside
    mirror = written(tmp_path / "mirror", "seq,y\nACGT,1\n", "guanine/cons30/train/train.csv")
    assert FILES.find("train", coordinates=False) == mirror


def test_a_pointer_of_git_lfs_is_named_as_such(tmp_path):
    written(tmp_path, POINTER, "cons30/dev/dev.csv")
    files = SplitFiles("guanine/cons30", "guanine/cons30_binned", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"pointer of Git LFS.*`git lfs pull`"):
        files.find("dev", coordinates=False)


def test_what_is_nowhere_is_told_with_the_command_that_brings_it(tmp_path):
    files = SplitFiles("guanine/cons30", "guanine/cons30_binned", str(tmp_path))
    hint = re.escape("git clone https://huggingface.co/datasets/guanine/cons30_binned")
    with pytest.raises(DatasetUnavailableError, match=rf"no dev/dev\.csv and no bed.*{hint}"):
        files.find("dev", coordinates=False)
    files = SplitFiles("guanine/cons30", "guanine/cons30_binned", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="there is no such folder"):
        files.find("dev", coordinates=False)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that holds some files: ``hub(files, reachable)``; gives what it was asked for."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    from huggingface_hub.errors import LocalEntryNotFoundError

    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))

    def holds(files, *, reachable=True, cached=()):
        asked = []

        def download(repository, name, *, repo_type, local_files_only):
            asked.append((repository, name, repo_type, local_files_only))
            if name in cached or (name in files and not local_files_only):
                return str(files.get(name, cached))
            raise LocalEntryNotFoundError(f"no {name}")

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
        monkeypatch.setattr(
            "genomark.benchmarks.guanine.split_files._hub_answers", lambda: reachable
        )
        return asked

    return holds


def test_the_hub_is_asked_for_the_files_of_the_data_set(tmp_path, hub):
    there = written(tmp_path, "#chr\tstart\tend\n", "hub/dev.bed")
    asked = hub({"bed/dev/dev.bed": there})
    assert FILES.find("dev", coordinates=False) == there
    names = ["dev/dev.csv", "bed/dev/dev.bed"]
    # Of each file first what the hub's own cache has, then the network.
    assert asked == [
        ("guanine/cons30_binned", name, "dataset", local)
        for name in names
        for local in (True, False)
    ]


def test_a_hub_that_cannot_be_reached_is_not_tried_again_and_again(hub):
    asked = hub({}, reachable=False)
    with pytest.raises(DatasetUnavailableError, match=r"cannot be reached.*git clone .*data=DIR"):
        FILES.find("dev", coordinates=False)
    assert all(local for *_, local in asked)


def test_whether_the_hub_answers_is_found_out_within_seconds(monkeypatch):
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    import genomark.benchmarks.guanine.split_files as split_files

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
        assert not split_files._hub_answers.__wrapped__()
        taken.listen()
        assert split_files._hub_answers.__wrapped__()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not split_files._hub_answers.__wrapped__()


# --- what is read ---


def test_windows_are_cut_around_the_centre(tmp_path, genome, chromosome):
    text = "#chr\tstart\tend\tcenter\ty\nchr1\t100000\t100151\t100075\t24\n"
    text += "1\t200000\t200150\t200075\t0\n"
    rows = read(tmp_path, text, CONS30, genome)
    assert rows.labelled.sequences == (
        chromosome[100075 - 256 : 100075 + 256],
        chromosome[200075 - 256 : 200075 + 256],
    )
    assert rows.labelled.ids == ("chr1:100000-100151", "1:200000-200150")
    assert rows.labelled.targets[:, 0].tolist() == [24, 0]
    assert rows.labelled.groups == ("chr1:1", "1:2")
    short = read(tmp_path, text, CONS30, genome, context=100)
    assert short.labelled.sequences[0] == chromosome[100075 - 50 : 100075 + 50]


def test_a_window_beyond_an_end_is_filled_up_and_counted(tmp_path, genome, chromosome):
    text = "#chr\tstart\tend\tcenter\ty\nchr1\t10\t160\t85\t3\nchr1\t50000\t50150\t50075\t4\n"
    rows = read(tmp_path, text, CONS30, genome)
    assert rows.padded == 1
    assert rows.labelled.sequences[0] == "N" * 171 + chromosome[: 85 + 256]


def test_the_header_is_read_though_it_begins_with_a_hash_and_packed_files_are_read(
    tmp_path, genome
):
    text = "#chr\tstart\tend\tcenter\ty\nchr1\t100000\t100151\t100075\t24\n"
    path = tmp_path / "dev.bed.gz"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    assert len(read_split(path, CONS30, genome, None).labelled) == 1


def test_without_labels_they_are_hidden(tmp_path, genome):
    text = "#chr\tstart\tend\tcenter\nchr1\t100000\t100151\t100075\n"
    assert read(tmp_path, text, CONS30, genome).hidden
    assert not read(
        tmp_path, text.replace("center", "center\ty").replace("100075", "100075\t3"), CONS30, genome
    ).hidden


def test_rows_of_one_region_are_one_item_with_a_label_for_each_mark(tmp_path, genome):
    head = "#chr\tstart\tend\tcenter\ttask\ty\n"
    rows = ["chr1\t100000\t100150\t100075\tH3K4me3\t4", "chr1\t200000\t200150\t200075\tdnase\t1"]
    rows += ["chr1\t100000\t100150\t100075\tctcf\t0"]
    found = read(tmp_path, head + "\n".join(rows), CCRE, genome)
    assert found.labelled.ids == ("chr1:100000-100150", "chr1:200000-200150")
    expected = [[np.nan, 0, np.nan, 4], [1, np.nan, np.nan, np.nan]]
    assert np.array_equal(found.labelled.targets, expected, equal_nan=True)
    assert np.array_equal(found.asked, ~np.isnan(expected))
    with pytest.raises(UsageError, match="row 4: its region has a row of 'H3K4me3' already"):
        read(tmp_path, head + "\n".join([*rows, rows[0]]), CCRE, genome)
    with pytest.raises(UsageError, match=r"row 1: column 'task': expected one of dnase.*'H9'"):
        read(tmp_path, head + rows[0].replace("H3K4me3", "H9"), CCRE, genome)


def test_a_variant_lies_left_of_the_middle_with_either_allele(tmp_path, genome, chromosome):
    assert chromosome[63670] == "G"  # chr1:63671 G>A of the eQTL file
    text = "#chr\tstart\tend\tref\talt\ty\n1\t63670\t63671\tG\tA\tTrue\n"
    rows = read(tmp_path, text, CLINVAR, genome)
    (reference,), (alternate,) = rows.references, rows.labelled.sequences
    assert reference == chromosome[63671 - 256 : 63671 + 256]
    assert (reference[255], alternate[255]) == ("G", "A")
    assert reference[:255] == alternate[:255]
    assert reference[256:] == alternate[256:]
    assert rows.labelled.ids == ("1:63671:G>A",)
    assert rows.labelled.targets.tolist() == [[1.0]]
    with pytest.raises(UsageError, match=r"row 1: .*assembly"):
        read(tmp_path, text.replace("\tG\t", "\tC\t"), CLINVAR, genome)


def test_what_cannot_be_read_is_told_with_file_and_row(tmp_path, genome):
    def refused(text, match, task=CONS30, given=genome, name="bed/dev/dev.bed"):
        with pytest.raises(UsageError, match=match) as told:
            read(tmp_path, text, task, given, name=name)
        assert str(tmp_path) in str(told.value)
        assert "\n" not in str(told.value)

    good = "#chr\tstart\tend\tcenter\ty\nchr1\t100000\t100151\t100075\t24\n"
    refused(good.replace("\t24", "\t25"), "row 1: column 'y': expected a class from 0 to 24")
    refused(good.replace("\t24", "\t2.5"), r"row 1: column 'y'.*'2\.5'")
    more = good + "chr1\t100000\t100151\t100075\t\n"
    refused(more, "row 2: column 'y': no label, where others have")
    refused(good.replace("100075", "x"), "row 1: column 'center': expected a whole number")
    refused(good.replace("chr1", "chrZ"), "row 1: .*no chromosome 'chrZ'")
    refused(good, r"give the genome they are of with genome=hg38\.2bit", given=None)
    refused("a\tb\n1\t2\n", "expected a header with 'seq', or with '#chr'")
    refused("#chr\tstart\tend\tcenter\ty\n", "no rows below the header")
    refused("seq,y\nACGX,1\n", "row 1.*'X' at position 4", GPRA, None, "dev/dev.csv")
    refused("seq,y\n,1\n", "row 1.*no sequence", GPRA, None, "dev/dev.csv")


def test_a_context_that_a_file_of_sequences_has_not_is_refused(tmp_path):
    text = "seq,y\nACGTA,1\nACGT,1\n"
    assert len(read(tmp_path, text, GPRA, name="dev.csv").labelled) == 2
    with pytest.raises(UsageError, match=r"row 2: a sequence of 4 bases.*takes a file of coord"):
        read(tmp_path, text, GPRA, context=5, name="dev.csv")


def test_copies_of_a_sequence_are_regions_of_their_own(tmp_path):
    rows = ["ACGT,dnase,1", "ACGT,ctcf,2", "ACGT,dnase,3", "ACGT,ctcf,4", "CCCC,ctcf,0"]
    found = read(tmp_path, "seq,task,y\n" + "\n".join(rows), CCRE, name="dev.csv")
    expected = [[1, 2, np.nan, np.nan], [3, 4, np.nan, np.nan], [np.nan, 0, np.nan, np.nan]]
    assert np.array_equal(found.labelled.targets, expected, equal_nan=True)
    assert found.labelled.sequences == ("ACGT", "ACGT", "CCCC")


def test_of_two_columns_of_one_meaning_the_one_of_that_name_counts(tmp_path):
    found = read(tmp_path, "label,seq,y\n9,ACGT,1\n", GPRA, name="dev.csv")
    assert found.labelled.targets.tolist() == [[1.0]]


# --- what is learned from ---


def promoters(folder, n, name, first=0):
    draw = np.random.default_rng(7)
    rows = ["".join(draw.choice(list("ACGT"), 20)) for _ in range(400)][first : first + n]
    return read(folder, "seq,y\n" + "\n".join(f"{each},1" for each in rows), GPRA, name=name)


def test_the_order_begins_with_the_published_split_and_follows_the_seed_alone(tmp_path):
    train = promoters(tmp_path, 400, "train.csv")
    few = promoters(tmp_path, 10, "1per.csv", first=200)
    order = few_shot_order(train, few, seed=0)
    assert sorted(order) == list(range(400))
    assert set(order[:10]) == set(range(200, 210))
    assert np.array_equal(order, few_shot_order(train, few, seed=0))
    assert not np.array_equal(order, few_shot_order(train, few, seed=1))
    turned = train.take(np.arange(400)[::-1])
    assert np.array_equal(399 - few_shot_order(turned, few, seed=0), order)
    assert set(learned_rows(train, order, 0.1)) == set(order[:40])
    with pytest.raises(UsageError, match=r"1\.0% of 400 training rows are 4: too few"):
        learned_rows(train, order, 0.01)


def test_copies_decide_together(tmp_path):
    text = "seq,y\n" + "\n".join(f"{each},1" for each in ["ACGTA", "CCCCC", "GTGTG"] * 10)
    rows = read(tmp_path, text, GPRA, name="train.csv")
    train, valid = parted(rows, seed=0)
    assert len(valid) == 10
    assert len({rows.labelled.sequences[row] for row in valid}) == 1
    assert sorted([*train, *valid]) == list(range(30))
    # On the genome too: a copy elsewhere ties two stretches.
    head = "chrom,start,end,seq,y\n"
    places = [f"chr1,{100_000 * at},{100_000 * at + 150},SEQ{at},1" for at in range(20)]
    text = head + "\n".join(places).replace("SEQ19", "AAAA").replace("SEQ3,", "AAAA,")
    for at in range(20):
        text = text.replace(f"SEQ{at},", f"{'ACGT' * (at + 2)},")
    rows = read(tmp_path, text, GPRA, name="train.csv")
    for seed in range(20):
        train, valid = parted(rows, seed)
        assert ({3, 19} <= set(train)) != ({3, 19} <= set(valid))
    same = read(tmp_path, "seq,y\nACGT,1\nACGT,2\n", GPRA, name="train.csv")
    with pytest.raises(UsageError, match="none can be set apart"):
        parted(same, seed=0)
