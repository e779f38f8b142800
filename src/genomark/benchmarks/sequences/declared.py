"""Tasks on labelled sequences, each declared in one TOML file.

A declaration says what is asked, of which files, by which metrics, where the data come from, what
is known to be wrong with them, and what others scored. Those shipped lie in ``tasks/``, one folder
a suite; those of users lie beside their data.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from genomark.benchmarks.sequences.published import PublishedTable
from genomark.benchmarks.sequences.toml_text import toml_text
from genomark.errors import UnknownNameError, UsageError
from genomark.scoring import CROSSING_METRICS, STRUCTURE_METRICS, TASK_METRICS
from genomark.sequences import Kind
from genomark.sequences.columns import Columns

Text = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]

#: Metrics that are rows of a table where a declaration names none.
_DEFAULT_ROWS = 3
_MEAN = "mean_"
#: What the ordered classes of the layout "guanine" are judged by, beside the metrics of their kind.
ORDINAL_METRICS = ("spearman_x100", "spearman_of_ceiling", "gc_partial_spearman")
#: What a task on secondary structures tells of each base.
STRUCTURE_LABELS = frozenset("().")


class TaskFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The files of a task, relative to the folder of its dataset or of its declaration.

    Parameters
    ----------
    test : str
        The file, or the folder of one file a class, that is asked.
    train, valid : str, optional
        What models are fitted on. Without `valid`, a part of `train` is set apart.
    no_train : str, optional
        Why there is no `train`.
    """

    test: Text
    train: Text | None = None
    valid: Text | None = None
    no_train: Text | None = None


class TrainingHints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How those who made the task fine-tune models on it.

    Parameters
    ----------
    epochs, patience, batch_size : int, optional
        Epochs at most, epochs without a better validation score, sequences a step.
    learning_rate, weight_decay : float, optional
        Of AdamW.
    max_length : int, optional
        Tokens after which a sequence is cut.
    seeds : tuple of int
        One fit each.
    """

    epochs: Count | None = None
    patience: Count | None = None
    batch_size: Count | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    max_length: Count | None = None
    seeds: tuple[int, ...] = ()


class DeclaredTask(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What a TOML file declares.

    Parameters
    ----------
    id : str
        Given by where the declaration lies, and not written in it.
    title : str
        A few words.
    kind : str
        A kind of `genomark.sequences`.
    files : TaskFiles
        Its files.
    version : str
        Changes with whatever changes a score.
    labels : tuple of str
        As the kind has them; none are declared where the file tells them.
    columns : Columns, optional
        Where the files hold what; without it columns are known by their usual names.
    dataset : str, optional
        The dataset `files` are of; without it they are beside the declaration.
    origin : str
        Where files can be had that no catalogue entry leads to.
    genome : str
        Assembly from which files of coordinates take their sequences.
    layout : {"files", "guanine"}
        How `files` are named: each by its path, or by the split of a folder of GUANinE.
    classes : int, optional
        Ordered classes of each label, of regression tasks.
    variants : {"", "snv", "indel"}
        Whether pairs of alleles are asked, of binary tasks, and what they differ by.
    lengths : tuple of int, optional
        Shortest and longest sequence in bases as the source states them.
    metrics : tuple of str
        The first is the headline.
    select_by : str
        By which a validation set decides; the headline unless given.
    also_known_as, source, licence, citation : str
        Name elsewhere, who made the data, terms, whom to cite.
    caveats : tuple of str
        Sentences for the page of the task.
    training : TrainingHints, optional
        How those who made the task fine-tune models on it.
    published : tuple of PublishedTable
        What others scored.
    """

    id: str = ""
    title: Text
    kind: Kind
    files: TaskFiles
    version: Text = "1"
    labels: tuple[Text, ...] = ()
    columns: Columns | None = None
    dataset: Text | None = None
    origin: str = ""
    genome: str = ""
    layout: Literal["files", "guanine"] = "files"
    classes: Count | None = None
    variants: Literal["", "snv", "indel"] = ""
    lengths: tuple[Count, Count] | None = None
    metrics: tuple[Text, ...] = ()
    select_by: str = ""
    also_known_as: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""
    caveats: tuple[Text, ...] = ()
    training: TrainingHints | None = None
    published: tuple[PublishedTable, ...] = ()

    def __post_init__(self) -> None:
        """Fill in metrics, and refuse what could not be scored."""
        known = _metrics_of(self.kind, self.labels, self.layout)
        metrics = self.metrics or known[:_DEFAULT_ROWS]
        msgspec.structs.force_setattr(self, "metrics", metrics)
        msgspec.structs.force_setattr(self, "select_by", self.select_by or metrics[0])
        for name in (*metrics, self.select_by):
            if name not in known:
                raise UnknownNameError(f"metric of {self.kind} tasks", name, known)
        if self.files.train is None and self.files.valid is not None and not self.files.no_train:
            raise ValueError("files: a valid file without a train file; say why in no_train")
        if self.classes is not None and self.kind != "regression":
            raise ValueError(f"classes: of regression tasks only, and this one is {self.kind}")
        if self.variants and self.kind != "binary":
            raise ValueError(f"variants: of binary tasks only, and this one is {self.kind}")


