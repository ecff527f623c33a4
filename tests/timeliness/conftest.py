"""A country whose customs, laboratory and officers nobody else's tests use, and time moved by the superuser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from service.settings import Settings

Moved = Callable[..., None]


@pytest.fixture(scope="session")
def moved(settings: Settings) -> Iterator[Moved]:
    """What only time would do: `moved("core.report", id, received_at="2026-03-01T00:00:00Z")`."""
    engine = create_engine(settings.database_as())

    def move(table: str, id_: str, key: str = "record_id", **columns: Any) -> None:
        values = ", ".join(f"{name} = CAST(:{name} AS timestamptz)" for name in columns)
        with engine.begin() as connection:
            changed = connection.execute(
                text(f"UPDATE {table} SET {values} WHERE {key} = CAST(:id AS uuid)"), {"id": id_, **columns}
            )
        assert changed.rowcount

    yield move
    engine.dispose()
