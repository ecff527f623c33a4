"""The compiler under test: the gate's own functions in one transaction that is never committed."""

import calendar
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from service.policies.document import PolicyDocument, compiled_rows
from service.policies.obligations import OBLIGATIONS
from tests.policies.documents import COUNTRIES, GROUPS, OWNERS, READING
from tests.policies.evaluator import EVERYTHING, TLP, Labels, Reader, Sight

BITS = {name: bit for bit, name in enumerate(GROUPS)}
FACETS = (
    "reference",
    "reported",
    "when.instant",
    "when.day",
    "when.month",
    "where.point",
    "where.cell",
    "where.admin1",
    "where.country",
    "items",
    "transport",
    "route",
    "persons",
    "marks",
    "case",
    "laboratory",
    "purity",
    "spectra",
    "narrative",
)
TIME_FLAGS = (("when.instant", 20), ("when.day", 21), ("when.month", 22))
PLACE_FLAGS = (("where.point", 24), ("where.cell", 25))
UNDATED, VISIBLE, OWN = 23, 26, 27

Decision = tuple[int, ...]
"""(mask, delay in days, duties, first and last day of the event window or 0); zeros where nothing is shown"""
NOTHING = (0, 0, 0, 0, 0)
COUNTED, HIT, WINDOWED = 28, 29, 30


def expected(sight: Sight | None, own: bool) -> Decision:
    """The mask that says what `sight` says."""
    if sight is None:
        return NOTHING
    assert sight.facets <= EVERYTHING
    bits = {FACETS.index(facet) for facet in sight.facets}
    if sight.gives == "rows":
        bits |= {VISIBLE} | ({OWN} if own else set())
        bits.add(next((flag for facet, flag in TIME_FLAGS if facet in sight.facets), UNDATED))
        bits |= set([flag for facet, flag in PLACE_FLAGS if facet in sight.facets][:1])
    else:
        bits.add({"aggregates": COUNTED, "hits": HIT}[sight.gives])
    first = last = 0
    if sight.since or sight.until:
        bits.add(WINDOWED)
        first = _days(f"{sight.since}-01") if sight.since else -(1 << 31)
        last = _days(_end(sight.until)) if sight.until else (1 << 31) - 1
    owes = sum(1 << OBLIGATIONS.index(name) for name in sight.owes)
    return sum(1 << bit for bit in bits), sight.delay, owes, first, last


def _read(decision: list[int]) -> Decision:
    """Delay, duties and window count only where the mask says that there is something, and a window."""
    mask, delay, duties, first, last = decision
    if not mask:
        return NOTHING
    return (mask, delay, duties, first, last) if mask >> WINDOWED & 1 else (mask, delay, duties, 0, 0)


def _days(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def _end(month: str) -> str:
    return f"{month}-{calendar.monthrange(int(month[:4]), int(month[5:]))[1]}"


@dataclass
class Gate:
    """The gate's functions, called as the roles of the service call them."""

    connection: Connection
    entered: set[Reader] = field(default_factory=set)

    def run(self, statement: str, **values: Any) -> Any:
        return self.connection.execute(text(statement), values)

    def become(self, country: str) -> None:
        """Be an agency of this country, for the functions that ask."""
        token = self.run("SELECT gate.enter(:c, :a, ARRAY['reporter'], '')", c=country, a=f"{country}-CUS").scalar_one()
        self.run("SELECT set_config('sarhad.context', :token, true)", token=token)

    def adopt(self, documents: Mapping[str, PolicyDocument]) -> None:
        for owner in OWNERS:
            self.become(owner)
            rules = json.dumps(compiled_rows(documents[owner], BITS)) if owner in documents else "[]"
            self.run(
                "SELECT gate.adopt(CAST(:owner AS char(2)), 'national', 1, CAST(:rules AS jsonb))",
                owner=owner,
                rules=rules,
            )

    def cap(self, ceilings: Mapping[str, PolicyDocument]) -> None:
        for agency, ceiling in ceilings.items():
            self.become(agency[:2])
            rules = json.dumps(compiled_rows(ceiling, BITS))
            self.run(
                "SELECT gate.adopt(CAST(:owner AS char(2)), :layer, 1, CAST(:rules AS jsonb))",
                owner=agency[:2],
                layer=f"agency:{agency}",
                rules=rules,
            )

    def scopes(self, records: Iterable[Labels]) -> None:
        for owner in OWNERS:
            self.become(owner)
            wanted = [
                {
                    "kind": r.kind,
                    "groups": sum(1 << BITS[g] for g in r.groups),
                    "handling": TLP.index(r.handling),
                    "agency": r.agency,
                }
                for r in records
                if r.owner == owner
            ]
            self.run("SELECT * FROM gate.scopes_for(CAST(:wanted AS jsonb))", wanted=json.dumps(wanted))

    def contexts(self, readers: Iterable[Reader]) -> None:
        listed = list(readers)
        self.entered |= set(listed)
        self.run(
            """SELECT gate.enter(r.country, r.agency, r.roles, r.purpose)
               FROM jsonb_to_recordset(CAST(:readers AS jsonb))
               AS r(country text, agency text, roles text[], purpose text)""",
            readers=json.dumps(
                [
                    {"country": r.country, "agency": r.agency, "roles": sorted(r.roles), "purpose": r.purpose}
                    for r in listed
                ]
            ),
        )

    def decisions(self) -> dict[tuple[Reader, Labels], Decision]:
        """Every compiled decision on those who entered. Roles that read nothing make no context of their own."""
        rows = self.run(
            """SELECT c.country, c.agency, c.roles, c.purpose, s.owner, s.kind, s.groups, s.handling,
                      s.agency, k.masks[s.id + 1], k.delays[s.id + 1], k.duties[s.id + 1],
                      coalesce(k.windows_from[s.id + 1], 0), coalesce(k.windows_until[s.id + 1], 0)
               FROM gate.context c JOIN gate.compiled k ON k.context_id = c.id CROSS JOIN gate.scope s"""
        )
        groups = {bits: frozenset(g for g in GROUPS if bits >> BITS[g] & 1) for bits in range(1 << len(GROUPS))}
        readers: dict[Any, list[Reader]] = {}
        for reader in self.entered:
            counted = tuple(sorted(reader.roles & set(READING)))
            readers.setdefault((reader.country, reader.agency, counted, reader.purpose), []).append(reader)
        found = {}
        for country, agency, roles, purpose, owner, kind, bits, handling, filed_by, *decision in rows:
            if bits in groups:
                record = Labels(owner, kind, groups[bits], TLP[handling], filed_by)
                for reader in readers.get((country, agency, tuple(roles), purpose), ()):
                    found[reader, record] = _read(decision)
        return found

    def empty(self) -> None:
        """No rules, no contexts, no scopes: in this transaction only."""
        self.entered.clear()
        self.run("SET LOCAL session_replication_role = replica")  # reports of other tests keep their scopes
        for table in ("compiled", "context", "rule", "layer", "scope"):
            self.run(f"DELETE FROM gate.{table}")
        for country in COUNTRIES:
            self.run("INSERT INTO core.country VALUES (:c, '') ON CONFLICT DO NOTHING", c=country)
        self.run("SET LOCAL session_replication_role = origin")
