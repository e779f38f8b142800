"""Predictions somebody has already made, read from a file.

A table (parquet, CSV, TSV) holds answers to items: columns `item_id` and `value`, and `task` where
an item is asked more than once; of structures of RNA `item_id` and `structure`, of designs of RNA
`item_id` and `sequence`. A GAME response (JSON) holds answers to sequences, and is replayed as a
Predictor that has been asked before. ``FILE.card.toml`` beside it tells who made them, and from
what (`genomark.models.model_card`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import polars as pl

from genomark.digests import digest_of_file
from genomark.errors import PredictionFileError, UsageError
from genomark.models.game_response import parse_response
from genomark.models.model_card import card_of
from genomark.models.recorded_designs import check_designs, designs_of_json, designs_of_table
from genomark.models.training_data import TrainingData, UnknownTraining
from genomark.protocol import PredictionTask, PredictRequest, PredictResponse
from genomark.rna.structure import partners
from genomark.scoring import ModelIdentity

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    ".tsv": lambda path: pl.read_csv(path, separator="\t", infer_schema=False),
}

#: Characters shown of a value that is not a number.
_SHOWN = 60


def load_predictions(spec: str, *, allow_missing: bool = False) -> RecordedTable | RecordedResponse:
    """Load ``file:PATH``.

    Parameters
    ----------
    spec : str
        The whole spec string.
    allow_missing : bool
        Whether items without a prediction are counted as failed, or make the file unusable.

    Raises
    ------
    PredictionFileError
        If there is no such file, or it is of no known kind.
    """
    path = Path(spec.removeprefix("file:"))
    if not path.is_file():
        raise PredictionFileError(f"{path}: no such file")
    if path.suffix == ".json":
        return RecordedResponse(spec, path, allow_missing=allow_missing)
    if path.suffix in _READERS:
        return RecordedTable(spec, path, allow_missing=allow_missing)
    kinds = ", ".join([*_READERS, ".json (a GAME response)"])
    raise PredictionFileError(f"{path}: expected a file ending in {kinds}")


class RecordedTable:
    """A table of predictions, by item."""

    reads_answers = False

    def __init__(self, spec: str, path: Path, *, allow_missing: bool) -> None:
        self.path = path
        self.allow_missing = allow_missing
        self.info, self.training_data = _identity(spec, path)

    @cached_property
    def table(self) -> pl.DataFrame:
        """The checked table: `item_id`, perhaps `task`, `value`, `reason`."""
        table = self._raw
        self._check_columns(("item_id", "value"))
        key = [name for name in ("item_id", "task") if name in table.columns]
        for column in (*key, "value"):
            # So the reader calls a column whose name it has seen before.
            if f"{column}_duplicated_0" in table.columns:
                raise PredictionFileError(f"{self.path}: there is more than one column '{column}'")
        checked = pl.DataFrame([*(self._texts(table, name) for name in key), self._numbers(table)])
        known = "reason" in table.columns
        checked = checked.with_columns(
            reason=self._texts(table, "reason") if known else pl.lit(None, pl.String)
        )
        _check_values(checked, self.path, allow_null=self.allow_missing)
        _check_unique(checked, key, self.path)
        return checked

    @cached_property
    def structures(self) -> pl.DataFrame:
        """The checked table of a file of structures: `item_id`, `structure` (or null)."""
        self._check_columns(("item_id", "structure"))
        table = pl.DataFrame([self._texts(self._raw, name) for name in ("item_id", "structure")])
        _check_unique(table, ["item_id"], self.path)
        _check_structures(table, self.path)
        return table

    def folds_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether the file has a column `structure`; checked as `check` does.

        Raises
        ------
        PredictionFileError
            As `check`.
        """
        if "structure" not in self._raw.columns:
            return False
        told = self.structures.drop_nulls("structure")
        _check_items(told, items, benchmark, self.path, allow_missing=self.allow_missing)
        return True

    def fold_items(self, items: pl.DataFrame) -> pl.Series:
        """Look structures up, by `item_id`; null where the file has none."""
        found = items.join(self.structures, on="item_id", how="left", maintain_order="left")
        return found["structure"]

    @cached_property
    def _designs(self) -> dict[str, list[str]]:
        self._check_columns(("item_id", "sequence"))
        return designs_of_table(self._raw, self.path)

    def designs_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether the file has a column `sequence`, and designs for these puzzles (`item_id`).

        Raises
        ------
        PredictionFileError
            If it is about other puzzles, or lacks some.
        """
        if "sequence" not in self._raw.columns:
            return False
        allow = self.allow_missing
        check_designs(set(self._designs), items, benchmark, self.path, allow_missing=allow)
        return True

    def design_items(self, items: pl.DataFrame) -> list[list[str]]:
        """Look sequences up, by `item_id`."""
        return [self._designs.get(item, []) for item in items["item_id"]]

    def check(self, benchmark: str, expected: pl.DataFrame) -> None:
        """Check that the file answers the items of a benchmark, and no others.

        Raises
        ------
        PredictionFileError
            Naming the file, the column and the first bad row.
        """
        _check_items(self.table, expected, benchmark, self.path, allow_missing=self.allow_missing)

    def predict_items(self, benchmark: str, items: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Look the items up."""
        key = [name for name in ("item_id", "task") if name in self.table.columns]
        found = items.select("item_id", "task").join(
            self.table, on=key, how="left", maintain_order="left"
        )
        given = pl.coalesce("reason", pl.lit("missing from the file"))
        return found.select("value", reason=pl.when(pl.col("value").is_null()).then(given))

    @cached_property
    def _raw(self) -> pl.DataFrame:
        return _read_table(self.path)

    def _check_columns(self, needed: Sequence[str]) -> None:
        for column in needed:
            if column not in self._raw.columns:
                raise PredictionFileError(
                    f"{self.path}: no column '{column}'; expected item_id, value and perhaps task, "
                    f"found {', '.join(self._raw.columns)}"
                )

    def _texts(self, table: pl.DataFrame, column: str) -> pl.Series:
        try:
            return table[column].cast(pl.String)
        except pl.exceptions.PolarsError as error:
            raise PredictionFileError(
                f"{self.path}: column '{column}', row 1: expected a number or text in each row, "
                f"found {table.schema[column]}"
            ) from error

    def _numbers(self, table: pl.DataFrame) -> pl.Series:
        if table.schema["value"].is_numeric() or table.schema["value"] == pl.Null:
            return table["value"].cast(pl.Float64)
        texts = self._texts(table, "value").str.strip_chars()
        numbers = texts.cast(pl.Float64, strict=False)
        wrong = (numbers.is_null() & (texts != "")).arg_true()
        if len(wrong):
            row = wrong[0]
            raise PredictionFileError(
                f"{self.path}: column 'value', row {row + 1}: expected a number, "
                f"found '{texts[row]}'"
            )
        return numbers


