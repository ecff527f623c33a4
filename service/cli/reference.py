"""The reference data every service needs, loaded by the owner role in one transaction per feature."""

import importlib
import importlib.util

from sqlalchemy import text

from service.database import administration
from service.settings import Settings

FEATURES = ("substances", "places")


async def load_reference(settings: Settings) -> None:
    """Run each feature's loader; it does nothing when the rows are current."""
    engine = administration(settings)
    try:
        for feature in FEATURES:
            name = f"service.{feature}.load"
            if (
                importlib.util.find_spec(f"service.{feature}") is None
                or importlib.util.find_spec(name) is None
            ):
                continue
            async with engine.begin() as connection:
                await connection.execute(text("SET LOCAL ROLE sarhad_owner"))
                await importlib.import_module(name).load(connection)
    finally:
        await engine.dispose()
