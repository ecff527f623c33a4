"""A reader that may count and not see: it gets disclosed figures of those records, and nothing else of them."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sarhad.errors import ProblemError
from sarhad.records import Record, item
from sqlalchemy import Engine, create_engine, text

from service.disclosure import Cell, disclose
from service.disclosure.keys import key_sum, record_key
from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.links.wiring import confirmed

OWNER, READER, STRANGER = "TM", "AZ", "RU"
YEAR = 2019
QUARTER = {"time": "quarter", "place": "country", "substance": "group"}
PERIOD = {"first_month": f"{YEAR}-01", "last_month": f"{YEAR}-12"}
FACETS = sum(1 << bit for bit in (4, 8, 9))  # month, country, items


@pytest.fixture(scope="module")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


def record(month: int, n: int, kg: str, agency: str = f"{OWNER}-CUS", year: int = YEAR) -> Record:
    return heroin(
        agency,
        handling="TLP:GREEN",
        reference=f"A-{uuid.uuid4()}",
        instant=f"{year}-{month:02}-{1 + n % 27:02}T10:00:00+05:00",
        items=[item(None, "heroin", kg, "kg", status="PRES")],
    )


@pytest.fixture(scope="module")
def filed(exchange: Exchange, superuser: Engine) -> dict[int, list[tuple[uuid.UUID, Decimal]]]:
    """By month: thirty in January, four in April. AZ may count them."""
    masses = {1: [f"{2 + n % 5}.{n % 10}" for n in range(30)], 4: ["1.5"] * 4}
    client = exchange.client(f"{OWNER}-CUS")
    made: dict[int, list[tuple[uuid.UUID, Decimal]]] = {}
    for month, kgs in masses.items():
        verdicts = list(client.submit_batch(exchange.sign(record(month, n, kg)) for n, kg in enumerate(kgs)))
        made[month] = [(uuid.UUID(v.receipt.id), Decimal(kg)) for v, kg in zip(verdicts, kgs, strict=True) if v.receipt]
    rule = {
        "position": 0, "permit": True, "joins": False, "countries": [READER], "handling": 4, "facets": FACETS,
        "delay": 0, "gives": "aggregates", "duties": 0,
    }  # fmt: skip
    with superuser.begin() as connection:
        enter = text("SELECT set_config('sarhad.context', gate.enter(:c, :a, ARRAY['policy_officer'], ''), true)")
        connection.execute(enter, {"c": OWNER, "a": f"{OWNER}-DCA"})
        adopt = text("SELECT gate.adopt(:c, 'national', 1, CAST(:rules AS jsonb), now())")
        connection.execute(adopt, {"c": OWNER, "rules": json.dumps([rule])})
    return made


def test_it_gets_the_disclosed_figures_and_no_row(
    exchange: Exchange, filed: dict[int, list[tuple[uuid.UUID, Decimal]]], superuser: Engine
) -> None:
    reader = exchange.client(f"{READER}-CUS", "analysis")
    with superuser.connect() as connection:
        secret = bytes(connection.execute(text("SELECT key FROM gate.cell_secret")).scalar_one())
    ids, masses = zip(*filed[1], strict=True)
    cell = Cell(
        (f"{YEAR}-Q1", OWNER, "heroin-opiates"),
        30,
        30,
        sum(masses, Decimal(0)),
        tuple(sorted(masses, reverse=True)[:2]),
        sum(masses, Decimal(0)),
        key_sum(record_key(secret, id_) for id_ in ids),
    )
    (expected,) = disclose([cell])
    answer = reader.aggregates(**QUARTER, **PERIOD)
    told = {"time": f"{YEAR}-Q1", "place": OWNER, "substance": "heroin-opiates", "events": expected.events, "kg": None}
    assert answer["cells"] == [told], "April has few, and the mass is one agency's"
    assert reader.search(owner=OWNER).items == []
    for id_ in ids[:3]:
        with pytest.raises(ProblemError) as refused:
            reader.get(str(id_))
        assert refused.value.status == 404


def test_how_many_a_figure_rests_on_is_told_to_the_owner_alone(
    exchange: Exchange, filed: dict[int, list[tuple[uuid.UUID, Decimal]]]
) -> None:
    """D0: a country that asks, and has its auditor look at what it was shown, would read the true numbers there."""
    reader = exchange.client(f"{READER}-CUS", "analysis")
    theirs = exchange.client(f"{READER}-DCA/auditor", None)
    quarter = f"{datetime.now(UTC).year}-Q{(datetime.now(UTC).month + 2) // 3}"

    def told() -> list[dict[str, Any]]:
        return [{"owner": e["owner"], "records": e["records"]} for e in readings() if e["route"] == "/v1/aggregates"]

    def readings() -> list[dict[str, Any]]:
        return list(theirs.readings(agency=f"{READER}-CUS", limit=500).items)

    def taken() -> dict[str, Any]:
        return {row["country"]: row["taken"] for row in theirs.balance(READER, quarter)["partners"]}

    before, taken_before = told(), taken()
    for period in (
        {"first_month": f"{YEAR}-01", "last_month": f"{YEAR}-01"},
        {"first_month": f"{YEAR}-07", "last_month": f"{YEAR}-07"},
    ):  # thirty, and none
        reader.aggregates(**QUARTER | {"time": "month"}, **period)
    assert told()[: len(told()) - len(before)] == [{"owner": None, "records": 0}] * 2
    assert taken() == taken_before
    owners = exchange.client(f"{OWNER}-DCA/auditor", None).statement(OWNER, country=READER, limit=500).items
    assert next(entry["records"] for entry in owners if entry["route"] == "/v1/aggregates") == len(filed[1])


def test_what_two_agencies_of_the_owner_reported_counts_once(
    exchange: Exchange, filed: dict[int, list[tuple[uuid.UUID, Decimal]]], superuser: Engine
) -> None:
    """Nine events, one of them reported twice: the heavier report stands for it, and nobody is told of the other."""
    first, second = f"{OWNER}-CUS", f"{OWNER}-LAB"
    signed = [record(2, n, "2", first, YEAR - 1) for n in range(6)]
    signed += [record(2, n, kg, second, YEAR - 1) for n, kg in enumerate(("2.1", "3", "3", "3"))]
    ids = [exchange.client(one.agency).submit(exchange.sign(one)).id for one in signed]
    confirmed(exchange.settings, ids[0], ids[6])
    with superuser.connect() as connection:
        secret = bytes(connection.execute(text("SELECT key FROM gate.cell_secret")).scalar_one())
    kept = [uuid.UUID(id_) for id_ in ids[1:]]
    masses = [Decimal("2")] * 5 + [Decimal("2.1")] + [Decimal("3")] * 3
    cell = Cell((f"{YEAR - 1}-Q1", OWNER, "heroin-opiates"), 9, 9, sum(masses, Decimal(0)), (Decimal(3), Decimal(3)),
                Decimal("11.1"), key_sum(record_key(secret, id_) for id_ in kept))  # fmt: skip
    (expected,) = disclose([cell])
    asked = QUARTER | {"first_month": f"{YEAR - 1}-01", "last_month": f"{YEAR - 1}-12"}
    (told,) = exchange.client(f"{READER}-CUS", "analysis").aggregates(**asked)["cells"]
    assert told["events"] == expected.events
    assert told["kg"] == (None if expected.kg is None else format(expected.kg, "f"))
    statement = exchange.client(f"{OWNER}-DCA/auditor", None).statement(OWNER, country=READER, limit=500).items
    assert next(entry["records"] for entry in statement if entry["route"] == "/v1/aggregates") == 9


def test_others_and_the_owner_count_nothing_here(
    exchange: Exchange, filed: dict[int, list[tuple[uuid.UUID, Decimal]]]
) -> None:
    """The owner sees its rows, so they are not among what it may only count."""
    for name in (f"{STRANGER}-CUS", f"{OWNER}-CUS"):
        assert exchange.client(name, "analysis").aggregates(**QUARTER, **PERIOD)["cells"] == []


def test_places_that_are_not_given_make_no_cell(
    exchange: Exchange, filed: dict[int, list[tuple[uuid.UUID, Decimal]]]
) -> None:
    reader = exchange.client(f"{READER}-CUS", "analysis")
    assert reader.aggregates(**QUARTER | {"place": "admin1"}, **PERIOD)["cells"] == []
    assert len(reader.aggregates(**QUARTER | {"place": "region"}, **PERIOD)["cells"]) == 1


@pytest.mark.parametrize(
    "question",
    [
        QUARTER | {"time": "day"},
        QUARTER | {"place": "cell"},
        QUARTER | {"agency": "TM-CUS"},
        QUARTER | {"first_month": f"{YEAR}-02"},
        QUARTER | {"last_month": f"{YEAR}-11"},
        {"time": "year", "last_month": f"{YEAR}-06"},
    ],
)
def test_anything_outside_the_hierarchies_is_refused(exchange: Exchange, question: dict[str, str]) -> None:
    with pytest.raises(ProblemError) as refused:
        exchange.client(f"{READER}-CUS", "analysis").aggregates(**PERIOD | question)
    assert refused.value.status == 422


@pytest.mark.parametrize("name", ["shared.aggregate_line", "shared.aggregate_member", "core.report_line", "core.link"])
def test_a_reader_who_speaks_sql_gets_no_row(settings: Settings, name: str) -> None:
    engine = create_engine(settings.database_as("sarhad_read"))
    with engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text(f"SELECT * FROM {name}"))
    engine.dispose()
