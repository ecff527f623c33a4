"""What a reader is not shown takes no place of what it is: bounds of links go by scope and month together, because a
delay or a window shows of one scope some months; of a crowded day by scope; of alike profiles by country.
"""

from alembic import op

from migrations.passages import change

revision = "0062"
down_revision = "0061"

# Lines of one scope, group and day that are all compared; where there are more, so many to each side of an amount, the
# nearest to it; of an agency so many scopes.
CROWD, BESIDE, SCOPES = 100, 50, 10
ALIKE_OF_COUNTRY = 500

# Facts that were made before count as of one scope of their agency until their record is looked at again.
FACTS = """
ALTER TABLE core.link_fact ADD COLUMN scope_id integer NOT NULL DEFAULT -1;
DROP INDEX core.link_fact_near_idx;
CREATE INDEX link_fact_near_idx ON core.link_fact (policy_group, day, agency, scope_id, (coalesce(kg, quantity)));
"""
FACT = ("r.transport_mode, t.origin, t.destination\n", "r.transport_mode, t.origin, t.destination, r.scope_id\n")
KEPT = (
    "  IF NEW.latest THEN\n",
    """  IF NEW.latest THEN
    UPDATE link_fact f SET scope_id = NEW.scope_id WHERE f.record_id = NEW.record_id;
""",
)

_OF_THE_DAY = "link_fact f WHERE f.policy_group = t.policy_group AND f.day = t.day"
_MUCH = "coalesce(f.kg, f.quantity)"


def _counted(lines: str, most: int) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM {lines} LIMIT {most} + 1) c) > {most} AS crowded"


def _before(most: int, beside: int) -> tuple[str, str]:
    """The passages of 0054."""
    whole = f"""), whole AS (
    SELECT t.policy_group, t.day,
      {_counted(_OF_THE_DAY, most)}
    FROM (SELECT DISTINCT x.policy_group, x.other_day AS day FROM own x) t
  ), told (policy_group, day, crowded, agency) AS (
    -- of a crowded day each agency by itself: found by leaps through the index, however many lines there are
    SELECT t.*, CASE WHEN t.crowded THEN (SELECT min(f.agency) FROM {_OF_THE_DAY}) END FROM whole t
    UNION ALL SELECT t.policy_group, t.day, t.crowded, (SELECT min(f.agency) FROM {_OF_THE_DAY} AND f.agency > t.agency)
    FROM told t WHERE t.agency IS NOT NULL
  )
"""
    others = f"""JOIN told t ON t.policy_group = x.policy_group AND t.day = x.other_day
  CROSS JOIN LATERAL (
    SELECT f.* FROM {_OF_THE_DAY} AND NOT t.crowded
    UNION ALL (SELECT f.* FROM {_OF_THE_DAY} AND f.agency = t.agency AND {_MUCH} >= x.much
      ORDER BY {_MUCH} LIMIT {beside})
    UNION ALL (SELECT f.* FROM {_OF_THE_DAY} AND f.agency = t.agency AND {_MUCH} < x.much
      ORDER BY {_MUCH} DESC LIMIT {beside})) y
"""
    return whole, others


_OF_THE_SCOPE = f"{_OF_THE_DAY} AND f.agency = t.agency AND f.scope_id = t.scope_id"
_WHOLE = f"""), whole AS (
    SELECT t.policy_group, t.day,
      {_counted(_OF_THE_DAY, CROWD)}
    FROM (SELECT DISTINCT x.policy_group, x.other_day AS day FROM own x) t
  ), leap (policy_group, day, agency, scope_id, n) AS (
    -- the scopes of a day on which one of them may be crowded: by leaps through the index, however many lines there are
    SELECT t.policy_group, t.day, s.agency, s.scope_id, 1 FROM whole t
    CROSS JOIN LATERAL (SELECT f.agency, f.scope_id FROM {_OF_THE_DAY} ORDER BY f.agency, f.scope_id LIMIT 1) s
    WHERE t.crowded
    UNION ALL SELECT t.policy_group, t.day, s.agency, s.scope_id, CASE s.agency WHEN t.agency THEN t.n + 1 ELSE 1 END
    FROM leap t CROSS JOIN LATERAL (SELECT f.agency, f.scope_id FROM {_OF_THE_DAY}
      AND (f.agency, f.scope_id) > (t.agency, CASE WHEN t.n < {SCOPES} THEN t.scope_id ELSE {2**31 - 1} END)
      ORDER BY f.agency, f.scope_id LIMIT 1) s
  ), told AS MATERIALIZED (
    SELECT t.policy_group, t.day, NULL::text AS agency, NULL::integer AS scope_id, false AS crowded FROM whole t
    WHERE NOT t.crowded
    UNION ALL SELECT t.policy_group, t.day, t.agency, t.scope_id,
      {_counted(_OF_THE_SCOPE, CROWD)} FROM leap t
  )
"""
_OTHERS = f"""JOIN told t ON t.policy_group = x.policy_group AND t.day = x.other_day
    AND t.agency IS DISTINCT FROM x.agency
  CROSS JOIN LATERAL (
    SELECT f.* FROM {_OF_THE_DAY} AND t.agency IS NULL
    UNION ALL SELECT f.* FROM {_OF_THE_SCOPE} AND NOT t.crowded
    UNION ALL (SELECT f.* FROM {_OF_THE_SCOPE} AND t.crowded AND {_MUCH} >= x.much ORDER BY {_MUCH} LIMIT {BESIDE})
    UNION ALL (SELECT f.* FROM {_OF_THE_SCOPE} AND t.crowded AND {_MUCH} < x.much
      ORDER BY {_MUCH} DESC LIMIT {BESIDE})) y
"""
_WHOLE_BEFORE, _OTHERS_BEFORE = _before(500, 50)
CROWDS = ((_WHOLE_BEFORE, _WHOLE), (_OTHERS_BEFORE, _OTHERS))


