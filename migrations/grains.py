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
