"""Effects of variants from models that were trained for no task."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
import pytest

import genomark
from genomark.benchmarks import Asking
from genomark.benchmarks.kircher2019 import Kircher2019
from genomark.errors import CapabilityError
from genomark.models.zero_shot import ZeroShot, zero_shot
from genomark.scoring import ModelIdentity


class Counts:
    """An embedder of counts of bases, which notes how often it is asked."""

    info = ModelIdentity(id="counts", version="1", digest="counts")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, sequences, progress=lambda done: None):
        self.asked += sequences
        return np.array([[each.count(base) for base in "ACGT"] for each in sequences], np.float32)

    def embed_positions(self, sequences, progress=lambda done: None):
        raise AssertionError("nobody is to ask this")


class Independent(Counts):
    """A scorer under which bases are independent: A 0.4, C 0.1, G 0.2, T 0.3; N is any."""

    info = ModelIdentity(id="independent", version="1", digest="independent")
    likelihood = "causal"
    shares: ClassVar[dict[str, float]] = {"A": 0.4, "C": 0.1, "G": 0.2, "T": 0.3, "N": 1.0}

    def log_likelihoods(self, sequences, progress=lambda done: None):
        self.asked += sequences
        progress(len(sequences))
        return np.array([sum(np.log(self.shares[b]) for b in each) for each in sequences])


def test_the_effect_of_a_substitution_is_the_ratio_of_likelihoods() -> None:
    model = Independent()
    effects = ZeroShot(model, "likelihood").effects(["AACGT"] * 2, ["CACGT", "AACGA"])
    np.testing.assert_allclose(effects, [np.log(0.1 / 0.4), np.log(0.4 / 0.3)])
    # The reference is asked once, however many variants it has.
    assert sorted(model.asked) == ["AACGA", "AACGT", "CACGT"]


def test_the_distance_of_vectors_is_one_less_their_cosine() -> None:
    effects = ZeroShot(Counts(), "distance").effects(["AAAA", "AAAA", "AC"], ["CCCC", "AAAA", "AA"])
    np.testing.assert_allclose(effects, [1.0, 0.0, 1 - 1 / np.sqrt(2)], atol=1e-12)


def test_likelihood_goes_before_distance_unless_the_model_says_otherwise() -> None:
    assert "(zero-shot, likelihood)" in zero_shot(Independent()).info.id
    assert "(zero-shot, distance)" in zero_shot(Counts()).info.id
    model = Independent()
    model.effect = "distance"
    assert "(zero-shot, distance)" in zero_shot(model).info.id
    assert zero_shot(object()) is None
    digests = {zero_shot(each).info.digest for each in (Independent(), model, Counts())}
    assert len(digests) == 3


def test_variants_of_the_elements_are_scored(real_data, tmp_path) -> None:
    real_data("kircher2019", "elements.tsv.gz")
    benchmark = Kircher2019()
    (result,) = genomark.run([Independent()], [benchmark], limit=200, out=tmp_path, progress=False)
    assert result.coverage.answered == 200
    predictions = pl.read_parquet(next((tmp_path / "predictions").iterdir()))
    for name, value in predictions.select("item_id", "value").iter_rows():
        before, after = name.rpartition(":")[2].split(">")
        expected = -np.log(Independent.shares[before])
        if after != "-":
            expected += np.log(Independent.shares[after])
        assert value == pytest.approx(expected), name


def test_a_benchmark_of_whole_sequences_refuses_who_can_only_compare() -> None:
    from genomark.benchmarks.simulated import SimulatedEnhancers

    with pytest.raises(CapabilityError, match="'independent' cannot be asked"):
        SimulatedEnhancers().identify(Independent())
    items = Kircher2019().items.head(2)
    with pytest.raises(CapabilityError, match="cannot predict"):
        Kircher2019().answer(object_with_info(), items, Asking())


def object_with_info():
    class Nothing:
        info = ModelIdentity(id="nothing", version="1", digest="nothing")

    return Nothing()
