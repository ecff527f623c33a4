"""Who acts in the tests of releases, and the calls they make."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sarhad import Client, ProblemError
from sarhad.records import Record, correction

from tests.exchange import Exchange, heroin

OWNER, ASKER, THIRD = "TM", "AZ", "RU"


class Parties:
    """The three countries' clients."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.filer = exchange.client(f"{OWNER}-CUS")
        self.officer = exchange.client(f"{OWNER}-DCA/policy")
        self.asker = exchange.client(f"{ASKER}-CUS")
        self.third = exchange.client(f"{THIRD}-CUS")

    def file(self, **facets: Any) -> str:
        """A new record of the owner's customs."""
        return self.filer.submit(self.exchange.sign(self.draft(**facets))).id

    def draft(self, **facets: Any) -> Record:
        return heroin(f"{OWNER}-CUS", **({"reference": f"rel-{uuid.uuid4()}", "handling": "TLP:AMBER"} | facets))

    def correct(self, id_: str, **facets: Any) -> None:
        """The next version of a record, with these facets changed."""
        self.filer.submit(self.exchange.sign(correction(self.filer.get_record(id_), **facets)))

    def share(self, id_: str, *added: dict[str, Any], client: Client | None = None) -> dict[str, Any]:
        """These rules besides those there are."""
        client = client or self.officer
        now = client.sharing(id_)
        keep = [rule["id"] for rule in now["rules"]]
        wanted = {"version": now["version"], "keep": keep, "add": [{"reason": "as agreed", **rule} for rule in added]}
        return client.put_sharing(id_, wanted)

    def unshare(self, id_: str, client: Client | None = None) -> dict[str, Any]:
        """No rules of the record."""
        client = client or self.officer
        return client.put_sharing(id_, {"version": client.sharing(id_)["version"]})


def sees(client: Client, id_: str) -> dict[str, Any] | None:
    """The facets that a client is given of a record, by its item and by its lists alike; None where it sees none."""
    found = [item for item in client.search_all(owner=OWNER, limit=500) if item["id"] == id_]
    try:
        shown = client.get(id_)
    except ProblemError as refused:
        if refused.status != 404 or found:
            raise
        return None
    if found != [shown]:
        raise AssertionError(f"the list shows {found}, the item {shown}")
    return dict(shown["facets"])


def later(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
