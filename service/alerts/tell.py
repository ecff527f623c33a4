"""Put issued alerts into the inboxes of those who may see them, also of an agency that has ordered nothing.

Who sees an alert is judged in the eyes of each agency, when it is issued and once a day: whoever comes to see it later
is told then. Nobody is told twice.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from service.database import Database
from service.identity.models import Country
from service.notices.notify import Notice, notify_all

_TELL = text("SELECT agency, alert, issuer, level FROM gate.tell_of_alerts(:country, :alerts)").bindparams(
    bindparam("alerts", type_=ARRAY(Uuid))
)


async def tell(database: Database, alerts: Sequence[UUID] | None = None) -> None:
    """Of these, or of all that stand issued; country by country, so that none waits for the others' eyes.

    A country in whose eyes it fails keeps no other from being told: the fault is raised when all have had their turn.
    """
    faults = []
    async with database.reading() as session:
        countries = list(await session.scalars(select(Country.code).order_by(Country.code)))
    for country in countries:
        try:
            await _tell(database, country, alerts)
        except Exception as fault:  # of one country's policies
            faults.append(fault)
    if faults:
        raise faults[0]


async def _tell(database: Database, country: str, alerts: Sequence[UUID] | None) -> None:
    async with database.writing() as session:
        told = (await session.execute(_TELL, {"country": country, "alerts": alerts})).all()
        notices = [(one.agency, f"/v1/alerts/{one.alert}", {"issuer": one.issuer, "level": one.level}) for one in told]
        await notify_all(session, [Notice(to, "alert-issued", path, facts) for to, path, facts in notices])
