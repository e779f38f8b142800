"""Enformer through GAME, against the network of enformer-pytorch called directly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from genomark.datasets.letters import one_hot
from genomark.errors import DatasetUnavailableError, ModelError, UsageError
from genomark.models.hub.enformer import enformer
from genomark.models.track_predictor import TrackPredictor
from genomark.models.training_data import NamedTraining
from genomark.protocol import PredictionFailedError, PredictionTask, PredictRequest, TaskPrediction

enformer_pytorch = pytest.importorskip("enformer_pytorch")

LENGTH, BIN, BINS = 2048, 128, 8
OUTPUT = BIN * BINS
MARGIN = (LENGTH - OUTPUT) // 2
LEUKEMIA = "chronic myelogenous leukemia cell line:K562"
HUMAN = (
    "DNASE:K562",
    "ATAC:K562",
    "CHIP:H3K27ac:K562",
    "CHIP:eGFP-NR4A1:K562",
    f"CAGE:{LEUKEMIA}",
    "CAGE:liver, adult, pool1",
)
MOUSE = ("DNASE:C57BL/6 liver", "CHIP:.:C57BL/6 liver", "CAGE:liver, adult")
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def network(**changed: Any) -> Any:
    """A network with weights that matter: those of a fresh one silence its attention."""
    settings: dict[str, Any] = {
        "dim": 48,
        "depth": 2,
        "heads": 2,
        "dim_divisible_by": 4,
        "target_length": BINS,
        "output_heads": {"human": len(HUMAN), "mouse": len(MOUSE)},
    }
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = enformer_pytorch.Enformer.from_hparams(**(settings | changed)).eval()
        with torch.no_grad():
            for name, tensor in made.state_dict().items():
                if name.endswith("running_var"):
                    tensor.uniform_(0.5, 2.0)
                elif tensor.is_floating_point():
                    tensor.add_(0.3 * torch.randn_like(tensor) / math.sqrt(max(tensor.shape)))
        # Else what lies far apart differs by little more than rounding.
        with torch.no_grad():
            for parameter in made.parameters():
                if parameter.ndim == 3:
                    parameter.mul_(1.3)
    return made


def written(folder: Path, made: Any, *, safe: bool = False) -> Path:
    """Write config.json and weights as the hub has them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = made.config.to_dict() | {"architectures": ["Enformer"], "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, default=str))
    weights = made.state_dict()
    if safe:
        # Of the names that one tensor goes by, this format keeps one.
        kept = {name: tensor for name, tensor in weights.items() if not name.startswith("_trunk.")}
        save_file(kept, folder / "model.safetensors")
    else:
        torch.save(weights, folder / "pytorch_model.bin")
    return folder


def table(path: Path, descriptions: tuple[str, ...], first: int = 0) -> Path:
    """A table in the form of Basenji."""
    lines = ["index\tgenome\tidentifier\tfile\tclip\tscale\tsum_stat\tdescription"]
    lines += [
        f"{first + row}\t0\tENC{row}\t/data/{row}.w5\t32\t2\tmean\t{text}"
        for row, text in enumerate(descriptions)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tiny() -> Any:
    return network()


@pytest.fixture(scope="module")
def folder(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = written(tmp_path_factory.mktemp("checkpoint") / "enformer", tiny)
    table(made / "targets_human.txt", HUMAN)
    # Those of mouse go on where those of human end, as in the published table.
    table(made / "targets_mouse.txt", MOUSE, first=len(HUMAN))
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> TrackPredictor:
    return enformer(str(folder), length=LENGTH, device="cpu")


def bases(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def direct(tiny: Any, window: str, head: str = "human") -> np.ndarray:
    """All tracks of a window, float[n_bins, n_tracks], as the package computes them."""
    with torch.inference_mode():
        return tiny(enformer_pytorch.str_to_one_hot([window]))[head][0].double().numpy()


def ask(
    model: TrackPredictor,
    sequences: dict[str, str],
    kind: str = "accessibility",
    cell: str = "K562",
    species: str = "homo_sapiens",
    readout: str = "track",
    **more: Any,
) -> TaskPrediction:
    task = PredictionTask("t", kind, cell, species, scale="linear")
    (answer,) = model.predict(PredictRequest(readout, [task], sequences, **more)).prediction_tasks
    return answer


def test_bases_are_as_the_package_writes_them() -> None:
    windows = ["ACGTN", "NTTAG"]
    expected = enformer_pytorch.str_to_one_hot(windows).numpy()
    np.testing.assert_array_equal(one_hot(windows), expected)


@pytest.mark.parametrize(
    ("kind", "cell", "species", "head", "rows", "assays"),
    [
        ("accessibility", "k562", "homo_sapiens", "human", [0, 1], ["DNASE", "ATAC"]),
        ("binding_h3k27ac", "K562", "homo_sapiens", "human", [2], ["CHIP_h3k27ac"]),
        ("binding_egfpnr4a1", "K562", "homo_sapiens", "human", [3], ["CHIP_egfpnr4a1"]),
        ("expression", LEUKEMIA, "Homo_sapiens", "human", [4], ["CAGE"]),
        ("expression_mRNA", "liver, adult, pool1", "homo_sapiens", "human", [5], ["CAGE"]),
        ("expression_pol2", "liver, adult", "mus_musculus", "mouse", [2], ["CAGE"]),
        ("accessibility", "C57BL/6 liver", "mus_musculus", "mouse", [0], ["DNASE"]),
    ],
)
def test_the_tracks_of_the_table_answer(
    model, tiny, kind, cell, species, head, rows, assays
) -> None:
    sequence = bases(1, OUTPUT)
    answer = ask(model, {"s": sequence}, kind, cell, species)
    padded = "N" * MARGIN + sequence + "N" * MARGIN
    expected = direct(tiny, padded, head)[:, rows].mean(axis=1)
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)
    # Neither tracks nor bins are all alike.
    assert np.ptp(direct(tiny, padded, head), axis=1).min() > 0.01
    assert np.ptp(expected) > 0.01
    assert answer.type_actual == assays
    assert answer.cell_type_actual.casefold() == cell.casefold()


def test_a_short_sequence_is_padded_and_the_answer_is_cut_to_it(model, tiny) -> None:
    sequence = bases(2, 500)
    answer = ask(model, {"s": sequence}, "binding_h3k27ac")
    before = (LENGTH - 500) // 2
    window = "N" * before + sequence + "N" * (LENGTH - 500 - before)
    # The bases lie at 262 to 762 of the output: bins 2 to 5, six bases before the first one.
    expected = direct(tiny, window)[2:6, 2]
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)
    assert answer.trim_upstream == {"s": 6}
    point = ask(model, {"s": sequence}, "binding_h3k27ac", readout="point")
    assert point.predictions["s"] == pytest.approx(expected.mean(), rel=1e-5)
    assert point.aggregation == {"bins": "mean"}


def test_a_long_sequence_is_tiled_by_windows_that_see_their_neighbours(model, tiny) -> None:
    sequence = bases(3, 2 * OUTPUT + 200)
    answer = ask(model, {"s": sequence}, "binding_h3k27ac")
    flanked = "N" * MARGIN + sequence + "N" * LENGTH
    parts = [
        direct(tiny, flanked[at : at + LENGTH])[:n, 2]
        for at, n in ((0, 8), (OUTPUT, 8), (2 * OUTPUT, 2))
    ]
    np.testing.assert_allclose(answer.predictions["s"], np.concatenate(parts), **TOLERANCE)
    assert answer.trim_upstream == {"s": 0}


def test_a_range_is_answered_with_what_lies_around_it(model, tiny) -> None:
    sequence = bases(4, 6000)
    answer = ask(model, {"s": sequence}, "binding_h3k27ac", prediction_ranges={"s": [3000, 3255]})
    # 256 bases in the middle of the output: bins 3 and 4, to the base.
    window = sequence[3000 - 384 - MARGIN :][:LENGTH]
    np.testing.assert_allclose(answer.predictions["s"], direct(tiny, window)[3:5, 2], **TOLERANCE)
    assert answer.trim_upstream == {"s": 0}


def test_both_strands_are_the_mean_over_a_window_and_its_reverse_complement(folder, tiny) -> None:
    sequence = bases(5, LENGTH)
    model = enformer(str(folder), length=LENGTH, strands="both", device="cpu")
    middle = [MARGIN, MARGIN + OUTPUT - 1]
    answer = ask(model, {"s": sequence}, "binding_h3k27ac", prediction_ranges={"s": middle})
    reverse = sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    forward, backward = direct(tiny, sequence)[:, 2], direct(tiny, reverse)[::-1, 2]
    assert np.abs(forward - backward).max() > 1e-3
    np.testing.assert_allclose(answer.predictions["s"], (forward + backward) / 2, **TOLERANCE)


def test_batches_do_not_matter(folder, model) -> None:
    sequences = {str(seed): bases(seed, 900) for seed in range(5)}
    one = ask(model, sequences)
    many = ask(enformer(str(folder), length=LENGTH, device="cpu", batch=3), sequences)
    for name, track in one.predictions.items():
        np.testing.assert_allclose(many.predictions[name], track, rtol=1e-6)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_the_bits_give_nearly_the_same(folder, model, precision) -> None:
    sequence = {"s": bases(6, OUTPUT)}
    half = enformer(str(folder), length=LENGTH, precision=precision, device="cpu")
    found, exact = (ask(each, sequence).predictions["s"] for each in (half, model))
    np.testing.assert_allclose(found, exact, rtol=0.05)
    assert not np.array_equal(found, exact)


def test_weights_under_one_of_two_names_are_enough(tiny, model, tmp_path) -> None:
    safe = written(tmp_path / "safe", tiny, safe=True)
    table(safe / "targets_human.txt", HUMAN)
    other = enformer(str(safe), species="human", length=LENGTH, device="cpu")
    sequence = {"s": bases(8, 300)}
    found, expected = (ask(each, sequence).predictions["s"] for each in (other, model))
    np.testing.assert_array_equal(found, expected)


def test_making_a_model_draws_no_random_numbers(folder) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    ask(enformer(str(folder), length=LENGTH, device="cpu"), {"s": "ACGT"})
    assert torch.equal(torch.rand(1), expected)


def test_identity_is_of_weights_tables_and_settings(folder, tiny, tmp_path) -> None:
    made = enformer(str(folder), length=LENGTH, device="cpu")
    assert made.info.id == f"enformer:{folder},length=2048,device=cpu"
    assert made.info.notes == [
        "gamma features of positions as torch computes them",
        "human: 6 tracks by targets_human.txt",
        "mouse: 3 tracks by targets_mouse.txt",
    ]
    assert made.predictor_name == "Enformer"
    assert (made.declaration.input_length, made.declaration.output_length) == (LENGTH, OUTPUT)
    assert made.declaration.bin_size == BIN
    assert made.declaration.training_data == NamedTraining("enformer")
    others = [
        enformer(str(folder), length=LENGTH, device="cpu", batch=4),
        enformer(str(folder), length=LENGTH, device="cpu", strands="both"),
        enformer(str(folder), length=LENGTH, device="cpu", species="human"),
        enformer(str(folder), length=LENGTH, device="cpu", precision="bf16"),
        enformer(str(folder), length=LENGTH + 2 * BIN, device="cpu"),
        enformer(str(folder), length=LENGTH, device="cpu", targets="none"),
    ]
    digests = [made.info.digest, *(each.info.digest for each in others)]
    # Batches change nothing; all else does.
    assert digests[0] == digests[1]
    assert len(set(digests)) == len(others)


def test_tracks_without_a_table_are_asked_for_by_number(folder, tiny) -> None:
    model = enformer(str(folder), targets="none", length=LENGTH, device="cpu")
    note = "no table of targets for human: ask for cell types 'track 0' to 'track 5'"
    assert note in model.info.notes[1]
    assert note in model.declaration.description
    sequence = bases(9, OUTPUT)
    answer = ask(model, {"s": sequence}, "expression", "Track 4")
    padded = "N" * MARGIN + sequence + "N" * MARGIN
    np.testing.assert_allclose(answer.predictions["s"], direct(tiny, padded)[:, 4], **TOLERANCE)
    assert answer.type_actual == ["track 4"]
    answer = ask(model, {"s": sequence}, "expression", "K562")
    assert answer.predictions == {
        "error": "Request Error: No requested tracks in the requested type: expression and cell "
        "type: K562 found."
    }


def test_what_it_has_no_track_of_is_refused(model) -> None:
    assert "error" in ask(model, {"s": "ACGT"}, cell="HepG2").predictions
    with pytest.raises(PredictionFailedError, match=r"only supports species.*Received 'danio'"):
        ask(model, {"s": "ACGT"}, species="danio")
    with pytest.raises(PredictionFailedError, match="does not support type: conformation_x"):
        ask(model, {"s": "ACGT"}, "conformation_x")


def test_one_species_may_be_offered_alone(folder) -> None:
    model = enformer(str(folder), species="mouse", length=LENGTH, device="cpu")
    assert [track.species for track in model.declaration.tracks] == ["mus_musculus"] * 3
    with pytest.raises(PredictionFailedError, match=r"only supports species: \['mus_musculus'\]"):
        ask(model, {"s": "ACGT"})
    assert ask(model, {"s": "A"}, cell="C57BL/6 liver", species="mus_musculus").predictions["s"]


def test_a_species_the_checkpoint_lacks_is_refused(tmp_path) -> None:
    human = written(tmp_path / "human", network(output_heads={"human": 6}))
    with pytest.raises(UsageError, match="species=mouse: the checkpoint has tracks of human only"):
        enformer(str(human), species="mouse", length=LENGTH)
    fly = written(tmp_path / "fly", network(output_heads={"fly": 6}))
    with pytest.raises(UsageError, match="a head for 'fly'; expected human or mouse"):
        enformer(str(fly), length=LENGTH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("_heads.mouse.0.bias"), "lacks a tensor '_heads.mouse.0.bias'; expected"),
        (
            lambda w: [
                w.pop(name) for name in list(w) if "transformer" in name or "_trunk.4" in name
            ],
            r"lacks \d+ tensors \('transformer.0.0.fn.0.weight', .* and \d+ more\)",
        ),
        (lambda w: w.update({"odd": torch.ones(1)}), "has a tensor 'odd', of which a Enformer"),
        (
            lambda w: w.update({"_heads.human.0.bias": torch.ones(7)}),
            r"'_heads.human.0.bias' has shape \(7,\); by config.json it should have \(6,\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(tiny, tmp_path, change, message) -> None:
    made = written(tmp_path / "made", tiny)
    weights = dict(tiny.state_dict())
    change(weights)
    torch.save(weights, made / "pytorch_model.bin")
    model = enformer(str(made), targets="none", length=LENGTH, device="cpu")
    with pytest.raises(ModelError, match=rf"^.*{message}.*$"):
        ask(model, {"s": "ACGT"}, cell="track 0")


def test_neither_a_pointer_nor_a_program_is_a_checkpoint(tiny, tmp_path) -> None:
    made = written(tmp_path / "made", tiny)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    (made / "pytorch_model.bin").write_text(pointer)
    with pytest.raises(ModelError, match="is a pointer of Git LFS, not weights"):
        enformer(str(made), targets="none", length=LENGTH)
    # Nor is what would run code when read.
    torch.save({"stem.0.weight": Path("x")}, made / "pytorch_model.bin")
    model = enformer(str(made), targets="none", length=LENGTH, device="cpu")
    with pytest.raises(ModelError, match="the checkpoint cannot be used: Weights only load failed"):
        ask(model, {"s": "ACGT"}, cell="track 0")


def test_numbers_that_are_none_are_an_error(tiny, tmp_path) -> None:
    made = written(tmp_path / "made", tiny)
    weights = dict(tiny.state_dict())
    weights["_heads.human.0.bias"] = torch.full((6,), torch.nan)
    torch.save(weights, made / "pytorch_model.bin")
    model = enformer(str(made), targets="none", length=LENGTH, device="cpu")
    with pytest.raises(ModelError, match="its answer is not finite"):
        ask(model, {"s": "ACGT"}, cell="track 0")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 1000}, "length=1000: expected a multiple of 128"),
        ({"length": 512}, "length=512 makes 4 bins, of which the network keeps the middle 8"),
        ({"length": LENGTH + 128}, "and an even number more"),
        ({"batch": 0}, "batch=0: expected a number of windows"),
        ({"device": "cuda"}, "device=cuda: torch finds no GPU"),
        ({"gamma": "tf"}, "gamma=tf: what TensorFlow computed is known for length=196608 alone"),
        ({"targets": "nowhere.txt"}, "targets=nowhere.txt: no such file or folder"),
    ],
)
def test_settings_out_of_range_are_refused(folder, settings, message) -> None:
    if settings.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match=message):
        enformer(str(folder), **({"length": LENGTH} | settings))


