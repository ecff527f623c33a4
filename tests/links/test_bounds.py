"""Links are found for everyone, whatever one country files: bounds of a pass, and what becomes of one that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Connection, Engine, create_engine, text
from structlog.testing import capture_logs

from service.database import Database
from service.links.seek import seek
from service.settings import Settings
from tests.exchange import Region

OF_A_SCOPE = 50
SCOPES = """INSERT INTO gate.scope (id, owner, kind, handling, groups, agency)
  SELECT row_number() OVER (ORDER BY code, h) - 1, country, 'seizure', h, 0, code
  FROM core.agency, unnest(ARRAY[1, 4]) h WHERE right(code, 3) IN ('CUS', 'LAB')"""
REPORTS = text("""
WITH filed AS MATERIALIZED (
  SELECT gen_random_uuid() AS id, s.id AS scope, s.agency, s.owner, CAST(:day AS date) AS day,
    (date_trunc('month', CAST(:day AS date)) + interval '1 month - 1 day')::date AS month_end
  FROM gate.scope s, generate_series(1, :many) WHERE s.agency = :agency AND s.handling = :handling
), reports AS (
  INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
    digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day, at_month,
    month_end, place_country, point)
  SELECT f.id, 1, 'seizure', f.agency, f.owner, 'k', 'TLP:GREEN', f.scope, true, 'reported', '', '', 'j',
    array_fill(NULL::text, ARRAY[19]), '', '', 'r', '[]', f.day, f.day, f.day, f.month_end, 'KG',
    public.ST_SetSRID(public.ST_Point(74.365, 42.871), 4326) FROM filed f
), lines AS (
  INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity, unit, kg,
    kg_low, kg_high, rule)
  SELECT f.id, 1, 1, f.scope, f.month_end, 'S', 'PRES', :kg, 'KG', :kg, :kg, :kg, 'mass' FROM filed f
), facts AS (
  INSERT INTO core.report_fact (record_id, version, scope_id, month_end, latest, kind, day, place_country)
  SELECT f.id, 1, f.scope, f.month_end, true, 'seizure', f.day, 'KG' FROM filed f
) INSERT INTO core.link_queue SELECT f.id, f.owner FROM filed f RETURNING record_id""")
QUEUED = text("INSERT INTO core.link_queue SELECT record_id, country FROM core.report WHERE record_id = ANY (:records)")
MARKS = text("""INSERT INTO core.appearance (record_id, version, n, scope_id, month_end, logo, diameter_mm, exhibit)
  SELECT r.record_id, 1, n, r.scope_id, r.month_end, :logo, :diameter + n * :apart, 1
  FROM core.report r, generate_series(1, :many) n WHERE r.record_id = ANY (:records)""")
METHOD = """
INSERT INTO core.profile_method (code, agency, substance, technique, markers, description, declared_by)
  SELECT 'M.1', 'KZ-LAB', 'SAR-000030', 'GC', array_fill('m'::text, ARRAY[5]), '', 'k'
  WHERE NOT EXISTS (SELECT FROM core.profile_method WHERE code = 'M.1');
