"""Which units measure what is of which physical form. Pure.

Everything can be weighed, and most things counted. Litres are of what flows, hectares of what grows or covers, and
some pieces are of one form by their name: there is no litre of tablets, and no tablet of resin.
"""

from http import HTTPStatus

from service.problems import Problem
from service.substances.units import Unit

_ANY = frozenset({"MIX", "OTH", "UNK"})  # forms that say too little to contradict a unit
_OF_DIMENSION = {
    "volume": frozenset({"LIQ", "OIL", "PST", "GUM", "AMP", "IMP"}),
    "area": frozenset({"PLN", "HRB", "POP", "IMP", "BLT"}),
}
_OF_PIECE = {
    "tablet": frozenset({"TAB", "CAP"}),  # both are called pills
    "capsule": frozenset({"CAP", "TAB", "PWD", "CRY", "LIQ", "OIL"}),  # and what is in them
    "ampoule": frozenset({"AMP", "LIQ", "PWD", "CRY"}),
    "blotter": frozenset({"BLT", "IMP"}),
    "plant": frozenset({"PLN", "HRB", "POP"}),
}


class UnitUnfit(Problem):
    """The unit does not measure what is of this form."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check_fit(unit: Unit, form: str | None, pointer: str) -> None:
    """`form` is a code of `physical_forms`, or None where it is not said. Raises UnitUnfit."""
    forms = _OF_DIMENSION.get(unit.dimension) or _OF_PIECE.get(unit.code)
    if form is not None and forms is not None and form not in forms | _ANY:
        raise UnitUnfit(
            f"{unit.name_en} is a unit of the forms {', '.join(sorted(forms))}; this is {form}",
            pointer=pointer,
            expected=sorted(forms),
        )
