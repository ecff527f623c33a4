"""Bulletins: a released publication in one language, printed by a job; for members, as the publication is."""

from alembic import op

revision = "0031"
down_revision = "0030"

BULLETINS = """
CREATE TABLE core.bulletin (
  publication_id uuid NOT NULL,
  language text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  made_at timestamptz,
  sha256 text,
  pdf bytea,
  CONSTRAINT bulletin_pkey PRIMARY KEY (publication_id, language),
  CONSTRAINT bulletin_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES core.publication (id),
  CONSTRAINT bulletin_language_check CHECK (language IN ('en', 'ru')),
  CONSTRAINT bulletin_made_check CHECK ((pdf IS NULL) = (sha256 IS NULL))
);
GRANT SELECT ON core.bulletin TO sarhad_read, sarhad_write;
GRANT INSERT (publication_id, language) ON core.bulletin TO sarhad_write;
GRANT UPDATE (made_at, sha256, pdf) ON core.bulletin TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(BULLETINS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
