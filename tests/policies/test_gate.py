"""The gate as PostgreSQL holds it: roles, privileges, row security and tokens, against whoever speaks SQL to it."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import h3
import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from tests.exchange import Exchange, heroin
from tests.policies.conftest import Entrance

OWNER, PARTNER, STRANGER = "TM", "AZ", "RU"
GATE_ROLES = {f"gate_{n}" for n in ("instant", "day", "month", "undated", "point", "cell", "items", "own")}
LOGINS = {"sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer"}
ROLES = {"sarhad_owner"} | GATE_ROLES | LOGINS
VIEWS = ("shared.report", "shared.report_placed", "shared.report_line")
PLACE = {"lat": "37.9521", "lon": "58.3794"}
CELL = h3.latlng_to_cell(37.9521, 58.3794, 5)
CENTRE = tuple(round(x, 6) for x in reversed(h3.cell_to_latlng(CELL)))

# What may be read outside the gate, reviewed: registers that are the same for every member, and the logs' hashes.
READABLE = {
    "sarhad_read": {
        "country", "agency", "agency_key", "role_grant", "change", "governance_event",
        "log_leaf", "log_tile", "log_checkpoint",
    },
    "sarhad_write": {"country", "agency", "agency_key", "role_grant", "change"},
    "sarhad_authn": {"country", "agency", "agency_key", "role_grant", "alembic_version"},
    "sarhad_sequencer": {"log_pending", "log_leaf", "log_tile", "log_checkpoint"},
}  # fmt: skip
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


@dataclass(frozen=True)
class World:
    """One record of the owner for each precision, one that is hidden, and tokens of its readers."""

    records: dict[str, str]
    tokens: dict[str, str]

    def names(self, ids: list[Any]) -> set[str]:
        return {name for name, id_ in self.records.items() if id_ in {str(i) for i in ids}}


@pytest.fixture(scope="module")
def token(superuser: Engine) -> Callable[..., str]:
    def enter(country: str, *roles: str, purpose: str = "operational", agency: str = "CUS") -> str:
        with superuser.begin() as connection:
            return str(
                connection.execute(
                    text("SELECT gate.enter(:country, :agency, :roles, :purpose)"),
                    {
                        "country": country,
                        "agency": f"{country}-{agency}",
                        "roles": list(roles),
                        "purpose": purpose,
                    },
                ).scalar_one()
            )

    return enter


@pytest.fixture(scope="module")
def world(exchange: Exchange, token: Callable[..., str]) -> World:
    to_partner = {"effect": "permit", "audience": {"countries": [PARTNER]}}
    exchange.adopt(
        OWNER,
        {"id": "month", **to_partner, "handling_up_to": "TLP:CLEAR", "time": "month", "place": "admin1"},
        {"id": "cell", **to_partner, "handling_up_to": "TLP:GREEN", "time": "day", "place": "cell",
         "facets": ["items"]},
        {"id": "point", **to_partner, "handling_up_to": "TLP:AMBER", "time": "instant", "place": "point",
         "facets": ["items", "reference", "reported"]},
    )  # fmt: skip
    client = exchange.client(f"{OWNER}-CUS")
    marks = {"month": "TLP:CLEAR", "cell": "TLP:GREEN", "point": "TLP:AMBER", "hidden": "TLP:RED"}
    records = {}
    for name, handling in marks.items():
        record = heroin(
            f"{OWNER}-CUS", handling=handling, reference=f"gate-{name}-{uuid.uuid4()}", where_point=PLACE
        )
        records[name] = client.submit(exchange.sign(record)).id
    return World(
        records,
        {
            "owner": token(OWNER, "reporter"),
            "partner": token(PARTNER, "reporter"),
            "stranger": token(STRANGER, "analyst"),
            "auditor": token(OWNER, "auditor"),
            "key administrator": token(OWNER, "key_administrator"),
            "operator": token(OWNER, "operator"),
        },
    )


def seen(entrance: Entrance, world: World, token: str | None, view: str = "shared.report") -> set[str]:
    with entrance("sarhad_read", token) as session:
        return world.names(list(session.execute(text(f"SELECT record_id FROM {view}")).scalars()))


def test_each_reader_sees_its_share(entrance: Entrance, world: World) -> None:
    assert seen(entrance, world, world.tokens["owner"]) == {"month", "cell", "point", "hidden"}
    assert seen(entrance, world, world.tokens["owner"], "shared.own_report") == {
        "month",
        "cell",
        "point",
        "hidden",
    }
    assert seen(entrance, world, world.tokens["partner"]) == {"month", "cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.report_placed") == {"cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.report_line") == {"cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.own_report") == set()


@pytest.mark.parametrize("reader", ["stranger", "auditor", "key administrator", "operator"])
def test_nobody_else_sees_anything(entrance: Entrance, world: World, reader: str) -> None:
    for view in (*VIEWS, "shared.own_report"):
        assert seen(entrance, world, world.tokens[reader], view) == set()


def _signed(superuser: Engine, claim: str) -> str:
    """A token as the gate would sign it: what only the holder of its key can make."""
    with superuser.begin() as connection:
        sign = "SELECT encode(public.hmac(convert_to(:claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex')"
        return f"{claim}.{connection.execute(text(sign), {'claim': claim}).scalar_one()}"


def _spoilt(superuser: Engine, owner: str, partner: str) -> Iterator[tuple[str, str | None]]:
    context, expiry, nonce, tag = owner.split(".")
    yield "none", None
    yield "empty", ""
    yield "garbage", "x" * 200
    yield "no number", "a.b.c." + "0" * 64
    yield "tag alone", tag
    yield "claim alone", f"{context}.{expiry}.{nonce}"
    yield "tag of nothing", _signed(superuser, "")[1:][::-1]
    yield "claim of one, tag of the other", f"{context}.{expiry}.{nonce}.{partner.rsplit('.', 1)[1]}"
    yield "other context", f"{int(context) + 1}.{expiry}.{nonce}.{tag}"
    yield "later expiry", f"{context}.{int(expiry) + 9}.{nonce}.{tag}"
    yield "last digit", owner[:-1] + ("0" if owner[-1] != "0" else "1")
    yield "upper case", f"{context}.{expiry}.{nonce}.{tag.upper()}"
    yield "tail", owner + "0"
    yield "expired", _signed(superuser, f"{context}.{int(expiry) - 1000}.{nonce}")
    yield "context that is not there", _signed(superuser, f"2147483647.{expiry}.{nonce}")


def test_without_a_token_in_force_there_is_no_country_and_no_row(
    entrance: Entrance, superuser: Engine, world: World
) -> None:
    tried = 0
    for name, spoilt in _spoilt(superuser, world.tokens["owner"], world.tokens["partner"]):
        for role in ("sarhad_read", "sarhad_write"):
            with entrance(role, spoilt) as session:
                assert session.execute(text("SELECT gate.country()")).scalar_one() is None, name
                assert session.execute(text("SELECT gate.masks()")).scalar_one() is None, name
                assert session.execute(text("SELECT count(*) FROM shared.own_report")).scalar_one() == 0, name
        for view in VIEWS:
            assert seen(entrance, world, spoilt, view) == set(), name
        tried += 1
    assert tried == 15


def test_a_token_opens_its_own_context_only_and_for_one_transaction(entrance: Entrance, world: World) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        assert session.execute(text("SELECT gate.country()")).scalar_one() == PARTNER
        session.rollback()
        assert session.execute(text("SELECT gate.country()")).scalar_one() is None
        assert session.execute(text("SELECT count(*) FROM shared.report")).scalar_one() == 0


@pytest.mark.parametrize("role", sorted(LOGINS))
def test_no_role_reads_more_than_reviewed_tables(
    superuser: Engine, settings: Any, role: str, exchange: Exchange
) -> None:
    with superuser.connect() as connection:
        readable = set(
            connection.execute(
                text("""
                SELECT c.relname FROM pg_class c WHERE c.relnamespace IN ('core'::regnamespace, 'gate'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname !~ '^nonce__'
                  AND (has_table_privilege(:role, c.oid, 'SELECT') OR has_any_column_privilege(:role, c.oid, 'SELECT'))"""),
                {"role": role},
            ).scalars()
        )
    reference = {name for name in readable if name.startswith(REFERENCE)}
    assert readable - reference == READABLE[role]
    assert not readable & CONTENT
    assert bool(reference) == (role != "sarhad_sequencer")


def test_shared_holds_masking_views_of_powerless_owners_and_nothing_else(
    superuser: Engine, exchange: Exchange
) -> None:
    with superuser.connect() as connection:
        views = connection.execute(
            text(
                "SELECT relname, relkind, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'shared'::regnamespace"
            )
        ).all()
    assert {kind for _, kind, _ in views} == {"v"}
    assert {owner for *_, owner in views} <= GATE_ROLES
    leaves = {
        f"report_{level}": f"gate_{level}"
        for level in ("instant", "day", "month", "undated", "point", "cell")
    }
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
                    WHERE m.rolname = ANY (:roles) AND m.oid <> r.oid AND pg_has_role(m.oid, r.oid, 'MEMBER')"""),
            {"roles": list(ROLES)},
        )
        assert {tuple(row) for row in member_of} == {("sarhad_owner", role) for role in GATE_ROLES}
        owned = connection.execute(
            text("""SELECT pg_get_userbyid(relowner) FROM pg_class
                    WHERE relnamespace IN ('core'::regnamespace, 'gate'::regnamespace) AND relkind IN ('r', 'p')""")
        )
        assert set(owned.scalars()) == {"sarhad_owner"}
        temporary = connection.execute(
            text("""SELECT r FROM unnest(CAST(:roles AS text[])) r
                    WHERE has_database_privilege(r, current_database(), 'TEMPORARY')
                       OR has_schema_privilege(r, 'public', 'CREATE')"""),
            {"roles": list(ROLES - {"sarhad_owner"})},
        )
        assert temporary.scalars().all() == []


