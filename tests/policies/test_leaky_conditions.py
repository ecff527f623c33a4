"""Conditions that tell whatever they are given are given neither hidden rows nor finer values."""

import re
from collections.abc import Iterator

import h3
import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from tests.exchange import Exchange
from tests.policies.entrance import Entrance
from tests.policies.readers import PLACE, VIEWS, World, seen

CELL = h3.latlng_to_cell(37.9521, 58.3794, 5)
CENTRE = tuple(round(x, 6) for x in reversed(h3.cell_to_latlng(CELL)))


@pytest.fixture(scope="module")
def leaks(superuser: Engine, exchange: Exchange) -> Iterator[None]:
    """The worst condition there is: cheaper than any other, so tried first, and telling all it is given."""
    with superuser.begin() as connection:
        connection.exec_driver_sql("""
        CREATE SCHEMA leak_test;
        GRANT USAGE ON SCHEMA leak_test TO sarhad_read;
        CREATE FUNCTION leak_test.tell(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
          $$ BEGIN RAISE NOTICE USING MESSAGE = 'told ' || coalesce($1::text, '<NULL>'); RETURN true; END $$;
        CREATE FUNCTION leak_test.tell_place(public.geometry) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
          AS $$ BEGIN RAISE NOTICE USING MESSAGE = 'told ' || coalesce(public.ST_AsText($1), '<NULL>');
          RETURN true; END $$;
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
def test_a_leaky_condition_is_given_no_hidden_row(entrance: Entrance, world: World, view: str, plan: str) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        if plan:
            session.execute(text(plan))
        heard = set(told(session, f"SELECT 1 FROM {view} WHERE leak_test.tell(record_id)"))
    assert world.names(list(heard)) == seen(entrance, world, world.tokens["partner"], view)


@pytest.mark.usefixtures("leaks")
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("view", ["shared.report", "shared.report_placed"])
def test_a_leaky_condition_is_given_no_finer_value(entrance: Entrance, world: World, view: str, plan: str) -> None:
    given = {
        "month": {"at": "2026-03-01 00:00:00+00", "position": None, "reference": None},
        "cell": {"at": "2026-03-14 00:00:00+00", "position": CENTRE, "reference": None},
        "point": {
            "at": "2026-03-13 23:20:00+00",
            "position": (float(PLACE["lon"]), float(PLACE["lat"])),
            "reference": "gate-point",
        },
    }
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
    question = "SELECT 1 FROM shared.report_line WHERE leak_test.tell(record_id)"
    with entrance("sarhad_read", world.tokens["stranger"]) as session:
        assert not set(told(session, question)) & set(world.records.values())
    with entrance("sarhad_read", world.tokens["owner"]) as session:
        assert set(told(session, question)) >= set(world.records.values())
