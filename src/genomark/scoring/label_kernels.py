"""Compiled metrics of many labels crossed with genes, a block of bootstrap replicates at a time.

``counts[gene, replicate]`` says how often each gene was drawn; a row of it, for 64 replicates, is
one line of the processor's cache. A label's rows are sorted once, in a plan; a kernel walks along
the plan and adds whole rows of counts. The sums are whole numbers and are exact in any order, so
the compiler may add them as wide as the processor can and the bits stay the same.
`docs/design/label-scoring.md` derives the forms.
"""

from __future__ import annotations

import math

import numpy as np

from genomark.compiled import kernel

#: What `label_metrics` gives, in this order.
RANKED_METRICS = ("auroc", "average_precision", "balanced_accuracy", "f1", "mcc")
#: What `class_metrics` gives, in this order.
CLASS_METRICS = ("accuracy", "f1_macro", "mcc")


@kernel
def plan_label(
    order: np.ndarray,
    scores: np.ndarray,
    positive: np.ndarray,
    folds: np.ndarray,
    rows: np.ndarray,
    steps: np.ndarray,
    fold_steps: np.ndarray,
    called: np.ndarray,
) -> int:
    """Write how the rows of one label are to be walked; return the number of steps.

    A step is three ends in `rows`: of the negatives above a threshold (since the last step), of
    the negatives at it, and of the positives at it. A step without positives ends each fold, and
    the part of it whose score is above 0 (its hard label is 1); `called` is the step after that.

    `order` holds the rows in descending order of score within each fold, equal scores in any
    order; fold ``f`` is its part from ``folds[f]`` to ``folds[f + 1]``, and `fold_steps` bounds
    its steps likewise.
    """
    n = 0
    for fold in range(folds.size - 1):
        first, end = folds[fold], folds[fold + 1]
        fold_steps[fold] = n
        above_zero = True
        while first < end:
            score = scores[order[first]]
            if above_zero and not score > 0.0:
                above_zero = False
                steps[n, :] = first
                n += 1
                called[fold] = n
            last, positives = first, 0
            while last < end and scores[order[last]] == score:
                positives += positive[order[last]]
                last += 1
            negative_at, positive_at = first, last - positives
            if positives:
                steps[n, 0], steps[n, 1], steps[n, 2] = first, positive_at, last
                n += 1
            for place in range(first, last):
                row = order[place]
                if positive[row]:
                    rows[positive_at] = row
                    positive_at += 1
                else:
                    rows[negative_at] = row
                    negative_at += 1
            first = last
        steps[n, :] = end
        n += 1
        if above_zero:
            called[fold] = n
    fold_steps[folds.size - 1] = n
    return n


@kernel
def add_drawn(
    total: np.ndarray, counts: np.ndarray, members: np.ndarray, first: int, last: int
) -> None:
    """Add, replicate by replicate, how often each row was drawn: a pair as its genes' product."""
    if members.shape[1] == 1:
        for row in range(first, last):
            drawn = counts[members[row, 0]]
            for replicate in range(total.size):
                total[replicate] += drawn[replicate]
    else:
        for row in range(first, last):
            one, other = counts[members[row, 0]], counts[members[row, 1]]
            for replicate in range(total.size):
                total[replicate] += np.int32(one[replicate]) * np.int32(other[replicate])


@kernel
def walk_fold(
    counts: np.ndarray,
    members: np.ndarray,
    steps: np.ndarray,
    first: int,
    end: int,
    called: int,
    drawn: np.ndarray,
    hard: np.ndarray,
    crossed: np.ndarray,
    area: np.ndarray,
) -> None:
    """Sum the steps of one fold of one label over all replicates of a block.

    Sets ``drawn[0]`` and ``drawn[1]`` to the negatives and positives that were drawn (the other two
    rows are scratch space), `hard` to those of them whose hard label is 1, `crossed` to twice the
    number of pairs in the wrong order (a tie is half a pair), and `area` to the sum, over
    positives, of the precision at their threshold.
    """
    # One by one: unpacked together they would not be known to lie in one piece, and loops over
    # them would take three times as long.
    negatives, positives, tied, here = drawn[0], drawn[1], drawn[2], drawn[3]
    for replicate in range(here.size):
        negatives[replicate] = positives[replicate] = 0
        crossed[replicate] = area[replicate] = 0.0
    row = steps[first - 1, 2] if first > 0 else 0
    for step in range(first, end):
        above, at, last = steps[step, 0], steps[step, 1], steps[step, 2]
        add_drawn(negatives, counts, members, row, above)
        if last > at:
            for replicate in range(here.size):
                tied[replicate] = here[replicate] = 0
            add_drawn(tied, counts, members, above, at)
            add_drawn(here, counts, members, at, last)
            for replicate in range(here.size):
                weight = float(here[replicate])
                # Whole numbers below 2**53: exact.
                crossed[replicate] += weight * (2.0 * negatives[replicate] + tied[replicate])
                negatives[replicate] += tied[replicate]
                positives[replicate] += here[replicate]
                right = float(positives[replicate])
                # Nothing is called only where none of these positives was drawn.
                area[replicate] += weight * right / max(right + negatives[replicate], 1.0)
        if step + 1 == called:
            for replicate in range(here.size):
                hard[0, replicate] = negatives[replicate]
                hard[1, replicate] = positives[replicate]
        row = last


