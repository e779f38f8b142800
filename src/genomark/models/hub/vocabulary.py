"""What the words of a tokenizer are made of, and so how sequences have to be written for it.

Two thirds of all genomic checkpoints come with a tokenizer made for text. It has to be given the
letters its words are of (T or U, upper or lower case), and some need a sequence cut into words of
k letters first. All of this can be told from the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from genomark.errors import UsageError

#: How a sequence becomes tokens: by letters, by words of k letters side by side (what is left or
#: holds other letters, by letters), by overlapping words of k letters, or as the tokenizer does.
Manner = Literal["single", "kmer", "kmer-overlap", "own"]
Tokens = Literal["auto", "own", "single", "kmer", "kmer-overlap"]

_BASES = frozenset("ACGTUNacgtun")
_LONGEST = 8


@dataclass(frozen=True)
class Vocabulary:
    """The vocabulary of a tokenizer.

    Attributes
    ----------
    spec : str
        The model, for messages.
    words : mapping of str to int
        Ids by word, without special tokens.
    """

    spec: str
    words: Mapping[str, int]

    @classmethod
    def of(cls, spec: str, tokenizer: Any) -> Vocabulary:
        """Read the vocabulary of a tokenizer of transformers."""
        special = set(tokenizer.all_special_tokens)
        return cls(
            spec, {word: i for word, i in tokenizer.get_vocab().items() if word not in special}
        )

    @cached_property
    def _of_bases(self) -> list[str]:
        """Words of bases alone, in one case: the upper one if there is a word in it."""
        words = [word for word in self.words if word and _BASES.issuperset(word)]
        upper = [word for word in words if word.isupper()]
        return sorted(upper or words)

    @cached_property
    def upper(self) -> bool:
        """Whether words are in upper case."""
        return not self._of_bases or self._of_bases[0].isupper()

    @cached_property
    def thymine(self) -> Literal["T", "U", "TU"]:
        """Whether words have T, U, or both; long words tell more than letters."""
        longest = max(map(len, self._of_bases), default=1)
        for words in ([w for w in self._of_bases if len(w) > 1 or longest == 1], self._of_bases):
            letters = set("".join(words).upper())
            if len(letters & {"T", "U"}) == 1:
                return "T" if "T" in letters else "U"
        return "TU"

    @cached_property
    def k(self) -> int:
        """Length of the longest words of which there are all over four bases; 0 for none."""
        letters = "ACGU" if self.thymine == "U" else "ACGT"
        letters = letters if self.upper else letters.lower()
        counts = [0] * (_LONGEST + 1)
        for word in self._of_bases:
            if len(word) <= _LONGEST and set(letters).issuperset(word):
                counts[len(word)] += 1
        return max((k for k in range(1, _LONGEST + 1) if counts[k] == 4**k), default=0)

    def manner(self, tokens: Tokens) -> Manner:
        """How sequences are cut into tokens.

        Parameters
        ----------
        tokens : str
            ``auto`` to tell it from the words.

        Raises
        ------
        UsageError
            If the vocabulary has no words for the manner asked for.
        """
        lengths = {len(word) for word in self._of_bases}
        if tokens == "auto":
            if lengths == {1}:
                return "single" if self.k == 1 else "own"
            if self.k > 1 and lengths == {self.k}:
                return "kmer-overlap"
            if self.k > 1 and lengths == {1, self.k}:
                return "kmer"
            return "own"
        if tokens != "own" and (1 not in lengths if tokens == "single" else self.k < 2):
            sort = "single letters" if tokens == "single" else "all words of k letters"
            raise UsageError(f"{self.spec}: tokens={tokens}: its vocabulary has not {sort}")
        return tokens

    def written(self, sequence: str) -> str:
        """Write a sequence with the letters that the words are of."""
        sequence = sequence.upper()
        if self.thymine == "T":
            sequence = sequence.replace("U", "T")
        elif self.thymine == "U":
            sequence = sequence.replace("T", "U")
        return sequence if self.upper else sequence.lower()
