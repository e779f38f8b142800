"""What a representation of genes knows: tasks on genes, answered by probes on their vectors."""

from genomark.benchmarks.genes.gene_benchmark import GeneBenchmark
from genomark.benchmarks.genes.options import GeneOptions
from genomark.benchmarks.genes.suite import FAMILIES, gene_benchmark, gene_benchmark_ids

__all__ = [
    "FAMILIES",
    "GeneBenchmark",
    "GeneOptions",
    "gene_benchmark",
    "gene_benchmark_ids",
]
