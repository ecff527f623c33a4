"""Enter one version of one entry of a country's own list.

Reads as an argument: (1) a policy officer of the country calls; (2) the document is signed with a record-signing key of
the officer's agency; (3) it is the next version of its entry; (4) its substance is an entry of the catalogue, or its
definition takes in and spares the test structures that come with it; (5) kept, with a leaf in the governance log.
"""

from http import HTTPStatus

from pydantic import ValidationError
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.listings.document import ListingDocument
from service.listings.generic import of_catalogue
from service.listings.models import Listing, ListingMatch
from service.policies.signed import digest, verified
from service.problems import Problem
from service.structures.ask import matching
from service.substances.catalogue import Catalogue

LISTING = "sarhad-listing+jwt"


class ListingMalformed(Problem):
    """The document does not follow its schema."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotYourList(Problem):
    """Officers enter what their own country controls."""

    status = HTTPStatus.FORBIDDEN


class ListingOutOfTurn(Problem):
    """This is not the next version of the entry."""

    status = HTTPStatus.CONFLICT


class ListedSubstanceUnknown(Problem):
    """The catalogue has no such entry."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def enter(session: AsyncSession, officer: Caller, signed: bytes, catalogue: Catalogue) -> Listing:
    """Raises PolicySignatureInvalid, ListingMalformed, NotYourList, ListingOutOfTurn, ListedSubstanceUnknown,
    StructureRefused.
    """
    payload, key_id = await verified(session, officer, signed, LISTING)
    document = _read(payload)
    if document.country != officer.country:
        raise NotYourList(f"your country is {officer.country}", pointer="/country", expected=officer.country)
    await _in_turn(session, document)
    if document.substance is not None and catalogue.get(document.substance) is None:
        raise ListedSubstanceUnknown(f"no entry has the code {document.substance}", pointer="/substance")
    covered = await covered_by(session, document)
    listing = Listing(
        **document.model_dump(exclude={"listing", "generic"}),
        generic=document.generic.model_dump(mode="json") if document.generic else None,
        signed=signed.decode(),
        key_id=key_id,
        entered_by=officer.key_id,
    )
    session.add(listing)
    try:
        await session.flush()
    except IntegrityError:
        raise ListingOutOfTurn("another officer entered this version a moment ago", pointer="/version") from None
    await keep_matches(session, listing, covered)
    facts = {"entry": document.entry, "version": document.version, "digest": digest(signed)}
    await record(session, officer.country, "enter-listing", **facts, by=officer.key_id, signed_by=key_id)
    return listing


async def covered_by(session: AsyncSession, document: ListingDocument) -> list[str]:
    """The committed entries that the definition takes in. Raises StructureRefused, ParsersBusy."""
    if document.generic is None:
        return []
    return await matching(document.generic.rule(), await of_catalogue(session), sender=document.country)


async def keep_matches(session: AsyncSession, listing: Listing, covered: list[str]) -> None:
    key = {"country": listing.country, "entry": listing.entry, "version": listing.version}
    if covered:
        await session.execute(insert(ListingMatch), [{**key, "substance": code} for code in covered])


def _read(payload: dict[str, object]) -> ListingDocument:
    try:
        return ListingDocument.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise ListingMalformed(first["msg"].removeprefix("Value error, "), pointer=pointer) from None


async def _in_turn(session: AsyncSession, document: ListingDocument) -> None:
    latest = await session.scalar(
        select(func.max(Listing.version)).where(Listing.country == document.country, Listing.entry == document.entry)
    )
    following = (latest or 0) + 1
    if document.version != following:
        raise ListingOutOfTurn(f"expected version {following}", pointer="/version", expected=following)
