"""The Python API: what the command line does, for scripts and notebooks."""

from genomark.api.evaluating import DEFAULT_OUT, run
from genomark.api.pieces import Planned, Status, merge, plan, run_shard, status
from genomark.api.serving import serve
from genomark.runs.jobs import JobDone

__all__ = [
    "DEFAULT_OUT",
    "JobDone",
    "Planned",
    "Status",
    "merge",
    "plan",
    "run",
    "run_shard",
    "serve",
    "status",
]
