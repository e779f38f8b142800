"""Whether commands of genomark have the verbs, options and arguments that a page gives them."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import typer.main

from genomark.cli.app import app


@cache
def _program() -> Any:
    # Whichever click it is that typer brings along.
    return typer.main.get_command(app)


def faults_of(command: str) -> list[str]:
    """What is wrong with the commands of genomark in a line of a shell."""
    inner = re.findall(r"\$\(([^()]*)\)", command)
    faults = [fault for each in inner for fault in faults_of(each)]
    for words in _simple_commands(re.sub(r"\$\([^()]*\)", "X", command)):
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words = words[1:]
        if words and words[0] == "genomark":
            faults += _faults_of_words(words[1:])
    return faults


def _simple_commands(command: str) -> list[list[str]]:
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=";|&<>\n")
    lexer.whitespace = " \t"
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    file_follows = False
    for word in lexer:
        if word and set(word) <= set("<>"):
            file_follows = True
        elif word and set(word) <= set(";|&\n"):
            found.append([])
        elif file_follows:
            file_follows = False
        else:
            found[-1].append(word)
    return found


def _faults_of_words(words: list[str]) -> list[str]:
    at = _program()
    said = ["genomark"]
    words = [word for word in words if word.strip("[]") != "..."]
    while hasattr(at, "commands"):
        if not words or words[0] in ("--help", "--version"):
            return []
        if words[0] not in at.commands:
            return [f"{' '.join(said)} has no command {words[0]}"]
        said.append(words[0])
        at = at.commands[words.pop(0)]
    try:
        _, left, _ = at.make_parser(at.context_class(at, info_name=said[-1])).parse_args(words)
    except Exception as error:  # noqa: BLE001 - of the click that typer brings along
        message = str(error)
        return (
            []
            if re.search("Missing|requires an argument", message)
            else [f"{' '.join(said)}: {message}"]
        )
    return [f"{' '.join(said)} takes no {' '.join(left)}"] if left else []
