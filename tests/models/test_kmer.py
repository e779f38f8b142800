"""`kmer` against words counted one by one."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from genomark.errors import DatasetError, UsageError
from genomark.models import Predictor, Trainable, load_model
from genomark.models.kmer import Kmer
from genomark.models.ridge import PENALTIES, LinearFit

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")

sequences_with_n = st.lists(st.text("ACGTN", max_size=60), min_size=1, max_size=5)
ks = st.integers(1, 8)
strands = st.sampled_from(["merged", "single"])


def reverse_complement(sequence: str) -> str:
    return sequence.translate(_COMPLEMENT)[::-1]


def words(sequence: str, k: int) -> list[str]:
    """All words of a sequence that hold no N."""
    found = (sequence[start : start + k] for start in range(len(sequence) - k + 1))
    return [word for word in found if "N" not in word]


def canonical(word: str) -> str:
    return min(word, reverse_complement(word))


def columns(k: int, strands: str) -> list[str]:
    """Words in the order of the feature columns: alphabetical."""
    everything = ["".join(letters) for letters in itertools.product("ACGT", repeat=k)]
    return sorted({canonical(word) for word in everything}) if strands == "merged" else everything


def naive_features(sequences: list[str], k: int, strands: str) -> np.ndarray:
    order = {word: column for column, word in enumerate(columns(k, strands))}
    table = np.zeros((len(sequences), len(order)))
    for row, sequence in enumerate(sequences):
        for word, count in Counter(words(sequence, k)).items():
            table[row, order[canonical(word) if strands == "merged" else word]] += count
    return table


def random_fit(features: int, seed: int = 0) -> LinearFit:
    draw = np.random.default_rng(seed)
    return LinearFit(draw.normal(size=features), float(draw.normal()), 1.0)


@given(sequences_with_n, st.integers(1, 5), strands)
def test_features_are_counts_of_words_without_n(sequences: list[str], k: int, strands: str) -> None:
    features = Kmer(k, strands).features(sequences)
    np.testing.assert_array_equal(features, naive_features(sequences, k, strands))


@given(sequences_with_n, ks)
def test_no_word_is_lost_or_counted_twice(sequences: list[str], k: int) -> None:
    features = Kmer(k, "single").features(sequences)
    for row, sequence in zip(features, sequences, strict=True):
        expected = Counter(words(sequence, k))
        assert row.sum() == expected.total()
        for word, count in expected.items():
            # A word is a number in base 4, A C G T its digits.
            assert row[int(word.translate(str.maketrans("ACGT", "0123")), 4)] == count


@pytest.mark.parametrize("k", range(1, 9))
def test_merging_strands_leaves_one_column_for_a_word_and_its_reverse_complement(k: int) -> None:
    palindromes = 4 ** (k // 2) if k % 2 == 0 else 0
    assert Kmer(k).features(["A"]).shape == (1, (4**k + palindromes) // 2)
    assert Kmer(k, "single").features(["A"]).shape == (1, 4**k)


def test_a_known_count() -> None:
    # ACGT reads the same on both strands; AAC and GTT are one word, as are CGT and ACG.
    features = Kmer(3).features(["AACGTTNAAC"])[0]
    found = dict(zip(columns(3, "merged"), features, strict=True))
    assert {word: count for word, count in found.items() if count} == {"AAC": 3, "ACG": 2}


@given(sequences_with_n, ks, strands)
def test_predictions_are_features_times_weights(sequences: list[str], k: int, strands: str) -> None:
    model = Kmer(k, strands)
    features = model.features(sequences)
    fit = random_fit(features.shape[1])
    np.testing.assert_allclose(
        model.predict_points(fit, sequences),
        features @ fit.weights + fit.intercept,
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("strands", ["merged", "single"])
def test_long_sequences_count_as_short_ones_do(k: int, strands: str) -> None:
    random = np.random.default_rng(k)
    letters = random.choice(np.frombuffer(b"ACGT", np.uint8), 70_000)
    # Alone, in a row, at the ends, and where one block of words ends and the next begins.
    letters[[0, 50, 51, 52, 4094, 4096, 4101, 8192, 69_999]] = ord("N")
    letters[30_000:39_000] = ord("N")
    sequence = letters.tobytes().decode()
    features = Kmer(k, strands).features([sequence[:5_000], sequence, "", sequence[:4096]])
    order = {word: column for column, word in enumerate(columns(k, strands))}
    for row, part in zip(features, [sequence[:5_000], sequence, "", sequence[:4096]], strict=True):
        expected = np.zeros(len(order))
        for word, count in Counter(words(part, k)).items():
            expected[order[canonical(word) if strands == "merged" else word]] += count
        np.testing.assert_array_equal(row, expected)


def test_counts_are_those_of_scikit_learn() -> None:
    letters = np.random.default_rng(3).choice(np.frombuffer(b"ACGT", np.uint8), (4, 9_000))
    sequences = [row.tobytes().decode() for row in letters]
    counter = CountVectorizer(
        analyzer="char", ngram_range=(6, 6), lowercase=False, vocabulary=columns(6, "single")
    )
    np.testing.assert_array_equal(
        Kmer(6, "single").features(sequences), counter.transform(sequences).toarray()
    )


def test_small_letters_are_no_bases() -> None:
    assert Kmer(2, "single").features(["ACgTTT"])[0].sum() == 3
    assert Kmer(1, "single").features(["acgt"])[0].sum() == 0


def test_threads_side_by_side_count_the_same() -> None:
    letters = np.random.default_rng(4).choice(np.frombuffer(b"ACGTN", np.uint8), (6, 20_000))
    sequences = [row.tobytes().decode() for row in letters]
    model = Kmer(6)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda each: model.features([each])[0], sequences))
    np.testing.assert_array_equal(found, model.features(sequences))


@given(st.text("ACGTN", min_size=1, max_size=80), st.integers(1, 6))
def test_merged_strands_do_not_tell_a_sequence_from_its_reverse_complement(
    sequence: str, k: int
) -> None:
    model = Kmer(k)
    pair = [sequence, reverse_complement(sequence)]
    features = model.features(pair)
    np.testing.assert_array_equal(features[0], features[1])
    forward, backward = model.predict_points(random_fit(features.shape[1]), pair)
    assert forward == pytest.approx(backward, rel=1e-11, abs=1e-11)


def test_single_strands_do_tell_them_apart() -> None:
    features = Kmer(2, "single").features(["AACC", "GGTT"])
    assert (features[0] != features[1]).any()


@given(st.lists(st.text("ACGTN", min_size=1, max_size=60), min_size=2, max_size=8), st.randoms())
def test_an_answer_does_not_depend_on_its_batch(sequences: list[str], random: Any) -> None:
    model = Kmer(4)
    fit = random_fit(136)
    alone = {sequence: model.predict_points(fit, [sequence])[0] for sequence in sequences}
    random.shuffle(sequences)
    together = model.predict_points(fit, sequences)
    # Bit for bit: results are equal on every executor and every number of workers.
    assert together.tolist() == [alone[sequence] for sequence in sequences]


@pytest.mark.parametrize("k", [0, -1, 9, 100])
def test_k_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(UsageError, match=f"from 1 to 8, not {k}$"):
        Kmer(k)


def test_sequences_shorter_than_a_word_get_the_intercept() -> None:
    model = Kmer(5)
    assert model.predict_points(random_fit(512), ["ACGT", "A", "NNNNNNN"]).tolist() == (
        [random_fit(512).intercept] * 3
    )


def test_ids_say_what_was_asked_for() -> None:
    assert Kmer().id == "kmer:k=5"
    assert Kmer(6).id == "kmer:k=6"
    assert Kmer(4, "single").id == "kmer:k=4,strands=single"
    for spec in ("kmer:k=6", "kmer:k=4,strands=single"):
        assert load_model(spec).info.id == spec


def test_identities_differ_in_every_setting() -> None:
    models = [Kmer(k, strands) for k in (4, 5) for strands in ("merged", "single")]
    assert len({model.info.digest for model in models}) == 4


def test_it_is_a_recipe_and_not_yet_a_predictor() -> None:
    assert isinstance(Kmer(), Trainable)
    assert not isinstance(Kmer(), Predictor)


def test_without_data_there_is_no_default_split(no_data: None) -> None:
    with pytest.raises(DatasetError, match="lentimpra_k562_sample"):
        Kmer().default_split()


def _read(file: Path) -> list[dict[str, str]]:
    with file.open() as table:
        return list(csv.DictReader(table, delimiter="\t"))


def test_the_default_split_shares_no_element_with_the_test_set(
    lentimpra: dict[str, Path],
) -> None:
    tested = {row["seq_id"].split("_")[0] for row in _read(lentimpra["test"])}
    candidates = _read(lentimpra["train"]) + _read(lentimpra["valid"])
    kept = [row for row in candidates if row["seq_id"].split("_")[0] not in tested]
    split = Kmer().default_split()
    assert len(candidates) == 2000
    assert split.dropped == 86
    assert len(split.sequences) == 1914
    assert split.sequences == [row["seq"] for row in kept]
    assert split.values.tolist() == [float(row["mean_value"]) for row in kept]
    assert split.groups == [row["seq_id"].split("_")[0] for row in kept]
    assert not set(split.groups) & tested


def test_both_orientations_of_an_element_are_one_group(lentimpra: dict[str, Path]) -> None:
    split = Kmer().default_split()
    names = [row["seq_id"] for row in _read(lentimpra["train"]) + _read(lentimpra["valid"])]
    pairs = {name.removesuffix("_F") for name in names if name.endswith("_F")} & {
        name.removesuffix("_Reversed:") for name in names if name.endswith("_Reversed:")
    }
    counts = Counter(split.groups)
    kept = pairs & set(counts)
    assert len(kept) > 10
    assert all(counts[element] >= 2 for element in kept)


def test_the_notes_say_what_was_left_out(lentimpra: dict[str, Path]) -> None:
    model = Kmer()
    identity = model.identity(model.default_split())
    assert identity.notes == [
        "fitted on lentimpra_k562_sample train + valid (1,914 sequences; 86 dropped, their "
        "element is in the test set)"
    ]
    assert identity.digest != model.info.digest


def test_the_default_fit_is_the_ridge_that_scikit_learn_fits(
    lentimpra: dict[str, Path], predictions: Callable[..., list[Any]]
) -> None:
    k = 3
    model = Kmer(k)
    split = model.default_split()
    features = naive_features(split.sequences, k, "merged")
    scaled = StandardScaler().fit_transform(features)
    folds = [sorted(set(split.groups)).index(group) % 5 for group in split.groups]
    errors = []
    for penalty in PENALTIES:
        error = 0.0
        for train, test in PredefinedSplit(folds).split():
            ridge = Ridge(alpha=penalty).fit(scaled[train], split.values[train])
            error += ((ridge.predict(scaled[test]) - split.values[test]) ** 2).sum()
        errors.append(error)
    best = PENALTIES[int(np.argmin(errors))]
    expected = make_pipeline(StandardScaler(), Ridge(alpha=best)).fit(features, split.values)
    tested = [row["seq"] for row in _read(lentimpra["test"])]
    np.testing.assert_allclose(
        predictions(model.fit(split), tested, scale="log"),
        expected.predict(naive_features(tested, k, "merged")),
        rtol=1e-8,
        atol=1e-8,
    )


def test_it_learns_what_drives_expression(
    lentimpra: dict[str, Path], ask: Callable[..., Any]
) -> None:
    model = Kmer()
    task = ask(model.fit(model.default_split()), [row["seq"] for row in _read(lentimpra["test"])])
    predicted = list(task.predictions.values())
    measured = [float(row["mean_value"]) for row in _read(lentimpra["test"])]
    # Chance would give less than 0.1 for 1,000 sequences.
    assert pearsonr(predicted, measured).statistic > 0.4
    assert spearmanr(predicted, measured).statistic > 0.25
    assert (task.cell_type_actual, task.species_actual) == ("K562", "homo_sapiens")
    assert task.scale_prediction_actual == "log"


def test_rna_has_the_words_of_dna():
    counts = Kmer(3).features(["ACGUUGCAUU", "ACGTTGCATT"])
    assert counts[0].sum() == 8
    assert np.array_equal(counts[0], counts[1])
