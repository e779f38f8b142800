"""Scoring: records, metrics, intervals by cluster bootstrap, paired comparison, ranks."""

from genomark.scoring.metrics import METRICS, Metric, metric
from genomark.scoring.ranks import Comparison, Rank, compare, rank
from genomark.scoring.records import (
    PREDICTION_COLUMNS,
    SCHEMA_VERSION,
    BenchmarkIdentity,
    Cost,
    Coverage,
    FailureCount,
    MetricRow,
    ModelIdentity,
    Result,
    predictions_digest,
    read_result,
    result_json,
    result_schema,
)
from genomark.scoring.score import CONFIDENCE, REPLICATES, ScoringRule, score

__all__ = [
    "CONFIDENCE",
    "METRICS",
    "PREDICTION_COLUMNS",
    "REPLICATES",
    "SCHEMA_VERSION",
    "BenchmarkIdentity",
    "Comparison",
    "Cost",
    "Coverage",
    "FailureCount",
    "Metric",
    "MetricRow",
    "ModelIdentity",
    "Rank",
    "Result",
    "ScoringRule",
    "compare",
    "metric",
    "predictions_digest",
    "rank",
    "read_result",
    "result_json",
    "result_schema",
    "score",
]
