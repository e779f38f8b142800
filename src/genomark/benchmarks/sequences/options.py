"""How tasks on labelled sequences are asked."""

from __future__ import annotations

from typing import Annotated

import msgspec


class SequenceOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What numbers depend on beside task and model.

    Attributes
    ----------
    fits : int
        How often a model whose fit depends on the seed is fitted: with seeds 0, 1, 2 and so on.
    """

    fits: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
