"""What a training set could hold of each item: sequences and places, in the order of scores."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import polars as pl
import pytest
from guanine_files import write_suite
from test_sequence_benchmark import write_task

from genomark.benchmarks import Benchmark, GeneBenchmark, load_benchmark
from genomark.benchmarks.material import MATERIAL_COLUMNS, Material


def test_what_is_not_told_is_null():
    frame = pl.DataFrame({"item_id": ["a", "b"], "sequence": ["ACGT", None], "truth": [1.0, 2.0]})
    found = Material.of(frame)
    assert found.items.schema == pl.Schema(MATERIAL_COLUMNS)
    assert found.items.rows() == [("a", "ACGT", None, None, None), ("b", None, None, None, None)]
    assert found.assembly is None


def test_elements_of_kircher2019_lie_where_their_file_says(real_data):
    """Places of each element are read from the file once more, line by line."""
    path = real_data("kircher2019", "elements.tsv.gz")
    places: dict[str, dict[int, str]] = {}
    chromosomes = {}
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["Release"] == "GRCh38" and row["Pos"] != "NA":
                places.setdefault(row["Element"], {})[int(row["Pos"])] = row["Ref"]
                chromosomes[row["Element"]] = row["Chrom"]
    benchmark = load_benchmark("kircher2019")
    material = benchmark.material()
    assert material.assembly == "hg38"
    assert material.items["item_id"].to_list() == benchmark.items["item_id"].to_list()
    for element, sequence, chrom, start, end in (
        material.items.with_columns(element=benchmark.items["task"])
        .select("element", "sequence", "chrom", "start", "end")
        .unique()
        .iter_rows()
    ):
        assert (start + 1, end) == (min(places[element]), max(places[element]))
        assert chrom == f"chr{chromosomes[element]}"
        assert len(sequence) == end - start
        for position, base in places[element].items():
            assert sequence[position - 1 - start] == base


@pytest.mark.parametrize("name", ["kircher2019", "lentimpra-k562", "simulated-enhancers"])
def test_rows_stand_as_those_that_are_scored(name, real_data, tmp_path):
    if name != "simulated-enhancers":
        dataset = {"kircher2019": "kircher2019", "lentimpra-k562": "lentimpra_k562_sample"}[name]
        file = {"kircher2019": "elements.tsv.gz", "lentimpra-k562": "sample_test.txt"}[name]
        real_data(dataset, file)
    benchmark = load_benchmark(name)
    for limit in (7, None):
        answers = benchmark.selected(limit).select("item_id", "task", value=0.0)
        answers = answers.with_columns(reason=pl.lit(None, pl.String))
        answers.sort("item_id", descending=True).write_parquet(tmp_path / "p.parquet")
        scored = benchmark.scored(tmp_path / "p.parquet", limit)
        material = benchmark.material(limit)
        assert material.items["item_id"].to_list() == scored.frame["item_id"].to_list()
        assert material.items["sequence"].null_count() == 0


def test_sequences_of_the_simulation_are_those_that_are_asked():
    benchmark = load_benchmark("simulated-enhancers")
    assert benchmark.material().items["sequence"].to_list() == benchmark.items["sequence"].to_list()


def test_a_task_on_sequences_gives_its_test_part(tmp_path):
    folder = write_task(tmp_path / "task")
    benchmark = load_benchmark(f"sequences:{tmp_path}#{folder.name}")
    written = [
        line.split('"')[3] for line in (folder / "test.json").read_text().splitlines() if line
    ]
    assert benchmark.material().items["sequence"].to_list() == written
    few = benchmark.material(5).items
    assert few["sequence"].to_list() == [written[row] for row in (0, 15, 30, 44, 59)]


def test_regions_of_guanine_keep_the_place_that_their_file_tells(real_data, tmp_path):
    made = write_suite(tmp_path / "guanine", real_data("hg38_1m", "hg38_1m.fa.gz"))
    genome = real_data("hg38_1m", "hg38_1m.fa.gz")
    benchmark = load_benchmark(f"guanine/cons30:data={made.folder},genome={genome}")
    found = benchmark.material(50)
    lines = (made.folder / "cons30" / "bed" / "dev" / "dev.bed").read_text().splitlines()
    columns = lines[0].split("\t")
    told = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[1:]]
    places = {(each["#chr"], int(each["start"]), int(each["end"])) for each in told}
    assert found.assembly == "hg38"
    assert set(found.items.select("chrom", "start", "end").rows()) <= places
    for sequence, start, end in found.items.select("sequence", "start", "end").iter_rows():
        middle = (start + end) // 2
        assert sequence in made.chromosome[middle - 600 : middle + 600]


def test_genes_are_no_sequences():
    assert GeneBenchmark.material is Benchmark.material
    assert Benchmark.material(object.__new__(GeneBenchmark)) is None


def test_a_folder_of_designs_has_no_material():
    assert load_benchmark("rna/eterna100").material() is None


def test_path_of_a_task_is_no_part_of_its_material(tmp_path: Path):
    folder = write_task(tmp_path / "a-very-telling-name")
    frame = load_benchmark(f"sequences:{tmp_path}#{folder.name}").material().items
    assert not any("telling" in str(cell) for row in frame.rows() for cell in row)
