"""Which items stand in training data: planted copies, both strands, regions, what is unknown."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import seen_items as module
from genomark.benchmarks.leakage_panel import share_interval, share_panel
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


def test_places_are_compared_whatever_their_chromosomes_are_called():
    items = places(("1", 0, 10), ("chr1", 0, 10), ("chrUn_GL000220v1", 0, 10), ("X", 5, 15))
    found = seen_items(items, regions(("chr1", 0, 5), ("chrX", 0, 99))).items
    assert found["overlap"].to_list() == [0.5, 0.5, None, 1.0]
    assert found["seen"].to_list() == [True, True, None, True]


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
    assert found.clusters[[0, 2, 3]].tolist() == [found.clusters[0]] * 3
    assert found.clusters[1] != found.clusters[0]


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


def groups(numbers: np.ndarray) -> list[list[int]]:
    """Items that have the same number, by their first."""
    return sorted(np.flatnonzero(numbers == each).tolist() for each in set(numbers.tolist()))


def test_items_that_share_a_stretch_are_one_cluster_along_any_chain():
    a, b, c = drawn(3, seed=9)
    material = sequences(a, reverse_complement(a[100:] + b[:31]), b, c, a[:20], c[170:] + a[:29])
    found = seen_items(material, trained(*drawn(2, seed=8)))
    assert groups(found.clusters) == [[0, 1, 2], [3, 5], [4]]


def test_places_that_overlap_are_one_cluster_along_any_chain():
    material = places(
        ("chr1", 100, 200),
        ("chr1", 150, 300),
        ("chr1", 120, 130),
        ("chr1", 300, 400),
        ("chr2", 100, 200),
        ("chr1", 290, 301),
        ("chr1", 900, 901),
    )
    found = seen_items(material, regions(("chr3", 0, 9)))
    assert groups(found.clusters) == [[0, 1, 2, 3, 5], [4], [6]]


def test_a_place_and_a_sequence_tie_items_too():
    a, b, c = drawn(3, seed=10)
    frame = pl.DataFrame(
        {
            "item_id": list("abcde"),
            "sequence": [a, b, b, None, c],
            "chrom": ["chr1", "chr1", None, "chr2", None],
            "start": [0, 199, None, 5, None],
            "end": [200, 399, None, 9, None],
        }
    )
    found = seen_items(Material.of(frame, "hg38"), trained(*drawn(2, seed=8)))
    assert groups(found.clusters) == [[0, 1, 2], [3], [4]]


def test_windows_around_three_loci_count_as_three():
    """Its interval is that of three items, not of as many as there are windows."""
    rows = [(f"chr{1 + at // 100}", 10 * at, 10 * at + 2_000) for at in range(300)]
    found = seen_items(places(*rows), regions(("chr1", 0, 10_000)))
    panel = share_panel(found, "pearson", ["told"], "d")
    assert (panel.n, panel.n_distinct, panel.seen) == (300, 3, 100)
    low, high = share_interval(np.array([True, False, False]), np.arange(3))
    assert panel.interval == pytest.approx((low, high))


def test_variants_of_an_element_that_is_there_twice_are_of_one_cluster(kircher2019_file):
    """As of two elements of kircher2019, of which one is the other with another construct."""
    from genomark.benchmarks import load_benchmark

    material = load_benchmark("kircher2019").material(None)
    twice = material.items.filter(pl.col("sequence").is_not_null()).unique("sequence")
    found = seen_items(Material(twice, "hg38"), trained(*drawn(1)))
    assert len(groups(found.clusters)) == twice.height - 1


def test_a_training_sequence_inside_an_item_is_as_much_as_it_has_of_it():
    (spelled,) = drawn(1)
    found = seen_items(sequences(spelled), trained(spelled[70:130])).items
    assert found["similarity"].to_list() == [0.3]
    assert found["seen"].to_list() == [False]
    covered = seen_items(places(("chr1", 0, 200)), regions(("chr1", 70, 130))).items
    assert covered["similarity"].to_list() == [0.3]


@pytest.mark.parametrize("first", [True, False])
def test_a_long_hit_hides_no_shorter_one_that_is_identical(first):
    (spelled,) = drawn(1, seed=11)
    long = [mutated(spelled, 0.22, seed=each) for each in range(12)]
    both = [spelled[:110], *long] if first else [*long, spelled[:110]]
    row = seen_items(sequences(spelled), trained(*both)).items.row(0, named=True)
    assert row["seen"]
    assert not row["exact"]
    assert not seen_items(sequences(spelled), trained(*long)).items["seen"][0]
