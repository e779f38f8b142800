"""Many sequences, or many values, as few pieces of memory: what the tensor format is made of.

`docs/tensor-format.md` describes every key.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from functools import cache, cached_property
from typing import Any, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.protocol.lengths import Integers, Lengths, bytes_of, even_lengths
from genomark.protocol.messages import PredictResponse, Unanswered
from genomark.protocol.tensors import Tensor
from genomark.protocol.twobit import NO_RUNS, TwoBit, checked, pack, unpack, unpack_letters

TWO_BIT, TEXT = "2bit", "text"
#: Bytes that may be kept with some numbers that came with them.
_MUCH = 1 << 14
#: Longer lists of places are made each time.
_MOST_PLACES = 1 << 14


@cache
def _first_places() -> list[str]:
    return [str(place) for place in range(_MOST_PLACES)]


def places(n: int) -> list[str]:
    """Give the ids of sequences that have none but their places: numbers from 0 on."""
    return _first_places()[:n] if n <= _MOST_PLACES else [str(place) for place in range(n)]


class PackedTexts(Sequence[str]):
    """Sequences of which strings are made when one is looked at.

    Parameters
    ----------
    packed : TwoBit
    strings : list of str, optional
        The same, where they are there already.
    """

    def __init__(self, packed: TwoBit, strings: list[str] | None = None) -> None:
        self.packed = packed
        if strings is not None:
            self.strings = strings

    @cached_property
    def strings(self) -> list[str]:
        """All of them."""
        return unpack(self.packed)

    def letters(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Give the letters without strings: as `genomark.datasets.letters.letters_of`."""
        offsets = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(self.packed.lengths.letters, out=offsets[1:])
        return unpack_letters(self.packed), offsets

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self.strings[place]

    def __len__(self) -> int:
        return len(self.packed.lengths)


