"""What is between some parties only, and what one owner's decision must leave alone: a sentence for each that fails.

Adoptions that touch another layer, readers that are taken for one another, suspensions that wait, and the rows of
notices, requests, rules of single records, recalls and policies, seen by each party and by nobody else.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.policies.doors import KZ, OFFICER, TJ, Told, one, refused
from tests.policies.oracle import Reader
from tests.policies.random_gate import Stage

UZ = Reader("UZ", "UZ-CUS", frozenset({"analyst"}), "operational", "k7")
WIDE: dict[str, Any] = {"permit": True, "handling": 4, "facets": 2**19 - 1}


def open_affairs(stage: Stage) -> Iterator[str]:
    for part in (_adopting, _entering, _limits, _suspending, _later_versions, _parties):
        within = stage.connection.begin_nested()
        try:
            for sentence, held in part(stage):
                if not held:
                    yield sentence
        finally:
            within.rollback()


def _versions(stage: Stage, owner: str, layer: str) -> list[tuple[int, int | None, int | None]]:
    query = """SELECT DISTINCT version, CASE WHEN begins <= clock_timestamp() THEN 0
        ELSE round(extract(epoch FROM begins - now()) / 86400) END,
      CASE WHEN ends = 'infinity' THEN NULL ELSE round(extract(epoch FROM ends - now()) / 86400) END
      FROM gate.{} WHERE owner = :o AND layer = :l ORDER BY 1"""
    layers, rules = (
        [(row[0], int(row[1]), None if row[2] is None else int(row[2])) for row in found]
        for found in (stage.run(query.format(table), o=owner, l=layer) for table in ("layer", "rule"))
    )
    return layers if layers == rules else [(-1, 0, 0)]


def _adopting(stage: Stage) -> Told:
    layers = [("KZ", "national"), ("KZ", "agency:KZ-CUS"), ("UZ", "national"), ("UZ", "agency:UZ-CUS")]
    for version, days in ((10, 0), (11, 5), (12, 9)):
        stage.adopt({layer: [WIDE] for layer in layers}, version, days)
    planned = [(10, 0, 5), (11, 5, 9), (12, 9, None)]
    for table in ("layer", "rule"):  # what has run out
        columns = "owner, layer, version, begins, ends"
        more = "" if table == "layer" else ", position, permit, joins, handling, facets, delay"
        values = "" if table == "layer" else ", 0, true, false, 0, 0, 0"
        for owner, layer in layers[1:]:
            stage.run(
                f"INSERT INTO gate.{table} ({columns}{more}) VALUES (:o, :l, 9, now() - interval '9 days',"
                f" now() - interval '8 days'{values})",
                o=owner,
                l=layer,
            )
    for version, days, rules, left in (
        (13, 7, [WIDE], [(10, 0, 5), (11, 5, 7), (13, 7, None)]),
        (13, 6, [WIDE], [(10, 0, 5), (11, 5, 6), (13, 6, None)]),
        (14, 8, None, [(10, 0, 5), (11, 5, 6), (13, 6, 8)]),
    ):
        stage.adopt({layers[0]: rules}, version, days)
        yield f"version {version} in {days} days leaves {left}", _versions(stage, *layers[0]) == left
        for layer in layers[1:]:
            yield f"it leaves {layer} alone", _versions(stage, *layer) == [(9, 0, -8), *planned]


def _context(stage: Stage) -> Any:
    return stage.run(
        "SELECT c.country, c.agency, c.trial, k.stopped FROM gate.context c JOIN gate.compiled k ON k.context_id = c.id"
        " WHERE c.id = gate.context_id()"
    ).one()


def _entering(stage: Stage) -> Told:
    """Each reader is itself, and compiled for itself."""
    fresh = Reader("TJ", "TJ-NEW", frozenset({"analyst"}), "analysis", "k1")
    stage.become(stage.enter(OFFICER))
    stage.run("SELECT gate.preview('TJ', 'TJ-NEW', ARRAY['analyst'], 'analysis')")
    stage.become(stage.enter(fresh))
    yield "a reader comes in as somebody's trial", _context(stage)[:3] == ("TJ", "TJ-NEW", None)
    for reader in (KZ, TJ, UZ, fresh):
        stage.enter(reader)
    for reader in (KZ, TJ, UZ, fresh):
        stage.run(
            "UPDATE gate.compiled k SET until = now() - interval '1 day' FROM gate.context c"
            " WHERE c.id = k.context_id AND c.agency = :a",
            a=reader.agency,
        )
        stage.become(stage.enter(reader))
        yield f"{reader} is not compiled anew", one(stage, "SELECT gate.masks()", "sarhad_read") is not None
    stage.officer("UZ")
    stop = stage.run("SELECT gate.suspend(NULL, 'TJ', NULL, NULL, 'o', 'r')").scalar_one()
    stage.become(stage.enter(TJ))
    yield "a suspension is not taken in", stop in _context(stage)[3]
    stage.run("UPDATE core.country SET status = 'third' WHERE code = 'TJ'")
    lapsed = stage.run("SELECT DISTINCT c.country FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id"
                       " WHERE k.until = '-infinity'").scalars()  # fmt: skip
    yield "another's status is not of TJ alone", set(lapsed) == {"TJ"}


def _limits(stage: Stage) -> Told:
    """1,024 contexts of one country, and not one more; those that are there go on."""
    stage.enter(TJ)
    stage.run("""INSERT INTO gate.context (country, agency, roles, purpose)
      SELECT 'TJ', 'TJ-' || n, '{}', '' FROM generate_series(1, 1024 -
        (SELECT count(*) FROM gate.context WHERE country = 'TJ' AND trial IS NULL)) n""")
    enter = "SELECT gate.enter(:c, :c || '-LATE', ARRAY['analyst'], 'analysis')"
    yield "a country has more than 1024 contexts", refused(stage, enter, c="TJ")
    yield "another country pays for it", not refused(stage, enter, c="UZ")
    stage.run("UPDATE gate.compiled SET until = now() - interval '1 day'")
    yield (
        "one that is there is refused",
        not refused(stage, "SELECT gate.enter('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis')"),
    )
    stage.run("UPDATE gate.context SET trial = 'KZ' WHERE agency = 'TJ-7'")
    yield "trials count as contexts", not refused(stage, enter, c="TJ")


def _suspending(stage: Stage) -> Told:
    """At once, for the tokens that are out already; of its owner only, towards whom it names only."""
    stage.run("UPDATE core.suspension SET lifted_at = now(), lifted_by = 'x' WHERE lifted_at IS NULL")
    stage.adopt({("KZ", "national"): [WIDE], ("UZ", "national"): [WIDE], ("UZ", "agency:UZ-CUS"): None}, 20)
    stage.adopt({("KZ", "agency:KZ-CUS"): None, ("KZ", "agency:KZ-LAB"): None}, 20)
    owners = "SELECT array_agg(DISTINCT country ORDER BY country) FROM shared.report"
    token = stage.enter(TJ)
    stage.become(token)
    yield "TJ is given both", one(stage, owners, "sarhad_read") == ["KZ", "UZ"]
    for towards in ({"towards_country": "TJ"}, {"towards_agency": "TJ-CUS"}, {"towards_key": "k1"}, {}):
        given = {"towards_country": None, "towards_agency": None, "towards_key": None} | towards
        stage.officer("UZ")
        suspend = "SELECT gate.suspend(NULL, :towards_country, :towards_agency, :towards_key, 'o', 'r')"
        stop = stage.run(suspend, **given).scalar_one()
        yield f"{towards} is stopped twice", stage.run(suspend, **given).scalar_one() == stop
        stage.become(token)
        yield f"{towards} stops UZ towards TJ, and nobody else", one(stage, owners, "sarhad_read") == ["KZ"]
        stage.become(stage.enter(KZ))
        own = one(stage, owners, "sarhad_read")
        yield f"{towards} stops what an owner sees of its own", "KZ" in own
        stage.officer("UZ")
        yield f"{towards} is lifted", stage.run("SELECT gate.lift(:i, 'o')", i=stop).scalar_one() is True
        yield f"{towards} is lifted twice", stage.run("SELECT gate.lift(:i, 'o')", i=stop).scalar_one() is False
        stage.become(token)
        yield f"{towards} lasts", one(stage, owners, "sarhad_read") == ["KZ", "UZ"]
    for towards in ({"towards_country": "AF"}, {"towards_agency": "TJ-LAB"}, {"towards_key": "k7"}):
        given = {"towards_country": None, "towards_agency": None, "towards_key": None} | towards
        stage.officer("UZ")
        stage.run("SELECT gate.suspend(NULL, :towards_country, :towards_agency, :towards_key, 'o', 'r')", **given)
    stage.become(token)
    yield "suspensions of others stop TJ", one(stage, owners, "sarhad_read") == ["KZ", "UZ"]
    stage.officer("UZ")
    stage.run("SELECT gate.suspend('UZ-LAB', NULL, NULL, NULL, 'o', 'r')")
    stage.become(token)
    yield "one agency's suspension stops another's", one(stage, owners, "sarhad_read") == ["KZ", "UZ"]
    stage.officer("UZ")
    stage.run("SELECT gate.suspend('UZ-' || n, 'TJ', NULL, NULL, 'o', 'r') FROM generate_series(1, 251) n")
    narrow = "SELECT gate.suspend('UZ-MORE', NULL, NULL, NULL, 'o', 'r') FROM generate_series(1, 9)"
    yield "one more narrow suspension", not refused(stage, narrow)
    stage.run("SELECT gate.suspend('UZ-' || n, 'TJ', NULL, NULL, 'o', 'r') FROM generate_series(252, 253) n")
    yield "too many narrow suspensions", refused(stage, narrow)
    yield "everybody can be stopped still", not refused(stage, "SELECT gate.suspend(NULL, NULL, NULL, NULL, 'o', 'r')")
    stage.officer("KZ")
    yield "another pays for it", not refused(stage, "SELECT gate.suspend('KZ-X', NULL, NULL, NULL, 'o', 'r')")


def _later_versions(stage: Stage) -> Told:
    """A record without rules of its own has no scope of its own, in any version."""
    of_their_own = {r.id for r in stage.situation.reports if r.scope.record}
    found = stage.run("""SELECT DISTINCT r.record_id FROM core.report r JOIN gate.scope s ON s.id = r.scope_id
      WHERE s.record IS NOT NULL UNION SELECT record FROM gate.scope WHERE record IS NOT NULL""").scalars()
    yield "a scope of its own for a record without rules", {str(record) for record in found} <= of_their_own


_ROWS = """
INSERT INTO core.agency (code, country, type, name) SELECT a, left(a, 2), 'CU', '' FROM (VALUES
  ('TJ-CUS'), ('TJ-LAB'), ('TJ-NEW')) n(a) ON CONFLICT DO NOTHING;
