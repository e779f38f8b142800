"""``genomark submit``: answers of a model, signed and packed for a board, and sent to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.leaderboard.submissions.client import BoardClient


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
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a leaderboard: also send the bundle.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --url: your token for it.")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="With --url: leave without the score.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Send the token by plain http to another machine.")
    ] = False,
) -> None:
    """Pack a model's answers with a model card, sign them, and perhaps send them to a leaderboard.

    Several fits are averaged. Where there are runs on a test split and on dev, the first is
    submitted, and the other, of the same model with the same settings, is told too.

    \b
    Examples:
      genomark run -m kmer -b guanine/cons30:split=test -b guanine/cons30 --out blind
      genomark submit blind --card card.md --name "5-mer ridge" --out bundle.zip
      genomark submit mine --card card.md --name mine --url https://board.org --token-file token
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

    client = _client(url, token_file, insecure=insecure)
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
    if client is not None:
        _send(client, out, wait=not no_wait)


def _client(url: str | None, token_file: Path | None, *, insecure: bool) -> BoardClient | None:
    """Look at what is needed for sending, before any work is done."""
    from genomark.errors import UsageError

    if (url is None) != (token_file is None):
        raise UsageError("--url URL and --token-file FILE belong together")
    if url is None or token_file is None:
        return None
    from genomark.leaderboard.submissions.client import BoardClient
    from genomark.serving.server import read_token

    return BoardClient(url, read_token(token_file), insecure=insecure)


def _send(client: BoardClient, bundle: Path, *, wait: bool) -> None:
    """Send a bundle, and print what became of it; exit 1 if it was not scored."""
    from genomark.cli.store_option import following
    from genomark.cli.terminal import console, status
    from genomark.errors import one_line

    with following(bundle.stat().st_size, "bytes sent") as show:
        taken = client.send(bundle, show)
    status(f"Received; its page is {client.page(taken.id)}")
    if not wait:
        return
    found = client.wait(taken.id)
    if found.state != "scored":
        line = f"{found.state}: {found.reason}"
    else:
        rank = client.rank(found)
        line = f"scored: {found.verdict}" + (f"; rank {rank}" if rank else "")
    console().print(one_line(line), markup=False, soft_wrap=True)
    if found.state != "scored":
        raise typer.Exit(1)
