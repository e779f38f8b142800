"""Records of dot-bracket files: what is asked, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genomark.benchmarks import load_benchmark
from genomark.benchmarks.rna.dot_bracket_file import (
    COPY,
    DNA,
    HAIRPIN,
    LETTERS,
    NOTATION,
    REASONS,
    STRANDS,
    read_structures,
    why_not,
)
from genomark.datasets.homology import homology_clusters
from genomark.errors import UsageError


def written(folder: Path, *records: tuple[str, str, str]) -> Path:
    path = folder / "records.dbn"
    path.write_text("".join(f">{name}\n{seq}\n{dots}\n" for name, seq, dots in records))
    return path


@pytest.mark.parametrize(
    ("sequence", "structure", "reason"),
    [
        ("GGGAAACCC", "(((...)))", None),
        ("GGGAAACCC", "(([...)))", NOTATION),
        ("GGGAAACCC", "(((...))", NOTATION),
        ("GGGAAACCC", "(((...)).", NOTATION),
        ("GGGAAACCC", "(((..?)))", NOTATION),
        ("GGGAAACCCC", "(((...)))", NOTATION),
        ("GGGAAACCT", "(((...)))", DNA),
        ("GGGAAAcct", "(((...)))", DNA),
        # Small letters stand for modified bases, P for pseudouridine.
        ("GGGAAACCu", "(((...)))", LETTERS),
        ("GGGAPACCC", "(((...)))", LETTERS),
        ("GGGANACCC", "(((...)))", LETTERS),
        # A duplex written as one strand, and a dimer that kisses.
        ("CCCCGGGGCCCCGGGG", "(((((((())))))))", STRANDS),
        ("GGUGACGUCACCGGUGACGUCACC", "((((.[[.))))((((.]].))))", STRANDS),
        ("CCAGAAACGGA", "((((..)))).", HAIRPIN),
        ("GCGAAAGC", "((.(.)))", HAIRPIN),
        # Other brackets are read as pairs, also letters.
        ("GGGAGCUCAACUCUCC", "((.AA.))..aa....", None),
        ("UUUA", "....", None),
    ],
)
def test_a_record_is_left_out_for_the_first_reason_that_holds(
    sequence: str, structure: str, reason: str | None
) -> None:
    assert why_not(sequence, structure) == reason


def test_records_are_kept_in_order_and_the_others_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        ("one", "GGGAAACCC", "(((...)))"),
        ("two", "GGGAAACCC", "((.....))"),
        ("__'A_TITLE_(WITH)_BRACKETS'_(PDB_00001)", "GGGAGCUCAACUCUCC", "((.AA.))..aa...."),
        ("four", "GGGTAACCC", "(((...)))"),
    )
    found = read_structures(path)
    assert found.ids == ("one", "PDB_00001")
    assert found.sequences == ("GGGAAACCC", "GGGAGCUCAACUCUCC")
    assert found.structures == ("(((...)))", "((.AA.))..aa....")
    assert found.excluded.rows() == [(2, "two", COPY), (4, "four", DNA)]
    assert read_structures(written(tmp_path)).ids == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (">one\nGGG\n...\nGGG\n...\n>two\n", "line 4: 'GGG'; expected three lines a record"),
        (">one\nGGG\n", "line 1: '>one'; expected three lines a record"),
        (">\nGGG\n...\n", "line 1: '>'; expected three lines a record"),
        (">one\n\n\n", "line 1: '>one'"),
        (">one\nGGG\n...\n>one\nAAA\n...\n", "line 4: 'one' is there twice"),
        (">één\nGGG\n...\n", "cannot be read as a dot-bracket file"),
    ],
)
def test_a_file_that_is_no_dot_bracket_file_is_refused(
    tmp_path: Path, text: str, line: str
) -> None:
    path = tmp_path / "odd.dbn"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"odd\.dbn") as refused:
        read_structures(path)
    assert line in str(refused.value)
    with pytest.raises(UsageError, match=r"none\.dbn: cannot be read"):
        read_structures(tmp_path / "none.dbn")


@pytest.mark.parametrize(
    ("benchmark", "file", "records", "kept"),
    [
        ("rna/verified", "verified_secondary_structures_database.dbn", 1051, 190),
        ("rna/bprna-short", "bpRNA-1m_90_short.dbn", 13716, 13274),
    ],
)
def test_every_record_of_the_real_files_is_asked_or_counted(
    real_data: Callable[[str, str], Path], benchmark: str, file: str, records: int, kept: int
) -> None:
    lines = real_data("rna_structures", file).read_text().splitlines()
    task = load_benchmark(benchmark).task
    test, excluded = task.test(), task.excluded()
    assert len(lines) == 3 * records
    assert len(test) == kept
    assert len(test) + excluded.height == records
    counts = task.excluded_counts()
    assert list(counts) == [reason for reason in REASONS if reason in counts]
    assert task.facts()["excluded"] == {"records": records, **counts}
    # Counted here without the reader: DNA first, then other letters.
    sequences = lines[1::3]
    assert counts.get(DNA, 0) == sum(bool(set(each) & set("Tt")) for each in sequences)
    other = sum(not set(each) <= set("ACGU") for each in sequences)
    assert counts[LETTERS] == other - counts.get(DNA, 0)
    assert NOTATION not in counts
    assert max(Counter(test.sequences).values()) == 1
    # What is asked is what stands in the file, letter by letter.
    known = set(zip(sequences, lines[2::3], strict=True))
    assert set(zip(test.sequences, task.structures, strict=True)) <= known
    for structure, target in zip(task.structures, test.targets, strict=True):
        assert [s not in "()." for s in structure] == (target < 0).tolist()


def test_the_other_reasons_are_counted_too(real_data: Callable[[str, str], Path]) -> None:
    real_data("rna_structures", "bpRNA-1m_90_short.dbn")
    verified = load_benchmark("rna/verified").task.excluded_counts()
    assert verified == {DNA: 20, LETTERS: 285, STRANDS: 248, HAIRPIN: 243, COPY: 65}
    short = load_benchmark("rna/bprna-short").task.excluded_counts()
    assert short == {LETTERS: 129, STRANDS: 61, HAIRPIN: 252}


def test_transfer_rnas_find_each_other(real_data: Callable[[str, str], Path]) -> None:
    lines = real_data("rna_structures", "bpRNA-1m_90_short.dbn").read_text().splitlines()
    clusters = homology_clusters(lines[1::3])
    sizes = np.bincount(clusters)
    names = np.array(lines[::3])
    largest = set(names[clusters == sizes.argmax()])
    # The Comparative RNA Web holds transfer RNAs of this length, and hardly anything else.
    web = {name for name in lines[::3] if name.startswith(">bpRNA_CRW_")}
    assert len(largest & web) / len(web) > 0.9
    assert len(largest & web) / len(largest) > 0.85
    assert sizes.size > 3000
    assert np.sort(sizes)[-2] < 300
