"""Part the description of a sample into what it is and what was done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


class _Pattern:
    """An expression, case aside, and letters of which every match has some.

    Letters are found much faster than an expression is tried. None of them is a space, so that
    taking something out of a text, for which a space stands then, never makes new ones.
    """

    def __init__(self, cues: str, expression: str) -> None:
        self._cues = tuple(cues.split())
        self._expression = re.compile(expression, re.I)
        self.search = self._expression.search
        self.sub = self._expression.sub
        self.findall = self._expression.findall

    def may_be_in(self, plain: str | None) -> bool:
        """Tell by a text in small letters; None stands for one that is not ASCII.

        There, letters of other alphabets may count for one of these.
        """
        if plain is None:
            return True
        for cue in self._cues:  # noqa: SIM110 - a generator takes twice as long
            if cue in plain:
                return True
        return False


#: A treatment or a change, and all that follows it.
_TREATED = _Pattern(
    "treat stim infect exposed response induc transfected transduced incubated starved presence "
    "cultured challenged expanded activat differentiat rubella calcification",
    r"[\s,;-]*\b(?:treated with|treatment with|treated|treatment|stimulated|stimulation|stim\b"
    r"|infection|infected|exposed to|response to|induced|induction|transfected|transduced"
    r"|incubated|starved|in the presence of|cultured with|challenged|expanded|activated with"
    r"|activation|cocultured|co-cultured|differentiation|differentiated|rubella|calcification)"
    r"\b.*$",
)
_UNTREATED = _Pattern(
    "untreated unstimulated mock control ctrl steady",
    r"\b(?:untreated|unstimulated|mock|control|ctrl|steady state)\b",
)
_ORIGIN = _Pattern(
    "from",
    r"\b(?:originated|derived|differentiated|generated|isolated|obtained) from\b.*$",
)
_FRACTION = _Pattern(
    "fraction nucleol nucleoplasm polysome subcellular",
    r"\b(?:(?:cytosolic|nuclear|chromatin|membrane|insoluble cytoplasmic|cytoplasmic|polysomic|"
    r"nucleolar|nucleoplasmic|nucle\w+)\s+fraction|nucleolus|nucleoplasm|polysome|subcellular)\b",
)
_PHASE = _Pattern(
    "phase",
    r"\b(?:G0|G1b?|G2|S|M|G2/M)[\s-]+phase\b",
)
_MODIFIED = _Pattern(
    "modified stabl knock overexpress crispr mutant transgenic ko wt +/ -/",
    r"\b(?:genetically modified|stably (?:expressing|transfected)|stable transfection|knock-?down"
    r"|knock-?out|overexpress\w*|crispr\w*|mutant|transgenic)\b.*$|(?<=\s)(?:KO|WT)\b|[+-]/[+-]",
)
_AGE = _Pattern(
    "0 1 2 3 4 5 6 7 8 9",
    r"\(?\b(?:\d+(?:\.\d+)?(?:\s*(?:-|to|,|and)\s*\d+(?:\.\d+)?)*)\s*-?\s*"
    r"(?:years?|yrs?|days?|weeks?|wks?|months?|hours?|hrs?|min(?:utes)?s?|dpc|pcw|gw)\b"
    r"(?:\s*(?:old|post[- ]?\w+))?\s*\)?|(?<=embryo)\s+E\d\d?(?:\.\d+)?\b"
    r"|\bE\d\d?(?:\.\d+)?(?=\s+embryo)|(?<=neonate)\s+N\d\d\b"
    r"|\b(?:>|over|above)?\s*89 and over\b|\bday\s?\d+\b|\bZT\s?\d+\b",
)
_SEX = _Pattern(
    "male woman women man men sex pregnant",
    r"\b(?:fe)?male\b|\bwom[ae]n\b|\bm[ae]n\b|\bunknown sex\b|\bpregnant\b",
)
_STAGE = {
    "fetal": _Pattern(
        "etal etus embryo prenatal",
        r"\bf(?:o)?etal\b(?! bovine)|\bf(?:o)?etus\b|\bembryo(?:nic)?\b(?![\s-]+(?:stem|kidney|"
        r"fibroblast|carcinoma|palatal|rhabdo))|\bprenatal\b",
    ),
    "newborn": _Pattern(
        "born neonat postnatal infant",
        r"\bnew-?born\b|\bneonat(?:e|al)\b|\bpostnatal\b|\binfant\b",
    ),
    "child": _Pattern("child juvenile adolescent", r"\bchild\b|\bjuvenile\b|\badolescent\b"),
    "adult": _Pattern("adult", r"\badult\b"),
}
_DISEASE = _Pattern(
    "sclerosis impairment alzheimer diseased infarct pathologic patient parkinson cirrho asthma "
    "diabet inflamed sample",
    r"\bwith (?:multiple sclerosis|(?:mild )?cognitive impairment|alzheimer'?s?(?: disease)?)\b"
    r"|\b(?:diseased|post-?infarction|pathologic\w*|patient|alzheimer(?:'?s)?(?: disease)?"
    r"|parkinson(?:'?s)?(?: disease)?|infarct\w*|cirrho\w*|asthma\w*|diabet\w*|inflamed"
    r"|tumou?r sample)\b",
)
#: What tells a replicate, a donor or a batch, and nothing of the sample.
_DEBRIS = _Pattern(
    "pool don rep biol tech lot clone batch cluster nuclei run sample lane ) encode seq",
    r"\b(?:pool|donor|donation|rep|replicate|tech_?rep|biol_?(?:rep)?|lot|clone ids?|batch|"
    r"clusters?|nuclei|run|sample|lane)[\s_-]*\d*\b|\bbiol_\w*|\btech_\w*|,\s+\([A-Z]{2,5}\d{1,4}\)\s*$|"
    r"\bENCODE\b|\bencode\b|\bchip-?seq\b|\bDNase-?seq\b|"
    r"-clusters_\d+-cluster_\d+|\(pluriselect\)|\(polyclonal\)",
)
_STRAIN = _Pattern(
    "c57bl balb cd1 cd-1 dba b6 nih c3h cba 129 fvb sjl spretus mixed nod swiss icr",
    r"\b(?:C57BL[/_]?6(?:[JN]\b)?|BALB/c\w*|CD-?1|DBA/2\w*|B6\w*F1/J|B6D2\w*|NIH/Swiss|C3H\w*|CBA\w*"
    r"|129(?:S\w*|P\w*|/\w+)?(?=\s)|FVB\w*|SJL\w*|M\.\s?spretus(?: x)?|mixed(?=\s)|NOD\w*|"
    r"Swiss(?=\s)|ICR)\b",
)
#: What any sample may be called, which tells none from another.
_PREPARATION = _Pattern(
    "tissue primary human sapiens mouse mice musculus murine rna whole immortali established "
    "cultured normal healthy",
    r"\b(?:tissues?|primary|human|homo sapiens|mouse|mice|mus musculus|murine|total rna|whole|"
    r"immortali[sz]ed|established|cultured|normal|healthy)\b",
)
#: A treatment that is none.
_VEHICLE = re.compile(
    r"\b(?:dmso|dimethyl sulfoxide|ethanol|etoh|vehicle|mock|control|pbs|water|saline)\b", re.I
)
_NUMBER = re.compile(r"\b[EN]?\d+(?:\.\d+)?", re.I)
_SEXES = {
    **dict.fromkeys(("male", "man", "men"), "male"),
    **dict.fromkeys(("female", "woman", "women", "pregnant"), "female"),
}
#: What is done with samples, in the order in which it is looked for.
_DONE = (
    ("origin", _ORIGIN),
    ("modified", _MODIFIED),
    ("treated", _TREATED),
    ("fraction", _FRACTION),
    ("phase", _PHASE),
    ("disease", _DISEASE),
)
#: What is left between two ages.
_AND = re.compile(r"(?:\s+and|\s*\(\s*\))+$", re.I)
#: Commas beyond which nothing that tells age, stage or sex reaches, and the one thing that does.
_COMMA = re.compile(r",(?!\s*[\d(])")
_CODE = re.compile(r"\([A-Z]{2,5}\d{1,4}\)", re.I)
#: Longer pieces hardly come twice.
_LONGEST_KEPT = 60


@dataclass(frozen=True, slots=True)
class Description:
    """A description of a sample in its parts.

    Attributes
    ----------
    text : str
        As it was given.
    identity : str
        What it is, without what the others tell.
    marks : frozenset of str
        What was done with it: ``treated``, ``untreated``, ``fraction``, ``phase``, ``modified``,
        ``origin``, ``disease``.
    stage : str
        ``fetal``, ``newborn``, ``child``, ``adult``, or empty.
    sex : str
        ``male``, ``female``, both in one word if it says both, or empty.
    ages : frozenset of str
        Numbers and codes of ages: ``51``, ``e15``.
    details : mapping of str to str
        What was done, in words, by mark.
    strain : bool
        Whether a strain of mouse is told.
    """

    text: str
    identity: str
    marks: frozenset[str]
    stage: str
    sex: str
    ages: frozenset[str]
    details: Mapping[str, str]
    strain: bool


def describe(text: str) -> Description:
    """Part a description into what the sample is and what was done with it."""
    rest = text.replace("_", " ") if " " not in text.strip() else text
    plain = _plain(rest)
    marks = set()
    if _UNTREATED.may_be_in(plain) and _UNTREATED.search(rest):
        marks.add("untreated")
        rest = _UNTREATED.sub(" ", rest)
    details: dict[str, str] = {}
    for mark, pattern in _DONE:
        if pattern.may_be_in(plain):
            rest = _taken_off(rest, mark, pattern, details)
    strain = _STRAIN.may_be_in(plain) and bool(_STRAIN.search(rest))
    if strain:
        rest = _STRAIN.sub(" ", rest)
    pieces = [rest] if _CODE.search(rest) else _COMMA.split(rest)
    told = [_kept_piece(each) if len(each) <= _LONGEST_KEPT else _piece(each) for each in pieces]
    stages = {stage for each in told for stage in each.stages}
    return Description(
        text=text,
        identity=_identity(",".join([each.rest for each in told])) or " ".join(text.split()),
        marks=frozenset(marks.union(details)),
        stage=next((stage for stage in _STAGE if stage in stages), ""),
        sex="".join(sorted({sex for each in told for sex in each.sexes})),
        ages=frozenset([age for each in told for age in each.ages]),
        details=details,
        strain=strain,
    )


def _plain(text: str) -> str | None:
    return text.lower() if text.isascii() else None


def _taken_off(rest: str, mark: str, pattern: _Pattern, details: dict[str, str]) -> str:
    """Take off what was done, and tell it."""
    found = pattern.search(rest)
    # What begins with it names the sample by it, and keeps its name.
    if not found or not (mark == "disease" or rest[: found.start()].strip(" ,;-(")):
        return rest
    if mark == "treated" and _VEHICLE.search(found[0]):
        mark = "vehicle"
    details[mark] = found[0]
    return rest[: found.start()] + " " + rest[found.end() :]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a piece of a description tells, and what is left of it."""

    rest: str
    stages: tuple[str, ...]
    ages: frozenset[str]
    sexes: frozenset[str]


