"""Answers that were given, kept by what was asked, as many as fit in a bound of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

#: What was answered about one sequence: a value a task, then a trim or None a task. Plain tuples
#: of numbers and plain text as keys: Python's collector has nothing to look at in either.
Answer = tuple[Any, ...]

#: A sequence of up to so many letters is its own key: no digest is shorter by much.
_LONGEST_KEY = 256
#: Memory of an entry beside its letters and numbers, about; bytes.
_ENTRY_BYTES = 280
_VALUE_BYTES = 60


def key_of(topic: str, sequence: str, limits: list[int] | None) -> str:
    """Give the key of a question; equal keys are equal questions.

    Parameters
    ----------
    topic : str
        What the sequence is asked about; without a bar or a hash sign.
    sequence : str
    limits : list of int, optional
        Range that is asked about, both ends.
    """
    # A range has neither of the signs that end it, so that no sequence is taken for one.
    asked = f"{topic} {limits[0]}-{limits[1]}" if limits else topic
    if len(sequence) > _LONGEST_KEY:
        return f"{asked}#{digest_of_texts(sequence)}"
    return f"{asked}|{sequence}"


def digest_of_texts(*texts: str) -> str:
    """Digest texts to 128 bits, in which no two that anyone finds are alike."""
    digest = blake2b(digest_size=16)
    for text in texts:
        letters = text.encode(errors="surrogatepass")
        digest.update(len(letters).to_bytes(8, "little"))
        digest.update(letters)
    return digest.hexdigest()


class AnswerCache:
    """The answers that were asked for last.

    Parameters
    ----------
    max_bytes : int
        0 keeps nothing.

    Attributes
    ----------
    hits, misses : int
        Answers that were here when they were looked up, and that were not.
    bytes : int
        Memory of all that is kept, about.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.hits = 0
        self.misses = 0
        self.bytes = 0
        self._entries: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def found(self, keys: Iterable[str]) -> dict[str, Answer]:
        """Look answers up; those that are found are the last to go."""
        found = {}
        with self._lock:
            asked = 0
            for key in keys:
                asked += 1
                if (answer := self._entries.get(key)) is not None:
                    self._entries.move_to_end(key)
                    found[key] = answer
            self.hits += len(found)
            self.misses += asked - len(found)
        return found

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """Keep answers that hold nothing but numbers; the oldest go for them."""
        with self._lock:
            for key, answer in answers.items():
                size = _size(key, answer)
                if size is None or size > self.max_bytes:
                    continue
                if (replaced := self._entries.pop(key, None)) is not None:
                    self.bytes -= _size(key, replaced) or 0
                self._entries[key] = tuple(map(_own, answer))
                self.bytes += size
                while self.bytes > self.max_bytes:
                    self.bytes -= _size(*self._entries.popitem(last=False)) or 0


def _size(key: str, answer: Answer) -> int | None:
    """Bytes that an answer takes here; None for one that is no answer, such as a null."""
    size = _ENTRY_BYTES + len(key)
    half = len(answer) // 2
    for value in answer[:half]:
        if type(value) is not float:
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
                return None
            size += value.nbytes
        size += _VALUE_BYTES
    return size


def _own(value: Any) -> Any:
    """Copy an array: a part of a large one would keep all of it in memory."""
    if not isinstance(value, np.ndarray):
        return value
    copied = value.copy()
    copied.flags.writeable = False
    return copied
