"""A result of another policy group moves its report into the scope of both groups, and counts for the line.

A rule permits a report only if it covers every group, and denies it if it covers any: with one more group nobody sees
more of it. The SQL stands in `sql/0030_examined.sql`.
"""

from alembic import op

from migrations.scripts import read, run

revision = "0030"
down_revision = "0029"

# Of the results that count for the line `l`, in the scope `s`, of the report `p`, the one filed last. Another country's
# laboratory decides nothing about who is shown the report: what it finds is of the groups that were reported.
RESULT = """
      SELECT x.record_id AS result_id, x.version AS result_version, x.status AS result_status,
        v.substance AS result_substance
      FROM core.exhibit_link x
      JOIN gate.scope a ON a.id = x.scope_id
      CROSS JOIN LATERAL (SELECT CASE WHEN x.status = 'NEGA'
          OR coalesce(l.substance_reported, l.substance) = ANY (x.substances)
        THEN coalesce(l.substance_reported, l.substance) ELSE x.substances[1] END AS substance) v
      WHERE x.exhibit = l.exhibit AND x.latest AND x.status IS NOT NULL AND a.handling <= s.handling
        AND (a.owner = s.owner OR a.agency = l.examined_by AND EXISTS (
          SELECT FROM core.substance c JOIN core.substance_group g ON g.code = c.policy_group
          WHERE c.code = v.substance AND coalesce(p.groups_reported, s.groups) & (1 << g.bit) <> 0))
      ORDER BY x.filed_at DESC, x.record_id LIMIT 1"""

RIGHTS = """
GRANT CREATE ON SCHEMA gate TO gate_linker;
ALTER FUNCTION gate.regrouped(text[]) OWNER TO gate_linker;
ALTER FUNCTION gate.lacking_scopes(uuid[]) OWNER TO gate_linker;
ALTER FUNCTION gate.regroup(text[]) OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA gate FROM gate_linker;
REVOKE ALL ON FUNCTION gate.sibling_scopes(jsonb), gate.hold_exhibits(uuid[]), gate.regrouped(text[]),
  gate.lacking_scopes(uuid[]), gate.regroup(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.lacking_scopes(uuid[]), gate.sibling_scopes(jsonb) TO sarhad_write;
GRANT EXECUTE ON FUNCTION gate.hold_exhibits(uuid[]) TO gate_linker;
GRANT EXECUTE ON FUNCTION gate.regroup(text[]) TO sarhad_owner;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(read("0030_examined", result=RESULT), RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
