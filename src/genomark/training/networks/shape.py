"""What all small networks are made with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Sizes of a network and its head.

    Attributes
    ----------
    channels : int
        Features of a position.
    layers : int
        What a layer is, each network says.
    width : int
        Of the first convolution, in bases; odd.
    places, hidden : int
        Of the head: positions it looks at in each level, and features between its layers.
    dropout : float
        Of the head.
    """

    channels: int
    layers: int
    width: int
    places: int
    hidden: int
    dropout: float
