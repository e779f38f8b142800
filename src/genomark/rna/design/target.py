"""What is to be designed: a structure, and the letters that are allowed in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genomark.errors import UsageError, one_line
from genomark.rna.structure import SHORTEST_HAIRPIN, Partners, partners

#: Longest structure, nt: one fold of it takes ViennaRNA some seconds.
LONGEST_TARGET = 2_000
#: Most unpaired bases in a loop between two pairs; ViennaRNA looks at no larger ones.
LONGEST_INTERIOR = 30
#: Codes of bases in all of this room; 0 is none.
LETTERS = "?ACGU"
#: The pairs there are, as codes: the six that ViennaRNA knows, in its order.
PAIRS = np.array([(2, 3), (3, 2), (3, 4), (4, 3), (1, 4), (4, 1)], np.int8)

IUPAC = {
    **{"A": "A", "C": "C", "G": "G", "U": "U", "T": "U", "N": "ACGU"},
    **{"R": "AG", "Y": "CU", "S": "CG", "W": "AU", "K": "GU", "M": "AC"},
    **{"B": "CGU", "D": "AGU", "H": "ACU", "V": "ACG"},
}

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Target:
    """A structure to design for.

    Parameters
    ----------
    structure : str
        Dot-bracket of ``(``, ``)`` and ``.``.
    constraint : str or None
        What may stand where, in IUPAC letters; as long as the structure. None allows everything.
    name : str
        What messages and tables call it.

    Raises
    ------
    UsageError
        If no sequence can fold into it, or the constraint does not suit it.
    """

    structure: str
    constraint: str | None = None
    name: str = "target"

    def __post_init__(self) -> None:
        where = one_line(self.name)
        if not self.structure:
            raise UsageError(f"{where}: an empty structure; expected dots and brackets")
        if len(self.structure) > LONGEST_TARGET:
            raise UsageError(
                f"{where}: {len(self.structure):,} nt; expected at most {LONGEST_TARGET:,}, as "
                "one fold of more takes too long. Design its domains one by one"
            )
        place = next((k for k, each in enumerate(self.structure) if each not in "()."), None)
        if place is not None:
            raise UsageError(
                f"{where}: structure, position {place + 1}: {self.structure[place]!r}; expected (, "
                ") and . alone: pairs that cross others cannot be designed"
            )
        try:
            partner = partners(self.structure)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
        _check_loops(where, partner)
        _check_constraint(where, partner, self.constraint)

    def __len__(self) -> int:
        return len(self.structure)

    @cached_property
    def partner(self) -> Partners:
        """What pairs with what, int32[length]; -1 for an unpaired base."""
        return partners(self.structure)

    @cached_property
    def allowed(self) -> NDArray[np.int64]:
        """Letters allowed at each position, int64[length]: bit `code` is set for each."""
        return _allowed(self.constraint or "N" * len(self))


def _check_loops(where: str, partner: Partners) -> None:
    for opening in range(len(partner)):
        closing = int(partner[opening])
        if closing < opening:
            continue
        if closing - opening <= SHORTEST_HAIRPIN:
            raise UsageError(
                f"{where}, position {opening + 1}: a hairpin of {closing - opening - 1} bases; "
                f"expected at least {SHORTEST_HAIRPIN}, as no RNA turns more sharply"
            )
        inner = next((k for k in range(opening + 1, closing) if partner[k] >= 0), None)
        if inner is None or partner[inner + 1 : closing].max(initial=-1) > partner[inner]:
            continue
        unpaired = closing - opening - 2 - (int(partner[inner]) - inner)
        if unpaired > LONGEST_INTERIOR and not (partner[partner[inner] + 1 : closing] >= 0).any():
            raise UsageError(
                f"{where}, position {opening + 1}: a loop of {unpaired} unpaired bases between two "
                f"pairs; expected at most {LONGEST_INTERIOR}, as folding looks at no larger ones"
            )


def _check_constraint(where: str, partner: Partners, constraint: str | None) -> None:
    if constraint is None:
        return
    if len(constraint) != len(partner):
        raise UsageError(
            f"{where}: a constraint of {len(constraint):,} letters for a structure of "
            f"{len(partner):,}; expected as many"
        )
    for position, letter in enumerate(constraint):
        if letter.upper() not in IUPAC:
            raise UsageError(
                f"{where}, constraint, position {position + 1}: {letter!r}; expected one of "
                f"{' '.join(IUPAC)}"
            )
    allowed = _allowed(constraint)
    for opening, closing in enumerate(partner.tolist()):
        if closing > opening and not any(
            allowed[opening] >> first & 1 and allowed[closing] >> second & 1
            for first, second in PAIRS.tolist()
        ):
            raise UsageError(
                f"{where}, constraint: positions {opening + 1} ({constraint[opening]}) and "
                f"{closing + 1} ({constraint[closing]}) are to pair, and no letters allowed there "
                "do; expected one of AU, CG, GC, GU, UA, UG"
            )


def _allowed(constraint: str) -> NDArray[np.int64]:
    bits = {
        letter: sum(1 << LETTERS.index(base) for base in bases) for letter, bases in IUPAC.items()
    }
    return np.array([bits[letter] for letter in constraint.upper()], np.int64)


def text_of(codes: Codes) -> str:
    """Write codes as letters."""
    return "".join(map(LETTERS.__getitem__, codes.tolist()))


def codes_of(sequence: str) -> Codes:
    """Read letters A, C, G and U as codes, int8[length]."""
    return np.array([LETTERS.index(letter) for letter in sequence], np.int8)
