"""The grains of the cube: which questions each can answer. Pure.

A grain is one table of migration 0015: sums per scope, month and the grain's own columns. The smallest grain that has
every column of a question answers it; a question that none has goes to the rows (`core.report_fact` and the lines).
"""

from dataclasses import dataclass

EVENT = (
    *("day", "cell", "place_country", "admin1", "transport_mode", "place_type"),
    *("origin", "transit", "destination", "certainty"),
)
COUNTS = ("events", "lines", "confirmed", "unconvertible", "persons")
MEASURES = (
    *("events", "lines", "confirmed", "kg_exact", "kg_converted", "kg_low", "kg_high", "unconvertible", "tablets"),
    *("quantity", "persons"),
)


@dataclass(frozen=True, slots=True)
class Grain:
    """`label` is the column whose rows count lines: NULL there counts records. `before` in the fresh rows says which
    labels come before a line's in its record.
    """

    name: str
    columns: tuple[str, ...]
    label: str | None = None
    before: str | None = None

    @property
    def table(self) -> str:
        return f"cube_{self.name}"


def _of(name: str, columns: tuple[str, ...], label: str | None = None, before: str | None = None) -> Grain:
    return Grain(name, (*((label,) if label else ()), *columns), label, before)


KIND = _of("kind", ("kind",))
PERSON = _of("person", ("place_country", "person_role", "sex", "age_band"))
FLOW = _of("flow", ("origin", "transit", "destination", "certainty"), "substance_group", "before_groups")
# From the smallest to the largest, as measured.
COUNTING = (
    _of("group", (), "substance_group", "before_groups"),
    _of("substance", (), "substance", "before_substances"),
    _of("reported", ("status", "unit", "rule"), "substance", "before_reported"),
    _of("day", ("day",), "substance_group", "before_groups"),
    _of("carriage", ("transport_mode", "place_type"), "substance_group", "before_groups"),
    _of("place", ("place_country", "admin1"), "substance", "before_substances"),
    _of("cell", ("cell",), "substance_group", "before_groups"),
    FLOW,
)
GRAINS = (KIND, *COUNTING, PERSON)


def measures(grain: Grain) -> tuple[str, ...]:
    """What a row of the grain sums."""
    if grain is KIND:
        return ("events",)
    if grain is PERSON:
        return ("persons",)
    return tuple(m for m in MEASURES if m != "persons" and (m != "quantity" or grain.name == "reported"))
