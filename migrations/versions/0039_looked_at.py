"""A saved question keeps how it was looked at: the map, what lies over it, the month that was shown.

The service reads nothing in it; it is shown to whom the question is shared with.
"""

from alembic import op

from migrations.scripts import run

revision = "0039"
down_revision = "0038"

LOOKED_AT = """
ALTER TABLE core.question ADD COLUMN view jsonb;
CREATE OR REPLACE VIEW shared.question AS
  SELECT q.id, q.agency, q.purpose, q.name, q.asks, q.shared, q.made_at, q.mine,
    CASE WHEN q.mine THEN q.schedule END AS schedule, CASE WHEN q.mine THEN q.threshold END AS threshold,
    CASE WHEN q.mine THEN q.next_at END AS next_at, CASE WHEN q.mine THEN q.told_at END AS told_at,
    CASE WHEN q.mine THEN q.changed_at END AS changed_at, q.view
  FROM (SELECT id, key_id, country, agency, purpose, name, asks, shared, schedule, threshold, made_at, next_at, told_at,
    changed_at, told, view, key_id = (SELECT gate.key()) AS mine FROM core.question) q;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(LOOKED_AT)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
