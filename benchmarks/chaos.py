"""A run of 200 requests to which everything happens, against the same run left alone.

Two models, one served over HTTP on the other side of a proxy, one in workers, 100 requests each.
At instants drawn from a seed, workers, the server and the run itself are killed, syncs of the disk
fail, and answers are cut in the middle. The run is started again until it succeeds.

The limit is the undisturbed run: predictions, files and table must be its, byte for byte (times
and cost aside); ten restarts are allowed; no request that had been completed may be computed again.
The exit status is 1 if any of this does not hold.

usage: python benchmarks/chaos.py [SEED ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / "runs"), str(TESTS)]

from chaos_run import MOST_RESTARTS, Chaos, Story, differences  # noqa: E402

SEEDS = (1, 2)


def played(folder: Path, seed: int | None, port: int = 0) -> tuple[Story, float]:
    start = time.perf_counter()
    chaos = Chaos(folder, "chaos-200", seed, port)
    sys.path.insert(0, str(chaos.plugin))
    try:
        return chaos.play(), time.perf_counter() - start
    finally:
        sys.path.remove(str(chaos.plugin))


def main() -> int:
    seeds = [int(word) for word in sys.argv[1:]] or SEEDS
    right = True
    with tempfile.TemporaryDirectory() as folder:
        quiet, seconds = played(Path(folder, "quiet"), None)
        print(f"200 requests, undisturbed, one process: 1.0 ({seconds:.0f} s)")
        for seed in seeds:
            story, took = played(Path(folder, f"seed{seed}"), seed, quiet.port)
            found = differences(story, quiet)
            right &= not found and story.restarts <= MOST_RESTARTS
            counts = {each: story.happened.count(each) for each in dict.fromkeys(story.happened)}
            told = ", ".join(f"{n} x {what}" if n > 1 else what for what, n in counts.items())
            print(f"seed {seed}: {took / seconds:.1f} times as long, {story.restarts} restarts")
            print(f"  {told}")
            print(f"  {'differs: ' + '; '.join(found) if found else 'the same, byte for byte'}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