class SoundSequences(Mapping[str, str]):
    """Sequences by id of which none is empty and all letters are A, C, G, T or N, in upper case.

    What was read at two bits a letter stays so until a letter is looked at.

    Attributes
    ----------
    ids : list of str
    letters : int
        Of all sequences together.
    texts : sequence of str
        The sequences without their ids.
    """

    def __init__(self, ids: list[str], letters: int, texts: list[str] | PackedTexts) -> None:
        self.ids = ids
        self.letters = letters
        self.texts = texts

    @property
    def strings(self) -> list[str]:
        """The same, as strings."""
        return self.texts.strings if isinstance(self.texts, PackedTexts) else self.texts

    @property
    def packed(self) -> TwoBit | None:
        """The same at two bits a letter, if it is there."""
        return self.texts.packed if isinstance(self.texts, PackedTexts) else None

    def numbered(self) -> SoundSequences:
        """Give the same sequences, called by their places."""
        return SoundSequences(places(len(self)), self.letters, self.texts)

    @cached_property
    def by_id(self) -> dict[str, str]:
        """The same as a dict."""
        return dict(zip(self.ids, self.strings, strict=True))

    def __getitem__(self, name: str) -> str:
        return self.by_id[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    # Those of `Mapping` look each sequence up.
    def items(self) -> ItemsView[str, str]:
        """Ids and sequences."""
        return self.by_id.items()

    def values(self) -> ValuesView[str]:
        """Sequences."""
        return self.by_id.values()


class SequenceBlock(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Sequences one after the other.

    Attributes
    ----------
    lengths : Tensor
        Letters of each; of no dimension where they are the same for all, with ``2bit``.
    code : {"2bit", "text"}
        As `twobit` has it, or as UTF-8.
    ids : list of str, optional
        Left out where they are called by their `places`.
    n_runs : Tensor, optional
        Of ``2bit``: first letter and length of each run of N.
    data : memoryview
        Last, so that what comes before is the same in all requests that ask alike.
    """

    lengths: Tensor
    code: str
    ids: list[str] | None = None
    n_runs: Tensor | None = None
    data: memoryview

    @classmethod
    def of(cls, sequences: Mapping[str, str], *, anonymous: bool = False) -> SequenceBlock:
        """Write sequences down, with two bits a letter where that loses nothing.

        Parameters
        ----------
        sequences : mapping of str to str
        anonymous : bool
            Whether ids that are places may be left out.
        """
        names = ids_of(sequences)
        ids = None if anonymous and names == places(len(names)) else names
        packed = sequences.packed if isinstance(sequences, SoundSequences) else None
        texts = list(sequences.values()) if packed is None else []
        packed = packed or pack(texts)
        if packed is None:
            counts = _counts(np.array([len(text) for text in texts], dtype=np.int64))
            data = memoryview("".join(texts).encode(errors="surrogatepass"))
            return cls(lengths=counts, code=TEXT, ids=ids, data=data)
        return cls(
            lengths=_length_tensor(packed.lengths),
            code=TWO_BIT,
            ids=ids,
            n_runs=_counts(packed.runs) if packed.runs.size else None,
            data=memoryview(packed.data),
        )

    def sequences(self) -> Mapping[str, str]:
        """Read the sequences: `SoundSequences` where they are known to be.

        Raises
        ------
        msgspec.DecodeError
            If the parts do not fit together, or an id is there twice.
        """
        lengths = _read_lengths(self.lengths, self.code, self.data)
        ids = places(len(lengths)) if self.ids is None else self.ids
        if len(lengths) != len(ids):
            raise msgspec.DecodeError(f"{len(lengths):,} lengths for {len(ids):,} ids")
        if ids is self.ids and len(set(ids)) != len(ids):
            raise msgspec.DecodeError("an id of a sequence is there twice")
        try:
            if self.code == TEXT:
                return dict(zip(ids, _texts(self.data, lengths.letters), strict=True))
            if self.code != TWO_BIT:
                raise ValueError(f"unknown code of sequences: '{self.code[:20]}'")
            runs = NO_RUNS if self.n_runs is None else _read_counts(self.n_runs, 2)
            packed = checked(TwoBit(self.data, lengths, runs))
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        if lengths.are_sound:
            return SoundSequences(ids, lengths.total, PackedTexts(packed))
        return dict(zip(ids, unpack(packed), strict=True))


def sound_sequences(sequences: Mapping[str, str]) -> SoundSequences | None:
    """Give sequences as such that are known to be sound; None if they are not."""
    if isinstance(sequences, SoundSequences):
        return sequences
    texts = list(sequences.values())
    packed = pack(texts)
    if packed is None or not packed.lengths.are_sound:
        return None
    return SoundSequences(list(sequences), packed.lengths.total, PackedTexts(packed, texts))


def ids_of(named: Mapping[str, Any]) -> list[str]:
    """Give the ids of sequences or of predictions, in order; the list is not to be changed."""
    return named.ids if isinstance(named, SoundSequences | SoundPoints) else list(named)


class SoundPoints(Mapping[str, float]):
    """Points by id of the sequence, of which none is missing.

    They stay numbers in one piece of memory until one is looked up.

    Attributes
    ----------
    ids : list of str
    told : ndarray of float, shape (n,)
        As the model told them, or the wire: of fewer bits where that is all there is.
    """

    def __init__(self, ids: list[str], told: NDArray[np.floating[Any]]) -> None:
        self.ids = ids
        self.told = told

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The same as float64."""
        return self.told.astype(np.float64)

    @cached_property
    def by_id(self) -> dict[str, float]:
        """The same as a dict."""
        return dict(zip(self.ids, self.numbers.tolist(), strict=True))

    def __getitem__(self, name: str) -> float:
        return self.by_id[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"SoundPoints({self.by_id!r})"

    # Those of `Mapping` look each point up.
    def items(self) -> ItemsView[str, float]:
        """Ids and points."""
        return self.by_id.items()

    def values(self) -> ValuesView[float]:
        """Points."""
        return self.by_id.values()


def value_bytes(answer: PredictResponse) -> int:
    """Guess the bytes of the values of an answer by the first of each task."""
    size = 0
    for task in answer.prediction_tasks:
        values = task.predictions
        if isinstance(values, SoundPoints):
            size += 8 * len(values)
        else:
            size += len(values) * int(getattr(next(iter(values.values()), None), "nbytes", 8))
    return size


class ValueBlock(msgspec.Struct, omit_defaults=True):
    """The predictions of one task.

    Attributes
    ----------
    ids : list of str, optional
        Of the values; those of the request, in its order, if left out.
    values : Tensor, optional
        Values that are all of one shape, one after the other: the first axis counts sequences.
    parts : list of (Tensor or None), optional
        Values of different shapes, one each.
    unanswered : mapping of str to str
        Why there is none for some; what stands in their place means nothing.
    """

    ids: list[str] | None = None
    values: Tensor | None = None
    parts: list[Tensor | None] | None = None
    unanswered: dict[str, str] = {}

    @classmethod
    def of(cls, predictions: Mapping[str, Any], asked: Sequence[str]) -> ValueBlock | None:
        """Write predictions down; None if there are others than numbers and arrays of them."""
        names = ids_of(predictions)
        ids = None if names == asked else names
        if isinstance(predictions, SoundPoints):
            return cls(ids, Tensor.of(narrow(predictions.told)))
        values = list(predictions.values())
        if set(map(type, values)) <= {float}:
            return cls(ids, Tensor.of(narrow(np.array(values, dtype=np.float64))))
        reasons = {
            name: value.reason if isinstance(value, Unanswered) else ""
            for name, value in predictions.items()
            if value is None or isinstance(value, Unanswered)
        }
        there = [value for name, value in predictions.items() if name not in reasons]
        if all(type(value) is float for value in there):
            points = [np.nan if name in reasons else predictions[name] for name in predictions]
            array = narrow(np.array(points, dtype=np.float64))
            return cls(ids, Tensor.of(array), unanswered=reasons)
        if not all(isinstance(value, np.ndarray) and value.dtype.kind in "fiu" for value in there):
            return None
        if not reasons and len({(value.dtype, value.shape) for value in there}) == 1:
            return cls(ids, Tensor.of(narrow(np.stack(there))))
        parts = [
            None if name in reasons else Tensor.of(narrow(value))
            for name, value in predictions.items()
        ]
        return cls(ids, parts=parts, unanswered=reasons)

    def predictions(self, asked: Sequence[str], n_bytes: int = 0) -> Mapping[str, Any]:
        """Read the predictions: numbers, arrays, and `Unanswered` where there is none.

        `SoundPoints` where they are a number for each sequence that was asked about.

        Parameters
        ----------
        asked : sequence of str
            Ids of the request.
        n_bytes : int
            Of the message, which values keep in memory: points only if there is little else in it.

        Raises
        ------
        msgspec.DecodeError
            If there are not as many values as ids.
        """
        names = asked if self.ids is None else self.ids
        values: list[Any]
        if self.values is not None:
            array = self.values.array()
            if array.shape[:1] != (len(names),):
                raise msgspec.DecodeError(
                    f"values of shape {array.shape} for {len(names):,} sequences"
                )
            if self._is_sound():
                is_much = n_bytes > 2 * array.nbytes + _MUCH
                return SoundPoints(list(names), array.copy() if is_much else array)
            values = array.tolist() if array.ndim == 1 else list(array)
        else:
            values = [None if each is None else each.array() for each in self.parts or []]
        if len(values) != len(names):
            raise msgspec.DecodeError(f"{len(values):,} values for {len(names):,} sequences")
        found = dict(zip(names, values, strict=True))
        found.update({name: Unanswered(reason) for name, reason in self.unanswered.items()})
        return found

    def _is_sound(self) -> bool:
        """Whether there is a number for each sequence that was asked about, and nothing else."""
        values = self.values
        are_points = values is not None and len(values.shape) == 1 and values.dtype[1:2] == "f"
        return are_points and self.ids is None and not self.unanswered


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Write float64 as float32 where that loses nothing: most models compute in it."""
    if values.dtype != np.float64:
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    # By their bits, so that no kind of NaN becomes another.
    back = narrow.astype(np.float64)
    return narrow if (back.view(np.int64) == values.view(np.int64)).all() else values


def _length_tensor(lengths: Lengths) -> Tensor:
    is_one = lengths.even and lengths.are_sound
    return _counts(lengths.letters[0] if is_one else lengths.letters)


def most_sequences(lengths: Tensor, code: str, data: memoryview) -> int:
    """Count the sequences of a block, or give more, before anything is made of them.

    Raises
    ------
    msgspec.DecodeError
        If the lengths are none.
    """
    if lengths.shape or code != TWO_BIT:
        return memoryview(lengths.data).nbytes // (8 if lengths.dtype.endswith("8") else 4)
    length, n_bytes = int(_read_counts(lengths, 0)), memoryview(data).nbytes
    if length < 1 or n_bytes % bytes_of(length):
        raise msgspec.DecodeError(f"{n_bytes:,} bytes are no sequences of {length:,} letters each")
    return n_bytes // bytes_of(length)


def _read_lengths(lengths: Tensor, code: str, data: memoryview) -> Lengths:
    if lengths.shape or code != TWO_BIT:
        return Lengths(_read_counts(lengths, 1))
    return even_lengths(most_sequences(lengths, code, data), int(_read_counts(lengths, 0)))


def _counts(numbers: Integers) -> Tensor:
    small = not numbers.size or int(numbers.max()) < 1 << 32
    return Tensor.of(numbers.astype(np.uint32 if small else np.int64))


def _read_counts(tensor: Tensor, dimensions: int) -> Integers:
    array = tensor.array()
    # Smaller ones would unfold to many times their bytes.
    if array.size and array.itemsize < 4:
        raise msgspec.DecodeError(f"expected numbers of 4 or 8 bytes, found {array.dtype}")
    is_shaped = array.ndim == dimensions and array.shape[1:] in ((), (2,))
    if array.dtype.kind not in "iu" or not is_shaped:
        raise msgspec.DecodeError(
            f"expected whole numbers, found a tensor of {array.dtype} and shape {array.shape}"
        )
    return array.astype(np.int64)


def _texts(data: memoryview, lengths: Integers) -> list[str]:
    letters = str(data, "utf-8")
    if (lengths < 0).any() or lengths.astype(np.float64).sum() != len(letters):
        raise ValueError(f"the lengths do not add up to the {len(letters):,} letters")
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return [letters[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