def monthly(relation: str) -> list[tuple[str, str]]:
    """The passages that give pairs room: of one scope and month, where it was of one scope."""
    passages = [
        ("y.scope_id AS y_scope_id,", "y.scope_id AS y_scope_id, x.month_end AS x_month, y.month_end AS y_month,")
    ]
    for one, other in (("a", "y"), ("b", "x")):
        ranked = f"PARTITION BY p.{one}, {other}.scope_id"
        passages.append((ranked, f"{ranked}, {other}.month_end"))
        proposed = f"""FILTER (WHERE {{}}) AS of_scope, count(*) AS of_country FROM (
        SELECT k.b_scope AS scope_id, {{}}k.b_agency AS agency FROM link k
          WHERE k.a = p.{one} AND k.relation = '{relation}' AND k.state = 'proposed'
        UNION ALL SELECT k.a_scope, {{}}k.a_agency FROM link k
          WHERE k.b = p.{one}"""
        same = f"(o.scope_id, o.month_end) = (p.{other}_scope_id, p.{other}_month)"
        passages.append(
            (
                proposed.format(f"o.scope_id = p.{other}_scope_id", "", ""),
                proposed.format(same, "k.b_month AS month_end, ", "k.a_month, "),
            )
        )
    return passages


LOOKS = [(f"PARTITION BY u.{of}, u.scope_id", f"PARTITION BY u.{of}, u.scope_id, u.month_end") for of in (
    "logo", "shown", "seen")]  # fmt: skip

# Row security holds the owner, so it rests meanwhile. Analyses with profiles wait while the index is built: 5 s for
# 20,000 profiles of 30 markers.
PROFILES = """
ALTER TABLE core.profile ADD COLUMN owner char(2);
DROP INDEX core.profile_method_unit_idx;
ALTER TABLE core.profile NO FORCE ROW LEVEL SECURITY;
UPDATE core.profile p SET owner = s.owner FROM gate.scope s WHERE s.id = p.scope_id;
ALTER TABLE core.profile FORCE ROW LEVEL SECURITY;
ALTER TABLE core.profile ALTER COLUMN owner SET NOT NULL;
CREATE INDEX profile_method_owner_unit_idx ON core.profile USING gist (method, owner, unit) WHERE latest;
CREATE FUNCTION core.own_profile() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  NEW.owner := (SELECT s.owner FROM gate.scope s WHERE s.id = NEW.scope_id);
  RETURN NEW;
END $$;
CREATE TRIGGER owned BEFORE INSERT ON core.profile FOR EACH ROW EXECUTE FUNCTION core.own_profile();
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.own_profile() OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
REVOKE ALL ON FUNCTION core.own_profile() FROM PUBLIC;
"""
FOUND = (
    """    -- the distance that belongs to r; more than 200 specimens so alike are one batch already
    CROSS JOIN LATERAL (SELECT q.record_id, q.unit OPERATOR(public.<->) p.unit AS distance FROM profile q
      WHERE q.latest AND q.method = p.method AND q.record_id <> p.record_id
      ORDER BY q.unit OPERATOR(public.<->) p.unit LIMIT 200) o
    WHERE""",
    f"""    CROSS JOIN (SELECT DISTINCT s.owner FROM gate.scope s) w
    -- of each country the nearest by the distance that belongs to r, and none farther away than is proposed
    CROSS JOIN LATERAL (SELECT q.record_id, q.unit OPERATOR(public.<->) p.unit AS distance FROM profile q
      WHERE q.latest AND q.method = p.method AND q.owner = w.owner AND q.record_id <> p.record_id
        AND q.unit OPERATOR(public.<@) public.cube_enlarge(p.unit, sqrt(2 * (1 - c.least)), public.cube_dim(p.unit))
      ORDER BY q.unit OPERATOR(public.<->) p.unit LIMIT {ALIKE_OF_COUNTRY}) o
    WHERE""",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    for part in (FACTS, PROFILES):
        connection.exec_driver_sql(part)
    change(connection, "core.compare_events", *CROWDS)
    change(connection, "core.find_event_links", FACT, *monthly("event"))
    change(connection, "core.find_profile_links", FOUND, *monthly("chemical"))
    change(connection, "core.find_tablet_links", *LOOKS, *monthly("physical"))
    change(connection, "core.keep_links", KEPT)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
