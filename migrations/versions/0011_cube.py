"""The cube: counts and sums per scope and month, kept in the transaction that files, corrects or retracts a record.

A statement trigger writes what a record adds or takes away into `core.cube_fresh`, in the writer's transaction and
without touching a row that anybody else writes: two agencies never wait for each other, and a long batch for nobody.
`core.fold_cube` adds what is fresh to the tables of the cube, one a grain; a reader sums both, so folding changes no
answer. `core.report_fact` keeps what a question asks of a record beside its lines, also when its facets are deleted.

A row of the cube without a label (substance or group) counts records; a row with one counts lines, and says in `before`
which labels come before it in its record, so that a record with three lines is one event in any set of substances.

Readers see the views of `shared`, owned by gate_cube (scopes that give a time) and gate_cube_undated (scopes that give
none); row security holds both to the scopes, delays and facets of the reader's context. gate_counter owns the functions
and can read reports and write the cube, nothing else; nobody can log in as any of them.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

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


TABLES = f"""
CREATE TABLE core.report_fact (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL,
  {EVENT},
  concealment text[],
  persons jsonb,
  CONSTRAINT report_fact_pkey PRIMARY KEY (record_id, version)
);
CREATE INDEX report_fact_month_end_idx ON core.report_fact (month_end) WHERE latest;

CREATE TABLE core.cube_fresh (
  id bigint GENERATED ALWAYS AS IDENTITY,
  entry text NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  {EVENT},
  substance_group text, substance text, status text, unit text, rule text,
  before_groups text, before_substances text, before_reported text,
  person_role text, sex text, age_band text,
  {", ".join(typed(m) for m in MEASURES)},
  CONSTRAINT cube_fresh_pkey PRIMARY KEY (id)
);
-- emptied again and again: a reader scans it
ALTER TABLE core.cube_fresh SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_vacuum_insert_threshold = -1);

-- When the cube was compared with the reports, and in how many cells they differed.
CREATE TABLE core.cube_check (
  checked_at timestamptz NOT NULL,
  cells bigint NOT NULL,
  differing bigint NOT NULL,
  CONSTRAINT cube_check_pkey PRIMARY KEY (checked_at)
);
INSERT INTO core.cube_check VALUES (now(), 0, 0);
GRANT SELECT, INSERT ON core.cube_check TO sarhad_sequencer;
"""

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


def table(grain: str) -> str:
    before = GRAINS[grain][2]
    columns = [f"{k} {TYPES.get(k, 'text')}" for k in keys(grain) if k not in ("month_end", "scope_id")]
    unique = [*keys(grain), *(["md5(before)"] if before else [])]
    more = f"CREATE INDEX cube_{grain}_month_end_idx ON core.cube_{grain} (month_end);" if grain == "substance" else ""
    return f"""
    CREATE TABLE core.cube_{grain} (
      id bigint GENERATED ALWAYS AS IDENTITY,
      scope_id integer NOT NULL,
      month_end date NOT NULL,
      {", ".join([*columns, *(["before text"] if before else []), *(typed(m) for m in measures(grain))])},
      CONSTRAINT cube_{grain}_pkey PRIMARY KEY (id)
    );
    CREATE UNIQUE INDEX cube_{grain}_key ON core.cube_{grain} ({", ".join(unique)}) NULLS NOT DISTINCT;
    {more}
    """


# A disclosure is base64url of [salt, name, value]: its first character says that JSON or white space begins there.
FACET = """
CREATE FUNCTION core.facet(disclosure text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN left(disclosure, 1) IN ('W', 'I', 'C', 'D') THEN
    convert_from(decode(rpad(translate(disclosure, '-_', '+/'), (length(disclosure) + 3) / 4 * 4, '='), 'base64'),
      'UTF8')::jsonb -> 2 END
$$;
REVOKE ALL ON FUNCTION core.facet(text) FROM PUBLIC;
"""

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


_COUNTED = "scope_id, latest, substance, status, unit, rule, quantity, kg, kg_low, kg_high"
_TOUCHED = f"""SELECT DISTINCT n.record_id, n.version FROM after n
    JOIN before o ON (o.record_id, o.version, o.line) = (n.record_id, n.version, n.line)
    WHERE ({", ".join(f"o.{c.strip()}" for c in _COUNTED.split(","))})
      IS DISTINCT FROM ({", ".join(f"n.{c.strip()}" for c in _COUNTED.split(","))})"""
_AS_IT_WAS = f"""(SELECT o.* FROM before o JOIN ({_TOUCHED}) t USING (record_id, version)
    UNION ALL SELECT l.* FROM core.report_line l JOIN ({_TOUCHED}) t USING (record_id, version)
      WHERE NOT EXISTS (SELECT FROM before o
        WHERE (o.record_id, o.version, o.line) = (l.record_id, l.version, l.line)))"""
_AS_IT_IS = f"(SELECT l.* FROM core.report_line l JOIN ({_TOUCHED}) t USING (record_id, version))"

TRIGGERS = f"""
CREATE FUNCTION core.count_filed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  WITH filed_fact AS (INSERT INTO core.report_fact ({FACT}) {facts("filed")} RETURNING *),
    people AS ({PERSON_INTO} {person_rows("filed_fact", 1)})
  {EVENT_INTO} {event_rows("filed_fact", 1)};
  RETURN NULL;
END $$;

CREATE FUNCTION core.count_lines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  {LINE_INTO} {line_rows("filed", 1)};
  RETURN NULL;
END $$;

-- Superseded, or under another scope: taken away as it was, added as it is. Other updates change no count.
CREATE FUNCTION core.count_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  WITH moved AS (
    SELECT n.record_id, n.version, n.scope_id, n.latest FROM after n JOIN before o
      ON (o.record_id, o.version) = (n.record_id, n.version)
    WHERE (o.scope_id, o.latest) IS DISTINCT FROM (n.scope_id, n.latest)
  ), old AS (
    SELECT f.* FROM core.report_fact f JOIN moved m ON (m.record_id, m.version) = (f.record_id, f.version)
  ), new AS (
    UPDATE core.report_fact f SET scope_id = m.scope_id, latest = m.latest FROM moved m
    WHERE (m.record_id, m.version) = (f.record_id, f.version) RETURNING f.*
  ), people_gone AS ({PERSON_INTO} {person_rows("old", -1)}), people_come AS ({PERSON_INTO} {person_rows("new", 1)}),
  gone AS ({EVENT_INTO} {event_rows("old", -1)})
  {EVENT_INTO} {event_rows("new", 1)};
  RETURN NULL;
END $$;

-- Superseded, moved, or changed by a laboratory's result. A line says which labels come before it, so the records are
-- taken away whole, as they were, and added whole, as they are.
CREATE FUNCTION core.count_moved_lines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ({_TOUCHED}) t) THEN RETURN NULL; END IF;
  {LINE_INTO} {line_rows(_AS_IT_WAS, -1)};
  {LINE_INTO} {line_rows(_AS_IT_IS, 1)};
  RETURN NULL;
