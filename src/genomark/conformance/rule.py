"""A rule: what it asks for, how much it matters, and the function that finds out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from genomark.conformance.exchanges import Exchange, Reply

if TYPE_CHECKING:
    from genomark.conformance.probe import Probe


class Level(StrEnum):
    """How much a rule matters.

    MUST is what the documentation of GAME 1.0 demands, what published Evaluators rely on, or
    without which a score means nothing. SHOULD is the rest.
    """

    MUST = "MUST"
    SHOULD = "SHOULD"


class Status(StrEnum):
    """What was found."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Outcome:
    """What was found of one rule, and the exchange that shows it."""

    status: Status
    detail: str = ""
    exchange: Exchange | None = None


class Stop(Exception):
    """Ends a check early with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


Check = Callable[["Probe"], Awaitable[Outcome]]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    section : str
        Of GAME 1.0; ``"sanity"`` for what no protocol says.
    slug : str
        Names it within its section.
    level : Level
    sentence : str
        What holds where the rule is kept; at most 62 characters, to fit a line of a terminal.
    check : callable
        ``async (Probe) -> Outcome``.
    """

    section: str
    slug: str
    level: Level
    sentence: str
    check: Check

    @property
    def id(self) -> str:
        """Section and slug."""
        return f"{self.section}-{self.slug}"


class RuleBook:
    """The rules of one module, in the order in which they are written."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def must(self, section: str, slug: str, sentence: str) -> Callable[[Check], Check]:
        """Decorate the check of a MUST."""
        return self._adding(section, slug, Level.MUST, sentence)

    def should(self, section: str, slug: str, sentence: str) -> Callable[[Check], Check]:
        """Decorate the check of a SHOULD."""
        return self._adding(section, slug, Level.SHOULD, sentence)

    def _adding(
        self, section: str, slug: str, level: Level, sentence: str
    ) -> Callable[[Check], Check]:
        def add(check: Check) -> Check:
            self._rules.append(Rule(section, slug, level, sentence, check))
            return check

        return add


def passed(reply: Reply | None = None, detail: str = "") -> Outcome:
    """Say that a rule is kept."""
    return Outcome(Status.PASS, detail, reply.exchange if reply else None)


def failed(detail: str, reply: Reply | None = None) -> Outcome:
    """Say that a rule is broken, and by what."""
    return Outcome(Status.FAIL, detail, reply.exchange if reply else None)


def not_applicable(reason: str, reply: Reply | None = None) -> Outcome:
    """Say why a rule does not apply."""
    return Outcome(Status.NOT_APPLICABLE, reason, reply.exchange if reply else None)


def verdict(faults: Iterator[tuple[str, Reply]], shown: Reply | None = None) -> Outcome:
    """Fail with the first fault found, or pass and show `shown`."""
    for detail, reply in faults:
        return failed(detail, reply)
    return passed(shown)
