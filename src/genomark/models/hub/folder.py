"""Checkpoints that tell the symbol of each base of an RNA structure, as Folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genomark.errors import CapabilityError, ModelError
from genomark.models.capabilities import Fold
from genomark.models.folding import fold_each
from genomark.models.hub.embedding import over_windows
from genomark.models.hub.network import Network
from genomark.models.hub.tokens import TokenIds
from genomark.models.hub.windows import Windowing
from genomark.rna.decoding import SYMBOLS, nested_structure

_HEAD = "ForTokenClassification"


def symbols_of(config: Mapping[str, Any], spec: str) -> tuple[str, ...]:
    """Read from config.json what the head of a checkpoint tells of each token.

    Parameters
    ----------
    config : mapping
        Its `architectures` name a class that ends in ForTokenClassification, and its `id2label`
        are ``(``, ``)`` and ``.`` in any order.
    spec : str
        The model, for messages.

    Returns
    -------
    tuple of str
        In the order of the head's outputs.

    Raises
    ------
    CapabilityError
        If the checkpoint has no such head.
    """
    names = [str(name) for name in config.get("architectures") or ()]
    if not any(name.endswith(_HEAD) for name in names):
        raise CapabilityError(
            f"{spec}: has no head that tells of each base how it pairs (config.json names "
            f"{', '.join(names) or 'nothing'}), so it cannot fold; expected a ...{_HEAD}"
        )
    told = config.get("id2label") or {}
    labels = {str(key): str(label) for key, label in told.items()}
    if sorted(labels.values()) != sorted(SYMBOLS) or set(labels) != {"0", "1", "2"}:
        shown = ", ".join(f"'{labels[key]}'" for key in sorted(labels)[:5]) or "nothing"
        raise CapabilityError(
            f"{spec}: its head tells {shown}, so it cannot fold; expected id2label in config.json "
            "to be '(', ')' and '.'"
        )
    return tuple(labels[str(number)] for number in range(len(SYMBOLS)))


def fold_by_symbols(
    network: Network,
    windowing: Windowing,
    symbols: tuple[str, ...],
    sequences: Sequence[str],
    progress: Callable[[int], None],
) -> list[Fold]:
    """Fold RNA: the best structure of the symbols that a head tells (`nested_structure`).

    Probabilities of a base that lies in several windows are the mean of what each says.

    Parameters
    ----------
    network : Network
        Of a checkpoint whose tokens hold a base each.
    windowing : Windowing
    symbols : tuple of str
        From `symbols_of`.
    sequences : sequence of str
        Each is asked for by itself, so that its structure does not hang on those beside it.
    progress : callable
        Takes how many more are done.

    Raises
    ------
    UsageError
        If a sequence is not of A, C, G, U, T and N.
    CapabilityError
        If a token holds more than a base.
    ModelError
        If the network fails, or its answer is not finite.
    """
    checkpoint = network.checkpoint

    def fold(read: str) -> str:
        tokens = checkpoint.tokens([read])
        _check_tokens(tokens[0], len(read), checkpoint.spec)
        (answer,) = over_windows(network.symbol_probabilities, windowing, tokens)
        probabilities = answer[2].cpu().numpy().astype(np.float64)
        if not np.isfinite(probabilities).all():
            raise ModelError(
                f"{checkpoint.spec}: its answer is not finite; precision=fp32 has a wider range"
            )
        return nested_structure(probabilities, read, symbols)

    return fold_each(sequences, fold, progress)


def _check_tokens(tokens: TokenIds, length: int, spec: str) -> None:
    own = tokens.spans[tokens.spans[:, 0] >= 0]
    if not np.array_equal(own, np.stack([np.arange(length), np.arange(1, length + 1)], axis=1)):
        raise CapabilityError(
            f"{spec}: {own.shape[0]:,} tokens stand for {length:,} bases, and its head tells one "
            "symbol a token; expected tokens of one base each (tokens=single)"
        )