def test_content_is_under_row_security_that_holds_its_owner_too(
    superuser: Engine, exchange: Exchange
) -> None:
    with superuser.connect() as connection:
        held = set(
            connection.execute(
                text("""SELECT relname FROM pg_class WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')
                        AND relrowsecurity AND relforcerowsecurity""")
            ).scalars()
        )
        every = set(
            connection.execute(
                text(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')"
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
                      ARRAY(SELECT r FROM unnest(CAST(:roles AS text[])) r WHERE has_function_privilege(r, p.oid, 'EXECUTE'))
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
            text("""SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
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


@pytest.fixture(scope="module")
def leaks(superuser: Engine, exchange: Exchange) -> Iterator[None]:
    """The worst condition there is: cheaper than any other, so tried first, and telling whatever it is given."""
    with superuser.begin() as connection:
        connection.exec_driver_sql("""
        CREATE SCHEMA leak_test;
        GRANT USAGE ON SCHEMA leak_test TO sarhad_read;
        CREATE FUNCTION leak_test.tell(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
          $$ BEGIN RAISE NOTICE USING MESSAGE = 'told ' || coalesce($1::text, '<NULL>'); RETURN true; END $$;
        CREATE FUNCTION leak_test.tell_place(public.geometry) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
          $$ BEGIN RAISE NOTICE USING MESSAGE = 'told ' || coalesce(public.ST_AsText($1), '<NULL>'); RETURN true; END $$;
        """)
    yield
    with superuser.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA leak_test CASCADE")


def told(session: Connection, question: str) -> list[str]:
    """All that the condition was given while the question was answered."""
    heard: list[str] = []
    connection = session.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)

    def listen(notice: psycopg.errors.Diagnostic) -> None:
        heard.append(str(notice.message_primary))

    connection.add_notice_handler(listen)
    session.execute(text("SET LOCAL client_min_messages = notice"))
    session.execute(text("SET LOCAL timezone = 'UTC'"))
    session.execute(text(question)).all()
    connection.remove_notice_handler(listen)
    return [message.removeprefix("told ") for message in heard]


PLANS = (
    "",
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_indexscan = off",
    "SET LOCAL enable_hashjoin = off",
)


@pytest.mark.usefixtures("leaks")
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_leaky_condition_is_given_no_hidden_row(
    entrance: Entrance, world: World, view: str, plan: str
) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        if plan:
            session.execute(text(plan))
        heard = set(told(session, f"SELECT 1 FROM {view} WHERE leak_test.tell(record_id)"))
    assert world.names(list(heard)) == seen(entrance, world, world.tokens["partner"], view)


@pytest.mark.usefixtures("leaks")
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("view", ["shared.report", "shared.report_placed"])
def test_a_leaky_condition_is_given_no_finer_value(
    entrance: Entrance, world: World, view: str, plan: str
) -> None:
    given = {
        "month": {"at": "2026-03-01 00:00:00+00", "position": None, "reference": None},
        "cell": {"at": "2026-03-14 00:00:00+00", "position": CENTRE, "reference": None},
        "point": {
            "at": "2026-03-13 23:20:00+00", "position": (float(PLACE["lon"]), float(PLACE["lat"])), "reference": "gate-point",
        },
    }  # fmt: skip
    for name, id_ in world.records.items():
        own = given.get(name, {})
        with entrance("sarhad_read", world.tokens["partner"]) as session:
            if plan:
                session.execute(text(plan))
            here = f"SELECT record_id FROM {view} WHERE record_id = '{id_}' AND "
            times = set(told(session, here + "leak_test.tell(at)"))
            references = set(told(session, here + "leak_test.tell(reference)"))
            leaf = set(told(session, here + "leak_test.tell(leaf_hash)"))
            disclosures = told(session, here + "leak_test.tell(array_to_string(disclosures, ' '))")
            places = set(told(session, here + "leak_test.tell_place(position)"))
        if name == "hidden" or (view == "shared.report_placed" and name == "month"):
            assert not (times | references | places | leaf | set(disclosures))
            continue
        assert times == {own["at"]}
        expected = own["reference"]
        assert all(value.startswith(expected) if expected else value == "<NULL>" for value in references)
        assert (leaf == {"<NULL>"}) == (name != "point")
        found = {tuple(map(float, re.findall(r"[\d.]+", place))) or None for place in places}
        assert found == {own["position"]}
        assert {len(value.split()) for value in disclosures} == {{"month": 2, "cell": 5, "point": 9}[name]}


@pytest.mark.usefixtures("leaks")
def test_a_leaky_condition_on_lines_is_given_no_hidden_line(entrance: Entrance, world: World) -> None:
    with entrance("sarhad_read", world.tokens["stranger"]) as session:
        assert told(session, "SELECT 1 FROM shared.report_line WHERE leak_test.tell(kg)") == []
    with entrance("sarhad_read", world.tokens["owner"]) as session:
        assert len(told(session, "SELECT 1 FROM shared.report_line WHERE leak_test.tell(kg)")) >= len(
            world.records
        )


_REPORT = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
  digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day, at_month, month_end)
  VALUES (gen_random_uuid(), 1, 'seizure', :agency, :country, 'k', 'TLP:AMBER', :scope, true, 'reported', '', '', 'j',
  array_fill(NULL::text, ARRAY[19]), '', '', 'r', '[]', now(), now(), now(), :month_end)"""
_LINE = """INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity, unit,
  rule) VALUES (:record, 1, 99, :scope, '2026-03-31', 'SAR-000608', 'PRES', 1, 'KG', 'mass')"""


def scope_of(superuser: Engine, record: str) -> int:
    with superuser.connect() as connection:
        query = text("SELECT scope_id FROM core.report WHERE record_id = :record AND latest")
        return int(connection.execute(query, {"record": record}).scalar_one())


def test_a_writer_files_nothing_under_another_name(
    entrance: Entrance, superuser: Engine, world: World
) -> None:
    scope = scope_of(superuser, world.records["point"])
    attempts = {
        "another country": {"country": OWNER, "agency": f"{OWNER}-CUS", "scope": scope},
        "another country's scope": {"country": PARTNER, "agency": f"{PARTNER}-CUS", "scope": scope},
        "another country's agency": {"country": PARTNER, "agency": f"{OWNER}-CUS", "scope": scope},
    }
    for name, values in attempts.items():
        with (
            entrance("sarhad_write", world.tokens["partner"]) as session,
            pytest.raises(Exception, match="report"),
        ):
            session.execute(text(_REPORT), {**values, "month_end": "2026-03-31"})
            pytest.fail(name)


def test_an_agency_stands_under_its_own_country(entrance: Entrance, superuser: Engine, world: World) -> None:
    scope = scope_of(superuser, world.records["point"])
    values = {"country": OWNER, "agency": f"{PARTNER}-CUS", "scope": scope, "month_end": "2026-03-31"}
    with (
        entrance("sarhad_write", world.tokens["owner"]) as session,
        pytest.raises(Exception, match="report_agency_check"),
    ):
        session.execute(text(_REPORT), values)


def test_a_line_goes_to_an_own_record_under_its_scope(
    entrance: Entrance, superuser: Engine, world: World, exchange: Exchange
) -> None:
    mine = exchange.client(f"{PARTNER}-CUS").submit(exchange.sign(heroin(f"{PARTNER}-CUS"))).id
    own, foreign = scope_of(superuser, mine), scope_of(superuser, world.records["point"])
    refusals = set()
    for record, scope in (
        (world.records["point"], own),
        (world.records["point"], foreign),
        (mine, foreign),
        (str(uuid.uuid4()), own),
    ):
        with entrance("sarhad_write", world.tokens["partner"]) as session:
            with pytest.raises(ProgrammingError) as refused:
                session.execute(text(_LINE), {"record": record, "scope": scope})
            refusals.add(str(refused.value.orig))
    assert len(refusals) == 1, "the refusal does not tell whether the record is there"
    with entrance("sarhad_write", world.tokens["partner"]) as session:
        session.execute(text(_LINE), {"record": mine, "scope": own})


def test_a_writer_changes_and_deletes_nothing(entrance: Entrance, world: World) -> None:
    for statement in (
        "UPDATE core.report SET jwt = ''",
        "DELETE FROM core.report",
        "DELETE FROM core.report_line",
        "TRUNCATE core.report CASCADE",
        "UPDATE core.policy SET document = '{}'",
        "INSERT INTO gate.rule (owner) VALUES ('TM')",
    ):
        with (
            entrance("sarhad_write", world.tokens["owner"]) as session,
            pytest.raises(ProgrammingError, match="denied"),
        ):
            session.execute(text(statement))
    with entrance("sarhad_write", world.tokens["partner"]) as session:
        supersede = text("SELECT gate.supersede(CAST(:record AS uuid), 1)")
        assert session.execute(supersede, {"record": world.records["point"]}).scalar_one() is False
    for country in (OWNER, None):
        with (
            entrance("sarhad_write", world.tokens["partner"]) as session,
            pytest.raises(Exception, match="own country"),
        ):
            session.execute(text("SELECT gate.adopt(CAST(:country AS char(2)), '[]')"), {"country": country})


def test_a_scope_that_is_not_compiled_is_invisible_and_raises_nothing(
    superuser: Engine, entrance: Entrance, world: World
) -> None:
    """What a reader sees between the making of a scope and its compilation, if anything ever came between."""
    with superuser.connect() as connection:
        connection.execute(text("SET LOCAL ROLE sarhad_owner"))
        scope = connection.execute(
            text("""INSERT INTO gate.scope SELECT count(*) + 5, :owner, 'seizure', 1 << 30, 0 FROM gate.scope
                    RETURNING id"""),
            {"owner": OWNER},
        ).scalar_one()
        connection.execute(text("RESET ROLE"))
        values = {"country": OWNER, "agency": f"{OWNER}-CUS", "scope": scope, "month_end": "2026-03-31"}
        connection.execute(text(_REPORT), values)
        for reader in ("owner", "partner"):
            connection.execute(
                text("SELECT set_config('sarhad.context', :token, true)"), {"token": world.tokens[reader]}
            )
            connection.execute(text("SET LOCAL ROLE sarhad_read"))
            for view in ("shared.report", "shared.report_placed", "shared.own_report"):
                rows = connection.execute(text(f"SELECT count(*) FROM {view} WHERE jwt = 'j'"))
                assert rows.scalar_one() == 0
            connection.execute(text("RESET ROLE"))
        connection.rollback()


@pytest.mark.parametrize(("days", "visible"), [(-1, False), (0, True), (1, True)])
def test_a_delay_counts_from_the_end_of_the_month(
    superuser: Engine, world: World, token: Callable[..., str], days: int, visible: bool
) -> None:
    """A record whose month ended `90 + days` ago, under a rule that holds it back for 90."""
    with superuser.connect() as connection:
        run = connection.execute
        scope = scope_of(superuser, world.records["point"])
        run(text("UPDATE gate.compiled SET delays = array_fill(90, ARRAY[cardinality(masks)])"))
        ended = connection.execute(text("SELECT current_date")).scalar_one() - timedelta(days=90 + days)
        assert isinstance(ended, date)
        run(text(_REPORT), {"country": OWNER, "agency": f"{OWNER}-CUS", "scope": scope, "month_end": ended})
        run(text("SELECT set_config('sarhad.context', :token, true)"), {"token": world.tokens["partner"]})
        run(text("SET LOCAL ROLE sarhad_read"))
        assert run(text("SELECT count(*) FROM shared.report WHERE jwt = 'j'")).scalar_one() == visible
        connection.rollback()
