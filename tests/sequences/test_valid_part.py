"""The validation part: the share asked for, by class, no group parted, whatever the order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.sequences.files import read_labelled
from genomark.sequences.labelled import Kind, LabelledSequences
from genomark.sequences.splits import valid_part


def made(
    classes: list[int],
    *,
    sequences: list[str] | None = None,
    groups: list[str] | None = None,
    kind: Kind = "multi-class",
) -> LabelledSequences:
    draw = random.Random(len(classes))
    names = tuple(str(each) for each in range(max(classes) + 1))
    return LabelledSequences(
        kind=kind,
        labels=names if kind == "multi-class" else ("1",),
        ids=tuple(f"s{row}" for row in range(len(classes))),
        sequences=tuple(sequences or ["".join(draw.choices("ACGT", k=30)) for _ in classes]),
        targets=np.eye(len(names))[classes]
        if kind == "multi-class"
        else np.array(classes, dtype=float)[:, None],
        groups=None if groups is None else tuple(groups),
    )


def class_counts(part: LabelledSequences) -> list[int]:
    assert isinstance(part.targets, np.ndarray)
    return [int(count) for count in part.targets.sum(axis=0)]


def test_every_class_gives_its_share() -> None:
    train = made([0] * 500 + [1] * 300 + [2] * 50)
    rest, valid, note = valid_part(train)
    assert class_counts(valid) == [50, 30, 5]
    assert class_counts(rest) == [450, 270, 45]
    assert note == (
        "no validation file: 85 of 850 training sequences set apart by hash (seed 0), by class, "
        "what shares 30 bases together"
    )
    _, valid, _ = valid_part(made([0] * 400 + [1] * 100, kind="binary"), share=0.25)
    assert len(valid) == 125
    assert class_counts(valid) == [25]


def test_rows_keep_their_order_and_are_all_there() -> None:
    train = made([0, 1] * 60)
    rest, valid, _ = valid_part(train, share=0.3)
    assert sorted(rest.ids + valid.ids) == sorted(train.ids)
    for part in (rest, valid):
        rows = [int(name[1:]) for name in part.ids]
        assert rows == sorted(rows)


def test_another_seed_gives_another_part() -> None:
    train = made([0, 1] * 200)
    parts = {valid_part(train, seed=seed)[1].ids for seed in range(5)}
    assert len(parts) == 5
    assert valid_part(train, seed=3)[1].digest == valid_part(train, seed=3)[1].digest


@given(st.data())
def test_the_part_hangs_on_neither_the_order_nor_the_ids(data: st.DataObject) -> None:
    n = data.draw(st.integers(4, 40))
    sequences = data.draw(st.lists(st.text("ACGU", min_size=1, max_size=4), min_size=n, max_size=n))
    groups = data.draw(
        st.none() | st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=n, max_size=n)
    )
    classes = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    train = made(classes, sequences=sequences, groups=groups)
    order = data.draw(st.permutations(range(n)))
    try:
        rest, valid, _ = valid_part(train, share=0.3, seed=5)
    except UsageError:
        with pytest.raises(UsageError, match="must stay together"):
            valid_part(train.take(order), share=0.3, seed=5)
        return
    shuffled = valid_part(train.take(order), share=0.3, seed=5)[1]
    assert set(shuffled.ids) == set(valid.ids)
    assert len(rest) > 0
    assert len(valid) > 0
    assert not {s.replace("U", "T") for s in rest.sequences} & {
        s.replace("U", "T") for s in valid.sequences
    }
    if groups is not None:
        assert rest.groups is not None
        assert valid.groups is not None
        assert not (set(rest.groups) & set(valid.groups)) - {""}


def test_groups_are_whole_and_near_the_share() -> None:
    draw = random.Random(4)
    groups = [f"gene{draw.randrange(60)}" for _ in range(600)]
    train = made([draw.randrange(2) for _ in range(600)], groups=groups, kind="binary")
    rest, valid, note = valid_part(train, share=0.2)
    assert not set(rest.groups or ()) & set(valid.groups or ())
    # A group has ten rows: each of two classes comes as near as half of one.
    assert abs(len(valid) - 120) <= 2 * max(Counter(groups).values()) / 2
    assert "groups and what shares 30 bases together" in note


def test_a_group_too_large_for_the_share_stays_in_training() -> None:
    train = made([0] * 100, groups=["large"] * 90 + [f"g{row}" for row in range(10)])
    rest, valid, _ = valid_part(train)
    assert "large" in (rest.groups or ())
    assert len(valid) == 10 or len(rest) == 91


def test_where_all_groups_are_large_the_smaller_one_is_taken() -> None:
    train = made([0] * 100, groups=["one"] * 60 + ["other"] * 40)
    rest, valid, _ = valid_part(train)
    assert set(valid.groups or ()) == {"other"}
    assert len(rest) == 60


def test_something_is_left_to_train_on() -> None:
    rest, valid, _ = valid_part(made([0, 0]), share=0.99)
    assert (len(rest), len(valid)) == (1, 1)


def test_a_class_too_rare_for_its_share_is_noted() -> None:
    _, _, note = valid_part(made([0] * 100 + [1] * 2))
    assert note.endswith("; it has none of '1'")


def test_measured_values_and_positions_need_no_classes() -> None:
    draw = random.Random(6)
    sequences = tuple("".join(draw.choices("ACGU", k=12)) for _ in range(200))
    ids = tuple(map(str, range(200)))
    values = LabelledSequences("regression", ("y",), ids, sequences, np.zeros((200, 1)))
    positions = LabelledSequences(
        "token-classes", ("a",), ids, sequences, tuple(np.zeros(12, np.int16) for _ in ids)
    )
    assert valid_part(values)[1].ids == valid_part(positions)[1].ids
    assert len(valid_part(values)[1]) == 20


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="must be between 0 and 1"):
        valid_part(made([0, 1]), share=share)


def test_one_group_cannot_be_parted() -> None:
    with pytest.raises(UsageError, match="all 4 training sequences must stay together; give a"):
        valid_part(made([0, 1, 0, 1], groups=["g"] * 4))


def test_copies_in_real_data_stay_together(real_data: Callable[[str, str], Path]) -> None:
    train = read_labelled(real_data("pgb", "lncrna/m_esculenta/train.json"))
    assert len(train) - len(set(train.sequences)) == 569  # as the authors' file has them
    rest, valid, _ = valid_part(train)
    assert not set(rest.sequences) & set(valid.sequences)
    # As near as what overlaps allows.
    assert len(valid) == pytest.approx(0.1 * len(train), rel=0.05)


def test_windows_of_one_stretch_are_not_parted() -> None:
    draw = random.Random(0)
    stretches = ["".join(draw.choices("ACGT", k=200)) for _ in range(40)]
    windows = [stretch[start : start + 100] for stretch in stretches for start in (0, 50, 100)]
    train = made([0, 1, 0] * 40, sequences=windows)
    rest, valid, _ = valid_part(train)
    of = {window: number // 3 for number, window in enumerate(windows)}
    assert not {of[each] for each in rest.sequences} & {of[each] for each in valid.sequences}
    assert len(valid) == 12


def test_variants_of_one_element_are_parted_and_the_note_says_so() -> None:
    draw = random.Random(0)
    element = draw.choices("ACGT", k=100)
    variants = []
    for position in range(100):
        variant = element.copy()
        variant[position] = "ACGT"[("ACGT".index(variant[position]) + 1) % 4]
        variants.append("".join(variant))
    _, valid, note = valid_part(made([0, 1] * 50, sequences=variants))
    assert len(valid) == 10
    assert note.endswith(
        "equal sequences together (most overlap by 30 bases, and are not kept together)"
    )


def test_splice_sites_of_one_gene_are_not_parted(real_data: Callable[[str, str], Path]) -> None:
    train = read_labelled(real_data("pgb", "splicing/arabidopsis_thaliana_donor/train.json"))
    rest, valid, _ = valid_part(train)
    assert len(valid) == pytest.approx(800, rel=0.02)

    def stretches(part: LabelledSequences) -> set[str]:
        return {
            sequence[start : start + 30]
            for sequence in part.sequences
            for start in range(len(sequence) - 29)
        }

    # Parted by sequence alone, 88 % of the validation sequences would share 30 bases with training.
    assert not stretches(rest) & stretches(valid)
