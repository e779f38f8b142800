"""What each page tells, as data: pages are drawn from these, and their JSON twins are these.

Whatever stands in them came from strangers: text is text, and never markup or part of a path.
Slugs are the exception; they are made here (`genomark.leaderboard.slugs`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: How far a figure can be trusted.
Standing = Literal["verified", "self-reported", "published"]
#: Share of a benchmark that a model has seen, where somebody looked; else "unknown".
Leakage = float | Literal["unknown"]


class Interval(msgspec.Struct, frozen=True, gc=False):
    """A value with the ends of its interval; both ends are null where nothing can be resampled."""

    value: float
    low: float | None = None
    high: float | None = None


class ModelName(msgspec.Struct, frozen=True, gc=False):
    """Who answered: `owner` is empty for whoever keeps the board."""

    slug: str
    id: str
    owner: str = ""


class Score(msgspec.Struct, frozen=True, gc=False):
    """One model on one benchmark, by the metric that ranks.

    Attributes
    ----------
    result : str
        Id of the Result, whose document is at ``/results/ID.json``.
    value, low, high : float or None
    reason : str or None
        Why there is no value.
    rank_first, rank_last : int or None
        Of the tie sets that the model is in; None where nothing ranks it, as what was published.
    n, n_clusters : int
    standing : {"verified", "self-reported", "published"}
    attempts : int
        Results of this model in this column, this one among them.
    leakage : float or "unknown"
    """

    result: str
    value: float | None
    low: float | None
    high: float | None
    reason: str | None
    rank_first: int | None
    rank_last: int | None
    n: int
    n_clusters: int
    standing: Standing
    attempts: int = 1
    leakage: Leakage = "unknown"


class Column(msgspec.Struct, frozen=True):
    """A benchmark at one version: results of two versions never share a column.

    Attributes
    ----------
    slug, id, version, digest, title, suite : str
    limit : int or None
        Of the items, where not all were asked.
    metric : str
        That ranks.
    higher_is_better : bool
    items, models : int
        How many were asked, and how many models answered.
    newest : bool
        False for what a newer version replaces.
    """

    slug: str
    id: str
    version: str
    digest: str
    title: str
    suite: str
    limit: int | None
    metric: str
    higher_is_better: bool
    items: int
    models: int
    newest: bool = True


class ModelLine(msgspec.Struct, frozen=True):
    """A model across columns: `scores` stand in the order of the columns beside it.

    Attributes
    ----------
    model : ModelName
    scores : list of Score or None
    mean_rank : Interval or None
        Over the columns that `over` tells the number of.
    win_rate : float or None
        Share of pairs (another model, a column both have) that it wins, ties half.
    scaled : Interval or None
        Mean of scores on the scale from the negative control, 0, to the positive one, 1.
    over : int
    """

    model: ModelName
    scores: list[Score | None]
    mean_rank: Interval | None = None
    win_rate: float | None = None
    scaled: Interval | None = None
    over: int = 0


class SuiteLine(msgspec.Struct, frozen=True):
    """A suite at a glance.

    Attributes
    ----------
    columns, models, ranked : int
        Benchmarks, models with a result on any of them, and how many of these rank.
    leaders : list of ModelName
        Those that none is shown to be better than; empty where so few benchmarks can show nobody
        to be behind.
    """

    slug: str
    name: str
    title: str
    columns: int
    models: int
    leaders: list[ModelName]
    ranked: int = 0


class Front(msgspec.Struct, frozen=True):
    """The first page: suites, and all models by all benchmarks."""

    results: int
    updated: str | None
    suites: list[SuiteLine]
    columns: list[Column]
    lines: list[ModelLine]


class Pair(msgspec.Struct, frozen=True, gc=False):
    """Two models on shared items of one column, `model_a - model_b`.

    Attributes
    ----------
    model_a, model_b : str
        Slugs.
    difference : float
    low, high : float or None
    superiority : float or None
        Share of replicates in which `model_a` is better.
    n : int
        Items shared; 0 where none are known to be, and the interval is that of two independent
        scores.
    tied, paired : bool
    """

    model_a: str
    model_b: str
    difference: float
    low: float | None
    high: float | None
    superiority: float | None
    n: int
    tied: bool
    paired: bool


class TaskPair(msgspec.Struct, frozen=True, gc=False):
    """Two models over many tasks: Wilcoxon's signed-rank test, adjusted by Holm's method."""

    model_a: str
    model_b: str
    tasks: int
    wins: float
    p_value: float | None
    adjusted: float | None
    apart: bool


class Suite(msgspec.Struct, frozen=True):
    """A suite: its columns, models, and who is apart from whom over all of it.

    Attributes
    ----------
    cliques : list of list of str
        Slugs of models of which no two are apart.
    complete : int
        Columns that all ranked models have; a mean rank rests on those that pairs of models share.
    notes : list of str
    """

    slug: str
    name: str
    title: str
    columns: list[Column]
    lines: list[ModelLine]
    pairs: list[TaskPair]
    cliques: list[list[str]]
    complete: int
    notes: list[str]


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What the answers cost: seconds and bytes."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


class SeenStep(msgspec.Struct, frozen=True, gc=False):
    """Items of a step of similarity, from `low` to `high`; `reason` says why there is no score."""

    low: float
    high: float
    items: int
    score: Interval | None
    reason: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """What of a benchmark a model saw in training, as far as its declaration tells.

    Attributes
    ----------
    training_data : list of str
    complete : bool
        False where a part of that is unknown: the share is then the least there is.
    share : Interval
    items, seen, exact : int
        Compared, seen, and whole and unchanged in the training data.
    identity, coverage : float
        Of an alignment from which on an item was seen.
    metric : str
        That the scores below are of.
    clean : Interval or None
        On the `clean_items` that were not seen.
    difference : Interval or None
        The score on all less that.
    steps : list of SeenStep
        Scores by similarity.
    """

    training_data: list[str]
    complete: bool
    share: Interval
    items: int
    seen: int
    exact: int
    identity: float
    coverage: float
    metric: str
    clean: Interval | None
    clean_items: int
    difference: Interval | None
    steps: list[SeenStep]


class BenchmarkLine(msgspec.Struct, frozen=True):
    """A model on the page of a benchmark.

    `others` are further headline metrics, by name; `seen` tells what it saw in training.
    """

    model: ModelName
    score: Score
    others: dict[str, Interval | None]
    asked: int
    answered: int
    cost: Cost | None
    added: str
    version: str
    notes: list[str]
    training_data: str = "unknown"
    seen: Seen | None = None


class Source(msgspec.Struct, frozen=True):
    """A dataset that a benchmark is made of."""

    name: str
    title: str
    licence: str
    origin: str
    size: int | None = None


class Benchmark(msgspec.Struct, frozen=True):
    """The page of a benchmark.

    Attributes
    ----------
    column : Column
    versions : list of Column
        All there are, the newest first.
    lines : list of BenchmarkLine
        By rank, then what is not ranked.
    tie_sets : list of list of str
        Slugs.
    asks, capability, citation : str
        Empty where this genomark does not know the benchmark.
    sources : list of Source
    ceiling : float or None
        Best value that any model could reach.
    detectable : float or None
        Smallest difference that the benchmark shows with 80 % power.
    command : str
        That puts a model before it.
    has_items : bool
        Whether single items can be looked at.
    notes : list of str
    """

    column: Column
    versions: list[Column]
    lines: list[BenchmarkLine]
    tie_sets: list[list[str]]
    asks: str
    capability: str
    citation: str
    sources: list[Source]
    ceiling: float | None
    detectable: float | None
    command: str
    has_items: bool
    notes: list[str]


class ModelScore(msgspec.Struct, frozen=True):
    """A model on one column, and where that is among the others.

    Attributes
    ----------
    column : Column
    score : Score
    place : float or None
        0 for the worst of the column, 1 for the best.
    scaled : float or None
    seen : Seen or None
        What it saw of the column in training.
    """

    column: Column
    score: Score
    place: float | None
    scaled: float | None
    seen: Seen | None = None


class Model(msgspec.Struct, frozen=True):
    """The page of a model.

    Attributes
    ----------
    model : ModelName
    versions : list of str
        Version and digest of each that has results.
    training_data : str
        As declared; "unknown" where nothing is.
    scores : list of ModelScore
    line : ModelLine
        Over all columns.
    cost : Cost or None
        Summed over its results (memory: the largest).
    environment : dict
        Of the newest result.
    notes : list of str
    """

    model: ModelName
    versions: list[str]
    training_data: str
    scores: list[ModelScore]
    line: ModelLine
    cost: Cost | None
    environment: dict[str, str]
    notes: list[str]


class Point(msgspec.Struct, frozen=True, gc=False):
    """An item in a scatter plot: what two models say of it, and what is true."""

    item: str
    group: str
    truth: float | None
    values: list[float | None]


class Compared(msgspec.Struct, frozen=True):
    """One column on the page that compares models."""

    column: Column
    scores: list[Score | None]
    pairs: list[Pair]


class Compare(msgspec.Struct, frozen=True):
    """Two to five models side by side.

    Attributes
    ----------
    models : list of ModelName
    columns : list of Compared
        Those that two of them have at least.
    chosen : Column or None
        Whose items are shown.
    sample : list of Point
        Up to 2,000 items, drawn by a seed.
    differing : list of Point
        Where the models differ most.
    across : list of TaskPair
    available : list of ModelName
        All that can be chosen.
    """

    models: list[ModelName]
    columns: list[Compared]
    chosen: Column | None
    sample: list[Point]
    differing: list[Point]
    across: list[TaskPair]
    available: list[ModelName] = []


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What one model says of an item."""

    model: ModelName
    group: str
    truth: float | None
    value: float | None
    said: str | None = None


