"""The rows of the cube, for the migrations 0015 to 0017 that keep it: its grains, and what a report adds to them.

A row of the cube without a label (substance or group) counts records; a row with one counts lines, and says in `before`
which labels come before it in its record, so that a record with three lines is one event in any set of substances.
"""

EVENT = """
  kind text NOT NULL, day date, cell text, place_country char(2), admin1 text, transport_mode text, place_type text,
  origin text, transit text, destination text, certainty text"""
MEASURES = (
    *("events", "lines", "confirmed", "kg_exact", "kg_converted", "kg_low", "kg_high", "unconvertible", "tablets"),
    *("quantity", "persons"),
)
COUNTS = {"events", "lines", "confirmed", "unconvertible", "persons"}


def typed(measure: str) -> str:
    return f"{measure} {'bigint' if measure in COUNTS else 'numeric'} NOT NULL DEFAULT 0"


FRESH = f"""
  entry text NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  {EVENT},
  substance_group text, substance text, status text, unit text, rule text,
  before_groups text, before_substances text, before_reported text,
  person_role text, sex text, age_band text,
  {", ".join(typed(m) for m in MEASURES)}"""

# Per grain: its keys beside scope and month, and the label whose rows count lines (with the column of the fresh rows
# that says which labels come before). The label leads the index: a question asks for some substances or for none.
GRAINS: dict[str, tuple[tuple[str, ...], str | None, str | None]] = {
    "kind": (("kind",), None, None),
    "group": ((), "substance_group", "before_groups"),
    "substance": ((), "substance", "before_substances"),
    "place": (("place_country", "admin1"), "substance", "before_substances"),
    "carriage": (("transport_mode", "place_type"), "substance_group", "before_groups"),
    "cell": (("cell",), "substance_group", "before_groups"),
    "day": (("day",), "substance_group", "before_groups"),
    "reported": (("status", "unit", "rule"), "substance", "before_reported"),
    "flow": (("origin", "transit", "destination", "certainty"), "substance_group", "before_groups"),
    "person": (("place_country", "person_role", "sex", "age_band"), None, None),
}
TYPES = {"day": "date", "place_country": "char(2)"}


def measures(grain: str) -> tuple[str, ...]:
    if grain == "kind":
        return ("events",)
    if grain == "person":
        return ("persons",)
    return tuple(m for m in MEASURES if m != "persons" and (m != "quantity" or grain == "reported"))


def entries(grain: str) -> str:
    """The fresh rows that a grain counts."""
    return {"kind": "entry = 'e'", "person": "entry = 'p'"}.get(grain, "kind = 'seizure' AND entry IN ('e', 'l')")


def keys(grain: str) -> tuple[str, ...]:
    others, label, _ = GRAINS[grain]
    return (*((label,) if label else ()), "month_end", "scope_id", *others)


FACT = """record_id, version, scope_id, month_end, latest, kind, day, cell, place_country, admin1, transport_mode,
  place_type, origin, transit, destination, certainty, concealment, persons"""


def facts(source: str) -> str:
    """What questions ask of the reports in `source`. Disclosures stand in the order of the facets, from 1."""
    return f"""
    SELECT r.record_id, r.version, r.scope_id, r.month_end, r.latest, r.kind,
      (core.facet(r.disclosures[4]) #>> '{{}}')::date, core.facet(r.disclosures[7]) #>> '{{}}', r.place_country,
      r.admin1, r.transport_mode, r.place_type, legs.origin, legs.transit, legs.destination, legs.certainty,
      r.concealment, core.facet(r.disclosures[13]) -> 'groups'
    FROM {source} r
    LEFT JOIN LATERAL (
      SELECT
        (array_agg(leg ->> 'country' ORDER BY leg ->> 'role', n)
          FILTER (WHERE leg ->> 'role' IN ('DEPARTURE', 'PRODUCTION')))[1] AS origin,
        string_agg(leg ->> 'country', '>' ORDER BY n) FILTER (WHERE leg ->> 'role' = 'TRANSIT') AS transit,
        (array_agg(leg ->> 'country' ORDER BY n DESC)
          FILTER (WHERE leg ->> 'role' = 'DESTINATION'))[1] AS destination,
        CASE WHEN bool_or(leg ->> 'certainty' = 'SUSPECTED') THEN 'SUSPECTED'
             WHEN bool_or(leg ->> 'certainty' = 'DECLARED') THEN 'DECLARED' ELSE 'KNOWN' END AS certainty
      FROM jsonb_array_elements(core.facet(r.disclosures[12])) WITH ORDINALITY AS route(leg, n)
      WHERE leg ->> 'role' <> 'SEIZURE_POINT'
    ) legs ON r.disclosures[12] IS NOT NULL
    WHERE r.status = 'reported'
    """


