"""Which tasks to try on a Predictor that nobody has described: its `/help`, then the usual ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Types by the assay names that published Predictors list under `features`.
_TYPE_OF_ASSAY = {
    "dnase": "accessibility",
    "atac": "accessibility",
    "cage": "expression",
    "rna": "expression",
    "hi-c": "conformation_chromatin",
    "chromatin_conformation": "conformation_chromatin",
}
_USUAL_TYPES = ("accessibility", "expression", "conformation_chromatin")
_TYPE_PREFIXES = ("expression_", "binding_", "conformation_")
_MAX_TASKS = 5
#: What Predictors write where nothing in particular is meant.
_NONE = ("", "NA", "N/A", "NULL")


@dataclass(frozen=True)
class Wanted:
    """What the user says the Predictor can do; None where nothing was said."""

    type: str | None = None
    cell_type: str | None = None
    species: str | None = None


def candidate_tasks(help_: dict[str, Any], wanted: Wanted) -> list[dict[str, str]]:
    """List the tasks to try, most promising first.

    Parameters
    ----------
    help_ : dict
        Body of `/help`; any key may be missing or of a wrong type.
    wanted : Wanted

    Returns
    -------
    list of dict
        Tasks of different types, at most five.
    """
    tasks: dict[str, dict[str, str]] = {}
    for kind, cell_type, species in (*_stated(help_), *_usual(help_)):
        kind = wanted.type or kind
        tasks.setdefault(
            kind,
            {
                "name": "check",
                "type": kind,
                "cell_type": wanted.cell_type or cell_type,
                "species": wanted.species or species,
            },
        )
    return list(tasks.values())[:_MAX_TASKS]


def _stated(help_: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    cell_types, species = _texts(help_, "cell_types"), _texts(help_, "species")
    for index, feature in enumerate(_texts(help_, "features")):
        kind = _type_of(feature)
        if kind is not None:
            yield kind, _at(cell_types, index, "K562"), _at(species, index, "homo_sapiens")


def _usual(help_: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    cell_type = _at(_texts(help_, "cell_types"), 0, "K562")
    species = _at(_texts(help_, "species"), 0, "homo_sapiens")
    yield from ((kind, cell_type, species) for kind in _USUAL_TYPES)


def _type_of(feature: str) -> str | None:
    if feature in _USUAL_TYPES or feature.startswith(_TYPE_PREFIXES):
        return feature
    assay, _, molecule = feature.lower().partition("_")
    if assay == "chip" and molecule:
        return f"binding_{molecule}"
    return _TYPE_OF_ASSAY.get(feature.lower()) or _TYPE_OF_ASSAY.get(assay)


def _texts(help_: dict[str, Any], key: str) -> list[str]:
    value = help_.get(key)
    listed = value if isinstance(value, list) else [value]
    # Lists are parallel: an entry that cannot be read keeps its place.
    return [text if isinstance(text, str) else "NA" for text in listed]


def _at(texts: list[str], index: int, default: str) -> str:
    text = texts[index if index < len(texts) else 0] if texts else default
    return default if text in _NONE else text
