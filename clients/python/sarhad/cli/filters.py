"""Which records: the filters that several commands take, each said once. A command that names a group of them with
`takes` has what was given of it together, as `filters`.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

Options = dict[str, Any]

ByOption = Annotated[str, typer.Option(help="One or two dimensions, such as month,substance.")]
MeasureOption = Annotated[
    str, typer.Option(help="seizures, items, kg, quantity, tablets, first, persons, purity or price.")
]

_SHARED: Options = {
    "owner": Annotated[str | None, typer.Option(help="Reporting country.")],
    "agency": Annotated[str | None, typer.Option(help="Reporting agency, such as KZ-CUS.")],
    "country": Annotated[str | None, typer.Option(help="Country of seizure, ISO 3166-1 alpha-2.")],
    "admin1": Annotated[str | None, typer.Option(help="First-level unit, ISO 3166-2.")],
    "bbox": Annotated[str | None, typer.Option(help="west,south,east,north in degrees.")],
    "substance": Annotated[str | None, typer.Option(help="Catalogue code; includes its descendants.")],
    "status": Annotated[str | None, typer.Option(help="SUSP, PRES, CONF, NEGA or INCL.")],
    "transport": Annotated[str | None, typer.Option(help="Mode of transport, UNECE Recommendation 19.")],
    "place_type": Annotated[str | None, typer.Option(help="Kind of place, such as ROAD.")],
    "concealment": Annotated[str | None, typer.Option(help="How it was hidden, such as LUG.")],
}
RECORDS: Options = {
    "from_": Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    "to": Annotated[str | None, typer.Option(help="Day after the last, YYYY-MM-DD.")],
    **_SHARED,
    "min_kg": Annotated[str | None, typer.Option(help="At least this many kilograms, in one line.")],
    "max_kg": Annotated[str | None, typer.Option(help="At most this many kilograms, in the same line.")],
    "reference": Annotated[str | None, typer.Option(help="The agency's own reference.")],
    "retracted": Annotated[bool, typer.Option("--retracted", help="Retracted records instead of those that stand.")],
}
FIGURES: Options = {
    "from_": Annotated[str | None, typer.Option("--from", help="First month or day, YYYY-MM or YYYY-MM-DD.")],
    "to": Annotated[str | None, typer.Option(help="Month or day after the last.")],
    **_SHARED,
    "group": Annotated[str | None, typer.Option(help="Group of substances.")],
}
CELLS: Options = {
    "resolution": Annotated[int | None, typer.Option(help="H3 resolution of the cells; 5 is the finest.", max=5)],
}
TRENDS: Options = {
    **FIGURES,
    "level": Annotated[int | None, typer.Option(help="Roll substances up to this depth.", min=0)],
    **CELLS,
    "compare": Annotated[str | None, typer.Option(help="previous or norm.")],
    "changes": Annotated[bool, typer.Option("--changes", help="Say where the level changed.")],
}


def takes(options: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Where a command has `filters`, its user has these options."""

    def made(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            filters = {name: given.pop(name) for name in options}
            command(**given, filters={n: v for n, v in filters.items() if v is not None and v is not False})

        parameters = []
        for parameter in inspect.signature(command).parameters.values():
            if parameter.name == "filters":
                parameters += [parameter.replace(name=n, annotation=o, default=_none(o)) for n, o in options.items()]
            else:
                parameters.append(parameter)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return made


def _none(option: Any) -> bool | None:
    return False if option.__origin__ is bool else None
