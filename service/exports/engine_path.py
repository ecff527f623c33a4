"""Where the program that answers for the lake is, and the environments that it runs in (deploy/lake/install)."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "deploy/lake/engine.py"  # no module of the service: it runs where Ibis is
ENVIRONMENTS = ROOT / ".sarhad"
# Nothing that names the database, and no secret.
INHERITED = ("PATH", "LANG", "TMPDIR", "JAVA_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "HADOOP_CONF_DIR")


def python(engine: str) -> Path:
    return ENVIRONMENTS / f"lake-{engine}-venv" / "bin" / "python"
