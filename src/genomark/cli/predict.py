"""``genomark predict``: answers to sequences of one's own, of fits that were saved or of models."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genomark.cli.matcher_option import Matcher

if TYPE_CHECKING:
    import polars as pl

    from genomark.models import Predictor
    from genomark.protocol import PredictionTask
    from genomark.training.ensemble import Ensemble

#: Heading of the options that concern models, not fits.
PREDICTORS = "Models that predict activity"
#: Sequences, and their bases, that are answered together.
_TOGETHER, _BASES_TOGETHER = 1024, 1 << 21
#: Columns that no label may be called.
_TAKEN = ("id", "position", "first", "second", "class", "probability")


def predict(
    models: Annotated[
        list[str],
        typer.Option(
            "--model",
            "-m",
            metavar="SPEC|FOLDER",
            help="A saved fit, or a model that predicts. Several fits of one task are averaged.",
        ),
    ],
    input: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="Sequences: FASTA, CSV, ...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv, .tsv, .parquet, .json or .jsonl to write. Left out: CSV is printed.",
        ),
    ] = None,
    genome: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of regions: FASTA or 2bit.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let code run that came with a fit's checkpoint.")
    ] = False,
    type: Annotated[
        str, typer.Option(help="Readout asked for.", rich_help_panel=PREDICTORS)
    ] = "expression",
    cell_type: Annotated[
        str, typer.Option(help="Asked for, as in K562.", rich_help_panel=PREDICTORS)
    ] = "NA",
    species: Annotated[
        str, typer.Option(help="Asked for.", rich_help_panel=PREDICTORS)
    ] = "homo_sapiens",
    matcher: Matcher = None,
) -> None:
    """Write one row a sequence, or a position of it, with what the model answers.

    \b
    Examples:
      genomark predict -m my_fit -i new.fa
      genomark predict -m my_fits/seed-0 -m my_fits/seed-1 -i new.csv -o answers.parquet
      genomark predict -m my_fits -i peaks.bed --genome hg38.2bit -o answers.tsv
      genomark predict -m py:./my_model.py:predict -i new.fa -o answers.jsonl
      genomark predict -m enformer:NAME -i new.fa --type expression --cell-type k-562
    """
    from genomark.atomic import write_whole
    from genomark.cli.tables import TABLE_ENDINGS, check_ending, table_bytes
    from genomark.cli.terminal import status
    from genomark.errors import UsageError
    from genomark.models.genes.waiting import Waiting
    from genomark.protocol import PredictionTask
    from genomark.sequences import read_sequences

    check_ending(output, TABLE_ENDINGS)
    folders = [folder for word in models if (folder := _folder(word)) is not None]
    if len(folders) < len(models) > 1:
        raise UsageError("only saved fits can be averaged: name folders, or a single model")
    if folders:
        answering = _ensemble(folders, trust=trust)
    else:
        asked = PredictionTask("activity", type, cell_type, species)
        answering = _predictor(models[0], asked, matcher)
    ids, sequences = read_sequences(input, genome)
    with Waiting(len(sequences), "sequences") as waiting:
        frame = answering(ids, sequences, waiting.advance)
    if output is None:
        sys.stdout.write(frame.write_csv())
        return
    write_whole(output, table_bytes(frame, output))
    status(f"answers to {len(ids):,} sequences are in {output}")


#: From ids, sequences, and what takes how many more are done, to a table.
Answering = Callable[[Sequence[str], Sequence[str], Callable[[int], None]], "pl.DataFrame"]


def _folder(word: str) -> Path | None:
    """Tell a saved fit from a spec."""
    name = word.removeprefix("fit:")
    is_path = word != name or Path(name).is_dir() or ("/" in name and ":" not in name)
    return Path(name) if is_path else None


def _ensemble(folders: Sequence[Path], *, trust: bool) -> Answering:
    from genomark.cli.terminal import status
    from genomark.training.ensemble import load_ensemble

    ensemble = load_ensemble(folders, trust=trust)
    for fit in ensemble.fits:
        record = fit.record
        status(
            f"{fit.folder}: {record.model.id}, fitted on {record.task} to "
            f"{', '.join(record.labels[:5])}{', ...' if len(record.labels) > 5 else ''} "
            f"({record.kind}, seed {record.seed})"
        )

    def answer(
        ids: Sequence[str], sequences: Sequence[str], progress: Callable[[int], None]
    ) -> pl.DataFrame:
        answers, spread = _in_batches(ensemble, sequences, progress)
        return _table(ensemble, ids, answers, spread)

    return answer


def _in_batches(
    ensemble: Ensemble, sequences: Sequence[str], progress: Callable[[int], None]
) -> tuple[list[Any], list[Any] | None]:
    """Answer sequences beside those of a similar length; give the answers in their order."""
    order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
    answers: list[Any] = [None] * len(order)
    spreads: list[Any] = [None] * len(order)
    start = 0
    while start < len(order):
        longest = len(sequences[order[min(start + _TOGETHER, len(order)) - 1]])
        rows = order[start : start + max(1, min(_TOGETHER, _BASES_TOGETHER // longest))]
        mean, spread = ensemble.answers([sequences[row] for row in rows])
        for place, row in enumerate(rows):
            answers[row] = mean[place]
            spreads[row] = None if spread is None else spread[place]
        start += len(rows)
        progress(len(rows))
    return answers, spreads if len(ensemble.fits) > 1 else None


def _table(
    ensemble: Ensemble, ids: Sequence[str], answers: list[Any], spread: list[Any] | None
) -> pl.DataFrame:
    """Write a row a sequence, a position or a pair; a column a label, and what follows of it."""
    import numpy as np
    import polars as pl
    from scipy.special import expit

    from genomark.sequences import KINDS_OF_PAIRS, KINDS_OF_POSITIONS

    n = len(ensemble.labels)
    table = _flat(answers, n)
    index: dict[str, Any] = {"id": pl.Series(ids, dtype=pl.String)}
    if ensemble.kind in (*KINDS_OF_POSITIONS, *KINDS_OF_PAIRS):
        lengths = [each.shape[0] for each in answers]
        sides = 2 if ensemble.kind in KINDS_OF_PAIRS else 1
        places = [np.indices((length,) * sides).reshape(sides, -1) + 1 for length in lengths]
        found = np.concatenate(places, axis=1)
        index["id"] = pl.Series(np.repeat(np.asarray(ids, object), [p.shape[1] for p in places]))
        index |= dict(zip(("first", "second") if sides == 2 else ("position",), found, strict=True))
    names = _column_names(ensemble.labels)
    columns = dict(zip(names, table.T, strict=True))
    if ensemble.kind == "binary":
        columns["probability"] = expit(table[:, 0].astype(np.float64))
    if ensemble.kind.endswith(("class", "classes")):
        labels = np.asarray(ensemble.labels, object)
        columns["class"] = pl.Series(labels[table.argmax(axis=1)], dtype=pl.String)
    if spread is not None:
        told = zip(names, _flat(spread, n).T, strict=True)
        columns |= {f"{name} spread": each for name, each in told}
    return pl.DataFrame(index | columns)


def _flat(answers: list[Any], n_labels: int) -> Any:
    """Lay answers under each other, float[rows, n_labels]."""
    import numpy as np

    return np.concatenate([np.asarray(each).reshape(-1, n_labels) for each in answers])


def _column_names(labels: tuple[str, ...]) -> list[str]:
    """``value`` for a single one; a label with the name of another column is told apart from it."""
    if len(labels) == 1:
        return ["value"]
    spreads = {f"{label} spread" for label in labels}
    return [f"label {each}" if each in _TAKEN or each in spreads else each for each in labels]


def _predictor(spec: str, asked: PredictionTask, matcher: str | None) -> Answering:
    """Ask a model that predicts for one number a sequence."""
    from genomark.errors import CapabilityError
    from genomark.models import Embedder, Predictor, TaskTrainable, Trainable, load_model
    from genomark.models.matcher_setting import MatcherSetting
    from genomark.models.track_predictor import TrackPredictor

    setting = MatcherSetting.of(matcher)
    model = load_model(spec)
    if isinstance(model, TrackPredictor):
        # Few models need it, and what a Matcher knows takes a while to read.
        from genomark.matching.track_matcher import with_matcher

        return _points(with_matcher(model, setting), asked)
    if isinstance(model, Predictor):
        return _points(model, asked)
    if isinstance(model, Embedder):
        raise CapabilityError(
            f"'{spec}' gives vectors, not answers: genomark embed writes them, and genomark "
            "finetune makes a fit of it that answers"
        )
    if isinstance(model, TaskTrainable | Trainable):
        raise CapabilityError(
            f"'{spec}' answers nothing before it is fitted: genomark finetune -m {spec} "
            "--train FILE --output FOLDER, then genomark predict -m FOLDER"
        )
    raise CapabilityError(f"'{spec}' does not predict from sequences; expected a Predictor")


def _points(model: Predictor, asked: PredictionTask) -> Answering:
    def answer(
        ids: Sequence[str], sequences: Sequence[str], progress: Callable[[int], None]
    ) -> pl.DataFrame:
        import polars as pl

        from genomark.benchmarks.matched_terms import matched_terms
        from genomark.benchmarks.predictor_benchmark import answer_frame, only_task, point_of
        from genomark.cli.terminal import status
        from genomark.protocol import PredictRequest

        found = []
        for start in range(0, len(ids), _TOGETHER):
            batch = slice(start, start + _TOGETHER)
            named = dict(zip(ids[batch], sequences[batch], strict=True))
            request = PredictRequest("point", [asked], named)
            response = model.predict(request)
            told = only_task(response)
            found += [point_of(told, name) for name in named]
            if not start:
                actual = ", ".join([*told.type_actual, told.cell_type_actual, told.species_actual])
                status(
                    f"answers of {model.info.id}: {actual}, {told.scale_prediction_actual} scale"
                )
                for line in _matched(matched_terms(model, request, response)):
                    status(line)
            progress(len(named))
        frame = answer_frame(found)
        missing = frame["reason"].drop_nulls()
        if missing.len():
            status(f"{missing.len():,} of {len(ids):,} have no answer, the first: {missing[0]}")
        return pl.DataFrame({"id": pl.Series(ids, dtype=pl.String), "value": frame["value"]})

    return answer


def _matched(told: Mapping[str, Any]) -> Iterator[str]:
    """Say which terms were taken for which, how sure that is, and who said so."""
    from genomark.errors import one_line

    for task in told.values():
        for term in task["terms"]:
            requested, actual = one_line(term["requested"]), term["actual"]
            taken = "has no match" if actual is None else f"was taken for '{one_line(actual)}'"
            sure = term["confidence"]
            how = "no confidence told" if sure is None else f"confidence {sure:.2f}"
            by = one_line(task["matcher_version"])
            yield f"{term['category']} '{requested}' {taken} ({how}), by {by}"
