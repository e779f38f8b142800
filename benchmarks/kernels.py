"""Megabases per second of what the models built in are made of, on one core.

Ten megabases from a seed, as windows of 196,608 or as sequences of 1 kb and 1 Mb, from strings to
arrays:

- one-hot bases, float32 and int8, against rows of a unit matrix and against torch; a window at a
  time, as networks take them, and all at once, where what counts is to write 160 MB of new memory;
- 6-mers, strands merged and single, against scikit-learn and a dict;
- shares of G + C and of CG, of sequences and in windows of 50, against `str.count` and
  `numpy.convolve`; the reverse complement against the same by way of bytes;
- best scores of the first 700 motifs on both strands, against a float32 convolution of torch with
  two threads, and scipy's by FFT, which are timed on a part.

Seconds are the processor's, the least of several runs, but those of the motifs and their peers,
which are by the clock. The exit status is 1 if an answer is not that of a plain loop, or a bound
does not hold: 400 Mbp/s for one-hot float32 by windows, 800 for 6-mers, 20 s for motifs.

usage: python benchmarks/kernels.py
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from sklearn.feature_extraction.text import CountVectorizer

from genomark import datasets
from genomark.datasets.genome import reverse_complement
from genomark.datasets.letters import encode_bases, one_hot
from genomark.errors import GenomarkError
from genomark.models.composition import cpg_density, cpg_tracks, gc_content, gc_tracks
from genomark.models.kmer import Kmer
from genomark.models.motif import read_meme
from genomark.models.motif_scan import MotifScanner

RUNS = 7
BASES = 10_000_000
WINDOW = 196_608
ONE_HOT, KMERS, MOTIFS = 400.0, 800.0, 20.0
N_MOTIFS = 700

Matrices = list[NDArray[np.float64]]


def letters(length: int) -> str:
    drawn = np.random.default_rng(0).integers(0, 4, length)
    return np.frombuffer(b"ACGT", dtype=np.uint8)[drawn].tobytes().decode()


def cut(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text) - length + 1, length)]


def least(function: Callable[[], object], runs: int = RUNS) -> float:
    function()
    times = []
    for _ in range(runs):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def clock(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def speed(
    what: str, bases: int, seconds: float, peers: dict[str, float], bound: float | None = None
) -> bool:
    """Print Mbp/s, and how many times those of each peer; both as seconds for so many bases."""
    rate = bases / seconds / 1e6
    told = ", ".join(f"{peer / seconds:.1f}x {name}" for name, peer in peers.items())
    limit = "" if bound is None else f" (at least {bound:g})"
    print(f"{what:<34}{rate:7.0f} Mbp/s{limit:<15} {told}")
    if bound is not None and rate < bound:
        print(f"FAILED: below {bound:g} Mbp/s")
        return False
    return True


def same(what: str, right: bool) -> bool:
    if not right:
        print(f"FAILED: {what} is not that of the plain loop")
    return right


def numbers(text: str) -> NDArray[np.int64]:
    return np.searchsorted(np.frombuffer(b"ACGT", np.uint8), np.frombuffer(text.encode(), np.uint8))


def measure_one_hot(text: str) -> bool:
    windows = cut(text, WINDOW)
    bases = len(windows) * WINDOW
    table = np.zeros(256, dtype=np.int64)
    table[list(b"ACGT")] = range(4)

    def by_unit_matrix(dtype: type) -> None:
        unit = np.eye(4, dtype=dtype)
        for window in windows:
            unit[table[np.frombuffer(window.encode(), np.uint8)]]

    def by_torch() -> None:
        codes = torch.from_numpy(table)
        for window in windows:
            asked = codes[torch.from_numpy(np.frombuffer(window.encode(), np.uint8).astype(int))]
            torch.nn.functional.one_hot(asked, 4).float()

    torch.set_num_threads(1)
    good = True
    for dtype, bound in ((np.float32, ONE_HOT), (np.int8, None)):
        took = least(lambda dtype=dtype: [one_hot([each], dtype=dtype).size for each in windows])
        peers = {"a unit matrix": least(lambda dtype=dtype: by_unit_matrix(dtype), 2)}
        if dtype is np.float32:
            peers["torch"] = least(by_torch, 2)
        good &= speed(f"one-hot {np.dtype(dtype)}, {WINDOW:,} each", bases, took, peers, bound)
        found = one_hot(windows[:3], dtype=dtype)
        expected = np.eye(4, dtype=dtype)[np.stack([numbers(each) for each in windows[:3]])]
        good &= same("one-hot", np.array_equal(found, expected))
    took = least(lambda: one_hot(windows), 3)
    filled = least(lambda: np.ones((len(windows), WINDOW, 4), dtype=np.float32), 3)
    speed("one-hot float32, all at once", bases, took, {"numpy.ones": filled})
    return good


def measure_kmers(text: str) -> bool:
    sequences, part = cut(text, 1_000_000), text[:200_000]
    words = ["".join(each) for each in itertools.product("ACGT", repeat=6)]
    vectorizer = CountVectorizer(
        analyzer="char", ngram_range=(6, 6), lowercase=False, vocabulary=words
    )

    def by_dict() -> dict[str, int]:
        counts: dict[str, int] = {}
        for at in range(len(part) - 5):
            word = part[at : at + 6]
            counts[word] = counts.get(word, 0) + 1
        return counts

    scale = BASES / len(part)
    peers = {
        "a dict": least(by_dict, 2) * scale,
        "scikit-learn": least(lambda: vectorizer.transform([part]), 2) * scale,
    }
    good = True
    for strands in ("merged", "single"):
        model = Kmer(6, strands)
        took = least(lambda model=model: model.features(sequences))
        good &= speed(f"6-mers, {strands}", BASES, took, peers, KMERS)
        expected = Counter(by_dict())
        if strands == "merged":
            for word in words:
                first = min(word, reverse_complement(word))
                if first != word:
                    expected[first] += expected.pop(word, 0)
        column = [word for word in words if strands == "single" or word <= reverse_complement(word)]
        found = model.features([part])[0].tolist()
        good &= same("a count", found == [expected[word] for word in column])
    return good


def window_shares(marks: NDArray[np.bool_], length: int) -> NDArray[np.float64]:
    counted = np.concatenate([[0], np.cumsum(marks)])
    first = np.maximum(0, np.arange(length) - 25)
    last = np.minimum(length, np.arange(length) + 25)
    inside = np.maximum(first, last - (length - marks.size))
    return 100.0 * (counted[inside] - counted[first]) / (last - first)


def measure_composition(text: str) -> bool:
    windows = cut(text, WINDOW)
    bases = len(windows) * WINDOW
    arrays = [np.frombuffer(each.encode(), np.uint8) for each in windows]
    ones = np.ones(50)
    gc = [(each == ord("G")) | (each == ord("C")) for each in arrays]
    cpg = [(each[:-1] == ord("C")) & (each[1:] == ord("G")) for each in arrays]
    counted = {
        "gc": lambda: [each.count("G") + each.count("C") for each in windows],
        "cpg": lambda: [each.count("CG") for each in windows],
    }
    good = True
    for name, points, tracks, marks in (
        ("gc", gc_content, gc_tracks, gc),
        ("cpg", cpg_density, cpg_tracks, cpg),
    ):
        took = least(lambda points=points: points(windows))
        speed(f"{name}, points", bases, took, {"str.count": least(counted[name], 3)})
        found = points(windows).tolist()
        plain = [(count + 1e-9) / WINDOW for count in counted[name]()]
        good &= same(f"a point of {name}", found == plain)
        took = least(lambda tracks=tracks: [tracks([each])[0].size for each in windows])
        peer = least(lambda marks=marks: [np.convolve(m, ones, "same").size for m in marks], 2)
        speed(f"{name}, tracks", bases, took, {"numpy.convolve": peer})
        pairs = zip(tracks(windows), marks, strict=True)
        exact = all(np.array_equal(track, window_shares(m, WINDOW)) for track, m in pairs)
        good &= same(f"a track of {name}", exact)
    return good


def measure_reverse_complement(text: str) -> bool:
    sequences = cut(text, 1_000)
    table = bytes.maketrans(b"ACGT", b"TGCA")

    def by_bytes() -> list[str]:
        return [each.encode().translate(table)[::-1].decode() for each in sequences]

    took = least(lambda: [reverse_complement(each) for each in sequences])
    speed("reverse complement, 1 kb each", BASES, took, {"bytes.translate": least(by_bytes, 3)})
    return same("a reverse complement", [reverse_complement(s) for s in sequences] == by_bytes())


def bits(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log2((matrix + 0.01) / 1.04 / 0.25)


def plain_best(matrix: NDArray[np.float64], codes: NDArray[np.uint8]) -> int:
    """Best score of one motif, a window after the other, in whole numbers."""
    width = len(matrix)
    best = []
    for strand in (matrix, matrix[::-1, ::-1]):
        table = np.rint(64 * bits(strand)).astype(np.int32)
        windows = codes.size - width + 1
        scores = np.zeros(windows, dtype=np.int32)
        for place in range(width):
            scores += table[place].take(codes[place : place + windows])
        best.append(int(scores.max()))
    return max(best)


def by_width(motifs: Matrices) -> list[NDArray[np.float32]]:
    """Both strands of the motifs of each width, float32[n, width, 4]."""
    widths = sorted({len(motif) for motif in motifs})
    stacks = [np.stack([bits(m) for m in motifs if len(m) == width]) for width in widths]
    return [np.concatenate([s, s[:, ::-1, ::-1]]).astype(np.float32) for s in stacks]


def by_convolution(motifs: Matrices, text: str) -> float:
    """Seconds of torch with two threads for the best score of all motifs."""
    torch.set_num_threads(2)
    kernels = [torch.from_numpy(each).transpose(1, 2).contiguous() for each in by_width(motifs)]
    bases = torch.from_numpy(one_hot(cut(text, 1_000))).transpose(1, 2).contiguous()

    def scan() -> None:
        with torch.inference_mode():
            for kernel in kernels:
                torch.nn.functional.conv1d(bases, kernel).amax(dim=2)

    scan()
    return clock(scan)


def by_fft(motifs: Matrices, text: str) -> float:
    """Seconds of scipy for the best score of each on one strand, twice."""
    bases = one_hot([text])[0]

    def scan() -> None:
        for motif in motifs:
            fftconvolve(bases, bits(motif)[::-1].astype(np.float32), "valid", axes=0).sum(1).max()

    return 2 * clock(scan)


def measure_motifs(text: str) -> bool:
    try:
        file = datasets.path("motifs", "motifs.meme.txt", progress=False)
    except GenomarkError as error:
        print(f"no motifs: {error}")
        return True
    motifs = [each.probabilities for each in read_meme(file)][:N_MOTIFS]
    scanner = MotifScanner(motifs)
    short, few = cut(text, 1_000), motifs[::100]
    scanner.best_scores(short[:2])
    peers = {
        "torch, two threads": by_convolution(motifs, text[:200_000]) * BASES / 200_000,
        "scipy's FFT": by_fft(few, text[:200_000]) * BASES / 200_000 * len(motifs) / len(few),
    }
    good = True
    codes, _ = encode_bases([text])
    for what, sequences in (("10,000 of 1 kb", short), ("one of 10 Mb", [text])):
        start, busy = time.perf_counter(), time.process_time()
        scores = scanner.best_scores(sequences)
        took, busy = time.perf_counter() - start, time.process_time() - busy
        told = ", ".join(f"{peer / took:.1f}x {name}" for name, peer in peers.items())
        print(
            f"{N_MOTIFS} motifs, {what:<20}{took:6.1f} s (at most {MOTIFS:g}), {busy:.1f} s of one "
            f"core  {told}"
        )
        if took > MOTIFS:
            print(f"FAILED: over {MOTIFS:g} s")
            good = False
        checked = range(0, len(motifs), 200 if len(sequences) == 1 else 50)
        length = len(sequences[0])
        for row, column in itertools.product(range(0, len(sequences), 500), checked):
            plain = plain_best(motifs[column], codes[row * length : (row + 1) * length])
            good &= same("a score", int(scores[row, column]) == plain)
    return good


def main() -> int:
    print(f"NumPy {np.__version__}, torch {torch.__version__}, {BASES:,} bases")
    text = letters(BASES)
    good = [
        measure_one_hot(text),
        measure_kmers(text),
        measure_composition(text),
        measure_reverse_complement(text),
        measure_motifs(text),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