END $$;

-- Only who maintains the database by hand can do this; the cube follows.
CREATE FUNCTION core.count_nothing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.report_fact; DELETE FROM core.cube_fresh;
  {" ".join(f"DELETE FROM core.cube_{grain};" for grain in GRAINS)}
  RETURN NULL;
END $$;

CREATE TRIGGER cube_filed AFTER INSERT ON core.report REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_filed();
CREATE TRIGGER cube_filed AFTER INSERT ON core.report_line REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_lines();
CREATE TRIGGER cube_moved AFTER UPDATE ON core.report REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_moved();
CREATE TRIGGER cube_moved AFTER UPDATE ON core.report_line REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_moved_lines();
CREATE TRIGGER cube_emptied AFTER TRUNCATE ON core.report FOR EACH STATEMENT EXECUTE FUNCTION core.count_nothing();
"""


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


_COMMON = [*_EVENT_COLUMNS.split(", "), "substance_group", "substance", "status", "unit", "rule", "before_groups",
           "before_substances", "before_reported", "person_role", "sex", "age_band"]  # fmt: skip


def whole(into: str, rows: str) -> str:
    """Rows for an INSERT as rows of every column of the fresh ones."""
    given = [c.strip() for c in into.split("(", 1)[1].rsplit(")", 1)[0].split(",")]
    kinds = {"day": "date"}
    columns = [
        f"r.{c}" if c in given else (f"0 AS {c}" if c in MEASURES else f"NULL::{kinds.get(c, 'text')} AS {c}")
        for c in (*_COMMON, *MEASURES)
    ]
    return f"SELECT {', '.join(columns)} FROM ({rows}) AS r({', '.join(given)})"


SOURCE = f"""
CREATE VIEW core.cube_source AS
  {whole(EVENT_INTO, event_rows("core.report_fact", 1))}
  UNION ALL {whole(PERSON_INTO, person_rows("core.report_fact", 1))}
  UNION ALL {whole(LINE_INTO, line_rows("core.report_line", 1))};
