"""What the gate's functions must refuse, asked of a gate that holds something: one sentence for each that they let.

Forged and lapsed tokens, rights of another country, keys that do not count, trials that would show others' records.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError

from tests.policies.oracle import Reader
from tests.policies.random_gate import Report, Situation, Stage, draw

KZ = Reader("KZ", "KZ-CUS", frozenset({"reporter"}), "operational", "k8")
TJ = Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis", "k1")
OFFICER = Reader("KZ", "KZ-CUS", frozenset({"policy_officer", "auditor"}), "", "o-KZ")
AUDITOR = Reader("TJ", "TJ-LAB", frozenset({"auditor"}), "analysis", "k4")


def situation() -> Situation:
    """One in which both owners have records with rules of their own, and something is stopped."""
    drawn = draw(3)
    drawn.rules.stops = [
        {
            "owner": owner,
            "of_agency": None,
            "towards_country": None,
            "towards_agency": None,
            "towards_key": "k7",
            "lifted": False,
        }
        for owner in ("KZ", "UZ")
    ]
    return drawn


def open_doors(stage: Stage) -> Iterator[str]:
    """Every door that is open and must not be, and every one that is shut and must not be."""
    for part in (_tokens, _foreign, _keys, _writes, _trials, _own_only, _freshness):
        for sentence, held in part(stage):
            if not held:
                yield sentence


Told = Iterator[tuple[str, bool]]


def refused(stage: Stage, statement: str, role: str | None = None, **values: Any) -> bool:
    within = stage.connection.begin_nested()
    try:
        if role:
            stage.run(f"SET LOCAL ROLE {role}")
        stage.run(statement, **values)
    except DBAPIError:
        return True
    finally:
        within.rollback()
    return False


def one(stage: Stage, statement: str, role: str | None = None, **values: Any) -> Any:
    within = stage.connection.begin_nested()
    try:
        if role:
            stage.run(f"SET LOCAL ROLE {role}")
        return stage.run(statement, **values).scalar()
    finally:
        within.rollback()


def _sign(stage: Stage, claim: str) -> str:
    query = "SELECT encode(public.hmac(convert_to(:c, 'UTF8'), key, 'sha256'), 'hex') FROM gate.secret"
    return f"{claim}.{stage.run(query, c=claim).scalar_one()}"


def _tokens(stage: Stage) -> Told:
    token = stage.enter(KZ)
    context, expiry, key, roles, ending = token.split(".", 4)
    nonce, _, tag = ending.rpartition(".")  # with the mark of what it was minted by
    claim = f"{context}.{int(expiry) - 1000}.{key}.{roles}.{nonce}"
    for name, forged in (
        ("no token", ""),
        ("a wrong tag", token[:-1] + ("0" if token[-1] != "0" else "1")),
        ("another context under the tag", f"{int(context) + 1}.{expiry}.{key}.{roles}.{nonce}.{tag}"),
        ("a token that has run out", _sign(stage, claim)),
    ):
        stage.become(forged)
        yield f"{name} names a country", one(stage, "SELECT gate.country()", "sarhad_read") is None
        yield f"{name} gives masks", one(stage, "SELECT gate.masks()", "sarhad_read") is None
        yield f"{name} shows rows", one(stage, "SELECT count(*) FROM shared.report", "sarhad_read") == 0
    stage.become(token)
    yield "a token opens nothing", one(stage, "SELECT gate.country()", "sarhad_read") == "KZ"
    yield "the key is another", one(stage, "SELECT gate.key()", "sarhad_read") == "k8"
    yield "the agency is another", one(stage, "SELECT gate.agency()", "sarhad_read") == "KZ-CUS"
    yield "the reach is another", one(stage, "SELECT (gate.reach())[1] & 524287", "sarhad_read") == (1 << 19) - 1
    stage.run("UPDATE gate.compiled SET until = now() - interval '1 second'")
    for name in ("masks", "delays", "duties", "windows_from", "windows_until", "policy_version"):
        yield f"{name} of a lapsed context", one(stage, f"SELECT gate.{name}()", "sarhad_read") is None
    stage.enter(KZ)
    yield "a lapsed context is not compiled anew", one(stage, "SELECT gate.masks()", "sarhad_read") is not None


def _of(stage: Stage, owner: str) -> list[Report]:
    return [report for report in stage.situation.reports if report.scope.owner == owner]


def _foreign(stage: Stage) -> Told:
    """What belongs to another country."""
    (theirs, *_), (ours, *_) = _of(stage, "UZ"), _of(stage, "KZ")
    label = {"kind": "seizure", "groups": 7, "handling": 3, "agency": "UZ-CUS"}
    rule = json.dumps([{"permit": True, "facets": 1, "valid_until": "2999-01-01T00:00:00Z"}])
    stage.become(stage.enter(KZ))
    for name, statement, values in (
        ("adopts for another country", "SELECT gate.adopt('UZ', 'national', 9, '[]')", {}),
        ("adopts a ceiling of another country", "SELECT gate.adopt('KZ', 'agency:UZ-CUS', 9, '[]')", {}),
        ("adopts a layer that there is not", "SELECT gate.adopt('KZ', 'record', 9, '[]')", {}),
        ("makes scopes of another country", "SELECT gate.scopes_for(CAST(:w AS jsonb))", {"w": json.dumps([label])}),
        (
            "rules another's record",
            "SELECT gate.record_rules(CAST(:r AS uuid), CAST(:j AS jsonb))",
            {"r": theirs.id, "j": rule},
        ),
        (
            "rules a record without an end",
            "SELECT gate.record_rules(CAST(:r AS uuid), '[{\"permit\": true}]')",
            {"r": ours.id},
        ),
        (
            "rules a record with aggregates",
            'SELECT gate.record_rules(CAST(:r AS uuid), \'[{"permit": true, "gives": "hits", "valid_until": "2999-01-01"}]\')',  # noqa: E501
            {"r": ours.id},
        ),
        (
            "rules a record without an effect",
            'SELECT gate.record_rules(CAST(:r AS uuid), \'[{"valid_until": "2999-01-01"}]\')',
            {"r": ours.id},
        ),
    ):
        yield name, refused(stage, statement, "sarhad_write", **values)
    yield (
        "rules no own record",
        not refused(
            stage, "SELECT gate.record_rules(CAST(:r AS uuid), CAST(:j AS jsonb))", "sarhad_write", r=ours.id, j=rule
        ),
    )
    supersede = "SELECT gate.supersede(CAST(:r AS uuid), :v)"
    yield "supersedes another's record", one(stage, supersede, "sarhad_write", r=theirs.id, v=theirs.versions) is False
    yield "supersedes no own record", one(stage, supersede, "sarhad_write", r=ours.id, v=ours.versions) is True
    yield "supersedes a version twice", one(stage, supersede, "sarhad_write", r=ours.id, v=ours.versions + 1) is False
    stop = stage.run("SELECT id FROM core.suspension WHERE owner = 'UZ'").scalars().first()
    yield "lifts another's suspension", one(stage, "SELECT gate.lift(:i, 'x')", "sarhad_write", i=stop) is False
    stage.become("")
    yield "makes scopes for nobody", refused(stage, "SELECT gate.scopes_for('[]')", "sarhad_write")
    yield "adopts for nobody", refused(stage, "SELECT gate.adopt('KZ', 'national', 9, '[]')", "sarhad_write")


def _keys(stage: Stage) -> Told:
    """Only a key that is enrolled for requests, valid and not revoked."""
    stage.run("SET LOCAL session_replication_role = replica")
    for kid, use, before, after, revoked in (
        ("good", "request-signing", -1, None, None),
        ("good until", "request-signing", -1, 1, None),
        ("of records", "record-signing", -1, None, None),
        ("early", "request-signing", 1, None, None),
        ("late", "request-signing", -2, -1, None),
        ("revoked", "request-signing", -2, None, -1),
    ):
        now, holder = stage.situation.now, kid.replace(" ", "-").ljust(43, "x")
        stage.run(
            "INSERT INTO core.agency_key (kid, agency, use, alg, public_jwk, not_before, not_after, revoked_at,"
            " revocation_reason, enrolled_by, approved_by) VALUES (:k, 'KZ-CUS', :u, 'EdDSA', '{}', :b, :a, :r, :y, '', '')",  # noqa: E501
            k=holder,
            u=use,
            b=now + timedelta(before),
            a=None if after is None else now + timedelta(after),
            r=None if revoked is None else now + timedelta(revoked),
            y=None if revoked is None else "lost",
        )
        stage.run("INSERT INTO core.role_grant (kid, role) VALUES (:k, 'reporter')", k=holder)
        minted = one(stage, "SELECT gate.mint(:k, NULL)", "sarhad_authn", k=holder)
        yield f"a key {kid}: {minted}", (minted is not None) == kid.startswith("good")
        if minted:
            stage.become(minted)
            yield "a minted token is of another", one(stage, "SELECT gate.country()", "sarhad_read") in ("KZ", None)
        stage.become(stage.enter(Reader("KZ", "KZ-CUS", frozenset({"reporter"}), "", holder)))
        renewed = one(stage, "SELECT gate.renew()", "sarhad_write")
        yield f"renewed for a key {kid}", (renewed is not None) == (kid in ("good", "good until", "of records"))
    stage.become(stage.enter(Reader("KZ", "KZ-CUS", frozenset({"reporter"}), "", "none such")))
    yield "renewed for a key that there is not", one(stage, "SELECT gate.renew()", "sarhad_write") is None
    stage.become(stage.enter(Reader("KZ", "KZ-CUS", frozenset({"reporter"}), "", "")))
    yield "not renewed without a key", one(stage, "SELECT gate.renew()", "sarhad_write") is not None
    stage.run("SET LOCAL session_replication_role = origin")


def _writes(stage: Stage) -> Told:
    (theirs, *_), (ours, *_) = _of(stage, "UZ"), _of(stage, "KZ")
    scope = "SELECT scope_id, month_end, version FROM core.report WHERE record_id = CAST(:r AS uuid) AND latest"
    line = """INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity,
      unit, rule, latest) VALUES (CAST(:r AS uuid), :v, 99, :s, :m, 'x', 'PRES', 1, 'KG', 'mass', :l)"""
    stage.become(stage.enter(KZ))
    mine, foreign = stage.run(scope, r=ours.id).one(), stage.run(scope, r=theirs.id).one()
    for name, record, of, latest, right in (
        ("a line of an own record", ours, mine, True, True),
        ("a line of another's", theirs, foreign, True, False),
        ("a line under another's scope", ours, foreign, True, False),
        ("a line past", ours, mine, False, False),
    ):
        values = {
            "r": record.id,
            "v": (mine if record is ours else foreign).version,
            "s": of.scope_id,
            "m": of.month_end,
        }
        yield f"{name}: refused is not {not right}", refused(stage, line, "sarhad_write", **values, l=latest) != right
    within = stage.connection.begin_nested()
    stage.run("CREATE TEMPORARY TABLE held ON COMMIT DROP AS SELECT * FROM core.report WHERE latest")
    stage.run("GRANT SELECT ON held TO sarhad_write")
    stage.run("UPDATE held SET record_id = gen_random_uuid(), reference = NULL")
    for owner, right in (("KZ", True), ("UZ", False)):
        insert = "INSERT INTO core.report SELECT * FROM held WHERE country = :o LIMIT 1"
        yield f"a report of {owner} by KZ", refused(stage, insert, "sarhad_write", o=owner) != right
    within.rollback()
    suspend = "INSERT INTO core.suspension (owner, by, reason, lifted_at, lifted_by) VALUES (:o, 'x', 'x', :l, :b)"
    for owner, lifted, right in (("KZ", None, True), ("UZ", None, False), ("KZ", stage.situation.now, False)):
        by = "x" if lifted else None
        yield (
            f"a suspension of {owner} by KZ",
            refused(stage, suspend, "sarhad_write", o=owner, l=lifted, b=by) != right,
        )


PREVIEW = "SELECT gate.preview('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis', :l, CAST(:d AS jsonb))"
MASKS = "SELECT count(*) FROM gate.trial_masks('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis')"


FORESEEN = "SELECT count(*) FROM gate.foreseen(:scope, ARRAY['analysis'])"


def _trials(stage: Stage) -> Told:
    for reader, owner in ((KZ, "TJ"), (TJ, "KZ"), (OFFICER, "KZ")):
        scope = stage.run("SELECT min(id) FROM gate.scope WHERE owner = :owner", owner=owner).scalar_one()
        stage.become(stage.enter(reader))
        yield f"{reader} foresees of {owner}", refused(stage, FORESEEN, "sarhad_write", scope=scope)
    for reader in (KZ, TJ):
        stage.become(stage.enter(reader))
        yield f"{reader} previews", refused(stage, PREVIEW, "sarhad_write", l=None, d=None)
        yield f"{reader} tries masks", refused(stage, MASKS, "sarhad_write")
    stage.become(stage.enter(OFFICER))
    wide = json.dumps([{"permit": True, "facets": 1, "handling": 4}])
    token = stage.run(PREVIEW, l="national", d=wide).scalar_one()
    stage.become(token)
    owners = set(column(stage, "SELECT country FROM shared.report"))
    yield "a trial shows others' records", owners <= {"KZ"}
    yield "a trial under a wide draft shows nothing", owners == {"KZ"}
    for name in ("country", "agency"):
        yield f"a trial has a {name}", one(stage, f"SELECT gate.{name}()", "sarhad_read") is None
    yield "a trial is renewed", one(stage, "SELECT gate.renew()", "sarhad_write") is None
    yield "a trial previews", refused(stage, PREVIEW, "sarhad_write", l=None, d=None)
    yield "a trial adopts", refused(stage, "SELECT gate.adopt('KZ', 'national', 9, '[]')", "sarhad_write")
    yield "a trial shows an own view", one(stage, "SELECT count(*) FROM shared.own_report", "sarhad_read") == 0
    stage.run("UPDATE gate.context SET made_at = now() - interval '11 minutes' WHERE trial IS NOT NULL")
    stage.become(stage.enter(OFFICER))
    stage.run(PREVIEW, l=None, d=None)
    left = stage.run("SELECT count(*) FROM gate.context WHERE trial IS NOT NULL").scalar_one()
    yield f"{left} trials are kept", left == 1
    stage.run(MASKS)
    after = stage.run("SELECT count(*) FROM gate.context WHERE trial IS NOT NULL").scalar_one()
    yield "trial masks leave a context behind", after == left
    stage.run("DELETE FROM gate.compiled k USING gate.context c WHERE c.id = k.context_id AND c.trial IS NOT NULL")
    stage.run("DELETE FROM gate.context WHERE trial IS NOT NULL")


def column(stage: Stage, query: str) -> list[Any]:
    within = stage.connection.begin_nested()
    try:
        stage.run("SET LOCAL ROLE sarhad_read")
        return list(stage.run(query).scalars())
    finally:
        within.rollback()


def _own_only(stage: Stage) -> Told:
    """What is a country's own affair."""
    for reader, own in ((KZ, {"KZ"}), (TJ, set[str]())):
        stage.become(stage.enter(reader))
        yield f"suspensions told to {reader}", set(column(stage, "SELECT owner FROM shared.suspension")) == own
        yield f"own reports of {reader}", set(column(stage, "SELECT country FROM shared.own_report")) == own
    stage.run("DELETE FROM core.access")  # what others read is not what is counted here
    stage.run("""INSERT INTO core.access (id, at, reading, country, agency, key_id, roles, purpose, method, route,
        policy, status, owner, records, record_ids, question, answer, seal, salt, leaf_hash)
      SELECT gen_random_uuid(), now(), gen_random_uuid(), r, r || '-CUS', 'k', '{}', 'analysis', 'GET', '/', 'p', 200,
        o, 1, '{}', sha256(''), sha256(''), decode(repeat('00', 16), 'hex'), decode(repeat('00', 16), 'hex'), sha256('')
      FROM (VALUES ('TJ', 'KZ'), ('KZ', 'UZ'), ('UZ', 'KZ')) AS v(r, o)""")
    views = [
        name
        for name in ("statement", "reading")
        if one(stage, "SELECT to_regclass(:v) IS NOT NULL", v=f"shared.{name}")
    ]
    for view in views:
        for reader in (KZ, TJ):
            stage.become(stage.enter(reader))
            yield f"{view} told to {reader}", one(stage, f"SELECT count(*) FROM shared.{view}", "sarhad_read") == 0
        stage.become(stage.enter(AUDITOR))
        told = one(stage, f"SELECT count(*) FROM shared.{view}", "sarhad_read")
        yield f"{view} told to an auditor of TJ: {told}", told == (0 if view == "statement" else 1)
        stage.become(stage.enter(OFFICER))
        told = one(stage, f"SELECT count(*) FROM shared.{view}", "sarhad_read")
        yield f"{view} told to an officer and auditor of KZ: {told}", told == (2 if view == "statement" else 1)


def _freshness(stage: Stage) -> Told:
    """Who is a member decides what rules mean, from the next request on."""
    stage.become(stage.enter(TJ))
    for change, back in (
        (
            "UPDATE core.country SET status = 'third' WHERE code = 'TJ'",
            "UPDATE core.country SET status = 'member' WHERE code = 'TJ'",
        ),
        (
            "DELETE FROM core.country_group WHERE country = 'TJ'",
            "INSERT INTO core.country_group VALUES ('west', 'TJ'), ('south', 'TJ')",
        ),
    ):
        stage.run(change)
        yield f"compiled before {change}", one(stage, "SELECT gate.masks()", "sarhad_read") is None
        stage.become(stage.enter(KZ))
        yield f"{change} touches others", one(stage, "SELECT gate.masks()", "sarhad_read") is not None
        stage.run(back)
        stage.become(stage.enter(TJ))
    before = one(stage, "SELECT gate.policy_version()", "sarhad_read")
    stage.officer("UZ")
    stage.run("SELECT gate.suspend(NULL, 'TJ', NULL, NULL, 'o', 'r')")
    stage.become(stage.enter(TJ))
    yield "a suspension leaves the version", one(stage, "SELECT gate.policy_version()", "sarhad_read") != before