INSERT INTO core.profile_calibration (method, version, agency, batches, linked, unlinked, auc, cllr, scores, log10lr,
    low, high, least, made_by)
  SELECT 'M.1', 1, 'KZ-LAB', 1, 1, 1, 1, 0, '{}', '{}', '{}', '{}', 0.9, 'k'
  WHERE NOT EXISTS (SELECT FROM core.profile_calibration WHERE method = 'M.1')"""
PROFILES = text("""INSERT INTO core.profile (record_id, version, n, scope_id, month_end, line, method, unit, owner)
  SELECT r.record_id, 1, 1, r.scope_id, r.month_end, 1, 'M.1', CAST(:unit AS public.cube), r.country
  FROM core.report r WHERE r.record_id = ANY (:records)""")
EXHIBITS = text("""UPDATE core.report_line l SET exhibit = r.agency || '/' || r.record_id, examined_by = :by
  FROM core.report r WHERE r.record_id = l.record_id AND r.record_id = ANY (:records) RETURNING l.exhibit""")
RESULTS = text("""INSERT INTO core.exhibit_link (record_id, version, scope_id, month_end, exhibit, substances)
  SELECT r.record_id, 1, r.scope_id, r.month_end, x.exhibit, '{}'
  FROM core.report r, unnest(CAST(:exhibits AS text[])) x(exhibit)
  WHERE r.record_id = ANY (:records)""")
HELD = text("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
COMPARED = text("""SELECT left(y.agency, 2) AS country, count(*) AS many
  FROM core.compare_events(:records) c JOIN core.report y ON y.record_id IN (c.a, c.b) AND y.record_id <> ALL (:records)
  GROUP BY 1""")
LINKED = text("""SELECT count(*) FROM core.link WHERE relation = :relation
  AND (a = ANY (:ones) AND b = ANY (:others) OR a = ANY (:others) AND b = ANY (:ones))""")
TRIGGERED = """
CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {1}; RETURN NEW; END$$;
CREATE TRIGGER dawdle BEFORE INSERT ON core.link_fact FOR EACH ROW WHEN (NEW.record_id = '{0}')
  EXECUTE FUNCTION public.dawdle()"""
SLEEPS, FAILS = "PERFORM pg_sleep(60)", "RAISE EXCEPTION USING ERRCODE = '{}'"
HURRIED = "DROP TRIGGER dawdle ON core.link_fact; DROP FUNCTION public.dawdle()"


@pytest.fixture
def rows(apart: tuple[Settings, Region]) -> Iterator[Connection]:
    """No record; what the test adds, it adds as rows, and passes look at them where it asks for that."""
    engine: Engine = create_engine(apart[0].database_as())
    with engine.connect() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        for table in (
            "link",
            "link_fact",
            "link_queue",
            "link_retry",
            "appearance",
            "exhibit_link",
            "profile",
            "report_fact",
            "report_line",
            "report",
        ):
            connection.exec_driver_sql(f"DELETE FROM core.{table}")
        if not connection.scalar(text("SELECT count(*) FROM gate.scope")):
            connection.exec_driver_sql(SCOPES)
        connection.commit()
        yield connection
    engine.dispose()


def reports(
    rows: Connection, agency: str, many: int = 1, kg: str = "9.884", *, day: str = "2026-03-14", handling: int = 1
) -> list[UUID]:
    """Of one scope: of this agency and this handling."""
    asked = {"agency": agency, "many": many, "kg": kg, "day": day, "handling": handling}
    found = rows.scalars(REPORTS, asked).all()
    rows.commit()
    return list(found)


def marked(
    rows: Connection, records: list[UUID], *, many: int = 1, apart: float = 0.0, logo: str = "rolls royce"
) -> None:
    rows.execute(MARKS, {"records": records, "many": many, "apart": apart, "logo": logo, "diameter": 8})
    rows.commit()


def linked(rows: Connection, ones: list[UUID], others: list[UUID], relation: str = "event") -> int:
    rows.commit()
    return int(rows.execute(LINKED, {"relation": relation, "ones": ones, "others": others}).scalar_one())


def with_database(apart: tuple[Settings, Region], act: Callable[[Database], Awaitable[Any]]) -> Any:
    async def acted() -> Any:
        database = Database(apart[0])
        try:
            return await act(database)
        finally:
            await database.dispose()

    return asyncio.run(acted())


async def all_passes(database: Database) -> None:
    """Until nothing waits, and none of them took too long."""
    with capture_logs() as said:
        while await seek(database):
            pass
    assert said == []


def put_back(rows: Connection) -> dict[UUID, int]:
    """What passes did not get through with, and how often."""
    rows.commit()
    return {row.record_id: row.tried for row in rows.execute(text("SELECT record_id, tried FROM core.link_retry"))}


def test_a_logo_on_ten_thousand_marks_keeps_no_other_tablets_apart(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    flood = reports(rows, "KG-CUS", 100, "1")
    marked(rows, flood, many=100)
    one, other = reports(rows, "KZ-CUS", kg="2"), reports(rows, "UZ-CUS", kg="3")
    marked(rows, [*one, *other])
    with_database(apart, all_passes)
    assert linked(rows, one, other, "physical") == 1
    assert linked(rows, one, flood, "physical") == OF_A_SCOPE


def test_a_hundred_looks_of_one_logo_in_each_record_are_no_obstacle(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    marked(rows, reports(rows, "KG-CUS", 10, "1"), many=100, apart=0.05)
    one, other = reports(rows, "KZ-CUS", kg="2"), reports(rows, "UZ-CUS", kg="3")
    marked(rows, [*one, *other])
    with_database(apart, all_passes)
    assert linked(rows, one, other, "physical") == 1


def test_five_thousand_similar_reports_of_a_country_take_no_place_of_anothers(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    flood = [*reports(rows, "KG-CUS", 2_500), *reports(rows, "KG-LAB", 2_500)]
    one, other = reports(rows, "KZ-CUS"), reports(rows, "UZ-CUS")
    with_database(apart, all_passes)
    assert linked(rows, one, other) == 1
    assert linked(rows, one, flood) <= 2 * OF_A_SCOPE, "two scopes"
    assert linked(rows, flood[:1], flood) <= OF_A_SCOPE, "the other agency's"
    late = reports(rows, "TJ-CUS")
    with_database(apart, all_passes)
    assert linked(rows, late, [*one, *other]) == 2, "nor of one that comes after the flood"


def test_of_a_crowd_the_nearest_in_amount_are_compared(apart: tuple[Settings, Region], rows: Connection) -> None:
    for kg in range(20, 50):
        reports(rows, "KG-CUS", 40, f"{kg}.111")
    twin = reports(rows, "KG-CUS", kg="34.567")
    with_database(apart, all_passes)
    one = reports(rows, "KZ-CUS", kg="34.567")
    with_database(apart, all_passes)
    assert linked(rows, one, twin) == 1


def test_who_crowds_a_day_is_compared_less_and_nobody_else(apart: tuple[Settings, Region], rows: Connection) -> None:
    """Neither another country nor a scope that a reader may not see, however near its amounts are."""
    reports(rows, "KG-CUS", 700)
    reports(rows, "UZ-CUS", 150, "9.885", handling=4)
    reports(rows, "TJ-CUS", 90, "20")
    twin = reports(rows, "UZ-CUS", kg="9.95")
    with_database(apart, all_passes)
    one = reports(rows, "KZ-CUS")
    with_database(apart, all_passes)
    compared = {row.country: row.many for row in rows.execute(COMPARED, {"records": one})}
    assert compared == {"KG": 50, "UZ": 51, "TJ": 90}
    assert linked(rows, one, twin) == 1


def test_a_month_takes_no_place_of_anothers(apart: tuple[Settings, Region], rows: Connection) -> None:
    """A reader may be shown the one and not yet the other."""
    april = reports(rows, "KG-CUS", 120, day="2026-04-01")
    march = reports(rows, "KG-CUS", kg="9.885", day="2026-03-31")
    marked(rows, [*april, *march])
    with_database(apart, all_passes)
    one = reports(rows, "KZ-CUS", day="2026-04-01")
    marked(rows, one)
    with_database(apart, all_passes)
    for relation in ("event", "physical"):
        assert linked(rows, one, april, relation) == OF_A_SCOPE
        assert linked(rows, one, march, relation) == 1


def test_of_alike_profiles_those_of_one_country_take_no_place_of_anothers(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    rows.exec_driver_sql(METHOD)
    flood, other = reports(rows, "KG-CUS", 300, "1"), reports(rows, "UZ-CUS", kg="2")
    one = reports(rows, "KZ-CUS", kg="3")
    for records, unit in ((flood, "(1, 0, 0)"), (other, "(0.96, 0.28, 0)"), (one, "(1, 0, 0)")):
        rows.execute(PROFILES, {"records": records, "unit": unit})
    rows.commit()
    with_database(apart, all_passes)
    assert linked(rows, one, other, "chemical") == 1
    assert linked(rows, one, flood, "chemical") == OF_A_SCOPE


def test_a_record_that_takes_too_long_is_set_aside_and_keeps_no_other_waiting(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    endless, *_ = [*reports(rows, "KG-CUS"), *reports(rows, "KG-LAB", 2, "77")]
    rows.exec_driver_sql(TRIGGERED.format(endless, SLEEPS))
    rows.commit()
    aside = REGISTRY.get_sample_value("sarhad_links_set_aside_total") or 0

    async def hurried(database: Database) -> int:
        return await seek(database, most=4, patience=3)

    try:
        assert with_database(apart, hurried) == 3
        assert set(put_back(rows).values()) == {1}
        one, other = reports(rows, "KZ-CUS"), reports(rows, "UZ-CUS")
        for _ in range(3):
            with_database(apart, hurried)
        assert linked(rows, one, other) == 1, "KZ and UZ have their turns beside what KG waits for"
        with capture_logs() as said:

            async def rest(database: Database) -> None:
                while await hurried(database):
                    pass

            with_database(apart, rest)
        assert put_back(rows) == {endless: 3}, "4, 2, 1"
        assert [entry["log_level"] for entry in said if "set aside" in entry["event"]] == ["error"]
        assert str(endless) not in str(said)
        assert REGISTRY.get_sample_value("sarhad_links_set_aside_total") == aside + 1
    finally:
        rows.exec_driver_sql(HURRIED)
        rows.commit()
    rows.execute(QUEUED, {"records": [endless]})
    rows.commit()
    with_database(apart, all_passes)
    assert put_back(rows) == {}, "its next version is looked at anew"
    assert linked(rows, [endless], [*one, *other]) == 2


@pytest.mark.parametrize("filing", [False, True])
def test_countries_have_their_turns_and_what_was_put_back_has_its_own(
    apart: tuple[Settings, Region], rows: Connection, *, filing: bool
) -> None:
    """However much KG and KZ file, and whatever waits of KZ to be looked at again."""
    reports(rows, "KG-CUS", 40)
    again = reports(rows, "KZ-CUS", 2)
    with_database(apart, lambda database: seek(database, most=0))
    rows.execute(text("DELETE FROM core.link_queue WHERE country = 'KZ'"))
    rows.execute(text("SELECT core.put_links_back(:records, 1)"), {"records": again})
    late = reports(rows, "UZ-CUS")
    for _ in range(4):
        if filing:
            reports(rows, "KZ-CUS", 10)
        with_database(apart, lambda database: seek(database, most=4))
    left = {
        row.country: row.many
        for row in rows.execute(text("SELECT country, count(*) AS many FROM core.link_queue GROUP BY country"))
    }
    assert put_back(rows) == {}, "a turn of its own"
    assert linked(rows, again, late) == 2
    assert left.get("UZ") is None
    assert left["KG"] < 40


@pytest.mark.parametrize(("state", "aside"), [("22003", True), ("54000", True), ("53200", False), ("40P01", False)])
def test_only_by_what_it_is_is_a_record_set_aside(
    apart: tuple[Settings, Region], rows: Connection, state: str, *, aside: bool
) -> None:
    one, other = reports(rows, "KZ-CUS"), reports(rows, "UZ-CUS")
    rows.exec_driver_sql(TRIGGERED.format(one[0], FAILS.format(state)))
    rows.commit()
    try:
        for _ in range(4):
            with_database(apart, lambda database: seek(database, most=1))
        assert put_back(rows) == {one[0]: 1 if aside else 0}
    finally:
        rows.exec_driver_sql(HURRIED)
        rows.commit()
    for _ in range(2):
        with_database(apart, lambda database: seek(database, most=1))
    assert linked(rows, one, other) == (0 if aside else 1)


def test_a_pass_that_is_undone_has_had_its_turn(apart: tuple[Settings, Region], rows: Connection) -> None:
    """As where the server ends with it: the next country is looked at, and nothing that waits is lost."""
    first, second = reports(rows, "KG-CUS"), reports(rows, "KZ-CUS")
    turns = []
    for _ in range(2):
        turns.append(rows.execute(text("SELECT records FROM core.take_links(10)")).scalar_one())
        rows.rollback()
    assert sorted(turns) == sorted([first, second])


def test_a_record_that_another_transaction_holds_up_waits_and_is_not_set_aside(
    apart: tuple[Settings, Region], rows: Connection
) -> None:
    one, other = reports(rows, "KZ-CUS"), reports(rows, "UZ-CUS")
    with_database(apart, all_passes)
    rows.execute(QUEUED, {"records": one})
    rows.commit()

    async def alone(database: Database) -> int:
        return await seek(database, most=1, patience=1)

    rows.execute(text("SELECT id FROM core.link FOR UPDATE"))
    assert with_database(apart, alone) == 0, "not now"
    assert put_back(rows) == {one[0]: 0}
    rows.execute(text("SELECT id FROM core.link FOR UPDATE"))
    assert with_database(apart, alone) == 0, "still looked at"
    rows.rollback()
    assert with_database(apart, alone) == 1
    assert put_back(rows) == {}
    assert linked(rows, one, other) == 1


def test_countries_wait_for_each_others_exhibits_only_where_one_asks_the_others_laboratory(rows: Connection) -> None:
    """Of 2,000 exhibits of each: more than there are locks."""

    def exhibited(agency: str, many: int, by: str | None = None) -> tuple[list[UUID], list[str]]:
        records = reports(rows, agency, many)
        return records, list(rows.scalars(EXHIBITS, {"records": records, "by": by}))

    def held(records: list[UUID]) -> set[tuple[int, int]]:
        """The locks that linking these records takes."""
        rows.commit()
        rows.execute(text("SELECT gate.link_exhibits(:records)"), {"records": records})
        found = {(row.classid, row.objid) for row in rows.execute(HELD)}
        rows.rollback()
        return found

    (kz, own), (kg, _), (asking, asked) = (
        exhibited("KZ-CUS", 2_000), exhibited("KG-CUS", 2_000), exhibited("KZ-CUS", 1_000, "KG-LAB")
    )  # fmt: skip
    unasked, answering, self_made = (reports(rows, agency) for agency in ("KG-LAB", "KG-LAB", "KZ-LAB"))
    for records, exhibits in ((unasked, own), (answering, asked), (self_made, own)):
        rows.execute(RESULTS, {"records": records, "exhibits": exhibits})
    assert 100 < len(held(kz)) <= 128
    assert not held(kz) & held(kg)
    assert not held(kz) & held(unasked), "nobody asked: it has no say, and is not waited for"
    assert held(kz) == held(self_made)
    assert held(answering) <= held(asking)
    assert held(answering)
    assert len(held([*kz, *asking])) <= 256
