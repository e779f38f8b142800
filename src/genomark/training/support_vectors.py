"""`kmer-svr`: linear support vectors on how often each k-mer is in a sequence."""

from __future__ import annotations

import numpy as np

from genomark.errors import UsageError
from genomark.models import Fitting
from genomark.probes import one_thread
from genomark.sequences import Kind
from genomark.training.gapped_words import Floats, GappedWords, Integers
from genomark.training.linear import Choice
from genomark.training.word_models import (
    FittedWords,
    LinearWordModel,
    Strands,
    ToldRows,
    Tried,
    agreement,
    best_of,
    fill_table,
    kmers,
)

#: Tried where `C` is to be chosen, the strongest penalty first.
STRENGTHS = tuple(10.0**power for power in range(-4, 2))

#: Numbers of the table that is fitted on: with what liblinear makes of it, about 2 GB.
_MOST_CELLS = 1 << 26
#: The intercept is penalised like a weight; as one of a large feature that is next to nothing.
_INTERCEPT = 10.0
_TOLERANCE = 1e-5


class KmerSvr(LinearWordModel):
    """Linear support vectors on shares of k-mers: regression, or a machine for yes and no.

    Shares are centred, and all are divided by one number such that the mean squared length of a
    row is 1; values are centred and divided by their standard deviation. The losses are the
    squared ones, which the primal is solved for.

    Parameters
    ----------
    k : int
        Length of the words, 1 to 7.
    strands : {"merged", "single"}
        Whether a word and its reverse complement count as one.
    C : float or "valid"
        Of scikit-learn's ``LinearSVR`` and ``LinearSVC``; by default that of `STRENGTHS` with the
        best Spearman correlation or AUROC on the validation part.
    epsilon : float
        Errors that cost nothing, in standard deviations of the values.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    name = "kmer-svr"

    def __init__(
        self,
        k: int = 5,
        strands: Strands = "merged",
        C: Choice = "valid",
        epsilon: float = 0.1,
    ) -> None:
        words = kmers(self.name, k, strands)
        if C != "valid" and not 0 < C < np.inf:
            raise UsageError(f"{self.name}: C must be above 0, or 'valid', not {C}")
        if not 0 <= epsilon < np.inf:
            raise UsageError(f"{self.name}: epsilon must be 0 or more, not {epsilon}")
        told = f"{self.name}:k={k}" + ("" if strands == "merged" else f",strands={strands}")
        told += "" if C == "valid" else f",C={C:g}"
        told += "" if epsilon == 0.1 else f",epsilon={epsilon:g}"
        super().__init__(told, words)
        self._C = C
        self._epsilon = epsilon

    def fit_rows(self, rows: ToldRows, fitting: Fitting) -> FittedWords:
        """Choose `C` for each label, and fit.

        A label is learned from the rows of which it is told. Of more rows than fit into a table of
        67 million numbers, evenly spaced ones are taken, and the report says so.
        """
        whole, rows = rows, rows.spaced(max(2, _MOST_CELLS // self.words.width))
        table, mean, factor = _table(self.words, rows.sequences, fitting)
        weights = np.zeros((len(rows.labels), self.words.width))
        intercepts = np.zeros(len(rows.labels))
        tried: dict[str, Tried] = {}
        chosen = []
        for number, label in enumerate(rows.labels):
            strength, tried[label] = self._choose(table, rows, number, fitting)
            fitting.tell(f"support vectors of '{label}'")
            told = np.flatnonzero(~np.isnan(rows.targets[:, number]))
            found, intercept = self._solve(rows.kind, strength, table, rows.targets, number, told)
            weights[number] = found * factor
            intercepts[number] = intercept - weights[number] @ mean
            chosen.append(strength)
        report = self._report(rows, chosen, tried)
        if len(rows.sequences) < len(whole.sequences):
            report["notes"] = [
                f"fitted on {len(rows.sequences):,} of {len(whole.sequences):,} sequences, evenly "
                "spaced"
            ]
        return FittedWords(self.words, weights, intercepts, report)

    def _choose(
        self, table: Floats, rows: ToldRows, label: int, fitting: Fitting
    ) -> tuple[float, Tried]:
        if self._C != "valid":
            return float(self._C), [(float(self._C), None)]
        truth = rows.targets[:, label]
        train, valid = rows.parted(np.flatnonzero(~np.isnan(truth)))
        tried: Tried = []
        for strength in STRENGTHS:
            fitting.tell(f"support vectors of '{rows.labels[label]}', C = {strength:g}")
            weights, _ = self._solve(rows.kind, strength, table, rows.targets, label, train)
            # Neither measure knows the intercept.
            answers = table[valid] @ weights
            tried.append((strength, agreement(rows.kind, answers, truth[valid])))
        return best_of(tried), tried

    def _solve(
        self,
        kind: Kind,
        strength: float,
        table: Floats,
        targets: Floats,
        label: int,
        told: Integers,
    ) -> tuple[Floats, float]:
        """Fit one label on some rows: weights of the table, and an intercept."""
        values = targets[told, label]
        if np.ptp(values) == 0:
            # Nothing to part: liblinear refuses a single class.
            always = values[0] if kind == "regression" else 2.0 * values[0] - 1.0
            return np.zeros(table.shape[1]), float(always)
        from sklearn.svm import LinearSVC, LinearSVR

        settings = {
            "C": strength,
            "dual": False,
            "intercept_scaling": _INTERCEPT,
            "tol": _TOLERANCE,
            "max_iter": 10_000,
        }
        features = table if told.size == len(table) else table[told]
        with one_thread():
            if kind != "regression":
                machine = LinearSVC(**settings).fit(features, values > 0.5)
                return machine.coef_[0], float(machine.intercept_[0])
            mean, spread = values.mean(), values.std()
            machine = LinearSVR(
                loss="squared_epsilon_insensitive", epsilon=self._epsilon, **settings
            ).fit(features, (values - mean) / spread)
            return machine.coef_ * spread, float(machine.intercept_[0] * spread + mean)


def kmer5_svr() -> KmerSvr:
    """Give `KmerSvr` as it is by default, under the name of a published baseline: 5-mers."""
    model = KmerSvr()
    model.id = "kmer5-svr"
    return model


def _table(
    words: GappedWords, sequences: list[str], fitting: Fitting
) -> tuple[Floats, Floats, float]:
    """Shares, centred and divided; the means, and what they were multiplied by."""
    table = np.empty((len(sequences), words.width))
    fill_table(table, words.shares, sequences, fitting.tell)
    mean = table.mean(axis=0)
    table -= mean
    squares = float(np.einsum("ij,ij->", table, table)) / len(table)
    factor = 1.0 / np.sqrt(squares) if squares > 0 else 1.0
    table *= factor
    return table, mean, factor
