"""Runs: plans of evaluations, cut into shards, executed, journalled and resumed."""

from genomark.runs.executor import (
    Executor,
    InProcessExecutor,
    LocalExecutor,
    RoutingExecutor,
    ThreadExecutor,
)
from genomark.runs.journal import Journal
from genomark.runs.plan import Evaluation, Plan, Settings, Shard, make_plan
from genomark.runs.progress import Progress, Silent, default_progress
from genomark.runs.run import Run
from genomark.runs.shards import Workshop

__all__ = [
    "Evaluation",
    "Executor",
    "InProcessExecutor",
    "Journal",
    "LocalExecutor",
    "Plan",
    "Progress",
    "RoutingExecutor",
    "Run",
    "Settings",
    "Shard",
    "Silent",
    "ThreadExecutor",
    "Workshop",
    "default_progress",
    "make_plan",
]
