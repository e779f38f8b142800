"""Where results go beside the folder of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from genomark.benchmarks import GeneBenchmark
from genomark.errors import UsageError
from genomark.results import write_game_files
from genomark.results.gene_benchmark_report import write_gene_benchmark_report
from genomark.runs import Run
from genomark.runs.order import Prepared
from genomark.spans import span


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """What else is written of results.

    Attributes
    ----------
    game_files : str or None
        Folder for what a GAME Evaluator writes.
    gene_benchmark_report : str or None
        File for what gene-benchmark writes.
    store : str or None
        Folder or URL of a store that each result is added to.
    """

    game_files: str | None = None
    gene_benchmark_report: str | None = None
    store: str | None = None

    @classmethod
    def to(
        cls,
        game_files: str | Path | None,
        gene_benchmark_report: str | Path | None,
        store: str | Path | None,
    ) -> Outputs:
        """Take places as people give them."""
        return cls(
            game_files=_text(game_files),
            gene_benchmark_report=_text(gene_benchmark_report),
            store=_text(store),
        )

    def check(self, prepared: Prepared) -> None:
        """Look whether there is anything to write.

        Raises
        ------
        UsageError
            If there is not.
        """
        if self.gene_benchmark_report is not None and not any(
            isinstance(each, GeneBenchmark) for _, each in prepared.benchmarks
        ):
            raise UsageError(
                "a report as of gene-benchmark is about tasks on genes, and there are none"
            )

    @contextmanager
    def opened_store(self) -> Iterator[Callable[..., object] | None]:
        """Open the store, if there is one, before any work is done for it."""
        if self.store is None:
            yield None
            return
        from genomark.results.store import Store
        from genomark.results.store.receiving import add_scored

        with Store.open(self.store) as opened:
            yield partial(add_scored, opened)

    def write(self, work: Run) -> None:
        """Write the files of others, of what has a result."""
        with span("store"):
            if self.game_files is not None:
                _write_game_files(Path(self.game_files), work)
            if self.gene_benchmark_report is not None:
                write_gene_benchmark_report(Path(self.gene_benchmark_report), work.evaluations())


def _write_game_files(folder: Path, work: Run) -> None:
    from genomark.serving.name import versioned_name

    for result, responses in work.responses():
        write_game_files(folder, versioned_name(result.benchmark.id), result, responses)


def _text(place: str | Path | None) -> str | None:
    return None if place is None else str(place)
