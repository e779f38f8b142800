"""The Matcher that a model with many tracks is given."""

from __future__ import annotations

from genomark.matching import builtin
from genomark.models.matcher_setting import BUILTIN, NO_MATCHER, MatcherSetting
from genomark.models.track_predictor import TrackPredictor, lacks_matcher


def with_matcher(model: TrackPredictor, setting: MatcherSetting) -> TrackPredictor:
    """Give the same model with the Matcher that is asked for.

    Parameters
    ----------
    model : TrackPredictor
        One of its own is kept where the setting is empty.
    setting : MatcherSetting

    Raises
    ------
    MatcherError
        If the version of a Matcher behind a URL is not settled, and it cannot be asked.
    """
    if setting.url is not None:
        # Most runs have no use for an HTTP client, which takes a sixth of a second to load.
        from genomark.models.matcher_client import MatcherClient

        version = setting.settled().version
        return model.with_matcher(MatcherClient(setting.url, version), url=setting.url)
    if setting.name == NO_MATCHER:
        return model.without_matcher()
    if setting.name == BUILTIN or lacks_matcher(model):
        return model.with_matcher(builtin.builtin_matcher())
    return model