class Item(msgspec.Struct, frozen=True):
    """One item of a benchmark, as all models answered it."""

    column: Column
    item: str
    answers: list[Answer]
    before: str | None
    after: str | None


class Items(msgspec.Struct, frozen=True):
    """Items of a benchmark, a page at a time."""

    column: Column
    search: str
    start: int
    total: int
    items: list[str]


class Submission(msgspec.Struct, frozen=True):
    """What became of something that was submitted.

    Attributes
    ----------
    id, received, model, benchmark : str
    state : {"waiting", "scoring", "scored", "refused", "failed"}
    reason : str or None
        Of a refusal or failure, in one line.
    result : str or None
    verdict : str or None
        Of what was scored: the score with its interval, or what a board with hidden labels tells.
    card : str
        What the model is, as its submitter wrote it: plain text.
    """

    id: str
    received: str
    model: str
    benchmark: str
    state: Literal["waiting", "scoring", "scored", "refused", "failed"]
    reason: str | None = None
    result: str | None = None
    verdict: str | None = None
    card: str = ""


class Submit(msgspec.Struct, frozen=True):
    """The form that submits.

    Attributes
    ----------
    token : str
        That the form has to send back, so that no other site can send it.
    benchmarks : list of Column
        That take submissions.
    most_bytes : int
        Of a file.
    problem : str
        Why the last try was turned away; empty at first.
    """

    token: str
    benchmarks: list[Column]
    most_bytes: int
    problem: str = ""


class Problem(msgspec.Struct, frozen=True):
    """What is told in place of a page: status of HTTP, and one line on what to do."""

    status: int
    message: str


class Replay(Problem, frozen=True):
    """What is told of a submission that came before: `first` is its id, for whoever sent it."""

    first: str | None = None
