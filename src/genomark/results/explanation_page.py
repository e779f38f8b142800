"""One page that shows what was found on each of some sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genomark.results.drawing import plain

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } img { max-width: none; } figure { margin: 0 0 1rem; }
.quiet { opacity: .75; }
"""


@dataclass(frozen=True)
class Shown:
    """What is shown of a sequence.

    Attributes
    ----------
    name : str
        Its id: it comes from a stranger.
    told : str
        A line on it.
    drawings : sequence of (str, str)
        Caption and file name of each, in the folder of the page.
    files : sequence of str
        Names of further files there.
    """

    name: str
    told: str
    drawings: Sequence[tuple[str, str]]
    files: Sequence[str]


def explanation_page(title: str, notes: Sequence[str], shown: Sequence[Shown]) -> str:
    """Make the page; it loads nothing but the files beside it, and all text in it is escaped."""
    head = "".join(f"<p class='quiet'>{plain(note)}</p>" for note in notes)
    body = "".join(_section(number, each) for number, each in enumerate(shown, start=1))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{plain(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{plain(title)}</h1>{head}\n{body}</body></html>\n"
    )


def _section(number: int, shown: Shown) -> str:
    links = ", ".join(f"<a href='{plain(name)}'>{plain(name)}</a>" for name in shown.files)
    figures = "".join(
        f"<figure class='wide'><figcaption>{plain(caption)}</figcaption>"
        f"<a href='{plain(name)}'><img loading='lazy' src='{plain(name)}' alt='{plain(caption)}'>"
        "</a></figure>"
        for caption, name in shown.drawings
    )
    return (
        f"<h2>{number}. {plain(shown.name)}</h2>"
        f"<p class='quiet'>{plain(shown.told)} {links}</p>{figures}\n"
    )
