"""martyn2025 against the published tables, read without genomark."""

from __future__ import annotations

import csv
import math
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from sparse_genome import write_sparse_2bit

import genomark
from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.martyn2025 import Martyn2025, Martyn2025Long, moved
from genomark.benchmarks.game.martyn_edits import PROMOTERS, stretches
from genomark.datasets.assemblies import chromosomes
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.models import as_model
from genomark.protocol import EditedSequences, PredictionTask
from genomark.scoring import Result

ASKED = {"THP1": "THP-1 monocytes", "Jurkat": "Jurkat T cells"}
GROUPS = ("THP1 PPIF", "Jurkat PPIF", "Jurkat IL2RA")
PARTNER = {"A": "T", "C": "G", "G": "C", "T": "A"}
#: From hg38 to hg19: a promoter and an enhancer of PPIF, and a promoter of IL2RA.
TO_HG19 = ((79_340_000, 79_350_000, 1_759_755), (79_280_000, 79_290_000, 1_759_756))
TO_HG19 += ((6_060_000, 6_065_000, 41_962),)


def turned(sequence: str) -> str:
    return "".join(PARTNER[letter] for letter in reversed(sequence))


@dataclass(frozen=True)
class Row:
    """A measurement as published, its sequences on the strand of the gene."""

    task: str
    gene: str
    variant: str
    hg19: str
    measured: float
    fdr: float
    reference: str
    alternate: str

    @property
    def position(self) -> int:
        return int(self.variant.split(":")[1])


@pytest.fixture(scope="module")
def rows(real_data: Callable[[str, str], Path]) -> list[Row]:
    found = []
    for task in ASKED:
        table = real_data("martyn2025", f"{task}/all_{task}.tsv")
        pairs = real_data("martyn2025", f"{task}/all_{task}_sequences.tsv")
        lines = pairs.read_text().splitlines()
        with table.open() as handle:
            for row, line in zip(csv.DictReader(handle, delimiter="\t"), lines, strict=True):
                spdi, reference, alternate = line.split(" ")
                gene = row["gene_symbol"]
                turn: Callable[[str], str] = turned if gene == "IL2RA" else str
                found.append(
                    Row(
                        *(task, gene, row["variant"], row["VariantID_h19"]),
                        *(float(row["log2_fold_change"]), 10 ** -float(row["fdr_nlog10"])),
                        *(turn(reference), turn(alternate)),
                    )
                )
                assert spdi == row["variant"]
    return found


