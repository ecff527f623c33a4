"""How links are found: records that wait are compared with all there are, in passes.

A record is compared with so many others and no more, whatever anybody files; what a pass does not get through with is
looked at again in smaller portions, and what not even alone, set aside.

Of more than can be compared the nearest of each scope and month are taken. Who is given one record of a scope is given
all, but for those that a delay or a window holds back, and these go by months: so what is left out of a list follows
from what is in it, and what a reader is not shown takes no place of what it is. Where one country floods others, its
scopes together are bounded, too. A flood takes no place of another country's.

The functions go by indexes alone (`enable_seqscan`): as bounded as they are asked for only so, also while the
statistics know nothing of a flood. Their SQL stands in `sql/0025_*.sql`.
"""

from alembic import op

from migrations.scripts import read, run

revision = "0025"
down_revision = "0024"

# Others with which links of a record are proposed, by each relation, the most alike: of one scope and month, of one
# country.
ALIKE, ALIKE_OF_COUNTRY = 50, 500
# Looks of one logo, or like one picture, that are weighed at all, the newest: of one scope and month, of one country.
LOOKS, LOOKS_OF_COUNTRY = 100, 500
# Lines of one scope, group and day that are all compared; where there are more, so many to each side of an amount, the
# nearest to it; of an agency so many scopes.
CROWD, BESIDE, SCOPES = 100, 50, 10

OF_THE_DAY = "link_fact f WHERE f.policy_group = t.policy_group AND f.day = t.day"
OF_THE_SCOPE = f"{OF_THE_DAY} AND f.agency = t.agency AND f.scope_id = t.scope_id"


def crowded(lines: str) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM {lines} LIMIT {CROWD} + 1) c) > {CROWD}"


def roomy(relation: str, pairs: str, order: str) -> str:
    """Of pairs of records those that have room on both sides beside what is proposed already."""

    def room(one: str, other: str) -> tuple[str, str, str]:
        """Ranks of the pairs of one side, how many are proposed for it, and the condition."""
        in_order = f"ORDER BY {order}, p.a, p.b"
        ranks = f"""row_number() OVER (PARTITION BY p.{one}, {other}.scope_id, {other}.month_end {in_order})
          AS {one}_of_scope,
        row_number() OVER (PARTITION BY p.{one}, {other}.country {in_order}) AS {one}_of_country"""
        same = f"(o.scope_id, o.month_end) = (p.{other}_scope_id, p.{other}_month)"
        proposed = f"""CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE {same}) AS of_scope, count(*) AS of_country FROM (
        SELECT k.b_scope AS scope_id, k.b_month AS month_end, k.b_agency AS agency FROM link k
          WHERE k.a = p.{one} AND k.relation = '{relation}' AND k.state = 'proposed'
        UNION ALL SELECT k.a_scope, k.a_month, k.a_agency FROM link k
          WHERE k.b = p.{one} AND k.relation = '{relation}' AND k.state = 'proposed') o
      WHERE left(o.agency, 2) = p.{other}_country) of_{one}"""
        fits = f"""p.{one}_of_scope <= {ALIKE} - of_{one}.of_scope
      AND p.{one}_of_country <= {ALIKE_OF_COUNTRY} - of_{one}.of_country"""
        return ranks, proposed, fits

    (ranks_a, proposed_a, room_a), (ranks_b, proposed_b, room_b) = room("a", "y"), room("b", "x")
    return f"""(SELECT p.* FROM (
      SELECT p.*, x.scope_id AS x_scope_id, x.country AS x_country, y.scope_id AS y_scope_id, x.month_end AS x_month,
        y.month_end AS y_month, y.country AS y_country,
        {ranks_a}, {ranks_b}
      FROM {pairs} p
      JOIN report x ON x.record_id = p.a AND x.latest
      JOIN report y ON y.record_id = p.b AND y.latest) p
    {proposed_a}
    {proposed_b}
    WHERE p.a_of_scope <= {ALIKE} AND p.b_of_scope <= {ALIKE} AND {room_a} AND {room_b})"""


