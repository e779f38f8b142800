"""The tables of binding molecules and of species: well formed, and what names people write mean."""

from __future__ import annotations

import csv
import re
from importlib import resources

import pytest

from genomark.matching.folding import folded, key

MOLECULES = ("name", "class", "synonyms", "family", "accession")
SPECIES = ("name", "synonyms", "accession")
CLASSES = {
    *("transcription factor", "histone mark", "histone variant", "polymerase"),
    *("chromatin regulator", "cofactor", "RNA-binding protein", "other"),
}
HGNC = re.compile(r"HGNC:\d+")
#: The form of accessions that UniProt documents (https://www.uniprot.org/help/accession_numbers).
UNIPROT = re.compile(r"[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d([A-Z][A-Z0-9]{2}\d){1,2}")

#: Names as papers, antibodies and UniProt entries have them, and the symbol of HGNC.
KNOWN = """
p300 EP300; CBP CREBBP; PU.1 SPI1; c-Myc MYC; N-Myc MYCN; c-Jun JUN; JunD JUND; c-Fos FOS
Fra-1 FOSL1; Fra-2 FOSL2; ER-alpha ESR1; estrogen receptor alpha ESR1; oestrogen receptor ESR1
ER-beta ESR2; ERRα ESRRA; glucocorticoid receptor NR3C1; GR NR3C1; androgen receptor AR
progesterone receptor PGR; vitamin D receptor VDR; Oct4 POU5F1; OCT-3/4 POU5F1; Oct-1 POU2F1
Oct-2 POU2F2; Pit-1 POU1F1; NRSF REST; Pol II POLR2A; RNA polymerase II POLR2A; RNAPII POLR2A
Rpb1 POLR2A; RPB2 POLR2B; NF-κB p65 RELA; NF-kB p50 NFKB1; NF-kappaB p52 NFKB2; c-Rel REL
p53 TP53; Trp53 TP53; p63 TP63; BRG1 SMARCA4; INI1 SMARCB1; BAF155 SMARCC1; SNF2H SMARCA5
LSD1 KDM1A; UTX KDM6A; G9a EHMT2; GCN5 KAT2A; PCAF KAT2B; MLL1 KMT2A; HP1γ CBX3; KAP1 TRIM28
CTIP2 BCL11B; Blimp-1 PRDM1; T-bet TBX21; SCL TAL1; E2A TCF3; HEB TCF12; AML1 RUNX1; C/EBPβ CEBPB
HNF-4α HNF4A; HNF3β FOXA2; HNF-6 ONECUT1; COUP-TFII NR2F2; NURR1 NR4A2; SREBP-1c SREBF1
TEF-4 TEAD2; Nrf2 NFE2L2; NF-E2 NFE2; NRF1 NRF1; STAF ZNF143; ZBP-89 ZNF148; Kaiso ZBTB33
EKLF KLF1; osterix SP7; NGFI-A EGR1; Ikaros IKZF1; HIF-1α HIF1A; HIF-2α EPAS1; ARNTL BMAL1
CHOP DDIT3; E4BP4 NFIL3; SMRT NCOR2; Rev-erbα NR1D1; cohesin SCC1 -; SCC1 RAD21; Ku70 XRCC6
TDP-43 TARDBP; SF2/ASF SRSF1; brachyury TBXT; Nkx2.5 NKX2-5; TIF1-β TRIM28; BORIS CTCFL
H2A.Z H2AZ1; H2AFZ H2AZ1; H3.3 H3-3A; CENP-A CENPA; histone H3 H3; H3K27 acetylation H3K27ac
acetylated H3K27 H3K27ac; trimethyl-histone H3 (Lys4) H3K4me3; H3K9 dimethylation H3K9me2
histone H3 (acetyl K9) H3K9ac; H4K20 monomethylation H4K20me1; γH2AX H2AXS139ph; uH2A H2AK119ub
phospho-Ser5 Pol II POLR2AphosphoS5; RNAPII Ser2P POLR2AphosphoS2; beta-actin ACTB
serum albumin ALB; hemoglobin HBB; GAPDH GAPDH; α-tubulin TUBA1A; Gal4 -; MLL2 -; AR70 -
"""

SPECIES_KNOWN = """
human homo_sapiens; hg38 homo_sapiens; GRCh37 homo_sapiens; mouse mus_musculus; mm10 mus_musculus
Mice mus_musculus; rn6 rattus_norvegicus; rhesus macaque macaca_mulatta; zebrafish danio_rerio
D. melanogaster drosophila_melanogaster; fruit flies drosophila_melanogaster; mole -
budding yeast saccharomyces_cerevisiae; S. pombe schizosaccharomyces_pombe; maize zea_mays
thale cress arabidopsis_thaliana; naked mole-rat heterocephalus_glaber; chicken gallus_gallus
Canis familiaris canis_lupus_familiaris; African clawed frog xenopus_laevis; unicorn -
"""


