"""A Predictor that asks another only what that has not answered before."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from genomark.models.capabilities import (
    Designer,
    Embedder,
    Folder,
    GeneEmbedder,
    ItemPredictor,
    Model,
    Predictor,
    Scorer,
    TaskTrainable,
    TermMatcher,
    Trainable,
)
from genomark.models.pieces import predict_in_pieces
from genomark.models.prediction_cache import NO_COST, PredictionCache, added
from genomark.models.prediction_cache_keys import (
    computed_by,
    letters_of_keys,
    position_keys,
    request_digest,
    sequence_keys,
    wording_digest,
)
from genomark.models.prediction_cache_segment import Row, Told, is_plain, without_values
from genomark.models.splitting import part_of
from genomark.protocol import GameError, PredictRequest, PredictResponse, value_bytes
from genomark.scoring import Cost, ModelIdentity
from genomark.spans import span

#: Answers are kept if they took so many times longer than keeping and finding them does.
WORTH = 4.0
#: What that takes, about: for a file, each sequence, each of its letters, each byte of its answer.
_SECONDS_A_FILE = 1e-3
_SECONDS_A_SEQUENCE = 5e-6
_SECONDS_A_LETTER = 2e-9
_SECONDS_A_BYTE = 3e-9

#: A model that can be asked for more is left as it is: a benchmark may want that.
_MORE = (
    *(ItemPredictor, Trainable, TaskTrainable, Embedder, GeneEmbedder, Scorer),
    *(Folder, Designer, TermMatcher),
)


def with_prediction_cache(model: Model, cache: PredictionCache | None) -> Model:
    """Give a model that looks in a cache first, or the model itself where that cannot be."""
    if cache is None or not isinstance(model, Predictor) or isinstance(model, _MORE):
        return model
    return CachedPredictor(model, cache) if getattr(model, "keepable", True) else model


class CachedPredictor:
    """A Predictor whose answers are kept.

    Whatever else the model tells, this one tells too.

    Parameters
    ----------
    model : Predictor
        Its answers are told from those of others by its digest.
    cache : PredictionCache

    Attributes
    ----------
    hits, misses : int
        Sequences that were answered from the cache, or once more as in the same request, and those
        that the model was asked.
    seconds : float
        Wall time spent here and not in the model.
    recalled : Cost
        What the answers to `hits` cost when they were computed.
    """

    builds_lazily: ClassVar[bool] = True

    def __init__(self, model: Predictor, cache: PredictionCache) -> None:
        self.hits = 0
        self.misses = 0
        self.seconds = 0.0
        self.recalled = NO_COST
        self._model = model
        self._cache = cache
        #: By readout, whether the last answers were worth keeping.
        self._pays: dict[str, bool] = {}
        self._counting = threading.Lock()

    @property
    def info(self) -> ModelIdentity:
        """Of the model."""
        return self._model.info

    def __getattr__(self, name: str) -> Any:
        if name == "_model":
            # Asked for by what copies an object before it is made.
            raise AttributeError(name)
        return getattr(self._model, name)

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer a request just as the model would, or raise what it raises."""
        with span("cache"):
            return self._predict(request)

    def _predict(self, request: PredictRequest) -> PredictResponse:
        begun = time.perf_counter()
        work = _Work(self._model)
        try:
            if not request.sequences or not request.prediction_tasks:
                return work.ask(request)
            if getattr(self._model, "batch_invariant", False):
                return self._by_sequence(request, work)
            return self._by_request(request, work)
        except UnicodeEncodeError:
            # No letters that a key could be made of: what is wrong with them the model says best.
            return work.ask(request)
        finally:
            with self._counting:
                self.hits += len(request.sequences) - work.asked
                self.misses += work.asked
                self.recalled = added(self.recalled, work.recalled, 1.0)
                self.seconds += time.perf_counter() - begun - work.wall_seconds

    def _by_sequence(self, request: PredictRequest, work: _Work) -> PredictResponse:
        model, wording = self._model.info, wording_digest(request, computed_by(self._model))
        known = self._cache.knows(model.digest, wording)
        if not known and not self._pays.get(request.readout, True):
            return self._judged(request, work)
        keys = sequence_keys(request)
        names = dict(zip(reversed(keys), reversed(list(request.sequences)), strict=True))
        distinct = list(dict.fromkeys(keys))
        found = self._cache.find(model.digest, wording, distinct) if known else None
        rows = dict(found.rows) if found else {}
        missing = [names[key] for key in distinct if key not in rows]
        if found and not missing:
            work.recall(found.cost, len(keys) / len(found.rows))
            return _assembled(found.response, request, keys, rows)
        part = request if len(missing) == len(keys) else part_of(request, missing)
        try:
            answer = self._judged(part, work)
        except GameError:
            if part is request:
                raise
            # It tells which sequences it cannot read: all of them, by all their names.
            return work.ask(request)
        read = _rows(answer, part)
        told = None if read is None else _unnamed(answer, part)
        if read is None or told is None or (found and found.response != told):
            # Not what the answer to a sequence alone should look like.
            return answer if part is request else work.ask(request)
        asked = [key for key in distinct if key not in rows]
        if self._pays[request.readout]:
            kept = Told(model.digest, model.id, wording, told, work.cost)
            self._keep(kept, asked, read, whole=False)
        if part is request:
            return answer
        from_cache = sum(key in rows for key in keys)
        if found:
            work.recall(found.cost, from_cache / len(rows))
        work.recall(work.cost, (len(keys) - from_cache) / len(missing) - 1)
        rows.update(zip(asked, read, strict=True))
        return _assembled(told, request, keys, rows)

    def _by_request(self, request: PredictRequest, work: _Work) -> PredictResponse:
        model, places = self._model.info, position_keys(len(request.sequences))
        whole = None
        if self._pays.get(request.readout, True) and self._cache.knows(model.digest):
            whole = self._request_digest(request)
            found = self._cache.find_whole(model.digest, whole, places)
            if found:
                work.recall(found.cost, 1.0)
                return _assembled(found.response, request, places, found.rows)
        answer = self._judged(request, work)
        read = _rows(answer, request)
        if self._pays[request.readout] and read is not None:
            whole = whole or self._request_digest(request)
            told = Told(model.digest, model.id, whole, without_values(answer), work.cost)
            self._keep(told, places, read, whole=True)
        return answer

    def _request_digest(self, request: PredictRequest) -> str:
        return request_digest(request, sequence_keys(request), computed_by(self._model))

    def _judged(self, request: PredictRequest, work: _Work) -> PredictResponse:
        """Ask the model, and learn whether its answers are worth keeping."""
        answer = work.ask(request)
        keeping = _SECONDS_A_FILE + _SECONDS_A_SEQUENCE * len(request.sequences)
        pays = work.cost.wall_seconds > WORTH * keeping
        if pays:
            keeping += _SECONDS_A_LETTER * letters_of_keys(request)
            keeping += _SECONDS_A_BYTE * value_bytes(answer)
            pays = work.cost.wall_seconds > WORTH * keeping
        self._pays[request.readout] = pays
        return answer

    def _keep(
        self,
        told: Told,
        keys: Sequence[bytes],
        rows: Sequence[Row],
        *,
        whole: bool,
    ) -> None:
        good = [place for place, row in enumerate(rows) if all(map(is_plain, row[::2]))]
        if not _comes_back(told) or (whole and len(good) < len(rows)):
            return
        # Of a model that may have become another since its digest was asked for.
        confirm = getattr(self._model, "confirm_identity", None)
        if confirm is not None and not confirm():
            return
        add = self._cache.add_whole if whole else self._cache.add
        add(told, [keys[place] for place in good], [rows[place] for place in good])


