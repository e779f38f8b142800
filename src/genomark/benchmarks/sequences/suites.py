"""The suites of tasks on labelled sequences: what is in them follows from their files.

A suite is a folder of declarations and, beside it, a file of the same name that says what it is
and what was published of whole groups of its tasks.
"""

from __future__ import annotations

import functools
import tomllib
from typing import Annotated

import msgspec

from genomark.benchmarks.sequences.declared import declared_ids, shipped_folder
from genomark.benchmarks.sequences.published import (
    PublishedScore,
    PublishedTable,
    published_scores,
)
from genomark.errors import UnknownNameError

Text = Annotated[str, msgspec.Meta(min_length=1)]


class SequenceSuite(msgspec.Struct, frozen=True):
    """A named list of tasks.

    Parameters
    ----------
    name, title, description : str
        What it is.
    ids : tuple of str
        Its tasks, sorted.
    groups : dict of str to tuple of str
        Tasks that are reported together, by the name of their group: what comes before the dot in
        their ids. Tasks without a dot are of none.
    group_titles : dict of str to str
        What a group asks, where its name does not say.
    caveats : tuple of str
        Sentences for the page of the suite.
    published : tuple of PublishedScore
        What others published of groups, each a mean over its tasks.
    """

    name: str
    title: str
    description: str
    ids: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    group_titles: dict[str, str]
    caveats: tuple[str, ...]
    published: tuple[PublishedScore, ...]


class _SuiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    description: Text
    caveats: tuple[Text, ...] = ()
    groups: dict[str, Text] = {}
    published: tuple[PublishedTable, ...] = ()


def sequence_suites() -> dict[str, list[str]]:
    """Give the ids of the tasks of each suite, by its name; no declaration is read."""
    suites: dict[str, list[str]] = {}
    for name in declared_ids():
        suites.setdefault(name.partition("/")[0], []).append(name)
    return suites


@functools.cache
def sequence_suite(name: str) -> SequenceSuite:
    """Read what is said of a suite.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    suites = sequence_suites()
    if name not in suites:
        raise UnknownNameError("suite", name, suites)
    text = (shipped_folder() / f"{name}.toml").read_text("utf-8")
    told = msgspec.convert(tomllib.loads(text), _SuiteFile)
    groups: dict[str, tuple[str, ...]] = {}
    for task in suites[name]:
        group, dot, _ = task.partition("/")[2].partition(".")
        if dot:
            groups[group] = (*groups.get(group, ()), task)
    return SequenceSuite(
        name=name,
        title=told.title,
        description=told.description,
        ids=tuple(suites[name]),
        groups=groups,
        group_titles=told.groups,
        caveats=told.caveats,
        published=tuple(published_scores(told.published)),
    )
