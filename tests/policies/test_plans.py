"""How PostgreSQL answers through the gate: by an index, as first asked and with the plan that the driver keeps."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import CompoundSelect, Connection, Engine, Select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from service.geometry import Box
from service.ogc import records as features
from service.ogc.asking import Asked
from service.ogc.grid import Tile
from service.policies.gate import LEVELS, Reach
from service.seizures.query import ONE, Search, page
from tests.policies.readers import OWNER, STRANGER, World

COPIES = 6_000
_SPREAD = """
INSERT INTO core.report SELECT (r).* FROM (
  SELECT jsonb_populate_record(r, jsonb_build_object('record_id', gen_random_uuid(), 'reference', NULL,
    'at_instant', v.at, 'at_day', date_trunc('day', v.at), 'at_month', date_trunc('month', v.at),
    'month_end', (date_trunc('month', v.at) + interval '1 month - 1 day')::date,
    'point', public.ST_SetSRID(public.ST_MakePoint(v.x, v.y), 4326),
    'cell', public.ST_SetSRID(public.ST_MakePoint(round(v.x::numeric, 1), round(v.y::numeric, 1)), 4326))) AS r
  FROM core.report r CROSS JOIN LATERAL (
    SELECT timestamptz '2012-01-01' + random() * interval '4800 days' AS at, 60 + random() * 20 AS x,
      38 + random() * 12 AS y, r.version AS correlated FROM generate_series(1, :copies)) v
  WHERE r.record_id = ANY (:records) AND r.latest) made
