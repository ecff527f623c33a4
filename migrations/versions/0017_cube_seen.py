"""What readers see of the cube: two views a table, held to the scopes, delays and facets of the reader's context.

One is owned by gate_cube (scopes that give a time), the other by gate_cube_undated (scopes that give none); nobody can
log in as either. Of the map's grain rows are admitted only to readers who are given the cell, so that the cell can be
looked up in an index.
"""

from alembic import op

from migrations.given import DATED, UNDATED, WINDOWED, due, mask
from migrations.grains import COMMON, EVENT, GRAINS, MEASURES, measures
from migrations.scripts import run

revision = "0017"
down_revision = "0016"

ITEMS, TRANSPORT, ROUTE, PERSONS = 1 << 9, 1 << 10, 1 << 11, 1 << 12
DAY, ADMIN1, COUNTRY = (1 << 2) | (1 << 3), 1 << 7, 1 << 8
CELL = (1 << 5) | (1 << 6)
WITHHELD = {
    **dict.fromkeys(("place_country",), COUNTRY), "admin1": ADMIN1, "cell": CELL, "day": DAY,
    **dict.fromkeys(("transport_mode", "place_type", "concealment"), TRANSPORT),
    **dict.fromkeys(("origin", "transit", "destination", "certainty"), ROUTE),
}  # fmt: skip
LEAVES = {"": ("gate_cube", DATED), "_undated": ("gate_cube_undated", UNDATED)}
SUMS = ("events", "lines", "confirmed", "kg")


def shown(column: str) -> str:
    """A column, NULL where its facet is withheld; an absent text is empty, so that the two differ."""
    if column not in WITHHELD:
        return f"r.{column}"
    absent = {"day": "NULL", "concealment": "'{}'"}.get(column, "''")
    value = f"coalesce(r.{column}, {absent})"
    return f"CASE WHEN {mask('r.scope_id')} & {WITHHELD[column]} <> 0 THEN {value} END AS {column}"


def leaves(name: str, columns: tuple[str, ...], condition: str) -> str:
    made = []
    for suffix, (role, level) in LEAVES.items():
        month = "r.month_end" if level == DATED else "NULL::date AS month_end"
        made.append(f"""
        GRANT SELECT ON core.{name} TO {role};
        CREATE POLICY {role} ON core.{name} FOR SELECT TO {role}
          USING ({mask()} & {level} <> 0 AND {due()} AND {condition});
        CREATE VIEW shared.{name}{suffix} AS SELECT s.owner, s.agency, {month}, {", ".join(shown(c) for c in columns)}
          FROM core.{name} r LEFT JOIN gate.scope s ON s.id = r.scope_id;
        ALTER VIEW shared.{name}{suffix} OWNER TO {role};
        GRANT SELECT ON shared.{name}{suffix} TO sarhad_read;
        """)
    return "".join(made)


def views() -> str:
    items, persons = (f"{mask()} & {bit} <> 0" for bit in (ITEMS, PERSONS))
    made = [
        leaves(
            "report_fact",
            ("record_id", "version", *(c.split()[0] for c in EVENT.split(",")), "concealment"),
            "latest AND kind = 'seizure'",
        ),
        leaves(
            "cube_fresh",
            tuple(c for c in (*COMMON, *MEASURES) if c not in ("scope_id", "month_end")),
            f"(entry = 'e' OR (entry = 'l' AND {items}) OR (entry = 'p' AND {persons}))",
        ),
    ]
    for grain, (others, label, before) in GRAINS.items():
        columns = (*((label,) if label else ()), *others, *(("before",) if before else ()), *measures(grain))
        condition = persons if grain == "person" else f"({label} IS NULL OR {items})" if label else "true"
        made.append(leaves(f"cube_{grain}", columns, condition))
    return "".join(made)


def map_views() -> str:
    """Scopes that give rows at this level and the cell; of years only those that nothing cuts through."""
    delay = "((SELECT gate.delays()))[scope_id + 1]"
    made = []
    for suffix, (role, level) in LEAVES.items():
        month = "r.month_end" if level == DATED else "NULL::date AS month_end"
        made.append(f"""
        GRANT SELECT ON core.cube_map TO {role};
        CREATE POLICY {role} ON core.cube_map FOR SELECT TO {role} USING ({mask()} & {level} <> 0
          AND {mask()} & {CELL} <> 0 AND (substance_group IS NULL OR {mask()} & {ITEMS} <> 0)
          AND ({delay} = 0 OR span = 'm' AND month_end + {delay} <= current_date)
          AND ({mask()} & {WINDOWED} = 0 OR span = 'm' AND month_end - DATE '1970-01-01'
            BETWEEN ((SELECT gate.windows_from()))[scope_id + 1] AND ((SELECT gate.windows_until()))[scope_id + 1]));
        CREATE VIEW shared.cube_map{suffix} AS
          SELECT s.owner, {month}, r.substance_group, r.span, r.resolution, r.cell, {", ".join(f"r.{m}" for m in SUMS)}
          FROM core.cube_map r LEFT JOIN gate.scope s ON s.id = r.scope_id;
        ALTER VIEW shared.cube_map{suffix} OWNER TO {role};
        GRANT SELECT ON shared.cube_map{suffix} TO sarhad_read;
        """)
    return "".join(made)


def persons_of_reports(suffix: str, role: str, level: int) -> str:
    """The rows that row security admits to the grain `person`, before they are summed: of an event that was reported
    twice persons are counted once, as its seizure is.
    """
    month = "r.month_end" if level == DATED else "NULL::date AS month_end"
    return f"""
    CREATE VIEW shared.report_person{suffix} AS SELECT s.owner, s.agency, {month}, r.record_id,
      CASE WHEN {mask("r.scope_id")} & {COUNTRY} <> 0 THEN coalesce(r.place_country, '') END AS place_country,
      g ->> 'role' AS person_role, g ->> 'sex' AS sex, g ->> 'age_band' AS age_band, (g ->> 'n')::bigint AS persons
      FROM core.report_fact r LEFT JOIN gate.scope s ON s.id = r.scope_id
      CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN {mask("r.scope_id")} & {PERSONS} <> 0 THEN r.persons END) g;
    ALTER VIEW shared.report_person{suffix} OWNER TO {role};
    GRANT SELECT ON shared.report_person{suffix} TO sarhad_read;
    """


RIGHTS = """
GRANT USAGE ON SCHEMA core, gate TO gate_cube, gate_cube_undated;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_cube, gate_cube_undated;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.windows_from(), gate.windows_until()
  TO gate_cube, gate_cube_undated;
GRANT SELECT ON gate.scope TO gate_cube, gate_cube_undated;
"""

PLAIN = f"""
-- Whether no delay and no event window cuts through what this reader is given: then years are whole.
CREATE FUNCTION gate.plain() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
  SELECT NOT EXISTS (SELECT FROM unnest(gate.masks(), gate.delays()) AS u(mask, delay)
    WHERE mask & {DATED | UNDATED} <> 0 AND (delay <> 0 OR mask & {WINDOWED} <> 0))
$$;
REVOKE ALL ON FUNCTION gate.plain() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.plain() TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(RIGHTS, views(), map_views(), *(persons_of_reports(suffix, *leaf) for suffix, leaf in LEAVES.items()), PLAIN)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
