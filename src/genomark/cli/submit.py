"""``genomark submit``: answers to a test split, signed and packed for a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def submit(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of run --out.")],
    card: Annotated[Path, typer.Option(metavar="FILE", help="What the model is, in Markdown.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the model, as a board shows it.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The bundle.")] = Path("bundle.zip"),
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="To sign with; made if it is missing. Left out: in the folder of your settings.",
        ),
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="ID", help="Where the folders have several.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="As results name it, where there are several.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="NAME",
            help="Of a prediction's numbers, in order. Left out: as the benchmark names them.",
        ),
    ] = None,
) -> None:
    """Pack a model's answers to a test split, with a model card, and sign them.

    Several fits are averaged. A run of the same model with the same settings on dev, in one of the
    folders, is told too.

    \b
    Example:
      genomark run -m kmer -b guanine/cons30:split=test -b guanine/cons30 --out blind
      genomark submit blind --card card.md --name "5-mer ridge" --out bundle.zip
    """
    from genomark.atomic import write_whole
    from genomark.cli.terminal import status
    from genomark.errors import UsageError
    from genomark.results.submission import (
        Draft,
        ModelNamed,
        default_key_path,
        make_bundle,
        read_answers,
        signing_key,
    )

    try:
        told = card.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{card}: no model card; expected a text in Markdown") from error
    answers = read_answers(folders, benchmark=benchmark, model=model, labels=labels or ())
    path = key or default_key_path()
    signing, made = signing_key(path)
    identity = answers.result.model
    draft = Draft(
        benchmark=answers.benchmark,
        model=ModelNamed(name, identity.version, identity.digest),
        predictions=answers.predictions,
        card=told,
        dev=answers.dev,
    )
    write_whole(out, make_bundle(draft, signing))
    if made:
        status(f"Made the key {path}; keep it: what it submits is yours alone")
    fits = f", means of {answers.fits} fits" if answers.fits > 1 else ""
    status(
        f"{out}: {answers.items:,} items × {len(answers.labels)} "
        f"label{'s' if len(answers.labels) > 1 else ''} of {answers.benchmark.id}{fits}; "
        f"{'with' if answers.dev else 'without'} a dev result"
    )
    # Whole, as whoever keeps a board by invitation needs it.
    status(f"Signed by {signing.public}")
