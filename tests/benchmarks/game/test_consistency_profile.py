"""One window asked for in many ways: what ignores all that it must has exactly 1."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

import genomark
from genomark import datasets
from genomark.benchmarks.game import consistency_profile
from genomark.benchmarks.game.consistency_profile import KINDS, ConsistencyProfile, asked
from genomark.errors import DatasetError
from genomark.models import load_model
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.protocol import PredictRequest, PredictResponse
from genomark.results import Results
from genomark.scoring import ModelIdentity
from genomark.serving import predictor_app

LENGTH = 512
MUST = tuple(kind for kind in KINDS if kind != "real_flank")


def model(
    name: str, function: Callable[[list[str]], Sequence[float]], range_mode: Any = "crop"
) -> SequencePredictor:
    return SequencePredictor(
        info=ModelIdentity(id=name, version="1", digest=f"digest-{name}"),
        predictor_name=name,
        readouts={"point": Readout(function, "linear")},
        range_mode=range_mode,
    )


def content(sequence: str) -> float:
    return (sequence.count("G") + sequence.count("C")) / len(sequence)


def every_seventh(sequence: str) -> float:
    """Bases at places that a multiple of 8 gives: a grid that does not move with the sequence."""
    return content(sequence[::8])


def centred(values: list[float]) -> list[float]:
    return [value - float(np.mean(values)) for value in values]


def with_places(sequences: list[str]) -> list[float]:
    return [content(each) + 0.01 * place for place, each in enumerate(sequences)]


def alone_differs(sequences: list[str]) -> list[float]:
    return [content(each) + (0.1 if len(sequences) == 1 else 0.0) for each in sequences]


#: One model that is inconsistent in each kind, and the kinds that must see it.
INCONSISTENT: dict[str, tuple[SequencePredictor, set[str]]] = {
    "one strand": (
        model("one strand", lambda seqs: [s.count("A") / len(s) for s in seqs]),
        {"reverse_complement"},
    ),
    "fixed grid": (
        model("fixed grid", lambda seqs: [every_seventh(s) for s in seqs], "context"),
        {"shift", "n_flank", "real_flank", "reverse_complement"},
    ),
    "place in the request": (
        model("place in the request", with_places),
        {"order", "batch", "chunk"},
    ),
    "centred on the batch": (
        model("centred on the batch", lambda seqs: centred([content(s) for s in seqs])),
        {"batch", "chunk"},
    ),
    "alone": (model("alone", alone_differs), {"chunk"}),
    "length": (
        model("length", lambda seqs: [content(s.replace("N", "G")) for s in seqs], "context"),
        {"n_flank", "real_flank", "shift"},
    ),
}


@pytest.fixture(scope="module")
def results(
    real_data: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Results:
    real_data("hg38_1m", "hg38_1m.fa.gz")
    found = genomark.run(
        ["gc", "kmer", "control:random", *(each for each, _ in INCONSISTENT.values())],
        [ConsistencyProfile()],
        out=tmp_path_factory.mktemp("profile"),
        progress=False,
    )
    assert not found.failed
    return found


def of(results: Results, name: str) -> Any:
    return next(each for each in results.results if each.model.id.partition(":k")[0] == name)


def test_a_model_that_ignores_what_it_must_has_exactly_1(results: Results) -> None:
    found = of(results, "gc")

    for kind in KINDS:
        row = found.metric("concordance", kind)
        assert (row.value, row.interval) == (1.0, (1.0, 1.0))
        assert found.metric("p95_absolute_difference", kind).value == 0.0
    assert found.metric("mean_concordance").value == 1.0


@pytest.mark.parametrize("name", INCONSISTENT)
def test_an_inconsistent_model_is_seen_in_its_kinds_alone(results: Results, name: str) -> None:
    found = of(results, name)
    seen = {kind for kind in KINDS if found.metric("concordance", kind).value < 1.0 - 1e-9}

    assert seen == INCONSISTENT[name][1]
    assert found.metric("mean_concordance").value < 1.0
    for kind in seen:
        assert found.metric("p95_absolute_difference", kind).value > 0.0


def test_a_model_that_pools_neighbourhoods_changes_with_them(results: Results) -> None:
    found = of(results, "kmer")

    for kind in ("reverse_complement", "order", "batch", "chunk"):
        assert found.metric("concordance", kind).value == pytest.approx(1.0, abs=1e-12)
    assert found.metric("concordance", "real_flank").value < 0.9


def test_random_answers_agree_in_nothing(results: Results) -> None:
    found = of(results, "control:random")

    assert abs(found.metric("mean_concordance").value) < 0.3


def test_numbers_are_those_of_the_answers(results: Results, tmp_path: Path) -> None:
    """Of one model and kind, from the sequences themselves."""
    chromosome = the_chromosome()
    frame = ConsistencyProfile().items.filter(way="plain")
    starts = [chromosome.index(each) for each in frame["sequence"]]
    windows = [chromosome[start : start + LENGTH] for start in starts]
    here = np.array([each.count("A") / LENGTH for each in windows])
    there = np.array([each.count("T") / LENGTH for each in windows])
    found = of(results, "one strand")

    variance = (here.var() + there.var()) / 2
    expected = 1 - ((here - there) ** 2).mean() / (2 * variance)
    row = found.metric("concordance", "reverse_complement")
    assert row.value == pytest.approx(expected)
    expected = np.quantile(np.abs(here - there), 0.95) / np.sqrt(variance)
    beside = found.metric("p95_absolute_difference", "reverse_complement")
    assert beside.value == pytest.approx(expected)
    assert (row.n, row.n_clusters) == (64, 64)


def the_chromosome() -> str:
    file = datasets.path("hg38_1m", "hg38_1m.fa.gz", progress=False)
    return "".join(gzip.open(file, "rt").read().split("\n")[1:]).upper()


def test_windows_are_real_and_have_no_n(real_data: Callable[[str, str], Path]) -> None:
    real_data("hg38_1m", "hg38_1m.fa.gz")
    items = ConsistencyProfile().items
    plain = items.filter(way="plain")
    chromosome = the_chromosome()

    assert plain.height == 64
    assert all(each in chromosome for each in plain["sequence"])
    known = items.filter(items["way"] != "within N")
    assert not known["sequence"].str.contains("N").any()
    assert items["item_id"].n_unique() == items.height
    assert items["item_id"].str.contains(r"^q\d{4}$").all()


def test_every_way_asks_for_the_same_bases() -> None:
    random = np.random.default_rng(59)
    chromosome = "".join(random.choice(list("ACGT"), 6_000))
    ways = asked(chromosome, 2_500)
    window = chromosome[2_500 : 2_500 + LENGTH]

    for way, (sequence, first) in ways.items():
        if way == "other strand":
            continue
        start = max(first, 0)
        assert sequence[start : start + LENGTH] == window
        assert first >= 0 or sequence == window
    complement = str.maketrans("ACGT", "TGCA")
    assert ways["other strand"][0] == window.translate(complement)[::-1]
    assert ways["further along"][1] - ways["within"][1] == 7
    assert len(ways["further along"][0]) == len(ways["within"][0])
    assert ways["within N"][0].count("N") == 2 * 1_024


def test_requests_differ_in_what_they_say(real_data: Callable[[str, str], Path]) -> None:
    real_data("hg38_1m", "hg38_1m.fa.gz")
    benchmark = ConsistencyProfile()
    requests: dict[str, PredictRequest] = {}
    alone = 0
    for part in benchmark.parts():
        way = part["way"][0]
        requests[way] = benchmark.request(part)
        alone += way == "alone"

    plain = list(requests["plain"].sequences.values())
    assert alone == 16
    assert len(requests["alone"].sequences) == 1
    assert list(requests["backwards"].sequences.values()) == plain[::-1]
    mixed = list(requests["among strangers"].sequences.values())
    assert mixed[1::2] == plain
    assert len({len(each) for each in mixed[::2]}) > 10
    ranges = requests["within"].prediction_ranges
    assert set(map(tuple, ranges.values())) == {(1_024, 1_024 + LENGTH - 1)}
    assert not requests["plain"].prediction_ranges


@pytest.fixture
def address() -> Iterator[str]:
    """Of `gc`, served."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = predictor_app(load_model("gc"))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def test_answers_over_http_are_those_in_process(
    results: Results, address: str, tmp_path: Path
) -> None:
    found = genomark.run([address], [ConsistencyProfile()], out=tmp_path, workers=1, progress=False)
    (served,) = found.results

    assert served.metrics == of(results, "gc").metrics
    assert served.cost.bytes_sent > 0


