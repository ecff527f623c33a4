"""The ways in which comparable exchanges leaked through writes, roles, history, statistics and errors."""

import asyncio
import dataclasses
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sarhad import Client, ProblemError
from sarhad.records import Record, read
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.database import administration
from tests.exchange import Exchange, heroin
from tests.policies import reports
from tests.policies.entrance import Entrance
from tests.policies.leaks.asking import Asker
from tests.policies.reports import AGENCY, EXACT, HIDDEN, MONTHLY, PARTNER, report
from tests.policies.test_privileges import LOGINS


def outcome(call: Callable[[], Any]) -> tuple[int, str]:
    try:
        call()
    except ProblemError as problem:
        return problem.status, problem.sentence
    return 201, ""


def test_a_write_tells_nothing_of_what_others_hold(
    exchange: Exchange, ask: Asker, partner: Client, file: Callable[[Record], str]
) -> None:
    """D10. The same reference, the same content, a version of it, a question about it: as if it were not there."""
    secret = report(HIDDEN)
    id_, none = file(secret), str(uuid.uuid4())
    twin = heroin(PARTNER, reference=secret.facets["reference"], items=secret.facets["items"])
    other = heroin(
        PARTNER,
        reference=f"KG-{uuid.uuid4()}",
        items=secret.facets["items"],
        narrative={"text": "other", "language": "en"},
    )
    receipts = [partner.submit(exchange.sign(record)) for record in (twin, other)]
    assert len({str(getattr(receipt, "warnings", ())) for receipt in receipts}) == 1
    amended = [
        outcome(
            lambda id_=id_: partner.submit(
                exchange.sign(dataclasses.replace(other, id=id_, version=2, previous="A" * 43))
            )
        )  # type: ignore[misc]
        for id_ in (id_, none)
    ]
    assert amended[0] == amended[1]
    assert 400 <= amended[0][0] < 500
    for path, method, body in (
        ("/v1/requests", "POST", {"record": "{}", "facets": ["items"], "reason": "a case"}),
        ("/v1/recalls", "POST", {"records": ["{}"], "reason": "withdrawn"}),
        ("/v1/records/{}/sharing", "PUT", {"rules": []}),
    ):
        content = json.dumps(body)
        first, second = (
            ask(
                path.replace("{}", id_),
                method,
                content=content.replace("{}", id_),
                headers={"content-type": "application/json"},
            ).of(id_)
            for id_ in (id_, none)
        )
        assert first == second, path
        assert 400 <= first.status < 500


def test_answers_are_nobodys_to_keep(ask: Asker, file: Callable[[Record], str]) -> None:
    """D12. What one reader was given is in no cache that another, or the same after a revocation, is served from."""
    id_ = file(report(EXACT))
    for path in (
        "/v1/seizures?owner=UZ",
        f"/v1/seizures/{id_}",
        f"/v1/seizures/{id_}/proof",
        "/v1/trends",
        "/v1/inbox",
    ):
        headers = dict(ask(path).headers)
        assert "no-store" in headers["cache-control"], path
        assert not headers.keys() & {"etag", "last-modified", "expires"}, path


def test_what_a_policy_takes_away_is_gone_at_the_next_request_of_every_worker(exchange: Exchange) -> None:
    """D13. With an open cursor too; fresh connections reach both workers."""
    rule = {
        "id": "all",
        "effect": "permit",
        "audience": {"countries": ["AZ"]},
        "handling_up_to": "TLP:RED",
        "time": "day",
    }
    exchange.adopt("RU", rule)
    owner, reader = exchange.client("RU-CUS"), exchange.client("AZ-CUS")
    ids = [owner.submit(exchange.sign(heroin("RU-CUS"))).id for _ in range(3)]
    page = reader.search(owner="RU", limit=1)
    assert page.next
    assert len(page.items) == 1
    exchange.adopt("RU")
    for number in range(12):
        asker = Asker(exchange, "AZ-CUS")
        assert asker(f"/v1/seizures/{ids[number % 3]}").status == 404
        assert json.loads(asker("/v1/seizures?owner=RU").body)["items"] == []
        asker.http.close()
    assert outcome(lambda: reader.search(owner="RU", limit=1, cursor=page.next))[0] == 400, (
        "a cursor ends with its policy"
    )


