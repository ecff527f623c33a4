"""`sarhad timeliness` as an administrator sees it, and the same of the asynchronous client."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sarhad import AsyncClient
from sarhad.cli import app
from sarhad.cli.timeliness import lasting
from typer.testing import CliRunner

from tests.awaiting import once_merged
from tests.exchange import Exchange, heroin
from tests.timeliness.conftest import Moved

MARCH = ("--from", "2026-03", "--to", "2026-04")


@pytest.mark.parametrize(
    ("hours", "shown"),
    [
        (None, ""),
        (0.0004, "1 s"),
        (0.025, "90 s"),
        (0.5, "30.0 min"),
        (2.0, "2.0 h"),
        (47.9, "47.9 h"),
        (60.0, "2.5 d"),
    ],
)
def test_a_lag_is_shown_in_the_unit_that_reads_well(hours: float | None, shown: str) -> None:
    assert lasting(hours) == shown


async def test_figures_are_shown_in_tables_and_as_json(exchange: Exchange, moved: Moved, tmp_path: Path) -> None:
    kept = exchange.region.profiles["AZ-DCA/admin1"]
    shutil.copytree(kept.directory, tmp_path / "admin")
    replace(kept, directory=tmp_path / "admin", service=exchange.settings.origin).save()

    def sarhad(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["timeliness", *arguments, "--profile", str(tmp_path / "admin")])
        if done.exception:
            raise done.exception
        return done.stdout

    assert "Nothing was filed in these months." in sarhad(*MARCH)
    customs = exchange.client("AZ-CUS")
    record = customs.submit(exchange.sign(heroin("AZ-CUS", instant="2026-03-14T00:00:00+00:00"))).id
    once_merged(lambda: customs.proof(record), exchange.settings.merge_delay_seconds)
    moved("core.report", record, received_at="2026-03-17T00:00:00Z")
    shown = sarhad(*MARCH, "--agency", "AZ-CUS")
    assert "2026-03-17" in shown
    assert "3.0 d" in shown
    assert "event-to-report: From the event" in shown
    answer = json.loads(sarhad(*MARCH, "--json"))
    client = AsyncClient(service=exchange.settings.origin, key=kept.load_request_key())
    assert await client.timeliness(first_month="2026-03", last_month="2026-04") == answer
    await client.aclose()
