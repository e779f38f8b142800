"""``genomark cache``: what the prediction cache holds, whether it is sound, and how to empty it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.models.prediction_cache import PredictionCache

#: Characters of a digest that tell it from others.
_SHORT = 8

app = typer.Typer(help="Answers of models that runs keep for other runs.", no_args_is_help=True)

Place = Annotated[
    str | None,
    typer.Option("--prediction-cache", metavar="DIR", help="Left out: as for `genomark run`."),
]


@app.command()
def info(place: Place = None) -> None:
    """Tell what there is of each model, the one that takes most first.

    \b
    Example:
      genomark cache info
    """
    from rich.markup import escape
    from rich.table import Table

    from genomark.cli.terminal import console, status
    from genomark.errors import one_line

    cache = _chosen(place)
    held: dict[tuple[str, str], list[int]] = {}
    for each in cache.checked(values=False):
        told = ("(damaged)", "") if each.told is None else (each.told.model_id, each.told.model)
        counts = held.setdefault(told, [0, 0, 0])
        counts[:] = counts[0] + each.rows, counts[1] + 1, counts[2] + each.size
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("digest", no_wrap=True)
    for name in ("answers", "files", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for (model, digest), (rows, files, size) in sorted(held.items(), key=lambda each: -each[1][2]):
        shown = escape(one_line(model)), escape(one_line(digest)[:_SHORT])
        table.add_row(*shown, f"{rows:,}", f"{files:,}", f"{size / 1e6:,.1f}")
    if held:
        console().print(table)
    total = sum(size for _, _, size in held.values())
    status(f"{cache.folder}: {total / 1e9:,.2f} of {cache.max_bytes / 1e9:,.2f} GB")


@app.command()
def verify(place: Place = None) -> None:
    """Read all of it and tell what is damaged; exit status 1 if anything is.

    A run never uses what is damaged: it is computed again.

    \b
    Example:
      genomark cache verify
    """
    from genomark.cli.terminal import console, status

    cache = _chosen(place)
    files = damaged = 0
    for each in cache.checked():
        files += 1
        if each.told is None:
            damaged += 1
            console().print(f"damaged {each.path}", markup=False, soft_wrap=True)
    status(f"{files:,} files, {damaged:,} damaged")
    if damaged:
        raise typer.Exit(1)


@app.command()
def clear(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="SPEC", help="Of this one alone, as info names it."),
    ] = None,
    place: Place = None,
) -> None:
    """Remove the answers of all models, or of one.

    \b
    Examples:
      genomark cache clear
      genomark cache clear -m kmer:k=5
    """
    from genomark.cli.terminal import status
    from genomark.errors import UsageError

    cache = _chosen(place)
    if model is None:
        freed = cache.clear()
    else:
        held = {
            each.told.model: each.told.model_id for each in cache.checked(values=False) if each.told
        }
        wanted = [digest for digest, name in held.items() if name == model]
        if not wanted:
            raise UsageError(
                f"'{model}': {cache.folder} has no answers of such a model; `genomark cache info` "
                "lists those it has"
            )
        freed = sum(cache.forget(digest) for digest in wanted)
    status(f"{cache.folder}: {freed / 1e9:,.2f} GB freed")


def _chosen(place: str | None) -> PredictionCache:
    from genomark.errors import UsageError
    from genomark.models.prediction_cache import OFF, chosen_cache

    cache = chosen_cache(place)
    if cache is None:
        raise UsageError(f"the prediction cache is '{OFF}': name a folder with --prediction-cache")
    return cache
