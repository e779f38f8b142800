"""On what a result was computed."""

from __future__ import annotations

import functools
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genomark.benchmarks import benchmark_package
from genomark.models import model_package

#: Of genomark itself.
VERSION = version("genomark")
#: Packages whose version may change a number.
_PACKAGES = ("genomark", "numpy", "scipy", "numba", "polars", "scikit-learn", "msgspec", "torch")


def environment(model: str, benchmark: str) -> dict[str, Any]:
    """Tell Python, packages, processor and accelerator of this machine.

    Parameters
    ----------
    model, benchmark : str
        Spec and name. A package that one of them is a plug-in of is among the packages, and
        `plug_ins` then says which is of which.
    """
    found = dict(_of_machine())
    offered = {"model": model_package(model), "benchmark": benchmark_package(benchmark)}
    of_packages = {kind: each for kind, each in offered.items() if each is not None}
    if of_packages:
        versions = {each.distribution: each.version for each in of_packages.values()}
        found["packages"] = {**found["packages"], **versions}
        found["plug_ins"] = {kind: each.origin for kind, each in of_packages.items()}
    return found


@functools.cache
def _of_machine() -> dict[str, Any]:
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
