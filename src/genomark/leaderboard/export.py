"""The whole board as files, for any host, or none: pages that work from ``file://``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec

import genomark
from genomark.errors import UsageError, WriteError
from genomark.leaderboard.benchmark_view import pairs
from genomark.leaderboard.board import Board
from genomark.leaderboard.compare_view import compare_anything
from genomark.leaderboard.forms import KINDS, Form, made, page, static_files
from genomark.leaderboard.links import FOLDERS
from genomark.leaderboard.query import Query
from genomark.leaderboard.snapshot import Snapshot
from genomark.results.store import Store

#: Tells that a folder is an export, which the next one may replace.
MARK = "board.json"
_FIELDS = ("difference", "low", "high", "superiority", "n", "tied", "paired")
#: Documents read at once.
_AT_ONCE = 200
Progress = Callable[[int, int, str], None]
#: Where a file goes, and what is in it; None where there is no such page.
_File = tuple[str, Callable[[], bytes | None]]


class StaticLinks:
    """Addresses of files beside each other.

    Parameters
    ----------
    up : str
        From the folder of the page to that of the board: empty, or ``../``.
    """

    served = False
    submits = False

    def __init__(self, up: str = "") -> None:
        self._up = up

    def url(
        self, kind: str, slug: str = "", *, twin: str = "", **query: str | Sequence[str]
    ) -> str:
        """Write one; see `genomark.leaderboard.links.Links.url`.

        Parameters of all pages but the one that compares are left out: nobody is there to answer.

        Raises
        ------
        UsageError
            For a page that only a server has.
        """
        given = {name: value for name, value in query.items() if value}
        asked = f"?{urlencode(given, doseq=True)}" if given and kind == "compare" else ""
        return f"{self._up}{_path(kind, quote(slug, safe='/-._~@'), twin)}{asked}"


def _path(kind: str, slug: str, twin: str) -> str:
    if kind == "front":
        return f"index.{twin or 'html'}"
    if kind == "static":
        return f"static/{slug}"
    if kind in ("compare", "statistics"):
        return f"{kind}.html"
    if kind == "pairs" and twin == "js":
        return f"data/pairs/{slug}.js"
    if kind == "pairs":
        return f"benchmarks/{slug}/pairs.{twin or 'json'}"
    if kind in ("items", "item"):
        return f"benchmarks/{slug}/items.parquet"
    if kind == "result":
        return f"results/{slug}.json"
    if kind in ("suite", "benchmark", "model"):
        return f"{FOLDERS[kind]}/{slug}.{twin or 'html'}"
    raise UsageError(f"'{kind}' is no page of a board that is written as files")


def export_static(store: Store, folder: Path, progress: Progress | None = None) -> int:
    """Write the whole board as files.

    It is written beside the folder and takes its place when it is whole: who reads meanwhile sees
    the old board. The old one is moved away first, so for a moment between two renames there is
    none; a process that is killed in it leaves both beside the folder, in hidden folders of its
    name (``.site.*``), the old one as ``old``.

    Parameters
    ----------
    store : Store
    folder : Path
        New, empty, or an older export, which is replaced.
    progress : callable, optional
        Is told how many files are written, of how many, and which is next.

    Returns
    -------
    int
        Files written.

    Raises
    ------
    UsageError
        If the folder holds anything else.
    WriteError
        If the files cannot be written; the folder is then as it was.
    GenomarkError
        If the store cannot be read.
    """
    target = folder.absolute()
    _refuse_others(target)
    board = Board(store)
    snapshot = board.snapshot()
    files = [*_pages(board, snapshot), *_data(board, snapshot)]
    total = len(files) + _count(snapshot)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise WriteError(f"Cannot write beside {target}: {error.strerror}") from error
    try:
        n = 0
        for name, make in (*files, *_documents(store, snapshot)):
            if progress is not None:
                progress(n, total, name)
            n += _write(new / name, make())
        new.chmod(0o755)
        _replace(target, new)
    except OSError as error:
        raise WriteError(f"Cannot write {target}: {error.strerror}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return n


def _count(snapshot: Snapshot) -> int:
    """Count the results that are shown."""
    return sum(len(each.scores.entries) for each in snapshot.columns.values())


def _pages(board: Board, snapshot: Snapshot) -> Iterator[_File]:
    """Every page with its twins."""
    slugs: Mapping[str, Sequence[str]] = {
        "front": [""],
        "suite": list(snapshot.suites()),
        "benchmark": list(snapshot.columns),
        "model": [each.slug for each in snapshot.models.values()],
    }
    for kind, named in slugs.items():
        links = StaticLinks("" if kind == "front" else "../")
        for slug in named:
            for form in KINDS[kind].forms:
                twin = "" if form == "html" else form
                yield _path(kind, slug, twin), _made(kind, form, board, snapshot, slug, links)
    root = StaticLinks()
    yield "statistics.html", _made("statistics", "html", board, snapshot, "", root)
    compared = compare_anything(snapshot)
    yield "compare.html", lambda: page("compare", compared, snapshot, {}, root)


def _made(
    kind: str, form: Form, board: Board, snapshot: Snapshot, slug: str, links: StaticLinks
) -> Callable[[], bytes | None]:
    return lambda: made(kind, form, board, snapshot, slug, {}, links)


def _data(board: Board, snapshot: Snapshot) -> Iterator[_File]:
    """Pairs and items of each column, styles and scripts, and what marks the folder."""
    links = StaticLinks()
    for slug in snapshot.columns:
        for form in KINDS["pairs"].forms:
            yield _path("pairs", slug, form), _made("pairs", form, board, snapshot, slug, links)
        yield _path("pairs", slug, "js"), _script(board, snapshot, slug)
        yield (
            _path("items", slug, "parquet"),
            _made("items", "parquet", board, snapshot, slug, links),
        )
    for name, content in static_files().items():
        yield _path("static", name, ""), _given(content)
    mark = {"genomark": genomark.__version__, "generation": snapshot.generation}
    yield MARK, _given(msgspec.json.encode(mark))


def _given(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def _script(board: Board, snapshot: Snapshot, slug: str) -> Callable[[], bytes | None]:
    """Pairs of a column as a script, which can be loaded where nothing can be fetched.

    It calls ``genomark.pairs(slug, {"models": [slug, ...], "fields": [...], "pairs": [...]})``. A
    pair is a list: places of both models in ``models``, then the numbers that ``fields`` names.
    """

    def make() -> bytes | None:
        found = pairs(board, snapshot, slug, Query())
        if found is None:
            return None
        models = list(
            dict.fromkeys(name for each in found for name in (each.model_a, each.model_b))
        )
        places = {name: place for place, name in enumerate(models)}
        told = {
            "models": models,
            "fields": _FIELDS,
            "pairs": [
                (
                    *(places[each.model_a], places[each.model_b]),
                    *(_short(getattr(each, field)) for field in _FIELDS),
                )
                for each in found
            ],
        }
        # Slugs are made here, of letters that need no escape.
        name = msgspec.json.encode(slug)
        return b"window.genomark.pairs(" + name + b"," + msgspec.json.encode(told) + b");\n"

    return make


def _short(value: float | None) -> float | None:
    """Cut a number to what a page shows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _documents(store: Store, snapshot: Snapshot) -> Iterator[_File]:
    """Every result that is shown, as it was added."""
    ids = [entry.id for each in snapshot.columns.values() for entry in each.scores.entries]
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        for id, result in zip(part, store.results(part), strict=True):
            yield _path("result", id, ""), _given(msgspec.json.encode(result))


def _refuse_others(target: Path) -> None:
    try:
        held = target.is_symlink() or (
            target.exists()
            and not (target / MARK).is_file()
            and (not target.is_dir() or any(target.iterdir()))
        )
    except OSError as error:
        raise WriteError(f"Cannot look into {target}: {error.strerror}") from error
    if held:
        raise UsageError(f"{target} holds something that is no exported board; choose a new folder")


def _write(path: Path, content: bytes | None) -> int:
    """Write a file; 0 where there is nothing to write."""
    if content is None:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return 1


def _replace(target: Path, new: Path) -> None:
    """Put the new folder where the old one is; if that fails, the old one is put back.

    Between the two renames there is none: folders cannot be exchanged in one step everywhere.
    """
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)) / "old"
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)