def test_the_access_log_is_its_owners(exchange: Exchange, hidden: str) -> None:
    """D16. Who read is told to the owner of the records, and asked about another country it is as about none."""
    auditor = Asker(exchange, f"{PARTNER[:2]}-DCA/auditor", None)
    theirs, none = auditor(f"/v1/statements/UZ?record={hidden}"), auditor(f"/v1/statements/QQ?record={hidden}")
    assert theirs.status == none.status
    assert theirs.status in (403, 404)
    assert theirs.body.replace(b"UZ", b"QQ") == none.body
    assert Asker(exchange, PARTNER)("/v1/statements/KG").status == 403, "who reads content reads no log"


def test_the_log_does_not_tell_of_records(exchange: Exchange, ask: Asker, file: Callable[[Record], str]) -> None:
    """D17. Leaves are salted, so that who guesses a record finds no leaf of it, and are not listed by index."""
    record = report(HIDDEN)
    signed = exchange.sign(record)
    exchange.client(AGENCY).submit(signed)
    for guess in (signed.encode(), signed.split("~")[0].encode(), read(signed).digest.encode(), record.id.encode()):
        for leaf in (hashlib.sha256(guess).digest(), hashlib.sha256(b"\x00" + guess).digest()):
            answer = ask("/v1/log/records/proof", params={"leaf": leaf.hex()})
            assert answer.status in (400, 404, 422)
    assert ask("/v1/log/records/proof?index=0").status == 422
    assert ask("/v1/log/records/proof?leaf_index=0&tree_size=1").status == 422


def test_an_older_version_is_under_the_label_of_the_latest(
    exchange: Exchange, partner: Client, file: Callable[[Record], str]
) -> None:
    """D18. What was clear and is red now is hidden with its whole history."""
    first = report(EXACT)
    id_ = file(first)
    assert partner.get(id_)["id"] == id_
    digest = read(exchange.client(AGENCY).get_record(id_)).digest
    file(dataclasses.replace(first, handling=HIDDEN, version=2, previous=digest))
    assert {status for status, _ in reports.everything(exchange, id_, PARTNER)} == {404}
    assert id_ not in reports.ids(partner)
    lowered = report(EXACT)
    id_ = file(lowered)
    digest = read(exchange.client(AGENCY).get_record(id_)).digest
    file(dataclasses.replace(lowered, handling=MONTHLY, version=2, previous=digest))
    told = json.dumps([partner.versions(id_), partner.get(id_), partner.get_record(id_)])
    for secret in (lowered.facets["reference"], lowered.facets["narrative"]["text"], "2026-02-11"):
        assert secret not in told


def test_nothing_is_expanded_on_demand(ask: Asker, file: Callable[[Record], str]) -> None:
    """D19."""
    id_ = file(report(EXACT))
    plain = ask(f"/v1/seizures/{id_}")
    for parameter in ("include=analyses", "expand=laboratory", "embed=*", "_include=x", "fields=jwt", "links=true"):
        assert ask(f"/v1/seizures/{id_}?{parameter}") == plain, parameter
        assert ask(f"/v1/seizures?{parameter}").status == 422, parameter


def test_who_writes_is_who_signed(exchange: Exchange, ask: Asker, file: Callable[[Record], str]) -> None:
    """D20. Not the path, not the body: a record in another's name or under another's id changes nothing."""
    id_ = file(report(EXACT))
    before = exchange.client(AGENCY).get(id_)
    mine = heroin(PARTNER)
    forged = exchange.sign(dataclasses.replace(heroin(AGENCY)))
    for path, body in (
        ("/v1/seizures", forged),
        (f"/v1/seizures/{id_}/versions", exchange.sign(mine)),
        (
            f"/v1/seizures/{id_}/versions",
            exchange.sign(dataclasses.replace(mine, id=id_, version=2, previous="A" * 43)),
        ),
    ):
        assert 400 <= ask(path, "POST", content=body, headers={"content-type": "application/sd-jwt"}).status < 500
    assert exchange.client(AGENCY).get(id_) == before