@kernel
def label_metrics(
    counts: np.ndarray,
    members: np.ndarray,
    steps: np.ndarray,
    fold_steps: np.ndarray,
    called: np.ndarray,
    out: np.ndarray,
    by_positives: np.ndarray,
) -> None:
    """Compute the metrics of one label in a block of replicates: means over folds.

    Sets ``out[metric, replicate]`` (`RANKED_METRICS`) to the mean over the folds in which both
    classes were drawn, NaN where there are none. Adds to ``by_positives[fold, :, replicate]`` the
    positives of the fold, and its AUROC and balanced accuracy times these, which makes averages
    over labels that are weighted by positives.
    """
    width = counts.shape[1]
    drawn, hard = np.empty((4, width), dtype=np.int32), np.empty((2, width), dtype=np.int32)
    crossed, area = np.empty(width), np.empty(width)
    defined = np.zeros(width)
    out[:] = 0.0
    for fold in range(called.size):
        first, end = fold_steps[fold], fold_steps[fold + 1]
        walk_fold(counts, members, steps, first, end, called[fold], drawn, hard, crossed, area)
        for replicate in range(width):
            no, yes = float(drawn[0, replicate]), float(drawn[1, replicate])
            if no == 0.0 or yes == 0.0:
                continue
            wrong, right = float(hard[0, replicate]), float(hard[1, replicate])
            auroc = (2.0 * no * yes - crossed[replicate]) / 2.0 / yes / no
            accuracy = (right / yes + (no - wrong) / no) / 2.0
            called_no = no + yes - wrong - right
            spread = yes * no * (right + wrong) * called_no
            defined[replicate] += 1.0
            out[0, replicate] += auroc
            out[1, replicate] += area[replicate] / yes
            out[2, replicate] += accuracy
            out[3, replicate] += 2.0 * right / (yes + right + wrong)
            if spread > 0.0:
                out[4, replicate] += (right * no - wrong * yes) / math.sqrt(spread)
            by_positives[fold, 0, replicate] += yes
            by_positives[fold, 1, replicate] += yes * auroc
            by_positives[fold, 2, replicate] += yes * accuracy
    for metric in range(out.shape[0]):
        for replicate in range(width):
            # 0 / 0 where no fold is defined: NaN.
            out[metric, replicate] /= defined[replicate]


@kernel
def class_metrics(
    counts: np.ndarray,
    members: np.ndarray,
    truth: np.ndarray,
    hard: np.ndarray,
    folds: np.ndarray,
    n_classes: int,
    out: np.ndarray,
) -> None:
    """Compute the metrics of hard classes in a block of replicates: means over folds.

    `truth` and `hard` number the class of each row, rows standing fold by fold. Sets
    ``out[metric, replicate]`` (`CLASS_METRICS`) to the mean over the folds in which two classes or
    more were drawn, NaN where there are none. The macro mean is over classes that occur in the
    fold's truth or hard classes; the correlation is that of Gorodkin (2004), 0 where all hard
    classes are the same.
    """
    width = counts.shape[1]
    sums = np.empty((3, n_classes, width), dtype=np.int32)
    true, said, right = sums[0], sums[1], sums[2]
    defined = np.zeros(width)
    out[:] = 0.0
    for fold in range(folds.size - 1):
        sums[:] = 0
        for row in range(folds[fold], folds[fold + 1]):
            add_drawn(true[truth[row]], counts, members, row, row + 1)
            add_drawn(said[hard[row]], counts, members, row, row + 1)
            if truth[row] == hard[row]:
                add_drawn(right[truth[row]], counts, members, row, row + 1)
        for replicate in range(width):
            drawn = correct = f1 = true_said = true_true = said_said = 0.0
            occur = classes = 0
            for each in range(n_classes):
                is_so, called = float(true[each, replicate]), float(said[each, replicate])
                drawn += is_so
                correct += right[each, replicate]
                true_said += is_so * called
                true_true += is_so * is_so
                said_said += called * called
                classes += is_so > 0.0
                if is_so + called > 0.0:
                    occur += 1
                    f1 += 2.0 * right[each, replicate] / (is_so + called)
            if classes < 2:
                continue
            defined[replicate] += 1.0
            out[0, replicate] += correct / drawn
            out[1, replicate] += f1 / occur
            spread = (drawn * drawn - true_true) * (drawn * drawn - said_said)
            if spread > 0.0:
                out[2, replicate] += (correct * drawn - true_said) / math.sqrt(spread)
    for metric in range(out.shape[0]):
        for replicate in range(width):
            out[metric, replicate] /= defined[replicate]


