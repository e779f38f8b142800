"""Windows of a contact map: cooler files, of one resolution or of many, and expected contacts.

The layout is that of cooler's schema 3 (Abdennur and Mirny 2020, Bioinformatics 36:311): a table of
bins, and the upper triangle of counts sorted by bin, with the row each bin begins at.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genomark.datasets.bigwig import check_lengths
from genomark.errors import DatasetError
from genomark.extras import import_extra

Floats = NDArray[np.float64]

_LAYOUT = (
    *("chroms/name", "chroms/length", "indexes/chrom_offset", "indexes/bin1_offset"),
    *("bins/weight", "pixels/bin2_id", "pixels/count"),
)


class ContactMap:
    """Balanced contacts of a cooler file.

    Parameters
    ----------
    path : str or Path
        ``.cool``, or ``.mcool`` with many resolutions.
    bin_size : int
        bp; the resolution to read.
    assembly : str, optional
        Whose positions it is of: chromosomes then have the lengths of it.

    Attributes
    ----------
    path : Path
    bin_size : int
    lengths : mapping of str to int
        Positions of each chromosome.

    Raises
    ------
    DatasetError
        If there is no such file, it is no cooler file, lacks the resolution or the weights of
        balancing, or is of another assembly.
    UsageError
        If the library that reads it is not installed.
    """

    def __init__(self, path: str | Path, bin_size: int, *, assembly: str | None = None) -> None:
        self.path, self.bin_size = Path(path), bin_size
        library = import_extra("A contact map", "h5py", "h5ad")
        if not self.path.is_file():
            raise DatasetError(f"{self.path}: no such file")
        try:
            self._file: Any = library.File(self.path, "r")
        except OSError as error:
            raise DatasetError(f"{self.path}: not a cooler file (HDF5)") from error
        try:
            self._group = self._resolution()
            lacking = [name for name in _LAYOUT if name not in self._group]
            if lacking:
                raise DatasetError(
                    f"{self.path}: not a balanced cooler file; it lacks {', '.join(lacking)}"
                )
            names = [name.decode() for name in self._group["chroms/name"][:]]
            sizes = self._group["chroms/length"][:].tolist()
            self.lengths: Mapping[str, int] = dict(zip(names, sizes, strict=True))
            if assembly is not None:
                check_lengths(self.path, self.lengths, assembly)
        except DatasetError:
            self.close()
            raise
        offsets = self._group["indexes/chrom_offset"][:-1].tolist()
        self._first_bin = dict(zip(names, offsets, strict=True))

    def __enter__(self) -> ContactMap:
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
    def summary(self) -> Mapping[str, str]:
        """What the file tells of its counts: how many, their sum, when it was made."""
        told = ("nnz", "sum", "nbins", "creation-date", "format-version")
        return {name: str(self._group.attrs[name]) for name in told if name in self._group.attrs}

    def window(self, chrom: str, start: int, end: int) -> Floats:
        """Read the balanced contacts within a window.

        Parameters
        ----------
        chrom : str
        start, end : int
            0-based and half-open, multiples of `bin_size`, inside the chromosome.

        Returns
        -------
        ndarray of float64, shape (bins, bins)
            Symmetric: ``count * weight[i] * weight[j]``, 0 where there is no contact, NaN in rows
            and columns of bins that balancing left out.

        Raises
        ------
        DatasetError
            If the file has no such chromosome, or the window is not one of whole bins in it.
        """
        first, n = self._bins(chrom, start, end)
        rows = self._group["indexes/bin1_offset"][first : first + n + 1].astype(np.int64)
        pixels = slice(int(rows[0]), int(rows[-1]))
        row = np.repeat(np.arange(n), np.diff(rows))
        column = self._group["pixels/bin2_id"][pixels].astype(np.int64) - first
        count = self._group["pixels/count"][pixels]
        inside = column < n
        row, column, count = row[inside], column[inside], count[inside]
        contacts = np.zeros((n, n))
        contacts[row, column] = count
        contacts[column, row] = count
        weights = self.weights(chrom, start, end)
        balanced: Floats = contacts * np.outer(weights, weights)
        return balanced

    def weights(self, chrom: str, start: int, end: int) -> Floats:
        """Read the weights of balancing, float64[bins]: NaN where a bin was left out.

        Parameters and errors are those of `window`.
        """
        first, n = self._bins(chrom, start, end)
        weights: Floats = self._group["bins/weight"][first : first + n].astype(np.float64)
        return weights

    def _bins(self, chrom: str, start: int, end: int) -> tuple[int, int]:
        """Give the first bin of a window, and how many there are."""
        if chrom not in self.lengths:
            some = ", ".join(list(self.lengths)[:3])
            raise DatasetError(f"{self.path} has no chromosome '{chrom}'; it has {some}, ...")
        if start % self.bin_size or end % self.bin_size or not 0 <= start < end:
            raise DatasetError(f"{chrom}:{start}-{end} is not of whole bins of {self.bin_size} bp")
        if end > self.lengths[chrom]:
            raise DatasetError(
                f"{chrom}:{start}-{end} lies beyond {chrom} of {self.path}, which has "
                f"{self.lengths[chrom]:,} positions"
            )
        return self._first_bin[chrom] + start // self.bin_size, (end - start) // self.bin_size

    def _resolution(self) -> Any:
        if "resolutions" not in self._file:
            found = self._file.attrs.get("bin-size")
            if found is None or int(found) != self.bin_size:
                raise DatasetError(
                    f"{self.path}: has bins of {found} bp, not of {self.bin_size} bp"
                )
            return self._file
        known = sorted(map(int, self._file["resolutions"]))
        if self.bin_size not in known:
            listed = ", ".join(map(str, known))
            raise DatasetError(f"{self.path}: no bins of {self.bin_size} bp; it has {listed}")
        return self._file[f"resolutions/{self.bin_size}"]


def read_expected(path: str | Path, n: int) -> Floats:
    """Read expected contacts by distance, as Orca keeps them: natural logarithms, ``.npy``.

    Parameters
    ----------
    path : str or Path
    n : int
        How many distances, from 0 bins on, are needed.

    Returns
    -------
    ndarray of float64, shape (n,)
        Not logarithms.

    Raises
    ------
    DatasetError
        If there is no such file, or it does not hold `n` finite numbers.
    """
    try:
        # Mapped: memory would be taken for all that a header claims, before the file ends.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError, EOFError, OverflowError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: not an array of numbers (.npy), or cut short") from error
    if isinstance(values, np.lib.npyio.NpzFile):
        values.close()
        raise DatasetError(f"{path}: many arrays (.npz); expected one row of numbers (.npy)")
    if values.ndim != 1 or values.dtype.kind != "f":
        raise DatasetError(f"{path}: expected one row of numbers, one a distance")
    if values.size < n or not np.isfinite(values[:n]).all():
        raise DatasetError(f"{path}: expected {n:,} finite numbers, one a distance")
    expected: Floats = np.exp(values[:n].astype(np.float64))
    return expected


def pooled(matrix: Floats, factor: int) -> Floats:
    """Take means of squares of cells: over columns, then over rows, of what is known.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
        `n` is a multiple of `factor`; NaN where nothing is known.
    factor : int
        Cells to a side.

    Returns
    -------
    ndarray of float64, shape (n / factor, n / factor)
        NaN where no cell is known.
    """
    n = matrix.shape[0] // factor
    return _known_mean(_known_mean(matrix.reshape(n, factor, n, factor), 3), 1)


def _known_mean(values: Floats, axis: int) -> Floats:
    known = np.isfinite(values)
    counts = known.sum(axis=axis)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
