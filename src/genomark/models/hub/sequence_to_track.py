"""Networks that read a long window of bases and predict many tracks along its middle.

What Enformer and Borzoi have in common: finding and loading a checkpoint, tables of targets, and
the function of windows that a `TrackPredictor` is made of. `docs/design/sequence-to-track.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.datasets.letters import one_hot
from genomark.digests import digest_of
from genomark.errors import ModelError, UsageError, one_line
from genomark.models.genes.text_embedder import spec_of
from genomark.models.hub.files import CheckpointFiles
from genomark.models.hub.loading import as_model_error
from genomark.models.hub.network import Device, Precision
from genomark.models.hub.targets import SPECIES
from genomark.scoring import ModelIdentity

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Species = Literal["all", "human", "mouse"]
Strands = Literal["one", "both"]

#: Raise it when predictions change.
_VERSION = "1"
_HALF = 0.5
#: Keys of a checkpoint that one message names.
_NAMED = 3


@dataclass(frozen=True)
class TrackFiles(CheckpointFiles):
    """A checkpoint whose network another package defines; code beside it is never run.

    Attributes
    ----------
    kind : str
        As specs and config.json name it: ``enformer``, ``borzoi``.
    """

    kind: str = ""

    @property
    def spec(self) -> str:
        """For messages."""
        return f"{self.kind}:{self.name}"

    @cached_property
    def config(self) -> dict[str, Any]:
        """What config.json says.

        Raises
        ------
        ModelError
            If that is no JSON object, or of another kind of network.
        """
        path = self.folder / "config.json"
        try:
            config = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError) as error:
            raise ModelError(f"{self.spec}: {path} is no JSON object: {one_line(error)}") from error
        if config.get("model_type", self.kind) != self.kind:
            raise ModelError(
                f"{self.spec}: {path} is of a network '{one_line(config['model_type'])}'; "
                f"expected '{self.kind}'"
            )
        return config


def identity(
    files: TrackFiles,
    factory: Callable[..., object],
    settings: Mapping[str, object],
    answers_on: Sequence[object],
    notes: Sequence[str],
) -> ModelIdentity:
    """Who answers: made by `factory` with `settings`, dependent on `answers_on` and its files."""
    revision = files.revision
    return ModelIdentity(
        id=spec_of(files.kind, [files.name], factory, settings),
        version=_VERSION if revision is None else f"{_VERSION}@{revision}",
        digest=digest_of([files.kind, _VERSION, files.digest, *answers_on]),
        notes=list(notes),
    )


def offered_species(spec: str, asked: Species, heads: Mapping[str, int]) -> tuple[str, ...]:
    """The species to offer tracks of.

    Parameters
    ----------
    spec : str
        For messages.
    asked : {"all", "human", "mouse"}
    heads : mapping of str to int
        By species, how many tracks the checkpoint has.

    Raises
    ------
    UsageError
        If the checkpoint has none of the species asked for.
    """
    if unknown := sorted({*heads} - {*SPECIES}):
        raise UsageError(f"{spec}: a head for '{unknown[0]}'; expected human or mouse")
    if asked != "all" and asked not in heads:
        raise UsageError(
            f"{spec}: species={asked}: the checkpoint has tracks of {' and '.join(heads)} only"
        )
    return tuple(heads) if asked == "all" else (asked,)


def count_bins(spec: str, length: int, unit: int, bin_size: int, target: int) -> int:
    """How many bins come out of a window.

    Parameters
    ----------
    spec : str
        For messages.
    length : int
        Bases of a window.
    unit : int
        Bases that the network's attention takes for one position.
    bin_size : int
        Bases a value stands for.
    target : int
        Bins in the middle that the network keeps; -1 for all.

    Raises
    ------
    UsageError
        If the network cannot read windows of that length.
    """
    if length < unit or length % unit:
        raise UsageError(f"{spec}: length={length}: expected a multiple of {unit}")
    bins = length // bin_size
    if target == -1:
        return bins
    # As many must go on the right as on the left.
    if target < 1 or bins < target or (bins - target) % 2:
        raise UsageError(
            f"{spec}: length={length} makes {bins} bins, of which the network keeps the middle "
            f"{target}; expected at least as many, and an even number more"
        )
    return target


def load_weights(files: CheckpointFiles, network: torch.nn.Module) -> torch.nn.Module:
    """Put the weights of a checkpoint into a network that was made without any.

    Parameters
    ----------
    files : CheckpointFiles
    network : Module
        On torch's ``meta`` device.

    Returns
    -------
    Module
        The same, in float32, in evaluation mode, on the processor.

    Raises
    ------
    ModelError
        If tensors are lacking, too many, or of another shape.
    """
    found = _tensors(files)
    expected = network.state_dict(keep_vars=True)
    if unknown := sorted({*found} - {*expected}):
        raise ModelError(
            f"{files.spec}: the checkpoint has {_named(unknown)}, of which a "
            f"{type(network).__name__} knows nothing"
        )
    # One tensor may go by several names, of which safetensors keeps only one.
    by_tensor = {id(expected[name]): found[name] for name in found}
    if absent := [name for name, tensor in expected.items() if id(tensor) not in by_tensor]:
        raise ModelError(
            f"{files.spec}: the checkpoint lacks {_named(absent)}; expected all weights of a "
            f"{type(network).__name__}"
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"{files.spec}: '{name}' has shape {tuple(tensor.shape)}; by config.json it should "
                f"have {tuple(expected[name].shape)}"
            )
    weights = {name: by_tensor[id(tensor)] for name, tensor in expected.items()}
    network.load_state_dict(weights, strict=True, assign=True)
    return network.float().eval()


def _tensors(files: CheckpointFiles) -> dict[str, torch.Tensor]:
    import torch
    from safetensors.torch import load_file

    found: dict[str, torch.Tensor] = {}
    with as_model_error(files.spec):
        for path in files.weights:
            found |= (
                load_file(path)
                if files.safe
                else torch.load(path, map_location="cpu", weights_only=True)
            )
    return found


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} tensors ({shown}{more})" if len(names) > 1 else f"a tensor {shown}"


@dataclass(frozen=True)
class TrackNetwork:
    """A loaded network, in two parts.

    Attributes
    ----------
    module : Module
        All of it.
    trunk : callable
        One-hot bases float32[n, length, 4] (A, C, G, T; zeros for N) to float[n, n_bins, width].
    heads : sequence of Module
        Linear maps from `width` to tracks, their tracks one after the other; softplus is added.
    """

    module: torch.nn.Module
    trunk: Callable[[torch.Tensor], torch.Tensor]
    heads: Sequence[Any]


class WindowFunction:
    """What a `TrackPredictor` asks: windows and tracks to bins.

    Parameters
    ----------
    spec : str
        For messages.
    load : callable
        Makes the network; called once, when something is first asked.
    undo : callable
        ``(values, tracks) -> values``: from the scale of the network, float64[n, n_tracks,
        n_bins], to counts.
    antisense : ndarray of int64, shape (n_tracks,) or None
        Of each track, the one that stands for the same thing on the other strand; to answer with
        the mean of both strands.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes a GPU if there is one.
    precision : {"fp32", "bf16", "fp16"}
        Of the arithmetic before the heads.
    batch : int
        Windows computed side by side.
    """

    def __init__(
        self,
        spec: str,
        load: Callable[[], TrackNetwork],
        undo: Callable[[Floats, Indices], Floats],
        *,
        antisense: Indices | None,
        device: Device,
        precision: Precision,
        batch: int,
    ) -> None:
        if batch < 1:
            raise UsageError(f"{spec}: batch={batch}: expected a number of windows from 1 on")
        self._spec = spec
        self._load = load
        self._undo = undo
        self._antisense = antisense
        self._precision = precision
        self._batch = batch
        self.device = _found_device(spec, device)

    def __call__(self, windows: list[str], tracks: tuple[int, ...]) -> Floats:
        """Give counts, float64[n_windows, n_tracks, n_bins].

        Raises
        ------
        ModelError
            If the checkpoint cannot be used, or gives something that is no number.
        """
        chosen = np.array(tracks, dtype=np.int64)
        starts = range(0, len(windows), self._batch)
        return np.concatenate(
            [self._counts(windows[at : at + self._batch], chosen) for at in starts]
        )

    def _counts(self, windows: list[str], tracks: Indices) -> Floats:
        import torch

        with as_model_error(self._spec), torch.inference_mode():
            # As both networks were trained: N is nothing, not a quarter of each.
            bases = torch.from_numpy(one_hot(windows)).to(self.device)
            values = self._values(bases, tracks)
            if self._antisense is not None:
                # The complement of A, C, G, T is the same four the other way round.
                other = self._values(bases.flip(1, 2), self._antisense[tracks]).flip(2)
                values = (values + other) * _HALF
            found: Floats = values.double().cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelError(
                f"{self._spec}: its answer is not finite; precision=fp32 has a wider range"
            )
        return self._undo(found, tracks)

    def _values(self, bases: torch.Tensor, tracks: Indices) -> torch.Tensor:
        """Only the tracks asked for are computed, in float32 whatever the precision."""
        from torch.nn.functional import linear, softplus

        weight, bias = self._heads
        with self._arithmetic():
            vectors = self._network.trunk(bases)
        chosen = tracks.tolist()
        return softplus(linear(vectors.float(), weight[chosen], bias[chosen])).transpose(1, 2)

    @contextmanager
    def _arithmetic(self) -> Iterator[None]:
        import torch

        kind = torch.float16 if self._precision == "fp16" else torch.bfloat16
        # Convolutions on a GPU leave out bits of float32, and vary, unless told otherwise.
        exact = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        mixed = torch.autocast(self.device, dtype=kind, enabled=self._precision != "fp32")
        with exact, mixed:
            yield

    @cached_property
    def _network(self) -> TrackNetwork:
        with as_model_error(self._spec):
            network = self._load()
            network.module.to(self.device)
            return network

    @cached_property
    def _heads(self) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        heads = self._network.heads
        weight = torch.cat([head.weight.reshape(len(head.weight), -1) for head in heads])
        return weight, torch.cat([head.bias for head in heads])


def _found_device(spec: str, device: Device) -> str:
    if device == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise UsageError(f"{spec}: device=cuda: torch finds no GPU; use device=cpu")
    return "cuda" if there else "cpu"
