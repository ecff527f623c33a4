"""Places: countries, first-level divisions, boundaries, names, crossing points.

A migration that landed is never edited: the next one goes forward.
"""

import geoalchemy2
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TABLES = ["place_country", "place_admin1", "place_boundary", "place_name", "place_crossing", "place_source"]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _divisions()
    _boundaries()
    _names()
    op.create_table(
        "place_source",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("digest"),
        sa.Column("loaded", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="core",
    )
    for table in _TABLES:
        op.execute(f"GRANT SELECT ON core.{table} TO sarhad_read, sarhad_write, sarhad_authn")


def _divisions() -> None:
    op.create_table(
        "place_country",
        sa.Column("code", sa.Text, primary_key=True),
        *_texts("alpha3", "numeric", "name_en", "name_ru"),
        *_lists("aliases"),
        schema="core",
    )
    op.create_table(
        "place_admin1",
        sa.Column("code", sa.Text, primary_key=True),
        *_texts("country", "kind", "status", "name_en", "name_ru", "name_local", "parent"),
        *_lists("also_under", "successors"),
        *_position(),
        *_lists("aliases"),
        sa.CheckConstraint("status IN ('current', 'former')", name=op.f("place_admin1_status_check")),
        schema="core",
    )


def _boundaries() -> None:
    op.create_table(
        "place_boundary",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        *_texts("country"),
        *_lists("units"),
        *_texts("source"),
        sa.Column(
            "boundary",
            geoalchemy2.Geometry("MULTIPOLYGON", srid=4326, spatial_index=False),
            nullable=False,
        ),
        sa.CheckConstraint("source IN ('committed', 'member')", name=op.f("place_boundary_source_check")),
        schema="core",
    )
    op.create_index(op.f("place_boundary_country_idx"), "place_boundary", ["country"], schema="core")


def _names() -> None:
    op.create_table(
        "place_name",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        *_texts("country", "admin1", "kind", "name"),
        *_position(),
        sa.Column("population", sa.Integer, nullable=False),
        *_lists("aliases"),
        sa.CheckConstraint("kind IN ('district', 'town')", name=op.f("place_name_kind_check")),
        schema="core",
    )
    op.create_table(
        "place_crossing",
        sa.Column("code", sa.Text, primary_key=True),
        *_texts("country_a", "country_b", "name_a", "name_b"),
        *_lists("aliases_a", "aliases_b"),
        *_texts("admin1_a", "admin1_b", "mode"),
        *_position(),
        *_texts("method", "status", "source"),
        sa.CheckConstraint(
            "status IN ('unconfirmed', 'confirmed', 'closed')", name=op.f("place_crossing_status_check")
        ),
        sa.CheckConstraint("source IN ('committed', 'member')", name=op.f("place_crossing_source_check")),
        schema="core",
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _lists(*names: str) -> list[sa.Column[list[str]]]:
    return [sa.Column(name, sa.ARRAY(sa.Text), nullable=False) for name in names]


def _position() -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float, nullable=True) for name in ("lon", "lat")]


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
