"""Windows of a bigWig: a signal along a genome, base by base or as means over bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genomark.datasets.assemblies import assembly_name, chromosomes
from genomark.datasets.integrity import way_to_get_again
from genomark.errors import DatasetError
from genomark.extras import import_extra

Signal = NDArray[np.float32]

#: First bytes of a bigWig, in either byte order.
_MAGIC = (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")


class BigWig:
    """A bigWig of which any window can be read.

    Parameters
    ----------
    path : str or Path
    assembly : str, optional
        Whose positions it is of, such as ``"hg38"``: chromosomes then have the lengths of it.

    Attributes
    ----------
    path : Path
    lengths : mapping of str to int
        Positions of each chromosome.

    Raises
    ------
    DatasetError
        If there is no such file, it is no bigWig or damaged, or is of another assembly.
    UsageError
        If the library that reads it is not installed.
    """

    def __init__(self, path: str | Path, *, assembly: str | None = None) -> None:
        self.path = Path(path)
        library = import_extra("A bigWig", "pyBigWig", "genome")
        try:
            with self.path.open("rb") as handle:
                head = handle.read(4)
        except OSError as error:
            raise DatasetError(f"Cannot read {self.path}: {error.strerror}") from error
        # Asked here: the library would write to standard error of what it cannot open.
        if head not in _MAGIC:
            raise DatasetError(f"{self.path}: not a bigWig{way_to_get_again(self.path)}")
        try:
            self._file: Any = library.open(str(self.path))
            self.lengths: Mapping[str, int] = dict(self._file.chroms())
        except (RuntimeError, TypeError) as error:
            raise DatasetError(
                f"{self.path}: a damaged bigWig ({error}){way_to_get_again(self.path)}"
            ) from error
        if assembly is not None:
            check_lengths(self.path, self.lengths, assembly)

    def __enter__(self) -> BigWig:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def summary(self) -> Mapping[str, float]:
        """What the header tells of all values: how many, smallest, largest, sums."""
        return dict(self._file.header())

    def window(self, chrom: str, start: int, end: int) -> Signal:
        """Read a window base by base.

        Parameters
        ----------
        chrom : str
        start, end : int
            0-based and half-open; may reach beyond the ends of the chromosome.

        Returns
        -------
        ndarray of float32, shape (end - start,)
            NaN where there are no data, and beyond the chromosome.

        Raises
        ------
        DatasetError
            If the file has no such chromosome, or is damaged there.
        """
        if chrom not in self.lengths:
            some = ", ".join(list(self.lengths)[:3])
            raise DatasetError(f"{self.path} has no chromosome '{chrom}'; it has {some}, ...")
        found = np.full(end - start, np.nan, dtype=np.float32)
        first, last = max(start, 0), min(end, self.lengths[chrom])
        if first < last:
            try:
                values = self._file.values(chrom, first, last, numpy=True)
            except RuntimeError as error:
                raise DatasetError(
                    f"{self.path}: damaged at {chrom}:{first}-{last} ({error})"
                ) from error
            found[first - start : last - start] = values
        return found

    def windows(
        self, chroms: Sequence[str], starts: ArrayLike, length: int, bin_size: int = 1
    ) -> Signal:
        """Read many windows of one length.

        Parameters
        ----------
        chroms : sequence of str
            One a window.
        starts : array_like of int, shape (n,)
            0-based.
        length : int
            bp.
        bin_size : int
            bp; the last bin of a window may be shorter.

        Returns
        -------
        ndarray of float32, shape (n, bins)
            As `bin_means` of each window.

        Raises
        ------
        DatasetError
            As `window`.
        """
        firsts = np.asarray(starts, dtype=np.int64)
        found = np.empty((firsts.size, -(-length // bin_size)), dtype=np.float32)
        for row, (chrom, start) in enumerate(zip(chroms, firsts.tolist(), strict=True)):
            found[row] = bin_means(self.window(chrom, start, start + length), bin_size)
        return found


def bin_means(values: NDArray[np.floating], bin_size: int) -> NDArray[np.floating]:
    """Take the mean of each bin over the bases that have a value.

    Parameters
    ----------
    values : ndarray of float, shape (length,)
        NaN where there is none.
    bin_size : int
        bp; the last bin is of what is left.

    Returns
    -------
    ndarray of float, shape (bins,)
        Of the dtype of `values`; NaN where no base of a bin has a value.
    """
    if bin_size == 1:
        return values
    whole = np.full(-(-values.size // bin_size) * bin_size, np.nan)
    whole[: values.size] = values
    bins = whole.reshape(-1, bin_size)
    known = np.isfinite(bins)
    counts = known.sum(axis=1)
    sums = np.where(known, bins, 0.0).sum(axis=1)
    means = np.full(len(bins), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.astype(values.dtype)


def check_lengths(path: Path, lengths: Mapping[str, int], assembly: str) -> None:
    """Refuse a file whose chromosomes are not as long as those of an assembly.

    Raises
    ------
    DatasetError
        If one is not, or the file has none of the assembly.
    """
    known = chromosomes(assembly)
    name = assembly_name(assembly)
    found = [chrom for chrom in lengths if chrom in known]
    if not found:
        some = ", ".join(list(lengths)[:3]) or "none"
        raise DatasetError(f"{path}: none of its chromosomes ({some}, ...) is one of {name}")
    for chrom in found:
        if lengths[chrom] != known[chrom].length:
            raise DatasetError(
                f"{path}: {chrom} has {lengths[chrom]:,} positions where {name} has "
                f"{known[chrom].length:,}; it is of another assembly"
            )
