"""Variants learned from pairs of sequences: against a head that is put together by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from training_tasks import labelled, random_sequences

from genomark.errors import CapabilityError, UsageError
from genomark.models import Fitting, load_model
from genomark.scoring import ModelIdentity
from genomark.training import variant_pairs
from genomark.training.feature_models import Kmer, Onehot
from genomark.training.gapped_kmers import Gkm
from genomark.training.linear import INVERSE_STRENGTHS
from genomark.training.neighbours import KmerKnn
from genomark.training.support_vectors import KmerSvr
from genomark.training.variant_pairs import as_variant_trainable


def some_variants(n=400, seed=0):
    """A change in the middle to C or G is of the class, one to A or T is not."""
    draws = np.random.default_rng(seed)
    references = random_sequences(n, seed, (21, 21))
    alternates, classes = [], []
    for each in references:
        base = draws.choice([b for b in "ACGT" if b != each[10]])
        alternates.append(each[:10] + base + each[11:])
        classes.append(float(base in "CG"))
    told = labelled("binary", ("pathogenic",), alternates, np.array(classes)[:, None])
    cut = n // 2
    return (
        *(references[:cut], told.take(range(cut))),
        *(references[cut : 3 * n // 4], told.take(range(cut, 3 * n // 4))),
        *(references[3 * n // 4 :], told.take(range(3 * n // 4, n))),
    )


class Composition:
    """An embedder of shares of bases, which keeps account of what it was asked."""

    info = ModelIdentity(id="composition", version="1", digest="composition", notes=["a note"])

    def __init__(self):
        self.asked = []

    def embed(self, sequences, progress=lambda done: None):
        self.asked.append(list(sequences))
        progress(len(sequences))
        return np.array([[s.count(b) / len(s) for b in "ACGT"] for s in sequences], np.float32)

    def embed_positions(self, sequences, progress=lambda done: None):
        raise AssertionError("nobody is to ask this")


def pair_rows(references, alternates):
    def shares(sequences):
        return np.array([[s.count(b) / len(s) for b in "ACGT"] for s in sequences])

    before, after = shares(references), shares(alternates)
    return np.concatenate([after - before, before], axis=1)


def test_the_head_is_scikit_learns_logistic_regression_on_differences_and_references():
    train_ref, train, valid_ref, valid, test_ref, test = some_variants()
    fitted = as_variant_trainable(Composition()).fit_pairs(
        train_ref, train, valid_ref, valid, Fitting()
    )
    rows = pair_rows([*train_ref, *valid_ref], [*train.sequences, *valid.sequences])
    truth = np.concatenate([train.targets, valid.targets])[:, 0]
    # To the same spread, and to a mean squared length of 1.
    mean, spread = rows.mean(axis=0), rows.std(axis=0) * np.sqrt(rows.shape[1])
    scaled = (rows - mean) / spread

    def machine(strength):
        return LogisticRegression(C=strength, tol=1e-10, max_iter=10_000, solver="newton-cholesky")

    n = len(train)
    losses = []
    for strength in INVERSE_STRENGTHS:
        logits = machine(strength).fit(scaled[:n], truth[:n]).decision_function(scaled[n:])
        losses.append(np.logaddexp(0, np.where(truth[n:] > 0.5, -logits, logits)).mean())
    best = INVERSE_STRENGTHS[int(np.argmin(losses))]
    assert fitted.report["strength"] == [best]
    assert [loss for _, loss in fitted.report["tried"]] == pytest.approx(losses, rel=1e-3)
    asked = (pair_rows(test_ref, test.sequences) - mean) / spread
    expected = machine(best).fit(scaled, truth).decision_function(asked)
    answers = fitted.answers(test_ref, test.sequences)
    assert answers.shape == (len(test), 1)
    np.testing.assert_allclose(answers[:, 0], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        Onehot(),
        Kmer(k=2),
        KmerSvr(k=1, strands="single"),
        Gkm(3, 2, "single"),
        Composition(),
    ],
    ids=lambda each: each.info.id,
)
def test_whatever_has_features_learns_what_a_change_does(model):
    train_ref, train, valid_ref, valid, test_ref, test = some_variants()
    trainable = as_variant_trainable(model)
    fitted = trainable.fit_pairs(train_ref, train, valid_ref, valid, Fitting())
    answers = fitted.answers(test_ref, test.sequences)[:, 0]
    # k-mers on both strands see A>C and T>G as one, and both are told apart from C>A.
    assert roc_auc_score(test.targets[:, 0], answers) > 0.9
    assert trainable.info.notes[-1] == "a linear head on its features of both alleles"


def test_each_sequence_is_embedded_once():
    train_ref, train, valid_ref, valid, *_ = some_variants(40)
    model = Composition()
    as_variant_trainable(model).fit_pairs(
        [train_ref[0]] * len(train), train, valid_ref, valid, Fitting()
    )
    assert len(set(model.asked[-1])) == len(model.asked[-1])
    assert model.asked[-1].count(train_ref[0]) == 1


def test_no_answer_depends_on_threads_or_on_the_batch():
    train_ref, train, valid_ref, valid, test_ref, test = some_variants()
    one, two = (
        as_variant_trainable(Onehot()).fit_pairs(
            train_ref, train, valid_ref, valid, Fitting(threads=n)
        )
        for n in (1, 2)
    )
    whole = one.answers(test_ref, test.sequences)
    np.testing.assert_array_equal(whole, two.answers(test_ref, test.sequences))
    alone = [one.answers([a], [b]) for a, b in zip(test_ref, test.sequences, strict=True)]
    np.testing.assert_array_equal(whole, np.concatenate(alone))


def test_of_too_many_pairs_evenly_spaced_ones_are_taken_and_told_of(monkeypatch):
    train_ref, train, valid_ref, valid, *_ = some_variants()
    monkeypatch.setattr(variant_pairs, "_MOST_CELLS", 8 * 150)
    model = Composition()
    fitted = as_variant_trainable(model).fit_pairs(train_ref, train, valid_ref, valid, Fitting())
    assert fitted.report["rows"] == 150
    assert fitted.report["notes"] == ["fitted on 150 of 300 pairs, evenly spaced"]
    # Before them one pair, to see how many features there are.
    assert model.asked[0] == [train_ref[0], train.sequences[0]]
    assert {each for piece in model.asked[1:] for each in piece} == {
        *(train_ref[::2] + valid_ref[::2]),
        *(train.sequences[::2] + valid.sequences[::2]),
    }


def test_how_far_it_has_come_is_told_and_parts_change_nothing(monkeypatch):
    train_ref, train, valid_ref, valid, test_ref, test = some_variants()
    lines: list[str] = []
    answers = []
    for at_once in (1024, 64):
        monkeypatch.setattr(variant_pairs, "_AT_ONCE", at_once)
        trainable = as_variant_trainable(Onehot())
        fitted = trainable.fit_pairs(train_ref, train, valid_ref, valid, Fitting(tell=lines.append))
        answers.append(fitted.answers(test_ref, test.sequences))
    np.testing.assert_array_equal(*answers)
    assert "features of 256 of 300 pairs" in lines
    assert lines[-1] == "100 of 100 pairs answered"


def test_the_identity_is_that_of_the_model_and_of_what_is_done_with_it():
    info = as_variant_trainable(Composition()).info
    assert info.id == "composition (probe)"
    assert info.notes == ["a note", "a linear head on its features of both alleles"]
    digests = {as_variant_trainable(each).info.digest for each in (Onehot(), Kmer(), Kmer(k=2))}
    assert len(digests | {Onehot().info.digest}) == 4


@pytest.mark.parametrize("spec", ["cnn", "gc", "control:random"])
def test_what_has_no_features_is_refused_in_one_line(spec):
    with pytest.raises(CapabilityError, match=f"'{spec}' .*some that can: ") as refused:
        as_variant_trainable(load_model(spec))
    assert "\n" not in str(refused.value)


def test_pairs_that_do_not_belong_together_are_refused():
    train_ref, train, valid_ref, valid, *_ = some_variants(40)
    trainable = as_variant_trainable(Onehot())
    with pytest.raises(UsageError, match="19 reference sequences for 20 with a variant"):
        trainable.fit_pairs(train_ref[1:], train, [*valid_ref, train_ref[0]], valid, Fitting())
    fitted = trainable.fit_pairs(train_ref, train, valid_ref, valid, Fitting())
    with pytest.raises(UsageError, match="1 reference sequences for 2"):
        fitted.answers(train_ref[:1], train.sequences[:2])


def test_only_yes_and_no_that_are_told_can_be_learned():
    train_ref, train, valid_ref, valid, *_ = some_variants(40)
    trainable = as_variant_trainable(Onehot())
    values = labelled("regression", ("y",), list(train.sequences), train.targets)
    with pytest.raises(CapabilityError, match="binary tasks of one label; this one is regression"):
        trainable.fit_pairs(train_ref, values, valid_ref, valid, Fitting())
    untold = valid.targets.copy()
    untold[3] = np.nan
    part = labelled("binary", ("pathogenic",), list(valid.sequences), untold)
    with pytest.raises(UsageError, match="'s3': 'pathogenic' is not told; expected 0 or 1"):
        trainable.fit_pairs(train_ref, train, valid_ref, part, Fitting())


def test_models_whose_head_is_another_say_so_or_are_refused():
    assert as_variant_trainable(KmerSvr()).info.id == "kmer-svr:k=5 (logistic on both alleles)"
    assert as_variant_trainable(Kmer()).info.id == "kmer:k=5"
    with pytest.raises(CapabilityError, match="'kmer-knn:k=5' is its neighbours"):
        as_variant_trainable(KmerKnn())
