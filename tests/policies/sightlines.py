"""What a reader of the two worlds is given of a record, by the second reading of the whole rule model (`oracle.py`)."""

import calendar
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.policies.document import PolicyDocument, compiled_rows
from service.policies.obligations import bits
from service.records.registry import FACETS, HANDLING, mask
from service.releases.words import with_coarser
from tests.policies.documents import GROUPS, ceiling, document
from tests.policies.evaluator import Labels
from tests.policies.oracle import Reader, Row, Rules, Scope, Sight

BIT = {group: bit for bit, group in enumerate(GROUPS)}
_MOMENTS, _DAYS = ("valid_from", "valid_until"), ("events_from", "events_until")


def decided(
    owner: str,
    rules: list[dict[str, Any]],
    ceilings: Mapping[str, list[dict[str, Any]]],
    stop: Mapping[str, str] | None,
    members: Iterable[str],
) -> Rules:
    """The owner's policy, the ceilings of its agencies, and what it has suspended; rules of records come later."""
    layers = {(owner, "national"): _rows(document(owner, rules))}
    layers |= {(owner, f"agency:{agency}"): _rows(ceiling(agency, listed)) for agency, listed in ceilings.items()}
    blank = dict.fromkeys(("of_agency", "towards_country", "towards_agency", "towards_key"))
    stops = [] if stop is None else [{**blank, **stop, "owner": owner, "lifted": False}]
    return Rules(layers=layers, stops=stops, members=frozenset(members))


def of_record(sharing: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rules of one record, written for `PUT /v1/records/{id}/sharing`, as rows; an audience is any of either."""
    dated = [(rule, datetime.fromisoformat(rule["until"]) if "until" in rule else None) for rule in sharing]
    return [
        {
            "permit": rule["kind"] == "grant",
            "countries": rule.get("countries"),
            "agencies": rule.get("agencies"),
            "purposes": rule.get("purposes"),
            "handling": 4 if rule["kind"] == "grant" else 0,
            "facets": with_coarser(mask(rule.get("facets", ()))),
            "duties": bits(rule.get("obligations", ())),
            "valid_from": until and until - timedelta(days=360),
            "valid_until": until,
        }
        for rule, until in dated
    ]


def sight(rules: Rules, reader: Reader, labels: Labels, id_: str, month: str) -> Sight | None:
    """What the reader is given now of a record of an event in `month` (`2025-05`); None for nothing."""
    last = date(int(month[:4]), int(month[5:]), calendar.monthrange(int(month[:4]), int(month[5:]))[1])
    groups = sum(1 << BIT[group] for group in labels.groups)
    handling = HANDLING.index(labels.handling)
    single = id_ in rules.records
    scope = Scope(
        labels.owner, labels.agency, labels.kind, groups, handling, id_ if single else None, last if single else None
    )
    now = datetime.now(UTC)
    found = rules.sight(reader, scope, now)
    return found if found is not None and (single or found.shows(last, now.date())) else None


def facets(found: Sight | None) -> frozenset[str] | None:
    """The facets of a row, None where no row is shown."""
    if found is None or found.gives != "rows":
        return None
    return frozenset(name for bit, name in enumerate(FACETS) if found.facets >> bit & 1)


def _rows(policy: PolicyDocument) -> list[Row]:
    rows = compiled_rows(policy, BIT)
    for row in rows:
        row |= {name: row[name] and datetime.fromisoformat(row[name]) for name in _MOMENTS}
        row |= {name: row[name] and date.fromisoformat(row[name]) for name in _DAYS}
    return rows
