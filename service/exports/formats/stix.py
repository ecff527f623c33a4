"""A STIX 2.1 bundle (OASIS): an `incident` a record, with what STIX has no field for in an extension of its own.

Ids are UUIDv5 of the exchange's records, so that a second bundle updates the objects of the first. `created` is the
disclosed time of reporting, else the first moment of the disclosed time, else 1970: one is required, none is made up.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson
import stix2

from service.exports.columns import AT, OF_LINE, OF_RECORD, Row
from service.exports.rows import Record

NAMESPACE = UUID("6f2f5b1e-6b43-5c53-9a55-0b7d8c6f4f60")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
# TLP 2.0 in STIX 2.1: the OASIS common objects (extension-definition-specifications/tlp-2.0).
TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP = {
    "TLP:CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "TLP:GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "TLP:AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "TLP:AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "TLP:RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
OURS = f"extension-definition--{uuid5(NAMESPACE, 'seizure')}"


class Stix:
    """The bundle as a stream: first the exchange, then each agency and marking where it is first needed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._said: set[str] = set()
        bundle = f"bundle--{uuid5(NAMESPACE, 'bundle')}"
        self._file.write(b'{"type":"bundle","id":"%s","objects":[' % bundle.encode())
        self._between = b"\n"
        self._exchange = self._identity("Sarhad")
        extension = stix2.v21.ExtensionDefinition(
            id=OURS, created_by_ref=self._exchange, created=BEGAN, modified=BEGAN, name="sarhad-seizure",
            description="A seizure as the exchange discloses it; members as in the provenance of its exports.",
            schema="schemas/exports/stix-seizure.schema.json", version="1.0.0", extension_types=["property-extension"],
        )  # fmt: skip
        self._say(extension)

    def add(self, records: list[Record], rows: list[Row]) -> None:
        of_record: dict[str, list[Row]] = {}
        for row in rows:
            of_record.setdefault(str(row[AT["record_id"]]), []).append(row)
        for record in records:
            self._record(record, of_record[str(record.id)])

    def close(self, sheet: Mapping[str, Any]) -> None:
        note = stix2.v21.Note(
            id=f"note--{uuid5(NAMESPACE, 'provenance')}", created=BEGAN, modified=BEGAN, created_by_ref=self._exchange,
            abstract=f"Copy for {sheet['copy_for']}", content=orjson.dumps(sheet, option=orjson.OPT_INDENT_2).decode(),
            object_refs=[self._exchange],
        )  # fmt: skip
        self._say(note)
        self._file.write(b"\n]}\n")
        self._file.close()

    def _record(self, record: Record, rows: list[Row]) -> None:
        agency, first = self._identity(record.row["agency"]), rows[0]
        created = _moment(record.facets.get("reported") or first[AT["time"]])
        extra: dict[str, Any] = {name: value for name in OF_RECORD if (value := first[AT[name]]) not in (None, False)}
        lines = [{name: row[AT[name]] for name in OF_LINE if row[AT[name]] is not None} for row in rows]
        extra["items"] = [line for line in lines if line]
        incident = stix2.v21.Incident(
            id=f"incident--{record.id}" if record.id.version == 4 else f"incident--{uuid5(NAMESPACE, str(record.id))}",
            created=created, modified=created, created_by_ref=agency, name=f"Drug seizure {first[AT['owner']]}",
            object_marking_refs=[self._marking(record.row["handling"])],
            extensions={OURS: {"extension_type": "property-extension", **extra}},
        )  # fmt: skip
        self._say(incident)
        self._place(incident, record, first, agency, created)

    def _place(self, incident: Any, record: Record, row: Row, agency: str, created: datetime) -> None:
        where: dict[str, Any] = {}
        if row[AT["country"]]:
            where["country"] = row[AT["country"]]
        if row[AT["admin1"]]:
            where["administrative_area"] = row[AT["admin1"]]
        if row[AT["longitude"]] is not None:
            where |= {"longitude": row[AT["longitude"]], "latitude": row[AT["latitude"]]}
        if not where:
            return
        common = {"created": created, "modified": created, "created_by_ref": agency}
        common["object_marking_refs"] = incident.object_marking_refs
        location = stix2.v21.Location(id=f"location--{uuid5(NAMESPACE, f'place {record.id}')}", **where, **common)
        self._say(location)
        self._say(
            stix2.v21.Relationship(
                id=f"relationship--{uuid5(NAMESPACE, f'at {record.id}')}",
                relationship_type="located-at",
                source_ref=incident.id,
                target_ref=location.id,
                **common,
            )
        )

    def _identity(self, name: str) -> str:
        made = f"identity--{uuid5(NAMESPACE, name)}"
        if made not in self._said:
            self._said.add(made)
            self._say(
                stix2.v21.Identity(id=made, created=BEGAN, modified=BEGAN, name=name, identity_class="organization")
            )
        return made

    def _marking(self, label: str) -> str:
        made = TLP[label]
        if made not in self._said:
            self._said.add(made)
            level = label.removeprefix("TLP:").lower()
            extension = {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}}
            self._say(
                {"type": "marking-definition", "spec_version": "2.1", "id": made, "created": "2022-10-01T00:00:00.000Z",
                 "name": label, "extensions": extension}
            )  # fmt: skip
        return made

    def _say(self, made: Any) -> None:
        text = orjson.dumps(made) if isinstance(made, dict) else made.serialize().encode()
        self._file.write(self._between + text)
        self._between = b",\n"


def _moment(time: object) -> datetime:
    if not isinstance(time, str):
        return UNKNOWN
    try:
        told = datetime.fromisoformat(f"{time}-01" if len(time) == 7 else time)
    except ValueError:
        return UNKNOWN
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
