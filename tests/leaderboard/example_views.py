"""A made-up board with names of all kinds, as views: what templates have to stand."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from genomark.leaderboard.slugs import slug_of
from genomark.leaderboard.views import (
    Answer,
    Benchmark,
    BenchmarkLine,
    Column,
    Compare,
    Compared,
    Cost,
    Front,
    Interval,
    Item,
    Items,
    Model,
    ModelLine,
    ModelName,
    ModelScore,
    Pair,
    Point,
    Problem,
    Score,
    Source,
    Submission,
    Submit,
    Suite,
    SuiteLine,
    TaskPair,
)

SCRIPT = "<script>alert(1)</script>"
HOSTILE = f'"><img src=x onerror=alert(1)>{SCRIPT}'
#: Hebrew, and a character that turns what follows around.
RIGHT_TO_LEFT = "מודל-גנום"
TURNED = "model\u202egnp.exe"
LONG = "hf:an-organisation/" + "very-long-name-of-a-checkpoint-" * 9

NAMES = (
    ("", "hf:kuleshov-group/caduceus-ph-131k"),
    ("", "kmer:k=5"),
    ("ana", "legnet-like"),
    ("", "cnn:width=64,depth=5"),
    ("", LONG),
    ("bo", HOSTILE),
    ("", RIGHT_TO_LEFT),
    ("", TURNED),
    ("{{ 7*7 }}", "gkm + ‘SVM’ 🧬"),
    ("", "control:random"),
    ("", "control:oracle"),
    ("", "Enformer (2021)"),
)
MODELS = tuple(ModelName(slug_of(id, owner), id, owner) for owner, id in NAMES)
PUBLISHED = len(MODELS) - 1
_SUITES = {
    "game": ("GAME", ("kircher2019", "lentimpra-k562", "fulco-crispri", "gtex-eqtl")),
    "guanine": ("GUANinE", ("guanine/dnase-propensity", "guanine/gpra_c", "guanine/cons30")),
    "genes": ("Gene embeddings", ("genes/essentiality", "genes/tf-range", "genes/dosage", "a b")),
    "other": ("Other benchmarks", (SCRIPT, "b" * 300, "rna/ss-bprna")),
}


def _columns() -> list[Column]:
    columns = []
    for suite, (_, ids) in _SUITES.items():
        for place, id in enumerate(ids):
            lower = id == "genes/dosage"
            columns.append(
                Column(
                    slug=slug_of(id),
                    id=id,
                    version="1.2.0",
                    digest="9f86d081884c7d659a2feaa0c55ad015",
                    title={
                        "kircher2019": "Saturation mutagenesis of 20 regulatory elements (MPRA)",
                        "a b": "",
                    }.get(id, f"Task {id} <b>{place}</b>"),
                    suite=suite,
                    limit=500 if place == 1 else None,
                    metric="mse" if lower else ("auroc" if suite == "genes" else "mean_pearson"),
                    higher_is_better=not lower,
                    items=12_000 + place,
                    models=len(MODELS) - 1,
                )
            )
    return columns


COLUMNS = _columns()


def scores(column: Column, seed: int) -> list[Score | None]:
    """Scores of all models on a column: most of them, one undefined, one without interval."""
    drawn = random.Random(seed)
    found: list[Score | None] = []
    for place in range(len(MODELS)):
        value = 0.85 - 0.045 * place + drawn.uniform(-0.06, 0.06)
        value = 1.5 - value if not column.higher_is_better else value
        rank = min(place + 1, 9)
        score = Score(
            result=f"{seed:016x}{place:016x}",
            value=value,
            low=value - 0.02 - drawn.random() / 50,
            high=value + 0.02 + drawn.random() / 50,
            reason=None,
            rank_first=max(rank - 1, 1),
            rank_last=rank + (place % 2),
            n=column.items,
            n_clusters=21,
            standing="self-reported" if place % 4 == 1 else "verified",
            attempts=1 + place % 3,
            leakage=0.034 if place == 3 else "unknown",
        )
        if place == PUBLISHED:
            score = msgspec.structs.replace(
                score, low=None, high=None, rank_first=None, rank_last=None, standing="published"
            )
        if place == 4 and seed % 3 == 0:
            score = msgspec.structs.replace(score, low=None, high=None)
        if place == 6 and seed % 2:
            score = msgspec.structs.replace(
                score,
                value=None,
                low=None,
                high=None,
                rank_first=None,
                rank_last=None,
                reason="predictions are constant <i>",
            )
        found.append(None if (place * 7 + seed * 3) % 17 == 0 else score)
    return found


def lines(columns: Sequence[Column], *, first: int = 0) -> list[ModelLine]:
    """A line to each model, its scores in the order of the columns."""
    by_column = [scores(column, first + place) for place, column in enumerate(columns)]
    return [
        ModelLine(
            model=model,
            scores=[column[place] for column in by_column],
            mean_rank=None
            if place == PUBLISHED
            else Interval(1.4 + 0.9 * place, 1.0 + 0.8 * place, 2.1 + 0.95 * place),
            win_rate=None if place == PUBLISHED else 0.95 - 0.08 * place,
            scaled=None if place % 5 == 4 else Interval(0.9 - 0.07 * place, None, None),
            over=0 if place == PUBLISHED else len(columns) - place % 3,
        )
        for place, model in enumerate(MODELS)
    ]


def front() -> Front:
    """All models by all benchmarks."""
    suites = [
        SuiteLine(
            slug=suite,
            name=suite,
            title=title,
            columns=len(ids),
            models=12,
            leaders=list(MODELS[: 1 + 3 * place]),
        )
        for place, (suite, (title, ids)) in enumerate(_SUITES.items())
    ]
    return Front(
        results=154,
        updated="2026-05-04T03:02:01.000+00:00",
        suites=suites,
        columns=COLUMNS,
        lines=lines(COLUMNS),
    )


def task_pairs(models: Sequence[ModelName]) -> list[TaskPair]:
    """Every pair of models over many tasks."""
    return [
        TaskPair(
            model_a=a.slug,
            model_b=b.slug,
            tasks=0 if place == other - 9 else 4,
            wins=3.5,
            p_value=None if place == other - 9 else 0.0004 * (1 + other - place) ** 3,
            adjusted=None if place == other - 9 else min(1.0, 0.002 * (1 + other - place) ** 3),
            apart=other - place > 3,
        )
        for place, a in enumerate(models)
        for other, b in enumerate(models)
        if other > place
    ]


def suite() -> Suite:
    """The suite whose ids are the worst."""
    columns = [column for column in COLUMNS if column.suite == "other"]
    return Suite(
        slug="other",
        name="other",
        title="Other benchmarks",
        columns=columns,
        lines=lines(columns, first=50),
        pairs=task_pairs(MODELS[:-1]),
        cliques=[[model.slug for model in MODELS[:3]], [model.slug for model in MODELS[2:6]]],
        complete=2,
        notes=[f"{HOSTILE} has no negative control"],
    )


def benchmark(*, older: bool = False) -> Benchmark:
    """A benchmark with all that its page can show."""
    column = msgspec.structs.replace(COLUMNS[0], newest=not older)
    found = scores(column, 3)
    told = [
        BenchmarkLine(
            model=model,
            score=score,
            others={"mean_spearman": Interval(0.5, 0.4, 0.6), "mse": None},
            asked=column.items,
            answered=column.items - place,
            cost=None if place == PUBLISHED else Cost(3.0**place / 10, 3.0**place, 10**9 + place),
            added=f"2026-05-{place + 1:02d}T10:00:00+00:00",
            version="0.1.0",
            notes=["trained on <lentiMPRA>"] if place in (2, PUBLISHED) else [],
        )
        for place, (model, score) in enumerate(zip(MODELS, found, strict=True))
        if score is not None
    ]
    slugs = [line.model.slug for line in told]
    return Benchmark(
        column=column,
        versions=[
            column,
            msgspec.structs.replace(column, slug="kircher2019@0a1b2c3d", version="1.1.0"),
        ],
        lines=told,
        tie_sets=[slugs[:3], slugs[2:6], [slugs[5], slugs[8]], slugs[8:9]],
        asks="How well are effects of single-base variants on expression predicted?",
        capability="Predictor of expression",
        citation="Kircher et al. 2019, Nature Communications 10:3583",
        sources=[
            Source(
                "kircher2019", "Saturation <mutagenesis>", "CC-BY-4.0", "https://osf.io", 7340032
            ),
            Source("hg38", "", "", "unknown", None),
        ],
        ceiling=0.93,
        detectable=0.0213,
        command="genomark run -m MODEL -b kircher2019",
        has_items=True,
        notes=["LDLR was measured twice: one cluster", HOSTILE],
    )


def model(place: int = 5) -> Model:
    """A model of a hostile name."""
    by_column = [(column, scores(column, number)[place]) for number, column in enumerate(COLUMNS)]
    told = [
        ModelScore(
            column,
            score,
            None if score.rank_first is None else 1 - number / 14,
            None if number % 3 else 0.61,
        )
        for number, (column, score) in enumerate(by_column)
        if score is not None
    ]
    return Model(
        model=MODELS[place],
        versions=["0.1.0 (9f86d081884c)", "0.2.0 <new>"],
        training_data="unknown",
        scores=told,
        line=lines(COLUMNS)[place],
        cost=Cost(86_400.0 * 3, 5_000.0, 31_000_000_000),
        environment={"python": "3.11.9", "processor": HOSTILE, "torch": "2.13.0"},
        notes=["Its training data are not declared."],
    )


def points(count: int, models: int) -> list[Point]:
    """Items as models answer them, some without an answer."""
    drawn = random.Random(5)
    return [
        Point(
            item=f"chr{place % 22 + 1}:{place}:A>T" if place else HOSTILE,
            group="LDLR" if place % 2 else "",
            truth=None if place % 10 == 9 else drawn.gauss(0, 1),
            values=[None if place % 13 == k else drawn.gauss(0, 1) for k in range(models)],
        )
        for place in range(count)
    ]


def pairs(models: Sequence[ModelName]) -> list[Pair]:
    """Every pair of models on one column."""
    return [
        Pair(
            model_a=a.slug,
            model_b=b.slug,
            difference=0.02 * (other - place) - 0.01,
            low=None if other == 3 else 0.01 * (other - place) - 0.02,
            high=None if other == 3 else 0.03 * (other - place),
            superiority=None if other == 3 else 0.93,
            n=0 if other == 3 else 11_990,
            tied=other - place < 2,
            paired=other != 3,
        )
        for place, a in enumerate(models)
        for other, b in enumerate(models)
        if other > place
    ]


def compare(count: int = 3) -> Compare:
    """Models side by side; with fewer than two only the choice."""
    models = [MODELS[place] for place in (0, 5, 6, 4, 1)[:count]]
    enough = count > 1
    return Compare(
        models=models,
        columns=[
            Compared(column, scores(column, 3)[:count], pairs(models)) for column in COLUMNS[:5]
        ]
        if enough
        else [],
        chosen=COLUMNS[0] if enough else None,
        sample=points(400, count) if enough else [],
        differing=points(12, count) if enough else [],
        across=task_pairs(models) if enough else [],
        available=list(MODELS),
    )


def items(start: int = 100) -> Items:
    """A page in the middle."""
    found = [f"chr1:{place}:C>G" for place in range(97)]
    return Items(COLUMNS[11], "chr1", start, 12_000, [HOSTILE, RIGHT_TO_LEFT, "x" * 300, *found])


def item() -> Item:
    """An item of two labels, one of them without a truth."""
    answers = [
        Answer(
            model,
            group,
            0.4 if group else None,
            None if place == 3 else 0.1 * place - 0.3,
            SCRIPT if place == 5 else None,
        )
        for group in ("K562", "")
        for place, model in enumerate(MODELS[:-1])
    ]
    return Item(COLUMNS[0], HOSTILE, answers, before="chr1:1:A>T", after=f"y&z={HOSTILE}")


def submit(problem: str = "") -> Submit:
    """The form."""
    return Submit("0123abcd", COLUMNS[:2], 50_000_000, problem)


def submission(state: str = "waiting") -> Submission:
    """What became of something submitted."""
    told = {"refused": f"the bundle names {HOSTILE}", "failed": "out of memory"}
    return Submission(
        id="a" * 32,
        received="2026-05-04T03:02:01+00:00",
        model=HOSTILE,
        benchmark="guanine/gpra_c",
        state=state,  # type: ignore[arg-type]
        reason=told.get(state),
        result="b" * 32 if state == "scored" else None,
    )


def problem(status: int = 404) -> Problem:
    """An error."""
    return Problem(status, f"sort is '{HOSTILE}'; expected rank, model, wins, scaled, columns")


#: Every page with a view that fills it.
PAGES = {
    "front": front,
    "suite": suite,
    "benchmark": benchmark,
    "model": model,
    "compare": compare,
    "items": items,
    "item": item,
    "submit": submit,
    "submission": submission,
    "statistics": lambda: None,
    "error": problem,
}
