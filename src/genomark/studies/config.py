"""What a study of tokenizers is told, in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from genomark import datasets
from genomark.errors import UsageError, one_line
from genomark.training.pretraining.architecture import NetworkSettings
from genomark.training.pretraining.pretrain import PretrainingSettings
from genomark.training.tokenizers import TokenizerSettings

Count = Annotated[int, msgspec.Meta(ge=1)]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sequences to learn from.

    Attributes
    ----------
    fasta : str
        FASTA, plain or bgzip, or 2bit; from the folder of the file, or a file of `dataset`.
    dataset : str
        A dataset of the catalogue.
    held_out : tuple of str
        ``chrom:start-end`` (0-based, half-open) or ``chrom``.
    window : int
        Bases of a window.
    """

    fasta: Text
    dataset: str = ""
    held_out: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    window: int = 256


class TokenizerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One or several tokenizers: `k` and `size` may be lists.

    Attributes
    ----------
    kind : str
        As of `genomark.training.tokenizers.TokenizerSettings`.
    k, size : int or tuple of int
    checkpoint : str
        In place of all others: a folder, whose tokenizer and weights it goes on from.
    """

    kind: str = ""
    k: int | tuple[int, ...] = 0
    size: int | tuple[int, ...] = 0
    checkpoint: str = ""


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How bits per base are measured.

    Attributes
    ----------
    rounds : int
        How often other stretches of each held-out window are hidden.
    markov : tuple of int
        Orders of the Markov chains beside them.
    """

    rounds: Count = 4
    markov: tuple[int, ...] = (0, 3, 6)


class Downstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the networks are put before afterwards.

    Attributes
    ----------
    benchmarks : tuple of str
        As ``genomark run -b`` takes them.
    protocol : {"probe", "lora", "full"}
    fits : int, optional
        Of what depends on a seed.
    beside : tuple of str
        Other models, for scale.
    """

    benchmarks: tuple[Text, ...] = ()
    protocol: Literal["probe", "lora", "full"] = "probe"
    fits: Count | None = None
    beside: tuple[Text, ...] = ()


class StudyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it."""

    data: Data
    tokenizers: Annotated[tuple[TokenizerEntry, ...], msgspec.Meta(min_length=1)]
    network: NetworkSettings = NetworkSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    judging: Judging = Judging()
    downstream: Downstream = Downstream()


@dataclass(frozen=True)
class Variant:
    """A tokenizer of a study; `source` is how it is made, or the checkpoint it comes with."""

    name: str
    source: TokenizerSettings | Path


def read_config(path: Path) -> StudyConfig:
    """Read the file of a study.

    Raises
    ------
    UsageError
        If there is no such file, it is not TOML, or says what is not known.
    """
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(told, StudyConfig)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path}: {one_line(error)}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def variants(config: StudyConfig, folder: Path) -> list[Variant]:
    """List the tokenizers of a study.

    Parameters
    ----------
    config : StudyConfig
    folder : Path
        Of the file, from which checkpoints are named.

    Raises
    ------
    UsageError
        If one is not well formed, or there twice.
    """
    made = [each for entry in config.tokenizers for each in _of_entry(entry, folder)]
    names = [each.name for each in made]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"tokenizer {name}: there twice; leave one out")
    return made


def _of_entry(entry: TokenizerEntry, folder: Path) -> Iterator[Variant]:
    if entry.checkpoint:
        if entry.kind or entry.k or entry.size:
            raise UsageError(
                f"tokenizer of {entry.checkpoint}: a checkpoint brings its own; leave kind, k and "
                "size out"
            )
        place = folder / entry.checkpoint
        if not (place / "config.json").is_file():
            raise UsageError(f"{place}: no checkpoint: it holds no config.json")
        yield Variant(place.resolve().name, place)
        return
    for k in entry.k if isinstance(entry.k, tuple) else (entry.k,):
        for size in entry.size if isinstance(entry.size, tuple) else (entry.size,):
            told = {"kind": entry.kind, "k": k, "size": size}
            try:
                settings = msgspec.convert(told, TokenizerSettings)
            except msgspec.ValidationError as error:
                raise UsageError(f"tokenizers: {one_line(error)}") from error
            yield Variant(settings.name, settings)


def sequences_file(config: StudyConfig, folder: Path) -> Path:
    """Find the sequences, and bring those of a dataset into the cache.

    Raises
    ------
    DatasetError
        If a dataset cannot be had.
    """
    if config.data.dataset:
        return datasets.path(config.data.dataset, config.data.fasta)
    return folder / config.data.fasta
