"""Part the description of a sample into what it is and what was done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: A treatment or a change, and all that follows it.
_TREATED = re.compile(
    r"[\s,;-]*\b(?:treated with|treatment with|treated|treatment|stimulated|stimulation|stim\b"
    r"|infection|infected|exposed to|response to|induced|induction|transfected|transduced"
    r"|incubated|starved|in the presence of|cultured with|challenged|expanded|activated with"
    r"|activation|cocultured|co-cultured|differentiation|differentiated|rubella|calcification)"
    r"\b.*$",
    re.I,
)
_UNTREATED = re.compile(r"\b(?:untreated|unstimulated|mock|control|ctrl|steady state)\b", re.I)
_ORIGIN = re.compile(
    r"\b(?:originated|derived|differentiated|generated|isolated|obtained) from\b.*$", re.I
)
_FRACTION = re.compile(
    r"\b(?:(?:cytosolic|nuclear|chromatin|membrane|insoluble cytoplasmic|cytoplasmic|polysomic|"
    r"nucleolar|nucleoplasmic|nucle\w+)\s+fraction|nucleolus|nucleoplasm|polysome|subcellular)\b",
    re.I,
)
_PHASE = re.compile(r"\b(?:G0|G1b?|G2|S|M|G2/M)[\s-]+phase\b", re.I)
_MODIFIED = re.compile(
    r"\b(?:genetically modified|stably (?:expressing|transfected)|stable transfection|knock-?down"
    r"|knock-?out|overexpress\w*|crispr\w*|mutant|transgenic)\b.*$|(?<=\s)(?:KO|WT)\b|[+-]/[+-]",
    re.I,
)
_AGE = re.compile(
    r"\(?\b(?:\d+(?:\.\d+)?(?:\s*(?:-|to|,|and)\s*\d+(?:\.\d+)?)*)\s*-?\s*"
    r"(?:years?|yrs?|days?|weeks?|wks?|months?|hours?|hrs?|min(?:utes)?s?|dpc|pcw|gw)\b"
    r"(?:\s*(?:old|post[- ]?\w+))?\s*\)?|(?<=embryo)\s+E\d\d?(?:\.\d+)?\b"
    r"|\bE\d\d?(?:\.\d+)?(?=\s+embryo)|(?<=neonate)\s+N\d\d\b"
    r"|\b(?:>|over|above)?\s*89 and over\b|\bday\s?\d+\b|\bZT\s?\d+\b",
    re.I,
)
_SEX = re.compile(r"\b(?:fe)?male\b|\bwom[ae]n\b|\bm[ae]n\b|\bunknown sex\b|\bpregnant\b", re.I)
_STAGE = {
    "fetal": re.compile(
        r"\bf(?:o)?etal\b(?! bovine)|\bf(?:o)?etus\b|\bembryo(?:nic)?\b(?![\s-]+(?:stem|kidney|"
        r"fibroblast|carcinoma|palatal|rhabdo))|\bprenatal\b",
        re.I,
    ),
    "newborn": re.compile(r"\bnew-?born\b|\bneonat(?:e|al)\b|\bpostnatal\b|\binfant\b", re.I),
    "child": re.compile(r"\bchild\b|\bjuvenile\b|\badolescent\b", re.I),
    "adult": re.compile(r"\badult\b", re.I),
}
_DISEASE = re.compile(
    r"\bwith (?:multiple sclerosis|(?:mild )?cognitive impairment|alzheimer'?s?(?: disease)?)\b"
    r"|\b(?:diseased|post-?infarction|pathologic\w*|patient|alzheimer(?:'?s)?(?: disease)?"
    r"|parkinson(?:'?s)?(?: disease)?|infarct\w*|cirrho\w*|asthma\w*|diabet\w*|inflamed"
    r"|tumou?r sample)\b",
    re.I,
)
#: What tells a replicate, a donor or a batch, and nothing of the sample.
_DEBRIS = re.compile(
    r"\b(?:pool|donor|donation|rep|replicate|tech_?rep|biol_?(?:rep)?|lot|clone ids?|batch|"
    r"clusters?|nuclei|run|sample|lane)[\s_-]*\d*\b|\bbiol_\w*|\btech_\w*|,\s+\([A-Z]{2,5}\d{1,4}\)\s*$|"
    r"\bENCODE\b|\bencode\b|\bchip-?seq\b|\bDNase-?seq\b|"
    r"-clusters_\d+-cluster_\d+|\(pluriselect\)|\(polyclonal\)",
    re.I,
)
_STRAIN = re.compile(
    r"\b(?:C57BL[/_]?6(?:[JN]\b)?|BALB/c\w*|CD-?1|DBA/2\w*|B6\w*F1/J|B6D2\w*|NIH/Swiss|C3H\w*|CBA\w*"
    r"|129(?:S\w*|P\w*|/\w+)?(?=\s)|FVB\w*|SJL\w*|M\.\s?spretus(?: x)?|mixed(?=\s)|NOD\w*|"
    r"Swiss(?=\s)|ICR)\b",
    re.I,
)
#: What any sample may be called, which tells none from another.
_PREPARATION = re.compile(
    r"\b(?:tissues?|primary|human|homo sapiens|mouse|mice|mus musculus|murine|total rna|whole|"
    r"immortali[sz]ed|established|cultured|normal|healthy)\b",
    re.I,
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
#: What is left between two ages.
_AND = re.compile(r"(?:\s+and|\s*\(\s*\))+$", re.I)


@dataclass(frozen=True)
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
    marks = set()
    details: dict[str, str] = {}
    rest = text.replace("_", " ") if " " not in text.strip() else text
    if _UNTREATED.search(rest):
        marks.add("untreated")
        rest = _UNTREATED.sub(" ", rest)
    for mark, pattern in (
        ("origin", _ORIGIN),
        ("modified", _MODIFIED),
        ("treated", _TREATED),
        ("fraction", _FRACTION),
        ("phase", _PHASE),
        ("disease", _DISEASE),
    ):
        # What begins with it names the sample by it, and keeps its name.
        found = pattern.search(rest)
        before = found and rest[: found.start()].strip(" ,;-(")
        if found and (before or mark == "disease"):
            if mark == "treated" and _VEHICLE.search(found[0]):
                mark = "vehicle"
            marks.add(mark)
            details[mark] = found[0]
            rest = rest[: found.start()] + " " + rest[found.end() :]
    strain = bool(_STRAIN.search(rest))
    rest = _STRAIN.sub(" ", rest)
    stages = [name for name, pattern in _STAGE.items() if pattern.search(rest)]
    ages = {number.lower() for each in _AGE.findall(rest) for number in _NUMBER.findall(each)}
    for pattern in (_AGE, *_STAGE.values()):
        rest = pattern.sub(" ", rest)
    sexes = {_SEXES.get(each.lower(), "") for each in _SEX.findall(rest)} - {""}
    rest = _SEX.sub(" ", rest)
    rest = _DEBRIS.sub(" ", rest)
    rest = _PREPARATION.sub(" ", rest)
    identity = _AND.sub("", " ".join(rest.split())).strip(" ,;:-/.")
    if identity.count("(") != identity.count(")"):
        identity = identity.replace("(", " ").replace(")", " ").strip()
    return Description(
        text=text,
        identity=identity or " ".join(text.split()),
        marks=frozenset(marks),
        stage=stages[0] if stages else "",
        sex="".join(sorted(sexes)),
        ages=frozenset(ages),
        details=details,
        strain=strain,
    )
