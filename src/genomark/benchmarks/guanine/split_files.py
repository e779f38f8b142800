"""Where the files of a GUANinE task are, in the layout of its data sets.

A task is a folder, as ``git clone`` of the hub leaves it: ``train/train.csv`` with sequences, and
``bed/train/train.bed`` with coordinates; likewise ``1per``, ``dev`` and ``test``.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from genomark.datasets.git_lfs import is_pointer
from genomark.datasets.location import cached, mirrored
from genomark.errors import DatasetUnavailableError, UsageError, one_line
from genomark.extras import require_extras

#: Seconds to wait for the hub to take a connection.
_PATIENCE = 5.0
_SEQUENCES, _COORDINATES = "{0}/{0}.csv", "bed/{0}/{0}.bed"


@dataclass(frozen=True)
class SplitFiles:
    """The files of one task.

    Parameters
    ----------
    dataset : str
        Its name below mirror and cache: ``"guanine/cons30"``.
    hub : str
        Its name on the hub: ``"guanine/cons30_binned"``.
    data : str
        A folder that holds it; empty for mirror, cache and hub.
    """

    dataset: str
    hub: str
    data: str = ""

    def find(self, split: str, *, coordinates: bool) -> Path:
        """Find the file of a split.

        Parameters
        ----------
        split : str
            ``"train"``, ``"1per"``, ``"dev"`` or ``"test"``.
        coordinates : bool
            Whether a file of coordinates goes before one of sequences.

        Raises
        ------
        DatasetUnavailableError
            If it is nowhere, or is only a pointer of Git LFS; says where it was looked for.
        UsageError
            If `data` is no folder.
        """
        names = [_SEQUENCES.format(split), _COORDINATES.format(split)]
        if coordinates:
            names.reverse()
        for name in names:
            for folder in self._folders():
                for path in (folder / name, folder / f"{name}.gz"):
                    if path.is_file():
                        return _checked(path, self.hub)
        if self.data:
            raise DatasetUnavailableError(
                f"{self.dataset}: no {names[0]} and no {names[1]} in "
                f"{', '.join(map(str, self._folders()))}; expected a folder as the hub has it: "
                f"git clone https://huggingface.co/datasets/{self.hub}"
            )
        return self._downloaded(split, names)

    def _folders(self) -> list[Path]:
        return list(self._places())

    def _places(self) -> Iterator[Path]:
        if self.data:
            folder = Path(self.data).expanduser()
            if not folder.is_dir():
                raise UsageError(f"data={self.data}: there is no such folder")
            task, hub = self.dataset.partition("/")[2], self.hub.partition("/")[2]
            yield from dict.fromkeys([folder / task, folder / hub])
            if folder.name in (task, hub):
                yield folder
            return
        mirror = mirrored(self.dataset, "")
        if isinstance(mirror, Path):
            yield mirror
        yield cached(self.dataset, "")

    def _downloaded(self, split: str, names: list[str]) -> Path:
        place = cached(self.dataset, "")
        hint = (
            f"git clone https://huggingface.co/datasets/{self.hub} {place}, or name the folder "
            "that holds it with data=DIR"
        )
        try:
            require_extras(f"the {split} split of {self.dataset}", {"huggingface_hub": "hub"})
        except UsageError as error:
            raise DatasetUnavailableError(f"{error}; or {hint}") from error
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        # What was brought here before needs no network; without one nothing else is tried: the
        # client would try again and again.
        known = (True, False) if _hub_answers() else (True,)
        steps = [(name, local) for name in names for local in known]
        why = "it cannot be reached"
        for name, local in steps:
            try:
                path = hf_hub_download(self.hub, name, repo_type="dataset", local_files_only=local)
                return _checked(Path(path), self.hub)
            # Whatever the hub's client raises is one of these two.
            except (OSError, ValueError) as error:
                if not local:
                    why = one_line(str(error) or type(error).__name__)
                    if not isinstance(error, EntryNotFoundError):
                        break
        raise DatasetUnavailableError(
            f"{self.dataset}: the {split} split is not at hand, and the hub gave none of it "
            f"({why}): {hint}"
        )


@functools.cache
def _hub_answers() -> bool:
    """Whether the hub can be connected to; behind a proxy it is taken to be so."""
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return False
    if getproxies().get(urlsplit(ENDPOINT).scheme):
        return True
    place = urlsplit(ENDPOINT)
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        with socket.create_connection((place.hostname or "", port), _PATIENCE):
            return True
    except OSError:
        return False


def _checked(path: Path, hub: str) -> Path:
    if is_pointer(path):
        raise DatasetUnavailableError(
            f"{path} is a pointer of Git LFS, not the data of {hub}: run `git lfs pull` in its "
            "folder"
        )
    return path
