"""Tasks on labelled sequences as benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

import genomark
from genomark.benchmarks import Asking, SequenceBenchmark, expand, load_benchmark
from genomark.errors import CapabilityError, UnknownNameError, UsageError
from genomark.models import load_model
from genomark.scoring import ModelIdentity
from genomark.sequences import TaskSplit


def write_task(folder: Path, n: int = 120, n_test: int = 60, seed: int = 0) -> Path:
    """A binary task: the base at position 5 tells the class nine times out of ten."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in (("train", n), ("test", n_test)):
        sequences = ["".join(random.choice(list("ACGT"), 30)) for _ in range(size)]
        flipped = random.random(size) < 0.1
        rows = [
            {"sequence": each, "label": str(int((each[5] in "AC") != flip))}
            for each, flip in zip(sequences, flipped, strict=True)
        ]
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))
    return folder


class Seeded:
    """A TaskTrainable whose answers tell what it was given."""

    varies_with_seed = True

    def __init__(self, varies: bool = True) -> None:
        self.varies_with_seed = varies
        self.seen: list[TaskSplit] = []
        self.info = ModelIdentity(id=f"seeded-{varies}", version="1", digest=f"seeded {varies}")

    def check_task(self, kind: str) -> None:
        if kind != "binary":
            raise CapabilityError("binary alone")

    def fit_task(self, split, fitting):
        self.seen.append(split)
        fitting.tell("half way")
        return Answering(fitting.seed)


class Answering:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.report = {"notes": [f"seed {seed}"]}

    def answers(self, sequences):
        random = np.random.default_rng(self.seed)
        return np.array([[(each[5] in "AC") - 0.5] for each in sequences]) + random.normal(
            size=(len(sequences), 1)
        )


