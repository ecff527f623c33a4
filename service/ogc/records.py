"""Records as features: a page over the views of the two precisions of place, in the order of their ids.

Whatever has no disclosed place is not in the collection, and neither is what may not be exported: GIS makes files.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from service.geometry import Box
from service.ogc.asking import Asked
from service.ogc.collections import SEIZURES
from service.ogc.cql import Columns, condition
from service.ogc.grid import Tile
from service.ogc.mosaic import Map
from service.ogc.mvt import BUFFER, EXTENT
from service.policies import obligations
from service.policies.gate import Reach
from service.seizures.models import LEAVES, SHARED_LINE
from service.seizures.paged import UNDATED, overlaps
from service.substances.models import PROVISIONAL
from service.substances.provisional import PREFIX

PLACES = ("point", "cell")
MOST_POINTS = 600  # of a tile
_TAKEN = (
    *("record_id", "version", "kind", "status", "mask", "duties", "at", "position", "agency", "country", "handling"),
    *("admin1", "place_country", "transport_mode", "place_type", "concealment", "scope_id"),
)
_AT = {1 << 20: "instant", 1 << 21: "day", 1 << 22: "month"}
_PLACE = {1 << 24: "point", 1 << 25: "cell"}
_NO_EXPORT = obligations.bits(["no_export"])


class Shown(Map):
    """What a tile shows."""

    filter: Annotated[str | None, Field(description="CQL2 text on the queryables; of seizures only.")] = None


def page(asked: Asked, reach: Reach, after: UUID | None) -> Select[Any]:
    """One page of features and one more. Raises InvalidFilter, UnknownQueryable, FilterTooLarge."""
    found = _visible(reach)
    columns = _columns(found)
    conditions = [*_standing(found), reach.given_by(None, found)]
    if asked.filter is not None:
        conditions.append(condition(asked.filter, columns))
    if asked.box is not None:
        conditions.append(or_(*(overlaps(found, half) for half in asked.box.halves)))
    if asked.interval is not None:
        since, until = asked.interval
        within = [found.c.at >= since] if since else []
        within += [found.c.at <= until] if until else []
        # What has no time is in every period (OGC 17-069r4 /req/core/fc-time-response).
        conditions.append(or_(found.c.at == UNDATED, and_(*within, found.c.at > UNDATED)))
    if after is not None:
        conditions.append(found.c.record_id > after)
    return _shown(found).where(*conditions).order_by(found.c.record_id).limit(asked.limit + 1)


def one(reach: Reach, record_id: UUID) -> Select[Any]:
    found = _visible(reach)
    return _shown(found).where(*_standing(found), found.c.record_id == record_id)


# A provisional code by what it turned out to be, as far as the reader may know it.
_TURNED_OUT = select(PROVISIONAL.c.resolved).where(PROVISIONAL.c.code == SHARED_LINE.c.substance).scalar_subquery()
_SUBSTANCE = case(
    (SHARED_LINE.c.substance.startswith(PREFIX), func.coalesce(_TURNED_OUT, SHARED_LINE.c.substance)),
    else_=SHARED_LINE.c.substance,
)
_SUBSTANCES = func.string_agg(_SUBSTANCE, aggregate_order_by(literal(","), SHARED_LINE.c.line))
LINES = (
    select(
        SHARED_LINE.c.record_id,
        func.count().label("lines"),
        _SUBSTANCES.label("substances"),
        func.sum(SHARED_LINE.c.kg).label("kg"),
    )
    .where(SHARED_LINE.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid))))
    .group_by(SHARED_LINE.c.record_id)
)


async def lines_of(session: AsyncSession, ids: list[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """What features show of their lines, by the record."""
    rows = (await session.execute(LINES, {"record_ids": ids})).mappings().all()
    return {row["record_id"]: dict(row) for row in rows}


def feature(row: Mapping[str, Any], lines: Mapping[str, Any] | None) -> dict[str, Any]:
    """GeoJSON (RFC 7946). null: not disclosed to you, or not stated."""
    return {
        "type": "Feature",
        "id": str(row["record_id"]),
        "geometry": {"type": "Point", "coordinates": [round(row["lon"], 6), round(row["lat"], 6)]},
        "properties": {
            "at": row["at"].isoformat().replace("+00:00", "Z") if row["at"] else None,
            "at_precision": next((name for bit, name in _AT.items() if row["mask"] & bit), None),
            "precision": next((name for bit, name in _PLACE.items() if row["mask"] & bit), None),
            "owner": row["country"],
            "agency": row["agency"],
            "handling": row["handling"],
            "country": row["place_country"],
            "admin1": row["admin1"],
            "transport": row["transport_mode"],
            "place_type": row["place_type"],
            "concealment": _joined(row["concealment"]),
            "substances": lines["substances"] if lines else None,
            "lines": lines["lines"] if lines else None,
            "kg": float(lines["kg"]) if lines and lines["kg"] is not None else None,
            "obligations": _joined(obligations.named(row["duties"])),
        },
    }


def points(tile: Tile, question: Shown, reach: Reach) -> Select[Any]:
    """A tile of the points, no cells, and at most MOST_POINTS of them, with the ids and the owners of what is on it.

    Raises InvalidFilter, UnknownQueryable, FilterTooLarge.
    """
    found = _union(reach, ("point",))
    conditions = [*_standing(found), overlaps(found, Box(*tile.box)), reach.given_by(question.owner, found)]
    if question.filter is not None:
        conditions.append(condition(question.filter, _columns(found)))
    if question.since is not None:
        conditions.append(found.c.at >= question.since)
    if question.until is not None:
        conditions.append(and_(found.c.at < question.until, found.c.at > UNDATED))
    shown = (
        select(found.c.record_id, found.c.at, found.c.country, found.c.position)
        .where(*conditions)
        .order_by(found.c.record_id)
        .limit(MOST_POINTS)
        .cte("shown")
    )
    ids = func.array(select(shown.c.record_id).scalar_subquery(), type_=ARRAY(Uuid))
    lines = (
        select(SHARED_LINE.c.record_id, _SUBSTANCES.label("substances"))
        .where(SHARED_LINE.c.record_id == func.any(ids))
        .group_by(SHARED_LINE.c.record_id)
        .cte("lines")
    )
    at = func.to_char(func.timezone("UTC", func.nullif(shown.c.at, UNDATED)), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    square = func.ST_TileEnvelope(tile.z, tile.col, tile.row)
    drawn = (
        select(
            func.ST_AsMVTGeom(func.ST_Transform(shown.c.position, 3857), square, EXTENT, BUFFER).label("geom"),
            cast(shown.c.record_id, Text).label("id"),
            at.label("at"),
            shown.c.country.label("owner"),
            lines.c.substances,
        )
        .outerjoin(lines, lines.c.record_id == shown.c.record_id)
        .cte("drawn")
    )
    made = func.ST_AsMVT(literal_column("drawn"), SEIZURES.id, EXTENT, "geom", type_=LargeBinary)
    return select(
        select(made).select_from(drawn).scalar_subquery().label("tile"),
        select(func.array_agg(shown.c.record_id)).scalar_subquery().label("ids"),
        select(func.array_agg(shown.c.country)).scalar_subquery().label("owners"),
    )


def _visible(reach: Reach) -> Any:
    return _union(reach, PLACES)


def _union(reach: Reach, places: tuple[str, ...]) -> Any:
    """Conditions stand outside: only a union without conditions merges its leaves in index order."""
    leaves = [LEAVES[place] for place in places if reach.levels[place]]
    none = select(*(LEAVES[places[0]].c[name] for name in _TAKEN)).where(literal(False))
    return union_all(*([select(*(leaf.c[name] for name in _TAKEN)) for leaf in leaves] or [none])).subquery()


def _shown(found: Any) -> Select[Any]:
    names = [name for name in _TAKEN if name not in ("position", "at", "kind", "status", "version", "scope_id")]
    return select(
        *(found.c[name] for name in names),
        func.nullif(found.c.at, UNDATED).label("at"),
        func.ST_X(found.c.position).label("lon"),
        func.ST_Y(found.c.position).label("lat"),
    )


def _standing(found: Any) -> list[ColumnElement[bool]]:
    # An equation with what the planner cannot know would be taken for rare, and a page of the region for a few rows.
    exportable = func.coalesce(found.c.duties, 0).op("&")(_NO_EXPORT) != _NO_EXPORT
    return [found.c.kind == "seizure", found.c.status == "reported", exportable]


def _columns(found: Any) -> Columns:
    """Every queryable, as disclosed. What a feature shows of its lines is what a filter sees of them."""

    def of_lines(value: ColumnElement[Any]) -> Any:
        same = and_(SHARED_LINE.c.record_id == found.c.record_id, SHARED_LINE.c.version == found.c.version)
        return select(value).where(same).scalar_subquery()

    return {
        "geometry": ("geometry", found.c.position),
        "at": ("time", func.nullif(found.c.at, UNDATED)),
        "at_precision": ("text", _first(found.c.mask, _AT)),
        "precision": ("text", _first(found.c.mask, _PLACE)),
        "owner": ("text", found.c.country),
        "agency": ("text", found.c.agency),
        "handling": ("text", found.c.handling),
        "country": ("text", func.nullif(found.c.place_country, "")),
        "admin1": ("text", found.c.admin1),
        "transport": ("text", found.c.transport_mode),
        "place_type": ("text", found.c.place_type),
        "concealment": ("text", func.nullif(func.array_to_string(found.c.concealment, ","), "")),
        "substances": ("text", of_lines(_SUBSTANCES)),
        "lines": ("number", of_lines(func.nullif(func.count(), 0))),
        "kg": ("number", of_lines(func.sum(SHARED_LINE.c.kg))),
        "obligations": (
            "text",
            func.nullif(
                func.concat_ws(
                    ",",
                    *(case((found.c.duties.op("&")(1 << bit) != 0, name), else_=null())
                      for bit, name in enumerate(obligations.OBLIGATIONS)),
                ),
                "",
            ),
        ),
    }  # fmt: skip


def _first(mask: ColumnElement[int], names: Mapping[int, str]) -> ColumnElement[Any]:
    return case(*((mask.op("&")(bit) != 0, name) for bit, name in names.items()), else_=null())


def _joined(values: Iterable[str] | None) -> str | None:
    return ",".join(values or ()) or None
