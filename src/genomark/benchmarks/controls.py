"""Controls: the models that mark both ends of the scale.

They answer by item and know nothing of sequences. `control:oracle` is handed the answers, and says
so wherever it is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
import scipy

from genomark.digests import digest_of
from genomark.models.genes.controls import OneHotGenes, RandomGenes
from genomark.models.genes.table import GeneTable
from genomark.models.training_data import NoTraining
from genomark.scoring import ModelIdentity


def control(
    kind: Literal["random", "oracle", "onehot"],
) -> RandomControl | OracleControl | OneHotGenes:
    """Random knows nothing, oracle reads the answers, onehot tells the genes of pairs apart."""
    if kind == "onehot":
        return OneHotGenes()
    return RandomControl() if kind == "random" else OracleControl()


class RandomControl:
    """Standard normal answers, fixed by the run's seed and the item's id.

    Of genes it gives standard normal vectors, fixed by their names.
    """

    reads_answers = False
    training_data = NoTraining()
    info = ModelIdentity(
        id="control:random",
        version="1",
        digest=digest_of(["control:random", "1"]),
        notes=["random numbers"],
    )

    def check(self, benchmark: str, expected: pl.DataFrame) -> None:
        """Accept any items."""

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Draw each vector from a hash of the name."""
        return RandomGenes().gene_table(names, kind)

    def predict_items(self, benchmark: str, items: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Draw each answer from a hash, so that how items are cut into shards does not matter."""
        words = [
            hashlib.blake2b(f"{seed}\n{benchmark}\n{task}\n{item}".encode(), digest_size=8).digest()
            for item, task in items.select("item_id", "task").iter_rows()
        ]
        uniform = (np.frombuffer(b"".join(words), dtype="<u8") >> 11) * 2.0**-53 + 2.0**-54
        return pl.DataFrame({"value": scipy.special.ndtri(uniform)}).with_columns(
            reason=pl.lit(None, pl.String)
        )


class OracleControl:
    """The answers themselves: what the scoring gives to a perfect model."""

    reads_answers = True
    training_data = NoTraining()
    info = ModelIdentity(
        id="control:oracle",
        version="1",
        digest=digest_of(["control:oracle", "1"]),
        notes=["reads the answers: not a model"],
    )

    def check(self, benchmark: str, expected: pl.DataFrame) -> None:
        """Accept any items."""

    def predict_items(self, benchmark: str, items: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Hand back the truth."""
        return items.select(value="truth", reason=pl.lit(None, pl.String))

    def folds_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether it knows structures: three symbols do not tell pairs that cross."""
        return True

    def fold_items(self, items: pl.DataFrame) -> pl.Series:
        """Hand back the known structures."""
        return items["structure"]
