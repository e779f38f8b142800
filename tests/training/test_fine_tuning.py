"""Fine-tuning of tiny random checkpoints, loaded from folders in their real formats."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "models" / "hub"))
import tiny_checkpoints

torch = pytest.importorskip("torch")

from genomark.errors import CapabilityError, UnknownNameError, UsageError  # noqa: E402
from genomark.models import Fitting  # noqa: E402
from genomark.models.hub.model import hub_model  # noqa: E402
from genomark.models.zero_shot import zero_shot  # noqa: E402
from genomark.sequences import LabelledSequences, TaskSplit  # noqa: E402
from genomark.training.feature_models import ProbedEmbedder  # noqa: E402
from genomark.training.fine_tuning import FineTunedCheckpoint, LowRank, fine_tuned  # noqa: E402
from genomark.training.protocols import protocol_spec  # noqa: E402
from genomark.training.token_network import TokenEncoder  # noqa: E402

BUILDERS = {**tiny_checkpoints.BUILDERS, "own-code": tiny_checkpoints.own_code}
FAMILIES = tuple(BUILDERS)
OWN_CODE = ("own-code",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def find(name: str) -> str:
        if name not in made:
            place = tmp_path_factory.mktemp("tiny") / name
            made[name] = str(BUILDERS[name](place))
        return made[name]

    return find


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    monkeypatch.syspath_prepend(str(tmp_path / "m"))


def made(folder: str, name: str, **settings: object) -> FineTunedCheckpoint:
    trust = "yes" if name in OWN_CODE else "no"
    return fine_tuned(folder, trust=trust, **{"epochs": 2, "batch_size": 8, **settings})


def told(kind: str, n: int = 24, length: int = 24) -> LabelledSequences:
    """Sequences of different lengths; those rich in G say yes."""
    random = np.random.default_rng(0)
    sequences = []
    for row in range(n):
        share = 0.7 if row % 2 else 0.1
        letters = random.choice(list("GACT"), length - row % 5, p=[share, *[(1 - share) / 3] * 3])
        sequences.append("".join(letters))
    yes = np.array([[row % 2] for row in range(n)], float)
    targets: object = yes
    labels: tuple[str, ...] = ("yes",)
    if kind == "multi-class":
        targets, labels = np.hstack([1 - yes, yes]), ("no", "yes")
    elif kind == "multi-label":
        targets, labels = np.hstack([yes, 1 - yes]), ("rich", "poor")
    elif kind == "regression":
        targets, labels = np.hstack([yes * 3, yes]), ("x", "y")
    elif kind == "token-classes":
        targets = tuple(np.array([int(b == "G") for b in s], np.int16) for s in sequences)
        labels = ("other", "G")
    elif kind == "token-regression":
        targets = tuple(np.array([[float(b == "G")] for b in s], np.float32) for s in sequences)
        labels = ("G",)
    elif kind == "pair-classes":
        targets = tuple(
            np.array([[int(a == b) for b in s] for a in s], np.int16) for s in sequences
        )
        labels = ("other", "same")
    return LabelledSequences(
        kind,
        labels,
        tuple(map(str, range(n))),
        tuple(sequences),
        targets,  # type: ignore[arg-type]
    )


def split_of(kind: str, **settings: int) -> TaskSplit:
    everything = told(kind, **settings)
    n = len(everything)
    select_by = {"regression": "mean_spearman", "token-regression": "mcrmse"}.get(kind, "f1_macro")
    cut = 2 * n // 3
    return TaskSplit("t", everything.take(range(cut)), everything.take(range(cut, n)), select_by)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_fine_tuned_by_either_method(
    name: str, method: str, folder: Callable[[str], str]
) -> None:
    model = made(folder(name), name, method=method)
    split = split_of("binary")
    if name == "own-code" and method == "lora":
        # Its code has recurrent layers alone.
        with pytest.raises(UsageError, match="no linear layer that a low-rank addition"):
            model.fit_task(split, Fitting(seed=1))
        return
    fitted = model.fit_task(split, Fitting(seed=1))
    answers = np.asarray(fitted.answers(split.valid.sequences))
    assert answers.shape == (8, 1)
    assert np.isfinite(answers).all()
    report = fitted.report
    if method == "full":
        assert report["trained_parameters"] == report["parameters"]
    else:
        # The low-rank addition and the head: a part of the whole.
        assert 0 < report["trained_parameters"] < 0.7 * report["parameters"]


@pytest.mark.parametrize(
    "kind",
    [
        "multi-class",
        "multi-label",
        "regression",
        "token-classes",
        "token-regression",
        "pair-classes",
    ],
)
@pytest.mark.parametrize("name", ["esm", "bert-kmers"])
def test_every_kind_of_task_is_answered_by_bases(
    kind: str, name: str, folder: Callable[[str], str]
) -> None:
    split = split_of(kind, n=12, length=14)
    fitted = made(folder(name), name, epochs=1).fit_task(split, Fitting())
    answers = fitted.answers(split.valid.sequences)
    assert len(answers) == len(split.valid)
    n = len(split.labels)
    for sequence, answer in zip(split.valid.sequences, answers, strict=True):
        length = len(sequence)
        sides = {"tok": (length,), "pai": (length, length)}.get(kind[:3], ())
        assert answer.shape == (*sides, n)


def test_it_learns_what_a_token_can_tell(folder: Callable[[str], str]) -> None:
    split = split_of("token-classes", n=48)
    model = made(folder("esm"), "esm", method="full", epochs=15, patience=15, learning_rate=3e-3)
    fitted = model.fit_task(split, Fitting())
    hits = [
        (answer.argmax(axis=1) == target).mean()
        for answer, target in zip(
            fitted.answers(split.valid.sequences), split.valid.targets, strict=True
        )
    ]
    assert np.mean(hits) > 0.97


def test_an_answer_does_not_depend_on_what_it_is_batched_with(folder: Callable[[str], str]) -> None:
    split = split_of("binary")
    for name in ("esm", "neox", "own-code"):
        fitted = made(folder(name), name, method="full", epochs=1).fit_task(split, Fitting())
        sequences = list(split.valid.sequences)
        together = np.asarray(fitted.answers(sequences))
        alone = np.concatenate([np.asarray(fitted.answers([each])) for each in sequences])
        back = np.asarray(fitted.answers(sequences[::-1]))[::-1]
        np.testing.assert_allclose(together, alone, atol=1e-5)
        np.testing.assert_allclose(together, back, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    folder: Callable[[str], str],
) -> None:
    split = split_of("binary")
    model = made(folder("esm"), "esm")
    one, same, other = (
        np.asarray(model.fit_task(split, Fitting(seed=seed)).answers(split.valid.sequences))
        for seed in (3, 3, 4)
    )
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_a_low_rank_addition_leaves_the_checkpoints_own_weights(
    folder: Callable[[str], str],
) -> None:
    model = made(folder("esm"), "esm", method="lora", rank=2, epochs=1)
    fitted = model.fit_task(split_of("binary"), Fitting())
    # The pooler, which is not used, is not among what the checkpoint was saved with.
    own = {
        name: each
        for name, each in model.checkpoint.module("trunk").named_parameters()
        if "pooler" not in name
    }
    network = fitted._fitted.network.trunk
    now = {
        name.replace(".base_layer", ""): each
        for name, each in network.named_parameters()
        if "lora_" not in name and "pooler" not in name
    }
    assert own.keys() == now.keys()
    for name, weights in own.items():
        assert torch.equal(weights, now[name]), name
    added = [each for name, each in network.named_parameters() if "lora_B" in name]
    assert added
    assert any(each.abs().sum() > 0 for each in added)
    assert all(2 in each.shape for each in added)


def test_what_a_checkpoint_cannot_see_is_cut_off_and_told(folder: Callable[[str], str]) -> None:
    model = made(folder("esm"), "esm", epochs=1)
    limit = model.checkpoint.max_tokens
    assert limit is not None
    split = split_of("binary", length=limit + 20)
    fitted = model.fit_task(split, Fitting())
    (note,) = (each for each in fitted.report["notes"] if "cut" in each)
    assert note == f"24 sequences were cut to the {limit} tokens that the checkpoint can see"
    encoder = TokenEncoder(model.checkpoint)
    (encoded,) = encoder.encode(["A" * (limit + 20)])
    assert encoder.length(encoded) == limit
    # The token that ends a sequence stays.
    (whole,) = model.checkpoint.tokens(["A" * (limit + 20)])
    assert encoded.ids[-1] == whole.ids[-1]
    assert (encoded.token[limit:] == -1).all()


def test_a_base_is_told_by_the_token_that_begins_at_it(folder: Callable[[str], str]) -> None:
    model = made(folder("bert-kmers"), "bert-kmers")
    (encoded,) = TokenEncoder(model.checkpoint).encode(["ACGTA"])
    # [CLS] ACG CGT GTA [SEP]: the last two bases are in the last word alone.
    assert encoded.token.tolist() == [1, 2, 3, 3, 3]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_probed_and_scores_variants_untrained(
    name: str, folder: Callable[[str], str]
) -> None:
    model = hub_model(folder(name), trust="yes" if name in OWN_CODE else "no")
    split = split_of("multi-class")
    fitted = ProbedEmbedder(model).fit_task(split, Fitting())
    shares = np.asarray(fitted.answers(split.valid.sequences))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    untrained = zero_shot(model)
    assert untrained is not None
    effects = untrained.effects(["ACGTACGTACGT"] * 2, ["ACGTACGTACGT", "ACGTTCGTACGT"])
    assert effects[0] == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(effects[1])
    assert effects[1] != 0.0
    # Networks of an encoder and a decoder have no likelihood of one sequence.
    assert ("distance" if name == "t5" else "likelihood") in untrained.info.id


def test_a_fine_tuning_that_was_stopped_ends_with_the_same_bytes(
    folder: Callable[[str], str], tmp_path: Path
) -> None:
    split = split_of("binary", n=48)
    model = made(folder("esm"), "esm", epochs=4, patience=4)
    whole = np.asarray(model.fit_task(split, Fitting(seed=2)).answers(split.valid.sequences))
    told: list[str] = []

    def stop(line: str) -> None:
        told.append(line)
        if "epoch 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit_task(split, Fitting(seed=2, workspace=tmp_path, tell=stop))
    told.clear()
    again = model.fit_task(split, Fitting(seed=2, workspace=tmp_path, tell=told.append))
    assert told[0].startswith("Going on from epoch")
    assert np.asarray(again.answers(split.valid.sequences)).tobytes() == whole.tobytes()


def test_settings_and_checkpoint_are_the_identity(folder: Callable[[str], str]) -> None:
    first = made(folder("esm"), "esm")
    assert first.info == made(folder("esm"), "esm").info
    others = [
        made(folder("esm"), "esm", method="full"),
        made(folder("esm"), "esm", rank=4),
        made(folder("esm"), "esm", learning_rate=1e-4),
        made(folder("neox"), "neox"),
    ]
    assert len({first.info.digest, *(each.info.digest for each in others)}) == 5
    assert "LoRA of rank 8" in first.info.notes[0]
    assert first.info.id == f"hf:{folder('esm')},epochs=2,batch_size=8 (lora)"
    assert others[0].info.id == f"hf:{folder('esm')},epochs=2,batch_size=8 (full)"


def test_protocols_are_written_into_the_spec() -> None:
    assert protocol_spec("hf:a/b,trust=yes", "lora") == "fine-tuned:a/b,trust=yes,method=lora"
    assert protocol_spec("hf:a/b", "full") == "fine-tuned:a/b,method=full"
    assert protocol_spec("hf:a/b", "probe") == "hf:a/b"
    assert protocol_spec("cnn", "lora") == "cnn"
    with pytest.raises(UnknownNameError, match="No protocol named 'loar'"):
        protocol_spec("hf:a/b", "loar")


def test_bad_settings_are_named(folder: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="rank of 1 or more"):
        LowRank(rank=0)
    with pytest.raises(UsageError, match="epochs must be 1 or more"):
        made(folder("esm"), "esm", epochs=0)
    with pytest.raises(CapabilityError, match="cannot answer 'folding' tasks"):
        made(folder("esm"), "esm").check_task("folding")  # type: ignore[arg-type]
