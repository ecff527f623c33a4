"""The cube's answer equals the sum over the reader's visible rows, byte for byte: whatever is filed, corrected,
retracted, moved to another scope or linked to another, whatever the policies, before and after it is folded.
"""

import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sarhad.records import item, read, retraction
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.ogc.mosaic import Map, mosaic
from service.policies.gate import Reach, reach
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.trends import keep
from service.trends.answer import document, kilograms
from service.trends.ask import ask
from service.trends.places import Flows
from service.trends.question import Trend
from tests.exchange import Exchange
from tests.policies.documents import DENIES, PERMITS
from tests.policies.twins import DRAFTS, Draft, new_id, record
from tests.trends.conftest import run as performed
from tests.trends.recount import counted_once, people, repeated, seen

OWNER = "UZ"
READERS = (("UZ-CUS", "reporter", "analysis"), ("TJ-CUS", "analyst", "analysis"), ("KZ-LAB", "laboratory", "health"))
ITEMS = (
    ("heroin", "1.50", "kg", "PRES"), ("heroin", "250", "g", "CONF"), ("morphine", "3", "tablet", "PRES"),
    ("hashish", "0.004", "kg", "CONF"), ("ecstasy", "40", "tablet", "PRES"), ("opium", "2", "l", "SUSP"),
    ("acetic anhydride", "10", "l", "CONF"), ("heroin", "0.0001", "g", "NEGA"),
)  # fmt: skip
BY = (
    "month", "day", "quarter", "year", "owner", "country", "admin1", "cell", "group", "substance", "status", "unit",
    "transport", "place_type", "concealment", "agency", "agency_type", "rule",
)  # fmt: skip
FILTERS = {
    "from": ("2025-05", "2025-06", "2025-05-15"), "to": ("2025-06", "2025-07", "2025-06-20"), "owner": ("UZ", "KZ"),
    "country": ("UZ", "TJ"), "admin1": ("UZ-SA",), "group": ("heroin-opiates", "cannabis"),
    "substance": ("SAR-000608", "SAR-000001", "SAR-000002"), "status": ("CONF", "PRES"), "transport": ("3", "2"),
    "concealment": ("LUG",), "agency": ("UZ-LAB",), "level": ("0", "1"), "resolution": ("2",),
}  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> Trend:
    by = draw(st.lists(st.sampled_from(BY), min_size=1, max_size=2, unique=True))
    chosen = {
        name: draw(st.sampled_from(values))
        for name, values in FILTERS.items()
        if draw(st.sampled_from((0, 0, 0, 0, 0, 1)))
    }
    if "day" in by:
        chosen |= {"from": "2025-05", "to": draw(st.sampled_from(FILTERS["to"]))}
    return Trend.model_validate({"by": ",".join(by), "measure": "seizures,items,kg,tablets,first", **chosen})


def possible(question: Trend) -> bool:
    try:
        question.check()
    except Exception:
        return False
    return True


@dataclass(frozen=True)
class Fate:
    """A record and what becomes of it."""

    draft: Draft
    items: tuple[int, ...]
    other: tuple[int, ...]
    end: str
    moved: bool

    def facets(self, mark: str, items: tuple[int, ...]) -> dict[str, Any]:
        facets = self.draft.facets(mark)
        if self.draft.kind == "seizure":
            chosen = [ITEMS[n % len(ITEMS)] for n in items]
            facets["items"] = [
                {"line": n + 1, **item(None, word, quantity, unit, status=status)}
                for n, (word, quantity, unit, status) in enumerate(chosen)
            ]
            for name in ("purity", "spectra"):
                facets.pop(name, None)
            if "route" in facets:
                facets["route"] = [
                    {"role": "DEPARTURE", "country": "AF", "certainty": "KNOWN"},
                    {"role": "TRANSIT", "country": "TJ", "certainty": "DECLARED"}, *facets["route"],
                ]  # fmt: skip
            if "persons" in facets:
                men = {"n": 1 + len(items), "role": "CUR", "sex": "12"[len(items) % 2], "age_band": "25-34",
                       "nationality": "UZ"}  # fmt: skip
                facets["persons"] = {"groups": [men], "arrested": men["n"]}
            if "transport" in facets:
                facets["transport"] |= {"place_type": ("ROAD", "BCPR")[len(items) % 2]}
        return facets


LINES = st.lists(st.integers(0, len(ITEMS) - 1), min_size=1, max_size=4).map(tuple)
FATES = st.builds(
    Fate, DRAFTS, LINES, LINES, st.sampled_from(("filed", "filed", "corrected", "retracted")), st.booleans()
)
WIDE = PERMITS.map(lambda rule: rule | {"audience": {}, "purposes": None, "kinds": None, "substance_groups": None})


