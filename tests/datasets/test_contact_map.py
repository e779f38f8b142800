"""Windows of contact maps against cooler's own reader."""

from __future__ import annotations

from pathlib import Path

import cooler
import h5py
import numpy as np
import pandas as pd
import pytest

from genomark.datasets.contact_map import ContactMap, pooled, read_expected
from genomark.errors import DatasetError

SIZES = {"chr21": 60_500, "chr22": 40_000}
BIN = 1_000


def write_cool(uri: str, *, weights: bool = True) -> None:
    """Two short chromosomes with contacts within and between them, three bins left out."""
    random = np.random.default_rng(5)
    bins = cooler.binnify(pd.Series(SIZES), BIN)
    if weights:
        bins["weight"] = random.uniform(0.5, 2.0, len(bins))
        bins.loc[[7, 8, 90], "weight"] = np.nan
    one, other = np.triu_indices(len(bins))
    kept = random.random(one.size) < 0.3
    pixels = pd.DataFrame(
        {
            "bin1_id": one[kept],
            "bin2_id": other[kept],
            "count": random.integers(1, 50, int(kept.sum())),
        }
    )
    cooler.create_cooler(uri, bins, pixels, ordered=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("contacts") / "contacts.mcool"
    write_cool(f"{path}::/resolutions/{BIN}")
    return path


@pytest.mark.parametrize(
    "place", [("chr21", 0, 20_000), ("chr21", 33_000, 60_000), ("chr22", 5_000, 40_000)]
)
def test_a_window_is_what_cooler_reads(file: Path, place: tuple[str, int, int]) -> None:
    with ContactMap(file, BIN) as opened:
        found = opened.window(*place)
    expected = cooler.Cooler(f"{file}::/resolutions/{BIN}").matrix(balance=True).fetch(place)

    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    assert np.nanmax(found) > 0


def test_a_file_of_one_resolution_is_read_too(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "one.cool"
    write_cool(str(path))

    with ContactMap(path, BIN) as one, ContactMap(file, BIN) as many:
        place = ("chr21", 0, 30_000)
        np.testing.assert_array_equal(one.window(*place), many.window(*place))


def test_bins_that_balancing_left_out_are_unknown(file: Path) -> None:
    with ContactMap(file, BIN) as opened:
        found = opened.window("chr21", 0, 12_000)
        weights = opened.weights("chr21", 0, 12_000)

    assert np.flatnonzero(np.isnan(weights)).tolist() == [7, 8]
    assert np.isnan(found[7]).all()
    assert np.isnan(found[:, 8]).all()
    assert np.isfinite(found[0, :7]).all()


def test_the_file_tells_of_its_counts(file: Path) -> None:
    with ContactMap(file, BIN) as opened:
        told = opened.summary
    info = cooler.Cooler(f"{file}::/resolutions/{BIN}").info

    assert told["nnz"] == str(info["nnz"])
    assert told["sum"] == str(info["sum"])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (("chr1", 0, 1_000), "no chromosome 'chr1'; it has chr21, chr22"),
        (("chr21", 500, 2_000), "not of whole bins of 1000 bp"),
        (("chr21", 60_000, 62_000), "lies beyond chr21"),
    ],
)
def test_windows_that_are_not_there_are_refused(
    file: Path, place: tuple[str, int, int], said: str
) -> None:
    with ContactMap(file, BIN) as opened, pytest.raises(DatasetError, match=said):
        opened.window(*place)


def test_another_resolution_is_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(DatasetError, match="no bins of 5000 bp; it has 1000"):
        ContactMap(file, 5_000)
    path = tmp_path / "one.cool"
    write_cool(str(path))
    with pytest.raises(DatasetError, match="has bins of 1000 bp, not of 5000 bp"):
        ContactMap(path, 5_000)


def test_another_assembly_is_refused(file: Path) -> None:
    with pytest.raises(DatasetError, match=r"chr21 has 60,500 positions where hg38 has 46,709,983"):
        ContactMap(file, BIN, assembly="hg38")


def test_a_map_that_is_not_balanced_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw.cool"
    write_cool(str(path), weights=False)

    with pytest.raises(DatasetError, match="it lacks bins/weight"):
        ContactMap(path, BIN)


def test_what_is_no_cooler_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        ContactMap(tmp_path / "nothing.mcool", BIN)
    text = tmp_path / "text.mcool"
    text.write_text("chr1\t0\t1000\n")
    with pytest.raises(DatasetError, match="not a cooler file"):
        ContactMap(text, BIN)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as out:
        out.attrs["bin-size"] = BIN
    with pytest.raises(DatasetError, match="it lacks chroms/name"):
        ContactMap(other, BIN)


def test_expected_contacts_are_read_as_logarithms(tmp_path: Path) -> None:
    path = tmp_path / "expected.npy"
    np.save(path, np.log([4.0, 2.0, 1.0]))

    np.testing.assert_allclose(read_expected(path, 2), [4.0, 2.0])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros(2), "expected 3 finite numbers"),
        (np.array([0.0, np.nan, 1.0]), "expected 3 finite numbers"),
        (np.zeros((3, 3)), "expected one row of numbers"),
        (np.array([{"a": 1}], dtype=object), "not an array of numbers"),
    ],
)
def test_other_arrays_are_no_expected_contacts(
    tmp_path: Path, values: np.ndarray, said: str
) -> None:
    path = tmp_path / "expected.npy"
    np.save(path, values, allow_pickle=True)

    with pytest.raises(DatasetError, match=said):
        read_expected(path, 3)


def test_no_memory_is_taken_for_what_a_header_claims(tmp_path: Path) -> None:
    path = tmp_path / "expected.npy"
    with path.open("wb") as out:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
        np.lib.format.write_array_header_1_0(out, header)
        out.write(bytes(9_000))
    with pytest.raises(DatasetError, match=r"not an array of numbers \(.npy\), or cut short"):
        read_expected(path, 3)


def test_an_archive_of_arrays_is_no_array(tmp_path: Path) -> None:
    path = tmp_path / "expected.npy"
    np.savez(tmp_path / "many.npz", np.zeros(5))
    (tmp_path / "many.npz").rename(path)
    with pytest.raises(DatasetError, match=r"many arrays \(.npz\)"):
        read_expected(path, 3)


def test_expected_contacts_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"Cannot read .*nothing.npy"):
        read_expected(tmp_path / "nothing.npy", 3)


def test_pooling_takes_the_mean_of_what_is_known() -> None:
    random = np.random.default_rng(7)
    matrix = random.random((12, 12))
    matrix[3] = matrix[:, 3] = np.nan
    matrix[8:12] = matrix[:, 8:12] = np.nan

    found = pooled(matrix, 4)

    for row in range(3):
        for column in range(3):
            part = matrix[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            if np.isfinite(part).any():
                rows = [np.nanmean(line) for line in part if np.isfinite(line).any()]
                assert found[row, column] == pytest.approx(np.mean(rows))
            else:
                assert np.isnan(found[row, column])
