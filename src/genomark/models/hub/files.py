"""Where a checkpoint lies, and which of its files count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from genomark.datasets.git_lfs import is_pointer
from genomark.errors import ModelError, UsageError, one_line
from genomark.extras import require_extras
from genomark.models.genes.encoders import digest_of_checkpoint

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?")
#: What of a checkpoint is read; other formats of the same weights are left where they are.
READ = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.vocab", "*.bpe")
CODE = "*.py"
_LEFT = ("onnx/*", "openvino/*", "original/*")
_SAFE, _BIN = "model*.safetensors", "pytorch_model*.bin"
#: What checkpoints are read with, and the extra that brings it.
LIBRARIES = {
    "torch": "torch",
    "transformers": "hub",
    "safetensors": "hub",
    "huggingface_hub": "hub",
}


def local_folder(spec: str, name: str) -> Path | None:
    """Tell a folder from a name on the hub.

    Parameters
    ----------
    spec : str
        The model as it was asked for, for messages.
    name : str
        A folder, or ``org/name`` or ``name``, perhaps with ``@revision``.

    Returns
    -------
    Path or None
        None for a name on the hub.

    Raises
    ------
    UsageError
        If it is neither.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise UsageError(f"{spec}: no such folder, and no name of a checkpoint (org/name@rev)")
    return None


def downloaded(spec: str, name: str, patterns: Sequence[str]) -> Path:
    """Bring files of a checkpoint into the cache of the hub, or find them there.

    Raises
    ------
    ModelError
        If they are not there and cannot be had.
    """
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=list(patterns),
                ignore_patterns=list(_LEFT),
            )
        )
    # Whatever the hub's client raises is one of these two.
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{spec}: the checkpoint is not here and cannot be had ({reason}); "
            "name a local folder, or try again with a network"
        ) from error


def files_of(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Those files of a checkpoint that match, sorted, less other formats of the same weights."""
    found = {path for pattern in patterns for path in folder.rglob(pattern)}
    return sorted(found - {path for pattern in _LEFT for path in folder.glob(pattern)})


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint of a genomic language model, as files.

    Attributes
    ----------
    name : str
        A folder, or a name on the hub, perhaps with ``@revision``.
    trust : bool
        Whether code that comes with the checkpoint may run.
    """

    name: str
    trust: bool = False

    def __post_init__(self) -> None:
        """Refuse a name that is none, and say which libraries are lacking."""
        require_extras(self.spec, LIBRARIES)
        local_folder(self.spec, self.name)

    @property
    def spec(self) -> str:
        """For messages."""
        return f"hf:{self.name}"

    @cached_property
    def folder(self) -> Path:
        """Where the files are; a checkpoint of the hub is brought there first.

        Raises
        ------
        UsageError
            If it is no checkpoint.
        ModelError
            If it cannot be had.
        """
        folder = local_folder(self.spec, self.name)
        if folder is None:
            patterns = [*READ, CODE] if self.trust else list(READ)
            folder = downloaded(self.spec, self.name, patterns)
            if not list(folder.glob(_SAFE)):
                folder = downloaded(self.spec, self.name, [*patterns, _BIN])
        if not (folder / "config.json").is_file():
            raise UsageError(f"{self.spec}: {folder} holds no config.json: no checkpoint")
        return folder

    @property
    def revision(self) -> str | None:
        """The commit, where the files come from the hub."""
        return self.folder.name if self.folder.parent.name == "snapshots" else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """What config.json says.

        Raises
        ------
        ModelError
            If that is no JSON object, or asks for code that may not run.
        """
        config = self._object("config.json")
        named = [config.get("auto_map"), self._object("tokenizer_config.json").get("auto_map")]
        modules = {each.partition(".")[0] for each in _strings(named) if "." in each}
        if modules and not self.trust:
            raise UsageError(
                f"{self.spec}: the checkpoint runs code of its own "
                f"({', '.join(f'{each}.py' for each in sorted(modules))}); "
                "read it, and add trust=yes to let it run"
            )
        return config

    def _object(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError) as error:
            raise ModelError(f"{self.spec}: {path} is no JSON object: {one_line(error)}") from error

    @cached_property
    def weights(self) -> tuple[Path, ...]:
        """Files of the weights, in the safetensors format where there are such.

        Raises
        ------
        UsageError
            If there are none.
        ModelError
            If one is but a pointer of Git LFS.
        """
        found = sorted(self.folder.glob(_SAFE)) or sorted(self.folder.glob(_BIN))
        if not found:
            raise UsageError(
                f"{self.spec}: {self.folder} holds no weights; expected model.safetensors or "
                "pytorch_model.bin"
            )
        for path in found:
            if is_pointer(path):
                raise ModelError(
                    f"{self.spec}: {path} is a pointer of Git LFS, not weights; run `git lfs pull` "
                    "in its folder, or download the file"
                )
        return tuple(found)

    @property
    def safe(self) -> bool:
        """Whether the weights are in the safetensors format."""
        return self.weights[0].suffix == ".safetensors"

    @cached_property
    def digest(self) -> str:
        """Digest of all files that are read, by their names and contents."""
        patterns = (*READ, CODE) if self.trust else READ
        files = {*files_of(self.folder, patterns), *self.weights}
        return digest_of_checkpoint(self.folder, sorted(files))


def _strings(value: Any) -> Iterator[str]:
    """All texts in what JSON holds, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
