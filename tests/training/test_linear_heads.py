"""Linear heads of tasks on sequences against scikit-learn at tight tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score

from genomark.errors import CapabilityError
from genomark.models import Fitting
from genomark.scoring import ModelIdentity
from genomark.sequences import LabelledSequences, TaskSplit
from genomark.training.feature_models import Kmer, Onehot, ProbedEmbedder
from genomark.training.linear import ALPHAS, INVERSE_STRENGTHS, fit_linear


def table(n: int = 240, d: int = 12, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    # Of float32 precision, in float64: scikit-learn computes in the type it is given.
    features = random.normal(size=(n, d)).astype(np.float32).astype(np.float64)
    score = features @ random.normal(size=(d, classes)) + random.gumbel(size=(n, classes))
    return features, score.argmax(axis=1)


def tight(**settings: object) -> LogisticRegression:
    return LogisticRegression(tol=1e-10, max_iter=10_000, solver="newton-cholesky", **settings)


def test_yes_and_no_is_scikit_learns_logistic_regression_of_the_strength_chosen_on_valid() -> None:
    features, classes = table()
    targets = (classes == 0).astype(float)[:, None]
    head = fit_linear("binary", features, targets, 180, scale="none")
    losses = []
    for strength in INVERSE_STRENGTHS:
        model = tight(C=strength).fit(features[:180], targets[:180, 0])
        shares = model.predict_proba(features[180:])[np.arange(60), targets[180:, 0].astype(int)]
        losses.append(-np.log(shares).mean())
    best = INVERSE_STRENGTHS[int(np.argmin(losses))]
    assert head.strength == (best,)
    assert [loss for _, loss in head.tried] == pytest.approx(losses, rel=1e-5)
    whole = tight(C=best).fit(features, targets[:, 0])
    np.testing.assert_allclose(
        head.answers(features)[:, 0], whole.decision_function(features), rtol=1e-4, atol=1e-5
    )


def test_classes_are_scikit_learns_multinomial_regression() -> None:
    features, classes = table()
    head = fit_linear("multi-class", features, np.eye(3)[classes], 180, scale="none", strength=0.5)
    whole = tight(C=0.5).fit(features, classes)
    np.testing.assert_allclose(
        head.answers(features), whole.predict_proba(features), rtol=1e-4, atol=1e-6
    )
    assert head.tried == ()


def test_each_of_several_labels_has_its_own_fit_and_one_without_positives_says_no() -> None:
    features, classes = table()
    targets = np.column_stack([classes == 0, classes == 2, np.zeros(len(classes))]).astype(float)
    answers = fit_linear("multi-label", features, targets, 180, scale="none", strength=1.0).answers(
        features
    )
    for label in (0, 1):
        whole = tight(C=1.0).fit(features, targets[:, label])
        np.testing.assert_allclose(
            answers[:, label], whole.decision_function(features), rtol=1e-4, atol=1e-5
        )
    assert (answers[:, 2] < 0).all()


def test_a_class_that_only_the_validation_part_has_is_learned_in_the_end() -> None:
    features, classes = table()
    order = np.argsort(classes == 2, kind="stable")
    features, classes = features[order], classes[order]
    n_train = int((classes != 2).sum())
    head = fit_linear("multi-class", features, np.eye(3)[classes], n_train, scale="none")
    assert head.answers(features)[n_train:, 2].mean() > 0.3


def test_values_are_scikit_learns_ridge_of_what_was_measured() -> None:
    features, _ = table()
    random = np.random.default_rng(1)
    values = np.column_stack([features[:, 0] * 2 + random.normal(size=240), features[:, 1]])
    values[::5, 1] = np.nan
    head = fit_linear("regression", features, values, 180, scale="none")
    errors = [
        np.mean(
            (
                Ridge(a).fit(features[:180], values[:180, 0]).predict(features[180:])
                - values[180:, 0]
            )
            ** 2
        )
        for a in ALPHAS
    ]
    assert head.strength[0] == ALPHAS[int(np.argmin(errors))]
    told = ~np.isnan(values[:, 1])
    whole = Ridge(head.strength[1]).fit(features[told], values[told, 1])
    np.testing.assert_allclose(head.answers(features)[:, 1], whole.predict(features), atol=1e-5)


def planted(kind: str = "binary", n: int = 300) -> TaskSplit:
    """Sequences whose base at position 5 says the class."""
    random = np.random.default_rng(2)
    sequences = ["".join(random.choice(list("ACGT"), 20)) for _ in range(n)]
    targets = np.array([[float(each[5] in "AC")] for each in sequences])
    told = LabelledSequences(kind, ("yes",), tuple(map(str, range(n))), tuple(sequences), targets)
    return TaskSplit("planted", told.take(range(200)), told.take(range(200, 300)), "f1_macro")


def test_onehot_knows_where_a_base_stands_and_kmer_does_not() -> None:
    split = planted()
    truth = split.valid.targets[:, 0]
    said = {
        type(model).__name__: model.fit_task(split, Fitting()).answers(split.valid.sequences)[:, 0]
        > 0
        for model in (Onehot(), Kmer(k=2))
    }
    assert f1_score(truth, said["Onehot"]) == 1.0
    assert f1_score(truth, said["Kmer"]) < 0.9


def test_the_number_of_threads_changes_no_answer() -> None:
    split = planted()
    one, two = (
        Onehot().fit_task(split, Fitting(threads=n)).answers(split.valid.sequences) for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_onehot_of_positions_sees_what_is_around() -> None:
    random = np.random.default_rng(3)
    sequences = tuple("".join(random.choice(list("ACGU"), 30)) for _ in range(40))
    # A position is of class 1 where the base three before it is G.
    targets = tuple(
        np.array([-1, -1, -1] + [int(s[i - 3] == "G") for i in range(3, 30)], np.int16)
        for s in sequences
    )
    told = LabelledSequences(
        "token-classes", ("0", "1"), tuple(map(str, range(40))), sequences, targets
    )
    split = TaskSplit("shift", told.take(range(30)), told.take(range(30, 40)), "f1_macro")
    fitted = Onehot().fit_task(split, Fitting())
    answers = fitted.answers(split.valid.sequences)
    assert [each.shape for each in answers] == [(30, 2)] * 10
    hits = [
        (answer.argmax(axis=1) == target)[target >= 0].mean()
        for answer, target in zip(answers, split.valid.targets, strict=True)
    ]
    assert np.mean(hits) == 1.0
    assert fitted.report["features"] == 41 * 4


def test_kmer_cannot_tell_positions_apart() -> None:
    with pytest.raises(CapabilityError, match="kmer cannot answer token-classes tasks"):
        Kmer().check_task("token-classes")
    Onehot().check_task("token-regression")
    with pytest.raises(CapabilityError, match="pair-classes"):
        Onehot().check_task("pair-classes")


class Composition:
    """An embedder of counts of bases."""

    info = ModelIdentity(id="composition", version="1", digest="composition")

    def embed(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        return np.array([[each.count(base) for base in "ACGT"] for each in sequences], np.float32)

    def embed_positions(self, sequences, progress=lambda done: None):
        return [np.eye(4, dtype=np.float32)[["ACGT".index(b) for b in s]] for s in sequences]


def test_a_probe_is_a_linear_head_on_frozen_vectors() -> None:
    random = np.random.default_rng(4)
    sequences = tuple(
        "".join(random.choice(list("ACGT"), 30, p=[p, 0.2, 0.2, 0.6 - p]))
        for p in random.uniform(0.1, 0.5, 200)
    )
    targets = np.array([[each.count("A") - each.count("T")] for each in sequences], float)
    told = LabelledSequences("regression", ("v",), tuple(map(str, range(200))), sequences, targets)
    split = TaskSplit("t", told.take(range(150)), told.take(range(150, 200)), "spearman")
    lines: list[str] = []
    probe = ProbedEmbedder(Composition())
    fitted = probe.fit_task(split, Fitting(tell=lines.append))
    # A difference of two counts is linear in the counts.
    np.testing.assert_allclose(
        fitted.answers(split.valid.sequences), split.valid.targets, atol=0.05
    )
    assert probe.info.id == "composition (probe)"
    assert any("of 200 sequences embedded" in line for line in lines)


def test_the_same_settings_have_the_same_identity_and_others_another() -> None:
    assert Onehot().info == Onehot().info
    assert Onehot(C=0.01).info.id == "onehot:C=0.01"
    assert Onehot(C=0.01).info.digest != Onehot().info.digest
    assert Kmer(5, "single", alpha=300.0).info.id == "kmer:k=5,strands=single,alpha=300"
    assert Kmer().info.id == "kmer:k=5"
