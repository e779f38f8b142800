"""Bringing the tables of a store to the revision that this genomark knows.

Alembic, which takes a while to load, is needed only where there is something to do.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from genomark.errors import GenomarkError, one_line
from genomark.results.store.database import Database
from genomark.results.store.tables import REVISION

MIGRATIONS = Path(__file__).with_name("migrations")
_TABLE = "alembic_version"
#: Keeps processes that migrate one PostgreSQL apart; any number that nobody else takes.
_LOCK = 0x67656E6F6D61726B


def is_current(database: Database) -> bool:
    """Whether nothing has to be done.

    Raises
    ------
    GenomarkError
        If the database cannot be read, or a newer genomark wrote it.
    """
    with database.reading() as connection:
        return _revision(connection, database.name) == REVISION


def is_empty(database: Database) -> bool:
    """Whether there are no tables yet."""
    with database.reading() as connection:
        return _revision(connection, database.name) is None


def migrate(database: Database, migrations: Path = MIGRATIONS) -> None:
    """Make the tables, or bring them to the newest revision: wholly or not at all.

    Two processes may do so at once; the second finds that it is done.

    Raises
    ------
    GenomarkError
        If a newer genomark wrote the database.
    WriteError
        If it cannot be changed.
    """
    from alembic import command
    from alembic.config import Config

    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _revision(connection, database.name)
        config = Config()
        config.set_main_option("script_location", str(migrations).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: sa.Connection, name: str) -> str | None:
    """Give the revision of the tables; None where there are none yet."""
    if not sa.inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(sa.text(f"select version_num from {_TABLE}")).scalar()
    if found is not None and not list(MIGRATIONS.glob(f"versions/{found}_*.py")):
        raise GenomarkError(
            f"The store {name} was written by a newer genomark (revision {one_line(found)}, this "
            f"one knows {REVISION}). Upgrade genomark"
        )
    return found
