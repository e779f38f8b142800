"""Bytes sent and memory taken by `fulco2019`: windows as edits of references, or as whole copies.

The coordinates are the true ones; the letters of hg19 around the genes are random, all else is N.
All 30 requests (4,912 sequences of 4 Mb) are answered by `cpg`, a served process on this machine,
and again in process; what whole copies would be is computed and not sent. The gene has to be in
the range that is asked about, on either strand. The exit status is 1 if a bound does not hold, or
the two ways differ.

usage: python benchmarks/edits.py
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from genomark import datasets
from genomark.benchmarks.asking import Asking
from genomark.benchmarks.game.fulco2019 import ASSEMBLY, Fulco2019
from genomark.datasets.assemblies import chromosomes, open_assembly
from genomark.datasets.genome import reverse_complement
from genomark.models import Predictor, load_model
from genomark.models.remote import RemotePredictor
from genomark.protocol import MSGPACK, encode_request, total_letters

sys.path.append(str(Path(__file__).parents[1] / "tests" / "datasets"))
from sparse_genome import write_sparse_2bit

LEAST_RATIO = 100.0
MOST_MEMORY = 1e9
HALF_WINDOW = 2_000_000


def write_genome(folder: Path) -> None:
    """Chromosomes of hg19 with random letters in the windows of the genes."""
    pairs = pl.read_parquet(datasets.path("fulco2019", "fulco_evaluator_coordinates.parquet"))
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    random = np.random.default_rng(0)
    stretches: dict[str, list[tuple[int, str]]] = {}
    end = 0
    genes = pairs.select("gene_chr", "gene_start").unique().sort("gene_chr", "gene_start")
    for chrom, gene in genes.iter_rows():
        known = stretches.setdefault(chrom, [])
        start = max(gene - HALF_WINDOW, end if known else 0)
        end = gene + HALF_WINDOW
        known.append((start, bytes(random.choice(letters, end - start)).decode()))
    lengths = {name: chrom.length for name, chrom in chromosomes(ASSEMBLY).items()}
    write_sparse_2bit(folder / "datasets" / ASSEMBLY / f"{ASSEMBLY}.2bit", lengths, stretches)


def genes_in_range() -> int:
    """Count genes of which the letters asked about are those of the gene, read on its strand."""
    benchmark, genome = Fulco2019(), open_assembly(ASSEMBLY)
    found = 0
    for part in benchmark.parts():
        gene = part.row(0, named=True)
        request = benchmark.request(part)
        assert isinstance(request.prediction_ranges, dict)
        (name, (low, high)), *_ = request.prediction_ranges.items()
        body = genome.window(gene["chrom"], gene["gene_start"], gene["gene_end"])
        wanted = reverse_complement(body) if gene["strand"] == "-" else body
        found += request.sequences[name][low : high + 1] == wanted
    return found


def sizes() -> tuple[int, int]:
    """Bytes of all requests with edits, and at least what whole copies would be."""
    benchmark = Fulco2019()
    edited = whole = 0
    for part in benchmark.parts():
        request = benchmark.request(part)
        edited += len(encode_request(request, MSGPACK, edits=True))
        whole += total_letters(request.sequences)
    return edited, whole


@contextlib.contextmanager
def served() -> Iterator[tuple[int, str]]:
    command = (sys.executable, "-c", "from genomark.cli import main; main()")
    words = ("serve", "model", "cpg", "--port", "0")
    with subprocess.Popen((*command, *words), stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            told = re.search(r"http://\S+", line)
            if told is None:
                raise SystemExit(f"the server did not start: {line}{server.stderr.read()}")
            yield server.pid, told[0]
        finally:
            server.terminate()


def highest(pid: int | str) -> int:
    """Most memory that a process ever took; bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def answer(spec: str) -> None:
    """Answer all items, in a process of its own: prints a digest, bytes sent and memory."""
    benchmark = Fulco2019()
    model = load_model(spec)
    assert isinstance(model, Predictor)
    began = time.process_time()
    answers = pl.concat([benchmark.answer(model, part, Asking()) for part in benchmark.parts()])
    sent = model.bytes_sent if isinstance(model, RemotePredictor) else 0
    digest = answers.hash_rows().sum()
    seconds = time.process_time() - began
    print(answers["value"].is_not_null().sum(), digest, sent, highest("self"), f"{seconds:.1f}")


def asked(spec: str) -> list[str]:
    command = [sys.executable, __file__, spec]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENOMARK_CACHE"] = folder
        write_genome(Path(folder))
        inside = genes_in_range()
        edited, whole = sizes()
        with served() as (pid, address):
            there, digest, sent, client, client_seconds = asked(address)
            server = highest(pid)
        here, same, _, alone, alone_seconds = asked("cpg")
    ratio = whole / int(sent)
    print(f"genes in the range asked about: {inside} of 30")
    print(f"answered: {there} over HTTP, {here} in process, the same: {digest == same}")
    print(f"sent {int(sent) / 1e6:,.0f} MB, whole copies {whole / 1e6:,.0f} MB: {ratio:.0f} times")
    print(f"one message a gene would be {edited / 1e6:,.0f} MB")
    print(
        f"memory at most: client {int(client) / 1e6:,.0f} MB, server {server / 1e6:,.0f} MB, "
        f"in process {int(alone) / 1e6:,.0f} MB"
    )
    print(f"processor: client {client_seconds} s, in process {alone_seconds} s")
    small = max(int(client), server, int(alone)) < MOST_MEMORY
    return 0 if inside == 30 and digest == same and ratio >= LEAST_RATIO and small else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        answer(sys.argv[1])
    else:
        raise SystemExit(main())