INSERT INTO core.notice (id, from_country, to_country, to_agency, kind, subject, facts, at)
  SELECT n.id::uuid, 'UZ', n.country, n.agency, 'k', n.subject, '{}', now() FROM (VALUES
    ('00000000-0000-0000-0000-000000000001', 'TJ', NULL, 's'),
    ('00000000-0000-0000-0000-000000000002', 'TJ', 'TJ-CUS', 's'),
    ('00000000-0000-0000-0000-000000000003', 'TJ', 'TJ-LAB', 's'),
    ('00000000-0000-0000-0000-000000000004', 'KZ', NULL, 's'))
    n(id, country, agency, subject);
INSERT INTO core.release_request (id, record_id, owner, asker_country, asker_agency, asked_by, purpose, reason, wanted,
    deadline)
  SELECT n.id::uuid, n.id::uuid, n.owner, left(n.agency, 2), n.agency, 'x', 'analysis', 'r', 1, now() FROM (VALUES
    ('00000000-0000-0000-0000-000000000011', 'KZ', 'TJ-CUS'), ('00000000-0000-0000-0000-000000000012', 'KZ', 'TJ-LAB'),
    ('00000000-0000-0000-0000-000000000013', 'UZ', 'TJ-CUS'), ('00000000-0000-0000-0000-000000000014', 'UZ', 'KZ-CUS'))
    n(id, owner, agency);
