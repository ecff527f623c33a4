"""An event that agencies of one country reported twice counts once in its figures, wherever they are counted.

The rule is that of `shared.event_member`, written once here: which reports are of one event, and which of them counts.
What differs is whose links and lines are looked at: those that a reader sees; the own ones of a country, for what it
reports in its own name; those of one country that a publication is over, or that a reader may count and not see. Each
country counts for itself: what it and its neighbour both reported is in the figures of both.
"""

from alembic import op

revision = "0051"
down_revision = "0050"

ITEMS, MONTH, COUNTED, WINDOWED = 1 << 9, 1 << 4, 1 << 28, 1 << 30


def member(view: str, owner: str, lines: str, whose: str = "true") -> str:
    """Of the reports that are confirmed to be of one event, that counts which a laboratory has confirmed; of several,
    or none, that of the largest mass; then that with the smallest id. One that was retracted has no lines, and counts
    last.
    """
    confirmed = f"k.relation = 'event' AND k.state = 'confirmed' AND {whose}"
    return f"""
    CREATE OR REPLACE VIEW shared.{view} AS
      WITH RECURSIVE edge AS (
        SELECT k.a, k.b FROM core.link k WHERE {confirmed}
        UNION ALL SELECT k.b, k.a FROM core.link k WHERE {confirmed}
      ), reach AS (
        SELECT e.a AS member, e.a AS other FROM edge e
        UNION SELECT r.member, e.b FROM reach r JOIN edge e ON e.a = r.other
      ), event AS (
        SELECT r.member, min(r.other::text)::uuid AS event FROM reach r GROUP BY r.member
      )
      SELECT v.member AS record_id, v.event, row_number() OVER (PARTITION BY v.event
        ORDER BY count(l.line) > 0 DESC,
        coalesce(bool_or(l.status = 'CONF'), false) DESC, sum(l.kg) DESC NULLS LAST, v.member) = 1 AS counted
      FROM event v LEFT JOIN {lines} l ON l.record_id = v.member
      GROUP BY v.member, v.event;
    ALTER VIEW shared.{view} OWNER TO {owner};
    """


def countable(scope: str, month: str) -> str:
    """As row security asks of the records themselves: counted and not seen, in their window and after their delay."""
    mask, delay = f"((SELECT gate.masks()))[{scope} + 1]", f"((SELECT gate.delays()))[{scope} + 1]"
    needed = COUNTED | ITEMS | MONTH
    return f"""{mask} & {needed} = {needed} AND ({delay} = 0 OR {month} + {delay} <= current_date)
      AND ({mask} & {WINDOWED} = 0 OR {month} - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[{scope} + 1]
        AND ((SELECT gate.windows_until()))[{scope} + 1])"""


ONE_COUNTRY = "left(k.a_agency, 2) = left(k.b_agency, 2)"
OWN = f"{ONE_COUNTRY} AND left(k.a_agency, 2) = (SELECT gate.country())"
PUBLISHED = "((SELECT gate.publication_scopes()))"
LINKS = f"""
GRANT SELECT ON core.link TO gate_publication, gate_aggregate;
CREATE POLICY publication ON core.link FOR SELECT TO gate_publication
  USING ({PUBLISHED}[a_scope + 1] AND {PUBLISHED}[b_scope + 1]);
CREATE POLICY aggregate ON core.link FOR SELECT TO gate_aggregate
  USING ({countable("a_scope", "a_month")} AND {countable("b_scope", "b_month")});
"""
COUNTRY, ADMIN1 = 1 << 8, 1 << 7
LINES = f"""
CREATE OR REPLACE VIEW shared.publication_line AS
  SELECT r.record_id, r.agency, r.at_month, r.place_country, r.admin1, l.substance, l.kg
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.publication_member m WHERE NOT m.counted);
CREATE OR REPLACE VIEW shared.aggregate_line AS
  SELECT r.record_id, r.agency, r.country, r.at_month, l.substance, l.kg,
    CASE WHEN ((SELECT gate.masks()))[r.scope_id + 1] & {COUNTRY} <> 0 THEN r.place_country END AS place_country,
    CASE WHEN ((SELECT gate.masks()))[r.scope_id + 1] & {ADMIN1} <> 0 THEN r.admin1 END AS admin1
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.aggregate_member m WHERE NOT m.counted);
GRANT SELECT ON shared.own_event_member TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (
        LINKS,
        member("event_member", "gate_link", "shared.report_line"),
        member("own_event_member", "gate_link", "shared.report_line", OWN),
        member("publication_member", "gate_publication", "core.report_line", ONE_COUNTRY),
        member("aggregate_member", "gate_aggregate", "core.report_line", ONE_COUNTRY),
        LINES,
    ):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
