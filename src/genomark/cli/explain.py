"""``genomark explain``: what each base does to an answer, and what a network looks at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from genomark.models import Predictor
    from genomark.models.explain.mutagenesis import Compare
    from genomark.results.explanation_folder import ExplanationFolder

#: Mutants that are asked together where the model itself does not say how far it has come.
_TOGETHER = 128
#: Predictors take A, C, G, T and N, and no other letters (GAME 1.0, section 2.4).
_AS_ASKED = str.maketrans("URYSWKMBDHV", "TNNNNNNNNNN")
_RANGE = re.compile(r"([1-9]\d*)(?:-([1-9]\d*))?")


class Method(StrEnum):
    """What is looked at."""

    MUTAGENESIS = "mutagenesis"
    ATTENTION = "attention"


class Effect(StrEnum):
    """What is compared."""

    AUTO = "auto"
    PREDICTION = "prediction"
    LIKELIHOOD = "likelihood"
    DISTANCE = "distance"


#: Takes sequences, and what counts those that are answered.
Ask = Callable[[list[str], Callable[[int], None]], Any]


@dataclass(frozen=True)
class _Question:
    """What mutants are asked.

    Attributes
    ----------
    ask : callable
    measure : str
        What it answers with.
    compare : callable
        What an effect is.
    outputs : tuple of str
        Names of the numbers it answers with; empty for a single one without a name.
    """

    ask: Ask
    measure: str
    compare: Compare
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Task:
    """What Predictors are asked for."""

    type: str
    cell_type: str
    species: str


def explain(
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="SPEC|DIR", help="A model, or a saved fit."),
    ],
    input: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="Sequences: FASTA, CSV, ...")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write to.")
    ] = Path("genomark-explained"),
    method: Annotated[
        Method, typer.Option(help="Replace each base, or show attention (hf: models).")
    ] = Method.MUTAGENESIS,
    positions: Annotated[
        str | None,
        typer.Option(metavar="FROM-TO", help="Replace only these, from 1; else all."),
    ] = None,
    effect: Annotated[
        Effect,
        typer.Option(help="What is compared; auto takes the first of these the model has."),
    ] = Effect.AUTO,
    deletions: Annotated[
        bool, typer.Option("--deletions", help="Also leave each base out.")
    ] = False,
    layer: Annotated[
        int | None, typer.Option(help="Attention of one layer, from 0; else the mean.")
    ] = None,
    head: Annotated[
        int | None, typer.Option(help="Attention of one head, from 0; else the mean.")
    ] = None,
    type: Annotated[str, typer.Option(help="What Predictors are asked for.")] = "expression",
    cell_type: Annotated[str, typer.Option(help="In which cells.")] = "K562",
    species: Annotated[str, typer.Option(help="Of which species.")] = "homo_sapiens",
) -> None:
    """Write what each base of each sequence does to a model's answer: tables, drawings, a page.

    \b
    Examples:
      genomark explain -m kmer -i enhancers.fa
      genomark explain -m ./my-fit -i test.csv --positions 50-100 -o explained
      genomark explain -m hf:org/name -i promoters.fa --effect distance
      genomark explain -m hf:org/name -i promoters.fa --method attention --layer -1
    """
    from genomark.errors import UsageError
    from genomark.sequences import read_sequences

    if method is Method.ATTENTION and (positions or deletions or effect is not Effect.AUTO):
        raise UsageError(
            "--positions, --deletions and --effect are of --method mutagenesis; leave them out"
        )
    if method is Method.MUTAGENESIS and not (layer is None and head is None):
        raise UsageError("--layer and --head are of --method attention; add it")
    ids, sequences = read_sequences(input)
    if method is Method.ATTENTION:
        _explain_attention(model, ids, sequences, output, layer, head)
        return
    asked = _asked_positions(positions, input, ids, sequences)
    question = _question(model, effect, _Task(type, cell_type, species))
    _explain_mutagenesis(model, question, ids, sequences, output, asked, deletions)


def _asked_positions(
    text: str | None, where: Path, ids: Sequence[str], sequences: Sequence[str]
) -> range | None:
    """Read ``50-100`` or ``57``, which count from 1, and see that all sequences have them."""
    from genomark.errors import UsageError, one_line

    if text is None:
        return None
    found = _RANGE.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        raise UsageError(f"--positions {text}: expected a range that counts from 1, such as 50-100")
    for name, sequence in zip(ids, sequences, strict=True):
        if len(sequence) < last:
            raise UsageError(
                f"{where}: '{one_line(name)}' has {len(sequence):,} bases, and --positions {text} "
                "asks for more"
            )
    return range(first - 1, last)


def _question(spec: str, effect: Effect, task: _Task) -> _Question:
    """Find what the model can be asked."""
    from genomark.errors import CapabilityError
    from genomark.models import Embedder, Predictor, Scorer, Trainable, load_model
    from genomark.models.explain.mutagenesis import cosine_less_one, difference

    if spec.startswith("fit:") or Path(spec).is_dir():
        return _question_to_fit(Path(spec.removeprefix("fit:")), effect)
    made: object = load_model(spec)
    if isinstance(made, Trainable):
        made = made.fit(made.default_split())
    wanted = [effect] if effect is not Effect.AUTO else list(Effect)
    if Effect.PREDICTION in wanted and isinstance(made, Predictor):
        return _Question(_by_parts(_points(made, task)), task.type, difference)
    if Effect.LIKELIHOOD in wanted and isinstance(made, Scorer):
        measure = "log-likelihood" if made.likelihood == "causal" else "pseudo-log-likelihood"
        return _Question(made.log_likelihoods, measure, difference)
    if Effect.DISTANCE in wanted and isinstance(made, Embedder):
        return _Question(made.embed, "cosine with the vector of the sequence", cosine_less_one)
    what = "no answer to compare" if effect is Effect.AUTO else f"no {effect} to compare"
    raise CapabilityError(
        f"'{spec}': has {what}; expected a model that predicts, scores or embeds sequences, or the "
        "folder of a fit (genomark finetune)"
    )


def _question_to_fit(folder: Path, effect: Effect) -> _Question:
    from genomark.errors import CapabilityError
    from genomark.models.explain.mutagenesis import difference
    from genomark.sequences import KINDS_OF_SEQUENCES
    from genomark.training.saved import load_fit

    fit = load_fit(folder)
    kind = fit.record.kind
    if kind not in KINDS_OF_SEQUENCES or effect not in (Effect.AUTO, Effect.PREDICTION):
        raise CapabilityError(
            f"{folder}: a fit to a '{kind}' task is explained by what it predicts of a whole "
            "sequence, and by nothing else"
        )
    measure = {"multi-class": "probability", "regression": "value"}.get(kind, "decision value")

    return _Question(_by_parts(fit.answers), measure, difference, fit.record.labels)


def _by_parts(ask: Callable[[list[str]], Any]) -> Ask:
    """Ask for some at a time, so as to tell how far it has come."""
    import numpy as np

    def by_parts(sequences: list[str], progress: Callable[[int], None]) -> Any:
        answers = []
        for start in range(0, len(sequences), _TOGETHER):
            part = sequences[start : start + _TOGETHER]
            answers.append(np.asarray(ask(part)))
            progress(len(part))
        return np.concatenate(answers)

    return by_parts


def _points(predictor: Predictor, task: _Task) -> Callable[[list[str]], list[float]]:
    """Ask a Predictor for one number a sequence, on the scale it has: logarithms need not exist."""
    from genomark.benchmarks.predictor_benchmark import only_task, point_of
    from genomark.errors import ModelError
    from genomark.protocol import PredictionTask, PredictRequest

    wanted = PredictionTask("explain", task.type, task.cell_type, task.species)

    def ask(sequences: list[str]) -> list[float]:
        named = {str(number): each.translate(_AS_ASKED) for number, each in enumerate(sequences)}
        answer = only_task(predictor.predict(PredictRequest("point", [wanted], named)))
        points = []
        for name in named:
            value, reason = point_of(answer, name)
            if value is None:
                raise ModelError(f"'{predictor.info.id}' has no answer to a mutant: {reason}")
            points.append(value)
        return points

    return ask


def _explain_mutagenesis(
    spec: str,
    question: _Question,
    ids: Sequence[str],
    sequences: Sequence[str],
    folder: Path,
    positions: range | None,
    deletions: bool,
) -> None:
    from genomark.models.explain.mutagenesis import count_questions, mutageneses
    from genomark.models.genes.waiting import Waiting
    from genomark.results.explanation_folder import ExplanationFolder

    made = ExplanationFolder(folder, ids)
    total = count_questions(sequences, positions, deletions=deletions)
    with Waiting(total, f"{spec}: mutants") as waiting:
        found = mutageneses(
            lambda asked: question.ask(asked, waiting.advance),
            sequences,
            positions=positions,
            compare=question.compare,
            deletions=deletions,
        )
        for each in found:
            made.add_mutagenesis(each, question.measure, question.outputs)
    notes = [
        f"Change in {question.measure} when a base is replaced by another: blue where it falls, "
        "orange where it rises, a dot at the base that is there.",
        "Letters: importance of a base, minus the mean change of its three substitutions.",
    ]
    _finish(made, f"{spec}: in-silico mutagenesis", notes)


def _explain_attention(
    spec: str,
    ids: Sequence[str],
    sequences: Sequence[str],
    folder: Path,
    layer: int | None,
    head: int | None,
) -> None:
    from genomark.errors import CapabilityError
    from genomark.models import load_model
    from genomark.models.explain.attention import attention
    from genomark.models.genes.waiting import Waiting
    from genomark.models.hub.model import HubModel
    from genomark.results.explanation_folder import ExplanationFolder

    model = load_model(spec)
    if not isinstance(model, HubModel):
        raise CapabilityError(
            f"'{spec}': has no attention to show; expected hf:ORG/NAME (--method mutagenesis "
            "explains any model)"
        )
    made = ExplanationFolder(folder, ids)
    with Waiting(len(sequences), f"{spec}: sequences") as waiting:
        for each in attention(model, sequences, layer=layer, head=head, progress=waiting.advance):
            made.add_attention(each)
    notes = [
        "Share of its attention that a base (down) gives to each other (across), "
        f"{_averaged('layer', layer)}, {_averaged('head', head)}. A base looks as the tokens that "
        "hold it, and what a token is given is shared among its bases."
    ]
    _finish(made, f"{spec}: attention", notes)


def _averaged(what: str, number: int | None) -> str:
    return f"mean over {what}s" if number is None else f"{what} {number}"


def _finish(made: ExplanationFolder, title: str, notes: Sequence[str]) -> None:
    from genomark.cli.terminal import status

    page, numbers = made.finish(title, notes)
    status(f"{made.count:,} sequences; the page is {page}, all numbers are in {numbers}")
