"""A database of the version before agencies had scopes, with reports in it, comes over whole."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sarhad.keys import b64url
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from service.cli.db import ROLES_SQL, alembic_config
from service.locks import Alone
from service.settings import Settings

BEFORE = """
INSERT INTO core.country VALUES ('KZ', 'Kazakhstan'), ('KG', 'Kyrgyzstan');
INSERT INTO core.agency VALUES ('KZ-CUS', 'KZ', 'CU', ''), ('KZ-DCA', 'KZ', 'DC', ''), ('KZ-LAB', 'KZ', 'LAB', ''),
  ('KG-CUS', 'KG', 'CU', '');
INSERT INTO gate.scope VALUES (0, 'KZ', 'seizure', 3, 1), (1, 'KZ', 'zero', 0, 0), (2, 'KG', 'seizure', 3, 1);
INSERT INTO gate.rule (owner, position, permit, joins, countries, handling, facets, delay)
  VALUES ('KZ', 0, true, false, ARRAY['KG'], 2, 524287, 0);
INSERT INTO gate.context (country, agency, roles, purpose)
  VALUES ('KG', 'KG-CUS', ARRAY['analyst', 'auditor'], 'analysis');
INSERT INTO gate.compiled SELECT id, '{0,0,0}', '{0,0,0}', 'v' FROM gate.context
"""
FILED = """
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status, digest,
  content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day, at_month, month_end)
SELECT gen_random_uuid(), 1, 'seizure', f.agency, left(f.agency, 2), 'k', 'TLP:GREEN', f.scope, true, 'reported', '',
  '', 'j', array_fill(NULL::text, ARRAY[19]), '', '', 'r', '[]', now(), now(), now(), '2026-03-31'
FROM (VALUES ('KZ-CUS', 0, 5), ('KZ-DCA', 0, 3), ('KZ-LAB', 0, 2), ('KG-CUS', 2, 4)) AS f(agency, scope, many),
  generate_series(1, f.many);
INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity, unit, rule)
  SELECT record_id, 1, 1, scope_id, month_end, 'S', 'PRES', 1, 'KG', 'mass' FROM core.report
"""
MARKS = [
    {"kind": "STAMP", "text": "Золотой-Лев", "image_sha256": "0" * 64},
    {"kind": "LOGO", "text": "..."},
    {"kind": "TAPE", "text": "brown"},
]
MARKED = text("""UPDATE core.report SET disclosures[14] = :marks
  WHERE record_id = (SELECT min(record_id::text)::uuid FROM core.report WHERE agency = 'KZ-DCA')""")
EXAMINED = """
SET LOCAL session_replication_role = replica;
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status, digest,
  content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day, at_month, month_end,
  place_country)
SELECT '01900000-0000-7000-9000-000000000001', 1, 'analysis', agency, country, key_id, handling, scope_id, latest,
  status, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day, at_month,
  month_end, 'KZ' FROM core.report WHERE agency = 'KZ-LAB' LIMIT 1;
INSERT INTO core.finding (record_id, version, scope_id, month_end, line, substance, role, level)
  SELECT record_id, version, scope_id, month_end, 1, 'S', 'MAIN', 'IDENTIFIED' FROM core.report WHERE kind = 'analysis';
INSERT INTO core.content (record_id, version, scope_id, month_end, n, line, value, unit, basis)
  SELECT record_id, version, scope_id, month_end, n, 1, 40 + n, '%', 'AS_BASE' FROM core.report, generate_series(1, 2) n
  WHERE kind = 'analysis'
"""

PRINTED = """
INSERT INTO core.publication (id, name, version, definition, digest, country, agency, proposed_by, state)
  VALUES ('01900000-0000-7000-9000-000000000002', 'quarter', 1, '{}', '', 'KZ', 'KZ-DCA', 'k', 'released');
INSERT INTO core.bulletin (publication_id, language, made_at, sha256, pdf)
  VALUES ('01900000-0000-7000-9000-000000000002', 'ru', now(), 'ab', '%PDF')
