"""Results out of documents and folders of runs into a store, each with the standing it deserves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from genomark.benchmarks import Asking
from genomark.benchmarks.scored import Scored
from genomark.errors import GenomarkError, UsageError, WriteError, one_line
from genomark.results.collection import Results, headlines, load_results
from genomark.results.store.entry import SELF_REPORTED, VERIFIED, told
from genomark.results.store.evidence import evidence
from genomark.results.store.recompute import Verdict, recompute
from genomark.results.store.store import Store
from genomark.results.store.untrusted import (
    LARGEST_DOCUMENT,
    LARGEST_PREDICTIONS,
    read_bounded,
)
from genomark.scoring import Result

_ALONE = "no predictions came with it"


class Found(msgspec.Struct, frozen=True):
    """A result that is offered to a store.

    Attributes
    ----------
    source : Path
        The file it stands in.
    predictions : Path or None
        Where they are, if they are there.
    """

    source: Path
    result: Result
    predictions: Path | None


class Received(msgspec.Struct, frozen=True):
    """What became of a result.

    Attributes
    ----------
    benchmark, model : str
        Ids.
    id : str or None
        In the store; None where it was refused.
    standing : str
        As the store has it, or ``refused``.
    reason : str or None
        Why it is not verified, or was refused.
    """

    benchmark: str
    model: str
    id: str | None
    standing: str
    reason: str | None


def offered(places: Sequence[Path]) -> list[Found]:
    """Read documents of results, and folders of ``genomark run --out``.

    Raises
    ------
    UsageError
        If one is neither, or a file in it is no result.
    """
    return [each for place in places for each in _in_place(place)]


def published(results: Results) -> list[Found]:
    """Offer figures that others published."""
    return [Found(Path(), result, None) for result in results]


def receive(
    store: Store, found: Sequence[Found], *, owner: str = "", threads: int = 1
) -> Iterator[Received]:
    """Add results one after the other; tell what became of each.

    One that is not what its predictions give is refused, and stops no other.

    Parameters
    ----------
    store : Store
    found : sequence of Found
    owner : str
        Who says so; of figures of others that is their source, if it is left empty.
    threads : int
        For scoring; no number depends on it.

    Raises
    ------
    WriteError
        If the store cannot be written.
    """
    for each in found:
        who = each.result.benchmark.id, each.result.model.id
        try:
            yield Received(*who, *_received(store, each, owner, threads))
        except WriteError:
            raise
        except GenomarkError as error:
            reason = one_line(error).removeprefix(one_line(f"{who[0]} × {who[1]}") + ": ")
            yield Received(*who, None, "refused", reason)


def add_scored(
    store: Store, result: Result, predictions: Path, scored: Scored, asking: Asking
) -> str:
    """Add a result that was computed in this process a moment ago; give its id.

    Parameters
    ----------
    store : Store
    result : Result
    predictions : Path
        Parquet, that it was computed from.
    scored : Scored
        These beside the truth.
    asking : Asking
        As they were asked.

    Raises
    ------
    WriteError
        If the store cannot be written.
    """
    method = result.metric(headlines(result)[0]).method
    return store.add(
        result,
        standing=VERIFIED,
        predictions=predictions.read_bytes(),
        evidence=evidence(scored, asking, method),
    )


def _received(store: Store, each: Found, owner: str, threads: int) -> tuple[str, str, str | None]:
    verdict, content = Verdict(SELF_REPORTED, _ALONE), None
    others = "source" in each.result.settings
    if others:
        # Who published it says so: two tables may tell different figures of one model.
        owner, verdict = owner or one_line(each.result.settings["source"]), Verdict(SELF_REPORTED)
    told(each.result, owner)
    if each.predictions is not None and not others:
        content = read_bounded(each.predictions, LARGEST_PREDICTIONS)
        verdict = recompute(each.result, content, threads=threads)
    id = store.add(
        each.result,
        owner=owner,
        standing=verdict.standing,
        reason=verdict.reason,
        predictions=content,
        evidence=verdict.evidence,
    )
    entry = store.entry(id)
    return id, entry.standing, entry.reason


def _in_place(place: Path) -> Iterator[Found]:
    if not place.is_dir():
        # Read twice: what is too large is not read by what parses it.
        read_bounded(place, LARGEST_DOCUMENT)
        yield from (Found(place, result, None) for result in load_results(place))
        return
    files = sorted((place / "results").rglob("*.json"))
    if not files:
        raise UsageError(f"{place}: no results in it; expected the folder of genomark run --out")
    for file in files:
        try:
            result = msgspec.json.decode(read_bounded(file, LARGEST_DOCUMENT), type=Result)
        except msgspec.MsgspecError as error:
            raise UsageError(f"{file}: not a result ({error})") from error
        predictions = place / "predictions" / f"{file.stem}.parquet"
        yield Found(file, result, predictions if predictions.is_file() else None)
