"""Windows of a bigWig against the values that were written, and against another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig
import pytest

from genomark import extras
from genomark.datasets.bigwig import BigWig, bin_means
from genomark.errors import DatasetError, UsageError

CHR21 = 46_709_983
START = 1_000


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    return np.random.default_rng(3).random(5_000).astype(np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, signal: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("bigwig") / "signal.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("chr21", CHR21), ("chr22", 50_818_468)])
        out.addEntries("chr21", START, values=signal.tolist(), span=1, step=1)
        out.addEntries(["chr21"], [CHR21 - 10], ends=[CHR21], values=[2.5])
    return path


def test_a_window_is_what_was_written(file: Path, signal: np.ndarray) -> None:
    with BigWig(file, assembly="hg38") as opened:
        found = opened.window("chr21", START - 5, START + 20)

    assert found.dtype == np.float32
    assert np.isnan(found[:5]).all()
    assert np.array_equal(found[5:], signal[:20])


def test_beyond_both_ends_of_a_chromosome_is_nothing(file: Path) -> None:
    with BigWig(file) as opened:
        before = opened.window("chr21", -20, 10)
        after = opened.window("chr21", CHR21 - 5, CHR21 + 5)

    assert np.isnan(before).all()
    assert before.size == 30
    assert after[:5].tolist() == [2.5] * 5
    assert np.isnan(after[5:]).all()


def test_many_windows_are_those_another_library_reads(file: Path) -> None:
    starts = [900, 1_003, 3_333, 5_990]
    with BigWig(file) as opened:
        found = opened.windows(["chr21"] * 4, starts, 64)
    other = pybigtools.open(str(file))
    expected = [other.values("chr21", start, start + 64, fillna=None) for start in starts]

    assert np.array_equal(found, np.array(expected, dtype=np.float32), equal_nan=True)


def test_bins_are_means_of_what_has_a_value(file: Path) -> None:
    with BigWig(file) as opened:
        (found,) = opened.windows(["chr21"], [990], 105, bin_size=20)
        by_base = opened.window("chr21", 990, 1_095).astype(np.float64)

    expected = [np.nanmean(by_base[at : at + 20]) for at in range(0, 105, 20)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.size == 6


def test_a_bin_without_a_value_has_none() -> None:
    values = np.array([np.nan, np.nan, 1.0, np.nan, 2.0])

    np.testing.assert_array_equal(bin_means(values, 2), [np.nan, 1.0, 2.0])
    assert bin_means(values, 1) is values


def test_the_header_tells_of_all_values(file: Path, signal: np.ndarray) -> None:
    with BigWig(file) as opened:
        assert opened.summary["nBasesCovered"] == signal.size + 10
        assert opened.lengths == {"chr21": CHR21, "chr22": 50_818_468}


def test_another_assembly_is_refused(file: Path) -> None:
    with pytest.raises(DatasetError, match=r"chr21 has 46,709,983 .* hg19 has 48,129,895"):
        BigWig(file, assembly="hg19")


def test_other_names_of_chromosomes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.bw"
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([("contig_1", 1_000)])
        out.addEntries(["contig_1"], [0], ends=[10], values=[1.0])

    with pytest.raises(DatasetError, match=r"none of its chromosomes \(contig_1, ...\)"):
        BigWig(path, assembly="hg38")


def test_a_chromosome_that_is_not_there_is_named(file: Path) -> None:
    with BigWig(file) as opened, pytest.raises(DatasetError, match=r"no chromosome 'chr1'; it has"):
        opened.window("chr1", 0, 10)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "Cannot read"), (b"track type=wiggle", "not a bigWig")]
)
def test_what_is_no_bigwig_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "signal.bw"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DatasetError, match=said):
        BigWig(path)


def test_a_file_cut_short_is_refused(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "short.bw"
    path.write_bytes(file.read_bytes()[:40])

    with pytest.raises(DatasetError, match="a damaged bigWig"):
        BigWig(path)


def test_a_missing_library_is_named_with_its_extra(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(extras, "import_module", absent)

    with pytest.raises(UsageError, match=r"A bigWig needs pyBigWig: .*genomark\[genome\]"):
        BigWig(file)


def test_a_file_whose_data_are_damaged_says_where(tmp_path: Path, file: Path) -> None:
    """Header and index are as they were; the packed values are not."""
    content = bytearray(file.read_bytes())
    start = int.from_bytes(content[16:24], "little") + 8
    content[start : start + 400] = b"\x00" * 400
    path = tmp_path / "damaged.bw"
    path.write_bytes(content)

    with BigWig(path) as opened, pytest.raises(DatasetError, match=r"damaged at chr21:1000-3000"):
        opened.window("chr21", 1_000, 3_000)
