"""genomark: any genomic model before any benchmark, with numbers one can trust.

>>> import genomark
>>> results = genomark.run(["gc", "kmer:k=5"], ["simulated-enhancers"])  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genomark.api import run, serve
    from genomark.benchmarks import Benchmark, GeneOptions
    from genomark.errors import GenomarkError
    from genomark.results import Results, load_results
    from genomark.scoring import Result

__version__ = "0.1.0"

__all__ = [
    "Benchmark",
    "GeneOptions",
    "GenomarkError",
    "Result",
    "Results",
    "__version__",
    "load_results",
    "run",
    "serve",
]

_HOMES = {
    "Benchmark": "genomark.benchmarks",
    "GeneOptions": "genomark.benchmarks",
    "GenomarkError": "genomark.errors",
    "Result": "genomark.scoring",
    "Results": "genomark.results",
    "load_results": "genomark.results",
    "run": "genomark.api",
    "serve": "genomark.api",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: a command that only prints help should not wait for a compiler.
    if name not in _HOMES:
        raise AttributeError(f"module 'genomark' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
