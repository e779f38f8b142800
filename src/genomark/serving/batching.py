"""Requests that ask alike, answered as one: what is equal in them is computed once.

A model that says so (`batch_invariant`) answers a sequence with the same bits whatever else it is
asked at the time. Only for such a model may requests be joined, sequences be asked about once that
are there twice, and answers be kept.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from genomark.protocol import (
    EditedSequences,
    PredictionTask,
    PredictRequest,
    PredictResponse,
    ServerError,
    TaskPrediction,
    total_letters,
)
from genomark.serving.answer_cache import Answer, AnswerCache, digest_of_texts, key_of
from genomark.serving.computing import Computing, ReplicaDiedError
from genomark.serving.model_cost import ModelCost

logger = logging.getLogger("genomark.serving")

Outcome = PredictResponse | Exception
#: What a task asks for; its name is only echoed.
Wanted = tuple[str, str, str, str | UnsetType]
#: A sequence and its range.
Question = tuple[str, list[int] | None]

#: Times as long as handling a request its computation has to take for it to be joined with others,
#: and for its answers to be kept. A call has its own price, which joining saves, and which is not
#: seen in what a long one takes for a letter.
_WORTH_JOINING, _WORTH_KEEPING = 2.0, 8.0
#: Of the terms of all tasks: answers to stranger questions are not kept.
_LONGEST_TERMS = 4096
#: Kinds of question whose answers are kept at a time.
_MOST_TOPICS = 1024


class Group(NamedTuple):
    """What requests have in common that may be joined."""

    readout: str
    wanted: tuple[Wanted, ...]
    upstream: str | UnsetType
    downstream: str | UnsetType


class _IrregularError(Exception):
    """An answer of a form in which it cannot be divided."""


class _Topic(NamedTuple):
    """A group as the cache knows it.

    Attributes
    ----------
    name : str
        Begins the keys of its answers; no two topics, former ones among them, have the same.
    frame : PredictResponse
        The answer without its predictions: who answered, for which tracks, in which bins.
    """

    name: str
    frame: PredictResponse


class Batcher:
    """Answers requests, several as one.

    Parameters
    ----------
    computing : Computing
    cache : AnswerCache
    joins : bool
        Whether requests may be joined at all; if not, each is handed on as it is.
    max_letters : int
        Of the sequences that are joined; a request that is longer alone is asked alone.

    Attributes
    ----------
    saved : int
        Sequences that were not asked about because an equal one was, in the same batch.
    """

    def __init__(
        self, computing: Computing, cache: AnswerCache, *, joins: bool, max_letters: int
    ) -> None:
        self.cache = cache
        self.max_letters = max_letters
        self.saved = 0
        self._computing = computing
        self._joins = joins
        self._cost = ModelCost()
        self._topics: OrderedDict[str, _Topic] = OrderedDict()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def group_of(self, request: PredictRequest) -> tuple[Group | None, int]:
        """Give what a request may be joined with, and how many letters it has.

        None where it is to be asked alone and as it is: edits, of which all together may be far
        more than what was sent, and what the model computes sooner than it is looked up.
        """
        sequences = request.sequences
        if not self._joins or isinstance(sequences, EditedSequences) or not sequences:
            return None, 0
        letters = total_letters(sequences)
        if self._cost.share(request.readout, len(sequences), letters) < _WORTH_JOINING:
            return None, letters
        wanted = tuple(dict.fromkeys(map(_wanted, request.prediction_tasks)))
        if not wanted:
            return None, letters
        return Group(request.readout, wanted, request.upstream_seq, request.downstream_seq), letters

    def seconds_of(self, request: PredictRequest) -> float:
        """Give how long the model takes for a request; infinite if that is not known."""
        sequences = request.sequences
        if isinstance(sequences, EditedSequences):
            return math.inf
        return self._cost.seconds(request.readout, total_letters(sequences))

    def answers(self, requests: Sequence[PredictRequest], group: Group | None) -> list[Outcome]:
        """Answer requests of one group, or a single one of none.

        What fails together is asked one by one, so that the fault of one request is no other's.

        Returns
        -------
        list of PredictResponse or Exception
            One a request, in order.
        """
        died = False
        keeps = group is not None and self._is_worth_keeping(requests)
        if group is not None and (keeps or len(requests) > 1):
            try:
                return list(self._together(requests, group, keeps=keeps))
            except ServerError as error:
                # Time is up, and would be again.
                return [error for _ in requests]
            except ReplicaDiedError:
                died = True
            # What it was is told by each request that fails alone as well.
            except BaseException:
                logger.debug("Requests that failed together are asked one by one", exc_info=True)
        return [self._alone(request, attempts=1 if died else 2) for request in requests]

    def _is_worth_keeping(self, requests: Sequence[PredictRequest]) -> bool:
        sequences = sum(len(each.sequences) for each in requests)
        letters = sum(total_letters(each.sequences) for each in requests)
        return self._cost.share(requests[0].readout, sequences, letters) >= _WORTH_KEEPING

    def _alone(self, request: PredictRequest, attempts: int) -> Outcome:
        for _ in range(attempts):
            try:
                return self._computed(request)
            except ReplicaDiedError as error:
                reason = error
            # A model is foreign code: it may even raise SystemExit, and ends nothing else by it.
            except BaseException as error:  # noqa: BLE001
                if isinstance(error, Exception) and not isinstance(error, StopIteration):
                    return error
                return RuntimeError(f"the model raised {error!r}")
        return ServerError(
            f"The process that computed this request ended in the middle of it, twice: {reason}. "
            "Send fewer sequences at once, or look for one that the model cannot bear"
        )

    def _computed(self, request: PredictRequest) -> PredictResponse:
        begun = perf_counter()
        response = self._computing.predict(request)
        if not isinstance(request.sequences, EditedSequences):
            letters = total_letters(request.sequences)
            self._cost.observe(request.readout, letters, perf_counter() - begun)
        return response

    def _together(
        self,
        requests: Sequence[PredictRequest],
        group: Group,
        *,
        keeps: bool,
        fresh: bool = False,
    ) -> Iterator[PredictResponse]:
        """Answer requests of one group, with what is known unless it is all to be `fresh`."""
        digest = self._digest(group) if keeps else None
        topic = None if digest is None or fresh else self._topic(digest)
        keys = [_keys(topic.name if topic else "", request) for request in requests]
        distinct = _distinct(requests, keys)
        answers = self.cache.found(distinct) if topic else {}
        if topic is None and digest is not None:
            self.cache.misses += len(distinct)
        missing = {key: each for key, each in distinct.items() if key not in answers}
        if topic is not None:
            frame = topic.frame
        if missing:
            response = self._computed(_joined(group, missing.values()))
            frame, found = _divided(response, group, missing)
            if topic is not None and frame != topic.frame:
                # Who answers now is not who answered before: nothing of that is true any more.
                assert digest is not None
                with self._lock:
                    self._topics.pop(digest, None)
                return self._together(requests, group, keeps=keeps, fresh=True)
            if digest is not None and not any(map(_is_refused, frame.prediction_tasks)):
                self._keep(digest, topic, frame, found)
            answers.update(found)
        self.saved += sum(map(len, keys)) - len(distinct)
        return (
            _given(request, frame, group, [answers[key] for key in each])
            for request, each in zip(requests, keys, strict=True)
        )

    def _topic(self, digest: str) -> _Topic | None:
        with self._lock:
            topic = self._topics.get(digest)
            if topic is not None:
                self._topics.move_to_end(digest)
            return topic

    def _keep(
        self,
        digest: str,
        topic: _Topic | None,
        frame: PredictResponse,
        found: dict[str, Answer],
    ) -> None:
        """Keep answers; those of a new topic under the name that it has from now on."""
        if topic is None:
            topic = _Topic(str(next(self._numbers)), frame)
            found = {f"{topic.name}{key}": answer for key, answer in found.items()}
            with self._lock:
                self._topics[digest] = topic
                if len(self._topics) > _MOST_TOPICS:
                    self._topics.popitem(last=False)
        self.cache.keep(found)

    def _digest(self, group: Group) -> str | None:
        """Give what the cache knows a group by; None where nothing of it is kept."""
        if not self.cache.max_bytes:
            return None
        terms = repr((group.readout, group.wanted))
        if len(terms) > _LONGEST_TERMS:
            return None
        return digest_of_texts(terms, repr(group.upstream), repr(group.downstream))


def _wanted(task: PredictionTask) -> Wanted:
    return (task.type, task.cell_type, task.species, task.scale)


def _keys(topic: str, request: PredictRequest) -> list[str]:
    ranges = request.prediction_ranges or {}
    return [
        key_of(topic, sequence, ranges.get(name)) for name, sequence in request.sequences.items()
    ]


def _distinct(
    requests: Sequence[PredictRequest], keys: Sequence[Sequence[str]]
) -> dict[str, Question]:
    """Give each question once, in the order in which they were asked first."""
    distinct: dict[str, Question] = {}
    for request, each in zip(requests, keys, strict=True):
        ranges = request.prediction_ranges or {}
        for (name, sequence), key in zip(request.sequences.items(), each, strict=True):
            if key not in distinct:
                distinct[key] = (sequence, ranges.get(name))
    return distinct


def _joined(group: Group, questions: Iterable[Question]) -> PredictRequest:
    """Ask all of it at once; sequences are numbered, as ids of several requests may be equal."""
    numbered = {str(number): question for number, question in enumerate(questions)}
    ranges = {name: limits for name, (_, limits) in numbered.items() if limits}
    return PredictRequest(
        readout=group.readout,
        prediction_tasks=[
            PredictionTask(str(number), *wanted) for number, wanted in enumerate(group.wanted)
        ],
        sequences={name: sequence for name, (sequence, _) in numbered.items()},
        prediction_ranges=ranges or UNSET,
        upstream_seq=group.upstream,
        downstream_seq=group.downstream,
    )


def _divided(
    response: PredictResponse, group: Group, keys: Iterable[str]
) -> tuple[PredictResponse, dict[str, Answer]]:
    """Part an answer into what holds for all of it, and what was said of each sequence."""
    keys = list(keys)
    names = [str(number) for number in range(len(keys))]
    tasks = response.prediction_tasks
    if len(tasks) != len(group.wanted):
        raise _IrregularError(f"{len(tasks)} tasks for {len(group.wanted)}")
    frames, values, trims = [], [], []
    for task in tasks:
        trimmed = task.trim_upstream
        if _is_refused(task):
            frames.append(task)
            values.append([None] * len(keys))
        elif task.predictions.keys() != set(names):
            raise _IrregularError("other sequences than were asked about")
        else:
            frame = msgspec.structs.replace(task, predictions={})
            if trimmed is not UNSET:
                frame = msgspec.structs.replace(frame, trim_upstream={})
            frames.append(frame)
            values.append([task.predictions[name] for name in names])
        trims.append([trimmed.get(name) for name in names] if trimmed else [None] * len(keys))
    answers = dict(zip(keys, zip(*values, *trims, strict=True), strict=True))
    return msgspec.structs.replace(response, prediction_tasks=frames), answers


def _is_refused(task: TaskPrediction) -> bool:
    """Whether a task holds its error where the values would be; the ids asked for are numbers."""
    return "error" in task.predictions


def _given(
    request: PredictRequest, frame: PredictResponse, group: Group, answers: list[Answer]
) -> PredictResponse:
    """Put the answer to one request together, under its own names."""
    names = list(request.sequences)
    places = {wanted: place for place, wanted in enumerate(group.wanted)}
    tasks = []
    for asked in request.prediction_tasks:
        place = places[_wanted(asked)]
        task = frame.prediction_tasks[place]
        if _is_refused(task):
            tasks.append(msgspec.structs.replace(task, name=asked.name))
            continue
        values = [answer[place] for answer in answers]
        trims: dict[str, int] | UnsetType = UNSET
        if task.trim_upstream is not UNSET:
            told = zip(names, (answer[len(places) + place] for answer in answers), strict=True)
            trims = {name: trim for name, trim in told if trim is not None}
        tasks.append(
            msgspec.structs.replace(
                task,
                name=asked.name,
                predictions=dict(zip(names, values, strict=True)),
                trim_upstream=trims,
            )
        )
    return msgspec.structs.replace(frame, prediction_tasks=tasks)
