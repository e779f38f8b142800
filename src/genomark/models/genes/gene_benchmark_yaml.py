"""A model file of gene-benchmark, and what to type here for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from genomark.errors import UsageError
from genomark.genes.text_table import read_text

#: Longer files than this (characters) are no description of a model.
_LONGEST = 1 << 20
_TRUE = frozenset({"true", "yes", "on"})
#: Settings that change the speed, or what is shown, and no number.
_NO_MATTER = frozenset({"n_jobs", "verbose", "batch_size", "show_progress_bar"})
#: As text encoders are named where no organisation is: sentence-transformers looks there.
_DEFAULT_ORGANISATION = "sentence-transformers"
_MINILM = f"{_DEFAULT_ORGANISATION}/all-MiniLM-L6-v2"
#: Its head and its vectors, as they are: stopped early, not scaled, missing genes made up.
_SAME_HEAD = "sklearn:scale=none"

#: Head here and the settings it takes, by the class of scikit-learn.
_HEADS: dict[str, tuple[str, tuple[str, ...]]] = {
    "LogisticRegression": ("sklearn", ("tol", "max_iter", "class_weight")),
    "LinearRegression": ("sklearn", ()),
    "RandomForestClassifier": (
        "forest",
        ("n_estimators", "max_depth", "min_samples_leaf", "max_features"),
    ),
    "Multilayer_Perceptron_classifier": (
        "mlp",
        ("hidden_layer_sizes", "alpha", "learning_rate_init", "max_iter", "early_stopping"),
    ),
}
_HEADS["RandomForestRegressor"] = _HEADS["RandomForestClassifier"]
_HEADS["Multilayer_Perceptron_regressor"] = _HEADS["Multilayer_Perceptron_classifier"]
_HEADS["Multilayer Perceptron"] = _HEADS["Multilayer_Perceptron_classifier"]


@dataclass(frozen=True)
class Equivalent:
    """What does the same here.

    Attributes
    ----------
    spec : str or None
        For ``-m``; None where nothing does.
    options : dict of str to str
        Options of ``genomark run`` and their values.
    notes : tuple of str
        What differs, has no equivalent or has to be filled in, each in one line.
    """

    spec: str | None
    options: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass
class _Draft:
    spec: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def unmatched(self, where: str, keys: Mapping[str, Any]) -> None:
        """Note what is left of some settings."""
        for key, value in keys.items():
            if key in _NO_MATTER:
                self.notes.append(f"{where}{key}: not needed, it changes no number")
            else:
                self.notes.append(f"{where}{key}: {_shown(value)} has no equivalent")


def spec_of_model_yaml(path: str | Path) -> Equivalent:
    """Say what does here what a model file does there.

    Parameters
    ----------
    path : str or Path
        YAML with `encoder` and perhaps `descriptor`, `base_model`, `post_processing` and
        `model_name`. Paths in it are given back as they are.

    Returns
    -------
    Equivalent

    Raises
    ------
    UsageError
        If it is no such file.
    """
    document = read_plain_yaml(path)
    if not isinstance(document, dict) or "encoder" not in document:
        raise UsageError(f"{path}: expected a model of gene-benchmark, which has a key 'encoder'")
    known = ("encoder", "descriptor", "base_model", "model_name", "post_processing")
    draft = _Draft()
    kind = _named(document, "encoder", path)
    _ENCODERS.get(kind[0], _no_encoder)(draft, *kind, str(path))
    if draft.spec is None:
        return Equivalent(None, {}, tuple(draft.notes))
    if "descriptor" in document:
        _describe(draft, draft.spec, *_named(document, "descriptor", path))
    _head(draft, document, path)
    _pairs(draft, document.get("post_processing", "average"))
    draft.options["--missing"] = "noise"
    draft.notes.append(
        "--missing noise: as there, made-up vectors for genes without one; here they have the "
        "scale of the others. The default, drop, leaves such genes out and counts them"
    )
    if "model_name" in document:
        name = _shown(document["model_name"])
        draft.notes.append(f"model_name: {name} has no equivalent: tables name a model by its spec")
    draft.unmatched("", {key: document[key] for key in document if key not in known})
    return Equivalent(_finished(draft, draft.spec), draft.options, tuple(draft.notes))


def read_plain_yaml(path: str | Path) -> Any:
    """Read YAML in which every scalar is text; nothing in it is run.

    Raises
    ------
    UsageError
        If there is no such file, it is too long for what it should be, or not YAML.
    """
    path = Path(path)
    text = read_text(path)
    if len(text) > _LONGEST:
        raise UsageError(f"{path}: {len(text):,} characters; expected at most {_LONGEST:,}")
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{path}{where}: not YAML ({problem})") from error
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply for what it should be") from None


def _named(document: dict[str, Any], key: str, path: str | Path) -> tuple[str, dict[str, Any]]:
    """Give class and arguments of a part of the file."""
    part = document[key]
    arguments = (part.get("class_args") or {}) if isinstance(part, dict) else None
    if not isinstance(arguments, dict) or not isinstance(part.get("class_name"), str):
        raise UsageError(f"{path}: {key}: expected class_name and perhaps class_args")
    return part["class_name"], dict(arguments)


def _precomputed(draft: _Draft, name: str, arguments: dict[str, Any], path: str) -> None:
    file = _required(arguments, "encoder_model_name", path)
    draft.spec = f"embedding:{file}"
    reading = arguments.pop("read_csv_params", None)
    if isinstance(reading, dict):
        column = _text(reading, "index_col", "symbol")
        if column.isdecimal():
            draft.notes.append(
                f"encoder index_col: {column}: names= takes the header of the column; without it "
                "the column 'symbol' is taken, else the first"
            )
        elif column != "symbol":
            draft.settings["names"] = column
        draft.unmatched("encoder read_csv_params ", reading)
    draft.unmatched("encoder ", arguments)


def _sentences(draft: _Draft, name: str, arguments: dict[str, Any], path: str) -> None:
    encoder = _required(arguments, "encoder_model_name", path)
    if "/" not in encoder and not Path(encoder).is_dir():
        encoder = f"{_DEFAULT_ORGANISATION}/{encoder}"
        draft.notes.append(f"encoder: named in full, as sentence-transformers reads it: {encoder}")
    draft.spec = "minilm" if encoder == _MINILM else f"text:{encoder}"
    draft.unmatched("encoder ", arguments)


def _bert(draft: _Draft, name: str, arguments: dict[str, Any], path: str) -> None:
    encoder = _required(arguments, "encoder_model_name", path)
    draft.spec = f"text:{encoder}"
    draft.settings |= {"pooling": "mean", "special": "yes"}
    tokenizer = arguments.pop("tokenizer_name", encoder)
    if tokenizer != encoder:
        draft.notes.append(
            f"encoder tokenizer_name: {_shown(tokenizer)} has no equivalent: the checkpoint's own "
            "is taken"
        )
    if _is_true(arguments.pop("trust_remote_code", "false")):
        draft.settings["trust"] = "yes"
        draft.notes.append("trust=yes: code that comes with the checkpoint runs, as there")
    if "maximal_context_size" in arguments:
        size = arguments.pop("maximal_context_size")
        draft.notes.append(
            f"encoder maximal_context_size: {_shown(size)} characters there: here a long text is "
            "cut into windows of as many tokens as the checkpoint can see (window= for fewer), "
            "and all tokens weigh the same"
        )
    draft.unmatched("encoder ", arguments)


def _two_encoders(draft: _Draft, name: str, arguments: dict[str, Any], path: str) -> None:
    draft.notes.append(
        f"encoder: {name} joins vectors of genes from a file with texts of diseases, which has no "
        "equivalent: a model here embeds both kinds of entities in one way. Nearest: "
        "text:ENCODER,descriptions=ncbi+DISEASES.csv with --pairs concat, or a model of your own, "
        "-m py:FILE.py:OBJECT"
    )


def _no_encoder(draft: _Draft, name: str, arguments: dict[str, Any], path: str) -> None:
    draft.notes.append(
        f"encoder: {_shown(name)} has no equivalent: save its vectors as a table and take "
        "embedding:FILE"
    )


_ENCODERS: dict[str, Callable[[_Draft, str, dict[str, Any], str], None]] = {
    "PreComputedEncoder": _precomputed,
    "SentenceTransformerEncoder": _sentences,
    "BERTEncoder": _bert,
    "get_gene_disease_multi_encoder": _two_encoders,
}


def _describe(draft: _Draft, spec: str, name: str, arguments: dict[str, Any]) -> None:
    if spec.startswith("embedding:"):
        draft.notes.append(
            f"descriptor: {_shown(name)}: passed over, as there is no text to encode"
        )
    elif name == "NCBIDescriptor":
        draft.settings["descriptions"] = "ncbi"
        _describe_by_ncbi(draft, arguments)
    elif name == "CSVDescriptions":
        _describe_by_table(draft, arguments)
    elif name == "BasePairDescriptor":
        draft.settings["descriptions"] = "GENES.fa"
        draft.notes.append(
            "descriptor: put the path of your FASTA file for GENES.fa: one sequence a gene, with "
            "its symbol first in the header. Ensembl is not asked"
        )
        arguments.pop("specie", None)
    elif name == "GeneDiseaseDescriptions":
        kind = _text(arguments, "csv_type", "diseaseId")
        genes = "symbol" if _is_true(arguments.pop("naive_descriptor", "false")) else "ncbi"
        file = _text(arguments, "csv_file_path", "DISEASES.csv")
        draft.settings["descriptions"] = f"{genes}+{file}"
        draft.notes.append(f"descriptor: call the column of ids in {file} '{kind}' instead of 'id'")
    else:
        draft.notes.append(f"descriptor: {_shown(name)} has no equivalent; bare symbols are taken")
        return
    draft.unmatched("descriptor ", arguments)


def _describe_by_ncbi(draft: _Draft, arguments: dict[str, Any]) -> None:
    if not _is_true(arguments.pop("add_summary", "true")):
        draft.notes.append("descriptor add_summary: false has no equivalent: summaries are read")
    arguments.pop("allow_partial", None)
    draft.notes.append(
        "descriptor: a gene without a summary is described by its full name; there it has a "
        "made-up vector, or with allow_partial the words that there is none"
    )


def _describe_by_table(draft: _Draft, arguments: dict[str, Any]) -> None:
    draft.settings["descriptions"] = _text(arguments, "csv_file_path", "TABLE.csv")
    column = _text(arguments, "index_col", "id")
    if column.isdecimal():
        draft.notes.append(
            f"descriptor index_col: {column}: id= takes the header of the column instead"
        )
    elif column != "id":
        draft.settings["id"] = column
    text = _text(arguments, "description_col", "description")
    if text != "description":
        draft.settings["text"] = text
    draft.settings["missing"] = "symbol"
    draft.notes.append(
        "missing=symbol: as there, a gene that the table lacks is described by its symbol; "
        "without it such a gene is missing"
    )
    arguments.pop("allow_partial", None)


def _head(draft: _Draft, document: dict[str, Any], path: str | Path) -> None:
    """Choose the probe; the exact one solves the same problem to its optimum."""
    draft.options["--probe"] = _SAME_HEAD
    if "base_model" not in document:
        draft.notes.append(
            f"--probe {_SAME_HEAD}: the heads of run_task. linear:scale=none,alpha=0 solves the "
            "same to the optimum and faster; the default, linear, also scales each dimension"
        )
        return
    name, arguments = _named(document, "base_model", path)
    if name not in _HEADS:
        draft.notes.append(f"base_model: {_shown(name)} has no equivalent; {_SAME_HEAD} is taken")
        return
    head, known = _HEADS[name]
    settings = {"scale": "none"}
    strength = _text(arguments, "C", "") if name == "LogisticRegression" else ""
    if strength:
        # The head of scikit-learn stands for its defaults; a strength is for the exact one.
        head, settings["C"] = "linear", strength
        if arguments.pop("class_weight", None) == "balanced":
            settings["weights"] = "balanced"
        draft.notes.append("base_model C: --probe linear, which solves the same to the optimum")
        known = ()
    for key in [key for key in arguments if key in known and isinstance(arguments[key], str)]:
        settings[key] = arguments.pop(key)
    draft.options["--probe"] = f"{head}:{_settings(settings)}"
    draft.unmatched("base_model ", arguments)


def _pairs(draft: _Draft, how: object) -> None:
    if how == "concat":
        draft.options["--pairs"] = "concat"
    elif how != "average":
        draft.notes.append(
            f"post_processing: {_shown(how)} has no equivalent: it is average or concat"
        )


def _finished(draft: _Draft, spec: str) -> str:
    for key, value in draft.settings.items():
        if "," in value:
            draft.notes.append(f"{key}={value}: a value of a spec holds no comma: rename the file")
    between = "," if ":" in spec else ":"
    return f"{spec}{between}{_settings(draft.settings)}" if draft.settings else spec


def _settings(settings: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items())


def _required(arguments: dict[str, Any], key: str, path: str) -> str:
    value = _text(arguments, key, "")
    if not value:
        raise UsageError(f"{path}: encoder: expected {key}, which says what to read")
    return value


def _text(arguments: dict[str, Any], key: str, default: str) -> str:
    """Take a setting that is one word or number; the default where it is empty."""
    value = arguments.pop(key, default)
    if not isinstance(value, str):
        raise UsageError(f"{key}: expected one value, found {_shown(value)}")
    return value or default


def _is_true(value: object) -> bool:
    return str(value).lower() in _TRUE


def _shown(value: object) -> str:
    return f"'{str(value)[:60]}'"
