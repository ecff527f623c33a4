"""Everything that a country can decide, drawn at random, put into the gate through its own functions, and compared.

A situation is rules, ceilings, drafts, rules of single records, suspensions and reports, over a few readers and labels.
What each reader then sees, as arrays and as rows of the views, must be what `oracle.py` says.
"""

import json
import random
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from tests.policies import figures
from tests.policies.oracle import Reader, Row, Rules, Scope

OWNERS, STATES = ("KZ", "UZ"), {"KZ": "member", "UZ": "member", "TJ": "member", "AF": "observer"}
AGENCIES = ("KZ-CUS", "KZ-LAB", "UZ-CUS")
CIRCLES = {"west": ("KZ", "TJ"), "south": ("AF", "TJ")}
KINDS, GROUPS, HANDLING = ("seizure", "zero"), (0b001, 0b010, 0b011), (0, 1, 2, 4)
READERS = [
    Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis", "k1"),
    Reader("TJ", "TJ-CUS", frozenset({"reporter"}), "operational", "k2"),
    Reader("TJ", "TJ-LAB", frozenset({"laboratory", "auditor"}), "analysis", "k3"),
    Reader("TJ", "TJ-LAB", frozenset({"auditor"}), "analysis", "k4"),
    Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "", "k5"),
    Reader("AF", "AF-CUS", frozenset({"analyst"}), "analysis", "k6"),
    Reader("UZ", "UZ-CUS", frozenset({"analyst"}), "operational", "k7"),
    Reader("KZ", "KZ-CUS", frozenset({"reporter"}), "operational", "k8"),
    Reader("KZ", "KZ-LAB", frozenset({"analyst"}), "", "k9"),
]
LOOKED_THROUGH = [reader for reader in READERS if reader.purpose and reader.roles != {"auditor"}]
VIEWS = {
    "report_instant": lambda mask: mask >> 20 & 1,
    "report_day": lambda mask: mask >> 21 & 1,
    "report_month": lambda mask: mask >> 22 & 1,
    "report_undated": lambda mask: mask >> 23 & 1,
    "report_point": lambda mask: mask >> 24 & 1,
    "report_cell": lambda mask: mask >> 25 & 1,
    "report_line": lambda mask: mask >> 26 & mask >> 9 & 1,
    "report_reference": lambda mask: mask >> 26 & mask & 1,
    "record": lambda mask: mask >> 26 & 1,
    "analysis": lambda mask: mask >> 26 & mask >> 15 & 1,
    "finding": lambda mask: mask >> 26 & mask >> 9 & 1,
    "content": lambda mask: mask >> 26 & mask >> 16 & 1,
    "exhibit_link": lambda mask: mask >> 26 & mask >> 15 & 1,
    "own_report": lambda mask: mask >> 27 & 1,
}
EVERY_VERSION = {"own_report"}
PARTS = ("arrays", "rows", "figures", "trials")


@dataclass
class Report:
    id: str
    scope: Scope
    month_end: date
    versions: int
    status: str = "reported"


@dataclass
class Situation:
    now: datetime
    rules: Rules
    reports: list[Report]
    early: set[Reader] = field(default_factory=set)
    drafts: list[tuple[str, str, list[Row], Reader, datetime]] = field(default_factory=list)
    later: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    before: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    turns: list[datetime] = field(default_factory=list)


