"""OBO files as releases have them: what is read, and what is refused in one line."""

from __future__ import annotations

import gzip
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ontology_texts import CELLS, LINES_OBO

from genomark.errors import GenomarkError, UsageError
from genomark.matching.ontologies import knowledge_of, read_concepts, reading
from genomark.matching.ontologies.files import read_terms
from genomark.matching.tables import Concept
from genomark.models.genes.waiting import Waiting

HEAD = "format-version: 1.2\n\n[Term]\nid: CL:9000001\nname: quendral cell\n"


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str | bytes, name: str = "own.obo") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def by_accession(path: Path) -> dict[str, Concept]:
    return {each.accession: each for each in read_concepts(path)}


def test_names_kinds_and_what_is_above_are_read(written) -> None:
    found = by_accession(written(CELLS))
    cell = found["CL:9000001"]
    assert (cell.name, cell.kind) == ("quendral stem cell", "cell")
    assert cell.synonyms == ('Quend\'s "blue" cell', "QSC")
    assert cell.broader == ("stem cell",)
    assert cell.part_of == ("brain",)
    child = found["CL:9000002"]
    assert child.name == "quendroblast {sensu Vertebrata}"
    assert (child.broader, child.part_of) == (("quendral stem cell",), ("brain",))


def test_what_names_no_sample_is_left_out(written) -> None:
    # Obsolete, upper, a process, without a name, a relation.
    assert set(by_accession(written(CELLS))) == {"CL:0000034", "CL:9000001", "CL:9000002"}


def test_a_term_of_the_tables_is_called_as_there_and_adds_to_it(written) -> None:
    text = HEAD.replace("CL:9000001", "CL:0000576").replace("quendral cell", "monocyte of man")
    (found,) = read_concepts(written(text))
    assert (found.name, found.synonyms) == ("monocyte", ("monocyte of man",))


def test_all_names_of_cellosaurus_mean_the_same_and_its_lines_have_a_species(written) -> None:
    found = by_accession(written(LINES_OBO))
    assert found["CVCL_0004"].name == "K-562"
    assert "GM05372E" in found["CVCL_0004"].synonyms
    line = found["CVCL_ZX77"]
    assert (line.name, line.kind, line.synonyms) == ("ZX-77", "line", ("Zelxit 77",))
    assert line.broader == ("K-562",)
    assert line.facts == {"species": "mus_musculus"}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_packing_line_ends_and_a_byte_order_mark_change_nothing(written, ending: str) -> None:
    plain = read_concepts(written(CELLS))
    other = b"\xef\xbb\xbf" + CELLS.replace("\n", ending).encode()
    told = [each.__dict__ for each in plain]
    assert [each.__dict__ for each in read_concepts(written(other, "b.obo"))] == told
    packed = written(gzip.compress(other, mtime=0), "c.obo.gz")
    assert [each.__dict__ for each in read_concepts(packed)] == told


def test_old_and_long_ways_to_write_are_read(written) -> None:
    text = (
        "format-version: 1.0\ndefault-namespace: cell\n\n[Term]\n"
        'id: http://example.org/obo/LAB_0001\nname: blip\nexact_synonym: "blop cell" [X:1]\n'
        "is_a: http://purl.obolibrary.org/obo/CL_0000034\n"
    )
    (found,) = read_concepts(written(text))
    assert found.accession == "LAB:0001"
    assert (found.name, found.kind, found.synonyms) == ("blip", "cell", ("blop cell",))
    assert found.broader == ("stem cell",)


