"""What a masked network expects at bases that are hidden from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genomark.errors import CapabilityError, ModelError
from genomark.models.hub.embedding import over_windows
from genomark.models.hub.network import Network
from genomark.models.hub.windows import Windowing
from genomark.rna.vienna import rna_sequence

if TYPE_CHECKING:
    import torch

_BASES = "ACGU"
_HIDDEN = "N"


def letter_probabilities(
    network: Network, windowing: Windowing, sequence: str
) -> NDArray[np.float64]:
    """Give the probabilities of A, C, G and U (or T) at each position, of these four alone.

    All that is hidden is hidden at once. Of a base that lies in several windows it is the mean of
    what each says.

    Parameters
    ----------
    network : Network
        Of a masked checkpoint whose tokens hold a base each.
    windowing : Windowing
    sequence : str
        RNA or DNA; N is hidden.

    Returns
    -------
    ndarray of float64, shape (length, 4)
        Rows sum to 1; where the sequence tells the base, that has 1.

    Raises
    ------
    UsageError
        If the sequence is not of A, C, G, U, T and N.
    CapabilityError
        If tokens hold more than a base.
    ModelError
        If the tokenizer has no token that hides another, the network fails, or its answer is not
        finite.
    """
    read = rna_sequence(sequence, "sequence")
    checkpoint = network.checkpoint
    words = _words(network)
    if checkpoint.mask_id is None:
        raise ModelError(f"{checkpoint.spec}: its tokenizer has no token that hides another")
    letters = np.array(list(read))
    found: NDArray[np.float64] = (letters[:, None] == np.array(list(_BASES))).astype(np.float64)
    hidden = letters == _HIDDEN
    if not hidden.any():
        return found
    # Not every vocabulary has a word for N; what stands where it is hidden anyway.
    (tokens,) = checkpoint.tokens([read.replace(_HIDDEN, "A")])
    tokens.ids[np.flatnonzero(tokens.spans[:, 0] >= 0)[hidden]] = checkpoint.mask_id

    def ask(
        lengths: Sequence[int], row: Callable[[int], NDArray[np.int64]]
    ) -> Iterator[tuple[int, torch.Tensor]]:
        for place, scores in network.word_scores(lengths, row):
            yield place, scores[:, words].double().softmax(dim=-1)

    ((_, _, shares),) = over_windows(ask, windowing, [tokens])
    found[hidden] = shares.cpu().numpy()[hidden]
    if not np.isfinite(found).all():
        raise ModelError(
            f"{checkpoint.spec}: its answer is not finite; precision=fp32 has a wider range"
        )
    return found


def _words(network: Network) -> list[int]:
    """Give the tokens of A, C, G and U or T."""
    tokenizer = network.checkpoint.tokenizer
    letters = tokenizer.vocabulary.written(_BASES)
    if tokenizer.manner != "single" or not tokenizer.vocabulary.words.keys() >= set(letters):
        raise CapabilityError(
            f"{network.checkpoint.spec}: its tokens are not single bases, so it tells no "
            "probabilities of these; expected a checkpoint with a token for each base "
            "(tokens=single)"
        )
    return [tokenizer.vocabulary.words[letter] for letter in letters]
