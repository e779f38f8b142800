"""A board in a real browser that reaches no other host, and what it complained about."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.board import Board
from genomark.leaderboard.submissions.desk import Desk
from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.intake import UploadLimits
from genomark.leaderboard.submissions.routes import SubmissionPages
from genomark.leaderboard.submissions.waiting_list import WaitingList
from genomark.leaderboard.views import Column
from genomark.results.store import Store
from listening import listening

#: Nothing but this machine has a name here, whatever a page asks for.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_DRAWN = """() => [...document.querySelectorAll(".canvas")]
    .every((each) => each.querySelector("svg"))"""
#: Where continuous integration installs it: beside the Python that runs the tests.
AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of this machine, or skip."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def served(store: Store, folder: Path) -> Iterator[str]:
    """Serve a store with its form for submissions, in a thread; gives its URL."""
    desk = Desk(store, Incoming(folder), UploadLimits(), lambda: None)
    pages = SubmissionPages(desk, WaitingList(store.database), _accepted)
    app = leaderboard_app(store, submissions=pages.routes())
    with listening(app) as url:
        yield url


def _accepted(board: Board) -> Sequence[Column]:
    return [each.view for each in board.snapshot().newest]


class Visit:
    """Pages that one visitor looks at, and all that was asked for and complained about."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self._told)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("dialog", self._dialog)

    def _told(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"{self.page.url}: a dialog says {dialog.message}")
        dialog.dismiss()

    def see(self, path: str) -> Page:
        self.page.goto(self.base + path, wait_until="load")
        return self.page

    def drawn(self, path: str) -> Page:
        """See a page, and wait for its charts."""
        page = self.see(path)
        page.wait_for_function(_DRAWN)
        return page

    def names(self, table: str = "#map") -> list[str]:
        """Names of the lines of a table that can be seen, from above."""
        heads = self.page.locator(f"{table} tbody tr:not(.off) > th")
        return [each.strip() for each in heads.all_inner_texts()]

    def foreign(self) -> set[str]:
        """Addresses asked for that are neither of the board nor in the page itself."""
        own = (self.base, "data:", "blob:")
        return {each for each in self.requests if not each.startswith(own)}


@contextlib.contextmanager
def visiting(browser: Browser, base: str, **how: Any) -> Iterator[Visit]:
    """Visit a board; at the end nothing was complained about and no other host was asked."""
    context = browser.new_context(**how)
    context.set_default_timeout(15_000)
    try:
        visit = Visit(context, base)
        yield visit
        assert visit.complaints == []
        assert visit.requests
        assert visit.foreign() == set()
    finally:
        context.close()


def query_of(page: Page) -> str:
    return urlsplit(page.url).query