def test_a_network_may_keep_all_bins(tmp_path) -> None:
    whole = network(target_length=-1)
    folder = written(tmp_path, whole)
    model = enformer(str(folder), targets="none", length=LENGTH, device="cpu")
    assert model.declaration.output_length == LENGTH
    sequence = bases(11, LENGTH)
    answer = ask(model, {"s": sequence}, cell="track 1")
    np.testing.assert_allclose(answer.predictions["s"], direct(whole, sequence)[:, 1], **TOLERANCE)


def test_a_checkpoint_of_another_kind_is_refused(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="is of a network 'bert'; expected 'enformer'"):
        enformer(str(tmp_path))
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match=r"config\.json is no JSON object"):
        enformer(str(tmp_path))
    with pytest.raises(UsageError, match=r"enformer:\./nowhere: no such folder"):
        enformer("./nowhere")


def test_without_the_package_the_extra_is_named(folder, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "enformer_pytorch", None)
    with pytest.raises(UsageError, match=r"needs enformer_pytorch: .*'genomark\[enformer\]'$"):
        enformer(str(folder))


def test_tables_may_lie_elsewhere(folder, model, tmp_path) -> None:
    table(tmp_path / "targets_human.txt", tuple(reversed(HUMAN)))
    file = str(tmp_path / "targets_human.txt")
    for place in (str(tmp_path), file):
        made = enformer(str(folder), targets=place, species="human", length=LENGTH)
        cells = [track.cell_type for track in made.declaration.tracks]
        assert cells == [track.cell_type for track in model.declaration.tracks[5::-1]]
        assert made.info.digest != enformer(str(folder), species="human", length=LENGTH).info.digest


