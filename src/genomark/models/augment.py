"""More sequences like those at hand: some tokens hidden, and filled in by a masked network.

All hidden tokens of a copy are filled in at once, each from what is still to be seen. Only words of
bases are considered, and only those as long as what was hidden, so a copy is as long as its
sequence and whatever is told of positions holds for it, too.

Where tokens overlap, bases are hidden instead, each with all tokens that hold it. A token then
tells the probability of a base as the sum over all its words that agree with the bases still to be
seen; what counts is the mean of its logarithm over the tokens.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genomark.errors import CapabilityError, UsageError
from genomark.models.hub.embedding import chunks
from genomark.models.hub.model import HubModel
from genomark.models.hub.tokens import TokenIds
from genomark.models.hub.windows import Windowing

if TYPE_CHECKING:
    import torch

#: Letters of copies that are made together: bounds what they take in memory.
_LETTERS = 1 << 20
_BASES_IN_ORDER = "ACGT"
_BASES = frozenset("ACGTU")

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


def augment(
    model: HubModel,
    sequences: Sequence[str],
    *,
    share: float = 0.15,
    copies: int = 1,
    seed: int = 0,
    temperature: float = 0.0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[tuple[str, ...]]:
    """Make copies of sequences in which a masked network has filled in some tokens.

    Parameters
    ----------
    model : HubModel
        Of a checkpoint with a head that tells hidden tokens.
    sequences : sequence of str
    share : float
        Of the tokens of a sequence that are bases, above 0 and up to 1: how many are hidden, each
        once, but at least one.
    copies : int
        Of each sequence.
    seed : int
        What a copy hides, and what is drawn, depends on it, the sequence and the number of the
        copy alone.
    temperature : float
        0 fills in what is most probable. Above, words are drawn with probabilities in proportion
        to their own, to the power of ``1 / temperature``.
    progress : callable
        Takes how many more copies are made.

    Returns
    -------
    list of tuple of str
        The copies of each sequence, upper case, with T or U as the sequence has them (one with
        neither, as the others). N and the like stay. A sequence without a token of bases comes
        back as it is.

    Raises
    ------
    CapabilityError
        If the checkpoint has no such head.
    UsageError
        If a setting is out of range.
    ModelError
        If a sequence cannot be cut into tokens, or the network fails.
    """
    _check(model, share, copies, seed, temperature)
    sequences = [sequence.upper() for sequence in sequences]
    rna = any("U" in each for each in sequences) and not any("T" in each for each in sequences)
    words = {False: _Words.of(model, "T"), True: _Words.of(model, "U")}
    made: list[list[str]] = [[] for _ in sequences]
    for lot in chunks(sequences, max(_LETTERS // copies, 1)):
        tokens = model.checkpoint.tokens([sequences[place] for place in lot])
        todo: list[_Copy] = []
        for place, each in zip(lot, tokens, strict=True):
            cut = _Cut.of(model, sequences[place], each, words[_is_rna(sequences[place], rna)])
            todo += [_Copy(cut, share, seed, number, place) for number in range(copies)]
        _fill(model, todo, temperature, progress)
        for copy in todo:
            made[copy.place].append("".join(copy.letters))
    return [tuple(each) for each in made]


def _check(model: HubModel, share: float, copies: int, seed: int, temperature: float) -> None:
    if not 0 < share <= 1:
        raise UsageError(f"share={share}: expected a part of the tokens, above 0 and up to 1")
    if copies < 1 or seed < 0:
        raise UsageError(
            f"copies={copies}, seed={seed}: expected at least one copy and a seed of 0 or more"
        )
    if not (0 <= temperature < math.inf):
        raise UsageError(f"temperature={temperature}: expected 0 (most probable), or above to draw")
    checkpoint = model.checkpoint
    if checkpoint.likelihood != "masked":
        heads = ", ".join(map(str, checkpoint.files.config.get("architectures") or ["no head"]))
        raise CapabilityError(
            f"{checkpoint.spec}: has no head that tells hidden tokens (config.json names {heads}), "
            "so it cannot fill them in; expected a ...ForMaskedLM"
        )
    if checkpoint.mask_id is None:
        raise CapabilityError(f"{checkpoint.spec}: its tokenizer has no token that hides another")


def _is_rna(sequence: str, others: bool) -> bool:
    return "T" not in sequence and ("U" in sequence or others)


class _Site(NamedTuple):
    """What is filled in as one: bases `start` to `end`, told by tokens `first` to `last`."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class _Words:
    """What may be filled in.

    Attributes
    ----------
    letter : {"T", "U"}
        How copies are written.
    by_length : mapping of int to (list of int, list of str)
        Words of bases alone by their number of letters: ids and words, in the order of letters.
    """

    letter: str
    by_length: Mapping[int, tuple[list[int], list[str]]]

    @classmethod
    def of(cls, model: HubModel, letter: str) -> _Words:
        vocabulary = model.checkpoint.tokenizer.vocabulary
        thymine = letter if vocabulary.thymine == "TU" else vocabulary.thymine
        allowed = frozenset(f"ACG{thymine}" if vocabulary.upper else f"acg{thymine.lower()}")
        found: dict[int, list[tuple[str, int]]] = {}
        for marked, number in vocabulary.words.items():
            # Marks that tokenizers of text put before words.
            word = marked.lstrip("▁Ġ").removeprefix("##")
            if word and allowed.issuperset(word):
                written = word.upper().replace("U" if letter == "T" else "T", letter)
                found.setdefault(len(word), []).append((written, number))
        ordered = {length: sorted(each) for length, each in found.items()}
        return cls(
            letter,
            {n: ([i for _, i in each], [word for word, _ in each]) for n, each in ordered.items()},
        )


