"""Spell terms in one way: case, Greek letters, hyphens, plurals, British words, ``+`` and ``-``."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_GREEK = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta"},
    **{"η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "π": "pi", "σ": "sigma"},
    **{"τ": "tau", "φ": "phi", "ψ": "psi", "ω": "omega"},
}
_GREEK_LETTERS = str.maketrans(_GREEK)
#: British spellings, at the beginning of a word or within it, and how they are spelled here. The
#: letters are looked for before the expression is tried, which takes longer.
_BRITISH = tuple(
    (british.replace(r"\b", ""), re.compile(british), american)
    for british, american in (
        (r"oestr", "estr"),
        (r"oesoph", "esoph"),
        (r"\bfoet", "fet"),
        (r"\bfaec", "fec"),
        (r"aemia", "emia"),
        (r"aemic", "emic"),
        (r"haem", "hem"),
        (r"paed", "ped"),
        (r"\bcaec", "cec"),
        (r"tumour", "tumor"),
        (r"\bcoel", "cel"),
        (r"leuco", "leuko"),
        (r"fibre\b", "fiber"),
        (r"fibres\b", "fiber"),
        (r"\bgrey\b", "gray"),
        (r"\bcentre\b", "center"),
    )
)
_POSITIVE = re.compile(r"(?<=\w)\s?\+(?!/)(?=\W|$|[a-zA-Z])")
#: A marker and a minus: "CD25- T cells", "CD16-,"; but not "CD8-positive" or "SK-N-SH".
_NEGATIVE = re.compile(
    r"\b((?:cd|sca|lin|ter|kit|cd45r[ao])\d*[a-z]{0,2})-(?=\s|,|$|cd\d|lin)", re.I
)
#: What nothing of a spelling reaches beyond, and the words in it.
_RUN = re.compile(r"\w+")
_WORD = re.compile(r"[a-z0-9]+")
_KEY = re.compile(r"[^a-z0-9]+")
#: Endings of words that are no plurals.
_SINGULAR = ("ss", "us", "is", "as", "os")
_PLURALS = {"feet": "foot", "bronchi": "bronchus", "nuclei": "nucleus", "ovaries": "ovary"}
#: Longer runs of letters hardly come twice.
_LONGEST_KEPT = 40


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Cut a text into words, each spelled in one way.

    ``"CD8+ T-Lymphocytes (foetal)"`` gives ``("cd8", "positive", "t", "lymphocyte", "fetal")``.
    """
    text = _plain(text)
    if "-" in text:
        text = _NEGATIVE.sub(r"\1 negative ", text)
    if "+" in text:
        text = _POSITIVE.sub(" positive ", text)
    found: list[str] = []
    for run in _RUN.findall(text):
        found += _kept_spelling(run) if len(run) <= _LONGEST_KEPT else _spelled(run)
    return tuple(found)


def _spelled(run: str) -> tuple[str, ...]:
    """Spell letters and digits that nothing parts; accents and underscores may."""
    for letters, british, american in _BRITISH:
        if letters in run:
            run = british.sub(american, run)
    return tuple([_singular(each) for each in _WORD.findall(run)])


_kept_spelling = lru_cache(maxsize=65536)(_spelled)


def folded(text: str) -> str:
    """Give the words of a text with one space between them."""
    return " ".join(words(text))


@lru_cache(maxsize=65536)
def key(text: str) -> str:
    """Give letters and digits alone, as names of cell lines and genes are known by.

    ``"SK-N-SH"``, ``"SKNSH"`` and ``"sk n sh"`` have the same.
    """
    return _KEY.sub("", _plain(text))


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_GREEK_LETTERS)
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _singular(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(_SINGULAR) or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 5:
        return f"{word[:-3]}y"
    return word[:-1]
