"""/v1/sign-in, which is public because nobody is known before it, and /v1/people for key administrators."""

import uuid
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from service.identity.callers import Governor, KeyAdministrator, RegistryReader
from service.identity.people import end_person, end_session
from service.signin import passkeys, sessions
from service.signin.challenges import Challenges
from service.signin.codes import issue
from service.signin.documents import (
    Challenge,
    Code,
    Departure,
    Ending,
    Enrolled,
    EnrolmentBegun,
    EnrolmentDeparture,
    EnrolmentDone,
    IdentityDone,
    IdentitySignIn,
    Invitation,
    KeysOffered,
    People,
    PersonView,
    Session,
    SignInDone,
)
from service.signin.identities import Desk, end_identities
from service.signin.pace import step
from service.signin.people import listed, one
from service.web import ReadSession, WriteSession, json_body, unsigned_json, writing

router = APIRouter(tags=["sign-in"])
_LIMIT = 32_768  # bytes of an unsigned body
_paced = [Depends(step)]


def _challenges(request: Request) -> Challenges:
    return Challenges(request.app.state.service_keys.secret)


_Challenges = Annotated[Challenges, Depends(_challenges)]


def _console(request: Request) -> str:
    return str(request.app.state.settings.console)


_Console = Annotated[str, Depends(_console)]


@router.post("/v1/sign-in/enrolments", dependencies=_paced)
async def begin_enrolment(
    asked: Annotated[EnrolmentBegun, unsigned_json(EnrolmentBegun, _LIMIT)],
    session: WriteSession,
    challenges: _Challenges,
    origin: _Console,
) -> Invitation:
    """What the browser asks its authenticator for, to enrol a passkey with a code."""
    return await passkeys.begin(session, challenges, origin, asked.code)


@router.post("/v1/sign-in/passkeys", status_code=HTTPStatus.CREATED, dependencies=_paced)
async def enrol_passkey(
    done: Annotated[EnrolmentDone, unsigned_json(EnrolmentDone, _LIMIT)],
    session: WriteSession,
    challenges: _Challenges,
    origin: _Console,
) -> Enrolled:
    """Keep the passkey; the code is used up."""
    return await passkeys.enrol(session, challenges, origin, done)


@router.post("/v1/sign-in/challenges", dependencies=_paced)
async def begin_sign_in(
    challenges: _Challenges, origin: _Console, offered: Annotated[KeysOffered, unsigned_json(KeysOffered, _LIMIT)]
) -> Challenge:
    """A challenge that certifies these two keys and no others, once a passkey answers it."""
    return sessions.begin(challenges, origin, sessions.BrowserKeys(offered.requests, offered.records))


@router.post("/v1/sign-in/sessions", status_code=HTTPStatus.CREATED, dependencies=_paced)
async def sign_in(
    done: Annotated[SignInDone, unsigned_json(SignInDone, _LIMIT)],
    session: WriteSession,
    challenges: _Challenges,
    origin: _Console,
) -> Session:
    """The browser's keys sign requests and records of the officer's agency from now on, for at most eight hours."""
    keys = sessions.BrowserKeys(done.requests, done.records)
    answer = sessions.Signed(bytes.fromhex(done.ticket), done.credential, (done.proofs[0], done.proofs[1]))
    return await sessions.certify(session, challenges, origin, keys, answer)


def _desk(request: Request, country: Annotated[str, Path(pattern=r"^[A-Z]{2}$")], challenges: _Challenges) -> Desk:
    return Desk(country, request.app.state.providers, challenges, partial(writing, request))


_Desk = Annotated[Desk, Depends(_desk)]


@router.post("/v1/sign-in/providers/{country}/enrolments", dependencies=_paced)
async def begin_identity(
    asked: Annotated[EnrolmentBegun, unsigned_json(EnrolmentBegun, _LIMIT)], desk: _Desk
) -> EnrolmentDeparture:
    """Where the browser goes, to enrol with a code whom the country's OpenID Connect provider identifies."""
    return await desk.begin_enrolment(asked.code)


@router.post("/v1/sign-in/providers/{country}/identities", status_code=HTTPStatus.CREATED, dependencies=_paced)
async def enrol_identity(done: Annotated[IdentityDone, unsigned_json(IdentityDone, _LIMIT)], desk: _Desk) -> Enrolled:
    """Keep the identity; the code is used up."""
    return await desk.enrol(done)


@router.post("/v1/sign-in/providers/{country}/challenges", dependencies=_paced)
async def begin_identity_sign_in(
    offered: Annotated[KeysOffered, unsigned_json(KeysOffered, _LIMIT)], desk: _Desk
) -> Departure:
    """Where the browser goes; whoever is identified there signs in with these two keys and no others."""
    return await desk.begin(sessions.BrowserKeys(offered.requests, offered.records))


@router.post("/v1/sign-in/providers/{country}/sessions", status_code=HTTPStatus.CREATED, dependencies=_paced)
async def sign_in_by_identity(
    done: Annotated[IdentitySignIn, unsigned_json(IdentitySignIn, _LIMIT)], desk: _Desk
) -> Session:
    """As with a passkey: the browser's keys sign for the officer's agency from now on, for at most eight hours."""
    return await desk.certify(sessions.BrowserKeys(done.requests, done.records), done)


@router.post("/v1/sign-out", status_code=HTTPStatus.NO_CONTENT)
async def sign_out(caller: Governor, session: WriteSession) -> None:
    """The keys of this session hold no more, from the next request on."""
    await end_session(session, caller.key_id)


@router.get("/v1/people")
async def list_people(
    caller: RegistryReader,
    session: ReadSession,
    *,
    cursor: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> People:
    """The officers of your country, those too who were ended."""
    page, following = await listed(session, caller.country, after=cursor, limit=limit)
    return People(items=page, next=following)


@router.post("/v1/people/{id}/code", status_code=HTTPStatus.CREATED)
async def issue_code(caller: KeyAdministrator, session: WriteSession, id: uuid.UUID) -> Code:
    """Half of a code with which this officer is enrolled once within a day, by a passkey or by its country's provider.
    Another administrator issues the other half; hand it over on another way.
    """
    code, until, person = await issue(session, id, by=caller.key_id, country=caller.country)
    return Code(code=code, agency=person.agency, handle=person.handle, expires_at=until)


@router.post("/v1/people/{id}/end")
async def end(
    caller: KeyAdministrator, session: WriteSession, id: uuid.UUID, ending: Annotated[Ending, json_body(Ending)]
) -> PersonView:
    """This officer signs in no more, and its open sessions end with the next request."""
    await end_person(session, id, ending.reason, by=caller.key_id, country=caller.country)
    return await one(session, caller.country, id)


@router.delete("/v1/people/{id}/identities", status_code=HTTPStatus.NO_CONTENT)
async def end_by_provider(caller: KeyAdministrator, session: WriteSession, id: uuid.UUID) -> None:
    """This officer signs in by its country's provider no more, until it is enrolled again; its open sessions end."""
    await end_identities(session, id, by=caller.key_id, country=caller.country)
