"""All rules, in the order of the sections that they are from."""

from genomark.conformance.rule import Rule
from genomark.conformance.rules import (
    answers,
    endpoints,
    errors,
    msgpack,
    negotiation,
    ranges,
    requests,
    sanity,
    tracks,
    validation,
)

_BOOKS = (
    endpoints.rules,
    negotiation.rules,
    requests.rules,
    ranges.rules,
    validation.rules,
    answers.rules,
    tracks.rules,
    errors.rules,
    msgpack.rules,
    sanity.rules,
)

RULES: tuple[Rule, ...] = tuple(
    # Sanity comes last: no section number sorts after its letters.
    sorted((rule for book in _BOOKS for rule in book), key=lambda rule: rule.section)
)

__all__ = ["RULES"]