def test_frames_of_one_id_are_one_term(written) -> None:
    more = (
        '\n[Term]\nid: CL:9000001\nname: quendrocyte\nsynonym: "QC1" EXACT []\nis_a: CL:0000034\n'
    )
    (found,) = read_concepts(written(HEAD + more))
    assert found.name == "quendral cell"
    assert set(found.synonyms) == {"quendrocyte", "QC1"}
    assert found.broader == ("stem cell",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file is empty"),
        ("K562\nHepG2\n", "neither OBO nor the flat file of Cellosaurus; expected a line [Term]"),
        ('<?xml version="1.0"?>\n<rdf:RDF/>\n', "Cellosaurus (XML, perhaps OWL)"),
        ('{"graphs": []}\n', "Cellosaurus (JSON)"),
        ("<html><body>404</body></html>", "Cellosaurus (a web page)"),
        ("format-version: 1.2\n", "no term: nothing that samples"),
        (HEAD.replace("CL:", "GO:"), "ids of GO: nothing that samples"),
        (HEAD.replace("name: quendral cell\n", ""), "ids of CL: nothing that samples"),
        (HEAD.replace("id: CL:9000001\n", ""), "line 3: a [Term] without an id"),
        (HEAD + 'synonym: "quend', "line 6: 'synonym: \"quend'; expected a name in quotes"),
        (HEAD + "synonym: quend EXACT []\n", "line 6: 'synonym: quend EXACT []'; expected a name"),
        (HEAD + "is_a:\n", "line 6: 'is_a:'; expected an id"),
        (HEAD + "relationship: part_of\n", "line 6: 'relationship: part_of'; expected a relation"),
        (HEAD + "[]\n", "line 6: '[]'; expected a stanza such as [Term]"),
        (HEAD.encode() + b'synonym: "caf\xe9" EXACT []\n', "line 6: this is not UTF-8"),
        (HEAD.encode() + b"def: \0\0\n", "line 6: a byte of zero; expected a text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 1: this is not UTF-8"),
        (HEAD + "def: " + "x" * (1 << 20), "line 6: over 1,048,576 bytes"),
        (gzip.compress(HEAD.encode() * 99, mtime=0)[:-20], "the gzip file is cut short"),
        (b"\x1f\x8bno gzip at all", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(written, content, told: str) -> None:
    path = written(content)
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        read_concepts(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*cl\.obo: No such file"):
        read_concepts(tmp_path / "cl.obo")
    with pytest.raises(UsageError, match=r"Cannot read .*: Is a directory"):
        read_concepts(tmp_path)


def test_too_many_terms_or_bytes_are_refused(written, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(CELLS)
    monkeypatch.setattr("genomark.matching.ontologies.files.MOST_TERMS", 4)
    with pytest.raises(UsageError, match="over 4 terms; cut out"):
        read_concepts(path)
    monkeypatch.setattr("genomark.matching.ontologies.reading.MOST_BYTES", 600)
    with pytest.raises(UsageError, match=r"line \d+: over 600 bytes up to here"):
        read_concepts(path)
    packed = written(gzip.compress(CELLS.encode(), mtime=0), "packed.gz")
    with pytest.raises(UsageError, match=r"line \d+: over 600 bytes up to here"):
        read_concepts(packed)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_damaged_anywhere_is_read_or_refused_in_one_line(written, data) -> None:
    raw = bytearray(data.draw(st.sampled_from([CELLS, LINES_OBO])).encode())
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
    assert all(each.name and each.accession for each in found)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(CELLS)))
def test_a_file_cut_short_never_has_more_terms(written, cut: int) -> None:
    whole = {term.id for term in read_terms(written(CELLS))}
    path = written(CELLS[:cut])
    try:
        found = {term.id for term in read_terms(path)}
    except UsageError:
        return
    # The last id, or the clause that the term is obsolete, may be cut itself.
    assert len(found - whole) <= 1


def test_how_far_a_long_file_has_come_is_counted(written, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []

    class Counted(Waiting):
        def advance(self, items: int) -> None:
            counts.append((self._what, items))

    monkeypatch.setattr(reading, "Waiting", Counted)
    monkeypatch.setattr(reading, "_LINES", 10)
    monkeypatch.setattr(reading, "_MEGABYTE", 100)
    path = written(CELLS)
    lines = list(reading.numbered_lines(path))
    assert [number for number, _ in lines] == list(range(1, CELLS.count("\n") + 1))
    assert {what for what, _ in counts} == {"MB of own.obo"}
    assert len(counts) == len(lines) // 10
    counted = len(lines) // 10 * 10
    size = len("".join(CELLS.splitlines(keepends=True)[:counted]))
    assert sum(items for _, items in counts) == size // 100


@pytest.mark.slow
def test_ten_thousand_terms_are_read_in_bounded_time(written) -> None:
    frames = "".join(
        f'\n[Term]\nid: UBERON:9{n:06d}\nname: quend {n} part\nsynonym: "q {n} p" EXACT []\n'
        f"is_a: UBERON:9{n // 2:06d} ! quend\n"
        for n in range(1, 10_001)
    )
    begun = time.process_time()
    found = knowledge_of([written("format-version: 1.2\n" + frames)]).types
    assert time.process_time() - begun < 30
    assert found.above("quend 10000 part") >= {"quend 5000 part", "quend 1 part"}
