"""The store of record: results of many people and machines, with what they were computed from."""

from genomark.results.store.entry import Column, ColumnCount, Entry, Standing
from genomark.results.store.evidence import Evidence, Replicates, evidence
from genomark.results.store.store import Store

__all__ = [
    "Column",
    "ColumnCount",
    "Entry",
    "Evidence",
    "Replicates",
    "Standing",
    "Store",
    "evidence",
]
