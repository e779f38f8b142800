"""What one process does for a study: a tokenizer, a network, and its bits per base."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from genomark.digests import digest_of_file
from genomark.studies.config import StudyConfig, Variant
from genomark.studies.stages import finish, finished, stage_folder
from genomark.training.pretraining.architecture import NetworkSettings
from genomark.training.pretraining.corpus import Corpus, read_corpus
from genomark.training.pretraining.held_out import (
    JUDGED,
    HeldOutBits,
    held_out_bits,
    markov_bits,
)
from genomark.training.pretraining.pretrain import Pretrained, open_tokenizer, pretrain
from genomark.training.tokenizers import TokenizerSettings, save_tokenizer, train_tokenizer

#: Raise it when the same key gives another outcome.
_VERSION = "1"


class Bits(msgspec.Struct, frozen=True):
    """Bits per base of held-out stretches.

    Attributes
    ----------
    per_base : float
    interval : (float, float)
        95 %, over windows.
    count_per_base : float
        The part that tells how many tokens a stretch has.
    windows, bases : int
        That were judged.
    cpu_seconds : float
    """

    per_base: float
    interval: tuple[float, float]
    count_per_base: float
    windows: int
    bases: int
    cpu_seconds: float


class Tokenized(msgspec.Struct, frozen=True):
    """A tokenizer: its words, special ones aside, and tokens per base of held-out windows."""

    words: int
    tokens_per_base: float
    cpu_seconds: float


class Learned(msgspec.Struct, frozen=True):
    """A network: its size, what it read, what that cost, and its curve of bits a hidden token."""

    parameters: int
    bases: int
    tokens: int
    hidden_share: float
    cpu_seconds: float
    curve: list[tuple[int, float]]


@dataclass(frozen=True)
class Made:
    """What came of a job."""

    tokenized: Tokenized
    learned: Learned
    bits: Bits
    checkpoint: Path


@dataclass(frozen=True)
class Job:
    """A tokenizer with a network, pretrained or not.

    Attributes
    ----------
    stages : Path
        Folder of all stages.
    sequences : Path
        FASTA or 2bit.
    config : StudyConfig
    variant : Variant
    pretrained : bool
    """

    stages: Path
    sequences: Path
    config: StudyConfig
    variant: Variant
    pretrained: bool

    @property
    def corpus(self) -> Corpus:
        """Windows to learn from and to be judged by."""
        data = self.config.data
        shortest = max(JUDGED.every, self.config.pretraining.hiding.every)
        return read_corpus(self.sequences, data.held_out, data.window, shortest)

    def work(self, corpus: Corpus) -> int:
        """Bases that it reads, for progress: once forwards and backwards, thrice forwards alone."""
        judged = len(corpus.held_out) * corpus.window * self.config.judging.rounds
        return (self.config.pretraining.bases if self.pretrained else 0) + judged // 3

    def run(self, corpus: Corpus, progress: Callable[[int], None]) -> Made:
        """Do what is not done yet.

        Parameters
        ----------
        corpus : Corpus
        progress : callable
            Takes how much of `work` is done.

        Raises
        ------
        UsageError, ModelError, WriteError
            As what it calls.
        """
        tokenizer, stage, tokenized = self._tokenizer(corpus)
        folder, learned = self._network(corpus, tokenizer, stage, progress)
        read = learned.bases
        n = len(corpus.held_out) * self.config.judging.rounds

        def judged(windows: int) -> None:
            progress(read + (self.work(corpus) - read) * windows // n)

        checkpoint = folder / "checkpoint"
        bits = self._bits(
            corpus,
            folder,
            lambda: held_out_bits(checkpoint, corpus, self.config.judging.rounds, progress=judged),
        )
        progress(self.work(corpus))
        return Made(tokenized, learned, bits, checkpoint)

    def _tokenizer(self, corpus: Corpus) -> tuple[Path, str, Tokenized]:
        """Give the folder of the tokenizer, the name of its stage, and what is told of it."""
        source = self.variant.source
        longest = corpus.window + 2
        if isinstance(source, Path):
            files = ("tokenizer.json", "tokenizer_config.json")
            key: list[Any] = [
                digest_of_file(source / each) for each in files if (source / each).is_file()
            ]
        else:
            key = [msgspec.to_builtins(source), self._sentinels]
        folder = stage_folder(
            self.stages, "tokenizers", self.variant.name, [_VERSION, corpus.digest, longest, *key]
        )
        place = folder if isinstance(source, TokenizerSettings) else source
        found = finished(folder, Tokenized)
        if found is not None:
            return place, folder.name, found
        clock = time.process_time()
        if isinstance(source, TokenizerSettings):
            made = train_tokenizer(source, corpus.train, sentinels=self._sentinels)
            save_tokenizer(folder, made, longest=longest)
        seconds = time.process_time() - clock
        opened = open_tokenizer(place)
        tokens = sum(
            int((each.spans[:, 0] >= 0).sum()) for each in opened.encode(list(corpus.held_out))
        )
        bases = sum(map(len, corpus.held_out))
        told = Tokenized(len(opened.vocabulary.words) - self._sentinels, tokens / bases, seconds)
        finish(folder, told)
        return place, folder.name, told

    @property
    def _sentinels(self) -> int:
        if self.config.network.architecture != "t5":
            return 0
        every = min(self.config.pretraining.hiding.every, JUDGED.every)
        return self.config.data.window // every + 2

    def _network(
        self, corpus: Corpus, tokenizer: Path, stage: str, progress: Callable[[int], None]
    ) -> tuple[Path, Learned]:
        settings = self.config.pretraining
        if not self.pretrained:
            settings = msgspec.structs.replace(settings, bases=0)
        source = self.variant.source
        network: NetworkSettings | Path = self.config.network
        drawn = msgspec.to_builtins(self.config.network)
        if isinstance(source, Path):
            network, drawn = source, [digest_of_file(each) for each in _weights(source)]
        key = [
            _VERSION,
            corpus.digest,
            corpus.window,
            stage,
            drawn,
            msgspec.to_builtins(settings),
            version("torch"),
            version("transformers"),
        ]
        name = self.variant.name if self.pretrained else f"{self.variant.name}-untrained"
        folder = stage_folder(self.stages, "networks", name, key)
        found = finished(folder, Learned)
        if found is None:
            found = _learned(
                pretrain(
                    folder / "checkpoint",
                    corpus,
                    tokenizer,
                    network,
                    settings,
                    workspace=folder / "workspace",
                    progress=progress,
                )
            )
            finish(folder, found)
            shutil.rmtree(folder / "workspace", ignore_errors=True)
        return folder, found

    def _bits(self, corpus: Corpus, network: Path, judge: Callable[[], HeldOutBits]) -> Bits:
        key = [*_judging_key(self.config, corpus), network.name]
        return _judged(stage_folder(self.stages, "bits", network.name, key), judge)


def markov_stage(stages: Path, config: StudyConfig, corpus: Corpus, order: int) -> Bits:
    """Judge a Markov chain, or read how it was judged."""
    key = [*_judging_key(config, corpus), order]
    folder = stage_folder(stages, "bits", f"markov-{order}", key)
    return _judged(folder, lambda: markov_bits(order, corpus, config.judging.rounds))


def _judging_key(config: StudyConfig, corpus: Corpus) -> list[object]:
    return [_VERSION, corpus.digest, config.judging.rounds, msgspec.to_builtins(JUDGED)]


def _judged(folder: Path, judge: Callable[[], HeldOutBits]) -> Bits:
    found = finished(folder, Bits)
    if found is None:
        clock = time.process_time()
        told = judge()
        found = Bits(
            per_base=told.per_base,
            interval=told.interval(),
            count_per_base=told.count_per_base,
            windows=len(told.bits),
            bases=int(told.bases.sum()),
            cpu_seconds=time.process_time() - clock,
        )
        finish(folder, found)
    return found


def _learned(made: Pretrained) -> Learned:
    return Learned(
        parameters=made.parameters,
        bases=made.bases,
        tokens=made.tokens,
        hidden_share=made.hidden_share,
        cpu_seconds=made.cpu_seconds,
        curve=made.curve,
    )


def _weights(folder: Path) -> list[Path]:
    """Files that the weights of a checkpoint depend on, where they are named as usual."""
    named = (folder / "config.json", *sorted(folder.glob("*.safetensors")))
    return [each for each in (*named, *sorted(folder.glob("pytorch_model*.bin"))) if each.is_file()]
