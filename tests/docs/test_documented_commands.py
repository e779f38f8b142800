"""Every command of the documentation: its options exist, and it does what its page says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from command_words import faults_of
from doc_exceptions import EXCEPTIONS
from doc_pages import Script, Typed, matches, mentioned, pages, steps
from game_stand_ins import STAND_INS
from reader import Reader

#: Cheap enough for each run of the tests; all others are in the slow tier.
QUICK = ("docs/protocol.md", "docs/serving.md", "docs/tensor-format.md")
#: Design notes have Python that shows an idea, and is not to be run.
WITH_COMMANDS = [
    page
    for page in pages()
    if any(
        isinstance(step, Typed) or (isinstance(step, Script) and "/design/" not in page)
        for step in steps(page)
    )
]


@pytest.mark.parametrize("page", pages())
def test_commands_and_options_exist(page: str) -> None:
    typed = [(step.line, step.command) for step in steps(page) if isinstance(step, Typed)]
    faults = [
        f"{page}:{line}: {fault}"
        for line, command in [*typed, *mentioned(page)]
        for fault in faults_of(command)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "page",
    [
        page if page in QUICK else pytest.param(page, marks=pytest.mark.slow)
        for page in WITH_COMMANDS
    ],
)
def test_a_page_does_what_it_says(page: str, tmp_path: Path, cache: Path) -> None:
    reader = Reader.of(page, tmp_path, cache)
    if page in STAND_INS:
        STAND_INS[page](reader)
    reader.read()
    if reader.faults:
        pytest.fail("\n\n".join(reader.faults), pytrace=False)


@pytest.mark.slow
def test_the_first_table_is_what_is_printed(
    tmp_path: Path, cache: Path, real_data: Callable[[str, str], Path]
) -> None:
    """In each run of the tests: the README and the first page are a promise."""
    real_data("kircher2019", "elements.tsv.gz")
    real_data("motifs", "motifs.meme.txt")
    code, printed = Reader.of("README.md", tmp_path, cache).run(
        ["genomark", "run", "-b", "kircher2019"]
    )
    assert code == 0, printed
    for page in ("README.md", "docs/index.md"):
        first = next(s for s in steps(page) if isinstance(s, Typed) and s.prints is not None)
        assert matches(str(first.prints), printed), printed


def test_exceptions_are_of_commands_that_are_there() -> None:
    typed = {
        (page, step.bare)
        for page in WITH_COMMANDS
        for step in steps(page)
        if isinstance(step, Typed)
    }
    assert not EXCEPTIONS.keys() - typed
    assert all(each.reason for each in EXCEPTIONS.values())


def test_stand_ins_are_of_pages_that_are_there() -> None:
    assert not STAND_INS.keys() - set(WITH_COMMANDS)
