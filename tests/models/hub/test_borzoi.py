"""Borzoi through GAME, against the network and the arithmetic of borzoi-pytorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from msgspec import UNSET
from safetensors.torch import load_file, save_file

from genomark.errors import ModelError, UsageError
from genomark.models.hub.borzoi import Squash, borzoi
from genomark.models.track_predictor import TrackPredictor
from genomark.models.training_data import NamedTraining
from genomark.protocol import PredictionFailedError, PredictionTask, PredictRequest, TaskPrediction

borzoi_pytorch = pytest.importorskip("borzoi_pytorch")

LENGTH, BIN, BINS = 2048, 32, 16
OUTPUT = BIN * BINS
MARGIN = (LENGTH - OUTPUT) // 2
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
TARGETS = Path(borzoi_pytorch.__file__).parent / "precomputed" / "targets.txt"
N_MOUSE = 2608


def network(**changed: Any) -> Any:
    """A small network (its convolutions have one size) whose every weight matters."""
    settings: dict[str, Any] = {
        "dim": 48,
        "depth": 1,
        "heads": 2,
        "attn_dim_key": 8,
        "attn_dim_value": 8,
        "bins_to_return": BINS,
    }
    with torch.random.fork_rng():
        torch.manual_seed(5)
        made = borzoi_pytorch.Borzoi.from_hparams(**(settings | changed)).eval()
        with torch.no_grad():
            for name, tensor in made.state_dict().items():
                if name.endswith("running_var"):
                    tensor.uniform_(0.5, 2.0)
                elif name.endswith(("bias", "running_mean", "rel_content_bias", "to_out.weight")):
                    tensor.add_(0.5 * torch.randn_like(tensor))
                elif tensor.ndim == 3 and not name.endswith("head.weight"):
                    tensor.mul_(2.0)
    return made


def written(folder: Path, made: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = made.config.to_dict() | {"architectures": ["Borzoi"], "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, default=str))
    save_file(made.state_dict(), folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def tiny() -> Any:
    return network()


@pytest.fixture(scope="module")
def folder(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("checkpoint") / "borzoi", tiny)


@pytest.fixture(scope="module")
def model(folder: Path) -> TrackPredictor:
    return borzoi(str(folder), length=LENGTH, device="cpu")


@pytest.fixture(scope="module")
def mouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of mouse as they are published: without a head for human, and no table."""
    made = network(enable_human_head=False, enable_mouse_head=True)
    return written(tmp_path_factory.mktemp("mouse") / "borzoi", made)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """The public table, read as plain text."""
    lines = [line.split("\t") for line in TARGETS.read_text().splitlines()]
    return pl.DataFrame(lines[1:], schema=["row", *lines[0][1:]], orient="row")


def rows_where(rows: pl.DataFrame, description: str) -> list[int]:
    return [row for row, text in enumerate(rows["description"]) if text == description]


