"""Whom a link may be told to is judged through eyes that somebody still has, as of alerts.

Contexts stay for ever: those of keys that were revoked, of agencies and officers that have ended. A party was told of
links through them, kept from eyes of its own by them, and they were compiled again whenever they had lapsed.
"""

from alembic import op

from migrations.passages import change

revision = "0060"
down_revision = "0059"

LIVING = "AND gate.has_eyes(c.agency, c.roles)"
READY = (
    (
        "c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL)) THEN",
        f"c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL\n        {LIVING})) THEN",
    ),
    (
        "c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL)\n        --",
        f"c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL {LIVING})\n        --",
    ),
    (
        "c.agency = ANY (agencies) AND c.purpose <> '' AND c.trial IS NULL\n",
        f"c.agency = ANY (agencies) AND c.purpose <> '' AND c.trial IS NULL {LIVING}\n",
    ),
)
AUDIENCE = (
    "c.agency IN (k.a_agency, k.b_agency) AND c.trial IS NULL\n",
    f"c.agency IN (k.a_agency, k.b_agency) AND c.trial IS NULL\n      {LIVING}\n",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("GRANT EXECUTE ON FUNCTION gate.has_eyes(text, text[]) TO gate_linker")
    change(connection, "gate.ready", *READY)
    change(connection, "gate.link_audience", AUDIENCE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
