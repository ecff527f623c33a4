"""A lifted suspension gives back what the policy gives, also what was weighed while it was in force.

Verdicts no longer rest on suspensions: `put` takes those in that the reader's `stopped` names, and no others. What
`stopped` does not name, `gate.masks()` takes away whenever it is asked.
"""

from alembic import op

from migrations.passages import change

revision = "0034"
down_revision = "0033"

NAMED = """(SELECT s.id FROM core.suspension x
        JOIN gate.scope s ON s.owner = x.owner AND (x.of_agency IS NULL OR s.agency = x.of_agency)
        WHERE x.id = ANY ({stopped}))"""
STOP = """, stop AS MATERIALIZED (
    SELECT c.id AS context_id, p.id AS scope_id FROM reader c JOIN core.suspension x ON x.lifted_at IS NULL AND x.owner <> c.country AND (x.towards_country IS NULL OR x.towards_country = c.country)
  AND (x.towards_agency IS NULL OR x.towards_agency = c.agency) AND x.towards_key IS NULL
    JOIN place p ON p.owner = x.owner AND (x.of_agency IS NULL OR p.agency = x.of_agency)
  )
"""  # noqa: E501
VERDICTS = (
    (STOP, "\n"),
    ("CASE WHEN v.shown AND p.context_id IS NULL THEN", "CASE WHEN v.shown THEN"),
    ("\n  LEFT JOIN (SELECT DISTINCT * FROM stop) p ON (p.context_id, p.scope_id) = (l.context_id, t.scope_id)", ""),
)
PUT = (
    ("c.windows_until, c.until, p.scopes,", "c.windows_until, c.until, c.stopped, p.scopes,"),
    (
        "    UPDATE gate.compiled c SET",
        f"""    FOR slot IN SELECT named.id + 1 FROM {NAMED.format(stopped="k.stopped")} AS named LOOP
      m[slot] := 0;
    END LOOP;
    UPDATE gate.compiled c SET""",
    ),
)
PREVIEW = ("gate.stops(as_country, as_agency, NULL)", "'{}'")
TRIAL = (
    "WHERE v.mask <> 0",
    f"""WHERE v.mask <> 0
      AND v.scope_id NOT IN {NAMED.format(stopped="gate.stops(as_country, as_agency, NULL)")}""",
)
CIRCUMSTANCES = (
    "(SELECT string_agg(x.id::text, ',' ORDER BY x.id) FROM core.suspension x WHERE x.lifted_at IS NULL),\n    ",
    "",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    change(connection, "gate.verdicts", *VERDICTS)
    change(connection, "gate.put", *PUT)
    change(connection, "gate.preview", PREVIEW)
    change(connection, "gate.trial_masks", TRIAL)
    change(connection, "gate.circumstances", CIRCUMSTANCES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
