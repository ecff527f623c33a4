"""Structured logs: one JSON object a line on standard error, without personal data, ids, paths, queries or
bodies.
"""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from service.database import withheld


class Libraries(logging.Handler):
    """What libraries log, without their words, which quote arguments, statements and values of records: who says it,
    in which line of its source, and after what kind of error.
    """

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        structlog.get_logger(record.name).log(
            record.levelno, "library", library=record.name, line=f"{record.module}:{record.lineno}",
            **({"exc_info": withheld(fault)} if fault else {}),
        )  # fmt: skip


def configure() -> None:
    """Set up structlog for this process, and what libraries may say on it: warnings and worse."""
    root = logging.getLogger()
    if not any(isinstance(handler, Libraries) for handler in root.handlers):
        root.addHandler(Libraries(logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # without the values of variables: they may be parts of a record
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # the stream of now: one of before may be closed
    )
