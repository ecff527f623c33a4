"""The whole rule model: agency ceilings, rules of single records, validity, event windows, obligations, suspensions.

What rules are kept in stands in `sql/0008_tables.sql`, how they come to verdicts in `sql/0008_verdicts.sql`. Reports
that are there get scopes of their agency.
"""

from alembic import op

from migrations.scripts import read, run

revision = "0008"
down_revision = "0007"

# A permit needs its reader's country to be a member, or to be named, and then an end within a year; a deny does not.
AUDIENCE = """(
  (r.countries IS NULL AND r.audience_groups IS NULL OR c.country = ANY (r.countries) OR c.circles && r.audience_groups)
  AND (r.agencies IS NULL OR c.agency = ANY (r.agencies)) AND (r.roles IS NULL OR c.roles && r.roles)
  AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
  AND (NOT r.permit OR c.member OR (coalesce(c.country = ANY (r.countries), false)
    OR coalesce(c.agency = ANY (r.agencies), false)) AND r.valid_until - r.valid_from <= interval '366 days'))"""

# Scopes so far had no agency: the agency with the most reports keeps each, the others get scopes of their own. Row
# security holds the owner too, so it rests meanwhile.
SPLIT = """
ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line NO FORCE ROW LEVEL SECURITY;
CREATE TABLE gate.moving AS
  SELECT u.scope_id, u.agency, row_number() OVER (PARTITION BY u.scope_id ORDER BY u.reports DESC, u.agency) AS place,
    NULL::integer AS target
  FROM (SELECT scope_id, agency, count(*) AS reports FROM core.report GROUP BY scope_id, agency) u;
UPDATE gate.scope s SET agency = m.agency FROM gate.moving m WHERE m.scope_id = s.id AND m.place = 1;
UPDATE gate.moving m SET target = (SELECT count(*) FROM gate.scope) + n.number - 1
FROM (
  SELECT scope_id, agency, row_number() OVER (ORDER BY scope_id, place) AS number FROM gate.moving WHERE place > 1) n
WHERE (n.scope_id, n.agency) = (m.scope_id, m.agency);
INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)
  SELECT m.target, s.owner, s.kind, s.groups, s.handling, m.agency
  FROM gate.moving m JOIN gate.scope s ON s.id = m.scope_id WHERE m.place > 1;
UPDATE core.report_line l SET scope_id = m.target FROM core.report r JOIN gate.moving m
  ON (m.scope_id, m.agency) = (r.scope_id, r.agency) AND m.place > 1
  WHERE (l.record_id, l.version) = (r.record_id, r.version);
UPDATE core.report r SET scope_id = m.target FROM gate.moving m
  WHERE (m.scope_id, m.agency) = (r.scope_id, r.agency) AND m.place > 1;
DROP TABLE gate.moving;
ALTER TABLE core.report FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(read("0008_tables"), SPLIT, read("0008_verdicts", audience=AUDIENCE))
    run("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
