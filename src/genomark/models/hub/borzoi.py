"""``borzoi:NAME``: Borzoi as a Predictor of tracks (Linder et al. 2025).

524,288 bases in, 6,144 bins of 32 bases out of the middle, 7,611 tracks of human or 2,608 of mouse.
The network is that of the package borzoi-pytorch, which brings the table of the human tracks.

Borzoi was trained on squashed coverage (Linder et al., Methods): to the power of 3/4 for RNA-seq,
above a limit only the square root of what exceeds it, times a scale; power, limit and scale are
those of each track in the table. Answers are on the scale of coverage: all that is undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from genomark.digests import digest_of_file
from genomark.errors import UsageError
from genomark.extras import import_extra
from genomark.models.declaration import Declaration
from genomark.models.hub.loading import as_model_error, without_bars
from genomark.models.hub.network import Device, Precision
from genomark.models.hub.sequence_to_track import (
    Floats,
    Indices,
    Species,
    Strands,
    TrackFiles,
    TrackNetwork,
    WindowFunction,
    count_bins,
    identity,
    load_weights,
    offered_species,
)
from genomark.models.hub.targets import EXPRESSION, asked_table, read_targets, table_in, tracks_of
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.models.training_data import NamedTraining

_BIN = 32
#: Bases of a position of the attention.
_UNIT = 128
#: Bins kept where config.json does not ask for fewer.
_ALL_BINS = 16_352
_HEADS = {"human": 7611, "mouse": 2608}
_TYPES = {
    "ATAC": ("accessibility",),
    "DNASE": ("accessibility",),
    "RNA": (*EXPRESSION, "expression_pol1", "expression_pol3"),
    "CAGE": ("expression_pol2",),
}
_NUMBERS = ("clip_soft", "scale", "strand_pair")
_POWER = 3 / 4


def borzoi(
    name: str,
    species: Species = "all",
    strands: Strands = "one",
    targets: str = "",
    length: int = 524_288,
    precision: Precision = "fp32",
    device: Device = "auto",
    batch: int = 1,
) -> TrackPredictor:
    """Make ``borzoi:ORG/NAME@REVISION,key=value,...``.

    Parameters
    ----------
    name : str
        A local folder, or a name on the Hugging Face hub, perhaps with ``@revision``.
    species : {"all", "human", "mouse"}
        Whose tracks are offered.
    strands : {"one", "both"}
        ``both`` for the mean over a window and its reverse complement, on the scale of the
        network, each track with its partner on the other strand.
    targets : str
        A table of targets, or a folder of them, where the checkpoint's folder holds none and the
        package has none (it has that of the human tracks).
    length : int
        Bases of a window, a multiple of 128.
    precision : {"fp32", "bf16", "fp16"}
        Of the arithmetic.
    device : {"auto", "cpu", "cuda"}
        ``auto`` for a GPU if there is one.
    batch : int
        Windows computed side by side.

    Raises
    ------
    UsageError
        If there is no such folder, a setting is out of range, or a library or table is lacking.
    ModelError
        If the checkpoint cannot be had, or is of another network.
    """
    settings = {key: value for key, value in locals().items() if key != "name"}
    files = TrackFiles(name, kind="borzoi")
    spec = files.spec
    package = import_extra(spec, "borzoi_pytorch", "borzoi")
    config = _config(package, files)
    target = config.bins_to_return if config.return_center_bins_only else _ALL_BINS
    n_bins = count_bins(spec, length, _UNIT, _BIN, target)
    named = _named_tracks(package, files, offered_species(spec, species, _heads(config)), targets)
    tracks = tuple(track for each in named for track in each.tracks)
    function = WindowFunction(
        spec,
        partial(_load, package, files, config, tuple(each.species for each in named)),
        _joined(named).undo,
        antisense=_antisense(named) if strands == "both" else None,
        device=device,
        precision=precision,
        batch=batch,
    )
    tables = [[each.species, digest_of_file(each.table)] for each in named]
    notes = [f"{each.species}: {len(each.tracks)} tracks by {each.table.name}" for each in named]
    answers_on = [tables, strands, length, precision, function.device]
    return TrackPredictor(
        identity(files, borzoi, settings, answers_on, notes),
        Declaration(
            name="Borzoi",
            readouts=("point", "track"),
            scales=("linear", "log"),
            tracks=tracks,
            bin_size=_BIN,
            input_length=length,
            output_length=n_bins * _BIN,
            description="coverage: the squashed scale of the network is undone",
            model_authors=("Linder et al.",),
            publication="Linder et al. 2025, Nat Genet 57:949",
            training_data=NamedTraining("borzoi-folds"),
        ),
        function,
        # The last bits of a batch depend on what it holds.
        batch_invariant=batch == 1,
    )


@dataclass(frozen=True)
class Squash:
    """How the coverage of each track was squashed for training.

    Attributes
    ----------
    scale, limit, power : ndarray of float64, shape (n_tracks,)
    """

    scale: Floats
    limit: Floats
    power: Floats

    def undo(self, values: Floats, tracks: Indices) -> Floats:
        """From the scale of the network to coverage.

        Squashed, coverage c is ``scale * f(c ** power)``, where ``f(x) = x`` up to the limit and
        ``limit + sqrt(x - limit)`` above it. What was measured was also cut off, at the column
        `clip` of the table; that cannot be undone.

        Parameters
        ----------
        values : ndarray of float64, shape (n, n_tracks, n_bins)
        tracks : ndarray of int64, shape (n_tracks,)
        """
        scale, limit, power = (
            each[tracks][:, None] for each in (self.scale, self.limit, self.power)
        )
        unscaled = values / scale
        excess = np.maximum(unscaled - limit, 0.0)
        coverage: Floats = (np.minimum(unscaled, limit) + excess**2) ** (1.0 / power)
        return coverage


@dataclass(frozen=True)
class _Named:
    """The tracks of a species, with all the table says of them."""

    species: str
    table: Path
    tracks: tuple[Track, ...]
    squash: Squash
    strand_pair: Indices


def _config(package: Any, files: TrackFiles) -> Any:
    with as_model_error(files.spec), without_bars():
        return package.config_borzoi.BorzoiConfig.from_dict(files.config)


def _heads(config: Any) -> dict[str, int]:
    there = {
        "human": getattr(config, "enable_human_head", True),
        "mouse": config.enable_mouse_head,
    }
    return {species: _HEADS[species] for species in _HEADS if there[species]}


def _named_tracks(
    package: Any, files: TrackFiles, offered: tuple[str, ...], targets: str
) -> list[_Named]:
    """Read the tables; a species without one is left out, unless no other is left."""
    found = []
    for species in offered:
        where = f"{files.spec}, {species}"
        if targets:
            table: Path | None = asked_table(targets, species, len(offered), where)
        else:
            table = table_in(files.folder, species) or _packaged(package, species)
        if table is not None:
            found.append(_read(table, species, where))
    if not found:
        raise UsageError(
            f"{files.spec}: no table of targets for {' and '.join(offered)}, and without their "
            f"scales nothing can be told; put targets_{offered[0]}.txt into the folder of the "
            "checkpoint, or add targets=FILE"
        )
    return found


def _packaged(package: Any, species: str) -> Path | None:
    path = Path(package.__file__).parent / "precomputed" / "targets.txt"
    return path if species == "human" and path.is_file() else None


def _read(table: Path, species: str, where: str) -> _Named:
    rows = read_targets(table, _HEADS[species], where)
    lacking = [name for name in (*_NUMBERS, "sum_stat") if name not in rows.columns]
    if lacking:
        raise UsageError(
            f"{where}: {table} has no column {' and no column '.join(map(repr, lacking))}; "
            "without it the scale of the network cannot be undone"
        )
    numbers = rows.select(pl.col(name).cast(pl.Float64, strict=False) for name in _NUMBERS)
    first = rows[0, 0] if rows.columns[0] in ("", "index") else "0"
    pairs = numbers["strand_pair"].to_numpy() - float(first)
    good = (
        not sum(numbers.null_count().row(0))
        and bool((numbers["scale"] > 0).all())
        and bool(np.isin(pairs, np.arange(rows.height)).all())
    )
    if not good:
        raise UsageError(
            f"{where}: {table}: expected in each row numbers for clip_soft and scale (above 0), "
            "and the number of a row for strand_pair"
        )
    return _Named(
        species,
        table,
        tracks_of(rows, _TYPES, species, f"{where}: {table}"),
        Squash(
            numbers["scale"].to_numpy(),
            numbers["clip_soft"].to_numpy(),
            np.where(rows["sum_stat"].str.ends_with("_sqrt").to_numpy(), _POWER, 1.0),
        ),
        pairs.astype(np.int64),
    )


def _joined(named: list[_Named]) -> Squash:
    squashes = [each.squash for each in named]
    return Squash(
        np.concatenate([each.scale for each in squashes]),
        np.concatenate([each.limit for each in squashes]),
        np.concatenate([each.power for each in squashes]),
    )


def _antisense(named: list[_Named]) -> Indices:
    starts = np.cumsum([0, *(len(each.tracks) for each in named)])
    return np.concatenate(
        [each.strand_pair + start for each, start in zip(named, starts, strict=False)]
    )


def _load(package: Any, files: TrackFiles, config: Any, heads: tuple[str, ...]) -> TrackNetwork:
    import torch

    with torch.device("meta"):
        network = package.Borzoi(config)
    load_weights(files, network)

    def trunk(bases: torch.Tensor) -> torch.Tensor:
        middle = network.get_embs_after_crop(bases.transpose(1, 2))
        return network.final_joined_convs(middle).transpose(1, 2)  # type: ignore[no-any-return]

    return TrackNetwork(network, trunk, [getattr(network, f"{head}_head") for head in heads])
