"""Any checkpoint in the Hugging Face format as an encoder of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.extras import require_extras
from genomark.models.genes.encoders import Batch, digest_of_checkpoint
from genomark.models.genes.torch_encoders import Loading, SentenceEncoder, TokenMean
from genomark.models.hub.files import CODE, LIBRARIES, READ, downloaded, files_of, local_folder

#: Raise it when vectors change, so that none kept from before is taken for a new one.
_VERSION = "1"

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
        require_extras(f"text:{name}", LIBRARIES)
        self.name = name
        self._pooling = pooling
        self._special = special
        self._window = window
        self._device = device
        self._trust = trust
        self._local = local_folder(f"text:{name}", name)

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
        # No extra brings it: most checkpoints do without.
        if find_spec("sentence_transformers") is None:
            raise UsageError(
                f"text:{self.name}, which has a modules.json, needs sentence-transformers: "
                "pip install sentence-transformers"
            )
        return SentenceEncoder(loading)

    @cached_property
    def _folder(self) -> Path:
        folder = self._local or downloaded(f"text:{self.name}", self.name, self._patterns)
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
        return files_of(self._folder, self._patterns)

    @property
    def _patterns(self) -> tuple[str, ...]:
        return (*READ, CODE) if self._trust else READ
