"""One record for each precision, one that is hidden, and the readers who ask the gate for them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from tests.policies.entrance import Entrance

OWNER, PARTNER, STRANGER = "TM", "AZ", "RU"
VIEWS = ("shared.report", "shared.report_placed", "shared.report_line")
PLACE = {"lat": "37.9521", "lon": "58.3794"}


@dataclass(frozen=True)
class World:
    """One record of the owner for each precision, one that is hidden, and tokens of its readers."""

    records: dict[str, str]
    tokens: dict[str, str]

    def names(self, ids: list[Any]) -> set[str]:
        return {name for name, id_ in self.records.items() if id_ in {str(i) for i in ids}}


def seen(entrance: Entrance, world: World, token: str | None, view: str = "shared.report") -> set[str]:
    with entrance("sarhad_read", token) as session:
        return world.names(list(session.execute(text(f"SELECT record_id FROM {view}")).scalars()))
