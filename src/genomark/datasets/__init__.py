"""The data: what there are, where they lie, and how they come here.

The catalogue names for each dataset its files, their size, SHA-256 and public origin at a fixed
commit, its licence and whom to cite. A file is taken from the mirror, the cache or its origin, in
that order, and handed out only if its bytes are those of the catalogue::

    from genomark import datasets

    datasets.path("kircher2019", "elements.tsv.gz")  # one file, downloaded if need be
    datasets.fetch("gene2gene")  # all files, by name

For who writes a benchmark there are readers of what genomes come with: `open_assembly`, `read_bed`,
`read_vcf` with its `Variant`, and `BigWig`.

``GENOMARK_MIRROR`` names a mirror, a folder or a URL, laid out as ``<dataset>/<file>``.
``GENOMARK_CACHE`` names the cache folder.
"""

from typing import TYPE_CHECKING, Any

from genomark.datasets.catalogue import Dataset, DatasetFile, catalogue, dataset
from genomark.datasets.fetch import fetch, path
from genomark.datasets.location import cache_folder, cache_root
from genomark.datasets.status import Availability, Condition, FileStatus, availability, verify

if TYPE_CHECKING:
    from genomark.datasets.assemblies import open_assembly
    from genomark.datasets.bed import read_bed
    from genomark.datasets.bigwig import BigWig
    from genomark.datasets.variants import Variant, read_vcf

__all__ = [
    "Availability",
    "BigWig",
    "Condition",
    "Dataset",
    "DatasetFile",
    "FileStatus",
    "Variant",
    "availability",
    "cache_folder",
    "cache_root",
    "catalogue",
    "dataset",
    "fetch",
    "open_assembly",
    "path",
    "read_bed",
    "read_vcf",
    "verify",
]

_HOMES = {
    "BigWig": "genomark.datasets.bigwig",
    "Variant": "genomark.datasets.variants",
    "open_assembly": "genomark.datasets.assemblies",
    "read_bed": "genomark.datasets.bed",
    "read_vcf": "genomark.datasets.variants",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: to find a file takes no tables and no arrays.
    if name not in _HOMES:
        raise AttributeError(f"module 'genomark.datasets' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
