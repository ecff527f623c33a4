"""The substance catalogue, its policy groups, units and conversion rules.

A migration that landed is never edited: the next one goes forward.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = [
    "substance_group",
    "substance_reference",
    "substance",
    "substance_name",
    "substance_schedule",
    "substance_source",
    "unit",
    "unit_name",
    "conversion_rule",
    "substance_catalogue",
]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _substances()
    _satellites()
    _units()
    for table in _TABLES:
        op.execute(f"GRANT SELECT ON core.{table} TO sarhad_read, sarhad_write, sarhad_authn")


def _column(name: str, kind: sa.types.TypeEngine | type = sa.Text, *, null: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=null)


def _reference(table: str, column: str, target: str, **options: object) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"core.{target}"], name=op.f(f"{table}_{column}_fkey"), **options)


def _substances() -> None:
    op.create_table(
        "substance_group",
        sa.Column("code", sa.Text, primary_key=True),
        _column("bit", sa.SmallInteger),
        _column("name_en"),
        _column("name_ru"),
        sa.UniqueConstraint("bit", name=op.f("substance_group_bit_key")),
        sa.CheckConstraint("bit BETWEEN 0 AND 30", name=op.f("substance_group_bit_check")),
        schema="core",
    )
    op.create_table(
        "substance_reference",
        sa.Column("ref", sa.Text, primary_key=True),
        _column("title"),
        _column("status"),
        _column("as_of", sa.Date, null=True),
        schema="core",
    )
    op.create_table(
        "substance",
        sa.Column("code", sa.Text, primary_key=True),
        _column("kind"),
        _column("parent", null=True),
        _column("name_en"),
        _column("name_ru", null=True),
        _column("policy_group"),
        *(_column(name, null=True) for name in ("nps_group", "cas", "inchikey", "smiles", "formula", "hs", "note")),
        _reference("substance", "parent", "substance.code", deferrable=True, initially="DEFERRED"),
        _reference("substance", "policy_group", "substance_group.code"),
        sa.CheckConstraint(
            "kind IN ('substance', 'class', 'preparation', 'plant', 'precursor', 'adulterant', 'provisional')",
            name=op.f("substance_kind_check"),
        ),
        schema="core",
    )
    op.create_index(op.f("substance_parent_idx"), "substance", ["parent"], schema="core")


def _satellites() -> None:
    for table, columns in (
        (
            "substance_name",
            [*map(_column, ("language", "text", "kind", "source")), _column("count", sa.Integer, null=True)],
        ),
        ("substance_source", [*map(_column, ("fact", "source")), _column("note", null=True)]),
    ):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
            _column("code"),
            *columns,
            _reference(table, "code", "substance.code"),
            _reference(table, "source", "substance_reference.ref"),
            schema="core",
        )
        op.create_index(op.f(f"{table}_code_idx"), table, ["code"], schema="core")
    op.create_table(
        "substance_schedule",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("convention", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("as_of", sa.Date, primary_key=True),
        _column("source"),
        _column("note", null=True),
        _reference("substance_schedule", "code", "substance.code"),
        _reference("substance_schedule", "source", "substance_reference.ref"),
        sa.CheckConstraint("convention IN ('1961', '1971', '1988')", name=op.f("substance_schedule_convention_check")),
        schema="core",
    )
    op.create_table(
        "substance_catalogue",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        _column("digest"),
        sa.Column("loaded", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("id = 1", name=op.f("substance_catalogue_one_check")),
        schema="core",
    )


def _units() -> None:
    op.create_table(
        "unit",
        sa.Column("code", sa.Text, primary_key=True),
        _column("ucum", null=True),
        _column("rec20", null=True),
        *map(_column, ("name_en", "name_ru", "dimension")),
        _column("factor", sa.Numeric),
        *map(_column, ("rule", "source")),
        _reference("unit", "source", "substance_reference.ref"),
        sa.CheckConstraint("dimension IN ('mass', 'volume', 'area', 'count')", name=op.f("unit_dimension_check")),
        schema="core",
    )
    op.create_table(
        "unit_name",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        _column("code"),
        _column("multiplier", sa.Numeric),
        *map(_column, ("language", "text", "kind", "source")),
        _reference("unit_name", "code", "unit.code"),
        _reference("unit_name", "source", "substance_reference.ref"),
        schema="core",
    )
    op.create_table(
        "conversion_rule",
        sa.Column("rule", sa.Text, primary_key=True),
        *(_column(name, null=True) for name in ("substance", "unit")),
        *(_column(name, sa.Numeric, null=True) for name in ("kg_low", "kg_high", "kg_typical")),
        _column("source"),
        _column("note", null=True),
        _reference("conversion_rule", "substance", "substance.code"),
        _reference("conversion_rule", "unit", "unit.code"),
        _reference("conversion_rule", "source", "substance_reference.ref"),
        sa.CheckConstraint("kg_low <= kg_typical AND kg_typical <= kg_high", name=op.f("conversion_rule_range_check")),
        schema="core",
    )
