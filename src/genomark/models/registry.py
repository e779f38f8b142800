"""From a spec string to a model.

What genomark ships and what others add is found the same way, through the entry-point group
``genomark.models``: a name and a callable that takes the settings of the spec.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from genomark.errors import GenomarkError, ModelError, UnknownNameError, UsageError
from genomark.models.capabilities import Model
from genomark.models.genes.files import load_gene_embedding
from genomark.models.python_function import load_python_object
from genomark.models.replay import load_predictions

GROUP = "genomark.models"

#: Forms of a spec that are not names, for help and messages.
FORMS = {
    "http://HOST:PORT": "a GAME Predictor behind a URL",
    "file:PATH": "predictions from parquet, CSV, TSV or a GAME response (JSON)",
    "embedding:PATH": "vectors of genes from CSV, parquet, npy, npz, h5ad, safetensors or word2vec",
    "hf:NAME": "a checkpoint of the Hugging Face hub, or a folder; hf:NAME@REVISION,key=value",
    "fit:FOLDER": "a model that `genomark finetune` fitted to a task",
    "py:FILE.py:OBJECT": "a function or model in a Python file",
    "py:MODULE:OBJECT": "a function or model in an installed module",
}

#: The models that run when none is named.
BASELINES = ("gc", "cpg", "kmer", "motif", "control:random")
#: The same where all benchmarks are about genes.
GENE_BASELINES = ("bag-of-c8", "minilm", "symbol-ngrams", "control:random")
#: The same where all are about labelled sequences.
SEQUENCE_BASELINES = ("onehot", "kmer", "cnn", "control:random")
#: The same where all are about secondary structures of RNA, and about designs for such.
STRUCTURE_BASELINES = ("vienna", "control:random")
DESIGN_BASELINES = ("rna-design",)
#: The same where all are about matching terms.
MATCHING_BASELINES = ("matcher", "control:random")


def model_entry_points() -> dict[str, EntryPoint]:
    """All models known by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load_model(spec: str, *, allow_missing: bool = False) -> Model:
    """Make the model a spec string names.

    Parameters
    ----------
    spec : str
        ``name``, ``name:key=value,...``, ``http://host:port``, ``file:predictions.parquet``,
        ``py:./file.py:object`` or ``py:package.module:object``.
    allow_missing : bool
        For ``file:``, whether items without a prediction are allowed.

    Returns
    -------
    Model

    Raises
    ------
    UsageError
        If the spec is not well formed; its message says what was expected.
    """
    if spec.startswith(("http://", "https://")):
        # Most runs have no use for an HTTP client, which takes a sixth of a second to load.
        from genomark.models.remote import RemotePredictor

        return RemotePredictor(spec)
    name, _, rest = spec.partition(":")
    if name == "file":
        return load_predictions(spec, allow_missing=allow_missing)
    if name == "embedding":
        return load_gene_embedding(spec)
    if name == "py":
        return load_python_object(spec)
    points = model_entry_points()
    if name not in points:
        raise UnknownNameError("model", name, [*points, *FORMS])
    try:
        return _make(_factory(points[name]), name, rest)
    except GenomarkError:
        raise
    # A plug-in may fail in any way; that must not take down what does not use it.
    except Exception as error:
        raise ModelError(f"Model '{spec}' cannot be made: {error}") from error


def _factory(point: EntryPoint) -> Callable[..., Model]:
    try:
        return point.load()  # type: ignore[no-any-return]
    # A plug-in may fail in any way; that must not take down what does not use it.
    except Exception as error:
        raise ModelError(
            f"Model '{point.name}' ({point.value}) cannot be loaded: {error}"
        ) from error


def _make(factory: Callable[..., Model], name: str, text: str) -> Model:
    parameters = inspect.signature(factory).parameters
    hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    positional: list[Any] = []
    settings: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = _positional(name, parameters, positional, part), part
            positional.append(value)
        elif key not in parameters:
            known = ", ".join(f"{each}=" for each in parameters) or "none"
            raise UsageError(f"'{name}:{text}': unknown setting '{key}'. It takes: {known}.")
        if key in settings:
            raise UsageError(f"'{name}:{text}': setting '{key}' is given twice")
        settings[key] = _converted(name, key, value, hints.get(key, str))
    missing = [
        key
        for key, each in parameters.items()
        if each.default is inspect.Parameter.empty and key not in settings
    ]
    if missing:
        choices = get_args(hints.get(missing[0])) or ("VALUE",)
        forms = " or ".join(f"{name}:{choice}" for choice in choices)
        raise UsageError(f"Model '{name}' needs a {missing[0]}: write {forms}")
    return factory(**settings)


def _positional(
    name: str, parameters: Mapping[str, inspect.Parameter], positional: list[Any], part: str
) -> str:
    names = list(parameters)
    if len(positional) >= len(names):
        raise UsageError(f"'{name}': '{part}' is one setting too many")
    return names[len(positional)]


def _converted(name: str, key: str, value: str, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        choices = " or ".join(str(choice) for choice in get_args(kind))
        reason = f"expected {choices}" if get_origin(kind) is Literal else str(error)
        raise UsageError(f"'{name}': setting {key}={value}: {reason}") from error
