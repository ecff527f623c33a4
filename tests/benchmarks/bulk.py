"""Many rows at once: no triggers, and indexes made anew at the end, sorted once and not searched for every row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid IN ('core.report'::regclass, 'core.report_line'::regclass, 'core.report_fact'::regclass)
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""


@contextmanager
def loading(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """One transaction for rows of reports, their lines and facts."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        connection.execute("SET LOCAL work_mem = '512MB'")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        yield
        for _, definition in indexes:
            connection.execute(definition)
