"""Any checkpoint in the Hugging Face format as an encoder of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from genomark.digests import digest_of
from genomark.errors import ModelError, UsageError
from genomark.models.genes.encoders import Batch, digest_of_checkpoint
from genomark.models.genes.torch_encoders import Loading, SentenceEncoder, TokenMean

#: Raise it when vectors change, so that none kept from before is taken for a new one.
_VERSION = "1"

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?")
#: What of a checkpoint is read; other formats of the same weights are left where they are.
_READ = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.vocab", "*.bpe")
_LEFT = ("onnx/*", "openvino/*", "original/*")
_CODE = "*.py"

Pooling = Literal["own", "mean"]


class CheckpointEncoder:
    """A checkpoint, loaded by the library it was made for.

    Parameters
    ----------
    name : str
        A folder, or a name on the hub, perhaps with ``@revision``.
    pooling : {"own", "mean"}
        Whether a checkpoint with modules of sentence-transformers (``modules.json``) pools as
        they say, or by the mean of its tokens, as any other checkpoint does.
    special : bool
        Whether special tokens count in the mean.
    window : int
        Tokens a text is cut at for the mean; 0 for what the checkpoint can see.
    device : str
        As torch names it. Vectors of two kinds of device differ in their last digits, and are kept
        apart.
    trust : bool
        Whether code that comes with the checkpoint may run.

    Raises
    ------
    UsageError
        If there is no such folder, the settings contradict each other, or a library is lacking.
    """

    def __init__(
        self,
        name: str,
        *,
        pooling: Pooling = "own",
        special: bool = False,
        window: int = 0,
        device: str = "cpu",
        trust: bool = False,
    ) -> None:
        if window < 0:
            raise UsageError(f"text:{name}: window={window}: expected a number of tokens")
        _require(name, "torch", "transformers", "safetensors", "huggingface_hub")
        self.name = name
        self._pooling = pooling
        self._special = special
        self._window = window
        self._device = device
        self._trust = trust
        self._local = _local_folder(name)

    @cached_property
    def digest(self) -> str:
        """Of the checkpoint's files, how they are read, and on which kind of device."""
        how = [type(self._encoder).__name__, self._special, self._window, self._trust]
        kind = self._device.partition(":")[0]
        return digest_of(
            ["text", _VERSION, kind, how, digest_of_checkpoint(self._folder, self._files)]
        )

    @property
    def notes(self) -> list[str]:
        """Name, pooling, and whether foreign code runs."""
        notes = [f"encoder: {self.name} ({self._encoder.pooling})"]
        return [*notes, "runs code that comes with the checkpoint"] if self._trust else notes

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Encode by the library the checkpoint was made for."""
        return self._encoder.encode(texts)

    @cached_property
    def _encoder(self) -> SentenceEncoder | TokenMean:
        loading = Loading(self._folder, self._device, self._trust)
        if self._pooling == "mean" or not (self._folder / "modules.json").is_file():
            return TokenMean(loading, special=self._special, window=self._window)
        if self._special or self._window:
            raise UsageError(
                f"text:{self.name}: the checkpoint pools in its own way (modules.json), so "
                "special= and window= say nothing; add pooling=mean for a mean of its tokens"
            )
        _require(f"{self.name}, which has a modules.json,", "sentence_transformers")
        return SentenceEncoder(loading)

    @cached_property
    def _folder(self) -> Path:
        folder = self._local or _downloaded(self.name, trust=self._trust)
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise UsageError(f"text:{self.name}: {folder} holds no config.json: no checkpoint")
        if not any(folder.rglob("*.safetensors")):
            raise UsageError(
                f"text:{self.name}: no weights in the safetensors format; others may run code "
                "when they are read: convert them, or name a revision that has them (@refs/pr/1)"
            )
        return folder

    @property
    def _files(self) -> list[Path]:
        patterns = (*_READ, _CODE) if self._trust else _READ
        found = {path for pattern in patterns for path in self._folder.rglob(pattern)}
        left = {path for pattern in _LEFT for path in self._folder.glob(pattern)}
        return sorted(found - left)


def _local_folder(name: str) -> Path | None:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise UsageError(f"text:{name}: no such folder, and no name of a checkpoint (org/name@rev)")
    return None


def _downloaded(name: str, *, trust: bool) -> Path:
    """Bring a checkpoint into the cache of the hub, or find it there."""
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=[*_READ, _CODE] if trust else list(_READ),
                ignore_patterns=list(_LEFT),
            )
        )
    # Whatever the hub's client raises is one of these two.
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"text:{name}: the checkpoint is not here and cannot be had ({reason}); "
            "name a local folder, or try again with a network"
        ) from error


def _require(name: str, *packages: str) -> None:
    absent = [package.replace("_", "-") for package in packages if find_spec(package) is None]
    if absent:
        raise UsageError(f"text:{name} needs {', '.join(absent)}: pip install {' '.join(absent)}")