@kernel
def drawn_ranks(
    counts: np.ndarray,
    members: np.ndarray,
    values: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    total: np.ndarray,
) -> None:
    """Set ``ranks[row, replicate]`` to the rows drawn below a row and those not above it, added.

    Less `total`, which is set to all rows drawn, that is twice the distance of a row's mid-rank
    from the middle rank. `order` holds the rows in ascending order of value.
    """
    below = np.empty(total.size, dtype=np.int32)
    for replicate in range(total.size):
        total[replicate] = 0
    first = 0
    while first < order.size:
        last = first
        for replicate in range(total.size):
            below[replicate] = total[replicate]
        while last < order.size and values[order[last]] == values[order[first]]:
            add_drawn(total, counts, members, order[last], order[last] + 1)
            last += 1
        for place in range(first, last):
            rank = ranks[order[place]]
            for replicate in range(total.size):
                rank[replicate] = below[replicate] + total[replicate]
        first = last


@kernel
def fold_spearman(
    counts: np.ndarray,
    members: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    x_order: np.ndarray,
    y_order: np.ndarray,
    ranks: np.ndarray,
    out: np.ndarray,
) -> None:
    """Set `out` to the Spearman correlation of each replicate of a block; ties are averaged.

    A replicate of fewer than 3 rows or of equal values is NaN. `ranks` is scratch space for two
    numbers of each row in each replicate.
    """
    width = counts.shape[1]
    x_ranks, y_ranks = ranks[0], ranks[1]
    n, here = np.empty(width, dtype=np.int32), np.empty(width, dtype=np.int32)
    drawn_ranks(counts, members, x, x_order, x_ranks, n)
    drawn_ranks(counts, members, y, y_order, y_ranks, n)
    x_far, y_far = np.empty(width), np.empty(width)
    sxx, syy, sxy = np.zeros(width), np.zeros(width), np.zeros(width)
    for row in range(x.size):
        x_rank, y_rank = x_ranks[row], y_ranks[row]
        for replicate in range(width):
            x_far[replicate] = x_rank[replicate] - n[replicate]
            y_far[replicate] = y_rank[replicate] - n[replicate]
            here[replicate] = 0
        add_drawn(here, counts, members, row, row + 1)
        # Whole numbers, as in `kernels.spearman`. One sum a loop, as a loop over many arrays is
        # not vectorised.
        for replicate in range(width):
            sxx[replicate] += here[replicate] * x_far[replicate] * x_far[replicate]
        for replicate in range(width):
            syy[replicate] += here[replicate] * y_far[replicate] * y_far[replicate]
        for replicate in range(width):
            sxy[replicate] += here[replicate] * x_far[replicate] * y_far[replicate]
    for replicate in range(width):
        both = sxx[replicate] * syy[replicate]
        if n[replicate] < 3 or both == 0.0:
            out[replicate] = np.nan
        else:
            out[replicate] = max(-1.0, min(1.0, sxy[replicate] / math.sqrt(both)))


@kernel
def weighted_sums(
    counts: np.ndarray, members: np.ndarray, terms: np.ndarray, out: np.ndarray
) -> None:
    """Set ``out[k, replicate]`` to the sum over rows of ``terms[row, k]`` times their draws."""
    here = np.empty(counts.shape[1], dtype=np.int32)
    out[:] = 0.0
    for row in range(terms.shape[0]):
        here[:] = 0
        add_drawn(here, counts, members, row, row + 1)
        for term in range(terms.shape[1]):
            value, total = terms[row, term], out[term]
            for replicate in range(here.size):
                total[replicate] += value * here[replicate]


@kernel
def weighted_means(values: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Set ``out[k]`` to the mean of ``values[:, k]`` weighted by ``weights[:, k]``, without NaN."""
    for column in range(out.size):
        total = weight = 0.0
        for label in range(values.shape[0]):
            if not math.isnan(values[label, column]):
                weight += weights[label, column]
                total += weights[label, column] * values[label, column]
        out[column] = total / weight
