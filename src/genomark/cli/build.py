"""``genomark build``: the container of a model or benchmark."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.scaffold import Image


class EngineName(StrEnum):
    """A program that makes images."""

    PODMAN = "podman"
    DOCKER = "docker"
    APPTAINER = "apptainer"
    SINGULARITY = "singularity"


def build(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="A package as genomark new writes it.")
    ] = Path(),
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="For the engine's build, as they are."),
    ] = None,
    engine: Annotated[
        EngineName | None, typer.Option(help="Left out: the first of these that is there.")
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the image; of Apptainer its file."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Other base image than the recipe names.")
    ] = None,
    genomark: Annotated[
        Path | None,
        typer.Option(metavar="WHEEL", help="Put this genomark in. Left out: as installed here."),
    ] = None,
    lock: Annotated[
        bool, typer.Option("--lock", help="First pin anew the versions that are installed here.")
    ] = False,
) -> None:
    """Build the container of a model or benchmark, with podman, docker or apptainer.

    The settings of pip and proxies hold for the build; nothing of them stays in the image.

    \b
    Examples:
      genomark build
      genomark build my-model --engine apptainer
      genomark build my-model --lock --base python:3.13-slim
      genomark build my-model -- --network=host
    """
    from genomark.cli.terminal import console, status
    from genomark.scaffold import BuildOptions, build_image

    words = list(more or ())
    if str(folder).startswith("-"):
        # `genomark build -- OPTION`, with the folder left out.
        folder, words = Path(), [str(folder), *words]
    options = BuildOptions(
        engine=engine.value if engine else None,
        tag=tag,
        base=base,
        genomark=genomark,
        lock=lock,
        more=words,
    )
    try:
        image = build_image(folder, options, status)
    except KeyboardInterrupt:
        status("interrupted; the next build goes on from the steps that were finished")
        raise typer.Exit(130) from None
    size = f" ({image.megabytes:,.0f} MB)" if image.megabytes is not None else ""
    status(f"Built {image.target}{size}. What to type next:")
    for line in _next(image):
        console().print(f"  {line}", soft_wrap=True, markup=False)


def _next(image: Image) -> list[str]:
    engine, target, kind = image.engine, image.target, image.project.kind
    if engine.makes_files:
        run = f"{engine.name} run --containall"
        if kind == "predictor":
            return [f"{run} {target} 0.0.0.0 5000", "genomark check http://127.0.0.1:5000"]
        if kind == "benchmark":
            return [f"{run} -B ./out:/predictions {target} HOST PORT /predictions"]
        return [f"{run} -B $PWD:/data {target} -i /data/sequences.fa -o /data/vectors.parquet"]
    run = f"{engine.name} run --rm --read-only"
    # Who writes to a folder of this machine has to be its owner.
    as_owner = '--user "$(id -u):$(id -g)"'
    if kind == "predictor":
        return [
            f"{run} -p 127.0.0.1:5000:5000 {target} 0.0.0.0 5000",
            "genomark check http://127.0.0.1:5000",
        ]
    if kind == "benchmark":
        return [
            f"mkdir -p out && {run} --network=host {as_owner} -v ./out:/predictions "
            f"{target} 127.0.0.1 5000 /predictions"
        ]
    return [
        f"{run} --network=none {as_owner} -v ./:/data {target} "
        "-i /data/sequences.fa -o /data/vectors.parquet"
    ]
