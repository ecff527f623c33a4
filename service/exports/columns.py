"""The columns of an exported line: name, what kind of value, what it says. Every table of reports has these; those of
other records (`kinds.py`) open and close with the same.
"""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "integer", "decimal", "degrees", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    meaning: str


COLUMNS = (
    Column("record_id", "text", "Id of the record"),
    Column("version", "integer", "Version of the record"),
    Column("line", "integer", "Line of the record; empty where its items are not disclosed"),
    Column("owner", "text", "Country that reported, ISO 3166-1"),
    Column("agency", "text", "Agency that reported"),
    Column("kind", "text", "seizure, zero or retraction"),
    Column("handling", "text", "TLP 2.0"),
    Column("reference", "text", "The agency's own reference"),
    Column("time", "text", "When, as precisely as disclosed: instant, day or month"),
    Column("time_precision", "text", "instant, day or month"),
    Column("country", "text", "Country of the seizure, ISO 3166-1"),
    Column("admin1", "text", "First-level unit, ISO 3166-2"),
    Column("longitude", "degrees", "WGS 84; of the point, or of the centre of the disclosed cell"),
    Column("latitude", "degrees", "WGS 84"),
    Column("place_precision", "text", "point or cell"),
    Column("accuracy_m", "integer", "Accuracy of the point as reported, metres"),
    Column("substance", "text", "Catalogue code of what counts: as reported, or as a laboratory found"),
    Column("substance_name", "text", "Its English name"),
    Column("substance_resolved", "text", "Of a provisional code: what it turned out to be"),
    Column("status", "text", "Identification: SUSP, PRES, CONF, NEGA or INCL"),
    Column("substance_reported", "text", "In the reporter's words"),
    Column("quantity_reported", "text", "As reported"),
    Column("unit_reported", "text", "As reported"),
    Column("form", "text", "Physical form"),
    Column("quantity", "decimal", "Harmonised quantity"),
    Column("unit", "text", "Its unit"),
    Column("kg", "decimal", "Kilograms by the rule"),
    Column("kg_low", "decimal", "Lower bound, kilograms"),
    Column("kg_high", "decimal", "Upper bound, kilograms"),
    Column("rule", "text", "Rule that made kilograms of the quantity"),
    Column("transport", "text", "UNECE Recommendation 19"),
    Column("conveyance", "text", "Code"),
    Column("place_type", "text", "Code"),
    Column("concealment", "text", "Codes, separated by a space"),
    Column("route", "text", "role:country:certainty, separated by a space"),
    Column("arrested", "integer", "Persons arrested"),
    Column("narrative", "text", "In the reporter's language"),
    Column("obligations", "text", "What the reader owes for the record, separated by a space"),
    Column("recalled", "flag", "Recalled by its owner from all others"),
    Column("copy_for", "text", "Agency, purpose and mark of the reader that this copy was made for"),
)
NAMES = tuple(column.name for column in COLUMNS)
OPENING = COLUMNS[: NAMES.index("substance")]
CLOSING = COLUMNS[NAMES.index("narrative") :]
AT = {name: place for place, name in enumerate(NAMES)}

Value = str | int | float | bool | None
"""Decimals are their plain decimal text, so that no format decides how exact they are but the one that needs to."""
Row = tuple[Value, ...]

# Of a STIX incident: what stands in other members of the object is left out, what is said of a line is in `items`.
ELSEWHERE = ("owner", "agency", "handling", "copy_for", "longitude", "latitude")
OF_LINE = (
    *("line", "substance", "substance_name", "substance_resolved", "status", "substance_reported"),
    *("quantity_reported", "unit_reported"),
    *("form", "quantity", "unit", "kg", "kg_low", "kg_high", "rule"),
)
OF_RECORD = tuple(name for name in NAMES if name not in (*ELSEWHERE, *OF_LINE))
_JSON = {"text": "string", "integer": "integer", "decimal": "string", "degrees": "number", "flag": "boolean"}


def stix_extension() -> dict[str, Any]:
    """The JSON Schema of the members that a seizure adds to a STIX incident (schemas/exports)."""
    said = {column.name: {"type": _JSON[column.kind], "description": column.meaning} for column in COLUMNS}
    item = {"type": "object", "additionalProperties": False, "properties": {name: said[name] for name in OF_LINE}}
    return {
        "title": "sarhad-seizure",
        "description": "What an exported seizure adds to a STIX 2.1 incident. Absent: not disclosed, or not stated.",
        "type": "object",
        "required": ["extension_type", "items"],
        "additionalProperties": False,
        "properties": {
            "extension_type": {"const": "property-extension"},
            **{name: said[name] for name in OF_RECORD},
            "items": {"type": "array", "items": item},
        },
    }