WEIGHT = """p.w_amount + p.w_time + p.w_substance + p.w_place + p.w_admin1 + p.w_transport + p.w_origin
      + p.w_destination"""
LOOK = """record_id, owner, scope_id, month_end, logo, logo_hash, shown, logo_back, score, shape, diameter_mm,
      length_mm, width_mm"""


def newest(rows: str, of: str) -> str:
    """Of the looks of each `of` as many as are weighed."""
    order = f"u.month_end DESC, {', '.join(f'u.{name.strip()}' for name in LOOK.split(','))}"
    return f"""SELECT * FROM (
      SELECT u.*, row_number() OVER (PARTITION BY u.{of}, u.scope_id, u.month_end ORDER BY {order}) AS of_scope,
        row_number() OVER (PARTITION BY u.{of}, u.owner ORDER BY {order}) AS of_country FROM ({rows}) u
    ) n WHERE n.of_scope <= {LOOKS} AND n.of_country <= {LOOKS_OF_COUNTRY}"""


OF_ITS_LOGO = f"""SELECT DISTINCT {LOOK} FROM look WHERE logo IN (SELECT w.logo FROM own w)
      AND (SELECT EXISTS (SELECT FROM own w WHERE w.logo IS NOT NULL))"""
WITH_A_PICTURE = f"""SELECT DISTINCT {LOOK} FROM look WHERE shown IS NOT NULL
      AND (SELECT EXISTS (SELECT FROM own w WHERE w.shown IS NOT NULL))"""
OF_LIKE_PICTURES = f"""SELECT w.seen, {LOOK}
      FROM (SELECT DISTINCT v.shown AS seen FROM own v WHERE v.shown IS NOT NULL) w
      JOIN pictured o ON bit_count((w.seen # o.shown)::bit(64)) <= 10"""


# (function, who may call it besides); all run as gate_linker
FUNCTIONS = {
    "core.compare_events(uuid[])": "",
    "core.link_grounds(uuid, uuid)": "",
    "core.find_event_links(uuid[])": "",
    "core.link_patterns(integer)": "sarhad_sequencer",
    "core.find_profile_links(uuid[])": "",
    "core.find_tablet_links(uuid[])": "",
    "core.take_links(integer)": "sarhad_write",
    "core.put_links_back(uuid[], integer)": "sarhad_write",
    "core.find_links(uuid[])": "sarhad_write",
    "core.find_links(integer)": "sarhad_write",
}
PURE = "core.significant(numeric), core.link_id(text, uuid, uuid), core.logo_distance(bigint, bigint)"


def rights() -> str:
    owned = "".join(
        f"""ALTER FUNCTION {name} OWNER TO gate_linker; REVOKE ALL ON FUNCTION {name} FROM PUBLIC;
        {f"GRANT EXECUTE ON FUNCTION {name} TO {caller};" if caller else ""}"""
        for name, caller in FUNCTIONS.items()
    )
    return f"""
    GRANT CREATE ON SCHEMA core TO gate_linker;
    {owned}
    REVOKE CREATE ON SCHEMA core FROM gate_linker;
    REVOKE ALL ON FUNCTION {PURE} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {PURE} TO gate_linker;
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(
        read(
            "0025_events",
            day_crowded=crowded(OF_THE_DAY),
            scope_crowded=crowded(OF_THE_SCOPE),
            of_the_day=OF_THE_DAY,
            of_the_scope=OF_THE_SCOPE,
            much="coalesce(f.kg, f.quantity)",
            beside=str(BESIDE),
            scopes=str(SCOPES),
            roomy=roomy("event", "best", f"{WEIGHT} DESC"),
        ),
        read("0025_profiles", alike_of_country=str(ALIKE_OF_COUNTRY), roomy=roomy("chemical", "sided", "p.r DESC")),
        read(
            "0025_tablets",
            named=newest(OF_ITS_LOGO, "logo"),
            pictured=newest(WITH_A_PICTURE, "shown"),
            alike=newest(OF_LIKE_PICTURES, "seen"),
            look=LOOK,
            roomy=roomy("physical", "pair", "p.points DESC"),
        ),
        read("0025_passes"),
        rights(),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
