"""The data: what there are, where they lie, and how they come here.

The catalogue names for each dataset its files, their size, SHA-256 and public origin at a fixed
commit, its licence and whom to cite. A file is taken from the mirror, the cache or its origin, in
that order, and handed out only if its bytes are those of the catalogue::

    from genomark import datasets

    datasets.path("kircher2019", "elements.tsv.gz")  # one file, downloaded if need be
    datasets.fetch("gene2gene")  # all files, by name

``GENOMARK_MIRROR`` names a mirror, a folder or a URL, laid out as ``<dataset>/<file>``.
``GENOMARK_CACHE`` names the cache folder.
"""

from genomark.datasets.catalogue import Dataset, DatasetFile, catalogue, dataset
from genomark.datasets.fetch import fetch, path
from genomark.datasets.location import cache_folder, cache_root
from genomark.datasets.status import Availability, Condition, FileStatus, availability, verify

__all__ = [
    "Availability",
    "Condition",
    "Dataset",
    "DatasetFile",
    "FileStatus",
    "availability",
    "cache_folder",
    "cache_root",
    "catalogue",
    "dataset",
    "fetch",
    "path",
    "verify",
]
