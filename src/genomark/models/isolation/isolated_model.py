"""A model whose code runs in a sandbox, asked as any other is."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from genomark.digests import digest_of, digest_of_bytes
from genomark.errors import CapabilityError, ModelError, one_line
from genomark.models.capabilities import Fold, TermAnswer
from genomark.models.declaration import Declaration
from genomark.models.game_response import read_answer
from genomark.models.genes.table import GeneTable
from genomark.models.isolation.declared import declared
from genomark.models.isolation.launch import sandbox_command
from genomark.models.isolation.limits import Limits
from genomark.models.isolation.messages import (
    CALL,
    Call,
    Failure,
    GenesTold,
    Term,
    Told,
    entries,
    framed,
)
from genomark.models.isolation.numbered import (
    ANSWER_BYTES,
    LETTER_BYTES,
    MOST_NAMES,
    SEQUENCE_BYTES,
    answer_bytes,
    clean_task,
    numbered,
    sound_letters,
)
from genomark.models.isolation.payload import Payload
from genomark.models.isolation.sandbox import FailureError, Sandbox, SandboxError
from genomark.models.training_data import UNKNOWN, TrainingData, is_public
from genomark.protocol import (
    MSGPACK,
    BadRequestError,
    PredictRequest,
    PredictResponse,
    decode_tensor_answer,
    encode_request,
)
from genomark.protocol.tensors import Tensor
from genomark.scoring import ModelIdentity
from genomark.spans import span

T = TypeVar("T")
Progress = Callable[[int], None]

#: So many sandboxes may end in a row before the model is given up; one that was waited for counts
#: as several.
_MOST_ENDS, _LATE_COUNTS = 12, 4
#: Of a vector, 16,384 numbers.
_MOST_NUMBERS, _VECTOR_BYTES = 1 << 14, 1 << 16
#: Of any answer: it is held in the memory of the run, not in the sandbox's.
_MOST_BYTES = 10**9
_MOST_DESIGNS = 1000
_NOTE = "isolated: its code saw sequences and its own files"


class IsolatedModel:
    """What all isolated models have; `start` adds what this one can be asked.

    Parameters
    ----------
    payload : Payload
    limits : Limits
    package : str
        The installed package it is of.
    """

    #: The sandbox takes edits as they are.
    builds_lazily: ClassVar[bool] = True

    def __init__(self, payload: Payload, limits: Limits, package: str = "") -> None:
        self._payload = payload
        self._limits = limits
        self._package = package
        self._sandbox: Sandbox | None = None
        self._asking = threading.Lock()
        self._ends = 0
        self._given_up = ""
        self._told: Told | None = None
        self._declaration: Declaration | None = None
        # With no limit of memory it might answer what now it cannot.
        self._digest = digest_of([payload.digest, limits])

    @property
    def info(self) -> ModelIdentity:
        """The spec, and a digest of the files that are run: nothing that the code says."""
        notes = [one_line(note) for note in self._told.notes[:MOST_NAMES]] if self._told else []
        return ModelIdentity(
            id=self._payload.spec,
            version=self._payload.version,
            digest=self._digest,
            notes=[*notes, _NOTE],
        )

    @property
    def folders_seen(self) -> tuple[Path, ...]:
        """Folders of the model's own, which its code can read."""
        return tuple(folder for folder, _ in self._payload.folders)

    @property
    def training_data(self) -> TrainingData:
        """What it says it was trained on; files of this machine are not read for its sake."""
        told = self._declaration.training_data if self._declaration else UNKNOWN
        return told if is_public(told) else UNKNOWN

    def start(self) -> None:
        """Load the model in a sandbox, and become what it can be asked.

        Raises
        ------
        UsageError
            If this machine can make no sandbox.
        ModelError
            If the model cannot be loaded.
        """
        with self._asking:
            self._running()
        told = self._told
        assert told is not None
        kinds: list[type[IsolatedModel]] = [
            kind for name, kind in _KINDS.items() if name in told.capabilities
        ]
        if self._declaration is not None:
            kinds.append(_Declaring)
        if told.effect:
            kinds.append(_Choosing)
        # What a model can be asked is told by its methods.
        self.__class__ = type("IsolatedModel", tuple(kinds), {})

    def close(self) -> None:
        """End the sandbox; the next question starts another."""
        if self._sandbox is not None:
            self._sandbox.close()

    def _running(self) -> Sandbox:
        if self._given_up:
            raise ModelError(self._given_up)
        if self._sandbox is not None and self._sandbox.is_alive:
            return self._sandbox
        if self._sandbox is not None:
            self._sandbox.close()
        with span("load"):
            sandbox = Sandbox(
                sandbox_command(self._payload, self._limits, self._package), self._limits
            )
            weakref.finalize(self, sandbox.close)
            self._sandbox = sandbox
            try:
                told = sandbox.model()
                declaration = declared(told)
            except (FailureError, SandboxError) as error:
                sandbox.close()
                raise self._ended(error, "could not be loaded") from error
            except BaseException:
                sandbox.close()
                raise
        if self._told is None:
            self._told = told
            self._declaration = declaration
        elif sorted(told.capabilities) != sorted(self._told.capabilities):
            sandbox.close()
            raise ModelError(
                f"'{self._payload.spec}' (isolated) is a {', '.join(told.capabilities)} now and "
                f"was a {', '.join(self._told.capabilities)} before, from the same files"
            )
        return sandbox

    def _ask(self, call: Call, most: int, progress: Progress = lambda done: None) -> bytes:
        """Ask one question; its answer has `most` bytes at most, and never more than a gigabyte."""
        left = len(call.texts)

        def counted(done: int) -> None:
            nonlocal left
            step = min(done, left)
            left -= step
            progress(step)

        with self._asking:
            sandbox = self._running()
            try:
                answer = sandbox.ask(framed(CALL, call), min(most, _MOST_BYTES), counted)
            except (FailureError, SandboxError) as error:
                raise self._ended(error, "gave no answer") from error
            self._ends = 0
            return answer

    def _ended(self, error: FailureError | SandboxError, what: str) -> ModelError:
        """Say what a failure means to who asked."""
        spec = self._payload.spec
        if isinstance(error, SandboxError):
            text = f"'{spec}' (isolated) {what}: {error}"
            self._ends += _LATE_COUNTS if error.late else 1
            if self._ends >= _MOST_ENDS:
                text += "; after so many sandboxes that ended in a row it is not asked again"
                self._given_up = text
            return ModelError(text)
        failure: Failure = error.failure
        hint = f"; {self._payload.hint}" if failure.missing and self._payload.hint else ""
        text = f"'{spec}' (isolated): {error}{hint}"
        if failure.memory:
            return MemoryOutError(f"{text}; it may use {self._limits.memory_gb:g} GB")
        if failure.unfit:
            return _UnfitError(text)
        return ModelError(text)

    def _read(self, body: bytes | msgspec.Raw, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, reason: object) -> ModelError:
        return ModelError(
            f"'{self._payload.spec}' (isolated) gave an answer that cannot be read: "
            f"{one_line(reason)}"
        )

    def _check_number(self, body: bytes, wanted: int) -> None:
        """Count before reading: small things take many times their bytes once they are read."""
        found = entries(msgspec.Raw(body))
        if found != wanted:
            raise self._unreadable(f"{found:,} answers for {wanted:,} sequences")

    def _array(self, tensor: Tensor, shape: tuple[int | None, ...]) -> NDArray[Any]:
        try:
            array = tensor.array()
        except msgspec.DecodeError as error:
            raise self._unreadable(error) from error
        fits = array.ndim == len(shape) and all(
            found <= _MOST_NUMBERS if wanted is None else found == wanted
            for wanted, found in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind != "f":
            wanted = ", ".join(
                f"up to {_MOST_NUMBERS:,}" if each is None else f"{each:,}" for each in shape
            )
            raise self._unreadable(
                f"an array of {array.dtype} and shape {array.shape}, expected floats of ({wanted})"
            )
        return array


class MemoryOutError(ModelError, MemoryError):
    """The model ran out of memory; with fewer sequences at once it may not."""


class _UnfitError(ModelError, CapabilityError):
    """It is no model that can be isolated, or cannot be asked that."""


class _Predictor(IsolatedModel):
    @property
    def predictor_name(self) -> str:
        """As it is told."""
        assert self._told is not None
        return one_line(self._told.predictor_name) or self._payload.spec

    @property
    def batch_invariant(self) -> bool:
        """As it is told: who lies gets answers of its own from the cache."""
        return self._told is not None and self._told.batch_invariant

    @property
    def keepable(self) -> bool:
        """As it is told; the digest is of all that the code can see."""
        return self._told is not None and self._told.keepable

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request; the ids of its sequences stay out of the sandbox.

        Raises
        ------
        ModelError
            If there is no answer.
        """
        names = list(request.sequences)
        by_number = numbered(request, names)
        body = encode_request(by_number, MSGPACK, edits=True)
        asked = list(by_number.sequences)
        call = Call("predict", body=body, letters=sound_letters(request))
        answer = self._ask(call, answer_bytes(request))
        try:
            raw = decode_tensor_answer(answer, asked)
        except BadRequestError as error:
            raise self._unreadable(error) from error
        response = read_answer(
            raw, by_number, f"'{self._payload.spec}' (isolated)", ModelError
        ).response
        back = dict(zip(asked, names, strict=True))
        tasks = [clean_task(task, back) for task in response.prediction_tasks]
        matcher = response.matcher_version
        return msgspec.structs.replace(
            response,
            predictor_name=one_line(response.predictor_name),
            prediction_tasks=tasks,
            matcher_version=one_line(matcher) if isinstance(matcher, str) else UNSET,
        )


class _Declaring(IsolatedModel):
    @property
    def declaration(self) -> Declaration:
        """As it is told."""
        assert self._declaration is not None
        return self._declaration


class _Choosing(IsolatedModel):
    @property
    def effect(self) -> str:
        """What stands for the effect of a variant, as it is told."""
        assert self._told is not None
        return one_line(self._told.effect)


class _Embedder(IsolatedModel):
    def embed(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> NDArray[np.float32]:
        """Give one vector a sequence, float32[n, n_dimensions]."""
        most = ANSWER_BYTES + _VECTOR_BYTES * len(sequences)
        body = self._ask(Call("embed", texts=list(sequences)), most, progress)
        array = self._array(self._read(body, Tensor), (len(sequences), None))
        return array.astype(np.float32)

    def embed_positions(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> list[NDArray[np.float32]]:
        """Give one vector a base, float32[length, n_dimensions] for each sequence."""
        most = ANSWER_BYTES + _VECTOR_BYTES * sum(map(len, sequences))
        body = self._ask(Call("embed_positions", texts=list(sequences)), most, progress)
        self._check_number(body, len(sequences))
        tensors = self._read(body, list[Tensor])
        return [
            self._array(tensor, (len(sequence), None)).astype(np.float32)
            for tensor, sequence in zip(tensors, sequences, strict=True)
        ]


class _GeneEmbedder(IsolatedModel):
    @property
    def pairs_only(self) -> bool:
        """As it is told."""
        return self._told is not None and self._told.pairs_only

    def gene_table(self, names: Sequence[str], kind: str = "symbol") -> GeneTable:
        """Give the vectors of those of `names` that the model knows, and of no others."""
        wanted = list(dict.fromkeys(names))
        most = ANSWER_BYTES + (_VECTOR_BYTES + SEQUENCE_BYTES) * len(wanted)
        body = self._ask(Call("gene_table", texts=wanted, word=kind), most)
        told = self._read(body, GenesTold)
        if max(entries(told.names), entries(told.reasons)) > len(wanted):
            raise self._unreadable("more genes than were asked for")
        known = self._read(told.names, list[str])
        said = self._read(told.reasons, dict[str, str])
        vectors = self._array(told.vectors, (len(known), None)).astype(np.float32)
        if len(set(known)) != len(known) or not set(known) <= set(wanted):
            raise self._unreadable("it names genes twice, or others than were asked for")
        if not np.isfinite(vectors).all():
            raise self._unreadable("vectors with numbers that are not finite")
        reasons = {name: one_line(said[name]) for name in wanted if name in said}
        parts = [self._digest.encode(), "\n".join(known).encode(), vectors.tobytes()]
        return GeneTable(known, vectors, digest_of_bytes(parts), reasons)


class _Scorer(IsolatedModel):
    @property
    def likelihood(self) -> Literal["causal", "masked"]:
        """As it is told."""
        return "masked" if self._told and self._told.likelihood == "masked" else "causal"

    def log_likelihoods(
        self, sequences: Sequence[str], progress: Progress = lambda done: None
    ) -> NDArray[np.float64]:
        """Sum the natural logarithms of each token's probability, float64[n]."""
        most = ANSWER_BYTES + LETTER_BYTES * len(sequences)
        body = self._ask(Call("log_likelihoods", texts=list(sequences)), most, progress)
        return self._array(self._read(body, Tensor), (len(sequences),)).astype(np.float64)


class _Folder(IsolatedModel):
    def fold(self, sequences: Sequence[str], progress: Progress = lambda done: None) -> list[Fold]:
        """Fold sequences, each by itself."""
        most = ANSWER_BYTES + sum(SEQUENCE_BYTES + len(each) for each in sequences)
        body = self._ask(Call("fold", texts=list(sequences)), most, progress)
        self._check_number(body, len(sequences))
        folds = self._read(body, list[tuple[str, float | None]])
        if [len(structure) for structure, _ in folds] != [len(each) for each in sequences]:
            raise self._unreadable("structures that are not as many or as long as the sequences")
        if not all(structure.isascii() and structure.isprintable() for structure, _ in folds):
            raise self._unreadable("structures with letters that are no brackets")
        return [Fold(structure, energy) for structure, energy in folds]


class _Designer(IsolatedModel):
    def design(self, structure: str, seconds: float, seed: int) -> Sequence[str]:
        """Find sequences that fold into a structure."""
        call = Call("design", word=structure, seconds=seconds, seed=seed)
        most = ANSWER_BYTES + _MOST_DESIGNS * len(structure)
        found = self._read(self._ask(call, most), list[str])
        if not all(set(each) <= set("ACGU") for each in found):
            raise self._unreadable("designs with other letters than A, C, G and U")
        return found


class _TermMatcher(IsolatedModel):
    def match_term(self, category: str, term: str, choices: Sequence[str]) -> TermAnswer:
        """Find the one of `choices` that means `term`, or say that none does."""
        call = Call("match_term", texts=list(choices), word=term, more=category)
        found = self._read(self._ask(call, ANSWER_BYTES), Term)
        if found.choice is not None and found.choice not in choices:
            raise self._unreadable("a term that is none of the choices")
        notes = tuple(one_line(note) for note in found.notes[:MOST_NAMES])
        return TermAnswer(found.choice, found.confidence, found.calls, one_line(found.fault), notes)


_KINDS: Mapping[str, type[IsolatedModel]] = {
    "Predictor": _Predictor,
    "Embedder": _Embedder,
    "GeneEmbedder": _GeneEmbedder,
    "Scorer": _Scorer,
    "Folder": _Folder,
    "Designer": _Designer,
    "TermMatcher": _TermMatcher,
}
