"""What the catalogue looks like from outside: the shapes of the routes' answers and bodies."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.substances.catalogue import Catalogue, Entry
from service.substances.tables import UnitRow
from service.substances.units import Unit


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wanted(Shape):
    """A search, or a page of the whole catalogue."""

    q: Annotated[str | None, Field(max_length=300, description="any name, CAS number or InChIKey")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 20
    after: Annotated[str | None, Field(max_length=40, description="code of the last entry read")] = None


class Summary(Shape):
    code: str
    kind: str
    name: str
    name_ru: str | None
    group: str
    parent: str | None


class Found(Summary):
    """A candidate of a search: by which name it was found, and how well (0 to 100)."""

    found_by: str | None
    score: float | None


class FoundPage(Shape):
    items: list[Found]
    next: str | None


class Name(Shape):
    language: str
    text: str
    kind: str
    source: str
    reported: int | None


class Schedule(Shape):
    convention: Literal["1961", "1971", "1988"]
    schedule: str
    as_of: str
    source: str
    note: str | None


class Source(Shape):
    fact: str
    source: str
    title: str
    note: str | None


class Detail(Summary):
    """An entry with its place in the tree, what it is called, where it is scheduled, and who says so."""

    nps_group: str | None
    cas: str | None
    inchikey: str | None
    smiles: str | None
    formula: str | None
    hs: str | None
    note: str | None
    ancestors: list[Summary]
    children: list[Summary]
    names: list[Name]
    schedules: list[Schedule]
    sources: list[Source]


class NamesToResolve(Shape):
    names: Annotated[list[Annotated[str, Field(max_length=300)]], Field(min_length=1, max_length=1000)]


class Resolution(Shape):
    """`code` is null where no entry carries the name: nothing is guessed."""

    name: str
    code: str | None
    match: str | None
    confidence: str | None


class Resolutions(Shape):
    results: list[Resolution]


class UnitShape(Shape):
    """`factor` (a decimal string) leads to kg, L, m² or one piece; `rule` says how kilograms follow."""

    code: str
    ucum: str | None
    rec20: str | None
    name: str
    name_ru: str
    dimension: str
    factor: str
    rule: str


class Units(Shape):
    items: list[UnitShape]


class UnitsToResolve(Shape):
    names: Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=1000)]


class UnitResolution(Shape):
    """`multiplier` is 1000 for "thousand of doses"; `convertible`: whether any rule leads to kilograms."""

    name: str
    code: str | None
    multiplier: str | None
    rule: str | None
    convertible: bool


class UnitResolutions(Shape):
    results: list[UnitResolution]


def summary(entry: Entry) -> Summary:
    return Summary(**_summary(entry))


def found(entry: Entry, name: str | None = None, score: float | None = None) -> Found:
    return Found(**_summary(entry), found_by=name, score=None if score is None else round(score, 1))


def detail(catalogue: Catalogue, entry: Entry) -> Detail:
    substance = entry.substance
    return Detail(
        **_summary(entry),
        nps_group=substance.nps_group,
        cas=substance.cas,
        inchikey=substance.inchikey,
        smiles=substance.smiles,
        formula=substance.formula,
        hs=substance.hs,
        note=substance.note,
        ancestors=[summary(catalogue.entries[code]) for code in entry.lineage[1:]],
        children=[summary(catalogue.entries[code]) for code in catalogue.children(entry.code)],
        names=[
            Name(language=n.language, text=n.text, kind=n.kind, source=n.source, reported=n.count) for n in entry.names
        ],
        schedules=[
            Schedule.model_validate(
                {
                    "convention": s.convention,
                    "schedule": s.schedule,
                    "as_of": s.as_of.isoformat(),
                    "source": s.source,
                    "note": s.note,
                }
            )
            for s in entry.schedules
        ],
        sources=[
            Source(fact=s.fact, source=s.source, title=catalogue.references[s.source].title, note=s.note)
            for s in entry.sources
        ],
    )


def unit_shape(unit: UnitRow) -> UnitShape:
    return UnitShape(
        code=unit.code,
        ucum=unit.ucum,
        rec20=unit.rec20,
        name=unit.name_en,
        name_ru=unit.name_ru,
        dimension=unit.dimension,
        factor=format(unit.factor, "f"),
        rule=unit.rule,
    )


def unit_resolution(text: str, unit: Unit | None) -> UnitResolution:
    if unit is None:
        return UnitResolution(name=text, code=None, multiplier=None, rule=None, convertible=False)
    return UnitResolution(
        name=text,
        code=unit.code,
        multiplier=format(unit.multiplier, "f"),
        rule=unit.rule,
        convertible=unit.convertible,
    )


def _summary(entry: Entry) -> dict[str, str | None]:
    substance = entry.substance
    return {
        "code": substance.code,
        "kind": substance.kind,
        "name": substance.name_en,
        "name_ru": substance.name_ru,
        "group": substance.group,
        "parent": substance.parent,
    }
