"""A folder of explanations: a table and drawings a sequence, all numbers, and a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.atomic import write_whole
from genomark.models.explain.attention import AttentionMap
from genomark.models.explain.mutagenesis import BASES, Mutagenesis
from genomark.results.attention_map import attention_map
from genomark.results.drawing import on_white
from genomark.results.explanation_page import Shown, explanation_page
from genomark.results.mutagenesis_map import MOST_POSITIONS, mutagenesis_map

#: Outputs that are drawn, those with the largest effects; all are in the tables.
_DRAWN = 12


class ExplanationFolder:
    """Writes what was found on some sequences, one after the other.

    Files are named by the number of the sequence, from 1: its id may be anything, and stands in
    ``index.html`` and in the arrays alone.

    Parameters
    ----------
    folder : Path
    ids : sequence of str
        Of the sequences, in the order in which they are added.
    """

    def __init__(self, folder: Path, ids: Sequence[str]) -> None:
        self._folder = folder
        self._ids = ids
        self._shown: list[Shown] = []
        self._arrays: dict[str, NDArray[Any]] = {"ids": np.array(ids, dtype=np.str_)}
        self._name = ""

    @property
    def count(self) -> int:
        """Sequences so far."""
        return len(self._shown)

    def add_mutagenesis(
        self, found: Mutagenesis, measure: str, outputs: Sequence[str] = ()
    ) -> None:
        """Write ``sequence-0001.tsv`` and ``.svg``, one a drawn output where there are several.

        Parameters
        ----------
        found : Mutagenesis
        measure : str
            What changes.
        outputs : sequence of str
            Names of the outputs; empty for a single one without a name.
        """
        number, names = self.count + 1, tuple(outputs) or (measure,)
        stem = f"sequence-{number:04}"
        self._name = "effects.npz"
        if outputs:
            self._arrays["outputs"] = np.array(names, dtype=np.str_)
        self._arrays[f"effects_{number}"] = found.effects
        if found.deletions is not None:
            self._arrays[f"deletions_{number}"] = found.deletions
        self._write(f"{stem}.tsv", _tsv(_effects(found, names)))
        drawings = []
        for place in _drawn(found):
            file = f"{stem}.svg" if len(names) == 1 else f"{stem}-output-{place + 1:03}.svg"
            label = f"effects on {names[place]}"
            drawn = mutagenesis_map(found, measure=measure, label=label, output=place)
            self._write(file, on_white(drawn).encode())
            drawings.append((label, file))
        told = f"{len(found.sequence):,} bases, {found.positions.size:,} of them replaced."
        if found.positions.size > MOST_POSITIONS:
            told += f" The first {MOST_POSITIONS:,} are drawn."
        if len(drawings) < len(names):
            told += f" Drawn: those {len(drawings)} of {len(names):,} that change most."
        self._shown.append(Shown(self._ids[number - 1], told, drawings, [f"{stem}.tsv"]))

    def add_attention(self, found: AttentionMap) -> None:
        """Write ``sequence-0001.tsv``, which tells of each head, and ``.svg``."""
        number = self.count + 1
        stem = f"sequence-{number:04}"
        self._name = "attention.npz"
        weights = found.of_bases()
        self._arrays[f"attention_{number}"] = weights
        self._write(f"{stem}.tsv", _tsv(_heads(found)))
        label = "attention between bases"
        self._write(f"{stem}.svg", on_white(attention_map(weights, label=label)).encode())
        told = (
            f"{len(found.sequence):,} bases in {len(found.spans):,} tokens, special ones included."
        )
        drawings = [(label, f"{stem}.svg")]
        self._shown.append(Shown(self._ids[number - 1], told, drawings, [f"{stem}.tsv"]))

    def finish(self, title: str, notes: Sequence[str]) -> tuple[Path, Path]:
        """Write the arrays of all sequences, and last the page.

        Returns
        -------
        page, arrays : Path
            ``index.html``, and ``effects.npz`` or ``attention.npz``.
        """
        content = io.BytesIO()
        # Names of arrays are given as keywords, of which none is a stranger's.
        np.savez(content, allow_pickle=False, **self._arrays)
        self._write(self._name, content.getvalue())
        self._write("index.html", explanation_page(title, notes, self._shown).encode())
        return self._folder / "index.html", self._folder / self._name

    def _write(self, name: str, content: bytes) -> None:
        write_whole(self._folder / name, content)


def _drawn(found: Mutagenesis) -> list[int]:
    """Choose outputs to draw."""
    if found.effects.ndim == 2:
        return [0]
    largest = np.nan_to_num(np.abs(found.effects)).max(axis=(0, 1))
    chosen: list[int] = sorted(np.argsort(-largest, kind="stable")[:_DRAWN].tolist())
    return chosen


def _effects(found: Mutagenesis, outputs: Sequence[str]) -> pl.DataFrame:
    """One row a position and output; positions count from 1, and T stands for U, too."""
    where, n = found.positions, len(outputs)
    effects = found.effects.reshape(len(found.sequence), len(BASES), n)[where]
    columns: dict[str, Any] = {
        "position": np.repeat(where + 1, n),
        "reference": np.repeat([found.sequence[place] for place in where.tolist()], n),
        "output": list(outputs) * where.size,
    }
    for kind, base in enumerate(BASES):
        columns[base] = effects[:, kind].ravel()
    columns["importance"] = found.importance.reshape(-1, n)[where].ravel()
    if found.deletions is not None:
        columns["deletion"] = found.deletions.reshape(-1, n)[where].ravel()
    return pl.DataFrame(columns).fill_nan(None)


def _heads(found: AttentionMap) -> pl.DataFrame:
    summary = found.summary()
    return pl.DataFrame(
        {
            "layer": np.repeat(found.layers, len(found.heads)),
            "head": list(found.heads) * len(found.layers),
            "entropy": summary.entropy.ravel(),
            "distance": summary.distance.ravel(),
            "special": summary.special.ravel(),
        }
    ).fill_nan(None)


def _tsv(table: pl.DataFrame) -> bytes:
    return table.write_csv(separator="\t").encode()
