"""Rules of many records in one call, weighed before the gate's lock, so that nobody waits for a large recall."""

from pathlib import Path

from alembic import op
from sqlalchemy import Connection, text

revision = "0015"
down_revision = "0014"

SQL = Path(__file__).parents[1] / "sql" / "0015_record_rules.sql"
_KEPT = "SELECT s.* FROM gate.scope s WHERE s.id = ANY (wanted_scopes)"
_PLANNED = f"{_KEPT} UNION ALL SELECT p.* FROM gate.planned p WHERE p.id = ANY (wanted_scopes)"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    # a driver's placeholder begins with a percent sign
    connection.exec_driver_sql(SQL.read_text(encoding="utf-8").replace("%", "%%"))
    _weigh_what_is_planned(connection)


def _weigh_what_is_planned(connection: Connection) -> None:
    """Let `gate.verdicts` judge planned scopes like those there are; all else of it stays as it stands."""
    definition = connection.scalar(text("SELECT pg_get_functiondef(CAST('gate.verdicts' AS regproc))"))
    if definition is None or definition.count(_KEPT) != 1:
        raise RuntimeError("gate.verdicts is not as migration 0007 made it")
    connection.exec_driver_sql(definition.replace(_KEPT, _PLANNED).replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
