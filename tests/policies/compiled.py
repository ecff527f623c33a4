"""The compiler under test: the gate's own functions in one transaction that is never committed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from service.policies.document import PolicyDocument, compiled_rows
from tests.policies.documents import GROUPS, OWNERS
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

Decision = tuple[int, int]
"""(mask, delay in days); (0, 0) where nothing is shown"""


def expected(sight: Sight | None, own: bool) -> Decision:
    """The mask that says what `sight` says."""
    if sight is None:
        return 0, 0
    bits = {FACETS.index(facet) for facet in sight.facets} | {VISIBLE} | ({OWN} if own else set())
    bits.add(next((flag for facet, flag in TIME_FLAGS if facet in sight.facets), UNDATED))
    bits |= set([flag for facet, flag in PLACE_FLAGS if facet in sight.facets][:1])
    assert sight.facets <= EVERYTHING
    return sum(1 << bit for bit in bits), sight.delay


@dataclass
class Gate:
    """The gate's functions, called as the roles of the service call them."""

    connection: Connection

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
            self.run("SELECT gate.adopt(CAST(:owner AS char(2)), CAST(:rules AS jsonb))", owner=owner, rules=rules)

    def scopes(self, records: Iterable[Labels]) -> None:
        for owner in OWNERS:
            self.become(owner)
            wanted = [
                {
                    "kind": r.kind,
                    "groups": sum(1 << BITS[g] for g in r.groups),
                    "handling": TLP.index(r.handling),
                }
                for r in records
                if r.owner == owner
            ]
            self.run("SELECT * FROM gate.scopes_for(CAST(:wanted AS jsonb))", wanted=json.dumps(wanted))

    def contexts(self, readers: Iterable[Reader]) -> None:
        listed = list(readers)
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
        """Every compiled decision."""
        rows = self.run(
            """SELECT c.country, c.agency, c.roles, c.purpose, s.owner, s.kind, s.groups, s.handling,
                      k.masks[s.id + 1], k.delays[s.id + 1]
               FROM gate.context c JOIN gate.compiled k ON k.context_id = c.id CROSS JOIN gate.scope s"""
        )
        groups = {bits: frozenset(g for g in GROUPS if bits >> BITS[g] & 1) for bits in range(1 << len(GROUPS))}
        readers: dict[Any, Reader] = {}
        found = {}
        for country, agency, roles, purpose, owner, kind, bits, handling, mask, delay in rows:
            key = (country, agency, *roles, None, purpose)
            reader = readers.setdefault(key, Reader(country, agency, frozenset(roles), purpose))
            if bits in groups:
                found[reader, Labels(owner, kind, groups[bits], TLP[handling])] = mask, delay
        return found

    def empty(self) -> None:
        """No rules, no contexts, no scopes: in this transaction only."""
        self.run("SET LOCAL session_replication_role = replica")  # reports of other tests keep their scopes
        for table in ("compiled", "context", "rule", "scope"):
            self.run(f"DELETE FROM gate.{table}")
        self.run("SET LOCAL session_replication_role = origin")
