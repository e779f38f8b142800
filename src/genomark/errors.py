"""Every error genomark raises on purpose.

The tree::

    GenomarkError
    ├── UsageError                    what was asked for is not well formed
    │   ├── UnknownNameError          no such model, benchmark, suite or dataset
    │   └── PredictionFileError       a file of predictions that cannot be scored
    ├── DatasetError                  data could not be had
    │   ├── DatasetUnavailableError   no mirror, no cache, no network
    │   ├── ChecksumError             the bytes are not those of the catalogue
    │   ├── TruncatedFileError        fewer bytes than the catalogue says
    │   ├── DiskFullError             no room to write them
    │   └── CacheNotWritableError     the cache folder refuses writes
    ├── WriteError                    a file could not be written
    ├── CapabilityError               the model cannot be asked this question
    ├── ModelError                    the model was asked and failed
    │   └── RemoteModelError          ... on the other side of HTTP
    └── GameError                     an error as the GAME protocol words it

A message says what was wrong, where, what was expected and what to do. The command line shows it
as one line; ``--debug`` adds the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Names that a message lists before it says that there are more.
_NAMES_SHOWN = 40
#: Letters of what a stranger said that a message repeats.
_LONGEST_QUOTE = 500


def one_line(text: object) -> str:
    """Make one printable line of bounded length: what a stranger says may hold anything."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)).split()
    line = " ".join(words)
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."


class GenomarkError(Exception):
    """Root of everything genomark raises on purpose."""


class UsageError(GenomarkError):
    """What was asked for is not well formed."""


class UnknownNameError(UsageError):
    """No such model, benchmark, suite or dataset.

    Parameters
    ----------
    kind : str
        What was looked for, such as ``"model"``.
    name : str
        The name that was asked for.
    known : iterable of str
        The names there are; the nearest is suggested.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        folded = {each.casefold(): each for each in names}
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        hint = f"Did you mean '{folded[near[0]]}'?" if near else f"Known: {shown}."
        super().__init__(f"No {kind} named '{name}'. {hint}")


class PredictionFileError(UsageError):
    """A file of predictions that cannot be scored as it is."""


class DatasetError(GenomarkError):
    """Data could not be had."""


class DatasetUnavailableError(DatasetError):
    """A dataset's file is in no mirror, not in the cache and not to be had from its origin."""


class ChecksumError(DatasetError):
    """The bytes that came are not those the catalogue names."""


class TruncatedFileError(DatasetError):
    """Fewer bytes came than the catalogue names."""


class DiskFullError(DatasetError):
    """There is no room left to write a file."""


class CacheNotWritableError(DatasetError):
    """The cache folder refuses writes."""


class WriteError(GenomarkError):
    """A file could not be written; nothing of it is left behind."""


class CapabilityError(GenomarkError):
    """The model cannot be asked this kind of question."""


class ModelError(GenomarkError):
    """The model was asked and did not give a usable answer."""


class RemoteModelError(ModelError):
    """A model behind HTTP could not be reached, refused, or answered something unusable."""
