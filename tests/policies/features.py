"""What features put between parties: alerts, candidates, saved questions, figures of readings; and the columns of every
view, under policies that give few of them. A sentence for each row that the wrong reader is told, or a member of it.

But for the columns, Kazakhstan gives every member all of its records but the narrative, Uzbekistan nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.policies.affairs import WIDE
from tests.policies.doors import AUDITOR, KZ, OFFICER, TJ, Told, column, one, refused
from tests.policies.oracle import Reader
from tests.policies.random_gate import Stage

UZ = Reader("UZ", "UZ-CUS", frozenset({"analyst"}), "operational", "k70")
AF = Reader("AF", "AF-CUS", frozenset({"analyst"}), "analysis", "k6")
NARRATIVE, ITEMS = 1 << 18, 1 << 9
BUT_NARRATIVE: dict[str, Any] = {**WIDE, "facets": (2**19 - 1) & ~NARRATIVE}


def open_features(stage: Stage) -> Iterator[str]:
    yield from _open(stage, (*dict.fromkeys(PARTIES.values()), _columns))


def open_feature(stage: Stage, place: str) -> Iterator[str]:
    """What is told of one view (`shared.alert`), function (`gate.has_eyes`) or table: nothing of most."""
    schema, _, name = place.partition(" ")[0].rpartition(".") if "." in place else ("", "", place)
    part = PARTIES.get(name if schema in ("shared", "gate") else schema) or (_columns if schema == "shared" else None)
    return _open(stage, (part,) if part else ())


def _open(stage: Stage, parts: Iterable[Callable[[Stage], Told]]) -> Iterator[str]:
    for part in parts:
        within = stage.connection.begin_nested()
        try:
            _share(stage)
            for sentence, held in part(stage):
                if not held:
                    yield sentence
        finally:
            within.rollback()


def _share(stage: Stage) -> None:
    for agency in ("TJ-CUS", "TJ-LAB"):
        stage.run(
            "INSERT INTO core.agency (code, country, type, name) VALUES (:a, 'TJ', 'CU', '') ON CONFLICT DO NOTHING",
            a=agency,
        )
    stage.run("UPDATE core.suspension SET lifted_at = now(), lifted_by = 'x' WHERE lifted_at IS NULL")
    layers = {(owner, f"agency:{owner}-{kind}"): None for owner in ("KZ", "UZ") for kind in ("CUS", "LAB")}
    stage.adopt({**layers, ("KZ", "national"): [BUT_NARRATIVE], ("UZ", "national"): None}, 30)


def _record(stage: Stage, owner: str) -> str:
    """One that has no rules of its own."""
    drawn = stage.situation.reports
    return next(r.id for r in drawn if r.scope.owner == owner and not r.scope.record and r.scope.kind == "seizure")


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-0000000000{number}"


def _numbers(stage: Stage, reader: Reader, view: str, role: str = "sarhad_read") -> set[int]:
    stage.become(stage.enter(reader))
    return set(one(stage, f"SELECT array_agg(right(id::text, 2)::integer) FROM shared.{view}", role) or ())


def _rows(stage: Stage, table: str, rows: list[dict[str, Any]]) -> None:
    stage.run("SET LOCAL session_replication_role = replica")
    stage.run(f"DELETE FROM core.{table}")
    for row in rows:
        stage.run(
            f"INSERT INTO core.{table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row
        )
    stage.run("SET LOCAL session_replication_role = origin")


def _issued(stage: Stage) -> str:
    """Alerts of Kazakhstan, 41 to 47, and what they rest on. The record of 42."""
    now, kz, uz = stage.situation.now, _record(stage, "KZ"), _record(stage, "UZ")
    written = {
        "country": "KZ", "agency": "KZ-CUS", "rule": "OTHER", "title": "t", "text": "x", "reviewed_by": "r",
        "reviewed_at": now, "candidate_id": _id(99),
    }  # fmt: skip
    issued = {"state": "issued", "level": "INFO", "handling": "TLP:GREEN", "issued_by": "i", "issued_at": now}
    ended = {"state": "closed", "ended_by": "e", "ended_at": now, "reason": "over"}
    alerts: list[dict[str, Any]] = [
        {"id": _id(41), **written, "state": "reviewed"},
        *({"id": _id(n), **written, **issued} for n in (42, 44, 45, 46)),
        {"id": _id(43), **written, **issued, "countries": ["UZ"]},
        {"id": _id(47), **written, **issued, **ended},
        {"id": _id(49), **written, "country": "TJ", "agency": "TJ-CUS", "state": "reviewed"},
    ]
    basis = [(42, kz, ITEMS), (44, uz, ITEMS), (45, kz, NARRATIVE), (46, kz, ITEMS), (46, uz, ITEMS)]
    _rows(stage, "alert", alerts)
    _rows(stage, "alert_basis", [{"alert_id": _id(n), "record_id": id_, "needs": needs} for n, id_, needs in basis])
    return kz


def _alerts(stage: Stage) -> Told:
    kz = _issued(stage)
    for reader, told in (
        (KZ, {41, 42, 43, 45, 47}),
        (TJ, {42, 47, 49}),
        (UZ, {42, 43, 44, 46, 47}),
        (AF, set[int]()),
    ):
        found = _numbers(stage, reader, "alert")
        yield f"alerts tell {reader.country} {found}", found == told
    members = f"SELECT concat(reviewed_by, candidate_id) FROM shared.alert WHERE id = '{_id(42)}'"
    records = f"SELECT records::text[] FROM shared.alert WHERE id = '{_id(42)}'"
    for reader, said in ((KZ, f"r{_id(99)}"), (TJ, "")):
        stage.become(stage.enter(reader))
        yield f"who reviewed, to {reader.country}", one(stage, members, "sarhad_read") == said
        yield f"what it rests on, to {reader.country}", one(stage, records, "sarhad_read") == [kz]
    for reader, told in ((KZ, set(range(41, 48))), (TJ, {49})):
        found = _numbers(stage, reader, "own_alert", "sarhad_write")
        yield f"own alerts of {reader.country}: {found}", found == told
    for reader, number, state, told in (
        (KZ, 41, "retracted", True), (KZ, 44, "retracted", True), (KZ, 44, "closed", True), (KZ, 41, "closed", False),
        (KZ, 47, "retracted", False), (TJ, 42, "retracted", False),
    ):  # fmt: skip
        within = stage.connection.begin_nested()
        stage.become(stage.enter(reader))
        stage.run("SET LOCAL ROLE sarhad_write")
        done = stage.run(f"SELECT gate.end_alert('{_id(number)}', '{state}', 'wrong')").scalar_one()
        stage.run("RESET ROLE")
        ended = stage.run("SELECT count(*) FROM core.alert WHERE reason = 'wrong'").scalar_one()
        yield f"{reader.country} has {number} {state}: {done}, {ended} ended", (done, ended) == (told, int(told))
        within.rollback()
    yield from _tried(stage, TJ, "alert", {
        "id": _id(48), "country": "TJ", "agency": "TJ-CUS", "rule": "OTHER", "title": "t", "text": "x",
        "reviewed_by": TJ.key, "reviewed_at": stage.situation.now, "state": "reviewed",
    }, {"country": "KZ", "agency": "TJ-LAB", "reviewed_by": "other"})  # fmt: skip
    rests = {"alert_id": _id(41), "record_id": kz, "needs": 0}
    yield from _tried(stage, KZ, "alert_basis", rests, {"alert_id": _id(49)})
    yield from _tried(stage, TJ, "alert_basis", rests, {"alert_id": _id(41)}, right=False)


def _tried(
    stage: Stage, reader: Reader, table: str, row: dict[str, Any], wrong: dict[str, Any], *, right: bool = True
) -> Told:
    """The row is written, if that is right, and with any one of the wrong members it is not."""
    stage.become(stage.enter(reader))
    insert = f"INSERT INTO core.{table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
    if right:
        yield f"{table} is not written by {reader.country}", not refused(stage, insert, "sarhad_write", **row)
    for name, value in wrong.items():
        tried = refused(stage, insert, "sarhad_write", **row | {name: value})
        yield f"{table} is written by {reader.country} with another {name}", tried


def _told_of_alerts(stage: Stage) -> Told:
    """Whoever sees one, through eyes that somebody at the agency has; once."""
    _issued(stage)
    for reader in (KZ, TJ, UZ, AF):
        stage.enter(reader)
    now, day = stage.situation.now, timedelta(days=1)
    key = {"use": "request-signing", "not_before": now - day, "role": "analyst"}
    for name, given, told in (
        ("nobody", None, set[int]()),
        ("a key", key, {42}),
        ("a key until tomorrow", key | {"not_after": now + day}, {42}),
        ("a key of tomorrow", key | {"not_before": now + day}, set()),
        ("a key until yesterday", key | {"not_after": now - day / 2}, set()),
        ("a revoked key", key | {"revoked_at": now - day / 2, "revocation_reason": "lost"}, set()),
        ("a key for records", key | {"use": "record-signing"}, set()),
        ("a key of another role", key | {"role": "laboratory"}, {42}),  # it is given eyes of its own
        ("a key elsewhere", key | {"agency": "TJ-LAB"}, {42}),
        ("an officer", {"roles": ["analyst"]}, {42}),
        ("an officer of another role", {"roles": ["laboratory"]}, set()),
        ("an officer who left", {"roles": ["analyst"], "ended_at": now, "end_reason": "left"}, set()),
        ("an officer elsewhere", {"roles": ["analyst"], "agency": "TJ-LAB"}, set()),
    ):
        _hold(stage, "TJ-CUS", given)
        found, agency = _tell(stage, "TJ"), (given or {}).get("agency", "TJ-CUS")
        yield f"{name} of TJ is told {found}", found == {(agency, number) for number in told}
    for reader, role, told in (
        (UZ, "analyst", {42, 43, 44, 46}),
        (AF, "analyst", set()),
        (KZ, "reporter", {42, 43, 45}),
    ):
        _hold(stage, reader.agency, key | {"role": role})
        found = _tell(stage, reader.country)
        yield f"{reader.country} is told {found}", found == {(reader.agency, number) for number in told}
        some = _tell(stage, reader.country, f"'{_id(43)}'")
        yield f"{reader.country} is told {some} of 43", some == {one for one in found if one[1] == 43}
    stage.run(
        """INSERT INTO core.agency_key (kid, agency, use, alg, public_jwk, not_before, enrolled_by, approved_by)
           VALUES (repeat('z', 43), 'UZ-CUS', 'request-signing', 'EdDSA', '{}', :began, '', '')""",
        began=now - day,
    )
    stage.run("INSERT INTO core.role_grant (kid, role) VALUES (repeat('z', 43), 'analyst')")
    found = _tell(stage, "KZ")
    yield f"with KZ others are told: {found}", {agency for agency, _ in found} == {KZ.agency}
    for told_now in (True, False):
        stage.run("SET LOCAL ROLE sarhad_write")
        told_of = stage.run("SELECT count(*) FROM gate.tell_of_alerts('KZ', NULL)").scalar_one()
        stage.run("RESET ROLE")
        yield f"KZ is told again of {told_of}", bool(told_of) is told_now


def _hold(stage: Stage, agency: str, given: dict[str, Any] | None) -> None:
    """One key, or one officer, and nothing else."""
    keys: list[dict[str, Any]] = []
    persons: list[dict[str, Any]] = []
    if given and "use" in given:
        one_key = {name: value for name, value in given.items() if name != "role"}
        keys = [{"kid": "eyes".ljust(43, "x"), "agency": agency, "alg": "EdDSA", "public_jwk": "{}", "enrolled_by": "",
                 "approved_by": "", **one_key}]  # fmt: skip
    elif given:
        persons = [{"id": _id(81), "agency": agency, "handle": "an-officer", **given}]
    _rows(stage, "role_grant", [])
    _rows(stage, "agency_key", keys)
    granted = [{"kid": key["kid"], "role": given["role"]} for key in keys if given]
    _rows(stage, "role_grant", [*granted, {"kid": "other", "role": "laboratory"}])
    _rows(stage, "person", persons)


def _tell(stage: Stage, country: str, alerts: str = "") -> set[tuple[str, int]]:
    within = stage.connection.begin_nested()
    stage.run("SET LOCAL ROLE sarhad_write")
    of_these = f"ARRAY[{alerts}]::uuid[]" if alerts else "NULL"
    rows = stage.run(f"SELECT agency, right(alert::text, 2)::integer FROM gate.tell_of_alerts('{country}', {of_these})")
    told = {(agency, number) for agency, number in rows}
    within.rollback()
    return told


def _own_acts(stage: Stage) -> Told:
    """Whose act it was takes no note of it for the others, whichever key of its own it signs with."""
    notice = {"from_country": "TJ", "to_country": "TJ", "subject": "s", "at": stage.situation.now}
    kinds = {71: ("record-granted", "a"), 72: ("record-released", "a"), 73: ("recall-received", "a")}
    kinds[74] = ("record-granted", "d")
    rows = [{"id": _id(n), "kind": k, "facts": f'{{"by": "{by}"}}', **notice} for n, (k, by) in kinds.items()]
    _rows(stage, "notice", rows)
    _rows(stage, "session_key", [
        {"kid": kid, "person": _id(person), "session": _id(session)}
        for kid, person, session in (("a", 81, 91), ("b", 81, 92), ("c", 82, 93))
    ])  # fmt: skip
    stage.become(stage.enter(TJ))
    for number in kinds:
        for by in ("a", "b", "c", "d"):
            note = f"SELECT gate.acknowledge_notices('{_id(number)}', NULL, '{by}')"
            noted = one(stage, note, "sarhad_write")
            own = {71: "ab", 72: "ab", 73: "", 74: "d"}[number]
            yield f"{by} takes note of {number}: {noted}", noted == (0 if by in own else 1)


def _notices(stage: Stage) -> Told:
    """What Tajikistan tells again in the same words stands once while it is open; and all else for itself."""
    to, words = {"to_country": "KZ", "to_agency": "KZ-CUS"}, {"kind": "k", "subject": "s", "facts": "{}"}
    noted = {"acknowledged_at": stage.situation.now, "acknowledged_by": "x"}
    before: list[dict[str, Any]] = [
        {"from_country": "TJ", **to, **words},
        {"from_country": "UZ", **to, **words, "subject": "of another"},
        {"from_country": "TJ", **to, **words, "subject": "noted", **noted},
        {"from_country": "TJ", **to, **words, "to_agency": "KZ-LAB", "subject": "to another agency"},
        {"from_country": "TJ", **to, **words, "to_country": "UZ", "to_agency": None, "subject": "to another country"},
        {"from_country": "TJ", **to, **words, "kind": "of another kind"},
        {"from_country": "TJ", **to, **words, "facts": '{"other": 1}'},
        {"from_country": "TJ", "to_country": "TJ", "to_agency": None, **words, "subject": "own"},
        {"from_country": "UZ", "to_country": "TJ", "to_agency": None, **words, "subject": "of another to it"},
    ]
    _rows(stage, "notice", [{"id": _id(n), **row, "at": stage.situation.now} for n, row in enumerate(before, 10)])
    again = [
        {"country": "KZ", "agency": "KZ-CUS", **words, "subject": subject, "facts": {}}
        for subject in ("s", "of another", "noted", "to another agency")
    ]
    again += [{**again[0], "agency": None, "subject": "to another country"}]
    again += [
        {**again[0], "country": "TJ", "agency": None, "subject": subject} for subject in ("own", "of another to it")
    ]
    put = json.dumps([{"id": _id(n), **row} for n, row in enumerate(again, 20)])
    stage.become(stage.enter(TJ))
    stage.run("SET LOCAL ROLE sarhad_write")
    stage.run("SELECT gate.put_notices(CAST(:put AS jsonb))", put=put)
    stage.run("RESET ROLE")
    told = _numbers(stage, KZ, "notice")
    yield f"notices tell KZ {told}", told == {10, 11, 12, 15, 16, *range(21, 25)}
    told = _numbers(stage, UZ, "notice")
    yield f"notices tell UZ {told}", told == {14}
    told = _numbers(stage, TJ, "notice")
    yield f"notices tell TJ {told}", told == {17, 18, 25, 26}
    moved = one(stage, "SELECT array_agg(right(id::text, 2)::integer) FROM core.notice WHERE at <> :t",
                t=stage.situation.now)  # fmt: skip
    yield f"the notices {moved} have another time", set(moved) == {10, *range(21, 27)}


def _counted(stage: Stage) -> Told:
    """Of a quota a country counts what its own people did, within a day."""
    now = stage.run("SELECT now()").scalar_one()
    old = now - timedelta(days=2)
    request = {"asked_by": "x", "purpose": "analysis", "reason": "r", "wanted": 1, "deadline": now}
    asked = [("KZ", "TJ", now), ("KZ", "TJ", old), ("UZ", "TJ", now), ("KZ", "UZ", now)]
    _rows(stage, "release_request", [
        {"id": _id(n), "record_id": _id(n), "owner": to, "asker_country": asker, "asker_agency": f"{asker}-CUS",
         "asked_at": at, **request}
        for n, (to, asker, at) in enumerate(asked, 10)
    ])  # fmt: skip
    for reader, owner, number in ((TJ, "KZ", 1), (TJ, "UZ", 1), (KZ, "KZ", 0)):
        stage.become(stage.enter(reader))
        found = one(stage, f"SELECT count(*) FROM gate.asked_of('{owner}')", "sarhad_write")
        yield f"{reader.country} has asked {owner} {found} times", found == number
    stage.run("DELETE FROM core.access")
    for number, route in enumerate(("/v1/profiles/search", "/v1/spectra/search", "/v1/seizures"), 97):
        stage.run("""INSERT INTO core.access (id, at, reading, country, agency, key_id, roles, purpose, method, route,
            policy, status, owner, records, record_ids, question, answer, seal, salt, leaf_hash)
          SELECT gen_random_uuid(), now() - make_interval(days => v.days), CAST(:id AS uuid), v.c, v.c || '-CUS', 'k',
            '{}', 'analysis', 'GET', :route, 'p', v.status, v.o, 1, '{}', sha256(''), sha256(''),
            decode(repeat('00', 16), 'hex'), decode(repeat('00', 16), 'hex'), sha256('')
          FROM (VALUES ('TJ', 0, 200, 'KZ'), ('TJ', 0, 200, 'UZ'), ('TJ', 2, 200, 'KZ'), ('TJ', 0, 429, 'KZ'),
            ('UZ', 0, 200, 'KZ')) AS v(c, days, status, o)""", id=_id(number), route=route)  # fmt: skip
    for reader, number in ((TJ, 1), (KZ, 0)):
        stage.become(stage.enter(reader))
        found = one(stage, "SELECT count(*) FROM gate.comparisons()", "sarhad_read")
        yield f"{reader.country} has compared {found} times", found == number
        found = one(stage, "SELECT count(*) FROM gate.spectrum_searches()", "sarhad_read")
        yield f"{reader.country} has searched with spectra {found} times", found == number


def _candidates(stage: Stage) -> Told:
    stage.become(stage.enter(TJ))
    policy = one(stage, "SELECT gate.policy_version()", "sarhad_read")
    kz, uz = _record(stage, "KZ"), _record(stage, "UZ")
    found = {"rule": "NEW_LOGO", "facts": "{}", "at": stage.situation.now, "purpose": "analysis"}
    rows = [
        {"id": _id(n), "country": agency[:2], "agency": agency, "key": str(n), "record_id": record, "needs": needs,
         "policy": counted, **found}
        for n, agency, record, needs, counted in (
            (51, "TJ-CUS", kz, ITEMS, None),
            (52, "TJ-CUS", uz, ITEMS, None),
            (53, "TJ-LAB", kz, ITEMS, None),
            (54, "TJ-CUS", None, 0, policy),
            (55, "TJ-CUS", None, 0, "old"),
            (56, "TJ-CUS", kz, NARRATIVE, None),
            (57, "KZ-CUS", kz, ITEMS, None),
            (58, "TJ-CUS", kz, ITEMS, "old"),
        )
    ]  # fmt: skip
    for number, other in ((70, kz), (71, uz)):  # a match names another record, too
        rows.append({**rows[0], "id": _id(number), "key": str(number), "facts": json.dumps({"other": other})})
    _rows(stage, "alert_candidate", rows)
    new = {"id": _id(59), "country": "TJ", "agency": "TJ-CUS", "key": "59", "record_id": kz, "needs": 0, **found}
    new |= {"state": "candidate"}
    yield from _tried(stage, TJ, "alert_candidate", new, {"country": "KZ", "agency": "TJ-LAB"})
    dismissed = new | {"state": "dismissed", "settled_at": stage.situation.now, "settled_by": "x"}
    yield from _tried(stage, TJ, "alert_candidate", dismissed, {"state": "dismissed"}, right=False)
    told = _numbers(stage, TJ, "alert_candidate")
    yield f"candidates tell TJ {told}", told == {51, 54, 70}
    told = _numbers(stage, KZ, "alert_candidate")
    yield f"candidates tell KZ {told}", told == {57}
    anew = {"purpose": "analysis", "rule": "NEW_LOGO", "record_id": kz, "needs": ITEMS, "owners": {}, "facts": {}}
    again = json.dumps([{**anew, "id": _id(60 + n), "key": str(50 + n)} for n in range(1, 10)])
    stage.become(stage.enter(TJ))
    stage.run("SET LOCAL ROLE sarhad_write")
    stage.run(
        "SELECT gate.keep_candidates(CAST(:found AS jsonb), ARRAY[CAST(:over AS uuid)])", found=again, over=_id(54)
    )
    stage.run("RESET ROLE")
    told = _numbers(stage, TJ, "alert_candidate")
    yield f"of candidates kept anew TJ is told {told}", told == {51, *range(62, 71)}
    told = _numbers(stage, KZ, "alert_candidate")
    yield f"of candidates kept anew KZ is told {told}", told == {57}
    for number, settled in ((53, False), (57, False), (51, True), (51, False)):
        stage.become(stage.enter(TJ))
        stage.run("SET LOCAL ROLE sarhad_write")
        done = stage.run(f"SELECT gate.settle_candidate('{_id(number)}', 'dismissed')").scalar()
        stage.run("RESET ROLE")
        yield f"TJ settles {number}", done is settled


def _questions(stage: Stage) -> Told:
    saved = {"purpose": "analysis", "name": "q", "asks": "{}", "schedule": "daily", "threshold": 3}
    times = dict.fromkeys(("next_at", "told_at", "changed_at"), stage.situation.now)
    rows = [
        {"id": _id(n), "key_id": key, "country": agency[:2], "agency": agency, "shared": shared, **saved, **times}
        for n, key, agency, shared in (
            (61, "k1", "TJ-CUS", "key"),
            (62, "other", "TJ-CUS", "key"),
            (63, "other", "TJ-CUS", "agency"),
            (64, "other", "TJ-LAB", "agency"),
            (65, "other", "TJ-LAB", "country"),
            (66, "other", "KZ-CUS", "country"),
            (67, "other", "KZ-CUS", "members"),
        )
    ]
    _rows(stage, "question", rows)
    asker, other = replace(TJ, key="q".ljust(43, "x")), "p".ljust(43, "x")
    held = {"agency": "TJ-CUS", "use": "request-signing", "alg": "EdDSA", "public_jwk": "{}", "enrolled_by": ""}
    held |= {"approved_by": "", "not_before": stage.situation.now}
    _rows(stage, "agency_key", [{"kid": kid, **held} for kid in (asker.key, other)])
    new = {"id": _id(68), "key_id": asker.key, "country": "TJ", "agency": "TJ-CUS", "shared": "key"}
    new |= {"purpose": "analysis", "name": "q", "asks": "{}"}
    wrong = {"key_id": other, "country": "KZ", "agency": "TJ-LAB"}
    yield from _tried(stage, asker, "question", new, wrong)
    yield from _tried(stage, asker, "question", new | {"told": "{}"}, {"told": "{}"}, right=False)
    for reader, told in ((TJ, {61, 63, 65, 67}), (UZ, {67}), (AF, set[int]())):
        found = _numbers(stage, reader, "question")
        yield f"questions tell {reader.country} {found}", found == told
    stage.become(stage.enter(TJ))
    terms = "SELECT num_nonnulls(schedule, threshold, next_at, told_at, changed_at) FROM shared.question WHERE id = "
    for number, known in ((61, 5), (63, 0), (67, 0)):
        told_of = one(stage, f"{terms}'{_id(number)}'", "sarhad_read")
        yield f"{told_of} terms of question {number}", told_of == known
    for number, dropped in ((63, False), (67, False), (61, True)):
        drop = f"SELECT gate.drop_question('{_id(number)}')"
        yield f"TJ drops {number}", one(stage, drop, "sarhad_write") is dropped


def _readings(stage: Stage) -> Told:
    """Of figures over what nobody may see, whose records they rest on is told to the owners alone."""
    stage.run("DELETE FROM core.access")
    stage.run("""INSERT INTO core.access (id, at, reading, country, agency, key_id, roles, purpose, method, route,
        policy, status, owner, records, record_ids, question, answer, seal, salt, leaf_hash, unseen)
      SELECT gen_random_uuid(), now(), gen_random_uuid(), 'TJ', 'TJ-CUS', 'k', '{}', 'analysis', 'GET', '/', 'p', 200,
        o, 1, '{}', sha256(''), sha256(''), decode(repeat('00', 16), 'hex'), decode(repeat('00', 16), 'hex'),
        sha256(''), u
      FROM (VALUES ('KZ', false), ('KZ', true), ('TJ', false)) AS v(o, u)""")
    stage.become(stage.enter(AUDITOR))
    for view, number in (("reading", 2), ("reading_taken", 1)):
        told = one(stage, f"SELECT count(*) FROM shared.{view}", "sarhad_read")
        yield f"{told} of {view}", told == number


def _recalls(stage: Stage) -> Told:
    """That a record is recalled is told to its owner alone."""
    kz = _record(stage, "KZ")
    rule = {"owner": "KZ", "kind": "block", "facets": 0, "duties": 0, "reason": "r", "origin": "recall", "made_by": "x"}
    lifted = {"record_id": _id(84), "ended_at": stage.situation.now, "ended_by": "x"}
    rows = [{"record_id": kz}, lifted, {"record_id": _id(85), "origin": "sharing", "origin_id": None}]
    _rows(stage, "record_rule", [{**rule, "id": _id(n), "origin_id": _id(n), **row} for n, row in enumerate(rows, 86)])
    for reader, told in ((KZ, {kz}), (TJ, set[str]())):
        stage.become(stage.enter(reader))
        found = one(stage, "SELECT array_agg(record_id::text) FROM shared.record WHERE recalled", "sarhad_read")
        yield f"{reader.country} is told of recalls of {found}", set(found or ()) == told
        found = one(stage, "SELECT array_agg(record_id::text) FROM shared.recalled", "sarhad_read")
        yield f"recalls of {found} are told to {reader.country}", set(found or ()) == told
    seen = one(stage, f"SELECT recalled FROM shared.record WHERE record_id = '{kz}'", "sarhad_read")
    yield "a record that is recalled is not what is looked at", seen is False


def _times(stage: Stage) -> Told:
    """When records came is told of the own country's, to officers who see none of their content."""
    kz, uz = _record(stage, "KZ"), _record(stage, "UZ")
    asked = {"asker_country": "TJ", "asker_agency": "TJ-CUS", "asked_by": "x", "purpose": "analysis", "reason": "r"}
    asked |= {"wanted": 1, "deadline": stage.situation.now, "state": "open"}
    owned = [{"record_id": kz, "owner": "KZ"}, {"record_id": uz, "owner": "UZ"}]
    stage.run("DELETE FROM core.release_request")
    _rows(stage, "release_request", [{**asked, **one, "id": _id(n)} for n, one in enumerate(owned, 92)])
    stage.run("SET LOCAL session_replication_role = replica")
    stage.run("UPDATE core.report_line SET exhibit = record_id::text")
    ended = "UPDATE core.report SET kind = 'analysis' WHERE record_id = ANY (CAST(:ids AS uuid[])) AND latest"
    stage.run(ended, ids=[kz, uz])
    stage.run("SET LOCAL session_replication_role = origin")
    own = {
        owner: set(stage.run("SELECT record_id::text FROM core.report WHERE country = :o", o=owner).scalars())
        for owner in ("KZ", "TJ")
    }
    administrator = Reader("KZ", "KZ-CUS", frozenset({"key_administrator"}), "", "a-KZ")
    for reader in (KZ, TJ, OFFICER, AUDITOR, administrator):
        told = own[reader.country] if reader in (OFFICER, AUDITOR, administrator) else set[str]()
        stage.become(stage.enter(reader))
        for view in ("filing", "line_examined", "exhibit_examined"):
            found = set(column(stage, f"SELECT record_id::text FROM shared.{view}"))
            yield f"{view} tells {reader} of {found - told}", found <= told
            whole = view == "filing" or reader.country == "KZ"
            yield f"{view} tells {reader} nothing", bool(found) is (bool(told) and whole)
        agencies = {agency[:2] for agency in column(stage, "SELECT agency FROM shared.request_settled")}
        yield f"{agencies} settle requests for {reader}", agencies == {reader.country} & ({"KZ"} if told else set())


