"""Lists of symbols in files, in which every entry is a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from genomark.errors import UsageError
from genomark.genes.text_table import read_text


def read_symbol_list(path: str | Path) -> list[str]:
    """Read a list of symbols.

    Parameters
    ----------
    path : str or Path
        A YAML list (``.yaml``, ``.yml``), in which ``NO``, ``1-DEC`` and ``null`` are gene names
        like any other; or plain text with one symbol a line, in which ``#`` begins a comment line.

    Returns
    -------
    list of str
        In the order of the file.

    Raises
    ------
    UsageError
        If there is no such file, or it holds something else than a list of names.
    """
    path = Path(path)
    text = read_text(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        return _yaml_list(text, path)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _yaml_list(text: str, path: Path) -> list[str]:
    import yaml  # type: ignore[import-untyped]

    try:
        return list(_scalars(text, path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{path}{where}: not YAML ({problem})") from error


def _scalars(text: str, path: Path) -> Iterator[str]:
    """Walk through a flat YAML list.

    As an event, every scalar is the text it is; and what is nested is refused before it is read.
    """
    import yaml

    # The parser in C is ten times faster, where there is one.
    events = yaml.parse(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    around = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
    first = next(event for event in events if not isinstance(event, around))
    if not isinstance(first, yaml.SequenceStartEvent):
        raise UsageError(f"{path}: expected a YAML list of symbols, such as '- TP53' on each line")
    for event in events:
        if isinstance(event, yaml.ScalarEvent) and event.value:
            yield event.value
        elif isinstance(event, yaml.SequenceEndEvent):
            break
        else:
            raise _no_symbol(path, event.start_mark.line)
    for event in events:
        if not isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent):
            raise _no_symbol(path, event.start_mark.line)


def _no_symbol(path: Path, line: int) -> UsageError:
    return UsageError(
        f"{path}, line {line + 1}: expected one list of symbols, each on a line such as '- TP53'"
    )