def test_every_seed_is_a_fit_and_scores_are_means_over_fits(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    results = genomark.run(
        [Seeded()], f"sequences:{tmp_path / 't'}", out=tmp_path / "out", progress=False
    )
    (result,) = results
    truth = [
        int(json.loads(line)["label"])
        for line in (tmp_path / "t/test.json").read_text().split("\n")
    ]
    sequences = [
        json.loads(line)["sequence"] for line in (tmp_path / "t/test.json").read_text().split("\n")
    ]
    said = [Answering(seed).answers(sequences)[:, 0] > 0 for seed in range(3)]
    expected = [f1_score(truth, each, average="macro") for each in said]
    assert result.metric("f1_macro").value == pytest.approx(np.mean(expected))
    by_seed = [row.value for row in result.metrics if row.name == "f1_macro" and row.group]
    assert by_seed == pytest.approx(expected)
    assert result.metric("mcc").value == pytest.approx(
        np.mean([matthews_corrcoef(truth, each) for each in said])
    )
    assert set(result.settings["fit"]) == {"seed 0", "seed 1", "seed 2"}
    assert result.coverage.asked == result.coverage.answered == 60


def test_no_test_sequence_is_among_what_a_model_is_fitted_on(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    model = Seeded()
    genomark.run([model], f"sequences:{tmp_path / 't'}", out=tmp_path / "o", progress=False)
    test = {
        json.loads(line)["sequence"] for line in (tmp_path / "t/test.json").read_text().split("\n")
    }
    (split, *others) = model.seen
    assert not test & {*split.train.sequences, *split.valid.sequences}
    # The validation part is 10 % of the training file, and the same for every seed.
    assert len(split.train) + len(split.valid) == 120
    assert 8 <= len(split.valid) <= 16
    assert all(each.digest == split.digest for each in others)


def test_a_model_that_does_not_vary_is_fitted_once(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    model = Seeded(varies=False)
    (result,) = genomark.run(
        [model], f"sequences:{tmp_path / 't'}", out=tmp_path / "o", progress=False
    )
    assert len(model.seen) == 1
    assert result.metric("f1_macro").method.endswith("over sequences")
    assert result.coverage.answered == 60


def test_the_number_of_fits_can_be_set_in_the_name(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    model = Seeded()
    (result,) = genomark.run(
        [model], f"sequences:{tmp_path / 't'}", fits=2, out=tmp_path / "o", progress=False
    )
    assert len(model.seen) == 2
    assert result.settings["fits"] == 2
    name = f"sequences:{tmp_path / 't'}#t:fits=5"
    assert len(list(load_benchmark(name).parts())) == 5
    with pytest.raises(UsageError, match=r"Expected `int` (>=|<=) 10*.*it takes fits="):
        load_benchmark("pgb/poly_a.arabidopsis_thaliana:fits=0")
    with pytest.raises(UsageError, match="unknown field `depth`"):
        load_benchmark("pgb/poly_a.arabidopsis_thaliana:depth=0")


def test_a_limit_asks_fewer_sequences_and_fits_on_as_small_a_share(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    model = Seeded()
    (result,) = genomark.run(
        [model], f"sequences:{tmp_path / 't'}", limit=15, out=tmp_path / "o", progress=False
    )
    assert result.coverage.asked == 15
    assert len(model.seen[0].train) == pytest.approx(0.25 * 108, abs=3)


def test_scores_are_told_with_and_without_what_the_training_part_knows(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "t")
    lines = (folder / "test.json").read_text().split("\n")
    train = (folder / "train.json").read_text().split("\n")
    # Ten test sequences are copies of training ones.
    (folder / "test.json").write_text("\n".join([*lines[:50], *train[:10]]))
    (result,) = genomark.run([Seeded()], f"sequences:{folder}", out=tmp_path / "o", progress=False)
    assert result.settings["duplicates"] == {"exact": 10, "near": 10}
    without = [row for row in result.metrics if row.group and row.group.startswith("without")]
    assert {row.name for row in without} >= {"f1_macro", "mcc"}
    assert {row.n for row in without} == {50}
    assert result.metric("f1_macro").n == 60
    assert result.settings["sizes"]["train"] + result.settings["sizes"]["valid"] == 120


def test_controls_mark_both_ends(tmp_path: Path) -> None:
    write_task(tmp_path / "t", n_test=400)
    results = genomark.run(
        ["control:oracle", "control:random"],
        f"sequences:{tmp_path / 't'}",
        seed=1,
        out=tmp_path / "o",
        progress=False,
    )
    oracle, random = results
    assert oracle.metric("f1_macro").value == 1.0
    low, high = next(row for row in random.metrics if row.name == "auroc").interval
    assert low < 0.5 < high


def test_predictions_of_a_file_are_scored(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "t")
    benchmark = load_benchmark(f"sequences:{folder}#t")
    test = benchmark.task.test()
    random = np.random.default_rng(1)
    values = random.normal(size=len(test))
    pl.DataFrame(
        {"item_id": test.ids, "task": [test.labels[0]] * len(test), "value": values}
    ).write_parquet(tmp_path / "mine.parquet")
    (result,) = genomark.run(
        f"file:{tmp_path / 'mine.parquet'}",
        f"sequences:{folder}",
        out=tmp_path / "o",
        progress=False,
    )
    truth = test.targets[:, 0]
    assert result.metric("f1_macro").value == pytest.approx(
        f1_score(truth, values > 0, average="macro")
    )


def test_a_model_that_cannot_be_fitted_is_skipped_with_a_reason(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    results = genomark.run(
        ["gc", "kmer:k=2"], f"sequences:{tmp_path / 't'}", out=tmp_path / "o", progress=False
    )
    assert [each.model.id for each in results] == ["kmer:k=2"]
    (skipped,) = results.skipped
    assert "'gc' can neither be fitted to labelled sequences" in skipped.reason


def test_a_task_without_training_data_is_skipped_by_models_that_are_fitted() -> None:
    benchmark = load_benchmark("pgb/lncrna.z_mays")
    with pytest.raises(CapabilityError, match="no training data"):
        benchmark.identify(load_model("onehot"))
    # Who needs none is asked.
    benchmark.identify(load_model("control:random"))


def test_positions_are_asked_and_answered_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "ssp"
    folder.mkdir()
    pairs = [("GGGAAACCC", "(((...)))"), ("GCGAAAGC", "((....))"), ("AAAAAAAA", "........")]
    text = "\n".join(json.dumps({"seq": s, "label": d}) for s, d in pairs)
    for name in ("train", "test"):
        (folder / f"{name}.json").write_text(text)
    (folder / "task.toml").write_text(
        'title = "structures"\nkind = "token-classes"\nlabels = ["(", ")", "."]\n'
        'metrics = ["f1_macro", "base_pair_f1"]\n\n[files]\ntrain = "train.json"\n'
        'test = "test.json"\nvalid = "test.json"\n'
    )
    (result,) = genomark.run(
        "control:oracle", f"sequences:{folder}", out=tmp_path / "o", progress=False
    )
    assert result.metric("base_pair_f1").value == 1.0
    assert result.metric("f1_macro").value == 1.0
    assert result.metric("f1_macro").n == 3


def test_the_digest_follows_test_and_training_sequences(tmp_path: Path) -> None:
    def digest(name: str) -> str:
        return load_benchmark(f"sequences:{tmp_path / name}#t").digest

    for name in "ab":
        write_task(tmp_path / name / "t")
    assert digest("a") == digest("b")
    for part in ("train", "test"):
        write_task(tmp_path / part / "t")
        file = tmp_path / part / "t" / f"{part}.json"
        file.write_text(file.read_text().rsplit("\n", 1)[0])
        assert digest(part) != digest("a")


def test_suites_and_folders_are_expanded(tmp_path: Path) -> None:
    assert len(expand(["suite:pgb"])) == 31
    assert "rgb/ssp-bprna" in expand(["suite:rgb"])
    for name in ("one", "two"):
        write_task(tmp_path / "many" / name)
    names = expand([f"sequences:{tmp_path / 'many'}"])
    assert [name.rpartition("#")[2] for name in names] == ["one", "two"]
    assert isinstance(load_benchmark(names[0]), SequenceBenchmark)
    with pytest.raises(UnknownNameError, match=r"poly_a\.arabidopsis_thaliana"):
        load_benchmark("pgb/poly_a.arabidopsis")


def test_published_scores_stand_beside_ones_own() -> None:
    settings = load_benchmark("pgb/poly_a.arabidopsis_thaliana").settings()
    rows = {(each["model"], each["group"]): each["value"] for each in settings["published"]}
    # The table of all PGB tasks, as printed there in percent.
    assert rows["OmniGenome-186M", "poly_a"] == pytest.approx(0.8687)
    assert rows["RNABERT", None] == pytest.approx(0.484)
    promoter = load_benchmark("pgb/promoter_strength.leaf")
    assert promoter.headlines == ("spearman", "mse")


def test_an_answer_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    benchmark = load_benchmark(f"sequences:{tmp_path / 't'}#t")
    part = next(iter(benchmark.parts()))

    class Short(Seeded):
        def fit_task(self, split, fitting):
            fitted = Answering(0)
            fitted.answers = lambda sequences: np.zeros((len(sequences), 2))
            return fitted

    with pytest.raises(genomark.errors.ModelError, match="expected 1 numbers, got 2"):
        benchmark.answer(Short(), part, Asking())


def test_an_answer_that_is_no_number_counts_as_failed(tmp_path: Path) -> None:
    write_task(tmp_path / "t")

    class Silent(Seeded):
        def fit_task(self, split, fitting):
            fitted = Answering(fitting.seed)
            known = fitted.answers

            def answers(sequences):
                values = known(sequences)
                values[:2] = np.nan
                return values

            fitted.answers = answers
            return fitted

    (result,) = genomark.run(
        [Silent()], f"sequences:{tmp_path / 't'}", out=tmp_path / "o", progress=False
    )
    assert result.coverage.answered == 58
    assert result.coverage.failed[0].reason == "the model gave no finite number"


def test_more_fits_take_up_those_that_are_there(tmp_path: Path) -> None:
    write_task(tmp_path / "t")
    model = Seeded()
    kept = []
    for fits in (2, 3):
        (result,) = genomark.run(
            [model],
            f"sequences:{tmp_path / 't'}",
            fits=fits,
            out=tmp_path / "o",
            progress=False,
        )
        kept.append({row.group: row.value for row in result.metrics if row.name == "f1_macro"})
    # Two fits and then one more: none is made again, and none depends on how many there are.
    assert len(model.seen) == 3
    for seed in ("seed 0", "seed 1"):
        assert kept[0][seed] == kept[1][seed]
    assert set(kept[1]) - set(kept[0]) == {"seed 2"}


@pytest.mark.slow
def test_linear_baselines_and_a_small_network_answer_when_no_model_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def remember(spec: str, **settings: object) -> object:
        asked.append(spec)
        return load_model("control:oracle")

    monkeypatch.setattr("genomark.runs.order.load_model", remember)
    write_task(tmp_path / "t")
    genomark.run((), f"sequences:{tmp_path / 't'}", out=tmp_path / "o", progress=False)
    assert asked == ["onehot", "kmer", "cnn", "control:random"]
