"""Benchmarks: versioned questions, the suites they form, and the controls that mark the scale."""

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.genes import GeneBenchmark, GeneOptions
from genomark.benchmarks.matching.matching_benchmark import MatchingBenchmark
from genomark.benchmarks.predictor_benchmark import PredictorBenchmark
from genomark.benchmarks.registry import (
    DEFAULT_SUITE,
    SUITES,
    benchmark_entry_points,
    benchmark_package,
    benchmark_plug_ins,
    expand,
    load_benchmark,
    suite_members,
    suite_plug_ins,
)
from genomark.benchmarks.rna.design_benchmark import DesignBenchmark
from genomark.benchmarks.rna.structure_benchmark import StructureBenchmark
from genomark.benchmarks.sequences.registry import with_settings
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.benchmarks.unloadable import Unloadable

__all__ = [
    "DEFAULT_SUITE",
    "SUITES",
    "Asking",
    "Benchmark",
    "DesignBenchmark",
    "GeneBenchmark",
    "GeneOptions",
    "MatchingBenchmark",
    "PredictorBenchmark",
    "SequenceBenchmark",
    "StructureBenchmark",
    "Unloadable",
    "benchmark_entry_points",
    "benchmark_package",
    "benchmark_plug_ins",
    "expand",
    "load_benchmark",
    "suite_members",
    "suite_plug_ins",
    "with_settings",
]
