"""`t5`: text to text, where the first word that a model says of a sequence is its class."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from genomark.digests import digest_of
from genomark.errors import CapabilityError, UsageError
from genomark.models import Answers, FittedTask, Fitting
from genomark.models.hub.vocabulary import Tokens
from genomark.scoring import ModelIdentity
from genomark.sequences import Kind, TaskSplit
from genomark.training.fit_parts import FitParts, fill, network_parts
from genomark.training.recipe import Recipe
from genomark.training.t5_checkpoint import T5Checkpoint
from genomark.training.t5_scratch import T5FromScratch
from genomark.training.text_form import KINDS, T5Source, TaskClasses, TextForm
from genomark.training.torch_extra import import_torch, reproducible

if TYPE_CHECKING:
    from torch import nn

    from genomark.training.text_network import TextEncoder, TextObjective

#: Raise it when the same settings and seed give other answers.
_VERSION = "1"
_SCRATCH = "scratch"
#: Settings that have a meaning for one source only.
_OF_SCRATCH = ("d_model", "layers", "heads", "k", "dropout")
_OF_CHECKPOINT = ("fit", "vocabulary", "prefixes", "tokens")
_OF_FITS = ("epochs", "patience", "batch_size", "learning_rate", "weight_decay")
#: Words, padding among them, that go through at once: attention has a cell for each pair of them.
_CELLS_AT_ONCE = 1 << 13
_RATES = {_SCRATCH: 1e-3, "checkpoint": 1e-4}
_SECONDS_BETWEEN_LINES = 2.0


class TextToText:
    """A TaskTrainable: a T5 that is fitted to each task, or answers as it was published.

    Parameters
    ----------
    spec : str
        What makes it again.
    source : T5Source
    recipe : Recipe
    answer : {"class", "expected"}
        The likeliest class, or the mean over all classes by their probabilities.
    """

    def __init__(
        self,
        spec: str,
        source: T5Source,
        recipe: Recipe,
        answer: Literal["class", "expected"],
    ) -> None:
        self._spec = spec
        self._source = source
        self._recipe = recipe
        self._answer = answer
        self.varies_with_seed = self.learns = not source.published

    @cached_property
    def info(self) -> ModelIdentity:
        """The checkpoint's, or that of its settings, with how it is fitted and asked."""
        revision = self._source.revision if isinstance(self._source, T5Checkpoint) else None
        how = "as published, not fitted" if self._source.published else "fitted to the task"
        read = "the likeliest class" if self._answer == "class" else "the expected class"
        notes = [f"text to text, {how}; answers are {read}"]
        if revision is not None:
            notes.append(f"revision {revision}")
        return ModelIdentity(
            id=self._spec,
            version=_VERSION if revision is None else f"{_VERSION}@{revision}",
            digest=digest_of([self.base, self._recipe.settings]),
            notes=notes,
        )

    def check_task(self, kind: Kind) -> None:
        """Refuse what is not told of whole sequences, or has no classes."""
        if kind not in KINDS:
            raise CapabilityError(
                f"'{self._spec}' answers with a word a sequence, and cannot answer '{kind}' tasks; "
                f"it can {', '.join(KINDS)} (of whole numbers)"
            )

    def fit_task(self, split: TaskSplit, fitting: Fitting) -> FittedTask:
        """Train on a task; of what is published, only read the classes off the training part.

        Raises
        ------
        UsageError
            If PyTorch is not installed, values are not whole, or the vocabulary has no word for a
            class.
        ModelError
            If the checkpoint cannot be loaded, or its loss is no longer a number.
        """
        import_torch()
        from genomark.training.text_network import TextEncoder, TextObjective
        from genomark.training.trainer import train

        self.check_task(split.kind)
        form = self._source.form(TaskClasses.of(split.task, split.train))
        encoder, objective = TextEncoder(self._source), TextObjective.of_form(form, self._answer)
        if self._source.published:
            network = self._network(form)
            _ready(network)
            report: dict[str, Any] = {"notes": list(split.notes)}
        else:
            fitted = train(
                lambda _: self._network(form),
                encoder,
                split,
                self._recipe,
                fitting,
                identity=self.info.digest,
                objective=objective,
            )
            network, report = fitted.network, dict(fitted.report)
        return _FirstWords(network, encoder, objective, self._recipe, report, fitting.tell)

    @property
    def spec(self) -> str:
        """What makes the model again."""
        return self._spec

    @property
    def base(self) -> str:
        """Digest of what a fit starts from, and of how it is asked."""
        return digest_of([_VERSION, self._source.digest, self._answer])

    def parts(self, fitted: FittedTask, split: TaskSplit) -> FitParts:
        """Take all weights, and the classes; nothing but these of what is published."""
        words = cast(_FirstWords, fitted)
        parts = network_parts(words.network, split, fitted.report)
        arrays = {} if self._source.published else parts.arrays
        facts = {"classes": list(words.objective.classes)}
        return replace(parts, arrays=arrays, facts=facts)

    def restored(self, parts: FitParts) -> FittedTask:
        """Make the network, and fill it.

        Raises
        ------
        UsageError
            If PyTorch is not installed.
        ModelError
            If the weights are those of another network.
        """
        import_torch()
        from genomark.training.text_network import TextEncoder, TextObjective

        n_labels = len(parts.labels) if parts.kind == "regression" else 1
        classes = tuple(map(int, parts.facts["classes"]))
        form = self._source.form(TaskClasses("a saved fit", parts.kind, n_labels, classes))
        with reproducible(seed=0):
            network = self._network(form)
        if self._source.published:
            _ready(network)
        else:
            fill(network, parts)
        objective = TextObjective.of_form(form, self._answer)
        encoder = TextEncoder(self._source)
        return _FirstWords(network, encoder, objective, self._recipe, parts.report)

    def _network(self, form: TextForm) -> nn.Module:
        from genomark.training.text_network import FirstWord

        return FirstWord(self._source.network(form), form, exact=self._source.published)


