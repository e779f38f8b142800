"""`pairs`: scores of pairs, learned from structures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structure_tasks import LABELS, hairpin_task, hairpins, structures
from training_tasks import labelled, task_of_kind

torch = pytest.importorskip("torch")

from genomark.errors import CapabilityError, UsageError  # noqa: E402
from genomark.models import Fitting, TaskTrainable  # noqa: E402
from genomark.rna.structure import pair_set, partners  # noqa: E402
from genomark.training.encoding import OneHot  # noqa: E402
from genomark.training.networks import pairs as network_of_pairs  # noqa: E402
from genomark.training.networks.pairs import PairNetwork, PairShape, longest_span  # noqa: E402
from genomark.training.pairing import StructureObjective  # noqa: E402
from genomark.training.pairs import Pairs  # noqa: E402

TINY: dict[str, Any] = {"channels": 8, "layers": 1, "pair_channels": 8, "pair_layers": 1}
QUICK = Pairs(**TINY, epochs=8, batch_size=8, learning_rate=1e-2, dropout=0.1, averaging=0.5)
RNA = "GGGACUUCGGUCCCAUGCAUGGGAAACCCAUG"


@pytest.fixture(scope="module")
def fitted() -> Any:
    return QUICK.fit_task(hairpin_task(), Fitting(seed=1))


def small_network(seed: int = 0) -> PairNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PairNetwork(PairShape(8, 1, 8, 2, 0.0)).eval()


def scored(network: PairNetwork, sequences: list[str]) -> np.ndarray:
    encoder = OneHot()
    with torch.no_grad():
        return network(encoder.batch(encoder.encode(sequences))).numpy()


def test_the_plain_name_is_the_usual_recipe():
    assert isinstance(Pairs(), TaskTrainable)
    assert Pairs().info.id == "pairs"
    assert Pairs(layers=1, gamma=2.0).info.id == "pairs:layers=1,gamma=2.0"
    assert Pairs(layers=1).info.digest != Pairs().info.digest


def test_hairpins_are_learned_and_found_in_unseen_sequences(fitted):
    unseen = hairpins(40, 99)
    done: list[int] = []
    found = [fold.structure for fold in fitted.fold(unseen.sequences, done.append)]
    assert done == [1] * 40
    right = said = known = 0
    for one, other in zip(found, structures(unseen), strict=True):
        ours, theirs = pair_set(partners(one)), pair_set(partners(other))
        right, said, known = right + len(ours & theirs), said + len(ours), known + len(theirs)
    assert 2 * right / (said + known) > 0.9
    assert fitted.report["select_by"] == "base_pair_f1"
    assert fitted.report["value"] > 0.9


def test_answers_are_probabilities_of_symbols_in_the_order_of_labels(fitted):
    sequence = hairpins(1, 99).sequences[0]
    (answer,) = fitted.answers([sequence])
    assert answer.shape == (len(sequence), 3)
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)
    opening, closing, probabilities = fitted.pair_probabilities(sequence)
    expected = np.zeros((len(sequence), 3))
    np.add.at(expected[:, LABELS.index("(")], opening, probabilities)
    np.add.at(expected[:, LABELS.index(")")], closing, probabilities)
    expected[:, 0] = 1 - expected.sum(axis=1)
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_structure_hangs_on_its_sequence_alone(fitted):
    one = fitted.fold([RNA])
    assert fitted.fold([RNA * 2, RNA.replace("U", "T"), RNA.lower()])[1:] == one * 2
    assert fitted.answers([RNA, "ACGU" * 20])[0].tobytes() == fitted.answers([RNA])[0].tobytes()
    assert fitted.fold(["N", "NNNNNNNN", "A"]) == [
        replace(one[0], structure=each) for each in (".", "........", ".")
    ]
    with pytest.raises(UsageError, match="sequence 1, position 2: letter 'X'"):
        fitted.fold(["AXC"])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes(fitted, threads):
    again = QUICK.fit_task(hairpin_task(), Fitting(seed=1, threads=threads))
    assert again.answers([RNA])[0].tobytes() == fitted.answers([RNA])[0].tobytes()


@pytest.mark.slow
def test_stopped_and_started_again_it_ends_with_the_same_bytes(fitted, tmp_path: Path):
    lines: list[str] = []

    class Stopped(Exception):
        pass

    def tell(line: str) -> None:
        lines.append(line)
        if line.startswith("epoch 4 of"):
            raise Stopped

    with pytest.raises(Stopped):
        QUICK.fit_task(hairpin_task(), Fitting(seed=1, workspace=tmp_path, tell=tell))
    told: list[str] = []
    again = QUICK.fit_task(hairpin_task(), Fitting(seed=1, workspace=tmp_path, tell=told.append))
    assert told[0] == "Going on from epoch 4"
    assert again.answers([RNA])[0].tobytes() == fitted.answers([RNA])[0].tobytes()
    assert again.report["curve"] == fitted.report["curve"]


def test_long_sequences_are_left_out_of_the_training_and_answered(tmp_path):
    split = hairpin_task(24)
    limit = sorted(map(len, split.train.sequences))[5]
    model = replace(QUICK, epochs=1, longest=limit)
    fit = model.fit_task(split, Fitting())
    left_out = sum(len(each) > limit for each in split.train.sequences)
    assert (
        f"{left_out} sequences of more than {limit} bases were left out of the training part"
        in (fit.report["notes"])
    )
    assert len(fit.fold([RNA * 30])[0].structure) == len(RNA) * 30
    with pytest.raises(UsageError, match=r"training part have more than 5 bases; raise longest="):
        replace(QUICK, longest=5).fit_task(split, Fitting())


def test_other_tasks_are_refused():
    with pytest.raises(CapabilityError, match="cannot answer 'regression' tasks"):
        Pairs().check_task("regression")
    with pytest.raises(CapabilityError, match="'token-classes' has 'A', 'C', 'G', 'T'"):
        Pairs().fit_task(task_of_kind("token-classes"), Fitting())


def test_a_bracket_without_a_partner_is_told_with_its_sequence():
    bad = labelled("token-classes", LABELS, ["GGAAACC"], [np.array([1, 1, 0, 0, 0, 0, 2])])
    split = replace(hairpin_task(8), train=bad)
    with pytest.raises(UsageError, match=r"'hairpins', 's0': structure, position 1: '\(' is never"):
        QUICK.fit_task(split, Fitting())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"channels": 0}, "channels must be 1 or more"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"gamma": 0.0}, "gamma must be above 0"),
        ({"epochs": 0}, "epochs must be 1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        Pairs(**settings)


def test_only_pairs_that_could_be_are_scored():
    scores = scored(small_network(), [RNA])[0]
    for i in range(len(RNA)):
        for j in range(len(RNA)):
            able = j - i > 3 and {RNA[i], RNA[j]} in ({"A", "U"}, {"G", "C"}, {"G", "U"})
            assert np.isfinite(scores[i, j]) == able


def test_padding_changes_no_score():
    alone = scored(small_network(), [RNA])[0]
    beside = scored(small_network(), ["ACGU" * 15, RNA])[1]
    n = len(RNA)
    np.testing.assert_allclose(beside[:n, :n], alone, atol=1e-5)
    assert not np.isfinite(beside[n:]).any()


def test_a_pair_hears_of_those_it_stacks_upon():
    # The middle pair of a stem, with and without its outer neighbour; single bases have no say.
    network = small_network()
    for side in network.sides:
        side.weight.data.zero_()
    first, second = (scored(network, [each])[0] for each in ("GGGAAAACCC", "AGGAAAACCA"))
    assert first[1, 8] != second[1, 8]
    assert first[0, 9] != pytest.approx(first[1, 8], abs=1e-6)


def test_long_sequences_are_looked_at_nearby(monkeypatch):
    assert [longest_span(n) for n in (1, 2, 512, 4096, 10_000)] == [1, 1, 511, 4095, 1677]
    monkeypatch.setattr(network_of_pairs, "_MOST_CELLS", 32 * 10)
    near = scored(small_network(), [RNA])[0]
    monkeypatch.undo()
    full = scored(small_network(), [RNA])[0]
    apart = np.subtract.outer(np.arange(32), np.arange(32)).T
    assert np.isfinite(near[(apart <= 10) & np.isfinite(full)]).all()
    assert not np.isfinite(near[apart > 10]).any()
    # Two layers hear of pairs at most four further apart each.
    np.testing.assert_allclose(near[apart <= 2], full[apart <= 2])


def nested_sets(pairs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    if not pairs:
        return [[]]
    (i, k), rest = pairs[0], pairs[1:]
    fitting = [(a, b) for a, b in rest if not {a, b} & {i, k} and (i < a < k) == (i < b < k)]
    return nested_sets(rest) + [[(i, k), *others] for others in nested_sets(fitting)]


def test_the_loss_is_the_negative_logarithm_of_the_share_of_the_structure():
    sequence, structure = "GGCAAAGCUC", "(((...)).)"
    scores = scored(small_network(3), [sequence])[0] + 5
    possible = [(i, j) for i in range(10) for j in range(10) if np.isfinite(scores[i, j])]
    sets = nested_sets(possible)
    known = sorted(pair_set(partners(structure)) & set(possible))
    weights = np.exp([sum(float(scores[pair]) for pair in each) for each in sets])
    share = weights[[sorted(each) == known for each in sets]].sum() / weights.sum()
    objective = StructureObjective("token-classes", 1, (0.0,), (1.0,), labels=LABELS)
    classes = np.array([LABELS.index(symbol) for symbol in structure], np.int16)
    outputs = torch.tensor(scores[None], requires_grad=True)
    total, weight = objective.loss(outputs, objective.target([classes]))
    assert total.item() == pytest.approx(-np.log(share), abs=1e-5)
    assert weight.item() == 10
    total.backward()
    for pair in possible:
        held = weights[[pair in each for each in sets]].sum() / weights.sum()
        told = outputs.grad[(0, *pair)].item()
        assert told == pytest.approx(held - (pair in known), abs=1e-5)


def test_the_loss_falls_from_epoch_to_epoch(fitted):
    losses = [each["train_loss"] for each in fitted.report["curve"]]
    assert all(later < earlier for earlier, later in pairwise(losses[:4]))