class _Work:
    """What one request comes to.

    Attributes
    ----------
    asked : int
        Sequences that the model was asked.
    wall_seconds : float
        In the model.
    cost : Cost
        Of the model's last answer.
    recalled : Cost
        Of answers that it did not have to give.
    """

    def __init__(self, model: Predictor) -> None:
        self.asked = 0
        self.wall_seconds = 0.0
        self.cost = NO_COST
        self.recalled = NO_COST
        self._model = model

    def ask(self, request: PredictRequest) -> PredictResponse:
        """Have the model answer."""
        self.asked = len(request.sequences)
        self.recalled = NO_COST
        before, cpu, begun = self._traffic(), time.process_time(), time.perf_counter()
        try:
            with span("model"):
                return predict_in_pieces(self._model, request)
        finally:
            after, wall = self._traffic(), time.perf_counter() - begun
            self.wall_seconds += wall
            self.cost = Cost(
                wall_seconds=wall,
                cpu_seconds=time.process_time() - cpu,
                peak_rss_bytes=_peak_rss_bytes(),
                bytes_sent=after[0] - before[0],
                bytes_received=after[1] - before[1],
            )

    def recall(self, cost: Cost, share: float) -> None:
        """Add what answers would have cost."""
        self.recalled = added(self.recalled, cost, share)

    def _traffic(self) -> tuple[int, int]:
        model = self._model
        return getattr(model, "bytes_sent", 0), getattr(model, "bytes_received", 0)


def _rows(answer: PredictResponse, request: PredictRequest) -> list[Row] | None:
    """Give the values of each sequence; None where not all tasks tell of all, in order."""
    names = list(request.sequences)
    if len(answer.prediction_tasks) != len(request.prediction_tasks):
        return None
    columns: list[list[Any]] = []
    for task in answer.prediction_tasks:
        trims = task.trim_upstream
        if list(task.predictions) != names or (trims is not UNSET and list(trims) != names):
            return None
        told = [None] * len(names) if trims is UNSET else list(trims.values())
        columns += [list(task.predictions.values()), told]
    return list(zip(*columns, strict=True))


def _unnamed(answer: PredictResponse, request: PredictRequest) -> PredictResponse | None:
    """Give what is the same whatever tasks and sequences are called; None for other tasks."""
    bare = without_values(answer)
    asked = [task.name for task in request.prediction_tasks]
    if [task.name for task in bare.prediction_tasks] != asked:
        return None
    tasks = [msgspec.structs.replace(task, name="") for task in bare.prediction_tasks]
    return msgspec.structs.replace(bare, prediction_tasks=tasks)


def _assembled(
    told: PredictResponse, request: PredictRequest, keys: Sequence[bytes], rows: dict[bytes, Row]
) -> PredictResponse:
    """Put an answer together: names as asked, values by key."""
    own = list(zip(request.sequences, keys, strict=True))
    tasks = []
    for place, (task, asked) in enumerate(
        zip(told.prediction_tasks, request.prediction_tasks, strict=True)
    ):
        predictions = {name: rows[key][2 * place] for name, key in own}
        trims = {name: rows[key][2 * place + 1] for name, key in own}
        tasks.append(
            msgspec.structs.replace(
                task,
                name=task.name or asked.name,
                predictions=predictions,
                trim_upstream=UNSET if task.trim_upstream is UNSET else trims,
            )
        )
    return msgspec.structs.replace(told, prediction_tasks=tasks)


def _comes_back(told: Told) -> bool:
    """Whether what is told of all answers is the same after it was written and read."""
    try:
        written = msgspec.json.encode(told.response)
        return msgspec.json.decode(written, type=PredictResponse) == told.response
    except (msgspec.MsgspecError, TypeError, UnicodeEncodeError):
        return False


def _peak_rss_bytes() -> int:
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
