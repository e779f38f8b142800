"""Networks that learn from sequences alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pretraining_process
import pytest
from pretraining_process import made, planted
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from genomark.errors import CapabilityError, UsageError
from genomark.models import Embedder, load_model
from genomark.training.pretraining.architecture import NetworkSettings
from genomark.training.pretraining.held_out import HeldOutBits, held_out_bits, markov_bits
from genomark.training.pretraining.pretrain import PretrainingSettings
from genomark.training.pretraining.stretches import Hiding

WEIGHTS = "model.safetensors"
_SMALL = {"width": 16, "layers": 1, "heads": 2}


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("never")
    made(folder)
    return folder / "checkpoint"


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bytes(
    tmp_path: Path, never_stopped: Path
) -> None:
    file = Path(pretraining_process.__file__)
    for steps in (2, 5):
        process = subprocess.Popen(
            [sys.executable, str(file), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(steps):
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not (tmp_path / "checkpoint").exists()
    assert (tmp_path / "workspace" / "training.safetensors").exists()
    again = made(tmp_path)
    assert again.bases == 12_800
    for name in sorted(each.name for each in never_stopped.iterdir()):
        assert (again.folder / name).read_bytes() == (never_stopped / name).read_bytes(), name


def test_a_checkpoint_of_other_settings_is_left_alone(tmp_path: Path, never_stopped: Path) -> None:
    other = made(tmp_path, seed=4)
    again = made(tmp_path)
    first = load_file(other.folder / WEIGHTS)
    assert again.folder == other.folder
    assert (again.folder / WEIGHTS).read_bytes() == (never_stopped / WEIGHTS).read_bytes()
    assert first


def test_all_tokenizers_see_the_same_bases(tmp_path: Path) -> None:
    told = [
        made(tmp_path / name, kind, number, bases=2_560)
        for name, kind, number in (("a", "character", 0), ("b", "kmer", 3), ("c", "bpe", 30))
    ]
    assert {each.bases for each in told} == {2_560}
    assert told[0].tokens == 2_560
    assert told[1].tokens < told[0].tokens
    assert all(each.cpu_seconds > 0 for each in told)


@pytest.mark.parametrize(
    ("kind", "number", "architecture"),
    [
        ("character", 0, "bert"),
        ("character", 0, "modernbert"),
        ("kmer-overlap", 3, "esm"),
        ("kmer", 3, "esm"),
        ("bpe", 30, "esm"),
        ("unigram", 30, "t5"),
    ],
)
def test_checkpoints_are_models_with_a_vector_for_each_base(
    tmp_path: Path, kind: str, number: int, architecture: str
) -> None:
    settings = NetworkSettings(architecture, **_SMALL)  # type: ignore[arg-type]
    told = made(tmp_path, kind, number, settings, sentinels=5, bases=2_560)
    model = load_model(f"hf:{told.folder}")
    assert isinstance(model, Embedder)
    sequences = ["ACGTNACGTTGCA", planted().held_out[0]]
    vectors = model.embed_positions(sequences)  # type: ignore[attr-defined]
    assert [each.shape for each in vectors] == [(13, 16), (128, 16)]
    assert np.isfinite(model.embed(sequences)).all()
    assert AutoTokenizer.from_pretrained(told.folder).mask_token == "[MASK]"
    bits = held_out_bits(told.folder, planted(), 1)
    # What knows next to nothing needs two bits; a T5 also tells special tokens from words.
    assert 1.7 < bits.per_base < (7.0 if architecture == "t5" else 3.5)
    assert (bits.count_per_base > 0) == (kind == "bpe")


@pytest.mark.slow
def test_what_can_be_told_from_its_neighbours_is_learned(tmp_path: Path) -> None:
    """Units of 16 bases eight times over: 12 hidden ones stand sixteen bases further on."""
    network = NetworkSettings(width=32, layers=2, heads=2)
    learned = made(tmp_path / "a", network=network, bases=800_000, batch=16, learning_rate=3e-3)
    drawn = made(tmp_path / "b", network=network, bases=0)
    corpus = planted()
    before = held_out_bits(drawn.folder, corpus, 2)
    after = held_out_bits(learned.folder, corpus, 2)
    chain = markov_bits(3, corpus, 2)
    assert before.per_base == pytest.approx(2.0, abs=0.1)
    assert after.per_base < 1.5 < chain.per_base
    low, high = after.interval()
    assert low < after.per_base < high
    assert np.array_equal(after.bases, chain.bases)


@pytest.mark.slow
def test_t5_learns_to_write_spans(tmp_path: Path) -> None:
    network = NetworkSettings("t5", width=32, layers=1, heads=2)
    learned = made(
        tmp_path, network=network, sentinels=5, bases=400_000, batch=16, learning_rate=5e-3
    )
    first, last = learned.curve[0][1], learned.curve[-1][1]
    assert last < 2.2 < first
    assert held_out_bits(learned.folder, planted(), 1).per_base < 2.4


def test_it_goes_on_from_a_checkpoint(tmp_path: Path, never_stopped: Path) -> None:
    (tmp_path / "tokenizer").mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "tokenizer" / name).write_bytes((never_stopped / name).read_bytes())
    same = made(tmp_path, network=never_stopped, bases=0)
    assert all(
        (load_file(same.folder / WEIGHTS)[name] == each).all()
        for name, each in load_file(never_stopped / WEIGHTS).items()
    )
    on = made(tmp_path, network=never_stopped, bases=1_280)
    assert (on.folder / WEIGHTS).read_bytes() != (never_stopped / WEIGHTS).read_bytes()
    causal = tmp_path / "causal"
    causal.mkdir()
    (causal / "config.json").write_text(
        '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}'
    )
    save_file({}, causal / WEIGHTS)
    with pytest.raises(CapabilityError, match="neither a masked language model nor a T5"):
        made(tmp_path, network=causal)


def test_intervals_are_those_of_a_ratio_over_windows() -> None:
    draws = np.random.default_rng(0)
    bases = np.full(400, 48)
    bits = draws.normal(1.9 * 48, 4.0, 400)
    told = HeldOutBits(bits, np.zeros(400), bases)
    half = 1.96 * bits.std() / 48 / np.sqrt(400)
    low, high = told.interval()
    assert high - low == pytest.approx(2 * half, rel=0.1)
    assert told.interval() == (low, high)


def test_windows_too_short_to_hide_anything_in_are_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a window of 128 bases, and one stretch .* every 200"):
        made(tmp_path, hiding=Hiding(every=200))


def test_settings_out_of_range_are_refused() -> None:
    for told, said in (
        ({"bases": -1}, "bases=-1"),
        ({"batch": 0}, "batch=0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"warm_up": 1.0}, "warm_up must be a share"),
    ):
        with pytest.raises(UsageError, match=said):
            PretrainingSettings(**told)
    with pytest.raises(UsageError, match="twice the number of heads divides"):
        NetworkSettings(width=20, heads=3)
    with pytest.raises(UsageError, match="1 layer or more"):
        NetworkSettings(layers=0)
