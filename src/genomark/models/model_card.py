"""A model card beside a file of predictions: who made them, and of what the model learned."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from genomark.datasets.assemblies import assembly_name
from genomark.errors import PredictionFileError, UnknownNameError, UsageError, one_line
from genomark.models.training_data import (
    TrainingData,
    TrainingRegions,
    TrainingSequences,
    UnknownTraining,
    is_elsewhere,
    read_training_data,
)
from genomark.scoring import ModelIdentity

#: What follows the name of the file that a card is about.
ENDING = ".card.toml"
#: Bytes of a card; no card that people write is longer.
_MOST = 1 << 20


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of a model.

    Attributes
    ----------
    name, version, description, publication, licence : str
    authors : tuple of str
    training_data : TrainingData
    """

    name: str = ""
    version: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    publication: str = ""
    licence: str = ""
    training_data: TrainingData = UnknownTraining()

    def beside(self, identity: ModelIdentity) -> ModelIdentity:
        """Add what the card says to an identity; id and digest stay, as the answers do."""
        title = " ".join(filter(None, (self.name, self.version)))
        notes = [
            *([title] if title else []),
            *([self.description] if self.description else []),
            *([f"by {', '.join(self.authors)}"] if self.authors else []),
            *([self.publication] if self.publication else []),
            *([f"licence: {self.licence}"] if self.licence else []),
        ]
        return msgspec.structs.replace(
            identity,
            version=one_line(self.version) or identity.version,
            notes=[*identity.notes, *map(one_line, notes)],
        )


def card_of(path: Path) -> ModelCard | None:
    """Read the card of a file of predictions, ``FILE.card.toml``; None where there is none.

    Raises
    ------
    PredictionFileError
        In one line, whatever is wrong with it.
    """
    card = path.with_name(path.name + ENDING)
    if not card.is_file():
        return None
    return read_card(card)


def read_card(path: Path) -> ModelCard:
    """Read a card; files it names lie beside it.

    Raises
    ------
    PredictionFileError
        In one line, whatever is wrong with it: also a file it names that is not there, and an
        assembly that is not known.
    """
    try:
        if path.stat().st_size > _MOST:
            raise PredictionFileError(f"{path}: a model card of more than {_MOST:,} bytes")
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        training = read_training_data(told.pop("training_data", "unknown"), str(path))
        card = msgspec.convert(told, ModelCard)
        if isinstance(training, TrainingRegions):
            assembly_name(training.assembly)
    except msgspec.ValidationError as error:
        raise PredictionFileError(f"{path}: {one_line(error)}; {_expected()}") from error
    except PredictionFileError:
        raise
    except UnknownNameError as error:
        raise PredictionFileError(f"{path}: {one_line(error)}") from error
    except UsageError as error:
        raise PredictionFileError(one_line(error)) from error
    except (OSError, ValueError) as error:
        raise PredictionFileError(f"{path}: not TOML ({one_line(error)})") from error
    training = _beside(training, path.parent)
    _check_file(training, path)
    return msgspec.structs.replace(card, training_data=training)


def _expected() -> str:
    return f"a card has {', '.join(ModelCard.__struct_fields__)}"


def _beside(data: TrainingData, folder: Path) -> TrainingData:
    """Read paths from where the card lies."""
    if isinstance(data, TrainingRegions | TrainingSequences) and not is_elsewhere(data.source):
        changed: Any = msgspec.structs.replace(data, source=str(folder / data.source))
        return changed  # type: ignore[no-any-return]
    return data


def _check_file(data: TrainingData, card: Path) -> None:
    if not isinstance(data, TrainingRegions | TrainingSequences) or is_elsewhere(data.source):
        return
    if not Path(data.source).is_file():
        raise PredictionFileError(
            f"{card}: training_data: no file {one_line(data.source)}; put it there, name where it "
            "can be had (URL), or leave it out"
        )
