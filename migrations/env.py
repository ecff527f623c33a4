"""Alembic's entry: run by `sarhad db`, always as the owner role, in one transaction per migration."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

# The application imports every table, but for those of the cube, which only SQL names.
import service.app
import service.trends.models  # noqa: F401
from service.database import Base
from service.settings import Settings

# PostGIS marks no predicate leakproof, so under row security its GiST indexes go unused (0.4 ms became 207 ms on
# 600,000 rows). The function below is PostGIS' own bounding-box test under a name of ours, marked leakproof: it
# compares cached float boxes, has no error path that depends on the values, and unlike ALTER FUNCTION … LEAKPROOF
# it survives a dump and an extension update. Only a superuser may declare it.
_LEAKPROOF_BOX = """
CREATE FUNCTION gate.bbox_overlaps(public.geometry, public.geometry) RETURNS boolean
  AS '$libdir/postgis-3', 'gserialized_overlaps_2d' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
-- Equality of texts as a function: on a masked column the operator would be taken for one match in two hundred, and
-- the planner would sort a million rows to find a page that the index has in order.
CREATE FUNCTION gate.same(text, text) RETURNS boolean
  AS 'texteq' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
CREATE OPERATOR gate.&& (LEFTARG = public.geometry, RIGHTARG = public.geometry, FUNCTION = gate.bbox_overlaps,
  COMMUTATOR = OPERATOR(gate.&&), RESTRICT = public.gserialized_gist_sel_2d, JOIN = public.gserialized_gist_joinsel_2d);
CREATE OPERATOR CLASS gate.gist_box FOR TYPE public.geometry USING gist AS
  OPERATOR 3 gate.&& (public.geometry, public.geometry),
  FUNCTION 1 public.geometry_gist_consistent_2d(internal, public.geometry, integer),
  FUNCTION 2 public.geometry_gist_union_2d(bytea, internal),
  FUNCTION 3 public.geometry_gist_compress_2d(internal),
  FUNCTION 4 public.geometry_gist_decompress_2d(internal),
  FUNCTION 5 public.geometry_gist_penalty_2d(internal, internal, internal),
  FUNCTION 6 public.geometry_gist_picksplit_2d(internal, internal),
  FUNCTION 7 public.geometry_gist_same_2d(public.geometry, public.geometry, internal),
  STORAGE public.box2df;
"""

# PostGIS answers these from statistics and index pages for whoever asks, without a look at privileges or row security:
# where the rows lie that the asker may not see.
_STATISTICS = (
    "_postgis_stats(regclass, text, text)",
    "_postgis_index_extent(regclass, text)",
    "_postgis_selectivity(regclass, text, public.geometry, text)",
    "_postgis_join_selectivity(regclass, text, regclass, text, text)",
    "st_estimatedextent(text, text)",
    "st_estimatedextent(text, text, text)",
    "st_estimatedextent(text, text, text, boolean)",
)
# Whoever may make temporary objects may make functions, and try them in conditions.
_NO_TEMPORARY = """
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$
"""


def include_name(name: str | None, kind: str, parents: dict[str, Any]) -> bool:
    return name == "core" if kind == "schema" else True


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Views and the partitions of a partitioned table are not the models' business; the queue's schema `jobs` is its
    library's, and tests/jobs holds it against that.
    """
    if kind == "table" and (item.info.get("is_view") or "__" in (name or "")):
        return False
    return item.schema == "core" if kind == "table" else True


def run(connection: Connection) -> None:
    connection.execute(text("SET ROLE sarhad_owner"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=include_name,
        include_object=include_object,
        version_table="alembic_version",
        version_table_schema="core",
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Memberships are of the whole cluster: another database's migration may grant them at this very moment.
_MEMBERSHIPS = """
DO $$
BEGIN
  FOR attempt IN 1..5 LOOP
    BEGIN
      GRANT gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell, gate_items, gate_reference,
        gate_own, gate_record, gate_statement, gate_readings, gate_publication, gate_aggregate, gate_hits, gate_cube,
        gate_cube_undated, gate_counter, gate_link, gate_linker, gate_timeliness
        TO sarhad_owner;
      RETURN;
    EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
    END;
  END LOOP;
  RAISE EXCEPTION 'the memberships of sarhad_owner could not be granted';
END $$
"""


def prepare(connection: Connection) -> None:
    """What a migration may take for granted: PostGIS, the schemas and their owner."""
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS postgis",
        "CREATE EXTENSION IF NOT EXISTS pgcrypto",
        *(f"CREATE EXTENSION IF NOT EXISTS {name}" for name in ("btree_gist", "cube", "pg_trgm")),
        "CREATE SCHEMA IF NOT EXISTS core AUTHORIZATION sarhad_owner",
        "CREATE SCHEMA IF NOT EXISTS gate AUTHORIZATION sarhad_owner",
        "CREATE SCHEMA IF NOT EXISTS shared AUTHORIZATION sarhad_owner",
        "CREATE SCHEMA IF NOT EXISTS jobs AUTHORIZATION sarhad_owner",
        "GRANT USAGE ON SCHEMA core TO sarhad_read, sarhad_write, sarhad_authn, sarhad_sequencer",
        "GRANT USAGE ON SCHEMA gate, shared TO sarhad_read, sarhad_write, sarhad_authn",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        _MEMBERSHIPS,
        _NO_TEMPORARY,
        *(f"REVOKE EXECUTE ON FUNCTION public.{function} FROM PUBLIC" for function in _STATISTICS),
    ):
        connection.execute(text(statement))
    if not connection.scalar(text("SELECT to_regoperator('gate.&&(public.geometry,public.geometry)') IS NOT NULL")):
        connection.execute(text(_LEAKPROOF_BOX))
    connection.commit()


def _url() -> URL:
    given = context.config.attributes.get("url")
    return given if given is not None else Settings().database_as()


def main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    with create_engine(_url(), poolclass=NullPool).connect() as connection:  # nobody is connected once it is done
        prepare(connection)
        run(connection)


main()