"""


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
        SELECT {of_source}, {taken("")} FROM core.cube_source WHERE {entries(grain)}
        UNION ALL SELECT {of_source}, {taken("-")} FROM core.cube_fresh WHERE {entries(grain)}
        UNION ALL SELECT {", ".join(key)}, {taken("-")} FROM core.cube_{grain}
      ) every GROUP BY {", ".join(key)} HAVING {" OR ".join(f"sum({m}) <> 0" for m in measures(grain))}
    ) cells)"""


KEEPING = f"""
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
  SELECT count(*) INTO folded FROM gone;
  RETURN folded;
END $$;

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
  {"".join(f"DELETE FROM core.cube_{g}; INSERT INTO core.cube_{g} {folded(g, 'core.cube_source')};" for g in GRAINS)}
END $$;

-- How many cells each grain has, and in how many the cube and the reports differ: 0, or somebody has to know.
CREATE FUNCTION core.check_cube() RETURNS TABLE (grain text, cells bigint, differing bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
  {" UNION ALL ".join(difference(grain) for grain in GRAINS)}
$$;
"""

ITEMS, TRANSPORT, ROUTE, PERSONS = 1 << 9, 1 << 10, 1 << 11, 1 << 12
DAY, ADMIN1, COUNTRY = (1 << 2) | (1 << 3), 1 << 7, 1 << 8
CELL = (1 << 5) | (1 << 6)
DATED, UNDATED, WINDOWED = (1 << 20) | (1 << 21) | (1 << 22), 1 << 23, 1 << 30
MASK = "((SELECT gate.masks()))[{0}scope_id + 1]"
WITHHELD = {
    **dict.fromkeys(("place_country",), COUNTRY), "admin1": ADMIN1, "cell": CELL, "day": DAY,
    **dict.fromkeys(("transport_mode", "place_type", "concealment"), TRANSPORT),
    **dict.fromkeys(("origin", "transit", "destination", "certainty"), ROUTE),
}  # fmt: skip
LEAVES = {"": ("gate_cube", DATED), "_undated": ("gate_cube_undated", UNDATED)}


