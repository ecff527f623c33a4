"""/ogc over HTTP: OGC API Features and Tiles, signed like everything else."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.callers import LateReader, Member, Reader
from service.ogc import documents, sums, tiles
from service.ogc.api import definition
from service.ogc.asking import Asked, InvalidParameter, asked, nothing, of_one
from service.ogc.collections import CELLS, FLOWS, SEIZURES, Collection, NoSuchCollection, collection_of
from service.ogc.documents import GEOJSON, JSON, MVT, OPENAPI, SCHEMA
from service.ogc.grid import MATRIX_SET, Tile, TileOutOfRange
from service.ogc.records import Shown, feature, lines_of, one, page
from service.policies.gate import Reach, reach
from service.problems import NotFound
from service.readings.account import account
from service.seizures.paged import plan_for_what_is_asked
from service.web import ReadSession, gives

router = APIRouter(prefix="/ogc", tags=["ogc"])


def _root(request: Request) -> str:
    return str(request.app.state.settings.origin) + "/ogc"


def _told(request: Request, document: dict[str, Any], type_: str = JSON) -> Response:
    nothing(request.query_params.multi_items())
    return Response(orjson.dumps(document), media_type=type_)


@router.get("", response_class=Response, responses=gives(JSON))
async def landing(request: Request, caller: Member) -> Response:
    """What is here (OGC 17-069r4 §7.2)."""
    return _told(request, documents.landing(_root(request)))


@router.get("/api", response_class=Response, responses=gives(OPENAPI))
async def api(request: Request, caller: Member) -> Response:
    """The definition of this interface for GIS clients: OpenAPI 3.0."""
    return _told(request, definition(_root(request)), OPENAPI)


@router.get("/conformance", response_class=Response, responses=gives(JSON))
async def conformance(request: Request, caller: Member) -> Response:
    """The conformance classes that hold."""
    return _told(request, documents.conformance())


@router.get("/collections", response_class=Response, responses=gives(JSON))
async def collections(request: Request, caller: Member) -> Response:
    """The collections; the same for everybody, whatever is shared."""
    return _told(request, documents.collections(_root(request)))


@router.get("/collections/{collection_id}", response_class=Response, responses=gives(JSON))
async def collection(request: Request, collection_id: str, caller: Member) -> Response:
    """One collection."""
    return _told(request, documents.collection(_root(request), collection_of(collection_id)))


@router.get("/collections/{collection_id}/queryables", response_class=Response, responses=gives(SCHEMA))
async def queryables(request: Request, collection_id: str, caller: Member) -> Response:
    """The columns that a filter may name (OGC 19-079r2 §6)."""
    found = collection_of(collection_id)
    if not found.filters:
        raise NoSuchCollection("this collection has no filter", expected=[SEIZURES.id])
    return _told(request, documents.queryables(_root(request), found), SCHEMA)


@router.get("/collections/{collection_id}/items", response_class=Response, responses=gives(GEOJSON))
async def items(request: Request, collection_id: str, caller: LateReader, session: ReadSession) -> Response:
    """A page of features (OGC 17-069r4 §7.15): parameters as /ogc/api lists them, CQL2 in `filter`."""
    found = collection_of(collection_id)
    question = asked(found, request.query_params.multi_items())
    limits = await reach(session)
    bound_to = [*caller.standing, limits.version, found.id, repr(replace_page(question))]
    cursors = request.app.state.cursors
    after = cursors.open(question.cursor, bound_to)[1] if question.cursor else None
    if found is SEIZURES:
        features, owners, following = await _records(session, question, limits, after)
        account(request, {owner: len(ids) for owner, ids in owners.items()}, records=owners)
    else:
        features, counts, following = await _sums(request, session, found, question, limits=limits, after=after)
        account(request, counts)
    following = cursors.seal((None, following), bound_to) if following is not None else None
    return _features(request, found, question, features, following)


@router.get("/collections/{collection_id}/items/{feature_id}", response_class=Response, responses=gives(GEOJSON))
async def item(request: Request, collection_id: str, feature_id: str, caller: Reader, session: ReadSession) -> Response:
    """One feature."""
    found = collection_of(collection_id)
    swapped = of_one(request.query_params.multi_items())
    limits = await reach(session)
    if found is SEIZURES:
        features, owners, _ = await _records(session, Asked(), limits, None, _uuid(feature_id))
        account(request, {owner: len(ids) for owner, ids in owners.items()}, records=owners)
    elif found is CELLS:
        features, counts = await sums.one(session, feature_id, limits)
        account(request, counts)
    else:
        features, counts, _ = await _sums(request, session, found, Asked(limit=0), limits=limits, after=None)
        features = [each for each in features if each["id"] == feature_id]
        account(request, counts)
    if not features:
        raise NotFound("no such feature, or it is not shared with you")
    shown = _turned(features[0], swapped)
    base = f"{_root(request)}/collections/{found.id}"
    shown["links"] = [
        documents.link(f"{base}/items/{feature_id}", "self", GEOJSON),
        documents.link(base, "collection", JSON),
    ]
    crs = documents.EPSG4326 if swapped else documents.CRS84
    return Response(orjson.dumps(shown), media_type=GEOJSON, headers={"content-crs": f"<{crs}>"})


@router.get("/tileMatrixSets", response_class=Response, responses=gives(JSON))
async def matrix_sets(request: Request, caller: Member) -> Response:
    """The tile matrix sets."""
    return _told(request, documents.matrix_sets(_root(request)))


@router.get("/tileMatrixSets/{matrix_set_id}", response_class=Response, responses=gives(JSON))
async def matrix_set(request: Request, matrix_set_id: str, caller: Member) -> Response:
    """A tile matrix set."""
    _quad(matrix_set_id)
    return _told(request, documents.matrix_set())


@router.get("/collections/{collection_id}/tiles", response_class=Response, responses=gives(JSON))
async def tilesets(request: Request, collection_id: str, caller: Member) -> Response:
    """The tile sets of a collection."""
    return _told(request, documents.tilesets(_root(request), collection_of(collection_id)))


@router.get("/collections/{collection_id}/tiles/{matrix_set_id}", response_class=Response, responses=gives(JSON))
async def tileset(request: Request, collection_id: str, matrix_set_id: str, caller: Member) -> Response:
    """One tile set."""
    _quad(matrix_set_id)
    return _told(request, documents.tileset(_root(request), collection_of(collection_id)))


def _place(collection_id: str, matrix_set_id: str, z: int, row: int, col: int) -> Tile:
    found = collection_of(collection_id)
    _quad(matrix_set_id)
    return Tile.of(z, row, col, found.zooms)


@router.get(
    "/collections/{collection_id}/tiles/{matrix_set_id}/{z}/{row}/{col}", response_class=Response, responses=gives(MVT)
)
async def tile(
    request: Request,
    caller: LateReader,
    session: ReadSession,
    place: Annotated[Tile, Depends(_place)],
    question: Annotated[Shown, Query()],
) -> Response:
    """A vector tile (OGC 20-057 §7): sums by H3 cell, flows, or points where the policy gives points."""
    found, state = collection_of(request.path_params["collection_id"]), request.app.state
    question.check(state.catalogue)
    unknown, known = ("group", "filter") if found is SEIZURES else ("filter", "group")
    if getattr(question, unknown) is not None:
        expected = ["from", "to", known, "owner"]
        raise InvalidParameter("no such parameter of these tiles", parameter=unknown, expected=expected)
    limits = await reach(session)
    if found is SEIZURES:
        made, ids = await tiles.of_points(session, place, question, limits)
        account(request, {owner: len(its) for owner, its in ids.items()}, records=ids)
    elif found is FLOWS:
        made, owners = await tiles.of_routes(
            session, place, question, limits, catalogue=state.catalogue, atlas=state.atlas
        )
        account(request, owners)
    else:
        made, owners = await tiles.of_cells(session, place, question, limits)
        account(request, owners)
    return Response(made, media_type=MVT)


async def _records(
    session: AsyncSession, question: Asked, limits: Reach, after: UUID | None, record_id: UUID | None = None
) -> tuple[list[dict[str, Any]], dict[str, list[UUID]], UUID | None]:
    """Features, their ids by owner, and the last of them where more follow."""
    if question.box is not None:
        await plan_for_what_is_asked(session)
    wanted = page(question, limits, after) if record_id is None else one(limits, record_id)
    rows = (await session.execute(wanted)).mappings().all()
    shown = rows[: question.limit]
    ids = [row["record_id"] for row in shown]
    lines = await lines_of(session, ids)
    owners: dict[str, list[UUID]] = {}
    for row in shown:
        owners.setdefault(row["country"], []).append(row["record_id"])
    features = [feature(row, lines.get(row["record_id"])) for row in shown]
    return features, owners, ids[-1] if len(rows) > question.limit else None


async def _sums(
    request: Request, session: AsyncSession, found: Collection, question: Asked, *, limits: Reach, after: UUID | None
) -> tuple[list[dict[str, Any]], dict[str, int], UUID | None]:
    """Features from the place of the last page on (limit 0: all), records by owner, and where more follow."""
    state, wanted = request.app.state, sums.map_of(question)
    wanted.check(state.catalogue)
    if found is CELLS:
        last = f"{after.int:x}" if after is not None else ""
        features, owners, name = await sums.cells(session, question, wanted, limits, last)
        return features, owners, UUID(int=int(name, 16)) if name is not None else None
    features, answer = await sums.routes(
        session, wanted, limits, catalogue=state.catalogue, atlas=state.atlas, box=question.box
    )
    first = after.int if after is not None else 0
    end = first + question.limit if question.limit else len(features)
    return features[first:end], answer.owners, UUID(int=end) if end < len(features) else None


def _features(
    request: Request, found: Collection, question: Asked, features: Sequence[dict[str, Any]], following: str | None
) -> Response:
    base = f"{_root(request)}/collections/{found.id}"
    given = request.query_params.multi_items()
    own = f"{base}/items" + (f"?{urlencode(given)}" if given else "")
    links = [documents.link(own, "self", GEOJSON), documents.link(base, "collection", JSON)]
    if following is not None:
        rest = [(name, value) for name, value in given if name != "cursor"]
        links.append(documents.link(f"{base}/items?{urlencode([*rest, ('cursor', following)])}", "next", GEOJSON))
    document = {
        "type": "FeatureCollection",
        "features": [_turned(each, question.swapped) for each in features],
        "links": links,
        "numberReturned": len(features),
    }
    headers = {
        "content-crs": f"<{question.crs}>",
        "link": ", ".join(f'<{each["href"]}>; rel="{each["rel"]}"; type="{each["type"]}"' for each in links),
    }
    return Response(orjson.dumps(document), media_type=GEOJSON, headers=headers)


def replace_page(question: Asked) -> Asked:
    """The question without its place among the pages: what a cursor is bound to."""
    return Asked(**{name: getattr(question, name) for name in question.__slots__ if name not in ("cursor", "limit")})


def _turned(shown: dict[str, Any], swapped: bool) -> dict[str, Any]:
    if not swapped:
        return shown
    shape = shown["geometry"]
    return shown | {"geometry": {"type": shape["type"], "coordinates": _latitude_first(shape["coordinates"])}}


def _latitude_first(coordinates: list[Any]) -> list[Any]:
    if isinstance(coordinates[0], list):
        return [_latitude_first(part) for part in coordinates]
    return coordinates[::-1]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("no such feature, or it is not shared with you") from None


def _quad(name: str) -> None:
    if name != MATRIX_SET:
        raise TileOutOfRange("tiles are of this matrix set", parameter="tileMatrixSetId", expected=[MATRIX_SET])
