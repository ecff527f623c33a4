"""Alembic's entry: run by `sarhad db`, always as the owner role, in one transaction per migration."""

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL

from service.settings import Settings
from service.tables import metadata


def include_name(name: str | None, kind: str, parents: dict[str, Any]) -> bool:
    return name == "core" if kind == "schema" else True


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Views and the partitions of a partitioned table are not the models' business."""
    if kind == "table" and (item.info.get("is_view") or "__" in (name or "")):
        return False
    return item.schema == "core" if kind == "table" else True


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=include_name,
        include_object=include_object,
        version_table="alembic_version",
        version_table_schema="core",
        transaction_per_migration=True,
        compare_type=True,
        on_version_apply=None,
    )
    with context.begin_transaction():
        context.run_migrations()


def prepare(connection: Connection) -> None:
    """What a migration may take for granted: PostGIS, the schemas and their owner."""
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS postgis",
        "CREATE EXTENSION IF NOT EXISTS pgcrypto",
        "CREATE SCHEMA IF NOT EXISTS core AUTHORIZATION sarhad_owner",
        "CREATE SCHEMA IF NOT EXISTS gate AUTHORIZATION sarhad_owner",
        "CREATE SCHEMA IF NOT EXISTS shared AUTHORIZATION sarhad_owner",
        "GRANT USAGE ON SCHEMA core TO sarhad_read, sarhad_write, sarhad_authn, sarhad_sequencer",
        "GRANT USAGE ON SCHEMA gate, shared TO sarhad_read, sarhad_write, sarhad_authn",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ):
        connection.execute(text(statement))
    connection.commit()


def _url() -> URL:
    given = context.config.attributes.get("url")
    return given if given is not None else Settings().database_as()


def main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    with create_engine(_url()).connect() as connection:
        prepare(connection)
        run(connection)


__all__ = ["MigrationContext", "prepare"]
main()