class _FirstWords:
    """A FittedTask: a network, and how many of its words were no class."""

    def __init__(
        self,
        network: nn.Module,
        encoder: TextEncoder,
        objective: TextObjective,
        recipe: Recipe,
        report: Mapping[str, Any],
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.network = network
        self.objective = objective
        self._encoder = encoder
        self._recipe = recipe
        self._report = report
        self._tell = tell
        self._strays = 0

    def answers(self, sequences: Sequence[str]) -> Answers:
        """Answer sequences, padded beside those of a similar length."""
        from genomark.training.fitted import network_outputs

        told_at = time.monotonic()

        def progress(done: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= _SECONDS_BETWEEN_LINES:
                told_at = time.monotonic()
                self._tell(f"answering: {done:,} of {len(sequences):,}")

        with reproducible(seed=0):
            outputs = network_outputs(
                self.network,
                self._encoder,
                self.objective,
                self._encoder.encode(sequences),
                [len(each) for each in sequences],
                self._recipe.cells_at_once,
                progress,
            )
        self._strays += self.objective.strays(outputs)
        return self.objective.answers(outputs)

    @property
    def report(self) -> Mapping[str, Any]:
        """Of the training; the classes, and how many of the likeliest words so far were none."""
        notes = list(self._report.get("notes", ()))
        if self._strays:
            instead = "no number" if self.objective.answer == "class" else "the mean over classes"
            notes.append(
                f"{self._strays:,} times the likeliest word was no class of the task: {instead} "
                "was answered"
            )
        return {**self._report, "classes": len(self.objective.classes), "notes": notes}


def _ready(network: nn.Module) -> None:
    """Put a network where there is most to compute with."""
    torch = import_torch()
    network.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def t5(
    name: str,
    fit: Literal["yes", "no"] = "yes",
    answer: Literal["class", "expected"] = "class",
    vocabulary: str = "",
    prefixes: str = "",
    tokens: Tokens = "own",
    d_model: int = 64,
    layers: int = 2,
    heads: int = 4,
    k: int = 1,
    dropout: float = 0.1,
    epochs: int = 20,
    patience: int = 5,
    batch_size: int = 32,
    learning_rate: float = 0.0,
    weight_decay: float = 0.01,
) -> TextToText:
    """Make ``t5:ORG/NAME@REVISION,key=value,...`` or ``t5:scratch,d_model=64,layers=2,...``.

    Parameters
    ----------
    name : str
        A local folder, a name on the Hugging Face hub, perhaps with ``@revision``, or ``scratch``
        for a T5 with weights drawn at random.
    fit : {"yes", "no"}
        Whether it is fitted to the task, or answers as it was published for one.
    answer : {"class", "expected"}
        The likeliest class, or the mean over all classes by their probabilities, which has no
        ties. Of a binary task, 0 or 1, or how much likelier yes is (log-odds).
    vocabulary : str
        Folder or hub name of the tokenizer that answers are read by; "" for the checkpoint's own.
    prefixes : str
        Texts before a sequence for each label, parted by ``/``.
    tokens : str
        How a sequence becomes words; ``own`` as the checkpoint's tokenizer does.
    d_model, layers, heads, k, dropout
        As in a `T5FromScratch`; of no checkpoint.
    epochs, patience, batch_size, weight_decay
        As in a `Recipe`.
    learning_rate : float
        0 for 1e-4 (a checkpoint) or 1e-3 (from scratch).

    Raises
    ------
    UsageError
        If there is no such folder, a setting is out of range or has no meaning here, or a library
        is lacking.
    """
    from genomark.models.genes.text_embedder import spec_of

    settings = {key: value for key, value in locals().items() if key not in ("name", "spec_of")}
    spec = spec_of("t5", [name], t5, settings)
    _check_meaning(spec, name, fit)
    recipe = Recipe(
        epochs=epochs,
        patience=patience,
        batch_size=batch_size,
        learning_rate=learning_rate or _RATES.get(name, _RATES["checkpoint"]),
        weight_decay=weight_decay,
        warm_up=0.1,
        decay="linear",
        cells_at_once=_CELLS_AT_ONCE,
    )
    source: T5Source
    if name == _SCRATCH:
        source = T5FromScratch(d_model, layers, heads, k, dropout)
    else:
        source = T5Checkpoint(
            name,
            vocabulary=vocabulary,
            prefixes=prefixes,
            tokens=tokens,
            published=fit == "no",
        )
    return TextToText(spec, source, recipe, answer)


def _check_meaning(spec: str, name: str, fit: str) -> None:
    """Refuse settings of the other source, and of a fit where there is none."""
    settings = {part.partition("=")[0] for part in spec.split(",")[1:]}
    if name == _SCRATCH:
        idle, why = settings & set(_OF_CHECKPOINT), "a T5 from scratch"
    elif fit == "no":
        idle, why = settings & {*_OF_SCRATCH, *_OF_FITS}, "a T5 that is not fitted"
    else:
        idle, why = settings & set(_OF_SCRATCH), "a checkpoint"
    if idle:
        raise UsageError(f"'{spec}': {min(idle)} has no meaning for {why}; leave it out")