# The facets (bits) that a column says something of, whichever view has it.
PURITY = 1 << 16
SAID_BY = {
    "reference": 1, "leaf_hash": 1 << 1, "log_salt": 1 << 1, "day": 0b11 << 2, "cell": 0b11 << 5, "position": 0b11 << 5,
    "admin1": 1 << 7, "place_country": 1 << 8,
    **dict.fromkeys(("transport_mode", "conveyance", "place_type", "concealment"), 1 << 10),
    **dict.fromkeys(("origin", "transit", "destination", "certainty"), 1 << 11), "substance": ITEMS, "contents": PURITY,
}  # fmt: skip
INSTANT, DAY, MONTH, POINT, CELL, PERSONS = 0b111 << 2, 0b11 << 3, 1 << 4, 0b1111 << 5, 0b111 << 6, 1 << 12
GIVEN = (0, INSTANT, DAY, MONTH, ITEMS, ITEMS | MONTH, PERSONS, PERSONS | MONTH, PURITY, PURITY | MONTH, PURITY | ITEMS,
         *(place | time for place in (POINT, CELL) for time in (0, INSTANT, DAY, MONTH)))  # fmt: skip
FILLED = """UPDATE core.report SET admin1 = 'XX-1', place_country = 'XX', transport_mode = '3', conveyance = 'CAR',
  place_type = 'ROAD', concealment = ARRAY['LUG'], leaf_hash = sha256(''), log_salt = sha256(''),
  at_instant = '2026-03-14 10:11:12Z', at_day = '2026-03-14 12:00Z', at_month = '2026-03-16Z',
  point = public.ST_SetSRID(public.ST_MakePoint(66.9, 39.6), 4326),
  cell = public.ST_SetSRID(public.ST_MakePoint(66.9, 39.6), 4326)"""
