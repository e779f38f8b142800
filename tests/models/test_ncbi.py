"""NCBI Gene, played by a local server that answers as the E-utilities do, and as they fail."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from genomark.errors import DatasetUnavailableError
from genomark.models.genes import eutils, ncbi
from genomark.models.genes.descriptors import descriptor
from genomark.models.genes.ncbi import NcbiGene

#: What becomes of a request instead of an answer: a status, headers, a body.
Trouble = tuple[int, dict[str, str], bytes]

#: Gene id, symbol, full name, summary, taxon.
GENES = [
    (7157, "TP53", "tumor protein p53", "This gene encodes {a} tumor suppressor.", 9606),
    (2623, "GATA1", "GATA binding protein 1", "", 9606),
    (900001, "GATA1", "a later gene of that symbol", "", 9606),
    (672, "BRCA1", "BRCA1 DNA repair", "Repairs.", 9606),
    (22059, "TP53", "transformation related protein 53", "Of the mouse.", 10090),
    (5, "BARE", "", "", 9606),
]
LIMITED = json.dumps({"error": "API rate limit exceeded", "api-key": "SECRET", "count": "4"})


class Ncbi(ThreadingHTTPServer):
    """Answers, and notes what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.times: list[float] = []
        self.troubles: list[Trouble | None] = []
        self.changes: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer

    @property
    def symbols(self) -> list[str]:
        """All symbols ever searched for."""
        terms = [form["term"] for path, form in self.asked if "esearch" in path]
        return [
            name for term in terms for name in re.findall(r'"([^"]+)"\[Preferred Symbol\]', term)
        ]


class Handler(BaseHTTPRequestHandler):
    """POST with a form in the body."""

    server: Ncbi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        self.server.asked.append((self.path, form))
        self.server.times.append(time.monotonic())
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        if trouble is None:
            assert (form["db"], form["retmode"], form["tool"]) == ("gene", "json", "genomark")
            answer = {"/esearch.fcgi": search, "/esummary.fcgi": summary}[self.path](form)
            trouble = (200, {}, json.dumps(self.server.changes(answer)).encode())
        status, headers, content = trouble
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def search(form: dict[str, str]) -> dict[str, Any]:
    term = form["term"]
    assert term.endswith(" AND 9606[Taxonomy ID] AND alive[prop]")
    symbols = {name.lower() for name in re.findall(r'"([^"]+)"\[Preferred Symbol\]', term)}
    ids = [str(gene) for gene, symbol, *_ in GENES if symbol.lower() in symbols]
    assert len(ids) <= int(form["retmax"])
    header = {"type": "esearch", "version": "0.3"}
    found = {"count": str(len(ids)), "retmax": form["retmax"], "retstart": "0", "idlist": ids}
    return {
        "header": header,
        "esearchresult": found | {"translationset": [], "querytranslation": ""},
    }


def summary(form: dict[str, str]) -> dict[str, Any]:
    ids = form["id"].split(",")
    names = {10090: "Mus musculus", 9606: "Homo sapiens"}
    genes = {
        str(gene): {
            "uid": str(gene),
            "name": symbol,
            "description": name,
            "status": "",
            "currentid": "",
            "otheraliases": "P53, LFS1",
            "nomenclaturesymbol": symbol,
            "organism": {"scientificname": names[taxon], "commonname": "", "taxid": taxon},
            "genomicinfo": [],
            "summary": text,
        }
        for gene, symbol, name, text, taxon in GENES
    }
    return {
        "header": {"type": "esummary", "version": "0.3"},
        "result": {"uids": ids} | {uid: genes[uid] for uid in ids},
    }


