"""simulated-enhancers against its own rules, spelled out site by site."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import pearsonr, spearmanr

from genomark.benchmarks import load_benchmark, simulated
from genomark.benchmarks.simulated import FACTORS, Factor, SimulatedEnhancers, occupancy, simulate
from genomark.models import load_model
from genomark.scoring import score

#: SHA-256 of 3,000 lines "id sequence noise-free measured", numbers with six decimals.
PINNED = "531475265395e500ced3bdcf8817a698f70e64057476ebf48d5b1c30b65734c0"

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def reverse_complement(sequence: str) -> str:
    return sequence.translate(_COMPLEMENT)[::-1]


def naive_occupancy(sequence: str, factor: Factor) -> float:
    """Z / (1 + Z), Z summed over every window of both strands."""
    partition = 0.0
    for strand in (sequence, reverse_complement(sequence)):
        for start in range(len(strand) - len(factor.site) + 1):
            window = strand[start : start + len(factor.site)]
            mismatches = sum(a != b for a, b in zip(window, factor.site, strict=True))
            energy = factor.mismatch * mismatches
            partition += math.exp(factor.threshold - energy)
    return partition / (1 + partition)


def naive_activity(sequence: str) -> float:
    return sum(factor.effect * naive_occupancy(sequence, factor) for factor in FACTORS)


def codes_of(sequence: str) -> np.ndarray:
    return np.array([["ACGT".index(base) for base in sequence]])


@pytest.fixture(scope="module")
def benchmark_() -> SimulatedEnhancers:
    benchmark = load_benchmark("simulated-enhancers")
    assert isinstance(benchmark, SimulatedEnhancers)
    return benchmark


def fingerprint(frame: pl.DataFrame) -> str:
    lines = [
        f"{name} {sequence} {known:.6f} {measured:.6f}\n"
        for name, sequence, known, measured in frame.select(
            "item_id", "sequence", "noise_free", "truth"
        ).iter_rows()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_enhancers_are_the_same_on_every_machine(benchmark_: SimulatedEnhancers) -> None:
    drawn = simulate(3000, 20190808)
    assert fingerprint(drawn) == PINNED
    assert fingerprint(simulate(20, 1)) != fingerprint(simulate(20, 2))
    train = benchmark_.training_split()
    items = benchmark_.items
    assert train.sequences + items["sequence"].to_list() == drawn["sequence"].to_list()
    assert [*train.values, *items["truth"]] == drawn["truth"].to_list()


def test_items_and_split_have_their_sizes(benchmark_: SimulatedEnhancers) -> None:
    items, train = benchmark_.items, benchmark_.training_split()
    assert items.height == 1000 == items["item_id"].n_unique()
    assert len(train.sequences) == 2000 == len(set(train.groups))
    sequences = train.sequences + items["sequence"].to_list()
    assert {len(sequence) for sequence in sequences} == {200}
    assert {base for sequence in sequences for base in sequence} == set("ACGT")


def test_train_and_test_share_no_sequence_and_no_name(benchmark_: SimulatedEnhancers) -> None:
    items, train = benchmark_.items, benchmark_.training_split()
    assert not set(train.sequences) & set(items["sequence"])
    assert not set(train.groups) & set(items["item_id"])
    # Not even half of one: no 50 bases in a row are shared.
    seen = {text[at : at + 50] for text in train.sequences for at in range(0, 151)}
    assert not any(text[at : at + 50] in seen for text in items["sequence"] for at in range(151))


@given(st.text("ACGT", min_size=12, max_size=80), st.sampled_from(FACTORS))
def test_occupancy_is_that_of_a_plain_loop_over_windows(sequence: str, factor: Factor) -> None:
    assert occupancy(codes_of(sequence), factor)[0] == pytest.approx(
        naive_occupancy(sequence, factor), rel=1e-12
    )


@given(st.text("ACGT", min_size=12, max_size=60))
def test_a_strand_does_not_matter(sequence: str) -> None:
    for factor in FACTORS:
        pair = np.concatenate([codes_of(sequence), codes_of(reverse_complement(sequence))])
        forward, backward = occupancy(pair, factor)
        assert forward == pytest.approx(backward, rel=1e-12)


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.site)
def test_one_perfect_site_is_bound_as_its_threshold_says(factor: Factor) -> None:
    # Alone, without the other strand's window: Z = exp(threshold).
    sequence = factor.site
    other = sum(a != b for a, b in zip(reverse_complement(sequence), sequence, strict=True))
    partition = math.exp(factor.threshold) + math.exp(factor.threshold - factor.mismatch * other)
    found = occupancy(codes_of(sequence), factor)[0]
    assert found == pytest.approx(partition / (1 + partition), rel=1e-12)
    assert found > 0.5


def test_more_sites_are_bound_more_and_never_more_than_fully() -> None:
    factor = FACTORS[0]
    spacer = "CCTCC"
    bound = [occupancy(codes_of((factor.site + spacer) * n), factor)[0] for n in range(1, 6)]
    assert all(low < high < 1 for low, high in itertools.pairwise(bound))


def test_activity_is_the_sum_of_effects_times_occupancies(
    benchmark_: SimulatedEnhancers,
) -> None:
    for name, sequence, known in benchmark_.items.select(
        "item_id", "sequence", "noise_free"
    ).iter_rows():
        if int(name.removeprefix("enhancer")) % 25 == 0:
            assert known == pytest.approx(naive_activity(sequence), abs=1e-6)


def test_the_noise_is_normal_with_half_a_unit(benchmark_: SimulatedEnhancers) -> None:
    noise = (benchmark_.items["truth"] - benchmark_.items["noise_free"]).to_numpy()
    # Four standard errors of a mean and of a standard deviation of 1,000 draws.
    assert abs(noise.mean()) < 4 * 0.5 / math.sqrt(1000)
    assert abs(noise.std() - 0.5) < 4 * 0.5 / math.sqrt(2000)
    assert abs(pearsonr(noise, benchmark_.items["noise_free"]).statistic) < 4 / math.sqrt(1000)


def test_sites_are_planted(benchmark_: SimulatedEnhancers) -> None:
    text = "|".join(benchmark_.training_split().sequences)
    for factor in FACTORS:
        # One of the sites reads the same on both strands.
        written = {factor.site, reverse_complement(factor.site)}
        found = sum(text.count(site) for site in written)
        by_chance = len(written) * 2000 * (200 - len(factor.site) + 1) / 4 ** len(factor.site)
        # 2.5 sites a sequence of 7 factors, each whole with probability 0.95 + 0.05 / 4 a base.
        planted = 2000 * 2.5 / 7 * (0.95 + 0.05 / 4) ** len(factor.site)
        assert found == pytest.approx(planted + by_chance, rel=0.2)


def test_the_ceiling_is_the_correlation_of_truth_with_what_could_be_known(
    benchmark_: SimulatedEnhancers,
) -> None:
    known, measured = benchmark_.items["noise_free"], benchmark_.items["truth"]
    ceiling = benchmark_.ceiling
    assert set(ceiling) == {"pearson", "spearman"}
    assert ceiling["pearson"] == pytest.approx(pearsonr(known, measured).statistic, abs=1e-12)
    assert ceiling["spearman"] == pytest.approx(spearmanr(known, measured).statistic, abs=1e-12)
    assert all(0.7 < value < 0.95 for value in ceiling.values())


def test_the_rules_themselves_reach_the_ceiling_and_letter_counts_do_not(
    benchmark_: SimulatedEnhancers, answered: Callable[..., pl.DataFrame]
) -> None:
    items = benchmark_.items.with_columns(value="noise_free")
    best = {row.name: row.value for row in score(items, benchmark_.rule, seed=0, replicates=20)}
    assert best == pytest.approx(dict(benchmark_.ceiling), abs=1e-12)
    counted = answered(benchmark_, load_model("gc"))
    for row in score(counted, benchmark_.rule, seed=0, replicates=20):
        assert row.value is not None
        assert row.value < benchmark_.ceiling[row.name] - 0.3


def test_a_motif_model_that_knows_the_sites_learns_the_rules(
    benchmark_: SimulatedEnhancers, answered: Callable[..., pl.DataFrame], tmp_path: Path
) -> None:
    blocks = []
    for factor in FACTORS:
        rows = [
            " ".join("1" if base == letter else "0" for letter in "ACGT") for base in factor.site
        ]
        blocks.append(
            f"MOTIF {factor.site}\nletter-probability matrix: w= {len(rows)}\n" + "\n".join(rows)
        )
    file = tmp_path / "sites.meme"
    file.write_text("\n\n".join(blocks) + "\n")
    model = load_model(f"motif:file={file}").fit(benchmark_.training_split())
    rows = score(answered(benchmark_, model), benchmark_.rule, seed=0, replicates=20)
    values = {row.name: row.value for row in rows}
    assert 0.7 < values["pearson"] < benchmark_.ceiling["pearson"]
    assert 0.7 < values["spearman"] < benchmark_.ceiling["spearman"]


def test_the_request_asks_for_activity_on_a_log_scale(benchmark_: SimulatedEnhancers) -> None:
    (part,) = benchmark_.parts()
    request = benchmark_.request(part)
    (task,) = request.prediction_tasks
    assert (task.name, task.cell_type, task.species, task.scale) == (
        "simulated_activity", "simulated", "synthetic", "log",
    )  # fmt: skip
    assert request.sequences == dict(benchmark_.items.select("item_id", "sequence").iter_rows())
    assert benchmark_.items["cluster"].equals(benchmark_.items["item_id"], check_names=False)


def test_other_wording_is_another_question(
    benchmark_: SimulatedEnhancers, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = benchmark_.digest
    monkeypatch.setattr(simulated, "_TASK", replace(simulated._TASK, cell_type="HepG2"))
    again = SimulatedEnhancers()
    again.__dict__["_simulated"] = benchmark_._simulated
    assert again.digest != before
    monkeypatch.undo()
    del again.__dict__["digest"]
    assert again.digest == before


def test_it_needs_no_data(no_data: None) -> None:
    assert SimulatedEnhancers().items.height == 1000
    assert SimulatedEnhancers.datasets == ()
