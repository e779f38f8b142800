"""Descriptions of human genes from NCBI Gene: full name and summary, each symbol asked once.

Answers are kept in the cache and never asked for again: a run without network has the texts of the
run before it. Whoever wants newer ones deletes the folder ``ncbi-gene`` of the cache.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated

import msgspec

from genomark.digests import digest_of
from genomark.errors import DatasetUnavailableError
from genomark.models.genes.batch_folder import BatchFolder
from genomark.models.genes.descriptions import SYMBOL, Descriptions
from genomark.models.genes.eutils import Eutils
from genomark.models.genes.waiting import Waiting

_HUMAN = 9606
#: How a text is put together; raise the version when it changes.
_FORM = "Gene symbol {symbol} full name {name} with the summary {summary}"
_VERSION = "1"

#: Symbols of one search; two requests for so many.
_SYMBOLS_AT_ONCE = 100
#: Genes of one search at most: a symbol is the preferred one of one gene, rarely of two.
_MOST_GENES = 1000
#: What a kill at any instant may cost, seconds of asking.
_SECONDS_BETWEEN_WRITES = 10.0
#: What is put between quotes in a search; names from strangers are data.
_ASKABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]{0,63}")


class _Record(msgspec.Struct, frozen=True):
    gene: int
    name: str
    summary: str


class _Kept(msgspec.Struct, frozen=True):
    """A file of the cache: the day of asking, and the gene of each symbol, if there is one."""

    retrieved: str
    genes: dict[str, _Record | None]


class _Hits(msgspec.Struct):
    idlist: list[str]


class _Search(msgspec.Struct):
    esearchresult: _Hits


class _Organism(msgspec.Struct):
    taxid: int = 0


class _Gene(msgspec.Struct):
    """What is read of a document summary; one that could not be made has only an error."""

    uid: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
    name: str = ""
    description: str = ""
    summary: str = ""
    organism: _Organism = msgspec.field(default_factory=_Organism)
    error: str = ""


class _Summaries(msgspec.Struct):
    """Summaries by number; under ``uids``, all the numbers."""

    result: dict[str, _Gene | list[str]]


class NcbiGene:
    """NCBI Gene (Brown et al. 2015, Nucleic Acids Res 43:D36) by preferred symbol.

    The text is ``Gene symbol TP53 full name tumor protein p53 with the summary This gene ...``,
    and ends with the full name where there is no summary. A symbol is looked up as it is spelled;
    an alias is no symbol, since it may be that of several genes.
    """

    def __init__(self) -> None:
        self._eutils = Eutils()
        self._folder = BatchFolder("ncbi-gene", ".json")
        self._genes: dict[str, _Record | None] = {}
        self._days: set[str] = set()

    @property
    def digest(self) -> str:
        """Of the form of the texts, and of the day the cache begins: its answers never change."""
        return digest_of(["ncbi", _VERSION, _FORM, self._began])

    @property
    def notes(self) -> list[str]:
        """Where the texts are from, and of when."""
        return [f"text: NCBI Gene, full name and summary, kept since {self._began}"]

    def answers(self, kind: str) -> bool:
        """Only genes are in it."""
        return kind == SYMBOL

    def describe(self, names: Sequence[str], kind: str) -> Descriptions:
        """Look symbols up in what is kept, and ask for the others.

        Raises
        ------
        DatasetUnavailableError
            If NCBI has to be asked and does not answer.
        """
        askable = [name for name in names if _ASKABLE.fullmatch(name)]
        self._read()
        if unknown := [name for name in askable if name not in self._genes]:
            self._ask_all(unknown)
        texts, reasons = {}, dict.fromkeys(names, "not spelled as a gene symbol is")
        for symbol in askable:
            record = self._genes.get(symbol)
            if record is not None and record.name:
                texts[symbol] = _text(symbol, record)
                del reasons[symbol]
            elif symbol in self._genes:
                reasons[symbol] = "no human gene of NCBI Gene has this symbol"
            else:
                reasons[symbol] = "NCBI Gene did not tell of it this time"
        return Descriptions(texts, reasons)

    @cached_property
    def _began(self) -> str:
        self._read()
        return min(self._days, default=_today())

    def _read(self) -> None:
        kept = [msgspec.json.decode(content, type=_Kept) for content in self._folder.unread()]
        for batch in sorted(kept, key=lambda each: each.retrieved):
            self._days.add(batch.retrieved)
            for symbol, record in batch.genes.items():
                self._genes.setdefault(symbol, record)

    def _ask_all(self, symbols: Sequence[str]) -> None:
        """Ask in batches, and keep the answers now and then: also when it ends early."""
        answers: dict[str, _Record | None] = {}
        last = time.monotonic()
        try:
            with Waiting(len(symbols), "NCBI Gene: symbols") as waiting:
                for first in range(0, len(symbols), _SYMBOLS_AT_ONCE):
                    batch = symbols[first : first + _SYMBOLS_AT_ONCE]
                    answers |= self._ask(batch)
                    waiting.advance(len(batch))
                    if time.monotonic() - last > _SECONDS_BETWEEN_WRITES:
                        self._keep(answers)
                        last = time.monotonic()
        except DatasetUnavailableError as error:
            unknown = [name for name in symbols if name not in self._genes and name not in answers]
            raise DatasetUnavailableError(
                f"NCBI Gene did not tell of {len(unknown):,} symbols, of which the first is "
                f"'{unknown[0]}' ({error}). What it told is kept in {self._folder.path}: "
                "try again, or name a table with descriptions=FILE.csv"
            ) from error
        finally:
            self._keep(answers)

    def _keep(self, answers: dict[str, _Record | None]) -> None:
        if answers:
            kept = _Kept(_today(), dict(answers))
            self._folder.add(msgspec.json.encode(kept, order="deterministic"))
            self._genes.update(answers)
            answers.clear()

    def _ask(self, symbols: Sequence[str]) -> dict[str, _Record | None]:
        """Ask about some symbols: a search for their genes, then the summaries of those."""
        any_of = " OR ".join(f'"{symbol}"[Preferred Symbol]' for symbol in symbols)
        term = f"({any_of}) AND {_HUMAN}[Taxonomy ID] AND alive[prop]"
        form = {"term": term, "retmax": str(_MOST_GENES)}
        ids = self._eutils.ask("esearch", form, _Search).esearchresult.idlist
        genes = self._summaries(ids)
        answers: dict[str, _Record | None] = {}
        # The lowest number is the gene that was there first.
        for gene in sorted(genes, key=lambda each: int(each.uid)):
            if gene.name in symbols and gene.organism.taxid == _HUMAN:
                record = _Record(int(gene.uid), gene.description, gene.summary)
                answers.setdefault(gene.name, record)
        # A summary that is lacking may be that of any symbol: then none is said to have no gene.
        return answers if len(genes) < len(ids) else dict.fromkeys(symbols) | answers

    def _summaries(self, ids: Sequence[str]) -> list[_Gene]:
        if not ids:
            return []
        found = self._eutils.ask("esummary", {"id": ",".join(ids)}, _Summaries).result
        return [gene for gene in found.values() if isinstance(gene, _Gene) and not gene.error]


def _text(symbol: str, record: _Record) -> str:
    form = _FORM if record.summary else _FORM.partition(" with ")[0]
    return form.format(symbol=symbol, name=record.name, summary=record.summary)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