@pytest.fixture(scope="module")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def run(settings: Settings) -> Callable[[Callable[[Database], Coroutine[Any, Any, Any]]], Any]:
    """Run one coroutine with the service's own database connections."""

    return partial(performed, settings)


def file(exchange: Exchange, fates: list[Fate], start: int) -> None:
    batches: dict[str, list[str]] = {}
    for number, fate in enumerate(fates, start):
        agency = fate.draft.agency
        first = exchange.sign(record(fate.draft, id_ := new_id(), fate.facets(f"exact-{number}-{id_}", fate.items)))
        versions = [first]
        if fate.end == "corrected":
            again = record(fate.draft, id_, fate.facets(f"exact-{number}-{id_}", fate.other))
            versions.append(exchange.sign(replace(again, version=2, previous=read(first).digest)))
        if fate.end == "retracted":
            versions.append(exchange.sign(retraction(first, reason="withdrawn", language="en")))
        batches.setdefault(agency, []).extend(versions)
    for agency, signed in batches.items():
        for verdict in exchange.client(agency).submit_batch(signed, atomic=True):
            assert verdict.accepted, verdict


def move(superuser: Engine, every: int) -> None:
    """Some records go under another scope of their owner, as when a grant of their own is given."""
    with superuser.begin() as connection:
        connection.execute(
            text("""
            CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
              SELECT r.record_id, (SELECT s.id FROM gate.scope s WHERE s.agency = r.agency AND s.kind = r.kind
                ORDER BY (s.id + 7) % 5, s.id LIMIT 1) AS scope_id
              FROM core.report r WHERE r.latest AND r.kind = 'seizure' AND hashtext(r.record_id::text) % :every = 0;
            """),
            {"every": every},
        )
        for table in ("report", "report_line"):
            connection.execute(
                text(f"UPDATE core.{table} t SET scope_id = m.scope_id FROM moved m WHERE m.record_id = t.record_id")
            )


def examine(superuser: Engine) -> None:
    """A laboratory's result changes one line of some records, as `gate.link_exhibits` does."""
    with superuser.begin() as connection:
        connection.execute(
            text("""UPDATE core.report_line SET substance = 'SAR-000608', status = 'CONF'
                    WHERE latest AND hashtext(record_id::text) % 2 = 0 AND line = 1""")
        )


def link(superuser: Engine) -> int:
    """Some seizures of two agencies are of one event, as if both had said so. Answers how many pairs."""
    with superuser.begin() as connection:
        made = connection.execute(
            text("""
            INSERT INTO core.link (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base,
              facets, weights, levels, least, state)
            WITH seizure AS (SELECT *, row_number() OVER (ORDER BY record_id) AS n FROM core.report
              WHERE latest AND kind = 'seizure' AND status = 'reported')
            SELECT gen_random_uuid(), 'event', x.record_id, y.record_id, x.agency, y.agency, x.scope_id, y.scope_id,
              x.month_end, y.month_end, 0, '{0}', '{1}', '{amount:close}', 0, 'confirmed'
            FROM seizure x JOIN seizure y ON abs(x.n - y.n) IN (1, 2) AND least(x.n, y.n) % 3 = 1
              AND (x.agency, x.record_id) < (y.agency, y.record_id)
            ON CONFLICT DO NOTHING""")
        )
    return made.rowcount


def answers(superuser: Engine, run: Any, catalogue: Catalogue, asked: list[Trend], name: tuple[str, str, str]) -> int:
    """How many cells were compared."""
    agency, role, purpose = name
    with superuser.begin() as connection:
        token = connection.execute(
            text("SELECT gate.enter(:c, :a, ARRAY[:r], :p)"), {"c": agency[:2], "a": agency, "r": role, "p": purpose}
        ).scalar_one()
    compared = 0

    async def work(database: Database) -> int:
        nonlocal compared
        async with database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            connection = await session.connection()
            records = await connection.run_sync(seen)
            again = await connection.run_sync(repeated, records)
            limits = await reach(session)
            for question in [*asked, *ROUTES]:
                answer = await ask(session, question, catalogue, limits)
                told = document(question, answer, limits.version)
                expected = counted_once(records, again, question, catalogue)
                whole = expected.pop((), None)
                found = {
                    tuple(cell["key"].values()): {k: v for k, v in cell.items() if k != "key"} for cell in told["cells"]
                }
                assert json.dumps(found_sorted(found)) == json.dumps(found_sorted(expected)), (
                    name,
                    question,
                    answer.grain,
                )
                assert told["total"] == whole, (name, question, answer.grain)
                assert sum(answer.owners.values()) == (whole or {}).get("seizures", 0), (name, question)
                compared += len(found)
            for question in PERSONS:
                told = document(question, await ask(session, question, catalogue, limits), limits.version)
                counted = {tuple(cell["key"].values()): cell["persons"] for cell in told["cells"]}
                assert counted == people(records, again, question, catalogue), (name, question)
                compared += len(counted)
            compared += await maps(session, limits, catalogue)
        return compared

    return int(run(work))


