"""A page of one file: without scripts, and a browser may load nothing for it from elsewhere."""

from __future__ import annotations

from html import escape
from string import Template

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = Template("""
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: ${width}rem; margin: 2rem auto; \
padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
""")


def closed_page(title: str, body: str, *, width: int, style: str) -> str:
    """Write the page.

    Parameters
    ----------
    title : str
    body : str
        HTML, in which what comes from strangers is escaped.
    width : int
        Most of the text, in rem.
    style : str
        CSS rules of this page, behind those that all pages have.
    """
    rules = f"{_STYLE.substitute(width=width)}{style}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{rules}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )
