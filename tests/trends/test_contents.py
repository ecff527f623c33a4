"""Quartiles from the cube are those of the visible contents, whatever is filed, corrected, retracted or moved to
another scope, whatever the policies, before and after it is folded.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sarhad.analyses import finding
from sarhad.records import correction, retraction
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.policies.gate import reach
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.trends import keep
from service.trends.ask import TooManyCells
from service.trends.contents import Contents, contents, quartiles
from service.trends.parts import labels
from service.trends.question import Trend
from service.trends.tell import tell
from tests.analyses.laboratory import CAFFEINE, HEROIN, Laboratory, heroin_found
from tests.exchange import Exchange
from tests.trends.conftest import run

ACETYLCODEINE = "SAR-000102"  # of the group of heroin
READERS = (("AZ-LAB", "laboratory"), ("TJ-CUS", "analyst"), ("KG-CUS", "analyst"))
RULE = {"effect": "permit", "handling_up_to": "TLP:AMBER", "kinds": ["analysis"]}
RULES = (
    {"TJ": ["items", "laboratory", "purity"], "KG": ["laboratory", "purity"]},
    {"TJ": ["laboratory", "purity"], "KG": ["items", "purity"]},
)
QUESTIONS = [
    Trend.model_validate({"measure": "purity", **params})
    for params in (
        {"by": "month"}, {"by": "quarter", "owner": "AZ"}, {"by": "year,country"}, {"by": "owner,agency"},
        {"by": "agency_type"}, {"by": "substance"}, {"by": "group,month"}, {"by": "month", "substance": HEROIN},
        {"by": "month", "group": "heroin-opiates"}, {"by": "substance", "level": 0}, {"by": "year", "from": "1997-02"},
        {"by": "substance", "from": "1997-02", "to": "1997-04"},
    )
]  # fmt: skip
_NAMES = {
    "month": "to_char(at, 'YYYY-MM')", "quarter": """to_char(at, 'YYYY"-Q"Q')""", "year": "to_char(at, 'YYYY')",
    "owner": "owner", "agency": "agency", "country": "country", "substance": "name", "group": "name",
    "agency_type": "(SELECT type FROM core.agency WHERE code = agency)",
}  # fmt: skip
ROWS = """
  SELECT r.record_id, r.country AS owner, r.agency, r.place_country AS country, f.substance, c.unit, c.basis, c.value,
    CASE WHEN r.at > '-infinity' THEN r.at AT TIME ZONE 'UTC' END AS at
  FROM shared.report r JOIN shared.content c ON (c.record_id, c.version) = (r.record_id, r.version)
  LEFT JOIN shared.finding f ON (f.record_id, f.version, f.line) = (c.record_id, c.version, c.line)
  WHERE r.kind = 'analysis' AND r.status = 'reported'"""


async def recount(session: AsyncSession, question: Trend, catalogue: Catalogue) -> list[tuple[Any, ...]]:
    """Each cell's key, unit and basis, numbers and quartiles, by PostgreSQL from the rows that the reader sees."""
    known = labels(question, catalogue, "substance")
    kept, values = ["true"], {"kept": list(known.kept or ()), "owner": question.owner} | {"names": "{}"}
    values |= known.values() | {"since": question.since, "until": question.until}
    if question.about_lines:
        kept.append("substance IS NOT NULL" if known.kept is None else "substance = ANY (:kept)")
    kept += [condition for name, condition in (("owner", "owner = :owner"), ("since", "at >= :since"),
             ("until", "at < :until")) if getattr(question, name) is not None]  # fmt: skip
    keys = ", ".join(_NAMES[name] for name in question.dimensions)
    sql = f"""
    SELECT {keys}, unit, basis, count(*), count(DISTINCT record_id),
      percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY value::float8)
    FROM (SELECT *, coalesce(CAST(:names AS jsonb) ->> substance, substance) AS name FROM ({ROWS}) seen) seen
    WHERE {" AND ".join(kept)} GROUP BY {keys}, unit, basis"""
    bound = {name: value for name, value in values.items() if f":{name}" in sql}
    rows = (await session.execute(text(sql), bound)).all()
    return sorted(tuple(map(str, row[:-1])) + tuple(round(q, 4) for q in row[-1]) for row in rows)


