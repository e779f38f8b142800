"""Pages of the documentation, as what a reader does with them: files to save, commands to type.

How a page says what is what:

- a fence `sh`, `bash` or `console` holds commands, typed one after the other in one folder; in
  `console` those lines that begin with ``$``, and the others are what they print;
- a fence with ``title="FILE"``, or one that the sentence before it calls "save as `FILE`", is a
  file of that name;
- a fence `text` after commands is what they print: whole lines one after the other, at any place
  of what is printed. A line that is ``...`` alone stands for any lines, ``...`` within a line for
  any letters. With another title than the name of a file it is something else;
- a fence `python` that is no file is a script, run at its place;
- `toml`, `json`, `yaml` and the like that are no files, and fences without a language, are to be
  read, not typed.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELLS = ("sh", "bash", "console")
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<more>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_FILE_NAME = re.compile(r"[\w./-]*[\w-]\.\w+|Containerfile|Snakefile")
_SAVE_AS = re.compile(r"[Ss]ave (?:\w+ )?as `([^`]+)`")

#: An id that is drawn.
_ID = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Typed:
    """A command, and what the page says it prints."""

    command: str
    line: int
    fence: int
    prints: str | None = None

    @property
    def bare(self) -> str:
        """The command without the comment behind it."""
        return re.sub(r"\s+# .*$", "", self.command).strip()


@dataclass(frozen=True)
class Saved:
    """A file that the reader writes."""

    name: str
    content: str
    line: int


@dataclass(frozen=True)
class Script:
    """Python that the reader runs as it stands."""

    code: str
    line: int


Step = Typed | Saved | Script


@dataclass(frozen=True)
class Fence:
    language: str
    title: str | None
    body: str
    line: int
    before: str


def pages() -> list[str]:
    """All pages with commands a reader may type, by their path in the repository."""
    found = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def fences(text: str) -> list[Fence]:
    found = []
    end = 0
    for match in _FENCE.finditer(text):
        title = re.search(r'title="([^"]*)"', match["more"])
        body = re.sub(rf"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        found.append(
            Fence(
                match["language"],
                title and title[1],
                body,
                text.count("\n", 0, match.start()) + 1,
                " ".join(text[end : match.start()].split()),
            )
        )
        end = match.end()
    return found


def file_name(fence: Fence) -> str | None:
    """Name under which the reader saves a fence, if at all."""
    if fence.title is not None:
        return fence.title if _FILE_NAME.fullmatch(fence.title) else None
    # The last sentence before the fence, so that a name holds for one fence alone.
    said = _SAVE_AS.search(fence.before.rsplit(". ", 1)[-1])
    return said and said[1]


def steps(page: str) -> list[Step]:
    """What the reader does, in order."""
    found: list[Step] = []
    after_commands = False
    for fence in fences((ROOT / page).read_text()):
        name = file_name(fence)
        if name is not None:
            found.append(Saved(name, fence.body, fence.line))
            after_commands = False
        elif fence.language in SHELLS:
            found += typed(fence)
            after_commands = True
        elif fence.language == "text" and fence.title is None and after_commands:
            last = found[-1]
            assert isinstance(last, Typed)
            found[-1] = replace(last, prints=fence.body)
            after_commands = False
        elif fence.language == "python":
            found.append(Script(fence.body, fence.line))
            after_commands = False
    return found


def typed(fence: Fence) -> list[Typed]:
    """Commands of a fence, each whole: continued lines, loops and quotes end where they end."""
    found: list[Typed] = []
    lines: list[str] = []
    for number, line in enumerate(fence.body.splitlines(), fence.line + 1):
        if fence.language == "console" and not lines:
            if not line.startswith("$ "):
                last = found[-1]
                found[-1] = replace(last, prints=f"{last.prints or ''}{line}\n")
                continue
            line = line[2:]
        if not lines and (not line.strip() or line.lstrip().startswith("#")):
            continue
        lines.append(line)
        command = "\n".join(lines)
        if not line.endswith("\\") and _is_whole(command):
            found.append(Typed(command, number - len(lines) + 1, fence.line))
            lines = []
    assert not lines, f"{fence.body!r} ends within a command"
    return found


def _is_whole(command: str) -> bool:
    if not re.search(r"['\"({]|\b(do|then|for|if)\b|<<", command):
        return True
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0


def matches(told: str, printed: str) -> bool:
    """Whether lines of a page are among those that were printed, in one piece."""
    wanted = [line.rstrip() for line in told.strip("\n").splitlines()]
    return bool(re.search(_pattern(wanted), "\n" + _plain(printed) + "\n"))


def _pattern(wanted: list[str]) -> str:
    parts = []
    for line in wanted:
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            told = ".*?".join(re.escape(each) for each in line.split("..."))
            parts.append(_ID.sub(r"[0-9a-f]{32}", told) + r"\n")
    return r"(?<=\n)" + "".join(parts)


def _plain(printed: str) -> str:
    return "\n".join(line.rstrip() for line in printed.splitlines())


def mentioned(page: str) -> list[tuple[int, str]]:
    """Commands of genomark within sentences and tables, with their lines."""
    text = (ROOT / page).read_text()
    blank = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    return [
        (blank.count("\n", 0, match.start()) + 1, " ".join(match[1].split()).replace("\\|", "|"))
        for match in re.finditer(r"`(genomark [a-z][^`]*)`", blank)
    ]


def read(page: str) -> str:
    return (ROOT / page).read_text()


def folder_of(page: str) -> Path:
    return (ROOT / page).parent
