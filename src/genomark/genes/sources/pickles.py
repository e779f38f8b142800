"""Lists of strings out of a pickle, without unpickling it.

A pickle is a program: unpickling runs it, and it may call whatever it likes. Here its instructions
are read one by one, and only those that build dictionaries, lists, tuples, sets and strings are
followed. There is no way to name, import or call anything.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genomark.errors import UsageError

_MARK = object()

_TEXT = {
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
}
_REMEMBER = {"PUT", "BINPUT", "LONG_BINPUT"}
_RECALL = {"GET", "BINGET", "LONG_BINGET"}
_NOTHING = {"PROTO", "FRAME"}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_lists(path: Path, content: bytes) -> dict[str, list[str]]:
    """Read a pickled dictionary of lists of strings.

    Parameters
    ----------
    path : Path
        Where it came from, for the messages.
    content : bytes
        The pickle, of any protocol.

    Returns
    -------
    dict of str to list of str
        In the order of the pickle. A tuple becomes a list, a set a sorted one.

    Raises
    ------
    UsageError
        When the pickle holds any other instruction (numbers, arrays, objects, calls), ends early,
        or is no dictionary of such lists.
    """
    try:
        built = _build(path, content)
    # What pickletools and the stack raise on bytes that are no pickle.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not a pickle, or cut short ({error}); get it again") from error
    if not isinstance(built, dict) or not built:
        raise UsageError(f"{path}: holds no dictionary of lists of genes")
    return dict(_list(path, label, genes) for label, genes in built.items())


def _list(path: Path, label: Any, genes: Any) -> tuple[str, list[str]]:
    fits = isinstance(label, str) and isinstance(genes, list | tuple | set)
    if not fits or not all(isinstance(gene, str) for gene in genes):
        raise UsageError(f"{path}: expected lists of gene ids by label, found something else")
    return label, sorted(genes) if isinstance(genes, set) else list(genes)


def _build(path: Path, content: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for name, argument in _instructions(content):
        if name == "STOP":
            break
        if name in _TEXT:
            stack.append(argument)
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _REMEMBER:
            memo[int(argument)] = stack[-1]
        elif name in _RECALL:
            stack.append(memo[int(argument)])
        elif name in _FILL:
            _FILL[name](stack)
        elif name not in _NOTHING:
            raise UsageError(
                f"{path}: the pickle holds the instruction {name}, which lists of strings have no "
                "need of; it is not read any further"
            )
    (built,) = stack
    return built


def _instructions(content: bytes) -> Iterator[tuple[str, Any]]:
    for opcode, argument, _ in pickletools.genops(content):
        yield opcode.name, argument


def _marked(stack: list[Any]) -> list[Any]:
    """Take what lies above the last mark, and the mark."""
    at = len(stack) - 1 - stack[::-1].index(_MARK)
    taken = stack[at + 1 :]
    del stack[at:]
    return taken


def _pairs(flat: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _append(stack: list[Any]) -> None:
    item = stack.pop()
    stack[-1].append(item)


def _set_item(stack: list[Any]) -> None:
    value, key = stack.pop(), stack.pop()
    stack[-1].update([(key, value)])


def _fill(method: str, arrange: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def fill(stack: list[Any]) -> None:
        items = arrange(_marked(stack))
        getattr(stack[-1], method)(items)

    return fill


def _made(make: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def push(stack: list[Any]) -> None:
        stack.append(make(_marked(stack)))

    return push


def _tuple_of(size: int) -> Callable[[list[Any]], None]:
    def push(stack: list[Any]) -> None:
        taken = tuple(stack[-size:])
        del stack[-size:]
        stack.append(taken)

    return push


_FILL: dict[str, Callable[[list[Any]], None]] = {
    "APPEND": _append,
    "APPENDS": _fill("extend", list),
    "SETITEM": _set_item,
    "SETITEMS": _fill("update", _pairs),
    "ADDITEMS": _fill("update", list),
    "LIST": _made(list),
    "TUPLE": _made(tuple),
    "DICT": _made(lambda flat: dict(_pairs(flat))),
    **{name: _tuple_of(size) for name, size in _TUPLES.items()},
}
