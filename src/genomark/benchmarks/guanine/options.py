"""How tasks of GUANinE are asked: ``guanine/cons30:train=1per,genome=hg38.2bit``."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genomark.benchmarks.sequences.settings import settings_text

#: Parts of the train split that models are fitted on, as shares of it.
SHARES = {"0.1per": 0.001, "1per": 0.01, "10per": 0.1, "train": 1.0}
#: All of them, one after the other: a few-shot curve.
CURVE = "curve"


class GuanineOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What numbers depend on beside task and model.

    Attributes
    ----------
    split : {"dev", "test"}
        What is asked. Labels of the test split are hidden: its answers are kept, for a submission.
    train : str
        What models are fitted on: the whole train split, the tenth, hundredth (the published
        few-shot split) or thousandth part of it, each within the one before; ``curve`` for all of
        these; or ``none``.
    context : int, optional
        Bases of a window that are read from a genome. Left out: what a CSV file has, or 512.
    genome : str
        Path of the genome that coordinates are of; without it a CSV file must have the sequences.
    data : str
        A folder with a folder for each task; left out: the mirror, the cache, and the hub.
    jitter : int
        Runs with noise on the predictions whose mean score is also told.
    effect : {"difference", "reference"}
        What a Predictor that is fitted to nothing says of a variant: by how much its values differ,
        or its value of the sequence without the variant.
    impute : {"none", "mean"}
        What becomes of predictions that are no finite number: they are refused, or are counted and
        replaced by the mean prediction.
    fits : int
        How often a model whose fit depends on the seed is fitted.
    """

    split: Literal["dev", "test"] = "dev"
    train: Literal["train", "10per", "1per", "0.1per", "curve", "none"] = "train"
    context: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None
    genome: str = ""
    data: str = ""
    jitter: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    effect: Literal["difference", "reference"] = "difference"
    impute: Literal["none", "mean"] = "none"
    fits: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1

    @property
    def stages(self) -> tuple[str, ...]:
        """What models are fitted on, one after the other: names of `SHARES`."""
        return tuple(SHARES) if self.train == CURVE else (self.train,)

    @property
    def question(self) -> str:
        """What of it makes another question, as it stands in ids; empty for what is as usual."""
        usual = GuanineOptions()
        told = {name: getattr(self, name) for name in ("split", "train", "context", "effect")}
        return settings_text(
            {name: each for name, each in told.items() if each != getattr(usual, name)}
        )
