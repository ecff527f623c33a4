"""What an analysis says of a whole exhibit, in the words of a seizure line: confirmed, negative, or nothing yet. Pure.

Of the findings in the role MAIN: one that is identified, and whose evidence meets the minimum scheme, confirms; where
all were looked for and each was ruled out by more than tests of a class, the exhibit is negative. Everything else
leaves the line as it was reported: an identification below the minimum scheme is the laboratory's word, not yet a
confirmation, and a colour that did not show takes no seizure out of the totals.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from service.analyses.derive import is_cannabis, scheme_of, substance_of
from service.analyses.evidence import excludes
from service.records.analysis_shapes import Examination, Finding
from service.substances.catalogue import Catalogue


def results(laboratory: Examination, findings: Sequence[Finding], catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """`exhibit`, `status` (CONF, NEGA or None), `substances` (confirmed codes, in the order of the findings)."""
    for exhibit in laboratory.exhibits:
        main = [finding for finding in findings if finding.exhibit == exhibit.n and finding.role == "MAIN"]
        confirmed = [
            code
            for finding in main
            if finding.level == "IDENTIFIED" and scheme_of(finding, laboratory, catalogue).met
            if (code := substance_of(finding, catalogue)) is not None
        ]
        negative = bool(main) and all(
            excludes(finding, laboratory, cannabis=is_cannabis(substance_of(finding, catalogue), catalogue))
            for finding in main
        )
        status = "CONF" if confirmed else "NEGA" if negative else None
        yield {"exhibit": exhibit.number, "status": status, "substances": confirmed}
