"""What a Predictor says of itself: what a server answers `/help` with, and a user chooses by."""

from __future__ import annotations

from typing import Literal

import msgspec

from genomark.models.tracks import Track
from genomark.models.training_data import UNKNOWN, TrainingData

#: What the answer rests on where a range is asked for: the sequence around it too, or only itself.
RangeMode = Literal["context", "crop"]


class Declaration(msgspec.Struct, frozen=True):
    """What a Predictor offers.

    Attributes
    ----------
    name : str
        Base of `predictor_name`.
    readouts : tuple of str
        Of `genomark.protocol.READOUTS`.
    scales : tuple of str
        Scales it can answer on; log is log2.
    tracks : tuple of Track
        What it predicts; none where it answers any type, cell type and species alike.
    bin_size : int
        Bases a value of a track stands for.
    input_length, output_length : int or None
        Bases it sees and bases it speaks for; None for any length.
    range_mode : {"context", "crop"}
        With a prediction range: predict with what lies around and cut the answer, or cut the input.
    description, model_authors, publication : str
        For people.
    training_data : TrainingData
    """

    name: str
    readouts: tuple[str, ...] = ("point",)
    scales: tuple[str, ...] = ("log",)
    tracks: tuple[Track, ...] = ()
    bin_size: int = 1
    input_length: int | None = None
    output_length: int | None = None
    range_mode: RangeMode = "context"
    description: str = ""
    model_authors: tuple[str, ...] = ()
    publication: str = ""
    training_data: TrainingData = UNKNOWN
