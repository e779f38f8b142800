"""``genomark new``: a package to begin with, for a model or a benchmark of one's own."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.scaffold import Kind

app = typer.Typer(help="Begin a model or a benchmark of your own.", no_args_is_help=True)


class Capability(StrEnum):
    """What a new model can be asked."""

    PREDICTOR = "predictor"
    TRACKS = "tracks"
    EMBEDDER = "embedder"


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and hyphens.")
]
Into = Annotated[Path, typer.Option(metavar="DIR", help="Folder to make the folder NAME in.")]
Author = Annotated[
    str | None, typer.Option(help="As package and image name it. Left out: as git knows you.")
]


@app.command("model")
def model(
    name: Name,
    capability: Annotated[
        Capability,
        typer.Option(
            help="One number a sequence, a track along it, or a vector (no GAME Predictor)."
        ),
    ] = Capability.PREDICTOR,
    into: Into = Path(),
    author: Author = None,
) -> None:
    """Write a package with a model that works, its tests, and recipes of its container.

    \b
    Examples:
      genomark new model my-model
      genomark new model my-model --capability tracks --into ~/models
    """
    _write(name, capability.value, into, author)


@app.command("benchmark")
def benchmark(name: Name, into: Into = Path(), author: Author = None) -> None:
    """Write a package with a benchmark that works, its tests, and recipes of its container.

    \b
    Example:
      genomark new benchmark my-benchmark
    """
    _write(name, "benchmark", into, author)


def _write(name: str, kind: Kind, into: Path, author: str | None) -> None:
    from genomark.cli.terminal import console, status
    from genomark.scaffold import NewPackage, write_package

    folder = write_package(NewPackage(name, kind, author), into)
    status(f"Wrote {folder}. What to type next (README.md says more):")
    tried = {
        "benchmark": f"genomark run -m gc -b {name}",
        "embedder": f"genomark embed -m {name} -i sequences.fa -o vectors.parquet",
    }.get(kind, f"genomark run -m {name} -m gc -b simulated-enhancers")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        'pip install -e ".[test]"',
        "pytest",
        tried,
        "genomark build",
    ):
        console().print(f"  {line}", soft_wrap=True, markup=False)
