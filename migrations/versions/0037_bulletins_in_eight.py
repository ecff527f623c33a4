"""Bulletins are printed in eight languages: those that were printed before stay, byte for byte."""

from alembic import op

revision = "0037"
down_revision = "0036"

LANGUAGES = """
ALTER TABLE core.bulletin DROP CONSTRAINT bulletin_language_check, ADD CONSTRAINT bulletin_language_check
  CHECK (language IN ('en', 'ru', 'kk', 'ky', 'tg', 'tk', 'uz', 'az'))
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(LANGUAGES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
