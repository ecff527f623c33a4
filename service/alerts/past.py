"""What the reader's other records say: the past of those that are judged, from the masking views.

What waits to be judged is nobody's past: of two records that bring the same news, each would keep the other from being
told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CompoundSelect, TextClause, Uuid, bindparam, select, text, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.facts import among
from service.alerts.rules import Past, Seen
from service.analyses.models import APPEARANCE
from service.substances.catalogue import Catalogue

_MOST = 5_000  # earlier contents that a new one is compared with
# What waits to be judged for this reader's country is nobody's past, nor is what is judged with it. Asked of records
# that the reader sees, and hashed once for each statement, however much waits.
_OTHERS = "record_id NOT IN (SELECT gate.unjudged() UNION ALL SELECT unnest(CAST(:but AS uuid[])))"
# Which of what is looked for (`n`) another visible record names: of each code the first counts, however many there are.
_NAMED = """SELECT DISTINCT w.n
  FROM unnest(CAST(:n AS integer[]), CAST(:code AS text[]), CAST(:country AS text[])) AS w(n, code, country)
  CROSS JOIN LATERAL (SELECT FROM {bearing} AND b.{others} {there} LIMIT 1) AS hit"""
_BEARING = (
    "shared.report_line b WHERE b.substance = w.code AND b.status <> 'NEGA'",
    "shared.finding b WHERE b.substance = w.code AND b.level = 'IDENTIFIED'",
)
_THERE = """AND EXISTS (SELECT FROM shared.report r WHERE r.record_id = b.record_id AND r.version = b.version
    AND r.place_country = w.country)"""
_ANYWHERE, _IN_COUNTRY = (
    [text(_NAMED.format(bearing=table, others=_OTHERS, there=there)) for table in _BEARING] for there in ("", _THERE)
)
_BEARERS = [
    text(f"""SELECT hit.record_id FROM unnest(CAST(:code AS text[])) AS w(code) CROSS JOIN LATERAL (
      SELECT b.record_id FROM {table} ORDER BY b.record_id LIMIT :most) AS hit""")
    for table in _BEARING
]
# The same of records beside some spans of time, as it is disclosed; and of logos.
_BESIDE = """AND EXISTS (SELECT FROM shared.report r WHERE r.record_id = b.record_id AND r.version = b.version
    AND (w.country IS NULL OR r.place_country = w.country) AND NOT EXISTS (
      SELECT FROM unnest(CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])) AS s(since, until)
      WHERE r.at BETWEEN s.since AND s.until))"""
_BESIDE_SPANS = [text(_NAMED.format(bearing=table, others=_OTHERS, there=_BESIDE)) for table in _BEARING]
_LOGO_BESIDE_SPANS = [
    text(_NAMED.format(bearing=f"shared.appearance b WHERE b.{side} = w.code", others=_OTHERS, there=_BESIDE))
    for side in ("logo", "logo_back")
]
_COMPARED = f"""
    FROM unnest(CAST(:n AS integer[]), CAST(:code AS text[]), CAST(:unit AS text[]), CAST(:basis AS text[]))
      AS w(n, code, unit, basis)
    CROSS JOIN LATERAL (SELECT c.value, c.record_id FROM shared.finding f
      JOIN shared.content c USING (record_id, version, line)
      WHERE f.substance = w.code AND c.unit = w.unit AND c.basis = w.basis AND c.{_OTHERS} LIMIT {_MOST}) AS earlier"""
_EARLIER = text(f"SELECT w.n, earlier.value {_COMPARED}")
_OWNERS = text(
    f"""SELECT e.n, r.country, count(*) FROM (SELECT DISTINCT w.n, earlier.record_id {_COMPARED}) e
    JOIN shared.report r ON r.record_id = e.record_id GROUP BY e.n, r.country"""
)
Sought = tuple[str, str | None]  # a substance or a logo, and where
Moment = datetime | Literal["-infinity"]  # of an event of which the reader is told no time
Spans = Sequence[tuple[Moment, Moment]]  # from, until
TIMELESS: Spans = [("-infinity", "-infinity")]
Measured = tuple[str, str, str]  # substance, unit, basis


async def past(session: AsyncSession, records: Iterable[Seen], fresh: Sequence[UUID], catalogue: Catalogue) -> Past:
    """What the reader's other records say of what these bring. `fresh`: those that are judged now or after them, which
    are nobody's past, as what waits to be judged.
    """
    records, but = list(records), list(fresh)
    codes = {code: _all_codes(code, catalogue) for record in records for code in record.substances}
    region = await _known(session, _ANYWHERE, [(code, None) for code in codes], codes, but)
    there = {(code, r.country) for r in records if r.country is not None for code in r.substances}
    known = await _known(session, _IN_COUNTRY, [pair for pair in there if (pair[0], None) in region], codes, but)
    logos = {logo for record in records for logo in record.logos}
    return Past(
        region=frozenset(code for code, _ in region),
        countries=frozenset((code, country) for code, country in known if country is not None),
        contents=await _earlier(session, {content[:3] for r in records for content in r.contents}, catalogue, but),
        logos=frozenset(await session.scalars(known_logos(logos, but))) if logos else frozenset(),
    )


async def beside(session: AsyncSession, earlier: Past, spans: Spans, catalogue: Catalogue) -> Past:
    """What of this past is also said by a record that happened in none of the spans, as far as the reader is told."""
    sought: list[Sought] = [*((code, None) for code in earlier.region), *earlier.countries]
    given = {"since": [since for since, _ in spans], "until": [until for _, until in spans]}
    codes = {code: _all_codes(code, catalogue) for code in earlier.region}
    known = await _known(session, _BESIDE_SPANS, sought, codes, [], **given)
    signs: list[Sought] = [(logo, None) for logo in earlier.logos]
    logos = await _known(session, _LOGO_BESIDE_SPANS, signs, {logo: [logo] for logo in earlier.logos}, [], **given)
    return Past(
        region=frozenset(code for code, country in known if country is None),
        countries=frozenset((code, country) for code, country in known if country is not None),
        logos=frozenset(logo for logo, _ in logos),
    )


async def timeless(session: AsyncSession, substances: Collection[str], catalogue: Catalogue) -> set[str]:
    """Those of the substances that visible records name, but none of which the reader is told any time."""
    codes = {code: _all_codes(code, catalogue) for code in substances}
    named = await _known(session, _ANYWHERE, [(code, None) for code in substances], codes, [])
    given = {"since": [since for since, _ in TIMELESS], "until": [until for _, until in TIMELESS]}
    return {code for code, _ in named - await _known(session, _BESIDE_SPANS, named, codes, [], **given)}


async def bearing(session: AsyncSession, substances: Collection[str], catalogue: Catalogue, most: int) -> list[UUID]:
    """Visible records that name the substances, so many of each of their codes."""
    codes = sorted({code for substance in substances for code in _all_codes(substance, catalogue)})
    given = {"code": codes, "most": most}
    found = {id_ for statement in _BEARERS for id_ in await session.scalars(statement, given)}
    return sorted(found)


def known_logos(logos: Collection[str], but: Sequence[UUID]) -> CompoundSelect[Any]:
    """Those of the logos that another visible record names, on the front or the back: a look into an index each."""
    other = text(_OTHERS).bindparams(bindparam("but", list(but), type_=ARRAY(Uuid)))
    sides = (APPEARANCE.c.logo, APPEARANCE.c.logo_back)
    return union(*(select(side).where(among(side, logos), other) for side in sides))


async def _known(
    session: AsyncSession,
    statements: Iterable[TextClause],
    sought: Collection[Sought],
    codes: Mapping[str, Sequence[str]],
    but: list[UUID],
    **more: Any,
) -> set[Sought]:
    """Those of what is sought that another visible record bears, as the statements say, under any of its codes."""
    asked = [(pair, code) for pair in sought for code in codes[pair[0]]]
    if not asked:
        return set()
    given = {"n": list(range(len(asked))), "code": [code for _, code in asked], "but": but, **more}
    given["country"] = [country for (_, country), _ in asked]
    return {asked[n][0] for statement in statements for n in await session.scalars(statement, given)}


async def compared(
    session: AsyncSession, sought: Collection[Measured], catalogue: Catalogue, fresh: Sequence[UUID]
) -> dict[Measured, dict[str, int]]:
    """Whose records, and how many of each country, the earlier contents of `past` are of."""
    asked, given = _asked(sought, catalogue, list(fresh))
    found: dict[Measured, Counter[str]] = {what: Counter() for what in sought}
    for n, country, records in await session.execute(_OWNERS, given) if asked else ():
        found[asked[n]][country] += records
    return {what: dict(owners) for what, owners in found.items()}


async def _earlier(
    session: AsyncSession, sought: Collection[Measured], catalogue: Catalogue, but: list[UUID]
) -> dict[Measured, tuple[float, ...]]:
    asked, given = _asked(sought, catalogue, but)
    found: dict[Measured, list[float]] = {what: [] for what in sought}
    for n, value in await session.execute(_EARLIER, given) if asked else ():
        found[asked[n]].append(float(value))
    return {what: tuple(values[:_MOST]) for what, values in found.items()}


def _asked(
    sought: Collection[Measured], catalogue: Catalogue, but: list[UUID]
) -> tuple[list[Measured], dict[str, list[Any]]]:
    """Each of what is sought under each of its codes, and the parameters that say so."""
    pairs = [(what, code) for what in sought for code in _all_codes(what[0], catalogue)]
    given: dict[str, list[Any]] = {"n": list(range(len(pairs))), "code": [code for _, code in pairs], "but": but}
    given |= {"unit": [unit for (_, unit, _), _ in pairs], "basis": [basis for (*_, basis), _ in pairs]}
    return [what for what, _ in pairs], given


def _all_codes(substance: str, catalogue: Catalogue) -> list[str]:
    """The code, and those that turned out to be it."""
    return sorted(catalogue.descendants(substance) | {substance})
