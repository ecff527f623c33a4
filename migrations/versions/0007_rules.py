"""The whole rule model: agency ceilings, rules of single records, validity, event windows, obligations, suspensions.

The SQL stands in `migrations/sql/0007_*.sql`, a file for each part of the gate: what it keeps, how verdicts are
reached, how they are compiled, the scopes of records, tokens, suspensions, trials. Reports there get scopes of their
agency.
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"

SQL = Path(__file__).parents[1] / "sql"

# A permit needs its reader's country to be a member, or to be named, and then an end within a year; a deny does not.
AUDIENCE = """(
  (r.countries IS NULL AND r.audience_groups IS NULL OR c.country = ANY (r.countries) OR c.circles && r.audience_groups)
  AND (r.agencies IS NULL OR c.agency = ANY (r.agencies)) AND (r.roles IS NULL OR c.roles && r.roles)
  AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
  AND (NOT r.permit OR c.member OR (coalesce(c.country = ANY (r.countries), false)
    OR coalesce(c.agency = ANY (r.agencies), false)) AND r.valid_until - r.valid_from <= interval '366 days'))"""
STOPS = """x.lifted_at IS NULL AND x.owner <> c.country AND (x.towards_country IS NULL OR x.towards_country = c.country)
  AND (x.towards_agency IS NULL OR x.towards_agency = c.agency)"""

# Scopes so far had no agency: the agency with the most reports keeps each, the others get scopes of their own.
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

LEVELS = ("instant", "day", "month", "undated", "point", "cell")
FLAG = {level: 1 << bit for bit, level in enumerate(LEVELS, 20)}
ITEMS, REFERENCE, ROWS, WINDOWED = 1 << 9, 1 << 0, 1 << 26, 1 << 30


def admits(*flags: int) -> str:
    """Rows whose scope has every flag here, whose delay is over and whose event window, if any, they lie in.

    Windows are looked up only where the mask says that there is one. Flags are tested with `<>`: the planner takes an
    equation with something it cannot know for rare, and would sort a million rows instead of walking the index.
    """
    given = " AND ".join(f"((SELECT gate.masks()))[scope_id + 1] & {flag} <> 0" for flag in flags)
    return f"""{given}
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND (((SELECT gate.masks()))[scope_id + 1] & {WINDOWED} <> {WINDOWED}
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


COLUMNS = (
    "record_id, version, kind, agency, country, handling, status, jwt, mask, disclosures, at, position, reference,"
    " admin1, place_country, transport_mode, conveyance, place_type, concealment, leaf_hash, log_salt, duties"
)
UNIONS = {"report": LEVELS[:4], "report_placed": LEVELS[4:]}

RIGHTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.mint(text, text) TO sarhad_authn;
GRANT EXECUTE ON FUNCTION gate.duties(), gate.windows_from(), gate.windows_until(), gate.agency(), gate.key(),
  gate.roles() TO sarhad_read, sarhad_write, gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell,
  gate_items, gate_reference, gate_own;
GRANT EXECUTE ON FUNCTION gate.adopt(char, text, integer, jsonb, timestamptz), gate.scopes_for(jsonb),
  gate.privatise(uuid), gate.record_rules(uuid, jsonb), gate.renew(), gate.suspend(text, text, text, text, text, text),
  gate.lift(uuid, text), gate.preview(text, text, text[], text, text, jsonb),
  gate.trial_masks(text, text, text[], text, text, jsonb, timestamptz) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(_sql("tables"))
    run(SPLIT)
    run(_sql("verdicts").replace("{audience}", AUDIENCE).replace("{stops}", STOPS))
    run(_sql("compile").replace("{audience}", AUDIENCE))
    for part in ("scopes", "tokens", "suspensions", "trials"):
        run(_sql(part))
    _views()
    run(RIGHTS)


def _sql(part: str) -> str:
    # a driver's placeholder begins with a percent sign
    return (SQL / f"0007_{part}.sql").read_text(encoding="utf-8").replace("%", "%%")


def _views() -> None:
    run = op.get_bind().exec_driver_sql
    for level, flag in FLAG.items():
        placed = f" AND {level} IS NOT NULL" if level in UNIONS["report_placed"] else ""
        run(f"ALTER POLICY {level} ON core.report USING (latest{placed} AND {admits(flag)})")
        definition = run(f"SELECT pg_get_viewdef('shared.report_{level}'::regclass)").scalar_one()
        columns = definition.rstrip().removesuffix(";").removesuffix("FROM core.report r")
        run(
            f"CREATE OR REPLACE VIEW shared.report_{level} AS {columns.replace('%', '%%').rstrip()},"
            " ((SELECT gate.duties()))[r.scope_id + 1] AS duties FROM core.report r"
        )
    for union, levels in UNIONS.items():
        leaves = " UNION ALL ".join(f"SELECT {COLUMNS} FROM shared.report_{level}" for level in levels)
        run(f"CREATE OR REPLACE VIEW shared.{union} AS {leaves}")
    run(f"ALTER POLICY items ON core.report_line USING (latest AND {admits(ITEMS, ROWS)})")
    run(f"ALTER POLICY reference ON core.report USING (latest AND reference IS NOT NULL AND {admits(REFERENCE, ROWS)})")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