def draw(seed: int) -> Situation:
    r = random.Random(seed)
    now = datetime.now(UTC).replace(microsecond=0)
    ends = [now.date() - timedelta(days) for days in (1, 30, 90, 91, 200)]

    def rarely(*values: Any) -> Any:
        return r.choice(values) if r.random() < 0.2 else None

    def rule(layer: str) -> Row:
        permit = r.random() < 0.88
        drawn: Row = {
            "permit": permit,
            "handling": r.choice(HANDLING) if permit else r.choice((0, 2, 4, 4)),
            # mostly for everybody and everything, or too few rules ever meet to decide anything together
            "countries": rarely(["TJ"], ["TJ", "AF"], ["UZ", "KZ", "TJ"]),
            "audience_groups": rarely(["members"], ["west"], ["south"]),
            "agencies": rarely(["TJ-CUS"], ["AF-CUS", "UZ-CUS"]),
            "roles": rarely(["analyst"], ["reporter", "laboratory"]),
            "purposes": rarely(["analysis"], ["operational"]),
            "kinds": rarely(["seizure"]),
            "groups": rarely(0b001, 0b011),
            "valid_from": r.choice((None, None, now - timedelta(10), now + timedelta(10))),
            "valid_until": r.choice((None, None, now + timedelta(300), now + timedelta(357), now - timedelta(2))),
        }
        if layer == "record":
            drawn["valid_until"] = r.choice((now + timedelta(300), now + timedelta(300), now - timedelta(2)))
            drawn["handling"] = 4 if permit else 0
        if permit:
            drawn["facets"] = r.getrandbits(19) & r.getrandbits(19)
            drawn["duties"] = r.getrandbits(7) & r.getrandbits(7) & r.getrandbits(7)
        if permit and layer != "record":
            window = r.choice((None, None, None, 0, 1, 2))
            drawn |= {
                "joins": r.random() < 0.35,
                "gives": r.choice(("rows", "rows", "rows", "aggregates", "hits")),
                "delay": r.choice((0, 0, 30, 90, 3000)),
                "events_from": None if window not in (0, 2) else r.choice(ends[2:]),
                "events_until": None if window not in (1, 2) else r.choice(ends[:3]),
            }
        return drawn

    def document(layer: str, least: int = 0) -> list[Row]:
        return [rule(layer) for _ in range(r.randint(least, 5))]

    rules = Rules(members=frozenset(c for c, s in STATES.items() if s == "member"))
    rules.circles = {c: frozenset(g for g, its in CIRCLES.items() if c in its) for c in STATES}
    for owner in OWNERS:
        if r.random() < 0.9:
            rules.layers[owner, "national"] = document("national", 1)
    for agency in AGENCIES:
        if r.random() < 0.4:
            rules.layers[agency[:2], f"agency:{agency}"] = document("agency", 1)
    reports = []
    for _ in range(14):
        agency = r.choice(AGENCIES)
        scope = Scope(agency[:2], agency, r.choice(KINDS), r.choice(GROUPS), r.choice(HANDLING))
        reports.append(Report(str(uuid.UUID(int=r.getrandbits(128))), scope, r.choice(ends), r.choice((1, 1, 2))))
    for report in reports[:4]:
        report.scope = Scope(**vars(report.scope) | {"record": report.id, "month_end": report.month_end})
        rules.records[report.id] = document("record", 0)
    for _ in range(r.choice((0, 0, 1, 2))):
        owner = r.choice(OWNERS)
        rules.stops.append(
            {
                "owner": owner,
                "of_agency": r.choice((None, None, f"{owner}-CUS")),
                "towards_country": r.choice((None, "TJ", "TJ", "UZ", "AF")),
                "towards_agency": r.choice((None, None, "TJ-CUS")),
                "towards_key": r.choice((None, None, "k1", "k7")),
                "lifted": r.random() < 0.3,
            }
        )
    made = Situation(now, rules, reports, set(r.sample(READERS, 5)))
    layers = [("KZ", "national"), ("UZ", "national"), ("KZ", "agency:KZ-CUS"), ("UZ", "agency:UZ-CUS")]
    made.before = {layer: document("national", 1) for layer in layers[:2]}
    made.later = {layer: document("national", 1) for layer in r.sample(layers, 2)}
    made.turns = [now + timedelta(days) for days in (1, 10, 11, 300, 357)]
    for owner, layer in layers:
        made.drafts.append((owner, layer, document(layer, 1), r.choice(LOOKED_THROUGH), r.choice(made.turns)))
    return made


def as_json(rules: list[Row]) -> str:
    return json.dumps([{k: v for k, v in rule.items() if v is not None} for rule in rules], default=_spelt)


def _spelt(value: Any) -> str:
    return value.isoformat()


