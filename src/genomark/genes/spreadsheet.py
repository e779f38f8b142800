"""Gene names that spreadsheets took for dates, and what these genes are called today.

In 2020 the HGNC renamed the genes whose symbols spreadsheets turn into dates (Bruford et al. 2020,
Nat Genet 52:754): the MARCH family became MARCHF, MARC became MTARC, SEPT became SEPTIN, and DEC1
became DELEC1; SEP15 had become SELENOF before. What such a cell looks like in a file depends on the
program and the country (Ziemann, Eren and El-Osta 2016, Genome Biol 17:177).
"""

from __future__ import annotations

import re
from datetime import date, timedelta

#: Symbol of then to symbol of today.
RENAMED = {
    **{f"MARCH{n}": f"MARCHF{n}" for n in range(1, 12)},
    **{f"MARC{n}": f"MTARC{n}" for n in (1, 2)},
    **{f"SEPT{n}": f"SEPTIN{n}" for n in (*range(1, 13), 14)},
    "SEPT13": "SEPTIN7P2",
    "SEP15": "SELENOF",
    "DEC1": "DELEC1",
}

_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE"),
    *("JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
#: What a symbol began with that is now in this month.
_STEMS = {3: ("MARCH", "MARC"), 9: ("SEPT", "SEP")}

_MONTH = r"(?P<month>[A-Z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?:[-/ .,]+(?:\d{4}|\d{2}))?"
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_WORDED = (
    re.compile(rf"{_DAY}[-/ .]+{_MONTH}{_YEAR}{_TIME}"),
    re.compile(rf"{_MONTH}[-/ .]+{_DAY}{_YEAR}{_TIME}"),
)
_ISO = re.compile(rf"\d{{4}}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_TIME}")
_NUMBERED = re.compile(rf"(\d{{1,2}})[-/.](\d{{1,2}})[-/.](?:\d{{4}}|\d{{2}}){_TIME}")

#: Days since the last of 1899 that fall between 1982 and 2064.
_SERIALS = range(30_000, 60_000)


def dates_in(name: str) -> list[tuple[int, int]]:
    """Read a name as a date.

    Parameters
    ----------
    name : str
        Such as ``2-Sep``, ``Sep-02``, ``2021-09-02``, ``9/2/2021``.

    Returns
    -------
    list of (int, int)
        Month and day; two where the order of the numbers is not known, none where the name is no
        date.
    """
    name = name.upper()
    for pattern in _WORDED:
        if (found := pattern.fullmatch(name)) and (month := _month(found["month"])):
            return _possible((month, int(found["day"])))
    if found := _ISO.fullmatch(name):
        return _possible((int(found["month"]), int(found["day"])))
    if found := _NUMBERED.fullmatch(name):
        first, second = int(found[1]), int(found[2])
        return _possible((first, second), (second, first))
    return []


def symbols_of(month: int, day: int) -> list[str]:
    """Give the symbols that became this date: those of then that have been renamed since."""
    stems = _STEMS.get(month, (_MONTHS[month - 1][:3],))
    return [f"{stem}{day}" for stem in stems if f"{stem}{day}" in RENAMED]


def abbreviated(month: int, day: int) -> str:
    """Give the name a spreadsheet takes for this date, such as ``OCT4``."""
    return f"{_MONTHS[month - 1][:3]}{day}"


def lost_number(name: str) -> str | None:
    """Say why a number cannot be a name any more; None if the name is no such number.

    Parameters
    ----------
    name : str
        Such as ``44441``, which is 2 September 2021, or ``2.31E+13``, once 2310009E13Rik.
    """
    if re.fullmatch(r"\d{5}", name) and int(name) in _SERIALS:
        day = date(1899, 12, 30) + timedelta(days=int(name))
        return (
            f"a number, perhaps the date {day.isoformat()} as a spreadsheet stores it, perhaps an "
            f"id; it cannot be repaired"
        )
    if re.fullmatch(r"\d(?:\.\d+)?E\+\d{1,3}", name.upper()):
        return "a number, perhaps a clone id that a spreadsheet rounded; it cannot be repaired"
    return None


def _month(word: str) -> int | None:
    for number, full in enumerate(_MONTHS, start=1):
        if word in (full, full[:3]) or (word == "SEPT" and number == 9):
            return number
    return None


def _possible(*readings: tuple[int, int]) -> list[tuple[int, int]]:
    return [
        (month, day)
        for month, day in dict.fromkeys(readings)
        if 1 <= month <= 12 and 1 <= day <= 31
    ]