INSERT INTO core.record_rule (id, record_id, owner, kind, facets, duties, until, reason, origin, origin_id, made_by)
  SELECT n.id::uuid, n.id::uuid, n.owner, 'block', 0, 0, NULL, 'r', n.origin,
    CASE WHEN n.origin <> 'sharing' THEN n.id::uuid END, 'x' FROM (VALUES
    ('00000000-0000-0000-0000-000000000021', 'KZ', 'recall'), ('00000000-0000-0000-0000-000000000022', 'KZ', 'sharing'),
    ('00000000-0000-0000-0000-000000000023', 'UZ', 'recall')) n(id, owner, origin);
INSERT INTO core.recall (id, owner, agency, records, reason, deadline, made_by)
  SELECT n.id::uuid, n.owner, n.owner || '-CUS', ARRAY[n.id::uuid], 'r', now(), 'x' FROM (VALUES
    ('00000000-0000-0000-0000-000000000031', 'KZ'), ('00000000-0000-0000-0000-000000000032', 'UZ')) n(id, owner);
INSERT INTO core.recall_recipient (recall_id, agency, country, owner, records, reason, deadline)
  SELECT n.id::uuid, n.agency, left(n.agency, 2), n.owner, ARRAY[n.id::uuid], 'r', now() FROM (VALUES
    ('00000000-0000-0000-0000-000000000031', 'TJ-CUS', 'KZ'), ('00000000-0000-0000-0000-000000000031', 'TJ-LAB', 'KZ'),
    ('00000000-0000-0000-0000-000000000032', 'TJ-LAB', 'UZ'), ('00000000-0000-0000-0000-000000000032', 'KZ-CUS', 'UZ'))
    n(id, agency, owner);
