"""Many sequences, or many values, as few pieces of memory: what the tensor format is made of.

`docs/tensor-format.md` describes every key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.protocol.messages import Unanswered
from genomark.protocol.tensors import Tensor
from genomark.protocol.twobit import TwoBit, pack, unpack

TWO_BIT, TEXT = "2bit", "text"


class SoundSequences(dict[str, str]):
    """Sequences by id of which none is empty and all letters are A, C, G, T or N, in upper case.

    Attributes
    ----------
    letters : int
        Of all sequences together.
    """

    letters: int


class SequenceBlock(msgspec.Struct, omit_defaults=True):
    """Sequences one after the other.

    Attributes
    ----------
    ids : list of str
    lengths : Tensor
        Letters of each.
    code : {"2bit", "text"}
        As `twobit` has it, or as UTF-8.
    data : memoryview
    n_runs : Tensor, optional
        Of ``2bit``: first letter and length of each run of N.
    """

    ids: list[str]
    lengths: Tensor
    code: str
    data: memoryview
    n_runs: Tensor | None = None

    @classmethod
    def of(cls, sequences: Mapping[str, str]) -> SequenceBlock:
        """Write sequences down, with two bits a letter where that loses nothing."""
        texts = list(sequences.values())
        packed = pack(texts)
        if packed is None:
            lengths = np.array([len(text) for text in texts], dtype=np.int64)
            data = memoryview("".join(texts).encode(errors="surrogatepass"))
            return cls(list(sequences), _counts(lengths), TEXT, data)
        runs = _counts(packed.runs) if packed.runs.size else None
        data = memoryview(packed.data)
        return cls(list(sequences), _counts(packed.lengths), TWO_BIT, data, runs)

    def sequences(self) -> dict[str, str]:
        """Read the sequences: `SoundSequences` where they are known to be.

        Raises
        ------
        msgspec.DecodeError
            If the parts do not fit together, or an id is there twice.
        """
        lengths = _read_counts(self.lengths, 1)
        if lengths.size != len(self.ids):
            raise msgspec.DecodeError(f"{lengths.size:,} lengths for {len(self.ids):,} ids")
        try:
            if self.code == TWO_BIT:
                none = np.empty((0, 2), dtype=np.int64)
                runs = none if self.n_runs is None else _read_counts(self.n_runs, 2)
                texts = unpack(TwoBit(self.data, lengths, runs))
            elif self.code == TEXT:
                texts = _texts(self.data, lengths)
            else:
                raise ValueError(f"unknown code of sequences: '{self.code[:20]}'")
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        named = zip(self.ids, texts, strict=True)
        found: dict[str, str]
        if self.code == TWO_BIT and bool((lengths > 0).all()):
            found = SoundSequences(named)
            found.letters = int(lengths.sum())
        else:
            found = dict(named)
        if len(found) != len(self.ids):
            raise msgspec.DecodeError("an id of a sequence is there twice")
        return found


def sound_sequences(sequences: Mapping[str, str]) -> SoundSequences | None:
    """Give sequences as such that are known to be sound; None if they are not."""
    if isinstance(sequences, SoundSequences):
        return sequences
    texts = list(sequences.values())
    packed = pack(texts) if all(texts) else None
    if packed is None:
        return None
    sound = SoundSequences(sequences)
    sound.letters = int(packed.lengths.sum())
    return sound


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
        ids = None if list(predictions) == asked else list(predictions)
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

    def predictions(self, asked: Sequence[str]) -> dict[str, Any]:
        """Read the predictions: numbers, arrays, and `Unanswered` where there is none.

        Parameters
        ----------
        asked : sequence of str
            Ids of the request.

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
            values = array.tolist() if array.ndim == 1 else list(array)
        else:
            values = [None if each is None else each.array() for each in self.parts or []]
        if len(values) != len(names):
            raise msgspec.DecodeError(f"{len(values):,} values for {len(names):,} sequences")
        found = dict(zip(names, values, strict=True))
        found.update({name: Unanswered(reason) for name, reason in self.unanswered.items()})
        return found


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Write float64 as float32 where that loses nothing: most models compute in it."""
    if values.dtype != np.float64:
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow, values, equal_nan=True) else values


def _counts(numbers: NDArray[np.int64]) -> Tensor:
    small = not numbers.size or int(numbers.max()) < 1 << 32
    return Tensor.of(numbers.astype(np.uint32 if small else np.int64))


def _read_counts(tensor: Tensor, dimensions: int) -> NDArray[np.int64]:
    array = tensor.array()
    # Smaller ones would unfold to many times their bytes.
    if array.size and array.itemsize < 4:
        raise msgspec.DecodeError(f"expected numbers of 4 or 8 bytes, found {array.dtype}")
    if (
        array.dtype.kind not in "iu"
        or array.ndim != dimensions
        or array.shape[1:] not in ((), (2,))
    ):
        raise msgspec.DecodeError(
            f"expected whole numbers, found a tensor of {array.dtype} and shape {array.shape}"
        )
    return array.astype(np.int64)


def _texts(data: memoryview, lengths: NDArray[np.int64]) -> list[str]:
    letters = str(data, "utf-8")
    if (lengths < 0).any() or lengths.astype(np.float64).sum() != len(letters):
        raise ValueError(f"the lengths do not add up to the {len(letters):,} letters")
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return [letters[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