LEVELS = ("instant", "day", "month", "undated", "cell", "point")
COLUMNS = """SELECT c.table_name, array_agg(c.column_name::text) AS named, min(o.column_name) AS owner
  FROM information_schema.columns c
  JOIN information_schema.columns o ON (o.table_schema, o.table_name) = (c.table_schema, c.table_name)
    AND o.column_name IN ('country', 'owner')
  WHERE c.table_schema = 'shared' AND c.column_name = ANY (:said_by)
    AND has_table_privilege('sarhad_read', to_regclass('shared.' || c.table_name), 'SELECT') GROUP BY 1 ORDER BY 1"""
# For the parties alone; and the map, whose rows are chosen by the facet of their cells.
ELSEWHERE = ("own_", "alert", "release_request", "record_rule", "pack", "statement", "cube_map")


def _columns(stage: Stage) -> Told:
    stage.run("SET LOCAL session_replication_role = replica")
    stage.run(FILLED)
    for table in ("report_fact", "cube_fresh", "cube_day"):
        stage.run(f"UPDATE core.{table} SET day = '2026-03-14'")
    stage.run("UPDATE core.cube_content SET substance = 'X', place_country = 'XX', before = 'X:x:x'")
    stage.run("SET LOCAL session_replication_role = origin")
    views = [row for row in stage.run(COLUMNS, said_by=list(SAID_BY)) if not row.table_name.startswith(ELSEWHERE)]
    seen = set()
    for facets, gives in (*((facets, "rows") for facets in GIVEN), (ITEMS | MONTH, "aggregates")):
        stage.adopt({("KZ", "national"): [{**WIDE, "facets": facets, "gives": gives}]}, 40)
        stage.become(stage.enter(TJ))
        for view, named, owner in views:
            counted = ", ".join(f"count({name}) AS {name}" for name in named)
            query = f"SELECT count(*) AS rows, {counted} FROM shared.{view} WHERE {owner} = 'KZ'"
            stage.run("SET LOCAL ROLE sarhad_read")
            told = stage.run(query).mappings().one()
            stage.run("RESET ROLE")
            if told["rows"]:
                seen.add(view)
            for name in named:
                if told[name] and not SAID_BY[name] & facets:
                    yield f"{view} tells {name} to who is given the facets {facets:b}", False
        for view in ("report_person", "report_person_undated"):
            persons = one(stage, f"SELECT count(persons) FROM shared.{view} WHERE owner = 'KZ'", "sarhad_read")
            if persons and not facets & PERSONS:
                yield f"{view} tells of persons who is given the facets {facets:b}", False
        for view in ("cube_content", "cube_content_undated"):
            of = f"SELECT count(*) FROM shared.{view} WHERE owner = 'KZ' AND before LIKE 'X:%'"
            if one(stage, of, "sarhad_read") and not facets & ITEMS:
                yield f"{view} tells what else was found to who is given the facets {facets:b}", False
        times = {"at_instant": 1 << 2, "at_day": 1 << 3, "at_month": 1 << 4}
        told_as = next((column for column, facet in times.items() if facets & facet), "at_undated")
        for view in (f"report_{level}" for level in LEVELS):
            stage.run("SET LOCAL ROLE sarhad_read")
            ats = list(stage.run(f"SELECT DISTINCT at::text FROM shared.{view} WHERE country = 'KZ'").scalars())
            stage.run("RESET ROLE")
            is_ = list(stage.run(f"SELECT DISTINCT {told_as}::text FROM core.report WHERE country = 'KZ'").scalars())
            if ats and ats != is_:
                yield f"{view} tells {ats} to who is given the facets {facets:b}", False
    yield f"{sorted({view for view, *_ in views} - seen)} have no row", {view for view, *_ in views} == seen


PARTIES: dict[str, Callable[[Stage], Told]] = {
    **dict.fromkeys(("alert", "alert_basis", "own_alert", "end_alert"), _alerts),
    **dict.fromkeys(("alert_candidate", "settle_candidate", "keep_candidates"), _candidates),
    **dict.fromkeys(("question", "drop_question"), _questions),
    **dict.fromkeys(("reading", "reading_taken"), _readings),
    **dict.fromkeys(("tell_of_alerts", "has_eyes"), _told_of_alerts),
    **dict.fromkeys(("acknowledge_notices", "one_hand"), _own_acts),
    **dict.fromkeys(("notice", "put_notices"), _notices),
    **dict.fromkeys(("access", "release_request", "comparisons", "asked_of"), _counted),
    **dict.fromkeys(("record", "recalled", "record_rule"), _recalls),
    **dict.fromkeys(("filing", "line_examined", "exhibit_examined", "request_settled"), _times),
}
