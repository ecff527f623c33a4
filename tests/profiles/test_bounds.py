"""What a country may do with profiles in a day, with whichever key. Each comparison may tell of a hidden profile;
methods stand in everybody's register, and a calibration takes seconds of a processor.
"""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.analyses.laboratory import AMPHETAMINE_TYPE
from tests.exchange import Exchange, Region
from tests.links.wiring import post
from tests.profiles.specimens import MARKERS, specimen, study
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply

METHOD = f"BOUNDED-{time.time_ns() % 10**9}.1"
COMPARED = text("""SELECT count(DISTINCT reading) FROM core.access WHERE country = 'AZ' AND status = 200
  AND at > now() - interval '1 day' AND route LIKE '/v1/profiles/%'""")
DECLARED = text("SELECT count(*) FROM core.profile_method WHERE agency LIKE 'AZ-%'")
CALIBRATED = text("SELECT count(*) FROM core.profile_calibration WHERE agency LIKE 'AZ-%'")
MORE = 2


@pytest.fixture(scope="module")
def bounded(settings: Settings, region: Region) -> Iterator[Exchange]:
    """Azerbaijan may compare two more profiles today, declare two more methods and calibrate two more times."""
    with create_engine(settings.database_as()).connect() as connection:
        running = Exchange.start(
            settings,
            region,
            workers=1,
            SARHAD_COMPARISONS_PER_DAY=str(connection.scalar(COMPARED) + MORE),
            SARHAD_METHODS_PER_DAY=str(connection.scalar(DECLARED) + MORE),
            SARHAD_CALIBRATIONS_PER_DAY=str(connection.scalar(CALIBRATED) + MORE),
        )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def laboratory(bounded: Exchange) -> Agency:
    """One that has declared the method."""
    agency = Agency(bounded, "AZ-LAB")
    assert declare(agency, METHOD).status == 201
    return agency


def declare(agency: Agency, code: str) -> Reply:
    document = {"code": code, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS}
    return post(agency, "/v1/profile-methods", {**document, "description": "GC."}, None)


def test_a_country_declares_so_many_methods_a_day(bounded: Exchange, laboratory: Agency) -> None:
    assert declare(laboratory, METHOD).problem == "method-taken", "declared nothing"
    second, third = (f"{METHOD.partition('.')[0]}.{version}" for version in (2, 3))
    assert declare(laboratory, second).status == 201
    refused = declare(laboratory, third)
    assert (refused.status, refused.problem) == (429, "too-many-methods")
    assert declare(Agency(bounded, "TM-LAB"), f"TM-{METHOD}").status == 201


def test_a_country_calibrates_so_often_a_day(laboratory: Agency) -> None:
    path = f"/v1/profile-methods/{METHOD}/calibrations"
    assert [post(laboratory, path, dict(study()), None).status for _ in range(MORE)] == [201] * MORE
    refused = post(laboratory, path, dict(study()), None)
    assert (refused.status, refused.problem) == (429, "too-many-calibrations")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400


def test_a_country_compares_so_many_profiles_a_day(bounded: Exchange, laboratory: Agency) -> None:
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