def _metrics_of(kind: Kind, labels: tuple[str, ...], layout: str) -> tuple[str, ...]:
    """Name what such a task can be judged by, as far as its declaration tells the labels."""
    metrics = TASK_METRICS[kind]
    if layout == "guanine":
        metrics = (*metrics, *ORDINAL_METRICS)
    if kind == "regression":
        several = ("mcrmse", *(f"{_MEAN}{name}" for name in metrics))
        if not labels:
            return (*metrics, *several)
        return metrics if len(labels) == 1 else several
    if kind in ("token-classes", "pair-classes") and len(labels) in (0, 2):
        metrics = (*metrics, "auroc", "average_precision", "balanced_accuracy")
    if kind == "token-classes" and (not labels or set(labels) == STRUCTURE_LABELS):
        metrics = (*metrics, *STRUCTURE_METRICS, *CROSSING_METRICS)
    return metrics


def declared_ids() -> list[str]:
    """Ids of all tasks shipped, such as ``"pgb/poly_a.oryza_sativa_indica_group"``, sorted.

    They are the names of the files: none is read.
    """
    return list(_shipped())


def read_shipped(name: str) -> DeclaredTask:
    """Read the declaration of a task that is shipped.

    Raises
    ------
    UnknownNameError
        If there is none of that id.
    """
    if name not in _shipped():
        raise UnknownNameError("benchmark", name, _shipped())
    return _read_shipped(name)


def read_declaration(path: Path, name: str) -> DeclaredTask:
    """Read the declaration of a user's task.

    Parameters
    ----------
    path : Path
        A TOML file.
    name : str
        The id it has.

    Raises
    ------
    UsageError
        If there is no such file, it is not TOML, or it is not a declaration.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    return _parsed(text, str(path), name)


def declaration_text(task: DeclaredTask) -> str:
    """Write a declaration as TOML, as `read_declaration` reads it."""
    told = msgspec.to_builtins(msgspec.structs.replace(task, id=""))
    if "columns" in told:
        told["columns"] = {name: each for name, each in told["columns"].items() if each}
    return toml_text(told)


def shipped_folder() -> Traversable:
    """Give the folder of the declarations that are shipped."""
    return resources.files("genomark.benchmarks.sequences") / "tasks"


@functools.cache
def _shipped() -> dict[str, Traversable]:
    found = {
        f"{suite.name}/{file.name.removesuffix('.toml')}": file
        for suite in shipped_folder().iterdir()
        if suite.is_dir()
        for file in suite.iterdir()
        if file.name.endswith(".toml")
    }
    return dict(sorted(found.items()))


@functools.cache
def _read_shipped(name: str) -> DeclaredTask:
    return _parsed(_shipped()[name].read_text("utf-8"), f"{name}.toml", name)


def _parsed(text: str, where: str, name: str) -> DeclaredTask:
    try:
        told = tomllib.loads(text)
        if "id" in told:
            raise ValueError("the place of the file gives the id, not `id` in it")
        return msgspec.convert({**told, "id": name}, DeclaredTask)
    except (ValueError, UnknownNameError) as error:  # of TOML, of msgspec and of the checks here
        raise UsageError(f"{where}: not a declaration of a task: {error}") from error
