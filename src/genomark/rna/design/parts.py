"""Closed parts of a target: what lies between the two bases of a pair, folded by itself.

The best folding of a part whose outer pair is kept is also the best it can have in the whole, if
the whole keeps that pair. So what a wrong part costs is a lower bound of what the whole costs, and
adds up over parts beside each other: most bad guesses are seen in a part, whose fold is cheap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from genomark.rna.structure import Partners, helices

#: Shortest part, nt; how much longer than those inside it; and its largest share of the whole.
_SHORTEST, _LONGER, _LARGEST = 14, 1.5, 0.75


@dataclass(frozen=True)
class Part:
    """A part, and the whole as the last of them.

    Attributes
    ----------
    first, last : int
        Its outer pair; of the whole -1 and the length.
    inside : tuple of int
        Numbers of all parts inside it, small ones first.
    children : tuple of int
        Of those that are in no other part inside it.
    """

    first: int
    last: int
    inside: tuple[int, ...]
    children: tuple[int, ...]

    def holds(self, positions: Iterable[int]) -> bool:
        """Whether any of the positions is in it."""
        return any(self.first <= position <= self.last for position in positions)


def parts_of(partner: Partners) -> list[Part]:
    """List the parts of a target that are folded by themselves, small ones first; then the whole.

    Each begins with the outermost pair of a helix.
    """
    n = len(partner)
    outermost = [(helix[0][1] - helix[0][0] + 1, *helix[0]) for helix in helices(partner)]
    chosen: list[tuple[int, int]] = []
    for size, first, last in sorted(outermost):
        longest = max((b - a + 1 for a, b in chosen if first <= a and b <= last), default=0)
        if _SHORTEST <= size <= _LARGEST * n and size >= _LONGER * longest:
            chosen.append((first, last))
    return [_part(first, last, chosen) for first, last in [*chosen, (-1, n)]]


def _part(first: int, last: int, chosen: list[tuple[int, int]]) -> Part:
    inside = [
        number for number, (a, b) in enumerate(chosen) if first <= a and b <= last and a > first
    ]
    children = [
        number
        for number in inside
        if not any(
            chosen[other][0] < chosen[number][0] and chosen[number][1] < chosen[other][1]
            for other in inside
        )
    ]
    return Part(first, last, tuple(inside), tuple(children))
