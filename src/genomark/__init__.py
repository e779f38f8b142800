"""genomark: any genomic model before any benchmark, with numbers one can trust.

What is imported from here, and from `genomark.errors`, is what scripts and packages can rely on.

>>> import genomark
>>> results = genomark.run(["gc", "kmer:k=5"], ["simulated-enhancers"])  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genomark.api import JobDone, Planned, merge, plan, run, run_shard, serve
    from genomark.benchmarks import Benchmark, GeneOptions, PredictorBenchmark, load_benchmark
    from genomark.benchmarks.material import Material
    from genomark.benchmarks.points import PointBenchmark
    from genomark.benchmarks.predictor_benchmark import answer_frame, effect_of, only_task, point_of
    from genomark.conformance import check_predictor
    from genomark.digests import digest_of
    from genomark.errors import GenomarkError
    from genomark.models import (
        Designer,
        Embedder,
        FittedTask,
        Fitting,
        Fold,
        Folder,
        GeneEmbedder,
        ItemPredictor,
        Model,
        Predictor,
        Scorer,
        TaskTrainable,
        TermAnswer,
        TermMatcher,
        Trainable,
        TrainingSplit,
        load_model,
    )
    from genomark.models.genes.table import GeneTable
    from genomark.models.sequence_function import Actual, Readout, SequencePredictor
    from genomark.models.training_data import (
        NamedTraining,
        NoTraining,
        TrainingRegions,
        TrainingSequences,
    )
    from genomark.protocol import (
        BadRequestError,
        GameError,
        PredictionFailedError,
        PredictionTask,
        PredictRequest,
        PredictResponse,
        TaskPrediction,
        Unanswered,
    )
    from genomark.results import Failed, Results, Skipped, load_results
    from genomark.scoring import (
        BenchmarkIdentity,
        Comparison,
        Cost,
        Coverage,
        FailureCount,
        Leakage,
        LeakageBin,
        MetricRow,
        ModelIdentity,
        Rank,
        Result,
        ScoringRule,
    )
    from genomark.sequences import LabelledSequences, TaskSplit
    from genomark.serving import predictor_app

__version__ = "0.1.0"

__all__ = [
    "Actual",
    "BadRequestError",
    "Benchmark",
    "BenchmarkIdentity",
    "Comparison",
    "Cost",
    "Coverage",
    "Designer",
    "Embedder",
    "Failed",
    "FailureCount",
    "FittedTask",
    "Fitting",
    "Fold",
    "Folder",
    "GameError",
    "GeneEmbedder",
    "GeneOptions",
    "GeneTable",
    "GenomarkError",
    "ItemPredictor",
    "JobDone",
    "LabelledSequences",
    "Leakage",
    "LeakageBin",
    "Material",
    "MetricRow",
    "Model",
    "ModelIdentity",
    "NamedTraining",
    "NoTraining",
    "Planned",
    "PointBenchmark",
    "PredictRequest",
    "PredictResponse",
    "PredictionFailedError",
    "PredictionTask",
    "Predictor",
    "PredictorBenchmark",
    "Rank",
    "Readout",
    "Result",
    "Results",
    "Scorer",
    "ScoringRule",
    "SequencePredictor",
    "Skipped",
    "TaskPrediction",
    "TaskSplit",
    "TaskTrainable",
    "TermAnswer",
    "TermMatcher",
    "Trainable",
    "TrainingRegions",
    "TrainingSequences",
    "TrainingSplit",
    "Unanswered",
    "__version__",
    "answer_frame",
    "check_predictor",
    "digest_of",
    "effect_of",
    "load_benchmark",
    "load_model",
    "load_results",
    "merge",
    "only_task",
    "plan",
    "point_of",
    "predictor_app",
    "run",
    "run_shard",
    "serve",
]

#: Where each is written.
_ROOMS = {
    "genomark.api": (
        "JobDone",
        "Planned",
        "merge",
        "plan",
        "run",
        "run_shard",
        "serve",
    ),
    "genomark.benchmarks": (
        "Benchmark",
        "GeneOptions",
        "PredictorBenchmark",
        "load_benchmark",
    ),
    "genomark.benchmarks.material": ("Material",),
    "genomark.benchmarks.points": ("PointBenchmark",),
    "genomark.benchmarks.predictor_benchmark": (
        "answer_frame",
        "effect_of",
        "only_task",
        "point_of",
    ),
    "genomark.conformance": ("check_predictor",),
    "genomark.digests": ("digest_of",),
    "genomark.errors": ("GenomarkError",),
    "genomark.models": (
        "Designer",
        "Embedder",
        "FittedTask",
        "Fitting",
        "Fold",
        "Folder",
        "GeneEmbedder",
        "ItemPredictor",
        "Model",
        "Predictor",
        "Scorer",
        "TaskTrainable",
        "TermAnswer",
        "TermMatcher",
        "Trainable",
        "TrainingSplit",
        "load_model",
    ),
    "genomark.models.genes.table": ("GeneTable",),
    "genomark.models.sequence_function": (
        "Actual",
        "Readout",
        "SequencePredictor",
    ),
    "genomark.models.training_data": (
        "NamedTraining",
        "NoTraining",
        "TrainingRegions",
        "TrainingSequences",
    ),
    "genomark.protocol": (
        "BadRequestError",
        "GameError",
        "PredictRequest",
        "PredictResponse",
        "PredictionFailedError",
        "PredictionTask",
        "TaskPrediction",
        "Unanswered",
    ),
    "genomark.results": (
        "Failed",
        "Results",
        "Skipped",
        "load_results",
    ),
    "genomark.scoring": (
        "BenchmarkIdentity",
        "Comparison",
        "Cost",
        "Coverage",
        "FailureCount",
        "Leakage",
        "LeakageBin",
        "MetricRow",
        "ModelIdentity",
        "Rank",
        "Result",
        "ScoringRule",
    ),
    "genomark.sequences": (
        "LabelledSequences",
        "TaskSplit",
    ),
    "genomark.serving": ("predictor_app",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    # Loaded on first use: a command that only prints help should not wait for a compiler.
    if name not in _HOMES:
        raise AttributeError(f"module 'genomark' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
