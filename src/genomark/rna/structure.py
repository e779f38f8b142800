"""Secondary structures in dot-bracket notation."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError

#: Pairs of symbols, as ViennaRNA and bpRNA write them; the first kind is that of nested pairs.
BRACKETS = (
    "()",
    "[]",
    "{}",
    "<>",
    *map("".join, zip(ascii_uppercase, ascii_lowercase, strict=True)),
)
UNPAIRED = "."
#: Fewest unpaired positions between the two of a pair: a backbone cannot turn more sharply.
SHORTEST_HAIRPIN = 3

Partners = NDArray[np.int32]

_OPENING = {kind[0]: kind for kind in BRACKETS}
_CLOSING = {kind[1]: kind for kind in BRACKETS}


def partners(structure: str) -> Partners:
    """Read what pairs with what, int32[length]: the partner's position from 0, or -1.

    Parameters
    ----------
    structure : str
        Of ``.`` and the `BRACKETS`; each kind is nested in itself, and may cross the others.

    Raises
    ------
    UsageError
        If a symbol is unknown, or a bracket has no partner; positions are counted from 1.
    """
    found = np.full(len(structure), -1, np.int32)
    open_at: dict[str, list[int]] = {}
    for position, symbol in enumerate(structure):
        if symbol in _OPENING:
            open_at.setdefault(_OPENING[symbol], []).append(position)
        elif symbol in _CLOSING:
            waiting = open_at.get(_CLOSING[symbol])
            if not waiting:
                raise UsageError(
                    f"structure, position {position + 1}: '{symbol}' closes nothing; expected an "
                    f"'{_CLOSING[symbol][0]}' before it"
                )
            opened = waiting.pop()
            found[opened], found[position] = position, opened
        elif symbol != UNPAIRED:
            raise UsageError(
                f"structure, position {position + 1}: unknown symbol '{symbol}'; expected dots and "
                "brackets"
            )
    for kind, waiting in open_at.items():
        if waiting:
            raise UsageError(
                f"structure, position {waiting[-1] + 1}: '{kind[0]}' is never closed; expected a "
                f"'{kind[1]}' after it"
            )
    return found


def nested_partners(structure: str) -> Partners:
    """Read the pairs written ``()``, as `partners`; those of other brackets are left out."""
    partners(structure)
    return partners("".join(symbol if symbol in "()" else UNPAIRED for symbol in structure))


def dot_bracket(partner: Partners) -> str:
    """Write nested pairs as ``(``, ``)`` and ``.``."""
    position = np.arange(len(partner))
    symbols = np.where(partner < 0, UNPAIRED, np.where(partner > position, "(", ")"))
    return "".join(symbols.tolist())


def pair_set(partner: Partners) -> set[tuple[int, int]]:
    """Give the pairs as (opening, closing), from 0."""
    (opening,) = np.nonzero(partner > np.arange(len(partner)))
    return set(zip(opening.tolist(), partner[opening].tolist(), strict=True))


def helices(partner: Partners) -> list[list[tuple[int, int]]]:
    """List the pairs of each helix, the outermost first: pairs stacked on each other."""
    found: list[list[tuple[int, int]]] = []
    for pair in sorted(pair_set(partner)):
        opening, closing = pair
        if found and found[-1][-1] == (opening - 1, closing + 1):
            found[-1].append(pair)
        else:
            found.append([pair])
    return found
