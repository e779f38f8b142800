"""What a server has to know of the model it serves, wherever that computes."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from genomark.errors import CapabilityError
from genomark.models import Model, Predictor, Trainable
from genomark.models.declaration import Declaration
from genomark.models.matcher_client import MatcherClient
from genomark.models.matcher_setting import MatcherSetting
from genomark.models.remote import RemotePredictor
from genomark.models.track_predictor import TrackPredictor
from genomark.scoring import ModelIdentity


class ServedModel(msgspec.Struct, frozen=True):
    """What a model says of itself.

    Attributes
    ----------
    info : ModelIdentity
    declaration : Declaration
    batch_invariant : bool
        Whether it answers a sequence with the same bits whatever else is asked at the time.
    never_waits : bool
        Whether it only computes, so that it may be asked in an event loop.
    keepable : bool
        Whether its digest covers all that its answers depend on, so that they may be kept by it.
    ignores_ids : bool
        Whether it does not look at what sequences are called.
    """

    info: ModelIdentity
    declaration: Declaration
    batch_invariant: bool = False
    never_waits: bool = False
    keepable: bool = True
    ignores_ids: bool = False


def predictor_of(model: Model) -> Predictor:
    """Give the Predictor that a model is, or is fitted to be on its default split.

    Raises
    ------
    CapabilityError
        If the model cannot predict from sequence.
    """
    if isinstance(model, Trainable):
        model = model.fit(model.default_split())
    if not isinstance(model, Predictor):
        raise CapabilityError(
            f"'{model.info.id}' answers by item, not by sequence, so it cannot be served"
        )
    return model


def served_model(model: Predictor) -> ServedModel:
    """Ask a model what it says of itself."""
    declaration = getattr(model, "declaration", None) or Declaration(
        name=getattr(model, "predictor_name", model.info.id),
        description="; ".join(model.info.notes),
    )
    # A server may be another model tomorrow, and answers that are kept would still be today's.
    is_elsewhere = isinstance(model, RemotePredictor)
    return ServedModel(
        model.info,
        declaration,
        bool(getattr(model, "batch_invariant", False)) and not is_elsewhere,
        bool(getattr(model, "never_waits", False)),
        bool(getattr(model, "keepable", True)),
        bool(getattr(model, "ignores_ids", False)),
    )


def with_matcher_asked_for(model: Model, matcher: str | None) -> Model:
    """Give a model the Matcher that is asked for, if it can use one.

    Parameters
    ----------
    model : Model
    matcher : str, optional
        URL of a GAME Matcher, which need not be there yet; ``builtin``; ``none`` to refuse terms
        that the model does not know as they are. Left out: the built-in one.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    setting = MatcherSetting.of(matcher)
    if not isinstance(model, TrackPredictor):
        return model
    if setting.url is not None:
        # Modules are started in any order, and a Matcher may be another one tomorrow.
        return replace(model, matcher=MatcherClient(setting.url))
    # Few models need it, and what a Matcher knows takes a while to read.
    from genomark.matching.track_matcher import with_matcher

    return with_matcher(model, setting)
