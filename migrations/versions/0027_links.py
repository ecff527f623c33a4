"""What belongs together: impurity profiles, tablets of one press, events that were reported twice; proposals of links.

`core.link` is for those who may see both of its records, as far as they may: row security asks for the facets without
which there is nothing to tell, and weighs the rest of the evidence by what is disclosed of both. `gate_linker` compares
whole records, in passes; nobody becomes it, and what it finds leaves through the views of `gate_link` alone.
"""

from pathlib import Path

from alembic import op

revision = "0027"
down_revision = "0026"

SQL = Path(__file__).parents[1] / "sql"
PARTS = ("tables", "events", "sources", "acts")
ROWS, WINDOWED = 1 << 26, 1 << 30
MARKS, SPECTRA = 13, 17
WRITTEN = ("link_queue", "link_fact", "link", "link_act")
BESIDE = ("profile", "appearance")
# (function, who may call it); all run as gate_linker
FUNCTIONS = {
    "core.find_event_links(uuid[])": "",
    "core.compare_events(uuid[])": "",
    "core.link_patterns(integer)": "sarhad_sequencer",
    "core.find_profile_links(uuid[])": "",
    "core.find_tablet_links(uuid[])": "",
    "core.find_links(integer)": "sarhad_write",
    "core.queue_links()": "",
    "core.requeue_links()": "",
    "core.keep_links()": "",
    "core.empty_links()": "",
    "gate.act_on_link(uuid, text, text)": "sarhad_write",
    "gate.link_audience(uuid[])": "sarhad_write",
    "gate.profile_hits(text, public.cube)": "sarhad_read",
}
PURE = {
    "core.significant(numeric)": "gate_linker",
    "core.link_id(text, uuid, uuid)": "gate_linker",
    "core.logo_distance(bigint, bigint)": "gate_linker",
    "core.link_weight(integer, integer[], real[])": "gate_linker, gate_link, sarhad_read, sarhad_write",
}


def mask(scope: str) -> str:
    return f"((SELECT gate.masks()))[{scope} + 1]"


def admits(scope: str, month: str, flags: str) -> str:
    """Rows whose scope has every flag, whose delay is over and whose event window they lie in."""
    delay = f"((SELECT gate.delays()))[{scope} + 1]"
    return f"""{mask(scope)} & ({flags}) = ({flags}) AND ({delay} = 0 OR {month} + {delay} <= current_date)
      AND ({mask(scope)} & {WINDOWED} = 0 OR {month} - DATE '1970-01-01'
        BETWEEN ((SELECT gate.windows_from()))[{scope} + 1] AND ((SELECT gate.windows_until()))[{scope} + 1])"""


def beside(table: str, bit: int, columns: str) -> str:
    """A view for readers that are given the facet, and row security that holds its owner to that."""
    return f"""
    ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    GRANT INSERT ON core.{table} TO sarhad_write;
    GRANT SELECT ON core.{table} TO gate_link;
    CREATE POLICY given ON core.{table} FOR SELECT TO gate_link
      USING (latest AND {admits("scope_id", "month_end", str(1 << bit | ROWS))});
    CREATE POLICY filed ON core.{table} FOR INSERT TO sarhad_write WITH CHECK (latest AND EXISTS (
      SELECT FROM shared.own_report o
      WHERE (o.record_id, o.version, o.scope_id) = ({table}.record_id, {table}.version, {table}.scope_id)));
    CREATE TRIGGER follow_report BEFORE INSERT ON core.{table} FOR EACH ROW WHEN (NEW.version > 1)
      EXECUTE FUNCTION gate.follow_report();
    GRANT SELECT, UPDATE ON core.{table} TO gate_linker;
    CREATE POLICY linked ON core.{table} TO gate_linker USING (true) WITH CHECK (true);
    CREATE VIEW shared.{table} AS SELECT record_id, version, n, {columns} FROM core.{table};
    ALTER VIEW shared.{table} OWNER TO gate_link;
    GRANT SELECT ON shared.{table} TO sarhad_read;
    """


def rights() -> str:
    held = "".join(
        f"""
        ALTER TABLE core.{name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        GRANT SELECT, INSERT, UPDATE, DELETE ON core.{name} TO gate_linker;
        CREATE POLICY linked ON core.{name} TO gate_linker USING (true) WITH CHECK (true);
        """
        for name in WRITTEN
    )
    owned = "".join(
        f"""ALTER FUNCTION {name} OWNER TO gate_linker; REVOKE ALL ON FUNCTION {name} FROM PUBLIC;
        {f"GRANT EXECUTE ON FUNCTION {name} TO {caller};" if caller else ""}"""
        for name, caller in FUNCTIONS.items()
    )
    pure = "".join(
        f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {name} TO {who};"
        for name, who in PURE.items()
    )
    return f"""
    {held}
    GRANT USAGE ON SCHEMA core, gate, shared TO gate_linker;
    GRANT USAGE ON SCHEMA core, gate TO gate_link;
    GRANT USAGE, CREATE ON SCHEMA shared TO gate_link;
    GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.windows_from(), gate.windows_until()
      TO gate_linker, gate_link;
    GRANT EXECUTE ON FUNCTION gate.agency(), gate.key(), core.facet(text) TO gate_linker;
    GRANT EXECUTE ON FUNCTION gate.country() TO gate_link;
    GRANT SELECT ON core.report, core.report_line, core.report_fact, core.substance, core.suspension, core.link_model,
      core.profile_calibration, gate.scope, gate.context, gate.compiled TO gate_linker;
    CREATE POLICY linked ON core.report FOR SELECT TO gate_linker USING (true);
    CREATE POLICY linked ON core.report_line FOR SELECT TO gate_linker USING (true);
    CREATE POLICY linked ON core.report_fact FOR SELECT TO gate_linker USING (true);
    CREATE POLICY linked ON core.suspension FOR SELECT TO gate_linker USING (true);
    GRANT SELECT ON core.profile_method, core.profile_calibration, core.link_model TO sarhad_read, sarhad_write;
    GRANT SELECT, INSERT ON core.link_model TO sarhad_sequencer;
    GRANT INSERT ON core.profile_method, core.profile_calibration TO sarhad_write;
    GRANT CREATE ON SCHEMA core, gate TO gate_linker;
    {owned}
    REVOKE CREATE ON SCHEMA core, gate FROM gate_linker;
    {pure}
    """


