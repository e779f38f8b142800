"""Embedding sequences against the two ways in which it is usually done, in one run.

A random checkpoint of the ESM family with one token a base embeds RNA sequences of bpRNA (11 to
3,716 bases, of which it sees 1,022): through `hf:`, through transformers with every batch padded to
the 1,024 tokens that suites pad to, and through transformers one sequence at a time. Wall seconds
of the same number of threads; the last two are timed on every so many sequences and scaled up.
Vectors must agree to 1e-5, and padding must stay below 10 % of the tokens; otherwise the exit
status is 1.

usage: python benchmarks/embedding.py
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from genomark.benchmarks import load_benchmark
from genomark.models import load_model

sys.path.append(str(Path(__file__).parents[1] / "tests" / "models" / "hub"))

TASK = "rgb/ssp-bprna"
LONGEST = 1022
EVERY = 12
BATCH = 32
TOLERANCE = 1e-5
LARGEST_PADDING = 0.10
#: Layers, width: one that is all overhead, and one that is all arithmetic.
SIZES = {"tiny": (2, 32), "small": (6, 192)}


def checkpoint(folder: Path, layers: int, width: int) -> Path:
    """Write a random checkpoint in its real format."""
    import tiny_checkpoints
    from transformers import EsmConfig, EsmForMaskedLM

    tiny_checkpoints.esm(folder, rna=True)
    known = EsmConfig.from_pretrained(folder).to_dict()
    known |= {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": 4,
        "max_position_embeddings": 1026,
    }
    settings = folder / "tokenizer_config.json"
    told = json.loads(settings.read_text()) | {"model_max_length": LONGEST + 2}
    settings.write_text(json.dumps(told))
    torch.manual_seed(0)
    EsmForMaskedLM(EsmConfig(**known)).save_pretrained(folder)
    return folder


def plain(
    folder: Path, sequences: list[str], batch: int, *, padded: bool
) -> tuple[np.ndarray, float]:
    """Embed with transformers as a script would: mean over the tokens of the sequence."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    network.eval()
    begun = time.perf_counter()
    vectors = []
    for first in range(0, len(sequences), batch):
        told = tokenizer(
            sequences[first : first + batch],
            return_tensors="pt",
            padding="max_length" if padded else False,
            max_length=LONGEST + 2,
            truncation=True,
        )
        with torch.inference_mode():
            hidden = network(**told).last_hidden_state
        own = told["attention_mask"].clone()
        own[:, 0] = 0
        own[torch.arange(len(own)), told["attention_mask"].sum(dim=1) - 1] = 0
        weight = own.unsqueeze(-1)
        vectors.append(((hidden * weight).sum(dim=1) / weight.sum(dim=1)).numpy())
    return np.concatenate(vectors), time.perf_counter() - begun


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def main() -> None:
    """Time both sizes of network."""
    task = load_benchmark(TASK).task
    everything = [each[:LONGEST] for each in (*task.test().sequences, *task.valid().sequences)]
    sequences = list(dict.fromkeys(everything))
    some = sequences[::EVERY]
    kept = True
    print(f"{len(sequences):,} sequences of {TASK}, {torch.get_num_threads()} threads")
    print("network   genomark    padded to 1,024      one at a time   padding   difference")
    for name, (layers, width) in SIZES.items():
        with tempfile.TemporaryDirectory() as place:
            os.environ["GENOMARK_CACHE"] = place
            folder = checkpoint(Path(place) / "checkpoint", layers, width)
            model = load_model(f"hf:{folder}")
            model.embed(["ACGU" * 8])  # What is loaded once.
            vectors, seconds = timed(lambda model=model: model.embed(sequences))
            padded, longest = plain(folder, some, BATCH, padded=True)
            _, alone = plain(folder, some, 1, padded=False)
            more = len(sequences) / len(some)
            apart = float(np.abs(vectors[::EVERY] - padded).max())
            kept &= apart < TOLERANCE and model.padding_share < LARGEST_PADDING
            peers = (
                f"{each * more:8.1f} s ({each * more / seconds:5.1f}x)" for each in (longest, alone)
            )
            print(
                f"{name:8}  {seconds:6.2f} s  {'  '.join(peers)}"
                f"  {model.padding_share:7.1%}   {apart:.1e}",
                flush=True,
            )
    if not kept:
        raise SystemExit("Vectors or padding are not as they should be.")


if __name__ == "__main__":
    main()
