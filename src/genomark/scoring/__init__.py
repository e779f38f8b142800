"""Scoring: records, metrics, intervals by cluster bootstrap, paired comparison, ranks."""

from genomark.scoring.directions import better
from genomark.scoring.intervals import CONFIDENCE, METHOD_VERSION, REPLICATES
from genomark.scoring.label_folds import FOLD_METRICS, fold_values
from genomark.scoring.labels import (
    LABEL_HEADLINES,
    LabelAnswers,
    judge_labels,
    label_headline_replicates,
    score_labels,
)
from genomark.scoring.metrics import METRICS, Metric, metric
from genomark.scoring.ranks import Comparison, Rank, compare, compare_headlines, rank
from genomark.scoring.records import (
    PREDICTION_COLUMNS,
    SCHEMA_VERSION,
    BenchmarkIdentity,
    Cost,
    Coverage,
    FailureCount,
    Leakage,
    LeakageBin,
    MetricRow,
    ModelIdentity,
    Result,
    predictions_digest,
    read_result,
    result_json,
    result_schema,
)
from genomark.scoring.score import (
    Headline,
    ScoringRule,
    groups_with_value,
    headline_replicates,
    part_replicates,
    score,
)
from genomark.scoring.structure_scores import CROSSING_METRICS, STRUCTURE_METRICS, Structures
from genomark.scoring.task_scores import TASK_METRICS, TaskAnswers, judge_task

__all__ = [
    "CONFIDENCE",
    "CROSSING_METRICS",
    "FOLD_METRICS",
    "LABEL_HEADLINES",
    "METHOD_VERSION",
    "METRICS",
    "PREDICTION_COLUMNS",
    "REPLICATES",
    "SCHEMA_VERSION",
    "STRUCTURE_METRICS",
    "TASK_METRICS",
    "BenchmarkIdentity",
    "Comparison",
    "Cost",
    "Coverage",
    "FailureCount",
    "Headline",
    "LabelAnswers",
    "Leakage",
    "LeakageBin",
    "Metric",
    "MetricRow",
    "ModelIdentity",
    "Rank",
    "Result",
    "ScoringRule",
    "Structures",
    "TaskAnswers",
    "better",
    "compare",
    "compare_headlines",
    "fold_values",
    "groups_with_value",
    "headline_replicates",
    "judge_labels",
    "judge_task",
    "label_headline_replicates",
    "metric",
    "part_replicates",
    "predictions_digest",
    "rank",
    "read_result",
    "result_json",
    "result_schema",
    "score",
    "score_labels",
]
