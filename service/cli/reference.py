"""The reference data that every service needs, loaded by the owner role."""

from sqlalchemy import text

from service.database import administration
from service.listings import generic as listings
from service.places import load as places
from service.settings import Settings
from service.substances import load as substances


async def load_reference(settings: Settings) -> list[str]:
    """Run each feature's loader; answers with the features whose rows were not current."""
    engine = administration(settings)
    loaded = []
    try:
        for name, feature in (("substances", substances), ("places", places), ("listings", listings)):
            async with engine.begin() as connection:
                await connection.execute(text("SET LOCAL ROLE sarhad_owner"))
                if await feature.load(connection):
                    loaded.append(name)
    finally:
        await engine.dispose()
    return loaded
