"""Vectors of sequences and bases, against transformers called directly, one sequence at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints as tiny
import torch
import transformers
from transformers import AutoModel

from genomark.errors import ModelError, UsageError
from genomark.models import Embedder
from genomark.models.hub import model as module
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.embedding import base_vectors, chunks
from genomark.models.hub.model import hub_model

TOLERANCE = {"rtol": 0, "atol": 1e-5}


def direct(folder: str, sequence: str, layer: int = -1) -> np.ndarray:
    """Hidden states of one sequence, not padded: float32[n_tokens, width], special ones in."""
    (tokens,) = HubCheckpoint(folder).tokens([sequence])
    model = AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.inference_mode():
        out = model(torch.from_numpy(tokens.ids)[None], output_hidden_states=True)
    return out.hidden_states[layer][0].numpy()


def own_tokens(folder: str, sequence: str) -> np.ndarray:
    return HubCheckpoint(folder).tokens([sequence])[0].spans[:, 0] >= 0


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_a_vector_is_the_mean_over_its_own_tokens(name, checkpoint, random_sequences) -> None:
    folder = checkpoint(name)
    sequences = random_sequences(30, 3, 60)
    model = hub_model(folder, batch_tokens=200)
    assert isinstance(model, Embedder)
    found = model.embed(sequences)
    assert found.dtype == np.float32
    for sequence, vector in zip(sequences, found, strict=True):
        layer = direct(folder, sequence)
        expected = layer[own_tokens(folder, sequence)].mean(axis=0)
        np.testing.assert_allclose(vector, expected, **TOLERANCE)


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_neither_batch_nor_order_nor_padding_tells(name, checkpoint, random_sequences, monkeypatch):
    sequences = random_sequences(60, 1, 60)
    found = hub_model(checkpoint(name)).embed(sequences)
    for budget in (1, 100):
        monkeypatch.setenv("GENOMARK_CACHE", str(Path(checkpoint(name)) / f"cache-{budget}"))
        other = hub_model(checkpoint(name), batch_tokens=budget)
        order = np.random.default_rng(0).permutation(len(sequences))
        shuffled = other.embed([sequences[i] for i in order])
        np.testing.assert_allclose(shuffled, found[order], **TOLERANCE)


def test_the_same_set_in_any_order_gives_the_same_bits(
    checkpoint, random_sequences, monkeypatch, tmp_path
) -> None:
    sequences = random_sequences(50, 20, 60)
    found = hub_model(checkpoint("esm")).embed(sequences)
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "another"))
    assert np.array_equal(hub_model(checkpoint("esm")).embed(sequences[::-1])[::-1], found)


@pytest.mark.parametrize("layer", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("name", ["bert-pieces", "gpt2", "t5"])
def test_any_layer(name, layer, checkpoint) -> None:
    folder, sequence = checkpoint(name), "ACGTACGTTAACG"
    expected = direct(folder, sequence, layer)[own_tokens(folder, sequence)].mean(axis=0)
    found = hub_model(folder, layer=layer).embed([sequence])
    np.testing.assert_allclose(found[0], expected, **TOLERANCE)


def test_ways_of_pooling(checkpoint) -> None:
    folder, sequence = checkpoint("gpt2"), "ACGTACGTTAACG"
    layer = direct(folder, sequence)
    expected = {"cls": layer[0], "last": layer[-2], "max": layer[1:-1].max(axis=0)}
    for pooling, vector in expected.items():
        found = hub_model(folder, pooling=pooling).embed(["AC", sequence])
        np.testing.assert_allclose(found[1], vector, **TOLERANCE)


def test_both_strands(checkpoint) -> None:
    one = hub_model(checkpoint("esm"))
    both = hub_model(checkpoint("esm"), strands="both")
    forward, reverse = one.embed(["AACGTN", "NACGTT"])
    np.testing.assert_allclose(both.embed(["AACGTN"])[0], (forward + reverse) / 2, **TOLERANCE)
    np.testing.assert_allclose(*both.embed(["AACGTN", "NACGTT"]), **TOLERANCE)
    first, second = one.embed_positions(["AACGTN", "NACGTT"])
    (found,) = both.embed_positions(["AACGTN"])
    np.testing.assert_allclose(found, (first + second[::-1]) / 2, **TOLERANCE)


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_a_base_gets_the_mean_of_the_tokens_that_hold_it(name, checkpoint) -> None:
    folder = checkpoint(name)
    sequences = ["ACGTACGTNNACGTGACCAGAA", "AC", "ACGTACGTNNACGTGACCAGAA"]
    found = hub_model(folder).embed_positions(sequences)
    for sequence, vectors in zip(sequences, found, strict=True):
        (tokens,) = HubCheckpoint(folder).tokens([sequence])
        layer = direct(folder, sequence)
        assert vectors.shape == (len(sequence), tiny.WIDTH)
        for base in range(len(sequence)):
            holding = (tokens.spans[:, 0] <= base) & (base < tokens.spans[:, 1])
            assert holding.any()
            np.testing.assert_allclose(vectors[base], layer[holding].mean(axis=0), **TOLERANCE)


@pytest.mark.parametrize(("window", "stride", "starts"), [(0, 0, [0, 31, 62, 88]), (22, 15, None)])
def test_long_sequences_are_read_in_overlapping_windows(
    checkpoint, random_sequences, window, stride, starts
) -> None:
    folder = checkpoint("esm")
    (sequence,) = random_sequences(1, 150, 150)
    # Between the special tokens of ESM, 62 of the 64 it sees are of the sequence.
    room = (window or 64) - 2
    starts = starts or [0, 15, 30, 45, 60, 75, 90, 105, 120, 130]
    sums, counts = np.zeros((150, tiny.WIDTH)), np.zeros((150, 1))
    firsts = []
    for start in starts:
        layer = direct(folder, sequence[start : start + room])
        firsts.append(layer[0])
        sums[start : start + room] += layer[1:-1]
        counts[start : start + room] += 1
    settings = {"window": window, "stride": stride}
    (found,) = hub_model(folder, **settings).embed_positions([sequence])
    np.testing.assert_allclose(found, sums / counts, **TOLERANCE)
    mean = hub_model(folder, **settings).embed(["ACG", sequence])[1]
    np.testing.assert_allclose(mean, (sums / counts).mean(axis=0), **TOLERANCE)
    first = hub_model(folder, pooling="cls", **settings).embed([sequence])[0]
    np.testing.assert_allclose(first, np.mean(firsts, axis=0), **TOLERANCE)


def test_code_without_masks_gets_no_padding(tmp_path: Path, random_sequences) -> None:
    folder = tiny.own_code(tmp_path / "own")
    model = hub_model(str(folder), trust="yes")
    sequences = random_sequences(40, 1, 30)
    found = model.embed(sequences)
    assert model.padding_share == 0
    network = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    (tokens,) = HubCheckpoint(str(folder), trust=True).tokens(sequences[:1])
    with torch.inference_mode():
        layer = network(torch.from_numpy(tokens.ids)[None])[0][0].numpy()
    np.testing.assert_allclose(found[0], layer[:-1].mean(axis=0), **TOLERANCE)
    without = tiny.own_code(tmp_path / "without", trunk=False)
    again = hub_model(str(without), trust="yes").embed(sequences)
    np.testing.assert_allclose(again, found, **TOLERANCE)


def test_little_of_a_batch_is_padding(real_data, checkpoint) -> None:
    text = real_data("rgb", "RNA-SSP-bpRNA/test.json").read_text()
    sequences = [json.loads(line)["seq"] for line in text.splitlines() if line.strip()]
    assert len(sequences) > 1000
    for budget in (2048, 65536):
        model = hub_model(checkpoint("t5"), batch_tokens=budget, layer=-1 - budget // 65536)
        model.embed(sequences)
        assert 0 < model.padding_share < 0.1
        # All in one row length, as other tools pad them.
        lengths = np.array([len(sequence) for sequence in sequences])
        assert 1 - lengths.mean() / lengths.max() > 0.6


def test_vectors_are_computed_once(checkpoint, random_sequences, monkeypatch) -> None:
    sequences = random_sequences(20, 10, 30)
    done: list[int] = []
    found = hub_model(checkpoint("neox")).embed([*sequences, *sequences[:5]], done.append)
    assert sum(done) == 25
    with monkeypatch.context() as patch:
        patch.setattr(module, "token_vectors", lambda *args: pytest.fail("computed again"))
        again = hub_model(checkpoint("neox"), batch_tokens=99).embed(sequences[::-1], done.append)
        assert np.array_equal(again, found[:20][::-1])
        assert sum(done) == 45
    assert not np.allclose(hub_model(checkpoint("neox"), layer=1).embed(sequences), found[:20])


def test_what_was_computed_before_a_failure_is_kept(checkpoint, random_sequences, monkeypatch):
    sequences = random_sequences(20, 10, 30)
    model = hub_model(checkpoint("neox"))

    def fail(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.embed(sequences, fail)
    missing = module.VectorCache(model.info.digest, "sequence-vectors").missing(
        [module.text_key(sequence) for sequence in sequences]
    )
    assert len(missing) == 19


def test_no_sequences_give_no_vectors(checkpoint, tmp_path: Path) -> None:
    for name in tiny.BUILDERS:
        assert hub_model(checkpoint(name)).embed([]).shape == (0, tiny.WIDTH)
        assert hub_model(checkpoint(name)).embed_positions([]) == []
    # Its width is not what its configuration calls so.
    own = hub_model(str(tiny.own_code(tmp_path / "own")), trust="yes")
    assert own.embed([]).shape == (0, 16)


def test_lower_precision_is_near(checkpoint, random_sequences) -> None:
    sequences = random_sequences(10, 20, 60)
    full = hub_model(checkpoint("esm")).embed(sequences)
    half = hub_model(checkpoint("esm"), precision="bf16").embed(sequences)
    assert half.dtype == np.float32
    assert not np.array_equal(half, full)
    np.testing.assert_allclose(half, full, rtol=0, atol=0.1)


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    folder = tiny.bert_of_pieces(tmp_path / "bert")
    model = transformers.BertForMaskedLM.from_pretrained(folder)
    with torch.no_grad():
        model.bert.embeddings.LayerNorm.weight.fill_(float("inf"))
    model.save_pretrained(folder)
    for ask in (hub_model(str(folder)).embed, hub_model(str(folder)).embed_positions):
        with pytest.raises(
            ModelError, match="its answer is not finite; precision=fp32 has a wider"
        ):
            ask(["ACGT"])


def complaint(folder: str, kind: type[Exception] = UsageError, **settings: object) -> str:
    with pytest.raises(kind) as caught:
        hub_model(folder, **settings).embed(["ACGTACGTACGT"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_settings_that_do_not_suit_are_one_line(checkpoint, tmp_path: Path) -> None:
    esm = checkpoint("esm")
    assert "layer=7: expected a number from 0 (what goes into the first) to 2" in complaint(
        esm, layer=7
    )
    assert "window=-1: expected a number of tokens" in complaint(esm, window=-1)
    assert "window=65: the checkpoint sees 64 tokens at most" in complaint(esm, window=65)
    assert "window=2: no room beside 2 special tokens" in complaint(esm, window=2)
    assert "stride=5: leaves tokens out; a window holds 4 beside 2" in complaint(
        esm, window=6, stride=5
    )
    assert "stride=5: there are no windows; add window=" in complaint(checkpoint("t5"), stride=5)
    assert "puts no token before a sequence" in complaint(checkpoint("neox"), pooling="cls")
    assert "its words are of RNA" in complaint(checkpoint("bert-letters"), strands="both")
    if not torch.cuda.is_available():
        assert "torch finds no GPU; use device=cpu" in complaint(esm, device="cuda")
    own = str(tiny.own_code(tmp_path / "own"))
    assert "layer=5: expected" in complaint(own, trust="yes", layer=5)


def test_code_that_gives_but_its_last_layer_is_one_line(tmp_path: Path) -> None:
    folder = tiny.own_code(tmp_path / "own")
    code = folder / "modeling_two_way.py"
    code.write_text(tiny.MODELING.replace("if output_hidden_states else None", "and None"))
    assert "its code gives only the last (layer=-1)" in complaint(str(folder), trust="yes", layer=0)
    code.write_text(tiny.MODELING.replace("last_hidden_state=last", "last_hidden_state=last[0]"))
    assert "expected one vector a token, found an array of shape (" in complaint(
        str(folder), ModelError, trust="yes"
    )


def test_lots_are_of_like_length_and_bounded_size() -> None:
    sequences = ["A" * 5, "C" * 30, "AC", "G" * 5, "A" * 9, "C"]
    assert list(chunks(sequences, 10)) == [[1], [4], [0, 3], [2, 5]]
    assert list(chunks([])) == []


def test_a_base_in_no_token_has_no_vector() -> None:
    spans = np.array([[0, 2], [3, 4]], np.int32)
    with pytest.raises(ModelError, match="base 3 of a sequence is in no token"):
        base_vectors(np.ones((2, 4), np.float32), spans, 4, "hf:x")


def test_vectors_are_written_now_and_then(checkpoint, random_sequences, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_WRITES", 0.0)
    model = hub_model(checkpoint("neox"))
    found = model.embed(random_sequences(5, 10, 30))
    assert len(list(model._cache._folder.path.glob("*.npy"))) == 5
    assert np.array_equal(hub_model(checkpoint("neox")).embed(random_sequences(5, 10, 30)), found)
