"""A bulletin over HTTP: of a released publication only, printed by a job, the same bytes for every member."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sarhad import ProblemError
from sarhad.cli.bulletin import definition

from service.settings import Settings
from tests.awaiting import eventually
from tests.exchange import Exchange, Region
from tests.publications.conftest import file, seizure_of
from tests.seizures.wiring import Agency, refusal

YEAR = 2018


@pytest.fixture(scope="module")
def printing(settings: Settings, region: Region) -> Iterator[Exchange]:
    """The public tier on, and jobs done beside the service."""
    running = Exchange.start(settings, region, workers=1, SARHAD_PUBLIC_RELEASES="true", SARHAD_JOBS="true")
    yield running
    running.stop()


def proposed(exchange: Exchange) -> dict[str, Any]:
    name = f"bulletin-{uuid.uuid4().hex[:8]}"
    return exchange.client("KZ-DCA", None).propose_publication(definition(f"{YEAR}-Q2", "Seizures", name, 2))


def released(exchange: Exchange) -> str:
    file(exchange, [seizure_of("KZ-CUS", 5, day, "1.5", year=YEAR) for day in range(1, 9)])
    made = proposed(exchange)
    exchange.client("KZ-DCA/policy", None).approve_publication(made["id"], made["digest"], "TLP:GREEN")
    exchange.client("KZ-DCA", None).release_publication(made["id"])
    return str(made["id"])


def test_nothing_is_printed_before_it_is_released(printing: Exchange) -> None:
    made = proposed(printing)
    asked = Agency(printing, "KG-CUS").post(
        orjson.dumps({"language": "en"}), f"/v1/publications/{made['id']}/bulletins", "application/json"
    )
    assert refusal(asked)[:2] == (409, "not-released")


def test_a_job_prints_it_once_and_every_member_gets_the_same_bytes(printing: Exchange) -> None:
    id_ = released(printing)
    client = printing.client("KG-CUS", None)

    def printed() -> dict[str, Any] | None:
        asked = [client.ask_for_bulletin(id_, language) for language in ("ru", "tg")]
        return asked[0] if all(one["sha256"] for one in asked) else None

    asked = eventually(printed)
    first = client.bulletin(id_, "ru")
    assert first.startswith(b"%PDF")
    assert client.bulletin(id_, "tg") != first
    assert printing.client("TJ-CUS", None).bulletin(id_, "ru") == first
    assert client.ask_for_bulletin(id_, "ru") == asked
    printing.client("KZ-DCA", None).withdraw_publication(id_, "Wrong unit")
    with pytest.raises(ProblemError, match="withdrawn"):
        client.bulletin(id_, "ru")