BASE = f"base | {ROWS}"
BOTH = f"{mask('k.a_scope')} & {mask('k.b_scope')}"
VIEWS = f"""
GRANT SELECT ON core.link, core.link_act TO gate_link;
CREATE POLICY seen ON core.link FOR SELECT TO gate_link USING (
  {admits("a_scope", "a_month", BASE)} AND {admits("b_scope", "b_month", BASE)}
  AND core.link_weight({mask("a_scope")} & {mask("b_scope")}, facets, weights) >= least);
-- What was said of a link, and why, is for the countries of its parties.
CREATE POLICY seen ON core.link_act FOR SELECT TO gate_link USING (
  EXISTS (SELECT FROM core.link k WHERE k.id = link_act.link_id
    AND (SELECT gate.country()) IN (left(k.a_agency, 2), left(k.b_agency, 2))));
CREATE VIEW shared.link AS SELECT k.id, k.relation, k.a, k.b, k.a_agency, k.b_agency, k.state, k.round, k.score,
  k.method, k.model, core.link_weight({BOTH}, k.facets, k.weights) AS weight,
  ARRAY(SELECT e.level FROM unnest(k.facets, k.levels) WITH ORDINALITY AS e(facet, level, n)
    WHERE {BOTH} & e.facet = e.facet ORDER BY e.n) AS levels,
  ARRAY(SELECT e.weight FROM unnest(k.facets, k.weights) WITH ORDINALITY AS e(facet, weight, n)
    WHERE {BOTH} & e.facet = e.facet ORDER BY e.n) AS weights
  FROM core.link k;
CREATE VIEW shared.link_act AS SELECT link_id, round, act, agency, reason, at FROM core.link_act;
-- One event counts once for a reader: of the reports that it sees confirmed to be of one event, that which a laboratory
-- has confirmed; of several, or none, that of the largest mass; then that with the smallest id. One that was retracted
-- has no lines, and counts last.
CREATE VIEW shared.event_member AS
  WITH RECURSIVE edge AS (
    SELECT k.a, k.b FROM core.link k WHERE k.relation = 'event' AND k.state = 'confirmed'
    UNION ALL SELECT k.b, k.a FROM core.link k WHERE k.relation = 'event' AND k.state = 'confirmed'
  ), reach AS (
    SELECT e.a AS member, e.a AS other FROM edge e
    UNION SELECT r.member, e.b FROM reach r JOIN edge e ON e.a = r.other
  ), event AS (
    SELECT r.member, min(r.other::text)::uuid AS event FROM reach r GROUP BY r.member
  )
  SELECT v.member AS record_id, v.event, row_number() OVER (PARTITION BY v.event
    ORDER BY count(l.line) > 0 DESC,
    coalesce(bool_or(l.status = 'CONF'), false) DESC, sum(l.kg) DESC NULLS LAST, v.member) = 1 AS counted
  FROM event v LEFT JOIN shared.report_line l ON l.record_id = v.member
  GROUP BY v.member, v.event;
GRANT SELECT ON shared.report_line TO gate_link;
ALTER VIEW shared.link OWNER TO gate_link;
ALTER VIEW shared.link_act OWNER TO gate_link;
ALTER VIEW shared.event_member OWNER TO gate_link;
GRANT SELECT ON shared.link, shared.link_act TO sarhad_read, sarhad_write;
GRANT SELECT ON shared.link TO gate_linker;
GRANT SELECT ON shared.event_member TO sarhad_read;
"""

# Records that are there already wait for a pass too. Row security holds the owner, so it rests meanwhile.
BACKFILL = """
ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY;
INSERT INTO core.link_queue SELECT record_id FROM core.report WHERE latest AND kind <> 'zero';
ALTER TABLE core.report FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    for part in PARTS:
        run((SQL / f"{revision}_link_{part}.sql").read_text(encoding="utf-8").replace("%", "%%"))
    run(BACKFILL)
    run(rights())
    run(beside("profile", SPECTRA, "line, method, unit"))
    run(beside("appearance", MARKS, "exhibit, logo, shape, image_sha256"))
    run(VIEWS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