_DIMS = ", ".join(f"f.{column.split()[0]}" for column in EVENT.split(",")[1:])
_EVENT_COLUMNS = f"entry, scope_id, month_end, kind, {_DIMS.replace('f.', '')}"
EVENT_INTO = f"INSERT INTO core.cube_fresh ({_EVENT_COLUMNS}, events)"
LINE_INTO = f"""INSERT INTO core.cube_fresh ({_EVENT_COLUMNS}, substance_group, substance, status, unit, rule,
  before_groups, before_substances, before_reported, events, lines, confirmed, kg_exact, kg_converted, kg_low, kg_high,
  unconvertible, tablets, quantity)"""
PERSON_INTO = f"INSERT INTO core.cube_fresh ({_EVENT_COLUMNS}, person_role, sex, age_band, persons)"


def event_rows(source: str, sign: int) -> str:
    return f"SELECT 'e', f.scope_id, f.month_end, f.kind, {_DIMS}, {sign} FROM {source} f WHERE f.latest"


def person_rows(source: str, sign: int) -> str:
    return f"""SELECT 'p', f.scope_id, f.month_end, f.kind, {_DIMS}, g ->> 'role', g ->> 'sex', g ->> 'age_band',
      {sign} * (g ->> 'n')::bigint FROM {source} f, jsonb_array_elements(f.persons) g
      WHERE f.latest AND f.kind = 'seizure'"""


