"""An attempt that was scored: written down, compared with others, and told of if it climbs."""

from __future__ import annotations

import msgspec
import numpy as np

from genomark.results.submission.attempt_log import Attempt, Writing
from genomark.results.submission.bundle import Bundle
from genomark.results.submission.hosting import Hosted
from genomark.results.submission.ladder import Rung, climb, ground
from genomark.results.submission.referee import Score
from genomark.results.submission.rules import party
from genomark.results.submission.sealed import BoardKey
from genomark.results.submission.similarity import Sketch, correlations, is_near
from genomark.scoring import REPLICATES


def count_attempt(
    log: Writing,
    key: BoardKey,
    hosted: Hosted,
    bundle: Bundle,
    headline: Score,
    drawn: Sketch,
    received: str,
) -> bool:
    """Write an attempt down, let its party climb, and flag what it is nearly the same as.

    Parameters
    ----------
    log : Writing
        All of it is one transaction.
    key : BoardKey
        Seals where the party stands, and the sketch.
    hosted : Hosted
    bundle : Bundle
    headline : Score
        Of the public share.
    drawn : Sketch
    received : str

    Returns
    -------
    bool
        Whether its figure is released.
    """
    manifest = bundle.manifest
    name = manifest.model.name
    climbing = party(log, manifest.public_key)
    purpose = f"rung of {climbing} on {hosted.id} {hosted.version}"
    sealed = log.rung(hosted.id, climbing)
    last = _read_rung(key.unseal(sealed, purpose)) if sealed else ground(REPLICATES)
    rung = climb(headline.value, headline.drawn, last, hosted.step, headline.n_clusters)
    number = log.record(
        Attempt(
            received=received,
            outcome="scored",
            bundle=bundle.digest,
            benchmark=hosted.id,
            model=name,
            key=manifest.public_key,
            nonce=manifest.nonce,
            predictions=drawn.digest,
            improved=rung is not None,
            decoded=True,
            sketch=key.seal(drawn.ranks.tobytes(), _sketch_of(hosted)),
        )
    )
    log.own(name, manifest.public_key)
    # Written whether or not it is another one: what is done tells nothing of the score.
    log.climb(hosted.id, climbing, key.seal(_write_rung(rung or last), purpose))
    if rung is not None:
        log.stand(hosted.id, name, number, msgspec.json.encode(headline.figure(hosted.step)))
    _flag_copies(log, key, hosted, number, bundle, drawn)
    return rung is not None


def _flag_copies(
    log: Writing, key: BoardKey, hosted: Hosted, number: int, bundle: Bundle, drawn: Sketch
) -> None:
    manifest = bundle.manifest
    others = log.others(hosted.id, manifest.model.name, manifest.public_key)
    if not others:
        return
    purpose = _sketch_of(hosted)
    kept = b"".join(key.unseal(sealed, purpose) for _, _, sealed in others)
    ranks = np.frombuffer(kept, np.float32).reshape(len(others), -1)
    found = correlations(drawn.ranks, ranks)
    for (other, digest, _), correlation in zip(others, found.tolist(), strict=True):
        same = digest == drawn.digest
        if same or is_near(correlation):
            log.flag(number, other, 1.0 if same else max(-1.0, min(1.0, correlation)))


def _sketch_of(hosted: Hosted) -> str:
    return f"sketch on {hosted.id} {hosted.version}"


def _write_rung(rung: Rung) -> bytes:
    return msgspec.msgpack.encode((rung.released, rung.drawn.tobytes()))


def _read_rung(content: bytes) -> Rung:
    released, drawn = msgspec.msgpack.decode(content, type=tuple[float, bytes])
    return Rung(released, np.frombuffer(drawn, np.float64))
