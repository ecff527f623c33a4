"""Structures are asked about in a lane for each country: whoever asks much waits for itself."""

import asyncio

import pytest

from service import sandbox
from service.structures.ask import Structure, picture

ETHANOL = Structure(smiles="CCO")


async def test_a_country_waits_for_its_own_structures_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "PATIENCE", 600.0)
    assert await sandbox._of_sender["AZ"].acquire()  # a structure of Azerbaijan is being looked at
    waiting = [asyncio.create_task(picture(ETHANOL, sender="AZ")) for _ in range(sandbox.AT_ONCE + 1)]
    try:
        assert "<svg" in await picture(ETHANOL, sender="KG")
        assert not any(task.done() for task in waiting)
    finally:
        sandbox._of_sender["AZ"].release()
    assert all("<svg" in drawn for drawn in await asyncio.gather(*waiting))
