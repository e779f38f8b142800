"""The commands that give the numbers of a run again, and what to compare them by."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genomark.benchmarks import SUITES, GeneOptions
from genomark.errors import UsageError, one_line
from genomark.probes import settings_of
from genomark.results.run_record import Question
from genomark.results.store.recompute import asked_as
from genomark.scoring import Result

#: Ids that name a file, a server or an object of the user's own.
_OWN = ("py:", "file:", "embedding:", "text:", "hf:", "fit:", "fine-tuned:", "http://", "https://")
_ZERO_SHOT = " (zero-shot"
#: Fits of a model of which nothing is said.
_USUAL_FITS = ":fits=3"
#: A name as PEP 508 has it, and a version that is no pattern: whatever else stands there may be an
#: option of pip or an address to install from.
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9](?:[A-Za-z0-9.!_-]*[A-Za-z0-9])?")


def installing(results: Sequence[Result]) -> list[str]:
    """Give the commands that install what the numbers were computed with.

    Parameters
    ----------
    results : sequence of Result

    Returns
    -------
    list of str
        One for each environment, the most frequent first. A local part of a version (``+cpu``)
        is no part of a requirement, and is left out; so is what is no name or no version.
    """
    found: dict[str, int] = {}
    for result in results:
        packages = result.environment.get("packages")
        wanted = _requirements(packages) if isinstance(packages, dict) else []
        if wanted:
            command = _command(["pip", "install", *wanted])
            found[command] = found.get(command, 0) + 1
    return sorted(found, key=lambda command: -found[command])


def commands(questions: Sequence[Question]) -> list[str]:
    """Give the commands of ``genomark run``: benchmarks that were put alike to the same models.

    Parameters
    ----------
    questions : sequence of Question
    """
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for question in questions:
        for options, models in _by_options(question).items():
            alike.setdefault((tuple(models), options), []).append(_benchmark(question))
    found = []
    for (names, given), benchmarks in alike.items():
        words = ["genomark", "run"]
        for model in names:
            words += ["-m", model]
        for benchmark in _suites(benchmarks):
            words += ["-b", benchmark]
        found.append(_command([*words, *given]))
    return found


def cautions(questions: Sequence[Question]) -> list[str]:
    """Say what a command cannot tell by itself."""
    models = sorted({model for question in questions for model in question.kept})
    own = [one_line(model) for model in models if model.startswith(_OWN)]
    notes = []
    if own:
        notes.append(
            f"{', '.join(own)}: files, servers and objects of whoever ran it; the digest of the "
            "model says whether yours is the same"
        )
    unknown = [
        one_line(question.asked.benchmark.id) for question in questions if not _is_shipped(question)
    ]
    if unknown:
        notes.append(
            f"{', '.join(unknown)}: tasks of whoever ran it, or of a package that is not installed "
            "here; the digest of the benchmark says whether yours is the same"
        )
    return notes


def _requirements(packages: Mapping[str, Any]) -> list[str]:
    found = [(str(name), str(each).partition("+")[0]) for name, each in packages.items()]
    return [
        f"{name}=={version}"
        for name, version in found
        if _PACKAGE.fullmatch(name) and _VERSION.fullmatch(version)
    ]


def _by_options(question: Question) -> Mapping[tuple[str, ...], list[str]]:
    """Group the models of a question by the options they were run with."""
    found: dict[tuple[str, ...], list[str]] = {}
    for model, kept in question.kept.items():
        if "source" in kept.result.settings:
            # Read from a report of others: no command gives it again.
            continue
        options = ["--seed", str(question.asked.seed)]
        if question.asked.limit is not None:
            options += ["--limit", str(question.asked.limit)]
        if _ZERO_SHOT in model:
            options += ["--protocol", "zero-shot"]
        options += _gene_options(kept.result.settings)
        spec = one_line(model).partition(_ZERO_SHOT)[0]
        found.setdefault(tuple(options), []).append(spec)
    return found


def _gene_options(settings: Mapping[str, Any]) -> list[str]:
    usual = GeneOptions()
    options = []
    probe = settings.get("probe")
    if isinstance(probe, dict) and probe != settings_of(usual.probe):
        options += ["--probe", _probe(probe)]
    for name in ("missing", "pairs"):
        given = settings.get(name)
        if isinstance(given, str) and given != getattr(usual, name):
            options += [f"--{name}", given]
    return options


def _probe(probe: Mapping[str, Any]) -> str:
    """Write a probe as ``--probe`` takes it: what is not as usual, and settings of a head."""
    usual = settings_of(GeneOptions().probe)
    own = probe.get("settings") or {}
    changed = {
        name: value
        for name, value in probe.items()
        if name not in ("head", "settings") and value != usual.get(name)
    }
    text = ",".join(f"{name}={value}" for name, value in {**changed, **own}.items())
    head = str(probe.get("head", "linear"))
    return f"{head}:{text}" if text else head


def _benchmark(question: Question) -> str:
    result = question.results[0]
    try:
        return asked_as(result).removesuffix(_USUAL_FITS).replace(f"{_USUAL_FITS},", ":")
    except UsageError:
        return one_line(result.benchmark.id)


def _is_shipped(question: Question) -> bool:
    try:
        asked_as(question.results[0])
    except UsageError:
        return False
    return True


def _suites(benchmarks: Sequence[str]) -> list[str]:
    """Write benchmarks that are a whole suite as one."""
    for suite, members in SUITES.items():
        if len(members) > 1 and set(benchmarks) == set(members):
            return [f"suite:{suite}"]
    return list(benchmarks)


def _command(words: Iterable[str]) -> str:
    """Write a line for a shell: no word of a stranger ends it."""
    return shlex.join(map(one_line, words))
