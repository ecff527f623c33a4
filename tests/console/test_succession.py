"""The service's key has changed, and the old one signs nothing more: what it signed is still checked, and followed."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Route, expect
from sarhad import PrivateKey
from typer.testing import CliRunner

from service.cli.admin import app as admin
from service.settings import Settings
from tests.awaiting import eventually
from tests.console.conftest import Opening
from tests.console.test_report_is_read import file
from tests.exchange import Exchange, Region, heroin
from tests.seizures.wiring import Agency
from tests.signin.conftest import add_officer

EXAMPLE = Path(__file__).parents[2] / "clients" / "examples" / "submit.mjs"


@pytest.fixture
def alone(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    running = Exchange.start(*apart)
    yield running
    running.stop()


def described(exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{exchange.settings.origin}/v1/service").json()
    return found


def change_key(exchange: Exchange) -> None:
    settings = exchange.settings
    environment = {
        "SARHAD_DATABASE_URL": settings.database_url,
        "SARHAD_STATE_DIR": str(settings.state_dir),
        "SARHAD_ORIGIN": settings.origin,
    }
    asked = ["service-key", "rotate", "--in-hours", "0.001", "--overlap-days", "0"]
    said = CliRunner().invoke(admin, asked, env=environment)
    assert said.exit_code == 0, said.output
    eventually(lambda: described(exchange)["keys"][0]["kid"] == said.output.split()[0])


async def test_an_old_receipt_holds_beside_a_checkpoint_of_the_key_that_followed(
    alone: Exchange, opened: Opening, tmp_path: Path
) -> None:
    officer = await opened()
    officer.origin = alone.settings.console
    await officer.sign_in(add_officer(alone, "TJ-CUS")["code"])
    page, agency = officer.page, Agency(alone, "TJ-CUS")
    await file(officer, "khat", "1")
    await page.get_by_text("Accepted", exact=True).wait_for()
    (report,) = alone.client("TJ-CUS").search_all(owner="TJ")
    old = described(alone)["keys"][0]
    await asyncio.to_thread(change_key, alone)
    later = alone.client("TJ-CUS").submit(alone.sign(heroin("TJ-CUS"))).id
    for id_ in (report["id"], later):  # the log signs anew, with the new key alone
        await asyncio.to_thread(eventually, lambda id_=id_: agency.get(f"/v1/seizures/{id_}/proof").status == 200)

    card, check = page.get_by_role("listitem").filter(has_text="khat 1 kg"), "Check the receipt"
    await card.get_by_role("button", name=check).press("Enter")
    await card.get_by_text("is this record.").wait_for()
    vouching: list[str] = []

    async def described_so(route: Route) -> None:
        said = await (answer := await route.fetch()).json()
        await route.fulfill(response=answer, json=said | {"successions": vouching})

    await page.route("**/v1/service", described_so)
    await card.get_by_role("button", name=check).press("Enter")
    await expect(card.get_by_role("alert")).to_have_text("The checkpoint is not signed by the log.")
    header, payload, _ = described(alone)["successions"][0].split(".")
    vouching.append(f"{header}.{payload}.{'A' * 86}")
    await card.get_by_role("button", name=check).press("Enter")
    await expect(card.get_by_role("alert")).to_have_text("What should vouch for the service's new key does not hold.")
    await page.unroute("**/v1/service")
    await officer.open(f"record/{report['id']}")
    vouched = page.get_by_role("region", name="Who vouches for it")
    await vouched.get_by_role("button", name="Check its signature").click()
    await vouched.get_by_text("is this record.").wait_for()

    for pinned, holds in ((old, True), (PrivateKey.generate().public.jwk, False)):
        done = await asyncio.to_thread(submit_example, alone, pinned, tmp_path)
        assert (done.returncode == 0) == holds, done.stderr
        assert ("the answer is not the service's" in done.stderr) != holds


def submit_example(exchange: Exchange, pinned: dict[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """The example in plain Node, whose reader pinned this key of the service."""
    profile = exchange.region.profiles["KZ-CUS"]
    (folder / "record.sd-jwt").write_text(exchange.sign(heroin("KZ-CUS")))
    (folder / "service.jwk").write_text(json.dumps(pinned))
    command = [
        shutil.which("node") or "node",
        EXAMPLE,
        exchange.settings.origin,
        profile.directory / profile.request_key,
    ]
    files = [folder / "record.sd-jwt", folder / "service.jwk"]
    return subprocess.run([*command, *files], capture_output=True, text=True, timeout=60, check=False)
