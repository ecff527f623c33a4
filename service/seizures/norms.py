"""What is usual for a country: the 99.9th percentile of its own lines of a substance, in kilograms.

A line above it is accepted and flagged; one that would be usual in a thousandth of the amount is most often grams
written as kilograms. Below a thousand lines there is no such percentile, and nothing is said.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

ENOUGH = 1_000  # lines
KEPT_SECONDS = 600.0

_NORMS = text("""
SELECT substance, count(*) AS lines, percentile_disc(0.999) WITHIN GROUP (ORDER BY kg) AS high
FROM shared.own_line WHERE substance = ANY (:substances) AND kg IS NOT NULL GROUP BY substance
""").bindparams(bindparam("substances", type_=ARRAY(Text)))


@dataclass(frozen=True, slots=True)
class _Norm:
    high: Decimal | None
    until: float


class Norms:
    """Remembered per worker for ten minutes."""

    def __init__(self) -> None:
        self._norms: dict[tuple[str, str], _Norm] = {}

    async def learn(self, session: AsyncSession, country: str, substances: Iterable[str]) -> None:
        """Read the norms of the caller's own country that are not known, or no longer."""
        now = time.monotonic()
        stale = {s for s in substances if (country, s) not in self._norms or self._norms[country, s].until < now}
        if not stale:
            return
        rows = {row.substance: row for row in await session.execute(_NORMS, {"substances": sorted(stale)})}
        for substance in stale:
            row = rows.get(substance)
            high = row.high if row is not None and row.lines >= ENOUGH else None
            self._norms[country, substance] = _Norm(high, now + KEPT_SECONDS)

    def warnings(self, country: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
        """What to look at again in harmonised lines (`row.Candidate.lines`)."""
        found = []
        for index, line in enumerate(lines):
            norm = self._norms.get((country, line["substance"]))
            if norm is None or norm.high is None or line["kg"] is None or Decimal(line["kg"]) <= norm.high:
                continue
            detail = f"{line['kg']} kg is more than 999 of 1000 lines of this substance from {country}"
            if Decimal(line["kg"]) / 1000 <= norm.high:
                detail += "; a thousandth of it would be usual: are these grams?"
            found.append(
                {
                    "type": "/warnings/unusual-quantity",
                    "pointer": f"/items/{index}/reported/quantity",
                    "detail": detail,
                }
            )
        return found
