"""Variants of VCF, SPDI and ids, against pysam, cases by hand and published sequences."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import pytest

from genomark.datasets.genome import open_genome, reverse_complement
from genomark.datasets.variants import Variant, parse_spdi, parse_variant_id, read_vcf
from genomark.errors import UsageError

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
ROWS = [
    ("chr7", 140_753_336, "A", "T"),
    ("7", 55_174_772, "GGAATTAAGAGAAGC", "G"),
    ("X", 5, "a", "at,c,AGG"),
    ("MT", 10, "T", "."),
    ("KI270728.1", 3, "C", "G"),
]


def vcf(folder: Path, rows: list[tuple[str, int, str, str]] = ROWS, name: str = "v.vcf") -> Path:
    path = folder / name
    text = HEAD + "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in rows)
    path.write_text(text)
    return path


# -- Reading ---------------------------------------------------------------------------------------


def test_vcf_rows_become_one_variant_an_alternate(tmp_path: Path) -> None:
    found = list(read_vcf(vcf(tmp_path), "GRCh38"))
    assert found == [
        Variant("chr7", 140_753_335, "A", "T", "hg38"),
        Variant("chr7", 55_174_771, "GGAATTAAGAGAAGC", "G", "hg38"),
        Variant("chrX", 4, "A", "AT", "hg38"),
        Variant("chrX", 4, "A", "C", "hg38"),
        Variant("chrX", 4, "A", "AGG", "hg38"),
        Variant("KI270728.1", 2, "C", "G", "hg38"),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_vcf_is_read_as_pysam_reads_it(packed: bool, tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    draw = random.Random(3)
    header = "##fileformat=VCFv4.2\n" + "".join(
        f"##contig=<ID=chr{n},length=200000000>\n" for n in (1, 2, 3)
    )
    header += HEAD.splitlines(keepends=True)[1]
    rows = [
        (
            f"chr{draw.randint(1, 3)}",
            draw.randint(1, 10**8),
            "".join(draw.choices("ACGT", k=draw.randint(1, 4))),
            ",".join({"".join(draw.choices("ACGT", k=5 + at)) for at in range(draw.randint(1, 3))}),
        )
        for _ in range(200)
    ]
    text = header + "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in rows)
    path = tmp_path / ("v.vcf.gz" if packed else "v.vcf")
    if packed:
        with pysam.BGZFile(str(path), "w") as out:
            out.write(text.encode())
    else:
        path.write_text(text)
    with pysam.VariantFile(str(path)) as records:
        expected = [
            (each.chrom, each.start, each.ref, alt) for each in records for alt in each.alts
        ]
    found = [(v.chrom, v.start, v.ref, v.alt) for v in read_vcf(path, "hg19")]
    assert found == expected
    assert len(found) > 200


def test_gzip_is_read_too(tmp_path: Path) -> None:
    plain = vcf(tmp_path)
    packed = tmp_path / "v.vcf.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    assert list(read_vcf(packed, "hg38")) == list(read_vcf(plain, "hg38"))


def test_a_damaged_gzip_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "v.vcf.gz"
    packed = bytearray(gzip.compress(vcf(tmp_path, ROWS * 500).read_bytes()))
    # A block of the kind 3, which there is none of (RFC 1951, 3.2.3).
    packed[10] |= 0b110
    path.write_bytes(packed)
    with pytest.raises(UsageError, match=r"damaged, or not VCF .*get it again") as caught:
        list(read_vcf(path, "hg38"))
    assert "\n" not in str(caught.value)


def test_real_vcf_fits_its_genome(mirror: Path) -> None:
    pytest.importorskip("pysam")
    genome = open_genome(mirror / "hg38_1m" / "hg38_1m.fa.gz")
    path = mirror / "hg38_1m" / "eqtl.vcf"
    found = list(read_vcf(path, "hg38"))
    lines = [line.split("\t") for line in path.read_text().splitlines() if line[0] != "#"]
    assert [(v.start + 1, v.ref, v.alt) for v in found] == [
        (int(fields[1]), fields[3], fields[4]) for fields in lines
    ]
    for variant in found:
        variant.check(genome)
    moved = Variant(found[0].chrom, found[0].start + 1, found[0].ref, found[0].alt)
    with pytest.raises(UsageError, match=f"expected {moved.ref} at chr1:{moved.start}-"):
        moved.check(genome)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("chr1", 5, "A", "<DEL>"), "'<DEL>' is no allele"),
        (("chr1", 5, "A", "C,*"), r"'\*' is no allele"),
        (("chr1", 5, "A", "A]chr2:7]"), "is no allele"),
        (("chr1", 5, "R", "A"), "'R' is no allele"),
        (("chr1", 5, "A", "A"), "the same"),
        (("chr1", 0, "A", "C"), "POS is '0'"),
        (("chr1", -3, "A", "C"), "POS is '-3'"),
        (("", 3, "A", "C"), "no chromosome ''"),
    ],
)
def test_rows_that_are_no_variant_are_named_by_line(
    row: tuple[str, int, str, str], message: str, tmp_path: Path
) -> None:
    path = vcf(tmp_path, [ROWS[0], row])
    with pytest.raises(UsageError, match=message) as caught:
        list(read_vcf(path, "hg38"))
    assert f"{path}, line 4: " in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"chr1\t5\t.\tA\tC\n", "line 1: a VCF file begins with ##fileformat=VCF"),
        (HEAD.encode() + b"chr1 5 . A C\n", "line 3: 1 columns; expected CHROM"),
        (HEAD.encode() + b"chr1\t5\t.\tA\n", "line 3: 4 columns"),
        (gzip.compress(HEAD.encode() * 9, mtime=0)[:-9], "damaged, or not VCF"),
        (b"\x1f\x8bnot gzip at all", "Cannot read"),
        (b"##fileformat=VCF\xff\xff\n", "damaged, or not VCF"),
    ],
)
def test_files_that_are_no_vcf_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.vcf"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        list(read_vcf(path, "hg38"))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*none.vcf: No such file"):
        list(read_vcf(tmp_path / "none.vcf", "hg38"))


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        (
            "NC_000010.11:79347410::AACGGAGC",
            Variant("chr10", 79_347_410, "", "AACGGAGC", "hg38"),
        ),
        ("NC_000010.10:5:ca:", Variant("chr10", 5, "CA", "", "hg19")),
        ("NC_000086.7:0:A:G", Variant("chrX", 0, "A", "G", "mm10")),
    ],
)
def test_spdi_tells_chromosome_assembly_and_place(text: str, variant: Variant) -> None:
    assert parse_spdi(text) == variant
    assert parse_spdi(text, variant.assembly) == variant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NC_000010.11:79347410:3:A", "spell the deleted letters, not their number"),
        ("NC_000010.11:79347410:A", "is not SPDI, such as"),
        ("NC_000010.11:-1:A:C", "is not SPDI"),
        ("chr10:5:A:C", "is not SPDI"),
        ("NC_000010.11:5:A:<INS>", "is not SPDI"),
        ("NC_000010.11:5:A:A", "the same"),
        ("NC_000010.11:5::", "the same"),
        ("NC_000010.9:5:A:C", "known are NC_000010.10"),
    ],
)
def test_what_is_no_spdi_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_spdi(text)


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("chr10:81107165:G>GAACG", Variant("chr10", 81_107_164, "G", "GAACG", "hg19")),
        ("7:70038969:G:T", Variant("chr7", 70_038_968, "G", "T", "hg19")),
        ("X:1:acg>a", Variant("chrX", 0, "ACG", "A", "hg19")),
    ],
)
def test_ids_count_from_one(text: str, variant: Variant) -> None:
    assert parse_variant_id(text, "GRCh37") == variant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr10:0:G>A", "before the chromosome"),
        ("chr10:5:G", "is no variant such as"),
        ("chr10:5:>A", "is no variant such as"),
        ("chr10:5:G>-", "is no variant such as"),
        ("chr25:5:G>A", "has no chromosome 'chr25'"),
        ("rs123", "is no variant such as"),
    ],
)
def test_what_is_no_id_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_variant_id(text, "hg19")


@pytest.mark.parametrize(
    ("start", "ref", "alt", "message"),
    [(-1, "A", "C", "before"), (5, "a", "C", "no allele"), (5, "A", "<X>", "no allele")],
)
def test_a_variant_is_checked_when_made(start: int, ref: str, alt: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Variant("chr1", start, ref, alt)


# -- Putting into windows --------------------------------------------------------------------------

WINDOW = "ACGTTGCAAG"  # chr1:100-110
CASES = [
    (Variant("chr1", 103, "T", "G"), "ACGGTGCAAG", (3, 4, "G"), (6, 7, "C")),
    (Variant("chr1", 103, "", "GG"), "ACGGGTTGCAAG", (3, 3, "GG"), (7, 7, "CC")),
    (Variant("chr1", 100, "ACG", ""), "TTGCAAG", (0, 3, ""), (7, 10, "")),
    (Variant("chr1", 108, "AG", "CTT"), "ACGTTGCACTT", (8, 10, "CTT"), (0, 2, "AAG")),
    (Variant("chr1", 110, "", "T"), "ACGTTGCAAGT", (10, 10, "T"), (0, 0, "A")),
]


@pytest.mark.parametrize(("variant", "expected", "forward", "reverse"), CASES)
def test_variants_are_put_into_windows_of_either_strand(
    variant: Variant,
    expected: str,
    forward: tuple[int, int, str],
    reverse: tuple[int, int, str],
) -> None:
    assert variant.applied(WINDOW, 100) == expected
    assert variant.edit(100, 110) == forward
    turned = reverse_complement(WINDOW)
    assert variant.applied(turned, 100, "-") == reverse_complement(expected)
    assert variant.edit(100, 110, "-") == reverse
    for window, (start, end, letters), whole in (
        (WINDOW, forward, expected),
        (turned, reverse, reverse_complement(expected)),
    ):
        assert window[:start] + letters + window[end:] == whole


def test_small_letters_of_a_window_stay() -> None:
    assert Variant("chr1", 103, "T", "G").applied("acgttgcaag", 100) == "acgGtgcaag"


@pytest.mark.parametrize("strand", ["+", "-"])
def test_other_letters_than_the_reference_are_told(strand: str) -> None:
    window = WINDOW if strand == "+" else reverse_complement(WINDOW)
    wrong = Variant("chr1", 103, "C", "G")
    with pytest.raises(UsageError, match=r"chr1:103:C:G: expected [CG] at chr1:103-104"):
        wrong.applied(window, 100, strand)


@pytest.mark.parametrize(
    ("variant", "strand", "message"),
    [
        (Variant("chr1", 99, "A", "C"), "+", "does not lie within chr1:100-110"),
        (Variant("chr1", 109, "GA", "C"), "+", "does not lie within"),
        (Variant("chr1", 111, "", "C"), "-", "does not lie within"),
        (Variant("chr1", 103, "T", "C"), ".", "a strand is"),
    ],
)
def test_windows_must_hold_the_variant(variant: Variant, strand: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        variant.edit(100, 110, strand)


@pytest.mark.parametrize("experiment", ["THP1", "Jurkat"])
def test_published_ids_of_both_assemblies_agree_with_published_sequences(
    experiment: str, mirror: Path
) -> None:
    """SPDI of hg38 and the id of hg19 both turn the published 2 kb into the published 2 kb."""
    table = mirror / "martyn2025" / f"{experiment}/all_{experiment}.tsv"
    pairs = mirror / "martyn2025" / f"{experiment}/all_{experiment}_sequences.tsv"
    with table.open() as rows:
        ids = [row["VariantID_h19"] for row in csv.DictReader(rows, delimiter="\t")]
    shifts = set()
    for name, line in zip(ids, pairs.read_text().splitlines(), strict=True):
        spdi, reference, alternate = line.split(" ")
        new, old = parse_spdi(spdi), parse_variant_id(name, "hg19")
        assert new.applied(reference, new.start - 1000) == alternate
        fitting = [
            shift
            # Between the assemblies, of the promoter and the enhancer of PPIF and of IL2RA.
            for shift in (1_759_755, 1_759_756, 41_962)
            if _fits(old, reference, new.start - 1000 + shift, alternate)
        ]
        assert fitting
        shifts.add(fitting[0])
    assert shifts == {"THP1": {1_759_755, 1_759_756}, "Jurkat": {1_759_755, 41_962}}[experiment]


def _fits(variant: Variant, reference: str, start: int, alternate: str) -> bool:
    try:
        return variant.applied(reference, start) == alternate
    except UsageError:
        return False
