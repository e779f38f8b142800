"""A pretraining in a process of its own, to be killed: ``python pretraining_process.py FOLDER``.

It writes a line after each step, and a checkpoint too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from genomark.training.pretraining.architecture import NetworkSettings
from genomark.training.pretraining.corpus import Corpus
from genomark.training.pretraining.pretrain import Pretrained, PretrainingSettings, pretrain
from genomark.training.tokenizers import TokenizerSettings, save_tokenizer, train_tokenizer

NETWORK = NetworkSettings(width=16, layers=1, heads=2)


def planted(windows: int = 40, seed: int = 0) -> Corpus:
    """Windows of words whose second half follows from the first: the eighth base from it."""
    draws = np.random.default_rng(seed)
    made = []
    for _ in range(windows + 8):
        unit = "".join(draws.choice(list("ACGT"), 16))
        made.append(unit * 8)
    return Corpus(tuple(made[:windows]), tuple(made[windows:]), 128)


def made(
    folder: Path,
    kind: str = "character",
    number: int = 0,
    network: NetworkSettings | Path = NETWORK,
    sentinels: int = 0,
    **settings,  # type: ignore[no-untyped-def]
) -> Pretrained:
    """Pretrain on `planted`; what was made in the folder is taken up."""
    settings = {"bases": 12_800, "batch": 8, "seed": 3, **settings}
    tokenizer = folder / "tokenizer"
    corpus = planted()
    if not (tokenizer / "tokenizer.json").exists():
        told = TokenizerSettings(
            kind,  # type: ignore[arg-type]
            k=number if "kmer" in kind else 0,
            size=0 if "kmer" in kind else number,
        )
        save_tokenizer(
            tokenizer, train_tokenizer(told, corpus.train, sentinels=sentinels), longest=130
        )

    def say(bases: int) -> None:
        if __name__ == "__main__":
            sys.stdout.write(f"{bases}\n")
            sys.stdout.flush()

    return pretrain(
        folder / "checkpoint",
        corpus,
        tokenizer,
        network,
        PretrainingSettings(**settings),
        workspace=folder / "workspace",
        progress=say,
        seconds_between_checkpoints=0.0,
    )


if __name__ == "__main__":
    made(Path(sys.argv[1]))
