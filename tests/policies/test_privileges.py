"""Who may read, run and own what in the database: lists that a reviewer has read, against the catalogue."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from tests.exchange import Exchange
from tests.policies.entrance import Entrance
from tests.policies.readers import World

GATE_ROLES = {f"gate_{n}" for n in ("instant", "day", "month", "undated", "point", "cell", "items", "reference", "own")}
LOGINS = {"sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer"}
ROLES = {"sarhad_owner"} | GATE_ROLES | LOGINS
# What may be read outside the gate, reviewed: registers, the same for every member, and the logs' hashes.
READABLE = {
    "sarhad_read": {
        "country",
        "agency",
        "agency_key",
        "role_grant",
        "change",
        "governance_event",
        "log_leaf",
        "log_tile",
        "log_checkpoint",
    },
    "sarhad_write": {"country", "agency", "agency_key", "role_grant", "change"},
    "sarhad_authn": {"country", "agency", "agency_key", "role_grant", "alembic_version"},
    "sarhad_sequencer": {"log_pending", "log_leaf", "log_tile", "log_checkpoint"},
}
REFERENCE = ("substance", "place", "unit", "crossing", "boundary", "reference", "conversion_rule")
CONTENT = {"report", "report_line", "policy"}
# Functions that run with their owner's rights, and who may call them.
DEFINERS = {
    "gate.adopt": {"sarhad_write"},
    "gate.context_id": set[str](),
    "gate.country": {"sarhad_read", "sarhad_write", *GATE_ROLES},
    "gate.delays": {"sarhad_read", "sarhad_write", *GATE_ROLES},
    "gate.enter": set[str](),
    "gate.masks": {"sarhad_read", "sarhad_write", *GATE_ROLES},
    "gate.mint": {"sarhad_authn"},
    "gate.policy_version": {"sarhad_read", "sarhad_write", *GATE_ROLES},
    "gate.reach": {"sarhad_read", "sarhad_write", *GATE_ROLES},
    "gate.scopes_for": {"sarhad_write"},
    "gate.supersede": {"sarhad_write"},
    "core.keep_nonces": {"sarhad_authn"},
}
# Functions that PostgreSQL may try on a row before row security has judged it.
LEAKPROOF = {"gate.bbox_overlaps", "gate.same"}


@pytest.mark.parametrize("role", sorted(LOGINS))
def test_no_role_reads_more_than_reviewed_tables(superuser: Engine, role: str, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        readable = set(
            connection.execute(
                text("""
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace IN ('core'::regnamespace, 'gate'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname !~ '^nonce__'
                  AND (has_table_privilege(:role, c.oid, 'SELECT')
                    OR has_any_column_privilege(:role, c.oid, 'SELECT'))"""),
                {"role": role},
            ).scalars()
        )
    reference = {name for name in readable if name.startswith(REFERENCE)}
    assert readable - reference == READABLE[role]
    assert not readable & CONTENT
    assert bool(reference) == (role != "sarhad_sequencer")


def test_shared_holds_masking_views_of_powerless_owners_and_nothing_else(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        views = connection.execute(
            text(
                """SELECT relname, relkind, pg_get_userbyid(relowner) FROM pg_class
                   WHERE relnamespace = 'shared'::regnamespace"""
            )
        ).all()
    assert {kind for _, kind, _ in views} == {"v"}
    assert {owner for *_, owner in views} <= GATE_ROLES
    leaves = {f"report_{level}": f"gate_{level}" for level in ("instant", "day", "month", "undated", "point", "cell")}
    assert leaves.items() <= {(name, owner) for name, _, owner in views}


def test_roles_have_no_power_and_no_membership(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        powerful = connection.execute(
            text("""SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles)
                    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"""),
            {"roles": list(ROLES)},
        )
        assert powerful.scalars().all() == []
        logins = connection.execute(
            text("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ~ '^(sarhad|gate)_'")
        )
        assert set(logins.scalars()) == LOGINS
        member_of = connection.execute(
            text("""SELECT m.rolname, r.rolname FROM pg_roles m CROSS JOIN pg_roles r
                    WHERE m.rolname = ANY (:roles) AND m.oid <> r.oid
                      AND pg_has_role(m.oid, r.oid, 'MEMBER')"""),
            {"roles": list(ROLES)},
        )
        assert {tuple(row) for row in member_of} == {("sarhad_owner", role) for role in GATE_ROLES}
        owned = connection.execute(
            text("""SELECT pg_get_userbyid(relowner) FROM pg_class
                    WHERE relnamespace IN ('core'::regnamespace, 'gate'::regnamespace)
                      AND relkind IN ('r', 'p')""")
        )
        assert set(owned.scalars()) == {"sarhad_owner"}
        temporary = connection.execute(
            text("""SELECT r FROM unnest(CAST(:roles AS text[])) r
                    WHERE has_database_privilege(r, current_database(), 'TEMPORARY')
                       OR has_schema_privilege(r, 'public', 'CREATE')"""),
            {"roles": list(ROLES - {"sarhad_owner"})},
        )
        assert temporary.scalars().all() == []


def test_content_is_under_row_security_that_holds_its_owner_too(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        held = set(
            connection.execute(
                text("""SELECT relname FROM pg_class
                        WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')
                        AND relrowsecurity AND relforcerowsecurity""")
            ).scalars()
        )
        every = set(
            connection.execute(
                text(
                    """SELECT relname FROM pg_class
                       WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')"""
                )
            ).scalars()
        )
    assert held == CONTENT
    reviewed = set().union(*READABLE.values()) | CONTENT | {"nonce"}
    unknown = {t for t in every - reviewed if not t.startswith((*REFERENCE, "nonce__"))}
    assert not unknown, "say whether these hold content"


