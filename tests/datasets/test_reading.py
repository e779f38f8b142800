"""The readers for people who write benchmarks, as the design document shows them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sparse_genome import write_sparse_2bit

from genomark import datasets
from genomark.datasets.assemblies import chromosomes

DOCUMENT = Path(__file__).parents[2] / "docs" / "design" / "datasets.md"
LETTERS = "ACGTTGCA" * 100


def test_the_example_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = pytest.importorskip("pyBigWig")
    lengths = {name: chrom.length for name, chrom in chromosomes("hg38").items()}
    write_sparse_2bit(tmp_path / "hg38" / "hg38.2bit", lengths, {"chr21": [(10_000_000, LETTERS)]})
    monkeypatch.setenv("GENOMARK_MIRROR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("variants.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n21\t10000201\t.\tA\tTT,G\n"
    )
    Path("regions.bed").write_text("chr21\t10000000\t10000512\n")
    with writer.open("signal.bigWig", "w") as out:
        out.addHeader([("chr21", lengths["chr21"])])
        out.addEntries(["chr21"], [10_000_000], ends=[10_000_128], values=[2.5])

    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    found: dict[str, object] = {}
    exec(example, found)

    before, after = LETTERS[100:200], LETTERS[201:300]
    assert found["edited"] == [f"{before}TT{after}", f"{before}G{after}"]
    np.testing.assert_array_equal(found["means"], [[2.5, np.nan, np.nan, np.nan]])


def test_all_that_is_exported_is_there() -> None:
    assert all(getattr(datasets, name) is not None for name in datasets.__all__)
    with pytest.raises(AttributeError, match=r"'genomark\.datasets' has no attribute 'read_gff'"):
        _ = datasets.read_gff


def test_to_find_a_file_neither_arrays_nor_tables_are_loaded() -> None:
    code = "import sys, genomark.datasets; print(sorted({'numpy', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
