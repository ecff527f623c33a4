"""The calls about records: submit, find, read, prove; and what the service says about itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from sarhad._calls import SD_JWT, Call, _get, _get_page, _object, _segment, _send, _text
from sarhad.models import Page, Receipt
from sarhad.records import PATHS, kind


def service() -> Call[dict[str, Any]]:
    """What the service says about itself: keys, log origins, limits."""
    return Call("GET", "/v1/service", _object, public=True)


def submit(record: str) -> Call[Receipt]:
    """Submit one signed record, of any kind or version; the same record again gives the first receipt."""

    def parse(response: httpx.Response) -> Receipt:
        return Receipt.of(_object(response), response.status_code)

    # The agency's own reference makes a repetition of the same bytes harmless: it answers 200 with the
    # first receipt.
    return Call("POST", _among(kind(record)), parse, content=record.encode("ascii"), headers={"content-type": SD_JWT})


def _among(kind: str | None) -> str:
    """Where records of a kind are."""
    return PATHS.get(kind or "", "/v1/seizures")


def search(**filters: Any) -> Call[Page]:
    """One page. Filters as in `GET /v1/seizures`; `from_` for `from`; `kind` also chooses among other records."""
    return _get_page(
        _among(filters.get("kind")),
        {name: value for name, value in filters.items() if name != "kind" or value not in PATHS},
    )


def get(record_id: str, *, kind: str | None = None) -> Call[dict[str, Any]]:
    """What this reader may see of a record, as JSON with the values the service derived."""
    return _get(f"{_among(kind)}/{_segment(record_id)}")


def get_record(record_id: str, *, kind: str | None = None) -> Call[str]:
    """The owner-signed record itself, with the disclosures this reader may have (SD-JWT)."""
    return Call("GET", f"{_among(kind)}/{_segment(record_id)}", _text, headers={"accept": SD_JWT})


def versions(record_id: str, *, kind: str | None = None) -> Call[dict[str, Any]]:
    """The history of a record."""
    return _get(f"{_among(kind)}/{_segment(record_id)}/versions")


def proof(record_id: str, *, kind: str | None = None) -> Call[dict[str, Any]]:
    """Inclusion proof and checkpoint of a record's leaf."""
    return _get(f"{_among(kind)}/{_segment(record_id)}/proof")


def checkpoint(log: str = "records") -> Call[str]:
    """The newest signed checkpoint of a log (C2SP signed note)."""
    return Call("GET", f"/v1/log/{_segment(log)}/checkpoint", _text)


def consistency(log: str, old: int, new: int) -> Call[dict[str, Any]]:
    """Proof that the log's tree of `old` leaves begins its tree of `new`; `path` in base64url."""
    return _get(f"/v1/log/{_segment(log)}/consistency", {"from": old, "to": new})


def checkpoint_due(log: str = "records") -> Call[str]:
    """The checkpoint that witnesses are to cosign now."""
    return Call("GET", f"/v1/log/{_segment(log)}/due", _text)


def cosigned(log: str = "records", *, countries: int = 1) -> Call[str]:
    """The newest checkpoint that witnesses of so many countries cosigned, with their lines."""
    return Call("GET", f"/v1/log/{_segment(log)}/cosigned", _text, params={"countries": countries})


def hand_in_cosignature(log: str, size: int, cosignature: str) -> Call[dict[str, Any]]:
    """Hand in what a witness of one's own country cosigned; the same again changes nothing."""
    document = {"size": size, "cosignature": cosignature}
    return _send("POST", f"/v1/log/{_segment(log)}/cosignatures", document, _object)


def _verdicts(response: httpx.Response) -> list[dict[str, Any]]:
    return list(_object(response)["items"])


def check_analyses(analyses: Sequence[Mapping[str, Any]]) -> Call[list[dict[str, Any]]]:
    """What analyses (their facets) would be answered with before anyone signs them: `derived` and `warnings`, or a
    `problem`. Nothing is kept.
    """
    return _send("POST", "/v1/analyses/check", {"analyses": [dict(facets) for facets in analyses]}, _verdicts)


def check_report(facets: Mapping[str, Any], handling: str, *, kind: str = "seizure") -> Call[dict[str, Any]]:
    """What a report would be answered with before anyone signs it: `derived` and `warnings`, or a `problem`; and as
    `foreseen` what analysts of other countries would be given of it. Nothing is filed.
    """
    document = {"kind": kind, "handling": handling, "facets": dict(facets)}
    return _send("POST", "/v1/seizures/check", document, _object)


def exhibits_waiting(**params: Any) -> Call[dict[str, Any]]:
    """Analyses of one's own country whose exhibits no report names, or (`side="report"`) reports without a result."""
    return _get("/v1/exhibits", params)
