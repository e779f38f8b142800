"""The study of tokenizers: which one suits a genome, a network and a budget."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from genomark.api import run
from genomark.errors import GenomarkError, UsageError
from genomark.results import Results
from genomark.results.collection import headlines
from genomark.scoring import Result
from genomark.studies.config import (
    StudyConfig,
    Variant,
    read_config,
    sequences_file,
    variants,
)
from genomark.studies.crew import run_jobs
from genomark.studies.work import Bits, Job, Made, markov_stage


@dataclass(frozen=True)
class Score:
    """A model on a benchmark.

    Attributes
    ----------
    metric : str
    value : float or None
        None where it could not be had.
    interval : (float, float) or None
        95 %.
    """

    metric: str
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Line:
    """A tokenizer: with its network pretrained, and with the same one as it was drawn.

    Attributes
    ----------
    name : str
    pretrained, untrained : Made
    scores, controls : dict of str to Score
        Of both, by benchmark.
    gains : dict of str to Score
        Paired differences of the two, by benchmark.
    """

    name: str
    pretrained: Made
    untrained: Made
    scores: dict[str, Score]
    controls: dict[str, Score]
    gains: dict[str, Score]


@dataclass(frozen=True)
class Study:
    """What came of a study.

    Attributes
    ----------
    config : StudyConfig
    lines : list of Line
        In the order of the file.
    markov : dict of int to Bits
        By order.
    beside : dict of str to dict of str to Score
        Other models, by benchmark.
    results : Results or None
        Of the benchmarks; None if there are none.
    """

    config: StudyConfig
    lines: list[Line]
    markov: dict[int, Bits]
    beside: dict[str, dict[str, Score]]
    results: Results | None


def study_tokenizers(
    path: Path, out: Path, *, workers: int | None = None, progress: bool = True
) -> Study:
    """Train tokenizers, pretrain a network with each, and put all before benchmarks.

    What was computed before, in the same folder, is not computed again, and a training that was
    killed goes on.

    Parameters
    ----------
    path : Path
        A TOML file, `genomark.studies.config.StudyConfig`.
    out : Path
        Folder for all that is made.
    workers : int, optional
        Processes; as many as there are processors if left out. Nothing but time depends on it.
    progress : bool
        Show how far the benchmarks have come.

    Raises
    ------
    UsageError
        If the file is not well formed, or another study runs in the same folder.
    DatasetError, ModelError, WriteError
        As what it calls.
    """
    config = read_config(path)
    listed = variants(config, path.parent)
    sequences = sequences_file(config, path.parent)
    count = workers or os.cpu_count() or 1
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / "study.lock", timeout=0):
            return _study(config, listed, sequences, out, count, progress)
    except Timeout as error:
        raise UsageError(f"{out}: another study runs in this folder; wait for it") from error


def _study(
    config: StudyConfig,
    listed: Sequence[Variant],
    sequences: Path,
    out: Path,
    workers: int,
    progress: bool,
) -> Study:
    jobs = [
        Job(out / "stages", sequences, config, variant, pretrained)
        for pretrained in (True, False)
        for variant in listed
    ]
    corpus = jobs[0].corpus
    made = run_jobs(jobs, corpus, workers)
    markov = {
        order: markov_stage(out / "stages", config, corpus, order)
        for order in config.judging.markov
    }
    pairs = list(zip(listed, made[: len(listed)], made[len(listed) :], strict=True))
    downstream = config.downstream
    if not downstream.benchmarks:
        return Study(
            config, [Line(v.name, a, b, {}, {}, {}) for v, a, b in pairs], markov, {}, None
        )
    models = [f"hf:{each.checkpoint}" for each in made]
    results = run(
        [*models, *downstream.beside],
        list(downstream.benchmarks),
        out=out / "runs",
        workers=workers,
        protocol=downstream.protocol,
        fits=downstream.fits,
        progress=progress,
    )
    _check(results)
    read = _Read(results, [*models, *downstream.beside])
    lines = [
        Line(
            variant.name,
            pretrained,
            untrained,
            read.scores(f"hf:{pretrained.checkpoint}"),
            read.scores(f"hf:{untrained.checkpoint}"),
            read.gains(f"hf:{pretrained.checkpoint}", f"hf:{untrained.checkpoint}"),
        )
        for variant, pretrained, untrained in pairs
    ]
    beside = {each: read.scores(each) for each in downstream.beside}
    return Study(config, lines, markov, beside, results)


def _check(results: Results) -> None:
    """A table with holes would be read as one without: say what is missing."""
    absent = [(each.benchmark, each.model, each.reason) for each in results.skipped]
    absent += [(each.benchmark, each.model, each.reason) for each in results.failed]
    for benchmark, model, reason in absent:
        raise GenomarkError(" × ".join(filter(None, (benchmark, model))) + f": {reason}")


class _Read:
    """Finds scores and differences in results, which are in the order of the models."""

    def __init__(self, results: Results, models: Sequence[str]) -> None:
        self._results = results
        self._found: dict[str, dict[str, Result]] = {
            name: dict(zip(dict.fromkeys(models), results.of(name), strict=True))
            for name in results.benchmarks()
        }

    def scores(self, spec: str) -> dict[str, Score]:
        told = {}
        for benchmark, found in self._found.items():
            row = found[spec].metric(headlines(found[spec])[0])
            told[benchmark] = Score(row.name, row.value, row.interval)
        return told

    def gains(self, spec: str, control: str) -> dict[str, Score]:
        told = {}
        for benchmark, found in self._found.items():
            wanted = found[spec].model.id, found[control].model.id
            for each in self._results.comparisons:
                pair = each.model_a, each.model_b
                if each.benchmark != benchmark or set(pair) != set(wanted):
                    continue
                ends, difference = each.interval, each.difference
                if pair != wanted:
                    ends, difference = ends and (-ends[1], -ends[0]), -difference
                told[benchmark] = Score(each.metric, difference, ends)
        return told
