"""Cross-validated logistic probes against scikit-learn, fits alone: CPU seconds, one thread.

Two opponents on the same rows and folds: `LogisticRegression(max_iter=5000)`, which is what
gene-benchmark fits, and the same model solved to the end (`newton-cholesky` at a tolerance of
1e-12; for 20 classes, where its matrix would be too large, `lbfgs` at 1e-8 on one fold of vectors
of unit length). They are timed on some labels or tasks of a load and scaled up. "preparing" is
spent once for an embedding, whatever the number of its tasks, and is part of the time.

The largest difference of a fold's AUROC from the solved one is printed for both; ours must not
exceed max(1e-6, 2 / (positives x negatives)), or the exit status is 1.

usage: python benchmarks/probes.py [abcd] [raw|unit]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from genes import embeddings, tasks
from genomark.genes import Kind
from genomark.probes import Curvature, DenseDesign, Probe, cross_validate, one_thread, scaling_of

Floats = NDArray[np.float64]
#: A task: the rows of its genes, its answers (a column a label), and the fold of each row.
Task = tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64]]

FOLDS = 5
#: Labels and tasks of a load that scikit-learn is timed on.
LABELS, TASKS = 3, 5
KINDS: dict[str, Kind] = {"a": "binary", "b": "multi-label", "c": "binary", "d": "multi-class"}


def read_tasks(folder: Path) -> list[Task]:
    """Read the tasks of a load; folds are drawn at random."""
    found: list[Task] = []
    for task in sorted(folder.iterdir()):
        names = pl.read_csv(task / "entities.csv")["symbol"]
        rows = names.str.strip_prefix("GENE").cast(pl.Int64).to_numpy()
        outcomes = pl.read_csv(task / "outcomes.csv")
        if outcomes.dtypes[0] == pl.String:
            outcomes = outcomes.to_dummies()
        folds = np.random.default_rng(len(found)).integers(0, FOLDS, rows.size)
        found.append((rows, outcomes.to_numpy().astype(np.int8), folds))
    return found


def fitted_by_genomark(
    vectors: NDArray[np.float32], loaded: list[Task], kind: Kind
) -> list[Floats]:
    """Scores of every task."""
    scaling = scaling_of(vectors, "none")
    some = np.arange(0, vectors.shape[0], 2)  # As many as a run takes of as many genes.
    curvature = Curvature(DenseDesign.of(vectors, some, scaling))
    scores = []
    for rows, answers, fold in loaded:
        targets = answers.astype(np.float64)
        design = DenseDesign.of(vectors, rows, scaling)
        fit = cross_validate(design, kind, targets, fold, Probe(scale="none"), curvature, seed=0)
        scores.append(fit.scores)
    return scores


def fitted_by_sklearn(
    vectors: NDArray[np.float32],
    loaded: list[Task],
    kind: Kind,
    model: Callable[[], LogisticRegression],
    folds: int = FOLDS,
) -> tuple[list[Floats], float]:
    """Scores of some labels of some tasks, and by how much all are more than these."""
    scores = []
    fits = 0
    for rows, answers, fold in loaded[:TASKS]:
        features = vectors[rows].astype(np.float64)
        columns = answers.argmax(axis=1)[:, None] if kind == "multi-class" else answers[:, :LABELS]
        found = np.full((rows.size, answers.shape[1]), np.nan)
        for number in range(folds):
            test = fold == number
            for label, column in enumerate(columns.T):
                fit = model().fit(features[~test], column[~test])
                fits += 1
                if kind == "multi-class":
                    found[test] = fit.predict_proba(features[test])
                else:
                    found[test, label] = fit.decision_function(features[test])
        scores.append(found)
    columns_of_all = 1 if kind == "multi-class" else loaded[0][1].shape[1]
    return scores, len(loaded) * columns_of_all * FOLDS / fits


def largest_difference(
    loaded: list[Task], found: list[Floats], solved: list[Floats]
) -> tuple[float, float]:
    """Of AUROC over all folds and labels that were solved; and the same as a share of the bound."""
    largest = share = 0.0
    for (_, answers, fold), ours, theirs in zip(loaded, found, solved, strict=False):
        for label in np.flatnonzero(~np.isnan(theirs).all(axis=0)):
            for number in range(FOLDS):
                test = fold == number
                truth = answers[test, label]
                if np.isnan(theirs[test, label]).any() or truth.min() == truth.max():
                    continue
                apart = abs(
                    roc_auc_score(truth, ours[test, label])
                    - roc_auc_score(truth, theirs[test, label])
                )
                pairs = float(truth.sum()) * float((1 - truth).sum())
                largest = max(largest, apart)
                share = max(share, apart / max(1e-6, 2 / pairs))
    return largest, share


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What comes out, and CPU seconds."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def main() -> None:
    """Time every load that was asked for."""
    chosen = " ".join(sys.argv[1:]) or "abcd raw unit"
    kept = True
    with tempfile.TemporaryDirectory() as name, one_thread():
        folder = Path(name)
        tasks(folder, embeddings(folder, chosen, "npy"))
        print("load  vectors   fits   CPU s   x default  x solved   largest difference of AUROC")
        for load in sorted(set("abcd") & set(chosen.split()[0])):
            for vectors in ("unit", "raw"):
                if vectors in chosen:
                    kept &= compared(folder, load, vectors)
    if not kept:
        raise SystemExit("A fold's AUROC is further from the solved one than it may be.")


def compared(folder: Path, load: str, vectors: str) -> bool:
    """Print a row; is every difference within its bound?"""
    loaded = read_tasks(folder / load)
    kind = KINDS[load]
    matrix = np.load(folder / f"{vectors}.npy")
    fitted_by_genomark(matrix, loaded[:1], kind)  # What is compiled or paged in once.
    ours, seconds = timed(lambda: fitted_by_genomark(matrix, loaded, kind))
    columns = loaded[0][1].shape[1] if kind == "multi-label" else 1
    row = f"{load:4}  {vectors:7}  {len(loaded) * columns * FOLDS:5}  {seconds:6.2f}"
    many = kind == "multi-class"
    if many and vectors == "raw":
        print(f"{row}   scikit-learn takes ten minutes and does not reach the optimum")
        return True

    def against(model: Callable[[], LogisticRegression]) -> tuple[list[Floats], float]:
        folds = 1 if many else FOLDS
        (scores, more), spent = timed(lambda: fitted_by_sklearn(matrix, loaded, kind, model, folds))
        return scores, spent * more / seconds

    default, ratio = against(lambda: LogisticRegression(max_iter=5000))
    if many:
        solved, exact = against(lambda: LogisticRegression(max_iter=20_000, tol=1e-8))
    else:
        solved, exact = against(lambda: LogisticRegression(solver="newton-cholesky", tol=1e-12))
    apart, share = largest_difference(loaded, ours, solved)
    theirs, _ = largest_difference(loaded, default, solved)
    print(
        f"{row}  {ratio:8.1f}x {exact:8.1f}x   {apart:.1e} ({share:.2f} of its bound), "
        f"default settings {theirs:.1e}",
        flush=True,
    )
    return share <= 1.0


if __name__ == "__main__":
    main()
