"""What belongs together: impurity profiles, tablets of one press, events that were reported twice; proposals of links.

`core.link` is for those who may see both of its records, as far as they may: row security asks for the facets without
which there is nothing to tell, and weighs the rest of the evidence by what is disclosed of both. `gate_linker` compares
whole records, in passes (migration 0025); nobody becomes it, and what it finds leaves through the views of `gate_link`
alone. The SQL stands in `sql/0024_*.sql`.
"""

import re
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

from migrations.given import ROWS, given, mask
from migrations.scripts import read, run

revision = "0024"
down_revision = "0023"

MARKS, SPECTRA = 13, 17
WRITTEN = ("link_queue", "link_retry", "link_fact", "link", "link_act")
# (function, who may call it); all run as gate_linker
FUNCTIONS = {
    "core.place_link_queue()": "",
    "core.queue_links()": "",
    "core.requeue_links()": "",
    "core.requeue_pictured()": "",
    "core.requeue_unknown_links()": "",
    "core.keep_links()": "",
    "core.empty_links()": "",
    "core.own_profile()": "",
    "gate.act_on_link(uuid, text, text)": "sarhad_write",
    "gate.link_audience(uuid[])": "sarhad_write",
    "gate.profile_hits(text, public.cube)": "sarhad_read",
}


def beside(table: str, bit: int, columns: str) -> str:
    """A view for readers that are given the facet, and row security that holds its owner to that."""
    return f"""
    ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    GRANT INSERT ON core.{table} TO sarhad_write;
    GRANT SELECT ON core.{table} TO gate_link;
    CREATE POLICY given ON core.{table} FOR SELECT TO gate_link
      USING (latest AND {given(1 << bit | ROWS)});
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
    GRANT SELECT (country, sha256, phash) ON core.attachment TO gate_linker;
    GRANT SELECT, UPDATE ON SEQUENCE core.link_turn TO gate_linker;
    CREATE POLICY linked ON core.attachment FOR SELECT TO gate_linker USING (true);
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
    REVOKE ALL ON FUNCTION core.link_weight(integer, integer[], real[]) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION core.link_weight(integer, integer[], real[])
      TO gate_linker, gate_link, sarhad_read, sarhad_write;
    """


BASE = f"base | {ROWS}"
BOTH = f"{mask('k.a_scope')} & {mask('k.b_scope')}"
VIEWS = f"""
GRANT SELECT ON core.link, core.link_act TO gate_link;
CREATE POLICY seen ON core.link FOR SELECT TO gate_link USING (
  {given(BASE, "a_scope", "a_month")} AND {given(BASE, "b_scope", "b_month")}
  AND core.link_weight({mask("a_scope")} & {mask("b_scope")}, facets, weights) >= least
  AND EXISTS (SELECT FROM unnest(grounds) AS g(facets)
    WHERE {mask("a_scope")} & {mask("b_scope")} & g.facets = g.facets));
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
ALTER VIEW shared.link OWNER TO gate_link;
ALTER VIEW shared.link_act OWNER TO gate_link;
GRANT SELECT ON shared.link, shared.link_act TO sarhad_read, sarhad_write;
GRANT SELECT ON shared.link TO gate_linker;
"""

# The reports that are there already wait for a pass too, and the imprints that they name stand beside those of
# analyses. Row security holds the owner, so it rests meanwhile.
WAITING = """
INSERT INTO core.link_queue SELECT record_id, country FROM core.report WHERE latest AND kind <> 'zero';
"""
IMPRINTS = ("LOGO", "STAMP", "PRESS")
NAMED = text(f"""
    SELECT r.record_id, r.version, r.scope_id, r.month_end, m.n, m.mark ->> 'text' AS logo,
      m.mark ->> 'image_sha256' AS image_sha256
    FROM core.report r
    CROSS JOIN LATERAL jsonb_array_elements(core.facet(r.disclosures[{MARKS + 1}])) WITH ORDINALITY AS m(mark, n)
    WHERE r.latest AND r.status = 'reported' AND r.kind <> 'analysis' AND r.disclosures[{MARKS + 1}] IS NOT NULL
      AND m.mark ->> 'kind' IN {IMPRINTS}""")
KEEP = text("""INSERT INTO core.appearance (record_id, version, n, scope_id, month_end, logo, image_sha256)
    VALUES (:record_id, :version, :n, :scope_id, :month_end, :logo, :image_sha256)""")
AT_ONCE = 5_000


def plain(words: str | None) -> str | None:
    """Letters and digits in lower case, as records that are filed are read."""
    return words and (re.sub(r"[\W_]+", " ", words.casefold()).strip() or None)


def backfill(connection: Connection) -> None:
    run("ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY", WAITING)
    rows: list[dict[str, Any]] = []
    for row in connection.execute(NAMED).mappings():
        if (logo := plain(row["logo"])) or row["image_sha256"]:
            rows.append({**row, "logo": logo})
    for first in range(0, len(rows), AT_ONCE):
        connection.execute(KEEP, rows[first : first + AT_ONCE])
    run("ALTER TABLE core.report FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(read("0024_tables"))
    backfill(op.get_bind())
    run(read("0024_kept"), read("0024_acts"), rights())
    run(beside("profile", SPECTRA, "line, method, unit"))
    run(beside("appearance", MARKS, "exhibit, logo, shape, image_sha256, logo_back"))
    run(VIEWS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
