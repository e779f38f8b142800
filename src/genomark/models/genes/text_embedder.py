"""Embedder of genes by text: what is said of a gene, through an encoder of texts."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError
from genomark.models.genes.descriptions import Descriptor
from genomark.models.genes.encoders import Batch, TextEncoder
from genomark.models.genes.table import GeneTable
from genomark.models.genes.vector_cache import VectorCache, text_key
from genomark.models.genes.waiting import Waiting
from genomark.scoring import ModelIdentity

#: Raise it when vectors change, so that no old answer is taken for a new one.
_VERSION = "1"
#: What a kill at any instant may cost, seconds of encoding.
_SECONDS_BETWEEN_WRITES = 10.0


class TextEmbedder:
    """A GeneEmbedder: descriptor, encoder, and the vectors kept from before.

    Parameters
    ----------
    spec : str
        What makes it again.
    encoder : TextEncoder
    descriptor : Descriptor
    """

    def __init__(self, spec: str, encoder: TextEncoder, descriptor: Descriptor) -> None:
        self.encoder = encoder
        self.descriptor = descriptor
        self._spec = spec
        self._tables: WeakValueDictionary[str, GeneTable] = WeakValueDictionary()

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by encoder and descriptor; both are named in the notes."""
        return ModelIdentity(
            id=self._spec,
            version=_VERSION,
            digest=digest_of(["text", _VERSION, self.encoder.digest, self.descriptor.digest]),
            notes=[*self.encoder.notes, *self.descriptor.notes],
        )

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Encode the descriptions of `names`; those without one are missing.

        Parameters
        ----------
        names : sequence of str
            Gene symbols, or ids of another kind.
        kind : str
            ``"symbol"``, or the name of the entity column.

        Returns
        -------
        GeneTable
            The names asked for, in the order of asking, less the missing ones; `reasons` says why
            those are missing. The same object for the same names, as long as somebody holds it.

        Raises
        ------
        genomark.errors.CapabilityError
            If no description is of entities of this kind.
        genomark.errors.DatasetUnavailableError
            If descriptions have to be asked for and nobody answers.
        """
        if not self.descriptor.answers(kind):
            raise CapabilityError(
                f"'{self._spec}' knows nothing of entities of kind '{kind}': name a table with a "
                f"column '{kind}' in descriptions="
            )
        asked = tuple(dict.fromkeys(names))
        key = digest_of([kind, asked])
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = self._table(asked, kind)
        return table

    def _table(self, names: Sequence[str], kind: str) -> GeneTable:
        described = self.descriptor.describe(names, kind)
        known = [name for name in names if name in described.texts]
        keys = [text_key(described.texts[name]) for name in known]
        vectors = self._vectors(keys, [described.texts[name] for name in known])
        reasons = dict(described.reasons)
        usable = np.isfinite(vectors).all(axis=1)
        if not usable.all():
            for place in np.flatnonzero(~usable):
                reasons[known[place]] = f"{self.encoder.name} knows no token of its description"
            places = np.flatnonzero(usable)
            known = [known[place] for place in places]
            keys = [keys[place] for place in places]
            vectors = vectors[places]
        named = (
            part for name, key in zip(known, keys, strict=True) for part in (_bytes(name), key)
        )
        return GeneTable(
            known, vectors, digest_of_bytes([_bytes(self.encoder.digest), *named]), reasons
        )

    def _vectors(self, keys: Sequence[bytes], texts: Sequence[str]) -> NDArray[np.float32]:
        missing = self._cache.missing(keys)
        if missing:
            by_key = dict(zip(keys, texts, strict=True))
            self._encode(missing, [by_key[key] for key in missing])
        return self._cache.vectors(keys)

    def _encode(self, keys: Sequence[bytes], texts: Sequence[str]) -> None:
        """Encode, and keep what is done now and then: also when interrupted."""
        done: list[Batch] = []
        last = time.monotonic()
        try:
            with Waiting(len(texts), f"{self.encoder.name}: texts") as waiting:
                for batch in self.encoder.encode(texts):
                    done.append(batch)
                    waiting.advance(len(batch[0]))
                    if time.monotonic() - last > _SECONDS_BETWEEN_WRITES:
                        self._keep(keys, done)
                        last = time.monotonic()
        finally:
            self._keep(keys, done)

    def _keep(self, keys: Sequence[bytes], done: list[Batch]) -> None:
        if done:
            places = np.concatenate([batch[0] for batch in done])
            self._cache.add([keys[place] for place in places], np.concatenate([b[1] for b in done]))
            done.clear()

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self.encoder.digest)


def spec_of(
    name: str,
    positional: Sequence[str],
    factory: Callable[..., object],
    settings: Mapping[str, object],
) -> str:
    """Spec string of a model: its settings, in the order of the factory, less the defaults.

    Parameters
    ----------
    name : str
        Of the model.
    positional : sequence of str
        Values that are written without their key.
    factory : callable
        What the registry calls.
    settings : mapping of str to object
        The others, by name.
    """
    parameters = inspect.signature(factory).parameters
    given = [
        f"{key}={settings[key]}"
        for key in parameters
        if key in settings and settings[key] != parameters[key].default
    ]
    parts = [*positional, *given]
    return f"{name}:{','.join(parts)}" if parts else name


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
