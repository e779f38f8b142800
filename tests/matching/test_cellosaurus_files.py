"""The flat file of Cellosaurus: what is read of entries, and what is refused in one line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ontology_texts import LINES

from genomark.errors import GenomarkError, UsageError
from genomark.matching.ontologies import read_concepts

ENTRY = "ID   ZX-77\nAC   CVCL_ZX77\nSY   Zelxit 77\n//\n"


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str | bytes, name: str = "own.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_an_entry_is_read(written) -> None:
    line, hybridoma, _ = read_concepts(written(LINES))
    assert (line.name, line.kind, line.accession) == ("ZX-77", "line", "CVCL_ZX77")
    # Spelled otherwise it is the same name; and the third is another line's too.
    assert line.synonyms == ("Zelxit 77",)
    assert line.broader == ("K-562",)
    assert line.facts == {
        "tissue": "uterus, cervix",
        "cell_type": "fibroblast of skin",
        "disease": "hepatoblastoma",
        "species": "homo_sapiens",
    }
    assert (hybridoma.name, hybridoma.synonyms) == ("#16-15", ())
    # Of two species it is of neither.
    assert hybridoma.facts == {"tissue": "bone"}


def test_a_line_called_as_tissues_are_goes_by_its_other_names(written) -> None:
    *_, heart = read_concepts(written(LINES))
    assert (heart.name, heart.synonyms) == ("Heart (CVCL_HT01)", ("Heartling 3",))
    assert heart.facts["species"] == "danio_rerio"


def test_an_unknown_species_is_written_as_the_tables_write_them(written) -> None:
    text = ENTRY.replace("//", "OX   NCBI_TaxID=99999999; ! Quendrus albus (Quend)\n//")
    (found,) = read_concepts(written(text))
    assert found.facts == {"species": "quendrus_albus"}


def test_a_packed_file_is_the_same(written) -> None:
    plain = [each.__dict__ for each in read_concepts(written(LINES))]
    packed = written(gzip.compress(LINES.encode(), mtime=0), "cellosaurus.txt.gz")
    assert [each.__dict__ for each in read_concepts(packed)] == plain


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ENTRY[:-3], "line 1: the entry has no // at its end: the file is cut short"),
        (ENTRY + ENTRY[:-3], "line 5: the entry has no // at its end"),
        (ENTRY[:-3] + ENTRY, "line 4: an entry begins before that of line 1 has its //"),
        (ENTRY.replace("AC   CVCL_ZX77\n", ""), "line 1: an entry without accession"),
        (ENTRY.replace("CVCL_ZX77", "ZX77"), "line 2: accession 'ZX77'; expected 'AC   CVCL_0004'"),
        (ENTRY.replace("ID   ZX-77", "ID   ZX\nID   "), "line 2: an entry begins before that of"),
        ("ID   A\nAC   CVCL_A\n//\nID\n//\n", "line 4: an entry without a name"),
        (ENTRY.encode() + b"ID   caf\xe9\n", "line 5: this is not UTF-8"),
        (ENTRY.encode() + b"\0" * 99, "line 5: a byte of zero"),
        (ENTRY + "CC   " + "x" * (1 << 20), "line 5: over 1,048,576 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(written, content, told: str) -> None:
    path = written(content)
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        read_concepts(path)
    assert str(caught.value).startswith(f"{path}, line ")
    assert "\n" not in str(caught.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_damaged_anywhere_is_read_or_refused_in_one_line(written, data) -> None:
    raw = bytearray(LINES.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(raw)))
        last = min(len(raw), first + data.draw(st.integers(0, 40)))
        raw[first:last] = data.draw(st.binary(max_size=12))
    path = written(bytes(raw))
    told, found = "", []
    try:
        found = read_concepts(path)
    except GenomarkError as error:
        told = str(error)
    assert not told or (str(path) in told and "\n" not in told)
    assert all(each.name and each.accession.startswith("CVCL_") for each in found)
