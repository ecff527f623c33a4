"""Hand the rules of records to the gate, which enforces them from the next statement on."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Uuid, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem
from service.records.registry import HANDLING
from service.releases.models import RULE

_RULES = text("SELECT gate.rule_records(CAST(:records AS uuid[]), CAST(:rules AS jsonb))")
_FULL = "SG002"  # the gate's: no room for another record with rules of its own
_MANY = "SG004"  # the gate's: too many rules of single records


class TooManyOfTheirOwn(Problem):
    """Your country has as many records with rules of their own as the exchange holds."""

    status = HTTPStatus.CONFLICT


class TooManyRules(Problem):
    """A record has at most 40 rules of its own, and a country 8,192; countries and agencies of a rule count as two."""

    status = HTTPStatus.CONFLICT


async def current_rules(session: AsyncSession, records: Collection[UUID]) -> Sequence[Any]:
    """The rules of own records that hold now, oldest first."""
    query = (
        select(RULE)
        .where(RULE.c.record_id == func.any(bindparam("ids", list(records), ARRAY(Uuid))), RULE.c.ended_at.is_(None))
        .where(or_(RULE.c.until.is_(None), RULE.c.until > func.now()))
        .order_by(RULE.c.made_at, RULE.c.id)
    )
    return (await session.execute(query)).all()


async def enforce(session: AsyncSession, records: Collection[UUID]) -> None:
    """Make the gate hold exactly the rules of `records` that hold now; effective for all of them with the COMMIT.

    New readers wait from here to the COMMIT: do it last but for notices. Raises TooManyOfTheirOwn, TooManyRules.
    """
    rules: dict[UUID, list[Any]] = {}
    for rule in await current_rules(session, records):
        rules.setdefault(rule.record_id, []).append(rule)
    rows = [{"record": str(id_), **row} for id_, held in rules.items() for row in gate_rows(held)]
    try:
        async with session.begin_nested():
            await session.execute(_RULES, {"records": list(records), "rules": orjson.dumps(rows).decode()})
    except DBAPIError as refused:
        kind = {_FULL: TooManyOfTheirOwn, _MANY: TooManyRules}.get(getattr(refused.orig, "sqlstate", ""))
        if kind is None:
            raise
        raise kind("take rules away that are not needed, or change the policy instead") from None


def gate_rows(rules: Iterable[Any]) -> list[dict[str, Any]]:
    """The rules in the form of `gate.rule`. An audience of countries and agencies is any of either: a row for each."""
    rows: list[dict[str, Any]] = []
    for rule in _telling(rules):
        for countries, agencies in _audiences(rule.countries, rule.agencies):
            rows.append(_row(len(rows), rule, countries, agencies))
    return rows


_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def _telling(rules: Iterable[Any]) -> list[Any]:
    """Those with an audience; of those that hide the record from all, the one that lasts longest, which is all of them:
    each end of a rule is a moment at which whoever it concerns is judged anew.
    """
    listed = list(rules)
    named = [rule for rule in listed if rule.countries or rule.agencies]
    hiding = [rule for rule in listed if not (rule.countries or rule.agencies)]
    return named + sorted(hiding, key=lambda rule: rule.until or _FOR_EVER)[-1:]


def _audiences(
    countries: list[str] | None, agencies: list[str] | None
) -> list[tuple[list[str] | None, list[str] | None]]:
    if not countries and not agencies:
        return [(None, None)]
    of_agencies = [(sorted({agency[:2] for agency in agencies}), agencies)] if agencies else []
    return [*([(countries, None)] if countries else []), *of_agencies]


def _row(position: int, rule: Any, countries: list[str] | None, agencies: list[str] | None) -> dict[str, Any]:
    permit = rule.kind == "grant"
    # What narrows holds from the COMMIT, not from when the database's clock has reached the time that this one said.
    begins = rule.made_at.isoformat() if permit else None
    return {
        "position": position,
        "permit": permit,
        "joins": permit,
        "countries": countries,
        "agencies": agencies,
        "purposes": rule.purposes,
        "handling": len(HANDLING) - 1 if permit else 0,
        "facets": rule.facets,
        "delay": 0,
        "duties": rule.duties,
        "valid_from": begins,
        "valid_until": rule.until.isoformat() if rule.until else "infinity",
    }
