"""How a run scales: measured on this machine, and simulated to a thousand workers.

1. Planning a million requests: seconds and memory, against 60 s and 2 GB.
2. Strong and weak scaling with one and two workers, of this machine and of Dask: times as fast, and
   the share of the workers' time that was not spent in the model.
3. What one request costs the run and the scheduler, with workers that have nothing to compute.
4. A simulation by these figures, with the code that hands requests out, of ten million items on up
   to a thousand workers: the share of the workers' time that is not spent in models, and how busy
   the run and the scheduler are. ``--plot FILE`` draws it.

usage: python benchmarks/scaling.py [--quick] [--plot docs/images/scaling.svg]
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ITEMS = 10_000_000
#: As many items as one request of points holds.
REQUEST = 4096
#: Seconds for an item: a small network on a GPU, one on a processor, a large one.
COSTS = (0.0001, 0.001, 0.01, 0.1)
WORKERS = (1, 10, 100, 1000)
#: From a worker to the run and back, on a cluster's network.
LATENCY = 0.002

#: Writes down for how long it computed, and by how much requests differed from what they should.
MODEL = """
import time
from pathlib import Path

COST = 0.001


def predict(sequences):
    began = time.perf_counter()
    while time.perf_counter() < began + COST * len(sequences):
        pass
    with Path(__file__).with_name("spent").open("a") as told:
        told.write(f"{time.perf_counter() - began}\\n")
    return [float(each.count("A")) for each in sequences]
"""


def main() -> int:
    """Measure, simulate, and say whether planning keeps within its bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--plan-in", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    scale = 10 if given.quick else 1
    if given.plan_in is not None:
        plan_here(given.plan_in, scale)
        return 0
    ok = planning(scale)
    with tempfile.TemporaryDirectory() as folder:
        scaling(Path(folder), scale)
        figures = overhead(Path(folder), scale)
    rows = simulations(figures, scale)
    if given.plot is not None:
        draw(rows, given.plot)
    return 0 if ok else 1


# Planning


def planning(scale: int) -> bool:
    """Plan in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--plan-in", folder]
        if scale > 1:
            command.append("--quick")
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(printed)
    print(
        f"planning {told['shards']:,} requests of {told['items']:,} items: {told['wall']:.1f} s "
        f"({told['cpu']:.1f} s CPU), {told['written']:.1f} s of it to write {told['jobs']:,} jobs "
        f"({told['bytes'] / 1e6:.0f} MB); {told['rss'] / 1e9:.2f} GB at most"
    )
    return told["wall"] < 60 and told["rss"] < 2e9


def plan_here(folder: Path, scale: int) -> None:
    """Plan ten million items for as many models as make a million requests, and write it down."""
    import polars as pl

    from genomark.benchmarks import PredictorBenchmark
    from genomark.runs.order import BenchmarkMaker, Order
    from genomark.runs.plan import Settings, make_plan
    from genomark.runs.plan_folder import PlanFolder
    from genomark.scoring import ModelIdentity, ScoringRule

    items = ITEMS // scale
    models = -(-1_000_000 // scale // -(-items // REQUEST))

    class Large(PredictorBenchmark):
        id, version, title, citation = "large", "1", "ten million items", "none"
        rule = ScoringRule(("pearson",), "items")

        @property
        def items(self) -> pl.DataFrame:
            ids = pl.int_range(items, eager=True).cast(pl.String)
            return pl.DataFrame({"item_id": ids, "task": pl.repeat("t", items, eager=True)})

        @property
        def digest(self) -> str:
            return "0" * 32

        def request(self, items):
            raise NotImplementedError

    class Named:
        def __init__(self, number: int) -> None:
            self.info = ModelIdentity(id=f"m{number}", version="1", digest=f"{number:032x}")

        def predict(self, request):
            raise NotImplementedError

    began, cpu = time.perf_counter(), time.process_time()
    named = [(f"m{number}", Named(number)) for number in range(models)]
    plan = make_plan(named, [("large", Large())], Settings())
    planned = time.perf_counter()
    shards = [shard for evaluation in plan.evaluations for shard in evaluation.shards]
    written = PlanFolder(folder).write(
        *(shards, 1000),
        order=Order(),
        outputs={},
        maker=BenchmarkMaker(),
        leakage=False,
    )
    print(
        json.dumps(
            {
                "shards": len(shards),
                "items": items,
                "jobs": written.jobs,
                "wall": time.perf_counter() - began,
                "written": time.perf_counter() - planned,
                "cpu": time.process_time() - cpu,
                "bytes": sum(path.stat().st_size for path in folder.rglob("*.json")),
                "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


# Scaling on this machine


def scaling(folder: Path, scale: int) -> None:
    """Tell how much faster two workers are than one, and how much more they do in its time."""
    items = 20_000 // scale
    (folder / "model.py").write_text(MODEL)
    for engine in ("local", "dask"):
        one = timed(folder, items, engine, 1)
        two = timed(folder, items, engine, 2)
        half = timed(folder, items // 2, engine, 1)
        print(
            f"{engine}: {items:,} variants by 1 worker {one.wall:.1f} s, by 2 {two.wall:.1f} s: "
            f"strong scaling {one.wall / two.wall:.2f} of 2; half of them by 1 {half.wall:.1f} s: "
            f"weak scaling {half.wall / two.wall:.2f} of 1; not in the model {one.idle:.1%} and "
            f"{two.idle:.1%} (scoring, and the start of workers, included)"
        )


@dataclass(frozen=True)
class Timed:
    """Seconds of a run, and the share of its workers' time that was not spent in the model."""

    wall: float
    idle: float


