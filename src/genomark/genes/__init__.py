"""Questions about genes: symbols, task folders, gene sets, and the public sources of tasks."""

from genomark.genes.task import GeneTask, Kind

__all__ = ["GeneTask", "Kind"]
