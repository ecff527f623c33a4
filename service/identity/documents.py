"""What officers send and what the registry shows."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

_Kid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="RFC 7638 thumbprint.")]
_AgencyCode = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$", examples=["KZ-CUS"])]
_Role = Literal["reporter", "laboratory", "analyst", "policy_officer", "auditor", "key_administrator", "coordinator"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddAgency(_Document):
    """An agency joins."""

    kind: Literal["add-agency"]
    code: _AgencyCode
    type: Literal["BG", "CU", "PO", "DC", "SS", "FI", "CG", "MI", "PS", "PR", "OT", "LAB", "COURT", "OBSERVER"]
    name: Annotated[str, Field(min_length=1, max_length=200)]


class EnrolKey(_Document):
    """An agency's public key comes into use, with the roles it begins with."""

    kind: Literal["enrol-key"]
    agency: _AgencyCode
    use: Literal["request-signing", "record-signing", "witness"]
    jwk: dict[str, Any]
    roles: Annotated[list[_Role], Field(max_length=7)] = []
    not_before: AwareDatetime | None = None
    not_after: AwareDatetime | None = None
    proof: Annotated[
        str | None, Field(max_length=2000, description="JWS by this very key over its agency and use (RFC 7515).")
    ] = None


class GrantRole(_Document):
    """A key receives a role."""

    kind: Literal["grant-role"]
    kid: _Kid
    role: _Role


class WithdrawRole(_Document):
    """A key loses a role."""

    kind: Literal["withdraw-role"]
    kid: _Kid
    role: _Role


class AddPerson(_Document):
    """An officer may sign in at the console with a passkey, and then acts with these roles."""

    kind: Literal["add-person"]
    agency: _AgencyCode
    handle: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$", description="What the agency calls the post; never a name."),
    ]
    roles: Annotated[list[_Role], Field(min_length=1, max_length=7)]


class SetPersonRoles(_Document):
    """An officer acts with these roles from its next sign-in on; what it is signed in with now ends."""

    kind: Literal["set-person-roles"]
    person: uuid.UUID
    roles: Annotated[list[_Role], Field(min_length=1, max_length=7)]


AnyChange = AddAgency | EnrolKey | GrantRole | WithdrawRole | AddPerson | SetPersonRoles
ChangeDocument = Annotated[AnyChange, Field(discriminator="kind")]
CHANGE: TypeAdapter[AnyChange] = TypeAdapter(ChangeDocument)


class Proposal(_Document):
    """A change that an officer proposes."""

    change: ChangeDocument


class Rejection(_Document):
    """Why a change will not be."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Revocation(_Document):
    """Why a key ends now."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class CountryView(BaseModel):
    code: str
    name: str
    status: Literal["member", "observer", "third"] = Field(
        description="A rule without an audience means every member; an observer or third country must be named."
    )
    groups: list[str] = Field(description="The groups that it is in, besides `members`.")


class AgencyView(BaseModel):
    code: str
    country: str
    type: str
    name: str


class KeyView(BaseModel):
    kid: str
    agency: str
    use: str
    alg: str
    jwk: dict[str, str]
    roles: list[str]
    not_before: datetime
    not_after: datetime | None
    revoked_at: datetime | None
    revocation_reason: str | None


class ChangeView(BaseModel):
    id: uuid.UUID
    country: str
    state: Literal["proposed", "applied", "rejected"]
    change: dict[str, Any]
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    rejected_by: str | None
    rejected_at: datetime | None
    rejection_reason: str | None


class Countries(BaseModel):
    items: list[CountryView]


class Agencies(BaseModel):
    items: list[AgencyView]


class Keys(BaseModel):
    """One page; `next` is the cursor of the following one."""

    items: list[KeyView]
    next: str | None


class Changes(BaseModel):
    """One page, newest first; `next` is the cursor of the following one."""

    items: list[ChangeView]
    next: uuid.UUID | None
