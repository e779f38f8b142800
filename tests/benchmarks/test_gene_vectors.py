"""From vectors to the rows a probe sees, against matrices made by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from genomark.benchmarks import GeneOptions
from genomark.benchmarks.genes.vectors import rows_of
from genomark.errors import CapabilityError, UsageError
from genomark.genes import GeneTask, make_task
from genomark.models.genes.controls import OneHotGenes
from genomark.models.genes.table import GeneTable
from genomark.probes import Probe
from genomark.scoring import ModelIdentity

NAMES = [f"G{number}" for number in range(40)]
VECTORS = np.random.default_rng(2).normal(5, [0.01, 1, 300], (40, 3)).astype(np.float32)


def scaled(vectors: np.ndarray) -> np.ndarray:
    """Every dimension of the same variance, and a mean squared length of 1."""
    vectors = vectors - vectors.mean(axis=0, dtype=float)
    return vectors / vectors.std(axis=0) / np.sqrt(vectors.shape[1])


SCALED = scaled(VECTORS)


class Known:
    """Knows the vectors it is given, by kind."""

    def __init__(self, **tables: GeneTable) -> None:
        self.info = ModelIdentity(id="known", version="1", digest="d")
        self.tables = tables

    def gene_table(self, names, kind="symbol"):
        if kind not in self.tables:
            raise CapabilityError(f"nothing of {kind}")
        return self.tables[kind]


def table(vectors=VECTORS, names=NAMES, **more) -> GeneTable:
    return GeneTable(names, vectors, str(vectors.tobytes()), **more)


MODEL = Known(symbol=table())


def task(columns: dict | list[str]) -> GeneTask:
    entities = pl.DataFrame(columns if isinstance(columns, dict) else {"symbol": columns})
    answers = [row % 2 for row in range(entities.height)]
    return make_task("toy", entities, pl.DataFrame({"Outcomes": answers}))


def test_rows_are_centred_and_scaled_over_the_embedding_and_not_over_the_task():
    asked = ["G3", "G0", "G7", "G3", "G9"]
    rows = rows_of(MODEL, task(asked), GeneOptions())
    np.testing.assert_allclose(rows.design.features, SCALED[[3, 0, 7, 3, 9]], atol=1e-4)
    assert rows.present.all()
    assert rows.reasons == [None] * 5
    plain = rows_of(MODEL, task(asked), GeneOptions(probe=Probe(scale="none")))
    centred = VECTORS[[3, 0, 7, 3, 9]] - VECTORS.mean(axis=0)
    np.testing.assert_allclose(plain.design.features, centred, rtol=1e-4, atol=1e-4)


def test_genes_without_a_vector_are_left_out_with_their_reasons():
    model = Known(symbol=table(reasons={"WITHDRAWN": "withdrawn in 2020"}))
    rows = rows_of(model, task(["G1", "OTHER", "WITHDRAWN", "G2"]), GeneOptions())
    assert rows.present.tolist() == [True, False, False, True]
    assert rows.reasons == [None, "no vector for the symbol", "withdrawn in 2020", None]
    assert rows.design.n_rows == 2
    assert rows.filled == 0


def test_a_zero_is_the_mean_vector():
    for scale in ("standard", "none"):
        options = GeneOptions(missing="zero", probe=Probe(scale=scale))
        rows = rows_of(MODEL, task(["G1", "OTHER", "G2", "OTHER"]), options)
        # Vectors are centred, so the mean is 0.
        assert (rows.design.features[[1, 3]] == 0).all()
        assert rows.filled == 1
        assert rows.reasons == [None] * 4


def test_noise_has_the_spread_of_the_embedding_and_hangs_on_the_name_alone():
    unknown = [f"OTHER{number}" for number in range(2000)]
    for scale, spread in (
        ("standard", np.full(3, 3**-0.5)),
        ("variance", np.ones(3)),
        ("none", VECTORS.std(axis=0, dtype=float)),
    ):
        options = GeneOptions(missing="noise", probe=Probe(scale=scale))
        rows = rows_of(MODEL, task(["G1", *unknown]), options)
        noise = rows.design.features[1:]
        np.testing.assert_allclose(noise.std(axis=0), spread, rtol=0.08)
        assert (np.abs(noise.mean(axis=0)) < 0.1 * spread).all()
        assert rows.filled == 2000
        # In other company, and beside other genes of the embedding.
        few = rows_of(MODEL, task(["OTHER7", "G2", "G1", "G5"]), options)
        np.testing.assert_array_equal(few.design.features[0], noise[7])


def test_noise_has_none_where_the_embedding_is_constant():
    constant = np.hstack([VECTORS, np.full((40, 1), 3, np.float32)])
    for scale in ("standard", "none"):
        options = GeneOptions(missing="noise", probe=Probe(scale=scale))
        rows = rows_of(Known(symbol=table(constant)), task(["G1", "OTHER"]), options)
        assert rows.design.features[1, 3] == 0
        assert rows.design.features[1, 0] != 0


def test_pairs_are_averaged_or_joined():
    pairs = task({"symbol": ["G0", "G1", "G2"], "symbol.1": ["G1", "G3", "G2"]})
    first, second = SCALED[[0, 1, 2]], SCALED[[1, 3, 2]]
    average = rows_of(MODEL, pairs, GeneOptions()).design.features
    np.testing.assert_allclose(average, (first + second) / 2, atol=1e-4)
    joined = rows_of(MODEL, pairs, GeneOptions(pairs="concat")).design.features
    np.testing.assert_allclose(joined[:, :3], first, atol=1e-4)
    np.testing.assert_allclose(joined[:, -3:], second, atol=1e-4)


def test_a_pair_needs_both_its_genes_and_tells_the_first_it_lacks():
    model = Known(symbol=table(reasons={"X": "the first", "Y": "the second"}))
    pairs = {"symbol": ["G0", "X", "G2", "X", "X", "G4"]}
    pairs["symbol.1"] = ["G1", "G3", "Y", "Y", "X", "G5"]
    rows = rows_of(model, task(pairs), GeneOptions())
    assert rows.present.tolist() == [True, False, False, False, False, True]
    assert rows.reasons == [None, "the first", "the second", "the first", "the first", None]


def test_both_columns_of_pairs_are_looked_up_at_once():
    asked = []

    class Fresh:
        info = MODEL.info

        def gene_table(self, names, kind="symbol"):
            asked.append(list(names))
            known = [name for name in names if name in NAMES]
            return table(VECTORS[[NAMES.index(name) for name in known]], known)

    pairs = {"symbol": ["G0", "G1", "G2"], "symbol.1": ["G1", "G9", "G2"]}
    rows = rows_of(Fresh(), task(pairs), GeneOptions())
    assert asked == [["G0", "G1", "G2", "G9"]]
    # Of one table of four genes: a gene has the same vector on either side.
    four = scaled(VECTORS[[0, 1, 2, 9]])
    np.testing.assert_allclose(
        rows.design.features, (four[[0, 1, 2]] + four[[1, 3, 2]]) / 2, atol=1e-4
    )


MIXED = {"symbol": ["G0", "G1", "G2", "G0"], "diseaseId": ["D1", "D0", "D1", "D9"]}


def test_entities_of_two_kinds_have_their_own_vectors_and_scales():
    diseases = np.array([[10.0, 0, 1], [30, 2, 3]], np.float32)
    model = Known(symbol=table(), diseaseId=table(diseases, ["D0", "D1"]))
    rows = rows_of(model, task(MIXED), GeneOptions(pairs="concat"))
    assert rows.present.tolist() == [True, True, True, False]
    assert rows.reasons[3] == "no vector for the diseaseId"
    np.testing.assert_allclose(rows.design.features[:, :3], SCALED[[0, 1, 2]], atol=1e-4)
    np.testing.assert_allclose(
        rows.design.features[:, -3:], np.outer([1, -1, 1], [3**-0.5] * 3), atol=1e-5
    )


def test_vectors_of_two_widths_can_only_be_joined():
    diseases = np.array([[10.0], [30]], np.float32)
    model = Known(symbol=table(), diseaseId=table(diseases, ["D0", "D1"]))
    with pytest.raises(UsageError, match="3 and 1 dimensions cannot be averaged: take --pairs"):
        rows_of(model, task(MIXED), GeneOptions())
    rows = rows_of(model, task(MIXED), GeneOptions(pairs="concat"))
    assert np.isfinite(rows.design.features).all()


def test_one_dimension_a_gene_is_for_pairs_of_one_kind():
    with pytest.raises(CapabilityError, match="about pairs only"):
        rows_of(OneHotGenes(), task(["G1", "G2"]), GeneOptions())
    with pytest.raises(CapabilityError, match="pairs of one kind only"):
        rows_of(OneHotGenes(), task(MIXED), GeneOptions())


@pytest.mark.parametrize("missing", ["drop", "zero", "noise"])
def test_what_knows_none_of_the_genes_is_refused_whatever_becomes_of_missing_ones(missing):
    with pytest.raises(UsageError, match="none of 2 names of kind 'symbol'") as told:
        rows_of(MODEL, task(["ENSG1", "ENSG2"]), GeneOptions(missing=missing))
    assert "it has 'G0', ..." in str(told.value)
    empty = Known(symbol=table(VECTORS[:0], []))
    with pytest.raises(UsageError, match="none of 2 names"):
        rows_of(empty, task(["G1", "G2"]), GeneOptions(missing=missing))


def test_rows_of_one_answer_are_refused():
    with pytest.raises(UsageError, match="2 of 4 rows, and all of them have the same answer"):
        rows_of(MODEL, task(["G0", "X", "G1", "Y"]), GeneOptions())
    with pytest.raises(UsageError, match="1 of 2 rows: too few to learn from"):
        rows_of(MODEL, task(["G0", "X"]), GeneOptions())


def test_statistics_are_worked_out_once_for_an_embedding(monkeypatch):
    from genomark.benchmarks.genes import vectors

    calls = []
    real = vectors.scaling_of
    monkeypatch.setattr(
        vectors, "scaling_of", lambda *words: calls.append(words[1]) or real(*words)
    )
    fresh = Known(symbol=table(VECTORS * np.float32(7)))
    for _ in range(3):
        rows_of(fresh, task(["G0", "G1", "G2"]), GeneOptions())
    assert calls == ["standard"]
