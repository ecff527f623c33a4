"""Before the service starts: a planted record that nobody may see is seen by nobody.

Two questions to the database. The catalogue: is every table that a view of `shared` reads under row security that
holds its owner too, are the views' owners and the service's login roles without power, and may no login read such a
table past the views? And the fact: in one transaction that is rolled back, a record of a reserved owner without a
policy is planted; its owner must see it, or the test would prove nothing; every login, without a context and as a
reader of another country, must not. Planting needs a superuser, as `sarhad db upgrade` does; `sarhad serve` asks the
catalogue in any case, and plants where the user of its URL may.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

OWNER, OUTSIDER = "XX", "XY"
"""Codes that ISO 3166 leaves to its users: no country's."""


class Exposed(Exception):
    """What the database would show to somebody who may not see it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


# Tables that hold what rules are about, found from the views that show it; registers are the same for every member.
_REGISTERS = "^(country|country_group|agency|substance|place|unit|crossing|boundary|conversion_rule)"
_HELD = f"""SELECT DISTINCT t.oid, t.oid::regclass::text AS name, t.relrowsecurity AND t.relforcerowsecurity AS held
  FROM pg_class v JOIN pg_rewrite w ON w.ev_class = v.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
  WHERE v.relnamespace = 'shared'::regnamespace AND t.relnamespace = 'core'::regnamespace
    AND t.relname !~ '{_REGISTERS}'"""
_LOGINS = r"SELECT oid, rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'sarhad\_%'"
_CATALOGUE = {
    f"SELECT name FROM ({_HELD}) h WHERE NOT held": "row security does not hold {0}",
    r"""SELECT r.rolname FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls)
      AND (r.rolname ~ '^(sarhad|gate)_')""": "the role {0} bypasses row security",
    """SELECT v.oid::regclass::text, r.rolname FROM pg_class v JOIN pg_roles r ON r.oid = v.relowner
      WHERE v.relnamespace = 'shared'::regnamespace AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls)""":
        "the view {0} runs with the rights of {1}",
    f"""SELECT l.rolname, h.name FROM ({_LOGINS}) l CROSS JOIN ({_HELD}) h
      WHERE has_any_column_privilege(l.oid, h.oid, 'SELECT')""": "the role {0} may read {1} past the views",
    f"""SELECT l.rolname, r.rolname FROM ({_LOGINS}) l JOIN pg_roles r ON r.oid <> l.oid
      AND pg_has_role(l.oid, r.oid, 'MEMBER')""": "the role {0} may become {1}",
}  # fmt: skip


def inspect(connection: Connection) -> None:
    """Ask the catalogue. Raises Exposed with all that is wrong."""
    faults = []
    for question, sentence in _CATALOGUE.items():
        faults += [sentence.format(*row) for row in connection.exec_driver_sql(question.replace("%", "%%"))]
    if faults:
        raise Exposed(sorted(faults))


def may_plant(connection: Connection) -> bool:
    """Whether this user may become every login, and write past row security."""
    return bool(connection.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").scalar_one())


_PLANT = """
INSERT INTO core.country (code, name) VALUES ('XX', 'canary'), ('XY', 'outsider') ON CONFLICT DO NOTHING;
INSERT INTO core.agency (code, country, type, name) VALUES ('XX-CANARY', 'XX', 'CU', 'canary') ON CONFLICT DO NOTHING;
INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)
  SELECT count(*), 'XX', 'seizure', 0, 0, 'XX-CANARY' FROM gate.scope;
"""
_RECORD = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest,
    status, reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant,
    at_day, at_month, month_end, point, cell)
  SELECT gen_random_uuid(), 1, 'seizure', 'XX-CANARY', 'XX', 'canary', 'TLP:CLEAR', s.id, true, 'reported', 'canary',
    '', '', 'canary', array_fill('canary'::text, ARRAY[19]), '', '', '', '[]', now(), now(), now(), current_date,
    p.point, p.point
  FROM gate.scope s, (SELECT public.ST_SetSRID(public.ST_MakePoint(0, 0), 4326) AS point) p WHERE s.owner = 'XX'
  RETURNING record_id, scope_id"""
_LINE = """INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, quantity,
    unit, rule) VALUES (:record, 1, 1, :scope, current_date, 'canary', 'PRES', 1, 'KG', 'mass')"""
_ENTER = "SELECT gate.enter(:country, :country || '-CANARY', ARRAY['reporter', 'analyst'], 'analysis')"
_SEEING = r"""SELECT l.rolname, c.oid::regclass::text FROM pg_roles l CROSS JOIN pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'record_id' AND NOT a.attisdropped
  WHERE l.rolcanlogin AND l.rolname LIKE 'sarhad\_%' AND c.relkind IN ('r', 'p', 'v', 'm')
    AND c.relnamespace IN ('core'::regnamespace, 'shared'::regnamespace, 'gate'::regnamespace)
    AND has_schema_privilege(l.oid, c.relnamespace, 'USAGE') AND has_column_privilege(l.oid, c.oid, a.attnum, 'SELECT')
  ORDER BY 1, 2"""


def plant(connection: Connection) -> None:
    """Plant the canary, look for it as everybody, and take it back. Raises Exposed where it is seen."""
    with _undone(connection):
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("SELECT gate.lock()")
        for statement in filter(str.strip, _PLANT.split(";\n")):
            connection.exec_driver_sql(statement)
        record, scope = connection.execute(text(_RECORD)).one()
        connection.execute(text(_LINE), {"record": record, "scope": scope})
        tokens = {
            country: connection.execute(text(_ENTER), {"country": country}).scalar_one()
            for country in (OWNER, OUTSIDER)
        }
        seeing = [tuple(row) for row in connection.exec_driver_sql(_SEEING.replace("%", "%%"))]
        readers = {"no reader": "", "a reader of another country": tokens[OUTSIDER]}
        faults = [
            f"a record that nobody shares is seen in {relation} by {role} for {reader}"
            for role, relation in seeing
            for reader, token in readers.items()
            if _sees(connection, role, relation, token, record)
        ]
        if not any(_sees(connection, role, relation, tokens[OWNER], record) for role, relation in seeing):
            faults.append("a planted record is not seen by its owner: nothing is proven")
    if faults:
        raise Exposed(faults)


def _sees(connection: Connection, role: str, relation: str, token: str, record: object) -> bool:
    with _undone(connection):
        connection.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        question = text(f"SELECT EXISTS (SELECT FROM {relation} WHERE record_id = :record)")
        return bool(connection.execute(question, {"record": record}).scalar_one())


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    within = connection.begin_nested()
    try:
        yield
    finally:
        within.rollback()