def _piece(rest: str) -> _Piece:
    plain = _plain(rest)
    staged = {name: each for name, each in _STAGE.items() if each.may_be_in(plain)}
    stages = tuple(name for name, pattern in staged.items() if pattern.search(rest))
    ages: set[str] = set()
    if _AGE.may_be_in(plain):
        found = _AGE.findall(rest)
        ages.update(number.lower() for each in found for number in _NUMBER.findall(each))
        rest = _AGE.sub(" ", rest)
    for pattern in staged.values():
        rest = pattern.sub(" ", rest)
    sexes: set[str] = set()
    if _SEX.may_be_in(plain):
        sexes = {_SEXES.get(each.lower(), "") for each in _SEX.findall(rest)} - {""}
        rest = _SEX.sub(" ", rest)
    for pattern in (_DEBRIS, _PREPARATION):
        if pattern.may_be_in(plain):
            rest = pattern.sub(" ", rest)
    return _Piece(rest, stages, frozenset(ages), frozenset(sexes))


_kept_piece = lru_cache(maxsize=65536)(_piece)


def _identity(rest: str) -> str:
    """Give what is left of a description without the punctuation around it."""
    identity = " ".join(rest.split())
    if identity.endswith((")", "d", "D")):
        identity = _AND.sub("", identity)
    identity = identity.strip(" ,;:-/.")
    if identity.count("(") != identity.count(")"):
        identity = identity.replace("(", " ").replace(")", " ").strip()
    return identity
