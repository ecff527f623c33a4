"""A country compares so many profiles a day, with whichever key: each answer may tell of a hidden one."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.analyses.laboratory import AMPHETAMINE_TYPE
from tests.exchange import Exchange, Region
from tests.links.wiring import post
from tests.profiles.specimens import MARKERS, specimen
from tests.seizures.wiring import Agency

METHOD = f"BOUNDED-{time.time_ns() % 10**9}.1"
COMPARED = text("""SELECT count(DISTINCT reading) FROM core.access WHERE country = 'AZ' AND status = 200
  AND at > now() - interval '1 day' AND route LIKE '/v1/profiles/%'""")
MORE = 2


@pytest.fixture(scope="module")
def bounded(settings: Settings, region: Region) -> Iterator[Exchange]:
    """Azerbaijan may compare two more profiles today."""
    with create_engine(settings.database_as()).connect() as connection:
        most = connection.scalar(COMPARED) + MORE
    running = Exchange.start(settings, region, workers=1, SARHAD_COMPARISONS_PER_DAY=str(most))
    yield running
    running.stop()


def test_a_country_compares_so_many_profiles_a_day(bounded: Exchange) -> None:
    declared = {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS}
    laboratory = Agency(bounded, "AZ-LAB")
    assert post(laboratory, "/v1/profile-methods", {**declared, "description": "GC."}, None).status == 201
    probe = {"method": METHOD, "areas": specimen(1)}

    def search(name: str) -> tuple[int, str | None]:
        reply = post(Agency(bounded, name), "/v1/profiles/search", probe, "forensic")
        return reply.status, reply.problem if reply.status != 200 else None

    flat = {**probe, "areas": dict.fromkeys(MARKERS, "1")}
    assert post(laboratory, "/v1/profiles/search", flat, "forensic").status == 422, "compared with nothing"
    assert [search(name) for name in ("AZ-LAB", "AZ-CUS")] == [(200, None)] * MORE
    for name in ("AZ-LAB", "AZ-DCA", "AZ-LAB"):
        assert search(name) == (429, "too-many-comparisons")
    assert search("TM-LAB") == (200, None)
