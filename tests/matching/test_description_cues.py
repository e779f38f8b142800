"""That letters are looked for before an expression is tried changes nothing."""

import re
from random import Random

import pytest

from genomark.matching import description
from genomark.matching.description import describe

PATTERNS = {
    name: each
    for name, each in {**vars(description), **description._STAGE}.items()
    if isinstance(each, description._Pattern)
}
#: Words of all kinds of circumstances, and what stands between them.
_LISTED = (
    "treated stimulated stim infected exposed induced transfected rubella untreated mock control "
    "ctrl steady state originated derived from cytosolic fraction nucleolus nucleoplasm phase G1b "
    "S G2/M genetically modified stably expressing knockdown knock-out overexpressing CRISPRi KO "
    "WT +/- -/+ 5 years 12.5 days E15 embryo N12 neonate 89 and over ZT4 day 3 hours male FEMALE "
    "women man unknown sex pregnant fetal foetus bovine prenatal new-born postnatal child adult "
    "with multiple sclerosis mild cognitive impairment diseased post-infarction cirrhosis tumour "
    "sample pool1 donor12 donation biol_rep3 tech_rep lot clone id batch cluster nuclei run lane "
    "(AB12) (CELL77) ENCODE chip-seq DNase-seq -clusters_3-cluster_4 (pluriselect) (polyclonal) "
    "C57BL/6J BALB/c CD-1 DBA/2J B6D2F1/J NIH/Swiss C3H CBA 129/S4 FVB/N SJL M. spretus mixed NOD "
    "ICR tissue primary human homo sapiens mouse mice mus musculus total RNA whole immortalised "
    "established cultured normal healthy liver K562 cell ſex adult\u0131 α ( ) 3 4, 5 "
    "G1b~phase M-phase tumor~sample derived~from isolated~from"
)
WORDS = [each.replace("~", " ") for each in _LISTED.split()]
BETWEEN = (" ", " ", " ", ", ", ",", "_", "", ";", "-", " , ")


def texts(count):
    drawn = Random(5)
    for _ in range(count):
        chosen = drawn.choices(WORDS, k=drawn.randint(1, 9))
        yield "".join(word + drawn.choice(BETWEEN) for word in chosen)


@pytest.fixture
def without_cues(monkeypatch):
    """Try every expression on every text, and cut none at its commas."""
    monkeypatch.setattr(description._Pattern, "may_be_in", lambda self, plain: True)
    monkeypatch.setattr(description, "_COMMA", re.compile(r"(?!)"))
    monkeypatch.setattr(description, "_kept_piece", description._piece)


@pytest.mark.parametrize("name", PATTERNS)
def test_what_matches_has_a_cue(name):
    pattern = PATTERNS[name]
    matching = [text for text in texts(5_000) if text.isascii() and pattern.search(text)]
    assert matching
    assert all(pattern.may_be_in(text.lower()) for text in matching)
    assert pattern.may_be_in(None)


@pytest.mark.parametrize("name", PATTERNS)
def test_most_names_are_told_apart_by_their_letters(name):
    assert not PATTERNS[name].may_be_in("hela")


def test_descriptions_are_the_same_without_cues_and_in_one_piece(request):
    drawn = list(texts(5_000))
    fast = [describe(text) for text in drawn]
    request.getfixturevalue("without_cues")
    assert [describe(text) for text in drawn] == fast
    assert sum(bool(each.marks) for each in fast) > 1_500
    assert sum(bool(each.stage) for each in fast) > 500


def test_an_age_may_go_on_beyond_a_comma_and_a_code_begin_with_one():
    assert describe("liver, 5, 6 years").ages == {"5", "6"}
    assert describe("liver, male (AB12)").identity == "liver"
    assert describe("liver, male, child (4 years), embryo E15").ages == {"4", "e15"}
