"""Perturbed elements of 30 genes: where they lie, what is asked, and what becomes of the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import scipy.stats
from sparse_genome import write_sparse_2bit

import genomark
from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game import fulco2019
from genomark.benchmarks.game.fulco2019 import (
    Fulco2019,
    Fulco2019Tss,
    fraction_of,
    published_fraction,
    reference_id,
    shuffled,
    within,
)
from genomark.datasets.assemblies import chromosomes, open_assembly
from genomark.datasets.genome import reverse_complement
from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.models import as_model
from genomark.protocol import MSGPACK, EditedSequences, TaskPrediction, encode_request

FILE = "fulco_evaluator_coordinates.parquet"
WINDOW = 4_000_000
#: Genes of the minus strand, by the file.
MINUS = [
    *("BCAT2", "C19orf43", "CNBP", "DHPS", "DNASE2", "FUT1", "H1FX"),
    *("ITGA5", "KLF1", "LYL1", "NFE2", "PRDX2", "RPN1", "WDR83OS"),
]


@pytest.fixture(scope="module")
def pairs(real_data: Callable[[str, str], Path]) -> pl.DataFrame:
    """The published pairs."""
    return pl.read_parquet(real_data("fulco2019", FILE))


@pytest.fixture(scope="module")
def mirror(pairs: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory, real_data: Any) -> Path:
    """The published pairs, and hg19 with random letters in their elements and genes alone."""
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "fulco2019").mkdir()
    (folder / "fulco2019" / FILE).symlink_to(real_data("fulco2019", FILE).resolve())
    genes = pairs.select(chr="gene_chr", start="gene_start", end="gene_end")
    places = pl.concat([pairs.select("chr", "start", "end"), genes]).unique().sort("chr", "start")
    random = np.random.default_rng(7)
    stretches: dict[str, list[tuple[int, str]]] = {}
    for (chrom,), rows in places.group_by("chr", maintain_order=True):
        reached = 0
        for start, end in rows.select("start", "end").iter_rows():
            first = max(start, reached)
            if first < end:
                letters = bytes(random.choice(list(b"ACGT"), end - first).astype(np.uint8)).decode()
                stretches.setdefault(str(chrom), []).append((first, letters))
            reached = max(reached, end)
    lengths = {name: chrom.length for name, chrom in chromosomes("hg19").items()}
    write_sparse_2bit(folder / "hg19" / "hg19.2bit", lengths, stretches)
    return folder


@pytest.fixture(autouse=True)
def with_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOMARK_MIRROR", str(mirror))


@pytest.fixture
def benchmark_(mirror: Path) -> Fulco2019:
    return Fulco2019()


def of_gene(benchmark: Fulco2019, gene: str, count: int = 1) -> pl.DataFrame:
    return benchmark.items.filter(pl.col("task") == gene).head(count)


def asked_letters(benchmark: Fulco2019, items: pl.DataFrame) -> dict[str, str]:
    """What lies in the range of each sequence of a request."""
    request = benchmark.request(items)
    assert isinstance(request.prediction_ranges, dict)
    return {
        name: request.sequences[name][low : high + 1]
        for name, (low, high) in request.prediction_ranges.items()
    }


# --- items ---------------------------------------------------------------------------------------


def test_every_published_pair_is_an_item(benchmark_: Fulco2019, pairs: pl.DataFrame) -> None:
    items = benchmark_.items
    assert items.height == 4882
    assert items["item_id"].n_unique() == 4882
    assert items["task"].n_unique() == 30
    assert items["item_id"][0] == "BAX_genic|chr19:48812505-48813005"
    truth = [float(text.replace(",", ".")) for text in pairs["Fraction change in gene expr"]]
    assert items["truth"].to_list() == truth
    assert min(abs(value) for value in truth) < 1e-5  # one is written as 8,4671E-06
    minus = items.filter(pl.col("strand") == "-")
    assert sorted(minus["task"].unique()) == MINUS
    assert minus.height == 1985


def test_genes_that_share_elements_are_one_locus(benchmark_: Fulco2019) -> None:
    items = benchmark_.items
    loci = items.select("task", "cluster").unique()
    assert loci.height == 30
    assert loci["cluster"].n_unique() == 5
    # Nothing that is resampled apart shares an element.
    assert items.group_by("subcluster").agg(pl.col("cluster").n_unique())["cluster"].max() == 1
    assert items.filter(pl.col("task") == "GATA1")["cluster"].unique().to_list() == [
        items.filter(pl.col("task") == "PLP2")["cluster"][0]
    ]


def test_elements_of_a_gene_do_not_overlap(benchmark_: Fulco2019) -> None:
    sorted_ = benchmark_.items.sort("task", "start")
    reached = pl.col("end").shift(1).over("task")
    assert sorted_.filter(pl.col("start") < reached).is_empty()


# --- what is asked -------------------------------------------------------------------------------


def test_the_range_is_the_gene_on_either_strand(benchmark_: Fulco2019) -> None:
    genome = open_assembly("hg19")
    for _, part in benchmark_.items.group_by("task", maintain_order=True):
        gene = part.row(0, named=True)
        letters = asked_letters(benchmark_, part.head(1))[reference_id(gene["task"])]
        body = genome.window(gene["chrom"], gene["gene_start"], gene["gene_end"])
        assert letters == (reverse_complement(body) if gene["strand"] == "-" else body)


def test_the_published_range_misses_every_gene_on_the_minus_strand(benchmark_: Fulco2019) -> None:
    for gene in MINUS:
        row = of_gene(benchmark_, gene).row(0, named=True)
        request = benchmark_.request(of_gene(benchmark_, gene))
        low, high = request.prediction_ranges[reference_id(gene)]  # type: ignore[index]
        # Published: [2,000,000, 2,000,000 + length of the gene] on the turned window.
        assert high < WINDOW // 2
        assert high - low + 1 == row["gene_end"] - row["gene_start"]


def test_the_numbers_of_lyl1_are_those_worked_out_by_hand(benchmark_: Fulco2019) -> None:
    request = benchmark_.request(of_gene(benchmark_, "LYL1"))
    # GAME 1.0, section 7.3: the gene body of LYL1 in the turned window.
    assert request.prediction_ranges[reference_id("LYL1")] == [1_995_867, 1_999_999]  # type: ignore[index]


@pytest.mark.parametrize("gene", ["GATA1", "LYL1"])
def test_an_element_is_shuffled_in_place_and_nothing_else_is_changed(
    benchmark_: Fulco2019, gene: str
) -> None:
    items = of_gene(benchmark_, gene, 5)
    request = benchmark_.request(items)
    sequences = request.sequences
    reference = sequences[reference_id(gene)]
    assert len(reference) == WINDOW
    for item, chrom, start, end, strand, window in items.select(
        "item_id", "chrom", "start", "end", "strand", "window"
    ).iter_rows():
        sequence = sequences[item]
        if strand == "-":
            sequence, whole = reverse_complement(sequence), reverse_complement(reference)
        else:
            whole = reference
        at, to = start - window, end - window
        element = open_assembly("hg19").window(chrom, start, end)
        assert whole[at:to] == element
        assert sequence[at:to] != element
        assert Counter(sequence[at:to]) == Counter(element)
        assert sequence[:at] == whole[:at]
        assert sequence[to:] == whole[to:]


def test_an_element_is_shuffled_alike_for_every_gene_and_in_any_order(
    benchmark_: Fulco2019,
) -> None:
    of_plus, of_minus = of_gene(benchmark_, "CALR", 4), of_gene(benchmark_, "LYL1", 4)
    assert of_plus["subcluster"].to_list() == of_minus["subcluster"].to_list()
    forward = benchmark_.request(of_plus).sequences
    backward = benchmark_.request(of_plus.reverse()).sequences
    other = benchmark_.request(of_minus).sequences
    assert isinstance(forward, EditedSequences)
    assert isinstance(other, EditedSequences)
    for plus, minus in zip(of_plus["item_id"], of_minus["item_id"], strict=True):
        assert forward[plus] == backward[plus]
        ((_, _, letters),) = forward.edits[plus].changes
        ((_, _, turned),) = other.edits[minus].changes
        assert letters == reverse_complement(turned)


def test_the_shuffle_stays_what_it_is() -> None:
    assert shuffled("AAAACCCCGGGGTTTT", "chr1:0-16") == shuffled("AAAACCCCGGGGTTTT", "chr1:0-16")
    assert shuffled("AAAACCCCGGGGTTTT", "chr1:0-16") != shuffled("AAAACCCCGGGGTTTT", "chr1:1-17")
    assert shuffled("AAAACCCCGGGGTTTT", "chr1:0-16") == "TGAAGGCTGTCAACTC"


def test_one_request_a_gene_holds_its_window_once(benchmark_: Fulco2019) -> None:
    parts = list(benchmark_.parts())
    assert len(parts) == 30
    largest = max(parts, key=len)
    request = benchmark_.request(largest)
    assert len(request.sequences) == 286
    assert isinstance(request.sequences, EditedSequences)
    assert list(request.sequences.references) == ["GATA1"]
    assert len(encode_request(request, MSGPACK, edits=True)) < WINDOW * 1.1
    (task,) = request.prediction_tasks
    assert (task.name, task.type, task.cell_type) == ("GATA1", "expression", "K562")
    assert (task.species, task.scale, request.readout) == ("homo_sapiens", "linear", "point")


@pytest.mark.parametrize("gene", ["GATA1", "LYL1"])
def test_at_the_start_site_the_range_lies_around_the_first_base_that_is_read(gene: str) -> None:
    benchmark = Fulco2019Tss()
    row = of_gene(benchmark, gene).row(0, named=True)
    letters = asked_letters(benchmark, of_gene(benchmark, gene))[reference_id(gene)]
    genome = open_assembly("hg19")
    body = genome.window(row["chrom"], row["gene_start"], row["gene_end"], row["strand"])
    assert len(letters) == 2000
    assert letters[1000 if row["strand"] == "+" else 999 :].startswith(body[:900])


def test_a_stretch_of_a_turned_window_is_counted_from_its_other_end() -> None:
    letters = "ACGTTTGACA"
    for start, end in [(0, 3), (4, 5), (2, 10)]:
        low, high = within(100, 110, 100 + start, 100 + end, "-")
        assert reverse_complement(letters)[low:high] == reverse_complement(letters[start:end])
        assert within(100, 110, 100 + start, 100 + end, "+") == (start, end)


# --- what becomes of an answer -------------------------------------------------------------------


def prediction(scale: str) -> TaskPrediction:
    return TaskPrediction("t", "e", ["CAGE"], "c", "K562", "s", "s", "linear", scale, {})


@pytest.mark.parametrize(
    ("scale", "reference", "perturbed", "expected"),
    [
        ("linear", 4.0, 3.0, -0.25),
        ("linear", 4.0, 0.0, -1.0),
        ("linear", 1e-300, 2e-300, 1.0),
        ("log", 3.0, 2.0, -0.5),
        ("log", -1.0, 1.0, 3.0),
        ("log", 0.0, 0.0, 0.0),
        ("log", 5000.0, 5001.0, 1.0),
    ],
)
def test_a_fraction_is_of_the_reference_on_either_scale(
    scale: str, reference: float, perturbed: float, expected: float
) -> None:
    found = fraction_of(prediction(scale), (reference, None), (perturbed, None))
    assert found == (pytest.approx(expected, abs=1e-15), None)


@pytest.mark.parametrize(
    ("scale", "reference", "perturbed", "reason"),
    [
        ("linear", (0.0, None), (1.0, None), "the reference prediction is not above 0"),
        ("linear", (0.0, None), (0.0, None), "the reference prediction is not above 0"),
        ("linear", (-1.0, None), (1.0, None), "the reference prediction is not above 0"),
        ("linear", (5e-324, None), (1e300, None), "the change is inf"),
        ("log", (0.0, None), (2000.0, None), "the change is inf"),
        ("N/A", (1.0, None), (2.0, None), "unknown scale 'N/A'"),
        ("linear", (None, "gone"), (2.0, None), "reference: gone"),
        ("linear", (1.0, None), (None, "lost"), "lost"),
    ],
)
def test_where_there_is_no_fraction_there_is_a_reason(
    scale: str, reference: Any, perturbed: Any, reason: str
) -> None:
    value, told = fraction_of(prediction(scale), reference, perturbed)
    assert value is None
    assert told is not None
    assert told.startswith(reason)


def words(sequences: list[str]) -> list[float]:
    """A model that hears only how often one word occurs."""
    return [1.0 + sequence.count("ACGA") for sequence in sequences]


words.scale = "linear"  # type: ignore[attr-defined]


def test_a_prediction_is_the_change_of_what_the_model_says(benchmark_: Fulco2019) -> None:
    items = of_gene(benchmark_, "KLF1", 6)
    answers = benchmark_.answer(as_model(words), items, Asking())
    sequences = benchmark_.request(items).sequences
    reference = words([sequences[reference_id("KLF1")]])[0]
    expected = [words([sequences[name]])[0] / reference - 1 for name in items["item_id"]]
    assert answers["value"].to_list() == pytest.approx(expected, abs=1e-12)
    assert len(set(expected)) > 2
    assert answers["reason"].null_count() == 6


def test_a_reference_of_nothing_gives_a_reason_for_every_pair(benchmark_: Fulco2019) -> None:
    def nothing(sequences: list[str]) -> list[float]:
        return [0.0] * len(sequences)

    nothing.scale = "linear"  # type: ignore[attr-defined]
    items = of_gene(benchmark_, "KLF1", 3)
    answers = benchmark_.answer(as_model(nothing), items, Asking())
    assert answers["value"].null_count() == 3
    assert answers["reason"].unique().to_list() == [
        "the reference prediction is not above 0, so a fraction of it is undefined"
    ]


@pytest.mark.parametrize(
    ("scale", "reference", "perturbed", "expected"),
    [
        ("linear", 4.0, 3.0, -0.25),
        ("linear", -4.0, -3.0, -0.25),
        ("linear", -4.0, 4.0, -2.0),
        ("linear", 0.0, 1.0, None),
        ("linear", 0.0, 0.0, None),
        ("linear", 5e-324, 1e300, None),
        ("linear", None, 1.0, None),
        ("linear", 1.0, None, None),
        ("log", 4.0, 3.0, None),
        ("N/A", 4.0, 3.0, None),
    ],
)
def test_the_published_fraction_is_of_linear_answers_of_any_sign(
    scale: str, reference: float | None, perturbed: float | None, expected: float | None
) -> None:
    assert published_fraction(prediction(scale), reference, perturbed) == expected


def published_of(model: Any, gene: str, count: int, folder: Path) -> tuple[Any, Any]:
    """The published row of a gene and ours, as one asks the model about some of its pairs."""
    benchmark = Fulco2019()
    benchmark.items = of_gene(benchmark, gene, count)
    part = benchmark.items
    kept: list[Any] = []
    benchmark.answer(model, part, Asking(keep=kept.append)).write_parquet(folder / "p")
    assert len(kept) == 1
    rows = {
        (row.name, row.group): row for row in benchmark.scored(folder / "p", None).rows(Asking())
    }
    return rows["game_pearson_r", f"Fulco CRISPRi ({gene})"], rows["pearson", gene]


class Logged:
    """Asked on a linear scale, answers on a log one."""

    def __init__(self) -> None:
        self._inner = as_model(words, "logged")
        self.info = self._inner.info

    def predict(self, request: Any) -> Any:
        response = self._inner.predict(request)
        (task,) = response.prediction_tasks
        changed = msgspec.structs.replace(task, scale_prediction_actual="log")
        return msgspec.structs.replace(response, prediction_tasks=[changed])


def test_of_log_answers_the_published_evaluator_has_no_number(tmp_path: Path) -> None:
    published, ours = published_of(Logged(), "KLF1", 20, tmp_path)
    assert ours.value is not None
    assert (published.value, published.n) == (None, 20)
    assert published.reason_if_null == (
        "answered on a log scale, of which the published evaluator makes no number"
    )


def test_of_answers_below_0_the_published_evaluator_has_a_number(tmp_path: Path) -> None:
    def below(sequences: list[str]) -> list[float]:
        return [-value for value in words(sequences)]

    below.scale = "linear"  # type: ignore[attr-defined]
    published, ours = published_of(as_model(below), "KLF1", 20, tmp_path)
    assert ours.value is None
    items = of_gene(Fulco2019(), "KLF1", 20)
    sequences = Fulco2019().request(items).sequences
    (reference,) = below([sequences[reference_id("KLF1")]])
    fractions = [(below([sequences[each]])[0] - reference) / reference for each in items["item_id"]]
    expected = scipy.stats.pearsonr(fractions, items["truth"]).statistic
    assert published.value == pytest.approx(expected, abs=1e-10)


def test_of_a_reference_of_0_the_published_evaluator_has_no_number(tmp_path: Path) -> None:
    def nothing(sequences: list[str]) -> list[float]:
        return [0.0] * len(sequences)

    nothing.scale = "linear"  # type: ignore[attr-defined]
    published, _ = published_of(as_model(nothing), "KLF1", 5, tmp_path)
    assert (published.value, published.reason_if_null) == (None, "5 of 5 items have no answer")


# --- numbers -------------------------------------------------------------------------------------


def scored_rows(
    benchmark: Fulco2019, values: Callable[[pl.DataFrame], pl.Series], folder: Path
) -> dict[tuple[str, str | None], Any]:
    items = benchmark.items
    frame = items.select(
        "item_id", "task", value=values(items), reason=pl.lit(None, dtype=pl.String)
    )
    frame.write_parquet(folder / "predictions.parquet")
    scored = benchmark.scored(folder / "predictions.parquet", None)
    return {(row.name, row.group): row for row in scored.rows(Asking())}


def test_rows_are_those_of_scipy_and_the_published_ones_stand_beside_them(
    benchmark_: Fulco2019, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    noise = random.normal(size=4882)

    def values(items: pl.DataFrame) -> pl.Series:
        return items["truth"] + pl.Series(noise) * 0.1

    rows = scored_rows(benchmark_, values, tmp_path)
    expected = []
    for (gene,), part in benchmark_.items.with_columns(value=values(benchmark_.items)).group_by(
        "task", maintain_order=True
    ):
        r = scipy.stats.pearsonr(part["value"], part["truth"]).statistic
        rho = scipy.stats.spearmanr(part["value"], part["truth"]).statistic
        assert rows["pearson", gene].value == pytest.approx(r, abs=1e-10)
        assert rows["spearman", gene].value == pytest.approx(rho, abs=1e-10)
        published = rows["game_pearson_r", f"Fulco CRISPRi ({gene})"]
        assert published.value == pytest.approx(r, abs=1e-10)
        assert published.interval is None
        expected.append(r)
    mean = rows["mean_pearson", None]
    assert mean.value == pytest.approx(np.mean(expected), abs=1e-10)
    assert mean.n_clusters == 5
    assert mean.interval is not None
    average = rows["game_pearson_r", "Average Pearson Correlation across all genes for CRISPRi"]
    assert average.value == pytest.approx(np.mean(expected), abs=1e-10)
    assert len(rows) == 2 + 60 + 31


def test_a_gene_without_variance_is_0_as_published_and_undefined_as_corrected(
    benchmark_: Fulco2019, tmp_path: Path
) -> None:
    def values(items: pl.DataFrame) -> pl.Series:
        flat = pl.when(pl.col("task") == "BAX").then(0.0).otherwise(pl.col("truth"))
        return items.select(flat.alias("value")).to_series()

    rows = scored_rows(benchmark_, values, tmp_path)
    assert rows["game_pearson_r", "Fulco CRISPRi (BAX)"].value == 0.0
    assert rows["pearson", "BAX"].value is None
    assert rows["pearson", "BAX"].reason_if_null == "constant prediction"
    assert rows["mean_pearson", None].value is None
    average = rows["game_pearson_r", "Average Pearson Correlation across all genes for CRISPRi"]
    assert average.value == pytest.approx(29 / 30)


def test_a_gene_with_an_answer_missing_has_no_published_number(
    benchmark_: Fulco2019, tmp_path: Path
) -> None:
    def values(items: pl.DataFrame) -> pl.Series:
        first = pl.int_range(pl.len()) == 0
        return items.select(pl.when(~first).then(pl.col("truth")).alias("value")).to_series()

    rows = scored_rows(benchmark_, values, tmp_path)
    published = rows["game_pearson_r", "Fulco CRISPRi (BAX)"]
    assert (published.value, published.reason_if_null) == (None, "1 of 172 items have no answer")
    assert rows["pearson", "BAX"].value == pytest.approx(1.0)
    assert rows["pearson", "BAX"].n == 171


def test_a_run_from_the_genome_to_a_result(tmp_path: Path, benchmark_: Fulco2019) -> None:
    results = genomark.run(
        [as_model(words, "words")],
        benchmark_,
        limit=60,
        out=tmp_path,
        workers=1,
        progress=False,
    )
    (result,) = list(results)
    assert result.benchmark.id == "fulco2019"
    assert result.coverage.answered == result.coverage.asked == 60
    published = result.metric("game_pearson_r", "Fulco CRISPRi (GATA1)")
    assert published.value == pytest.approx(result.metric("pearson", "GATA1").value, abs=1e-10)
    assert result.metric("pearson", "GATA1").n >= 3


# --- where a training set could hold it ----------------------------------------------------------


def test_its_material_is_the_elements(benchmark_: Fulco2019) -> None:
    material = benchmark_.material(50)
    assert material.assembly == "hg19"
    assert material.items["item_id"].to_list() == benchmark_.selected(50)["item_id"].to_list()
    genome = open_assembly("hg19")
    for row in material.items.iter_rows(named=True):
        assert row["sequence"] == genome.window(row["chrom"], row["start"], row["end"])
        assert f"{row['chrom']}:{row['start']}-{row['end']}" in row["item_id"]


# --- data that are not there, or not right -------------------------------------------------------


def test_without_the_genome_the_command_that_gets_it_is_told(
    no_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetUnavailableError, match="genomark data fetch hg19"):
        list(Fulco2019().parts())


def changed(pairs: pl.DataFrame, row: int, **values: Any) -> pl.DataFrame:
    """The published pairs with something else in one row (from 0)."""
    here = pl.int_range(pl.len()) == row
    return pairs.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.drop("strand"), "no column 'strand'; it has chr, start"),
        (
            lambda p: p.with_columns(pl.col("start").cast(pl.String)),
            "column 'start' holds no whole numbers but String",
        ),
        (
            lambda p: changed(p, 2, **{"Fraction change in gene expr": "0,1,2"}),
            r"row 3 \(BAX, .*, 0,1,2\): 'Fraction change in gene expr' is no number",
        ),
        (lambda p: changed(p, 0, strand="."), r"row 1 .*: strand is neither \+ nor -"),
        (lambda p: changed(p, 4, end=1), "row 5 .*: an element ends where it starts, or before"),
        (lambda p: changed(p, 4, chr="chr2"), "row 5 .*: element and gene lie on two chromosomes"),
        (
            lambda p: changed(p, 4, start=1_000_000, end=1_000_500),
            "row 5 .*: an element lies beyond the window of its gene",
        ),
        (lambda p: pl.concat([p, p.tail(1)]), "row 4883 .*: a pair is there twice"),
        (lambda p: changed(p, 4, gene_end=49465056), "gene BAX lies at more than one place"),
    ],
)
def test_a_file_that_is_not_right_is_told_in_one_line(
    pairs: pl.DataFrame, change: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pairs.parquet"
    change(pairs).write_parquet(file)
    monkeypatch.setattr(fulco2019, "path", lambda *_: file)
    with pytest.raises(DatasetError, match=message) as caught:
        _ = Fulco2019().items
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pairs.parquet"
    file.write_text("chr\tstart\n")
    monkeypatch.setattr(fulco2019, "path", lambda *_: file)
    with pytest.raises(DatasetError, match="cannot be read as parquet"):
        _ = Fulco2019().items
