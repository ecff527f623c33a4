"""A quantity that is unusual for the country is accepted and flagged."""

from collections.abc import Iterable
from typing import Any

from sarhad.records import item
from sqlalchemy import text

from service.database import Database
from service.seizures.norms import ENOUGH, Norms
from service.settings import Settings
from tests.exchange import Exchange, heroin


async def norms_of(settings: Settings, kid: str, country: str, substances: Iterable[str]) -> Norms:
    """What a worker that starts now learns of the country's own lines."""
    database, norms = Database(settings), Norms()
    async with database.authn() as session:
        token = await session.scalar(text("SELECT gate.mint(:kid, NULL)"), {"kid": kid})
    async with database.writing() as session:
        await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
        await norms.learn(session, country, substances)
    await database.dispose()
    return norms


def line(substance: str, kg: str) -> list[dict[str, Any]]:
    return [{"substance": substance, "kg": kg}]


async def test_an_unusual_quantity_is_flagged_and_grams_written_as_kilograms_are_suspected(exchange: Exchange) -> None:
    quantities = [f"0.{n:04}" for n in range(1, ENOUGH + 1)]
    records = [
        exchange.sign(heroin("TM-CUS", reference=f"NORM-{n}", items=[item(None, "opium", n, "kg")])) for n in quantities
    ]
    verdicts = list(exchange.client("TM-CUS").submit_batch(records))
    opium = verdicts[0].receipt.derived["items"][0]["substance"]
    kid = exchange.region.profiles["TM-CUS"].load_request_key().kid
    norms = await norms_of(exchange.settings, kid, "TM", [opium])

    assert norms.warnings("TM", line(opium, "0.0999")) == []
    (slip,) = norms.warnings("TM", line(opium, "50"))
    assert slip["type"] == "/warnings/unusual-quantity"
    assert slip["pointer"] == "/items/0/reported/quantity"
    assert "grams" in slip["detail"]
    (large,) = norms.warnings("TM", line(opium, "5000"))
    assert "grams" not in large["detail"]
