"""A pack over HTTP: drafted from own records, approved with another key, frozen, always the same bytes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import orjson
import pytest
import python_calamine
from sarhad.analyses import finding
from sarhad.records import issue, item, retraction
from sqlalchemy import create_engine, text

from service.packs.life import seal_of
from service.packs.workbook import workbook
from tests.analyses.laboratory import Laboratory, examination, exhibit_number
from tests.exchange import Exchange, heroin
from tests.links.wiring import confirmed
from tests.observations.records import PATHS, chemical, record
from tests.seizures.wiring import Agency, refusal

_COPIES = text("""
INSERT INTO core.pack (id, country, form, first_month, last_month, version, content, digest, drafted_by)
SELECT gen_random_uuid(), country, form, first_month, last_month, 1000 + n, content, digest, drafted_by
FROM core.pack CROSS JOIN generate_series(1, :number) n WHERE id = :id
""")
_TODAY = text("""
SELECT count(*) FROM core.pack WHERE drafted_at > now() - interval '1 day'
  AND country = (SELECT country FROM core.pack WHERE id = :id)
""")
NBOME = "SAR-000311"  # a new psychoactive substance with a CAS number
FORMS = ("wco-cen", "unodc-ids", "incb-form-d", "incb-pics")
YEAR = {"first_month": "2022-01", "last_month": "2022-12"}


@pytest.fixture(scope="module")
def filed(exchange: Exchange) -> dict[str, str]:
    """Of TM in 2022: two seizures, one of them retracted, one incident; of its neighbour UZ one seizure."""
    customs = Agency(exchange, "TM-CUS")
    kept = heroin("TM-CUS", instant="2022-03-04T10:00:00+05:00", reference="TM-1",
                  transport={"mode": "4", "concealment": ["LUG"], "place_type": "AIRP"},
                  items=[item("SAR-000608", "=1+1 Heroin", "2.5", "Kilogram", line=1)],
                  persons={"arrested": 1, "groups": [{"n": 1, "role": "DRV", "sex": "1", "age_band": "35-44",
                                                      "nationality": "TM"}]})  # fmt: skip
    gone = issue(customs.record_key, heroin("TM-CUS", instant="2022-04-04T10:00:00+05:00", reference="TM-2"))
    for signed in (
        issue(customs.record_key, kept),
        gone,
        customs.sign(retraction(gone, reason="Twice", language="en")),
    ):
        assert customs.post(signed).status == 201
    stopped = [chemical(declared_as="=1+1 acid"), chemical(2, incident="SEIZED", diversion="SMUGGLED")]
    incident = customs.sign(record("precursor_incident", "TM-CUS", items=stopped, when_day="2022-05-05"))
    assert customs.post(incident, PATHS["precursor_incident"]).status == 201
    neighbour = Agency(exchange, "UZ-CUS")
    assert neighbour.post(neighbour.report(instant="2022-03-05T10:00:00+05:00")).status == 201
    return {"kept": kept.id}


def post(agency: Agency, path: str, **document: str) -> Any:
    return agency.post(orjson.dumps(document), path, "application/json")


@pytest.fixture
def analyst(exchange: Exchange, filed: dict[str, str]) -> Agency:
    return Agency(exchange, "TM-DCA")


@pytest.fixture
def officer(exchange: Exchange, filed: dict[str, str]) -> Agency:
    return Agency(exchange, "TM-DCA/policy")


def drafted(agency: Agency, form: str, **months: str) -> dict[str, Any]:
    reply = post(agency, "/v1/packs", form=form, **(YEAR | months))
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.json()
    return found


def sheets(body: bytes) -> dict[str, list[list[Any]]]:
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(body))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_ids_of_own_records_with_coverage_and_provenance(analyst: Agency) -> None:
    pack = drafted(analyst, "unodc-ids")
    assert (pack["state"], pack["approved_at"]) == ("drafted", None)
    found = sheets(analyst.get(f"/v1/packs/{pack['id']}/workbook").body)
    head, row = found["Seizures"]
    cells = dict(zip(head, row, strict=True))
    assert (cells["ISO3"], cells["Seizure Date"], cells["Quantity Seized"]) == ("TKM", "2022-03-04", 2.5)
    assert (cells["Physical Seizure Location"], cells["Trafficking Mode of Transportation"]) == ("Airport", "Airplane")
    assert cells["Persons arrested (number)"] == 1
    covered = {line[0]: line[1:] for line in found["Coverage"][1:]}
    assert len(covered) == 12
    assert covered["2022-02"][-1].startswith("none")
    said = {line[0]: line[1] for line in found["Provenance"]}
    assert said["Approved"].startswith("DRAFT")
    assert said["SHA-256 of the frozen content"] == pack["digest"]


def test_an_event_that_two_agencies_reported_is_one_row_and_both_are_named(exchange: Exchange, analyst: Agency) -> None:
    """Whatever a neighbour reported of it, and however heavy: a country reports its own."""
    ids = {}
    for name, kg in (("TM-CUS", "4.1"), ("TM-LAB", "4.2"), ("UZ-CUS", "9")):
        signed = Agency(exchange, name).report(
            instant="2020-03-04T10:00:00+05:00", items=[item("SAR-000608", "heroin", kg, "Kilogram", line=1)]
        )
        ids[name] = exchange.client(name).submit(signed).id
    confirmed(exchange.settings, ids["TM-CUS"], ids["TM-LAB"])
    confirmed(exchange.settings, ids["TM-LAB"], ids["UZ-CUS"])
    pack = analyst.get(f"/v1/packs/{drafted(analyst, 'unodc-ids', first_month='2020-03', last_month='2020-03')['id']}")
    content = pack.json()["content"]
    (sheet,) = [sheet for sheet in content["sheets"] if sheet["name"] == "Seizures"]
    amount = [column["name"] for column in sheet["columns"]].index("Quantity Seized")
    assert [row[amount] for row in sheet["rows"]] == ["4.2"]
    covered = {"month": "2020-03", "agencies": ["TM-CUS", "TM-LAB"], "records": {"seizure": 2}}
    assert content["coverage"] == [covered]
    assert (content["provenance"]["records"], sheet["records"]) == (2, 1)


def test_words_of_a_report_never_become_formulas(analyst: Agency) -> None:
    pack = drafted(analyst, "incb-pics")
    body = analyst.get(f"/v1/packs/{pack['id']}/workbook").body
    assert "=1+1 acid" in [cell for row in sheets(body)["Incidents"] for cell in row]
    book = ZipFile(BytesIO(body))
    assert not any(b"<f>" in book.read(name) for name in book.namelist())


def test_every_sheet_says_what_was_filed(exchange: Exchange) -> None:
    """Of KG in May 2023, a record of each kind; what its laboratory seized is no seizure of customs."""
    customs, analyst = Agency(exchange, "KG-CUS"), Agency(exchange, "KG-DCA")
    for kind, path in PATHS.items():
        assert customs.post(customs.sign(record(kind, "KG-CUS", when_day="2023-05-05")), path).status == 201
    reviewer = exchange.region.profiles[exchange.add_holder("KG-LAB/reviewer")].load_record_key()
    laboratory = Laboratory(exchange, "KG-LAB", reviewer)
    items = [finding(NBOME, "25B-NBOMe", techniques=[1, 2, 3], isomer="NAP", stereo="NAP")]
    content = {"line": 1, "value": "80", "unit": "%", "basis": "AS_BASE"}
    examined = examination(exhibit_number("KG-CUS"), started="2023-05-03", issued="2023-05-06")
    examined["exhibits"][0]["received"] = "2023-05-02"
    analysis = laboratory.found(day="2023-05-06", laboratory=examined, items=items, purity=[content])
    filed = laboratory.file(analysis)
    assert filed.status == 201, filed.body
    for agency, amount in ((customs, "3"), (laboratory, "5")):
        seized = [item("SAR-000608", "heroin", amount, "Kilogram", line=1)]
        assert agency.post(agency.report(instant="2023-05-04T10:00:00+06:00", items=seized)).status == 201

    def told(form: str, sheet: str, *columns: str) -> list[tuple[str, ...]]:
        pack = drafted(analyst, form, first_month="2023-05", last_month="2023-05")
        found = {s["name"]: s for s in analyst.get(f"/v1/packs/{pack['id']}").json()["content"]["sheets"]}[sheet]
        at = [[column["name"] for column in found["columns"]].index(name) for name in columns]
        return [tuple(row[place] for place in at) for row in found["rows"]]

    assert told("unodc-arq", "A06 Seizures", "Drug", "Seizures (number)", "Quantity, kg (bulk weight)") == [
        ("Heroin", "2", "8")
    ]
    assert told("unodc-arq", "A07 Laboratories", "End products", "Laboratories (number)", "Chemical waste, kg") == [
        ("Methamphetamine", "1", "80")
    ]
    assert told("unodc-arq", "A07 Found in laboratories", "Substance", "Quantity, kg") == [("Methamphetamine", "0.45")]
    assert told(
        "unodc-arq", "A09 Prices", "Drug", "Level", "Currency", "Unit priced", "Lowest", "Typical (median)", "Highest"
    ) == [("Heroin", "Retail", "KZT", "kg", "9000000", "12500000", "20000000")]
    assert told("unodc-arq", "A09 Purity", "Drug", "Samples (number)", "Typical (median), %") == [
        ("25B-NBOMe", "1", "80")
    ]
    assert told("unodc-arq", "R12 NPS identified", "Substance", "CAS", "Identifications (number)", "First month") == [
        ("25B-NBOMe", "1026511-90-9", "1", "2023-05")
    ]
    assert told("unodc-ewa", "Substances", "Substance", "Formula", "Country", "Last month") == [
        ("25B-NBOMe", "C18H22BrNO3", "Kyrgyzstan", "2023-05")
    ]
    diverted = told(
        "incb-pics", "Incidents", "Substance", "Declared as", "Method of diversion", "Countries of companies"
    )
    assert diverted == [("Acetic anhydride", "acetic acid", "Declared as other goods", "CN")]
    assert told("wco-cen", "Seizures", "Commodity", "Quantity", "Unit") == [("Heroin", "3", "Kilogram")]


def test_approved_by_another_key_it_is_frozen(analyst: Agency, officer: Agency) -> None:
    pack = drafted(analyst, "incb-form-d")
    path = f"/v1/packs/{pack['id']}"
    wrong = post(officer, f"{path}/approval", digest="0" * 64)
    assert refusal(wrong) == (409, "not-drafted", "/digest")
    assert post(analyst, f"{path}/approval", digest=pack["digest"]).status == 403
    approved = post(officer, f"{path}/approval", digest=pack["digest"]).json()
    assert (approved["state"], approved["digest"]) == ("approved", pack["digest"])
    first, second = (officer.get(f"{path}/workbook").body for _ in range(2))
    assert first == second
    (stopped,) = sheets(first)["Stopped and suspicious"][1:]
    assert (stopped[0], stopped[1], stopped[-1]) == ("Shipment stopped", "Acetic anhydride", 1200)
    assert refusal(post(officer, f"{path}/discard", digest=pack["digest"])) == (409, "not-drafted", "/digest")
    later = drafted(analyst, "incb-form-d")
    assert (later["version"], later["digest"]) == (pack["version"] + 1, pack["digest"])


def test_a_country_drafts_so_many_packs_a_day(exchange: Exchange, analyst: Agency) -> None:
    """Each is kept with all its rows. Those of this test are copies of one, and gone after it."""
    pack = drafted(analyst, "wco-cen")
    most = exchange.settings.packs_per_day
    with create_engine(exchange.settings.database_as(), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(_COPIES, {"id": pack["id"], "number": most})
        refused = post(analyst, "/v1/packs", form="wco-cen", **YEAR)
        assert refusal(refused) == (429, "too-many-packs", None)
        assert 80_000 < int(dict(refused.lines)["retry-after"]) <= 86_400
        connection.execute(text("DELETE FROM core.pack WHERE version > 1000"))
        today = connection.scalar(_TODAY, {"id": pack["id"]})
        connection.execute(_COPIES, {"id": pack["id"], "number": most - today - 1})
        with ThreadPoolExecutor(4) as threads:
            replies = list(threads.map(lambda form: post(analyst, "/v1/packs", form=form, **YEAR), FORMS))
        connection.execute(text("DELETE FROM core.pack WHERE version > 1000"))
    assert sorted(reply.status for reply in replies) == [201, 429, 429, 429], (
        "the last of the day, however many at once"
    )


def test_a_workbook_made_again_is_the_frozen_one(exchange: Exchange, analyst: Agency, officer: Agency) -> None:
    pack = drafted(analyst, "unodc-arq")
    path = f"/v1/packs/{pack['id']}"
    post(officer, f"{path}/approval", digest=pack["digest"])
    frozen = officer.get(f"{path}/workbook").body
    shown = officer.get(path).json()
    moments = {name: datetime.fromisoformat(shown[name]) for name in ("drafted_at", "approved_at")}
    assert workbook(shown["content"], seal_of({**shown, **moments})) == frozen
    assert sheets(frozen)["A10 Persons arrested"][1][-1] == 1
    assert [row[0:1] + row[2:4] for row in sheets(frozen)["A06 Seizures"][1:]] == [["heroin-opiates", 1, 2.5]]


def test_a_drafter_does_not_approve_its_own(officer: Agency, exchange: Exchange) -> None:
    pack = drafted(officer, "wco-cen")
    own = post(officer, f"/v1/packs/{pack['id']}/approval", digest=pack["digest"])
    assert refusal(own)[:2] == (403, "drafter-approves")
    second = Agency(exchange, "TM-DCA/policy2")
    assert post(second, f"/v1/packs/{pack['id']}/discard", digest=pack["digest"]).json()["state"] == "discarded"
    late = post(second, f"/v1/packs/{pack['id']}/approval", digest=pack["digest"])
    assert refusal(late) == (409, "not-drafted", "/digest")


def test_the_list_comes_in_pages_and_by_state_and_form(analyst: Agency, officer: Agency) -> None:
    made = [drafted(analyst, "unodc-ewa", last_month=f"2022-{month:02}")["id"] for month in (3, 4, 5)]
    post(officer, f"/v1/packs/{made[1]}/discard", digest=analyst.get(f"/v1/packs/{made[1]}").json()["digest"])
    found: list[str] = []
    params: dict[str, Any] = {"limit": 2, "form": "unodc-ewa"}
    while params.get("cursor", "") is not None:
        page = analyst.get("/v1/packs", **params).json()
        assert len(page["items"]) <= 2
        found += [pack["id"] for pack in page["items"]]
        params["cursor"] = page["next"]
    assert [id_ for id_ in found if id_ in made] == made[::-1], "newest first, each once"
    waiting = [pack["id"] for pack in analyst.get("/v1/packs", form="unodc-ewa", state="drafted").json()["items"]]
    assert [id_ for id_ in waiting if id_ in made] == [made[2], made[0]]
    first = analyst.get("/v1/packs", limit=1).json()["next"]
    assert analyst.get("/v1/packs", limit=1, cursor=first, state="drafted").problem == "invalid-cursor"
    assert analyst.get("/v1/packs", limit=0).status == 422


def test_a_draft_waits_in_the_inbox_until_it_is_settled(exchange: Exchange, officer: Agency, analyst: Agency) -> None:
    def notices(agency: Agency) -> dict[str, Any]:
        found = agency.get("/v1/inbox", kind="pack-drafted", state="open").json()["items"]
        return {notice["subject"]: notice["facts"] for notice in found}

    pack, other = drafted(analyst, "unodc-ids"), drafted(analyst, "unodc-ids")
    path, later = (f"/v1/packs/{made['id']}" for made in (pack, other))
    assert notices(officer)[path] == {**YEAR, "form": "unodc-ids", "version": pack["version"]}
    assert not {path, later} & notices(Agency(exchange, "UZ-DCA/policy")).keys()
    post(officer, f"{path}/approval", digest=pack["digest"])
    assert path not in notices(officer)
    assert later in notices(officer)
    post(officer, f"{later}/discard", digest=other["digest"])
    assert later not in notices(officer)


def test_another_country_sees_none_of_it(exchange: Exchange, analyst: Agency) -> None:
    pack = drafted(analyst, "unodc-ewa")
    stranger, absent = Agency(exchange, "UZ-DCA/policy"), "00000000-0000-4000-8000-000000000000"
    for path in ("", "/workbook"):
        hidden = stranger.get(f"/v1/packs/{pack['id']}{path}")
        assert (hidden.status, hidden.body) == (404, stranger.get(f"/v1/packs/{absent}{path}").body)
    assert post(stranger, f"/v1/packs/{pack['id']}/approval", digest=pack["digest"]).status == 404
    assert pack["id"] not in stranger.get("/v1/packs").body.decode()
    assert pack["id"] in analyst.get("/v1/packs").body.decode()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"form": "unodc-arq-2"}, (422, "unknown-form", "/form")),
        ({"first_month": "2022-06", "last_month": "2022-01"}, (422, "impossible-months", "/last_month")),
        ({"first_month": "2019-01", "last_month": "2022-01"}, (422, "impossible-months", "/last_month")),
        ({"first_month": "2026-01", "last_month": "2027-01"}, (422, "impossible-months", "/last_month")),
    ],
)
def test_what_no_pack_is_made_of(analyst: Agency, document: dict[str, str], expected: tuple[int, str, str]) -> None:
    assert refusal(post(analyst, "/v1/packs", **({"form": "unodc-ids"} | YEAR | document))) == expected


def test_who_drafts_is_an_analyst_or_the_focal_point(exchange: Exchange) -> None:
    assert post(Agency(exchange, "TM-LAB"), "/v1/packs", form="unodc-ids", **YEAR).status == 403