class RecordedResponse:
    """A saved GAME response, replayed."""

    #: Answers by id, and never looks at a sequence.
    builds_lazily: ClassVar[bool] = True
    keepable: ClassVar[bool] = False

    def __init__(self, spec: str, path: Path, *, allow_missing: bool) -> None:
        self.path = path
        self.allow_missing = allow_missing
        self.info, self.training_data = _identity(spec, path)

    @cached_property
    def _raw(self) -> Any:
        try:
            return json.loads(self.path.read_bytes(), object_pairs_hook=self._unique)
        except (ValueError, RecursionError) as error:
            raise PredictionFileError(f"{self.path}: not JSON ({error})") from error

    @cached_property
    def _designs(self) -> dict[str, list[str]] | None:
        return designs_of_json(self._raw, self.path)

    def designs_items(self, benchmark: str, items: pl.DataFrame) -> bool:
        """Whether it is no response, but the solved structures of OmniGenBench.

        Puzzles are known by their structure, and the file may be about others too.

        Raises
        ------
        PredictionFileError
            If it lacks some of these (columns `item_id` and `structure`).
        """
        if self._designs is None:
            return False
        named = items.filter(items["structure"].is_in(list(self._designs)))
        known = set(named["item_id"])
        check_designs(known, items, benchmark, self.path, allow_missing=self.allow_missing)
        return True

    def design_items(self, items: pl.DataFrame) -> list[list[str]]:
        """Look sequences up, by `structure`."""
        return [(self._designs or {}).get(structure, []) for structure in items["structure"]]

    @cached_property
    def response(self) -> PredictResponse:
        """The response as saved."""
        raw = self._raw
        if isinstance(raw, dict) and "error" in raw:
            raise PredictionFileError(f"{self.path}: a GAME error, not predictions: {raw['error']}")
        response = parse_response(raw, str(self.path), PredictionFileError)
        names = [task.name for task in response.prediction_tasks]
        if twice := {name for name in names if names.count(name) > 1}:
            raise PredictionFileError(
                f"{self.path}: key 'prediction_tasks': more than one task is named '{min(twice)}'"
            )
        return response

    def check(self, benchmark: str, expected: pl.DataFrame) -> None:
        """Check that each task answers the sequences of a benchmark, and no others."""
        for (task,), part in expected.group_by("task", maintain_order=True):
            predictions = self._task(str(task)).predictions
            table = pl.DataFrame(
                {"item_id": list(predictions), "value": self._numbers(predictions)},
                schema={"item_id": pl.String, "value": pl.Float64},
            )
            _check_values(table, self.path, allow_null=self.allow_missing)
            _check_items(table, part, benchmark, self.path, allow_missing=self.allow_missing)

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Answer with what was saved; sequences that were not are left out."""
        answers = []
        for task in request.prediction_tasks:
            saved = self._task(task.name)
            found = {
                name: saved.predictions[name]
                for name in request.sequences
                if name in saved.predictions
            }
            answers.append(_echo(task, msgspec.structs.replace(saved, predictions=found)))
        return msgspec.structs.replace(self.response, prediction_tasks=answers)

    def _task(self, name: str) -> Any:
        tasks = self.response.prediction_tasks
        if len(tasks) == 1:
            return tasks[0]
        for task in tasks:
            if task.name == name:
                return task
        names = ", ".join(f"'{task.name}'" for task in tasks)
        raise PredictionFileError(
            f"{self.path}: key 'prediction_tasks': no task named '{name}'; it holds {names}"
        )

    def _numbers(self, predictions: dict[str, Any]) -> list[float | None]:
        numbers: list[float | None] = []
        for row, (name, answer) in enumerate(predictions.items(), start=1):
            value = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int | float)
            ):
                raise PredictionFileError(
                    f"{self.path}: column 'value', row {row} (item '{name}'): expected a number, "
                    f"found {json.dumps(value)[:_SHOWN]}"
                )
            numbers.append(None if value is None else _as_float(value))
        return numbers

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        try:
            "".join(found).encode()
        except UnicodeEncodeError as error:
            raise PredictionFileError(f"{self.path}: a key is not text ({error})") from error
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            row = next(i for i, key in enumerate(keys) if key in keys[:i])
            raise PredictionFileError(
                f"{self.path}: key '{keys[row]}' (entry {row + 1} of its object) is there twice"
            )
        return found


def _identity(spec: str, path: Path) -> tuple[ModelIdentity, TrainingData]:
    """Name a file by its bytes, and take what a card beside it says.

    Another card makes no other answers: what was scored of the same bytes is not scored again.
    """
    card = card_of(path)
    identity = ModelIdentity(
        id=spec,
        version="1",
        digest=digest_of_file(path),
        notes=["predictions made elsewhere, read from a file"],
    )
    if card is None:
        return identity, UnknownTraining()
    return card.beside(identity), card.training_data


def _echo(task: PredictionTask, saved: Any) -> Any:
    return msgspec.structs.replace(
        saved,
        name=task.name,
        type_requested=task.type,
        cell_type_requested=task.cell_type,
        species_requested=task.species,
    )


def _read_table(path: Path) -> pl.DataFrame:
    try:
        return _READERS[path.suffix](path)
    # A damaged parquet file can make the reader panic, which is no subclass of Exception.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PredictionFileError(f"{path}: cannot be read as {path.suffix} ({reason})") from error


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _check_values(table: pl.DataFrame, path: Path, *, allow_null: bool) -> None:
    wrong = table["item_id"].is_null()
    column, expected = "item_id", "an id"
    if not wrong.any():
        bad = table["value"].is_nan() | table["value"].is_infinite()
        wrong = bad.fill_null(value=False) if allow_null else bad.fill_null(value=True)
        column, expected = "value", "a finite number"
    rows = wrong.arg_true()
    if len(rows):
        row = rows[0]
        item = f" (item '{table['item_id'][row]}')" if column == "value" else ""
        found = table[column][row]
        raise PredictionFileError(
            f"{path}: column '{column}', row {row + 1}{item}: "
            f"expected {expected}, found {'nothing' if found is None else found}"
            + _more(len(rows))
            + ("" if allow_null or column == "item_id" else _HINT)
        )


_HINT = ". Items without a prediction can be allowed with --allow-missing: leave them out or empty"


def _check_structures(table: pl.DataFrame, path: Path) -> None:
    for row, (item, structure) in enumerate(table.iter_rows(), start=1):
        try:
            partners(structure or "")
        except UsageError as error:
            raise PredictionFileError(f"{path}: row {row} (item '{item}'): {error}") from error


def _check_unique(table: pl.DataFrame, key: Sequence[str], path: Path) -> None:
    repeated = (~table.select(first=pl.struct(key).is_first_distinct())["first"]).arg_true()
    if len(repeated):
        row = repeated[0]
        raise PredictionFileError(
            f"{path}: column 'item_id', row {row + 1}: item '{table['item_id'][row]}' is there "
            f"twice{_more(len(repeated))}; expected one row per item"
        )


def _check_items(
    table: pl.DataFrame,
    expected: pl.DataFrame,
    benchmark: str,
    path: Path,
    *,
    allow_missing: bool,
) -> None:
    key = [name for name in ("item_id", "task") if name in table.columns]
    extra = table.with_row_index("row").join(expected, on=key, how="anti", maintain_order="left")
    if len(extra):
        raise PredictionFileError(
            f"{path}: column 'item_id', row {extra['row'][0] + 1}: benchmark '{benchmark}' has no "
            f"item '{_shown(extra, key)}'{_more(len(extra))}; its first is "
            f"'{_shown(expected, key)}'"
        )
    missing = expected.join(table, on=key, how="anti", maintain_order="left")
    if len(missing) and not allow_missing:
        raise PredictionFileError(
            f"{path}: column 'item_id': {len(missing):,} of the {len(expected):,} items of "
            f"'{benchmark}' are missing, first '{_shown(missing, key)}', looked for after row "
            f"{len(table)}, the last. Allow that with --allow-missing; they then count as failed"
        )


def _shown(table: pl.DataFrame, key: Sequence[str]) -> str:
    return " / ".join(str(table[name][0]) for name in reversed(key))


def _more(n: int) -> str:
    return f" (and {n - 1:,} more)" if n > 1 else ""
