"""The stages of a record's way, each with what it means and what it leaves out."""

from collections.abc import Mapping
from typing import Literal, get_args

Stage = Literal[
    "event-to-report",
    "report-to-log",
    "exhibit-to-analysis",
    "analysis-to-filing",
    "report-to-result",
    "request-to-answer",
]
STAGES: tuple[Stage, ...] = get_args(Stage)

# stage: (what is measured, what has no value)
MEANINGS: Mapping[Stage, tuple[str, str]] = {
    "event-to-report": (
        "From the event (seizure, precursor incident, clandestine laboratory) as the report now says to the filing of"
        " its first version. An event with a day and no time counts from the beginning of that day (UTC).",
        "Reports that state neither an instant nor a day of the event.",
    ),
    "report-to-log": (
        "From the filing of a record of any kind to the first checkpoint of the log of records that covers it.",
        "Records that no checkpoint covers yet.",
    ),
    "exhibit-to-analysis": (
        "From the day on which the laboratory received an exhibit to the day on which the analysis was issued; of each"
        " exhibit, in whole days.",
        "Analyses whose days are kept no longer.",
    ),
    "analysis-to-filing": (
        "From the beginning of the day (UTC) on which an analysis was issued to the filing of its first version.",
        "Analyses whose day is kept no longer.",
    ),
    "report-to-result": (
        "From the filing of a report to the filing of the first analysis of the country's own laboratories that counts"
        " for its line; of each line with the number of an exhibit.",
        "Lines that have no such result yet, or have one of another country's laboratory.",
    ),
    "request-to-answer": (
        "From a request of another country about a record to its answer or refusal, in the month in which it was"
        " asked. Requests that were withdrawn are left out.",
        "Requests that are open.",
    ),
}
