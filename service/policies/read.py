"""Read a policy document: it follows its schema and is of whom it is said to be; its rules as the gate takes them."""

from typing import Any

from pydantic import ValidationError

from service.policies.document import PolicyDocument, compiled_rows
from service.policies.life import Owner
from service.policies.signed import MalformedPolicy


def read(
    document: dict[str, Any], owner: Owner, group_bits: dict[str, int]
) -> tuple[PolicyDocument, list[dict[str, Any]]]:
    """(the document, its rules as the gate takes them). Raises MalformedPolicy."""
    try:
        policy = PolicyDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise MalformedPolicy(first["msg"], pointer=pointer) from None
    if policy.country != owner.country:
        raise MalformedPolicy(f"the document is for {policy.country}", pointer="/country", expected=owner.country)
    if policy.agency != owner.agency:
        raise MalformedPolicy(
            f"the document is for {policy.agency or policy.country}", pointer="/agency", expected=owner.agency
        )
    try:
        return policy, compiled_rows(policy, group_bits)
    except KeyError as unknown:
        raise MalformedPolicy(
            f"{unknown} is no substance group of the catalogue", pointer="/rules", expected=sorted(group_bits)
        ) from None
