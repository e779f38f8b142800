"""Genes by text: who is in the table, who is not and why, and that nothing is encoded twice."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from genomark.errors import CapabilityError
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes import text_embedder as module
from genomark.models.genes.descriptors import descriptor
from genomark.models.genes.encoders import Batch
from genomark.models.genes.text_embedder import TextEmbedder


def vector_of(text: str, dimensions: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.md5(text.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)


class Known:
    """An encoder whose vectors can be computed again, and that notes what it was asked."""

    def __init__(self, digest: str = "known", dimensions: int = 8) -> None:
        self.name = "known"
        self.digest = digest
        self.notes = ["encoder: known"]
        self.dimensions = dimensions
        self.asked: list[str] = []
        self.fails_after = -1

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        for place in reversed(range(len(texts))):
            if self.fails_after == 0:
                raise KeyboardInterrupt
            self.fails_after -= 1
            self.asked.append(texts[place])
            vector = vector_of(texts[place], self.dimensions)
            yield np.array([place]), np.where(texts[place] == "???", np.nan, vector)[None]


@pytest.fixture(autouse=True)
def alone(own_cache: Path) -> Path:
    return own_cache


def embedder(encoder: Known, descriptions: str = "symbol", **settings: str) -> TextEmbedder:
    return TextEmbedder("a spec", encoder, descriptor(descriptions, **settings))  # type: ignore[arg-type]


def table_of(path: Path, texts: dict[str, str], column: str = "symbol") -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[column, "description"], *texts.items()])
    return str(path)


def test_a_table_holds_the_names_asked_for_in_their_order(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", {"A": "first", "B": "second", "C": "third", "D": ""})
    model = embedder(Known(), path)
    assert isinstance(model, GeneEmbedder)
    table = model.gene_table(["C", "NOPE", "A", "C", "D"])
    assert list(table.names) == ["C", "A"]
    assert table.vectors.dtype == np.float32
    assert np.array_equal(table.vectors, [vector_of("third", 8), vector_of("first", 8)])
    assert table.reasons == {"NOPE": "not in t.csv", "D": "t.csv says nothing of it"}
    assert list(table.rows(["A", "D", "C"])) == [1, -1, 0]


def test_nothing_is_encoded_twice_within_a_process_or_after(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", {"A": "same", "B": "same", "C": "other"})
    first, second, third = Known(), Known(), Known("another digest")
    model = embedder(first, path)
    model.gene_table(["A", "B"])
    model.gene_table(["B", "C"])
    assert first.asked == ["same", "other"]
    again = embedder(second, path).gene_table(["C", "B", "A"])
    assert second.asked == []
    assert np.array_equal(again.vectors[1], vector_of("same", 8))
    embedder(third, path).gene_table(["A"])
    assert third.asked == ["same"]


def test_the_same_names_give_the_same_object_as_long_as_it_is_held() -> None:
    model = embedder(Known())
    held = model.gene_table(["A", "B"])
    assert model.gene_table(["A", "B", "A"]) is held
    assert model.gene_table(["B", "A"]) is not held


def test_no_name_known_gives_an_empty_table(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", {"A": "first"})
    table = embedder(Known(), path).gene_table(["X"])
    assert len(table.names) == 0
    assert table.vectors.shape[0] == 0
    assert list(table.rows(["X", "A"])) == [-1, -1]
    assert embedder(Known()).gene_table([]).vectors.shape[0] == 0


def test_a_text_the_encoder_makes_nothing_of_is_missing(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", {"A": "first", "B": "???", "C": "third"})
    table = embedder(Known(), path).gene_table(["A", "B", "C"])
    assert list(table.names) == ["A", "C"]
    assert np.array_equal(table.vectors, [vector_of("first", 8), vector_of("third", 8)])
    assert table.reasons == {"B": "known knows no token of its description"}


def test_a_kind_nothing_is_known_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError) as caught:
        embedder(Known()).gene_table(["EFO_1"], "diseaseId")
    assert str(caught.value) == (
        "'a spec' knows nothing of entities of kind 'diseaseId': "
        "name a table with a column 'diseaseId' in descriptions="
    )
    path = table_of(tmp_path / "d.csv", {"EFO_1": "a disease"}, "diseaseId")
    model = embedder(Known(), f"symbol+{path}")
    assert list(model.gene_table(["EFO_1", "TP53"], "diseaseId").names) == ["EFO_1"]
    assert list(model.gene_table(["EFO_1", "TP53"], "symbol").names) == ["EFO_1", "TP53"]


def test_the_identity_is_of_encoder_and_descriptor(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", {"A": "first"})
    infos = [
        embedder(Known()).info,
        embedder(Known("other")).info,
        embedder(Known(), path).info,
        embedder(Known(), path, missing="symbol").info,
    ]
    assert len({info.digest for info in infos}) == 4
    assert embedder(Known()).info == infos[0]
    assert infos[0].id == "a spec"
    assert infos[0].notes == ["encoder: known", "text: bare symbols"]
    assert infos[2].notes == ["encoder: known", "text: column 'description' of t.csv"]


def test_the_digest_of_a_table_follows_names_texts_and_encoder(tmp_path: Path) -> None:
    one = table_of(tmp_path / "1.csv", {"A": "first", "B": "second"})
    two = table_of(tmp_path / "2.csv", {"A": "first", "B": "another"})
    digests = [
        embedder(Known(), one).gene_table(["A", "B"]).digest,
        embedder(Known(), one).gene_table(["B", "A"]).digest,
        embedder(Known(), two).gene_table(["A", "B"]).digest,
        embedder(Known("other"), one).gene_table(["A", "B"]).digest,
    ]
    assert len(set(digests)) == 4
    assert embedder(Known(), one).gene_table(["A", "B", "X"]).digest == digests[0]


def test_what_was_encoded_before_an_interruption_is_kept() -> None:
    names = [f"GENE{number}" for number in range(10)]
    stopped, after = Known(), Known()
    stopped.fails_after = 6
    with pytest.raises(KeyboardInterrupt):
        embedder(stopped).gene_table(names)
    embedder(after).gene_table(names)
    assert (len(stopped.asked), len(after.asked)) == (6, 4)
    assert set(stopped.asked + after.asked) == set(names)


def test_work_is_kept_now_and_then(own_cache: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_WRITES", 0.0)
    names = ["A", "B", "C"]
    table = embedder(Known()).gene_table(names)
    assert len(list(own_cache.rglob("*.npy"))) == 3
    assert np.array_equal(embedder(Known()).gene_table(names).vectors, table.vectors)


def test_a_cache_that_cannot_be_written_still_serves(tmp_path, monkeypatch, caplog) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("GENOMARK_CACHE", str(blocked))
    encoder = Known()
    model = embedder(encoder)
    table = model.gene_table(["A", "B"])
    model.gene_table(["B", "C"])
    assert np.array_equal(table.vectors[0], vector_of("A", 8))
    assert sorted(encoder.asked) == ["A", "B", "C"]
    assert caplog.text.count("Nothing is kept for the next run") == 1


def test_all_symbols_of_gene2gene_come_back_in_well_under_a_second(real_data) -> None:
    names: set[str] = set()
    for part in ("train", "valid", "test"):
        names.update(real_data("gene2gene", f"{part}_text.txt").read_text().split())
    assert len(names) == 12_472
    ordered = sorted(names)
    first = embedder(Known(dimensions=384)).gene_table(ordered)
    encoder = Known(dimensions=384)
    began = time.perf_counter()
    again = embedder(encoder).gene_table(ordered[::-1])
    took = time.perf_counter() - began
    assert encoder.asked == []
    assert np.array_equal(again.vectors[::-1], first.vectors)
    assert took < 1