"""


@pytest.fixture
def upgraded() -> Iterator[Engine]:
    name = f"sarhad_upgrade_{uuid.uuid4().hex[:12]}"
    server = create_engine(Settings().database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = Settings().database_as().set(database=name).render_as_string(hide_password=False)
    settings = Settings(database_url=url)
    engine = create_engine(settings.database_as())
    with engine.begin() as connection:
        connection.exec_driver_sql(ROLES_SQL.read_text())
    command.upgrade(alembic_config(settings), "0006")
    with engine.begin() as connection:
        for statement in (BEFORE, FILED):
            connection.exec_driver_sql(statement)
        disclosure = json.dumps(["c2FsdA", "marks", MARKS], ensure_ascii=False, separators=(",", ":"))
        connection.execute(MARKED, {"marks": b64url(disclosure.encode())})
    command.upgrade(alembic_config(settings), "0027")
    with engine.begin() as connection:
        for statement in (EXAMINED, PRINTED):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    upgrade_while_a_worker_folds(engine, settings)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def upgrade_while_a_worker_folds(engine: Engine, settings: Settings) -> None:
    waiting = text("""SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""")
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as folding:
            folding.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Alone.CUBE_FOLDING.value})
            upgrading = pool.submit(command.upgrade, alembic_config(settings), "head")
            while not upgrading.done() and not folding.execute(waiting).scalar_one():
                pass
        upgrading.result()


def seen(connection: Connection, country: str, agency: str, view: str) -> int:
    enter = "SELECT set_config('sarhad.context', gate.enter(:country, :agency, ARRAY['analyst'], 'analysis'), true)"
    connection.execute(text("RESET ROLE"))
    connection.execute(text(enter), {"country": country, "agency": agency})
    connection.execute(text("SET LOCAL ROLE sarhad_read"))
    return int(connection.execute(text(f"SELECT count(*) FROM shared.{view}")).scalar_one())


def test_reports_come_over_into_scopes_of_their_agency(upgraded: Engine) -> None:
    with upgraded.connect() as connection:
        scopes = connection.execute(text("SELECT id, owner, agency FROM gate.scope ORDER BY id")).all()
        assert [row.id for row in scopes] == list(range(5)), "ids stay dense: they index the compiled arrays"
        assert scopes[0].agency == "KZ-CUS", "the agency with the most reports keeps the scope"
        apart = connection.execute(
            text("""SELECT count(*) FILTER (WHERE s.agency <> r.agency),
                      count(*) FILTER (WHERE l.scope_id <> r.scope_id), count(*)
                    FROM core.report r JOIN gate.scope s ON s.id = r.scope_id
                    JOIN core.report_line l USING (record_id, version)""")
        ).one()
        assert tuple(apart) == (0, 0, 14)
        forced = connection.execute(
            text("""SELECT bool_and(relforcerowsecurity) FROM pg_class
                    WHERE oid IN ('core.report'::regclass, 'core.report_line'::regclass)""")
        )
        assert forced.scalar_one() is True


def test_its_policy_and_its_owner_see_what_they_saw(upgraded: Engine) -> None:
    with upgraded.connect() as connection:
        for view, analyses in (("report", 1), ("report_line", 0)):
            assert seen(connection, "KZ", "KZ-LAB", view) == 10 + analyses
            assert seen(connection, "KG", "KG-CUS", view) == 14 + analyses
        connection.rollback()


def test_imprints_of_seizures_stand_beside_those_of_analyses(upgraded: Engine) -> None:
    with upgraded.connect() as connection:
        found = connection.execute(
            text("""SELECT a.n, a.exhibit, a.logo, a.image_sha256, a.latest, r.agency, a.scope_id = r.scope_id AS scoped
                    FROM core.appearance a JOIN core.report r USING (record_id, version)""")
        ).all()
    assert [tuple(row) for row in found] == [(1, None, "золотой лев", "0" * 64, True, "KZ-DCA", True)]


def test_reports_that_wait_for_their_links_have_the_turns_of_their_countries(upgraded: Engine) -> None:
    with upgraded.connect() as connection:
        waiting = "SELECT country, count(DISTINCT record_id) FROM core.link_queue GROUP BY country ORDER BY country"
        assert [tuple(row) for row in connection.execute(text(waiting))] == [("KG", 4), ("KZ", 10)]


def test_contents_of_analyses_are_in_the_cube(upgraded: Engine) -> None:
    with upgraded.connect() as connection:
        rows = connection.execute(
            text("""SELECT c.substance, c.place_country, c.before, c.contents FROM core.cube_content c
                    JOIN gate.scope s ON s.id = c.scope_id WHERE s.agency = 'KZ-LAB' ORDER BY c.before NULLS FIRST""")
        ).all()
    assert [tuple(row) for row in rows] == [("S", "KZ", None, [41.0]), ("S", "KZ", "S:%:AS_BASE", [42.0])]


def test_bulletins_stay_and_more_languages_are_asked_for(upgraded: Engine) -> None:
    asks = text("INSERT INTO core.bulletin (publication_id, language) SELECT id, :language FROM core.publication")
    with upgraded.begin() as connection:
        connection.execute(text("SET LOCAL ROLE sarhad_write"))
        for language in ("kk", "ky", "tg", "tk", "uz", "az"):
            connection.execute(asks, {"language": language})
        kept = connection.execute(text("SELECT language, pdf FROM core.bulletin WHERE made_at IS NOT NULL")).all()
    assert [tuple(row) for row in kept] == [("ru", b"%PDF")]
    with pytest.raises(IntegrityError, match="bulletin_language_check"), upgraded.begin() as connection:
        connection.execute(asks, {"language": "fr"})
