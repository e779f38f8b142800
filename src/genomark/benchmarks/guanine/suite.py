"""Which kind of benchmark asks which task of GUANinE."""

from __future__ import annotations

from genomark.benchmarks.guanine.guanine_benchmark import GuanineBenchmark
from genomark.benchmarks.guanine.guanine_task import GuanineTask


def guanine_benchmark(task: GuanineTask) -> GuanineBenchmark:
    """Make the benchmark of a task: of regions and promoters, or of variants."""
    if task.declared.variants:
        # Needs scikit-learn, which takes a while to load.
        from genomark.benchmarks.guanine.variant_benchmark import GuanineVariantBenchmark

        return GuanineVariantBenchmark(task)
    return GuanineBenchmark(task)
