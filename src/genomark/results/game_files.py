"""Files as GAME Evaluators write them, and what they become here (GAME 1.0, section 7.2).

Two files an evaluation: the raw answer as indented JSON, and rows of a summary that is called
``.csv``, is separated by tabs, and grows with every run.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from genomark.atomic import write_whole
from genomark.digests import digest_of_file
from genomark.errors import UsageError
from genomark.results.collection import Results
from genomark.results.reported import (
    reported_benchmark,
    reported_model,
    reported_result,
    reported_row,
)
from genomark.scoring import MetricRow, Result

COLUMNS = (
    "evaluator_name",
    "description",
    "predictor_name",
    "time_stamp",
    "metric",
    "value",
    "prediction_task(s)_data",
)

#: What GAME calls the metrics that have a name here.
_GAME_METRICS = {"pearson": "pearson_r", "spearman": "spearman_r"}
_METRICS = {game: name for name, game in _GAME_METRICS.items()}
_TIME = "%Y%m%d-%H%M%S.%f"
_MISSING = "NaN in the file"


def write_game_files(
    folder: Path, evaluator: str, result: Result, responses: Mapping[str, Mapping[str, Any]]
) -> list[Path]:
    """Write what a GAME Evaluator would have written of one evaluation.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    evaluator : str
        `evaluator_name`.
    result : Result
    responses : mapping of str to dict
        The Predictor's answer to each task of the benchmark, as it came.

    Returns
    -------
    list of Path
        The raw answers (one file, or one a task), then the summary.
    """
    written = []
    for task, response in responses.items():
        predictor = str(response.get("predictor_name", "UnknownPredictor"))
        part = f"_{_safe(task)}" if len(responses) > 1 else ""
        path = folder / f"{evaluator}{part}_predictions_from_{_safe(predictor)}.json"
        text = json.dumps(response, indent=4, ensure_ascii=False)
        write_whole(path, text.encode(errors="backslashreplace"))
        written.append(path)
    summary = folder / f"evaluation_summary_{evaluator}.csv"
    before = summary.read_bytes() if summary.exists() else _lines([COLUMNS])
    rows = _summary_rows(evaluator, result, responses)
    write_whole(summary, before + _lines(rows))
    return [*written, summary]


def _summary_rows(
    evaluator: str, result: Result, responses: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    now = datetime.now(UTC).strftime(_TIME)
    rows: list[tuple[str, ...]] = []
    for row in result.metrics:
        asked = responses if row.group is None else {row.group: responses.get(row.group, {})}
        name = row.name.removeprefix("mean_")
        which = row.group or ("mean over groups" if row.name != name else None)
        described = result.benchmark.id + (f" ({which})" if which else "")
        answers = list(asked.values())
        predictor = str(answers[0].get("predictor_name", "UnknownPredictor")) if answers else ""
        tasks = " - ".join(repr(_without_predictions(answer)) for answer in answers[:1])
        rows.append(
            (
                evaluator,
                described,
                _safe(predictor),
                now,
                _GAME_METRICS.get(name, name),
                "NaN" if row.value is None else str(row.value),
                tasks if len(answers) == 1 else "See the rows of each group in this same file",
            )
        )
    return rows


def _without_predictions(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in task.items() if key not in ("predictions", "trim_upstream")}
        for task in response.get("prediction_tasks", [])
    ]


def _safe(name: str) -> str:
    """As Evaluators do it, and whatever else could lead out of the folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "_"


def _lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def read_game_files(folder: Path) -> Results:
    """Turn the summaries of a folder into Results, one an evaluator, predictor and run.

    The numbers are those of the files: nothing is computed again, so they have no interval, and
    say so.

    Raises
    ------
    UsageError
        If the folder holds no summary, or one that cannot be read.
    """
    files = sorted(folder.glob("evaluation_summary_*.csv"))
    if not files:
        raise UsageError(f"{folder}: no evaluation_summary_*.csv found; expected GAME's files")
    return Results([result for file in files for result in _read_summary(file)])


def _read_summary(file: Path) -> list[Result]:
    try:
        with file.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: cannot be read ({error})") from error
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing or not rows:
        raise UsageError(
            f"{file}: expected the tab-separated columns {', '.join(COLUMNS)} and at least one row"
            + (f"; missing: {', '.join(missing)}" if missing else "")
        )
    runs: list[list[dict[str, str]]] = []
    latest: dict[tuple[str, str], list[dict[str, str]]] = {}
    for number, row in enumerate(rows, start=1):
        if None in row.values() or None in row:
            raise UsageError(f"{file}, row {number}: expected {len(COLUMNS)} columns")
        who, what = (row["evaluator_name"], row["predictor_name"]), _question(row)
        # Runs are appended with nothing between them: one that asks again is another.
        if who not in latest or any(_question(each) == what for each in latest[who]):
            latest[who] = []
            runs.append(latest[who])
        latest[who].append(row)
    return [_result(file, rows) for rows in runs]


def _question(row: dict[str, str]) -> tuple[str, str]:
    return row["description"], row["metric"]


def _result(file: Path, rows: list[dict[str, str]]) -> Result:
    first = rows[0]
    items = _items_of(file, first)
    metrics = _metrics(file, rows, items)
    evaluator, predictor = first["evaluator_name"], first["predictor_name"]
    return reported_result(
        reported_benchmark(
            evaluator, "GAME evaluator, numbers as it wrote them", [evaluator, "GAME evaluator"]
        ),
        reported_model(
            predictor,
            [predictor, "GAME predictor"],
            [f"self-reported: read from {file.name}, not computed here"],
        ),
        metrics,
        headline=[metrics[0].name],
        source="game",
        content=digest_of_file(file),
        settings={"tasks": _tasks(first["prediction_task(s)_data"])},
        n=items,
        when=_when(first["time_stamp"]),
    )


def _metrics(file: Path, rows: list[dict[str, str]], items: int) -> list[MetricRow]:
    """One row as it is; several as groups, with their mean before them."""
    groups = [_metric(file, row, items) for row in rows]
    if len(groups) == 1:
        return [msgspec.structs.replace(groups[0], group=None)]
    name = groups[0].name
    values = [each.value for each in groups if each.name == name]
    known = [value for value in values if value is not None]
    whole = len(known) == len(values)
    mean = reported_row(
        f"mean_{name}",
        sum(known) / len(known) if whole else None,
        f"mean of the {len(values)} rows the evaluator wrote; no interval",
        missing=_MISSING,
        n=items,
    )
    return [mean, *groups]


def _metric(file: Path, row: dict[str, str], items: int) -> MetricRow:
    try:
        value = float(row["value"])
    except ValueError as error:
        raise UsageError(
            f"{file}: column 'value': expected a number or NaN, found '{row['value']}'"
        ) from error
    return reported_row(
        _METRICS.get(row["metric"], row["metric"]),
        value if math.isfinite(value) else None,
        "as the evaluator wrote it; no interval",
        group=row["description"],
        missing=_MISSING,
        n=items,
    )


def _items_of(file: Path, row: dict[str, str]) -> int:
    """Count the predictions in the raw answer beside the summary, where it is there."""
    name = f"{row['evaluator_name']}_predictions_from_{row['predictor_name']}.json"
    try:
        tasks = json.loads((file.parent / name).read_bytes())["prediction_tasks"]
        return max(len(task["predictions"]) for task in tasks)
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _tasks(text: str) -> Any:
    """Read the Python text that Evaluators write for their tasks; the text itself if it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _when(text: str) -> str:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC).isoformat(timespec="milliseconds")
    except ValueError:
        return text
