"""A policy as ODRL 2.2 (W3C Recommendation, JSON-LD) and back, without loss. Pure.

A rule is a Permission or a Prohibition to read an AssetCollection (the owner's records, refined by what a rule tests
about them) by a PartyCollection (the members' readers, refined likewise). What is given of a record refines the action.
Left operands that ODRL does not have are of the profile `urn:sarhad:odrl:`. ODRL has no order of rules and this policy
does, so each rule says its `position`. `conflict` is `prohibit`: a prohibition overrides.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from service.policies.differences import members
from service.policies.document import PolicyDocument

PROFILE = "urn:sarhad:odrl:"
CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", {"sarhad": PROFILE}]


class Place(NamedTuple):
    """Where a member of a rule stands in ODRL: in which list of constraints, under which operand and operator."""

    where: Literal["assignee", "target", "action", "constraint"]
    operand: str
    operator: str


PLACES = {
    "audience.countries": Place("assignee", "sarhad:country", "isAnyOf"),
    "audience.groups": Place("assignee", "sarhad:group", "isAnyOf"),
    "audience.agencies": Place("assignee", "sarhad:agency", "isAnyOf"),
    "audience.roles": Place("assignee", "sarhad:role", "isAnyOf"),
    "kinds": Place("target", "sarhad:kind", "isAnyOf"),
    "substance_groups": Place("target", "sarhad:substanceGroup", "isAnyOf"),
    "handling_up_to": Place("target", "sarhad:handling", "lteq"),
    "handling_from": Place("target", "sarhad:handling", "gteq"),
    "events_from": Place("target", "sarhad:eventMonth", "gteq"),
    "events_until": Place("target", "sarhad:eventMonth", "lteq"),
    "gives": Place("action", "sarhad:gives", "eq"),
    "facets": Place("action", "sarhad:facet", "isAnyOf"),
    "time": Place("action", "sarhad:timePrecision", "eq"),
    "place": Place("action", "sarhad:placePrecision", "eq"),
    "purposes": Place("constraint", "purpose", "isAnyOf"),
    "delay_days": Place("constraint", "sarhad:delayDays", "gteq"),
    "joins": Place("constraint", "sarhad:joins", "eq"),
    "obligations": Place("constraint", "sarhad:obligation", "isAllOf"),
    "valid_from": Place("constraint", "dateTime", "gteq"),
    "valid_until": Place("constraint", "dateTime", "lt"),
}
_MEMBERS: dict[tuple[str, str, str], str] = {
    (place.where, place.operand, place.operator): name for name, place in PLACES.items()
}


def exported(policy: PolicyDocument) -> dict[str, Any]:
    """The policy as an ODRL Set."""
    owner = policy.agency or policy.country
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Set",
        "uid": f"urn:sarhad:policy:{owner}:{policy.version}",
        "profile": PROFILE,
        "conflict": "prohibit",
        "assigner": f"urn:sarhad:country:{policy.country}",
        "sarhad:document": _head(policy),
        "permission": [],
        "prohibition": [],
    }
    plain = policy.model_dump(mode="json")["rules"]
    for position, (rule, written) in enumerate(zip(policy.rules, plain, strict=True)):
        kind = "permission" if rule.effect == "permit" else "prohibition"
        document[kind].append(_rule(written, policy.country, owner, position, members(rule)))
    return {name: value for name, value in document.items() if value != []}


def imported(document: Mapping[str, Any]) -> PolicyDocument:
    """The policy that `exported` wrote. Raises KeyError or ValueError for another's ODRL."""
    found: list[tuple[int, dict[str, Any]]] = []
    for kind, effect in (("permission", "permit"), ("prohibition", "deny")):
        for rule in document.get(kind, ()):
            audience: dict[str, Any] = {}
            read: dict[str, Any] = {"id": rule["sarhad:id"], "effect": effect, "audience": audience}
            for where, constraints in _constraints(rule).items():
                for constraint in constraints:
                    name = _MEMBERS[where, constraint["leftOperand"], constraint["operator"]]
                    holder = audience if name.startswith("audience.") else read
                    holder[name.removeprefix("audience.")] = constraint["rightOperand"]
            found.append((rule["sarhad:position"], read))
    rules = [rule for _, rule in sorted(found, key=lambda pair: pair[0])]
    return PolicyDocument.model_validate({**document["sarhad:document"], "rules": rules})


def _head(policy: PolicyDocument) -> dict[str, Any]:
    return policy.model_dump(mode="json", exclude={"rules"}, exclude_none=True)


def _rule(written: Mapping[str, Any], country: str, owner: str, position: int, given: Mapping[str, Any]) -> Any:
    lists: dict[str, list[dict[str, Any]]] = {"assignee": [], "target": [], "action": [], "constraint": []}
    for name, place in PLACES.items():
        if given[name] not in (None, (), 0, "none", "rows"):
            value = written["audience"][name[9:]] if name.startswith("audience.") else written[name]
            constraint = {"leftOperand": place.operand, "operator": place.operator, "rightOperand": value}
            lists[place.where].append(constraint)
    rule: dict[str, Any] = {
        "uid": f"urn:sarhad:policy:{owner}:rule:{quote(str(written['id']), safe='')}",
        "sarhad:id": written["id"],
        "sarhad:position": position,
        "assignee": _refined({"@type": "PartyCollection", "source": "urn:sarhad:members"}, lists["assignee"]),
        "target": _refined({"@type": "AssetCollection", "source": f"urn:sarhad:records:{country}"}, lists["target"]),
        "action": [_refined({"rdf:value": {"@id": "odrl:read"}}, lists["action"])],
    }
    return rule | ({"constraint": lists["constraint"]} if lists["constraint"] else {})


def _refined(of: dict[str, Any], constraints: list[dict[str, Any]]) -> dict[str, Any]:
    return of | ({"refinement": constraints} if constraints else {})


def _constraints(rule: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        "assignee": rule["assignee"].get("refinement", []),
        "target": rule["target"].get("refinement", []),
        "action": rule["action"][0].get("refinement", []),
        "constraint": rule.get("constraint", []),
    }
