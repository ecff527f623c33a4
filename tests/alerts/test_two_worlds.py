"""Two worlds that differ in what a reader may not see warn that reader alike: candidates, stream, digest, alerts.

World 1 holds, beside the records of world 0, earlier ones of the same and of other substances that the reader may not
see. Only times and the random ids of candidates differ, and are left out.
"""

import json
import time
from typing import Any

import httpx
import pytest
from sarhad.events import verified
from sarhad.records import Record, item
from sarhad.signing import sign_request

from tests.awaiting import eventually
from tests.exchange import heroin
from tests.policies.worlds import ORIGIN, Towards, World, Worlds

pytestmark = pytest.mark.xdist_group("two worlds of alerts")

READER, PURPOSE = "TJ-CUS", "operational"
SHOWN, ALSO, HIDDEN, FENTANYL = "SAR-000348", "SAR-000350", "SAR-000351", "SAR-000529"
PERMIT = {
    "effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN", "time": "day",
    "place": "country", "facets": ["items"],
}  # fmt: skip


def found(substance: str, handling: str = "TLP:GREEN") -> Record:
    return heroin("UZ-CUS", handling=handling, items=[item(substance, "powder", "1", "kg", status="PRES")])


def told(world: World) -> list[dict[str, Any]]:
    return list(world.client(READER, PURPOSE).alert_candidates(limit=200)["items"])


def plain(candidate: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in candidate.items() if k not in ("id", "at")}, sort_keys=True)


def streamed(world: World, order: str, number: int) -> list[str]:
    """The first events of a stream that begins where the order does."""
    key = world.region.profiles[READER].load_request_key()
    events: list[str] = []
    with httpx.Client(transport=Towards(world.settings.port), timeout=60) as client:
        request = client.build_request(
            "GET", f"{ORIGIN}/v1/subscriptions/{order}/stream", headers={"sarhad-purpose": PURPOSE}
        )
        sign_request(request, key)
        response = client.send(request, stream=True)
        world.file([world.sign(found(FENTANYL))], "UZ-CUS")
        for line in response.iter_lines():
            if line.startswith("data: "):
                events.append(plain(verified(line[6:], world.key)["candidate"] | {"record": None}))
            if len(events) >= number:
                break
        response.close()
    return sorted(events)


def test_what_is_hidden_changes_no_warning(worlds: Worlds) -> None:
    worlds.adopt("UZ", [PERMIT])
    order = {"name": "all", "delivery": "stream"}
    orders = [world.client(READER, PURPOSE).subscribe(order)["id"] for world in worlds.both]
    secret = [worlds.sign(found(code, "TLP:RED")) for code in (SHOWN, HIDDEN, HIDDEN)]
    worlds.file("UZ-CUS", ([], secret))
    shown = [worlds.sign(found(code)) for code in (SHOWN, ALSO)]
    worlds.file("UZ-CUS", (shown, shown))
    for world in worlds.both:
        eventually(lambda world=world: len(told(world)) >= 4)
    first, second = ([plain(candidate) for candidate in told(world)] for world in worlds.both)
    assert sorted(first) == sorted(second)
    assert HIDDEN not in "".join(second)
    assert "FIRST_IN_REGION" in "".join(second)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    digests = [
        json.loads(world.client(READER, PURPOSE).digest(id_, day))["events"]
        for world, id_ in zip(worlds.both, orders, strict=True)
    ]
    one, other = (sorted(plain(event["candidate"]) for event in events) for events in digests)
    assert one == other == sorted(first)
    streams = [streamed(world, id_, 3) for world, id_ in zip(worlds.both, orders, strict=True)]
    assert streams[0] == streams[1]
