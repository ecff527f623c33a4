"""Persons of each report by itself: of an event that was reported twice they are counted once, as its seizure is."""

from alembic import op

revision = "0042"
down_revision = "0041"

COUNTRY, PERSONS, DATED = 1 << 8, 1 << 12, (1 << 20) | (1 << 21) | (1 << 22)
UNDATED = 1 << 23
MASK = "((SELECT gate.masks()))[r.scope_id + 1]"
LEAVES = {"": ("gate_cube", DATED), "_undated": ("gate_cube_undated", UNDATED)}


def view(suffix: str, role: str, level: int) -> str:
    """The rows that row security admits to the grain `person`, before they are summed."""
    month = "r.month_end" if level == DATED else "NULL::date AS month_end"
    return f"""
    CREATE VIEW shared.report_person{suffix} AS SELECT s.owner, s.agency, {month}, r.record_id,
      CASE WHEN {MASK} & {COUNTRY} <> 0 THEN coalesce(r.place_country, '') END AS place_country,
      g ->> 'role' AS person_role, g ->> 'sex' AS sex, g ->> 'age_band' AS age_band, (g ->> 'n')::bigint AS persons
      FROM core.report_fact r LEFT JOIN gate.scope s ON s.id = r.scope_id
      CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN {MASK} & {PERSONS} <> 0 THEN r.persons END) g;
    ALTER VIEW shared.report_person{suffix} OWNER TO {role};
    GRANT SELECT ON shared.report_person{suffix} TO sarhad_read;
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for suffix, (role, level) in LEAVES.items():
        op.get_bind().exec_driver_sql(view(suffix, role, level))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
