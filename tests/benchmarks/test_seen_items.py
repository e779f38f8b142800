"""Which items stand in training data: planted copies, both strands, regions, what is unknown."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import seen_items as module
from genomark.benchmarks.material import Material
from genomark.benchmarks.seen_items import SEEN_COLUMNS, seen_items
from genomark.datasets.genome import reverse_complement
from genomark.models.training_material import TrainingMaterial

LENGTH = 200


def drawn(n: int, seed: int = 0, length: int = LENGTH) -> list[str]:
    random = np.random.default_rng(seed)
    return ["".join(random.choice(list("ACGT"), length)) for _ in range(n)]


def mutated(sequence: str, share: float, seed: int = 0) -> str:
    """Change so many letters, no two of them neighbours."""
    letters = list(sequence)
    places = np.random.default_rng(seed).permutation(len(letters) // 2) * 2
    for place in places[: round(share * len(letters))]:
        letters[place] = "ACGT"[("ACGT".index(letters[place]) + 1) % 4]
    return "".join(letters)


def sequences(*spelled: str) -> Material:
    ids = [str(number) for number in range(len(spelled))]
    return Material.of(pl.DataFrame({"item_id": ids, "sequence": spelled}))


def trained(*spelled: str, complete: bool = True) -> TrainingMaterial:
    names = tuple(f"t{number}" for number in range(len(spelled)))
    return TrainingMaterial(("told",), names, spelled, complete=complete)


def places(*rows: tuple[str, int, int], assembly: str | None = "hg38") -> Material:
    frame = pl.DataFrame(rows, schema=["chrom", "start", "end"], orient="row")
    ids = pl.Series("item_id", [str(number) for number in range(len(rows))])
    return Material.of(frame.with_columns(ids), assembly)


def regions(*rows: tuple[str, int, int], assembly: str = "hg38") -> TrainingMaterial:
    frame = pl.DataFrame(rows, schema=["chrom", "start", "end"], orient="row")
    return TrainingMaterial(("told",), regions={assembly: frame})


def test_planted_copies_have_the_identity_they_were_planted_with():
    test = drawn(5, seed=1)
    rates = (0, 0.05, 0.1, 0.3, 0.3)
    planted = [mutated(each, share, seed=7) for each, share in zip(test, rates, strict=True)]
    planted[1] = reverse_complement(planted[1])
    found = seen_items(sequences(*test), trained(*drawn(20, seed=2), *planted[:4])).items
    assert found.schema == pl.Schema(SEEN_COLUMNS)
    assert found["identity"][:3].to_list() == pytest.approx([1.0, 0.95, 0.9], abs=0.011)
    assert found["similarity"][:3].to_list() == pytest.approx([1.0, 0.95, 0.9], abs=0.02)
    assert found["train_id"][:4].to_list() == ["t20", "t21", "t22", "t23"]
    assert found["strand"][:4].to_list() == ["+", "-", "+", "+"]
    assert found["seen"].to_list() == [True, True, True, False, False]
    assert found["exact"].to_list() == [True, False, False, False, False]
    assert found["overlap"].null_count() == 5


def test_the_identity_that_counts_can_be_chosen():
    (test,) = drawn(1)
    near = trained(mutated(test, 0.1))
    assert seen_items(sequences(test), near, identity=0.85).items["seen"].to_list() == [True]
    assert seen_items(sequences(test), near, identity=0.95).items["seen"].to_list() == [False]


def test_the_other_strand_of_an_rna_is_another_rna():
    (dna,) = drawn(1)
    rna = dna.replace("T", "U")
    other = trained(reverse_complement(dna))
    assert seen_items(sequences(rna), other).items["seen"].to_list() == [False]
    assert seen_items(sequences(rna), trained(dna)).items["exact"].to_list() == [True]


def test_each_distinct_sequence_is_looked_for_once(monkeypatch):
    asked = []
    real = module.nearest

    def counting(test, train, **options):
        asked.append(list(test))
        return real(test, train, **options)

    monkeypatch.setattr(module, "nearest", counting)
    a, b = drawn(2)
    found = seen_items(sequences(a, b, a, a), trained(a))
    assert asked == [[a, b]]
    assert found.items["seen"].to_list() == [True, False, True, True]
    assert found.distinct[[0, 2, 3]].tolist() == [found.distinct[0]] * 3
    assert found.distinct[1] != found.distinct[0]


def test_a_base_that_a_training_region_covers_is_seen():
    material = places(("chr1", 100, 200), ("chr1", 290, 390), ("chr1", 300, 400), ("chr2", 0, 50))
    found = seen_items(material, regions(("chr1", 150, 300), ("chr1", 180, 250), ("chr2", 0, 99)))
    assert found.items["overlap"].to_list() == [0.5, 0.1, 0.0, 1.0]
    assert found.items["similarity"].to_list() == [0.5, 0.1, 0.0, 1.0]
    assert found.items["seen"].to_list() == [True, True, False, True]
    assert found.items["exact"].to_list() == [False, False, False, True]
    assert found.complete
    assert found.reason is None


def test_names_of_one_assembly_are_one():
    found = seen_items(places(("chr1", 0, 9), assembly="GRCh38"), regions(("chr1", 0, 9)))
    assert found.items["seen"].to_list() == [True]


@pytest.mark.parametrize(
    ("material", "training", "says"),
    [
        (places(("chr1", 0, 9), assembly="hg19"), regions(("chr1", 0, 9)), "hg38.*hg19"),
        (sequences("ACGT" * 20), regions(("chr1", 0, 9)), "no place in a genome"),
        (places(("chr1", 0, 9)), trained("ACGT" * 20), "no sequences of their own"),
        (sequences("ACGT" * 20), TrainingMaterial(("unknown",)), "nothing is known"),
    ],
)
def test_what_cannot_be_compared_is_null_and_says_why(material, training, says):
    import re

    found = seen_items(material, training)
    assert found.items["seen"].null_count() == 1
    assert re.search(says, found.reason)


def test_items_without_a_sequence_are_unknown_and_not_clean():
    (known,) = drawn(1)
    frame = pl.DataFrame({"item_id": ["a", "b"], "sequence": [known, None]})
    found = seen_items(Material.of(frame), trained(*drawn(3, seed=5)))
    assert found.items["seen"].to_list() == [False, None]
    assert found.reason is None


def test_sequences_and_regions_are_taken_together():
    (spelled,) = drawn(1)
    frame = pl.DataFrame(
        {"item_id": ["a"], "sequence": [spelled], "chrom": ["chr1"], "start": [0], "end": [LENGTH]}
    )
    training = TrainingMaterial(
        ("two",),
        ("t",),
        (mutated(spelled, 0.1),),
        {"hg38": pl.DataFrame({"chrom": ["chr1"], "start": [0], "end": [50]})},
    )
    row = seen_items(Material.of(frame, "hg38"), training).items.row(0, named=True)
    assert row["overlap"] == 0.25
    assert row["similarity"] == pytest.approx(0.9, abs=0.02)


def test_with_a_part_unknown_or_not_compared_nothing_is_complete():
    (spelled,) = drawn(1)
    assert not seen_items(sequences(spelled), trained(spelled, complete=False)).complete
    both = TrainingMaterial(("two",), ("t",), (spelled,), regions(("chr1", 0, 9)).regions)
    assert not seen_items(sequences(spelled), both).complete