ROUTES = [
    Flows.model_validate(params).trend().model_copy(update={"measure": "seizures,items,kg,tablets,first"})
    for params in ({}, {"group": "heroin-opiates"}, {"from": "2025-05", "to": "2025-06"})
]
PERSONS = [
    Trend.model_validate({"by": by, "measure": "persons"}) for by in ("sex", "month,role", "owner,age_band", "country")
]
MAPS = ({}, {"group": "heroin-opiates"}, {"from": "2024-06", "to": "2026-03"}, {"from": "2025-05", "to": "2025-06"})


async def maps(session: AsyncSession, limits: Reach, catalogue: Catalogue) -> int:
    """The map's grain says of every size of cell what the question by cell says."""
    compared = 0
    for at in range(2, 6):
        for params in MAPS:
            question = Trend.model_validate({"by": "cell", "resolution": at, **params})
            answer = await ask(session, question, catalogue, limits)
            expected = {cell.key[0]: cell for cell in answer.cells if cell.key[0]}
            found = await mosaic(session, Map.model_validate(params), limits, at, None)
            assert {c: total.events for c, total in found.cells.items()} == {
                c: cell.number for c, cell in expected.items()
            }, (at, params)
            if "group" in params:
                sums = {c: (total.lines, total.confirmed, total.kg) for c, total in found.cells.items()}
                assert sums == {
                    c: (x.counts["lines"], x.counts["confirmed"], kilograms(x)) for c, x in expected.items()
                }
            compared += len(expected)
    return compared


def found_sorted(cells: dict[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
    order = sorted(cells, key=lambda key: [(part is None, part or "") for part in key])
    return [[list(key), dict(sorted(cells[key].items()))] for key in order]


STEP = examples(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def test_the_cube_says_what_the_visible_rows_say(
    exchange: Exchange, superuser: Engine, run: Any, catalogue: Catalogue
) -> None:
    compared = linked = 0

    def adopt(*chosen: dict[str, Any]) -> None:
        exchange.adopt(OWNER, *({"id": str(n), **rule} for n, rule in enumerate(chosen)))

    @STEP
    @given(
        wide=WIDE,
        rules=st.lists(PERMITS | DENIES, max_size=4),
        other=WIDE,
        fates=st.lists(FATES, min_size=5, max_size=14),
        later=st.lists(FATES, min_size=1, max_size=4),
        asked=st.lists(questions().filter(possible), min_size=30, max_size=40),
        every=st.sampled_from((1, 3)),
    )
    def hold(
        wide: dict[str, Any], rules: list[dict[str, Any]], other: dict[str, Any], fates: list[Fate], later: list[Fate],
        asked: list[Trend], every: int,
    ) -> None:  # fmt: skip
        nonlocal compared, linked
        with superuser.begin() as connection:
            connection.execute(text("LOCK TABLE core.link_queue"))  # before what whoever seeks links reads next
            connection.execute(text("TRUNCATE core.report, core.report_line CASCADE"))
        adopt(wide, *rules)
        file(exchange, fates, 0)
        compared += sum(answers(superuser, run, catalogue, asked, name) for name in READERS)
        run(keep.fold)
        move(superuser, every)
        examine(superuser)
        linked += link(superuser)
        file(exchange, later, len(fates))
        adopt(other, *rules)
        compared += sum(answers(superuser, run, catalogue, asked, name) for name in READERS)
        run(keep.fold)
        compared += sum(answers(superuser, run, catalogue, asked, name) for name in READERS)
        assert {differing for _, differing in run(keep.differences).values()} == {0}
        run(keep.rebuild)
        assert {differing for _, differing in run(keep.differences).values()} == {0}
        compared += sum(answers(superuser, run, catalogue, asked, name) for name in READERS[:2])

    hold()
    assert compared > 1_000
    assert linked > 10


@pytest.fixture(scope="module")
def catalogue(run: Any) -> Catalogue:
    async def from_database(database: Database) -> Catalogue:
        async with database.reading() as session:
            return await Catalogue.from_database(session)

    return run(from_database)
