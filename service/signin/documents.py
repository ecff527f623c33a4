"""What the console sends to sign in, and what it is told."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_Code = Annotated[
    str,
    Field(
        min_length=16, max_length=64, description="As the key administrators handed it over: both halves, in any order."
    ),
]
_Ticket = Annotated[str, Field(pattern=r"^[0-9a-f]{80}$", description="As it came with the challenge.")]
_Proof = Annotated[str, Field(max_length=2000)]
_Jwk = dict[str, Any]
_Credential = Annotated[dict[str, Any], Field(description="PublicKeyCredential.toJSON() (WebAuthn Level 3).")]
_Authorization = Annotated[
    str, Field(min_length=1, max_length=2048, description="The authorization code (RFC 6749 §4.1.2).")
]
_Issuer = Annotated[
    str | None, Field(max_length=2048, description="Who sent the browser back, where that was said (RFC 9207).")
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EnrolmentBegun(_Document):
    """An officer has a code and wants to be enrolled: by a passkey, or by whom the country's provider identifies."""

    code: _Code


class EnrolmentDone(_Document):
    """The answer of the authenticator to the options for a code."""

    code: _Code
    ticket: _Ticket
    credential: _Credential


class KeysOffered(_Document):
    """The two public keys that a browser made for this sign-in, as JWK."""

    requests: Annotated[_Jwk, Field(description="Will sign requests.")]
    records: Annotated[_Jwk, Field(description="Will sign records.")]


class _KeysProven(KeysOffered):
    """With each key's own JWS over {ticket, use, kid} (RFC 7515)."""

    ticket: _Ticket
    proofs: Annotated[list[_Proof], Field(min_length=2, max_length=2, description="By the key for requests, records.")]


class SignInDone(_KeysProven):
    """The answer of the authenticator, and each key's own JWS over {ticket, use, kid} (RFC 7515)."""

    credential: _Credential


class IdentityDone(_Document):
    """The browser came back from the provider, to enrol whom it identifies with a code."""

    code: _Code
    ticket: _Ticket
    authorization: _Authorization
    iss: _Issuer = None


class IdentitySignIn(_KeysProven):
    """The browser came back from the provider; and each key's own JWS over {ticket, use, kid} (RFC 7515)."""

    authorization: _Authorization
    iss: _Issuer = None


class Ending(_Document):
    """Why an officer signs in no more."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Invitation(BaseModel):
    """What to ask the authenticator for, and for whom."""

    agency: str
    handle: str
    ticket: str
    options: Annotated[dict[str, Any], Field(description="PublicKeyCredentialCreationOptionsJSON.")]


class Enrolled(BaseModel):
    agency: str
    handle: str


class Challenge(BaseModel):
    """What to ask the authenticator for."""

    ticket: str
    options: Annotated[dict[str, Any], Field(description="PublicKeyCredentialRequestOptionsJSON.")]


class Departure(BaseModel):
    """Where the browser goes to be identified; it comes back with `state`, which is the ticket, and a code."""

    ticket: str
    url: str


class EnrolmentDeparture(Departure):
    """The same, and whom the code is for."""

    agency: str
    handle: str


class Session(BaseModel):
    """Who is signed in, as what, with which keys, until when."""

    agency: str
    handle: str
    roles: list[str]
    kid: str
    record_kid: str
    until: datetime


class Code(BaseModel):
    """To be handed to the officer on another way; it is told once. `code` is half of what the officer enters."""

    code: str
    agency: str
    handle: str
    expires_at: datetime


class PersonView(BaseModel):
    id: uuid.UUID
    agency: str
    handle: str
    roles: list[str]
    passkeys: int
    identities: Annotated[int, Field(description="By its country's provider.")]
    added_at: datetime
    ended_at: datetime | None
    end_reason: str | None


class People(BaseModel):
    """One page, by agency and handle; `next` is the cursor of the following one."""

    items: list[PersonView]
    next: uuid.UUID | None
