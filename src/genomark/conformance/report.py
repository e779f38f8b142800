"""The report of a check, and its JSON document."""

from __future__ import annotations

from typing import Literal

import msgspec

from genomark.conformance.exchanges import Exchange

#: Of the document; its first number is raised when a reader of the one before could not read it.
SCHEMA_VERSION = "1.0"


class RuleOutcome(msgspec.Struct, frozen=True):
    """What was found of one rule."""

    id: str
    section: str
    level: Literal["MUST", "SHOULD"]
    sentence: str
    status: Literal["pass", "fail", "not applicable"]
    detail: str
    exchange: Exchange | None


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """A number about a Predictor that is neither right nor wrong.

    Attributes
    ----------
    id, title : str
    correlation : float or None
        Pearson's; None where it is not defined, and `detail` or `n` tells why.
    mean_difference : float or None
        Mean absolute difference, as a share of the range of all predictions.
    n : int
        Sequences that it is of.
    detail : str
    """

    id: str
    title: str
    correlation: float | None = None
    mean_difference: float | None = None
    n: int = 0
    detail: str = ""


class Count(msgspec.Struct, frozen=True):
    """How many rules of one level came out how."""

    passed: int
    failed: int
    not_applicable: int


class Asked(msgspec.Struct, frozen=True):
    """What the plain request asked for; `readouts` are those that were answered."""

    readouts: list[str]
    type: str
    cell_type: str
    species: str
    sequences: int
    length: int


class Report(msgspec.Struct, frozen=True):
    """All that was found.

    Attributes
    ----------
    schema_version : str
        Of this document.
    url, predictor_name : str
        The name is None where the Predictor says none.
    checked_at : str
        UTC, ISO 8601.
    game_schema_version : str
        Of the protocol that was checked.
    asked : Asked
    requests : int
        How many were sent.
    verdict : {"conforms", "does not conform"}
    counts : dict of str to Count
        By level.
    outcomes : list of RuleOutcome
    measurements : list of Measurement
    """

    schema_version: str
    url: str
    predictor_name: str | None
    checked_at: str
    game_schema_version: str
    asked: Asked
    requests: int
    verdict: Literal["conforms", "does not conform"]
    counts: dict[str, Count]
    outcomes: list[RuleOutcome]
    measurements: list[Measurement]

    @property
    def conforms(self) -> bool:
        """Whether no MUST failed."""
        return self.verdict == "conforms"

    def to_json(self) -> bytes:
        """Write the report as one JSON document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def count(outcomes: list[RuleOutcome], level: str) -> Count:
    """Count the outcomes of one level."""
    of_level = [each.status for each in outcomes if each.level == level]
    return Count(*(of_level.count(status) for status in ("pass", "fail", "not applicable")))
