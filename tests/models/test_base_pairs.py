"""Sequences of genes as what an encoder reads."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.genes.descriptors import descriptor

FASTA = """>TP53 tumor protein p53
acgt
ACGTN

>NA
TTTT
>EMPTY
"""


@pytest.mark.parametrize("name", ["genes.fa", "genes.fasta", "genes.fna.gz"])
def test_a_gene_is_its_sequence_in_upper_case(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = FASTA.replace("\n", "\r\n").encode()
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    made = descriptor(str(path))
    found = made.describe(["NA", "TP53", "EMPTY", "NOPE"], "symbol")
    assert found.texts == {"NA": "TTTT", "TP53": "ACGTACGTN"}
    assert found.reasons == {
        "EMPTY": f"its record in {name} is empty",
        "NOPE": f"not in {name}",
    }
    assert made.notes == [f"text: base pairs of {name}"]
    assert made.answers("symbol")
    assert not made.answers("diseaseId")


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    for name, content in (("a.fa", FASTA), ("b.fa", FASTA), ("c.fa", FASTA + "A")):
        (tmp_path / name).write_text(content)
    a, b, c = (descriptor(str(tmp_path / f"{name}.fa")).digest for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ACGT\n", "line 1: expected FASTA, beginning with '>'"),
        (">A\nAC GT\n", "line 2: ' ' is no letter of DNA"),
        (">A\nACGT\nMKV*\n", "line 3: '*' is no letter of DNA"),
        (">A\nA\n>A\nC\n", "line 3: 'A' is there twice; expected one sequence for each gene"),
        (">\nA\n", "line 1: a header without a symbol; expected one sequence for each gene"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "genes.fa"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        descriptor(str(path)).describe(["A"], "symbol")
    assert str(caught.value) == f"{path}: {said}"


@pytest.mark.parametrize("damage", ["cut", "changed", "not gzip"])
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: str) -> None:
    whole = gzip.compress(b">A\n" + "".join(random.Random(0).choices("ACGT", k=2000)).encode())
    path = tmp_path / "genes.fa.gz"
    path.write_bytes(
        {"cut": whole[:100], "changed": whole[:12] + b"\xff" * 9 + whole[21:], "not gzip": b">A"}[
            damage
        ]
    )
    with pytest.raises(UsageError, match="cannot be read as FASTA"):
        descriptor(str(path)).describe(["A"], "symbol")
