"""The check of a Predictor: every rule in turn, then what is only measured."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from genomark.conformance.consistency import measurements
from genomark.conformance.probe import Options, Probe
from genomark.conformance.report import (
    SCHEMA_VERSION,
    Asked,
    Measurement,
    Report,
    RuleOutcome,
    count,
)
from genomark.conformance.rule import Level, Outcome, Rule, Stop, failed
from genomark.conformance.rules import RULES
from genomark.errors import UsageError, one_line
from genomark.models.transport import run_to_end

logger = logging.getLogger("genomark.conformance")

#: Called with the rules judged so far, all rules, and the sentence of the next one.
Progress = Callable[[int, int, str], None]


def check_predictor(
    url: str,
    options: Options | None = None,
    *,
    rules: Sequence[Rule] | None = None,
    progress: Progress = lambda done, total, text: None,
) -> Report:
    """Check that a Predictor does what GAME 1.0 says, and that its predictions make sense.

    Parameters
    ----------
    url : str
        ``http://HOST:PORT``.
    options : Options, optional
    rules : sequence of Rule, optional
        All of them, if left out.
    progress : callable
        Called before each rule.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        If the URL is none.
    RemoteModelError
        If nothing answers there.
    """
    address = url.rstrip("/")
    if urlsplit(address).scheme not in ("http", "https"):
        raise UsageError(f"'{url}' is not an address; expected http://HOST:PORT")
    chosen = RULES if rules is None else rules
    return run_to_end(_check(Probe(address, options or Options()), chosen, progress))


async def _check(probe: Probe, rules: Sequence[Rule], progress: Progress) -> Report:
    async with probe.open():
        outcomes = []
        for done, rule in enumerate(rules):
            progress(done, len(rules), rule.sentence)
            outcomes.append(_row(rule, await _judge(rule, probe)))
        progress(len(rules), len(rules), "consistency")
        return _report(probe, outcomes, await measurements(probe))


async def _judge(rule: Rule, probe: Probe) -> Outcome:
    try:
        return await rule.check(probe)
    except Stop as stop:
        return stop.outcome
    # A Predictor may answer anything. What nobody thought of spoils one rule, not the report.
    except Exception as error:
        logger.exception("rule %s could not be judged", rule.id)
        return failed(f"could not be judged ({type(error).__name__}: {error})")


def _row(rule: Rule, outcome: Outcome) -> RuleOutcome:
    return RuleOutcome(
        id=rule.id,
        section=rule.section,
        level=rule.level.value,
        sentence=rule.sentence,
        status=outcome.status.value,
        detail=one_line(outcome.detail),
        exchange=outcome.exchange,
    )


def _report(probe: Probe, outcomes: list[RuleOutcome], numbers: list[Measurement]) -> Report:
    wrong = any(each.status == "fail" and each.level == "MUST" for each in outcomes)
    return Report(
        schema_version=SCHEMA_VERSION,
        url=probe.url,
        predictor_name=probe.name,
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        game_schema_version="1.0",
        asked=Asked(
            readouts=list(probe.bases),
            type=probe.task["type"],
            cell_type=probe.task["cell_type"],
            species=probe.task["species"],
            sequences=len(probe.sequences),
            length=probe.options.length,
        ),
        requests=probe.requests,
        verdict="does not conform" if wrong else "conforms",
        counts={level.value: count(outcomes, level.value) for level in Level},
        outcomes=outcomes,
        measurements=numbers,
    )