def test_unsigned_headers_change_nothing(exchange: Exchange, ask: Asker, hidden: str) -> None:
    """D21. Proxies' headers, method overrides, contexts and roles of one's own making; a second purpose is refused."""
    plain = ask(f"/v1/seizures/{hidden}")
    assert plain.status == 404
    for name, value in (
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "other.test"),
        ("x-forwarded-user", AGENCY),
        ("forwarded", "for=127.0.0.1;host=other.test"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/metrics"),
        ("sarhad-context", "1.2.3"),
        ("sarhad-country", "UZ"),
        ("sarhad-role", "operator"),
        ("authorization", "Bearer x"),
        ("client-cert", ":AA==:"),
        ("x-sarhad-agency", AGENCY),
        ("cookie", "session=1"),
    ):
        assert ask(f"/v1/seizures/{hidden}", headers={name: value}) == plain, name
    twice = [("sarhad-purpose", "operational"), ("sarhad-purpose", "analysis")]
    del ask.http.headers["sarhad-purpose"]
    try:
        assert ask(f"/v1/seizures/{hidden}", headers=twice).status in (400, 401)
    finally:
        ask.http.headers["sarhad-purpose"] = "operational"


@pytest.mark.parametrize("role", sorted(LOGINS))
def test_no_role_of_the_service_reads_statistics_or_plans_of_content(
    entrance: Entrance, exchange: Exchange, role: str, hidden: str
) -> None:
    """D22. Histograms and estimates are made of hidden rows."""
    with entrance(role) as session:
        seen = session.execute(
            text("""SELECT tablename FROM pg_stats WHERE schemaname IN ('core', 'gate')
          AND tablename ~ '^(report|access|policy|suspension|analysis|scope|compiled|rule)'""")
        ).scalars()
        assert list(seen) == []
    for question in (
        "SELECT count(*) FROM pg_statistic",
        "SELECT count(*) FROM pg_statistic_ext_data",
        "EXPLAIN SELECT * FROM core.report",
        "EXPLAIN SELECT * FROM core.report_line WHERE kg > 1",
        "EXPLAIN SELECT * FROM gate.compiled",
        "SELECT pg_stat_reset()",
        "SELECT pg_ls_dir('.')",
    ):
        with entrance(role) as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(question))


WORDS = re.compile(
    rb"psycopg|sqlalchemy|Traceback|SELECT |INSERT |relation |violates|constraint|_idx|_pkey|core\.|gate\.|"
    rb"shared\.|/service/|\.py|parse error|SRID",
    re.IGNORECASE,
)


def test_refusals_hold_no_word_of_the_database(ask: Asker, hidden: str) -> None:
    """D23. Bad questions of every kind are refused by name, never by an error within."""
    questions = [
        f"/v1/seizures?{q}"
        for q in (
            "bbox=1,2,3",
            "bbox=nan,nan,nan,nan",
            "bbox=1e999,0,1,1",
            "bbox=0,-91,1,91",
            "from=0000-00-00",
            "cursor=AAAA",
            "min_kg=1e400",
            "min_kg=NaN",
            "limit=99999999999999999999",
            "reference=%00",
            "reference=%ff",
            "owner=%27",
            "substance=%27%3B--",
            "from=9999-12-31T23:59:59Z",
            "to=0001-01-01T00:00:00%2B14:00",
            "a%5B%5D=1",
        )
    ]
    questions += [
        f"/v1/seizures/{tail}" for tail in ("x", "%00", f"{hidden}'", f"{hidden}/x", "0" * 36, "%F0%9F%98%80")
    ]
    questions += [
        "/v1/trends?by=x",
        "/v1/policies/%27",
        "/v1/log/x/proof",
        "/v1/log/records/tile/99/x",
        "/v1/requests/x",
    ]
    for question in questions:
        answer = ask(question)
        assert answer.status < 500, question
        assert not WORDS.search(answer.body) or answer.status == 200, (question, answer.body)
        assert hidden.encode() not in answer.body.replace(question.encode(), b"") or answer.status == 404