def published(tmp_path: Path, **more: object) -> Path:
    """As the published checkpoint says of itself; its weights are not looked at here."""
    heads = {"output_heads": {"human": 5313, "mouse": 1643}}
    config = {"model_type": "enformer"} | heads | more
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({}, tmp_path / "pytorch_model.bin")
    return tmp_path


def test_the_published_tracks_need_no_table(tmp_path, real_data) -> None:
    for species in ("human", "mouse"):
        real_data("matcher_vocabularies", f"enformer_{species}_targets_simplified.txt")
    model = enformer(str(published(tmp_path)), device="cpu")
    declared = model.declaration
    assert (declared.input_length, declared.output_length) == (196_608, 114_688)
    assert len(declared.tracks) == 5313 + 1643
    # The first and the last row of each public table.
    first, mouse = declared.tracks[0], declared.tracks[5313]
    assert (first.assay, first.types) == ("DNASE", ("accessibility",))
    assert first.cell_type == "cerebellum male adult (27 years) and male adult (35 years)"
    assert (mouse.cell_type, mouse.species) == ("B6D2F1/J 416B", "mus_musculus")
    human = [track.assay.partition("_")[0] for track in declared.tracks[:5313]]
    assert {each: human.count(each) for each in set(human)} == {
        "DNASE": 674,
        "ATAC": 10,
        "CHIP": 3991,
        "CAGE": 638,
    }
    assert "gamma features of positions as TensorFlow computes them" in model.info.notes


