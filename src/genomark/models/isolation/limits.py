"""What a model in a sandbox may use, and how a spec says so."""

from __future__ import annotations

import math
import os
import re
from typing import Any

import msgspec

from genomark.errors import UsageError

PREFIX = "isolated:"
#: Between the prefix and the spec of the model, such as ``memory_gb=16,seconds=60:``.
_SETTINGS = re.compile(r"[a-z_]+=[^:=,]*(?:,[a-z_]+=[^:=,]*)*:")
#: The smallest values with which Python and genomark themselves start.
_LEAST = {"memory_gb": 1.0, "seconds": 0.1, "cpu_seconds": 1.0, "processes": 4, "disk_gb": 0.001}
_GB = 10**9


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of a sandbox.

    Attributes
    ----------
    memory_gb : float
        Of all its processes together, in 10**9 bytes; of each by itself the system refuses more.
    seconds : float
        Wall time for loading the model, and for each answer.
    cpu_seconds : float
        Processor time of all its processes between two answers.
    processes : int
        At any one time.
    disk_gb : float
        Of the folder it may write to, which is memory, and of each file in it; 10**9 bytes.
    """

    memory_gb: float = 8.0
    seconds: float = 600.0
    cpu_seconds: float = 3600.0
    processes: int = 64
    disk_gb: float = 1.0

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not (least <= value < 1e6 and math.isfinite(value)):
                raise UsageError(
                    f"isolation: {name} must be at least {least:g} and below a million, "
                    f"not {value:g}"
                )

    @property
    def memory(self) -> int:
        """Bytes of memory."""
        return int(self.memory_gb * _GB)

    @property
    def disk(self) -> int:
        """Bytes of the folder that may be written to."""
        return int(self.disk_gb * _GB)

    @property
    def files_on_disk(self) -> int:
        """Files of that folder: an empty one takes memory, too."""
        return 1000 + self.disk // 10_000

    @property
    def tasks(self) -> int:
        """Processes and threads, as the system counts them."""
        return 4 * self.processes + 8 * (os.cpu_count() or 1)


def isolated_parts(spec: str) -> tuple[Limits, str]:
    """Take ``isolated:SPEC`` or ``isolated:memory_gb=16,seconds=60:SPEC`` apart.

    Raises
    ------
    UsageError
        If a limit is unknown or no number.
    """
    rest = spec.removeprefix(PREFIX)
    found = _SETTINGS.match(rest)
    if found is None:
        return Limits(), rest
    told: dict[str, Any] = {}
    for part in found.group().rstrip(":").split(","):
        name, _, value = part.partition("=")
        if name not in Limits.__struct_fields__:
            known = ", ".join(f"{each}=" for each in Limits.__struct_fields__)
            raise UsageError(f"'{spec}': unknown limit '{name}'. There are: {known}")
        told[name] = value
    try:
        limits = msgspec.convert(told, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"'{spec}': {error}") from error
    return limits, rest[found.end() :]


def in_spec(limits: Limits) -> str:
    """Write the limits that are not the default's as `isolated_parts` reads them."""
    usual = Limits()
    told = [
        f"{name}={getattr(limits, name):.12g}"
        for name in Limits.__struct_fields__
        if getattr(limits, name) != getattr(usual, name)
    ]
    return f"{','.join(told)}:" if told else ""
