"""Figures count a provisional substance as what it turned out to be, at the level of substances too.

At the levels of classes and groups they did: a resolved entry stands below what it turned out to be.
"""

from alembic import op

from migrations.given import mask
from migrations.scripts import run

revision = "0035"
down_revision = "0034"

# An unknown stands below a class until it is resolved, and below a substance from then on.
SUBSTANCE = """coalesce((SELECT s.parent FROM core.substance s JOIN core.substance t ON t.code = s.parent
      WHERE s.code = l.substance AND s.kind = 'provisional' AND t.kind <> 'class'), l.substance) AS substance"""
COUNTRY, ADMIN1 = 1 << 8, 1 << 7
LINES = f"""
GRANT SELECT ON core.substance TO gate_publication, gate_aggregate;
CREATE OR REPLACE VIEW shared.publication_line AS
  SELECT r.record_id, r.agency, r.at_month, r.place_country, r.admin1, {SUBSTANCE}, l.kg
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.publication_member m WHERE NOT m.counted);
CREATE OR REPLACE VIEW shared.aggregate_line AS
  SELECT r.record_id, r.agency, r.country, r.at_month, {SUBSTANCE}, l.kg,
    CASE WHEN {mask("r.scope_id")} & {COUNTRY} <> 0 THEN r.place_country END AS place_country,
    CASE WHEN {mask("r.scope_id")} & {ADMIN1} <> 0 THEN r.admin1 END AS admin1
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.aggregate_member m WHERE NOT m.counted);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(LINES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
