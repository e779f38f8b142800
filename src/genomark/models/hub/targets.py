"""What the outputs of a network are of: tables of targets, as the authors publish them.

Two forms are read, both tab-separated, one line a track in the order of the outputs: that of
Basenji and Borzoi (``targets_human.txt``, whose descriptions read ``DNASE:K562``,
``CHIP:CTCF:K562``), and that of the published Predictors (columns `Assay`, `Cell Type` and
`Molecule`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from genomark.errors import UsageError, one_line
from genomark.models.tracks import Track

#: As checkpoints name species, and as the protocol does.
SPECIES = {"human": "homo_sapiens", "mouse": "mus_musculus"}
#: What CAGE and RNA-seq may be asked for as; the protocol writes mRNA, its servers mrna.
EXPRESSION = ("expression", "expression_mRNA", "expression_mrna")

_CHIP = "CHIP"
_COUNTED = ("index", "")
_SIMPLIFIED = {"Assay": "assay", "Molecule": "molecule", "Cell Type": "cell_type"}
#: A molecule in a type of the protocol: lower case, nothing but letters and digits.
_SPECIAL = re.compile(r"[^a-z0-9]")


def read_targets(path: Path, n_tracks: int, where: str) -> pl.DataFrame:
    """Read a table of targets.

    Parameters
    ----------
    path : Path
    n_tracks : int
        Outputs of the network; as many rows are expected.
    where : str
        Begins messages: which model, which species.

    Returns
    -------
    DataFrame
        Text columns `assay`, `molecule` (empty but for ChIP-seq), `cell_type`, and all others of
        the file, one row a track.

    Raises
    ------
    UsageError
        If the file cannot be read, has other columns, or other rows than the network has outputs.
    """
    try:
        table = pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{where}: {path} is no table of targets: {one_line(error)}") from error
    if table.height != n_tracks:
        raise UsageError(
            f"{where}: {path} names {table.height} tracks; the checkpoint has {n_tracks}"
        )
    _check_order(table, path, where)
    table = table.with_columns(pl.col(pl.String).fill_null(""))
    if "description" in table.columns:
        return _described(table, path, where)
    if not {*_SIMPLIFIED} <= {*table.columns}:
        raise UsageError(
            f"{where}: {path} has neither a column 'description' nor columns "
            f"{', '.join(map(repr, _SIMPLIFIED))}; its first line names "
            f"{one_line(', '.join(table.columns))}"
        )
    return table.rename(_SIMPLIFIED)


def tracks_of(
    table: pl.DataFrame, types: Mapping[str, tuple[str, ...]], species: str, where: str
) -> tuple[Track, ...]:
    """Name the tracks of a table as the protocol does.

    Parameters
    ----------
    table : DataFrame
        From `read_targets`.
    types : mapping of str to tuple of str
        By assay, the types of the protocol it stands for; ChIP-seq aside, which stands for
        ``binding_<molecule>``.
    species : {"human", "mouse"}
    where : str
        Begins messages: which model, which table.

    Raises
    ------
    UsageError
        For an assay that is not known.
    """
    found = []
    columns = table.select("assay", "molecule", "cell_type")
    for row, (assay, molecule, cell_type) in enumerate(columns.iter_rows(), start=2):
        if assay == _CHIP:
            bound = _SPECIAL.sub("", molecule.lower())
            # A molecule without a name ('.') cannot be asked for.
            stands_for = (f"binding_{bound}",) if bound else ()
            found.append(Track(f"CHIP_{bound}", stands_for, cell_type, SPECIES[species]))
        elif assay in types:
            found.append(Track(assay, types[assay], cell_type, SPECIES[species]))
        else:
            known = ", ".join(sorted([*types, _CHIP]))
            raise UsageError(f"{where}, line {row}: no assay '{assay}'; expected one of {known}")
    return tuple(found)


def numbered_tracks(n_tracks: int, species: str) -> tuple[Track, ...]:
    """Tracks nobody has named: cell types ``track 0``, ``track 1``, ... of any type but binding."""
    types = ("accessibility", *EXPRESSION)
    names = [f"track {number}" for number in range(n_tracks)]
    return tuple(Track(name, types, name, SPECIES[species]) for name in names)


def table_in(folder: Path, species: str) -> Path | None:
    """The table of a species in a folder, if it is there."""
    path = folder / f"targets_{species}.txt"
    return path if path.is_file() else None


def asked_table(setting: str, species: str, n_species: int, where: str) -> Path:
    """The table that a user names.

    Parameters
    ----------
    setting : str
        A file, or a folder that holds ``targets_human.txt``, ``targets_mouse.txt``.
    species : {"human", "mouse"}
    n_species : int
        Of how many species tracks are wanted.
    where : str
        Begins messages.

    Raises
    ------
    UsageError
        If there is no such file, or it cannot be told which species it is of.
    """
    path = Path(setting).expanduser()
    if path.is_dir():
        table = table_in(path, species)
        if table is None:
            raise UsageError(f"{where}: {path} holds no targets_{species}.txt")
        return table
    if not path.is_file():
        raise UsageError(f"{where}: targets={setting}: no such file or folder")
    if n_species > 1:
        raise UsageError(
            f"{where}: targets={setting}: of which species? Add species=human or species=mouse, "
            "or name a folder that holds targets_human.txt and targets_mouse.txt"
        )
    return path


def _check_order(table: pl.DataFrame, path: Path, where: str) -> None:
    """Numbered rows must go up by one; those of a second species may begin where others end."""
    for name in _COUNTED:
        if name in table.columns:
            numbers = table[name].cast(pl.Int64, strict=False)
            steps = numbers.diff().drop_nulls()
            if numbers.null_count() or not (steps == 1).all():
                raise UsageError(
                    f"{where}: {path}: expected one row for each track, numbered in order"
                )


def _described(table: pl.DataFrame, path: Path, where: str) -> pl.DataFrame:
    rows = [_parts(text) for text in table["description"]]
    for number, row in enumerate(rows, start=2):
        if row is None:
            raise UsageError(
                f"{where}: {path}, line {number}: description "
                f"'{one_line(table['description'][number - 2])}'; expected ASSAY:CELL TYPE or "
                "CHIP:MOLECULE:CELL TYPE"
            )
    names = ("assay", "molecule", "cell_type")
    return table.with_columns(
        pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    )


def _parts(description: str) -> tuple[str, str, str] | None:
    """Assay, molecule and cell type; only the first colons part them."""
    assay, colon, rest = description.partition(":")
    molecule = ""
    if assay == _CHIP and colon:
        molecule, colon, rest = rest.partition(":")
    return (assay, molecule, rest) if colon else None
