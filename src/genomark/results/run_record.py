"""What runs have kept, question by question: results, comparisons, and files of predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from genomark.errors import UsageError, one_line
from genomark.results.collection import Failed, Results, Skipped, load_results
from genomark.results.result_folder import read_results
from genomark.results.store.receiving import offered
from genomark.scoring import BenchmarkIdentity, Comparison, Result


class Kept(NamedTuple):
    """A result, and the file of its predictions where there is one."""

    result: Result
    predictions: Path | None


class Asked(NamedTuple):
    """What makes numbers stand in one table: the same items, truth, scoring and bootstrap."""

    benchmark: BenchmarkIdentity
    limit: int | None
    seed: int


@dataclass(frozen=True)
class Question:
    """A benchmark as it was asked, and all who answered.

    Attributes
    ----------
    asked : Asked
    kept : dict of str to Kept
        By the model's id.
    comparisons : list of Comparison
        Those that came with the results.
    """

    asked: Asked
    kept: dict[str, Kept] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def results(self) -> list[Result]:
        """Results alone."""
        return [each.result for each in self.kept.values()]

    @property
    def name(self) -> str:
        """How a reader tells it from others: the benchmark, and what is not as usual."""
        limit = "" if self.asked.limit is None else f", {self.asked.limit:,} items asked for"
        return f"{self.asked.benchmark.id} {self.asked.benchmark.version}{limit}"


@dataclass(frozen=True)
class RunRecord:
    """What was asked and came of it.

    Attributes
    ----------
    questions : list of Question
    skipped : list of Skipped
    failed : list of Failed
    older : int
        Results left out because a later one is of the same model and question.
    """

    questions: list[Question]
    skipped: list[Skipped]
    failed: list[Failed]
    older: int = 0

    @property
    def results(self) -> list[Result]:
        """All results."""
        return [each for question in self.questions for each in question.results]


def read_run(sources: Sequence[Path]) -> RunRecord:
    """Read documents of results and folders of runs, and lay together what belongs together.

    Benchmarks of another version or digest, asked otherwise or with another seed are questions of
    their own. A result that stands in a document and in a folder is one, with its predictions.

    Parameters
    ----------
    sources : sequence of Path
        What ``genomark run --json`` wrote, and folders of ``--out``.

    Raises
    ------
    UsageError
        If one is neither, a file in it is no result, or there is nothing in them.
    """
    questions: dict[Asked, Question] = {}
    skipped: dict[Skipped, None] = {}
    failed: dict[Failed, None] = {}
    older = 0
    for kept, document in _read(sources):
        given = []
        for each in kept:
            question = questions.setdefault(asked := _asked(each.result), Question(asked))
            given.append((question, each.result))
            older += _add(question, each)
        skipped |= dict.fromkeys(document.skipped)
        failed |= dict.fromkeys(document.failed)
        _add_comparisons(given, document.comparisons)
    record = RunRecord(list(questions.values()), list(skipped), list(failed), older)
    if not (record.questions or record.skipped or record.failed):
        raise UsageError("no results to report on: run some first, such as genomark run")
    return record


def titles(questions: Sequence[Question]) -> list[str]:
    """Name questions, with seed or digest where others of the same name have another."""
    found = []
    for each in questions:
        alike = [other.asked for other in questions if other.name == each.name]
        title = each.name
        if len({asked.seed for asked in alike}) > 1:
            title += f", seed {each.asked.seed}"
        if len({asked.benchmark.digest for asked in alike}) > 1:
            title += f", digest {one_line(each.asked.benchmark.digest)[:8]}"
        found.append(title)
    return found


def _read(sources: Sequence[Path]) -> Iterator[tuple[list[Kept], Results]]:
    for source in sources:
        if source.is_dir():
            # Read twice: the first tells of a file that is no result in the words of a reader.
            results = read_results(source)
            found = [Kept(each.result, each.predictions) for each in offered([source])]
            # A folder names its files by digest; in time is how they were asked for.
            yield sorted(found, key=lambda each: each.result.started), results
        else:
            results = load_results(source)
            yield [Kept(each, None) for each in results], results


def _asked(result: Result) -> Asked:
    return Asked(result.benchmark, result.settings.get("limit"), result.seed)


def _add(question: Question, new: Kept) -> int:
    """Keep the later of two results of a model; say how many are left out."""
    id = new.result.model.id
    known = question.kept.get(id)
    if known is None:
        question.kept[id] = new
        return 0
    if known.result.predictions_digest == new.result.predictions_digest:
        question.kept[id] = Kept(known.result, known.predictions or new.predictions)
        return 0
    if new.result.finished >= known.result.finished:
        question.kept[id] = new
        # They were of the older one.
        question.comparisons[:] = [
            each for each in question.comparisons if id not in (each.model_a, each.model_b)
        ]
    return 1


def _add_comparisons(
    given: Sequence[tuple[Question, Result]], comparisons: Sequence[Comparison]
) -> None:
    """Add the comparisons of a document between those of its results that are kept."""
    by_benchmark = {question.asked.benchmark.id: question for question, _ in given}
    stay = {
        (question.asked, result.model.id)
        for question, result in given
        if question.kept[result.model.id].result.predictions_digest == result.predictions_digest
    }
    for each in comparisons:
        question = by_benchmark.get(each.benchmark)
        if (
            question is not None
            and {
                (question.asked, each.model_a),
                (question.asked, each.model_b),
            }
            <= stay
        ):
            question.comparisons.append(each)
