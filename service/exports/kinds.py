"""What files say of the other kinds of record: their columns, each with its words for one piece of a record. Pure."""

from collections.abc import Iterable
from decimal import Context, Decimal

from service.exports.columns import Column, Kind
from service.exports.pieces import Piece, Said, Say
from service.exports.rows import plain, route

PER = Context(prec=6)  # a price is not known better


def _said(name: str, meaning: str, say: Say, kind: Kind = "text") -> Said:
    return Column(name, kind, meaning), say


def _joined(values: Iterable[str] | None) -> str | None:
    return " ".join(values or ()) or None


def _of_line(name: str) -> Say:
    return lambda piece: plain(piece.line.get(name))


def _of_item(name: str) -> Say:
    return lambda piece: piece.item.get(name)


def _of_content(name: str) -> Say:
    return lambda piece: piece.content.get(name)


def _exhibit(piece: Piece) -> str | None:
    found = (e["number"] for e in piece.of("laboratory", "exhibits") or () if e["n"] == piece.item.get("exhibit"))
    return next(found, None)


def _techniques(piece: Piece) -> str | None:
    rests_on = piece.item.get("techniques") or ()
    return _joined(t["technique"] for t in piece.of("laboratory", "techniques") or () if t["n"] in rests_on)


def _companies(piece: Piece) -> str | None:
    return _joined(f"{company['role']}:{company['country']}" for company in piece.of("case", "companies") or ())


def _documents(piece: Piece) -> str | None:
    return _joined(f"{paper['kind']}:{paper['number']}" for paper in piece.of("case", "documents") or ())


def _equipment(piece: Piece) -> str | None:
    return _joined(f"{part['type']}:{part['count']}" for part in piece.of("laboratory", "equipment") or ())


def _per(piece: Piece) -> tuple[str | None, str | None]:
    """The typical price of one kilogram, or of one unit where nothing converts the amount."""
    line = piece.line
    if line.get("price") is None:
        return None, None
    base, amount = ("kg", line["kg"]) if line["kg"] else (line["unit"], line["quantity"])
    price: Decimal = PER.divide(line["price"], amount)
    return base, format(price.normalize(PER), "f")


_SUBSTANCE: tuple[Said, ...] = (
    _said("substance", "Catalogue code of what counts", lambda piece: piece.substance),
    _said("substance_name", "Its English name", lambda piece: piece.name),
    _said("substance_resolved", "Of a provisional code: what it turned out to be", lambda piece: piece.resolved),
)
_AMOUNT: tuple[Said, ...] = (
    *_SUBSTANCE,
    _said("substance_reported", "In the reporter's words", lambda piece: piece.reported("substance")),
    _said("quantity_reported", "As reported", lambda piece: piece.reported("quantity")),
    _said("unit_reported", "As reported", lambda piece: piece.reported("unit")),
    _said("form", "Physical form", lambda piece: piece.line.get("form")),
    _said("quantity", "Harmonised quantity", _of_line("quantity"), "decimal"),
    _said("unit", "Its unit", lambda piece: piece.line.get("unit")),
    _said("kg", "Kilograms by the rule", _of_line("kg"), "decimal"),
    _said("kg_low", "Lower bound, kilograms", _of_line("kg_low"), "decimal"),
    _said("kg_high", "Upper bound, kilograms", _of_line("kg_high"), "decimal"),
    _said("rule", "Rule that made kilograms of the quantity", lambda piece: piece.line.get("rule")),
)
_WAY: tuple[Said, ...] = (
    _said("transport", "UNECE Recommendation 19", lambda piece: piece.of("transport", "mode")),
    _said("conveyance", "Code", lambda piece: piece.of("transport", "conveyance")),
    _said("place_type", "Code", lambda piece: piece.of("transport", "place_type")),
    _said("route", "role:country:certainty, separated by a space", lambda piece: route(piece.facets)),
)
ANALYSIS: tuple[Said, ...] = (
    _said("exhibit", "Number of the exhibit that the finding is of", _exhibit),
    *_SUBSTANCE,
    _said("substance_reported", "In the laboratory's words", _of_item("reported")),
    _said("role", "Of the finding: MAIN, MINOR, ADULTERANT and the like", _of_item("role")),
    _said("level", "Of the identification", _of_item("level")),
    _said("isomer", "Code", _of_item("isomer")),
    _said("salt", "Code", _of_item("salt")),
    _said("techniques", "Codes of those that it rests on, separated by a space", _techniques),
    _said("purity", "Measured content of the finding", _of_content("value"), "decimal"),
    _said("purity_unit", "Its unit", _of_content("unit")),
    _said("purity_basis", "As base, as salt, as is", _of_content("basis")),
    _said("uncertainty", "Expanded, in the unit of the content", _of_content("uncertainty"), "decimal"),
    _said("coverage_factor", "Of the uncertainty (GUM)", _of_content("k"), "decimal"),
    _said("replicates", "Of the measurement", _of_content("replicates"), "integer"),
    _said("case", "The laboratory's own", lambda piece: piece.of("laboratory", "case")),
    _said("issued", "Day", lambda piece: piece.of("laboratory", "issued")),
    _said("accreditation", "Code", lambda piece: piece.of("laboratory", "accreditation", "status")),
)
INCIDENT: tuple[Said, ...] = (
    *_AMOUNT,
    _said("incident", "What happened to the chemical", _of_item("incident")),
    _said("diversion", "How it was to be diverted", _of_item("diversion")),
    _said("declared_as", "Words of a false declaration", _of_item("declared_as")),
    _said("claimed_use", "Words of the order", _of_item("claimed_use")),
    _said("product", "What it was for", _of_item("product")),
    *_WAY,
    _said("companies", "role:country, separated by a space", _companies),
    _said("documents", "kind:number, separated by a space", _documents),
)
SITE: tuple[Said, ...] = (
    *_AMOUNT,
    _said("role", "What the substance was there for", _of_item("role")),
    _said("site_types", "Codes, separated by a space", lambda piece: _joined(piece.of("laboratory", "types"))),
    _said("stage", "Code", lambda piece: piece.of("laboratory", "stage")),
    _said("scale", "Code", lambda piece: piece.of("laboratory", "scale")),
    _said("makes", "Catalogue codes of the products", lambda piece: _joined(piece.of("laboratory", "makes"))),
    _said("equipment", "type:count, separated by a space", _equipment),
    _said("waste_kg", "Kilograms", lambda piece: piece.of("laboratory", "waste_kg"), "decimal"),
    *_WAY,
)
PRICE: tuple[Said, ...] = (
    *_AMOUNT,
    _said("market_level", "RETAIL, WHOLESALE and the like", _of_item("level")),
    _said("currency", "ISO 4217; never converted", _of_item("currency")),
    _said("low", "Lowest price of the reported amount", _of_item("low"), "decimal"),
    _said("typical", "Typical price of the reported amount", _of_item("typical"), "decimal"),
    _said("high", "Highest price of the reported amount", _of_item("high"), "decimal"),
    _said("prices", "Single prices that the figures rest on", _of_item("n"), "integer"),
    _said("source", "Code", _of_item("source")),
    _said("purity", "As measured, per cent by mass", _of_item("purity"), "decimal"),
    _said("per", "What `typical_per` is of: a kilogram, or one of this unit", lambda piece: _per(piece)[0]),
    _said("typical_per", "Typical price of that; six significant digits", lambda piece: _per(piece)[1], "decimal"),
)