@pytest.fixture
def server(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ncbi]:
    with Ncbi() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(eutils, "ORIGIN", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(eutils, "BACKOFF", 0.01)
        monkeypatch.setattr(eutils, "_RATE", 1000.0)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.delenv("NCBI_API_KEY", raising=False)
        yield server
        server.shutdown()
        thread.join()


TP53 = (
    "Gene symbol TP53 full name tumor protein p53 "
    "with the summary This gene encodes {a} tumor suppressor."
)


def test_a_gene_is_told_of_by_symbol_full_name_and_summary(server: Ncbi) -> None:
    found = descriptor("ncbi").describe(["TP53", "GATA1", "NOPE", "BRCA1"], "symbol")
    assert found.texts == {
        "TP53": TP53,
        "GATA1": "Gene symbol GATA1 full name GATA binding protein 1",
        "BRCA1": "Gene symbol BRCA1 full name BRCA1 DNA repair with the summary Repairs.",
    }
    assert found.reasons == {"NOPE": "no human gene of NCBI Gene has this symbol"}
    assert [path for path, _ in server.asked] == ["/esearch.fcgi", "/esummary.fcgi"]


def test_spelling_decides_and_a_gene_without_a_name_says_nothing(server: Ncbi) -> None:
    found = NcbiGene().describe(["tp53", "BARE"], "symbol")
    assert found.texts == {}
    assert set(found.reasons.values()) == {"no human gene of NCBI Gene has this symbol"}


def test_names_that_are_no_symbols_are_not_asked_for(server: Ncbi) -> None:
    strange = ['A" OR "TP53', "TP53]", "", "ä", "A B", "x" * 65, "A\nB"]
    found = NcbiGene().describe([*strange, "HLA-DRB1", "C9orf72", "NKX2-5", "AC002.1"], "symbol")
    assert found.reasons | dict.fromkeys(strange, "not spelled as a gene symbol is") == (
        found.reasons
    )
    assert server.symbols == ["HLA-DRB1", "C9orf72", "NKX2-5", "AC002.1"]


def test_each_symbol_is_asked_once_also_one_there_is_none_of(server: Ncbi) -> None:
    first = NcbiGene()
    first.describe(["TP53", "NOPE"], "symbol")
    first.describe(["TP53", "NOPE", "GATA1"], "symbol")
    again = NcbiGene()
    again.describe(["GATA1", "BRCA1", "TP53"], "symbol")
    assert server.symbols == ["TP53", "NOPE", "GATA1", "BRCA1"]


def test_what_is_kept_serves_without_network(server: Ncbi, monkeypatch) -> None:
    before = NcbiGene()
    texts = before.describe(["TP53", "GATA1"], "symbol").texts
    monkeypatch.setattr(eutils, "build_opener", lambda: pytest.fail("the network is used"))
    offline = NcbiGene()
    assert offline.describe(["GATA1", "TP53"], "symbol").texts == texts
    assert (offline.digest, offline.notes) == (before.digest, before.notes)


def test_many_symbols_go_in_batches_of_a_hundred(server: Ncbi) -> None:
    names = [f"GENE{number}" for number in range(250)]
    NcbiGene().describe([*names, "TP53"], "symbol")
    assert server.symbols == [*names, "TP53"]
    assert [path for path, _ in server.asked].count("/esearch.fcgi") == 3


def test_answers_are_kept_now_and_then(server: Ncbi, own_cache: Path, monkeypatch) -> None:
    monkeypatch.setattr(ncbi, "_SECONDS_BETWEEN_WRITES", 0.0)
    names = [f"GENE{number}" for number in range(150)]
    server.troubles = [None, (400, {}, b"")]
    with pytest.raises(DatasetUnavailableError, match="of 50 symbols, of which the first is"):
        NcbiGene().describe(names, "symbol")
    assert len(list((own_cache / "ncbi-gene").glob("*.json"))) == 1
    NcbiGene().describe(["TP53", *names], "symbol")
    assert server.symbols == [*names, "TP53", *names[100:]]
    assert len(list((own_cache / "ncbi-gene").glob("*.json"))) == 2


def test_only_genes_are_known() -> None:
    assert NcbiGene().answers("symbol")
    assert not NcbiGene().answers("diseaseId")


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"Retry-After": "0"}, LIMITED.encode()),
        (500, {}, b"<html>Internal Server Error</html>"),
        (502, {}, b""),
        (200, {}, LIMITED.encode()),
        (200, {}, b'{"esearchresult": {"ERROR": "Search Backend failed"}}'),
        (200, {}, b'{"header": {"type": "esearch"'),
        (200, {}, b"\xff\xfe"),
        (200, {}, b'{"result": {"uids": ["1"], "1": {"uid": "one"}}, "esearchresult": {}}'),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_passing_trouble_is_waited_out(server: Ncbi, trouble: Trouble, place: int) -> None:
    server.troubles = [None] * place + [trouble, trouble]
    assert NcbiGene().describe(["TP53"], "symbol").texts == {"TP53": TP53}
    assert len(server.asked) == 4


def test_trouble_that_stays_is_told_of_and_what_came_before_is_kept(server: Ncbi) -> None:
    names = [f"GENE{number}" for number in range(150)]
    server.troubles = [None, *[(503, {}, b"")] * eutils.ATTEMPTS]
    with pytest.raises(DatasetUnavailableError) as caught:
        NcbiGene().describe(names, "symbol")
    said = str(caught.value)
    assert "did not tell of 50 symbols, of which the first is 'GENE100'" in said
    assert "/esearch.fcgi: HTTP 503 (5 attempts)" in said
    assert "descriptions=FILE.csv" in said
    assert NcbiGene().describe(names, "symbol").texts == {}
    assert server.symbols[-50:] == names[100:]
    assert len(server.symbols) == 100 + 50 * eutils.ATTEMPTS + 50


