"""How reports are read: the masking views of each precision level, and one record by its id through one narrow view.

A leaf view is owned by a role that row security holds to exactly one precision level (migration 0006). The views are
there for order and for filters. Who has the ids needs neither: `shared.record` shows every row that the reader is
given, at whatever level, and has no column that depends on it. Each masked column of a view is an array that the
planner plans for, also where nobody asks for the column: four levels were eighty such arrays, two of them worth having.
"""

from alembic import op

from migrations.given import LEVEL, OWN, ROWS, given_in_order, mask
from migrations.scripts import run

revision = "0014"
down_revision = "0013"

BIT = {
    facet: 1 << bit
    for facet, bit in {"reference": 0, "reported": 1, "admin1": 7, "country": 8, "items": 9, "transport": 10}.items()
}
TIME = {level: f"r.at_{level}" for level in ("instant", "day", "month", "undated")}
PLACE = {"point": "r.point", "cell": "r.cell"}
MASK = mask("r.scope_id")


def told(facet: str, value: str) -> str:
    return f"CASE WHEN {MASK} & {BIT[facet]} <> 0 THEN {value} END"


def columns(at: str, position: str) -> dict[str, str]:
    """What every level's view shows, in this order: `at` and `position` as precisely as they are given."""
    plain = ("record_id", "version", "kind", "agency", "country", "handling", "status", "jwt")
    carried = ("transport_mode", "conveyance", "place_type", "concealment")
    return {
        **{name: f"r.{name}" for name in plain},
        "mask": MASK,
        "disclosures": f"gate.disclose(r.disclosures, {MASK})",
        "at": at,
        "position": position,
        "reference": told("reference", "r.reference"),
        "admin1": told("admin1", "r.admin1"),
        "place_country": told("country", "r.place_country"),
        **{name: told("transport", f"r.{name}") for name in carried},
        "leaf_hash": told("reported", "r.leaf_hash"),
        "log_salt": told("reported", "r.log_salt"),
        "duties": "((SELECT gate.duties()))[r.scope_id + 1]",
        "scope_id": "r.scope_id",
    }


def by_level(levels: dict[str, str], otherwise: str) -> str:
    return f"CASE {' '.join(f'WHEN {MASK} & {LEVEL[one]} <> 0 THEN {levels[one]}' for one in levels)}{otherwise} END"


def leaf(level: str) -> str:
    """The view of one level, without a condition of its own: only then does the planner merge leaves in index order."""
    placed = f" AND {level} IS NOT NULL" if level in PLACE else ""
    at = TIME.get(level) or by_level({one: TIME[one] for one in ("instant", "day", "month")}, " ELSE r.at_undated")
    shown = columns(at, PLACE.get(level) or by_level(PLACE, ""))
    return f"""
    ALTER POLICY {level} ON core.report USING (latest{placed} AND {given_in_order(LEVEL[level])});
    CREATE OR REPLACE VIEW shared.report_{level} AS
      SELECT {", ".join(f"{value} AS {name}" for name, value in shown.items())} FROM core.report r;
    """


def union(view: str, levels: dict[str, str]) -> str:
    shown = ", ".join(name for name in columns("", "") if name != "scope_id")
    leaves = " UNION ALL ".join(f"SELECT {shown} FROM shared.report_{level}" for level in levels)
    return f"CREATE OR REPLACE VIEW shared.{view} AS {leaves}"


BESIDE = f"""
ALTER POLICY items ON core.report_line USING (latest AND {given_in_order(BIT["items"], ROWS)});
ALTER POLICY reference ON core.report
  USING (latest AND reference IS NOT NULL AND {given_in_order(BIT["reference"], ROWS)});
-- Pages are sought by the scopes that give, where these are few (`gate.giving`).
CREATE INDEX report_scope_idx ON core.report (scope_id) WHERE latest;
"""
# Kinds of which there are few: a page of them is not looked for among the seizures.
RARER = "".join(
    f"""
CREATE INDEX report_rarer_{level}_idx ON core.report (at_{level} DESC, record_id)
  WHERE latest AND kind IN ('analysis', 'precursor_incident', 'clandestine_laboratory', 'price_observation');"""
    for level in TIME
)

RECORD = f"""
GRANT USAGE ON SCHEMA core, gate TO gate_record;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_record;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.duties(), gate.windows_from(), gate.windows_until(),
  gate.country(), gate.disclose(text[], integer) TO gate_record;
GRANT SELECT ON core.report, core.record_rule TO gate_record;
CREATE POLICY record ON core.report FOR SELECT TO gate_record USING (latest AND {given_in_order(ROWS)});
CREATE POLICY own_recalled ON core.record_rule FOR SELECT TO gate_record
  USING (owner = (SELECT gate.country()) AND origin = 'recall' AND ended_at IS NULL);
CREATE VIEW shared.record AS
  SELECT r.record_id, r.version, r.kind, r.agency, r.country, r.handling, r.status, r.jwt, {MASK} AS mask,
    gate.disclose(r.disclosures, {MASK}) AS disclosures, ((SELECT gate.duties()))[r.scope_id + 1] AS duties,
    CASE WHEN {MASK} & {BIT["reported"]} <> 0 THEN r.leaf_hash END AS leaf_hash,
    CASE WHEN {MASK} & {BIT["reported"]} <> 0 THEN r.log_salt END AS log_salt,
    CASE WHEN {MASK} & {OWN} <> 0
      THEN EXISTS (SELECT FROM core.record_rule x WHERE x.record_id = r.record_id) ELSE false END AS recalled
  FROM core.report r;
ALTER VIEW shared.record OWNER TO gate_record;
GRANT SELECT ON shared.record TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(*map(leaf, (*TIME, *PLACE)), union("report", TIME), union("report_placed", PLACE), BESIDE, RARER, RECORD)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
