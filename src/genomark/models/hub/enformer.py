"""``enformer:NAME``: Enformer as a Predictor of tracks (Avsec et al. 2021).

196,608 bases in, 896 bins of 128 bases out of the middle, counts of 5,313 tracks of human and
1,643 of mouse. The network is that of the package enformer-pytorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genomark.datasets import path as dataset_path
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
from genomark.models.hub.targets import (
    EXPRESSION,
    asked_table,
    numbered_tracks,
    read_targets,
    table_in,
    tracks_of,
)
from genomark.models.track_predictor import TrackPredictor
from genomark.models.tracks import Track
from genomark.models.training_data import NamedTraining

Gamma = Literal["auto", "tf", "torch"]

_TYPES = {
    "ATAC": ("accessibility",),
    "DNASE": ("accessibility",),
    "CAGE": (*EXPRESSION, "expression_pol2"),
}
_PUBLISHED = {"human": 5313, "mouse": 1643}
#: The weights that were converted from those of the authors; its config.json does not say so.
_CONVERTED = "EleutherAI/enformer-official-rough"
#: Positions for which the package has the features that TensorFlow computed.
_TF_POSITIONS = 1536
_NO_TABLE = "none"


def enformer(
    name: str,
    species: Species = "all",
    strands: Strands = "one",
    targets: str = "",
    gamma: Gamma = "auto",
    length: int = 196_608,
    precision: Precision = "fp32",
    device: Device = "auto",
    batch: int = 1,
) -> TrackPredictor:
    """Make ``enformer:ORG/NAME@REVISION,key=value,...``.

    Parameters
    ----------
    name : str
        A local folder, or a name on the Hugging Face hub, perhaps with ``@revision``.
    species : {"all", "human", "mouse"}
        Whose tracks are offered.
    strands : {"one", "both"}
        ``both`` for the mean over a window and its reverse complement.
    targets : str
        A table of targets, or a folder of them, where the checkpoint's folder holds none and its
        tracks are not the published ones; ``none`` for tracks by number.
    gamma : {"auto", "tf", "torch"}
        Whether one kind of positional feature is as TensorFlow computes it, for weights that were
        trained there. ``auto``: as config.json says; ``tf`` where it says nothing, and for
        EleutherAI/enformer-official-rough whatever it says, if windows have the published length.
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
        If there is no such folder, a setting is out of range, or a library is lacking.
    ModelError
        If the checkpoint cannot be had, or is of another network.
    DatasetError
        If the published table of targets is needed and cannot be had.
    """
    settings = {key: value for key, value in locals().items() if key != "name"}
    files = TrackFiles(name, kind="enformer")
    spec = files.spec
    package = import_extra(spec, "enformer_pytorch", "enformer")
    config = _config(package, files)
    unit = 2**config.num_downsamples
    n_bins = count_bins(spec, length, unit, unit, config.target_length)
    config.use_tf_gamma = _uses_tensorflow(files, gamma, length, unit)
    offered = offered_species(spec, species, config.output_heads)
    named = [
        _named_tracks(files, each, config.output_heads[each], targets, offered) for each in offered
    ]
    tracks = tuple(track for each in named for track in each.tracks)
    function = WindowFunction(
        spec,
        partial(_load, package, files, config, offered),
        _as_it_is,
        antisense=np.arange(len(tracks)) if strands == "both" else None,
        device=device,
        precision=precision,
        batch=batch,
    )
    tables = [digest_of_file(each.table) if each.table else None for each in named]
    answers_on = [
        [offered, tables, strands, config.use_tf_gamma],
        [length, precision, function.device],
    ]
    notes = [_note_on_positions(config), *(each.note for each in named)]
    return TrackPredictor(
        identity(files, enformer, settings, answers_on, notes),
        Declaration(
            name="Enformer",
            readouts=("point", "track"),
            scales=("linear", "log"),
            tracks=tracks,
            bin_size=unit,
            input_length=length,
            output_length=n_bins * unit,
            description="; ".join(each.note for each in named),
            model_authors=("Avsec et al.",),
            publication="Avsec et al. 2021, Nat Methods 18:1196",
            training_data=NamedTraining("enformer"),
        ),
        function,
        # The last bits of a batch depend on what it holds.
        batch_invariant=batch == 1,
    )


@dataclass(frozen=True)
class _Named:
    """The tracks of a species, the table they are from, and what to say of that."""

    tracks: tuple[Track, ...]
    table: Path | None
    note: str


def _named_tracks(
    files: TrackFiles, species: str, n_tracks: int, targets: str, offered: tuple[str, ...]
) -> _Named:
    where = f"{files.spec}, {species}"
    table = None
    if targets not in ("", _NO_TABLE):
        table = asked_table(targets, species, len(offered), where)
    elif targets == "":
        table = table_in(files.folder, species)
        if table is None and n_tracks == _PUBLISHED[species]:
            table = dataset_path(
                "matcher_vocabularies", f"enformer_{species}_targets_simplified.txt"
            )
    if table is None:
        note = (
            f"no table of targets for {species}: ask for cell types 'track 0' to "
            f"'track {n_tracks - 1}', or add targets=FILE"
        )
        return _Named(numbered_tracks(n_tracks, species), None, note)
    rows = read_targets(table, n_tracks, where)
    return _Named(
        tracks_of(rows, _TYPES, species, f"{where}: {table}"),
        table,
        f"{species}: {n_tracks} tracks by {table.name}",
    )


def _config(package: Any, files: TrackFiles) -> Any:
    with as_model_error(files.spec), without_bars():
        config = package.modeling_enformer.EnformerConfig.from_dict(files.config)
    # That saves memory in training only.
    config.use_checkpointing = False
    return config


def _uses_tensorflow(files: TrackFiles, gamma: Gamma, length: int, unit: int) -> bool:
    there = length == _TF_POSITIONS * unit
    if gamma == "tf" and not there:
        raise UsageError(
            f"{files.spec}: gamma=tf: what TensorFlow computed is known for "
            f"length={_TF_POSITIONS * unit} alone"
        )
    if gamma != "auto":
        return gamma == "tf"
    if files.name.partition("@")[0] == _CONVERTED:
        return there
    return there and bool(files.config.get("use_tf_gamma", True))


def _note_on_positions(config: Any) -> str:
    where = "TensorFlow" if config.use_tf_gamma else "torch"
    return f"gamma features of positions as {where} computes them"


def _load(package: Any, files: TrackFiles, config: Any, heads: tuple[str, ...]) -> TrackNetwork:
    import torch

    with torch.device("meta"):
        network = package.Enformer(config)
    load_weights(files, network)
    return TrackNetwork(network, network.trunk, [network.heads[head][0] for head in heads])


def _as_it_is(values: Floats, tracks: Indices) -> Floats:
    """Enformer was trained on counts as they are."""
    return values
