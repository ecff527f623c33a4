"""The data lake: what one key is given, as Parquet by owner, scope and year, for analysis on the service's host.

It reads through the same views as everybody, as the key that it is made for; records under `no_export` are left out and
counted; every record is in the access log before the lake is there. The directory is replaced as a whole.
`scopes.json` says for whom it was made, and on which terms each scope was given: what is asked of the lake later
(`asked.py`) opens the files of those scopes only that are given on the same terms still.
"""

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pyarrow.parquet as pq

from service.database import Database
from service.exports.columns import AT, COLUMNS, Row
from service.exports.formats.arrow import SCHEMA, table
from service.exports.formats.parquet import GROUP
from service.exports.provenance import Made, copy_mark, sheet
from service.exports.rows import Flat, Found, Record, stream
from service.identity.behalf import enter, on_behalf
from service.policies.gate import reach, terms
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.seizures.query import Conditions, every
from service.settings import Settings
from service.signing import ServiceKeys
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

UNDATED = "none"
SCOPES = "scopes.json"
MOST_OPEN = 200  # files at a time
Place = tuple[str, int, str]  # owner, scope, year
_OWNER, _TIME = AT["owner"], AT["time"]


@dataclass(frozen=True, slots=True)
class Lake:
    """For whom it is made, and where."""

    key_id: str
    purpose: str
    directory: Path


class Files:
    """`owner=KZ/scope=7/year=2025/part-0.parquet`: lines come by time, and a year's files are closed with it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[Place, tuple[pq.ParquetWriter, list[Row]]] = {}
        self.lines = 0

    def add(self, scope: int, lines: Iterable[Row]) -> None:
        for place, some in groupby(lines, key=lambda row: _place(scope, row)):
            if place not in self._open:
                self._close([open_ for open_ in self._open if open_[2] != place[2]])
                self._close(list(self._open)[: len(self._open) - MOST_OPEN + 1])
                self._open[place] = pq.ParquetWriter(str(self._part(place)), SCHEMA, compression="zstd"), []
            _, waiting = self._open[place]
            waiting += some
            if len(waiting) >= GROUP:
                self._write(place)

    def close(self) -> None:
        self._close(list(self._open))

    def _part(self, place: Place) -> Path:
        folder = self._directory / f"owner={place[0]}" / f"scope={place[1]}" / f"year={place[2]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"part-{len(list(folder.iterdir()))}.parquet"

    def _close(self, places: Iterable[Place]) -> None:
        for place in places:
            self._write(place)
            self._open.pop(place)[0].close()

    def _write(self, place: Place) -> None:
        writer, waiting = self._open[place]
        self.lines += len(waiting)
        if waiting:
            writer.write_table(table(waiting))
            waiting.clear()


def _place(scope: int, row: Row) -> Place:
    return str(row[_OWNER]), scope, str(row[_TIME] or UNDATED)[:4]


def _add(files: Files, flat: Flat, records: list[Record]) -> None:
    for record in records:
        files.add(record.scope, flat.rows([record]))


async def make(database: Database, settings: Settings, lake: Lake) -> dict[str, Any]:
    """Answers with the sheet of provenance, which is also `lake.json`. Raises KeyGone."""
    acting = await on_behalf(database, lake.key_id, lake.purpose)
    building = lake.directory.with_name(lake.directory.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o700)
    mark = copy_mark(ServiceKeys(settings).secret, acting.caller)
    found, files, writer = Found(), Files(building), AccessWriter(database)
    async with database.reading() as session:
        catalogue = await Catalogue.from_database(session)
        policy = await enter(session, acting.token)
        catalogue = await known_to(session, catalogue)
        reading = Reading(
            datetime.now(UTC), acting.caller, "LAKE", "sarhad lake export", policy, 200, _QUESTION, sha256(b"").digest()
        )
        flat = Flat(catalogue, mark)
        given = await terms(session)
        query = every(Conditions(), await reach(session), frozenset())
        async for records in stream(session, acting.caller, query, found):
            await asyncio.to_thread(_add, files, flat, records)
            await writer.write(rows(reading, _account(records)))
    files.close()
    made = sheet(acting.caller, {}, found, Made("lake", policy, files.lines, mark, COLUMNS))
    (building / "lake.json").write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2))
    scopes = {"key": lake.key_id, "purpose": lake.purpose, "terms": [[scope, *of] for scope, of in given.items()]}
    (building / SCOPES).write_bytes(orjson.dumps(scopes))
    shutil.rmtree(lake.directory, ignore_errors=True)
    building.rename(lake.directory)
    return made


_QUESTION = sha256(b"sarhad lake export").digest()


def _account(records: list[Record]) -> Account:
    account = Account()
    ids: dict[str, dict[UUID, None]] = account.ids
    for record in records:
        account.counts[record.owner] += 1
        ids.setdefault(record.owner, {})[record.id] = None
    return account
