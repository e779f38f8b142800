"""Small tasks that are known through and through, for tests of training."""

from __future__ import annotations

import numpy as np

from genomark.sequences import Kind, LabelledSequences, TaskSplit

MOTIF = "TGACTCA"
#: A metric by which each kind may be selected.
SELECT_BY: dict[Kind, str] = {
    "binary": "f1_macro",
    "multi-class": "mcc",
    "multi-label": "average_precision",
    "regression": "spearman",
    "token-classes": "f1_macro",
    "token-regression": "mcrmse",
    "pair-classes": "top_length_precision",
    "pair-regression": "mcrmse",
}


def random_sequences(
    n: int, seed: int, lengths: tuple[int, int] = (40, 60), letters: str = "ACGT"
) -> list[str]:
    draws = np.random.default_rng(seed)
    sizes = draws.integers(lengths[0], lengths[1] + 1, n)
    return ["".join(draws.choice(list(letters), size)) for size in sizes]


def planted(n: int, seed: int, lengths: tuple[int, int] = (40, 60)) -> LabelledSequences:
    """Every other sequence holds the motif, somewhere; the others do not."""
    draws = np.random.default_rng(seed + 1)
    sequences = [each.replace(MOTIF, "A" * 7) for each in random_sequences(n, seed, lengths)]
    for row in range(0, n, 2):
        at = int(draws.integers(0, len(sequences[row]) - len(MOTIF)))
        sequences[row] = sequences[row][:at] + MOTIF + sequences[row][at + len(MOTIF) :]
    targets = (np.arange(n) % 2 == 0).astype(np.float64)[:, None]
    return labelled("binary", ("bound",), sequences, targets)


def labelled(
    kind: Kind, labels: tuple[str, ...], sequences: list[str], targets: object
) -> LabelledSequences:
    names = tuple(f"s{row}" for row in range(len(sequences)))
    told = targets if isinstance(targets, np.ndarray) else tuple(targets)  # type: ignore[arg-type]
    return LabelledSequences(kind, labels, names, tuple(sequences), told)


def of_kind(kind: Kind, n: int = 24, seed: int = 0) -> LabelledSequences:
    """A task of any kind whose answers follow from the letters; some of them are not told."""
    letters = "ACGU" if kind == "token-regression" else "ACGT"
    sequences = random_sequences(n, seed, (12, 20), letters)
    codes = [np.array([letters.index(letter) for letter in each]) for each in sequences]
    gc = np.array([np.isin(each, (1, 2)).mean() for each in codes])
    first = np.array([each[0] for each in codes])
    if kind == "binary":
        return labelled(kind, ("gc",), sequences, (gc > 0.5).astype(float)[:, None])
    if kind == "multi-class":
        return labelled(kind, tuple("ACGT"), sequences, np.eye(4)[first])
    if kind == "multi-label":
        told = np.column_stack([gc > 0.5, first < 2]).astype(float)
        told[0, 1] = np.nan
        return labelled(kind, ("gc", "ac"), sequences, told)
    if kind == "regression":
        told = np.column_stack([gc, 100 + 10 * gc])
        told[0, 1] = np.nan
        return labelled(kind, ("gc", "shifted"), sequences, told)
    if kind == "token-classes":
        classes = [each.astype(np.int16) for each in codes]
        classes[0][:3] = -1
        return labelled(kind, tuple("ACGT"), sequences, classes)
    if kind == "token-regression":
        values = [np.column_stack([each, -each]).astype(np.float32) for each in codes]
        values[0][:3] = np.nan
        return labelled(kind, ("up", "down"), sequences, values)
    pairs = [np.equal.outer(each, each) for each in codes]
    if kind == "pair-classes":
        contacts = [each.astype(np.int16) for each in pairs]
        contacts[0][0] = -1
        return labelled(kind, ("apart", "touching"), sequences, contacts)
    distances = [each[:, :, None].astype(np.float32) for each in pairs]
    distances[0][0] = np.nan
    return labelled(kind, ("distance",), sequences, distances)


def task_of_kind(kind: Kind, n: int = 24) -> TaskSplit:
    return TaskSplit(kind, of_kind(kind, n), of_kind(kind, 12, seed=1), SELECT_BY[kind])


def planted_task(n: int = 400) -> TaskSplit:
    return TaskSplit("planted", planted(n, 0), planted(n // 4, 7), "f1_macro")
