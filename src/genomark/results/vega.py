"""Charts by Vega-Lite, as SVG that takes its ink from the page it stands in.

They are made by vl-convert, which has a copy of Vega-Lite and its fonts and asks no network;
addresses of data are refused. Widths of axes are fixed, so that places do not follow from fonts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genomark.extras import import_extra
from genomark.results.drawing import FONT_SIZE, GROUP_COLOURS, QUIET, plain

_INK = "currentColor"
_FONT = {"labelColor": _INK, "titleColor": _INK, "labelFontSize": 11, "titleFontSize": FONT_SIZE}
_PLAIN = {"titleFontWeight": "normal", "labelFontWeight": "normal"}
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "aria": False,
    "view": {"stroke": QUIET},
    "axis": {
        **_FONT,
        **_PLAIN,
        "gridColor": "#88888833",
        "domainColor": QUIET,
        "tickColor": QUIET,
    },
    "axisY": {"minExtent": 44, "maxExtent": 44},
    "legend": {**_FONT, **_PLAIN, "orient": "bottom"},
    "title": {"color": _INK, "fontSize": FONT_SIZE, "fontWeight": "normal", "anchor": "start"},
    "text": {"color": _INK, "fontSize": 11},
    "mark": {"color": GROUP_COLOURS[0]},
    "range": {"category": list(GROUP_COLOURS)},
}
#: Attributes that hold places; the others, and text, stay as they are.
_PLACES = re.compile(r' (?:transform|d|x|y|x1|x2|y1|y2|width|height|viewBox)="[^"<>]*"')
_LONG = re.compile(r"(\d+\.\d{2})\d+")
_HEAD = re.compile(r"<svg [^>]*?(width=\"[\d.]+\" height=\"[\d.]+\" viewBox=\"[^\"]*\")[^>]*>")


def chart(spec: Mapping[str, Any], label: str) -> str:
    """Draw a chart.

    Parameters
    ----------
    spec : mapping
        Vega-Lite, with its data in it. It should set no clip and no scale of continuous colours:
        both have ids in SVG, which a page with several charts would have twice.
    label : str
        What the image shows, for who cannot see it.

    Returns
    -------
    str
        An ``<svg>`` element; text in it is escaped.

    Raises
    ------
    UsageError
        If vl-convert is not installed.
    """
    vl_convert = import_extra("A chart", "vl_convert", "report")
    given = {**spec, "config": _CONFIG}
    drawn: str = vl_convert.vegalite_to_svg(given, allowed_base_urls=[])
    rounded = _PLACES.sub(lambda found: _LONG.sub(r"\1", found[0]), drawn)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" \\1 role="img" aria-label="{_quoted(label)}">'
    return _HEAD.sub(head, rounded, count=1)


def _quoted(label: str) -> str:
    # A backslash would be read as part of the pattern.
    return plain(label).replace("\\", "\\\\")