INSERT INTO core.policy (country, layer, version, document, signed, key_id, proposed_by)
  SELECT c, 'national', 99, '{}', 's', 'k', 'p' FROM (VALUES ('KZ'), ('UZ')) n(c);
INSERT INTO core.policy_decision (country, layer, version, decision, decided_by, reason)
  SELECT c, 'national', 99, 'rejected', 'p', 'r' FROM (VALUES ('KZ'), ('UZ')) n(c)
"""
# Of each view, the last two digits of the ids that each reader is told; the columns that say whose a row is.
_TOLD: dict[str, tuple[str, dict[str, set[str]]]] = {
    "notice": ("id", {"TJ": {"01", "02"}, "KZ": {"04"}, "UZ": set()}),
    "release_request": ("id", {"TJ": {"11", "13"}, "KZ": {"11", "12", "14"}, "UZ": {"13", "14"}}),
    "record_rule": ("id", {"TJ": set(), "KZ": {"21", "22"}, "UZ": {"23"}}),
    "recalled": ("record_id", {"TJ": set(), "KZ": {"21"}, "UZ": {"23"}}),
    "recall": ("id", {"TJ": set(), "KZ": {"31"}, "UZ": {"32"}}),
    "recall_recipient": ("right(recall_id::text, 2) || agency", {
        "TJ": {"31TJ-CUS"},
        "KZ": {"31TJ-CUS", "31TJ-LAB", "32KZ-CUS"},
        "UZ": {"32TJ-LAB", "32KZ-CUS"},
    }),
    "policy": ("country", {"TJ": set(), "KZ": {"KZ"}, "UZ": {"UZ"}}),
}  # fmt: skip


def _parties(stage: Stage) -> Told:
    stage.run("SET LOCAL session_replication_role = replica")
    for table in (
        "notice",
        "release_request",
        "record_rule",
        "recall_recipient",
        "recall",
        "policy_decision",
        "policy",
    ):
        stage.run(f"DELETE FROM core.{table}")
    for statement in _ROWS.split(";\n"):
        stage.run(statement)
    stage.run("SET LOCAL session_replication_role = origin")
    readers = {"TJ": TJ, "KZ": KZ, "UZ": UZ}
    for view, (column, told) in _TOLD.items():
        name = f"right({column}::text, 2)" if column.endswith("id") else column
        for country, expected in told.items():
            stage.become(stage.enter(readers[country]))
            query = f"SELECT array_agg({name}) FROM shared.{view}"
            found = set(one(stage, query, "sarhad_read") or ())
            yield f"{view} tells {country} {found}", found == expected
    yield from _settled(stage)
    yield from _written(stage)


def _id(number: int | str) -> str:
    return f"00000000-0000-0000-0000-0000000000{number}"


def _settled(stage: Stage) -> Told:
    """Only whom it is addressed to acknowledges it; only its party settles it, once."""
    refusal = "CASE WHEN :b = 'refused' THEN 'r' END"
    settle = f"SELECT gate.settle_request(CAST(:i AS uuid), :b, 0, NULL, 0, {refusal}, NULL, 'x')"
    recall = "SELECT gate.acknowledge_recall(CAST(:i AS uuid), 'deleted', NULL, NULL, 'x')"
    notices = "SELECT gate.acknowledge_notices(CAST(:i AS uuid), :s, 'x')"
    ending = "SELECT gate.end_record_rules(ARRAY[CAST(:i AS uuid)], 'x')"
    for reader, statement, values, answer in (
        (UZ, settle, {"i": _id(11), "b": "refused"}, False),
        (TJ, settle, {"i": _id(11), "b": "refused"}, False),
        (TJ, settle, {"i": _id(12), "b": "withdrawn"}, False),
        (KZ, settle, {"i": _id(11), "b": "withdrawn"}, False),
        (KZ, settle, {"i": _id(13), "b": "refused"}, False),
        (KZ, settle, {"i": _id(11), "b": "refused"}, True),
        (KZ, settle, {"i": _id(11), "b": "refused"}, False),
        (TJ, settle, {"i": _id(13), "b": "withdrawn"}, True),
        (TJ, settle, {"i": _id(13), "b": "withdrawn"}, False),
        (KZ, recall, {"i": _id(31)}, False),
        (TJ, recall, {"i": _id(32)}, False),
        (TJ, recall, {"i": _id(31)}, True),
        (TJ, recall, {"i": _id(31)}, False),
        (TJ, ending, {"i": _id(21)}, 0),
        (UZ, ending, {"i": _id(21)}, 0),
        (KZ, ending, {"i": _id(21)}, 1),
        (KZ, ending, {"i": _id(21)}, 0),
        (TJ, notices, {"i": _id("03"), "s": None}, 0),
        (TJ, notices, {"i": _id("04"), "s": None}, 0),
        (TJ, notices, {"i": _id("01"), "s": None}, 1),
        (TJ, notices, {"i": _id("01"), "s": None}, 0),
        (TJ, notices, {"i": None, "s": "other"}, 0),
        (TJ, notices, {"i": None, "s": "s"}, 1),
        (KZ, notices, {"i": None, "s": "s"}, 1),
    ):
        stage.become(stage.enter(reader))
        stage.run("SET LOCAL ROLE sarhad_write")
        found = stage.run(statement, **values).scalar_one()
        stage.run("RESET ROLE")
        yield f"{reader.agency}: {statement} {values} is {found}", found == answer


def _written(stage: Stage) -> Told:
    """Who writes says truly whose it is."""
    for name, reader, statement, right in (
        ("a notice", KZ, _notice("'KZ'"), True),
        ("a notice of another", KZ, _notice("'UZ'"), False),
        ("a notice of nobody", KZ, _notice("NULL"), False),
        ("a notice that is read", KZ, _notice("'KZ'", "now(), 'x'"), False),
        ("a request", TJ, _request("'TJ'", "'TJ-CUS'"), True),
        ("a request of another agency", TJ, _request("'TJ'", "'TJ-LAB'"), False),
        ("a request of another country", TJ, _request("'UZ'", "'UZ-CUS'"), False),
        ("a rule", KZ, _rule("'KZ'"), True),
        ("another's rule", KZ, _rule("'UZ'"), False),
        ("a rule that has ended", KZ, _rule("'KZ'", "now(), 'x'"), False),
        ("a recall", KZ, _recall("'KZ'"), True),
        ("another's recall", KZ, _recall("'UZ'"), False),
        ("a recipient", KZ, _recipient("'KZ'"), True),
        ("another's recipient", KZ, _recipient("'UZ'"), False),
        ("a recipient that has answered", KZ, _recipient("'KZ'", "'deleted', now(), 'x'"), False),
        ("a policy", KZ, _policy("'KZ'"), True),
        ("another's policy", KZ, _policy("'UZ'"), False),
    ):
        stage.become(stage.enter(reader))
        yield f"{name}: refused is not {not right}", refused(stage, statement, "sarhad_write") != right


def _notice(country: str, read: str = "NULL, NULL") -> str:
    return f"""INSERT INTO core.notice (id, from_country, to_country, kind, subject, facts, at, acknowledged_at,
      acknowledged_by) VALUES (gen_random_uuid(), {country}, 'TJ', 'k', 's', '{{}}', now(), {read})"""


def _request(country: str, agency: str) -> str:
    return f"""INSERT INTO core.release_request (id, record_id, owner, asker_country, asker_agency, asked_by, purpose,
      reason, wanted, deadline) VALUES (gen_random_uuid(), gen_random_uuid(), 'KZ', {country}, {agency}, 'x', 'health',
      'r', 1, now())"""


def _rule(owner: str, ended: str = "NULL, NULL") -> str:
    return f"""INSERT INTO core.record_rule (id, record_id, owner, kind, facets, duties, reason, origin, made_by,
      ended_at, ended_by) VALUES (gen_random_uuid(), gen_random_uuid(), {owner}, 'block', 0, 0, 'r', 'sharing',
      'x', {ended})"""


def _recall(owner: str) -> str:
    return f"""INSERT INTO core.recall (id, owner, agency, records, reason, deadline, made_by)
      VALUES (gen_random_uuid(), {owner}, {owner} || '-CUS', ARRAY[gen_random_uuid()], 'r', now(), 'x')"""


def _recipient(owner: str, done: str = "NULL, NULL, NULL") -> str:
    recall = {"'KZ'": _id(31), "'UZ'": _id(32)}[owner]
    return f"""INSERT INTO core.recall_recipient (recall_id, agency, country, owner, records, reason, deadline, done,
      acknowledged_at, acknowledged_by) VALUES ('{recall}', 'TJ-NEW', 'TJ', {owner}, ARRAY[gen_random_uuid()], 'r',
      now(), {done})"""


def _policy(country: str) -> str:
    return f"""INSERT INTO core.policy (country, layer, version, document, signed, key_id, proposed_by)
      VALUES ({country}, 'national', 100, '{json.dumps({})}', 's', 'k', 'p')"""
