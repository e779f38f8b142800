#!/usr/bin/env bash
# A run as an array of SLURM: planned here, a task a job, put together when all have ended.
#
# usage: submit.sh RESULTS JOBS -m MODEL ... -b BENCHMARK ...
#
# RESULTS is a folder that all nodes see. SBATCH_OPTIONS is passed on to each task, such as
# SBATCH_OPTIONS="--partition=gpu --gres=gpu:1 --mem=16G --time=04:00:00".
# Given again with the same arguments it submits what is not there yet.
set -euo pipefail
results=$1
jobs=$2
shift 2

planned=$(genomark plan "$@" --jobs "$jobs" --out "$results" --json)
read -r plan number < <(python3 -c '
import json, sys
planned = json.loads(sys.argv[1])
print(planned["plan"], planned["jobs"])' "$planned")
# Before version 4.4, bash takes an array of nothing for one that is not set.
options=(${SBATCH_OPTIONS:-})
merge=(sbatch --parsable --job-name=genomark-merge --output="$results/merge.out")

if [ "$number" -gt 0 ]; then
    array=$(sbatch --parsable --job-name=genomark --output="$results/job-%a.out" \
        --array="0-$((number - 1))" --cpus-per-task=1 ${options[@]+"${options[@]}"} \
        --wrap="genomark run-shard '$results' \$SLURM_ARRAY_TASK_ID --plan $plan")
    # Whether or not all went well: what is complete has its result, and the rest is named.
    merge+=(--dependency="afterany:${array%%;*}")
fi
"${merge[@]}" --wrap="genomark merge '$results' --json '$results/results.json'"
