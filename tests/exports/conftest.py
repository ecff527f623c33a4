"""A country that shares with neighbours, and a way to ask for a file and have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sarhad import Client
from sarhad.records import Record, item

from tests.awaiting import eventually
from tests.exchange import Exchange, heroin

PARTNERS = {
    "id": "partners",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["reference", "items", "transport", "narrative"],
    "time": "day",
    "place": "point",
}
COARSE = {
    "id": "coarse",
    "effect": "permit",
    "audience": {"countries": ["TJ"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items"],
    "time": "month",
    "place": "cell",
}
NO_EXPORT = PARTNERS | {"id": "kept", "audience": {"countries": ["UZ"]}, "obligations": ["no_export"]}
FORMULA = '=HYPERLINK("http://example.invalid","x")'


@dataclass
class Files:
    """Exports of one reader."""

    client: Client

    def ask(self, format: str = "csv", **filters: Any) -> str:
        return str(self.client.ask_export(format, **filters)["id"])

    def wait(self, export: str, *states: str, seconds: float = 240) -> dict[str, Any]:
        def settled() -> dict[str, Any] | None:
            document = self.client.export(export)
            return document if document["state"] in (states or ("ready", "refused", "failed")) else None

        return dict(eventually(settled, seconds) or {})

    def take(self, export: str) -> bytes:
        return self.client.export_part(export, 0, 2**40)

    def have(self, format: str = "csv", **filters: Any) -> bytes:
        """Asked for, built, taken."""
        export = self.ask(format, **filters)
        document = self.wait(export)
        assert document["state"] == "ready", document
        return self.take(export)


@pytest.fixture(scope="session")
def filed(exchange: Exchange) -> list[Record]:
    """Four records of Azerbaijan in a year of their own."""
    point = {"lat": "40.37", "lon": "49.84", "accuracy_m": 50, "method": "GPS"}
    records = [
        heroin(
            "AZ-CUS",
            instant=f"1997-0{month}-05T10:00:00+04:00",
            where_point=point,
            items=[
                item(None, "heroin", f"{month}.250", "kg", status="PRES", line=1),
                item(None, "cannabis", "500", "g", status="CONF", line=2),
            ],
            transport={"mode": "3", "concealment": ["LUG"], "place_type": "ROAD"},
            narrative={"text": FORMULA, "language": "en"},
        )
        for month in range(1, 5)
    ]
    for record in records:
        exchange.client("AZ-CUS").submit(exchange.sign(record))
    return records


@pytest.fixture(scope="module")
def shared(exchange: Exchange, jobs: None, filed: list[Record]) -> Iterator[list[Record]]:
    """The four records, which Azerbaijan shares by PARTNERS, COARSE and NO_EXPORT while the module runs."""
    exchange.adopt("AZ", PARTNERS, COARSE, NO_EXPORT)
    yield filed
    exchange.adopt("AZ")


@pytest.fixture
def files(exchange: Exchange, jobs: None) -> Any:
    """The files of a reader by name, `files("KG-CUS")`; all deleted at the end."""
    made: list[Files] = []

    def of(name: str, purpose: str = "analysis") -> Files:
        made.append(Files(exchange.client(name, purpose)))
        return made[-1]

    yield of
    for files in made:
        for export in files.client.exports(limit=100)["items"]:
            files.client.delete_export(export["id"])
