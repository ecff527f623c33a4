"""`sarhad prices` and `sarhad timeline`: prices by period, and a product beside its precursors."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sarhad.cli.output import (
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    kilograms,
    show_json,
    show_table,
)
from sarhad.cli.words import say
from sarhad.profile import Profile

FromOption = Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.")]
ToOption = Annotated[str | None, typer.Option(help="Month after the last, YYYY-MM.")]
OwnerOption = Annotated[str | None, typer.Option(help="Reporting country.")]


def prices(
    from_: FromOption = None,
    to: ToOption = None,
    by: Annotated[str, typer.Option(help="month, quarter or year.")] = "quarter",
    substance: Annotated[str | None, typer.Option(help="Catalogue code; includes its descendants.")] = None,
    level: Annotated[str | None, typer.Option(help="RETAIL, WHOLESALE or BORDER.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217.")] = None,
    owner: OwnerOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    as_json: JsonOption = False,
) -> None:
    """Prices that are shared with you: lowest, typical and highest of a kilogram or unit. Never converted.

    Example: sarhad prices --substance SAR-000608 --level RETAIL --from 2025-01
    """
    question = {
        "from_": from_, "to": to, "by": by, "substance": substance, "level": level, "currency": currency,
        "owner": owner,
    }  # fmt: skip
    with connect(Profile.load(profile), purpose=purpose) as client:
        found = client.prices(**question)
    if as_json:
        show_json(found)
        return
    if not found["items"]:
        console.print(say("No price is shared with you for this question."))
        return
    head = ("period", "country", "substance", "level", "currency", "per", "low", "typical", "high", "observations")
    show_table(head, (tuple(row[name] for name in head) for row in found["items"]))


def timeline(
    product: Annotated[str, typer.Argument(help="Catalogue code of the product, such as SAR-000608.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="First month, YYYY-MM. Default: a year before the end.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Month after the last, YYYY-MM. Default: next month.")] = None,
    owner: OwnerOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    as_json: JsonOption = False,
) -> None:
    """A product's precursors, laboratories and seizures by month, side by side. Side by side is no cause.

    Example: sarhad timeline SAR-000608

    Example: sarhad timeline SAR-000608 --from 2025-01 --to 2026-01
    """
    to = to or _later(f"{datetime.now(UTC):%Y-%m}", 1)
    from_ = from_ or _later(to, -12)
    with connect(Profile.load(profile), purpose=purpose) as client:
        found = client.timeline(product=product, from_=from_, to=to, owner=owner)
    if as_json:
        show_json(found)
        return
    head = ("month", "precursor incidents", "seized kg", "stopped kg", "laboratories", "seizures", "kg")
    show_table(head, map(_line, found["months"]))
    for caveat in found["caveats"]:
        console.print(caveat)


def _line(month: dict[str, Any]) -> tuple[object, ...]:
    precursors, product = month.get("precursors", {}), month.get("product", {})
    by = precursors.get("by", {})
    return (
        month["month"],
        precursors.get("incidents", ""),
        kilograms(by.get("SEIZED", {}).get("kg")),
        kilograms(by.get("STOPPED", {}).get("kg")),
        month.get("laboratories", ""),
        product.get("seizures", ""),
        kilograms(product.get("kg_exact")),
    )


def _later(month: str, months: int) -> str:
    """The month `months` after `YYYY-MM`, or after that of a day."""
    try:
        year, number = map(int, month[:7].split("-"))
    except ValueError:
        raise typer.BadParameter(
            say("{month} is no month such as 2026-01", month=repr(month)), param_hint="--to"
        ) from None
    years, rest = divmod(12 * year + number - 1 + months, 12)
    return f"{years:04}-{rest + 1:02}"
