"""Free energies of loops, compiled: what a change of one base costs, in tens of nanoseconds.

The nearest-neighbour model as ViennaRNA computes it (Turner 2004 by default; Lorenz et al. 2011,
Algorithms Mol Biol 6:26), with the same numbers and the same rounding, for dangles 0 and 2. The
energy of a structure is a constant plus a sum of *terms*: a hairpin, an interior loop (a stack and
a bulge are such), and each branch of a multiloop or of the exterior loop. A term is one integer,
as `term` packs it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genomark.compiled import kernel
from genomark.errors import UsageError
from genomark.rna.design.target import LETTERS, LONGEST_TARGET, PAIRS, Codes
from genomark.rna.parameters import Rows, energy_sections
from genomark.rna.structure import Partners
from genomark.rna.vienna import FoldSettings

Table = NDArray[np.int32]
Terms = NDArray[np.int64]

#: Of a pair that no bases make, 0.01 kcal/mol.
IMPOSSIBLE = 10_000_000
_DEFAULT = -50
_WORDS = {"INF": IMPOSSIBLE, "DEF": _DEFAULT, "NST": 0}
_ZERO_CELSIUS, _BODY = 273.15, 37.0
#: Longest loop that the files tell of; more grow with the logarithm.
_LONGEST_TOLD = 30

HAIRPIN, INTERIOR, BRANCH, OUTER = range(4)
_KINDS, _PAIRS, _BASES = 7, 6, 5

#: Shapes in the table, in its order; a pair is coded 1 to 6 there and a base 1 to 4, 0 being none.
_SHAPES: dict[str, tuple[int, ...]] = {
    "stack": (_KINDS, _KINDS),
    "mismatch_hairpin": (_KINDS, _BASES, _BASES),
    "mismatch_internal": (_KINDS, _BASES, _BASES),
    "mismatch_internal_1n": (_KINDS, _BASES, _BASES),
    "mismatch_internal_23": (_KINDS, _BASES, _BASES),
    "mismatch_multi": (_KINDS, _BASES, _BASES),
    "mismatch_exterior": (_KINDS, _BASES, _BASES),
    "dangle5": (_KINDS, _BASES),
    "dangle3": (_KINDS, _BASES),
    "int11": (_KINDS, _KINDS, _BASES, _BASES),
    "int21": (_KINDS, _KINDS, _BASES, _BASES, _BASES),
    "int22": (_KINDS, _KINDS, _BASES, _BASES, _BASES, _BASES),
    "hairpin": (LONGEST_TARGET + 1,),
    "bulge": (LONGEST_TARGET + 1,),
    "internal": (LONGEST_TARGET + 1,),
    "Triloops": (4**5,),
    "Tetraloops": (4**6,),
    "Hexaloops": (4**8,),
    "constants": (6,),
}
_AT = dict(
    zip(
        _SHAPES,
        np.cumsum([0, *(math.prod(shape) for shape in _SHAPES.values())]).tolist(),
        strict=False,
    )
)
_STACK, _HAIRPINS, _BULGES, _LOOPS = (
    _AT[name] for name in ("stack", "hairpin", "bulge", "internal")
)
_MISMATCH_H, _MISMATCH_I, _MISMATCH_1N, _MISMATCH_23, _MISMATCH_M, _MISMATCH_E = (
    _AT[f"mismatch_{name}"]
    for name in ("hairpin", "internal", "internal_1n", "internal_23", "multi", "exterior")
)
_DANGLE5, _DANGLE3, _INT11, _INT21, _INT22 = (
    _AT[name] for name in ("dangle5", "dangle3", "int11", "int21", "int22")
)
_TRI, _TETRA, _HEXA = (_AT[name] for name in ("Triloops", "Tetraloops", "Hexaloops"))
_CLOSING, _PER_BRANCH, _PER_UNPAIRED, _ASYMMETRY, _MOST_ASYMMETRY, _END_AU = (
    _AT["constants"] + place for place in range(6)
)
#: From two bases to the code of their pair.
_KIND = np.zeros((_BASES, _BASES), np.int8)
for _number, (_first, _second) in enumerate(PAIRS.tolist(), 1):
    _KIND[_first, _second] = _number


def energy_table(settings: FoldSettings) -> Table:
    """Lay all energies out in one array, int32, 0.01 kcal/mol.

    Raises
    ------
    UsageError
        For dangles other than 0 and 2, whose terms depend on more than one loop.
    """
    if settings.dangles % 2:
        raise UsageError(f"dangles={settings.dangles}: design knows dangles=0 and dangles=2 alone")
    told = energy_sections(settings.parameters, settings.file_text)
    warmth = (settings.temperature + _ZERO_CELSIUS) / (_BODY + _ZERO_CELSIUS)
    table = np.full(sum(math.prod(shape) for shape in _SHAPES.values()), IMPOSSIBLE, np.int32)
    misc = np.array([float(word) for word in _words(told["Misc"])])
    growth = misc[4] * warmth if len(misc) > 4 else 107.856 * warmth
    for name, shape in _SHAPES.items():
        part = table[_AT[name] : _AT[name] + math.prod(shape)].reshape(shape)
        if name == "constants":
            part[:] = _constants(told, misc, warmth)
        elif name.endswith("loops"):
            _fill_special(part, told.get(name, []), warmth)
        elif len(shape) == 1:
            part[: _LONGEST_TOLD + 1] = _scaled(told, name, warmth)
            longer = np.log(np.arange(_LONGEST_TOLD + 1, shape[0]) / _LONGEST_TOLD)
            part[_LONGEST_TOLD + 1 :] = part[_LONGEST_TOLD] + (growth * longer).astype(np.int32)
        else:
            _fill_pairs(part, _scaled(told, name, warmth))
    for name in ("mismatch_multi", "mismatch_exterior", "dangle5", "dangle3"):
        part = table[_AT[name] : _AT[name] + math.prod(_SHAPES[name])].reshape(_SHAPES[name])
        part[1:] = np.minimum(part[1:], 0) if settings.dangles else 0
    return table


def _words(rows: Rows) -> list[str]:
    return [word for row in rows for word in row]


def _numbers(rows: Rows) -> NDArray[np.float64]:
    return np.array([_WORDS[word] if word in _WORDS else float(word) for word in _words(rows)])


def _at(free: NDArray[np.float64], enthalpy: NDArray[np.float64], warmth: float) -> Table:
    """Take energies at 37 degrees to another temperature, cut to whole numbers as in ViennaRNA."""
    scaled = enthalpy - (enthalpy - free) * warmth
    return np.where(free >= IMPOSSIBLE, IMPOSSIBLE, np.trunc(scaled)).astype(np.int32)


def _scaled(told: dict[str, Rows], name: str, warmth: float) -> Table:
    free = _numbers(told[name])
    return _at(free, _numbers(told[f"{name}_enthalpies"]), warmth)


def _fill_pairs(part: Table, values: Table) -> None:
    """Set the energies of a section; the files have a seventh pair, which no bases make."""
    pairs = 2 if part.ndim > 1 and part.shape[1] == _KINDS else 1
    bases = part.ndim - pairs
    told = _PAIRS if bases == 4 else _KINDS
    letters = _BASES - 1 if bases == 4 else _BASES
    read = values.reshape((told,) * pairs + (letters,) * bases)
    first = _BASES - letters
    part[(slice(1, None),) * pairs + (slice(first, None),) * bases] = read[
        (slice(0, _PAIRS),) * pairs
    ]


def _fill_special(part: Table, rows: Rows, warmth: float) -> None:
    for loop, free, enthalpy in rows:
        place = 0
        for letter in loop:
            place = 4 * place + LETTERS.index(letter) - 1
        part[place] = _at(np.array(float(free)), np.array(float(enthalpy)), warmth)


def _constants(told: dict[str, Rows], misc: NDArray[np.float64], warmth: float) -> list[int]:
    multi, asymmetry = _numbers(told["ML_params"]), _numbers(told["NINIO"])
    per_unpaired, closing, per_branch = (
        int(_at(multi[place], multi[place + 1], warmth)) for place in (0, 2, 4)
    )
    return [
        closing,
        per_branch,
        per_unpaired,
        int(_at(asymmetry[0], asymmetry[1], warmth)),
        int(asymmetry[2]),
        int(_at(misc[2], misc[3], warmth)),
    ]


@kernel
def term(kind: int, a: int, b: int, c: int, d: int) -> int:
    """Pack a term: its kind and up to four positions.

    HAIRPIN closes with pair (a, b), INTERIOR has the outer pair (a, b) and the inner one (c, d).
    BRANCH and OUTER are a helix that leaves a multiloop or the exterior loop: pair (a, b) as seen
    from the loop, with a - 1 and b + 1 inside it; the closing pair of a multiloop has a > b.
    """
    return (((kind << 12 | a) << 12 | b) << 12 | c) << 12 | d


@kernel
def term_energy(packed: int, bases: Codes, table: Table) -> int:
    """Energy of a term in a sequence, 0.01 kcal/mol; `IMPOSSIBLE` where a pair is none."""
    kind = packed >> 48
    a = (packed >> 36) & 4095
    b = (packed >> 24) & 4095
    pair = _KIND[bases[a], bases[b]]
    if pair == 0:
        return IMPOSSIBLE
    if kind == HAIRPIN:
        return _hairpin(a, b, pair, bases, table)
    if kind == INTERIOR:
        c = (packed >> 12) & 4095
        d = packed & 4095
        inner = _KIND[bases[d], bases[c]]
        if inner == 0:
            return IMPOSSIBLE
        return _interior(a, b, c, d, pair, inner, bases, table)
    end = table[_END_AU] if pair > 2 else 0
    if kind == BRANCH:
        at = _MISMATCH_M + (pair * _BASES + bases[a - 1]) * _BASES + bases[b + 1]
        return int(table[_PER_BRANCH] + table[at] + end)
    if a > 0 and b < bases.size - 1:
        at = _MISMATCH_E + (pair * _BASES + bases[a - 1]) * _BASES + bases[b + 1]
        return int(table[at] + end)
    if a > 0:
        return int(table[_DANGLE5 + pair * _BASES + bases[a - 1]] + end)
    if b < bases.size - 1:
        return int(table[_DANGLE3 + pair * _BASES + bases[b + 1]] + end)
    return end


@kernel
def _hairpin(a: int, b: int, pair: int, bases: Codes, table: Table) -> int:
    size = b - a - 1
    if size < 3:
        return IMPOSSIBLE
    if size == 3 or size == 4 or size == 6:
        place = 0
        for k in range(a, b + 1):
            place = 4 * place + bases[k] - 1
        start = _TRI if size == 3 else _TETRA if size == 4 else _HEXA
        special = table[start + place]
        if special < IMPOSSIBLE:
            return int(special)
    if size == 3:
        return int(table[_HAIRPINS + 3] + (table[_END_AU] if pair > 2 else 0))
    at = _MISMATCH_H + (pair * _BASES + bases[a + 1]) * _BASES + bases[b - 1]
    return int(table[_HAIRPINS + size] + table[at])


@kernel
def _interior(
    a: int, b: int, c: int, d: int, pair: int, inner: int, bases: Codes, table: Table
) -> int:
    left = c - a - 1
    right = b - d - 1
    more = max(left, right)
    less = min(left, right)
    if more == 0:
        return int(table[_STACK + pair * _KINDS + inner])
    if less == 0:
        energy = table[_BULGES + more]
        if more == 1:
            return int(energy + table[_STACK + pair * _KINDS + inner])
        ends = (1 if pair > 2 else 0) + (1 if inner > 2 else 0)
        return int(energy + ends * table[_END_AU])
    # The unpaired neighbours of both pairs: of the outer one, then of the inner one.
    i, j = bases[a + 1], bases[b - 1]
    p, q = bases[c - 1], bases[d + 1]
    both = pair * _KINDS + inner
    if less == 1 and more == 1:
        return int(table[_INT11 + (both * _BASES + i) * _BASES + j])
    if less == 1 and more == 2:
        if left == 1:
            return int(table[_INT21 + ((both * _BASES + i) * _BASES + q) * _BASES + j])
        turned = inner * _KINDS + pair
        return int(table[_INT21 + ((turned * _BASES + q) * _BASES + i) * _BASES + p])
    if less == 2 and more == 2:
        return int(table[_INT22 + (((both * _BASES + i) * _BASES + p) * _BASES + q) * _BASES + j])
    start = _MISMATCH_I
    if less == 1:
        start = _MISMATCH_1N
    elif less == 2 and more == 3:
        start = _MISMATCH_23
    asymmetry = min(table[_MOST_ASYMMETRY], (more - less) * table[_ASYMMETRY])
    mismatches = (
        table[start + (pair * _BASES + i) * _BASES + j]
        + table[start + (inner * _BASES + q) * _BASES + p]
    )
    return int(table[_LOOPS + more + less] + asymmetry + mismatches)


@kernel
def structure_terms(partner: Partners, table: Table, terms: Terms) -> tuple[int, int]:
    """Write the terms of a structure into `terms`; give their number and the constant energy.

    `terms` has room for three times the length of the structure, and four more.
    """
    count = 0
    constant = 0
    for start in range(-1, partner.size):
        if start >= 0 and partner[start] <= start:
            continue
        end = partner.size if start < 0 else partner[start]
        branches = 0
        unpaired = 0
        first = -1
        k = start + 1
        while k < end:
            if partner[k] > k:
                if branches == 0:
                    first = k
                branches += 1
                k = partner[k]
            else:
                unpaired += 1
            k += 1
        if start >= 0 and branches == 0:
            terms[count] = term(HAIRPIN, start, end, 0, 0)
            count += 1
        elif start >= 0 and branches == 1:
            terms[count] = term(INTERIOR, start, end, first, partner[first])
            count += 1
        elif branches > 0:
            kind = OUTER
            if start >= 0:
                kind = BRANCH
                constant += table[_CLOSING] + unpaired * table[_PER_UNPAIRED]
                terms[count] = term(BRANCH, end, start, 0, 0)
                count += 1
            k = start + 1
            while k < end:
                if partner[k] > k:
                    terms[count] = term(kind, k, partner[k], 0, 0)
                    count += 1
                    k = partner[k]
                k += 1
    return count, constant


@kernel
def structure_energy(partner: Partners, bases: Codes, table: Table) -> int:
    """Energy of a structure, 0.01 kcal/mol; `IMPOSSIBLE` or more where a pair is none."""
    terms = np.empty(3 * partner.size + 4, np.int64)
    count, energy = structure_terms(partner, table, terms)
    for number in range(count):
        energy += term_energy(terms[number], bases, table)
    return energy


@kernel
def term_positions(packed: int, length: int, positions: NDArray[np.int32]) -> int:
    """Write the positions whose bases a term depends on into `positions`; give their number."""
    kind = packed >> 48
    a = (packed >> 36) & 4095
    b = (packed >> 24) & 4095
    count = 0
    if kind == HAIRPIN:
        special = b - a <= 7
        for k in range(a, b + 1):
            if special or k <= a + 1 or k >= b - 1:
                positions[count] = k
                count += 1
        return count
    positions[0] = a
    positions[1] = b
    count = 2
    if kind == INTERIOR:
        c = (packed >> 12) & 4095
        d = packed & 4095
        positions[2] = c
        positions[3] = d
        count = 4
        for near, far in ((a + 1, c - 1), (d + 1, b - 1)):
            if near <= far:
                positions[count] = near
                count += 1
            if near < far:
                positions[count] = far
                count += 1
        return count
    if a > 0:
        positions[count] = a - 1
        count += 1
    if b < length - 1:
        positions[count] = b + 1
        count += 1
    return count


#: Most positions that `term_positions` writes.
MOST_POSITIONS = 8
