"""The catalogue in PostgreSQL: loaded once, read back as committed, writable by no role of the service."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database, administration
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS, load
from service.substances.tables import FILES


async def test_what_the_database_gives_back_is_what_is_committed(settings: Settings, catalogue: Catalogue) -> None:
    database = Database(settings)
    async with database.reading() as session:
        stored = await Catalogue.from_database(session)
    await database.dispose()
    assert stored.entries == catalogue.entries
    assert stored.groups == catalogue.groups
    assert stored.references == catalogue.references
    assert (stored.units.by_code, stored.units.rules) == (catalogue.units.by_code, catalogue.units.rules)


async def test_loading_the_same_catalogue_again_writes_nothing(settings: Settings) -> None:
    engine = administration(settings)
    async with engine.begin() as connection:
        assert await load(connection) is False
    await engine.dispose()


async def test_a_changed_catalogue_replaces_names_and_keeps_entries(settings: Settings, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(SCHEMAS / f"{name}.csv", tmp_path)
    names = (tmp_path / "names.csv").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "names.csv").write_text("".join(names[:2]), "utf-8")
    entries = (tmp_path / "entries.csv").read_text("utf-8").replace("Cannabis herb", "Cannabis leaves")
    (tmp_path / "entries.csv").write_text(entries, "utf-8")
    engine = administration(settings)
    async with engine.connect() as connection, connection.begin() as transaction:
        assert await load(connection, tmp_path) is True
        changed = await Catalogue.from_database(AsyncSession(connection))
        await transaction.rollback()
    await engine.dispose()
    assert sum(len(entry.names) for entry in changed.entries.values()) == 1
    assert changed.resolve("Cannabis leaves")


@pytest.mark.parametrize("role", ["reading", "writing", "authn"])
async def test_no_role_of_the_service_may_change_the_catalogue(settings: Settings, role: str) -> None:
    database = Database(settings)
    async with getattr(database, role)() as session:
        assert await session.scalar(text("SELECT count(*) FROM core.substance")) > 700
    for statement in ("UPDATE core.substance SET kind = 'class'", "DELETE FROM core.unit_name"):
        with pytest.raises(ProgrammingError):
            async with database.writing() as session:
                await session.execute(text(statement))
    await database.dispose()


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(SCHEMAS / f"{name}.csv", tmp_path)
    (tmp_path / "units.csv").write_text("code,name\nkg,kilogram\n", "utf-8")
    with pytest.raises(ValueError, match=r"units\.csv: expected the columns"):
        Catalogue.from_files(tmp_path)
