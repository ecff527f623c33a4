"""The past of the portions of a sweep: what is known beyond the sweep, and what its portions brought so far.

A new policy brings records of many portions into sight at once. Each portion would be the past of the others, and what
is first in two of them nobody's news.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.past import Spans, beside
from service.alerts.rules import Past, Seen
from service.substances.catalogue import Catalogue


@dataclass(slots=True)
class Beyond:
    """One sweep in the eyes of one order, over what happened in these spans. Each thing is sought beyond them once."""

    spans: Spans
    asked: Past = field(default_factory=Past)
    known: Past = field(default_factory=Past)

    async def past(self, session: AsyncSession, earlier: Past, catalogue: Catalogue) -> Past:
        """What of the past of a portion is not a later portion's."""
        new = Past(
            region=earlier.region - self.asked.region,
            countries=earlier.countries - self.asked.countries,
            logos=earlier.logos - self.asked.logos,
        )
        self.asked = _both(self.asked, new)
        self.known = _both(self.known, await beside(session, new, self.spans, catalogue))
        return replace(
            earlier,
            region=earlier.region & self.known.region,
            countries=earlier.countries & self.known.countries,
            logos=earlier.logos & self.known.logos,
        )

    def judged(self, records: Iterable[Seen]) -> None:
        """These were a portion."""
        for seen in records:
            brought = Past(
                region=frozenset(seen.substances),
                countries=frozenset((code, seen.country) for code in seen.substances if seen.country is not None),
                logos=frozenset(seen.logos),
            )
            self.known = _both(self.known, brought)


def _both(one: Past, other: Past) -> Past:
    return Past(one.region | other.region, one.countries | other.countries, {}, one.logos | other.logos)
