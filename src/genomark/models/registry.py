"""From a spec string to a model.

What genomark ships and what others add is found the same way, through the entry-point group
``genomark.models``: a name and a callable that takes the settings of the spec.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from genomark.errors import ModelError, UnknownNameError, UsageError, one_line
from genomark.models.capabilities import Model
from genomark.models.genes.files import load_gene_embedding
from genomark.models.isolation.limits import PREFIX, Limits, in_spec, isolated_parts
from genomark.models.python_function import as_model, load_python_object
from genomark.models.replay import load_predictions
from genomark.plug_ins import PlugIn, by_name, contained, plug_ins, tell_hidden
from genomark.scoring import ModelIdentity

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
    "isolated:MODEL": "a model of the last two kinds, or of a package, with its code in a sandbox",
}
#: What else runs code that is not genomark's, inside a model that is.
_FOREIGN = ("py:", "trust=yes")
#: What holds no code, whatever it is called.
_FILES = ("http", "https", "file", "embedding")

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


def model_plug_ins() -> list[PlugIn]:
    """Find all models that genomark and other packages offer by name, whatever is wrong with them.

    By name; of one name genomark's own comes first, and is what the name stands for.
    """
    forms = {*(form.partition(":")[0] for form in FORMS), "https"}
    return plug_ins(GROUP, forms.__contains__)


def model_entry_points() -> dict[str, PlugIn]:
    """All models known by name."""
    return by_name(model_plug_ins())


def model_package(spec: str) -> PlugIn | None:
    """Tell which package a spec's model is a plug-in of; None for what genomark knows itself."""
    if spec.startswith(PREFIX):
        _, spec = isolated_parts(spec)
    found = model_entry_points().get(spec.partition(":")[0])
    return None if found is None or found.is_own else found


def isolated_spec(spec: str, limits: Limits | None = None) -> str:
    """Write the spec of the same model with its code in a sandbox.

    That is ``py:`` models, and models of packages other than genomark. Whatever runs no foreign
    code (genomark's own models, servers, files) stays as it is.

    Parameters
    ----------
    spec : str
    limits : Limits, optional
        Of memory, time, processes and disk.

    Raises
    ------
    UsageError
        If it runs foreign code in a way that cannot be isolated.
    """
    if spec.startswith(PREFIX):
        return spec
    name, _, rest = spec.partition(":")
    offered = model_entry_points()
    is_code = name == "py" or (name in offered and not offered[name].is_own)
    if is_code:
        return f"{PREFIX}{in_spec(limits or Limits())}{spec}"
    words = re.split(r"[,=]", rest)
    foreign = [each for each in _FOREIGN if each in rest]
    foreign += [word for word in words if word in offered and not offered[word].is_own]
    if foreign and name not in _FILES:
        raise UsageError(
            f"'{spec}' runs code that is not genomark's ('{foreign[0]}') inside a model that is, "
            "which cannot be isolated; what can be is py:./file.py:object, py:module:object, and "
            "models of packages"
        )
    return spec


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
    ModelError
        If the model of a package cannot be loaded or made, or is no model.
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
    if name == "isolated":
        from genomark.models.isolation.loading import load_isolated

        return load_isolated(spec, model_entry_points())
    offered = model_plug_ins()
    points = by_name(offered)
    if name not in points:
        raise UnknownNameError("model", name, [*points, *FORMS])
    tell_hidden(offered, name)
    plug_in = points[name]
    factory = _factory(plug_in)
    before = f"Model '{spec}' ({plug_in.place}) cannot be made: "
    # A plug-in may fail in any way; that must not take down what does not use it.
    with plug_in.quiet(), contained(ModelError, before):
        made = _make(factory, name, rest)
        return made if plug_in.is_own else _checked(made, spec)


def _factory(plug_in: PlugIn) -> Callable[..., Any]:
    before = f"Model '{plug_in.name}' ({plug_in.place}) cannot be loaded: "
    # A plug-in may fail in any way; that must not take down what does not use it.
    with contained(ModelError, before):
        factory = plug_in.load()
    if not callable(factory):
        raise ModelError(
            f"Model '{plug_in.name}' ({plug_in.place}) cannot be made: expected a class or "
            f"function that makes a model, not {_a(factory)}"
        )
    return factory  # type: ignore[no-any-return]


def _checked(made: object, spec: str) -> Model:
    """Refuse what is no model; a function of sequences is made one."""
    stated = inspect.getattr_static(made, "info", None)
    if stated is None and (inspect.isclass(made) or not callable(made)):
        raise TypeError(
            f"expected a model (with `info`) or a function of sequences, not {_a(made)}"
        )
    if stated is None:
        return as_model(made, spec)
    # A property may ask a server, which is asked when it is needed.
    if not hasattr(stated, "__get__"):
        _check_identity(stated)
    return made  # type: ignore[return-value]


def _check_identity(info: object) -> None:
    if not isinstance(info, ModelIdentity):
        raise TypeError(f"its `info` is {_a(info)}, not a ModelIdentity")
    for name in ("id", "version", "digest"):
        said = getattr(info, name)
        if not isinstance(said, str) or not said or said != one_line(said):
            raise TypeError(f"`{name}` of its `info` must be a line of text, not {said!r}")


def _a(thing: object) -> str:
    return "None" if thing is None else f"an object of type {type(thing).__name__}"


def _make(factory: Callable[..., Any], name: str, text: str) -> Any:
    parameters = {
        key: each
        for key, each in inspect.signature(factory).parameters.items()
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
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
        return msgspec.convert(value, kind, strict=False, dec_hook=lambda kind, text: kind(text))
    except msgspec.ValidationError as error:
        choices = " or ".join(str(choice) for choice in get_args(kind))
        reason = f"expected {choices}" if get_origin(kind) is Literal else str(error)
        raise UsageError(f"'{name}': setting {key}={value}: {reason}") from error
