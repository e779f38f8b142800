"""Sequences to tokens, many at once, with the bases that each token stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.errors import ModelError
from genomark.models.hub.vocabulary import Manner, Tokens, Vocabulary

#: The share of letters that a checkpoint may not know; N, which stands for any base, aside.
_UNKNOWN = 0.05
#: Words that a table may have a place for.
_LARGEST_TABLE = 1 << 26
#: What tokenizers of text put before the letters of a word.
_MARKS = re.compile("^(?:##|[▁Ġ]+)")

_Cut = tuple[NDArray[np.int64], NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class TokenIds:
    """The tokens of a sequence.

    Attributes
    ----------
    ids : ndarray of int64, shape (n_tokens,)
        Special tokens among them, as the checkpoint expects them.
    spans : ndarray of int32, shape (n_tokens, 2)
        First base of each token, and the one after its last; -1 for special tokens.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]


class SequenceTokenizer:
    """A tokenizer of transformers, told how to read sequences.

    Parameters
    ----------
    spec : str
        The model, for messages.
    tokenizer : object
        As transformers loads it.
    tokens : str
        How to cut sequences, a `genomark.models.hub.vocabulary.Tokens`.
    """

    def __init__(self, spec: str, tokenizer: Any, tokens: Tokens = "auto") -> None:
        self._spec = spec
        self._tokenizer = tokenizer
        self.vocabulary = Vocabulary.of(spec, tokenizer)
        self.manner: Manner = self.vocabulary.manner(tokens)
        self.mask_id: int | None = tokenizer.mask_token_id
        known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self.pad_id: int = next(each for each in known if each is not None)

    @property
    def longest(self) -> int:
        """Tokens that the tokenizer says the model can see; a huge number for no limit."""
        return int(self._tokenizer.model_max_length)

    @property
    def k(self) -> int:
        """Letters of a word; 1 where words are not all of one length."""
        return self.vocabulary.k if self.manner in ("kmer", "kmer-overlap") else 1

    @cached_property
    def special(self) -> tuple[list[int], list[int]]:
        """Ids of the special tokens before and after a sequence."""
        word = min(self.vocabulary.words, key=lambda word: (len(word), word), default="A")
        for text in ("A" * self.k, "a" * self.k, word):
            own = self._tokenizer(text, add_special_tokens=False)["input_ids"]
            ids = self._tokenizer(text)["input_ids"]
            for start in range(len(ids) - len(own) + 1):
                if own and ids[start : start + len(own)] == own:
                    return list(ids[:start]), list(ids[start + len(own) :])
        raise ModelError(f"{self._spec}: its tokenizer makes no token of '{word}'")

    def encode(self, sequences: Sequence[str]) -> list[TokenIds]:
        """Cut sequences into tokens; the same sequence is cut once.

        Raises
        ------
        ModelError
            If a sequence is empty, or more than 5 % of the letters (N aside) are in tokens that
            the checkpoint does not know.
        """
        distinct = list(dict.fromkeys(sequences))
        if "" in distinct:
            row = list(sequences).index("") + 1
            raise ModelError(f"{self._spec}: sequence {row} is empty; expected at least one base")
        texts = [self.vocabulary.written(sequence) for sequence in distinct]
        cuts = {
            "single": self._single,
            "kmer": self._side_by_side,
            "kmer-overlap": self._overlapping,
            "own": self._own,
        }[self.manner](texts)
        before, after = self.special
        made = dict(zip(distinct, _with_special(list(cuts), before, after), strict=True))
        return [made[sequence] for sequence in sequences]

    def _single(self, texts: list[str]) -> Iterator[_Cut]:
        table = np.full(256, -1, dtype=np.int64)
        for word, token in self.vocabulary.words.items():
            if len(word) == 1 and ord(word) < table.size:
                table[ord(word)] = token
        joined = table[_letters("".join(texts))]
        self._check_letters(joined < 0, "".join(texts))
        ids = self._or_unknown(joined)
        return _spread(ids, [len(text) for text in texts], 1)

    def _overlapping(self, texts: list[str]) -> Iterator[_Cut]:
        """Number all words, and look the numbers up."""
        k = self.k
        table, digit = self._numbered
        base = int(digit.max()) + 1
        # What is too short for a word becomes one that is unknown.
        padded = [text.ljust(k, "\0") for text in texts]
        joined = "".join(padded)
        digits = digit[_letters(joined)]
        self._check_letters(digits == base - 1, joined)
        numbers = np.zeros(digits.size - k + 1, dtype=np.int64)
        for place in range(k):
            numbers = numbers * base + digits[place : place + numbers.size]
        found = table[numbers]
        starts = np.cumsum([0, *map(len, padded[:-1])])
        parts = [
            found[start : start + len(text) - k + 1]
            for start, text in zip(starts, padded, strict=True)
        ]
        ids = self._or_unknown(np.concatenate(parts))
        spread = _spread(ids, [part.size for part in parts], k)
        for text, (own, spans) in zip(texts, spread, strict=True):
            yield own, spans if len(text) >= k else np.array([[0, len(text)]], np.int32)

    @cached_property
    def _numbered(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids by the number of a word (-1: no word), and the digit of each letter.

        A number has a digit for each letter; the largest digit is that of letters in no word.
        """
        words = {word: i for word, i in self.vocabulary.words.items() if len(word) == self.k}
        words = {word: i for word, i in words.items() if word.isascii() and word.isalpha()}
        letters = sorted(set("".join(words)))
        digit = np.full(256, len(letters), dtype=np.int64)
        digit[[ord(letter) for letter in letters]] = np.arange(len(letters))
        base = len(letters) + 1
        if base**self.k > _LARGEST_TABLE:
            raise ModelError(
                f"{self._spec}: words of {self.k} over {len(letters)} letters are too many; "
                "try tokens=own"
            )
        table = np.full(base**self.k, -1, dtype=np.int64)
        for word, token in words.items():
            table[sum(int(digit[ord(x)]) * base**i for i, x in enumerate(reversed(word)))] = token
        return table, digit

    def _side_by_side(self, texts: list[str]) -> Iterator[_Cut]:
        """Cut off a word wherever there is one of k letters, else a letter."""
        words = self.vocabulary.words
        bases = "".join(sorted({x for word in words if len(word) == self.k for x in word}))
        pattern = re.compile(f"[{re.escape(bases)}]{{{self.k}}}|.", re.DOTALL)
        joined = "".join(texts)
        known = np.zeros(256, dtype=bool)
        known[[ord(word) for word in words if len(word) == 1 and ord(word) < 256]] = True
        self._check_letters(~known[_letters(joined)], joined)
        for text in texts:
            found = pattern.findall(text)
            ids = np.array([words.get(word, -1) for word in found], dtype=np.int64)
            ends = np.cumsum([len(word) for word in found], dtype=np.int32)
            yield self._or_unknown(ids), _side_by_side_spans(ends)

    def _own(self, texts: list[str]) -> Iterator[_Cut]:
        unknown = self._tokenizer.unk_token_id
        cuts = list(self._by_library(texts) if self._tokenizer.is_fast else self._by_words(texts))
        letters = 0
        for text, (ids, spans) in zip(texts, cuts, strict=True):
            if not (spans[:, 0] >= 0).any():
                raise ModelError(f"{self._spec}: its tokenizer makes no token of '{text[:20]}'")
            for start, end in spans[ids == unknown].tolist():
                letters += end - start - text.count("N", start, end) - text.count("n", start, end)
        self._check(letters, texts, "")
        yield from cuts

    def _by_library(self, texts: list[str]) -> Iterator[_Cut]:
        """Let a tokenizer of the tokenizers library do many at once, on all cores."""
        backend = self._tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        encoded = backend.encode_batch_fast(texts, add_special_tokens=False)
        for text, each in zip(texts, encoded, strict=True):
            ids = np.array(each.ids, dtype=np.int64)
            ends = np.cumsum(self._letters_of[ids], dtype=np.int32)
            if ends.size and ends[-1] == len(text):
                spans = _side_by_side_spans(ends)
            else:
                # Where unknown letters share a token, only the slower way tells how many.
                slower = backend.encode(text, add_special_tokens=False)
                spans = np.array(slower.offsets, dtype=np.int32).reshape(-1, 2)
            spans[spans[:, 0] == spans[:, 1]] = -1
            yield ids, spans

    @cached_property
    def _letters_of(self) -> NDArray[np.int64]:
        """Letters of each token, by its id; one of the unknown one."""
        vocabulary = self._tokenizer.get_vocab()
        table = np.zeros(max(vocabulary.values()) + 1, dtype=np.int64)
        for word, token in vocabulary.items():
            table[token] = len(_MARKS.sub("", word))
        if self._tokenizer.unk_token_id is not None:
            table[self._tokenizer.unk_token_id] = 1
        return table

    def _by_words(self, texts: list[str]) -> Iterator[_Cut]:
        """Find where the words of a tokenizer written in Python stand, by their lengths."""
        for text in texts:
            words = self._tokenizer.tokenize(text)
            lengths = [len(_MARKS.sub("", word)) for word in words]
            if sum(lengths) != len(text):
                raise ModelError(
                    f"{self._spec}: its tokenizer does not say which bases a token stands for; "
                    "try tokens=single or tokens=kmer"
                )
            ids = np.array(self._tokenizer.convert_tokens_to_ids(words), dtype=np.int64)
            spans = _side_by_side_spans(np.cumsum(lengths, dtype=np.int32))
            spans[spans[:, 0] == spans[:, 1]] = -1
            yield ids, spans

    def _or_unknown(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put the unknown token where there is none (-1)."""
        absent = ids < 0
        if absent.any():
            unknown = self._tokenizer.unk_token_id
            if unknown is None:
                raise ModelError(
                    f"{self._spec}: sequences hold letters that are not in its vocabulary, and it "
                    "has no token for unknown ones; leave such sequences out"
                )
            ids = np.where(absent, unknown, ids)
        return ids

    def _check_letters(self, absent: NDArray[np.bool_], joined: str) -> None:
        if not absent.any():
            return
        letters = _letters(joined)[absent]
        counted = letters[(letters != ord("N")) & (letters != ord("n")) & (letters != 0)]
        shown = ", ".join(f"'{chr(letter)}'" for letter in np.unique(counted)[:8])
        self._check(counted.size, [joined], f" ({shown})")

    def _check(self, unknown: int, texts: list[str], which: str) -> None:
        letters = sum(map(len, texts))
        if unknown > _UNKNOWN * letters:
            raise ModelError(
                f"{self._spec}: its tokenizer does not know {unknown / letters:.0%} of the letters"
                f"{which}; expected bases, and at most {_UNKNOWN:.0%} of others"
            )


def _letters(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("latin-1", "replace"), np.uint8)


def _spread(ids: NDArray[np.int64], counts: Sequence[int], width: int) -> Iterator[_Cut]:
    """Part the tokens of many sequences, each a base further than the one before."""
    starts = np.arange(max(counts, default=0), dtype=np.int32)
    spans = np.stack([starts, starts + width], axis=1)
    begin = 0
    for count in counts:
        yield ids[begin : begin + count], spans[:count]
        begin += count


def _side_by_side_spans(ends: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int32)


def _with_special(cuts: list[_Cut], before: list[int], after: list[int]) -> Iterator[TokenIds]:
    """Put the special tokens around each; all of it lies in two arrays."""
    extra = len(before) + len(after)
    total = sum(ids.size + extra for ids, _ in cuts)
    ids, spans = np.empty(total, np.int64), np.full((total, 2), -1, np.int32)
    begin = 0
    for own, own_spans in cuts:
        first, last = begin + len(before), begin + len(before) + own.size
        ids[begin:first] = before
        ids[first:last] = own
        ids[last : last + len(after)] = after
        spans[first:last] = own_spans
        yield TokenIds(ids[begin : last + len(after)], spans[begin : last + len(after)])
        begin = last + len(after)
