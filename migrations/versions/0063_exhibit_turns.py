"""Countries wait for each other's exhibits only where one has asked a laboratory of the other.

A thousand locks were shared by all: a batch of one country that linked many exhibits held nearly each of them to its
COMMIT, and whoever filed an exhibit elsewhere waited, or was refused after ten seconds.
"""

from alembic import op

from migrations.passages import change

revision = "0063"
down_revision = "0062"

STRIPES = 128  # for each two countries: a batch takes all of them at most, and a cluster has room for thousands
LOCKS = (
    """  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT 7276828 * 1024::bigint + (hashtextextended(n, 0) & 1023) AS lock
    FROM unnest(numbers) n ORDER BY 1) k;""",
    f"""  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    WITH mine AS (
      SELECT l.exhibit AS number, s.owner FROM core.report_line l JOIN gate.scope s ON s.id = l.scope_id
        WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
      UNION SELECT x.exhibit, s.owner FROM core.exhibit_link x JOIN gate.scope s ON s.id = x.scope_id
        WHERE x.record_id = ANY (records)
    ), pair AS (
      -- who gave the number, and who files; who gave it, and whose laboratory it has asked
      SELECT m.number, left(m.number, 2) AS giver, m.owner::text AS examiner FROM mine m
      UNION SELECT m.number, m.owner::text, left(l.examined_by, 2) FROM mine m
        JOIN core.report_line l ON l.exhibit = m.number AND l.latest AND l.examined_by IS NOT NULL
        WHERE m.owner = left(m.number, 2)
    )
    -- a country that is not enrolled files nothing to wait for
    SELECT DISTINCT hashtextextended(p.giver || p.examiner, 7276828) & ~{STRIPES - 1}::bigint
      | (hashtextextended(p.number, 0) & {STRIPES - 1}) AS lock
    FROM pair p JOIN core.country g ON g.code = p.giver JOIN core.country e ON e.code = p.examiner ORDER BY 1) k;""",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    change(connection, "gate.link_exhibits", LOCKS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