def timed(folder: Path, items: int, engine: str, workers: int) -> Timed:
    """Run once, in a folder of its own."""
    import genomark

    (folder / "spent").unlink(missing_ok=True)
    began = time.perf_counter()
    results = genomark.run(
        [f"py:{folder}/model.py:predict"],
        ["kircher2019"],
        out=tempfile.mkdtemp(dir=folder),
        limit=items,
        engine=engine,
        workers=workers,
        prediction_cache="off",
        progress=False,
        leakage=False,
    )
    wall = time.perf_counter() - began
    assert not results.failed, results.failed
    spent = sum(map(float, (folder / "spent").read_text().split()))
    return Timed(wall, 1 - spent / wall / workers)


# What a request costs


@dataclass(frozen=True)
class Figures:
    """Seconds of CPU for one request, and seconds until a worker computes."""

    run: float
    scheduler: float
    start: float
    spread: float


def overhead(folder: Path, scale: int) -> Figures:
    """Measure what requests cost beside their model: the run, a scheduler, and a worker's start."""
    import psutil
    from distributed import Client

    shards = max(100, 2000 // scale)
    scheduler_file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    place = ["--scheduler-file", str(scheduler_file)]
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *options, *place],
        stderr=subprocess.DEVNULL,
    )
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_worker", *place),
            *("--nthreads", "1", "--no-nanny", "--no-dashboard"),
            *("--local-directory", str(folder / "scratch")),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not scheduler_file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(scheduler_file), set_as_default=False) as client:
            client.wait_for_workers(1)
            watched = psutil.Process(scheduler.pid)
            start = engine_seconds(folder / "first", client, 1, watched)
            few = engine_seconds(folder / "few", client, shards // 10, watched)
            many = engine_seconds(folder / "many", client, shards, watched)
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()
    more = shards - shards // 10
    figures = Figures(
        run=(many[0] - few[0]) / more,
        scheduler=(many[1] - few[1]) / more,
        start=start[2],
        spread=0.1,
    )
    print(
        f"a request costs the run {figures.run * 1e3:.2f} ms of CPU and Dask's scheduler "
        f"{figures.scheduler * 1e3:.2f} ms; a worker computes {figures.start:.1f} s after it was "
        "asked for the first time"
    )
    return figures


def engine_seconds(folder: Path, client, shards: int, scheduler) -> tuple[float, float, float]:
    """Have small requests computed; give CPU of the run and of the scheduler, and wall seconds."""
    import msgspec

    from genomark.benchmarks import load_benchmark
    from genomark.models import load_model
    from genomark.runs import ClaimingExecutor, Journal, Settings, make_plan
    from genomark.runs.cluster import connection
    from genomark.runs.dask_executor import DaskExecutor
    from genomark.runs.workers import Equipment

    name = "simulated-enhancers"
    (one,) = (
        make_plan([("gc", load_model("gc"))], [(name, load_benchmark(name))], Settings(limit=10))
        .evaluations[0]
        .shards
    )
    with Journal(folder) as journal:
        inner = DaskExecutor(connection(client, None, 1), folder, Equipment(), ("off", None))
        executor = ClaimingExecutor(inner, journal, inner.pick)
        before = seconds_of(scheduler)
        for number in range(shards):
            executor.submit(msgspec.structs.replace(one, digest=f"{number:032x}"))
        for outcome in executor.as_completed():
            journal.record(outcome)
        executor.cancel()
        after = seconds_of(scheduler)
    run, of_scheduler, wall = (end - start for start, end in zip(before, after, strict=True))
    return run, of_scheduler, wall


def seconds_of(scheduler) -> tuple[float, float, float]:
    """Give the CPU of this process and of the scheduler, and the clock."""
    times = scheduler.cpu_times()
    return time.process_time(), times.user + times.system, time.perf_counter()


# A thousand workers


@dataclass(frozen=True)
class Simulated:
    """What became of a simulated run; shares are of 1."""

    cost: float
    workers: int
    seconds: float
    idle: float
    run: float
    scheduler: float


def simulations(figures: Figures, scale: int) -> list[Simulated]:
    """Simulate every cost an item with every number of workers."""
    rows = []
    print(f"{ITEMS // scale:,} items, {REQUEST:,} a request, by simulation:")
    print("  an item   workers   duration   not in models   run busy   scheduler busy")
    for cost in COSTS:
        for workers in WORKERS:
            row = simulated(figures, cost, workers, ITEMS // scale)
            rows.append(row)
            print(
                f"{cost * 1e3:7.1f} ms   {workers:7,}   {row.seconds:8,.0f} s   {row.idle:13.1%}   "
                f"{row.run:8.1%}   {row.scheduler:14.1%}"
            )
    return rows


def simulated(figures: Figures, cost: float, workers: int, items: int) -> Simulated:
    """Run the clock over a run: workers compute, and the run hands out and records, one by one.

    Four models share the items' work. Times of requests vary by 10 % (standard deviation), and a
    worker starts once, and once for each model that it loads, with what that took here.
    """
    from genomark.runs.placing import Placing
    from genomark.runs.plan import Shard
    from genomark.runs.waiting import Waiting

    draw = random.Random(7)
    waiting, placing = Waiting(), Placing()
    sizes = [REQUEST] * (items // REQUEST) + [items % REQUEST] * bool(items % REQUEST)
    for number, size in enumerate(sizes):
        waiting.add(
            Shard(
                digest=str(number),
                benchmark="b",
                model=f"m{number * 4 // len(sizes)}",
                part=number,
                limit=None,
                items=size,
                seed=0,
                allow_missing=False,
            )
        )
    names = [f"w{number}" for number in range(workers)]
    placing.see(names)
    free_at = dict.fromkeys(names, 0.0)
    loaded: dict[str, set[str]] = {name: set() for name in names}
    back: list[tuple[float, str]] = []
    clock = computed = 0.0
    handed = 0

    def hand_out() -> None:
        nonlocal clock, computed, handed
        while (place := placing.next(waiting)) is not None:
            worker, model = place
            shard = waiting.of(model)
            assert shard is not None
            placing.give(worker, model)
            clock += figures.run / 2
            seconds = cost * shard.items * max(0.1, draw.gauss(1, figures.spread))
            began = max(clock + LATENCY, free_at[worker])
            if model not in loaded[worker]:
                loaded[worker].add(model)
                began += figures.start
            free_at[worker] = began + seconds
            computed += seconds
            handed += 1
            heapq.heappush(back, (free_at[worker] + LATENCY, worker))

    hand_out()
    while back:
        came, worker = heapq.heappop(back)
        clock = max(clock, came) + figures.run / 2
        placing.done(worker)
        hand_out()
    return Simulated(
        cost=cost,
        workers=workers,
        seconds=clock,
        idle=1 - computed / (clock * workers),
        run=min(1.0, handed * figures.run / clock),
        scheduler=min(1.0, handed * figures.scheduler / clock),
    )


def draw(rows: list[Simulated], path: Path) -> None:
    """Draw the share of time not in models against the number of workers."""
    import vl_convert

    values = [
        {
            "workers": row.workers,
            "not in models": row.idle,
            "an item costs": f"{row.cost * 1e3:g} ms",
        }
        for row in rows
    ]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 420,
        "height": 260,
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": "workers",
                "type": "quantitative",
                "scale": {"type": "log"},
                "axis": {"values": list(WORKERS), "grid": False},
            },
            "y": {
                "field": "not in models",
                "type": "quantitative",
                "title": "share of workers' time not in models",
                "axis": {"format": "%"},
                "scale": {"domain": [0, 1]},
            },
            "color": {
                "field": "an item costs",
                "type": "nominal",
                "sort": [f"{cost * 1e3:g} ms" for cost in COSTS],
            },
        },
    }
    path.write_text(vl_convert.vegalite_to_svg(json.dumps(spec)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
