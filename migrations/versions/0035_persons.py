"""A suspension that names a key with which a person signed in is towards that person, with whatever key."""

from alembic import op

from migrations.passages import change

revision = "0035"
down_revision = "0034"

KEY = "(x.towards_key IS NULL OR x.towards_key = stops.of_key)"
PERSON = """(x.towards_key IS NULL OR x.towards_key = stops.of_key
        OR EXISTS (SELECT FROM core.session_key named JOIN core.session_key used USING (person)
          WHERE named.kid = x.towards_key AND used.kid = stops.of_key))"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    change(op.get_bind(), "gate.stops", (KEY, PERSON))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
