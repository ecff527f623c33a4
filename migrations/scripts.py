"""SQL of the migrations: read from `sql/` where it is long, and run as it stands."""

from pathlib import Path

from alembic import op


def read(name: str, **parts: str) -> str:
    """The script of that name, with each part in its place: that of `given` where the script says {given}."""
    script = (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    for place, part in parts.items():
        script = script.replace(f"{{{place}}}", part)
    return script


def run(*scripts: str) -> None:
    """Run scripts one after the other. A percent sign in them is no placeholder of the driver's."""
    for script in scripts:
        op.get_bind().exec_driver_sql(script.replace("%", "%%"))
