"""Names of new packages: good for a folder, a module, an image, and still free."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys

from genomark.benchmarks import SUITES, benchmark_entry_points
from genomark.errors import UsageError
from genomark.models import FORMS, model_entry_points

_PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: What else a package holds: Python would import one for the other.
_PARTS = frozenset(
    ("conftest", "data", "setup", "src", "test_benchmark", "test_model", "tests", "wheels")
)
#: As long as the names that GAME files are made of may well be.
_LONGEST = 60


def module_of(name: str) -> str:
    """Give the name of the module of a package."""
    return name.replace("-", "_")


def check_new_name(name: str) -> None:
    """Refuse a name that is of another form, or taken.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and single hyphens, beginning with a letter.

    Raises
    ------
    UsageError
        If a model, benchmark, suite or module is called so, or Python would not import it.
    """
    if not _PATTERN.fullmatch(name) or len(name) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:_LONGEST].rstrip("-")
        raise UsageError(
            f"'{name}': expected lower-case letters, digits and single hyphens, beginning with a "
            f"letter, {_LONGEST} at most, such as '{near or 'my-model'}'"
        )
    if taken := _holder(name):
        raise UsageError(f"'{name}' {taken}; choose another name")


def _holder(name: str) -> str | None:
    module = module_of(name)
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return "is a word of Python"
    if module in sys.stdlib_module_names:
        return "is a module of Python"
    if module in _PARTS:
        return "is what another part of the package is called"
    if name in {form.partition(":")[0] for form in FORMS} | {"https"}:
        return "begins a model spec of another kind"
    for kind, points in (("model", model_entry_points()), ("benchmark", benchmark_entry_points())):
        if name in points:
            return f"is the name of a {kind} of {points[name].distribution}"
    if name in SUITES:
        return "is the name of a suite"
    if importlib.util.find_spec(module) is not None:
        return f"would hide the module '{module}' that is installed here"
    return None
