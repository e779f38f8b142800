"""The first word of an encoder and decoder: its loss, and answers read off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genomark.models import Answers
from genomark.sequences import UNTOLD
from genomark.training.encoding import Inputs
from genomark.training.losses import Objective
from genomark.training.text_form import Ids, T5Source, TextForm

#: Answers are the likeliest class, or the mean over all of them by their probabilities.
Answer = Literal["class", "expected"]

#: What the decoder of a T5 is given before its first word.
_START = 0
#: Columns of an output after those of words that say classes: all others together, and the
#: likeliest of them.
_OTHERS = 2

Floats = NDArray[np.float64]


class TextEncoder:
    """An Encoder: ids of words; a T5 counts distances, so that no sequence is too long.

    Parameters
    ----------
    source : T5Source
    """

    def __init__(self, source: T5Source) -> None:
        self._source = source

    def encode(self, sequences: Sequence[str]) -> list[Ids]:
        """Cut into words."""
        return self._source.encode(sequences)

    def length(self, encoded: Ids) -> int:
        """Count the words."""
        return int(encoded.size)

    def augmented(self, encoded: Ids, draws: np.random.Generator) -> Ids:
        """Leave as it is."""
        return encoded

    def batch(self, encoded: Sequence[Ids]) -> Inputs:
        """Stack.

        Returns
        -------
        dict
            ``ids`` and ``mask``, int64[n, most words].
        """
        ids = np.full((len(encoded), max(map(len, encoded))), self._source.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, each in enumerate(encoded):
            ids[row, : each.size], mask[row, : each.size] = each, 1
        return {"ids": torch.from_numpy(ids), "mask": torch.from_numpy(mask)}


class FirstWord(nn.Module):
    """Asks an encoder and decoder for its first word, once a label.

    Parameters
    ----------
    model : nn.Module
        Of transformers, with a head over the vocabulary.
    form : TextForm
    exact : bool
        Whether to compute in float32 also where half of its bits are the rule.
    """

    def __init__(self, model: nn.Module, form: TextForm, *, exact: bool) -> None:
        super().__init__()
        self.model = model
        self._exact = exact
        self._prefixes = [torch.tensor(each, dtype=torch.int64) for each in form.prefixes]
        self._words = torch.tensor(form.words)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Give float32[n, n_labels * (n_words + 2)].

        Of each label: logits of the words that say classes, the logarithm of the sum of the
        exponentials of all other logits, and the largest of those.
        """
        ids, mask = inputs["ids"], inputs["mask"]
        start = ids.new_full((len(ids), 1), _START)
        told = []
        precision = torch.autocast(ids.device.type, enabled=False) if self._exact else nullcontext()
        with precision:
            for prefix in self._prefixes:
                before = prefix.to(ids.device).expand(len(ids), -1)
                logits = self.model(
                    input_ids=torch.cat([before, ids], dim=1),
                    attention_mask=torch.cat([torch.ones_like(before), mask], dim=1),
                    decoder_input_ids=start,
                ).logits
                told.append(self._summary(logits[:, 0].float()))
        return torch.cat(told, dim=1)

    def _summary(self, logits: Tensor) -> Tensor:
        """Keep what loss and answers need: a vocabulary may have a hundred thousand words."""
        words = self._words.to(logits.device)
        others = logits.index_fill(1, words, -torch.inf)
        rest = [others.logsumexp(dim=1, keepdim=True), others.amax(dim=1, keepdim=True)]
        return torch.cat([logits[:, words], *rest], dim=1)


@dataclass(frozen=True)
class TextObjective(Objective):
    """Cross-entropy of the first word over all words, and answers read off it.

    Attributes
    ----------
    classes, places : tuple of int
        As in a `TaskClasses` and a `TextForm`.
    answer : {"class", "expected"}
    """

    classes: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    answer: Answer = "class"

    @classmethod
    def of_form(cls, form: TextForm, answer: Answer) -> TextObjective:
        """Make that of a task."""
        asked = form.asked
        n_outputs = asked.n_labels * (len(form.words) + _OTHERS)
        return cls(asked.kind, n_outputs, (), (), None, asked.classes, form.places, answer)

    def target(self, told: Sequence[NDArray[Any]]) -> Tensor:
        """Place of the class of each label among the classes, int64[n, n_labels].

        -1 where nothing is told, or a class that was not seen in training.
        """
        values = np.stack(told)
        if self.kind == "multi-class":
            return torch.from_numpy(values.argmax(axis=1, keepdims=True))
        classes = np.asarray(self.classes, dtype=np.float64)
        places = np.searchsorted(classes, values).clip(max=classes.size - 1)
        return torch.from_numpy(np.where(classes[places] == values, places, UNTOLD))

    def loss(self, outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Add up the cross-entropy, in nats, of what is told; and count that."""
        # All words that say no class have one column: that makes it a softmax over all words.
        logits = outputs.reshape(-1, len(self.places) + _OTHERS)[:, :-1]
        wanted = target.reshape(-1)
        total = functional.cross_entropy(logits, wanted, ignore_index=UNTOLD, reduction="sum")
        return total, (wanted != UNTOLD).sum()

    def answers(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Read off answers; NaN for ``answer=class`` where the likeliest word is no class."""
        return self._read(outputs, strict=True)

    def judged(self, outputs: Sequence[NDArray[np.float32]]) -> Answers:
        """Read off answers, the likeliest class whatever other words are likelier."""
        return self._read(outputs, strict=False)

    def strays(self, outputs: Sequence[NDArray[np.float32]]) -> int:
        """Count answers whose likeliest word is no class."""
        return int(self._stray(self._by_label(outputs)).sum())

    def _by_label(self, outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        width = len(self.places) + _OTHERS
        return np.array(outputs, np.float32).reshape(-1, self.n_outputs // width, width)

    def _stray(self, told: NDArray[np.float32]) -> NDArray[np.bool_]:
        stray: NDArray[np.bool_] = told[..., -1] > told[..., :-_OTHERS].max(axis=-1)
        return stray

    def _read(self, outputs: Sequence[NDArray[np.float32]], *, strict: bool) -> NDArray[np.float32]:
        """Values of shape (n, n_labels), or probabilities of shape (n, n_classes)."""
        told = self._by_label(outputs)
        logits = told[..., :-_OTHERS].astype(np.float64)
        if self.kind == "binary" and self.answer == "expected":
            # A decision value: above 0 says yes.
            no, yes = (self._together(logits, place) for place in (0, 1))
            return np.asarray(yes - no, np.float32)
        if self.answer == "class":
            shares = np.eye(len(self.places))[logits.argmax(axis=-1)]
            if strict:
                shares[self._stray(told)] = np.nan
        else:
            shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
        if self.kind == "multi-class":
            return np.asarray(
                shares[:, 0] @ np.eye(len(self.classes))[list(self.places)], np.float32
            )
        values = np.asarray(self.classes, dtype=np.float64)[list(self.places)]
        return np.asarray(shares @ values, np.float32)

    def _together(self, logits: Floats, place: int) -> Floats:
        """Logit of a class, by all words that say it."""
        said = logits[..., [each == place for each in self.places]]
        return np.asarray(np.logaddexp.reduce(said, axis=-1))
