"""The table of a study of tokenizers, for programs and for people."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec
import polars as pl

from genomark.studies.tokenizers import Line, Score, Study
from genomark.studies.work import Bits, Made


def study_table(study: Study) -> pl.DataFrame:
    """Give a row for each network and benchmark.

    Returns
    -------
    polars.DataFrame
        Columns `tokenizer`, `pretrained`, `words`, `tokens_per_base`, `parameters`,
        `bits_per_base`, `bits_low`, `bits_high`, `count_bits_per_base` (the part of them that tells
        how many tokens a stretch has), `seen_bases`, `cpu_seconds` (of learning),
        `bases_per_cpu_second`; `benchmark`, `metric`, `score`, `score_low`, `score_high`, and of
        the pretrained `gain`, `gain_low`, `gain_high` (paired difference to the untrained). Markov
        chains and models beside have null where nothing is to be told.
    """
    rows: list[dict[str, Any]] = []
    for line in study.lines:
        for pretrained in (True, False):
            rows += _of_network(line, pretrained=pretrained)
    for order, bits in study.markov.items():
        rows.append({"tokenizer": f"Markov chain, order {order}", **_bits(bits)})
    for model, scores in study.beside.items():
        rows += [{"tokenizer": model, **_score(name, each)} for name, each in scores.items()]
    return pl.DataFrame(rows, schema=_SCHEMA)


def study_json(study: Study) -> bytes:
    """Write all that is known: what was asked, the table, curves of the loss, versions."""
    document = {
        "config": msgspec.to_builtins(study.config),
        "rows": study_table(study).to_dicts(),
        "curves": {each.name: each.pretrained.learned.curve for each in study.lines},
        "versions": {
            name: version(name) for name in ("genomark", "tokenizers", "torch", "transformers")
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def learned_rows(study: Study) -> list[tuple[str, ...]]:
    """Lines of the first table for people: what each network learned, and at what cost.

    Returns
    -------
    list of tuple of str
        Name, words, tokens per base, parameters, bits per base with interval, the part of them that
        tells numbers of tokens, bits per base of the untrained network, CPU seconds, bases per CPU
        second.
    """
    rows: list[tuple[str, ...]] = []
    for line in study.lines:
        made, learned = line.pretrained, line.pretrained.learned
        rows.append(
            (
                line.name,
                f"{made.tokenized.words:,}",
                f"{made.tokenized.tokens_per_base:.3f}",
                f"{learned.parameters:,}",
                _interval(made.bits.per_base, made.bits.interval),
                f"{made.bits.count_per_base:.3f}",
                f"{line.untrained.bits.per_base:.3f}",
                f"{learned.cpu_seconds:,.0f}",
                f"{_rate(made):,.0f}" if _rate(made) else "",
            )
        )
    for order, bits in study.markov.items():
        told = _interval(bits.per_base, bits.interval)
        rows.append((f"Markov chain, order {order}", "", "", "", told, "", "", "", ""))
    return rows


def score_rows(study: Study, benchmark: str) -> list[tuple[str, ...]]:
    """Lines of a table for people: name, score, that of the untrained network, paired gain."""
    rows: list[tuple[str, ...]] = [
        (
            line.name,
            *(_told(each.get(benchmark)) for each in (line.scores, line.controls, line.gains)),
        )
        for line in study.lines
    ]
    beside = study.beside.items()
    return rows + [(model, _told(scores.get(benchmark)), "", "") for model, scores in beside]


def benchmarks_of(study: Study) -> dict[str, str]:
    """Metrics by benchmark, in order."""
    return {name: each.metric for name, each in (study.lines[0].scores.items())}


def _of_network(line: Line, *, pretrained: bool) -> list[dict[str, Any]]:
    made = line.pretrained if pretrained else line.untrained
    own = {
        "tokenizer": line.name,
        "pretrained": pretrained,
        "words": made.tokenized.words,
        "tokens_per_base": made.tokenized.tokens_per_base,
        "parameters": made.learned.parameters,
        **_bits(made.bits),
        "seen_bases": made.learned.bases,
        "cpu_seconds": made.learned.cpu_seconds,
        "bases_per_cpu_second": _rate(made),
    }
    scores = line.scores if pretrained else line.controls
    if not scores:
        return [own]
    rows = []
    for name, score in scores.items():
        gain = line.gains.get(name) if pretrained else None
        ends = (gain.interval if gain else None) or (None, None)
        told = {"gain": gain.value if gain else None, "gain_low": ends[0], "gain_high": ends[1]}
        rows.append({**own, **_score(name, score), **told})
    return rows


def _bits(bits: Bits) -> dict[str, Any]:
    return {
        "bits_per_base": bits.per_base,
        "bits_low": bits.interval[0],
        "bits_high": bits.interval[1],
        "count_bits_per_base": bits.count_per_base,
    }


def _score(benchmark: str, score: Score) -> dict[str, Any]:
    low, high = score.interval or (None, None)
    return {
        "benchmark": benchmark,
        "metric": score.metric,
        "score": score.value,
        "score_low": low,
        "score_high": high,
    }


def _rate(made: Made) -> float | None:
    learned = made.learned
    return learned.bases / learned.cpu_seconds if learned.cpu_seconds and learned.bases else None


def _told(score: Score | None) -> str:
    if score is None:
        return ""
    if score.value is None:
        return "undefined"
    return _interval(score.value, score.interval)


def _interval(value: float, ends: tuple[float, float] | None) -> str:
    return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else f"{value:.3f}"


_SCHEMA = {
    "tokenizer": pl.String,
    "pretrained": pl.Boolean,
    "words": pl.Int64,
    "tokens_per_base": pl.Float64,
    "parameters": pl.Int64,
    "bits_per_base": pl.Float64,
    "bits_low": pl.Float64,
    "bits_high": pl.Float64,
    "count_bits_per_base": pl.Float64,
    "seen_bases": pl.Int64,
    "cpu_seconds": pl.Float64,
    "bases_per_cpu_second": pl.Float64,
    "benchmark": pl.String,
    "metric": pl.String,
    "score": pl.Float64,
    "score_low": pl.Float64,
    "score_high": pl.Float64,
    "gain": pl.Float64,
    "gain_low": pl.Float64,
    "gain_high": pl.Float64,
}
