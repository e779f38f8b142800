"""A plain Python function, or an object of the user's own, as a model."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from genomark.digests import digest_of_bytes
from genomark.errors import CapabilityError, ModelError, UnknownNameError, UsageError
from genomark.models.capabilities import Model
from genomark.models.function_digest import UNSTATED, function_digest, is_passing
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.protocol import SCALES
from genomark.scoring import ModelIdentity

#: Folders that files of the user's were imported from, the latest last.
_folders: list[str] = []


def load_python_object(spec: str) -> Model:
    """Load ``py:package.module:object`` or ``py:./file.py:object``.

    Parameters
    ----------
    spec : str
        The whole spec string.

    Returns
    -------
    Model
        The object itself if it is a model, else a Predictor around the function it is.

    Raises
    ------
    UsageError
        If the spec is not of this form, or names a file or object that is not there.
    ModelError
        If importing it fails.
    """
    where, _, name = spec.removeprefix("py:").rpartition(":")
    if not where or not name:
        raise UsageError(
            f"'{spec}': expected py:package.module:object or py:./file.py:object, "
            "such as py:./my_model.py:predict"
        )
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    if not hasattr(module, name):
        public = [each for each in vars(module) if not each.startswith("_")]
        raise UnknownNameError(f"object in {where}", name, public or ["(nothing)"])
    return as_model(getattr(module, name), spec)


def as_model(thing: object, model_id: str | None = None) -> Model:
    """Give a model for a model or a function.

    Parameters
    ----------
    thing : object
        A model (it has an `info`), or a function ``f(list of str) -> array``: upper-case sequences
        in, one number per sequence out. The numbers are taken to be on a log2 scale; a function
        with an attribute ``scale = "linear"`` says otherwise. With an attribute `version` a
        function promises to have another one whenever its answers change while its source does
        not; only then are answers kept for other runs, and with ``keepable = False`` not even
        then. ``batch_invariant = True`` marks one whose answer to a sequence is the same, to the
        last bit, whatever others come with it.
    model_id : str, optional
        What tables call it; the function's name if left out.

    Raises
    ------
    CapabilityError
        If it is neither.
    """
    if not inspect.isclass(thing) and isinstance(getattr(thing, "info", None), ModelIdentity):
        return thing  # type: ignore[return-value]
    if not callable(thing) or inspect.isclass(thing):
        raise CapabilityError(
            f"'{model_id or thing!r}' is neither a model nor a function: expected "
            "f(list of str) -> one number per sequence, or an object with `info` and `predict`"
        )
    name = getattr(thing, "__qualname__", type(thing).__name__)
    return function_predictor(thing, model_id or f"py:{name}")


def function_predictor(function: Callable[[list[str]], Any], model_id: str) -> SequencePredictor:
    """Make a Predictor of a function of sequences; see `as_model`."""
    scale = getattr(function, "scale", "log")
    if scale not in SCALES:
        raise UsageError(f"'{model_id}': scale must be one of {list(SCALES)}, not {scale!r}")
    stated = getattr(function, "version", None)
    version = None if stated is None else str(stated)
    name = getattr(function, "__name__", type(function).__name__)
    digest = function_digest(function, version)
    return SequencePredictor(
        info=ModelIdentity(
            id=model_id, version=UNSTATED if version is None else version, digest=digest
        ),
        predictor_name=f"genomark-{_plain_name(name)}",
        # Linear to log is left undone: a function may give zeros and negative numbers.
        readouts={"point": Readout(function, scale, np.exp2 if scale == "log" else None)},
        batch_invariant=getattr(function, "batch_invariant", False) is True,
        # No digest sees all that a function depends on: not its weights, nor what they are set to.
        keepable=version is not None
        and bool(getattr(function, "keepable", True))
        and not is_passing(digest),
    )


def _plain_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-") or "function"


def _import_module(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"No module named '{name}'. Is its package installed in this environment?"
            ) from error
        raise ModelError(f"Importing '{name}' failed: {error}") from error
    # The user's code may fail in any way; whatever it is belongs to that model alone.
    except Exception as error:
        raise ModelError(f"Importing '{name}' failed: {type(error).__name__}: {error}") from error


def _import_file(path: Path) -> types.ModuleType:
    if not path.is_file():
        raise UsageError(f"No file '{path}'. A path in py:./file.py:object is relative to here.")
    name = f"genomark_user_{digest_of_bytes([str(path.resolve()).encode()])}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"'{path}' cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    _open_folder(path.resolve().parent)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    # A script that ends by leaving Python must not take genomark along.
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ModelError(f"Running '{path}' failed: {type(error).__name__}: {error}") from error
    return module


def _open_folder(folder: Path) -> None:
    """Let the files of a folder import each other, as when Python runs one of them.

    Models of two folders may each have a neighbour of the same name: each gets its own.
    """
    here = str(folder)
    others = [other for other in _folders if other != here]
    namesakes = {
        name
        for name in list(sys.modules)  # Other threads may import meanwhile.
        if "." not in name and _home(name) in others and _holds(folder, name)
    }
    for name in list(sys.modules):
        if name.partition(".")[0] in namesakes:
            del sys.modules[name]
    if here in _folders:
        _folders.remove(here)
        sys.path.remove(here)
    if here not in sys.path:
        sys.path.insert(min(map(sys.path.index, others), default=len(sys.path)), here)
        _folders.append(here)
    importlib.invalidate_caches()


def _home(module: str) -> str | None:
    """Folder that a top-level module was found in."""
    file = getattr(sys.modules[module], "__file__", None)
    if not file:
        return None
    place = Path(file).parent
    return str(place.parent if Path(file).stem == "__init__" else place)


def _holds(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module / "__init__.py").is_file()
