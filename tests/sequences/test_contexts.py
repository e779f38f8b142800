"""Contexts of regions and variants, against slices of the text of a genome."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.datasets.genome import Genome, open_genome
from genomark.errors import UsageError
from genomark.sequences.contexts import region_contexts, variant_contexts

pytest.importorskip("pysam")

TEXTS = {"chr1": "ACGTTGCATTCCGGAACTAGCNNACGTACCCATG", "chr2": "GGGTTTACAC", "chrM": "CATCATCATG"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Genome:
    path = tmp_path_factory.mktemp("toy") / "toy.fa"
    path.write_text("".join(f">{name}\n{text.lower()}\n" for name, text in TEXTS.items()))
    return open_genome(path, assembly="toy1", soft_mask=True)


@pytest.fixture(scope="module")
def hg38(real_data: Callable[[str, str], Path]) -> tuple[Genome, str]:
    path = real_data("hg38_1m", "hg38_1m.fa.gz")
    text = "".join(gzip.decompress(path.read_bytes()).decode().split("\n")[1:])
    return open_genome(path, assembly="hg38"), text


def padded(text: str, start: int, end: int) -> str:
    return "".join(text[at] if 0 <= at < len(text) else "N" for at in range(start, end))


@pytest.mark.parametrize("context", [512, 509, 2])
def test_regions_of_a_real_genome_are_its_slices(hg38: tuple[Genome, str], context: int) -> None:
    genome, text = hg38
    centers = np.random.Generator(np.random.PCG64(1)).integers(1000, 999_000, 3000)
    found = region_contexts(genome, ["chr1"] * 3000, centers, context)
    half = context // 2
    assert found.sequences == [text[at - half : at + half + context % 2] for at in centers.tolist()]
    assert not found.padded.any()


@pytest.mark.parametrize("context", [512, 1001])
def test_real_variants_differ_in_their_letter_alone(
    hg38: tuple[Genome, str], context: int, real_data: Callable[[str, str], Path]
) -> None:
    genome, text = hg38
    lines = real_data("hg38_1m", "eqtl.vcf").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(rows) > 3
    # ClinVar's file names chromosomes as here: without chr.
    chroms = [row[0].removeprefix("chr") for row in rows]
    ends = np.array([int(row[1]) for row in rows])
    refs, alts = [row[3] for row in rows], [row[4] for row in rows]
    found = variant_contexts(genome, chroms, ends - 1, ends, refs, alts, context)
    first = ends - context // 2 if context % 2 == 0 else ends - 1 - context // 2
    at = (context - 1) // 2
    assert found.references == [text[start : start + context] for start in first.tolist()]
    assert [each[at] for each in found.references] == refs
    assert found.alternates == [
        each[:at] + alt + each[at + 1 :] for each, alt in zip(found.references, alts, strict=True)
    ]
    assert not found.padded.any()
    told = variant_contexts(genome, chroms, ends - 1, ends, None, alts, context)
    assert told.alternates == found.alternates
    with pytest.raises(UsageError, match=r"row 1: the reference allele of chr1:.*hg38 has"):
        variant_contexts(genome, chroms, ends, ends + 1, refs, alts, context)


def test_even_contexts_have_one_letter_less_on_the_right(toy: Genome) -> None:
    # Around position 5 of ACGTTGCATT, a G: counted by hand.
    assert region_contexts(toy, ["chr1"], [5], 6).sequences == ["GTTGCA"]
    assert region_contexts(toy, ["chr1"], [5], 7).sequences == ["GTTGCAT"]
    assert region_contexts(toy, ["chr1"], [5], 1).sequences == ["G"]
    even = variant_contexts(toy, ["chr1"], [5], [6], ["G"], ["a"], 6)
    assert (even.references, even.alternates) == (["TTGCAT"], ["TTACAT"])
    odd = variant_contexts(toy, ["chr1"], [5], [6], ["g"], ["A"], 7)
    assert (odd.references, odd.alternates) == (["GTTGCAT"], ["GTTACAT"])


def test_beyond_the_ends_there_is_n_and_it_is_told(toy: Genome) -> None:
    found = region_contexts(toy, ["chr2"] * 4, [1, 3, 7, 8], 6)
    assert found.sequences == ["NNGGGT", "GGGTTT", "TTACAC", "TACACN"]
    assert found.padded.tolist() == [True, False, False, True]
    longer = region_contexts(toy, ["chr2"], [5], 30)
    assert longer.sequences == ["N" * 10 + TEXTS["chr2"] + "N" * 10]


@pytest.mark.parametrize("spelled", ["chrM", "M", "MT", "chrMT"])
def test_the_mitochondrion_goes_by_all_its_names(toy: Genome, spelled: str) -> None:
    assert region_contexts(toy, [spelled, "2"], [3, 5], 4).sequences == ["ATCA", "TTTA"]


def test_a_genome_without_chr_is_found_with_it(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "ensembl.fa"
    path.write_text(">1\nACGTACGT\n>MT\nCCCCTTTT\n")
    found = region_contexts(open_genome(path), ["chr1", "1", "chrM", "M"], [4, 4, 4, 4], 4)
    assert found.sequences == ["GTAC", "GTAC", "CCTT", "CCTT"]


def changed(text: str, start: int, ref: int, alt: str, context: int) -> str:
    """Change the chromosome itself, then cut out: the first letter of the allele stays in place."""
    before = (context - 1) // 2
    return padded(
        text[:start] + alt + text[start + ref :], start - before, start - before + context
    )


@pytest.mark.parametrize(
    ("start", "ref", "alt", "reference", "alternate"),
    [
        # ACGTTGCATTCCGGAACTAGC: a deletion of CA, an insertion of AA, two letters, a longer change.
        (5, "GCA", "G", "CGTTGCATTC", "CGTTGTTCCG"),
        (5, "G", "GAA", "CGTTGCATTC", "CGTTGAACAT"),
        (5, "GC", "TA", "CGTTGCATTC", "CGTTTAATTC"),
        (5, "GC", "AAAAAAAAAA", "CGTTGCATTC", "CGTTAAAAAA"),
        (5, "GCATTCCGGA", "G", "CGTTGCATTC", "CGTTGACTAG"),
    ],
)
def test_insertions_and_deletions_counted_by_hand(
    toy: Genome, start: int, ref: str, alt: str, reference: str, alternate: str
) -> None:
    # Files tell the end of an allele, or of its first letter.
    for end in (start + len(ref), start + 1):
        found = variant_contexts(toy, ["chr1"], [start], [end], [ref], [alt], 10)
        assert (found.references, found.alternates) == ([reference], [alternate])
    told = variant_contexts(toy, ["chr1"], [start], [start + len(ref)], None, [alt], 10)
    assert told.alternates == [alternate]


@st.composite
def variants(draw: st.DrawFn) -> tuple[int, str, str]:
    text = TEXTS["chr1"]
    start = draw(st.integers(0, len(text) - 1))
    ref = text[start : start + draw(st.integers(1, 12))]
    alt = draw(st.text("ACGT", min_size=1, max_size=12).filter(lambda each: each != ref))
    return start, ref, alt


@given(asked=st.lists(variants(), max_size=6), context=st.integers(1, 40))
def test_an_alternate_is_cut_from_the_changed_chromosome(
    toy: Genome, asked: list[tuple[int, str, str]], context: int
) -> None:
    text, before = TEXTS["chr1"], (context - 1) // 2
    starts = np.array([start for start, _, _ in asked], dtype=np.int64)
    ends = starts + [len(ref) for _, ref, _ in asked]
    refs, alts = [ref for _, ref, _ in asked], [alt for _, _, alt in asked]
    found = variant_contexts(toy, ["chr1"] * len(asked), starts, ends, refs, alts, context)
    for row, (start, ref, alt) in enumerate(asked):
        first = start - before
        assert found.references[row] == padded(text, first, first + context)
        assert found.alternates[row] == changed(text, start, len(ref), alt, context)
        shorter = len(text) - len(ref) + len(alt)
        beyond = first < 0 or first + context > len(text) or first + context > shorter
        assert found.padded[row] == beyond


@pytest.mark.parametrize(
    ("chroms", "centers", "said"),
    [
        (["chr1", "chr7"], [5, 5], r"^row 2: toy1 has no chromosome 'chr7'; did you mean"),
        (
            ["chr2", "chr2"],
            [5, 10],
            r"^row 2: position 10 .*not on chr2 of toy1, which has 10",
        ),
        (["2"], [-1], r"^row 1: position -1 \(0-based\) is not on chr2"),
        (["chr2"], [5, 6], r"^expected 1 whole numbers as centres, one a chromosome"),
        (["chr2"], [5.5], r"found float64"),
    ],
)
def test_regions_that_cannot_be_are_refused(
    toy: Genome, chroms: list[str], centers: list[int], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        region_contexts(toy, chroms, centers, 4)


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (
            ("chr1", 5, 6, "T", "A"),
            r"^row 2: the reference allele of chr1:5-6 is 'T', and toy1",
        ),
        (("chr1", 5, 6, "G", "G"), r"^row 2: the alternate allele of chr1:5-6 is 'G', as in toy1"),
        (("chr1", 5, 6, "G", "-"), r"^row 2: expected bases as alternate allele, found '-'; del"),
        (("chr1", 5, 6, "G", ""), r"^row 2: expected bases as alternate allele, found ''"),
        (("chr1", 5, 6, None, "A"), r"^row 2: expected bases as reference allele, found None"),
        (
            ("chr1", 5, 8, "G", "A"),
            r"^row 2: from start 5 to end 8 there are 3 letters; exp",
        ),
        (("chr2", 9, 10, "CA", "C"), r"^row 2: position 10 \(0-based\) is not on chr2"),
        (("chr2", 10, 11, "C", "A"), r"^row 2: position 10 \(0-based\) is not on chr2"),
        (("5", 1, 2, "C", "A"), r"^row 2: toy1 has no chromosome '5'"),
        # Longer than the context, wrong in its last letter only.
        (("chr1", 0, 8, "ACGTTGCC", "A"), r"^row 2: .* is 'ACGTTGCC', and toy1 has 'ACGTTGCA'"),
    ],
)
def test_variants_that_cannot_be_are_refused(
    toy: Genome, variant: tuple[str, int, int, str, str], said: str
) -> None:
    chrom, start, end, ref, alt = variant
    with pytest.raises(UsageError, match=said):
        variant_contexts(toy, ["chr1", chrom], [5, start], [6, end], ["G", ref], ["A", alt], 6)


def test_alleles_that_are_not_told_span_a_letter_at_least(toy: Genome) -> None:
    with pytest.raises(UsageError, match=r"^row 1: from start 5 to end 5 there are 0 letters"):
        variant_contexts(toy, ["chr1"], [5], [5], None, ["A"], 6)
    with pytest.raises(UsageError, match=r"^expected 1 alternate alleles, found 2"):
        variant_contexts(toy, ["chr1"], [5], [6], None, ["A", "C"], 6)


def test_no_rows_are_none(toy: Genome) -> None:
    assert region_contexts(toy, [], [], 8).sequences == []
    found = variant_contexts(toy, [], [], [], [], [], 8)
    assert (found.references, found.alternates, found.padded.tolist()) == ([], [], [])