def test_definer_functions_are_reviewed_and_pinned(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        found = connection.execute(
            text("""SELECT n.nspname || '.' || p.proname, p.proconfig, pg_get_userbyid(p.proowner), p.oid,
                      ARRAY(SELECT r FROM unnest(CAST(:roles AS text[])) r
                            WHERE has_function_privilege(r, p.oid, 'EXECUTE'))
                    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""),
            {"roles": sorted(ROLES - {"sarhad_owner"})},
        ).all()
    assert {name: set(callers) for name, _, _, _, callers in found} == DEFINERS
    for name, config, owner, _, _ in found:
        assert any(setting.startswith("search_path=pg_catalog") for setting in config), name
        assert not any("public" in setting or "$user" in setting for setting in config), name
        assert owner == "sarhad_owner", name


def test_nobody_calls_the_inside_of_the_gate(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        callable_ = connection.execute(
            text("""SELECT DISTINCT p.proname FROM pg_proc p, unnest(CAST(:roles AS text[])) r
                    WHERE p.pronamespace = 'gate'::regnamespace AND NOT p.prosecdef
                      AND has_function_privilege(r, p.oid, 'EXECUTE')"""),
            {"roles": sorted(ROLES - {"sarhad_owner"})},
        )
        assert set(callable_.scalars()) == {"disclose", "bbox_overlaps", "same"}


def test_leakproof_functions_are_reviewed(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        found = connection.execute(
            text("""SELECT n.nspname || '.' || p.proname
                    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.proleakproof AND p.oid >= 16384""")
        )
        assert set(found.scalars()) == LEAKPROOF


@pytest.mark.parametrize(
    "question",
    [
        "SELECT _postgis_stats('core.report', 'point')",
        "SELECT _postgis_index_extent('core.report', 'point')",
        "SELECT _postgis_selectivity('core.report', 'point', ST_MakeEnvelope(0, 0, 1, 1, 4326))",
        "SELECT ST_EstimatedExtent('core', 'report', 'point')",
        "SELECT * FROM core.report",
        "SELECT jwt FROM core.report_line, core.report",
        "SELECT * FROM gate.rule",
        "SELECT * FROM gate.secret",
        "SELECT gate.enter('TM', 'TM-CUS', ARRAY['reporter'], '')",
        "SELECT gate.mint('k', NULL)",
        "COPY core.report TO STDOUT",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE sarhad_owner",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE core.report DISABLE ROW LEVEL SECURITY",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_a_reader_who_speaks_sql_is_refused(entrance: Entrance, world: World, question: str) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        with pytest.raises(ProgrammingError) as refused:
            session.execute(text(question))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
