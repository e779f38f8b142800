"""A run on workers of Dask that are jobs of SLURM, PBS or LSF: more while there is work for more.

usage: python on_a_cluster.py slurm -m gc -m kmer -b kircher2019 --out results --most 40

Run it where jobs are submitted, and leave it running; what it has computed is kept when it is
stopped. Models and benchmarks are as ``genomark run`` takes them; the folder need not be seen by
the nodes, files that specs name must be.
"""

from __future__ import annotations

import argparse

import dask_jobqueue
from distributed import Client

import genomark

CLUSTERS = {
    "slurm": dask_jobqueue.SLURMCluster,
    "pbs": dask_jobqueue.PBSCluster,
    "lsf": dask_jobqueue.LSFCluster,
}


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("system", choices=CLUSTERS)
    parser.add_argument("-m", "--model", action="append", default=[])
    parser.add_argument("-b", "--benchmark", action="append", default=[])
    parser.add_argument("--out", default="genomark-results")
    parser.add_argument("--most", type=int, default=10, help="jobs at a time")
    parser.add_argument("--cores", type=int, default=1, help="of a job")
    parser.add_argument("--memory", default="8GB", help="of a job")
    parser.add_argument("--walltime", default="04:00:00")
    parser.add_argument("--queue", help="or partition")
    parser.add_argument(
        "--directive", action="append", default=[], help="for the system, such as --gres=gpu:1"
    )
    parser.add_argument("--host", help="address of this machine that the nodes reach it by")
    return parser.parse_args()


def main() -> None:
    """Submit workers, run, and print the table."""
    given = asked()
    cluster = CLUSTERS[given.system](
        cores=given.cores,
        # One model a job.
        processes=1,
        memory=given.memory,
        walltime=given.walltime,
        queue=given.queue,
        job_extra_directives=given.directive,
        worker_extra_args=["--nthreads", str(given.cores), "--no-dashboard"],
        scheduler_options={"dashboard_address": ":0", "host": given.host},
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum_jobs=1, maximum_jobs=given.most)
        results = genomark.run(given.model, given.benchmark, out=given.out, engine=client)
    print(results.table())  # noqa: T201 - a script, for people
    results.save(f"{given.out}/results.json")


if __name__ == "__main__":
    main()