def told(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(map(str, (*cell["key"].values(), p["unit"], p["basis"], p["n"], p["analyses"])))
        + tuple(float(p[q]) for q in ("q1", "median", "q3"))
        for cell in document["cells"]
        for p in cell["purity"]
    )


@pytest.fixture
def laboratory(exchange: Exchange) -> Laboratory:
    reviewer = exchange.region.profiles[exchange.add_holder("AZ-LAB/reviewer")].load_record_key()
    return Laboratory(exchange, "AZ-LAB", reviewer)


def file(laboratory: Laboratory, number: int) -> None:
    """An analysis of up to three contents, a third of them corrected and a sixth withdrawn."""
    chance = random.Random(number)
    record = heroin_found(laboratory.name, **drawn(chance))
    signed = laboratory.reviewed(record)
    versions = [signed]
    if number % 3 == 0:
        changed = drawn(chance)
        versions.append(laboratory.reviewed(correction(signed, items=changed["items"], purity=changed["purity"])))
    if number % 6 == 1:
        versions.append(laboratory.sign(retraction(signed, reason="Mixed up.", language="en")))
    for version in versions:
        reply = laboratory.file(version)
        assert reply.status == 201, reply.body


def drawn(chance: random.Random) -> dict[str, Any]:
    codes = chance.sample((HEROIN, ACETYLCODEINE, CAFFEINE), chance.choice((1, 2, 3)))
    return {
        "day": f"1997-0{chance.randint(1, 4)}-15",
        "items": [
            {"line": line, **finding(code, code, techniques=[1, 2, 3], **({"salt": "HCL"} if code == HEROIN else {}))}
            for line, code in enumerate(codes, 1)
        ],
        "purity": [
            {"line": line, "value": str(chance.choice((10, 12.5, 30, 31.2, 20))), "unit": "%",
             "basis": chance.choice(("AS_BASE", "AS_SALT")) if code == HEROIN else "AS_BASE"}
            for line, code in enumerate(codes, 1)
        ],
    }  # fmt: skip


def compare(settings: Settings) -> int:
    """How many cells of all readers were compared."""

    async def work(database: Database) -> int:
        compared = 0
        for agency, role in READERS:
            token = entered(settings, agency, role)
            async with database.reading() as session:
                await session.execute(text("SELECT set_config('sarhad.context', :t, true)"), {"t": token})
                catalogue, limits = await Catalogue.from_database(session), await reach(session)
                for question in QUESTIONS:
                    question.check()
                    found = told((await tell(session, question, catalogue, limits)).document)
                    assert found == await recount(session, question, catalogue), (agency, question)
                    compared += len(found)
        return compared

    return int(run(settings, work))


def entered(settings: Settings, agency: str, role: str) -> str:
    values = {"c": agency[:2], "a": agency, "r": role}
    with create_engine(settings.database_as()).begin() as connection:
        return str(connection.scalar(text("SELECT gate.enter(:c, :a, ARRAY[:r], 'analysis')"), values))


def adopt(exchange: Exchange, facets: dict[str, list[str]]) -> None:
    times = {"TJ": "month", "KG": "none"}
    exchange.adopt(
        "AZ",
        *(
            {"id": c.lower(), **RULE, "audience": {"countries": [c]}, "facets": f, "time": times[c], "place": "country"}
            for c, f in facets.items()
        ),
    )


def move(settings: Settings) -> None:
    """Some analyses go under another scope, as when a grant of their own is given."""
    with create_engine(settings.database_as()).begin() as connection:
        connection.execute(
            text("""UPDATE core.report r SET scope_id = (
            SELECT s.id FROM gate.scope s WHERE s.agency = r.agency AND s.kind = 'analysis' ORDER BY s.id LIMIT 1)
          WHERE kind = 'analysis' AND agency = 'AZ-LAB' AND hashtext(record_id::text) % 2 = 0""")
        )


