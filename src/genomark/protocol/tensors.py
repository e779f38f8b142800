"""Arrays of numbers as they stand in memory: type, shape, bytes."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

#: Types of numbers that go over the wire; all little-endian.
DTYPES = ("<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8")
_MOST_DIMENSIONS = 8


class Tensor(msgspec.Struct):
    """An array on the wire.

    Attributes
    ----------
    dtype : str
        One of `DTYPES`, as NumPy writes them.
    shape : tuple of int
    data : memoryview
        Row by row, the last axis fastest.
    """

    dtype: str
    shape: Annotated[tuple[int, ...], msgspec.Meta(max_length=_MOST_DIMENSIONS)]
    data: memoryview

    @classmethod
    def of(cls, values: NDArray[Any]) -> Tensor:
        """Give an array as it goes over the wire; not copied where it lies that way already."""
        little = values.dtype.newbyteorder("<")
        if little.str not in DTYPES:
            raise TypeError(f"an array of {values.dtype} cannot be sent")
        array = np.ascontiguousarray(values, dtype=little)
        # A view of no bytes cannot be cast.
        data = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
        return cls(little.str, values.shape, data)

    def array(self) -> NDArray[Any]:
        """Give the array; it shares its memory with `data`, and cannot be written to.

        Raises
        ------
        msgspec.DecodeError
            If the type is not one of `DTYPES`, or type, shape and bytes do not fit together.
        """
        if self.dtype not in DTYPES:
            raise msgspec.DecodeError(f"unknown type of tensor: '{self.dtype[:20]}'")
        kind, size = np.dtype(self.dtype), memoryview(self.data).nbytes
        # Compared before anything is made of it: the shape is a stranger's word.
        if (
            any(length < 0 for length in self.shape)
            or math.prod(self.shape) * kind.itemsize != size
        ):
            raise msgspec.DecodeError(
                f"a tensor of {kind} and shape {list(self.shape)[:_MOST_DIMENSIONS]} is not its "
                f"{size:,} bytes"
            )
        try:
            found: NDArray[Any] = np.frombuffer(self.data, dtype=kind).reshape(self.shape)
        except (ValueError, OverflowError) as error:
            # A length that only fits because another is 0.
            raise msgspec.DecodeError("a tensor cannot have that shape") from error
        return found