def line_rows(source: str, sign: int, of_latest: str = "l.latest") -> str:
    """The lines in `source`, which holds all lines of a version or none."""
    earlier = (
        "OVER (PARTITION BY s.record_id, s.version ORDER BY s.line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    exact = "l.rule IN ('mass', 'named-mass', 'measured-mass')"
    return f"""
    SELECT 'l', l.scope_id, l.month_end, f.kind, {_DIMS}, l.substance_group, l.substance, l.status, l.unit, l.rule,
      l.before_groups, l.before_substances, l.before_reported, {sign}, {sign},
      CASE WHEN l.status = 'CONF' THEN {sign} ELSE 0 END,
      CASE WHEN {exact} THEN {sign} * coalesce(l.kg, 0) ELSE 0 END,
      CASE WHEN {exact} THEN 0 ELSE {sign} * coalesce(l.kg, 0) END,
      {sign} * coalesce(l.kg_low, 0), {sign} * coalesce(l.kg_high, 0), CASE WHEN l.kg IS NULL THEN {sign} ELSE 0 END,
      CASE WHEN l.unit = 'tablet' THEN {sign} * l.quantity ELSE 0 END, {sign} * l.quantity
    FROM (
      SELECT s.*, coalesce(c.policy_group, 'unknown') AS substance_group,
        string_agg(coalesce(c.policy_group, 'unknown'), ',') {earlier} AS before_groups,
        string_agg(s.substance, ',') {earlier} AS before_substances,
        string_agg(concat_ws(':', s.substance, s.status, s.unit, s.rule), ',') {earlier} AS before_reported
      FROM {source} AS s LEFT JOIN core.substance c ON c.code = s.substance
    ) l JOIN core.report_fact f ON (f.record_id, f.version) = (l.record_id, l.version)
    WHERE {of_latest} AND f.kind = 'seizure'
    """


COMMON = [*_EVENT_COLUMNS.split(", "), "substance_group", "substance", "status", "unit", "rule", "before_groups",
           "before_substances", "before_reported", "person_role", "sex", "age_band"]  # fmt: skip


def difference(grain: str) -> str:
    """Cells in which the reports and the cube, with what is fresh, do not say the same."""
    before = GRAINS[grain][2]
    key = [*keys(grain), *(["before"] if before else [])]
    of_source = ", ".join([*keys(grain), *([f"{before} AS before"] if before else [])])

    def taken(sign: str) -> str:
        return ", ".join(f"{sign}{m} AS {m}" for m in measures(grain))

    return f"""
    SELECT '{grain}', (SELECT count(*) FROM core.cube_{grain}), (SELECT count(*) FROM (
      SELECT FROM (
        SELECT {of_source}, {taken("")} FROM core.cube_work WHERE {entries(grain)}
        UNION ALL SELECT {of_source}, {taken("-")} FROM core.cube_fresh WHERE {entries(grain)}
        UNION ALL SELECT {", ".join(key)}, {taken("-")} FROM core.cube_{grain}
      ) every GROUP BY {", ".join(key)} HAVING {" OR ".join(f"sum({m}) <> 0" for m in measures(grain))}
    ) cells)"""


def folded(grain: str, source: str) -> str:
    """Rows of a grain from rows like the fresh ones."""
    before = GRAINS[grain][2]
    columns = [*keys(grain), *(["before"] if before else [])]
    grouped = [*keys(grain), *([before] if before else [])]
    sums = ", ".join(f"sum({m}) AS {m}" for m in measures(grain))
    taken = ", ".join([*keys(grain), *([f"{before} AS before"] if before else [])])
    return f"""({", ".join([*columns, *measures(grain)])})
      SELECT {taken}, {sums} FROM {source} WHERE {entries(grain)}
      GROUP BY {", ".join(grouped)} ORDER BY {", ".join(grouped)}"""


def merged(grain: str) -> str:
    target = ", ".join([*keys(grain), *(["md5(before)"] if GRAINS[grain][2] else [])])
    added = ", ".join(f"{m} = c.{m} + EXCLUDED.{m}" for m in measures(grain))
    return f"""INSERT INTO core.cube_{grain} AS c {folded(grain, "core.cube_fresh")}
      ON CONFLICT ({target}) DO UPDATE SET {added}"""


MAP_KEYS = "substance_group, span, resolution, cell, month_end, scope_id"
SUMS = ("events", "lines", "confirmed", "kg")
MAP_COLUMNS = f"({MAP_KEYS}, {', '.join(SUMS)})"
MAP_ADDED = ", ".join(f"{m} = c.{m} + EXCLUDED.{m}" for m in SUMS)


def deltas(source: str) -> str:
    """Per cell of resolution 5 and month. A record with several lines of a group is one event of that group."""
    return f"""
    SELECT substance_group, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END) AS events,
      sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg_exact + kg_converted) AS kg
    FROM {source} WHERE kind = 'seizure' AND entry IN ('e', 'l') AND cell IS NOT NULL
    GROUP BY substance_group, cell, month_end, scope_id"""


COLUMNS = ", ".join((*COMMON, *MEASURES))
WORK = f"""
  TRUNCATE core.cube_work;
  INSERT INTO core.cube_work ({COLUMNS}) SELECT {COLUMNS} FROM core.cube_source;"""


def fold_cube(into_map: str) -> str:
    """`into_map`: the statements of a WITH that add what is fresh to the map."""
    return f"""
-- What is fresh goes into the grains, in one statement: a reader sees it before or after, never twice or not at all.
-- Nothing happens below `enough` fresh rows, or while another folds.
CREATE FUNCTION core.fold_cube(enough bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  folded bigint;
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM core.cube_fresh LIMIT enough) f) < enough THEN RETURN 0; END IF;
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RETURN 0; END IF;
  WITH gone AS (DELETE FROM core.cube_fresh RETURNING 1)
    {"".join(f", into_{grain} AS ({merged(grain)})" for grain in GRAINS)}
    , {into_map}
  SELECT count(*) INTO folded FROM gone;
  RETURN folded;
END $$;
"""


def rebuild_cube(rebuild_map: str) -> str:
    return f"""
-- From the reports anew. Filing goes on: what is filed after this transaction's snapshot stays fresh.
CREATE FUNCTION core.rebuild_cube() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'the cube is rebuilt on one snapshot: REPEATABLE READ';
  END IF;
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RAISE EXCEPTION 'the cube is being folded; try again'; END IF;
  INSERT INTO core.report_fact ({FACT}) {facts("core.report")} ON CONFLICT DO NOTHING;
  UPDATE core.report_fact f SET scope_id = r.scope_id, latest = r.latest FROM core.report r
    WHERE (r.record_id, r.version) = (f.record_id, f.version)
      AND (r.scope_id, r.latest) IS DISTINCT FROM (f.scope_id, f.latest);
  DELETE FROM core.cube_fresh;
  {WORK}
  {"".join(f"DELETE FROM core.cube_{g}; INSERT INTO core.cube_{g} {folded(g, 'core.cube_work')};" for g in GRAINS)}
  {rebuild_map}
  TRUNCATE core.cube_work;
END $$;
"""


def check_cube(map_difference: str) -> str:
    """`map_difference`: as `difference`, of the map."""
    return f"""
-- How many cells each grain has, and in how many the cube and the reports differ: 0, or somebody has to know.
CREATE FUNCTION core.check_cube() RETURNS TABLE (grain text, cells bigint, differing bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'the cube is checked on one snapshot: REPEATABLE READ';
  END IF;
  {WORK}
  RETURN QUERY {" UNION ALL ".join(difference(grain) for grain in GRAINS)}
  UNION ALL {map_difference};
  TRUNCATE core.cube_work;
END $$;
"""
