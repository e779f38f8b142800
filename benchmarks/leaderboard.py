"""How long the leaderboard takes over 100 models on 50 benchmarks, made up, and some real results.

But for the first page everything is asked over ASGI, without a socket, and times are CPU seconds of
one process, as other work on the machine only adds to the clock.

- cold: the first page of a server that has just begun to listen, by the clock. Before, it makes
  that page once; what this takes is told, too, in CPU seconds of a process that has made the app.
- warm: pages that were not asked for before, by a process that has shown one of each kind; then
  the same pages again, which are kept.
- refresh: the first page after one new result.
- export: the whole board as files.

The exit status is 1 if a warm page takes more than 150 ms, the cold one more than 1.5 s, the
refreshed one more than 2 s or the export more than 60 s.

usage: python benchmarks/leaderboard.py [STORE]
"""

from __future__ import annotations

import asyncio
import gc
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec

import genomark
from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.export import export_static
from genomark.results.store import Store
from genomark.results.store.receiving import offered, receive

TESTS = Path(__file__).parents[1] / "tests" / "leaderboard"
sys.path.insert(0, str(TESTS))

from synthetic_board import made_result, synthetic_board  # noqa: E402

WARM, COLD, REFRESH, EXPORT = 0.150, 1.5, 2.0, 60.0
REAL = ["gc", "cpg", "control:random", "control:oracle"]


class Asked:
    """An app, and how long its answers take."""

    def __init__(self, store: Store) -> None:
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(leaderboard_app(store))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://board")

    def get(self, path: str) -> tuple[float, bytes]:
        began = time.process_time()
        answer = self._loop.run_until_complete(self._client.get(path))
        took = time.process_time() - began
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return took, answer.content


def add_real(store: Store, folder: Path) -> int:
    genomark.run(REAL, ["simulated-enhancers"], out=folder, workers=1, progress=False)
    return sum(each.standing == "verified" for each in receive(store, offered([folder])))


def addresses(index: list[str], models: list[str], suites: list[str]) -> Iterator[tuple[str, str]]:
    """Pages of each kind, and their data."""
    chosen = random.Random(0)
    for sort in ("model", "wins", "scaled", "columns", *index[:4]):
        yield "front", f"/?sort={sort}&order=asc"
    yield "front", "/?standing=verified"
    for name in suites:
        yield "suite", f"/suites/{name}"
        yield "data", f"/suites/{name}.json"
    for slug in chosen.sample(index, 20):
        yield "benchmark", f"/benchmarks/{slug}"
        yield "data", f"/benchmarks/{slug}.csv"
        yield "data", f"/benchmarks/{slug}/pairs.json"
    for slug in chosen.sample(models, 30):
        yield "model", f"/models/{slug}"
    for number in range(16):
        asked = [("models", slug) for slug in chosen.sample(models, 2 + number % 4)]
        yield "compare", f"/compare?{urlencode(asked)}"
    for number in range(10):
        yield "items", f"/benchmarks/kircher2019/items?search={number}"
        yield "item", f"/benchmarks/kircher2019/item?item=item+{number}"


def measure(place: Path) -> bool:
    good = True

    def tell(what: str, took: float, most: float) -> None:
        nonlocal good
        good = good and took <= most
        print(f"{what:34} {1000 * took:9.1f} ms   (at most {1000 * most:,.0f})")

    words = [sys.executable, __file__, "--cold", str(place)]
    first = float(subprocess.check_output(words, text=True))
    print(f"{'to make the first page':34} {1000 * first:9.1f} ms   before the server listens")
    tell("first page of a new server", first_of_server(place), COLD)
    store = Store.open(place)
    asked = Asked(store)
    front = msgspec.json.decode(asked.get("/index.json")[1])
    index = [each["slug"] for each in front["columns"]]
    models = [each["model"]["slug"] for each in front["lines"]]
    suites = [each["slug"] for each in front["suites"]]
    print(f"{front['results']:,} results: {len(models)} models on {len(index)} benchmarks")
    # One of each kind: templates are compiled, columns are compared.
    for path in ("/", f"/suites/{suites[0]}", f"/models/{models[-1]}", "/benchmarks/kircher2019",
                 f"/compare?models={models[0]}&models={models[1]}",
                 "/benchmarks/kircher2019/item?item=item+1"):  # fmt: skip
        asked.get(path)
    # As the server does before it listens.
    gc.collect()
    gc.freeze()
    pages = list(addresses(index, models, suites))
    for word, most in (("warm", WARM), ("kept", WARM)):
        times: dict[str, list[float]] = {}
        for kind, path in pages:
            times.setdefault(kind, []).append(asked.get(path)[0])
        for kind, each in times.items():
            print(f"  {word} {kind:12} median {1000 * statistics.median(each):7.1f} ms")
            tell(f"  {word} {kind}, slowest of {len(each)}", max(each), most)
    store.add(made_result("kircher2019", "accuracy", "newcomer", 0.7, interval=(0.6, 0.8)))
    tell("first page after a new result", asked.get("/")[0], REFRESH)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        count = export_static(store, Path(folder) / "site")
        size = sum(each.stat().st_size for each in Path(folder).rglob("*") if each.is_file())
        tell(f"export of {count:,} files, {size / 1e6:.0f} MB", time.process_time() - began, EXPORT)
    return good


def first_of_server(place: Path) -> float:
    command = [sys.executable, "-c", "from genomark.cli import main; main()"]
    command += ["serve", "leaderboard", str(place), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            address = re.search(r"http://[0-9.:]+", server.stderr.readline())
            assert address is not None
            began = time.perf_counter()
            with urllib.request.urlopen(f"{address[0]}/", timeout=60) as answer:
                answer.read()
            return time.perf_counter() - began
        finally:
            server.terminate()


def main() -> int:
    if sys.argv[1:2] == ["--cold"]:
        took, _ = Asked(Store.open(Path(sys.argv[2]))).get("/")
        print(took)
        return 0
    if sys.argv[1:]:
        return 0 if measure(Path(sys.argv[1])) else 1
    with tempfile.TemporaryDirectory() as folder:
        place = synthetic_board(Path(folder) / "store")
        with Store.open(place) as store:
            real = add_real(store, Path(folder) / "run")
        print(f"{real} real results, verified")
        return 0 if measure(place) else 1


if __name__ == "__main__":
    sys.exit(main())
