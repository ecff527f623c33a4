"""A policy on trial: a proposal, a document nobody signed yet, or what is in force, as rules for the gate."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies import drafts, history
from service.policies.document import PolicyDocument
from service.policies.life import Owner
from service.policies.named import check_groups
from service.policies.read import read


class Trial(BaseModel):
    """Which policy is tried: a version, a document, a draft, or, with none of them, the policy in force."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="A version of the policy.")] = None
    document: Annotated[dict[str, Any] | None, Field(description="A policy document, unsigned.")] = None
    draft: Annotated[UUID | None, Field(strict=False, description="A draft that the exchange keeps.")] = None

    @model_validator(mode="after")
    def _one_or_none(self) -> "Trial":
        if sum(given is not None for given in (self.version, self.document, self.draft)) > 1:
            raise ValueError("name one of version, document and draft")
        return self


async def on_trial(
    session: AsyncSession, owner: Owner, trial: Trial, group_bits: dict[str, int]
) -> tuple[PolicyDocument, list[dict[str, Any]]] | None:
    """(document, its rules as the gate takes them), None for what is in force. Raises NotFound, MalformedPolicy."""
    if trial.version is not None:
        row, _ = await history.one(session, owner, trial.version)
        return read(row.document, owner, group_bits)
    document = trial.document if trial.draft is None else await drafts.document(session, owner, trial.draft)
    if document is None:
        return None
    policy, rules = read(document, owner, group_bits)
    await check_groups(session, policy)
    return policy, rules