def test_a_limit_asks_for_fewer_windows_in_every_way(
    real_data: Callable[[str, str], Path],
) -> None:
    real_data("hg38_1m", "hg38_1m.fa.gz")
    chosen = ConsistencyProfile().selected(40)

    assert chosen["window"].unique().sort().to_list() == list(range(5))
    assert chosen.height == 40


def test_what_a_model_refuses_is_counted_by_kind(
    real_data: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """A server that knows no ranges: two kinds are undefined, and all others stand."""
    real_data("hg38_1m", "hg38_1m.fa.gz")

    class NoRanges:
        info = ModelIdentity(id="no ranges", version="1", digest="no ranges")

        def predict(self, request: PredictRequest) -> PredictResponse:
            response = load_model("gc").predict(request)
            if request.prediction_ranges:
                for task in response.prediction_tasks:
                    task.predictions = {"error": "no ranges"}
            return response

    (found,) = genomark.run(
        [NoRanges()], [ConsistencyProfile()], out=tmp_path, progress=False
    ).results

    undefined = {kind for kind in KINDS if found.metric("concordance", kind).value is None}
    assert undefined == {"shift", "n_flank", "real_flank"}
    assert found.metric("concordance", "order").value == 1.0
    mean = found.metric("mean_concordance")
    assert mean.value is None
    assert mean.reason_if_null.startswith("undefined in 2 of 6 groups ('shift': fewer than 3")


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hg38_1m.fa.gz"
    monkeypatch.setattr(consistency_profile, "path", lambda *_: file)
    for content_ in (b"not packed", b"\x1f\x8b\x08\x00broken"):
        file.write_bytes(content_)
        with pytest.raises(DatasetError, match=r"hg38_1m.fa.gz: expected packed FASTA"):
            list(ConsistencyProfile().parts())