def test_a_key_without_a_role_reads_and_writes_nothing(
    exchange: Exchange, paths: dict[str, Any], tmp_path: Path, hidden: str
) -> None:
    """D24. No wildcard, no default: every route of the contract refuses it, but the registers and the logs."""

    async def add() -> None:
        engine = administration(exchange.settings)
        async with async_sessionmaker(engine).begin() as session:
            await exchange.region.add(session, tmp_path, "KG-DCA", (), name="KG-DCA/none")
        await engine.dispose()

    asyncio.run(add())
    nobody = Asker(exchange, "KG-DCA/none")
    values = {
        "record_id": hidden,
        "owner": "KG",
        "country": "KG",
        "version": "1",
        "code": "SAR-000608",
        "log": "records",
        "level": "0",
        "name": "000",
        "kid": "k",
    }
    wrong = []
    for path, methods in paths.items():
        concrete = re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), str(uuid.UUID(int=1))), path)
        for method in methods:
            content = {"content": b"{}", "headers": {"content-type": "application/json"}} if method != "get" else {}
            status = nobody(concrete, method.upper(), **content).status
            register = method == "get" and (path.startswith(REGISTERS) or path in DESCRIPTIONS)
            expected = (400, 403, 404, 415, 422, *((200,) if register else ()))
            if status not in expected:
                wrong.append((method, path, status))
    assert not wrong


# The same for every member; publications are definitions and approvals, which their routes give to any member.
REGISTERS = (
    "/v1/countries",
    "/v1/agencies",
    "/v1/keys",
    "/v1/service",
    "/v1/substances",
    "/v1/units",
    "/v1/places",
    "/v1/crossings",
    "/v1/log/",
    "/.well-known/",
    "/public/",
    "/v1/publications",
    "/v1/profile-methods",
    "/v1/spectra/library",
)
# What the interface says of itself.
DESCRIPTIONS = {
    *("/ogc", "/ogc/api", "/ogc/collections", "/ogc/conformance", "/ogc/tileMatrixSets"),
    "/v1/console",
    "/v1/packs/forms",
}


def test_every_way_of_asking_shows_the_same_records(
    exchange: Exchange, ask: Asker, partner: Client, file: Callable[[Record], str]
) -> None:
    """D25. Lists, pages, GeoJSON, features, figures, items, histories and signed copies agree, at every precision."""
    filed = {handling: file(report(handling)) for handling in (EXACT, "TLP:GREEN", MONTHLY, "TLP:AMBER+STRICT", HIDDEN)}
    shown = {name: id_ for name, id_ in filed.items() if name != HIDDEN}
    listed = set(reports.ids(partner))
    assert listed & set(filed.values()) == set(shown.values())
    paged = [item["id"] for item in partner.search_all(owner="UZ", limit=1)]
    assert sorted(paged) == sorted(listed)
    placed = json.loads(ask("/v1/seizures?owner=UZ&limit=500", headers={"accept": "application/geo+json"}).body)
    assert {f["id"] for f in placed["features"]} & set(filed.values()) <= set(shown.values())
    assert set(features(ask)) & set(filed.values()) == {filed[EXACT], filed["TLP:GREEN"]}, "those with a place"
    (counted,) = json.loads(ask("/v1/trends?by=owner&owner=UZ&measure=seizures").body)["cells"]
    assert counted["seizures"] == len(reports.ids(partner, kind="seizure"))
    for id_ in filed.values():
        statuses = [
            outcome(lambda way=way, id_=id_: way(id_))[0] for way in (partner.get, partner.versions, partner.get_record)
        ]  # type: ignore[misc]
        assert statuses == [201 if id_ in listed else 404] * 3


def features(ask: Asker) -> Iterator[str]:
    """The ids of all features of the collection of seizures, page by page."""
    path: str | None = "/ogc/collections/seizures/items?limit=500"
    while path is not None:
        page = json.loads(ask(path).body)
        yield from (feature["id"] for feature in page["features"])
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        path = following[0] if following else None