"""
_IN_ORDER = {f"report_{level}_idx" for level in ("instant", "day", "month", "undated")}
SMALL_BOX = "68.35,43.35,68.45,43.45"


@pytest.fixture(scope="module")
def spread(superuser: Engine, world: World) -> Iterator[Connection]:
    """Many copies of what the world holds, at other times and places."""
    with superuser.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        records = [UUID(world.records[name]) for name in ("point", "cell", "month")]
        connection.execute(text(_SPREAD), {"copies": COPIES, "records": records})
        connection.execute(text("SET LOCAL session_replication_role = origin"))
        connection.execute(text("ANALYZE core.report"))
        yield connection
        connection.rollback()


def become(connection: Connection, token: str) -> Reach:
    connection.execute(text("RESET ROLE"))
    connection.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
    connection.execute(text("SET LOCAL ROLE sarhad_read"))
    levels, giving = connection.execute(text("SELECT gate.reach(), gate.giving(200)")).one()
    return Reach.of(levels, "", giving)


def plans(connection: Connection, query: Select[Any] | CompoundSelect[Any], **values: Any) -> Iterator[dict[str, Any]]:
    """The plan for these values, and the one that fits all values: what a prepared statement comes to."""
    dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    compiled = query.params(**values).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    given = [compiled.params[name] for name in compiled.positiontup or ()]
    literals = ", ".join(map(_literal, given))
    for mode in ("force_custom_plan", "force_generic_plan"):
        connection.exec_driver_sql(f"SET LOCAL plan_cache_mode = {mode}")
        connection.exec_driver_sql(f"PREPARE asked AS {compiled}".replace("%", "%%"))
        arguments = f"({literals})" if given else ""
        (explained,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) EXECUTE asked{arguments}").scalars()
        connection.exec_driver_sql("DEALLOCATE asked")
        yield json.loads(explained)[0]["Plan"] if isinstance(explained, str) else explained[0]["Plan"]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    said = f"{{{', '.join(map(str, value))}}}" if isinstance(value, list) else str(value)
    return "'{}'".format(said.replace("'", "''"))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any]) -> tuple[set[str], list[str]]:
    """The indexes that the plan reads, and the tables that it reads from end to end."""
    read = list(nodes(plan))
    whole = [node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"]
    return {node["Index Name"] for node in read if "Index Name" in node}, whole


@pytest.mark.parametrize(
    ("reader", "indexes"),
    [("owner", {"report_point_idx"}), ("partner", {"report_point_idx", "report_cell_idx"})],
)
def test_what_is_visible_in_a_box_is_found_by_an_index(
    spread: Connection, world: World, reader: str, indexes: set[str]
) -> None:
    limits = become(spread, world.tokens[reader])
    for plan in plans(spread, page(Search(bbox=SMALL_BOX), limits, frozenset(), None)):
        used, whole = scans(plan)
        assert used == indexes
        assert not whole


@pytest.mark.parametrize("reader", ["owner", "partner"])
def test_features_and_points_of_tiles_are_found_by_an_index(spread: Connection, world: World, reader: str) -> None:
    limits = become(spread, world.tokens[reader])
    box = Box(*map(float, SMALL_BOX.split(",")))
    tile = Tile(11, 749, 1413)  # around it
    for query in (features.page(Asked(box=box), limits, None), features.points(tile, features.Shown(), limits)):
        for plan in plans(spread, query):
            used, whole = scans(plan)
            by_key = {"report_line_pkey", "provisional_substance_pkey"}  # what is told of those that were found
            assert used <= {"report_point_idx", "report_cell_idx", *by_key}
            assert "report_point_idx" in used
            assert not whole


@pytest.mark.parametrize(
    ("reader", "indexes"),
    [("owner", {"report_instant_idx"}), ("partner", {"report_instant_idx", "report_day_idx", "report_month_idx"})],
)
def test_the_newest_are_read_in_order(spread: Connection, world: World, reader: str, indexes: set[str]) -> None:
    """An index for each precision that the reader is given, merged: nothing is sorted that is not shown. What other
    countries' policies give meanwhile is read by the index of its own precision.
    """
    limits = become(spread, world.tokens[reader])
    for plan in plans(spread, page(Search(), limits, frozenset(), None)):
        used, whole = scans(plan)
        assert indexes <= used <= {f"report_{level}_idx" for level in ("instant", "day", "month")}
        assert not whole
        assert "Sort" not in {node["Node Type"] for node in nodes(plan)}


def test_whoever_gives_nothing_is_not_walked_through(spread: Connection, world: World) -> None:
    """Nearly all records are of one owner. Once it is stopped, to ask for its records reads none, and to ask for the
    newest does not read them in the order of time until it finds another's.
    """
    assert OWNER in become(spread, world.tokens["partner"]).owners
    stranger = become(spread, world.tokens["stranger"])
    assert OWNER not in stranger.owners
    levels = dict.fromkeys(LEVELS, 1 << 20)  # as if somebody else gave something
    for plan in plans(spread, page(Search(owner=OWNER), Reach(levels, stranger.owners, ""), frozenset(), None)):
        assert not _reports(plan)
    other = Reach(levels, frozenset({STRANGER}), "")
    of_these, _ = plans(spread, page(Search(), other, frozenset(), None))  # which owners is known before it is planned
    assert not {node.get("Index Name") for node in _reports(of_these)} & _IN_ORDER


def test_few_records_among_many_are_read_by_their_scopes(spread: Connection, world: World) -> None:
    """A scope with one record is all that is given, and there are thousands of others: none of them is read, whatever
    is asked of the one. With another plan the time that it takes would tell how many there are.
    """
    partner = become(spread, world.tokens["partner"])
    given = {OWNER: [_scope(spread, world, "hidden")]}
    few = Reach(dict.fromkeys(LEVELS, (1 << 26) - 1), frozenset({OWNER}), "", given)
    assert _scope(spread, world, "hidden") not in partner.scopes[OWNER]
    for asked in (Search(owner=OWNER), Search(), Search(owner=OWNER, transport="9")):
        for plan in plans(spread, page(asked, few, frozenset(), None)):
            assert {node.get("Index Name") for node in _reports(plan)} == {"report_scope_idx"}
    for plan in plans(spread, features.page(Asked(), few, None)):
        assert {node.get("Index Name") for node in _reports(plan)} == {"report_scope_idx"}


def test_the_scopes_that_give_are_told_of_owners_that_have_few(spread: Connection, world: World) -> None:
    """Those of records that the reader is given, and no others; who gives is told of every owner that does."""
    scopes = become(spread, world.tokens["partner"]).scopes[OWNER]
    assert set(scopes) >= {_scope(spread, world, name) for name in ("point", "cell", "month")}
    assert OWNER not in become(spread, world.tokens["stranger"]).scopes
    become(spread, world.tokens["partner"])
    giving = text("SELECT gate.giving(:most)")
    assert spread.execute(giving, {"most": len(scopes)}).scalar_one()[OWNER] == scopes
    fewer = spread.execute(giving, {"most": len(scopes) - 1}).scalar_one()
    assert fewer[OWNER] is None
    many = Reach.of([0] * len(LEVELS), "", fewer)
    assert OWNER in many.owners
    assert OWNER not in many.scopes


def _scope(connection: Connection, world: World, name: str) -> int:
    """The scope of a record, asked as the superuser; the reader's role is taken again."""
    connection.execute(text("RESET ROLE"))
    query = text("SELECT scope_id FROM core.report WHERE record_id = :id AND latest")
    found = int(connection.execute(query, {"id": UUID(world.records[name])}).scalar_one())
    connection.execute(text("SET LOCAL ROLE sarhad_read"))
    return found


def _reports(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in nodes(plan) if node.get("Relation Name") == "report"]


def test_one_record_is_one_look_into_one_index(spread: Connection, world: World) -> None:
    become(spread, world.tokens["partner"])
    for plan in plans(spread, ONE, record_id=UUID(world.records["cell"])):
        read = [node for node in nodes(plan) if node.get("Relation Name") == "report"]
        assert [node.get("Index Name") for node in read] == ["report_pkey"]
