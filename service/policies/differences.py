"""What one version of a policy changes against another, in words: every member of every rule that differs. Pure."""

from collections.abc import Iterator
from typing import Any

from service.policies.document import Audience, PolicyDocument, Rule
from service.policies.words import Speaker


def differences(before: PolicyDocument | None, after: PolicyDocument, speaker: Speaker) -> list[dict[str, Any]]:
    """[{rule, change: added|removed|moved|changed|effective, member?, was?, now?, text}], in the order of the rules.

    Rules are known by their ids. Without a policy before, every rule is added.
    """
    old = {rule.id: rule for rule in before.rules} if before else {}
    new = {rule.id: rule for rule in after.rules}
    found = list(_effective(before, after, speaker))
    for id_, rule in new.items():
        if id_ not in old:
            found.append(_told("added", id_, speaker.say("added", rule=id_, text=speaker.rule(rule))))
        else:
            found.extend(_changed(old[id_], rule, speaker))
    found.extend(_moved(list(old), list(new), speaker))
    found.extend(
        _told("removed", id_, speaker.say("removed", rule=id_, text=speaker.rule(rule)))
        for id_, rule in old.items()
        if id_ not in new
    )
    return found


def members(rule: Rule) -> dict[str, Any]:
    """The members of a rule by name; those of its audience as `audience.countries` and so on."""
    audience = {f"audience.{name}": getattr(rule.audience, name) for name in Audience.model_fields}
    return {
        "effect": rule.effect,
        **audience,
        **{name: getattr(rule, name) for name in Rule.model_fields if name not in ("id", "effect", "audience")},
    }


def _changed(old: Rule, new: Rule, speaker: Speaker) -> Iterator[dict[str, Any]]:
    now = members(new)
    for name, was in members(old).items():
        if _set(was) != _set(now[name]):
            words = {"was": speaker.value(name, was), "now": speaker.value(name, now[name])}
            text = speaker.say("changed", rule=new.id, member=speaker.member(name), **words)
            yield {**_told("changed", new.id, text), "member": name, **words}


def _set(value: Any) -> Any:
    """The order within a member means nothing."""
    return frozenset(value) if isinstance(value, tuple) else value


def _moved(old: list[str], new: list[str], speaker: Speaker) -> Iterator[dict[str, Any]]:
    """The fewest rules whose move explains the new order."""
    common = [id_ for id_ in new if id_ in old]
    places = [old.index(id_) for id_ in common]
    kept = _longest_rise(places)
    for id_, place in zip(common, places, strict=True):
        if place not in kept:
            places_said = {"was": place + 1, "now": new.index(id_) + 1}
            yield {**_told("moved", id_, speaker.say("moved", rule=id_, **places_said)), **places_said}


def _longest_rise(numbers: list[int]) -> set[int]:
    best: list[tuple[int, ...]] = [()]
    for number in numbers:
        below = [rise for rise in best if not rise or rise[-1] < number]
        best.append((*sorted(below, key=len)[-1], number))
    return set(sorted(best, key=len)[-1])


def _effective(before: PolicyDocument | None, after: PolicyDocument, speaker: Speaker) -> Iterator[dict[str, Any]]:
    was = before.effective if before else None
    if was != after.effective:
        words = {
            "was": speaker.value("effective", was) if was else speaker.say("at-approval"),
            "now": speaker.value("effective", after.effective) if after.effective else speaker.say("at-approval"),
        }
        yield {"change": "effective", **words, "text": speaker.say("was-effective", **words)}


def _told(change: str, id_: str, text: str) -> dict[str, Any]:
    return {"change": change, "rule": id_, "text": text}
