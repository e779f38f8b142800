"""The few training sequences that may be nearest to each test sequence.

Seeds that a test and a training sequence have in common give pairs of places; around each, letters
are compared without gaps, 32 at once first, and then letter by letter as far as it pays.
`docs/design/leakage.md` has the figures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genomark.compiled import kernel
from genomark.datasets.leakage.seeds import MASKED, Letters, SeedIndex, count_same, row_of

#: Letters of 32 around a seed that have to agree.
_ENOUGH_SAME = 22
#: A stretch ends where its score has fallen by this.
_DROP = 12
#: Pairs of places that are looked at for a training piece and a block of test sequences: so many on
#: top of one for each letter.
_MORE_LOOKS = 64
#: Seeds that are rarer than this in a block of test sequences are not counted.
_RARE = 16
#: Added to the score of a stretch that by itself is all that is asked for: it stands before any
#: that is not, however high that scores. Scores are below it.
ASKED = 1 << 30


class Candidates(NamedTuple):
    """Of each test sequence the stretches with the highest scores, shape (n_test, kept).

    `scores` (int32) begin as those that have to be passed, less one, which are also in `floors`
    (int32, shape (n_test,)). Stretches of `lengths` (int64, shape (n_test,)) letters or more, of
    which at least a share of `identity` match, have `ASKED` on top of theirs. `pieces` (int64) are
    the training pieces, twice their number, and one more for the other strand; -1: none.
    `diagonals` (int64): place in the training piece less place in the test sequence.
    """

    scores: np.ndarray
    pieces: np.ndarray
    diagonals: np.ndarray
    floors: np.ndarray
    lengths: np.ndarray
    identity: float


@kernel
def looks(train: Letters, train_seeds: np.ndarray, index: SeedIndex) -> np.ndarray:
    """Say how often seeds are looked at that repeats have, where all would take too long.

    A training piece has so many pairs of places to spend, and spends them on its rarest seeds
    first. Of a seed it cannot pay for some places are looked at, other ones each time.

    Parameters
    ----------
    train, train_seeds
        A block of training pieces, and `seeds` of them.
    index : SeedIndex
        Of a block of test sequences.

    Returns
    -------
    ndarray of int64, shape (n_pieces, 2)
        How frequent a seed may be to be looked at wherever it is, and at how many places a more
        frequent one is.
    """
    starts = index.starts
    out = np.empty((train.offsets.size - 1, 2), dtype=np.int64)
    # By the power of 2 that their frequency does not exceed: how many seeds, and their places.
    n_seeds = np.empty(33, dtype=np.int64)
    n_places = np.empty(33, dtype=np.int64)
    for row in range(train.offsets.size - 1):
        n_seeds[:] = 0
        n_places[:] = 0
        for place in range(train.offsets[row], train.offsets[row + 1]):
            seed = train_seeds[place]
            if seed >= 0:
                size = int(starts[seed + 1]) - int(starts[seed])
                power = 0
                while (1 << power) < size:
                    power += 1
                n_seeds[power] += 1
                n_places[power] += size
        left = train.offsets[row + 1] - train.offsets[row] + _MORE_LOOKS
        power = 0
        while power < 33 and (n_places[power] <= left or (1 << power) <= _RARE):
            left -= n_places[power]
            power += 1
        out[row, 0] = 1 << (power - 1)
        out[row, 1] = max(1, left // max(1, n_seeds[power:].sum()))
    return out


@kernel
def join(
    test: Letters,
    test_index: SeedIndex,
    train: Letters,
    train_index: SeedIndex,
    train_rows: np.ndarray,
    piece_of_first: int,
    is_other_strand: bool,
    own_row: int,
    limits: np.ndarray,
    found: Candidates,
) -> None:
    """Keep what a block of training pieces has that is better than the candidates so far.

    Seed by seed, so that what is compared lies side by side in memory on either side.

    Parameters
    ----------
    test, test_index
        A block of test sequences.
    train, train_index
        A block of training pieces, of the strand in question.
    train_rows : ndarray of int64, shape (n_pieces,)
        The training sequence that each piece is of.
    piece_of_first : int
        Number of the block's first piece.
    is_other_strand : bool
    own_row : int
        Where the test sequences are training sequences too: the row of the first, so that none is
        found in itself; -1 elsewhere.
    limits : ndarray of int64
        From `looks`.
    found : Candidates
        Of the test sequences; changed in place.
    """
    # Taken out of their tuples once: numba counts references each time.
    our_starts, our_places, our_words = test_index.starts, test_index.places, test_index.words
    their_starts, their_words = train_index.starts, train_index.words
    their_places = train_index.places
    for seed in range(our_starts.size - 1):
        first = int(our_starts[seed])
        size = int(our_starts[seed + 1]) - first
        if size == 0:
            continue
        for entry in range(int(their_starts[seed]), int(their_starts[seed + 1])):
            word = their_words[entry]
            turn, n = 0, size
            if size > _RARE:
                row = row_of(int(their_places[entry]), train.offsets, train_index.rows)
                if size > limits[row, 0]:
                    n = min(size, limits[row, 1])
                    turn = (entry * n) % size
            for each in range(turn, turn + n):
                ours = first + (each if each < size else each - size)
                if count_same(word, our_words[ours]) >= _ENOUGH_SAME:
                    _look(
                        int(our_places[ours]),
                        test,
                        test_index.rows,
                        int(their_places[entry]),
                        train,
                        train_index.rows,
                        train_rows,
                        piece_of_first,
                        is_other_strand,
                        own_row,
                        found,
                    )


@kernel
def _look(
    our_place: int,
    test: Letters,
    test_rows: np.ndarray,
    their_place: int,
    train: Letters,
    piece_rows: np.ndarray,
    train_rows: np.ndarray,
    piece_of_first: int,
    is_other_strand: bool,
    own_row: int,
    found: Candidates,
) -> None:
    """Measure the stretch around two places, and keep it if it is one of the best."""
    item = row_of(our_place, test.offsets, test_rows)
    row = row_of(their_place, train.offsets, piece_rows)
    if own_row >= 0 and train_rows[row] == own_row + item:
        return
    our_first, their_first = test.offsets[item], train.offsets[row]
    before = min(our_place - our_first, their_place - their_first)
    behind = min(test.offsets[item + 1] - our_place, train.offsets[row + 1] - their_place)
    scores = found.scores[item]
    piece = 2 * (piece_of_first + row) + (1 if is_other_strand else 0)
    least = scores[scores.size - 1]
    most = before + behind
    if most < (least & (ASKED - 1)) and (least >= ASKED or most < found.lengths[item]):
        return
    score, n, unlike = _stretch(test.codes, our_place, train.codes, their_place, before, behind)
    # What is masked is in the length alone.
    is_asked = n >= found.lengths[item] and score >= found.identity * (score + 2 * unlike) - unlike
    if score > found.floors[item] and is_asked:
        score += ASKED
    _keep(score, piece, (their_place - their_first) - (our_place - our_first), found, item)


@kernel
def _stretch(
    ours: np.ndarray,
    our_place: int,
    theirs: np.ndarray,
    their_place: int,
    before: int,
    behind: int,
) -> tuple[int, int, int]:
    """Give score, letters and mismatches of the best stretch around two places.

    `before` and `behind` are how many letters both sequences have there.
    """
    score, n, unlike = _one_way(ours, our_place, theirs, their_place, behind, 1)
    more = _one_way(ours, our_place - 1, theirs, their_place - 1, before, -1)
    return score + more[0], n + more[1], unlike + more[2]


@kernel
def _one_way(
    ours: np.ndarray, our_place: int, theirs: np.ndarray, their_place: int, most: int, step: int
) -> tuple[int, int, int]:
    """Go on until the score has fallen by `_DROP`; give the best, its letters and mismatches."""
    score = best = best_n = unlike = best_unlike = 0
    for n in range(most):
        letter, other = ours[our_place + n * step], theirs[their_place + n * step]
        if letter == other and letter < 4:
            score += 1
            if score > best:
                best, best_n, best_unlike = score, n + 1, unlike
        elif letter != other + MASKED or other > 3:
            score -= 1
            unlike += 1
            if score <= best - _DROP:
                break
    return best, best_n, best_unlike


@kernel
def _keep(score: int, piece: int, diagonal: int, found: Candidates, item: int) -> None:
    """Put a stretch in its place among the candidates of a test sequence, best first."""
    scores, pieces, diagonals = found.scores[item], found.pieces[item], found.diagonals[item]
    last = scores.size - 1
    if score < scores[last] or (score == scores[last] and piece >= pieces[last]):
        return
    # One stretch a piece: its former one makes room, or the last.
    place = last
    for each in range(scores.size):
        if pieces[each] == piece:
            if scores[each] >= score:
                return
            place = each
            break
    while place > 0 and (
        scores[place - 1] < score or (scores[place - 1] == score and pieces[place - 1] > piece)
    ):
        scores[place] = scores[place - 1]
        pieces[place] = pieces[place - 1]
        diagonals[place] = diagonals[place - 1]
        place -= 1
    scores[place], pieces[place], diagonals[place] = score, piece, diagonal
