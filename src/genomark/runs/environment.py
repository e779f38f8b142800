"""On what a result was computed."""

from __future__ import annotations

import functools
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

#: Packages whose version may change a number.
_PACKAGES = ("genomark", "numpy", "scipy", "numba", "polars", "scikit-learn", "msgspec", "torch")


@functools.cache
def environment() -> dict[str, Any]:
    """Python, packages, processor and accelerator of this machine."""
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": packages,
        "cpu": _cpu_name(),
        "cpu_count": os.cpu_count(),
        # No model that ships today uses one; a model that does will name it.
        "accelerator": None,
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