@dataclass(frozen=True, eq=False)
class _Cut:
    """A sequence, its own tokens, and where something can be filled in."""

    sequence: str
    own: Ids
    sites: list[_Site]
    words: _Words

    @classmethod
    def of(cls, model: HubModel, sequence: str, tokens: TokenIds, words: _Words) -> _Cut:
        tokenizer = model.checkpoint.tokenizer
        before, after = tokenizer.special
        inside = slice(len(before), tokens.ids.size - len(after))
        own, spans = tokens.ids[inside], tokens.spans[inside]
        if tokenizer.manner == "kmer-overlap":
            sites = list(_sites_of_bases(sequence, tokenizer.k))
        else:
            sites = [
                _Site(start, end, place, place + 1)
                for place, (start, end) in enumerate(spans.tolist())
                if end - start in words.by_length and _BASES.issuperset(sequence[start:end])
            ]
        return cls(sequence, own, sites, words)


def _sites_of_bases(sequence: str, k: int) -> Iterator[_Site]:
    """Bases, each with all tokens that hold it; what is shorter than a word has none."""
    n_tokens = len(sequence) - k + 1
    for base, letter in enumerate(sequence if n_tokens > 0 else ""):
        if letter in _BASES:
            yield _Site(base, base + 1, max(0, base - k + 1), min(n_tokens, base + 1))