def test_a_refusal_is_not_repeated(server: Ncbi, monkeypatch) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "SECRET")
    server.troubles = [(400, {}, b'{"error":"API key invalid","api-key":"SECRET"}')]
    with pytest.raises(
        DatasetUnavailableError, match=r"HTTP 400; is NCBI_API_KEY right\?"
    ) as caught:
        NcbiGene().describe(["TP53"], "symbol")
    assert len(server.asked) == 1
    assert "SECRET" not in str(caught.value)


def test_the_key_is_sent_and_never_told(server: Ncbi, monkeypatch, caplog, own_cache) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "SECRET")
    server.troubles = [(429, {}, LIMITED.encode())]
    with caplog.at_level(logging.DEBUG):
        NcbiGene().describe(["TP53"], "symbol")
    assert {form["api_key"] for _, form in server.asked} == {"SECRET"}
    kept = b"".join(path.read_bytes() for path in own_cache.rglob("*") if path.is_file())
    assert b"tumor protein" in kept
    assert b"SECRET" not in kept
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(("key", "rate"), [("", 3), ("SECRET", 10)])
def test_the_rate_of_requests_is_kept_to(server: Ncbi, monkeypatch, key: str, rate: int) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(eutils, "ORIGIN", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NCBI_API_KEY", key)
    client = eutils.Eutils()
    for _ in range(4):
        client.ask(
            "esearch",
            {"term": '"A"[Preferred Symbol] AND 9606[Taxonomy ID] AND alive[prop]', "retmax": "1"},
            dict,
        )
    waits = [after - before for before, after in zip(server.times, server.times[1:], strict=False)]
    # On a busy machine one may arrive late, and the next seems to come too soon.
    assert all(wait > 0.3 / rate for wait in waits)
    assert server.times[-1] - server.times[0] > 0.9 * 3 / rate


def test_a_server_that_asks_for_time_gets_it(server: Ncbi) -> None:
    server.troubles = [(429, {"Retry-After": "1"}, LIMITED.encode())]
    NcbiGene().describe(["TP53"], "symbol")
    assert server.times[1] - server.times[0] >= 1


def test_offline_is_told_at_once(server: Ncbi, monkeypatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(eutils, "ORIGIN", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(eutils, "BACKOFF", 60.0)
    with pytest.raises(DatasetUnavailableError, match=r"first is 'TP53'.*refused"):
        NcbiGene().describe(["TP53"], "symbol")


def test_a_summary_that_is_lacking_leaves_the_question_open(server: Ncbi) -> None:
    def lacking(answer: dict[str, Any]) -> dict[str, Any]:
        if "result" in answer:
            answer["result"]["7157"] = {"uid": "7157", "error": "cannot get document summary"}
        return answer

    server.changes = lacking
    found = NcbiGene().describe(["TP53", "BRCA1", "NOPE"], "symbol")
    assert set(found.texts) == {"BRCA1"}
    assert set(found.reasons.values()) == {"NCBI Gene did not tell of it this time"}
    server.changes = lambda answer: answer
    found = NcbiGene().describe(["TP53", "BRCA1", "NOPE"], "symbol")
    assert set(found.texts) == {"TP53", "BRCA1"}
    assert server.symbols[3:] == ["TP53", "NOPE"]


def test_the_digest_is_of_the_day_the_cache_begins(server, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(ncbi, "_today", lambda: "2025-03-01")
    first = NcbiGene()
    empty = first.digest
    first.describe(["TP53"], "symbol")
    assert first.notes == ["text: NCBI Gene, full name and summary, kept since 2025-03-01"]
    monkeypatch.setattr(ncbi, "_today", lambda: "2026-01-01")
    later = NcbiGene()
    later.describe(["GATA1"], "symbol")
    assert later.digest == NcbiGene().digest == first.digest == empty
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "another"))
    assert NcbiGene().digest != empty


def test_without_a_cache_the_texts_come_all_the_same(server, monkeypatch, tmp_path, caplog) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("GENOMARK_CACHE", str(blocked))
    made = NcbiGene()
    assert made.describe(["TP53"], "symbol").texts == {"TP53": TP53}
    assert made.describe(["TP53"], "symbol").texts == {"TP53": TP53}
    assert server.symbols == ["TP53"]
    assert "Nothing is kept for the next run" in caplog.text
