"""One atlas of the committed tables for all tests of places."""

import pytest

from service.places.atlas import Atlas


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    return Atlas.from_files()
