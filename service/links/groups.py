"""Confirmed links as groups, and where their seizures were, as precisely as each is disclosed.

A group is what hangs together by confirmed links of one relation that the reader sees. Chemical and physical links make
groups of their own: one press serves many batches, and one batch many presses.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.links.models import SHARED_LINK
from service.problems import Problem

MOST = 5000


class TooManyLinks(Problem):
    """There are more confirmed links than one answer holds."""


class Grouped(BaseModel):
    """Which groups."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    relation: Literal["event", "chemical", "physical"]
    record: Annotated[UUID | None, Field(description="Only the group of this record.")] = None


_PLACED = text(
    """
SELECT r.record_id, r.seizure_id, s.country, s.agency,
  CASE WHEN s.at = '-infinity' THEN NULL ELSE s.at END AS at,
  s.place_country, s.admin1, public.ST_X(s.position) AS lon, public.ST_Y(s.position) AS lat
FROM (
  SELECT x.record_id, x.record_id AS seizure_id FROM unnest(:records) AS x(record_id)
  UNION SELECT l.analysis_id, l.record_id FROM shared.line_result l WHERE l.analysis_id = ANY (:records)
) r JOIN shared.report s ON s.record_id = r.seizure_id
ORDER BY r.record_id, r.seizure_id
"""
).bindparams(bindparam("records", type_=ARRAY(Uuid)))


async def groups(session: AsyncSession, asked: Grouped) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946): a feature for each record of a group and each seizure it examined.

    Geometry is null where no position is disclosed. Raises TooManyLinks.
    """
    link = SHARED_LINK
    query = select(link.c.a, link.c.b).where(link.c.relation == asked.relation, link.c.state == "confirmed")
    edges = [(row.a, row.b) for row in await session.execute(query.order_by(link.c.id).limit(MOST + 1))]
    if len(edges) > MOST:
        raise TooManyLinks(f"ask by record: there are more than {MOST}", parameter="record")
    member = components(edges)
    if asked.record is not None:
        wanted = member.get(asked.record)
        member = {record: group for record, group in member.items() if group == wanted}
    sizes: dict[UUID, int] = {}
    for group in member.values():
        sizes[group] = sizes.get(group, 0) + 1
    placed = (await session.execute(_PLACED, {"records": list(member)})).all()
    features = [_feature(row, member[row.record_id], sizes) for row in placed]
    features.sort(key=lambda feature: (feature["properties"]["group"], feature["properties"]["record"]))
    return {"type": "FeatureCollection", "relation": asked.relation, "groups": len(sizes), "features": features}


def components(edges: Iterable[tuple[UUID, UUID]]) -> dict[UUID, UUID]:
    """Each record's group, named by the smallest id in it."""
    parent: dict[UUID, UUID] = {}

    def root(node: UUID) -> UUID:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in edges:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    return {node: root(node) for node in list(parent)}


def _feature(row: Any, group: UUID, sizes: dict[UUID, int]) -> dict[str, Any]:
    position = None if row.lon is None else {"type": "Point", "coordinates": [row.lon, row.lat]}
    return {
        "type": "Feature",
        "geometry": position,
        "properties": {
            "group": str(group),
            "size": sizes[group],
            "record": str(row.record_id),
            "seizure": str(row.seizure_id) if row.seizure_id != row.record_id else None,
            "owner": row.country,
            "agency": row.agency,
            "at": row.at.isoformat() if row.at else None,
            "country": row.place_country,
            "admin1": row.admin1,
        },
    }