def table(path: Path, n_rows: int, **changed: Callable[[int], object]) -> Path:
    """A table with two strands of each target, all of RNA."""
    columns: dict[str, Callable[[int], object]] = {
        "": lambda row: row,
        "identifier": lambda row: f"ENC{row // 2}{'+-'[row % 2]}",
        "clip_soft": lambda row: 384,
        "scale": lambda row: 0.3,
        "sum_stat": lambda row: "sum_sqrt",
        "strand_pair": lambda row: row ^ 1,
        "description": lambda row: f"RNA:cell {row // 2}",
    }
    columns |= changed
    lines = ["\t".join(columns)]
    lines += ["\t".join(str(value(row)) for value in columns.values()) for row in range(n_rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def bases(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def encoded(window: str) -> torch.Tensor:
    return torch.tensor([[[float(base == letter) for base in window] for letter in "ACGT"]])


def direct(tiny: Any, window: str, *, human: bool = True) -> torch.Tensor:
    """All tracks of a window on the squashed scale, float32[n_tracks, n_bins]."""
    with torch.inference_mode():
        return tiny(encoded(window), is_human=human)[0]


def coverage(squashed: torch.Tensor, rows: pl.DataFrame, chosen: list[int]) -> np.ndarray:
    """As the package undoes the scale, track by track."""
    undone = [
        borzoi_pytorch.pytorch_borzoi_utils.undo_squashed_scale(
            squashed[row].double(),
            clip_soft=float(rows["clip_soft"][row]),
            track_transform=0.75 if "sqrt" in rows["sum_stat"][row] else 1.0,
            track_scale=float(rows["scale"][row]),
        ).numpy()
        for row in chosen
    ]
    return np.array(undone)


def ask(
    model: TrackPredictor,
    sequences: dict[str, str],
    kind: str = "expression",
    cell: str = "K562",
    species: str = "homo_sapiens",
    readout: str = "track",
    **more: Any,
) -> TaskPrediction:
    task = PredictionTask("t", kind, cell, species, scale="linear")
    (answer,) = model.predict(PredictRequest(readout, [task], sequences, **more)).prediction_tasks
    return answer


@pytest.mark.parametrize(
    ("kind", "description", "assay"),
    [
        ("expression", "RNA:K562", "RNA"),
        ("expression_mRNA", "RNA:HepG2", "RNA"),
        ("expression_pol2", "CAGE:liver, adult, pool1", "CAGE"),
        ("accessibility", "DNASE:K562", "DNASE"),
        ("accessibility", "ATAC:Fetal Skeletal Myocyte 1", "ATAC"),
        ("binding_ctcf", "CHIP:CTCF:GM12878", "CHIP_ctcf"),
    ],
)
def test_the_mean_coverage_of_the_tracks_of_the_table(
    model, tiny, rows, kind, description, assay
) -> None:
    chosen = rows_where(rows, description)
    assert chosen
    sequence = bases(1, OUTPUT)
    answer = ask(model, {"s": sequence}, kind, description.rpartition(":")[2])
    squashed = direct(tiny, "N" * MARGIN + sequence + "N" * MARGIN)
    expected = coverage(squashed, rows, chosen).mean(axis=0)
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)
    assert answer.type_actual == [assay]
    assert answer.scale_prediction_actual == "linear"
    assert answer.aggregation == ({"replicates": "mean"} if len(chosen) > 1 else UNSET)
    # Neither bins nor tracks are all alike.
    assert np.ptp(expected) > 0.01 * expected.mean()
    assert squashed.std(dim=0).min() > 0.01 * squashed.mean()


def test_windows_and_ranges_are_those_of_a_predictor_of_tracks(model, tiny, rows) -> None:
    chosen = rows_where(rows, "RNA:K562")
    sequence = bases(2, 3 * OUTPUT)
    answer = ask(
        model,
        {"range": sequence, "all": sequence, "short": sequence[:70]},
        prediction_ranges={"range": [640, 767], "all": [], "short": []},
    )
    # 128 bases in the middle of 512: bins 6 to 9.
    flanked = "N" * LENGTH + sequence + "N" * LENGTH
    window = flanked[LENGTH + 640 - 192 - MARGIN :][:LENGTH]
    expected = coverage(direct(tiny, window)[:, 6:10], rows, chosen).mean(axis=0)
    np.testing.assert_allclose(answer.predictions["range"], expected, **TOLERANCE)
    starts = [LENGTH - MARGIN + tile * OUTPUT for tile in range(3)]
    tiles = [direct(tiny, flanked[start : start + LENGTH]) for start in starts]
    expected = coverage(torch.cat(tiles, dim=1), rows, chosen).mean(axis=0)
    np.testing.assert_allclose(answer.predictions["all"], expected, **TOLERANCE)
    # 70 bases from base 221 on: 29 bases after the start of bin 6, and into bin 9.
    window = "N" * (MARGIN + 221) + sequence[:70] + "N" * (MARGIN + 221)
    expected = coverage(direct(tiny, window)[:, 6:10], rows, chosen).mean(axis=0)
    np.testing.assert_allclose(answer.predictions["short"], expected, **TOLERANCE)
    assert answer.trim_upstream == {"range": 0, "all": 0, "short": 29}
    point = ask(model, {"short": sequence[:70]}, readout="point")
    assert point.predictions["short"] == pytest.approx(expected.mean(), rel=1e-5)


def test_both_strands_swap_the_tracks_of_the_strands(folder, tiny, rows) -> None:
    model = borzoi(str(folder), strands="both", length=LENGTH, device="cpu")
    chosen = rows_where(rows, "RNA:HFFc6")
    # Their partners are among them: pick what has one track, too.
    assert {int(rows["strand_pair"][row]) for row in chosen} == set(chosen)
    sequence = bases(3, OUTPUT)
    window = "N" * MARGIN + sequence + "N" * MARGIN
    reverse = window.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    forward, backward = direct(tiny, window), direct(tiny, reverse).flip(1)
    pairs = [int(pair) for pair in rows["strand_pair"]]
    mean = (forward + backward[pairs]) / 2
    answer = ask(model, {"s": sequence}, cell="HFFc6")
    expected = coverage(mean, rows, chosen).mean(axis=0)
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)
    # One strand alone, through the function of windows itself: no mean hides the swap.
    (plus, minus), *_ = [(row, pairs[row]) for row in chosen if pairs[row] != row]
    found = model.function([window], (plus, minus))[0]
    np.testing.assert_allclose(found, coverage(mean, rows, [plus, minus]), **TOLERANCE)
    assert np.abs(found[0] / found[1] - 1).max() > 1e-2


def test_the_scale_is_undone_as_the_authors_do_it() -> None:
    # Methods of Linder et al.: x^(3/4), above 384 the root of the excess, times the scale.
    counts = np.array([0.0, 0.5, 1.0, 100.0, 2790.0, 5000.0, 1e6])
    squashed = counts**0.75
    squashed = np.where(squashed > 384, 384 + np.sqrt(np.maximum(squashed - 384, 0)), squashed)
    squash = Squash(np.array([1.0, 0.3]), np.array([32.0, 384.0]), np.array([1.0, 0.75]))
    found = squash.undo(0.3 * squashed[None, None], np.array([1]))
    np.testing.assert_allclose(found[0, 0], counts, rtol=1e-9)
    # Without a root: 40 lies 8 above the limit, so 64 above it before.
    found = squash.undo(np.array([[[31.0, 32.0, 40.0]]]), np.array([0]))
    np.testing.assert_allclose(found[0, 0], [31.0, 32.0, 96.0])


def test_the_packaged_table_is_that_of_the_published_predictor(model, real_data) -> None:
    path = real_data("matcher_vocabularies", "borzoi_human_targets_simplified.txt")
    lines = path.read_text().splitlines()[1:]
    tracks = model.declaration.tracks
    assert len(tracks) == len(lines) == 7611
    for track, line in zip(tracks, lines, strict=True):
        assay, cell_type, molecule = line.split("\t")
        # Where a cell type of ChIP-seq has a colon itself, that table leaves out what follows.
        shown = track.cell_type.partition(":")[0] if molecule else track.cell_type
        assert shown == cell_type
        assert track.assay == (f"CHIP_{molecule.lower().replace('.', '')}" if molecule else assay)


def test_identity_is_of_weights_table_and_settings(folder, model, tmp_path) -> None:
    assert model.info.id == f"borzoi:{folder},length=2048,device=cpu"
    assert model.info.notes == ["human: 7611 tracks by targets.txt"]
    assert model.predictor_name == "Borzoi"
    declared = model.declaration
    assert (declared.input_length, declared.output_length, declared.bin_size) == (2048, 512, 32)
    other = tmp_path / "targets.txt"
    other.write_text(TARGETS.read_text().replace("RNA:K562\n", "RNA:K-562\n"))
    others = [
        borzoi(str(folder), length=LENGTH, device="cpu", batch=2),
        borzoi(str(folder), length=LENGTH, device="cpu", strands="both"),
        borzoi(str(folder), length=LENGTH + 128, device="cpu"),
        borzoi(str(folder), length=LENGTH, device="cpu", precision="bf16"),
        borzoi(str(folder), length=LENGTH, device="cpu", targets=str(other)),
    ]
    digests = [model.info.digest, *(each.info.digest for each in others)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == len(others)


def test_half_the_bits_give_nearly_the_same(folder, model) -> None:
    half = borzoi(str(folder), length=LENGTH, precision="bf16", device="cpu", batch=2)
    sequences = {"s": bases(6, OUTPUT), "t": bases(7, OUTPUT)}
    found, exact = (ask(each, sequences).predictions for each in (half, model))
    for name in sequences:
        np.testing.assert_allclose(found[name], exact[name], rtol=0.1, atol=0.1)
        assert not np.array_equal(found[name], exact[name])


def test_the_published_network_keeps_the_middle_of_its_window(tmp_path, folder) -> None:
    config = json.loads((folder / "config.json").read_text()) | {"bins_to_return": 6144}
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({}, tmp_path / "pytorch_model.bin")
    declared = borzoi(str(tmp_path), device="cpu").declaration
    assert (declared.input_length, declared.output_length) == (524_288, 196_608)
    assert declared.training_data == NamedTraining("borzoi-folds")
    (tmp_path / "config.json").write_text(json.dumps(config | {"return_center_bins_only": False}))
    declared = borzoi(str(tmp_path), device="cpu").declaration
    assert (declared.input_length, declared.output_length) == (524_288, 523_264)


def test_mouse_needs_a_table(mouse, tmp_path) -> None:
    for species in ("all", "mouse"):
        with pytest.raises(UsageError, match="no table of targets for mouse, and without their"):
            borzoi(str(mouse), species=species, length=LENGTH)
    with pytest.raises(UsageError, match="species=human: the checkpoint has tracks of mouse only"):
        borzoi(str(mouse), species="human", length=LENGTH)
    # Numbered from where those of human end.
    path = table(
        tmp_path / "targets_mouse.txt",
        N_MOUSE,
        **{"": lambda row: row + 7611, "strand_pair": lambda row: (row ^ 1) + 7611},
    )
    model = borzoi(str(mouse), targets=str(path), strands="both", length=LENGTH, device="cpu")
    weights = network(enable_human_head=False, enable_mouse_head=True)
    weights.load_state_dict(load_file(mouse / "model.safetensors"))
    sequence = bases(4, OUTPUT)
    window = "N" * MARGIN + sequence + "N" * MARGIN
    reverse = window.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    forward = direct(weights, window, human=False)[[8, 9]]
    backward = direct(weights, reverse, human=False)[[9, 8]].flip(1)
    undo = borzoi_pytorch.pytorch_borzoi_utils.undo_squashed_scale
    expected = undo(((forward + backward) / 2).double(), track_scale=0.3).mean(axis=0).numpy()
    answer = ask(model, {"s": sequence}, cell="cell 4", species="mus_musculus")
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)


def test_a_species_without_a_table_is_left_out_beside_one_that_has(tmp_path) -> None:
    made = network(enable_mouse_head=True)
    folder = written(tmp_path / "both", made)
    model = borzoi(str(folder), length=LENGTH, device="cpu")
    assert {track.species for track in model.declaration.tracks} == {"homo_sapiens"}
    with pytest.raises(PredictionFailedError, match="only supports species"):
        ask(model, {"s": "ACGT"}, species="mus_musculus")
    table(folder / "targets_mouse.txt", N_MOUSE)
    model = borzoi(str(folder), length=LENGTH, device="cpu")
    assert len(model.declaration.tracks) == 7611 + N_MOUSE
    sequence = bases(5, OUTPUT)
    squashed = direct(made, "N" * MARGIN + sequence + "N" * MARGIN, human=False)[[6, 7]]
    undo = borzoi_pytorch.pytorch_borzoi_utils.undo_squashed_scale
    expected = undo(squashed.double(), track_scale=0.3).mean(axis=0).numpy()
    answer = ask(model, {"s": sequence}, cell="cell 3", species="mus_musculus")
    np.testing.assert_allclose(answer.predictions["s"], expected, **TOLERANCE)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale": lambda row: 0}, "expected in each row numbers for clip_soft and scale"),
        ({"scale": lambda row: "x"}, "expected in each row numbers for clip_soft and scale"),
        ({"strand_pair": lambda row: row + 1}, "the number of a row for strand_pair"),
        ({"strand_pair": lambda row: row + 0.5}, "the number of a row for strand_pair"),
        ({"description": lambda row: "HIC:x"}, "no assay 'HIC'; expected one of ATAC, CAGE, CHIP"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(mouse, tmp_path, changed, message) -> None:
    path = table(tmp_path / "targets.txt", N_MOUSE, **changed)
    with pytest.raises(UsageError, match=message) as caught:
        borzoi(str(mouse), targets=str(path), length=LENGTH)
    assert "\n" not in str(caught.value)


def test_a_table_without_scales_is_refused(folder, real_data) -> None:
    path = real_data("matcher_vocabularies", "borzoi_human_targets_simplified.txt")
    with pytest.raises(UsageError, match="has no column 'clip_soft' and no column 'scale'"):
        borzoi(str(folder), targets=str(path), length=LENGTH)


def test_weights_that_do_not_fit_are_named(folder, tmp_path, tiny) -> None:
    weights = dict(tiny.state_dict())
    del weights["human_head.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    model = borzoi(str(tmp_path), length=LENGTH, device="cpu")
    with pytest.raises(ModelError, match=r"lacks a tensor 'human_head\.bias'; expected all"):
        ask(model, {"s": "ACGT"})


def test_networks_that_are_not_borzoi_are_refused(folder, tmp_path) -> None:
    config = json.loads((folder / "config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "prime"}))
    with pytest.raises(ModelError, match="is of a network 'prime'; expected 'borzoi'"):
        borzoi(str(tmp_path))
    # Its attention is that of a package that only a GPU can run.
    (tmp_path / "config.json").write_text(json.dumps(config | {"flashed": True}))
    model = borzoi(str(tmp_path), length=LENGTH, device="cpu")
    with pytest.raises(ModelError, match="the checkpoint cannot be used: No module named 'flash"):
        ask(model, {"s": "ACGT"})


def test_what_it_has_no_track_of_is_refused(model) -> None:
    assert "error" in ask(model, {"s": "ACGT"}, cell="nobody").predictions
    with pytest.raises(PredictionFailedError, match=r"only supports species: \['homo_sapiens'\]"):
        ask(model, {"s": "ACGT"}, species="mus_musculus")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 1000}, "length=1000: expected a multiple of 128"),
        ({"length": 256}, "length=256 makes 8 bins, of which the network keeps the middle 16"),
        ({"batch": 0}, "batch=0: expected a number of windows"),
        ({"targets": "none"}, "targets=none: no such file or folder"),
    ],
)
def test_settings_out_of_range_are_refused(folder, settings, message) -> None:
    with pytest.raises(UsageError, match=message):
        borzoi(str(folder), **({"length": LENGTH} | settings))


def test_without_the_package_the_extra_is_named(folder, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "borzoi_pytorch", None)
    with pytest.raises(UsageError, match=r"needs borzoi_pytorch: .*'genomark\[borzoi\]'$"):
        borzoi(str(folder))
