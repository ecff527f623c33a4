"""Whom a policy may name: groups that its country may know of, and who is no member until a date only."""

from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.groups import MEMBERS, groups_known_to, members
from service.policies.document import OutsiderWithoutEnd, PolicyDocument, check_outsiders
from service.policies.life import Owner
from service.policies.read import read
from service.policies.signed import MalformedPolicy


async def judged(
    session: AsyncSession, document: dict[str, Any], owner: Owner, group_bits: dict[str, int]
) -> tuple[PolicyDocument, list[dict[str, Any]]]:
    """(the document, its rules as the gate takes them), with all it names as the registers are now.

    Raises MalformedPolicy with a pointer to what is named and cannot be.
    """
    policy, rules = read(document, owner, group_bits)
    try:
        check_outsiders(policy, frozenset(await members(session)))
    except OutsiderWithoutEnd as refused:
        raise MalformedPolicy(str(refused), pointer=refused.pointer) from None
    await check_groups(session, policy)
    return policy, rules


async def check_groups(session: AsyncSession, policy: PolicyDocument) -> None:
    """Raises MalformedPolicy, in the same words for a group that the country may not know of and for one there is not:
    also where a document is only tried, as what it would give tells who is in its groups.
    """
    if any(set(rule.audience.groups or ()) - {MEMBERS} for rule in policy.rules):
        _check(policy, {MEMBERS, *await groups_known_to(session, policy.country)})


def _check(policy: PolicyDocument, known: AbstractSet[str]) -> None:
    """Raises MalformedPolicy: a rule for a group that nobody is in would mean nobody, and say so to nobody."""
    for number, rule in enumerate(policy.rules):
        for place, group in enumerate(rule.audience.groups or ()):
            if group not in known:
                raise MalformedPolicy(
                    f"there is no group {group} of countries",
                    pointer=f"/rules/{number}/audience/groups/{place}",
                    expected=sorted(known),
                )
