"""What would make a run shorter, told from where its time went."""

from __future__ import annotations

from genomark.runs.profile import Part, Profile

#: Lines that are told at most: who reads more does nothing.
_MOST = 2
#: Below these shares of the time nothing is worth doing about a part.
_MUCH, _SOME = 0.5, 0.2
#: CPU seconds a second of a model that computes, and of one that waits for something.
_COMPUTES, _WAITS = 0.7, 0.3


def advice(profile: Profile) -> list[str]:
    """Say in a line or two what would help most.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    list of str
        The largest part first; one line at least.
    """
    told = [
        (profile.share(*parts), line)
        for parts, line in (
            (("model",), _of_model(profile)),
            (("server",), _of_server(profile)),
            (("encode", "decode"), _of_wire(profile)),
            (("fit",), _of_fit(profile)),
            (("load",), _of_load(profile)),
            (("idle",), _of_idle(profile)),
            (("start",), _of_start(profile)),
            (("score",), _of_score(profile)),
            (("store",), _of_store(profile)),
            (("data",), _of_data(profile)),
        )
        if line
    ]
    told.sort(key=lambda each: -each[0])
    found = [f"{share:.0%} of the time {line}" for share, line in told[:_MOST]]
    return found or ["No part of the time stands out."]


def _of_model(profile: Profile) -> str:
    if profile.share("model") < _MUCH:
        return ""
    busy = _busy(profile.parts["model"], max(1, profile.workers))
    if not profile.workers and profile.processors > 1:
        most = f"up to {profile.processors}" if busy >= _COMPUTES else f"{profile.processors}"
        return (
            f"is the model, one request after the other: as a name or py:FILE.py:NAME, --workers "
            f"{most} may share them"
        )
    if busy <= _WAITS:
        return (
            f"is the model, which waits for something other than a processor: more than "
            f"{max(1, profile.workers)} --workers help as long as that bears it"
        )
    if profile.workers < profile.processors:
        return f"is the model: more --workers help up to {profile.processors}"
    return (
        f"is the model, on all {profile.processors} processors: only a faster model helps, or more "
        "processors"
    )


def _of_server(profile: Profile) -> str:
    if profile.share("server") < _MUCH:
        return ""
    return (
        "is waiting for the server: it is the limit. Replicas or larger batches there help; more "
        "--workers here only if it is not busy"
    )


def _of_wire(profile: Profile) -> str:
    if profile.share("encode", "decode") < _SOME:
        return ""
    return (
        "is writing requests and reading answers: a server that speaks MsgPack takes less than one "
        "that speaks JSON, and more --workers share it"
    )


def _of_fit(profile: Profile) -> str:
    if profile.share("fit") < _SOME:
        return ""
    return (
        "is fitting: more --workers fit side by side; a run in the same folder fits nothing again"
    )


def _of_load(profile: Profile) -> str:
    if profile.share("load") < _SOME:
        return ""
    return (
        "is loading models, once in each worker: fewer --workers, or a served model (genomark "
        "serve), load it less often"
    )


def _of_idle(profile: Profile) -> str:
    if profile.share("idle") < _SOME or profile.workers < 2:
        return ""
    return (
        f"workers are idle: there are too few requests for {profile.workers}. Fewer --workers cost "
        "nothing"
    )


def _of_start(profile: Profile) -> str:
    if profile.share("start") < _SOME:
        return ""
    if not profile.workers:
        return "is starting: several models and benchmarks in one command start once"
    return "is starting: --workers 1 starts no further process, and is enough for so short a run"


def _of_score(profile: Profile) -> str:
    if profile.share("score") < _SOME:
        return ""
    return "is scoring, most of it intervals: more --workers share it"


def _of_store(profile: Profile) -> str:
    if profile.share("store") < _SOME:
        return ""
    return "is storing: an --out on a local disk is faster than one on a network"


def _of_data(profile: Profile) -> str:
    if profile.share("data") < _SOME:
        return ""
    return "is reading data and making requests: more --workers share the latter"


def _busy(part: Part, lanes: int) -> float:
    """CPU seconds a second of one lane."""
    return part.cpu_seconds / (part.wall_seconds * lanes) if part.wall_seconds else 1.0