class _Copy:
    """A copy to be: which sites are hidden, and a random number for each."""

    def __init__(self, cut: _Cut, share: float, seed: int, number: int, place: int) -> None:
        self.cut = cut
        self.place = place
        self.letters = list(cut.sequence)
        named = hashlib.sha256(f"{seed}\n{number}\n{cut.sequence}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(named, "little"))
        n = len(cut.sites)
        count = min(n, max(1, math.floor(share * n + 0.5)))
        drawn = np.sort(random.permutation(n)[:count])
        self.hidden = [cut.sites[each] for each in drawn.tolist()]
        self.numbers: list[float] = random.random(count).tolist()

    def row(self, mask_id: int) -> Ids:
        """Own tokens, those hidden as the token that hides."""
        own = self.cut.own.copy()
        for site in self.hidden:
            own[site.first : site.last] = mask_id
        return own


class _Row(NamedTuple):
    """A window to be sent through the network, and which hidden sites it tells."""

    copy: _Copy
    start: int
    sites: list[int]


def _rows(windows: Windowing, todo: Sequence[_Copy]) -> list[_Row]:
    """Take each site from the window it is nearest the middle of; short sequences have one."""
    rows: list[_Row] = []
    for copy in todo:
        n = copy.cut.own.size
        starts = windows.starts(n)
        middles = np.array([(site.first + site.last) / 2 for site in copy.hidden])
        centres = np.array(starts) + windows.width(n) / 2
        nearest = np.abs(middles[:, None] - centres).argmin(axis=1)
        for number in np.unique(nearest).tolist():
            rows.append(_Row(copy, starts[number], np.flatnonzero(nearest == number).tolist()))
    return rows


def _fill(
    model: HubModel, todo: Sequence[_Copy], temperature: float, progress: Callable[[int], None]
) -> None:
    """Fill in all hidden sites of all copies."""
    windows, mask_id = model.windowing, model.checkpoint.mask_id
    assert mask_id is not None
    rows = _rows(windows, todo)
    left = Counter(id(row.copy) for row in rows)
    if len(left) < len(todo):
        progress(len(todo) - len(left))
    n_before, n_after = len(windows.before), len(windows.after)
    lengths = [windows.width(row.copy.cut.own.size) + n_before + n_after for row in rows]

    def ids(i: int) -> Ids:
        return windows.row(rows[i].copy.row(mask_id), rows[i].start)

    overlapping = model.checkpoint.tokenizer.manner == "kmer-overlap"
    for i, scores in model.network.word_scores(lengths, ids):
        copy, start, sites = rows[i]
        own = scores[n_before : lengths[i] - n_after]
        bases = _BaseTeller(model, copy, own, start) if overlapping else None
        for each in sites:
            site = copy.hidden[each]
            if bases is not None:
                words, told = [*"ACG", copy.cut.words.letter], bases.scores(site)
            else:
                numbers, words = copy.cut.words.by_length[site.end - site.start]
                told = own[site.first - start, numbers].double().cpu().numpy()
            picked = _pick(told, copy.numbers[each], temperature)
            copy.letters[site.start : site.end] = words[picked]
        left[id(copy)] -= 1
        if not left[id(copy)]:
            progress(1)


def _pick(scores: Floats, number: float, temperature: float) -> int:
    """Take the best, or draw by inverting the cumulative distribution at `number`."""
    if temperature == 0:
        return int(scores.argmax())
    cumulated = np.exp((scores - scores.max()) / temperature).cumsum()
    picked = np.searchsorted(cumulated, number * cumulated[-1], side="right")
    return min(int(picked), scores.size - 1)


class _BaseTeller:
    """Probabilities of hidden bases from tokens that overlap.

    Parameters
    ----------
    model : HubModel
    copy : _Copy
    scores : Tensor, shape (n_tokens, n_words)
        Of the own tokens of a window that begins with token `start`.
    start : int
    """

    def __init__(self, model: HubModel, copy: _Copy, scores: torch.Tensor, start: int) -> None:
        self._k = model.checkpoint.tokenizer.k
        seen = [_BASES_IN_ORDER.find(each) for each in copy.cut.sequence.replace("U", "T")]
        for site in copy.hidden:
            seen[site.start] = -1
        #: Code of each base that is seen; -1 for hidden ones, and for N.
        self._seen = seen
        self._start = start
        ids, _ = copy.cut.words.by_length[self._k]
        # Words are in the order of their letters, so each letter is an axis.
        self._tables: Floats = (
            scores[:, ids].double().cpu().numpy().reshape(-1, *[len(_BASES_IN_ORDER)] * self._k)
        )

    def scores(self, site: _Site) -> Floats:
        """Logarithms of the probabilities of A, C, G and T, float64[4]."""
        first = max(site.first, self._start)
        last = min(site.last, self._start + self._tables.shape[0])
        told = [self._told(token, site.start) for token in range(first, last)]
        mean: Floats = np.mean(told, axis=0)
        return mean

    def _told(self, token: int, base: int) -> Floats:
        """What one token tells of a base it holds."""
        codes = self._seen[token : token + self._k]
        index = tuple(slice(None) if code < 0 else code for code in codes)
        unseen = [token + place for place, code in enumerate(codes) if code < 0]
        others = tuple(axis for axis, each in enumerate(unseen) if each != base)
        table = _log_of_sum(self._tables[token - self._start][index], others)
        found: Floats = table - _log_of_sum(table, (0,))
        return found


def _log_of_sum(logarithms: Floats, axes: tuple[int, ...]) -> Floats:
    """Logarithms of sums, from logarithms; for so few numbers several times as fast as scipy's."""
    largest = logarithms.max(axis=axes, keepdims=True)
    sums = np.log(np.exp(logarithms - largest).sum(axis=axes))
    found: Floats = sums + largest.reshape(sums.shape)
    return found
