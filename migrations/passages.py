"""Change passages of a function that an earlier migration made; all else of it stays as it stands."""

from sqlalchemy import Connection, text


def change(connection: Connection, function: str, *passages: tuple[str, str]) -> None:
    """Each passage is (what stands there, what shall). Raises RuntimeError unless each stands there exactly once."""
    definition = connection.scalar(text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": function})
    for was, is_ in passages:
        if definition is None or definition.count(was) != 1:
            raise RuntimeError(f"{function} is not as its migration made it")
        definition = definition.replace(was, is_)
    # a driver's placeholder begins with a percent sign
    connection.exec_driver_sql(str(definition).replace("%", "%%"))
