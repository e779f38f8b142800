"""Read the Python files that configure OmniGenBench tasks without running them.

Such a file comes out of somebody's archive. It is parsed, and of what it says only literals are
taken, names bound to literals, and the few calls with which these files name their neighbours
(``os.path.dirname(__file__)`` and the like). Everything else is known by its line alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genomark.errors import UsageError

#: Calls that make a configuration.
_CONFIGS = ("AutoConfig", "AutoBenchConfig")
#: A configuration is a page of text.
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Unread:
    """What was not read, since only running it would tell."""

    line: int
    text: str


@dataclass(frozen=True)
class Named:
    """A function, known by its name, and the keywords its owner was made with."""

    name: str
    keywords: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnClass:
    """A class of the file itself, and the lists of words in it."""

    line: int
    words: tuple[tuple[str, ...], ...]


class ConfigFile:
    """What a configuration binds its names to.

    Parameters
    ----------
    path : Path
        A ``config.py`` or ``metadata.py``.

    Attributes
    ----------
    names : dict of str to object
        Of the whole file: literals, `Named`, `OwnClass`, and `Unread` for everything else.
    config : dict of str to object or None
        What was handed to the last ``AutoConfig`` or ``AutoBenchConfig``.

    Raises
    ------
    UsageError
        If there is no such file, or it is not Python.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: dict[str, Any] = {}
        self.config: dict[str, Any] | None = None
        try:
            if path.stat().st_size > _LARGEST:
                raise UsageError(f"{path}: larger than any configuration ({_LARGEST:,} bytes)")
            for statement in ast.parse(path.read_text("utf-8"), filename=str(path)).body:
                self._take(statement)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
        except SyntaxError as error:
            raise UsageError(f"{path}, line {error.lineno}: not Python ({error.msg})") from error
        except (ValueError, RecursionError, MemoryError) as error:
            # Bytes that are not UTF-8, or zero; or nested to no purpose.
            raise UsageError(f"{path}: not Python ({error})") from error

    def _take(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._bind(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._bind(name, value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)]):
                self._update(name, {self._value(key): self._value(statement.value)}, statement)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="update"), args=[more]
                )
            ):
                self._update(name, self._value(more), statement)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
                self._update(name, None, statement)
            case ast.ClassDef(name=name):
                self.names[name] = OwnClass(statement.lineno, tuple(_word_lists(statement)))
            case ast.FunctionDef(name=name):
                self.names[name] = Named(name)
            case _:
                self._forget(statement)

    def _bind(self, name: str, value: ast.expr) -> None:
        made = self._value(value)
        self.names[name] = made
        if isinstance(value, ast.Call) and _last(value.func) in _CONFIGS:
            if not isinstance(made, dict):
                raise UsageError(
                    f"{self.path}, line {value.lineno}: {_CONFIGS[0]} is not given a literal, and "
                    "this file is read, not run"
                )
            self.config = made

    def _update(self, name: str, more: Any, statement: ast.stmt) -> None:
        known = self.names.get(name)
        if isinstance(known, dict) and isinstance(more, dict):
            known.update(more)
        elif known is not None:
            self.names[name] = self._unread(statement)

    def _forget(self, statement: ast.stmt) -> None:
        """Whatever a loop, a condition or a function call may change is not known any more."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.names[node.id] = self._unread(statement)
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
            ):
                self.names[node.value.id] = self._unread(statement)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self._value(part) for part in parts]
            case ast.Dict(keys=keys, values=values):
                return self._dictionary(node, keys, values)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._value(operand)
                return -value if isinstance(value, int | float) else self._unread(node)
            case ast.Name(id="__file__"):
                return str(self.path)
            case ast.Name(id=name):
                return self.names.get(name, self._unread(node))
            case ast.JoinedStr(values=values):
                texts = [self._value(part) for part in values]
                return "".join(texts) if _all_text(texts) else self._unread(node)
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                return self._value(inner)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = self._value(test)
                if isinstance(holds, bool):
                    return self._value(body if holds else orelse)
                return self._unread(node)
            case ast.Attribute(value=owner, attr=attribute):
                return self._attribute(owner, attribute, node)
            case ast.Call():
                return self._call(node)
        return self._unread(node)

    def _dictionary(
        self, node: ast.expr, keys: list[ast.expr | None], values: list[ast.expr]
    ) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if key is None:  # `**more`
                more = self._value(value)
                if not isinstance(more, dict):
                    return self._unread(node)
                made.update(more)
            else:
                name = self._value(key)
                if not isinstance(name, str | int | float):
                    return self._unread(node)
                made[name] = self._value(value)
        return made

    def _attribute(self, owner: ast.expr, attribute: str, node: ast.expr) -> Any:
        made = self._value(owner)
        if isinstance(made, Named) and made.name.endswith("Metric"):
            return Named(attribute, made.keywords)
        return self._unread(node)

    def _call(self, node: ast.Call) -> Any:
        name = _last(node.func)
        arguments = [self._value(each) for each in node.args]
        if name in _CONFIGS:
            given = arguments[0] if arguments else {}
            keywords = {each.arg: self._value(each.value) for each in node.keywords if each.arg}
            return {**given, **keywords} if isinstance(given, dict) else self._unread(node)
        if name.endswith("Metric"):
            return Named(
                name, {each.arg: self._value(each.value) for each in node.keywords if each.arg}
            )
        if name == "join" and _all_text(arguments):
            return str(Path(*arguments))
        if name in _PATHS and len(arguments) == 1 and _all_text(arguments):
            return _PATHS[name](arguments[0])
        return self._unread(node)

    def _unread(self, node: ast.expr | ast.stmt) -> Unread:
        return Unread(node.lineno, ast.unparse(node).partition("\n")[0])


_PATHS: dict[str, Callable[[str], str | bool]] = {
    "dirname": lambda path: str(Path(path).parent),
    "abspath": lambda path: path,
    "realpath": lambda path: path,
    "exists": lambda path: Path(path).exists(),
    "isfile": lambda path: Path(path).is_file(),
}


def _all_text(parts: list[Any]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _last(function: ast.expr) -> str:
    """Name a function as its module does: ``join`` for ``os.path.join``."""
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _word_lists(statement: ast.ClassDef) -> list[tuple[str, ...]]:
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.List) and node.elts:
            words = [part.value for part in node.elts if isinstance(part, ast.Constant)]
            if len(words) == len(node.elts) and _all_text(words):
                found.append(tuple(str(word) for word in words))
    return found
