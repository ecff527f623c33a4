"""The calls about figures of hidden records: aggregates, publications, their releases and bulletins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sarhad._calls import Call, _act, _content, _get, _object, _segment, _send


def aggregates(**question: Any) -> Call[dict[str, Any]]:
    """Disturbed figures of records that may be counted, not seen; parameters as in `GET /v1/aggregates`."""
    return _get("/v1/aggregates", question)


def publications(**params: Any) -> Call[dict[str, Any]]:
    """A page of proposed, released and withdrawn publications, with their approvals, newest first."""
    return _get("/v1/publications", params)


def publication(publication_id: str) -> Call[dict[str, Any]]:
    """One publication; its `digest` is what an approval names."""
    return _get(f"/v1/publications/{_segment(publication_id)}")


def propose_publication(definition: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Propose a public release: name, title, whole quarters, tables (role analyst or coordinator)."""
    return _act("/v1/publications", dict(definition))


def approve_publication(publication_id: str, digest: str, handling_up_to: str = "TLP:GREEN") -> Call[dict[str, Any]]:
    """Let one's own country's records, up to a handling code, be counted in it (role policy_officer)."""
    document = {"digest": digest, "handling_up_to": handling_up_to}
    return _act(f"/v1/publications/{_segment(publication_id)}/approval", document)


def release_publication(publication_id: str) -> Call[dict[str, Any]]:
    """Publish the figures of the countries that approved, for ever."""
    return _act(f"/v1/publications/{_segment(publication_id)}/release", {})


def withdraw_publication(publication_id: str, reason: str) -> Call[dict[str, Any]]:
    """Take a publication back; the reason is public."""
    return _act(f"/v1/publications/{_segment(publication_id)}/withdrawal", {"reason": reason})


def releases(**params: Any) -> Call[dict[str, Any]]:
    """A page of the public releases, newest first; no key is needed."""
    return replace(_get("/public/releases", params), public=True)


def release(name: str, version: int, *, csv: bool = False) -> Call[bytes]:
    """The bytes of one public release, JSON or CSV."""
    path = f"/public/releases/{_segment(name)}/{version}" + ("/figures.csv" if csv else "")
    return Call("GET", path, _content, public=True)


def ask_for_bulletin(publication_id: str, language: str = "en") -> Call[dict[str, Any]]:
    """Have a released publication printed; `sha256` is null until it is made."""
    return _send("POST", f"/v1/publications/{_segment(publication_id)}/bulletins", {"language": language}, _object)


def bulletin(publication_id: str, language: str = "en") -> Call[bytes]:
    """The bulletin of a released publication as PDF."""
    return Call("GET", f"/v1/publications/{_segment(publication_id)}/bulletins/{_segment(language)}/pdf", _content)