def test_the_published_tracks_without_a_network_are_an_error_or_numbers(tmp_path, no_data) -> None:
    folder = str(published(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"enformer_human_targets_simplified\.txt"):
        enformer(folder, device="cpu")
    model = enformer(folder, device="cpu", targets="none", gamma="torch")
    assert len(model.declaration.tracks) == 6956
    assert "gamma features of positions as torch computes them" in model.info.notes


def test_the_converted_weights_are_known_by_name(tmp_path, monkeypatch) -> None:
    folder = published(tmp_path, use_tf_gamma=False)
    # Elsewhere, config.json is believed.
    model = enformer(str(folder), device="cpu", targets="none")
    assert "gamma features of positions as torch computes them" in model.info.notes
    asked = []

    def snapshot(name: str, **more: Any) -> str:
        asked.append((name, more["revision"]))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    name = "EleutherAI/enformer-official-rough@abc"
    model = enformer(name, device="cpu", targets="none")
    assert set(asked) == {("EleutherAI/enformer-official-rough", "abc")}
    assert "gamma features of positions as TensorFlow computes them" in model.info.notes
    assert model.info.id == f"enformer:{name},targets=none,device=cpu"


@pytest.mark.parametrize("gamma", ["tf", "torch"])
def test_positions_are_computed_as_asked(tmp_path, gamma) -> None:
    # As many positions as in the published network, of eight bases each.
    shape = {"dim": 192, "heads": 1, "depth": 1, "num_downsamples": 3, "target_length": 896}
    wide = network(**shape, output_heads={"human": 6}, use_tf_gamma=gamma == "tf")
    folder = written(tmp_path, wide)
    table(folder / "targets_human.txt", HUMAN)
    sequence = bases(10, 896 * 8)
    margin = "N" * (320 * 8)
    answers = {
        each: ask(
            enformer(str(folder), gamma=each, length=1536 * 8, device="cpu"),
            {"s": sequence},
            "binding_h3k27ac",
        ).predictions["s"]
        for each in ("tf", "torch", "auto")
    }
    expected = direct(wide, margin + sequence + margin)[:, 2]
    np.testing.assert_allclose(answers[gamma], expected, **TOLERANCE)
    np.testing.assert_array_equal(answers["auto"], answers[gamma])
    assert not np.array_equal(answers["tf"], answers["torch"])
