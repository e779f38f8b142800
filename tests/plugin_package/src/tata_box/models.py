"""Models of promoters."""

import operator
from collections.abc import Callable, Sequence

import numpy as np

from genomark import ModelIdentity


def tata_box(site: str = "TATAAA") -> Callable[[list[str]], list[float]]:
    """How much of a TATA box the best stretch of a sequence has, 0 to 1."""

    def share(sequence: str) -> float:
        stretches = [sequence[start : start + len(site)] for start in range(len(sequence))]
        right = [sum(map(operator.eq, each, site)) for each in stretches]
        return max(right) / len(site)

    def predict(sequences: list[str]) -> list[float]:
        return [share(sequence) for sequence in sequences]

    # Another one whenever answers change.
    predict.version = "1"
    # A sequence is answered alike, whatever is asked beside it.
    predict.batch_invariant = True
    return predict


class Letters:
    """An embedding of few numbers: how often each letter comes."""

    def __init__(self, letters: str = "ACGT") -> None:
        self.letters = letters
        self.info = ModelIdentity(
            id=f"letters:{letters}",
            version="1",
            # Of all that answers depend on; of a network, its weights too.
            digest=f"letters-1-{letters}",
        )

    def embed(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """One vector a sequence."""
        return np.array([each.mean(axis=0) for each in self.embed_positions(sequences, progress)])

    def embed_positions(
        self, sequences: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[np.ndarray]:
        """One vector a base."""
        known = np.array(list(self.letters))
        found = [np.array(list(each))[:, None] == known for each in sequences]
        progress(len(sequences))
        return [each.astype(np.float32) for each in found]
