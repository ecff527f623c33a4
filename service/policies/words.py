"""A policy as sentences that a lawyer reads. Pure; the words themselves are in `phrases.py`."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from service.policies.document import PolicyDocument, Rule
from service.policies.phrases import MEMBERS, SENTENCES, VALUES
from service.records.codes import code_list
from service.records.registry import HANDLING

Language = Literal["en", "ru"]


class Speaker:
    """Says policies in one language. `groups`: the names of substance groups by code."""

    def __init__(self, language: Language, groups: Mapping[str, str]) -> None:
        self._say: dict[str, Any] = SENTENCES[language]
        self._values, self._members, self._groups = VALUES[language], MEMBERS[language], groups
        self._countries = {
            code: entry.label_en if language == "en" else entry.label_ru
            for code, entry in code_list("countries").items()
        }

    def document(self, policy: PolicyDocument) -> dict[str, Any]:
        """{title, effective, rules: [{id, text}], closing: [sentence]}."""
        ceiling = policy.agency is not None
        owner = policy.agency or self._countries.get(policy.country, policy.country)
        return {
            "title": self.say("ceiling" if ceiling else "title", owner=owner, version=policy.version),
            "effective": self.say("effective-approval")
            if policy.effective is None
            else self.say("effective", effective=self.value("effective", policy.effective)),
            "rules": [{"id": rule.id, "text": self.rule(rule)} for rule in policy.rules],
            "closing": ([] if policy.rules else [self.say("nothing")])
            + list(self._say["ceiling-closing" if ceiling else "closing"]),
        }

    def rule(self, rule: Rule) -> str:
        """One rule in one sentence and one for each term."""
        purposes = self.listed("purposes", rule.purposes)
        sentence = self.say(
            rule.effect,
            who=self._who(rule),
            what=self._what(rule),
            purposes=self.say("any-purpose") if rule.purposes is None else self._put("purposes", purposes),
        )
        return " ".join([sentence, *self._terms(rule)])

    def _who(self, rule: Rule) -> str:
        audience = rule.audience
        given = [
            ("countries", audience.countries),
            ("groups", audience.groups),
            ("agencies", audience.agencies),
            ("roles", audience.roles),
        ]
        parts = [self._put(name, self.listed(f"audience.{name}", values)) for name, values in given if values]
        if audience.countries is None and audience.groups is None:
            parts.insert(0, self.say("everyone"))
        return ", ".join(parts)

    def _what(self, rule: Rule) -> str:
        said = self.say("any-kind") if rule.kinds is None else self.listed("kinds", rule.kinds)
        if rule.substance_groups is not None:
            groups = self.listed("substance_groups", rule.substance_groups, "or")
            said += self._put("only-groups" if rule.effect == "permit" else "some-groups", groups)
        if rule.handling_up_to is not None and rule.handling_up_to != HANDLING[-1]:
            said += self._put("up-to", rule.handling_up_to)
        if rule.handling_from is not None:
            said += self._put("from", rule.handling_from)
        return said

    def _terms(self, rule: Rule) -> Iterator[str]:
        if rule.effect == "permit":
            fields = [self.value("facets", facet) for facet in rule.facets]
            precision = [self.value("time", rule.time), self.value("place", rule.place)]
            yield self._put("gives", self._join([*fields, *precision], "and"))
        if rule.gives != "rows":
            yield self._put("only", self.value("gives", rule.gives))
        if rule.delay_days:
            yield self.say("delay", days=rule.delay_days)
        if rule.obligations:
            yield self._put("obligations", self.listed("obligations", rule.obligations))
        periods = {
            "events-from": rule.events_from,
            "events-until": rule.events_until,
            "valid-from": rule.valid_from,
            "valid-until": rule.valid_until,
        }
        for name, bound in periods.items():
            if bound is not None:
                yield self._put(name, self.value(name, bound))
        if rule.joins:
            yield self.say("joins")

    def member(self, member: str) -> str:
        """What a member of a rule is called."""
        return self._members[member]

    def listed(self, member: str, values: Iterable[Any] | None, word: str = "and") -> str:
        return self.say("any") if values is None else self._join([self.value(member, v) for v in values], word)

    def value(self, member: str, value: Any) -> str:
        """One value of a member, as words."""
        if value is None or isinstance(value, bool):
            return self.say({None: "any", True: "yes", False: "no"}[value])
        if isinstance(value, tuple):
            return self._join([self.value(member, one) for one in value], "and") if value else "–"
        if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if member == "delay_days":
            return self._put("days", str(value))
        named = {"audience.countries": self._countries, "substance_groups": self._groups}.get(member, self._values)
        return named.get(f"{member}:{value}", named.get(str(value), str(value)))

    def say(self, name: str, **values: Any) -> str:
        return str(self._say[name]).format(**values)

    def shadowed(self, earlier: str, later: str) -> str:
        return self.say("shadowed", earlier=earlier, later=later)

    def _put(self, name: str, value: str) -> str:
        return str(self._say[name]).format(value)

    def _join(self, parts: list[str], word: str) -> str:
        return self._say[word].join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def shadows(policy: PolicyDocument) -> list[tuple[str, str]]:
    """(earlier, later) rules of which the earlier decides for every reader and record that the later speaks of."""
    permits = [rule for rule in policy.rules if rule.effect == "permit" and not rule.joins]
    return [
        (earlier.id, later.id)
        for place, later in enumerate(permits)
        for earlier in permits[:place]
        if _covers(earlier, later)
    ][:20]


def _covers(wide: Rule, narrow: Rule) -> bool:
    pairs = [
        (wide.audience.countries, narrow.audience.countries),
        (wide.audience.groups, narrow.audience.groups),
        (wide.audience.agencies, narrow.audience.agencies),
        (wide.audience.roles, narrow.audience.roles),
        (wide.purposes, narrow.purposes),
        (wide.kinds, narrow.kinds),
        (wide.substance_groups, narrow.substance_groups),
    ]
    if wide.handling_up_to is None or narrow.handling_up_to is None:
        return False
    if wide.gives != narrow.gives or wide.valid_from or wide.valid_until:
        return False
    within = HANDLING.index(wide.handling_up_to) >= HANDLING.index(narrow.handling_up_to)
    return within and all(w is None or (n is not None and set(n) <= set(w)) for w, n in pairs)
