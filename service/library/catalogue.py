"""Read the reference library: a page, or one spectrum with its peaks and its attribution. The same for every member."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.library.models import LibrarySpectrum
from service.paging import Cursors
from service.problems import NotFound

_TABLE = LibrarySpectrum.__table__
_PLACE = (_TABLE.c.added_at, _TABLE.c.id)


class Asked(BaseModel):
    """A page of the library, newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    substance: Annotated[str | None, Field(max_length=40, description="Catalogue code.")] = None
    technique: Annotated[str | None, Field(pattern=r"^(MS2|EI)$")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def page(session: AsyncSession, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """Raises InvalidCursor."""
    bound_to = ["spectra", asked.model_dump_json(exclude={"cursor", "limit"})]
    query = select(_TABLE)
    for name in ("substance", "technique"):
        if (value := getattr(asked, name)) is not None:
            query = query.where(_TABLE.c[name] == value)
    if asked.cursor is not None:
        query = query.where(tuple_(*_PLACE) < tuple_(*cursors.open(asked.cursor, bound_to)))
    query = query.order_by(*(column.desc() for column in _PLACE)).limit(asked.limit + 1)
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    following = cursors.seal((shown[-1]["added_at"], shown[-1]["id"]), bound_to) if more else None
    return {"items": [_document(row) for row in shown], "next": following}


async def one(session: AsyncSession, spectrum: UUID) -> dict[str, Any]:
    """With `peaks`: m/z in Th and intensity. Raises NotFound."""
    row = (await session.execute(select(_TABLE).where(_TABLE.c.id == spectrum))).mappings().first()
    if row is None:
        raise NotFound("the library has no such spectrum")
    return _document(row) | {"peaks": [list(peak) for peak in zip(row["mz"], row["intensity"], strict=True)]}


def _document(row: Any) -> dict[str, Any]:
    said = ("name", "inchikey", "substance", "technique", "ion_mode", "precursor_mz", "instrument", "collision_energy")
    kept = ("licence", "attribution", "agency")
    return {"id": str(row["id"]), **{name: row[name] for name in (*said, *kept)}}
