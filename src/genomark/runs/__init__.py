"""Runs: plans of evaluations, cut into shards, executed, journalled and resumed."""

from genomark.runs.advice import advice
from genomark.runs.claiming import ClaimingExecutor
from genomark.runs.executor import (
    Executor,
    InProcessExecutor,
    RoutingExecutor,
    ThreadExecutor,
)
from genomark.runs.journal import Journal
from genomark.runs.plan import Evaluation, Plan, Settings, Shard, make_plan
from genomark.runs.profile import PARTS, Part, Profile, Profiler
from genomark.runs.progress import Progress, Silent, default_progress
from genomark.runs.run import Run
from genomark.runs.shards import Workshop
from genomark.runs.workers import LocalExecutor

__all__ = [
    "PARTS",
    "ClaimingExecutor",
    "Evaluation",
    "Executor",
    "InProcessExecutor",
    "Journal",
    "LocalExecutor",
    "Part",
    "Plan",
    "Profile",
    "Profiler",
    "Progress",
    "RoutingExecutor",
    "Run",
    "Settings",
    "Shard",
    "Silent",
    "ThreadExecutor",
    "Workshop",
    "advice",
    "default_progress",
    "make_plan",
]
