"""What an answer says: the cells, how sure the kilograms are, what was counted, and what to beware of. Pure."""

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

from service.substances.catalogue import Catalogue
from service.trends.ask import Answer, Cell
from service.trends.parts import labels
from service.trends.question import TIMES, Trend

_EXACT = Context(prec=200)
EXACT = frozenset({"mass", "named-mass", "measured-mass"})
COUNTING_UNIT = (
    "One seizure is one record in its latest version that has not been retracted; a record with several lines of the "
    "same cell is one seizure of that cell. Of records that are confirmed to be of one event, and that you see, one "
    "counts: one that a laboratory has confirmed, then the heaviest."
)
PERSONS_UNIT = (
    "One person is one of a group that a record states in its latest version. Of records that are confirmed to be of "
    "one event, and that you see, the persons of one count, whether they are shared with you or not: of one that a "
    "laboratory has confirmed, then of the heaviest."
)
CAVEATS = (
    "Seizures measure enforcement and reporting as well as trafficking.",
    "The figures hold what is shared with you; what is not shared is in none of them, and its amount is not told.",
)
OVERLAP = "A record counts in every {0} it has, so these cells add up to more than their total."
WITHHELD = "Records whose items are withheld from you are not in a question about substances."
UNDATED = "Records whose time is withheld from you are in no period."


def cell_document(cell: Cell, question: Trend) -> dict[str, Any]:
    return {"key": named(cell.key, question), **measured(cell, question.measures)}


def named(key: Iterable[str | None], question: Trend) -> dict[str, str | None]:
    """null: not disclosed to you; empty: not stated by the reporter."""
    return dict(zip(question.dimensions, key, strict=True))


def measured(cell: Cell, measures: Iterable[str]) -> dict[str, Any]:
    """Counts are numbers, sums decimal strings: what two countries compute from one answer is the same."""
    found: dict[str, Any] = {}
    for measure in measures:
        match measure:
            case "seizures":
                found["seizures"] = cell.counts["events"]
            case "items":
                found["items"] = cell.counts["lines"]
            case "persons":
                found["persons"] = cell.counts["persons"]
            case "first":
                found["first"] = None if cell.first is None else f"{cell.first:%Y-%m}"
            case "kg":
                found |= {
                    "kg": plain(kilograms(cell)),
                    **{f"kg_{end}": plain(cell.sums[f"kg_{end}"]) for end in ("low", "high")},
                }
            case _:
                found[measure] = plain(cell.sums[measure])
    if "persons" not in cell.counts:
        found |= {"kg_exact": plain(cell.sums["kg_exact"]), "kg_converted": plain(cell.sums["kg_converted"])}
        found["n_unconvertible"] = cell.counts["unconvertible"]
        found["pct_confirmed"] = share(cell.counts["confirmed"], cell.counts["lines"])
    return found


def kilograms(cell: Cell) -> Decimal:
    return _EXACT.add(cell.sums["kg_exact"], cell.sums["kg_converted"])


def plain(value: Decimal) -> str:
    """Without trailing zeros, which would tell what was added and taken away again."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: int, whole: int) -> str | None:
    """Percent with one decimal, a half to the even one; null where there is nothing to take a share of."""
    if whole == 0:
        return None
    tenths, rest = divmod(1000 * part, whole)
    tenths += 2 * rest > whole or (2 * rest == whole and tenths % 2)
    return f"{tenths // 10}.{tenths % 10}"


def conversions(question: Trend, answer: Answer, catalogue: Catalogue) -> dict[str, Any]:
    """The rules by which quantities of these substances become kilograms; `by=rule` says how much each gave."""
    kept = labels(question, catalogue, "substance").kept
    asked = catalogue.entries if kept is None else kept
    above = {code for entry in asked for code in catalogue.entries[entry].lineage}
    known = catalogue.units.rules.values()
    applied = answer.whole is not None and bool(answer.whole.sums.get("kg_converted"))
    return {
        "exact": sorted(EXACT),
        "converted": sorted(
            rule.rule
            for rule in known
            if applied
            and rule.rule not in EXACT
            and rule.kg_typical is not None
            and rule.substance in (None, "", *above)
        ),
    }


def document(question: Trend, answer: Answer, policy: str) -> dict[str, Any]:
    whole = None if answer.whole is None else measured(answer.whole, [m for m in question.measures if m != "quantity"])
    return {
        "question": question.said(),
        "policy": policy,
        "by": list(question.dimensions),
        "cells": [cell_document(cell, question) for cell in answer.cells],
        "total": whole,
        "counting_unit": PERSONS_UNIT if question.measures == ("persons",) else COUNTING_UNIT,
        "caveats": caveats(question),
    }


def caveats(question: Trend) -> list[str]:
    found = list(CAVEATS)
    for name in ("concealment", "substance", "group", "status", "unit", "rule"):
        if name in question.dimensions:
            found.append(OVERLAP.format(name))
    if question.about_lines:
        found.append(WITHHELD)
    if question.period is not None or set(question.dimensions) & set(TIMES):
        found.append(UNDATED)
    return found