class Stage:
    """A situation in the database, for as long as the transaction lasts."""

    def __init__(self, connection: Connection, situation: Situation) -> None:
        self.connection, self.situation = connection, situation

    def run(self, statement: str, **values: Any) -> Any:
        return self.connection.execute(text(statement), values)

    def enter(self, reader: Reader) -> str:
        return str(
            self.run(
                "SELECT gate.enter(:c, :a, :r, :p, :k)",
                c=reader.country,
                a=reader.agency,
                r=sorted(reader.roles),
                p=reader.purpose,
                k=reader.key,
            ).scalar_one()
        )

    def become(self, token: str) -> None:
        self.run("SELECT set_config('sarhad.context', :token, true)", token=token)

    def officer(self, country: str) -> None:
        self.become(self.enter(Reader(country, f"{country}-CUS", frozenset({"policy_officer"}), "", f"o-{country}")))

    def prepare(self) -> None:
        """An empty gate, the countries, and a random half of the readers."""
        self.run("SET LOCAL session_replication_role = replica")
        for table in (
            "gate.compiled",
            "gate.context",
            "gate.rule",
            "gate.layer",
            "gate.scope",
            "core.report_line",
            "core.report_fact",
            *(f"core.{table}" for table in figures.BESIDE),
            "core.report",
            "core.suspension",
            "core.country_group",
        ):
            self.run(f"DELETE FROM {table}")
        self.run("SET LOCAL session_replication_role = origin")
        for country, status in STATES.items():
            self.run(
                "INSERT INTO core.country (code, name, status) VALUES (:c, '', :s) ON CONFLICT (code) DO UPDATE"
                " SET status = :s",
                c=country,
                s=status,
            )
        for agency in AGENCIES:
            self.run(
                "INSERT INTO core.agency (code, country, type, name) VALUES (:a, left(:a, 2), 'CU', '')"
                " ON CONFLICT DO NOTHING",
                a=agency,
            )
        for group, countries in CIRCLES.items():
            for country in countries:
                self.run("INSERT INTO core.country_group VALUES (:g, :c)", g=group, c=country)
        for reader in self.situation.early:
            self.enter(reader)

    def adopt(self, layers: Mapping[tuple[str, str], list[Row] | None], version: int, days: int = 0) -> None:
        for (owner, layer), rules in layers.items():
            self.officer(owner)
            self.run(
                "SELECT gate.adopt(CAST(:o AS char(2)), :l, :v, CAST(:r AS jsonb), now() + make_interval(days => :d))",
                o=owner,
                l=layer,
                v=version,
                r=None if rules is None else as_json(rules),
                d=days,
            )

    def file(self, version: int) -> None:
        """The first versions, or the second ones of those that have two."""
        for report in self.situation.reports:
            scope = report.scope
            if version > report.versions:
                continue
            self.officer(scope.owner)
            wanted = [{"kind": scope.kind, "groups": scope.groups, "handling": scope.handling, "agency": scope.agency}]
            found = self.run("SELECT id FROM gate.scopes_for(CAST(:w AS jsonb))", w=json.dumps(wanted)).scalar_one()
            if version > 1:
                assert self.run("SELECT gate.supersede(CAST(:r AS uuid), 1)", r=report.id).scalar_one()
            values = {"r": report.id, "v": version, "s": found, "m": report.month_end}
            named = {"a": scope.agency, "ref": report.id, "k": scope.kind, "h": str(scope.handling)}
            self.run(_REPORT, **values, **named, status=report.status)
            self.run(_LINE, **values)

    def decide(self) -> None:
        """Rules of single records, and suspensions."""
        for record, rules in self.situation.rules.records.items():
            owner = next(r.scope.owner for r in self.situation.reports if r.id == record)
            self.officer(owner)
            self.run("SELECT gate.record_rules(CAST(:r AS uuid), CAST(:j AS jsonb))", r=record, j=as_json(rules))
        for stop in self.situation.rules.stops:
            self.officer(stop["owner"])
            made = self.run(
                "SELECT gate.suspend(CAST(:of_agency AS text), :towards_country, :towards_agency, :towards_key, 'o', 'r')",  # noqa: E501
                **{k: v for k, v in stop.items() if k not in ("owner", "lifted")},
            ).scalar_one()
            if stop["lifted"]:
                assert self.run("SELECT gate.lift(CAST(:id AS uuid), 'o')", id=made).scalar_one()

    def play(self) -> None:
        self.prepare()
        self.adopt(self.situation.before, 1)
        self.file(1)
        now, later = self.situation.rules.layers, self.situation.later
        for layer in sorted(now.keys() | later.keys() | {(owner, "national") for owner in OWNERS}):
            self.adopt({layer: now.get(layer)}, 2)  # so that what comes later stands while others are adopted
            if layer in later:
                self.adopt({layer: later[layer]}, 3, days=5)
        self.decide()
        self.file(2)

    def differences(self, looked_at: Collection[str] = PARTS) -> Iterator[str]:
        scopes = self.scopes()
        figures.stand(self)
        yield from self.look(scopes, looked_at)

    def look(self, scopes: dict[int, Scope], looked_at: Collection[str]) -> Iterator[str]:
        for reader in READERS:
            self.become(self.enter(reader))
            told = {scope: self.situation.rules.sight(reader, scope, self.situation.now) for scope in scopes.values()}
            if "arrays" in looked_at:
                yield from self._arrays(reader, scopes, told)
            if "rows" in looked_at:
                yield from self._rows(reader, told)
            if "figures" in looked_at:
                yield from (f"{reader}: {sentence}" for sentence in figures.wrong(self, told))
        if "trials" in looked_at:
            yield from self._trials(scopes)

    def scopes(self) -> dict[int, Scope]:
        rows = self.run("SELECT id, owner, agency, kind, groups, handling, record, month_end FROM gate.scope")
        return {row[0]: Scope(*row[1:6], str(row[6]) if row[6] else None, row[7]) for row in rows}

    def _as_reader(self) -> None:
        self.run("SET LOCAL ROLE sarhad_read")

    def _arrays(self, reader: Reader, scopes: dict[int, Scope], told: dict[Scope, Any]) -> Iterator[str]:
        self._as_reader()
        arrays = self.run(
            "SELECT gate.masks(), gate.delays(), gate.duties(), gate.windows_from(), gate.windows_until()"
        ).one()
        self.run("RESET ROLE")
        masks, delays, duties, since, until = (list(array or []) for array in arrays)
        if len(masks) < len(scopes):
            yield f"{reader}: {len(masks)} of {len(scopes)} scopes"
            return
        for id_, scope in scopes.items():
            sight, found = told[scope], masks[id_]
            if found != (sight.mask() if sight else 0):
                yield f"{reader} {scope}: mask {found:b}, told {sight}"
            elif sight and (delays[id_], duties[id_]) != (sight.delay, sight.duties):
                yield f"{reader} {scope}: delay and duties {delays[id_], duties[id_]}, told {sight}"
            elif (
                sight
                and found >> 30
                and (since[id_], until[id_]) != (_day(sight.since, -(2**31)), _day(sight.until, 2**31 - 1))
            ):
                yield f"{reader} {scope}: window {since[id_], until[id_]}, told {sight}"

    def _rows(self, reader: Reader, told: dict[Scope, Any]) -> Iterator[str]:
        today = self.situation.now.date()
        shown = [
            (report, sight.mask())
            for report in self.situation.reports
            if (sight := told[report.scope]) is not None
            and sight.gives == "rows"
            and sight.shows(report.month_end, today)
        ]
        self._as_reader()
        union = " UNION ALL ".join(f"SELECT '{view}', record_id, version FROM shared.{view}" for view in VIEWS)
        found = {(view, str(record), version) for view, record, version in self.run(union)}
        self.run("RESET ROLE")
        expected = {
            (view, report.id, version)
            for view, given in VIEWS.items()
            for report, mask in shown
            if given(mask)
            for version in range(1 if view in EVERY_VERSION else report.versions, report.versions + 1)
        }
        if found != expected:
            yield f"{reader}: rows {sorted(found - expected)} too many, {sorted(expected - found)} missing"

    def _trials(self, scopes: dict[int, Scope]) -> Iterator[str]:
        """What a policy officer is told that a reader would see, at other moments and under drafts."""
        for owner, layer, draft, reader, moment in self.situation.drafts:
            self.officer(owner)
            for rules, at in ((None, self.situation.turns[2]), (draft, moment)):
                changed = Rules(**vars(self.situation.rules))
                changed.layers = dict(changed.layers)
                if at > self.situation.now + timedelta(5):
                    changed.layers |= self.situation.later  # in force by then
                if rules is not None:
                    changed.layers[owner, layer] = rules
                changed.stops = [stop for stop in changed.stops if stop["towards_key"] is None]
                rows = self.run(
                    "SELECT scope_id, mask, delay, duties FROM gate.trial_masks(:c, :a, :r, :p, :l, CAST(:d AS jsonb), :t)",  # noqa: E501
                    c=reader.country,
                    a=reader.agency,
                    r=sorted(reader.roles),
                    p=reader.purpose,
                    l=None if rules is None else layer,
                    d=None if rules is None else as_json(rules),
                    t=at,
                )
                found = {row[0]: tuple(row[1:]) for row in rows}
                told = {
                    id_: (sight.mask(), sight.delay, sight.duties)
                    for id_, scope in scopes.items()
                    if scope.owner == owner and (sight := changed.sight(reader, scope, at)) is not None
                }
                if found != told:
                    wrong = {
                        i: (found.get(i), told.get(i))
                        for i in found.keys() | told.keys()
                        if found.get(i) != told.get(i)
                    }
                    yield f"trial of {owner} {layer} as {reader} at {at}: {wrong}"


def _day(value: date | None, missing: int) -> int:
    return missing if value is None else (value - date(1970, 1, 1)).days


_REPORT = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest,
    status, reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant,
    at_day, at_month, month_end, point, cell)
  VALUES (CAST(:r AS uuid), :v, :k, CAST(:a AS text), left(:a, 2), 'k', :h, :s, true, :status, :ref,
    '', '', 'j',
    array_fill('d'::text, ARRAY[19]), '', '', '', '[]', now(), now(), now(), :m,
    public.ST_SetSRID(public.ST_MakePoint(0, 0), 4326), public.ST_SetSRID(public.ST_MakePoint(0, 0), 4326))"""
_LINE = """INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity,
    unit, rule) VALUES (CAST(:r AS uuid), :v, 1, :s, :m, 'SAR-000608', 'PRES', 1, 'KG', 'mass')"""


def differences(connection: Connection, situation: Situation) -> list[str]:
    """What the gate gives otherwise than the rules say."""
    within = connection.begin_nested()
    try:
        stage = Stage(connection, situation)
        stage.play()
        return list(stage.differences())
    finally:
        within.rollback()
