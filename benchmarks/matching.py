"""How long terms take to match: the first over a list, later ones, and the same ones again.

All labelled terms of cell types are matched with the 701 names of the RNA tracks of Borzoi, and
two terms with 100,000 names: real ones with ages, donors and treatments put to them. In the same
run `rapidfuzz.process.extractOne` and difflib look for the nearest spelling of the same terms;
difflib, which takes long, of few of them, and not among the 100,000. All are processor seconds.
A later term that needs no vectors of sentences must take less than 20 ms (99 of 100), and a term
asked again less than 5; otherwise the exit status is 1.

usage: python benchmarks/matching.py [NAMES]
"""

from __future__ import annotations

import difflib
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from genomark.benchmarks.matching.labelled_terms import (
    DATASET,
    read_choices,
    shipped_terms,
    vocabulary_file,
)
from genomark.datasets import path
from genomark.matching import Matcher
from genomark.matching.tables import shipped

NAMES, OF_THE_SLOW = 100_000, 10
LATER_MS, AGAIN_MS = 20, 5
LONG_TERMS = ("K562", "heart left ventricle, female")

Find = Callable[[str, Sequence[str]], object]


def varied(names: Sequence[str], count: int) -> list[str]:
    """Put ages, donors and treatments to names."""
    drawn = random.Random(0)
    found: set[str] = set()
    while len(found) < count:
        parts = [drawn.choice(names)]
        if drawn.random() < 0.6:
            stage = drawn.choice(("male adult", "female adult", "male embryo", "female child"))
            parts.append(f"{stage} ({drawn.randint(1, 90)} {drawn.choice(('years', 'days'))})")
        if drawn.random() < 0.6:
            parts.append(f"donor{drawn.randint(1, 500)}")
        if drawn.random() < 0.5:
            what = drawn.choice(("dexamethasone", "TNF alpha", "DMSO", "JQ1", "estradiol"))
            hours = drawn.randint(1, 72)
            parts.append(f"treated with {drawn.randint(1, 100)} nM {what} for {hours} hours")
        found.add(", ".join(parts))
    return sorted(found)


def milliseconds(find: Find, terms: Sequence[str], names: Sequence[str]) -> np.ndarray:
    taken = []
    for term in terms:
        begun = time.process_time()
        find(term, names)
        taken.append(1000 * (time.process_time() - begun))
    return np.array(taken)


def megabytes() -> float:
    """Memory of this process (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def show(what: str, taken: np.ndarray) -> None:
    median, most, longest = np.quantile(taken, (0.5, 0.99, 1.0))
    print(f"  {what:34} median {median:9.2f}  p99 {most:9.2f}  max {longest:9.2f} ms")


def by_rapidfuzz(term: str, names: Sequence[str]) -> object:
    return process.extractOne(term, names, scorer=fuzz.WRatio)


def by_difflib(term: str, names: Sequence[str]) -> object:
    return difflib.get_close_matches(term, names, n=1, cutoff=0.6)


def with_matcher(matcher: Matcher) -> Find:
    return lambda term, names: matcher.explain("cell_type", term, names)


def short_list(terms: Sequence[str], names: Sequence[str]) -> tuple[float, float]:
    """Print the times over the real names; gives those that are bounded."""
    print(f"{len(terms)} terms, {len(names)} names; processor time a term")
    plain = with_matcher(Matcher(semantic=False))
    show("genomark, first", milliseconds(plain, terms[:1], names))
    later = milliseconds(plain, terms[1:], names)
    show("genomark, later", later)
    again = milliseconds(plain, terms, names)
    show("genomark, again", again)
    meaning = with_matcher(Matcher())
    milliseconds(meaning, ["hair root dermal papilla cells"], names)
    show("genomark with meaning, later", milliseconds(meaning, terms, names))
    show("rapidfuzz.process.extractOne", milliseconds(by_rapidfuzz, terms, names))
    show("difflib.get_close_matches", milliseconds(by_difflib, terms[:OF_THE_SLOW], names))
    return float(np.quantile(later, 0.99)), float(np.quantile(again, 0.99))


def long_list(names: Sequence[str]) -> None:
    print(f"{len(names):,} names; processor time a term")
    before = megabytes()
    find = with_matcher(Matcher(semantic=False))
    show("genomark, first", milliseconds(find, LONG_TERMS[:1], names))
    show("genomark, later", milliseconds(find, LONG_TERMS[1:], names))
    show("genomark, again", milliseconds(find, LONG_TERMS, names))
    grown = megabytes() - before
    show("rapidfuzz.process.extractOne", milliseconds(by_rapidfuzz, LONG_TERMS, names))
    print(f"  memory of the list read: {grown:.0f} MB")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else NAMES
    shipped()
    file, assay = vocabulary_file("borzoi_human RNA")
    names = read_choices(path(DATASET, file), "cell_type", assay)
    asked = (each.requested for each in shipped_terms() if each.category == "cell_type")
    terms = list(dict.fromkeys(asked))
    later, again = short_list(terms, names)
    long_list(varied(names, count))
    if later > LATER_MS or again > AGAIN_MS:
        sys.exit(f"expected {LATER_MS} and {AGAIN_MS} ms at most, got {later:.1f}, {again:.1f}")


if __name__ == "__main__":
    main()
