"""Matching terms as a benchmark: a term and a list of names in, one of them or none out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from genomark.benchmarks.asking import Asking
from genomark.benchmarks.benchmark import Benchmark
from genomark.benchmarks.controls import OracleControl, RandomControl
from genomark.benchmarks.matching.labelled_terms import (
    DATASET,
    HELD,
    LabelledTerm,
    read_choices,
    shipped_terms,
    vocabulary_file,
)
from genomark.benchmarks.matching.matching_scores import (
    ACCURACY,
    COVERAGES,
    PRECISION,
    MatchingScores,
)
from genomark.datasets import path
from genomark.digests import digest_of
from genomark.errors import CapabilityError, ModelError, one_line
from genomark.models import Model, TrainingSplit
from genomark.models.capabilities import TermAnswer, TermMatcher
from genomark.scoring import ModelIdentity

ID = "matcher/terms"
#: Which of the labelled terms are asked.
Part = Literal["held", "seen", "all"]

#: Terms of one shard: one of a tournament takes as long as forty answers of a language model.
_TERMS = 10
_CAVEATS = (
    "Terms and answers were labelled by hand; where several answers are right, any of them counts.",
    "The part 'held' was written by somebody who knew neither the built-in Matcher nor its tables; "
    "by those of 'seen' it was made.",
)

_SCHEMA: dict[str, Any] = {
    "item_id": pl.String,
    "task": pl.String,
    "value": pl.Float64,
    "reason": pl.String,
    "category": pl.String,
    "requested": pl.String,
    "choice": pl.String,
    "confidence": pl.Float64,
    "calls": pl.Int32,
    "seconds": pl.Float64,
    "notes": pl.String,
}


class MatchingBenchmark(Benchmark):
    """How often a `TermMatcher` finds the name that means the same, or says that none does.

    Parameters
    ----------
    part : {"held", "seen", "all"}
        Which of the labelled terms are asked.
    """

    capability = "TermMatcher"
    asks = "terms"
    version = "2"
    citation = "Linder et al. 2025, Nat Genet 57:949; Avsec et al. 2021, Nat Methods 18:1196"
    title = "Matching terms: cell types and molecules of the tracks of Borzoi and Enformer"
    datasets = (DATASET,)
    caveats = _CAVEATS

    def __init__(self, part: Part = "held") -> None:
        self.part = part
        self.id = ID if part == HELD else f"{ID}:part={part}"

    @property
    def headlines(self) -> tuple[str, ...]:
        """Share of right answers; beside it that of choices."""
        return ACCURACY, PRECISION

    @cached_property
    def terms(self) -> tuple[LabelledTerm, ...]:
        """All terms of the part."""
        return tuple(each for each in shipped_terms() if self.part in (each.part, "all"))

    @cached_property
    def choices(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Names to choose from, sorted, by category and vocabulary.

        Raises
        ------
        DatasetError
            If a vocabulary cannot be had.
        """
        found = {}
        for category, vocabulary in dict.fromkeys(map(_asked_of, self.terms)):
            file, assay = vocabulary_file(vocabulary)
            found[category, vocabulary] = read_choices(path(DATASET, file), category, assay)
        return found

    @cached_property
    def digest(self) -> str:
        """Digest of terms, labels, names to choose from, and shares of coverage."""
        terms = [[*_asked_of(each), each.requested, each.accept, each.part] for each in self.terms]
        named = [[*key, list(names)] for key, names in self.choices.items()]
        return digest_of([self.id, self.version, terms, named, COVERAGES])

    def parts(self, limit: int | None = None) -> Iterator[pl.DataFrame]:
        """Give a few terms of one vocabulary at once; of `limit` terms, evenly spaced ones."""
        self.choices  # noqa: B018 - a vocabulary that cannot be had is told before anybody is asked
        terms = self._limited(limit)
        for asked in dict.fromkeys(map(_asked_of, terms)):
            members = [each for each in terms if _asked_of(each) == asked]
            for start in range(0, len(members), _TERMS):
                yield _items(members[start : start + _TERMS])

    def _limited(self, limit: int | None) -> list[LabelledTerm]:
        """Give the terms, those of a vocabulary together."""
        n = len(self.terms)
        rows = np.linspace(0, n - 1, n if limit is None else min(limit, n)).round().astype(np.int64)
        kept = [self.terms[row] for row in rows]
        place = {asked: number for number, asked in enumerate(dict.fromkeys(map(_asked_of, kept)))}
        return sorted(kept, key=lambda each: place[_asked_of(each)])

    def identify(self, model: Model) -> tuple[ModelIdentity, TrainingSplit | None]:
        """Take matchers, and controls."""
        if isinstance(model, TermMatcher | RandomControl | OracleControl):
            return model.info, None
        raise CapabilityError(
            f"'{model.info.id}' matches no terms: '{self.id}' needs a {self.capability} (a method "
            "match_term), such as matcher or matcher:url=http://HOST:PORT"
        )

    def answer(self, model: Model, part: pl.DataFrame, asking: Asking) -> pl.DataFrame:
        """Ask for the choice of each term."""
        known = {each.id: each for each in self.terms}
        terms = [known[item] for item in part["item_id"]]
        if isinstance(model, RandomControl | OracleControl):
            rows = [self._row(each, self._controlled(model, each, asking.seed)) for each in terms]
        elif isinstance(model, TermMatcher):
            rows = self._matched(model, terms, asking)
        else:
            raise CapabilityError(f"'{model.info.id}' matches no terms")
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def _matched(
        self, model: TermMatcher, terms: Sequence[LabelledTerm], asking: Asking
    ) -> list[dict[str, Any]]:
        rows, faults = [], []
        for number, term in enumerate(terms):
            asking.progress(f"{term.vocabulary}: {number} of {len(terms)} terms")
            choices = self.choices[_asked_of(term)]
            began = time.perf_counter()
            given = model.match_term(term.category, term.requested, choices)
            seconds = time.perf_counter() - began
            _check(given, model.info.id)
            rows.append(self._row(term, given, seconds))
            faults += [given.fault] if given.fault else []
        if len(faults) == len(terms):
            # Nobody is there: that says nothing of the matcher, and is asked again in the next run.
            raise ModelError(f"'{model.info.id}' answered none of {len(terms)} terms: {faults[0]}")
        if any(row["notes"] for row in rows):
            asking.tell({"notes": ["some answers came with notes: see the column notes"]})
        return rows

    def _controlled(
        self, model: RandomControl | OracleControl, term: LabelledTerm, seed: int
    ) -> TermAnswer:
        """Let a control score every choice, and that none means the same: the best is chosen."""
        choices = [None, *self.choices[_asked_of(term)]]
        items = pl.DataFrame(
            {
                "item_id": [term.id] * len(choices),
                "task": [each or "" for each in choices],
                "truth": [float(term.accepts(each)) for each in choices],
            }
        )
        best = model.predict_items(self.id, items, seed)["value"].arg_max()
        return TermAnswer(choices[best or 0])

    def _row(
        self, term: LabelledTerm, given: TermAnswer, seconds: float | None = None
    ) -> dict[str, Any]:
        reason = given.fault or None
        choices = self.choices[_asked_of(term)]
        if reason is None and given.choice is not None and given.choice not in choices:
            reason = f"answered '{one_line(given.choice)}', which is none of the choices"
        return {
            "item_id": term.id,
            "task": term.vocabulary,
            "value": float(term.accepts(given.choice)) if reason is None else None,
            "reason": reason,
            "category": term.category,
            "requested": term.requested,
            "choice": given.choice,
            "confidence": given.confidence,
            "calls": given.calls,
            "seconds": seconds,
            "notes": "; ".join(given.notes),
        }

    def scored(self, predictions: Path, limit: int | None) -> MatchingScores:
        """Take what was answered, term by term."""
        return MatchingScores(predictions, self._limited(limit))

    def settings(self) -> Mapping[str, Any]:
        """Which terms, and caveats."""
        facts = self.facts()
        note = (
            f"{facts['terms']} terms, of which {facts['without a match']} have no match: the right "
            "answer is then none; a term that was not answered is wrong"
        )
        return {"part": self.part, "notes": [note], "caveats": list(self.caveats)}

    def facts(self) -> dict[str, int]:
        """Count terms, and the names to choose from."""
        sizes = sorted(map(len, self.choices.values()))
        return {
            "terms": len(self.terms),
            "without a match": sum(not each.has_match for each in self.terms),
            "cell types": sum(each.category == "cell_type" for each in self.terms),
            "molecules": sum(each.category == "binding_molecule" for each in self.terms),
            "vocabularies": len(sizes),
            "fewest names": sizes[0],
            "most names": sizes[-1],
        }


def _asked_of(term: LabelledTerm) -> tuple[str, str]:
    return term.category, term.vocabulary


def _items(terms: Sequence[LabelledTerm]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": [each.id for each in terms],
            "task": [each.vocabulary for each in terms],
            "requested": [each.requested for each in terms],
        }
    )


def _check(given: Any, model: str) -> None:
    """Refuse what is no answer."""
    if not isinstance(given, TermAnswer):
        raise ModelError(
            f"'{model}': match_term gave a {type(given).__name__}; expected a TermAnswer"
        )
    if given.choice is not None and not isinstance(given.choice, str):
        raise ModelError(
            f"'{model}': match_term chose a {type(given.choice).__name__}; expected one of the "
            "choices, or None"
        )
    if given.confidence is not None and not math.isfinite(given.confidence):
        raise ModelError(
            f"'{model}': match_term gave the confidence {given.confidence}; expected a finite "
            "number, or None"
        )