@pytest.fixture(scope="module")
def variants(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Measurements by task and variant, in the order in which these occur."""
    found = defaultdict(list)
    for row in rows:
        found[row.task, row.variant].append(row)
    return dict(found)


@pytest.fixture(scope="module")
def benchmark_(rows: list[Row]) -> Martyn2025:
    return Martyn2025()


def skew(sequences: list[str]) -> np.ndarray:
    """Differs between strands, and grows with what lies behind the middle."""
    return np.array([(s.count("A") - 2 * s.count("T")) / 50 + s.find("GGC") / 9 for s in sequences])


def run_one(benchmark: Martyn2025, model: Any, folder: Path, **how: Any) -> Result:
    (result,) = genomark.run([model], [benchmark], out=folder, workers=1, **how)
    return result


@pytest.fixture(scope="module")
def result(benchmark_: Martyn2025, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run_one(benchmark_, as_model(skew, "skew"), tmp_path_factory.mktemp("run"))


# -- Items and what is asked -----------------------------------------------------------------------


def test_there_are_the_published_numbers_of_measurements_and_variants(
    rows: list[Row], variants: dict[tuple[str, str], list[Row]]
) -> None:
    assert [sum(row.task == task for row in rows) for task in ASKED] == [392, 332]
    assert [sum(key[0] == task for key in variants) for task in ASKED] == [387, 288]


def test_repeated_measurements_of_a_variant_are_averaged(
    benchmark_: Martyn2025, variants: dict[tuple[str, str], list[Row]]
) -> None:
    items = benchmark_.items
    assert items["item_id"].to_list() == [f"{task}:{variant}" for task, variant in variants]
    expected = [mean(row.measured for row in group) for group in variants.values()]
    np.testing.assert_allclose(items["truth"], expected, rtol=1e-14)
    assert items["group"].to_list() == [
        f"{task} {group[0].gene}" for (task, _), group in variants.items()
    ]


def test_both_sequences_are_on_the_strand_of_the_gene(
    benchmark_: Martyn2025, variants: dict[tuple[str, str], list[Row]]
) -> None:
    items = benchmark_.items
    assert items["reference"].to_list() == [group[0].reference for group in variants.values()]
    assert items["alternate"].to_list() == [group[0].alternate for group in variants.values()]


def test_sequences_differ_in_the_edit_alone(benchmark_: Martyn2025) -> None:
    """With one of a pair on the other strand they would differ from end to end."""
    for reference, alternate in benchmark_.items.select("reference", "alternate").iter_rows():
        assert reference[:1000] == alternate[:1000]
        assert reference[-1000:] == alternate[-1000:]
        assert reference != alternate


def test_a_request_asks_one_cell_type_for_pairs(benchmark_: Martyn2025) -> None:
    parts = list(benchmark_.parts())
    assert [part["task"].unique().to_list() for part in parts] == [["THP1"], ["Jurkat"]]
    for part in parts:
        request = benchmark_.request(part)
        (task,) = request.prediction_tasks
        assert task == PredictionTask(
            name=part["task"][0],
            type="expression",
            cell_type=ASKED[part["task"][0]],
            species="homo_sapiens",
            scale="log",
        )
        wanted = {*part["reference"], *part["alternate"]}
        assert sorted(request.sequences.values()) == sorted(wanted)
        assert all(re.fullmatch("s[0-9a-f]{20}", name) for name in request.sequences)
        names = benchmark_.sequence_ids(part)["item_id"]
        assert names.is_unique().all()
        assert set(names) == set(request.sequences)


def test_untrained_models_are_shown_both_sequences(benchmark_: Martyn2025) -> None:
    items = benchmark_.items.head(5)
    assert benchmark_.variants(items) == (
        items["reference"].to_list(),
        items["alternate"].to_list(),
    )


def test_variants_that_touch_the_same_letters_are_one_cluster() -> None:
    places = [(5, 10), (9, 12), (12, 13), (12, 12), (20, 20), (20, 20), (21, 22), (30, 31)]
    frame = pl.DataFrame(
        {
            "chrom": ["chr1"] * len(places) + ["chr2"],
            "start": [start for start, _ in places] + [5],
            "end": [end for _, end in places] + [10],
        }
    )
    found = stretches(frame)
    # An insertion at 12 touches letters 11 and 12, and so ties what only meets there.
    assert len(set(found[:4])) == 1
    assert found[4] == found[5]
    # That at 20 touches 19 and 20, and not 21.
    assert len({found[0], found[4], found[6], found[7], found[8]}) == 5
    assert stretches(frame.reverse())[::-1] == found


def test_clusters_are_shared_between_cell_types(benchmark_: Martyn2025) -> None:
    items = benchmark_.items
    clusters = {group: set(items.filter(pl.col("group") == group)["cluster"]) for group in GROUPS}
    assert clusters["THP1 PPIF"] > clusters["Jurkat PPIF"]
    assert not clusters["Jurkat IL2RA"] & clusters["THP1 PPIF"]
    assert len(clusters["Jurkat IL2RA"]) == 33


# -- Scores ----------------------------------------------------------------------------------------


def effects(variants: dict[tuple[str, str], list[Row]]) -> dict[tuple[str, str], float]:
    return {
        key: float(skew([group[0].alternate])[0] - skew([group[0].reference])[0])
        for key, group in variants.items()
    }


def test_correlations_are_those_of_scipy(
    result: Result, variants: dict[tuple[str, str], list[Row]]
) -> None:
    predicted = effects(variants)
    found: dict[str, list[float]] = defaultdict(list)
    for group in GROUPS:
        task, gene = group.split()
        keys = [key for key in variants if key[0] == task and variants[key][0].gene == gene]
        x = [predicted[key] for key in keys]
        y = [mean(row.measured for row in variants[key]) for key in keys]
        for name, function in (("pearson", pearsonr), ("spearman", spearmanr)):
            row = result.metric(name, group)
            assert row.value == pytest.approx(function(x, y).statistic, abs=1e-9)
            assert row.n == len(keys)
            assert row.interval is not None
            assert row.interval[0] < row.value < row.interval[1]
            found[name].append(row.value)
    for name, values in found.items():
        row = result.metric(f"mean_{name}")
        assert row.value == pytest.approx(mean(values), abs=1e-12)
        assert row.interval is not None


def test_the_share_of_directions_told_right_counts_what_is_significant(
    result: Result, variants: dict[tuple[str, str], list[Row]]
) -> None:
    predicted = effects(variants)
    for group in GROUPS:
        task, gene = group.split()
        hits = [
            math.copysign(1, predicted[key]) == math.copysign(1, measured[0].measured)
            and predicted[key] != 0
            for key, measured in variants.items()
            if key[0] == task
            and measured[0].gene == gene
            and all(row.fdr < 0.05 for row in measured)
            and len({row.measured > 0 for row in measured}) == 1
        ]
        row = result.metric("direction_accuracy", group)
        assert (row.value, row.n) == (pytest.approx(mean(hits), abs=1e-12), len(hits))
        assert row.interval is not None
        assert row.interval[0] < row.value < row.interval[1]


def test_the_short_form_has_no_published_row(result: Result) -> None:
    """The published evaluator asks about 2 Mb alone."""
    assert [row.name for row in result.metrics if row.name.startswith("game_")] == []


def test_a_model_without_an_answer_is_told_that_it_gave_none(
    benchmark_: Martyn2025, tmp_path: Path
) -> None:
    def silent(sequences: list[str]) -> np.ndarray:
        return np.full(len(sequences), np.nan)

    found = run_one(benchmark_, as_model(silent, "silent"), tmp_path)
    assert found.coverage.answered == 0
    told = "none of 387 items has an answer"
    assert found.metric("pearson", "THP1 PPIF").reason_if_null == told
    assert found.metric("mean_pearson").reason_if_null == (
        f"undefined in 3 of 3 groups ('THP1 PPIF': {told})"
    )


def test_with_one_strand_wrong_the_numbers_are_others(
    result: Result, variants: dict[tuple[str, str], list[Row]]
) -> None:
    """The published sequences of IL2RA: a reference that is turned, variants that are not."""
    keys = [key for key in variants if variants[key][0].gene == "IL2RA"]
    pairs = [(variants[key][0].reference, turned(variants[key][0].alternate)) for key in keys]
    wrong = [float(skew([new])[0] - skew([old])[0]) for old, new in pairs]
    measured = [mean(row.measured for row in variants[key]) for key in keys]
    r = pearsonr(wrong, measured).statistic
    assert abs(r - result.metric("pearson", "Jurkat IL2RA").value) > 0.05


def linear(sequences: list[str]) -> np.ndarray:
    return np.exp2(skew(sequences) / 100)


linear.scale = "linear"  # type: ignore[attr-defined]


def test_linear_answers_become_log2_ratios(benchmark_: Martyn2025) -> None:
    items = benchmark_.items.gather_every(40)
    answers = [
        benchmark_.answer(as_model(model), part, Asking())["value"]
        for model in (linear, skew)
        for part in items.partition_by("task", maintain_order=True)
    ]
    half = len(answers) // 2
    for one, other in zip(answers[:half], answers[half:], strict=True):
        np.testing.assert_allclose(one, other / 100, atol=1e-12)


def test_shipped_models_run_from_name_to_numbers(
    benchmark_: Martyn2025, variants: dict[tuple[str, str], list[Row]], tmp_path: Path
) -> None:
    found = run_one(benchmark_, "gc", tmp_path)
    shares = {
        key: [(s.count("G") + s.count("C")) / len(s) for s in (g[0].reference, g[0].alternate)]
        for key, g in variants.items()
    }
    keys = [key for key in variants if key[0] == "THP1"]
    x = [math.log2(shares[key][1] / shares[key][0]) for key in keys]
    y = [mean(row.measured for row in variants[key]) for key in keys]
    assert found.metric("pearson", "THP1 PPIF").value == pytest.approx(
        pearsonr(x, y).statistic, abs=1e-6
    )
    assert found.coverage.answered == 675


def test_material_is_the_reference_and_its_place(
    benchmark_: Martyn2025, variants: dict[tuple[str, str], list[Row]]
) -> None:
    material = benchmark_.material(50)
    assert material.assembly == "hg38"
    assert material.items["item_id"].to_list() == benchmark_.selected(50)["item_id"].to_list()
    for name, letters, chrom, start, end in material.items.iter_rows():
        row = variants[tuple(name.split(":", 1))][0]  # type: ignore[index]
        assert letters == row.reference
        assert (chrom, start, end - start) == ("chr10", row.position - 1000, len(row.reference))


# -- Windows of 2 Mb -------------------------------------------------------------------------------


def hg19_of(position: int) -> int:
    return position + next(shift for low, high, shift in TO_HG19 if low < position < high)


@pytest.fixture(scope="module")
def letters(rows: list[Row]) -> dict[int, str]:
    """Letters of chr10 of hg19 that the published sequences tell."""
    found: dict[int, str] = {}
    for row in rows:
        forward = turned(row.reference) if row.gene == "IL2RA" else row.reference
        first = hg19_of(row.position) - 1000
        found.update(zip(range(first, first + len(forward)), forward, strict=True))
    return found


@pytest.fixture(scope="module")
def genome(letters: dict[int, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    places = sorted(letters)
    breaks = [at for at in range(1, len(places)) if places[at] != places[at - 1] + 1]
    runs = [places[a:b] for a, b in zip([0, *breaks], [*breaks, len(places)], strict=True)]
    stretch = [(run[0], "".join(letters[at] for at in run)) for run in runs]
    folder = tmp_path_factory.mktemp("genomes")
    lengths = {"chr10": chromosomes("hg19")["chr10"].length}
    write_sparse_2bit(folder / "hg19" / "hg19.2bit", lengths, {"chr10": stretch})
    return folder


@pytest.fixture
def mirror(
    genome: Path,
    real_data: Callable[[str, str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A mirror with the published tables, which a test may spoil, and the genome."""
    for task in ASKED:
        (tmp_path / "mirror" / "martyn2025" / task).mkdir(parents=True)
        for name in (f"{task}/all_{task}.tsv", f"{task}/all_{task}_sequences.tsv"):
            shutil.copyfile(
                real_data("martyn2025", name), tmp_path / "mirror" / "martyn2025" / name
            )
    (tmp_path / "mirror" / "hg19").symlink_to(genome / "hg19")
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "mirror"


@pytest.mark.usefixtures("mirror")
def test_long_windows_hold_the_short_ones_on_the_strand_of_the_gene(
    benchmark_: Martyn2025,
) -> None:
    long = Martyn2025Long()
    short = dict(benchmark_.items.select("item_id", "alternate").iter_rows())
    assert long.items["item_id"].to_list() == list(short)
    for part in long.parts():
        request = long.request(part)
        sequences = request.sequences
        assert isinstance(sequences, EditedSequences)
        assert {len(text) for text in sequences.references.values()} == {2_000_000}
        names = part.select("item_id", "sequence_id").gather_every(17)
        for item, name in names.iter_rows():
            assert short[item] in sequences[name]
        assert all(re.fullmatch("s[0-9a-f]{20}", name) for name in sequences)
        assert set(long.sequence_ids(part)["item_id"]) == set(sequences)


@pytest.mark.usefixtures("mirror")
def test_ranges_are_the_promoter_on_the_strand_that_is_sent(letters: dict[int, str]) -> None:
    """The published range of IL2RA was not turned with its window, and so lay behind it."""
    long = Martyn2025Long()
    items = long.items.filter(pl.col("task") == "Jurkat")
    request = long.request(items)
    ids = dict(items.select("gene", "reference_id").iter_rows())
    for gene, length in (("PPIF", 200), ("IL2RA", 184)):
        promoter = PROMOTERS[gene]
        forward = "".join(letters[at] for at in range(promoter.start, promoter.end))
        expected = turned(forward) if gene == "IL2RA" else forward
        first, last = request.prediction_ranges[ids[gene]]
        window = request.sequences[ids[gene]]
        assert window[first : last + 1] == expected
        assert len(expected) == length
        published = window[1_000_000 : 1_000_000 + length]
        assert (published == expected) == (gene == "PPIF")


@pytest.mark.usefixtures("mirror")
def test_ranges_follow_what_an_edit_puts_in(letters: dict[int, str]) -> None:
    long = Martyn2025Long()
    items = long.items.gather_every(9)
    for part in items.partition_by("task", maintain_order=True):
        request = long.request(part)
        columns = ("sequence_id", "gene", "hg19")
        for name, gene, hg19 in part.select(columns).iter_rows():
            _, position, change = hg19.split(":")
            ref, alt = change.split(">")
            at = int(position) - 1
            promoter = PROMOTERS[gene]
            if at < promoter.end < at + len(ref):
                continue  # What becomes of an end that was replaced is nobody's to say.
            edited = {place: letters[place] for place in range(promoter.start, promoter.end)}
            if promoter.start <= at < promoter.end:
                edited.update({at + n: "" for n in range(len(ref))})
                edited[at] = alt
            forward = "".join(edited[place] for place in sorted(edited))
            expected = turned(forward) if gene == "IL2RA" else forward
            first, last = request.prediction_ranges[name]
            assert request.sequences[name][first : last + 1] == expected


@pytest.mark.parametrize(
    ("start", "end", "put", "expected"),
    [
        (5, 6, "AAA", (12, 22)),
        (10, 10, "AA", (12, 22)),
        (12, 14, "", (10, 18)),
        (20, 20, "AA", (10, 20)),
        (19, 20, "AA", (10, 21)),
        (30, 31, "", (10, 20)),
    ],
)
def test_a_stretch_moves_with_what_is_put_before_or_into_it(
    start: int, end: int, put: str, expected: tuple[int, int]
) -> None:
    assert moved((10, 20), start, end, put) == expected


@pytest.mark.usefixtures("mirror")
def test_long_windows_run_from_name_to_numbers(tmp_path: Path) -> None:
    found = run_one(Martyn2025Long(), "gc", tmp_path / "run", limit=40)
    assert found.coverage.answered == 40
    assert found.metric("pearson", "THP1 PPIF").value is not None
    assert found.metric("game_pearson_r", "Martyn Variant Effects (THP1)").value is not None


@pytest.mark.usefixtures("mirror")
def test_published_rows_count_every_measurement(
    rows: list[Row], variants: dict[tuple[str, str], list[Row]]
) -> None:
    predicted = effects(variants)
    long = Martyn2025Long()
    found = {
        row.group: row
        for row in long.published(
            long.items.with_columns(value=pl.Series([predicted[key] for key in variants]))
        )
    }
    for task, n in (("THP1", 392), ("Jurkat", 332)):
        mine = [row for row in rows if row.task == task]
        x = [predicted[task, row.variant] for row in mine]
        row = found[f"Martyn Variant Effects ({task})"]
        r = pearsonr(x, [each.measured for each in mine]).statistic
        assert (row.name, row.n) == ("game_pearson_r", n)
        assert (row.value, row.interval) == (pytest.approx(r, abs=1e-9), None)


@pytest.mark.usefixtures("mirror")
def test_material_of_long_windows_is_where_they_lie() -> None:
    material = Martyn2025Long().material(10)
    assert material.assembly == "hg19"
    assert material.items["sequence"].null_count() == 10
    assert set(material.items["end"] - material.items["start"]) == {2_000_000}


def test_without_a_genome_the_command_that_gets_it_is_told(mirror: Path) -> None:
    (mirror / "hg19").unlink()
    with pytest.raises(DatasetUnavailableError, match="genomark data fetch hg19"):
        _ = Martyn2025Long().items


def test_a_genome_with_other_letters_is_refused(mirror: Path) -> None:
    (mirror / "hg19").unlink()
    lengths = {"chr10": chromosomes("hg19")["chr10"].length}
    write_sparse_2bit(mirror / "hg19" / "hg19.2bit", lengths, {})
    with pytest.raises(DatasetError, match=r"expected [ACGT]+ at chr10:\d+-\d+, hg19 has N+"):
        _ = Martyn2025Long().items


# -- Files that are not as published ---------------------------------------------------------------


def spoil(mirror: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Change a file, and let the catalogue not mind."""
    place = mirror / "martyn2025" / name
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new, 1))
    monkeypatch.setattr(
        "genomark.benchmarks.game.martyn_edits.path",
        lambda dataset, file: mirror / dataset / file,
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("THP1/all_THP1.tsv", "log2_fold_change", "lfc", "log2_fold_change"),
        ("THP1/all_THP1.tsv", "0.0631975570238174", "", "line 2: no log2_fold_change"),
        ("THP1/all_THP1.tsv", "0.0631975570238174", "inf", "line 2: no log2_fold_change"),
        ("THP1/all_THP1.tsv", "0.0631975570238174", "high", "expected a table with tabs"),
        ("THP1/all_THP1.tsv", "PPIF\t", "MYC\t", "line 1: gene 'MYC'; expected one of PPIF"),
        ("THP1/all_THP1.tsv", "79347410::AACGGAGC", "79347410::AACGGAGG", "line 1: the sequences"),
        ("THP1/all_THP1_sequences.tsv", " TTTATCCTAAG", " TTTATCCTAAC", "line 1: the alternate"),
        ("THP1/all_THP1_sequences.tsv", " ", "\t", "expected SPDI, reference and alternate"),
        ("Jurkat/all_Jurkat_sequences.tsv", "NC_000010.11:", "NC_000010.10:", "line 1"),
    ],
)
def test_files_that_are_not_as_published_are_told_by_line(
    name: str,
    old: str,
    new: str,
    message: str,
    mirror: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoil(mirror, monkeypatch, name, old, new)
    with pytest.raises(DatasetError) as caught:
        _ = Martyn2025().items
    assert message in str(caught.value)
    assert f"all_{name.split('/')[0]}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_of_different_length_are_refused(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(mirror, monkeypatch, "THP1/all_THP1.tsv", "chr10\t", "chr10\t")
    place = mirror / "martyn2025" / "THP1" / "all_THP1.tsv"
    place.write_text("".join(place.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DatasetError, match=r"392 rows, .*all_THP1.tsv has 391"):
        _ = Martyn2025().items
