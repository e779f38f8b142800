"""``hf:ORG/NAME``: any genomic language model of the hub, as Embedder, Scorer and Folder."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.genome import reverse_complement
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError, UsageError
from genomark.models.capabilities import Fold
from genomark.models.genes.text_embedder import spec_of
from genomark.models.genes.vector_cache import VectorCache, text_key
from genomark.models.hub.checkpoint import HubCheckpoint, Likelihood
from genomark.models.hub.embedding import Pooling, base_vectors, chunks, pooled, token_vectors
from genomark.models.hub.folder import fold_by_symbols, symbols_of
from genomark.models.hub.likelihood import log_likelihoods
from genomark.models.hub.network import Device, Network, Precision
from genomark.models.hub.proposals import letter_probabilities
from genomark.models.hub.vocabulary import Tokens
from genomark.models.hub.windows import Windowing, windowing
from genomark.scoring import ModelIdentity

#: Raise it when vectors or likelihoods change, so that no old answer is taken for a new one.
_VERSION = "1"
#: What a kill at any instant may cost, seconds of computing.
_SECONDS_BETWEEN_WRITES = 10.0
#: Letters scored together: each makes a row.
_LETTERS_SCORED = 1 << 18
_HALF = np.float32(0.5)

Strands = Literal["one", "both"]
Effect = Literal["auto", "likelihood", "distance"]
Progress = Callable[[int], None]
Vectors = NDArray[np.float32]


class _NoHead(CapabilityError, AttributeError):
    """Says to `hasattr`, and so to `isinstance(model, Scorer)`, that there is no such head."""


class HubModel:
    """A checkpoint as Embedder, as Scorer or as Folder where it has a head for that.

    Parameters
    ----------
    spec : str
        What makes it again.
    network : Network
    layer : int
        Whose vectors are given.
    pooling : {"mean", "cls", "last", "max"}
        How vectors of tokens become one of a sequence.
    strands : {"one", "both"}
        Whether answers are the mean over a sequence and its reverse complement.
    window, stride : int
        As for `genomark.models.hub.windows.windowing`.
    effect : {"auto", "likelihood", "distance"}
        How the effect of a variant is told without training, as for
        `genomark.models.zero_shot.zero_shot`.
    """

    def __init__(
        self,
        spec: str,
        network: Network,
        *,
        layer: int,
        pooling: Pooling,
        strands: Strands,
        window: int,
        stride: int,
        effect: Effect = "auto",
    ) -> None:
        self.effect = effect
        self.checkpoint = network.checkpoint
        self._spec = spec
        self.network = network
        self._layer = layer
        self._pooling: Pooling = pooling
        self._strands = strands
        self._window = window
        self._stride = stride

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by the checkpoint's files and all settings but the size of batches."""
        revision = self.checkpoint.files.revision
        return ModelIdentity(
            id=self._spec,
            version=_VERSION if revision is None else f"{_VERSION}@{revision}",
            digest=digest_of(self._settings),
            notes=self._notes,
        )

    @property
    def likelihood(self) -> Likelihood:
        """``causal`` (log-likelihood) or ``masked`` (pseudo-log-likelihood), by config.json.

        Raises
        ------
        CapabilityError
            If the checkpoint has no head over its vocabulary.
        """
        if self.checkpoint.likelihood is None:
            raise _NoHead(self.checkpoint.no_head)
        return self.checkpoint.likelihood

    @property
    def fold(self) -> Callable[..., list[Fold]]:
        """Fold RNA by the symbols of a head, as `genomark.models.hub.folder` tells.

        Raises
        ------
        CapabilityError
            If the checkpoint has no head that tells ``(``, ``)`` and ``.`` of tokens.
        """
        try:
            symbols = symbols_of(self.checkpoint.files.config, self._spec)
        except CapabilityError as error:
            raise _NoHead(str(error)) from error

        def fold(sequences: Sequence[str], progress: Progress = lambda done: None) -> list[Fold]:
            if self._strands == "both":
                raise UsageError(f"{self._spec}: strands=both: a structure is of one strand")
            return fold_by_symbols(self.network, self.windowing, symbols, sequences, progress)

        return fold

    @property
    def letter_probabilities(self) -> Callable[[str], NDArray[np.float64]]:
        """Tell what is expected where a sequence has N, float64[length, 4] of A, C, G and U.

        As `genomark.models.hub.proposals.letter_probabilities` tells.

        Raises
        ------
        CapabilityError
            If the checkpoint has no head that tells the probability of a hidden token.
        """
        if self.likelihood != "masked":
            raise _NoHead(
                f"{self._spec}: tells tokens from those before them, so it cannot tell hidden "
                "ones from both sides; expected a ...ForMaskedLM"
            )

        def tell(sequence: str) -> NDArray[np.float64]:
            if self._strands == "both":
                raise UsageError(f"{self._spec}: strands=both: letters of one strand are told")
            return letter_probabilities(self.network, self.windowing, sequence)

        return tell

    @property
    def padding_share(self) -> float:
        """Share of all tokens computed so far that were padding."""
        return self.network.count.padding_share

    def embed(self, sequences: Sequence[str], progress: Progress = lambda done: None) -> Vectors:
        """Give one vector a sequence, float32[n, width]; those computed before come from disk.

        Raises
        ------
        UsageError
            If the settings do not suit the checkpoint.
        ModelError
            If a sequence cannot be cut into tokens, or the network fails.
        """
        if not sequences:
            return np.empty((0, self.checkpoint.width), np.float32)
        keys = [text_key(sequence) for sequence in sequences]
        cache = self._cache
        by_key = dict(zip(keys, sequences, strict=True))
        often = Counter(keys)
        missing = cache.missing(keys)
        progress(len(keys) - sum(often[key] for key in missing))
        done: dict[bytes, Vectors] = {}
        last = time.monotonic()
        try:
            for place, vector in self._vectors([by_key[key] for key in missing]):
                done[missing[place]] = vector
                progress(often[missing[place]])
                if time.monotonic() - last > _SECONDS_BETWEEN_WRITES:
                    _keep(cache, done)
                    last = time.monotonic()
        finally:
            _keep(cache, done)
        return cache.vectors(keys)

    def embed_positions(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> list[Vectors]:
        """Give one vector a base, float32[length, width] for each sequence.

        A base gets the vector of the token that holds it, and where tokens overlap the mean of
        those that do. Nothing is kept on disk.

        Raises
        ------
        UsageError, ModelError
            As for `embed`.
        """
        distinct = list(dict.fromkeys(sequences))
        often = Counter(sequences)
        found: dict[str, Vectors] = {}
        for place, vectors in self._position_vectors(distinct):
            found[distinct[place]] = vectors
            progress(often[distinct[place]])
        return [found[sequence] for sequence in sequences]

    def log_likelihoods(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> NDArray[np.float64]:
        """Sum the natural logarithms of each token's probability, float64[n].

        Raises
        ------
        CapabilityError
            If the checkpoint has no head over its vocabulary.
        UsageError, ModelError
            As for `embed`.
        """
        self.likelihood  # noqa: B018  (refuses a checkpoint without one)
        distinct = list(dict.fromkeys(sequences))
        often = Counter(sequences)
        totals = np.zeros(len(distinct))
        strands = self._both(distinct)
        for lot in chunks(distinct, _LETTERS_SCORED):
            for strand, texts in enumerate(strands):
                tokens = self.checkpoint.tokens([texts[place] for place in lot])

                def done(each: int, lot: list[int] = lot, strand: int = strand) -> None:
                    if strand == len(strands) - 1:
                        progress(often[distinct[lot[each]]])

                found = log_likelihoods(self.network, self.windowing, tokens, done)
                self._check_finite(found)
                totals[lot] += found / len(strands)
        by_sequence = dict(zip(distinct, totals.tolist(), strict=True))
        return np.array([by_sequence[sequence] for sequence in sequences], dtype=np.float64)

    def _vectors(self, sequences: list[str]) -> Iterator[tuple[int, Vectors]]:
        """Give vectors of distinct sequences in an order of its own, the longest first."""
        spec, strands = self.checkpoint.spec, self._both(sequences)
        for lot in chunks(sequences):
            first: dict[int, Vectors] = {}
            for texts in strands:
                tokens = self.checkpoint.tokens([texts[place] for place in lot])
                found = token_vectors(self.network, self.windowing, tokens, self._layer)
                for each, before, own in found:
                    vector = pooled(before, own, self._pooling, spec).cpu().numpy()
                    self._check_finite(vector)
                    if len(strands) == 1:
                        yield lot[each], vector
                    elif each in first:
                        yield lot[each], (first.pop(each) + vector) * _HALF
                    else:
                        first[each] = vector

    def _position_vectors(self, sequences: list[str]) -> Iterator[tuple[int, Vectors]]:
        spec, strands = self.checkpoint.spec, self._both(sequences)
        for lot in chunks(sequences):
            first: dict[int, Vectors] = {}
            for strand, texts in enumerate(strands):
                tokens = self.checkpoint.tokens([texts[place] for place in lot])
                found = token_vectors(self.network, self.windowing, tokens, self._layer)
                for each, before, own in found:
                    n = before.shape[0]
                    spans = tokens[each].spans[n : n + own.shape[0]]
                    length = len(sequences[lot[each]])
                    vectors = base_vectors(own.cpu().numpy(), spans, length, spec)
                    self._check_finite(vectors)
                    if len(strands) == 1:
                        yield lot[each], vectors
                    elif strand == 0:
                        first[each] = vectors
                    else:
                        yield lot[each], (first.pop(each) + vectors[::-1]) * _HALF

    def _both(self, sequences: list[str]) -> list[list[str]]:
        """The strands to answer for."""
        if self._strands == "one":
            return [sequences]
        if self.checkpoint.tokenizer.vocabulary.thymine == "U":
            raise UsageError(
                f"{self.checkpoint.spec}: strands=both: its words are of RNA, which has one strand"
            )
        return [sequences, [reverse_complement(each) for each in sequences]]

    def _check_finite(self, values: NDArray[np.floating]) -> None:
        if not np.isfinite(values).all():
            raise ModelError(
                f"{self._spec}: its answer is not finite; precision=fp32 has a wider range"
            )

    @cached_property
    def _cache(self) -> VectorCache:
        return VectorCache(self.info.digest, "sequence-vectors")

    @cached_property
    def windowing(self) -> Windowing:
        """How sequences longer than the checkpoint can see are cut."""
        return windowing(self.checkpoint, self._window, self._stride)

    @property
    def _settings(self) -> list[object]:
        """What answers depend on."""
        network, windows = self.network, [self._window, self._stride]
        how = [self._layer, self._pooling, self._strands, network.precision, network.device]
        return ["hub", _VERSION, self.checkpoint.digest, *how, *windows]

    @property
    def _notes(self) -> list[str]:
        layer = "the last layer" if self._layer == -1 else f"layer {self._layer}"
        notes = [f"{self._pooling} over the tokens of {layer}"]
        if self.checkpoint.files.revision is not None:
            notes.append(f"revision {self.checkpoint.files.revision}")
        if self.checkpoint.files.trust:
            notes.append("runs code that came with the checkpoint")
        return notes


def _keep(cache: VectorCache, done: dict[bytes, Vectors]) -> None:
    if done:
        cache.add(list(done), np.stack(list(done.values())))
        done.clear()


def hub_model(
    name: str,
    layer: int = -1,
    pooling: Pooling = "mean",
    strands: Strands = "one",
    window: int = 0,
    stride: int = 0,
    precision: Precision = "fp32",
    device: Device = "auto",
    trust: Literal["yes", "no"] = "no",
    batch_tokens: int = 0,
    tokens: Tokens = "auto",
    effect: Effect = "auto",
) -> HubModel:
    """Make ``hf:ORG/NAME@REVISION,key=value,...``.

    Parameters
    ----------
    name : str
        A local folder, or a name on the Hugging Face hub, perhaps with ``@revision``.
    layer : int
        0 for what goes into the first layer; negative from the end.
    pooling : {"mean", "cls", "last", "max"}
        Mean or maximum over the tokens of the sequence (special ones left out), the token the
        checkpoint puts first, or the last one of the sequence.
    strands : {"one", "both"}
        ``both`` for the mean over a sequence and its reverse complement.
    window, stride : int
        Tokens of a window and from one to the next; 0 for what the checkpoint can see, and half
        of that.
    precision : {"fp32", "bf16", "fp16"}
        Of weights and arithmetic.
    device : {"auto", "cpu", "cuda"}
        ``auto`` for a GPU if there is one.
    trust : {"no", "yes"}
        Whether code that comes with the checkpoint may run.
    batch_tokens : int
        Tokens of a batch, padding among them; 0 for what suits the device.
    tokens : {"auto", "own", "single", "kmer", "kmer-overlap"}
        How a sequence becomes tokens; ``auto`` tells it from the vocabulary.
    effect : {"auto", "likelihood", "distance"}
        Of a variant, without training: the difference of log-likelihoods, where there is a head
        over the vocabulary, or the cosine distance of vectors.

    Raises
    ------
    UsageError
        If there is no such folder, a setting is out of range, or a library is lacking.
    """
    settings = {key: value for key, value in locals().items() if key != "name"}
    for key in ("window", "stride", "batch_tokens"):
        if settings[key] < 0:
            raise UsageError(f"hf:{name}: {key}={settings[key]}: expected a number of tokens")
    checkpoint = HubCheckpoint(name, trust=trust == "yes", tokens=tokens)
    return HubModel(
        spec_of("hf", [name], hub_model, settings),
        Network(checkpoint, device, precision, batch_tokens),
        layer=layer,
        pooling=pooling,
        strands=strands,
        window=window,
        stride=stride,
        effect=effect,
    )
