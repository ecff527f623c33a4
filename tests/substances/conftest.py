"""The committed catalogue, read once."""

import pytest

from service.substances import tables
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS
from service.substances.tables import Tables


@pytest.fixture(scope="session")
def rows() -> Tables:
    return tables.read(SCHEMAS)


@pytest.fixture(scope="session")
def catalogue(rows: Tables) -> Catalogue:
    return Catalogue(rows)
