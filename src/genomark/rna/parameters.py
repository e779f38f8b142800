"""Files of nearest-neighbour energies, as ViennaRNA ships, writes and reads them."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from types import ModuleType

from genomark.errors import UsageError, one_line
from genomark.extras import import_extra

#: Energies that ViennaRNA ships, and what loads them.
PARAMETER_SETS = {
    "turner2004": "params_load_RNA_Turner2004",
    "turner1999": "params_load_RNA_Turner1999",
    "andronescu2007": "params_load_RNA_Andronescu2007",
    "langdon2018": "params_load_RNA_Langdon2018",
}
DEFAULT_SET = "turner2004"
FILE_HEADER = "## RNAfold parameter file v2.0"
_SECTION = re.compile(r"^#(?!#)", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+|INF|DEF|NST")
_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?")
#: Sections that come in several lengths, and with decimals.
_WORDS = {"Misc": (4, 6)}

#: Words, line by line.
Rows = list[list[str]]


def vienna_rna() -> ModuleType:
    """Load the module ``RNA``.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    return import_extra("folding with vienna", "RNA", "rna")


def energy_sections(parameters: str, file_text: str = "") -> dict[str, Rows]:
    """Give the energies of a set, or of a file's text: those it does not tell from the default.

    Parameters
    ----------
    parameters : str
        One of `PARAMETER_SETS`; of no account where there is a `file_text`.
    file_text : str
        As `read_parameter_file` gives it.
    """
    text = file_text or _shipped(parameters)
    return sections(_shipped(DEFAULT_SET)) | sections(text)


def _shipped(name: str) -> str:
    return str(getattr(vienna_rna(), f"parameter_set_rna_{name}"))


def read_parameter_file(name: str) -> str:
    """Read a parameter file, of which ViennaRNA would believe anything, and lay it out anew.

    Raises
    ------
    UsageError
        If it is none.
    """
    path = Path(name)
    if not path.is_file():
        raise UsageError(
            f"parameters={name}: neither a file nor one of {', '.join(PARAMETER_SETS)}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: cannot be read as a ViennaRNA parameter file: {error}") from None
    if not text.startswith(FILE_HEADER):
        raise UsageError(f"{name}, row 1: expected '{FILE_HEADER}', as ViennaRNA writes it")
    expected = sections(vienna_rna().parameter_set_rna_turner2004)
    found = sections(text)
    if not found:
        raise UsageError(f"{name}: no energies; expected sections such as '# stack'")
    parts = [FILE_HEADER]
    for section, lines in found.items():
        if section not in expected:
            raise UsageError(
                f"{name}: no energies are called '{section}'; expected one of {', '.join(expected)}"
            )
        rows = _rows(f"{name}, section '{section}'", section, lines, expected[section])
        parts.append("\n".join([f"# {section}", *map(" ".join, rows)]))
    return "\n\n".join([*parts, "# END\n"])


def sections(text: str) -> dict[str, Rows]:
    """Cut a parameter file into the words of its sections, line by line, without comments."""
    parts = _SECTION.split(_COMMENT.sub(" ", text.removeprefix(FILE_HEADER)))
    named = (part.strip().partition("\n") for part in parts[1:])
    rows = {name.strip(): [line.split() for line in body.split("\n")] for name, _, body in named}
    return {name: [row for row in told if row] for name, told in rows.items() if name != "END"}


def _rows(where: str, section: str, lines: Rows, usual: Rows) -> Rows:
    """Lay energies out as ViennaRNA wants them: where a row is short, it reads on and crashes."""
    words = [word for line in lines for word in line]
    numbers = words
    if section.endswith("loops"):
        if any(len(line) != 3 or not line[0].isalpha() for line in lines):
            raise UsageError(f"{where}: expected lines of a loop, its energy and its enthalpy")
        numbers = [word for line in lines for word in line[1:]]
    elif len(words) not in _WORDS.get(section, (sum(map(len, usual)),)):
        raise UsageError(f"{where}: {len(words):,} numbers; expected {sum(map(len, usual)):,}")
    allowed = _DECIMAL if section in _WORDS else _NUMBER
    if strange := [word for word in numbers if not allowed.fullmatch(word)]:
        raise UsageError(
            f"{where}: {one_line(strange[0])!r}; expected whole numbers (of 0.01 kcal/mol), INF, "
            "DEF or NST"
        )
    if section.endswith("loops"):
        return lines
    if section in _WORDS:
        return [words]
    rest = iter(words)
    return [list(islice(rest, len(row))) for row in usual]