def test_quartiles_are_those_of_the_visible_contents(
    exchange: Exchange, settings: Settings, laboratory: Laboratory
) -> None:
    adopt(exchange, RULES[0])
    for number in range(12):
        file(laboratory, number)
    assert compare(settings) > 60
    run(settings, keep.fold)
    for number in range(12, 18):
        file(laboratory, number)
    move(settings)
    adopt(exchange, RULES[1])
    compared = compare(settings)
    assert compared > 60
    run(settings, keep.fold)
    assert compare(settings) == compared
    assert run(settings, keep.differences)["content"][1] == 0
    run(settings, keep.rebuild)
    assert compare(settings) == compared


def test_a_content_that_is_lost_or_made_up_is_found(settings: Settings) -> None:
    with create_engine(settings.database_as()).begin() as connection:
        changed = connection.execute(
            text("""UPDATE core.cube_content SET contents = contents || 99.9
          WHERE id = (SELECT min(id) FROM core.cube_content)""")
        )
        assert changed.rowcount == 1
    assert run(settings, keep.differences)["content"][1] == 1
    run(settings, keep.rebuild)
    assert run(settings, keep.differences)["content"][1] == 0


FILED = """INSERT INTO core.cube_content (scope_id, month_end, unit, basis, folded, sign, contents)
  SELECT (SELECT min(id) FROM gate.scope WHERE agency = 'AZ-LAB' AND kind = 'analysis'), '1984-01-31', '%',
    'AS_BASE', :folded, :sign, ARRAY(SELECT (random() * 100)::float8 FROM generate_series(1, :size))
  FROM generate_series(1, :rows)"""


@pytest.fixture
def put(settings: Settings) -> Iterator[Callable[..., None]]:
    """Rows of the cube in a month without analyses, as long as a test lasts."""
    engine = create_engine(settings.database_as())

    def insert(rows: int, size: int = 1, sign: int = 1, folded: bool = False) -> None:
        values = {"rows": rows, "size": size, "sign": sign, "folded": folded}
        with engine.begin() as connection:
            connection.execute(text(FILED), values)

    yield insert
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM core.cube_content WHERE month_end = '1984-01-31'"))
    engine.dispose()


def test_a_month_of_many_contents_is_not_written_anew_for_a_few(settings: Settings, put: Callable[..., None]) -> None:
    run(settings, keep.fold)
    put(1, size=10_000, folded=True)
    put(100)
    assert run(settings, keep.fold) == 0
    put(250)
    assert run(settings, lambda database: keep.fold(database, 351)) == 0
    assert run(settings, lambda database: keep.fold(database, 350)) == 350


def test_contents_are_bounded_before_they_are_read(
    settings: Settings, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was taken away does not count, folded or not."""
    question = Trend.model_validate({"measure": "purity", "by": "month", "from": "1984-01", "to": "1984-02"})
    token = entered(settings, "AZ-LAB", "laboratory")

    async def asked(database: Database) -> tuple[int, list[str]]:
        sent: list[str] = []
        async with database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :t, true)"), {"t": token})
            known = labels(question, await Catalogue.from_database(session), "substance")
            connection = (await session.connection()).sync_connection
            event.listen(connection, "before_cursor_execute", lambda *about: sent.append(str(about[2])))
            try:
                found = await contents(session, question, known, 2)
            except TooManyCells:
                return 0, sent
            return sum(cell.analyses for cell in found.cells.values()), sent

    monkeypatch.setattr("service.trends.contents.MOST_VALUES", 10)
    put(12)
    put(2, sign=-1)
    assert run(settings, asked)[0] == 10
    put(1)
    number, sent = run(settings, asked)
    assert number == 0
    assert not any("array_send" in statement for statement in sent)


def test_what_was_taken_away_is_taken_away_once() -> None:
    cell = Contents([np.array([3.0, 1.0]), np.array([1.0])], [np.array([1.0])])
    assert cell.values().tolist() == [1.0, 3.0]


def test_many_values_are_taken_away_in_one_pass() -> None:
    held = np.repeat(np.arange(100_000.0), 2)
    cell = Contents([held[::-1]], [np.arange(100_000.0), np.array([5.0])])
    assert cell.values().tolist() == [v for v in range(100_000) if v != 5]


def test_quartiles_lie_between_the_values() -> None:
    assert quartiles(np.array([10.0, 20.0, 40.0])) == [15.0, 20.0, 30.0]
    assert quartiles(np.array([7.5])) == [7.5, 7.5, 7.5]
