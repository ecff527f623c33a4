"""A record described in JSON by a person or another program becomes a record to be signed.

    {"kind": "seizure", "handling": "TLP:AMBER", "facets": {"reference": "KPP-2025-0173", …}}

`kind` is "seizure" unless given, `handling` TLP:AMBER, `reported` now; the coarser times and the H3 cell are
filled in.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

import orjson

from sarhad import records
from sarhad.errors import InputError

_MEMBERS = frozenset({"kind", "handling", "facets"})


def read_description(source: bytes, agency: str) -> records.Record:
    """The record of `agency` that a JSON description asks for. Raises InputError with the member at fault."""
    try:
        description = orjson.loads(source)
    except ValueError as fault:
        raise InputError("The description is not JSON: {fault}.", fault=fault) from None
    if not isinstance(description, dict) or not isinstance(description.get("facets"), dict):
        raise InputError('The description is an object with a member "facets".')
    if unknown := sorted(set(description) - _MEMBERS):
        raise InputError("Unknown members beside facets: {unknown}.", unknown=", ".join(unknown))
    kind = description.get("kind", "seizure")
    if kind not in get_args(records.Kind):
        raise InputError(
            "kind is one of {kinds}; got {kind}.", kinds=", ".join(get_args(records.Kind)), kind=repr(kind)
        )
    facets: Mapping[str, Any] = {
        "reported": datetime.now(UTC).isoformat(timespec="seconds"),
        **description["facets"],
    }
    return records.Record(
        agency=agency,
        kind=cast(records.Kind, kind),
        facets=records.complete(cast(records.Kind, kind), facets),
        handling=description.get("handling", records.DEFAULT_HANDLING),
    )


def read_changes(source: bytes) -> dict[str, Any]:
    """The facets of a correction: `{"items": …, "route": null}`; null removes a facet."""
    try:
        changes = orjson.loads(source)
    except ValueError as fault:
        raise InputError("The changes are not JSON: {fault}.", fault=fault) from None
    if not isinstance(changes, dict):
        raise InputError("The changes are an object of facets by name.")
    return dict(changes.get("facets", changes))


def read_input(file: str, standard_input: Any) -> bytes:
    """The bytes of a file, or of standard input for `-`."""
    if file == "-":
        return bytes(standard_input.read())
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise InputError("Cannot read {file}: {strerror}.", file=file, strerror=fault.strerror) from None