def admits(level: int) -> str:
    """Scopes that give rows at this level, and months whose delay is over and that lie in the event window, if any."""
    mask = MASK.format("")
    return f"""{mask} & {level} <> 0
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND ({mask} & {WINDOWED} = 0
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


def shown(column: str) -> str:
    """A column, NULL where its facet is withheld; an absent text is empty, so that the two differ."""
    if column not in WITHHELD:
        return f"r.{column}"
    absent = {"day": "NULL", "concealment": "'{}'"}.get(column, "''")
    value = f"coalesce(r.{column}, {absent})"
    return f"CASE WHEN {MASK.format('r.')} & {WITHHELD[column]} <> 0 THEN {value} END AS {column}"


def leaves(name: str, columns: tuple[str, ...], condition: str) -> str:
    made = []
    for suffix, (role, level) in LEAVES.items():
        month = "r.month_end" if level == DATED else "NULL::date AS month_end"
        made.append(f"""
        GRANT SELECT ON core.{name} TO {role};
        CREATE POLICY {role} ON core.{name} FOR SELECT TO {role} USING ({admits(level)} AND {condition});
        CREATE VIEW shared.{name}{suffix} AS SELECT s.owner, s.agency, {month}, {", ".join(shown(c) for c in columns)}
          FROM core.{name} r LEFT JOIN gate.scope s ON s.id = r.scope_id;
        ALTER VIEW shared.{name}{suffix} OWNER TO {role};
        GRANT SELECT ON shared.{name}{suffix} TO sarhad_read;
        """)
    return "".join(made)


def views() -> str:
    items, persons = (f"{MASK.format('')} & {bit} <> 0" for bit in (ITEMS, PERSONS))
    made = [
        leaves(
            "report_fact",
            ("record_id", "version", *(c.split()[0] for c in EVENT.split(",")), "concealment"),
            "latest AND kind = 'seizure'",
        ),
        leaves(
            "cube_fresh",
            tuple(c for c in (*_COMMON, *MEASURES) if c not in ("scope_id", "month_end")),
            f"(entry = 'e' OR (entry = 'l' AND {items}) OR (entry = 'p' AND {persons}))",
        ),
    ]
    for grain, (others, label, before) in GRAINS.items():
        columns = (*((label,) if label else ()), *others, *(("before",) if before else ()), *measures(grain))
        condition = persons if grain == "person" else f"({label} IS NULL OR {items})" if label else "true"
        made.append(leaves(f"cube_{grain}", columns, condition))
    return "".join(made)


CUBE = ("report_fact", "cube_fresh", *(f"cube_{grain}" for grain in GRAINS))
FUNCTIONS = ("count_filed", "count_lines", "count_moved", "count_moved_lines", "count_nothing", "fold_cube",
             "rebuild_cube", "check_cube")  # fmt: skip


def rights() -> str:
    held = "".join(
        f"""
        ALTER TABLE core.{name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        GRANT SELECT, INSERT, UPDATE, DELETE ON core.{name} TO gate_counter;
        CREATE POLICY counted ON core.{name} TO gate_counter USING (true) WITH CHECK (true);
        """
        for name in CUBE
    )
    owned = "".join(
        f"ALTER FUNCTION core.{name} OWNER TO gate_counter; REVOKE ALL ON FUNCTION core.{name} FROM PUBLIC;"
        for name in FUNCTIONS
    )
    return f"""
    {held}
    GRANT USAGE ON SCHEMA core TO gate_counter, gate_cube, gate_cube_undated;
    GRANT USAGE ON SCHEMA gate TO gate_cube, gate_cube_undated;
    GRANT USAGE, CREATE ON SCHEMA shared TO gate_cube, gate_cube_undated;
    GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.windows_from(), gate.windows_until()
      TO gate_cube, gate_cube_undated;
    GRANT SELECT ON gate.scope TO gate_cube, gate_cube_undated;
    GRANT SELECT ON core.report, core.report_line, core.substance, core.cube_source TO gate_counter;
    GRANT EXECUTE ON FUNCTION core.facet(text) TO gate_counter;
    CREATE POLICY counted ON core.report FOR SELECT TO gate_counter USING (true);
    CREATE POLICY counted ON core.report_line FOR SELECT TO gate_counter USING (true);
    GRANT CREATE ON SCHEMA core TO gate_counter;
    ALTER VIEW core.cube_source OWNER TO gate_counter;
    {owned}
    REVOKE CREATE ON SCHEMA core FROM gate_counter;
    GRANT EXECUTE ON FUNCTION core.fold_cube(bigint), core.rebuild_cube(), core.check_cube() TO sarhad_sequencer;
    """


# Told from the rules in force alone, never from scopes: whether there are records under a rule is not told.
SHARERS = """
CREATE FUNCTION gate.sharers() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
  WITH c AS (
    SELECT x.*, coalesce(k.status = 'member', false) AS member,
      ARRAY(SELECT g.code FROM core.country_group g WHERE g.country = x.country)
        || CASE WHEN k.status = 'member' THEN ARRAY['members'] ELSE '{}' END AS circles,
      gate.stops(x.country, x.agency, gate.key()) AS stops
    FROM gate.context x LEFT JOIN core.country k ON k.code = x.country WHERE x.id = gate.context_id()
  )
  SELECT coalesce(array_agg(o.owner ORDER BY o.owner), '{}') FROM (
    SELECT coalesce(c.trial, c.country) AS owner FROM c
    UNION
    SELECT r.owner FROM gate.rule r, c
    WHERE r.permit AND NOT r.joins AND r.layer = 'national' AND r.gives = 'rows' AND r.owner <> c.country
      AND c.trial IS NULL AND c.purpose <> '' AND c.roles <> '{}'
      AND r.begins <= now() AND now() < r.ends
      AND coalesce(r.valid_from <= now(), true) AND coalesce(now() < r.valid_until, true)
      AND (r.kinds IS NULL OR 'seizure' = ANY (r.kinds))
      AND (r.countries IS NULL AND r.audience_groups IS NULL OR c.country = ANY (r.countries)
        OR c.circles && r.audience_groups)
      AND (r.agencies IS NULL OR c.agency = ANY (r.agencies)) AND (r.roles IS NULL OR c.roles && r.roles)
      AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
      AND (c.member OR coalesce(c.country = ANY (r.countries), false) OR coalesce(c.agency = ANY (r.agencies), false))
      AND NOT EXISTS (SELECT FROM core.suspension s
        WHERE s.id = ANY (c.stops) AND s.owner = r.owner AND s.of_agency IS NULL)
  ) o
$$;
REVOKE ALL ON FUNCTION gate.sharers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.sharers() TO sarhad_read;
"""

# The reports that are there already. Row security holds the owner too, so it rests while they are counted.
BACKFILL = f"""
ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line NO FORCE ROW LEVEL SECURITY;
INSERT INTO core.report_fact ({FACT}) {facts("core.report")};
{EVENT_INTO} {event_rows("core.report_fact", 1)};
{PERSON_INTO} {person_rows("core.report_fact", 1)};
{LINE_INTO} {line_rows("core.report_line", 1)};
ALTER TABLE core.report FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    parts = (
        TABLES,
        *(table(grain) for grain in GRAINS),
        FACET,
        BACKFILL,
        TRIGGERS,
        SOURCE,
        KEEPING,
        SHARERS,
        rights(),
        views(),
    )
    for part in parts:
        run(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
