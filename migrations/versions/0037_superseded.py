"""Files that superseded versions of an own record name, for its country alone."""

from alembic import op

revision = "0037"
down_revision = "0036"

VIEW = """
-- The policies of its owner let through what the caller's own country names and holds, in whichever version.
CREATE VIEW shared.own_version_attachment AS
  SELECT r.record_id, r.version, r.facet, r.line, a.country, a.sha256, a.object, a.media_type, a.content, a.size,
    a.width, a.height, a.phash
  FROM core.attachment_ref r JOIN core.attachment a USING (country, sha256);
ALTER VIEW shared.own_version_attachment OWNER TO gate_own;
GRANT SELECT ON shared.own_version_attachment TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.get_bind().exec_driver_sql(VIEW)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