def rows(file: str, header: tuple[str, ...]) -> list[dict[str, str]]:
    place = resources.files("genomark.matching.knowledge") / file
    with place.open("r", encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        read = list(reader)
    assert tuple(reader.fieldnames or ()) == header
    return read


def names_of(row: dict[str, str]) -> list[str]:
    return [row["name"], *(each for each in row["synonyms"].split("|") if each)]


def pairs(text: str) -> list[tuple[str, str]]:
    listed = [each.strip() for line in text.strip().splitlines() for each in line.split(";")]
    return [
        (name, "" if means == "-" else means) for name, means in (e.rsplit(" ", 1) for e in listed)
    ]


@pytest.fixture(scope="module")
def molecules() -> dict[str, str]:
    read = rows("molecules.tsv", MOLECULES)
    return {key(name): row["name"] for row in read for name in names_of(row)}


@pytest.fixture(scope="module")
def species() -> dict[str, str]:
    read = rows("species.tsv", SPECIES)
    return {folded(name): row["name"] for row in read for name in names_of(row)}


@pytest.mark.parametrize(
    ("file", "header", "fold"),
    [("molecules.tsv", MOLECULES, key), ("species.tsv", SPECIES, folded)],
)
def test_no_two_names_fold_to_the_same(file, header, fold) -> None:
    owners: dict[str, str] = {}
    for row in rows(file, header):
        for name in names_of(row):
            assert name == name.strip(), row["name"]
            assert fold(name), (row["name"], name)
            other = owners.setdefault(fold(name), f"{row['name']} as {name}")
            assert other == f"{row['name']} as {name}", f"{other} and {row['name']} as {name}"


@pytest.mark.parametrize(
    ("file", "header"), [("molecules.tsv", MOLECULES), ("species.tsv", SPECIES)]
)
def test_rows_are_sorted_and_whole(file, header) -> None:
    read = rows(file, header)
    assert all(None not in row and None not in row.values() for row in read)
    order = [(row["name"].lower(), row["name"]) for row in read]
    assert order == sorted(order)


def test_molecules_have_a_class_and_accessions_of_a_known_form() -> None:
    for row in rows("molecules.tsv", MOLECULES):
        assert row["class"] in CLASSES, row["name"]
        accession = row["accession"]
        assert not accession or HGNC.fullmatch(accession) or UNIPROT.fullmatch(accession), row


def test_no_hgnc_accession_is_of_two_molecules() -> None:
    owners: dict[str, str] = {}
    for row in rows("molecules.tsv", MOLECULES):
        if row["accession"].startswith("HGNC:"):
            assert owners.setdefault(row["accession"], row["name"]) == row["name"], row["name"]


def test_histone_marks_are_spelled_as_residue_and_modification() -> None:
    spelled = re.compile(r"(H2A|H2B|H3|H4)[KRSTY]\d+(ac|me[123][as]?|ph|ub|cr|la|bhb|bu|pr)")
    marks = [r["name"] for r in rows("molecules.tsv", MOLECULES) if r["class"] == "histone mark"]
    single = [name for name in marks if spelled.fullmatch(name)]
    assert {"H3K4me3", "H3K27ac", "H2AK119ub", "H3S10ph"} <= set(single)
    assert len(single) >= 100


@pytest.mark.parametrize(("name", "means"), pairs(KNOWN))
def test_molecules_go_by_the_names_people_write(molecules, name, means) -> None:
    assert molecules.get(key(name), "") == means


def test_a_mark_is_never_another_mark_of_its_residue(molecules) -> None:
    spelled = {"ac": "acetylation", "me1": "monomethylation", "me3": "trimethylation"}
    for residue in ("H3K4", "H3K9", "H3K27", "H4K20"):
        found = {molecules[key(f"{residue} {word}")] for word in spelled.values()}
        assert found == {f"{residue}{short}" for short in spelled}


@pytest.mark.parametrize(("name", "means"), pairs(SPECIES_KNOWN))
def test_species_go_by_common_names_and_assemblies(species, name, means) -> None:
    assert species.get(folded(name), "") == means


def test_species_are_spelled_as_game_has_them_with_a_taxon_of_their_own() -> None:
    read = rows("species.tsv", SPECIES)
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", row["name"]) for row in read)
    assert all(re.fullmatch(r"[1-9]\d*", row["accession"]) for row in read)
    assert len({row["accession"] for row in read}) == len(read) >= 150
